// SPDX-License-Identifier: MIT
/*
 * Plays a transcript (docs/transcripts.md) against a flow: what the person does goes through
 * engine_run() with the transcript's clock and seed, what the flow would do outside is compared
 * with the transcript's lines, and answered as they say. Text in, text out: no files, no network,
 * no clock. After every call the session, and every effect, is taken through its JSON form, which
 * must lose nothing.
 *
 *   report (update == false)   stops at the first line that came otherwise
 *   update                     goes to the end, and gives the transcript as it came
 *
 * Not shared by threads.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "engine/engine.h"

enum { PLAY_TEXT_MAX = 1 << 20, PLAY_LINES_MAX = 20000 }; // of a transcript

struct play_flow {
    const char *id; // or the document's _id
    const cJSON *document;
};

struct play_options {
    const cJSON *flow;              // the document
    const struct play_flow *others; // that it may call
    size_t other_count;
    const char *transcript;             // its text
    bool update;                        // write the transcript anew instead of comparing
    const struct engine_limits *limits; // NULL = the defaults
    engine_step_fn on_step;             // told every executed node; may be NULL
    void *on_step_arg;
};

struct play_report {
    bool same;        // everything came as it is written; always so after an update
    size_t line;      // where it first did not: a line of the transcript, from 1
    char *difference; // lines for people: what was before, what was expected, what came; or NULL
    char *text;       // the transcript as it came, up to the difference
};

/*
 * False with err when there is nothing to compare: the flow does not compile, the transcript is
 * malformed (the text begins with "line N: "), or a JSON form loses something. ret_report is the
 * caller's storage, for play_report_deinit(); filled only on success.
 */
MUST_USE bool play_transcript(const struct play_options *options, struct play_report *ret_report,
                              struct err *err);
void play_report_deinit(struct play_report *report);

// What an effect is on a transcript's line, its word included ("bot: Hello [yes=Yes]"). Caller
// frees.
MUST_USE char *play_effect_line(const struct effect *effect);

// Takes it through its JSON form, and puts what was read in its place. False, unchanged, when the
// form of that is another one.
MUST_USE bool play_session_round_trip(struct session *session, struct err *err);
MUST_USE bool play_effect_round_trip(struct effect *effect, struct err *err);
