// SPDX-License-Identifier: MIT
/*
 * Asking and reading (see graph_admin.h). Tokens travel in the Authorization header; only
 * debug_token's input_token has no other place than the URL, so no URL is ever told to anybody.
 */
#include "connectors/graph_admin.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"

enum { DEFAULT_TIMEOUT_MS = 10000, RESPONSE_MAX = 1 << 20, TEXT_MAX = 300 };

struct graph_admin {
    struct http *http;
    char *urls[2]; // by graph_host
    char *version;
    int64_t timeout_ms;
};

struct admin_call {
    char *token, *input_token; // to be kept out of texts; or NULL
    graph_admin_fn done;
    void *arg;
};

static char *base_url(const char *url, const char *fallback)
{
    char *copy = x_dup(url && *url ? url : fallback);
    size_t len = strlen(copy);
    if (len > 0 && copy[len - 1] == '/')
        copy[len - 1] = '\0';
    return copy;
}

struct graph_admin *graph_admin_new(struct http *http, const struct graph_config *config)
{
    struct graph_admin *admin = x_alloc(sizeof *admin);

    admin->http = http;
    admin->urls[GRAPH_FACEBOOK] = base_url(config->facebook_url, "https://graph.facebook.com");
    admin->urls[GRAPH_INSTAGRAM] = base_url(config->instagram_url, "https://graph.instagram.com");
    admin->version = x_dup(config->version && *config->version ? config->version : "v25.0");
    admin->timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : DEFAULT_TIMEOUT_MS;
    return admin;
}

void graph_admin_free(struct graph_admin *admin)
{
    if (!admin)
        return;
    free(admin->urls[GRAPH_FACEBOOK]);
    free(admin->urls[GRAPH_INSTAGRAM]);
    free(admin->version);
    free(admin);
}

/* --- the answer --------------------------------------------------------------------------------
 */

// "Sat, 21 Nov 2026 12:00:00 GMT" in ms; 0 when it is none.
static int64_t read_date(const struct http_response *response)
{
    const char *value = http_header_get(response, "Date");
    struct tm tm = {0};
    const char *end = value ? strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm) : NULL;

    return end && *end == '\0' ? (int64_t)timegm(&tm) * 1000 : 0;
}

// Meta's error object into the answer; false when there is none.
static bool read_error(const cJSON *json, struct graph_admin_answer *answer, char text[TEXT_MAX])
{
    const cJSON *error = json_get(json, "error");
    const char *message = json_str(error, "message");

    if (!cJSON_IsObject(error))
        return false;
    answer->code = (int)json_int(error, "code", 0);
    answer->subcode = (int)json_int(error, "error_subcode", 0);
    snprintf(text, TEXT_MAX, "%s (code %d%s%.0d)", message ? message : "an error without words",
             answer->code, answer->subcode ? "/" : "", answer->subcode);
    return true;
}

// Takes every occurrence of the secret out of the text.
static void hide(char text[TEXT_MAX], const char *secret)
{
    size_t len = secret ? strlen(secret) : 0;
    for (char *at; len >= 4 && (at = strstr(text, secret)) != NULL;) {
        memmove(at + 3, at + len, strlen(at + len) + 1);
        memcpy(at, "***", 3);
    }
}

static void on_answer(void *arg, const struct http_response *response, const struct err *err)
{
    struct admin_call *call = arg;
    struct graph_admin_answer answer = {.arrived_ms = clock_wall_ms()};
    char text[TEXT_MAX] = "";
    cJSON *json = NULL;

    if (!response) {
        snprintf(text, sizeof text, "no answer: %s", err->text);
    } else {
        answer.http_status = response->status;
        answer.date_ms = read_date(response);
        json = json_read(response->body, response->body_len, NULL);
        answer.json = cJSON_IsObject(json) ? json : NULL;
        bool refused = read_error(answer.json, &answer, text);
        answer.ok = !refused && answer.json && response->status / 100 == 2;
        if (!answer.ok && !refused)
            snprintf(text, sizeof text, "HTTP status %d without an answer in JSON",
                     response->status);
    }
    hide(text, call->token);
    hide(text, call->input_token);
    answer.text = text;
    call->done(call->arg, &answer);
    cJSON_Delete(json);
    secret_free(call->token);
    secret_free(call->input_token);
    free(call);
}

/* --- asking ------------------------------------------------------------------------------------
 */

// Ids and tokens are from outside: percent-encodes all but unreserved characters.
static void add_encoded(struct buf *url, const char *part)
{
    for (const unsigned char *c = (const unsigned char *)part; *c; c++) {
        if (isalnum(*c) || strchr("-._~", *c))
            buf_add_char(url, (char)*c);
        else
            buf_printf(url, "%%%02X", *c);
    }
}

