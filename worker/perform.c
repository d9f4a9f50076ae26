// SPDX-License-Identifier: MIT
// Effects, performed by the connectors (see perform.h).

#include "worker/perform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/json.h"
#include "engine/message.h"
#include "worker/internal.h"

struct call {
    struct worker *worker;
    struct perform_request request;
    perform_fn fn;
    void *arg;
    cJSON *memory; // EFFECT_AI: what MongoDB had
    struct err memory_err;
};

struct effect_result perform_result(const cJSON *result)
{
    const char *error = json_str(result, "error");
    return (struct effect_result){.ok = json_bool(result, "ok", false),
                                  .error = error ? error : "failed",
                                  .value = json_get(result, "value"),
                                  .status = (int)json_int(result, "status", 0),
                                  .window_closed = json_bool(result, "window_closed", false)};
}

static void answer(struct call *call, enum verdict verdict, cJSON *owned_result, const char *text,
                   int64_t after_ms)
{
    struct performed performed = {verdict, owned_result, text, after_ms};
    perform_fn fn = call->fn;
    void *arg = call->arg;
    cJSON_Delete(call->memory);
    free(call);
    fn(arg, &performed);
    cJSON_Delete(owned_result);
}

static cJSON *new_result(bool ok, const char *error)
{
    cJSON *result = cJSON_CreateObject();
    cJSON_AddBoolToObject(result, "ok", ok);
    json_add_str(result, "error", error);
    return result;
}

/* --- messages
 * -------------------------------------------------------------------------------------- */

// A message that was refused for good.
static void refused(struct call *call, const struct graph_result *sent, const char *text)
{
    cJSON *result = new_result(false, text);
    if (sent->outcome == GRAPH_WINDOW_CLOSED)
        cJSON_AddTrueToObject(result, "window_closed");
    answer(call, VERDICT_DONE, result, "", 0);
}

static void on_sent(void *arg, const struct graph_result *sent)
{
    struct call *call = arg;
    char text[320];
    snprintf(text, sizeof text, "%s: %s", graph_outcome_name(sent->outcome), sent->text);
    // Typing and reactions are best effort: nobody waits for a better time, or asks what came of
    // them.
    bool is_said = message_is_said(call->request.effect->message);
    if (!is_said && sent->outcome != GRAPH_SENT && sent->outcome != GRAPH_CANCELED) {
        refused(call, sent, text);
        return;
    }
    switch (sent->outcome) {
    case GRAPH_SENT: {
        cJSON *result = new_result(true, NULL);
        json_add_str(result, "id", sent->message_id);
        answer(call, VERDICT_DONE, result, "", 0);
        return;
    }
    case GRAPH_RETRY_LATER:
    case GRAPH_SLOW_DOWN:
        answer(call, VERDICT_LATER, NULL, text, sent->retry_after_ms);
        return;
    case GRAPH_TOKEN_BAD:
    case GRAPH_BLOCKED:
        answer(call, VERDICT_ACCOUNT, NULL, text, sent->retry_after_ms);
        return;
    case GRAPH_AMBIGUOUS:
        answer(call, VERDICT_AMBIGUOUS, NULL, text, 0);
        return;
    case GRAPH_CANCELED:
        answer(call, VERDICT_CANCELED, NULL, text, 0);
        return;
    default:
        refused(call, sent, text);
    }
}

static void start_send(struct call *call)
{
    const struct account *account = call->request.account;
    const struct effect *effect = call->request.effect;
    struct graph_target target = {.platform = account->platform,
                                  .account = account->account_id,
                                  .token = account->token,
                                  .login = account->login,
                                  .page_id = account->page_id,
                                  .contact = call->request.contact};
    struct graph_message message = {.text = effect->text,
                                    .choices = effect->choices,
                                    .choice_count = effect->choice_count,
                                    .tree = effect->message};
    graph_send(call->worker->graph, &target, &message, call->request.key, on_sent, call);
}

/* --- HTTP calls
 * ------------------------------------------------------------------------------------- */

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
        answer(call, VERDICT_CANCELED, NULL, err->text, 0);
        return;
    }
    if (!response) {
        answer(call, VERDICT_DONE, new_result(false, err ? err->text : "no answer"), "", 0);
        return;
    }
    bool ok = response->status >= 200 && response->status < 300;
    char text[64];
    snprintf(text, sizeof text, "HTTP status %d", response->status);
    cJSON *result = new_result(ok, ok ? NULL : text);
    json_add_int(result, "status", response->status);
    cJSON_AddItemToObject(result, "value", body_value(response));
    answer(call, VERDICT_DONE, result, "", 0);
}

static bool has_header(const cJSON *headers, const char *name)
{
    const cJSON *header;
    cJSON_ArrayForEach(header, headers) {
        if (strcasecmp(header->string, name) == 0)
            return true;
    }
    return false;
}

