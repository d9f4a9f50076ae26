// SPDX-License-Identifier: MIT
/*
 * The webhook endpoint: an HTTP server on the loop it is given.
 *
 *   GET  /webhooks/{app}   Meta's verification challenge
 *   POST /webhooks/{app}   a delivery; 200 only when every event of it is durable
 *   POST /callbacks/{token} what an external service says to a flow that waits for it
 *   GET  /healthz          200 while the loop turns
 *   GET  /readyz           200 when all processes can keep deliveries, else 503 with the reason
 *   GET  /metrics          Prometheus, of all processes
 *
 * Deliveries are answered 200; 401 wrong or missing signature; 403 the client's certificate is
 * missing or another's (mutual TLS); 404 unknown app; 413 too large; 503 cannot be kept now, or not
 * within answer_ms. A signed body that cannot be understood is buried (dead letters) and answered
 * 200. Callbacks (docs/callbacks.md) are answered 202 when they are durable; 400 cannot be read;
 * 404 a token that is not ours; 413; 503. With mutual TLS all of /webhooks needs the certificate,
 * since Meta shows it with all its requests; the other addresses, which health checks use, do not.
 * One thread: the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/err.h"
#include "webhook/figures.h"

struct event_base;
struct listener;
struct proxies;
struct queue;
struct received;
struct archive;
struct callback_keys;
struct spool;
struct tls;

// Pointers are borrowed for the listener's life.
struct listener_config {
    const int *sockets; // listening descriptors, not blocking
    size_t socket_count;
    const struct listener_figures *figures; // declared for these apps, attached
    const struct config_app *apps;
    size_t app_count;
    size_t max_body;           // bytes; 0 = 4 MiB
    unsigned max_connections;  // 0 = 1024
    int64_t deadline_ms;       // for a whole request; 0 = 10 s
    int64_t idle_ms;           // for a kept-alive connection between requests; 0 = 60 s
    int64_t answer_ms;         // from a delivery's last byte to its answer; 0 = 4 s
    struct received *received; // counts what comes
    const struct spool *spool; // the queue's, or NULL: for /readyz and figures
    struct archive *archive;   // keeps every delivery whose signature holds, or NULL
    struct tls *tls;           // NULL = plain HTTP
    const struct proxies *proxies;
    const struct callback_keys *callback_keys; // none: nobody can call back
};

/*
 * A base that tells epoll of changes once in a turn of the loop: evhttp switches reading and
 * writing on and off several times for each request. Right as long as no descriptor on it is a copy
 * of another (dup). The caller frees it.
 */
struct event_base *listener_base_new(void);

// Accepts. The queue is borrowed; it may be freed before or after the listener.
struct listener *listener_new(struct event_base *base, const struct listener_config *config,
                              struct queue *queue);

// Looks now whether deliveries can be kept, as /readyz says it.
bool listener_is_ready(struct listener *listener);

/*
 * Ends without dropping a request: accepts what waits, answers what is under way and what still
 * comes on open connections, and closes those that have been idle for a second. `stopped(arg)` is
 * called once, from the loop, when the last connection is gone; it may free the listener.
 */
void listener_stop(struct listener *listener, void (*stopped)(void *arg), void *arg);

// At once: requests without an answer lose their connections.
void listener_free(struct listener *listener);
