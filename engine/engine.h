// SPDX-License-Identifier: MIT
/*
 * The engine: a pure function from (flow, session, stimulus, env) to one effect, a wait, or an end.
 *
 * It runs node after node until it needs the outside, then yields exactly one effect and stops; the
 * shell performs it and calls again with its result. No I/O, no clock, no threads: the same
 * arguments always give the same answer, so a session can be replayed. Limits are part of the
 * language: passing one ends the session as SESSION_ERROR with a text that names node and limit.
 *
 *   engine_run(START)  ──▶ EFFECT ──result──▶ engine_run(RESULT) ──▶ … ──▶ WAITING | ENDED | FAILED
 *   WAITING  ──event──▶ engine_run(EVENT)        ──deadline──▶ engine_run(TIMER)
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/event.h"
#include "engine/flow.h"
#include "engine/session.h"

enum effect_kind {
    EFFECT_NONE,
    EFFECT_SEND,   // one message to the contact
    EFFECT_HTTP,   // a call of an API
    EFFECT_AI,     // a chat completion
    EFFECT_UPDATE, // of what is recorded of the contact and the chat: nothing leaves
};

struct choice {
    char *id;    // comes back as the payload of the answer
    char *title; // what the person sees
};

// What the engine wants done outside. Owns its strings; effect_deinit() frees them.
struct effect {
    enum effect_kind kind;
    uint32_t seq; // the session's effect number: with the session id, the attempt's name
    char *node;   // the node that asked
    // EFFECT_SEND
    cJSON *message; // see message.h; NULL: `text` with `choices`. One of type "text" may have them
    char *text;     // what it says, in words: for the records, and where a platform lacks the kind
    struct choice *choices;
    size_t choice_count;
    // EFFECT_HTTP
    char *method; // GET, POST, PUT, PATCH, DELETE
    char *url;
    cJSON *headers; // object of strings, or NULL; "Authorization: Basic name:password" is encoded
                    // when it leaves (secrets belong inside)
    char *body;     // or NULL
    int64_t timeout_ms;
    char *secret_mark; // url, headers and body hold MARKnameMARK where a secret belongs; or NULL
    // EFFECT_AI
    cJSON *models;      // array of strings, first choice first; empty = the configured list
    char *system;       // system prompt, or NULL
    char *prompt;       // the last user message, or NULL to use the history alone
    double temperature; // < 0 = the provider's default
    int max_tokens;     // 0 = the provider's default
    int history;        // how many of the chat's recent messages to send as memory
    cJSON *tools;       // array of {name, description, parameters (JSON Schema)}, or NULL
    cJSON *schema;      // JSON Schema of an object that the answer must be, or NULL
    cJSON *rounds;      // of this turn's tool calls: messages {role, content?, tool_calls?,
                        // tool_call_id?} to put behind the prompt, or NULL
    bool knowledge;     // the owner's knowledge base belongs into the system prompt
    // EFFECT_UPDATE
    cJSON *change; // {contact?, tags?: {add, remove}, note?: {text}, handoff?}; see
                   // nodes/contact.c, tag.c, note.c, handoff.c
};

const char *effect_kind_name(enum effect_kind kind); // "send", "http", "ai", "update"
void effect_deinit(struct effect *effect);
// The journal's form: lossless.
MUST_USE char *effect_to_json(const struct effect *effect);
MUST_USE bool effect_from_json(const cJSON *json, struct effect *ret_effect, struct err *err);

struct effect_result {
    bool ok;
    const char *error; // when !ok: what happened, in words for the operator
    // EFFECT_HTTP: parsed body (or a string); EFFECT_AI: {text, model, tokens, json?, tool_calls?},
    // the last a list of {id, type, function: {name, arguments (a text)}}; borrowed
    const cJSON *value;
    int status;         // EFFECT_HTTP: the HTTP status; 0 when there was none
    bool timed_out;     // EFFECT_HTTP, EFFECT_AI: no answer in time
    bool window_closed; // EFFECT_SEND: refused because the person wrote too long ago
};

enum stimulus_kind {
    STIMULUS_START,
    STIMULUS_EVENT, // one that may resume a wait: an answer, a callback
    STIMULUS_RESULT,
    STIMULUS_TIMER,
    STIMULUS_FLOW,    // after ENGINE_FLOW: the flow is `flow` of the call, or could not be had
    STIMULUS_RESUMED, // an operator gives the chat back to the flow
};

struct stimulus {
    enum stimulus_kind kind;
    const struct event *event;          // START, EVENT (START: may be NULL)
    const struct effect_result *result; // RESULT
    uint32_t wait_number; // TIMER: ignored (WAITING again) unless it is the present wait's
    int flow_version;     // FLOW: of `flow`
    const char *error;    // FLOW: why there is none; the flow of the call is then the present one
};

// One executed node, told to the shell for the history and the transcript. Strings are borrowed for
// the call.
struct step {
    const char *node;     // id
    const char *type;     // canonical type name
    const char *decision; // the handle or choice taken, "invalid: …", the wait …; may be NULL
};
typedef void (*engine_step_fn)(void *arg, const struct step *step);

struct engine_limits {
    uint32_t steps_per_activation; // default 250
    uint32_t loop_guard;           // nodes run without an input in between, default 500
    uint32_t variables;            // default 200
    size_t value_bytes;            // one variable's JSON, default 64 KiB
    size_t variables_bytes;        // all of them together, default 1 MiB
    size_t output_bytes;           // one template's output, default 16 KiB
    uint32_t call_depth;           // flows in flows, default 10
    uint32_t expression_cost;      // of one evaluation, default 10,000 (see expression.h)
    uint32_t run_cost; // of all evaluations and patterns of one call, default 250,000; 0 = no limit
};
extern const struct engine_limits engine_default_limits;

struct engine_env {
    int64_t now_ms;                     // wall clock reading
    uint64_t seed;                      // what chance is made of: not to be guessed by the person
    const struct engine_limits *limits; // NULL = the defaults
    // What the shell knows beside the session; each may be NULL and is borrowed for the call
    const cJSON *contact; // recorded fields of the person: {tags, email, customFields …}
    const cJSON *account; // {id, name, platform, timezone, locale, businessHours, settings …}
    int64_t inbound_ms;   // when the person last wrote, by Meta's time; 0 = unknown
    // The address at which an external service reaches the wait `name` of the session; caller
    // frees.
    char *(*callback_url)(void *arg, const struct session *session, const char *name);
    void *callback_arg;
    engine_step_fn on_step; // may be NULL
    void *on_step_arg;
};

enum engine_outcome {
    ENGINE_EFFECT,  // *ret_effect is filled; session->wait is WAIT_RESULT
    ENGINE_WAITING, // session->wait and until_ms say for what
    ENGINE_FLOW,    // session_flow() says which flow is needed now: call again, with STIMULUS_FLOW
    ENGINE_ENDED,   // session->status is COMPLETED or ABANDONED
    ENGINE_FAILED,  // session->status is ERROR, session->error says why
};

/*
 * A callback that comes while the flow must be silent: it is kept, and the present wait is over
 * when its timer comes, if it is for that one (engine_has_kept).
 */
void engine_keep(struct session *session, const struct event *event);
bool engine_has_kept(const struct session *session);

/*
 * Runs the session as far as it goes. An EVENT while the session waits for a delay or a result is
 * kept for the next input. ret_effect is written only for ENGINE_EFFECT. Costs microseconds.
 */
enum engine_outcome engine_run(const struct flow *flow, struct session *session,
                               const struct stimulus *stimulus, const struct engine_env *env,
                               struct effect *ret_effect);
