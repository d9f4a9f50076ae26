// SPDX-License-Identifier: MIT
/*
 * The Graph API's administrative reads, for graph.facebook.com and graph.instagram.com alike:
 *   /{version}/debug_token                 /{version}/{app-id}/subscriptions
 *   /{version}/{id}/subscribed_apps        /{version}/{id} and /{version}/me
 * Out of the box everything is as it should be; POST /_sim/meta (see sim.h) says what is not.
 */
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "sim/internal.h"

#define WABA "215566778899001" // of the samples

static const char *const page_fields[] = {"messages",
                                          "messaging_postbacks",
                                          "message_echoes",
                                          "message_edits",
                                          "message_reactions",
                                          "message_reads",
                                          "message_deliveries",
                                          "messaging_optins",
                                          "messaging_referrals",
                                          "messaging_handovers",
                                          "messaging_policy_enforcement",
                                          NULL};
static const char *const instagram_fields[] = {
    "messages",     "messaging_postbacks", "messaging_seen",     "message_reactions",
    "message_edit", "messaging_referral",  "messaging_handover", NULL};
static const char *const whatsapp_fields[] = {"messages",
                                              "account_update",
                                              "account_alerts",
                                              "message_template_status_update",
                                              "phone_number_quality_update",
                                              "smb_message_echoes",
                                              "user_preferences",
                                              NULL};

static const char *const scopes[] = {"pages_messaging",
                                     "pages_manage_metadata",
                                     "instagram_basic",
                                     "instagram_manage_messages",
                                     "instagram_business_basic",
                                     "instagram_business_manage_messages",
                                     "whatsapp_business_messaging",
                                     "whatsapp_business_management",
                                     NULL};

/* --- the path
 * ---------------------------------------------------------------------------------------- */

struct admin_path {
    char node[64], edge[32]; // edge: "" for the node itself
};

// "/v25.0/108…/subscribed_apps"; false for what is none of these reads.
static bool read_path(const char *path, struct admin_path *ret_path)
{
    unsigned major, minor;
    int at = 0, end = 0;

    if (strncmp(path, "/facebook/", 10) == 0)
        path += 9;
    else if (strncmp(path, "/instagram/", 11) == 0)
        path += 10;
    *ret_path = (struct admin_path){0};
    if (sscanf(path, "/v%u.%u/%n", &major, &minor, &at) != 2 || !at ||
        sscanf(path + at, "%63[A-Za-z0-9_]%n", ret_path->node, &end) != 1)
        return false;
    path += at + end;
    if (*path == '\0')
        return true;
    return (strcmp(path, "/subscriptions") == 0 || strcmp(path, "/subscribed_apps") == 0) &&
           snprintf(ret_path->edge, sizeof ret_path->edge, "%s", path + 1) > 0;
}

static bool admin_accepts(const char *path)
{
    struct admin_path parts;
    return read_path(path, &parts);
}

static void admin_describe(struct sim_request *request)
{
    struct admin_path path;

    (void)!read_path(request->path, &path);
    snprintf(request->account, sizeof request->account, "%s", path.node);
    request->platform = "graph";
    request->kind = strcmp(path.node, "debug_token") == 0       ? "debug_token"
                    : strcmp(path.edge, "subscriptions") == 0   ? "subscriptions"
                    : strcmp(path.edge, "subscribed_apps") == 0 ? "subscribed_apps"
                                                                : "node";
}

/* --- pieces of answers
 * -------------------------------------------------------------------------------- */

// What POST /_sim/meta said of one thing: "tokens"/"expired-1" …; NULL = as usual.
static const cJSON *said(const struct sim *sim, const char *what, const char *name)
{
    return json_get(json_get(sim->meta, what), name);
}

static cJSON *names(const char *const *list)
{
    cJSON *array = cJSON_CreateArray();
    for (; *list; list++)
        cJSON_AddItemToArray(array, cJSON_CreateString(*list));
    return array;
}

// Members of `over` replace those of the object.
static void merge(cJSON *object, const cJSON *over)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, over) {
        cJSON_DeleteItemFromObjectCaseSensitive(object, member->string);
        cJSON_AddItemToObject(object, member->string, cJSON_Duplicate(member, true));
    }
}

// Takes `owned_json` as the answer.
static void answer_json(struct sim_request *request, cJSON *owned_json)
{
    char *text = json_print(owned_json);

    request->status = 200;
    buf_add_str(request->answer, text);
    free(text);
    cJSON_Delete(owned_json);
}

