// SPDX-License-Identifier: MIT
/*
 * Accounts: loading, adding, changing, listing. A document is found by its platform and the
 * platform's own id in the first of account_shapes that has it; every change names it by that place
 * and its _id.
 */
#include "models/account.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "models/account_secret.h"
#include "models/account_shape.h"
#include "models/document.h"
#include "models/setup.h"

enum { ACCOUNT_ID_MAX = 128, TOKEN_MAX = 4096, ERROR_LOG_MAX = 50 };

void account_free(struct account *account)
{
    if (account == NULL)
        return;
    free(account->account_id);
    free(account->name);
    free(account->status);
    secret_free(account->token);
    free(account->login);
    free(account->page_id);
    free(account->waba_id);
    free(account->ambiguous);
    free(account->flows);
    cJSON_Delete(account->facts);
    for (size_t i = 0; i < account->secret_count; i++)
        secret_free(account->secrets[i].value);
    free(account->secrets);
    free(account->knowledge);
    free(account);
}

// The filter of one account in one shape.
static bson_t *shape_filter(const struct account_shape *shape, enum platform platform,
                            const char *account_id)
{
    bson_t *filter = BCON_NEW(shape->id_path[platform], BCON_UTF8(account_id));
    if (strcmp(shape->collection, "instagramusers") != 0)
        document_add_str(filter, "platform", platform_document_name(platform));
    return filter;
}

bool account_locate(struct db *db, enum platform platform, const char *account_id,
                    const struct account_shape **ret_shape, bson_t **ret_doc, struct err *err)
{
    for (size_t i = 0; i < ACCOUNT_SHAPES; i++) {
        const struct account_shape *shape = &account_shapes[i];
        struct err why = {0};
        if (shape->id_path[platform] == NULL)
            continue;
        if (document_find(db, shape->collection, shape_filter(shape, platform, account_id), NULL,
                          shape->collection, ret_doc, &why)) {
            *ret_shape = shape;
            return true;
        }
        if (why.code != ERR_NOT_FOUND)
            return err_set(err, why.code, "%s", why.text);
    }
    return err_set(err, ERR_NOT_FOUND,
                   "account %s:%.128s is not known: add it with `hookmill account add`",
                   platform_name(platform), account_id);
}

// Opens what is stored: our sealed form, or the plain text of an application that does not encrypt.
static bool open_token(struct db *db, const char *stored, struct account *account, struct err *err)
{
    if (stored == NULL)
        return err_set(err, ERR_CONFIG,
                       "account %s:%s has no token: `hookmill account rotate-token`",
                       platform_name(account->platform), account->account_id);
    if (strncmp(stored, "v1:", 3) != 0) {
        account->token = x_dup(stored);
        return true;
    }
    if (db->keyring == NULL || db->keyring->count == 0)
        return err_set(err, ERR_CONFIG,
                       "the account's token is encrypted and there is no key: set "
                       "encryption.key");
    account->token = keyring_open(db->keyring, stored, account->id, err);
    return account->token != NULL ||
           err_prefix(err, "token of %s:%s", platform_name(account->platform), account->account_id);
}

bool account_load(struct db *db, enum platform platform, const char *account_id,
                  struct account **ret_account, struct err *err)
{
    const struct account_shape *shape;
    bson_t *doc;
    if (!account_locate(db, platform, account_id, &shape, &doc, err))
        return false;
    struct account *account = account_from_document(shape, platform, doc);
    bool ok = open_token(db, account_stored_token(account, doc), account, err);
    account_read_secrets(db, doc, account);
    bson_destroy(doc);
    ok = ok && user_knowledge(db, account->user_id, KNOWLEDGE_BYTES_MAX, &account->knowledge, err);
    if (ok)
        *ret_account = account;
    else
        account_free(account);
    return ok;
}

static bool check_token(struct db *db, const char *token, struct err *err)
{
    if (token == NULL || *token == '\0' || strlen(token) > TOKEN_MAX)
        return err_set(err, ERR_INPUT, "a token has 1 to %d characters", TOKEN_MAX);
    if (strpbrk(token, " \t\r\n") != NULL)
        return err_set(err, ERR_INPUT, "a token has no blanks or line ends in it");
    if (db->keyring == NULL || db->keyring->count == 0)
        return err_set(err, ERR_CONFIG, "tokens are stored encrypted: set encryption.key");
    return true;
}

static bool check_new(struct db *db, const struct account *account, struct err *err)
{
    if (account->account_id == NULL || *account->account_id == '\0' ||
        strlen(account->account_id) > ACCOUNT_ID_MAX)
        return err_set(err, ERR_INPUT, "an account id has 1 to %d characters", ACCOUNT_ID_MAX);
    if (!check_token(db, account->token, err))
        return false;

    const struct account_shape *shape;
    bson_t *doc;
    struct err why = {0};
    if (!account_locate(db, account->platform, account->account_id, &shape, &doc, &why))
        return why.code == ERR_NOT_FOUND || err_set(err, why.code, "%s", why.text);
    bson_destroy(doc);
    return err_set(err, ERR_CONFLICT, "account %s:%s is there already (in %s)",
                   platform_name(account->platform), account->account_id, shape->collection);
}

