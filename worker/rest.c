// SPDX-License-Identifier: MIT
/*
 * How an activation comes to rest (see activation.h): what it did is journaled as closed, projected
 * to MongoDB, and finished in Redis; or it is dropped, when somebody else holds its chat.
 */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "worker/activation.h"

void activation_set_state(struct activation *a, enum activation_state state)
{
    a->state = state;
}

static void activation_free(struct activation *a)
{
    for (size_t i = 0; i < a->entry_count; i++) {
        if (a->entries[i].readable)
            event_deinit(&a->entries[i].event);
        free(a->entries[i].json);
        free(a->entries[i].dead);
    }
    free(a->entries);
    if (a->has_session)
        session_deinit(&a->session);
    attempt_deinit(&a->attempt);
    history_deinit(&a->history);
    cJSON_Delete(a->recorded);
    cJSON_Delete(a->settled);
    cJSON_Delete(a->recent);
    known_unref(a->account);
    known_unref(a->flow);
    flow_list_unref(a->flows);
    free(a->chat);
    free(a->account_key);
    free(a->account_id);
    free(a->contact);
    free(a->address);
    free(a->sent_id);
    free(a->fired);
    free(a->claimed_state);
    free(a);
}

static void release(struct activation *a)
{
    struct worker *worker = a->worker;
    unsigned shard = a->shard;
    activation_free(a);
    worker_released(worker, shard);
}

void activation_drop(struct activation *a, const char *reason)
{
    log_warn("activation.dropped", "chat", a->chat, "epoch", log_int(a->epoch), "delivery",
             a->delivery, "reason", reason);
    release(a);
}

/* --- state
 * ------------------------------------------------------------------------------------------ */

// The state as finish (resting) and the journal have it; NULL when there is nothing to keep.
static char *state_json(const struct activation *a, bool resting)
{
    if (resting && !a->has_session && !a->address && !activation_is_recorded(a))
        return NULL;
    cJSON *json = cJSON_CreateObject();
    json_add_str(json, "address", a->address);
    activation_write_recorded(a, json);
    if (a->paused_ms > 0)
        json_add_int(json, "paused", a->paused_ms);
    if (!resting && a->was_paused_ms > 0)
        json_add_int(json, "was_paused", a->was_paused_ms);
    if (a->has_session) {
        char *text = session_to_json(&a->session);
        cJSON_AddItemToObject(json, "session", json_read(text, strlen(text), NULL));
        free(text);
    }
    if (!resting) {
        json_add_int(json, "consumed", a->consumed);
        if (a->inbound_ms > 0)
            json_add_int(json, "inbound", a->inbound_ms);
        cJSON_AddBoolToObject(json, "closed", a->closed);
        json_add_str(json, "park", a->park_token);
        json_add_int(json, "park_ms", a->park_ms);
    }
    char *text = json_print(json);
    cJSON_Delete(json);
    return text;
}

void activation_journal(struct activation *a, queue_done_fn done)
{
    size_t count;
    a->journaled_before = a->history.journaled;
    char **records = history_unjournaled(&a->history, &count);
    char *state = state_json(a, false);
    char *attempt = a->attempt.key ? attempt_to_json(&a->attempt) : NULL;
    struct queue_journal call = {.chat = a->chat,
                                 .epoch = a->epoch,
                                 .state = state,
                                 .attempt = attempt,
                                 .records = (const char *const *)records,
                                 .record_count = count,
                                 .sent_id = a->sent_id,
                                 .spend = &a->spend,
                                 .ret_refusal = &a->refusal};
    queue_journal(a->worker->queue, &call, done, a);
    for (size_t i = 0; i < count; i++)
        free(records[i]);
    free(records);
    free(state);
    free(attempt);
    free(a->sent_id);
    a->sent_id = NULL;
}

/* --- finishing
 * ----------------------------------------------------------------------------------------- */

static void on_finished(void *arg, const struct err *err)
{
    struct activation *a = arg;
    if (err)
        log_warn("activation.finish", "chat", a->chat, "reason", err->text);
    release(a);
}

// When the session's deadline may be acted on: during a pause it is kept until its end.
static int64_t deadline_of(const struct activation *a)
{
    bool kept = a->session.until_ms < a->paused_ms && a->session.wait != WAIT_HANDOFF;
    return kept ? a->paused_ms : a->session.until_ms;
}