static cJSON *wrap_data(cJSON *owned_item)
{
    cJSON *json = cJSON_CreateObject(), *data = cJSON_AddArrayToObject(json, "data");
    if (owned_item)
        cJSON_AddItemToArray(data, owned_item);
    return json;
}

// The id before '|' of an app's token; "" when the token is none.
static void read_app_id(const char *token, char out[32])
{
    size_t len = token ? strcspn(token, "|") : 0;
    bool is_app = token && token[len] == '|' && token[len + 1] && len > 0 && len < 32;
    snprintf(out, 32, "%.*s", is_app ? (int)len : 0, is_app ? token : "");
}

/* --- the reads
 * --------------------------------------------------------------------------------------- */

static cJSON *usual_token(const char *token, const char *app_id)
{
    cJSON *data = cJSON_CreateObject();
    const char *type = strstr(token, "whatsapp")    ? "SYSTEM_USER"
                       : strstr(token, "instagram") ? "USER"
                                                    : "PAGE";
    bool expired = strncmp(token, "expired", 7) == 0, wrong = strncmp(token, "wrong", 5) == 0;

    json_add_str(data, "app_id", app_id);
    json_add_str(data, "type", type);
    json_add_str(data, "application", "Simulated");
    cJSON_AddBoolToObject(data, "is_valid", !expired && !wrong);
    json_add_int(data, "expires_at", expired ? clock_wall_ms() / 1000 - 3600 : 0);
    json_add_int(data, "data_access_expires_at", clock_wall_ms() / 1000 + 90 * 86400);
    cJSON_AddItemToObject(data, "scopes", names(wrong ? scopes + 8 : scopes));
    if (expired || wrong) {
        cJSON *error = cJSON_AddObjectToObject(data, "error");
        json_add_int(error, "code", 190);
        json_add_str(error, "message",
                     expired ? "Error validating access token: Session has expired."
                             : "Invalid OAuth access token.");
        return data;
    }
    cJSON *granular = cJSON_AddArrayToObject(data, "granular_scopes");
    for (size_t i = 6; i < 8; i++) {
        cJSON *scope = cJSON_CreateObject(), *targets;
        json_add_str(scope, "scope", scopes[i]);
        targets = cJSON_AddArrayToObject(scope, "target_ids");
        cJSON_AddItemToArray(targets, cJSON_CreateString(WABA));
        cJSON_AddItemToArray(granular, scope);
    }
    return data;
}

static void answer_debug_token(struct sim *sim, struct sim_request *request, const char *app_id)
{
    struct evkeyvalq query;
    struct sim_refusal refusal;
    const char *token = NULL;

    if (evhttp_parse_query_str(request->query, &query) == 0)
        token = evhttp_find_header(&query, "input_token");
    if (!*app_id || !token) {
        sim_refuse(&refusal, 100, "You must provide an app access token and input_token");
        sim_graph_error(request, &refusal);
    } else {
        cJSON *json = cJSON_CreateObject();
        const cJSON *own = json_get(sim->meta, "app_id");
        cJSON *data = usual_token(token, cJSON_IsString(own) ? own->valuestring : app_id);
        merge(data, said(sim, "tokens", token));
        cJSON_AddItemToObject(json, "data", data);
        answer_json(request, json);
    }
    evhttp_clear_headers(&query);
}

static void add_subscription(const struct sim *sim, cJSON *data, const char *object,
                             const char *const *usual)
{
    const char *url = json_str(sim->meta, "callback_url");
    const cJSON *own = said(sim, "fields", object);

    if (cJSON_IsNull(own))
        return;
    cJSON *entry = cJSON_CreateObject(), *list = cJSON_CreateArray(), *fields;
    json_add_str(entry, "object", object);
    json_add_str(entry, "callback_url", url ? url : "https://example.org/webhooks/demo");
    cJSON_AddBoolToObject(entry, "active", true);
    fields = cJSON_IsArray(own) ? cJSON_Duplicate(own, true) : names(usual);
    const cJSON *name;
    cJSON_ArrayForEach(name, fields) {
        cJSON *field = cJSON_CreateObject();
        json_add_str(field, "name", cJSON_GetStringValue(name));
        json_add_str(field, "version", "v25.0");
        cJSON_AddItemToArray(list, field);
    }
    cJSON_Delete(fields);
    cJSON_AddItemToObject(entry, "fields", list);
    cJSON_AddItemToArray(data, entry);
}