static void add_credentials(bson_t *doc, const struct account *account, const char *sealed)
{
    static const char *const id_field[PLATFORM_COUNT] = {"pageId", "accountId", "phoneNumberId"};
    bson_t credentials;
    BSON_APPEND_DOCUMENT_BEGIN(doc, "credentials", &credentials);
    document_add_str(&credentials, id_field[account->platform], account->account_id);
    if (account->platform == PLATFORM_INSTAGRAM)
        document_add_str(&credentials, "pageId", account->page_id);
    if (account->platform == PLATFORM_WHATSAPP)
        document_add_str(&credentials, "wabaId", account->waba_id);
    document_add_str(&credentials, strchr(account_token_path(account), '.') + 1, sealed);
    bson_append_document_end(doc, &credentials);
}

static void add_empty(bson_t *doc, const char *name, bool array)
{
    bson_t empty = BSON_INITIALIZER;
    if (array)
        bson_append_array(doc, name, -1, &empty);
    else
        bson_append_document(doc, name, -1, &empty);
}

static bson_t *account_document(const struct account *account, const char *id, const char *user_id,
                                const char *sealed)
{
    bson_t *doc = bson_new(), settings;
    int64_t now = clock_wall_ms();
    const char *name = account->name != NULL ? account->name : account->account_id;
    bson_t *platform_data = BCON_NEW("pageName", BCON_UTF8(name));

    document_add_oid(doc, "_id", id);
    document_add_oid(doc, "userId", user_id);
    document_add_str(doc, "platform", platform_document_name(account->platform));
    document_add_str(doc, "accountId", account->account_id);
    document_add_str(doc, "status", account->status != NULL ? account->status : "connected");
    add_credentials(doc, account, sealed);
    BSON_APPEND_DOCUMENT(doc, "platformData", platform_data);
    BSON_APPEND_DOCUMENT_BEGIN(doc, "settings", &settings);
    document_add_str(&settings, "login", account->login);
    document_add_str(&settings, "ambiguous",
                     account->ambiguous != NULL ? account->ambiguous : "resend");
    bson_append_document_end(doc, &settings);
    add_empty(doc, "flows", true);
    add_empty(doc, "secrets", false);
    add_empty(doc, "errorLog", true);
    document_add_date(doc, "connectedAt", now);
    document_add_date(doc, "updatedAt", now);
    bson_destroy(platform_data);
    return doc;
}

bool account_add(struct db *db, const struct account *account, char ret_id[25], struct err *err)
{
    char id[25], user_id[25];
    if (!check_new(db, account, err))
        return false;
    if (account->user_id[0] != '\0')
        memcpy(user_id, account->user_id, sizeof(user_id));
    else if (!user_find(db, NULL, user_id, err))
        return false;

    bson_oid_t oid;
    bson_oid_init(&oid, NULL);
    bson_oid_to_string(&oid, id);
    char *sealed = keyring_seal(db->keyring, account->token, id);
    bson_t *doc = account_document(account, id, user_id, sealed);
    mongoc_collection_t *c = mongoc_database_get_collection(db->database, "integrations");
    bson_error_t error;
    bool ok = mongoc_collection_insert_one(c, doc, NULL, NULL, &error);
    if (ok)
        memcpy(ret_id, id, sizeof(id));
    else
        store_error(err, &error, "integrations");
    mongoc_collection_destroy(c);
    bson_destroy(doc);
    free(sealed);
    return ok;
}

// Applies an update to the account's document, wherever it is. The update is destroyed.
static bool change(struct db *db, enum platform platform, const char *account_id,
                   bson_t *owned_update, struct err *err)
{
    const struct account_shape *shape;
    bson_t *doc;
    char id[25];
    if (!account_locate(db, platform, account_id, &shape, &doc, err)) {
        bson_destroy(owned_update);
        return false;
    }
    bool named = document_oid(doc, "_id", id);
    bson_destroy(doc);
    if (!named) {
        bson_destroy(owned_update);
        return err_set(err, ERR_INPUT, "account %s:%.128s: its _id is no ObjectId",
                       platform_name(platform), account_id);
    }
    bson_oid_t oid = document_oid_of(id);
    return document_update(db, shape->collection, BCON_NEW("_id", BCON_OID(&oid)), owned_update,
                           false, NULL, err);
}

bool account_set_token(struct db *db, enum platform platform, const char *account_id,
                       const char *token, struct err *err)
{
    const struct account_shape *shape;
    bson_t *doc;
    if (!check_token(db, token, err) ||
        !account_locate(db, platform, account_id, &shape, &doc, err))
        return false;
    struct account *account = account_from_document(shape, platform, doc);
    bson_destroy(doc);
    bool ok = shape->ours;
    if (!ok) {
        // Its owner could not read the sealed form.
        err_set(err, ERR_CONFLICT,
                "account %s:%s belongs to another application (%s): change its token there",
                platform_name(platform), account->account_id, shape->collection);
    } else {
        char *sealed = keyring_seal(db->keyring, token, account->id);
        bson_oid_t oid = document_oid_of(account->id);
        bson_t *update = BCON_NEW("$set", "{", account_token_path(account), BCON_UTF8(sealed),
                                  "updatedAt", BCON_DATE_TIME(clock_wall_ms()), "}");
        ok = document_update(db, shape->collection, BCON_NEW("_id", BCON_OID(&oid)), update, false,
                             NULL, err);
        free(sealed);
    }
    account_free(account);
    return ok;
}

