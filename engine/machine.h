// SPDX-License-Identifier: MIT
/*
 * What the machine's files share: engine.c runs nodes, wait.c knows waits and the events that come
 * too early, call.c the stack of calls, vars.c the variables that Hookmill provides. Private to
 * engine/.
 */
#pragma once

#include "engine/graph.h"

struct machine {
    const struct flow *flow; // the one that session_flow() names
    struct session *session;
    const struct engine_env *env;
    const struct flow_node *node; // the present one
    struct node_run run;
    struct effect effect;
    uint32_t cost_left; // of limits->run_cost
    bool is_fatal;      // the failure is of a limit of the whole session: no caller can catch it
    bool needs_flow;    // session_flow() names another one than `flow` now
    cJSON *borrowed;    // array of what signals lent to nodes: lives as long as this run, or NULL
    // The wait that the stimulus came to, for wait_goes_on
    enum wait_kind waited;
    int64_t waited_until_ms;
};

/* engine.c */

// Makes `m->run` anew for `m->node`.
void machine_prepare(struct machine *m);
// Counts a step. False: a limit of the session is passed, `m->run.err` says which.
MUST_USE bool machine_count(struct machine *m);
enum node_verdict machine_enter(struct machine *m, int target);
enum node_verdict machine_resume(struct machine *m, const struct node_signal *signal);
// Tells the shell of the step that ended so.
void machine_report(struct machine *m, enum node_verdict verdict);
// The session is at `m->node`.
void machine_remember(struct machine *m);
// What a signal borrows from; takes it.
void machine_lend(struct machine *m, cJSON *owned_tree);

/* wait.c */

// True when the stimulus is what the session waits for. An event that comes too early is kept.
MUST_USE bool wait_fits(struct session *session, const struct stimulus *stimulus);
// The wait is over, unless the node says that it goes on.
void wait_leave(struct machine *m);
enum engine_outcome wait_begin(struct machine *m, enum wait_kind wait);
// The kind of the verdict's wait; WAIT_NONE when it is none.
enum wait_kind wait_of(enum node_verdict verdict);
// What was kept and fits such a wait of `m->node`: the caller's, or NULL.
MUST_USE cJSON *wait_take_kept(struct machine *m, enum wait_kind wait);
// The node need not wait: that was kept for it.
enum node_verdict wait_skip(struct machine *m, enum wait_kind wait, cJSON *owned_event);
// The form in which an event reaches a node at once.
MUST_USE cJSON *wait_event_value(const struct event *event);
// Takes the event to the node that waits for it.
enum node_verdict wait_deliver(struct machine *m, cJSON *owned_event);
// What an event (or NULL) and the shell say of when the person last wrote.
void wait_note_inbound(struct machine *m, const struct event *event);

/* vars.c */

// Sets `last` and `event` from an event_value; takes it. It stays in place for this run.
void vars_event(struct machine *m, cJSON *owned_event);
// The variable `contact` becomes what the shell has recorded of the person.
void vars_recorded(struct machine *m);
// Fills the variables of a session that begins. False: m->run.err.
MUST_USE bool vars_start(struct machine *m, const struct event *event);
// Makes an object of what Hookmill provides in `vars`, with `event` or without.
MUST_USE cJSON *vars_provided(const cJSON *vars, bool with_event);
// Puts what Hookmill provides in `from` in the place of what `vars` has of it.
void vars_carry(cJSON *vars, const cJSON *from, bool with_event);
// Sets the flow's own variables to what it declares.
MUST_USE bool vars_defaults(struct node_run *run);
// Sets the addresses of the flow's nodes that wait for callbacks.
void vars_callbacks(struct node_run *run);

/* call.c */

// The verdict ends a part that was called.
bool call_is_over(const struct machine *m, enum node_verdict verdict);
/*
 * Each gives the verdict of the node that is now the present one, or sets needs_flow: then the
 * verdict means nothing.
 */
enum node_verdict call_begin(struct machine *m); // on NODE_CALL
enum node_verdict call_return(struct machine *m, enum node_verdict verdict);
enum node_verdict call_flow(struct machine *m, const struct stimulus *stimulus); // STIMULUS_FLOW
// Milliseconds of activity that the session may have; 0 = no limit.
int64_t call_max_active_ms(const struct machine *m);
