// SPDX-License-Identifier: MIT
/*
 * Plays a flow against a fake shell and compares the transcript. Flows are written short:
 *   nodes  one line each: `id type {'member':'value'}` (single quotes stand for double ones)
 *   edges  words: `a>b`, `a:handle>b`, `a>b=Label_of_the_edge` (underscores stand for blanks)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"

// The whole document's text; `more` are further members ("'variables':[…]") or NULL. Caller frees.
char *flow_text(const char *nodes, const char *edges, const char *more);

// What the outside answers to an effect that is not a message, in order.
struct play_result {
    bool ok;
    int status;
    const char *json;  // the value, in single quotes, or NULL
    const char *error; // "timeout": no answer in time
};

struct play {
    const char *document;               // JSON text
    const struct play_result *results;  // of http and ai effects
    const char *const *script;          // NULL-ended: "say …", "tap id", "timer", "old timer"
    const struct engine_limits *limits; // NULL = defaults
    const char *send_error;             // every message fails with this; "closed": the window is
    int64_t effect_ms;                  // how long each effect takes
    bool steps;                         // show executed nodes, too
};

/*
 * Plays twice, the second time with session and effects taken through their JSON form before every
 * call, and checks that both transcripts are `expected` (lines, each ended by a newline).
 */
void play_expect(const struct play *play, const char *expected);

// The codes of the findings: "error:code@node" and "warning:code@node", separated by blanks,
// sorted. Caller frees.
char *lint_codes(const char *document);
char *compile_codes(const char *document);
