// SPDX-License-Identifier: MIT
/*
 * Four places where an account may be, and the fields that carry the same meaning under other
 * names: integrations          ours: sales-os's fields, and `accountId` at the top for the unique
 * index integrations          as sales-os writes it: the id among the credentials
 *   platformIntegrations  ai-chatbot: the id in platformData, status active | expired | revoked |
 * error instagramusers        InstantChat: flat, isActive
 */
#include "models/account_shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "models/document.h"

const struct account_shape account_shapes[ACCOUNT_SHAPES] = {
    {"integrations", {"accountId", "accountId", "accountId"}, true},
    {"integrations",
     {"credentials.pageId", "credentials.accountId", "credentials.phoneNumberId"},
     true},
    {"platformIntegrations",
     {"platformData.pageId", "platformData.accountId", "platformData.phoneNumberId"},
     false},
    {"instagramusers", {NULL, "instagramUserId", NULL}, false},
};

static const char *first_str(const bson_t *doc, const char *const *paths)
{
    for (; *paths != NULL; paths++) {
        const char *value = document_str(doc, *paths);
        if (value != NULL && *value != '\0')
            return value;
    }
    return NULL;
}

// Each application's word in ours: connected, disconnected, error, pending.
static const char *read_status(const bson_t *doc)
{
    if (!document_bool(doc, "isActive", true) || !document_bool(doc, "isConnected", true))
        return "disconnected";
    const char *status = document_str(doc, "status");
    if (status == NULL || strcmp(status, "active") == 0)
        return "connected";
    if (strcmp(status, "expired") == 0)
        return "error";
    return strcmp(status, "revoked") == 0 ? "disconnected" : status;
}

// Instagram is served by two hosts; with a linked Page it is the Facebook one, unless the document
// says so.
static const char *read_login(const bson_t *doc, const char *page_id)
{
    const char *login = document_str(doc, "settings.login");
    if (login != NULL)
        return login;
    return page_id != NULL ? "facebook" : "instagram";
}

static void read_flows(const bson_t *doc, struct account *account)
{
    bson_iter_t it, item;
    if (!bson_iter_init_find(&it, doc, "flows") || !BSON_ITER_HOLDS_ARRAY(&it) ||
        !bson_iter_recurse(&it, &item))
        return;
    size_t most = 0;
    bson_iter_t counter = item;
    while (bson_iter_next(&counter))
        most++;
    account->flows = x_calloc(most + 1, sizeof(account->flows[0]));
    while (bson_iter_next(&item)) {
        bson_t entry;
        const uint8_t *data;
        uint32_t len;
        if (!BSON_ITER_HOLDS_DOCUMENT(&item))
            continue;
        bson_iter_document(&item, &len, &data);
        if (bson_init_static(&entry, data, len) &&
            document_oid(&entry, "flowId", account->flows[account->flow_count]))
            account->flow_count++;
    }
}

static int64_t read_budget(const bson_t *doc, const char *path)
{
    int64_t budget = document_int(doc, path, -1);
    return budget >= 0 ? budget : -1;
}

static void read_budgets(const bson_t *doc, struct account_budgets *budgets)
{
    *budgets = (struct account_budgets){
        .contact_sends_per_day = read_budget(doc, "settings.budgets.contactSendsPerDay"),
        .contact_calls_per_day = read_budget(doc, "settings.budgets.contactApiCallsPerDay"),
        .contact_tokens_per_day = read_budget(doc, "settings.budgets.contactTokensPerDay"),
        .sends_per_hour = read_budget(doc, "settings.budgets.sendsPerHour"),
        .calls_per_hour = read_budget(doc, "settings.budgets.apiCallsPerHour"),
        .tokens_per_hour = read_budget(doc, "settings.budgets.tokensPerHour")};
}

enum { FACTS_MOST_BYTES = 32 * 1024 }; // of businessHours

// A subdocument as JSON, NULL when there is none or it is too large. Caller deletes.
static cJSON *read_tree(const bson_t *doc, const char *path)
{
    bson_iter_t it, child;
    const uint8_t *data;
    uint32_t len;
    bson_t tree;
    cJSON *json = NULL;
    if (!bson_iter_init(&it, doc) || !bson_iter_find_descendant(&it, path, &child) ||
        !BSON_ITER_HOLDS_DOCUMENT(&child))
        return NULL;
    bson_iter_document(&child, &len, &data);
    if (len > FACTS_MOST_BYTES || !bson_init_static(&tree, data, len) ||
        !document_to_json(&tree, &json, NULL))
        return NULL;
    return json;
}

