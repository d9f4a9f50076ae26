// SPDX-License-Identifier: MIT
/*
 * The machine: takes a stimulus to the node that waits for it, then runs node after node until one
 * yields an effect, waits, or ends the session. Everything that changes is in the session.
 */
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/event_value.h"
#include "engine/graph.h"
#include "engine/path.h"
#include "engine/value.h"

const struct engine_limits engine_default_limits = {
    .steps_per_activation = 250,
    .loop_guard = 500,
    .variables = 200,
    .value_bytes = 64 * 1024,
    .variables_bytes = 1024 * 1024,
    .output_bytes = 16 * 1024,
    .call_depth = 10,
    .expression_cost = 10000,
};

enum { KEPT_MAX = 32 }; // events that wait for the next inputs

struct machine {
    const struct flow *flow;
    struct session *session;
    const struct engine_env *env;
    const struct flow_node *node; // the present one
    struct node_run run;
    struct effect effect;
};

static void run_reset(struct machine *m)
{
    m->run = (struct node_run){
        .id = m->node->id,
        .config = m->node->config,
        .session = m->session,
        .flow = m->flow,
        .env = m->env,
        .limits = m->env->limits ? m->env->limits : &engine_default_limits,
        .effect = &m->effect,
        .target = NOWHERE,
    };
}

/* Events: the variables `event` and `last` */

static void event_keep(struct session *session, const struct event *event)
{
    if (!session->kept)
        session->kept = cJSON_CreateArray();
    if (cJSON_GetArraySize(session->kept) < KEPT_MAX)
        cJSON_AddItemToArray(session->kept, event_value(event, EVENT_VALUE_KEPT_MAX));
}

static void var_put(struct session *session, const char *name, cJSON *owned_value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(session->vars, name);
    cJSON_AddItemToObject(session->vars, name, owned_value);
}

// A flow of older times may have a variable `event` of its own, and keeps it.
static void event_put(struct machine *m, cJSON *owned_value)
{
    var_put(m->session, "last", event_value_last(owned_value));
    if (m->flow->own_event)
        cJSON_Delete(owned_value);
    else
        var_put(m->session, "event", owned_value);
}

/* Entering and resuming nodes */

static enum node_verdict node_enter(struct machine *m, int target)
{
    struct session *session = m->session;
    m->node = &m->flow->nodes[target];
    run_reset(m);
    const struct engine_limits *limits = m->run.limits;
    if (session->activation_steps >= limits->steps_per_activation)
        return node_fail(&m->run, "more than %u steps without a wait (limit steps_per_activation)",
                         (unsigned)limits->steps_per_activation);
    if (session->loop_guard >= limits->loop_guard)
        return node_fail(&m->run,
                         "more than %u steps without an input in between (limit loop_guard)",
                         (unsigned)limits->loop_guard);
    session->steps++;
    session->activation_steps++;
    session->loop_guard++;
    return m->node->type->enter(&m->run);
}

static enum node_verdict node_resume(struct machine *m, const struct node_signal *signal)
{
    run_reset(m);
    if (!m->node->type->resume)
        return node_fail(&m->run, "a %s node waits for nothing", m->node->type->name);
    return m->node->type->resume(&m->run, signal);
}

// Takes the answer to the node that waits for an input.
static enum node_verdict answer_deliver(struct machine *m, cJSON *owned_event)
{
    m->session->loop_guard = 0;
    // A copy: the node may change variables while it reads the answer.
    char *text = x_dup(json_str(owned_event, "text"));
    char *payload = x_dup(json_str(owned_event, "payload"));
    event_put(m, owned_event);
    struct node_signal signal = {.kind = SIGNAL_ANSWER, .text = text, .payload = payload};
    enum node_verdict verdict = node_resume(m, &signal);
    free(text);
    free(payload);
    return verdict;
}

/* Stopping */

static void step_report(struct machine *m)
{
    struct step step = {m->node->id, m->node->type->name, m->run.decision};
    if (m->env->on_step)
        m->env->on_step(m->env->on_step_arg, &step);
}

static void node_remember(struct machine *m)
{
    if (m->session->node && strcmp(m->session->node, m->node->id) == 0)
        return;
    free(m->session->node);
    m->session->node = x_dup(m->node->id);
}

