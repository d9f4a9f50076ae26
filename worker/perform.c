// SPDX-License-Identifier: MIT
// Effects, performed by the connectors (see perform.h).

#include "worker/perform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/message.h"
#include "worker/perform_call.h"

struct effect_result perform_result(const cJSON *result)
{
    const char *error = json_str(result, "error");
    return (struct effect_result){.ok = json_bool(result, "ok", false),
                                  .error = error ? error : "failed",
                                  .value = json_get(result, "value"),
                                  .status = (int)json_int(result, "status", 0),
                                  .timed_out = json_bool(result, "timed_out", false),
                                  .window_closed = json_bool(result, "window_closed", false)};
}

void call_answer(struct call *call, struct performed performed, cJSON *owned_result)
{
    perform_fn fn = call->fn;
    void *arg = call->arg;
    performed.result = owned_result;
    secrets_sent_deinit(&call->sent);
    cJSON_Delete(call->memory);
    free(call);
    fn(arg, &performed);
    cJSON_Delete(owned_result);
}

cJSON *call_result(bool ok, const char *error)
{
    cJSON *result = cJSON_CreateObject();
    cJSON_AddBoolToObject(result, "ok", ok);
    json_add_str(result, "error", error);
    return result;
}

void call_failed(struct call *call, const char *error, bool timed_out)
{
    cJSON *result = call_result(false, error);
    if (timed_out)
        cJSON_AddTrueToObject(result, "timed_out");
    call_answer(call, (struct performed){VERDICT_DONE, .text = ""}, result);
}

static void answer(struct call *call, enum verdict verdict, cJSON *owned_result, const char *text,
                   int64_t after_ms)
{
    call_answer(call, (struct performed){verdict, .text = text, .after_ms = after_ms},
                owned_result);
}

/* --- messages
 * -------------------------------------------------------------------------------------- */

// A message that was refused for good.
static void refused(struct call *call, const struct graph_result *sent, const char *text)
{
    cJSON *result = call_result(false, text);
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
        cJSON *result = call_result(true, NULL);
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

void perform(struct worker *worker, const struct perform_request *request, perform_fn fn, void *arg)
{
    struct call *call = x_alloc(sizeof *call);
    *call = (struct call){.worker = worker, .request = *request, .fn = fn, .arg = arg};
    switch (request->effect->kind) {
    case EFFECT_SEND:
        start_send(call);
        return;
    case EFFECT_HTTP:
        call_start_http(call);
        return;
    default:
        call_start_ai(call);
    }
}
