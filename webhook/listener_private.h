// SPDX-License-Identifier: MIT
// What listener.c (server, routes) and delivery.c (the road of one POST) share.
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include "webhook/http_guard.h"
#include "webhook/listener.h"
#include "webhook/metrics.h"

struct evhttp_request;
struct delivery;

// Lets one log line through per second and counts those that it holds back.
struct quiet {
    int64_t last_ms;
    unsigned hidden;
};
bool quiet_pass(struct quiet *quiet, unsigned *ret_hidden);

struct listener {
    struct listener_config config;
    struct evhttp *http;
    struct http_guard *guard;
    struct queue *queue;
    struct metrics metrics;
    struct quiet *bad_signature; // one per app
    struct quiet *not_understood;
    struct quiet not_kept, refused;
    int port;
    TAILQ_HEAD(delivery_queue, delivery) deliveries; // those whose answer waits for Redis
};

// Answers a request that was taken. `app` is an index of metrics.apps.
void listener_answer(struct listener *listener, struct evhttp_request *request, size_t app,
                     int status, const char *text);

// A POST to the app's address: takes the request and answers it, now or when Redis has.
void delivery_start(struct listener *listener, size_t app, struct evhttp_request *request);

// The listener goes away; what still waits for Redis will end by itself.
void delivery_abandon_all(struct listener *listener);
