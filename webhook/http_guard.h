// SPDX-License-Identifier: MIT
/*
 * What evhttp (2.1.12) lacks for a server that faces the internet: a cap on connections, and
 * deadlines that run from accept or a request's first byte and that no trickle of bytes extends.
 *
 * The guard listens, makes each connection's bufferevent (evhttp_set_bevcb), with TLS or without,
 * and follows the connection through its states. Accepting pauses at the cap; idle connections make
 * room first, then requests that have been arriving for more than a second, the oldest first. The
 * server tells the guard when it takes a request (http_guard_take) and when it answers
 * (http_guard_answer). One thread: the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct evhttp;
struct evhttp_request;
struct http_guard;
struct tls;

struct http_guard_config {
    const int *sockets; // listening descriptors, not blocking; they stay the caller's
    size_t socket_count;
    struct tls *tls; // borrowed; NULL = plain HTTP
    unsigned max_connections;
    size_t max_held; // bytes of requests without an answer; above it, the largest unfinished goes
    int64_t deadline_ms; // for a whole request, and again for the client to take the answer
    int64_t idle_ms;     // how long a kept-alive connection may say nothing

    // evhttp itself refused a request (400, 413, 417, 501): for logs and counters. May be NULL.
    void (*refused)(void *arg, int status);
    void *arg;
};

/*
 * Lets `http` accept from the sockets, and guards its connections. `http` stays the caller's. To
 * end: http_guard_stop(), evhttp_free(), http_guard_free().
 */
struct http_guard *http_guard_new(struct event_base *base, struct evhttp *http,
                                  const struct http_guard_config *config);
void http_guard_free(struct http_guard *guard);

/*
 * First thing for each request: its deadline is met. When the connection goes away before
 * http_guard_answer(), `gone(arg)` is called, once, and the request must not be touched any more.
 */
void http_guard_take(struct http_guard *guard, struct evhttp_request *request,
                     void (*gone)(void *arg), void *arg);

// Right before the reply is sent: `gone` will not be called.
void http_guard_answer(struct http_guard *guard, struct evhttp_request *request);

/*
 * Comes to an end without dropping a request: accepts what waits in the sockets' queues, then no
 * more; connections on which nothing happens are kept for a second, since their client may be about
 * to send, and then closed; whoever asks gets an answer (the server says "Connection: close" in
 * it). `drained(arg)` is called once, when the last connection is gone, never inside this call.
 */
void http_guard_stop(struct http_guard *guard, void (*drained)(void *arg), void *arg);
bool http_guard_is_stopping(const struct http_guard *guard);

unsigned http_guard_connections(const struct http_guard *guard);
uint64_t http_guard_expired(const struct http_guard *guard); // connections cut at a deadline
