// SPDX-License-Identifier: MIT
// The flows that bench_engine measures: from files, and made to measure. What fails ends the
// program.
#pragma once

#include <cjson/cJSON.h>

#include "engine/flow.h"

void bench_fail(const char *why) __attribute__((noreturn));

struct flow *bench_flow_open(const char *directory, const char *file);
struct flow *bench_flow_compile(cJSON *owned_document);

// `count` nodes in a ring that never waits: conditions, counters and jumps in turn. The same shape
// whatever its size.
cJSON *bench_ring(int count);
// `count` nodes as flows have them: messages with templates, conditions, inputs, settings, delays.
cJSON *bench_mixture(int count);
