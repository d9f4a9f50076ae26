// SPDX-License-Identifier: MIT
// The memory behind process/metrics.h, for metrics.c (raising) and metrics_print.c (reading).
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "process/metrics.h"

enum {
    METRICS_SLOTS_MAX = 32768,
    METRICS_HISTOGRAM_SLOTS = METRICS_BUCKETS + 2, // the last bucket is +Inf; then the sum in us
    METRICS_NAME_MAX = 200,
    METRICS_WHY_WORDS = 12,
    METRICS_TRIES = 10000, // of a reader, then the writer has died in the middle
};

enum metrics_type {
    METRICS_UNUSED,
    METRICS_COUNTER,
    METRICS_GAUGE,
    METRICS_GAUGE_MAX,
    METRICS_HISTOGRAM,
};

enum metrics_state { METRICS_STARTING, METRICS_READY, METRICS_UNREADY };

// What one process writes. Pages that nobody touches cost nothing.
struct metrics_row {
    atomic_uint turn; // odd while `why` is being written
    atomic_uint state;
    _Atomic(uint64_t) why[METRICS_WHY_WORDS];
    _Atomic(uint64_t) slots[METRICS_SLOTS_MAX];
};

// name{labels}, so that a successor finds its series.
struct metrics_name {
    char text[METRICS_NAME_MAX];
    uint32_t type, slot;
};

struct metrics_region {
    uint32_t magic, processes;
    atomic_uint turn;    // odd while the sums of the region before are taken over
    atomic_uint settled; // they were
    atomic_uint names_used;
    struct metrics_name names[METRICS_SERIES_MAX];
    struct metrics_row rows[]; // one per process, then one of what was taken over
};

struct metrics_series {
    char *name, *help, *labels;
    enum metrics_type type;
    unsigned slot;
    int before; // its slot in the region before, or -1
};

struct metrics {
    struct metrics_region *region, *before; // before: NULL unless something was inherited
    struct metrics_row *mine;
    struct metrics_series *series;
    unsigned count, slots;
    int fd;
};

// The upper bounds of a histogram's buckets.
extern const struct metrics_bucket {
    int64_t us;
    const char *label;
} metrics_buckets[METRICS_BUCKETS];

// One slot of a series, over all processes, now and before.
uint64_t metrics_sum(const struct metrics *metrics, const struct metrics_series *series,
                     unsigned offset);
