// SPDX-License-Identifier: MIT
/*
 * What Messenger and Instagram share: the elements of messaging[] and standby[] (messaging.c, and
 * message.c for the largest of them), and changes[] (change.c). For authors of normalisers.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "webhook/item.h"

// One element of messaging[] or standby[] that is being read.
struct reading {
    const struct walk *walk;
    const cJSON *element;
    const cJSON *value; // of the key that says what happened
    bool from_account;  // what the account itself did: an echo
};

// `message`: text, quick reply, attachments, echo, unsent, unsupported. False: not understood.
bool message_read(const struct reading *reading, struct event *event);

// messaging[] and standby[] of an entry. True: the entry had one of them.
bool messaging_lists(struct walk *walk, const cJSON *entry);

// True when the value of a change is an element of messaging[]: Instagram's in another envelope.
bool messaging_is_element(const cJSON *value);
// Reads such an element; `whole` is what is kept when it is not understood.
void messaging_item(struct walk *walk, const cJSON *element, bool standby, const cJSON *whole);

/*
 * changes[]: what a field's value becomes. Each column is a list of paths into the value, of which
 * the first that is there counts; an event without all of its `must` is not understood.
 */
enum { CHANGE_PATHS = 2 };
struct change_kind {
    const char *field;
    enum event_kind kind;
    const char *id[CHANGE_PATHS];
    const char *target[CHANGE_PATHS];
    const char *text;
    enum { CHANGE_NEEDS_ID = 1, CHANGE_NEEDS_ANY = 2 } must; // an id; an id or a target
};
// changes[] of an entry, or its own `field` and `value`, by a table that ends with a row without
// field. True: the entry had one of them.
bool change_lists(struct walk *walk, const cJSON *entry, const struct change_kind *kinds);
