// SPDX-License-Identifier: MIT
/*
 * The relations of comparisons: their words, and when they hold between two values. Part of the
 * condition node. Pure.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

struct scope;

enum relation {
    EQUAL,
    GREATER,
    LESS,
    AT_LEAST,
    AT_MOST,
    CONTAINS,
    STARTS_WITH,
    ENDS_WITH,
    MATCHES, // a pattern: the comparison's own matter
    IN,
    EXISTS,
    EMPTY,
    BEFORE,
    AFTER,
    SAME_DAY,
};

extern const char *const relation_words[]; // NULL-ended

// `word` is one of them. ret_negated: it says the opposite of the relation.
enum relation relation_find(const char *word, bool *ret_negated);

// Either value may be NULL, which is null. Dates are looked at in the scope's zone.
bool relation_holds(const struct scope *scope, enum relation relation, const cJSON *left,
                    const cJSON *right);
