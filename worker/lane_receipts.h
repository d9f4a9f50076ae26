// SPDX-License-Identifier: MIT
/*
 * What the events of a lane say of messages, as receipts (models/projection.h). Pure; any thread.
 */
#pragma once

#include "base/config.h"
#include "base/event.h"
#include "models/projection.h"

struct receipt_list {
    struct receipt *items; // from x_realloc: writer_receipts() may have it
    size_t count;
};

/*
 * Adds what a status, a read, a delivery, a reaction or an echo of ours tells. False: the event
 * tells nothing of a message that could be found, and is to be kept as it is.
 */
MUST_USE bool lane_receipts(struct receipt_list *list, const char *account_key,
                            const struct event *event);

// A message changed or taken back by whoever sent it from the account. False: it is a new one.
MUST_USE bool lane_echo_change(struct receipt_list *list, const char *account_key,
                               const struct event *event);

// The message that an echo tells of was sent.
void lane_receipt_sent(struct receipt_list *list, const char *account_key,
                       const struct event *event);

// An echo of what Hookmill sent: it carries our attempt's name, or the id of one of our apps.
bool echo_is_ours(const struct config *config, const struct event *event);

// Of one that does not: WhatsApp tells only of what was written on the phone, and the inboxes are
// people's; any other may be ours, its metadata lost.
bool echo_may_be_ours(const struct event *event);

// Who sent a message that is not ours: "agent" for a person, else the app's id; borrowed.
const char *echo_sender(const struct event *event);
