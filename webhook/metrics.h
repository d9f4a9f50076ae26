// SPDX-License-Identifier: MIT
/*
 * The listener's figures, in Prometheus' text form. Plain counters of one process, raised by the
 * listener's loop.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/event.h"

enum { METRICS_BUCKETS = 12 };

// The statuses that a delivery can be answered with; METRICS_STATUS_OTHER for all others.
enum metrics_status {
    METRICS_200,
    METRICS_400,
    METRICS_401,
    METRICS_403,
    METRICS_404,
    METRICS_405,
    METRICS_413,
    METRICS_503,
    METRICS_STATUS_OTHER,
    METRICS_STATUSES,
};

// Of one app; requests that belong to none (unknown path, refused before they were read) are an app
// of their own.
struct metrics_app {
    const char *name; // borrowed
    uint64_t answers[METRICS_STATUSES];
    uint64_t bad_signatures;
    uint64_t buried; // bodies that went raw to the dead letters
    uint64_t body_bytes;
};

struct metrics {
    struct metrics_app *apps; // one per configured app, then the one of no app
    size_t app_count;         // with that one
    uint64_t events[PLATFORM_COUNT][EVENT_KIND_COUNT];
    uint64_t admitted, duplicates;
    uint64_t in_flight;                         // deliveries whose answer waits for Redis
    uint64_t took_buckets[METRICS_BUCKETS + 1]; // by time to the answer, the last is +Inf
    uint64_t took_us;
    uint64_t connections, expired; // filled by the listener when asked
};

void metrics_init(struct metrics *metrics, size_t configured_apps);
void metrics_deinit(struct metrics *metrics);

void metrics_answer(struct metrics *metrics, size_t app, int status);
void metrics_took(struct metrics *metrics,
                  int64_t took_us); // from the request's last byte to its answer
void metrics_print(const struct metrics *metrics, struct buf *out);
