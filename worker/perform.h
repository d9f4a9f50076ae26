// SPDX-License-Identifier: MIT
/*
 * Performs one effect outside: a message by the Graph API, a chat completion, an HTTP call; and
 * says in one vocabulary what came of it. Loop thread; `fn` fires once, on a later loop turn.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdint.h>

#include "engine/engine.h"
#include "models/account.h"

struct worker;

enum verdict {
    VERDICT_DONE,      // it happened, or failed for good: `result` goes to the engine
    VERDICT_LATER,     // it did not happen; try again after `after_ms` (0 = our own back-off)
    VERDICT_ACCOUNT,   // as LATER, and the account's token or permission is at fault
    VERDICT_AMBIGUOUS, // it may have happened
    VERDICT_CANCELED,  // the process stops
};

struct performed {
    enum verdict verdict;
    // Of DONE: {"ok":true,"id":"wamid…","value":…,"status":200} or
    // {"ok":false,"error":"…","window_closed":true,"timed_out":true}; borrowed
    const cJSON *result;
    const char *text; // of the others: why, in words
    int64_t after_ms;
    bool timed_out; // of LATER: no answer in time
};
typedef void (*perform_fn)(void *arg, const struct performed *performed);

struct perform_request {
    const struct account *account;
    const char *chat; // chat key
    const char *contact;
    const struct effect *effect;
    const char *key; // the attempt's name
    const cJSON
        *recent; // EFFECT_AI: this activation's messages {role, content}, not in MongoDB yet
};

// `request` and what it points to must live until `fn`.
void perform(struct worker *worker, const struct perform_request *request, perform_fn fn,
             void *arg);

// The engine's view of a result: borrows from it.
struct effect_result perform_result(const cJSON *result);
