// SPDX-License-Identifier: MIT
/*
 * What an external service sent to a callback's address. Pure; any thread. Private to webhook/.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { CALLBACK_BODY_MAX = 64 << 10, CALLBACK_FIELDS_MAX = 500, CALLBACK_DEPTH_MAX = 24 };

/*
 * The body as a JSON object or array: JSON as it is, a form as an object of texts (a list where a
 * name comes again), anything else as {"text": "…"}, nothing as {}. `type` is the Content-Type, or
 * NULL. ERR_INPUT: it is not what its type says, or no text; ERR_LIMIT. The caller frees.
 */
MUST_USE bool callback_body_read(const char *type, const void *body, size_t len, char **ret_json,
                                 struct err *err);
