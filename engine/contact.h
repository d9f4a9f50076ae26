// SPDX-License-Identifier: MIT
/*
 * What is recorded of a contact, as flows see and change it (the variable `contact`, beside `id`):
 *
 *   {"name":…, "email":…, "tags":["vip"], "customFields":{"Score":7}}
 *
 * and how a change (effect->change) alters it. The shell keeps one such object per chat. Pure.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/err.h"

enum {
    CONTACT_BYTES_MAX = 8 * 1024, // of the whole object as JSON: a change that passes it is refused
    CONTACT_NAME_MAX = 64,        // bytes of a custom field's name
    CONTACT_TAG_MAX = 64,         // bytes of a tag
};

// The fields with a meaning of their own, NULL-ended; each is a text. All others are customFields.
extern const char *const contact_fields[];
bool contact_field_is_known(const char *name);
// Of a custom field: no '.', no '$' in front, no control characters, not too long, not taken.
bool contact_name_is_good(const char *name);

/*
 * `contact` (NULL: nothing is recorded) with the change applied: its `contact` members are set,
 * null removes; `tags` are added and removed. What does not have the form of effect->change is
 * passed over. The caller deletes it. NULL: it would have more than CONTACT_BYTES_MAX (ERR_LIMIT).
 */
MUST_USE cJSON *contact_changed(const cJSON *contact, const cJSON *change, struct err *err);

// The variable `contact` becomes what is recorded; it keeps its `id`, and its `name` unless one is
// recorded.
void contact_refresh(cJSON *vars, const cJSON *recorded);
