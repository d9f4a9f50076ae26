// SPDX-License-Identifier: MIT
/*
 * What the flow language means by a value: any JSON. Conversion to text and number, the typed
 * comparison of conditions, and the setting of variables under the limits. NULL stands for null
 * everywhere.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct engine_limits;
struct path;

enum { VALUE_DEPTH_MAX = 32 };

// The bytes that the value takes as JSON, or a little more. False: too deep, or text that is not
// UTF-8.
MUST_USE bool value_measure(const cJSON *value, size_t *ret_bytes, struct err *err);

// Strings as they are, null as nothing, numbers and booleans in JSON's words, containers as JSON.
void value_text(const cJSON *value, struct buf *out);

// Puts '?' for every byte that is no UTF-8 (what cutting a text can leave).
void text_tidy(char *text);
// True for a decimal number as a whole text ("-1.5e3"; no hex, no infinity, no blanks).
bool text_is_number(const char *text, double *ret_number);
// A number, or a string that is one.
bool value_is_number(const cJSON *value, double *ret_number);

/*
 * Comparison: as numbers when both are numeric (also numeric strings), as booleans when one is a
 * boolean and the other one a boolean or "true"/"false", as text when both are strings, null equals
 * null alone; containers are equal when their JSON is. Order exists among numbers and among strings
 * (by bytes).
 */
bool value_equal(const cJSON *a, const cJSON *b);
MUST_USE bool value_order(const cJSON *a, const cJSON *b, int *ret_order);
// A string holds the other's text (case-sensitive); an array holds an equal element.
bool value_contains(const cJSON *container, const cJSON *item);

/*
 * The session's variables, an object. Its bytes are kept count of, so that setting one does not
 * look at the others: whoever changes them by other means than these says so with vars_changed().
 */
void vars_changed(cJSON *vars);
// Sets one of Hookmill's own, without limits. Takes owned_value.
void vars_put(cJSON *vars, const char *name, cJSON *owned_value);
// Sets one variable. Takes owned_value, also on failure; err names the limit that it would pass.
MUST_USE bool vars_set(cJSON *vars, const struct path *path, cJSON *owned_value,
                       const struct engine_limits *limits, struct err *err);
