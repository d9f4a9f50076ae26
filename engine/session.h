// SPDX-License-Identifier: MIT
/*
 * A session: one run of one flow version in one chat. A small value that serialises to JSON and
 * back without loss; the shell stores it in Redis between activations and projects it to
 * `chat_sessions`. Not shared by threads.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum session_status {
    SESSION_ACTIVE,    // running or waiting
    SESSION_COMPLETED, // reached an end
    SESSION_ABANDONED, // a wait ran out with no branch for it, or somebody stopped it
    SESSION_ERROR,     // `error` says why
};
const char *session_status_name(enum session_status status); // the documents' words

enum wait_kind {
    WAIT_NONE,
    WAIT_INPUT,  // for the next event of the chat that wakes flows, until `until_ms` if that is not
                 // 0
    WAIT_DELAY,  // for the clock to reach `until_ms`; events meanwhile are kept for the next input
    WAIT_RESULT, // for the result of the effect `effect_seq`
    WAIT_CALLBACK, // for an external service, until `until_ms`; messages meanwhile are kept
    WAIT_HANDOFF,  // a person has the chat: until the node is given a reason to go on
    WAIT_FLOW,     // for the flow that session_flow() names; never stored for long
};

struct session {
    char id[37];      // UUID
    char flow_id[25]; // ObjectId of the flow that it began with
    int flow_version;
    cJSON *frames; // array, the calls under way, outermost first (call.c); or NULL
    enum session_status status;
    char *node; // current node id (kept as the id, so that a session survives a change of the
                // indices)
    cJSON *vars;
    // The wait, while status == SESSION_ACTIVE
    enum wait_kind wait;
    uint32_t wait_number; // raised with each wait: a timer carries it, and is void for any other
    int64_t until_ms;     // 0 = no deadline
    uint32_t effect_seq;  // sequence number of the last effect; raised with each
    cJSON *node_state;    // what the current node keeps over a wait (its attempts …), or NULL
    cJSON *kept; // array of events (see event_value.h) that came before their time: answers during
                 // a delay, for the next inputs; callbacks; or NULL
    // Counters (limits are of the language)
    uint32_t steps;            // in all
    uint32_t activation_steps; // since the last wait for an input or a delay
    uint32_t loop_guard;       // steps since the last input
    int64_t started_ms;        // wall clock
    int64_t ended_ms;          // 0 while active
    int64_t active_ms;         // activation time so far, without waits and delays
    int64_t activated_ms;      // start of the present activation; 0 while waiting
    uint64_t seed;             // what chance is made of: random, so that nobody can guess it
    int64_t inbound_ms;        // when the person last wrote, by Meta's time; 0 = unknown
    int64_t tokens;            // of language models, so far, in all its flows
    char *comment;             // which the next message answers in private, or NULL
    char *outcome;             // the flow's own word for how it ended, or NULL
    char *error;               // of SESSION_ERROR: names node and reason
};

// The flow that its current node belongs to. ret_version 0: the newest, to be told by
// STIMULUS_FLOW.
void session_flow(const struct session *session, const char **ret_id, int *ret_version);

// The name under which an external service reaches a node of that flow: the node's id, behind the
// flow's where that is not the one that the session began with. The caller frees.
MUST_USE char *session_callback_name(const struct session *session, const char *node);

// A fresh session: ids are copied, everything else is zero. Caller's storage.
void session_init(struct session *session, const char *id, const char *flow_id, int flow_version,
                  int64_t now_ms);
void session_deinit(struct session *session);

// The shell parks the chat (an effect must be tried later): time from here on is no activation
// time.
void session_pause(struct session *session, int64_t now_ms);

// Somebody else ends a session that waits: abandoned, with this outcome.
void session_abandon(struct session *session, const char *outcome, int64_t now_ms);

// The person took a message back: its words leave the variables `event` and `last`, and the answers
// that are kept. What nodes have made of them stays.
void session_forget(struct session *session, const char *message_id);

MUST_USE char *session_to_json(const struct session *session);
MUST_USE bool session_from_json(const char *json, size_t len, struct session *ret_session,
                                struct err *err);
