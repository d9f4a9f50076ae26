// SPDX-License-Identifier: MIT
/*
 * HTTP calls. Secrets are put into the request here and nowhere before: what is journaled, recorded
 * and replayed has marks in their places.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/crypto.h"
#include "base/json.h"
#include "worker/perform_call.h"

// A body that is JSON becomes its tree, any other text a string.
static cJSON *body_value(const struct http_response *response)
{
    cJSON *value = json_read(response->body, response->body_len, NULL);
    if (value)
        return value;
    return cJSON_CreateString(response->body ? response->body : "");
}

static void on_http(void *arg, const struct http_response *response, const struct err *err)
{
    struct call *call = arg;
    if (err && err->code == ERR_CANCELED) {
        call_answer(call, (struct performed){VERDICT_CANCELED, .text = err->text}, NULL);
        return;
    }
    if (call->unfit.code != ERR_NONE) {
        struct err why = call->unfit;
        call_failed(call, why.text, false);
        return;
    }
    if (!response) {
        char *error = secrets_hide_text(&call->sent, err ? err->text : "no answer");
        call_failed(call, error, err && err->timed_out);
        free(error);
        return;
    }
    bool ok = response->status >= 200 && response->status < 300;
    char text[64];
    snprintf(text, sizeof text, "HTTP status %d", response->status);
    cJSON *result = call_result(ok, ok ? NULL : text), *value = body_value(response);
    secrets_hide(&call->sent, value);
    json_add_int(result, "status", response->status);
    cJSON_AddItemToObject(result, "value", value);
    call_answer(call, (struct performed){VERDICT_DONE, .text = ""}, result);
}

// Whatever the case of its name; NULL when it is missing.
static const char *header_find(const cJSON *headers, const char *name)
{
    const cJSON *header;
    cJSON_ArrayForEach(header, headers) {
        if (strcasecmp(header->string, name) == 0)
            return cJSON_GetStringValue(header);
    }
    return NULL;
}

// How the body's secrets are written.
static enum secret_form body_form(const struct effect *effect)
{
    const char *type = header_find(effect->headers, "content-type");
    if (!type || strcasestr(type, "json"))
        return SECRET_JSON;
    return strcasestr(type, "x-www-form-urlencoded") ? SECRET_FORM : SECRET_PLAIN;
}

// "Basic name:password" becomes what RFC 7617 wants; what is encoded already has no colon.
static char *basic_encode(char *owned_value, struct secrets_sent *sent)
{
    static const char basic[] = "Basic ";
    size_t len = sizeof basic - 1;
    if (strncmp(owned_value, basic, len) != 0 || !strchr(owned_value, ':'))
        return owned_value;
    char *encoded = base64_encode(owned_value + len, strlen(owned_value + len));
    char *value = x_printf("%s%s", basic, encoded);
    secrets_sent_add(sent, encoded);
    secret_free(encoded);
    secret_free(owned_value);
    return value;
}

// One line of the request, or NULL with err.
static char *header_line(struct call *call, const cJSON *header, struct err *err)
{
    const struct effect *effect = call->request.effect;
    char *value = secret_fill(call->request.account, header->valuestring, effect->secret_mark,
                              SECRET_PLAIN, &call->sent, err);
    if (!value)
        return NULL;
    if (strcasecmp(header->string, "authorization") == 0)
        value = basic_encode(value, &call->sent);
    char *line = x_printf("%s: %s", header->string, value);
    secret_free(value);
    return line;
}

struct filled {
    char *url, *body;
    char **headers; // NULL-ended
    size_t count;
};

static void filled_deinit(struct filled *filled)
{
    secret_free(filled->url);
    secret_free(filled->body);
    for (size_t i = 0; i < filled->count; i++)
        secret_free(filled->headers[i]);
    free(filled->headers);
}

static bool fill(struct call *call, struct filled *filled, struct err *err)
{
    const struct effect *effect = call->request.effect;
    const struct account *account = call->request.account;
    const char *mark = effect->secret_mark;
    const cJSON *header;
    filled->headers =
        x_calloc((size_t)cJSON_GetArraySize(effect->headers) + 3, sizeof *filled->headers);
    filled->url = secret_fill(account, effect->url, mark, SECRET_URL, &call->sent, err);
    if (!filled->url)
        return false;
    if (effect->body) {
        filled->body =
            secret_fill(account, effect->body, mark, body_form(effect), &call->sent, err);
        if (!filled->body)
            return false;
    }
    cJSON_ArrayForEach(header, effect->headers) {
        if (!cJSON_IsString(header))
            continue;
        char *line = header_line(call, header, err);
        if (!line)
            return false;
        filled->headers[filled->count++] = line;
    }
    if (!header_find(effect->headers, "idempotency-key"))
        filled->headers[filled->count++] = x_printf("Idempotency-Key: %s", call->request.key);
    if (effect->body && !header_find(effect->headers, "content-type"))
        filled->headers[filled->count++] = x_dup("Content-Type: application/json");
    return true;
}

void call_start_http(struct call *call)
{
    const struct effect *effect = call->request.effect;
    struct filled filled = {0};
    struct http_request request = {.url = ""}; // which is refused, on a later turn of the loop
    if (fill(call, &filled, &call->unfit))
        request = (struct http_request){.method = effect->method,
                                        .url = filled.url,
                                        .headers = (const char *const *)filled.headers,
                                        .body = filled.body,
                                        .body_len = filled.body ? strlen(filled.body) : 0,
                                        .timeout_ms = effect->timeout_ms};
    http_start(call->worker->http, &request, on_http, call);
    filled_deinit(&filled);
}