static void start(struct graph_admin *admin, struct buf *url, struct admin_call *call)
{
    char *text = buf_take(url);
    char *authorization = x_printf("Authorization: Bearer %s", call->token ? call->token : "");
    const char *const headers[] = {call->token ? authorization : NULL, NULL};
    const struct http_request request = {
        .method = "GET",
        .url = text,
        .headers = headers,
        .timeout_ms = admin->timeout_ms,
        .max_response = RESPONSE_MAX,
    };
    http_start(admin->http, &request, on_answer, call);
    secret_free(authorization);
    secret_free(text);
}

void graph_admin_get(struct graph_admin *admin, enum graph_host host, const char *node,
                     const char *edge, const char *fields, const char *token, graph_admin_fn done,
                     void *arg)
{
    struct admin_call *call = x_alloc(sizeof *call);
    struct buf url = {0};

    *call = (struct admin_call){.token = x_dup(token), .done = done, .arg = arg};
    buf_printf(&url, "%s/%s/", admin->urls[host], admin->version);
    add_encoded(&url, node);
    if (edge)
        buf_printf(&url, "/%s", edge);
    if (fields)
        buf_printf(&url, "?fields=%s", fields);
    start(admin, &url, call);
}

char *graph_app_token(const char *app_id, const char *app_secret)
{
    return x_printf("%s|%s", app_id, app_secret);
}

void graph_debug_token(struct graph_admin *admin, const char *token, const char *app_token,
                       graph_admin_fn done, void *arg)
{
    struct admin_call *call = x_alloc(sizeof *call);
    struct buf url = {0};

    *call = (struct admin_call){
        .token = x_dup(app_token), .input_token = x_dup(token), .done = done, .arg = arg};
    buf_printf(&url, "%s/%s/debug_token?input_token=", admin->urls[GRAPH_FACEBOOK], admin->version);
    add_encoded(&url, token);
    start(admin, &url, call);
}

/* --- reading -----------------------------------------------------------------------------------
 */

bool graph_token_read(const cJSON *json, struct graph_token *ret_token)
{
    const cJSON *data = json_get(json, "data");
    char scratch[32];

    if (!cJSON_IsObject(data))
        return false;
    const char *app_id = json_id(data, "app_id", scratch);
    *ret_token = (struct graph_token){
        .is_valid = json_bool(data, "is_valid", false),
        .type = json_str(data, "type"),
        .expires_s = json_int(data, "expires_at", -1),
        .data_access_s = json_int(data, "data_access_expires_at", -1),
        .error = json_str(json_get(data, "error"), "message"),
        .scopes = json_get(data, "scopes"),
        .granular = json_get(data, "granular_scopes"),
    };
    snprintf(ret_token->app_id, sizeof ret_token->app_id, "%s", app_id ? app_id : "");
    return true;
}

bool graph_token_has_scope(const struct graph_token *token, const char *scope)
{
    return graph_has_field(token->scopes, scope);
}

const char *graph_token_target(const struct graph_token *token, const char *scope, size_t n)
{
    const cJSON *entry;

    cJSON_ArrayForEach(entry, token->granular) {
        const char *name = json_str(entry, "scope");
        if (!name || strcmp(name, scope) != 0)
            continue;
        const cJSON *target =
            n < 1000 ? cJSON_GetArrayItem(json_get(entry, "target_ids"), (int)n) : NULL;
        return cJSON_GetStringValue(target); // NULL of NULL
    }
    return NULL;
}

const cJSON *graph_subscription(const cJSON *json, const char *object)
{
    const cJSON *entry;

    cJSON_ArrayForEach(entry, json_get(json, "data")) {
        const char *name = json_str(entry, "object");
        if (name && strcmp(name, object) == 0)
            return entry;
    }
    return NULL;
}

bool graph_has_field(const cJSON *fields, const char *field)
{
    const cJSON *entry;

    if (!cJSON_IsArray(fields))
        return false;
    cJSON_ArrayForEach(entry, fields) {
        const char *name = cJSON_IsString(entry) ? entry->valuestring : json_str(entry, "name");
        if (name && strcmp(name, field) == 0)
            return true;
    }
    return false;
}

const cJSON *graph_subscriber(const cJSON *json, const char *app_id)
{
    const cJSON *entry;

    cJSON_ArrayForEach(entry, json_get(json, "data")) {
        const cJSON *whatsapp = json_get(entry, "whatsapp_business_api_data");
        char scratch[32];
        const char *id = json_id(whatsapp ? whatsapp : entry, "id", scratch);
        if (!app_id || !id || strcmp(id, app_id) == 0)
            return entry;
    }
    return NULL;
}