// The timer that wakes the chat for what it waits for: the parked attempt, else the session's
// deadline.
static struct queue_timer resting_timer(const struct activation *a, char **ret_token)
{
    if (a->park_token) {
        int64_t left = a->park_ms - (a->parked_ms > 0 ? clock_mono_ms() - a->parked_ms : 0);
        *ret_token = x_printf("%s:%s", a->park_token, a->attempt.key);
        return (struct queue_timer){.delay_ms = left > 0 ? left : 0, .token = *ret_token};
    }
    bool called_back = a->paused_ms > 0 && a->has_session && engine_has_kept(&a->session);
    if (a->has_session && (a->session.until_ms > 0 || called_back)) {
        int64_t left = (called_back ? a->paused_ms : deadline_of(a)) - clock_wall_ms();
        *ret_token = x_printf("%s:%u", a->session.id, a->session.wait_number);
        return (struct queue_timer){.delay_ms = left > 0 ? left : 0, .token = *ret_token};
    }
    *ret_token = NULL;
    return (struct queue_timer){.delay_ms = -1, .token = ""};
}

void activation_finish(struct activation *a)
{
    activation_set_state(a, ACTIVATION_FINISHING);
    struct queue_dead *dead = x_calloc(a->entry_count, sizeof *dead);
    size_t dead_count = 0;
    for (size_t i = 0; i < a->entry_count; i++)
        if (a->entries[i].dead && a->entries[i].number <= a->consumed)
            dead[dead_count++] = (struct queue_dead){a->entries[i].number, a->entries[i].dead};
    char *state = state_json(a, true);
    char *token = NULL;
    struct queue_timer timer = resting_timer(a, &token);
    struct queue_finish call = {.chat = a->chat,
                                .epoch = a->epoch,
                                .inbound_ms = a->inbound_ms,
                                .done = a->consumed,
                                .state = state,
                                .keep_attempt = a->attempt.key != NULL,
                                .next = a->park_token ? QUEUE_PARKED : QUEUE_IDLE,
                                .timer = &timer,
                                .dead = dead,
                                .dead_count = dead_count};
    queue_finish(a->worker->queue, &call, on_finished, a);
    free(token);
    free(state);
    free(dead);
}

void activation_defer(struct activation *a, int64_t delay_ms)
{
    activation_set_state(a, ACTIVATION_FINISHING);
    // The token that came with the claim comes again: it says what the attempt waits for.
    struct queue_timer timer = {.delay_ms = delay_ms, .token = a->fired ? a->fired : "retry:later"};
    struct queue_finish call = {.chat = a->chat,
                                .epoch = a->epoch,
                                .inbound_ms = a->inbound_ms,
                                .done = a->done,
                                .state = a->claimed_state,
                                .keep_attempt = true,
                                .keep_records = true,
                                .next = QUEUE_PARKED,
                                .timer = &timer};
    queue_finish(a->worker->queue, &call, on_finished, a);
}

void activation_bury(struct activation *a, const char *reason)
{
    for (size_t i = 0; i < a->entry_count; i++)
        if (!a->entries[i].dead && a->entries[i].number <= a->consumed)
            a->entries[i].dead = x_dup(reason);
}

static void on_projected(void *arg, const struct err *err)
{
    struct activation *a = arg;
    if (err && err->code == ERR_CANCELED) {
        activation_drop(a, "the process stops");
        return;
    }
    if (err) { // MongoDB refuses the records for themselves: trying again would not help
        log_error("projection.refused", "chat", a->chat, "delivery", a->delivery, "reason",
                  err->text);
        char *reason = x_printf(
            "was processed, a retry does it again: its records were refused: %s", err->text);
        activation_bury(a, reason);
        free(reason);
    }
    activation_finish(a);
}

void activation_project(struct activation *a)
{
    activation_set_state(a, ACTIVATION_PROJECTING);
    writer_project(a->worker->writer, activation_projection(a), on_projected, a);
}

static void on_closed(void *arg, const struct err *err)
{
    struct activation *a = arg;
    if (err)
        activation_drop(a, err->text);
    else
        activation_project(a);
}

void activation_close(struct activation *a)
{
    if (cJSON_GetArraySize(a->history.entries) == 0) { // nothing happened: nothing to write down
        activation_finish(a);
        return;
    }
    activation_set_state(a, ACTIVATION_CLOSING);
    a->closed = true;
    spend_none(a);
    activation_journal(a, on_closed);
}
