// SPDX-License-Identifier: MIT
/*
 * Whether a Redis is fit to hold the queue: what `hookmill doctor` judges. One blocking look, with
 * the time-outs of every blocking call of queue/; changes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

// A string is "" when the server does not tell it (CONFIG may be forbidden).
struct queue_health {
    char version[32];
    int major;                        // of the version; 0 = not told
    char role[16];                    // "master", "slave" …
    char appendonly[8];               // "yes", "no"
    char appendfsync[16];             // "always", "everysec", "no"
    char policy[32];                  // maxmemory-policy
    bool append_failed;               // the last write of the append-only file
    uint64_t used_memory, max_memory; // bytes; max_memory 0 = unlimited
    unsigned replicas;                // connected
    unsigned shards;                  // 0 = `hookmill init` was not done
    int64_t skew_ms;                  // our clock minus Redis's
};
MUST_USE bool queue_health_read(const char *url, struct queue_health *ret_health, struct err *err);
