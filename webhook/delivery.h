// SPDX-License-Identifier: MIT
/*
 * One POST on its road to the queue, whoever sent it: Meta's deliveries begin in delivery.c,
 * external services' callbacks in callback.c. Private to webhook/. One thread: the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "webhook/listener_private.h"
#include "webhook/received.h"

struct event_list;

struct delivery {
    struct listener *listener;      // NULL once it was freed
    struct evhttp_request *request; // NULL once the client is gone, or was answered
    size_t app;                     // app_count: it is a callback
    char id[17];                    // in log lines, and in each event
    bool late;                      // answered before the queue did
    unsigned events;
    struct receipt_row one, *rows; // by account; `rows` is `one`, or allocated
    unsigned row_count;
    int64_t started_us, parsed_us;
    TAILQ_ENTRY(delivery) link; // in listener->deliveries, or ->answered
};

// Takes the request.
struct delivery *delivery_new(struct listener *listener, size_t app,
                              struct evhttp_request *request);
// Answers, unless that was done, and forgets the delivery.
void delivery_end(struct delivery *delivery, int status, const char *text);
// Counts the events in the ledger and gives them to the queue; ends with 200, or 503. The list is
// the caller's. `seen_ms` names the day under which they are remembered; 0 = that of each event.
void delivery_admit(struct delivery *delivery, struct event_list *list, int64_t seen_ms);
// Ends with 503: the queue has no room for anything.
void delivery_shed_all(struct delivery *delivery);

// callback.c: answers a callback, by the status that a delivery would have.
void callback_answer(struct listener *listener, struct evhttp_request *request, int status);
// A POST to /callbacks/{token}: takes the request and answers it, now or when the queue has.
void callback_start(struct listener *listener, size_t app, struct evhttp_request *request);
