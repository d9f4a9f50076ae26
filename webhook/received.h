// SPDX-License-Identifier: MIT
/*
 * What this listener process received, account by account, counted before it is admitted: one half
 * of the ledger that `hookmill queue audit` checks. The counters are in a mapped file beside the
 * spool (spool/ledger.h) and are published in Redis once a second. One thread: the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct event_base;
struct queue;
struct received;
struct spool;

struct received_config {
    struct queue *queue;   // borrowed; freed before this
    struct spool *spool;   // borrowed, or NULL
    const char *directory; // of the spool; NULL or "": counted in memory alone
    const char *redis_url;
};

/*
 * First publishes what processes of this host left behind that are dead (blocking, at start only;
 * what cannot be published now is left to the next process, or to `hookmill queue audit`).
 */
MUST_USE struct received *received_new(struct event_base *base,
                                       const struct received_config *config, struct err *err);
// The file stays until somebody has published it.
void received_free(struct received *received);

// Publishes the ledgers of dead processes under a spool's directory; a missing one is no error.
void received_collect(const char *directory, const char *redis_url);

// The events of one delivery that belong to one account.
struct receipt_row {
    size_t place; // in the ledger
    unsigned events;
};
// `events` more of an account, for `app`. Returns its place, for what becomes of them.
size_t received_count(struct received *received, const char *app, const char *account,
                      unsigned events);
void received_settled(struct received *received, size_t place, unsigned events); // are kept
void received_refused(struct received *received, size_t place, unsigned events); // are not
