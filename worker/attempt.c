// SPDX-License-Identifier: MIT
/*
 * One effect, from the journal to the outside and back. The journal knows of it before it leaves
 * (open), so that after a crash nobody wonders: what was not open never left; what was open and has
 * no result is ambiguous. A message that is ambiguous waits, parked, for a status or an echo that
 * names it; then the account's policy decides.
 */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "engine/message.h"
#include "worker/activation.h"
#include "worker/blocked.h"
#include "worker/perform.h"

enum {
    BACKOFF_FIRST_MS = 500,
    BACKOFF_MOST_MS = 300000,
    ACCOUNT_RETRY_MS = 60000, // a bad token is tried again in case somebody mended it
};

/* --- the journal's form
 * ---------------------------------------------------------------------------- */

char *attempt_to_json(const struct attempt *attempt)
{
    cJSON *json = cJSON_CreateObject();
    char *effect = effect_to_json(&attempt->effect);
    json_add_str(json, "key", attempt->key);
    cJSON_AddItemToObject(json, "effect", json_read(effect, strlen(effect), NULL));
    cJSON_AddBoolToObject(json, "open", attempt->open);
    cJSON_AddBoolToObject(json, "ambiguous", attempt->ambiguous);
    cJSON_AddBoolToObject(json, "counted", attempt->counted);
    if (attempt->reserved > 0)
        json_add_int(json, "reserved", attempt->reserved);
    json_add_int(json, "tries", attempt->tries);
    json_add_int(json, "first", attempt->first_ms);
    json_add_int(json, "since", attempt->since_ms);
    json_add_str(json, "delivery", attempt->delivery);
    char *text = json_print(json);
    free(effect);
    cJSON_Delete(json);
    return text;
}

bool attempt_from_json(const char *text, struct attempt *ret_attempt)
{
    cJSON *json = json_read(text, strlen(text), NULL);
    struct attempt attempt = {0};
    bool ok =
        json_str(json, "key") && effect_from_json(json_get(json, "effect"), &attempt.effect, NULL);
    if (ok) {
        attempt.key = x_dup(json_str(json, "key"));
        attempt.open = json_bool(json, "open", true);
        attempt.ambiguous = json_bool(json, "ambiguous", false);
        attempt.counted = json_bool(json, "counted", attempt.open);
        attempt.reserved = json_int(json, "reserved", 0);
        attempt.tries = (int)json_int(json, "tries", 0);
        attempt.since_ms = json_int(json, "since", 0);
        attempt.first_ms = json_int(json, "first", attempt.since_ms);
        attempt.delivery = x_dup(json_str(json, "delivery"));
        *ret_attempt = attempt;
    }
    cJSON_Delete(json);
    return ok;
}

void attempt_deinit(struct attempt *attempt)
{
    free(attempt->key);
    free(attempt->delivery);
    effect_deinit(&attempt->effect);
    *attempt = (struct attempt){0};
}

/* --- the end of an attempt
 * ---------------------------------------------------------------------------- */

static void conclude(struct activation *a, const cJSON *result, const char *status)
{
    int64_t took = clock_wall_ms() - a->attempt.since_ms;
    spend_result(a, result);
    history_effect(&a->history, &a->attempt.effect, a->attempt.key, result, status,
                   a->attempt.since_ms, took > 0 ? took : 0, a->attempt.delivery);
    if (a->attempt.effect.kind == EFFECT_SEND && json_str(result, "id")) {
        free(a->sent_id);
        a->sent_id = x_dup(json_str(result, "id"));
    }
    if (strcmp(status, "failed") == 0)
        log_warn("effect.failed", "chat", a->chat, "flow", a->session.flow_id, "node",
                 a->attempt.effect.node, "delivery", a->attempt.delivery, "reason",
                 json_str(result, "error"));
    else
        log_debug("effect.done", "chat", a->chat, "attempt", a->attempt.key, "status", status,
                  "delivery", a->attempt.delivery);
    attempt_deinit(&a->attempt);
    activation_resume_result(a, result);
}

