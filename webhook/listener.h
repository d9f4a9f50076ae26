// SPDX-License-Identifier: MIT
/*
 * The webhook endpoint: an HTTP server on the loop it is given.
 *
 *   GET  /webhooks/{app}   Meta's verification challenge
 *   POST /webhooks/{app}   a delivery; 200 only when every event of it is in Redis
 *   GET  /healthz          200 while the loop turns
 *   GET  /readyz           200 when deliveries can be kept, else 503 with the reason
 *   GET  /metrics          Prometheus
 *
 * Deliveries are answered 200; 401 wrong or missing signature; 404 unknown app; 413 too large; 503
 * cannot be kept now. A signed body that cannot be understood is buried (dead letters) and answered
 * 200. One thread: the loop's.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/err.h"

struct event_base;
struct listener;
struct queue;

struct listener_config {
    const char *address;           // a numeric address or a host name of this machine
    int port;                      // 0 = a free one
    const struct config_app *apps; // borrowed for the listener's life
    size_t app_count;
    size_t max_body;          // bytes; 0 = 4 MiB
    unsigned max_connections; // 0 = 1024
    int64_t deadline_ms;      // for a whole request; 0 = 10 s
    int64_t idle_ms;          // for a kept-alive connection between requests; 0 = 60 s
};

// Binds and accepts. The queue is borrowed; it may be freed before or after the listener.
MUST_USE struct listener *listener_new(struct event_base *base,
                                       const struct listener_config *config, struct queue *queue,
                                       struct err *err);
int listener_port(const struct listener *listener);

/*
 * Stops accepting, closes idle connections and answers what is under way. `stopped(arg)` is called
 * once, from the loop, when the last connection is gone; it may free the listener.
 */
void listener_stop(struct listener *listener, void (*stopped)(void *arg), void *arg);

// At once: requests without an answer lose their connections.
void listener_free(struct listener *listener);
