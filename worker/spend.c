// SPDX-License-Identifier: MIT
/*
 * What an activation's effects cost the budgets of its contact and account. An attempt is charged
 * once, in the call that records it: what a flow asks for is what is bounded, and a further try of
 * the same message asks for nothing more. A chat completion is charged with the tokens that it
 * took, told with the next call; until then those that it may take are reserved.
 */

#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "worker/activation.h"
#include "worker/blocked.h"

static const struct {
    enum queue_counted kind;
    const char *words;
} counted_as[] = {[EFFECT_SEND] = {QUEUE_SENDS, "sends"},
                  [EFFECT_HTTP] = {QUEUE_CALLS, "API calls"},
                  [EFFECT_AI] = {QUEUE_TOKENS, "tokens"}};

static bool is_counted(const struct effect *effect)
{
    return effect->kind == EFFECT_SEND || effect->kind == EFFECT_HTTP || effect->kind == EFFECT_AI;
}

static int64_t either(int64_t own, int64_t configured)
{
    return own >= 0 ? own : configured;
}

static void set_limits(struct queue_spend *spend, const struct config *config,
                       const struct account_budgets *own)
{
    switch (spend->kind) {
    case QUEUE_SENDS:
        spend->per_day = either(own->contact_sends_per_day, config->worker_budget_contact_sends);
        spend->per_hour = either(own->sends_per_hour, config->worker_budget_sends);
        return;
    case QUEUE_CALLS:
        spend->per_day =
            either(own->contact_calls_per_day, config->worker_budget_contact_api_calls);
        spend->per_hour = either(own->calls_per_hour, config->worker_budget_api_calls);
        return;
    default:
        spend->per_day = either(own->contact_tokens_per_day, config->worker_budget_contact_tokens);
        spend->per_hour = either(own->tokens_per_hour, config->worker_budget_tokens);
    }
}

void spend_none(struct activation *a)
{
    a->spend.leaves = false;
}

void spend_attempt(struct activation *a)
{
    const struct effect *effect = &a->attempt.effect;
    spend_none(a);
    if (!is_counted(effect))
        return;
    a->spend.leaves = true;
    a->spend.kind = counted_as[effect->kind].kind;
    a->spend.counted = a->attempt.counted;
    a->spend.reserve = effect->kind == EFFECT_AI ? effect->max_tokens : 0;
    set_limits(&a->spend, a->worker->config, &a->account->account->budgets);
    // The attempt is recorded as it is when this is stored.
    if (!a->attempt.counted)
        a->attempt.reserved = a->spend.reserve;
    a->attempt.counted = true;
}

void spend_stored(struct activation *a)
{
    a->spend.tokens = 0;
    a->spend.unreserve = 0;
}

// The next call tells the journal again what this one did not get to.
void spend_refused(struct activation *a)
{
    a->history.journaled = a->journaled_before;
    a->attempt.counted = a->spend.counted;
    if (!a->attempt.counted)
        a->attempt.reserved = 0;
}

void spend_result(struct activation *a, const cJSON *result)
{
    if (a->attempt.effect.kind != EFFECT_AI || !a->attempt.counted)
        return;
    int64_t tokens = json_int(json_get(result, "value"), "tokens", 0);
    a->spend.tokens += tokens > 0 ? tokens : 0;
    a->spend.unreserve += a->attempt.reserved;
    a->attempt.reserved = 0;
    a->attempt.counted = false; // a further try asks and reserves anew
}

char *spend_refusal_text(const struct activation *a)
{
    const struct queue_refusal *refusal = &a->refusal;
    const char *words = counted_as[a->attempt.effect.kind].words;
    switch (refusal->why) {
    case QUEUE_STOP_PAUSED:
        return x_dup("the account is paused");
    case QUEUE_STOP_CONTACT:
        return x_printf("the contact's budget of %lld %s per day is used up",
                        (long long)refusal->limit, words);
    case QUEUE_STOP_ACCOUNT:
        return x_printf("the account's budget of %lld %s per hour is used up",
                        (long long)refusal->limit, words);
    default:
        return x_printf("the account is throttled to %lld sends per second",
                        (long long)refusal->limit);
    }
}

static void tell_operator(const struct activation *a, const char *why, const char *chat)
{
    char *action = x_printf("hookmill account release %s%s%s", a->account_key,
                            chat ? " --chat " : "", chat ? chat : "");
    log_warn("effect.budget", "chat", a->chat, "flow", a->session.flow_id, "node",
             a->attempt.effect.node, "used", log_int(a->refusal.used), "wait_ms",
             log_int(a->refusal.wait_ms), "delivery", a->attempt.delivery, "reason", why, "action",
             action);
    free(action);
}

void spend_tell(struct activation *a, const char *why)
{
    worker_count_parked(a->worker, a->refusal.why);
    if (a->refusal.why == QUEUE_STOP_CONTACT)
        tell_operator(a, why, a->contact);
    else if (a->refusal.why == QUEUE_STOP_ACCOUNT &&
             blocked_add(&a->worker->told, a->account_key, a->refusal.wait_ms))
        tell_operator(a, why, NULL); // once for all of its chats
    else
        log_debug("effect.parked", "chat", a->chat, "node", a->attempt.effect.node, "wait_ms",
                  log_int(a->refusal.wait_ms), "reason", why);
}
