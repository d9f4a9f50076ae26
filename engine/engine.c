// SPDX-License-Identifier: MIT
/*
 * The machine: takes a stimulus to the node that waits for it, then runs node after node until one
 * yields an effect, waits, needs another flow, or ends the session. Everything that changes is in
 * the session.
 */
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/event_value.h"
#include "engine/machine.h"
#include "engine/message.h"
#include "engine/trigger.h"
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
    .run_cost = 250000,
};

// What is not set here holds nothing: the texts are long, and this is done at each step.
void machine_prepare(struct machine *m)
{
    struct node_run *run = &m->run;
    run->id = m->node->id;
    run->config = m->node->config;
    run->session = m->session;
    run->flow = m->flow;
    run->env = m->env;
    run->limits = m->env->limits ? m->env->limits : &engine_default_limits;
    run->cost_left = run->limits->run_cost ? &m->cost_left : NULL;
    run->effect = &m->effect;
    run->call = (struct node_call){0};
    run->target = NOWHERE;
    run->wait_ms = 0;
    run->wait_goes_on = false;
    run->decision = NULL;
    run->scratch[0] = '\0';
    run->err.code = ERR_NONE;
    run->err.text[0] = '\0';
}

void machine_lend(struct machine *m, cJSON *owned_tree)
{
    if (!m->borrowed)
        m->borrowed = cJSON_CreateArray();
    cJSON_AddItemToArray(m->borrowed, owned_tree);
}

/* Entering and resuming nodes */

bool machine_count(struct machine *m)
{
    struct session *session = m->session;
    const struct engine_limits *limits = m->run.limits;
    m->is_fatal = true;
    if (session->activation_steps >= limits->steps_per_activation)
        return err_set(&m->run.err, ERR_LIMIT,
                       "more than %u steps without a wait (limit steps_per_activation)",
                       (unsigned)limits->steps_per_activation);
    if (session->loop_guard >= limits->loop_guard)
        return err_set(&m->run.err, ERR_LIMIT,
                       "more than %u steps without an input in between (limit loop_guard)",
                       (unsigned)limits->loop_guard);
    m->is_fatal = false;
    session->steps++;
    session->activation_steps++;
    session->loop_guard++;
    return true;
}

enum node_verdict machine_enter(struct machine *m, int target)
{
    m->node = &m->flow->nodes[target];
    machine_prepare(m);
    return machine_count(m) ? m->node->type->enter(&m->run) : NODE_FAILED;
}

enum node_verdict machine_resume(struct machine *m, const struct node_signal *signal)
{
    machine_prepare(m);
    if (!m->node->type->resume)
        return node_fail(&m->run, "a %s node waits for nothing", m->node->type->name);
    return m->node->type->resume(&m->run, signal);
}

/* Stopping */

// What the node did, where it says nothing itself.
static void decision_default(struct machine *m, enum node_verdict verdict)
{
    switch (verdict) {
    case NODE_FAILED:
        node_decide(&m->run, "failed: %s", m->run.err.text);
        break;
    case NODE_ABANDONED:
        m->run.decision = "abandoned";
        break;
    case NODE_WAIT_INPUT:
        m->run.decision = "wait";
        break;
    case NODE_WAIT_DELAY:
        node_decide(&m->run, "wait %lld ms", (long long)m->run.wait_ms);
        break;
    case NODE_WAIT_CALLBACK:
        m->run.decision = "wait for a callback";
        break;
    case NODE_WAIT_HANDOFF:
        m->run.decision = "wait for a person";
        break;
    case NODE_CALL:
        m->run.decision = "call";
        break;
    default:
        break;
    }
}

void machine_report(struct machine *m, enum node_verdict verdict)
{
    if (!m->run.decision)
        decision_default(m, verdict);
    struct step step = {m->node->id, m->node->type->name, m->run.decision};
    if (m->env->on_step)
        m->env->on_step(m->env->on_step_arg, &step);
}

void machine_remember(struct machine *m)
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
    cJSON_Delete(session->frames);
    session->frames = NULL;
    return status == SESSION_ERROR ? ENGINE_FAILED : ENGINE_ENDED;
}

