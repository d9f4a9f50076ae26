// SPDX-License-Identifier: MIT
// `hookmill parse`: what the listener would make of a body.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

// Reads one body (at most 4 MiB) from `in` and prints its events, one JSON line each.
MUST_USE bool parse_print(FILE *in, FILE *out, struct err *err);
