// SPDX-License-Identifier: MIT
// The life of an activation (see activation.h).

#include "worker/activation.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/log.h"
#include "worker/perform.h"

enum { ACCOUNT_WAIT_MS = 60000 };

/* --- running the engine
 * ----------------------------------------------------------------------------------- */

static void on_step(void *arg, const struct step *step)
{
    history_step(arg, step);
}

static void session_over(struct activation *a)
{
    if (a->session.status == SESSION_ERROR)
        log_error("session.error", "account", a->account_key, "chat", a->chat, "flow",
                  a->session.flow_id, "session", a->session.id, "node", a->session.node, "reason",
                  a->session.error);
    history_session(&a->history, &a->session);
    worker_count_session_ended(a->worker, a->session.status);
    session_deinit(&a->session);
    a->has_session = false;
    known_unref(a->flow);
    a->flow = NULL;
}

// Runs the engine; true when it rests (so that the next event may come), false when an effect went
// out.
static bool stimulate(struct activation *a, const struct stimulus *stimulus)
{
    struct engine_env env = {.now_ms = clock_wall_ms(),
                             .seed = id_fnv32(a->session.id) + (uint64_t)a->consumed,
                             .on_step = on_step,
                             .on_step_arg = &a->history};
    struct effect effect = {0};
    switch (engine_run(a->flow->flow, &a->session, stimulus, &env, &effect)) {
    case ENGINE_EFFECT:
        attempt_begin(a, &effect);
        return false;
    case ENGINE_WAITING:
        return true;
    default:
        session_over(a);
        return true;
    }
}

void activation_resume_result(struct activation *a, const cJSON *result)
{
    struct effect_result view = perform_result(result);
    struct stimulus stimulus = {.kind = STIMULUS_RESULT, .result = &view};
    if (stimulate(a, &stimulus))
        activation_run(a);
}

/* --- the next thing to do
 * ----------------------------------------------------------------------------------- */

static struct activation_entry *next_entry(struct activation *a)
{
    for (size_t i = 0; i < a->entry_count; i++)
        if (a->entries[i].number > a->consumed)
            return &a->entries[i];
    return NULL;
}

// The deadline of the present wait has passed, and it is its turn: events that came before it go
// first, but a delay keeps its time whatever came meanwhile.
static bool timer_is_next(struct activation *a, const struct activation_entry *entry)
{
    if (a->timer_used || !a->fired || !a->has_session)
        return false;
    char *token = x_printf("%s:%u", a->session.id, a->session.wait_number);
    bool ours = strcmp(token, a->fired) == 0;
    free(token);
    return ours && (!entry || a->session.wait == WAIT_DELAY);
}

static bool starts_flow(const struct activation *a)
{
    const struct account *account = a->account->account;
    return account->flow_count > 0 &&
           (strcmp(account->status, "connected") == 0 || strcmp(account->status, "error") == 0);
}

static void fail_to_start(struct activation *a, const char *flow_id, const struct known *flow)
{
    log_error("flow.unusable", "account", a->account_key, "chat", a->chat, "flow", flow_id,
              "reason", flow->err.text, "action", "hookmill flow lint");
    struct session session;
    char id[37];
    id_uuid(id);
    session_init(&session, id, flow_id, flow->version, clock_wall_ms());
    session.status = SESSION_ERROR;
    session.error = x_dup(flow->err.text);
    session.ended_ms = session.started_ms;
    history_session(&a->history, &session);
    worker_count_session_started(a->worker);
    worker_count_session_ended(a->worker, session.status);
    session_deinit(&session);
}

static bool start_session(struct activation *a, const struct event *event)
{
    char id[37];
    id_uuid(id);
    session_init(&a->session, id, a->account->account->flows[0], a->flow->version, clock_wall_ms());
    a->has_session = true;
    worker_count_session_started(a->worker);
    struct stimulus stimulus = {.kind = STIMULUS_START, .event = event};
    return stimulate(a, &stimulus);
}

static void ignore_mark(void *arg, const struct graph_result *result)
{
}

// The person sees that somebody is at it. Best effort, once per activation.
static void mark_read(struct activation *a, const struct event *event)
{
    if (a->marked_read || !a->worker->config->worker_mark_read || !event->id ||
        a->platform != PLATFORM_WHATSAPP)
        return;
    a->marked_read = true;
    const struct account *account = a->account->account;
    struct graph_target target = {.platform = a->platform,
                                  .account = account->account_id,
                                  .token = account->token,
                                  .contact = a->contact};
    graph_mark_read(a->worker->graph, &target, event->id, ignore_mark, NULL);
}