static void conclude_failed(struct activation *a, const char *why, bool timed_out)
{
    cJSON *result = cJSON_CreateObject();
    cJSON_AddBoolToObject(result, "ok", false);
    json_add_str(result, "error", why);
    if (timed_out)
        cJSON_AddTrueToObject(result, "timed_out");
    conclude(a, result, "failed");
    cJSON_Delete(result);
}

// Rests with the attempt still in hand; the timer's token says why it comes back.
static void rest(struct activation *a, const char *token, int64_t delay_ms, const char *why)
{
    char *note =
        x_printf("%s at node '%s': %s; %s in %lld ms", effect_kind_name(a->attempt.effect.kind),
                 a->attempt.effect.node, why, token, (long long)delay_ms);
    history_note(&a->history, note);
    free(note);
    session_pause(&a->session, clock_wall_ms());
    a->park_ms = delay_ms > 0 ? delay_ms : 1;
    a->parked_ms = clock_mono_ms();
    a->park_token = token;
    activation_close(a);
}

static void park(struct activation *a, const char *token, int64_t delay_ms, const char *why)
{
    log_warn("effect.later", "chat", a->chat, "flow", a->session.flow_id, "node",
             a->attempt.effect.node, "wait_ms", log_int(delay_ms), "tries",
             log_int(a->attempt.tries), "delivery", a->attempt.delivery, "reason", why);
    rest(a, token, delay_ms, why);
}

// A tenth more or less, so that the chats of an account do not all come back at once.
static int64_t jitter(int64_t ms)
{
    return ms + (int64_t)(random() % (ms / 10 + 1));
}

static int64_t backoff_ms(int tries)
{
    int64_t wait = BACKOFF_FIRST_MS;
    for (int i = 1; i < tries && wait < BACKOFF_MOST_MS; i++)
        wait *= 2;
    wait = jitter(wait);
    return wait < BACKOFF_MOST_MS ? wait : BACKOFF_MOST_MS;
}

// A message waits for as long as it makes sense to send it; a person does not wait for an AI's
// answer that long.
static bool is_given_up(const struct activation *a)
{
    const struct config *config = a->worker->config;
    if (a->attempt.effect.kind != EFFECT_SEND)
        return a->attempt.tries > config->worker_max_retries;
    return clock_wall_ms() - a->attempt.first_ms > config->worker_send_hours * 3600000;
}

static void later(struct activation *a, const struct performed *performed)
{
    a->attempt.open = false;
    a->attempt.tries++;
    spend_result(a, NULL);
    if (is_given_up(a)) {
        char *why = x_printf("given up after %d tries: %s", a->attempt.tries, performed->text);
        conclude_failed(a, why, performed->timed_out);
        free(why);
        return;
    }
    int64_t wait = performed->after_ms > 0 ? performed->after_ms : backoff_ms(a->attempt.tries);
    park(a, "retry", wait, performed->text);
}

/* --- the account at fault
 * ------------------------------------------------------------------------------- */

struct account_fault {
    enum platform platform;
    char *account_id;
    char *text;
    struct err err;
};

static void mark_account(struct db *db, void *arg)
{
    struct account_fault *fault = arg;
    if (!account_set_status(db, fault->platform, fault->account_id, "error", fault->text,
                            &fault->err))
        log_warn("account.status", "account", fault->account_id, "reason", fault->err.text);
}

static void on_account_marked(void *arg, const struct err *err)
{
    struct account_fault *fault = arg;
    free(fault->account_id);
    free(fault->text);
    free(fault);
}

static void tell_operator(struct activation *a, const char *text)
{
    log_error("account.token", "account", a->account_key, "chat", a->chat, "delivery",
              a->attempt.delivery, "reason", text, "action", "hookmill account rotate-token");
    struct account_fault *fault = x_alloc(sizeof *fault);
    *fault = (struct account_fault){a->platform, x_dup(a->account_id), x_dup(text), {0}};
    store_run(a->worker->store, mark_account, on_account_marked, fault);
}

