// SPDX-License-Identifier: MIT
// Typed values as models write them. Part of the aiExtract node. Pure.
#pragma once

#include <cjson/cJSON.h>

#include "base/mem.h"

enum ai_value_type {
    AI_TEXT,
    AI_NUMBER,
    AI_INTEGER,
    AI_BOOLEAN,
    AI_DATE,
    AI_EMAIL,
    AI_PHONE,
    AI_ENUM,
};
extern const char *const ai_value_types[]; // words by enum, NULL-ended

/*
 * The value in its own form, the caller's: numbers of numeric texts, YYYY-MM-DD, + and digits, the
 * word of `words` (a list of texts, of AI_ENUM) as it is written there. NULL: it is none.
 */
MUST_USE cJSON *ai_value_read(enum ai_value_type type, const cJSON *words, const cJSON *value);
