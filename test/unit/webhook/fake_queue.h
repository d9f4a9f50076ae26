// SPDX-License-Identifier: MIT
// A queue that keeps what it is given in memory and fails or waits when told to: for tests of the
// listener.
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue/queue.h"

enum fake_mode {
    FAKE_KEEPS, // answers in the next turn of the loop
    FAKE_FAILS, // answers with ERR_UNAVAILABLE
    FAKE_WAITS, // answers when told to
};

struct fake_event {
    char *account, *first_alias, *dedup_key, *json;
    size_t alias_count;
    bool lane;
    int64_t timestamp_ms;
};

struct queue {
    struct event_base *base;
    enum fake_mode mode;
    bool down, foreign;
    enum queue_room room;
    uint64_t waiting_events;
    unsigned calls;            // of queue_admit
    struct fake_event *events; // all that were ever admitted
    size_t count;
    char *buried_app, *buried_reason, *buried_body;
    size_t buried_len;
    unsigned buried;
    struct fake_call *waiting;
    struct queue_ledger_row published; // sums of all rows that were published
};

struct queue *fake_queue_new(struct event_base *base);
void fake_queue_free(struct queue *queue); // fires what waits, with ERR_CANCELED
unsigned fake_queue_waiting(const struct queue *queue);
void fake_queue_release(struct queue *queue); // answers all that wait
