// SPDX-License-Identifier: MIT
/*
 * Triggers: which of an account's enabled flows an event starts. A flow's triggers come from its
 * start node (`triggers`, `keywords`, `on`) and from the document's metadata.triggers; they are
 * compiled with the flow. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/event.h"

struct flow;

struct trigger_context {
    bool first_contact;  // the chat has no earlier event
    const char *flow_id; // of the flow asked about, for EVENT_START; may be NULL
    bool is_waiting;     // a session waits in the chat: only triggers that say so count
    const char *text;    // trigger_text() of the event, where several flows are asked; or NULL
};

// How well a trigger fits: greater wins, by priority, then class, then what it says of the text.
struct trigger_match {
    int priority;       // the flow's own word, 0 unless given
    int specificity;    // of the kind of trigger: docs/triggers.md has the order
    size_t length;      // of the keyword: the longer, the more specific
    char name[64];      // for the history: "keyword 'menu'", "default"
    bool private_reply; // the first message answers the comment in private
};

/*
 * True when the event starts the flow; then ret_match is its best trigger. EVENT_START starts the
 * flow that is its target whatever its triggers say, and with a session that waits only when its
 * data says {"interrupt": true}. Events of groups and in standby start nothing.
 */
MUST_USE bool trigger_match(const struct flow *flow, const struct event *event,
                            const struct trigger_context *context, struct trigger_match *ret_match);
// > 0 when `a` is the better one; 0: the order of the account's list decides.
int trigger_compare(const struct trigger_match *a, const struct trigger_match *b);

// What was written, as keywords read it: its first 2 KiB, folded. NULL when there is nothing.
// Caller frees.
MUST_USE char *trigger_text(const struct event *event);
