// SPDX-License-Identifier: MIT
/*
 * Calls: a part of the flow, or another flow, runs in the place of a node until it is over. What
 * the caller needs then is a frame, in session->frames:
 *
 *   {node, state?, vars?      the caller's node, what it keeps, its variables unless they are
 * shared single?                  the call is of one node alone flow?, version?          another
 * flow was called; no version: the newest, not known yet inputs?                  until that flow
 * has begun max_active?              settings.maxExecutionTime of the flow that the session began
 * with return?}                 the call is over, and the caller's flow is asked for: {outcome?,
 * error?, vars?, own_event?}
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/machine.h"
#include "engine/path.h"
#include "engine/value.h"

static cJSON *frame_top(const struct session *session)
{
    int count = cJSON_GetArraySize(session->frames);
    return count ? cJSON_GetArrayItem(session->frames, count - 1) : NULL;
}

static void add_tree(cJSON *object, const char *name, cJSON *owned_tree)
{
    if (owned_tree)
        cJSON_AddItemToObject(object, name, owned_tree);
}

static cJSON *take(cJSON *object, const char *name)
{
    return cJSON_DetachItemFromObjectCaseSensitive(object, name);
}

static void drop(cJSON *object, const char *name)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, name);
}

int64_t call_max_active_ms(const struct machine *m)
{
    const cJSON *frame;
    cJSON_ArrayForEach(frame, m->session->frames)
        if (json_str(frame, "flow"))
            return json_int(frame, "max_active", 0);
    return m->flow->max_active_ms;
}

/* The way back */

// Takes the uppermost frame off: the caller is again what the session is at. The frame is lent.
static cJSON *frame_pop(struct machine *m)
{
    struct session *session = m->session;
    int last = cJSON_GetArraySize(session->frames) - 1;
    cJSON *frame = cJSON_DetachItemFromArray(session->frames, last);
    if (last == 0) {
        cJSON_Delete(session->frames);
        session->frames = NULL;
    }
    cJSON_Delete(session->node_state);
    session->node_state = take(frame, "state");
    machine_lend(m, frame);
    return frame;
}

// The callee's variables go into `returned`, if it is given; the caller's are the session's again.
static void vars_restore(struct session *session, cJSON *frame, cJSON *returned)
{
    cJSON *vars = take(frame, "vars");
    if (!vars)
        return; // they were shared
    if (returned)
        cJSON_AddItemToObject(returned, "vars", session->vars);
    else
        cJSON_Delete(session->vars);
    session->vars = vars;
}

// `m->flow` is the caller's: the node that called hears of it.
static enum node_verdict return_deliver(struct machine *m)
{
    cJSON *frame = frame_pop(m);
    const cJSON *returned = json_get(frame, "return"), *vars = json_get(returned, "vars");
    const char *node = json_str(frame, "node");
    m->node = node ? flow_find(m->flow, node) : NULL;
    if (!m->node) {
        m->node = &m->flow->nodes[m->flow->start];
        machine_prepare(m);
        m->is_fatal = true;
        return node_fail(&m->run, "node '%s', which called, is not in this version of the flow",
                         node ? node : "");
    }
    if (vars)
        vars_carry(m->session->vars, vars,
                   !json_bool(returned, "own_event", false) && !m->flow->own_event);
    struct node_signal signal = {
        .kind = SIGNAL_RETURN,
        .variables = vars ? vars : m->session->vars,
        .outcome = json_str(returned, "outcome"),
        .error = json_str(returned, "error"),
    };
    return machine_resume(m, &signal);
}

static void session_at(struct session *session, const char *node)
{
    free(session->node);
    session->node = x_dup(node);
}

// The uppermost call is over. `own_event`: of the flow that was called.
static enum node_verdict frame_return(struct machine *m, cJSON *owned_returned, bool own_event)
{
    cJSON *frame = frame_top(m->session);
    bool other_flow = json_get(frame, "flow");
    vars_restore(m->session, frame, owned_returned);
    if (own_event)
        cJSON_AddTrueToObject(owned_returned, "own_event");
    cJSON_AddItemToObject(frame, "return", owned_returned);
    drop(frame, "flow");
    drop(frame, "version");
    drop(frame, "inputs");
    if (!other_flow)
        return return_deliver(m);
    session_at(m->session, json_str(frame, "node"));
    m->needs_flow = true;
    return NODE_CALL;
}