bool account_set_status(struct db *db, enum platform platform, const char *account_id,
                        const char *status, const char *error, struct err *err)
{
    int64_t now = clock_wall_ms();
    bson_t *update =
        BCON_NEW("$set", "{", "status", BCON_UTF8(status), "updatedAt", BCON_DATE_TIME(now), "}");
    if (error != NULL)
        BCON_APPEND(update, "$push", "{", "errorLog", "{", "$each", "[", "{", "error",
                    BCON_UTF8(error), "timestamp", BCON_DATE_TIME(now), "resolved",
                    BCON_BOOL(false), "}", "]", "$slice", BCON_INT32(-ERROR_LOG_MAX), "}", "}");
    return change(db, platform, account_id, update, err);
}

static bool check_flow_id(const char *flow_id, struct err *err)
{
    return bson_oid_is_valid(flow_id, strlen(flow_id)) ||
           err_set(err, ERR_INPUT, "'%.40s' is no flow id (24 hex digits)", flow_id);
}

// One pipeline update: taken out and put first in the same step, so that two callers never leave it
// in twice.
bool account_enable_flow(struct db *db, enum platform platform, const char *account_id,
                         const char *flow_id, struct err *err)
{
    if (!check_flow_id(flow_id, err))
        return false;
    bson_oid_t oid = document_oid_of(flow_id);
    int64_t now = clock_wall_ms();
    bson_t *update =
        BCON_NEW("0", "{", "$set", "{", "updatedAt", BCON_DATE_TIME(now), "flows", "{",
                 "$concatArrays", "[", "[", "{", "flowId", BCON_OID(&oid), "enabledAt",
                 BCON_DATE_TIME(now), "}", "]", "{", "$filter", "{", "input", "{", "$ifNull", "[",
                 "$flows", "[", "]", "]", "}", "as", "f", "cond", "{", "$ne", "[", "$$f.flowId",
                 BCON_OID(&oid), "]", "}", "}", "}", "]", "}", "}", "}");
    return change(db, platform, account_id, update, err);
}

bool account_disable_flow(struct db *db, enum platform platform, const char *account_id,
                          const char *flow_id, struct err *err)
{
    if (!check_flow_id(flow_id, err))
        return false;
    bson_oid_t oid = document_oid_of(flow_id);
    bson_t *update = BCON_NEW("$pull", "{", "flows", "{", "flowId", BCON_OID(&oid), "}", "}",
                              "$set", "{", "updatedAt", BCON_DATE_TIME(clock_wall_ms()), "}");
    return change(db, platform, account_id, update, err);
}

struct account_list {
    struct account **items;
    size_t count;
};

static int by_platform_and_id(const void *a, const void *b)
{
    const struct account *left = *(struct account *const *)a, *right = *(struct account *const *)b;
    if (left->platform != right->platform)
        return left->platform < right->platform ? -1 : 1;
    return strcmp(left->account_id, right->account_id);
}

static bool list_shape(struct db *db, const struct account_shape *shape, struct account_list *list,
                       struct err *err)
{
    mongoc_collection_t *c = mongoc_database_get_collection(db->database, shape->collection);
    bson_t everything = BSON_INITIALIZER;
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(c, &everything, NULL, NULL);
    const bson_t *doc;
    while (mongoc_cursor_next(cursor, &doc)) {
        struct account *account = account_from_document(shape, PLATFORM_COUNT, doc);
        if (*account->account_id == '\0') { // the collection's other shape, or no account of Meta's
            account_free(account);
            continue;
        }
        list->items = x_realloc(list->items, list->count + 1, sizeof(list->items[0]));
        list->items[list->count++] = account;
    }
    bson_error_t error;
    bool ok = !mongoc_cursor_error(cursor, &error) || store_error(err, &error, shape->collection);
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(c);
    return ok;
}

bool account_each(struct db *db, account_fn fn, void *arg, struct err *err)
{
    struct account_list list = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < ACCOUNT_SHAPES; i++)
        ok = list_shape(db, &account_shapes[i], &list, err);
    if (ok && list.count > 0)
        qsort(list.items, list.count, sizeof(list.items[0]), by_platform_and_id);
    for (size_t i = 0; i < list.count; i++) {
        // A document that has its id in both places was read twice, as neighbours.
        bool repeated = i > 0 && strcmp(list.items[i]->id, list.items[i - 1]->id) == 0;
        if (ok && !repeated)
            fn(arg, list.items[i]);
    }
    for (size_t i = 0; i < list.count; i++)
        account_free(list.items[i]);
    free(list.items);
    return ok;
}
