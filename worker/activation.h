// SPDX-License-Identifier: MIT
/*
 * An activation: one worker holding one chat while it works through the events that the claim
 * brought. A small state machine; each state has one way in and one handler for its end:
 *
 *   LOADING ──▶ RUNNING ──effect──▶ JOURNALING ──▶ PERFORMING ──result──▶ RUNNING
 *                  │                                   └─ later, ambiguous ─┐
 *                  └─ nothing left to do ──▶ CLOSING ──▶ PROJECTING ──▶ FINISHING ──▶ freed
 *
 * CLOSING journals what the activation did and up to which event, so that a crash behind it repeats
 * exactly that projection and nothing else. Whatever Redis refuses with a stale epoch is somebody
 * else's now: dropped. begin.c reads the claim; activation.c runs it; start.c chooses what an event
 * starts; flow_call.c fetches flows that flows call (RUNNING ──▶ LOADING ──▶ RUNNING); attempt.c
 * takes one effect out and back; spend.c charges the budgets; project.c and inbound.c write it
 * down; rest.c puts it down. Loop thread.
 *
 * While the chat is paused, because a person answered, events are recorded and neither start nor
 * resume a flow, and the deadline of a wait is kept until the pause is over. Callbacks are kept in
 * the session, and count when it is over. A turn of the flow that is under way when the pause
 * begins goes on to its next wait. While a flow has given the chat to people (WAIT_HANDOFF), their
 * answers are expected: no pause touches that wait, and its end is the pause's, too.
 */
#pragma once

#include "base/event.h"
#include "engine/engine.h"
#include "queue/queue.h"
#include "worker/flow_list.h"
#include "worker/history.h"
#include "worker/internal.h"

enum activation_state {
    ACTIVATION_LOADING,    // an account or a flow is asked for
    ACTIVATION_RUNNING,    // on the loop, now
    ACTIVATION_JOURNALING, // the attempt is on its way to Redis; the effect has not left
    ACTIVATION_PERFORMING, // the effect is outside
    ACTIVATION_CLOSING,    // the closing entry is on its way to Redis
    ACTIVATION_PROJECTING, // MongoDB is storing
    ACTIVATION_FINISHING,  // Redis is told that it is over
};

struct activation_entry {
    int64_t number;
    bool readable;
    struct event event; // valid while readable
    char *json;
    char *dead; // why it goes to the dead letters, or NULL
};

// The effect in hand, as the journal has it.
struct attempt {
    char *key; // "hm:<session>:<seq>"; NULL = none in hand
    struct effect effect;
    bool open;        // the request may have left
    bool ambiguous;   // it did, and nobody knows what came of it
    int tries;        // that did not succeed so far
    bool counted;     // the budgets have been charged with it
    int64_t reserved; // tokens, until its result says how many it took
    int64_t first_ms; // when it left for the first time
    int64_t since_ms; // when it left last
    char *delivery;   // the delivery whose event made it, for logs; or NULL
};

struct activation {
    struct worker *worker;
    enum activation_state state;
    // From the claim
    char *chat, *account_key, *account_id, *contact;
    enum platform platform;
    unsigned shard;
    int64_t epoch, turn, done;
    struct activation_entry *entries;
    size_t entry_count;
    char *fired;
    char *claimed_state;
    cJSON *settled;     // the attempt's result, when somebody recorded it
    int64_t paused_ms;  // until when the flow stays silent; 0 = it may speak
    bool is_new;        // no event of the chat was processed before
    int64_t inbound_ms; // when the person last wrote, by Meta's time; 0 = unknown
    // The chat's state
    bool has_session;
    struct session session;
    char *address;         // where messages go; NULL = to `contact`
    int64_t was_paused_ms; // the pause that an activation before this one knew of, or 0
    cJSON *recorded;       // what is recorded of the contact (engine/contact.h); or NULL
    bool handed_off;       // people have the chat: a session waits for them
    int64_t unpaused_ms;   // the pause until then is void: a handoff ended meanwhile; or 0
    int64_t consumed;      // number of the last event that the session has seen
    bool closed;           // the journal says that only projecting and finishing are left
    struct attempt attempt;
    cJSON *recent; // for an AI in hand: this activation's messages
    // What this activation learned and did
    struct known *account, *flow;
    struct flow_list *flows; // that the event in hand may start, or NULL
    struct history history;
    const char *delivery;         // of the last event; borrowed from `entries`; or NULL
    struct queue_spend spend;     // what the next journal call charges the budgets with
    struct queue_refusal refusal; // that call's answer, when the effect may not leave
    size_t journaled_before;      // entries of the history that the journal had before that call
    char *sent_id; // the platform's id of a message that left; the journal is told next
    bool timer_used;
    bool pause_noted;
    bool resumed; // a pause was over when this activation began
    bool marked_read;
    int64_t park_ms;        // > 0: rest parked, with a timer
    int64_t parked_ms;      // clock_mono_ms() when that was decided; 0 = before a crash
    const char *park_token; // "retry" or "settle"
};

