// SPDX-License-Identifier: MIT
// What listener.c (server, routes), delivery.c (the road of one POST) and callback.c share.
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include "webhook/figures.h"
#include "webhook/http_guard.h"
#include "webhook/listener.h"
#include "webhook/proxy.h"

struct event;
struct evhttp_request;
struct delivery;

// Lets one log line through per second and counts those that it holds back.
struct quiet {
    int64_t last_ms;
    unsigned hidden;
};
bool quiet_pass(struct quiet *quiet, unsigned *ret_hidden);

TAILQ_HEAD(delivery_queue, delivery);

struct listener {
    struct listener_config config;
    struct evhttp *http;
    struct http_guard *guard;
    struct queue *queue;
    const struct listener_figures *figures;
    struct quiet *bad_signature; // one per app
    struct quiet *not_understood;
    struct quiet not_kept, refused, shed, late, stranger, bad_callback, bad_body;
    struct event *tick;
    uint64_t next_delivery; // its id
    uint64_t counted_expired;
    unsigned in_flight;
    bool spool_held;                  // as last said
    const char *unready;              // as last said, NULL = ready
    struct delivery_queue deliveries; // those whose answer waits for Redis, oldest first
    struct delivery_queue answered;   // those that were answered before Redis did
};

// Answers a request that was taken. `app` is an index of the figures' apps.
void listener_answer(struct listener *listener, struct evhttp_request *request, size_t app,
                     int status, const char *text);
// The same with a body of another type, and without the figures of an app.
void listener_reply(struct listener *listener, struct evhttp_request *request, int status,
                    const char *type, const char *text);
// Where a request comes from, for logs.
const char *listener_client(const struct listener *listener, struct evhttp_request *request,
                            char buffer[PROXY_ADDRESS_MAX]);

// A POST to the app's address: takes the request and answers it, now or when Redis has.
void delivery_start(struct listener *listener, size_t app, struct evhttp_request *request);

// Answers 503 to deliveries that have waited since `started_us` or longer.
void delivery_answer_late(struct listener *listener, int64_t started_us);

// The listener goes away; what still waits for Redis will end by itself.
void delivery_abandon_all(struct listener *listener);
