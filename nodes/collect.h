// SPDX-License-Identifier: MIT
/*
 * The collect window of an input: a burst of messages that becomes one answer. The burst begins
 * with the first message, and is over when none came for `quiet`, when `longest` have passed since
 * the first, or when there are `most`. What came so far is in the node's state. Part of the input
 * node.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/node.h"
#include "nodes/answer.h"

struct collect {
    bool is_on;
    int64_t quiet_ms, longest_ms;
    int most;
};

extern const struct node_field collect_fields[];
void collect_parse(struct node_parse *p, struct collect *collect);

bool collect_has_begun(const struct node_run *run);
// Takes a message. True: the burst is over; else the node waits for collect_wait_ms().
bool collect_take(struct node_run *run, const struct collect *collect,
                  const struct node_signal *signal, const cJSON *event);
int64_t collect_wait_ms(const struct node_run *run, const struct collect *collect);

// The burst as one message: texts joined by line breaks, attachments together, payload and place
// the last ones. collected_deinit() frees it.
struct collected {
    char *text; // never NULL
    char *payload;
    cJSON *attachments, *data; // or NULL
};
// Ends the burst: the node's state forgets it.
void collect_end(struct node_run *run, struct collected *ret_collected);
void collected_deinit(struct collected *collected);