// `m->flow` is the caller's already, or still.
static enum node_verdict call_fail(struct machine *m, const char *error)
{
    cJSON *frame = frame_top(m->session), *returned = cJSON_CreateObject();
    json_add_str(returned, "error", error);
    vars_restore(m->session, frame, returned);
    drop(returned, "vars"); // the call has left nothing
    drop(frame, "flow");
    cJSON_AddItemToObject(frame, "return", returned);
    return return_deliver(m);
}

bool call_is_over(const struct machine *m, enum node_verdict verdict)
{
    const cJSON *frame = frame_top(m->session);
    if (!frame || m->is_fatal)
        return false;
    if (verdict == NODE_GO)
        return m->run.target == NOWHERE || json_bool(frame, "single", false);
    return verdict == NODE_COMPLETED || verdict == NODE_ABANDONED || verdict == NODE_FAILED;
}

// The handle of the way that a single node took: that of two which its decision names.
static const char *way_name(const struct machine *m)
{
    const char *decision = m->run.decision, *name = NULL;
    for (size_t i = 0; m->run.target != NOWHERE && i < m->node->edge_count; i++) {
        const struct flow_edge *edge = &m->node->edges[i];
        if (edge->target != m->run.target || !edge->handle)
            continue;
        bool named = decision && strncmp(decision, edge->handle, strlen(edge->handle)) == 0;
        if (named || !name)
            name = edge->handle;
    }
    return name ? name : "completed";
}

// What failed is said last: of a long chain of calls the outer ones are left out.
static const char *chain_end(const char *error)
{
    static const char link[] = "the called flow failed: "; // subflow.c
    const char *at;
    while (strlen(error) > 150 && (at = strstr(error, link)))
        error = at + strlen(link);
    return error;
}

enum node_verdict call_return(struct machine *m, enum node_verdict verdict)
{
    struct session *session = m->session;
    cJSON *returned = cJSON_CreateObject();
    if (verdict == NODE_FAILED) {
        char *error = x_printf("node '%s': %s", m->node->id, m->run.err.text);
        text_tidy(error);
        json_add_str(returned, "error", chain_end(error));
        free(error);
    } else if (verdict == NODE_ABANDONED) {
        json_add_str(returned, "outcome", "abandoned");
    } else if (verdict == NODE_GO) {
        json_add_str(returned, "outcome", way_name(m));
    } else {
        json_add_str(returned, "outcome", session->outcome ? session->outcome : "completed");
    }
    free(session->outcome);
    session->outcome = NULL;
    machine_report(m, verdict);
    effect_deinit(&m->effect);
    return frame_return(m, returned, m->flow->own_event);
}

/* The way in */

// Sets what the call brings; limits are those of any variables.
static bool inputs_set(struct machine *m, cJSON *inputs)
{
    while (inputs && inputs->child) {
        cJSON *input = cJSON_DetachItemFromArray(inputs, 0);
        struct path *path = path_literal(input->string);
        bool ok = vars_set(m->session->vars, path, input, m->run.limits, &m->run.err);
        path_free(path);
        if (!ok)
            return false;
    }
    return true;
}

// The call's own variables are there as far as Hookmill provides them.
static enum node_verdict call_enter(struct machine *m, int target, cJSON *owned_inputs)
{
    const cJSON *frame = frame_top(m->session);
    bool shares = !json_get(frame, "vars");
    if (!shares || json_get(frame, "flow"))
        vars_callbacks(&m->run);
    bool ok = (shares || vars_defaults(&m->run)) && inputs_set(m, owned_inputs);
    cJSON_Delete(owned_inputs);
    return ok ? machine_enter(m, target) : NODE_FAILED;
}

static size_t vars_bytes(const cJSON *vars)
{
    size_t bytes = 0, one;
    const cJSON *value;
    cJSON_ArrayForEach(value, vars)
        bytes += strlen(value->string) + (value_measure(value, &one, NULL) ? one : 0);
    return bytes;
}