static void start_http(struct call *call)
{
    const struct effect *effect = call->request.effect;
    int given = cJSON_GetArraySize(effect->headers);
    char **headers = x_calloc((size_t)given + 3, sizeof *headers);
    size_t count = 0;
    const cJSON *header;
    cJSON_ArrayForEach(header, effect->headers) {
        if (cJSON_IsString(header))
            headers[count++] = x_printf("%s: %s", header->string, header->valuestring);
    }
    headers[count++] = x_printf("Idempotency-Key: %s", call->request.key);
    if (effect->body && !has_header(effect->headers, "content-type"))
        headers[count++] = x_dup("Content-Type: application/json");
    struct http_request request = {.method = effect->method,
                                   .url = effect->url,
                                   .headers = (const char *const *)headers,
                                   .body = effect->body,
                                   .body_len = effect->body ? strlen(effect->body) : 0,
                                   .timeout_ms = effect->timeout_ms};
    http_start(call->worker->http, &request, on_http, call);
    for (size_t i = 0; i < count; i++)
        secret_free(headers[i]); // it may carry a credential
    free(headers);
}

/* --- chat completions
 * --------------------------------------------------------------------------------- */

static void on_groq(void *arg, const struct groq_result *reply)
{
    struct call *call = arg;
    if (reply->ok) {
        cJSON *result = new_result(true, NULL);
        cJSON *value = cJSON_AddObjectToObject(result, "value");
        json_add_str(value, "text", reply->text);
        json_add_str(value, "model", reply->model);
        json_add_int(value, "tokens", reply->prompt_tokens + reply->completion_tokens);
        answer(call, VERDICT_DONE, result, "", 0);
    } else if (reply->retry) {
        answer(call, VERDICT_LATER, NULL, reply->error, reply->retry_after_ms);
    } else {
        answer(call, VERDICT_DONE, new_result(false, reply->error), "", 0);
    }
}

static void add_message(cJSON *messages, const char *role, const char *content)
{
    cJSON *message = cJSON_CreateObject();
    json_add_str(message, "role", role);
    json_add_str(message, "content", content);
    cJSON_AddItemToArray(messages, message);
}

// System prompt, then the chat's last messages with this activation's own, then the prompt.
static cJSON *conversation(const struct call *call)
{
    const struct effect *effect = call->request.effect;
    cJSON *messages = cJSON_CreateArray();
    if (effect->system && *effect->system)
        add_message(messages, "system", effect->system);
    cJSON *memory = call->memory ? cJSON_Duplicate(call->memory, true) : cJSON_CreateArray();
    const cJSON *item;
    cJSON_ArrayForEach(item, call->request.recent) {
        cJSON_AddItemToArray(memory, cJSON_Duplicate(item, true));
    }
    int skip = cJSON_GetArraySize(memory) - effect->history;
    int i = 0;
    cJSON_ArrayForEach(item, memory) {
        if (i++ >= skip)
            cJSON_AddItemToArray(messages, cJSON_Duplicate(item, true));
    }
    cJSON_Delete(memory);
    if (effect->prompt && *effect->prompt)
        add_message(messages, "user", effect->prompt);
    return messages;
}

static void load_memory(struct db *db, void *arg)
{
    struct call *call = arg;
    if (!messages_recent(db, call->request.chat, call->request.effect->history, &call->memory,
                         &call->memory_err))
        call->memory = NULL;
}

static void on_memory(void *arg, const struct err *err)
{
    struct call *call = arg;
    if (err && err->code == ERR_CANCELED) {
        answer(call, VERDICT_CANCELED, NULL, err->text, 0);
        return;
    }
    if (!call->memory && call->memory_err.code != ERR_NONE) {
        char text[sizeof call->memory_err.text];
        memcpy(text, call->memory_err.text, sizeof text);
        answer(call, VERDICT_LATER, NULL, text, 0);
        return;
    }
    const struct effect *effect = call->request.effect;
    cJSON *messages = conversation(call);
    char user[ID_OID_HEX]; // a name for the provider's abuse reports that is not the person's
    id_oid(user, "user", call->request.chat, NULL);
    struct groq_request request = {.models = effect->models,
                                   .messages = messages,
                                   .temperature = effect->temperature,
                                   .max_tokens = effect->max_tokens,
                                   .user = user,
                                   .idempotency_key = call->request.key};
    groq_chat(call->worker->groq, &request, on_groq, call);
    cJSON_Delete(messages);
}

void perform(struct worker *worker, const struct perform_request *request, perform_fn fn, void *arg)
{
    struct call *call = x_alloc(sizeof *call);
    *call = (struct call){.worker = worker, .request = *request, .fn = fn, .arg = arg};
    switch (request->effect->kind) {
    case EFFECT_SEND:
        start_send(call);
        return;
    case EFFECT_HTTP:
        start_http(call);
        return;
    default:
        store_run(worker->store, load_memory, on_memory, call);
    }
}
