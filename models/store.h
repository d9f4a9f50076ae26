// SPDX-License-Identifier: MIT
/*
 * MongoDB behind a small pool of threads. libmongoc blocks, so nothing of it runs on the loop: a
 * job is a function that runs on a pool thread with a database handle of its own; its `done` then
 * runs on the loop thread.
 *
 *   store_new(...) ; store_run(store, load_job, loaded, arg) ; … ; store_free(store)
 *
 * The command line uses the same model functions directly, with store_borrow().
 */
#pragma once

#include <mongoc/mongoc.h>
#include <stdbool.h>

#include "base/crypto.h"
#include "base/err.h"

struct event_base;
struct store;

struct store_config {
    const char *uri;               // mongodb://…, with its database (else "hookmill")
    unsigned threads;              // default 4
    const struct keyring *keyring; // opens and seals tokens; borrowed, outlives the store
};

// What a model function works with. Valid during the job (or until store_return).
struct db {
    mongoc_client_t *client;
    mongoc_database_t *database;
    const struct keyring *keyring;
};

// `base` may be NULL when only store_borrow is used. Does not connect yet.
MUST_USE struct store *store_new(struct event_base *base, const struct store_config *config,
                                 struct err *err);
void store_free(
    struct store *store); // waits for running jobs; the queued ones' done fires with ERR_CANCELED

typedef void (*store_job_fn)(struct db *db, void *arg); // on a pool thread
typedef void (*store_done_fn)(void *arg,
                              const struct err *err); // on the loop; err only ERR_CANCELED
void store_run(struct store *store, store_job_fn job, store_done_fn done, void *arg);

// A handle for blocking use on the caller's thread.
void store_borrow(struct store *store, struct db *ret_db);
void store_return(struct store *store, struct db *db);

MUST_USE bool store_ping(struct db *db, struct err *err);

// Copies a bson_error_t into err: ERR_UNAVAILABLE for what may pass (network, not primary,
// time-out), ERR_CONFLICT for a duplicate key, ERR_DENIED for authentication, else ERR_INTERNAL.
// Returns false.
bool store_error(struct err *err, const bson_error_t *error, const char *what);
