// SPDX-License-Identifier: MIT
/*
 * The node authors' API. A node type is one const descriptor in one file of nodes/:
 *
 *   data ──check against `fields`──▶ parse() ──▶ config        once, when the flow is compiled
 *   config + session ──▶ enter() ──▶ verdict                   each time the session arrives
 *   config + session + signal ──▶ resume() ──▶ verdict         when what it waited for has come
 *
 * A verdict says where the session goes: along an edge, to an effect, to a wait, to an end. parse()
 * may trust the types of the members that `fields` names: a node whose data breaks the table is
 * reported and never parsed.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"

struct buf;
struct compile;
struct expression;
struct flow_node;
struct path;
struct pattern;
struct template;
struct value_template;

enum { NOWHERE = -1 }; // a target that is not there

/* The descriptor */

enum field_kind {
    FIELD_STRING, // text taken as it is
    FIELD_TEMPLATE,
    FIELD_PATTERN,
    FIELD_EXPRESSION,
    FIELD_SECRETS,  // a template that may name secrets
    FIELD_VARIABLE, // the name (path) of a variable
    FIELD_NODE,     // the id of a node
    FIELD_WORD,     // one of `words`
    FIELD_WORDS,    // a list of them
    FIELD_NUMBER,   // min … max, unless both are 0
    FIELD_BOOL,
    FIELD_OBJECT, // its members are described by `members`, or free when that is NULL
    FIELD_LIST,   // of objects with `members`, or free when that is NULL
    FIELD_ANY,
};
const char *field_kind_name(enum field_kind kind); // "text", "template", "number" …

struct node_field {
    const char *name; // NULL ends a table
    enum field_kind kind;
    bool required;
    double min, max;
    const char *const *words;         // NULL-ended
    const struct node_field *members; // ended by a NULL name
    const char *help;                 // one line, for people
};

enum node_role { NODE_PLAIN, NODE_START, NODE_END };

struct node_parse {
    const char *id;
    const char *word;  // the type as the document names it: its name or an alias
    const cJSON *data; // an object that fits `fields`; borrowed, gone after parse()
    struct compile *compile;
    struct flow_node *node;
};

enum node_verdict {
    NODE_GO,            // along `run->target`
    NODE_EFFECT,        // `run->effect` is filled; resume() gets its result
    NODE_WAIT_INPUT,    // resume() gets an answer, or the timer
    NODE_WAIT_DELAY,    // resume() gets the timer
    NODE_WAIT_CALLBACK, // resume() gets the callback, or the timer
    NODE_WAIT_HANDOFF,  // resume() gets answers, the operator's resumption, or the timer
    NODE_CALL,          // `run->call` is filled; resume() gets the return
    NODE_COMPLETED,     // the session is over
    NODE_ABANDONED,
    NODE_FAILED, // `run->err` says why
};

// Other nodes to run before this one goes on: a flow, or a part of this one. Ends at an end node
// or where nothing follows.
struct node_call {
    char *flow_id;    // another flow's id; NULL: this one
    int target;       // in this flow: where to begin
    bool single;      // come back after that one node, whatever edge it takes
    bool shares;      // works on the caller's variables; else on its own, as a session begins
    cJSON *variables; // object: set before it begins; or NULL
};

// The engine's side of one executed node. Node code calls the functions below; it writes `effect`
// itself.
struct node_run {
    const char *id;
    const void *config;
    struct session *session;
    const struct engine_env *env;
    const struct engine_limits *limits;
    const struct flow *flow;
    uint32_t *cost_left;   // of limits->run_cost, or NULL: node_charge(), and what is evaluated
    struct effect *effect; // zeroed; filled before NODE_EFFECT
    struct node_call call; // of NODE_CALL; the engine's then
    int target;            // of NODE_GO
    int64_t wait_ms;       // of NODE_WAIT_*; 0 = no deadline
    bool wait_goes_on;     // the wait that the signal came to: its number and deadline stay
    const char *decision;  // for the history; may point to `scratch`
    char scratch[160];
    struct err err;
};