static void node_state_drop(struct session *session)
{
    cJSON_Delete(session->node_state);
    session->node_state = NULL;
}

static enum engine_outcome session_end(struct machine *m, enum session_status status)
{
    struct session *session = m->session;
    session->status = status;
    session->wait = WAIT_NONE;
    session->until_ms = 0;
    session->ended_ms = m->env->now_ms;
    session_pause(session, m->env->now_ms);
    node_state_drop(session);
    cJSON_Delete(session->kept);
    session->kept = NULL;
    return status == SESSION_ERROR ? ENGINE_FAILED : ENGINE_ENDED;
}

static enum engine_outcome session_fail(struct machine *m)
{
    m->session->error = x_printf("node '%s': %s", m->node->id, m->run.err.text);
    text_tidy(m->session->error);
    return session_end(m, SESSION_ERROR);
}

static enum engine_outcome session_wait(struct machine *m, enum wait_kind wait)
{
    struct session *session = m->session;
    session->wait = wait;
    session->wait_number++;
    session->until_ms = m->run.wait_ms ? m->env->now_ms + m->run.wait_ms : 0;
    if (wait != WAIT_RESULT)
        session_pause(session, m->env->now_ms);
    return ENGINE_WAITING;
}

static enum engine_outcome effect_yield(struct machine *m, struct effect *ret_effect)
{
    session_wait(m, WAIT_RESULT);
    m->effect.seq = ++m->session->effect_seq;
    m->effect.node = x_dup(m->node->id);
    *ret_effect = m->effect;
    return ENGINE_EFFECT;
}

// The last word of one call.
static enum engine_outcome run_stop(struct machine *m, enum node_verdict verdict,
                                    struct effect *ret_effect)
{
    node_remember(m);
    if (verdict == NODE_EFFECT && m->run.decision)
        step_report(m); // an answer was refused; other effects speak for themselves
    if (verdict == NODE_EFFECT)
        return effect_yield(m, ret_effect);
    effect_deinit(&m->effect); // what a node filled before it failed
    if (verdict == NODE_FAILED && !m->run.decision)
        node_decide(&m->run, "failed: %s", m->run.err.text);
    if (verdict == NODE_ABANDONED && !m->run.decision)
        m->run.decision = "abandoned";
    if (verdict == NODE_WAIT_INPUT && !m->run.decision)
        m->run.decision = "wait";
    if (verdict == NODE_WAIT_DELAY && !m->run.decision)
        node_decide(&m->run, "wait %lld ms", (long long)m->run.wait_ms);
    step_report(m);
    switch (verdict) {
    case NODE_WAIT_INPUT:
        return session_wait(m, WAIT_INPUT);
    case NODE_WAIT_DELAY:
        return session_wait(m, WAIT_DELAY);
    case NODE_FAILED:
        return session_fail(m);
    case NODE_ABANDONED:
        return session_end(m, SESSION_ABANDONED);
    default:
        return session_end(m, SESSION_COMPLETED);
    }
}

static enum engine_outcome run_on(struct machine *m, enum node_verdict verdict,
                                  struct effect *ret_effect)
{
    struct session *session = m->session;
    for (;;) {
        if (verdict == NODE_GO && m->run.target != NOWHERE) {
            int target = m->run.target;
            step_report(m);
            node_state_drop(session);
            effect_deinit(&m->effect); // what a node filled before it took an error branch
            verdict = node_enter(m, target);
        } else if (verdict == NODE_WAIT_INPUT && cJSON_GetArraySize(session->kept) > 0) {
            verdict = answer_deliver(m, cJSON_DetachItemFromArray(session->kept, 0));
        } else {
            return run_stop(m, verdict, ret_effect);
        }
    }
}

/* Stimuli */

static enum engine_outcome outcome_of(const struct session *session)
{
    if (session->status == SESSION_ACTIVE)
        return ENGINE_WAITING;
    return session->status == SESSION_ERROR ? ENGINE_FAILED : ENGINE_ENDED;
}

static void activation_begin(struct machine *m, bool counts_anew)
{
    if (!m->session->activated_ms)
        m->session->activated_ms = m->env->now_ms;
    if (counts_anew)
        m->session->activation_steps = 0;
}

