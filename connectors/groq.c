// SPDX-License-Identifier: MIT
/*
 * One chat completion = one call that asks the models of its list in order until one is there.
 * Nothing in the answer is trusted; what is worth another try is the reference's table, 6.3.
 */
#include "connectors/groq.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "connectors/answer.h"
#include "connectors/groq_format.h"

enum { DEFAULT_TIMEOUT_MS = 30000, RESPONSE_MAX = 1 << 20, MODELS_MAX = 16 };

static const char default_url[] = "https://api.groq.com/openai/v1";
static const char default_models[] = "openai/gpt-oss-120b,openai/gpt-oss-20b";

struct groq {
    struct http *http;
    char *url; // of chat completions
    char *key;
    char *models; // comma-separated
    int64_t timeout_ms;
};

struct groq_call {
    struct groq *groq;
    cJSON *body;   // `model` is replaced at each try
    cJSON *schema; // or NULL
    enum groq_json json;
    bool has_tools;
    bool timed_out;
    char *models[MODELS_MAX];
    size_t model_count, model_now;
    char *idempotency_key;
    groq_done_fn done;
    void *arg;
};

static const char *or_default(const char *value, const char *fallback)
{
    return value && *value ? value : fallback;
}

struct groq *groq_new(struct http *http, const struct groq_config *config)
{
    static const struct groq_config defaults;
    struct groq *groq = x_alloc(sizeof *groq);

    if (!config)
        config = &defaults;
    const char *url = or_default(config->url, default_url);
    int len = (int)strlen(url) - (url[strlen(url) - 1] == '/');
    groq->http = http;
    groq->url = x_printf("%.*s/chat/completions", len, url);
    groq->key = x_dup(or_default(config->key, ""));
    groq->models = x_dup(or_default(config->models, default_models));
    groq->timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : DEFAULT_TIMEOUT_MS;
    return groq;
}

void groq_free(struct groq *groq)
{
    if (!groq)
        return;
    free(groq->url);
    secret_free(groq->key);
    free(groq->models);
    free(groq);
}

// ---- The list of models

static void add_model(struct groq_call *call, const char *name, size_t len)
{
    while (len && *name == ' ') {
        name++;
        len--;
    }
    while (len && name[len - 1] == ' ')
        len--;
    if (!len || call->model_count == MODELS_MAX)
        return;
    for (size_t i = 0; i < call->model_count; i++)
        if (strlen(call->models[i]) == len && strncmp(call->models[i], name, len) == 0)
            return;
    call->models[call->model_count++] = x_dupn(name, len);
}

static void list_models(struct groq_call *call, const cJSON *first, const char *configured)
{
    const cJSON *model;

    cJSON_ArrayForEach(model, first) {
        if (cJSON_IsString(model))
            add_model(call, model->valuestring, strlen(model->valuestring));
    }
    for (const char *name = configured;; name++) {
        size_t len = strcspn(name, ",");
        add_model(call, name, len);
        name += len;
        if (!*name)
            return;
    }
}

// ---- Ends

static void finish(struct groq_call *call, const struct groq_result *result)
{
    call->done(call->arg, result);
    for (size_t i = 0; i < call->model_count; i++)
        free(call->models[i]);
    cJSON_Delete(call->body);
    cJSON_Delete(call->schema);
    free(call->idempotency_key);
    free(call);
}

static void fail(struct groq_call *call, bool retry, int64_t retry_after_ms, const char *what,
                 const char *words)
{
    char clean[ANSWER_TEXT_MAX];

    answer_text(clean, words, call->groq->key);
    char *error = x_printf("Groq: %s%s%s", what, *clean ? ": " : "", clean);
    finish(call, &(struct groq_result){
                     .text = "",
                     .model = call->model_count ? call->models[call->model_now] : "",
                     .retry = retry,
                     .retry_after_ms = retry_after_ms,
                     .timed_out = call->timed_out,
                     .error = error,
                 });
    free(error);
}

static void succeed(struct groq_call *call, const cJSON *root, const cJSON *choice)
{
    const cJSON *usage = json_get(root, "usage");
    const char *text = json_str(json_get(choice, "message"), "content");
    const char *model = json_str(root, "model");
    const char *finish_reason = json_str(choice, "finish_reason");
    const char *wrong = NULL;
    cJSON *calls = call->has_tools ? groq_calls_read(json_get(choice, "message"), &wrong) : NULL;

    if (wrong) {
        fail(call, true, 0, wrong, NULL);
        return;
    }
    finish(call, &(struct groq_result){
                     .ok = true,
                     .text = text ? text : "", // null beside tool calls
                     .model = model ? model : call->models[call->model_now],
                     .tool_calls = calls,
                     .finish_reason = finish_reason ? finish_reason : "",
                     .prompt_tokens = (int)json_int(usage, "prompt_tokens", 0),
                     .completion_tokens = (int)json_int(usage, "completion_tokens", 0),
                     .error = "",
                 });
    cJSON_Delete(calls);
}

// ---- Answers

static void ask(struct groq_call *call);

static bool model_is_gone(int status, const char *code)
{
    return status == 404 || (code && (strcmp(code, "model_decommissioned") == 0 ||
                                      strcmp(code, "model_not_found") == 0));
}

