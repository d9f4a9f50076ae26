// SPDX-License-Identifier: MIT
/*
 * Regular expressions of flows: PCRE2 in UTF-8 mode, close to JavaScript's (unanchored, `$` only at
 * the very end), with limits on what one match may cost. Immutable.
 */
#pragma once

#include "base/err.h"

enum { PATTERN_BYTES_MAX = 1024 };

struct pattern;

MUST_USE struct pattern *pattern_new(const char *text, struct err *err);
// Matches exactly this text, without regard to case (of any script).
MUST_USE struct pattern *pattern_new_word(const char *word);
void pattern_free(struct pattern *pattern);

enum pattern_match { PATTERN_NO, PATTERN_YES, PATTERN_LIMIT };
enum pattern_match pattern_match(const struct pattern *pattern, const char *text);
