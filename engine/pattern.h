// SPDX-License-Identifier: MIT
/*
 * Regular expressions of flows: PCRE2 in UTF-8 mode, close to JavaScript's (unanchored, `$` only at
 * the very end), with limits on what one match may cost. Immutable.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

enum {
    PATTERN_BYTES_MAX = 1024,
    PATTERN_STEPS = 100000,      // of one use; and some for each byte of the text
    PATTERN_STEPS_PER_UNIT = 20, // what they cost among expressions
};

struct pattern;

MUST_USE struct pattern *pattern_new(const char *text, struct err *err);
void pattern_free(struct pattern *pattern);

enum pattern_match { PATTERN_NO, PATTERN_YES, PATTERN_LIMIT };
enum pattern_match pattern_match(const struct pattern *pattern, const char *text);
// Adds what it took to *steps.
enum pattern_match pattern_match_counted(const struct pattern *pattern, const char *text,
                                         uint64_t *steps);
