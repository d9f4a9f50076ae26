// SPDX-License-Identifier: MIT
/*
 * Groq's chat completions: `…/chat/completions` and `…/models`. The answer is a function of the
 * request (sim_groq_message.c). Two models exist, two are shut down.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "sim/internal.h"

static const char *const known_models[] = {"openai/gpt-oss-120b", "openai/gpt-oss-20b"};
static const char *const retired_models[] = {"llama-3.1-8b-instant", "llama-3.3-70b-versatile"};

static bool ends_with(const char *path, const char *tail)
{
    size_t len = strlen(path), tail_len = strlen(tail);
    return len >= tail_len && strcmp(path + len - tail_len, tail) == 0;
}

static bool groq_accepts(const char *path)
{
    return ends_with(path, "/chat/completions") || ends_with(path, "/v1/models");
}

static void refuse(struct sim_request *request, int status, const char *type, const char *code,
                   const char *message)
{
    struct buf *out = request->answer;

    request->status = status;
    buf_add_str(out, "{\"error\":{\"message\":");
    buf_add_json_str(out, message);
    buf_printf(out, ",\"type\":\"%s\"", type);
    if (code)
        buf_printf(out, ",\"code\":\"%s\"", code);
    buf_add_str(out, "}}");
}

static void groq_refuse(struct sim_request *request, int status)
{
    if (status == 429)
        refuse(request, status, "tokens", "rate_limit_exceeded",
               "Rate limit reached for model; please try again later");
    else if (status == 401)
        refuse(request, status, "invalid_request_error", "invalid_api_key", "Invalid API Key");
    else if (status >= 500)
        refuse(request, status, "internal_server_error", NULL, "Internal Server Error");
    else
        refuse(request, status, "invalid_request_error", NULL, "the request is not valid");
}

// The text of a message: a string, or the first text part of an array.
static const char *content_text(const cJSON *message)
{
    const cJSON *part;

    cJSON_ArrayForEach(part, json_get(message, "content")) {
        const char *text = json_str(part, "text");
        if (text)
            return text;
    }
    return json_str(message, "content");
}

static void groq_describe(struct sim_request *request)
{
    const cJSON *message;

    request->platform = "groq";
    request->kind = ends_with(request->path, "/models") ? "models" : "chat.completion";
    request->attempt = sim_header(request, "Idempotency-Key");
    request->to = json_str(request->json, "user");
    cJSON_ArrayForEach(message, json_get(request->json, "messages")) {
        const char *role = json_str(message, "role");
        const char *text = content_text(message);
        if (role && text && strcmp(role, "user") == 0)
            request->text = text;
    }
}

static bool is_in(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

// The model and its availability; false when the answer is an error already.
static bool check_model(struct sim_request *request)
{
    const char *model = json_str(request->json, "model");
    char words[200];

    if (!model) {
        refuse(request, 400, "invalid_request_error", NULL,
               "'model' : property 'model' is missing");
        return false;
    }
    if (is_in(model, known_models, sizeof known_models / sizeof *known_models))
        return true;
    if (is_in(model, retired_models, sizeof retired_models / sizeof *retired_models)) {
        snprintf(words, sizeof words,
                 "The model `%s` has been decommissioned and is no longer supported.", model);
        refuse(request, 400, "invalid_request_error", "model_decommissioned", words);
        return false;
    }
    snprintf(words, sizeof words,
             "The model `%.80s` does not exist or you do not have access to it.", model);
    refuse(request, 404, "invalid_request_error", "model_not_found", words);
    return false;
}

static const char *wrong_message(const cJSON *message)
{
    static const char *const roles[] = {"system", "developer", "user", "assistant", "tool"};
    const char *role = json_str(message, "role");

    if (!role || !is_in(role, roles, sizeof roles / sizeof *roles))
        return "'messages' : a role is missing or unknown";
    if (json_get(message, "name"))
        return "'messages' : property 'name' is not supported";
    if (!json_get(message, "content"))
        return "'messages' : property 'content' is missing";
    return NULL;
}

static const char *wrong_format(const cJSON *json)
{
    const cJSON *format = json_get(json, "response_format");
    const char *type = json_str(format, "type");
    const cJSON *tool;

    if (!format && !json_get(json, "tools"))
        return NULL;
    if (format && json_get(json, "tools"))
        return "'response_format' : not supported together with tools";
    if (format &&
        (!type || (strcmp(type, "json_schema") == 0 && !json_path(format, "json_schema.schema"))))
        return "'response_format' : json_schema has no schema";
    cJSON_ArrayForEach(tool, json_get(json, "tools")) {
        if (!json_str(json_get(tool, "function"), "name"))
            return "'tools' : a function has no name";
    }
    return NULL;
}

static const char *wrong_field(const cJSON *json)
{
    static const char *const unsupported[] = {"logprobs", "top_logprobs", "logit_bias",
                                              "presence_penalty", "frequency_penalty"};
    const cJSON *messages = json_get(json, "messages");
    const cJSON *message;
    const cJSON *temperature = json_get(json, "temperature");

    for (size_t i = 0; i < sizeof unsupported / sizeof *unsupported; i++)
        if (json_get(json, unsupported[i]))
            return "logprobs, logit_bias and penalties are not supported";
    if (json_int(json, "n", 1) != 1)
        return "'n' : value must be 1";
    if (temperature && !(temperature->valuedouble >= 0 && temperature->valuedouble <= 2))
        return "'temperature' : value must be within 0 and 2";
    if (json_bool(json, "stream", false))
        return "'stream' : the simulator does not stream";
    if (!cJSON_IsArray(messages) || !messages->child)
        return "'messages' : minimum number of items is 1";
    cJSON_ArrayForEach(message, messages) {
        const char *wrong = wrong_message(message);
        if (wrong)
            return wrong;
    }
    return wrong_format(json);
}

static void add_completion(struct sim *sim, struct sim_request *request)
{
    size_t prompt_tokens = request->body_len / 4 + 1; // about four bytes a token
    struct buf *out = request->answer;

    request->status = 200;
    snprintf(request->message_id, sizeof request->message_id, "chatcmpl-%s-%llu", sim->seed,
             (unsigned long long)++sim->next_id);
    buf_printf(out, "{\"id\":\"%s\",\"object\":\"chat.completion\",\"created\":%lld,\"model\":",
               request->message_id, (long long)(clock_wall_ms() / 1000));
    buf_add_json_str(out, json_str(request->json, "model"));
    buf_add_str(out, ",\"choices\":[{\"index\":0,\"message\":");
    size_t answer_tokens = sim_groq_message(request, out) / 4 + 1;
    buf_printf(out,
               "}],\"usage\":{\"queue_time\":0.001,"
               "\"prompt_tokens\":%zu,\"prompt_time\":0.001,\"completion_tokens\":%zu,"
               "\"completion_time\":0.001,\"total_tokens\":%zu,\"total_time\":0.002},"
               "\"system_fingerprint\":\"fp_sim\",\"x_groq\":{\"id\":\"req_%s\"}}",
               prompt_tokens, answer_tokens, prompt_tokens + answer_tokens, request->message_id);
}

static void add_models(struct sim_request *request)
{
    request->status = 200;
    buf_add_str(request->answer, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < sizeof known_models / sizeof *known_models; i++)
        buf_printf(request->answer,
                   "%s{\"id\":\"%s\",\"object\":\"model\",\"active\":true,"
                   "\"context_window\":131072}",
                   i ? "," : "", known_models[i]);
    buf_add_str(request->answer, "]}");
}

static void groq_answer(struct sim *sim, struct sim_request *request)
{
    bool lists_models = strcmp(request->kind, "models") == 0;

    if (!sim_bearer(request)) {
        groq_refuse(request, 401);
    } else if (strcmp(request->method, lists_models ? "GET" : "POST") != 0) {
        refuse(request, 405, "invalid_request_error", NULL, "method not allowed");
    } else if (lists_models) {
        add_models(request);
    } else if (!cJSON_IsObject(request->json)) {
        refuse(request, 400, "invalid_request_error", NULL, "the body is not a JSON object");
    } else if (check_model(request)) {
        const char *wrong = wrong_field(request->json);
        if (wrong)
            refuse(request, 400, "invalid_request_error", NULL, wrong);
        else
            add_completion(sim, request);
    }
}

const struct sim_endpoint sim_groq = {
    .accepts = groq_accepts,
    .describe = groq_describe,
    .answer = groq_answer,
    .refuse = groq_refuse,
};