static void account_at_fault(struct activation *a, const struct performed *performed)
{
    int64_t wait = performed->after_ms > 0 ? performed->after_ms : ACCOUNT_RETRY_MS;
    if (blocked_add(&a->worker->blocked, a->account_key, wait))
        tell_operator(a, performed->text);
    a->attempt.open = false;
    park(a, "retry", jitter(wait), performed->text);
}

/* --- out and back
 * ------------------------------------------------------------------------------------------ */

static void on_performed(void *arg, const struct performed *performed)
{
    struct activation *a = arg;
    activation_set_state(a, ACTIVATION_RUNNING);
    worker_count_effect(a->worker, a->attempt.effect.kind, performed);
    cJSON_Delete(a->recent);
    a->recent = NULL;
    switch (performed->verdict) {
    case VERDICT_DONE:
        conclude(a, performed->result,
                 json_bool(performed->result, "ok", false) ? "accepted" : "failed");
        return;
    case VERDICT_LATER:
        later(a, performed);
        return;
    case VERDICT_ACCOUNT:
        account_at_fault(a, performed);
        return;
    case VERDICT_AMBIGUOUS:
        a->attempt.ambiguous = true;
        park(a, "settle", a->worker->config->worker_settle_ms, performed->text);
        return;
    case VERDICT_CANCELED:
        activation_drop(a, "the process stops");
        return;
    }
}

static void add_recent(cJSON *recent, const char *role, const char *content)
{
    if (!content || !*content)
        return;
    cJSON *message = cJSON_CreateObject();
    json_add_str(message, "role", role);
    json_add_str(message, "content", content);
    cJSON_AddItemToArray(recent, message);
}

// Words of the person's, which they did not take back meanwhile.
static bool is_said(const struct activation *a, const struct activation_entry *entry)
{
    const struct event *event = &entry->event;
    bool comment = (event->kind == EVENT_COMMENT && !event->status) || event->kind == EVENT_MENTION;
    if (!entry->readable || !(event_resumes_flow(event) || comment))
        return false;
    for (size_t i = 0; event->id && i < a->entry_count; i++) {
        const struct activation_entry *later = &a->entries[i];
        if (later->readable && later->number <= a->consumed && later->event.kind == EVENT_UNSEND &&
            later->event.target && strcmp(later->event.target, event->id) == 0)
            return false;
    }
    return true;
}

// This activation's messages, which MongoDB does not have yet.
static cJSON *recent_messages(const struct activation *a)
{
    cJSON *recent = cJSON_CreateArray();
    const cJSON *item;
    cJSON_ArrayForEach(item, a->history.entries) {
        const char *kind = json_str(item, "k");
        if (strcmp(kind, "effect") == 0 && json_bool(item, "ok", false) &&
            strcmp(json_str(item, "kind"), "send") == 0 &&
            message_is_said(json_get(item, "message")))
            add_recent(recent, "assistant", json_str(item, "text"));
        if (strcmp(kind, "in") != 0)
            continue;
        for (size_t i = 0; i < a->entry_count; i++)
            if (a->entries[i].number == json_int(item, "n", 0) && is_said(a, &a->entries[i]))
                add_recent(recent, "user", a->entries[i].event.text);
    }
    return recent;
}

// A budget is used up, or an operator says so: the effect did not leave, and waits its time.
static void refused(struct activation *a)
{
    enum { SPREAD_MS = 10000 }; // an account's chats do not all come back in one moment
    int64_t wait = a->refusal.wait_ms;
    spend_refused(a);
    a->attempt.open = false;
    if (a->attempt.first_ms == a->attempt.since_ms)
        a->attempt.first_ms = 0;
    if (a->refusal.why != QUEUE_STOP_RATE)
        wait += random() % ((wait < SPREAD_MS ? wait : SPREAD_MS) + 1);
    char *why = spend_refusal_text(a);
    spend_tell(a, why);
    rest(a, "retry", wait, why);
    free(why);
}

