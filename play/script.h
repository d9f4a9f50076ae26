// SPDX-License-Identifier: MIT
/*
 * A transcript, read into lines. Private to play/. What the words mean is in the table of script.c;
 * the syntax is told in docs/transcripts.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum line_kind {
    LINE_NOTE, // a comment or an empty line
    // The head
    LINE_PLATFORM,
    LINE_CLOCK,
    LINE_SEED,
    LINE_CONTACT,
    LINE_ACCOUNT,
    LINE_TIMEZONE,
    // What happens
    LINE_USER,
    LINE_EVENT,
    LINE_START,
    LINE_CALLBACK,
    LINE_RESUME,
    LINE_WAIT,
    LINE_VARS, // a question, that changes nothing
    // What the flow does about it
    LINE_BOT,
    LINE_API,
    LINE_AI,
    LINE_UPDATE,
    LINE_END,
    LINE_IGNORED,
    // What the outside says to that
    LINE_ANSWER,
};

enum line_role { ROLE_NOTE, ROLE_HEAD, ROLE_INPUT, ROLE_OUTCOME, ROLE_ANSWER };

struct line {
    enum line_kind kind;
    enum line_role role;
    enum line_kind owner; // of an answer: the outcome before it; LINE_NOTE when none is written
    bool used;            // an answer that was given out of its place
    size_t number;        // of its first line in the text, from 1
    char *text;           // behind the word, continuation lines joined by \n, blanks at ends cut
    char *raw;            // as it was written, without the last line break
};

struct script {
    struct line *lines;
    size_t count;
};

MUST_USE bool script_read(const char *text, struct script *ret_script, struct err *err);
void script_deinit(struct script *script);

const char *line_word(enum line_kind kind); // "user:", "->"
// "word text" as it is written, with continuation lines; no line break at the end. Caller frees.
MUST_USE char *line_print(enum line_kind kind, const char *text);
// Cuts what a line cannot hold: blanks at the ends of its lines, and in front of the first.
void line_tidy(char *text);

// "2026-01-05T09:00:00Z"
MUST_USE bool moment_parse(const char *text, int64_t *ret_ms, struct err *err);
// "2h", "1h 30m", "1500ms": ms, s, m, h, d
MUST_USE bool duration_parse(const char *text, int64_t *ret_ms, struct err *err);
