// SPDX-License-Identifier: MIT
/*
 * Expressions: a small typed language for conditions and `set`, and the filters of templates.
 *
 *   order.total * 1.19 >= limit and not contact.blocked
 *   upper(trim(name)) == "ANA" or length(items) > 3
 *   date_add(now, 2, "days")        items[0].price        {"n": 1, "list": [1, 2]}
 *   map(items, item.price * item.n)  filter(items, item.price > 10)
 *
 * Values are JSON's, and dates (which are kept in variables as ISO 8601 texts). An error is a value
 * with a text: it ends the evaluation, never the process. Every evaluation has a cost limit. Parsed
 * once; immutable; `a | f: x` is f(a, x).
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct call;
struct datum;
struct expression;
struct path;
struct scope;

enum { EXPRESSION_BYTES_MAX = 4096, EXPRESSION_DEPTH_MAX = 64 };

// NULL with err naming the place ("at 'x +'": …) when it is none, or names no known function.
MUST_USE struct expression *expression_parse(const char *text, size_t len, struct err *err);
void expression_free(struct expression *expression);

// The value is the caller's, NULL with err otherwise (ERR_INPUT: a wrong type …; ERR_LIMIT: cost).
MUST_USE cJSON *expression_eval(const struct expression *expression, struct scope *scope,
                                struct err *err);
// Everything is true but false, null, 0, "", [] and {}. Borrowed value; NULL is null.
bool value_is_true(const cJSON *value);

// The variables that it reads, for the linter.
typedef void (*expression_path_fn)(void *arg, const struct path *path);
void expression_each_path(const struct expression *expression, expression_path_fn fn, void *arg);

// The functions, for `hookmill flow functions` and the docs: NULL-name ended, sorted.
struct expression_function {
    const char *name;
    const char *arguments;  // "text, [count]"
    const char *help;       // one line
    unsigned char min, max; // how many arguments it takes
    unsigned char flags;    // functions.h, as `call`
    bool (*call)(struct call *call, struct datum *ret);
};
extern const struct expression_function expression_functions[];