static enum engine_outcome session_fail(struct machine *m)
{
    m->session->error = x_printf("node '%s': %s", m->node->id, m->run.err.text);
    text_tidy(m->session->error);
    return session_end(m, SESSION_ERROR);
}

// The first message to somebody who has only commented goes to the comment: no other would arrive.
static void reply_in_private(struct session *session, struct effect *effect)
{
    if (!session->comment || effect->kind != EFFECT_SEND || !message_is_said(effect->message))
        return;
    if (!effect->message) {
        effect->message = cJSON_CreateObject();
        json_add_str(effect->message, "type", "text");
        json_add_str(effect->message, "text", effect->text);
    }
    json_add_str(effect->message, "comment_id", session->comment);
    free(session->comment);
    session->comment = NULL;
}

static enum engine_outcome effect_yield(struct machine *m, struct effect *ret_effect)
{
    reply_in_private(m->session, &m->effect);
    wait_begin(m, WAIT_RESULT);
    m->effect.seq = ++m->session->effect_seq;
    m->effect.node = x_dup(m->node->id);
    *ret_effect = m->effect;
    return ENGINE_EFFECT;
}

// The last word of one call.
static enum engine_outcome run_stop(struct machine *m, enum node_verdict verdict,
                                    struct effect *ret_effect)
{
    machine_remember(m);
    if (verdict == NODE_EFFECT && m->run.decision)
        machine_report(m, verdict); // an answer was refused; other effects speak for themselves
    if (verdict == NODE_EFFECT)
        return effect_yield(m, ret_effect);
    effect_deinit(&m->effect); // what a node filled before it failed
    machine_report(m, verdict);
    if (wait_of(verdict) != WAIT_NONE)
        return wait_begin(m, wait_of(verdict));
    if (verdict == NODE_FAILED)
        return session_fail(m);
    return session_end(m, verdict == NODE_ABANDONED ? SESSION_ABANDONED : SESSION_COMPLETED);
}

static enum engine_outcome flow_wait(struct machine *m)
{
    m->run.wait_ms = 0;
    m->run.wait_goes_on = false;
    return wait_begin(m, WAIT_FLOW);
}

// A node that fails (an expression, an effect) goes along its edge `error`, if it has one; limits
// are the session's end.
static bool error_is_caught(struct machine *m, enum node_verdict verdict)
{
    if (verdict != NODE_FAILED || m->is_fatal || m->run.err.code == ERR_LIMIT ||
        m->node->error == NOWHERE)
        return false;
    node_go(&m->run, m->node->error, node_decide(&m->run, "error: %s", m->run.err.text));
    return true;
}

static enum engine_outcome run_on(struct machine *m, enum node_verdict verdict,
                                  struct effect *ret_effect)
{
    while (!m->needs_flow) {
        cJSON *kept;
        if (error_is_caught(m, verdict)) {
            verdict = NODE_GO;
        } else if (call_is_over(m, verdict)) {
            verdict = call_return(m, verdict);
        } else if (verdict == NODE_GO && m->run.target != NOWHERE) {
            int target = m->run.target;
            machine_report(m, verdict);
            node_state_drop(m->session);
            effect_deinit(&m->effect); // what a node filled before it took an error branch
            verdict = machine_enter(m, target);
        } else if (verdict == NODE_CALL) {
            verdict = call_begin(m);
        } else if ((kept = wait_take_kept(m, wait_of(verdict)))) {
            verdict = wait_skip(m, wait_of(verdict), kept);
        } else {
            return run_stop(m, verdict, ret_effect);
        }
    }
    return flow_wait(m);
}

/* Stimuli */

static enum engine_outcome outcome_of(const struct session *session)
{
    if (session->status == SESSION_ACTIVE)
        return session->wait == WAIT_FLOW ? ENGINE_FLOW : ENGINE_WAITING;
    return session->status == SESSION_ERROR ? ENGINE_FAILED : ENGINE_ENDED;
}

// Waits for a person, the clock or a service begin to count the steps anew; effects and flows do
// not.
static void activation_begin(struct machine *m, enum wait_kind waited)
{
    if (!m->session->activated_ms)
        m->session->activated_ms = m->env->now_ms;
    if (waited != WAIT_RESULT && waited != WAIT_FLOW)
        m->session->activation_steps = 0;
}