// The settings are those of sales-os; timezone and locale may also stand beside businessHours.
static cJSON *read_facts(const bson_t *doc, const struct account *account)
{
    static const char *const zones[] = {"settings.timezone", "settings.businessHours.timezone",
                                        "timezone", NULL};
    static const char *const locales[] = {"settings.locale", "settings.language", "locale", NULL};
    cJSON *facts = cJSON_CreateObject();
    json_add_str(facts, "id", account->account_id);
    json_add_str(facts, "name", account->name);
    json_add_str(facts, "platform", platform_name(account->platform));
    json_add_str(facts, "timezone", first_str(doc, zones));
    json_add_str(facts, "locale", first_str(doc, locales));
    cJSON *hours = read_tree(doc, "settings.businessHours");
    if (hours)
        cJSON_AddItemToObject(facts, "businessHours", hours);
    return facts;
}

static int64_t read_updated(const bson_t *doc)
{
    int64_t synced = document_int(doc, "lastSyncedAt", document_int(doc, "lastSync", 0));
    return document_int(doc, "updatedAt", synced);
}

// What the caller asked for, else the document's word; instagramusers has none. False: no platform
// of Meta's.
static bool read_platform(const bson_t *doc, enum platform asked, enum platform *ret_platform)
{
    const char *word = document_str(doc, "platform");
    *ret_platform = asked != PLATFORM_COUNT ? asked : PLATFORM_INSTAGRAM;
    return asked != PLATFORM_COUNT || word == NULL || platform_parse(word, ret_platform);
}

struct account *account_from_document(const struct account_shape *shape, enum platform platform,
                                      const bson_t *doc)
{
    static const char *const name_paths[] = {"platformData.pageName", "platformData.pageUsername",
                                             "username", "fullName", NULL};
    static const char *const page_paths[] = {"credentials.pageId", "pageId", NULL};
    struct account *account = x_alloc(sizeof(*account));

    bool known = read_platform(doc, platform, &account->platform);
    const char *id_path = known ? shape->id_path[account->platform] : NULL;
    const char *id = id_path != NULL ? document_str(doc, id_path) : NULL;
    account->account_id = x_dup(id != NULL ? id : "");

    document_oid(doc, "_id", account->id);
    document_oid(doc, "userId", account->user_id);
    const char *name = first_str(doc, name_paths);
    account->name = x_dup(name != NULL ? name : account->account_id);
    account->status = x_dup(read_status(doc));
    if (account->platform == PLATFORM_INSTAGRAM) {
        account->page_id = x_dup(first_str(doc, page_paths));
        account->login = x_dup(read_login(doc, account->page_id));
    }
    if (account->platform == PLATFORM_WHATSAPP)
        account->waba_id = x_dup(document_str(doc, "credentials.wabaId"));
    const char *policy = document_str(doc, "settings.ambiguous");
    account->ambiguous = x_dup(policy != NULL && strcmp(policy, "skip") == 0 ? "skip" : "resend");
    account->pause_minutes = document_int(doc, "settings.pauseMinutes", -1);
    read_budgets(doc, &account->budgets);
    read_flows(doc, account);
    account->updated_ms = read_updated(doc);
    account->facts = read_facts(doc, account);
    return account;
}

// A Page's messages, and Instagram's by Facebook Login, go out with the Page's token.
static bool uses_page_token(const struct account *account)
{
    return account->platform == PLATFORM_MESSENGER ||
           (account->login != NULL && strcmp(account->login, "facebook") == 0);
}

const char *account_stored_token(const struct account *account, const bson_t *doc)
{
    static const char *const page_first[] = {"credentials.pageAccessToken",
                                             "credentials.accessToken", "pageAccessToken",
                                             "accessToken", NULL};
    static const char *const own_first[] = {"credentials.accessToken",
                                            "credentials.pageAccessToken", "accessToken",
                                            "pageAccessToken", NULL};
    return first_str(doc, uses_page_token(account) ? page_first : own_first);
}

const char *account_token_path(const struct account *account)
{
    return uses_page_token(account) ? "credentials.pageAccessToken" : "credentials.accessToken";
}
