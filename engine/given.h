// SPDX-License-Identifier: MIT
// The variables that a start by hand brings (EVENT_START): `vars` of its data. Pure.
#pragma once

#include <cjson/cJSON.h>

#include "base/err.h"
#include "base/event.h"

struct engine_limits;

enum { GIVEN_BYTES_MAX = 32 * 1024 }; // of `vars` as JSON

// An object whose names are variables that a flow may set; err says what is wrong. NULL is good.
MUST_USE bool given_check(const cJSON *vars, struct err *err);
// Sets them; other events bring none. False: err names the variable or the limit.
MUST_USE bool given_set(cJSON *vars, const struct event *event, const struct engine_limits *limits,
                        struct err *err);
