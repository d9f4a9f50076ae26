// SPDX-License-Identifier: MIT
/*
 * What happened in one activation, in order: inputs, steps, effects, sessions. It is what a person
 * reads later
 * (`session_history`), what MongoDB's messages are made from, and, through the journal, what
 * survives a crash: entries are appended to the journal as they come and dropped from it when they
 * are projected. Pure data.
 *
 *   {"k":"in","n":1790…,"delivery":…}                        entry n of the mailbox
 *   {"k":"start","session":…,"flow":…,"version":3,"trigger":"keyword 'menu'"}
 *   {"k":"step","node":"ask","type":"input","decision":"waits"}
 *   {"k":"effect","kind":"send","key":"<session>:<seq>","node":…,"text":…,"ok":true,"id":"wamid…","at":…,"ms":12}
 *       and of a message that is more than a text: "type" and "message", the canonical one
 *   {"k":"update","key":"<session>:<seq>","node":…,"at":…,"change":{…}}   of the contact, the chat
 *   {"k":"session","session":{…}}                            a session that ended
 *   {"k":"note","text":…}                                    why nothing happened
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"

struct history {
    cJSON *entries;   // array
    size_t journaled; // so many of them are in the journal
};

void history_init(struct history *history);
void history_deinit(struct history *history);

// delivery: of the event, or NULL. adopted: the session that the event brought goes on here
void history_input(struct history *history, int64_t number, const char *delivery, bool adopted);
// `trigger`: what started it.
void history_start(struct history *history, const struct session *session, const char *trigger);
void history_step(struct history *history, const struct step *step);
void history_session(struct history *history, const struct session *session);
// `change` has the form of effect->change; `key` is its name within the chat; node may be NULL.
void history_update(struct history *history, const cJSON *change, const char *key, const char *node,
                    int64_t at_ms);
void history_note(struct history *history, const char *text);
/*
 * `result` as the journal has it (see perform.h); status: accepted, failed, unknown. at_ms: when
 * the effect left.
 */
void history_effect(struct history *history, const struct effect *effect, const char *key,
                    const cJSON *result, const char *status, int64_t at_ms, int64_t took_ms,
                    const char *delivery);

// The journal's records again, after a crash. Text that is not ours is skipped.
void history_restore(struct history *history, const char *const *records, size_t count);

enum { HISTORY_MOST_BYTES = 8 << 20 }; // of events in one document; MongoDB takes 16 MiB in all

// Adds an event's JSON to an entry, as a tree; what is beyond the budget is named by its size
// alone.
void history_add_event(cJSON *entry, const char *event_json, size_t *budget);

// The entries that the journal does not have yet, as texts (free each, then the array); marks them
// as journaled.
char **history_unjournaled(struct history *history, size_t *ret_count);