// Why there can be no further call, or NULL. What frames hold is bounded as variables are.
static const char *call_refusal(const struct machine *m, char text[120])
{
    const struct engine_limits *limits = m->run.limits;
    const struct session *session = m->session;
    if ((uint32_t)cJSON_GetArraySize(session->frames) >= limits->call_depth) {
        snprintf(text, 120, "more than %u calls in one another (limit call_depth)",
                 (unsigned)limits->call_depth);
        return text;
    }
    if (m->run.call.shares)
        return NULL;
    size_t bytes = vars_bytes(session->vars);
    const cJSON *frame;
    cJSON_ArrayForEach(frame, session->frames)
        bytes += vars_bytes(json_get(frame, "vars"));
    if (bytes <= limits->variables_bytes)
        return NULL;
    snprintf(text, 120,
             "the variables of all calls have more than %zu bytes (limit variables_bytes)",
             limits->variables_bytes);
    return text;
}

static cJSON *frame_push(struct machine *m, const struct node_call *call)
{
    struct session *session = m->session;
    cJSON *frame = cJSON_CreateObject();
    json_add_str(frame, "node", m->node->id);
    add_tree(frame, "state", session->node_state);
    session->node_state = NULL;
    if (!call->shares) {
        cJSON *own = vars_provided(session->vars, !m->flow->own_event);
        cJSON_AddItemToObject(frame, "vars", session->vars);
        session->vars = own;
    }
    if (call->single)
        cJSON_AddTrueToObject(frame, "single");
    int64_t max_ms = call_max_active_ms(m);
    if (call->flow_id && max_ms)
        json_add_int(frame, "max_active", max_ms);
    json_add_str(frame, "flow", call->flow_id);
    if (!session->frames)
        session->frames = cJSON_CreateArray();
    cJSON_AddItemToArray(session->frames, frame);
    return frame;
}

static void call_deinit(struct node_call *call)
{
    free(call->flow_id);
    cJSON_Delete(call->variables);
    *call = (struct node_call){0};
}

enum node_verdict call_begin(struct machine *m)
{
    struct node_call *call = &m->run.call;
    char text[120];
    effect_deinit(&m->effect); // what a node filled before it called
    if (!machine_count(m)) {
        call_deinit(call);
        return NODE_FAILED;
    }
    const char *refusal = call_refusal(m, text);
    if (refusal) {
        call_deinit(call);
        cJSON *lent = cJSON_CreateString(refusal);
        machine_lend(m, lent);
        struct node_signal signal = {.kind = SIGNAL_RETURN, .error = lent->valuestring};
        return machine_resume(m, &signal);
    }
    machine_report(m, NODE_CALL);
    machine_remember(m);
    cJSON *frame = frame_push(m, call), *inputs = call->variables;
    call->variables = NULL;
    int target = call->target;
    m->needs_flow = call->flow_id != NULL;
    if (m->needs_flow)
        add_tree(frame, "inputs", inputs);
    call_deinit(call);
    return m->needs_flow ? NODE_CALL : call_enter(m, target, inputs);
}

/* Another flow is there, or is not */

// The flow to which a call should return is gone: that is the failure of who called it, in turn.
static enum node_verdict return_fail(struct machine *m, const char *error)
{
    struct session *session = m->session;
    for (cJSON *frame; (frame = frame_top(session));) {
        if (json_get(frame, "flow")) {
            cJSON *returned = cJSON_CreateObject();
            json_add_str(returned, "error", error);
            return frame_return(m, returned, false);
        }
        vars_restore(session, frame_pop(m), NULL);
    }
    m->node = &m->flow->nodes[m->flow->start];
    machine_prepare(m);
    m->is_fatal = true;
    return node_fail(&m->run, "the flow that called cannot be had: %s", error);
}

static enum node_verdict flow_enter(struct machine *m, cJSON *frame, int version)
{
    json_add_int(frame, "version", version);
    if (m->flow->own_event && json_get(frame, "vars")) {
        drop(m->session->vars, "event");
        vars_changed(m->session->vars);
    }
    m->node = &m->flow->nodes[m->flow->start];
    machine_prepare(m);
    return call_enter(m, m->flow->start, take(frame, "inputs"));
}

enum node_verdict call_flow(struct machine *m, const struct stimulus *stimulus)
{
    cJSON *frame = frame_top(m->session);
    const char *error = stimulus->error;
    bool returns = json_get(frame, "return");
    if (returns)
        return error ? return_fail(m, error) : return_deliver(m);
    drop(frame, "version");
    return error ? call_fail(m, error) : flow_enter(m, frame, stimulus->flow_version);
}