// Fills the variables that Hookmill itself provides, then the flow's own.
static bool vars_start(struct machine *m, const struct event *event)
{
    struct session *session = m->session;
    session->vars = cJSON_CreateObject();
    cJSON *contact = cJSON_AddObjectToObject(session->vars, "contact");
    if (event) {
        json_add_str(contact, "id", event->contact);
        json_add_str(contact, "name", event->contact_name);
        json_add_str(session->vars, "platform", platform_name(event->platform));
        event_put(m, event_value(event, EVENT_VALUE_TREES_MAX));
    }
    for (size_t i = 0; i < m->flow->variable_count; i++) {
        const struct flow_variable *variable = &m->flow->variables[i];
        if (variable->value &&
            !vars_set(session->vars, variable->path, cJSON_Duplicate(variable->value, true),
                      m->run.limits, &m->run.err))
            return false;
    }
    return true;
}

static enum engine_outcome engine_start(struct machine *m, const struct event *event,
                                        struct effect *ret_effect)
{
    m->node = &m->flow->nodes[m->flow->start];
    run_reset(m);
    activation_begin(m, true);
    if (!vars_start(m, event))
        return run_stop(m, NODE_FAILED, ret_effect);
    return run_on(m, node_enter(m, m->flow->start), ret_effect);
}

static bool time_is_up(struct machine *m)
{
    const struct session *session = m->session;
    int64_t active_ms = session->active_ms + (m->env->now_ms - session->activated_ms);
    if (!m->flow->max_active_ms || active_ms <= m->flow->max_active_ms)
        return false;
    node_fail(&m->run, "active for %lld ms, longer than settings.maxExecutionTime (%lld ms)",
              (long long)active_ms, (long long)m->flow->max_active_ms);
    return true;
}

// True when the stimulus is what the session waits for. An event that comes too early is kept.
static bool stimulus_fits(struct session *session, const struct stimulus *stimulus)
{
    switch (stimulus->kind) {
    case STIMULUS_EVENT:
        if (session->wait == WAIT_DELAY || session->wait == WAIT_RESULT)
            event_keep(session, stimulus->event);
        return session->wait == WAIT_INPUT;
    case STIMULUS_RESULT:
        return session->wait == WAIT_RESULT;
    case STIMULUS_TIMER:
        return (session->wait == WAIT_INPUT || session->wait == WAIT_DELAY) &&
               stimulus->wait_number == session->wait_number;
    default:
        return false;
    }
}

static enum engine_outcome engine_resume(struct machine *m, const struct stimulus *stimulus,
                                         struct effect *ret_effect)
{
    struct session *session = m->session;
    if (!stimulus_fits(session, stimulus))
        return ENGINE_WAITING;
    bool was_waiting = session->wait != WAIT_RESULT;
    session->wait = WAIT_NONE;
    session->until_ms = 0;
    activation_begin(m, was_waiting);
    m->node = flow_find(m->flow, session->node);
    if (!m->node) {
        session->error = x_printf("node '%s' is not in this version of the flow", session->node);
        return session_end(m, SESSION_ERROR);
    }
    run_reset(m);
    if (!session->vars)
        session->vars = cJSON_CreateObject();
    if (time_is_up(m))
        return run_stop(m, NODE_FAILED, ret_effect);
    if (stimulus->kind == STIMULUS_EVENT)
        return run_on(m, answer_deliver(m, event_value(stimulus->event, EVENT_VALUE_TREES_MAX)),
                      ret_effect);
    struct node_signal signal = {.kind = SIGNAL_TIMER};
    if (stimulus->kind == STIMULUS_RESULT)
        signal = (struct node_signal){.kind = SIGNAL_RESULT, .result = stimulus->result};
    return run_on(m, node_resume(m, &signal), ret_effect);
}

enum engine_outcome engine_run(const struct flow *flow, struct session *session,
                               const struct stimulus *stimulus, const struct engine_env *env,
                               struct effect *ret_effect)
{
    struct machine m = {.flow = flow, .session = session, .env = env};
    if (session->status != SESSION_ACTIVE)
        return outcome_of(session);
    if (session->node)
        return engine_resume(&m, stimulus, ret_effect);
    if (stimulus->kind == STIMULUS_START)
        return engine_start(&m, stimulus->event, ret_effect);
    session->error = x_dup("the session was never started");
    return session_end(&m, SESSION_ERROR);
}
