// SPDX-License-Identifier: MIT
/*
 * What a worker process knows of accounts and flows: a cache in front of MongoDB, which is asked on
 * pool threads. Work waits while MongoDB is away; what does not exist is known as such, for as long
 * as what does.
 *
 * Keys: "account:<account key>", "flow:<id>" (its newest version), "flow:<id>@<version>" (pinned;
 * never grows old). The first two are also what queue_announce() says when one changed. Loop
 * thread.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "engine/flow.h"
#include "models/account.h"
#include "models/store.h"

struct event_base;
struct catalog;

// Reference-counted; what it says never changes. Exactly one of account, flow, err is set.
struct known {
    unsigned refs;
    struct account *account;
    struct flow *flow;
    int version;             // of flow
    bool off;                // its builder switched it off: it starts no session
    char owner[25];          // of a newest flow: its user, or ""
    struct err err;          // ERR_NOT_FOUND, or a flow that does not compile (ERR_INPUT)
    int64_t fresh_until;     // clock_mono_ms; 0: it was forgotten
    bool told;               // that it cannot be used was logged, while others served
    struct flow_list *flows; // of an account: its enabled flows as last asked for, or NULL
};
struct known *known_ref(struct known *known);
void known_unref(struct known *known);

MUST_USE struct catalog *catalog_new(struct event_base *base, struct store *store, int64_t ttl_ms);
void catalog_free(struct catalog *catalog); // after store_free: no load is under way then

// A new reference, or NULL: ask catalog_load.
struct known *catalog_peek(struct catalog *catalog, const char *key);

// `fn` fires once, on a later loop turn; `known` is borrowed (ref it), NULL only when the process
// stops.
typedef void (*catalog_fn)(void *arg, struct known *known);
void catalog_load(struct catalog *catalog, const char *key, catalog_fn fn, void *arg);

// Somebody said that it changed.
void catalog_forget(struct catalog *catalog, const char *key);