// Takes over one claimed chat. The claim is borrowed.
void activation_start(struct worker *worker, const struct queue_claim *claim);

/* --- shared by the activation's files ------------------------------------------------------------
 */

void activation_set_state(struct activation *activation, enum activation_state state);
// Goes on after an effect's result was given to the engine, or with the next event.
void activation_run(struct activation *activation);
/*
 * Runs the engine; true when it rests (so that the next event may come), false when an effect went
 * out or a flow is being loaded: the activation may be gone then.
 */
bool activation_stimulate(struct activation *activation, const struct stimulus *stimulus);
// The person sees that somebody is at it. Best effort, once per activation.
void activation_mark_read(struct activation *activation, const struct event *event);
// begin.c: loads the flow of the session, then goes on.
void activation_load_session_flow(struct activation *activation);
// The session has ended: it becomes part of the history.
void activation_session_over(struct activation *activation);
// Gives the engine its effect's result and goes on.
void activation_resume_result(struct activation *activation, const cJSON *result);

// flow_call.c: flows that flows call, and callbacks
// The catalog's key of the flow that session_flow() names; NULL: that is no flow's id.
MUST_USE char *activation_flow_key(const struct activation *activation);
// After ENGINE_FLOW: gets it and goes on. As activation_stimulate.
bool activation_fetch_flow(struct activation *activation);
// For engine_env; `arg` is the activation.
char *activation_callback_url(void *arg, const struct session *session, const char *name);
// The event is a callback of the session that runs.
bool activation_is_called_back(const struct activation *activation, const struct event *event);

// rest.c
void activation_close(struct activation *activation);   // comes to rest: journal, project, finish
void activation_project(struct activation *activation); // closed already: the other two
void activation_finish(struct activation *activation);  // nothing to write down: the last alone
// Nothing can be done now: puts everything down as it was claimed, and comes back after `delay_ms`.
void activation_defer(struct activation *activation, int64_t delay_ms);
// The events consumed so far go to the dead letters.
void activation_bury(struct activation *activation, const char *reason);
// Somebody else holds the chat now, or the process stops: forget it without a word to Redis.
void activation_drop(struct activation *activation, const char *reason);
// Journals the state, the attempt in hand and what is new in the history; `done` gets the
// activation.
void activation_journal(struct activation *activation, queue_done_fn done);

// attempt.c
void attempt_begin(struct activation *activation, struct effect *effect_taken);
void attempt_resume(struct activation *activation); // one is in hand since the claim
char *attempt_to_json(const struct attempt *attempt);
bool attempt_from_json(const char *json, struct attempt *ret_attempt);
void attempt_deinit(struct attempt *attempt);

// spend.c: what the journal's calls charge the budgets with
void spend_none(struct activation *activation);    // no effect leaves with the next call
void spend_attempt(struct activation *activation); // the one in hand does, and counts from then on
void spend_stored(struct activation *activation);  // that call was stored …
void spend_refused(struct activation *activation); // … or was not
// The attempt in hand has ended (what it took is in `result`), or failed (NULL) and is tried again.
void spend_result(struct activation *activation, const cJSON *result);
char *spend_refusal_text(const struct activation *activation);   // why, in words; free it
void spend_tell(struct activation *activation, const char *why); // the log, and the figures

// person.c: the other side of the chat
struct merged {
    char *chat;   // that became part of this one, or NULL
    cJSON *state; // it had, or NULL
};
// Goes on with the session that a merged chat brought. False: there is none, or one runs here.
bool activation_adopt(struct activation *activation, const struct event *event);
bool event_is_merged(const struct event *event);
MUST_USE bool merged_read(const struct event *event, struct merged *ret_merged);
void merged_deinit(struct merged *merged);
const char *activation_address(const struct activation *activation);
// What an event says of the person's address.
void activation_take_address(struct activation *activation, const struct event *event);

// update.c: what is recorded of the person and the chat
// Takes an EFFECT_UPDATE. False: it is refused, err is the effect's.
MUST_USE bool activation_update(struct activation *activation, const struct effect *effect,
                                struct err *err);
// The session is over: people no longer have the chat on its behalf.
void activation_hand_back(struct activation *activation);
// What a chat that became part of this one knew of the person. adopted: its session goes on here.
void activation_take_merged(struct activation *activation, const struct event *event, bool adopted);
// The state's part.
void activation_read_recorded(struct activation *activation, const cJSON *state);
void activation_write_recorded(const struct activation *activation, cJSON *state);
bool activation_is_recorded(const struct activation *activation); // to be kept without a session

// project.c
struct projection *activation_projection(const struct activation *activation);
// inbound.c: what an event leaves in it
void project_event(struct projection *p, const struct activation *activation,
                   const struct activation_entry *entry, bool adopted);
// What was edited or taken back among the projection's own messages and history.
void project_changes(struct projection *p);
struct session_record *project_session(struct projection *p, const struct session *session);
