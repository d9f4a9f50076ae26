// SPDX-License-Identifier: MIT
// A listener on a free port in front of a queue in memory, and requests to it, for the tests of
// both.
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "fake_queue.h"
#include "http_client.h"
#include "webhook/listener.h"

enum { FIXTURE_APPS = 2 };
extern const struct config_app apps[FIXTURE_APPS]; // "shop", with a previous secret, and "bar"
extern const char text_body[];                     // a delivery of one message

struct fixture {
    struct event_base *base;
    struct queue *queue;
    struct metrics *metrics;
    struct listener_figures figures;
    struct received *received;
    struct listener *listener;
    int socket;
    int port;
};

// `wanted` may be NULL; sockets, figures and apps are the fixture's.
void fixture_start(struct fixture *f, const struct listener_config *wanted);
void fixture_stop(struct fixture *f);

// A whole request with its signature; the caller's to deinit.
struct buf signed_post(const char *path, const char *secret, const char *body, size_t len,
                       const char *more_headers);

// Delivers to the app `shop`; the response is in `response` when it is not NULL.
int deliver(struct fixture *f, const char *body, struct buf *response);

bool one_waits(void *arg); // for loop_until: one call of the queue waits
