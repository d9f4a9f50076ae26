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
    FUNCTION_CATCH = 16,  // a first argument that fails is null, and call->caught says why
};

// NULL when there is none.
const struct expression_function *function_find(const char *name);
const char *function_nearest(const char *name);

#define FUNCTION(name) bool function_##name(struct call *call, struct datum *ret)
FUNCTION(abs);
FUNCTION(all);
FUNCTION(any);
FUNCTION(base64);
FUNCTION(base64_decode);
FUNCTION(capitalize);
FUNCTION(ceil);
FUNCTION(contains);
FUNCTION(date);
FUNCTION(date_add);
FUNCTION(date_diff);
FUNCTION(date_format);
FUNCTION(date_parse);
FUNCTION(day);
FUNCTION(default);
FUNCTION(ends_with);
FUNCTION(error);
FUNCTION(filter);
FUNCTION(first);
FUNCTION(floor);
FUNCTION(fold);
FUNCTION(format_currency);
FUNCTION(format_number);
FUNCTION(hour);
FUNCTION(if);
FUNCTION(index_of);
FUNCTION(join);
FUNCTION(json);
FUNCTION(keys);
FUNCTION(last);
FUNCTION(length);
FUNCTION(lower);
FUNCTION(map);
FUNCTION(matches);
FUNCTION(max);
FUNCTION(min);
FUNCTION(minute);
FUNCTION(month);
FUNCTION(now);
FUNCTION(number);
FUNCTION(pad_left);
FUNCTION(pad_right);
FUNCTION(parse_json);
FUNCTION(percent);
FUNCTION(range);
FUNCTION(replace);
FUNCTION(reverse);
FUNCTION(round);
FUNCTION(second);
FUNCTION(slice);
FUNCTION(sort);
FUNCTION(split);
FUNCTION(start_of);
FUNCTION(starts_with);
FUNCTION(strip_accents);
FUNCTION(sum);
FUNCTION(text);
FUNCTION(title);
FUNCTION(trim);
FUNCTION(truncate);
FUNCTION(type);
FUNCTION(unique);
FUNCTION(upper);
FUNCTION(url_decode);
FUNCTION(url_encode);
FUNCTION(values);
FUNCTION(weekday);
FUNCTION(year);
