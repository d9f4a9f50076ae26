// SPDX-License-Identifier: MIT
/*
 * Deliveries of all kinds of the three platforms, at random but the same for the same seed, and
 * what must come out of them. Unknown members, nulls, numbers for strings and strings for numbers,
 * odd elements, empty lists and entries without an account are mixed in.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/event.h"

enum { GENERATE_ENTRIES_MAX = 5, GENERATE_LABELS_MAX = 400 };

struct delivery_made {
    enum platform platform;
    char *entries[GENERATE_ENTRIES_MAX]; // JSON text each
    size_t entry_count;
    char *labels[GENERATE_LABELS_MAX]; // one for each item that was put in, in no order
    size_t label_count;
};

void generate(uint64_t seed, struct delivery_made *ret_made);
void delivery_made_deinit(struct delivery_made *made);

// The body with its entries as they stand in `entries`.
struct buf delivery_made_body(const struct delivery_made *made);

/*
 * What an item and its event must have in common: "account kind", with " standby" behind it where
 * another app has the thread. Of WhatsApp, the account alone.
 */
char *generate_label(enum platform platform, const char *account, enum event_kind kind,
                     bool standby);