// Of what the flow says about comments, which trigger it was is asked anew: the shell need not
// tell.
static void comment_note(struct machine *m, const struct event *event)
{
    struct trigger_match match;
    if (event && event->kind == EVENT_COMMENT && event->id &&
        trigger_match(m->flow, event, &(struct trigger_context){0}, &match) && match.private_reply)
        m->session->comment = x_dup(event->id);
}

static enum engine_outcome engine_start(struct machine *m, const struct event *event,
                                        struct effect *ret_effect)
{
    m->node = &m->flow->nodes[m->flow->start];
    machine_prepare(m);
    activation_begin(m, WAIT_NONE);
    comment_note(m, event);
    if (!vars_start(m, event))
        return run_stop(m, NODE_FAILED, ret_effect);
    return run_on(m, machine_enter(m, m->flow->start), ret_effect);
}

static bool time_is_up(struct machine *m)
{
    const struct session *session = m->session;
    int64_t active_ms = session->active_ms + (m->env->now_ms - session->activated_ms);
    int64_t max_ms = call_max_active_ms(m);
    if (!max_ms || active_ms <= max_ms)
        return false;
    m->is_fatal = true;
    node_fail(&m->run, "active for %lld ms, longer than settings.maxExecutionTime (%lld ms)",
              (long long)active_ms, (long long)max_ms);
    return true;
}

// What the node says to the stimulus that it waited for.
static enum node_verdict stimulus_take(struct machine *m, const struct stimulus *stimulus)
{
    struct node_signal signal = {.kind = SIGNAL_TIMER};
    cJSON *kept;
    switch (stimulus->kind) {
    case STIMULUS_EVENT:
        return wait_deliver(m, wait_event_value(stimulus->event));
    case STIMULUS_RESULT:
        signal = (struct node_signal){.kind = SIGNAL_RESULT, .result = stimulus->result};
        break;
    case STIMULUS_TIMER: // what came while the flow had to be silent came in time
        kept = m->waited == WAIT_CALLBACK ? wait_take_kept(m, WAIT_CALLBACK) : NULL;
        if (kept)
            return wait_deliver(m, kept);
        break;
    case STIMULUS_RESUMED:
        signal.kind = SIGNAL_RESUMED;
        break;
    default:
        break;
    }
    return machine_resume(m, &signal);
}

static enum engine_outcome engine_resume(struct machine *m, const struct stimulus *stimulus,
                                         struct effect *ret_effect)
{
    struct session *session = m->session;
    if (!wait_fits(session, stimulus))
        return outcome_of(session);
    activation_begin(m, session->wait);
    wait_leave(m);
    if (!session->vars)
        session->vars = cJSON_CreateObject();
    if (stimulus->kind == STIMULUS_FLOW && session->frames)
        return run_on(m, call_flow(m, stimulus), ret_effect);
    m->node = flow_find(m->flow, session->node);
    if (!m->node) {
        session->error = x_printf("node '%s' is not in this version of the flow", session->node);
        return session_end(m, SESSION_ERROR);
    }
    machine_prepare(m);
    vars_recorded(m);
    if (time_is_up(m))
        return run_stop(m, NODE_FAILED, ret_effect);
    return run_on(m, stimulus_take(m, stimulus), ret_effect);
}

static enum engine_outcome run(struct machine *m, const struct stimulus *stimulus,
                               struct effect *ret_effect)
{
    struct session *session = m->session;
    if (session->status != SESSION_ACTIVE)
        return outcome_of(session);
    wait_note_inbound(m, stimulus->event);
    if (session->node)
        return engine_resume(m, stimulus, ret_effect);
    if (stimulus->kind == STIMULUS_START)
        return engine_start(m, stimulus->event, ret_effect);
    session->error = x_dup("the session was never started");
    return session_end(m, SESSION_ERROR);
}

enum engine_outcome engine_run(const struct flow *flow, struct session *session,
                               const struct stimulus *stimulus, const struct engine_env *env,
                               struct effect *ret_effect)
{
    struct machine m = {.flow = flow, .session = session, .env = env};
    m.cost_left = (env->limits ? env->limits : &engine_default_limits)->run_cost;
    enum engine_outcome outcome = run(&m, stimulus, ret_effect);
    cJSON_Delete(m.borrowed);
    return outcome;
}
