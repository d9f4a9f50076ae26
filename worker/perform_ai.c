// SPDX-License-Identifier: MIT
// Chat completions: the conversation is put together here, from MongoDB, this activation, and the
// effect.
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/json.h"
#include "worker/perform_call.h"

static cJSON *reply_value(const struct call *call, const struct groq_result *reply)
{
    cJSON *value = cJSON_CreateObject();
    json_add_str(value, "text", reply->text);
    json_add_str(value, "model", reply->model);
    json_add_int(value, "tokens", reply->prompt_tokens + reply->completion_tokens);
    if (reply->tool_calls)
        cJSON_AddItemToObject(value, "tool_calls", cJSON_Duplicate(reply->tool_calls, true));
    cJSON *json = call->request.effect->schema && !reply->tool_calls
                      ? json_read(reply->text, strlen(reply->text), NULL)
                      : NULL;
    if (json)
        cJSON_AddItemToObject(value, "json", json);
    return value;
}

static void on_groq(void *arg, const struct groq_result *reply)
{
    struct call *call = arg;
    if (reply->ok) {
        cJSON *result = call_result(true, NULL);
        cJSON_AddItemToObject(result, "value", reply_value(call, reply));
        call_answer(call, (struct performed){VERDICT_DONE, .text = ""}, result);
    } else if (reply->retry) {
        call_answer(call,
                    (struct performed){VERDICT_LATER, .text = reply->error,
                                       .after_ms = reply->retry_after_ms,
                                       .timed_out = reply->timed_out},
                    NULL);
    } else {
        call_failed(call, reply->error, reply->timed_out);
    }
}

static void add_message(cJSON *messages, const char *role, const char *content)
{
    cJSON *message = cJSON_CreateObject();
    json_add_str(message, "role", role);
    json_add_str(message, "content", content);
    cJSON_AddItemToArray(messages, message);
}

// The node's own words, and what the owner of the account has written down.
static void add_system(cJSON *messages, const struct call *call)
{
    const struct effect *effect = call->request.effect;
    const char *knowledge = effect->knowledge ? call->request.account->knowledge : NULL;
    struct buf text = {0};
    buf_add_str(&text, effect->system ? effect->system : "");
    if (knowledge && *knowledge)
        buf_printf(&text, "%sWhat you know:\n%s", text.len ? "\n\n" : "", knowledge);
    if (text.len)
        add_message(messages, "system", text.data);
    buf_deinit(&text);
}

static void add_all(cJSON *messages, const cJSON *list, int skip)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        if (skip-- <= 0)
            cJSON_AddItemToArray(messages, cJSON_Duplicate(item, true));
    }
}

// System prompt, then the chat's last messages with this activation's own, then the prompt, then
// what tools have brought.
static cJSON *conversation(const struct call *call)
{
    const struct effect *effect = call->request.effect;
    cJSON *messages = cJSON_CreateArray();
    add_system(messages, call);
    cJSON *memory = call->memory ? cJSON_Duplicate(call->memory, true) : cJSON_CreateArray();
    add_all(memory, call->request.recent, 0);
    add_all(messages, memory, cJSON_GetArraySize(memory) - effect->history);
    cJSON_Delete(memory);
    if (effect->prompt && *effect->prompt)
        add_message(messages, "user", effect->prompt);
    add_all(messages, effect->rounds, 0);
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
        call_answer(call, (struct performed){VERDICT_CANCELED, .text = err->text}, NULL);
        return;
    }
    if (!call->memory && call->memory_err.code != ERR_NONE) {
        struct err why = call->memory_err;
        call_answer(call, (struct performed){VERDICT_LATER, .text = why.text}, NULL);
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
                                   .tools = effect->tools,
                                   .schema = effect->schema,
                                   .user = user,
                                   .idempotency_key = call->request.key};
    groq_chat(call->worker->groq, &request, on_groq, call);
    cJSON_Delete(messages);
}

void call_start_ai(struct call *call)
{
    store_run(call->worker->store, load_memory, on_memory, call);
}