static void on_start_flow(void *arg, struct known *known)
{
    struct activation *a = arg;
    if (!known) {
        activation_drop(a, "the process stops");
        return;
    }
    a->flow = known_ref(known);
    activation_set_state(a, ACTIVATION_RUNNING);
    activation_run(a);
}

// Takes one event. False when the activation went elsewhere (an effect, a load).
static bool consume(struct activation *a, struct activation_entry *entry)
{
    const struct event *event = &entry->event;
    bool wakes = entry->readable && event_resumes_flow(event);
    if (wakes && !a->has_session && !a->flow && starts_flow(a)) {
        char *key = x_printf("flow:%s", a->account->account->flows[0]);
        a->flow = catalog_peek(a->worker->catalog, key);
        if (!a->flow) {
            activation_set_state(a, ACTIVATION_LOADING);
            catalog_load(a->worker->catalog, key, on_start_flow, a);
        }
        free(key);
        if (!a->flow)
            return false; // comes back to this event
    }
    a->consumed = entry->number;
    history_input(&a->history, entry->number);
    worker_count_event(a->worker);
    if (!wakes)
        return true;
    if (!a->has_session && !starts_flow(a))
        return true;
    if (!a->has_session && a->flow->off) {
        history_note(&a->history, "the enabled flow is switched off in its builder");
        known_unref(a->flow);
        a->flow = NULL;
        return true;
    }
    if (!a->has_session && !a->flow->flow) {
        fail_to_start(a, a->account->account->flows[0], a->flow);
        known_unref(a->flow);
        a->flow = NULL;
        return true;
    }
    mark_read(a, event);
    if (!a->has_session)
        return start_session(a, event);
    struct stimulus stimulus = {.kind = STIMULUS_EVENT, .event = event};
    return stimulate(a, &stimulus);
}

void activation_run(struct activation *a)
{
    for (;;) {
        struct activation_entry *entry = next_entry(a);
        if (timer_is_next(a, entry)) {
            a->timer_used = true;
            struct stimulus stimulus = {.kind = STIMULUS_TIMER,
                                        .wait_number = a->session.wait_number};
            if (!stimulate(a, &stimulus))
                return;
            continue;
        }
        if (!entry || a->worker->stopping)
            break;
        if (!consume(a, entry))
            return;
    }
    activation_close(a);
}

/* --- starting
 * ------------------------------------------------------------------------------------------------
 */

static void begin(struct activation *a)
{
    activation_set_state(a, ACTIVATION_RUNNING);
    if (a->closed) { // died between closing and finishing: repeat exactly that
        activation_project(a);
        return;
    }
    a->park_token = NULL;
    a->park_ms = 0;
    if (a->attempt.key)
        attempt_resume(a);
    else
        activation_run(a);
}

// The session's own version is gone: it cannot go on, and says so.
static void lose_session(struct activation *a, const struct known *known)
{
    a->session.status = SESSION_ERROR;
    a->session.ended_ms = clock_wall_ms();
    free(a->session.error);
    a->session.error = x_printf("version %d of the flow cannot be used: %s",
                                a->session.flow_version, known->err.text);
    attempt_deinit(&a->attempt);
    session_over(a);
}

static void on_session_flow(void *arg, struct known *known)
{
    struct activation *a = arg;
    if (!known) {
        activation_drop(a, "the process stops");
        return;
    }
    if (known->flow)
        a->flow = known_ref(known);
    else
        lose_session(a, known);
    begin(a);
}

static void load_session_flow(struct activation *a)
{
    if (!a->has_session || a->closed) {
        begin(a);
        return;
    }
    char *key = x_printf("flow:%s@%d", a->session.flow_id, a->session.flow_version);
    a->flow = catalog_peek(a->worker->catalog, key);
    if (a->flow && a->flow->flow) {
        begin(a);
    } else {
        known_unref(a->flow);
        a->flow = NULL;
        catalog_load(a->worker->catalog, key, on_session_flow, a);
    }
    free(key);
}