enum node_signal_kind {
    SIGNAL_RESULT,
    SIGNAL_ANSWER,
    SIGNAL_TIMER,
    SIGNAL_CALLBACK,
    SIGNAL_RESUMED, // by an operator
    SIGNAL_RETURN,  // of a call
};

// What it points to lives until the next stimulus: a decision may point into it.
struct node_signal {
    enum node_signal_kind kind;
    const struct effect_result *result; // SIGNAL_RESULT
    const char *text, *payload;         // SIGNAL_ANSWER: either may be NULL
    const cJSON *event;                 // SIGNAL_ANSWER, SIGNAL_CALLBACK: event_value.h; borrowed
    const cJSON *variables;             // SIGNAL_RETURN: what the called flow left; borrowed
    const char *outcome; // SIGNAL_RETURN: the end's word, "completed", or NULL: see `error`
    const char *error;   // SIGNAL_RETURN: why it failed
};

struct node_type {
    const char *name;           // canonical
    const char *const *aliases; // NULL-ended, or NULL
    const char *summary;        // one line, for people
    enum node_role role;
    bool waits;                      // stops the session until a person or the clock goes on
    const struct node_field *fields; // or NULL
    const char *const *handles; // sourceHandles with a meaning of their own, NULL-ended, or NULL
    void *(*parse)(struct node_parse *
                       p); // the config, or NULL (a node that needs none, or an error was reported)
    enum node_verdict (*enter)(struct node_run *run);
    enum node_verdict (*resume)(struct node_run *run, const struct node_signal *signal); // or NULL
    void (*free)(void *config);                                                          // or NULL
};

/* For parse() */

