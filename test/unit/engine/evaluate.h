// SPDX-License-Identifier: MIT
// Tables of expressions and what they give, for the tests of the language and of its functions.
#pragma once

#include "engine/scope.h"

// A value as JSON; or "!words": it fails when it runs, its error has the words; or "?words": it is
// refused.
struct evaluate_case {
    const char *text, *value;
};

// Variables of a shop, at 2026-11-21 09:00 UTC in Europe/Berlin, locale "en".
struct scope evaluate_scope(void);
void evaluate_scope_free(struct scope *scope);
// Fails the test when the expression gives something else; the scope can be used again.
void evaluate_check(struct scope *scope, const char *text, const char *value);