static bool is_worth_retrying(const struct http_response *response, const cJSON *error)
{
    const char *advice = http_header_get(response, "x-should-retry");
    int status = response->status;

    if (advice && strcmp(advice, "true") == 0)
        return true;
    if (advice && strcmp(advice, "false") == 0)
        return false;
    if (status == 400) // the model wrote bad JSON: it may do better
        return json_get(error, "failed_generation") != NULL;
    return status == 408 || status == 409 || status == 424 || status == 429 || status == 498 ||
           status >= 500;
}

// The model does not take a schema (or not this one): it is asked in words then.
static bool schema_is_refused(const struct groq_call *call, int status, const cJSON *error)
{
    const char *words = json_str(error, "message"), *code = json_str(error, "code");

    if (status != 400 || !call->schema || call->json != GROQ_JSON_SCHEMA || !words)
        return false;
    if (json_get(error, "failed_generation") || (code && strcmp(code, "json_validate_failed") == 0))
        return false;
    return strstr(words, "json_schema") || strstr(words, "response_format") ||
           strstr(words, "response format");
}

static void answer_is_error(struct groq_call *call, const struct http_response *response,
                            const cJSON *root)
{
    const cJSON *error = json_get(root, "error");
    const char *words = json_str(error, "message");
    const char *model = call->models[call->model_now];
    char what[200];

    if (model_is_gone(response->status, json_str(error, "code")) &&
        call->model_now + 1 < call->model_count) {
        call->model_now++;
        ask(call);
        return;
    }
    if (schema_is_refused(call, response->status, error)) {
        call->json = GROQ_JSON_OBJECT;
        groq_format_set(call->body, call->schema, call->json);
        ask(call);
        return;
    }
    if (model_is_gone(response->status, json_str(error, "code")))
        snprintf(what, sizeof what, "none of %zu models is there, the last is '%.100s' (HTTP %d)",
                 call->model_count, model, response->status);
    else if (response->status == 401)
        snprintf(what, sizeof what, "the key was refused (HTTP 401)");
    else if (!root)
        snprintf(what, sizeof what, "HTTP %d with an answer that is not JSON", response->status);
    else
        snprintf(what, sizeof what, "HTTP %d for model '%.100s'", response->status, model);
    fail(call, is_worth_retrying(response, error), answer_retry_after_ms(response), what, words);
}

static void on_answer(void *arg, const struct http_response *response, const struct err *err)
{
    struct groq_call *call = arg;

    if (!response) {
        call->timed_out = err->timed_out;
        bool retry = err->code == ERR_UNAVAILABLE || err->code == ERR_AMBIGUOUS;
        fail(call, retry, 0, "no answer", err->text);
        return;
    }
    struct err why = {0};
    cJSON *root = json_read(response->body, response->body_len, &why);
    const cJSON *choices = json_get(root, "choices");
    const cJSON *choice = cJSON_IsArray(choices) ? choices->child : NULL;

    if (response->status != 200 || json_get(root, "error"))
        answer_is_error(call, response, root);
    else if (!root)
        fail(call, true, 0, "HTTP 200 with an answer that is not JSON", why.text);
    else if (!cJSON_IsObject(json_get(choice, "message")))
        fail(call, true, 0, "the answer has no choices[0].message", NULL);
    else
        succeed(call, root, choice);
    cJSON_Delete(root);
}

// ---- Asking

// Asks the present model of the list.
static void ask(struct groq_call *call)
{
    struct groq *groq = call->groq;
    const char *headers[5] = {"Content-Type: application/json"};
    size_t count = 1;

    cJSON_DeleteItemFromObjectCaseSensitive(call->body, "model");
    json_add_str(call->body, "model", call->models[call->model_now]);
    char *body = json_print(call->body);
    char *authorization = x_printf("Authorization: Bearer %s", groq->key);
    headers[count++] = authorization;
    char *idempotency = NULL;
    if (call->idempotency_key)
        headers[count++] = idempotency = x_printf("Idempotency-Key: %s", call->idempotency_key);

    const struct http_request request = {
        .method = "POST",
        .url = groq->url,
        .headers = headers,
        .body = body,
        .body_len = strlen(body),
        .timeout_ms = groq->timeout_ms,
        .max_response = RESPONSE_MAX,
    };
    http_start(groq->http, &request, on_answer, call);
    free(idempotency);
    secret_free(authorization);
    free(body);
}

void groq_chat(struct groq *groq, const struct groq_request *request, groq_done_fn done, void *arg)
{
    struct groq_call *call = x_alloc(sizeof *call);
    cJSON *body = cJSON_CreateObject();

    *call = (struct groq_call){.groq = groq, .body = body, .done = done, .arg = arg};
    call->idempotency_key = x_dup(request->idempotency_key);
    list_models(call, request->models, groq->models);
    if (!call->model_count) // a list of commas
        add_model(call, default_models, strcspn(default_models, ","));
    cJSON_AddItemToObject(body, "messages", cJSON_Duplicate(request->messages, true));
    if (request->temperature >= 0)
        cJSON_AddNumberToObject(body, "temperature", request->temperature);
    if (request->max_tokens > 0)
        json_add_int(body, "max_completion_tokens", request->max_tokens);
    json_add_str(body, "user", request->user);
    cJSON_AddBoolToObject(body, "stream", false);
    call->has_tools = cJSON_GetArraySize(request->tools) > 0;
    if (call->has_tools)
        groq_tools_set(body, request->tools);
    if (request->schema) {
        call->schema = cJSON_Duplicate(request->schema, true);
        call->json = call->has_tools ? GROQ_JSON_WORDS : GROQ_JSON_SCHEMA;
        groq_format_set(body, call->schema, call->json);
    }
    ask(call);
}