void node_error(const struct node_parse *p, const char *code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void node_warn(const struct node_parse *p, const char *code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
// A warning that only flow_lint() shows.
void node_lint(const struct node_parse *p, const char *code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/*
 * Members of an object, NULL when they are absent (null counts as absent) or bad (which is then
 * reported, `field` naming the place). The caller owns the result.
 */
const cJSON *node_member(const cJSON *object, const char *name); // borrowed; null gives NULL
double node_number(const cJSON *object, const char *name, double fallback);
struct template *node_template(struct node_parse *p, const cJSON *object, const char *name);
struct template *node_template_text(struct node_parse *p, const char *text, const char *field);
struct value_template *node_value(struct node_parse *p, const cJSON *item, const char *field);
// Of fields of FIELD_SECRETS: {{ secrets.NAME }} is known there; elsewhere it is an error.
struct template *node_secret_template(struct node_parse *p, const cJSON *object, const char *name);
struct template *node_secret_text(struct node_parse *p, const char *text, const char *field);
struct value_template *node_secret_value(struct node_parse *p, const cJSON *item,
                                         const char *field);
struct pattern *node_pattern(struct node_parse *p, const cJSON *object, const char *name);
struct expression *node_expression(struct node_parse *p, const cJSON *object, const char *name);
// A variable that the node reads.
struct path *node_reads(struct node_parse *p, const cJSON *object, const char *name);
// The variable that the node sets: the member, or `fallback` (a name taken literally; NULL = none).
struct path *node_sets(struct node_parse *p, const cJSON *object, const char *name,
                       const char *fallback);

// The names that Hookmill itself fills: contact, platform, last.
bool name_is_reserved(const char *name);

// An external service calls this node: its address is the variable `callbacks.<node id>.url`.
void node_callback(struct node_parse *p);

// Of the start node: the kinds of events that start a session, a list of their names.
void node_starts_on(struct node_parse *p, const cJSON *kinds);
/*
 * Of the start node, too: what starts a session (docs/triggers.md). One trigger {type, …} or word
 * of a builder's, or a list of them; `field` names the place. Without any of the three, messages,
 * postbacks, referrals and opt-ins do.
 */
void node_trigger(struct node_parse *p, const char *field, const cJSON *triggers);
void node_trigger_keywords(struct node_parse *p, const char *field, const cJSON *words);
extern const struct node_field trigger_fields[]; // of one trigger

// Outgoing edges. Asking for one claims it; an edge that nobody claims is reported as never taken.
int node_edge(struct node_parse *p, const char *handle); // NULL: an edge without a handle
int node_default_edge(
    struct node_parse *p); // ask last: no handle, "default", "else", else any unclaimed
int node_target(struct node_parse *p, const char *node_id, const char *field);
// The same for a node that is called (NODE_CALL, single): nothing need follow it.
int node_call_target(struct node_parse *p, const char *node_id, const char *field);
int node_start_target(struct node_parse *p); // the flow's start node, as a way of this one
size_t node_edge_count(const struct node_parse *p);
struct node_edge_view {
    const char *handle, *label; // or NULL
    int target;
    bool claimed;
};
struct node_edge_view node_edge_at(const struct node_parse *p, size_t i);
int node_edge_claim(struct node_parse *p, size_t i);

/* For enter() and resume() */

enum node_verdict node_go(struct node_run *run, int target, const char *decision);
enum node_verdict node_wait_input(struct node_run *run, int64_t timeout_ms);
enum node_verdict node_wait_delay(struct node_run *run, int64_t delay_ms);
enum node_verdict node_wait_callback(struct node_run *run, int64_t timeout_ms);
// `outcome` is the flow's own word for how it ended, or NULL; copied.
enum node_verdict node_complete(struct node_run *run, const char *outcome);
enum node_verdict node_call(struct node_run *run, struct node_call owned_call);
enum node_verdict node_fail(struct node_run *run, const char *fmt, ...) PRINTF_LIKE(2, 3);
// Along `target` with the decision "error: …" when there is one, else node_fail(). Where the way
// is the edge `error`, node_fail() does as well: the engine takes it, unless a limit was passed.
enum node_verdict node_fail_to(struct node_run *run, int target, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
const char *node_decide(struct node_run *run, const char *fmt, ...) PRINTF_LIKE(2, 3);

// Renders; false means that an expression failed or a limit was passed, and run->err says which:
// node_fail_to(), or NODE_FAILED.
MUST_USE bool node_render(struct node_run *run, const struct template *template, char **ret_text);
// Likewise; `escape` as for template_render().
MUST_USE bool node_render_escaped(struct node_run *run, const struct template *template,
                                  void (*escape)(const char *value, struct buf *out),
                                  char **ret_text);
MUST_USE bool node_render_value(struct node_run *run, const struct value_template *template,
                                cJSON **ret_value);
/*
 * Secrets: what a template of FIELD_SECRETS inserts for {{ secrets.NAME }} is a mark, the name, and
 * the mark again. Set run->effect->secret_mark to node_secret_mark() before rendering; without it
 * secrets insert nothing. The mark is "hm" and 32 hex digits, made from the seed: the person cannot
 * guess it. The caller's.
 */
MUST_USE char *node_secret_mark(const struct node_run *run);
// For what costs time beside expressions. False: run->err names the limit.
MUST_USE bool node_charge(struct node_run *run, uint64_t units);
/*
 * Evaluates; the caller owns the value. False: run->err says what is wrong (a limit was passed, a
 * text is no number): node_fail_to(), or NODE_FAILED.
 */
MUST_USE bool node_eval(struct node_run *run, const struct expression *expression,
                        cJSON **ret_value);
// Sets a variable; takes `owned_value` (also on failure, which is as for node_render).
MUST_USE bool node_set(struct node_run *run, const struct path *path, cJSON *owned_value);
// Leaves what Hookmill provides and the flow's own variables as declared. False: as for
// node_render.
MUST_USE bool node_vars_reset(struct node_run *run);
// Fills the effect with a message to the contact.
enum node_verdict node_send(struct node_run *run, char *owned_text);
bool text_is_blank(const char *text);

// Chance: a number below `bound`, the same whenever the run is replayed. `salt`: what it is for.
uint64_t node_chance(const struct node_run *run, const char *salt, uint64_t bound);

// What the node keeps while the session is at it. The value is borrowed, NULL at first; put takes.
const cJSON *node_state_value(const struct node_run *run, const char *name);
void node_state_put(struct node_run *run, const char *name, cJSON *owned_value);
// A small number; 0 at first.
int node_state_get(const struct node_run *run, const char *name);
void node_state_set(struct node_run *run, const char *name, int value);