// An account that is there but cannot be used, or one that is gone with an effect in hand:
// everything stays.
static void wait_for_account(struct activation *a, const struct err *err)
{
    log_error("account.unusable", "account", a->account_key, "chat", a->chat, "reason", err->text);
    activation_defer(a, ACCOUNT_WAIT_MS);
}

static void bury_strangers(struct activation *a, const struct err *err)
{
    char *reason = x_printf("unknown account %s: connect it with `hookmill account add`, then "
                            "`hookmill queue dead retry` (%s)",
                            a->account_key, err->text);
    log_error("account.unknown", "account", a->account_key, "chat", a->chat, "events",
              log_int((long long)a->entry_count), "reason", err->text, "action",
              "hookmill account add");
    if (a->entry_count > 0)
        a->consumed = a->entries[a->entry_count - 1].number;
    activation_bury(a, reason);
    free(reason);
    activation_finish(a);
}

static void on_account(void *arg, struct known *known)
{
    struct activation *a = arg;
    if (!known) {
        activation_drop(a, "the process stops");
        return;
    }
    if (known->account) {
        a->account = known_ref(known);
        load_session_flow(a);
        return;
    }
    if (known->err.code != ERR_NOT_FOUND || a->attempt.key)
        wait_for_account(a, &known->err);
    else
        bury_strangers(a, &known->err);
}

static void read_state(struct activation *a, const char *text)
{
    cJSON *json = text ? json_read(text, strlen(text), NULL) : NULL;
    const cJSON *session = json_get(json, "session");
    if (session) {
        char *form = json_print(session);
        struct err err = {0};
        a->has_session = session_from_json(form, strlen(form), &a->session, &err);
        if (!a->has_session)
            log_error("session.unreadable", "chat", a->chat, "reason", err.text);
        free(form);
    }
    a->consumed = json_int(json, "consumed", a->done);
    a->closed = json_bool(json, "closed", false);
    const char *park = json_str(json, "park");
    a->park_token = park ? (strcmp(park, "settle") == 0 ? "settle" : "retry") : NULL;
    a->park_ms = json_int(json, "park_ms", 0);
    cJSON_Delete(json);
}

static void read_entries(struct activation *a, const struct queue_claim *claim)
{
    a->entries = x_calloc(claim->entry_count, sizeof *a->entries);
    a->entry_count = claim->entry_count;
    for (size_t i = 0; i < claim->entry_count; i++) {
        struct activation_entry *entry = &a->entries[i];
        struct err err = {0};
        entry->number = claim->entries[i].number;
        entry->json = x_dup(claim->entries[i].json);
        entry->readable = event_from_json(entry->json, strlen(entry->json), &entry->event, &err);
        if (!entry->readable)
            entry->dead = x_printf("unreadable: %s", err.text);
    }
}

void activation_start(struct worker *worker, const struct queue_claim *claim)
{
    struct activation *a = x_alloc(sizeof *a);
    a->worker = worker;
    a->chat = x_dup(claim->chat);
    a->account_key = x_dup(claim->account);
    a->shard = claim->shard;
    a->epoch = claim->epoch;
    a->turn = claim->turn;
    a->done = claim->done;
    a->fired = x_dup(claim->fired);
    a->claimed_state = x_dup(claim->state);
    worker->active++;
    history_init(&a->history);
    read_state(a, claim->state);
    read_entries(a, claim);
    history_restore(&a->history, claim->records, claim->record_count);
    if (claim->attempt && !attempt_from_json(claim->attempt, &a->attempt))
        log_error("attempt.unreadable", "chat", a->chat);
    if (a->attempt.key &&
        !a->has_session) { // its session cannot be read (any more): nobody to tell the result
        log_error("attempt.orphan", "chat", a->chat, "attempt", a->attempt.key);
        history_note(&a->history,
                     "the stored session could not be read; its effect in hand was dropped");
        attempt_deinit(&a->attempt);
    }
    if (claim->result)
        a->settled = json_read(claim->result, strlen(claim->result), NULL);
    if (!chat_key_split(a->chat, &a->platform, &a->account_id, &a->contact) || !a->contact) {
        activation_drop(a, "not a chat's name");
        return;
    }
    char *key = x_printf("account:%s", a->account_key);
    a->account = catalog_peek(worker->catalog, key);
    if (a->account && a->account->account) {
        load_session_flow(a);
    } else {
        known_unref(a->account);
        a->account = NULL;
        catalog_load(worker->catalog, key, on_account, a);
    }
    free(key);
}
