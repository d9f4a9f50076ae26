// SPDX-License-Identifier: MIT
/*
 * An activation between a queue, a catalog and a MongoDB that are the test's own: its functions
 * come before the libraries'. One account with one flow; every message is accepted.
 */
#pragma once

#include "test/unit/cmocka_all.h"

#include <stdbool.h>
#include <stdint.h>

#include "worker/activation.h"

struct seen {
    struct projection *projection; // what was written last
    char *state;                   // what finish stored
    char *sent_id;                 // what a journal told
    int64_t timer_ms;              // < 0: cancelled
    unsigned finished, released;
};
extern struct seen seen;
void seen_clear(void);

// The flow's document; 0, or -1 when it does not compile.
int shell_open(const char *document);
void shell_close(void);

struct chat {
    char *state; // as the queue keeps it; the test frees it
    int64_t number;
    int64_t paused_ms;
};

// One claim of the chat: with a message, or without.
void activate(struct chat *chat, const char *text, const char *fired);
// With an event of these members (single quotes for double ones), beside platform and account.
void activate_by(struct chat *chat, const char *members);

// Of what was written last.
const char *last_status(void);
bool history_says(const char *text);
// The token of the timer that the chat's state waits for; caller frees.
char *token_of(const struct chat *chat);
