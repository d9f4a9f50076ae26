// SPDX-License-Identifier: MIT
/*
 * Groq's chat completions (platform reference, section 6): a model list tried in order (404 and 400
 * of a retired model → the next), answers checked, null content tolerated. JSON answers are asked
 * for by a schema; where the model or the use of tools does not allow that, by json_object or in
 * words. Callback contract as in http.h.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "connectors/http.h"

struct groq;

struct groq_config {
    const char *url; // default https://api.groq.com/openai/v1
    const char *key; // secret
    const char
        *models; // comma-separated fallback list, default "openai/gpt-oss-120b,openai/gpt-oss-20b"
    int64_t timeout_ms; // default 30000
};
MUST_USE struct groq *groq_new(struct http *http, const struct groq_config *config);
void groq_free(struct groq *groq); // after its http: calls under way end with that

struct groq_request {
    const cJSON *models; // array of strings tried before the configured list; may be NULL or empty
    // Array of {role, content, tool_calls?, tool_call_id?}; borrowed for the call, as all here
    const cJSON *messages;
    const cJSON *tools;          // array of {name, description, parameters}, or NULL
    const cJSON *schema;         // JSON Schema of an object that the answer is to be, or NULL
    double temperature;          // < 0 = not sent
    int max_tokens;              // 0 = not sent
    const char *user;            // opaque id of the person, or NULL
    const char *idempotency_key; // header Idempotency-Key, or NULL
};
struct groq_result {
    bool ok;
    const char *text;  // the answer; "" when the content was null
    const char *model; // the one that answered
    // What it wants done first: a checked list of {id, type, function: {name, arguments (a text)}},
    // at most 16, 64 KiB of arguments in all; NULL = nothing, always so without tools
    const cJSON *tool_calls;
    const char *finish_reason;
    int prompt_tokens, completion_tokens;
    bool retry;             // !ok: worth another try
    bool timed_out;         // !ok: no answer in time
    int64_t retry_after_ms; // hint, 0 = none
    const char *error;      // !ok: in words, without secrets
};
typedef void (*groq_done_fn)(void *arg, const struct groq_result *result);
void groq_chat(struct groq *groq, const struct groq_request *request, groq_done_fn done, void *arg);
