// SPDX-License-Identifier: MIT
/*
 * Errors of the world (bugs are asserts). A function that can fail returns bool, is MUST_USE, and
 * takes `struct err *err` last: false means `err` is filled and no out-parameter was touched.
 * The text says what and where and, where it can, what the operator should do. No allocation.
 */
#pragma once

#include <stdbool.h>

#include "base/mem.h"

enum err_code {
    ERR_NONE = 0,
    ERR_INPUT,       // bad bytes from outside: malformed, too large, wrong type
    ERR_CONFIG,      // configuration is wrong or incomplete
    ERR_LIMIT,       // a bound of ours was passed
    ERR_NOT_FOUND,   // no such thing
    ERR_CONFLICT,    // exists already, or somebody newer owns it (stale epoch)
    ERR_UNAVAILABLE, // a server is away, slow or full: try again later
    ERR_AMBIGUOUS,   // a request may have left and no answer was seen
    ERR_CANCELED,    // we gave up (shutdown)
    ERR_DENIED,      // credentials refused
    ERR_INTERNAL,    // a library failed in a way that is none of the above
};

struct err {
    enum err_code code;
    char text[256];
    bool timed_out; // beside UNAVAILABLE and AMBIGUOUS: the time was up
};

// Fills err (which may be NULL) and returns false, so that callers write `return err_set(...)`.
bool err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

// Puts "prefix: " before the text that is there; returns false.
bool err_prefix(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

#ifdef __clang_analyzer__ // it does not see that these two return false
#define err_set(...)    (err_set(__VA_ARGS__), false)
#define err_prefix(...) (err_prefix(__VA_ARGS__), false)
#endif