static void answer_subscriptions(struct sim *sim, struct sim_request *request, const char *app_id)
{
    struct sim_refusal refusal;

    if (strcmp(app_id, request->account) != 0) {
        sim_refuse(&refusal, 15, "This method must be called with an app access_token.");
        sim_graph_error(request, &refusal);
        return;
    }
    cJSON *json = wrap_data(NULL), *data = cJSON_GetObjectItemCaseSensitive(json, "data");
    add_subscription(sim, data, "page", page_fields);
    add_subscription(sim, data, "instagram", instagram_fields);
    add_subscription(sim, data, "whatsapp_business_account", whatsapp_fields);
    answer_json(request, json);
}

// The WABA's entries name the app in an object of its own, and no fields.
static void answer_subscribed_apps(struct sim *sim, struct sim_request *request)
{
    const cJSON *own = said(sim, "subscribed", request->account);
    const cJSON *app_id = json_get(sim->meta, "app_id");
    const char *id = cJSON_IsString(app_id) ? app_id->valuestring : "1029384756";

    if (cJSON_IsNull(own)) {
        answer_json(request, wrap_data(NULL));
        return;
    }
    cJSON *entry = cJSON_CreateObject();
    cJSON *app = strcmp(request->account, WABA) == 0
                     ? cJSON_AddObjectToObject(entry, "whatsapp_business_api_data")
                     : entry;
    json_add_str(app, "id", id);
    json_add_str(app, "name", "Simulated");
    if (app == entry)
        cJSON_AddItemToObject(entry, "subscribed_fields",
                              cJSON_IsArray(own) ? cJSON_Duplicate(own, true) : names(page_fields));
    if (cJSON_IsObject(own))
        merge(entry, own);
    answer_json(request, wrap_data(entry));
}

// Of what a node has, the fields that were asked for, and its id.
static void answer_node(struct sim *sim, struct sim_request *request)
{
    bool is_me = strcmp(request->account, "me") == 0;
    const char *id = is_me ? "27000000000000001" : request->account;
    cJSON *node = cJSON_CreateObject(), *answer = cJSON_CreateObject();
    struct evkeyvalq query;
    const char *fields = NULL;

    json_add_str(node, "name", "Simulated");
    json_add_str(node, "username", "simulated");
    json_add_str(node, "user_id", is_me ? "17841405554443332" : id);
    json_add_str(node, "display_phone_number", "+1 415-555-0123");
    json_add_str(node, "verified_name", "Simulated");
    json_add_str(node, "status", "CONNECTED");
    json_add_str(node, "quality_rating", "GREEN");
    merge(node, said(sim, "nodes", request->account));
    json_add_str(answer, "id", id);
    if (evhttp_parse_query_str(request->query, &query) == 0)
        fields = evhttp_find_header(&query, "fields");
    char *list = x_dup(fields ? fields : "name"), *rest = list;
    for (char *name; (name = strsep(&rest, ",")) != NULL;) {
        const cJSON *value = json_get(node, name);
        if (value && !json_get(answer, name))
            cJSON_AddItemToObject(answer, name, cJSON_Duplicate(value, true));
    }
    free(list);
    evhttp_clear_headers(&query);
    cJSON_Delete(node);
    answer_json(request, answer);
}

// A clock that is off shows in the Date header.
static void set_date(const struct sim *sim, struct sim_request *request)
{
    time_t now = (time_t)(clock_wall_ms() / 1000 + json_int(sim->meta, "clock_skew_s", 0));
    struct tm tm;
    char date[64];

    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    evhttp_add_header(evhttp_request_get_output_headers(request->http), "Date", date);
}

static void admin_answer(struct sim *sim, struct sim_request *request)
{
    struct sim_refusal refusal;
    char app_id[32];

    set_date(sim, request);
    read_app_id(sim_bearer(request), app_id);
    if (strcmp(request->method, "GET") != 0) {
        sim_refuse(&refusal, 100, "Unsupported %s request", request->method);
        sim_graph_error(request, &refusal);
    } else if (!sim_graph_token(request, &refusal)) {
        sim_graph_error(request, &refusal);
    } else if (strcmp(request->kind, "debug_token") == 0) {
        answer_debug_token(sim, request, app_id);
    } else if (strcmp(request->kind, "subscriptions") == 0) {
        answer_subscriptions(sim, request, app_id);
    } else if (strcmp(request->kind, "subscribed_apps") == 0) {
        answer_subscribed_apps(sim, request);
    } else {
        answer_node(sim, request);
    }
}

const struct sim_endpoint sim_admin = {
    .accepts = admin_accepts,
    .describe = admin_describe,
    .answer = admin_answer,
    .refuse = sim_graph_refuse,
};
