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
#include "worker/start.h"

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
    activation_hand_back(a);
    history_session(&a->history, &a->session);
    worker_count_session_ended(a->worker, a->session.status);
    session_deinit(&a->session);
    a->has_session = false;
    known_unref(a->flow);
    a->flow = NULL;
}

// A session that an older version began has none of its own.
static uint64_t seed_of(const struct session *session)
{
    return session->seed ? session->seed : id_fnv32(session->id);
}

// One run of the engine.
static enum engine_outcome run_once(struct activation *a, const struct stimulus *stimulus,
                                    struct effect *ret_effect)
{
    struct engine_env env = {.now_ms = clock_wall_ms(),
                             .seed = seed_of(&a->session),
                             .contact = a->recorded,
                             .account = a->account->account->facts,
                             .inbound_ms = a->inbound_ms,
                             .callback_url = activation_callback_url,
                             .callback_arg = a,
                             .on_step = on_step,
                             .on_step_arg = &a->history};
    return engine_run(a->flow->flow, &a->session, stimulus, &env, ret_effect);
}

bool activation_stimulate(struct activation *a, const struct stimulus *stimulus)
{
    struct effect effect = {0};
    enum engine_outcome outcome = run_once(a, stimulus, &effect);
    while (outcome == ENGINE_EFFECT && effect.kind == EFFECT_UPDATE) { // nothing leaves
        struct err err = {0};
        struct effect_result result = {.ok = activation_update(a, &effect, &err),
                                       .error = err.text};
        struct stimulus done = {.kind = STIMULUS_RESULT, .result = &result};
        effect_deinit(&effect);
        outcome = run_once(a, &done, &effect);
    }
    switch (outcome) {
    case ENGINE_EFFECT:
        attempt_begin(a, &effect);
        return false;
    case ENGINE_WAITING:
        return true;
    case ENGINE_FLOW:
        return activation_fetch_flow(a);
    default:
        activation_session_over(a);
        return true;
    }
}

void activation_resume_result(struct activation *a, const cJSON *result)
{
    struct effect_result view = perform_result(result);
    struct stimulus stimulus = {.kind = STIMULUS_RESULT, .result = &view};
    if (activation_stimulate(a, &stimulus))
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

static bool has_handoff(const struct activation *a)
{
    return a->has_session && a->session.wait == WAIT_HANDOFF;
}

static bool is_paused(const struct activation *a)
{
    return a->paused_ms > clock_wall_ms() && !has_handoff(a);
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

static void ignore_mark(void *arg, const struct graph_result *result)
{
}

void activation_mark_read(struct activation *a, const struct event *event)
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
    if (event_resumes_flow(event) && event->timestamp_ms > a->inbound_ms)
        a->inbound_ms = event->timestamp_ms;
    activation_take_address(a, event);
    activation_take_merged(a, event, *ret_adopted);
    if (event->kind == EVENT_UNSEND && event->target && a->has_session)
        session_forget(&a->session, event->target);
}

// The session's answer, or nothing. True when the engine rests.
static bool answer(struct activation *a, const struct event *event)
{
    if (!a->has_session || !(event_resumes_flow(event) || activation_is_called_back(a, event)))
        return true;
    if (!has_handoff(a)) // else a person will have read it when they have
        activation_mark_read(a, event);
    struct stimulus stimulus = {.kind = STIMULUS_EVENT, .event = event};
    return activation_stimulate(a, &stimulus);
}

// A callback that came during the pause, or the deadline of the wait.
static bool wait_is_over(struct activation *a, const struct activation_entry *entry)
{
    if (a->has_session && !is_paused(a) && engine_has_kept(&a->session))
        return true;
    if (!timer_is_next(a, entry))
        return false;
    a->timer_used = true;
    return true;
}

// Takes one event. False when the activation went elsewhere (an effect, a load).
static bool consume(struct activation *a, struct activation_entry *entry)
{
    const struct event *event = &entry->event;
    bool starts = entry->readable && start_is_possible(a, event);
    bool called_back = entry->readable && activation_is_called_back(a, event);
    bool resumes = called_back || (entry->readable && a->has_session && event_resumes_flow(event));
    bool silent = (starts || resumes) && is_paused(a);
    if (starts && !silent && !start_flows_ready(a, event))
        return false;
    bool adopted;
    take_in(a, entry, &adopted);
    worker_count_event(a->worker);
    if (adopted) {
        activation_load_session_flow(a);
        return false;
    }
    if (silent)
        note_pause(a);
    if (silent && called_back)
        engine_keep(&a->session, event);
    if (entry->readable && event->kind == EVENT_RESUME && has_handoff(a)) {
        struct stimulus resumed = {.kind = STIMULUS_RESUMED};
        return activation_stimulate(a, &resumed);
    }
    if (silent || (!starts && !resumes))
        return true;
    enum start_outcome started = starts ? start_try(a, event) : START_NOTHING;
    if (started != START_NOTHING)
        return started == START_RESTS;
    return answer(a, event);
}

void activation_run(struct activation *a)
{
    for (;;) {
        struct activation_entry *entry = next_entry(a);
        if (wait_is_over(a, entry)) {
            struct stimulus stimulus = {.kind = STIMULUS_TIMER,
                                        .wait_number = a->session.wait_number};
            if (!activation_stimulate(a, &stimulus))
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
