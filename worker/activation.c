// SPDX-License-Identifier: MIT
// The life of an activation (see activation.h).

#include "worker/activation.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/log.h"
#include "worker/perform.h"

/* --- running the engine
 * ----------------------------------------------------------------------------------- */

static void on_step(void *arg, const struct step *step)
{
    history_step(arg, step);
}

void activation_session_over(struct activation *a)
{
    if (a->session.status == SESSION_ERROR)
        log_error("session.error", "account", a->account_key, "chat", a->chat, "flow",
                  a->session.flow_id, "session", a->session.id, "node", a->session.node, "delivery",
                  a->delivery, "reason", a->session.error);
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
        activation_session_over(a);
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

static bool is_paused(const struct activation *a)
{
    return a->paused_ms > clock_wall_ms();
}

// The deadline of the present wait has passed, and it is its turn: events that came before it go
// first, but a delay keeps its time whatever came meanwhile.
static bool timer_is_next(struct activation *a, const struct activation_entry *entry)
{
    if (a->timer_used || !a->fired || !a->has_session || is_paused(a))
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
              "delivery", a->delivery, "reason", flow->err.text, "action", "hookmill flow lint");
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
        event->kind != EVENT_MESSAGE || a->platform != PLATFORM_WHATSAPP)
        return;
    a->marked_read = true;
    const struct account *account = a->account->account;
    struct graph_target target = {.platform = a->platform,
                                  .account = account->account_id,
                                  .token = account->token,
                                  .contact = activation_address(a)};
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

// Whether some flow may be started by it; which kinds start one, its start node says. Changed and
// deleted comments are no new ones.
static bool may_start(const struct event *event)
{
    if (!event->contact || event->standby || event->group)
        return false;
    switch (event->kind) {
    case EVENT_COMMENT:
        return !event->status;
    case EVENT_MENTION:
    case EVENT_CALL:
    case EVENT_LINKING:
    case EVENT_FEEDBACK:
    case EVENT_PREFERENCE:
        return true;
    default:
        return event_starts_flow(event);
    }
}

static void drop_flow(struct activation *a)
{
    known_unref(a->flow);
    a->flow = NULL;
}

// False: the enabled flow is still being loaded, and the activation comes back to this event.
static bool load_flow(struct activation *a)
{
    char *key = x_printf("flow:%s", a->account->account->flows[0]);
    if (!a->flow)
        a->flow = catalog_peek(a->worker->catalog, key);
    if (!a->flow) {
        activation_set_state(a, ACTIVATION_LOADING);
        catalog_load(a->worker->catalog, key, on_start_flow, a);
    }
    free(key);
    return a->flow;
}

// Starts a session with the flow that was loaded, if it can be and wants this event.
static bool try_start(struct activation *a, const struct event *event)
{
    bool expected = event_starts_flow(event); // by a flow that says nothing of it
    if (expected && a->flow->off)
        history_note(&a->history, "the enabled flow is switched off in its builder");
    else if (expected && !a->flow->flow)
        fail_to_start(a, a->account->account->flows[0], a->flow);
    if (a->flow->off || !a->flow->flow || !flow_starts_on(a->flow->flow, event->kind)) {
        drop_flow(a);
        return true;
    }
    mark_read(a, event);
    return start_session(a, event);
}

static void note_pause(struct activation *a)
{
    if (a->pause_noted)
        return;
    char until[32], *note;
    time_t seconds = (time_t)(a->paused_ms / 1000);
    struct tm tm;
    strftime(until, sizeof until, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
    note = x_printf("paused until %s, because a person answered: recorded, nothing else", until);
    history_note(&a->history, note);
    free(note);
    a->pause_noted = true;
}

// What an event changes whether or not a flow sees it. ret_adopted: there is a session now, whose
// flow has to be loaded.
static void take_in(struct activation *a, const struct activation_entry *entry, bool *ret_adopted)
{
    const struct event *event = entry->readable ? &entry->event : NULL;
    a->consumed = entry->number;
    a->delivery = event ? event->delivery : NULL;
    *ret_adopted = event && activation_adopt(a, event);
    history_input(&a->history, entry->number, a->delivery, *ret_adopted);
    if (!event)
        return;
    activation_take_address(a, event);
    if (event->kind == EVENT_UNSEND && event->target && a->has_session)
        session_forget(&a->session, event->target);
}

// Takes one event. False when the activation went elsewhere (an effect, a load).
static bool consume(struct activation *a, struct activation_entry *entry)
{
    const struct event *event = &entry->event;
    bool starts = entry->readable && !a->has_session && may_start(event) && starts_flow(a);
    bool resumes = entry->readable && a->has_session && event_resumes_flow(event);
    bool silent = (starts || resumes) && is_paused(a);
    if (starts && !silent && !load_flow(a))
        return false;
    bool adopted;
    take_in(a, entry, &adopted);
    worker_count_event(a->worker);
    if (adopted) {
        drop_flow(a);
        activation_load_session_flow(a);
        return false;
    }
    if (silent)
        note_pause(a);
    if (silent || (!starts && !resumes))
        return true;
    if (starts)
        return try_start(a, event);
    mark_read(a, event);
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
