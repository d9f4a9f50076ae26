// SPDX-License-Identifier: MIT
// What the tests of models/ share: a MongoDB, a store on a loop, a handle for blocking calls, and
// waiting for callbacks.
#pragma once

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <event2/event.h>

#include "models/document.h"
#include "models/store.h"
#include "mongo_server.h"

struct fixture {
    struct mongo_server *server;
    struct keyring ring;
    struct event_base *base;
    struct store *store;
    struct db db;
};

// Group setup and teardown: *state is the fixture, with indexes and an admin. No server: the
// process exits with 77.
int fixture_setup(void **state);
int fixture_setup_own(void **state); // a server that the test may kill
int fixture_teardown(void **state);

// Runs the loop until *flag is true; fails the test after 60 s.
void fixture_wait(struct fixture *f, const bool *flag);

int64_t fixture_count(struct fixture *f, const char *collection, bson_t *owned_filter);
// The only document that matches; fails the test when there is none.
bson_t *fixture_one(struct fixture *f, const char *collection, bson_t *owned_filter);

#define assert_ok(call, err)                                                                       \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s", #call, (err).text);                                                 \
    } while (0)
