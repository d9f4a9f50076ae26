// SPDX-License-Identifier: MIT
// The fixture of the tests of models/; see fixture.h.
#include "fixture.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "models/setup.h"

enum { WAIT_DEADLINE_MS = 60000 };

static void say_nothing(void *arg, const char *line)
{
}

static int setup(void **state, bool own)
{
    struct fixture *f = x_alloc(sizeof(*f));
    struct err err = {0};
    mem_init();
    f->server = mongo_server_start(own);
    if (f->server == NULL)
        exit(77); // Meson's word for "skipped"
    assert_ok(keyring_parse("k1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                            &f->ring, &err),
              err);
    f->base = event_base_new();
    struct store_config config = {.uri = mongo_server_uri(f->server), .keyring = &f->ring};
    f->store = store_new(f->base, &config, &err);
    if (f->store == NULL)
        fail_msg("%s", err.text);
    store_borrow(f->store, &f->db);
    assert_ok(setup_indexes(&f->db, say_nothing, NULL, &err), err);
    assert_ok(setup_admin(&f->db, "admin@example.com", "Admin123!", NULL, &err), err);
    *state = f;
    return 0;
}

int fixture_setup(void **state)
{
    return setup(state, false);
}

int fixture_setup_own(void **state)
{
    return setup(state, true);
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    store_return(f->store, &f->db);
    store_free(f->store);
    event_base_free(f->base);
    keyring_deinit(&f->ring);
    mongo_server_free(f->server);
    free(f);
    return 0;
}

static void wake_up(evutil_socket_t fd, short what, void *arg)
{
}

void fixture_wait(struct fixture *f, const bool *flag)
{
    int64_t deadline = clock_mono_ms() + WAIT_DEADLINE_MS;
    struct timeval tick = {.tv_usec = 50000};
    struct event *timer = event_new(f->base, -1, EV_PERSIST, wake_up, NULL); // so that a turn ends
    event_add(timer, &tick);
    while (!*flag && clock_mono_ms() < deadline)
        event_base_loop(f->base, EVLOOP_ONCE);
    event_free(timer);
    assert_true(*flag);
}

int64_t fixture_count(struct fixture *f, const char *collection, bson_t *owned_filter)
{
    mongoc_collection_t *c = mongoc_database_get_collection(f->db.database, collection);
    bson_error_t error;
    int64_t count = mongoc_collection_count_documents(c, owned_filter, NULL, NULL, NULL, &error);
    mongoc_collection_destroy(c);
    bson_destroy(owned_filter);
    if (count < 0)
        fail_msg("%s: %s", collection, error.message);
    return count;
}

bson_t *fixture_one(struct fixture *f, const char *collection, bson_t *owned_filter)
{
    struct err err = {0};
    bson_t *doc = NULL;
    assert_ok(document_find(&f->db, collection, owned_filter, NULL, collection, &doc, &err), err);
    return doc;
}
