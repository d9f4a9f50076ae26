// SPDX-License-Identifier: MIT
/*
 * The functions of expressions, as their authors see them: a row in the table of functions.c, and
 * a function in functions_*.c that finds its arguments by call_text() and its like
 * (expression_tree.h) and makes a value. A null first argument gives null without a call, unless
 * the row says FUNCTION_NULL. Private to engine/.
 */
#pragma once

#include "engine/expression_tree.h"

enum {
    FUNCTION_NULL = 1,    // wants a null first argument, too
    FUNCTION_LAZY = 2,    // all but the first argument are evaluated by the function
    FUNCTION_ITEM = 4,    // and see `item` and `index`
    FUNCTION_PATTERN = 8, // the second argument is a pattern: compiled at once when it is a literal
};

// NULL when there is none.
const struct expression_function *function_find(const char *name);
const char *function_nearest(const char *name);

#define FUNCTION(name) bool function_##name(struct call *call, struct datum *ret)
FUNCTION(abs);
FUNCTION(ceil);
FUNCTION(contains);
FUNCTION(default);
FUNCTION(ends_with);
FUNCTION(floor);
FUNCTION(format_currency);
FUNCTION(format_number);
FUNCTION(if);
FUNCTION(json);
FUNCTION(length);
FUNCTION(matches);
FUNCTION(number);
FUNCTION(pad_left);
FUNCTION(pad_right);
FUNCTION(parse_json);
FUNCTION(percent);
FUNCTION(replace);
FUNCTION(round);
FUNCTION(split);
FUNCTION(starts_with);
FUNCTION(text);
FUNCTION(trim);
FUNCTION(truncate);
FUNCTION(type);
