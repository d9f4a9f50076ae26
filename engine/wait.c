// SPDX-License-Identifier: MIT
// Waits: what fits them, how they begin, and the events that come before their time.
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/event_value.h"
#include "engine/machine.h"

// Events that wait for the next inputs, and for the nodes that wait for them.
enum { KEPT_INPUTS_MAX = 32, KEPT_CALLBACKS_MAX = 8 };

static bool is_callback(const cJSON *event)
{
    const char *kind = json_str(event, "kind");
    return kind && strcmp(kind, event_kind_name(EVENT_CALLBACK)) == 0;
}

void engine_keep(struct session *session, const struct event *event)
{
    bool callback = event->kind == EVENT_CALLBACK;
    int room = callback ? KEPT_CALLBACKS_MAX : KEPT_INPUTS_MAX;
    const cJSON *kept;
    cJSON_ArrayForEach(kept, session->kept)
        room -= is_callback(kept) == callback;
    if (room <= 0)
        return;
    if (!session->kept)
        session->kept = cJSON_CreateArray();
    cJSON_AddItemToArray(session->kept, event_value(event, callback ? EVENT_VALUE_CALLBACK_MAX
                                                                    : EVENT_VALUE_KEPT_MAX));
}

// Whether a callback named `target` is for the node where the session is.
static bool callback_fits(const struct session *session, const char *node, const char *target)
{
    char *name = session_callback_name(session, node);
    bool fits = target && strcmp(name, target) == 0;
    free(name);
    return fits;
}

static bool event_fits(struct session *session, const struct event *event)
{
    bool fits =
        event->kind == EVENT_CALLBACK
            ? session->wait == WAIT_CALLBACK && callback_fits(session, session->node, event->target)
            : session->wait == WAIT_INPUT || session->wait == WAIT_HANDOFF;
    if (!fits)
        engine_keep(session, event);
    return fits;
}

bool wait_fits(struct session *session, const struct stimulus *stimulus)
{
    switch (stimulus->kind) {
    case STIMULUS_EVENT:
        return event_fits(session, stimulus->event);
    case STIMULUS_RESULT:
        return session->wait == WAIT_RESULT;
    case STIMULUS_TIMER:
        return session->wait != WAIT_NONE && session->wait != WAIT_RESULT &&
               session->wait != WAIT_FLOW && stimulus->wait_number == session->wait_number;
    case STIMULUS_FLOW:
        return session->wait == WAIT_FLOW;
    case STIMULUS_RESUMED:
        return session->wait == WAIT_HANDOFF;
    default:
        return false;
    }
}

void wait_leave(struct machine *m)
{
    m->waited = m->session->wait;
    m->waited_until_ms = m->session->until_ms;
    m->session->wait = WAIT_NONE;
    m->session->until_ms = 0;
}

enum engine_outcome wait_begin(struct machine *m, enum wait_kind wait)
{
    struct session *session = m->session;
    session->wait = wait;
    if (m->run.wait_goes_on && m->waited == wait) {
        session->until_ms = m->waited_until_ms;
    } else {
        session->wait_number++;
        session->until_ms = m->run.wait_ms ? m->env->now_ms + m->run.wait_ms : 0;
    }
    if (wait != WAIT_RESULT)
        session_pause(session, m->env->now_ms);
    return wait == WAIT_FLOW ? ENGINE_FLOW : ENGINE_WAITING;
}

enum wait_kind wait_of(enum node_verdict verdict)
{
    switch (verdict) {
    case NODE_WAIT_INPUT:
        return WAIT_INPUT;
    case NODE_WAIT_DELAY:
        return WAIT_DELAY;
    case NODE_WAIT_CALLBACK:
        return WAIT_CALLBACK;
    case NODE_WAIT_HANDOFF:
        return WAIT_HANDOFF;
    default:
        return WAIT_NONE;
    }
}

// The first kept event that fits a wait at the node.
static cJSON *kept_find(const struct session *session, enum wait_kind wait, const char *node)
{
    cJSON *kept;
    if (wait != WAIT_INPUT && wait != WAIT_CALLBACK)
        return NULL;
    cJSON_ArrayForEach(kept, session->kept) {
        if (wait == WAIT_INPUT && !is_callback(kept))
            return kept;
        if (wait == WAIT_CALLBACK && is_callback(kept) &&
            callback_fits(session, node, json_str(kept, "target")))
            return kept;
    }
    return NULL;
}

bool engine_has_kept(const struct session *session)
{
    return session->wait == WAIT_CALLBACK && kept_find(session, WAIT_CALLBACK, session->node);
}

cJSON *wait_take_kept(struct machine *m, enum wait_kind wait)
{
    struct session *session = m->session;
    cJSON *kept = kept_find(session, wait, m->node->id);
    return kept ? cJSON_DetachItemViaPointer(session->kept, kept) : NULL;
}

cJSON *wait_event_value(const struct event *event)
{
    bool callback = event->kind == EVENT_CALLBACK;
    return event_value(event, callback ? EVENT_VALUE_CALLBACK_MAX : EVENT_VALUE_TREES_MAX);
}

enum node_verdict wait_deliver(struct machine *m, cJSON *owned_event)
{
    if (is_callback(owned_event)) { // nothing that the person did: `event` and `last` stay
        struct node_signal called = {.kind = SIGNAL_CALLBACK, .event = owned_event};
        machine_lend(m, owned_event);
        return machine_resume(m, &called);
    }
    struct node_signal signal = {
        .kind = SIGNAL_ANSWER,
        .text = json_str(owned_event, "text"),
        .payload = json_str(owned_event, "payload"),
        .event = owned_event,
    };
    m->session->loop_guard = 0;
    vars_event(m, owned_event);
    return machine_resume(m, &signal);
}

// The wait begins and is over at once, so that "it goes on" means this one.
enum node_verdict wait_skip(struct machine *m, enum wait_kind wait, cJSON *owned_event)
{
    wait_begin(m, wait);
    wait_leave(m);
    m->session->activated_ms = m->env->now_ms;
    return wait_deliver(m, owned_event);
}

void wait_note_inbound(struct machine *m, const struct event *event)
{
    int64_t *inbound_ms = &m->session->inbound_ms;
    if (m->env->inbound_ms > *inbound_ms)
        *inbound_ms = m->env->inbound_ms;
    if (event && event_resumes_flow(event) && event->timestamp_ms > *inbound_ms)
        *inbound_ms = event->timestamp_ms;
}
