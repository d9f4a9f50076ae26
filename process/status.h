// SPDX-License-Identifier: MIT
/*
 * A small HTTP server for processes that have no other: /healthz, /readyz and /metrics of all
 * processes of the supervisor, answered by whichever of them accepts the connection. For operators,
 * on an address that strangers cannot reach. One thread: the loop's.
 */
#pragma once

#include "process/metrics.h"

struct event_base;
struct status;

// Serves on a listening socket, which stays the caller's.
struct status *status_new(struct event_base *base, int fd, const struct metrics *metrics);
void status_free(struct status *status);