static void journal(struct activation *a);

static void on_journaled(void *arg, const struct err *err)
{
    struct activation *a = arg;
    if (err && err->code == ERR_LIMIT) {
        refused(a);
        return;
    }
    if (err) {
        activation_drop(a, err->text);
        return;
    }
    spend_stored(a);
    if (queue_lease_left_ms(a->worker->queue) <= 0) {
        journal(
            a); // frozen for too long: leave only when Redis says once more that the chat is ours
        return;
    }
    activation_set_state(a, ACTIVATION_PERFORMING);
    a->recent = a->attempt.effect.kind == EFFECT_AI ? recent_messages(a) : NULL;
    struct perform_request request = {.account = a->account->account,
                                      .chat = a->chat,
                                      .contact = activation_address(a),
                                      .effect = &a->attempt.effect,
                                      .key = a->attempt.key,
                                      .recent = a->recent};
    perform(a->worker, &request, on_performed, a);
}

static void journal(struct activation *a)
{
    activation_set_state(a, ACTIVATION_JOURNALING);
    spend_attempt(a);
    activation_journal(a, on_journaled);
}

static void leave(struct activation *a)
{
    int64_t blocked_ms = a->attempt.effect.kind == EFFECT_SEND
                             ? blocked_left_ms(a->worker->blocked, a->account_key)
                             : 0;
    if (blocked_ms > 0) {
        a->attempt.open = false;
        park(a, "retry", jitter(blocked_ms), "Meta refuses the account's token just now");
        return;
    }
    a->attempt.open = true;
    a->attempt.ambiguous = false;
    a->attempt.since_ms = clock_wall_ms();
    if (a->attempt.first_ms == 0)
        a->attempt.first_ms = a->attempt.since_ms;
    journal(a);
}

void attempt_begin(struct activation *a, struct effect *effect)
{
    a->attempt = (struct attempt){.effect = *effect,
                                  .key = x_printf("hm:%s:%u", a->session.id, effect->seq),
                                  .delivery = x_dup(a->delivery)};
    *effect = (struct effect){0};
    leave(a);
}

/* --- in hand since the claim
 * --------------------------------------------------------------------------------- */

// Nobody settled it in time: the account says what is worse, a message twice or a message lost.
static void decide(struct activation *a)
{
    const char *policy = a->account->account->ambiguous;
    bool resend = policy && strcmp(policy, "resend") == 0;
    log_warn("effect.ambiguous", "chat", a->chat, "flow", a->session.flow_id, "node",
             a->attempt.effect.node, "attempt", a->attempt.key, "delivery", a->attempt.delivery,
             "policy", resend ? "resend" : "skip");
    if (resend) {
        leave(a);
        return;
    }
    cJSON *result = cJSON_CreateObject();
    cJSON_AddBoolToObject(result, "ok", true);
    conclude(a, result, "unknown");
    cJSON_Delete(result);
}

void attempt_resume(struct activation *a)
{
    if (a->settled) {
        conclude(a, a->settled, "accepted");
        return;
    }
    const struct effect *effect = &a->attempt.effect;
    if (!a->attempt.open || effect->kind != EFFECT_SEND || !message_is_said(effect->message)) {
        // It never left, or may be made again: its Idempotency-Key is the same; typing and
        // reactions change nothing the second time.
        leave(a);
        return;
    }
    bool waited = a->fired && strncmp(a->fired, "settle:", 7) == 0;
    if (a->attempt.ambiguous && waited) {
        decide(a);
        return;
    }
    a->attempt.ambiguous = true;
    park(a, "settle", a->worker->config->worker_settle_ms,
         "the message may have been sent, its answer was not seen");
}
