// SPDX-License-Identifier: MIT
// The player's parts and what they share. Private to play/.
#pragma once

#include "base/buf.h"
#include "base/event.h"
#include "engine/engine.h"
#include "play/play.h"
#include "play/script.h"

struct player {
    const struct play_options *options;
    struct script script;
    size_t at;                 // the next line of the script
    struct flow *flow;         // that is played
    struct flow *current;      // that the session is in: it, or one of the others; borrowed
    struct flow **other_flows; // options->others, compiled when they are called
    struct session session;
    bool running;      // there is a session, perhaps one that is over
    unsigned sessions; // how many there were
    // The head
    enum platform platform;
    int64_t now_ms;
    uint64_t seed;
    const char *name;   // the person's, as the platform tells it
    cJSON *contact;     // what is recorded of the person
    cJSON *account;     // what the flow may know of the account
    int64_t inbound_ms; // when the person last wrote
    // What the person sees
    struct choice *choices; // offered last
    size_t choice_count;
    unsigned messages; // of the person, so far: they are numbered
    bool met;          // the chat has had an event
    // The report
    struct buf out; // the transcript as it came
    struct play_report *report;
    size_t number; // of the line of the script that was passed last
    bool differs;  // the report says where and how
};

/* The head and what the shell knows (head.c) */

typedef bool (*line_fn)(struct player *player, const struct line *line, struct err *err);
void head_init(struct player *player); // as it is without a head
line_fn head_line(enum line_kind kind);
// The record of the person, as an EFFECT_UPDATE leaves it.
void contact_change(struct player *player, const cJSON *change);
struct engine_env player_env(struct player *player);

/* Flows (flows.c) */

MUST_USE struct flow *flow_open(const cJSON *document, struct err *err);
// The flow with the id: the one that is played, or another. Borrowed; NULL with err.
struct flow *flow_called(struct player *player, const char *id, struct err *err);
void flows_close(struct player *player);

/* Inputs (input.c) */

// A line that is an event as an event of the chat, which the caller deinits.
MUST_USE bool input_read(struct player *player, const struct line *line, struct event *ret_event,
                         struct err *err);
// Remembers what the message offers, for `user: [id]`.
void choices_remember(struct player *player, const struct effect *effect);
void choices_forget(struct player *player);

/* Effects (effects.c): how each kind is written, and how it is answered */

struct effect_answer {
    struct effect_result result; // borrows from the others
    cJSON *value;
    char *error;
};
void effect_answer_deinit(struct effect_answer *answer);

struct effect_row {
    enum effect_kind effect;
    enum line_kind line;
    bool answered;    // a line "-> …" must follow; else it may, and without one it went well
    const char *fill; // the answer that an update writes where the author has given none
    char *(*show)(const struct effect *effect);
    bool (*same)(const char *written, const char *came);
    bool (*answer)(const struct effect *effect, const char *text, struct effect_answer *ret_answer,
                   struct err *err);
};
const struct effect_row *effect_row_find(enum effect_kind kind);

/* Comparing (compare.c) */

// Every one takes what the author wrote, and what came.
bool same_text(const char *written, const char *came);
bool same_prefix(const char *written, const char *came);
bool same_json(const char *written, const char *came); // or the same text
cJSON *json_of(const char *text);                      // NULL when it is none

/* The report (report.c) */

// Takes the line, as it is, into the text.
void script_pass(struct player *player);
// One thing that the flow does. False when the script says otherwise: the report is then filled.
MUST_USE bool outcome_came(struct player *player, enum line_kind kind, const char *came,
                           bool (*same)(const char *written, const char *came));
// The flow does nothing more: nor must the script, before its next input.
MUST_USE bool outcomes_over(struct player *player);
// The answer that the script gives to the outcome that has just come, or NULL.
struct line *answer_find(struct player *player, const struct effect_row *row);
// Writes the row's `fill` into the text, and returns it.
const char *answer_fill(struct player *player, const struct effect_row *row);
// The script's next line asks something, and `came` is the line with its answer.
MUST_USE bool question_came(struct player *player, const struct line *line, const char *came,
                            bool same);
