// SPDX-License-Identifier: MIT
// MongoDB dies under the writer, and comes back: nothing is lost, nothing is counted twice.
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "models/projection.h"

enum { CHATS = 40, ROUNDS = 4 };

struct tally {
    unsigned stored, failed;
    bool half, all;
};

static void on_done(void *arg, const struct err *err)
{
    struct tally *tally = arg;
    if (err != NULL)
        tally->failed++;
    else
        tally->stored++;
    tally->half = tally->stored >= CHATS * ROUNDS / 4;
    tally->all = tally->stored + tally->failed == CHATS * ROUNDS;
}

static struct projection *activation(int chat, int64_t done)
{
    struct projection *p = projection_new();
    char contact[16], name[16];
    snprintf(contact, sizeof(contact), "c%d", chat);
    snprintf(name, sizeof(name), "%d", (int)done);
    p->platform = PLATFORM_MESSENGER;
    p->account = x_dup("1");
    p->contact = x_dup(contact);
    p->chat = chat_key(p->platform, "1", contact);
    p->epoch = 1;
    p->done = done;
    p->at_ms = 1790416800000 + done;
    struct message_record *m = projection_add_message(p);
    id_oid(m->id, p->chat, name, NULL);
    m->inbound = true;
    m->text = x_dup("hello");
    m->at_ms = p->at_ms;
    return p;
}

static void nothing_is_lost_when_the_server_is_killed(void **state)
{
    struct fixture *f = *state;
    struct tally tally = {0};
    struct writer *writer = writer_new(f->base, f->store, 1);
    for (int round = 1; round <= ROUNDS; round++) {
        for (int chat = 0; chat < CHATS; chat++)
            writer_project(writer, activation(chat, round), on_done, &tally);
    }
    fixture_wait(f, &tally.half); // one flush is stored, the next is on its way
    mongo_server_kill(f->server);
    assert_false(tally.all);
    mongo_server_restart(f->server);
    fixture_wait(f, &tally.all);
    writer_free(writer);
    assert_int_equal(tally.failed, 0);
    assert_int_equal(fixture_count(f, "messages", bson_new()), CHATS * ROUNDS);
    assert_int_equal(fixture_count(f, "chats", BCON_NEW("messageCount", BCON_INT32(ROUNDS))),
                     CHATS);
}

// A store that gives up soon, so that the writer's own patience is what is tested.
static struct store *hasty_store(struct fixture *f)
{
    struct err err = {0};
    char *uri = x_printf("%s?serverSelectionTimeoutMS=200&socketTimeoutMS=300",
                         mongo_server_uri(f->server));
    struct store_config config = {.uri = uri, .threads = 2};
    struct store *store = store_new(f->base, &config, &err);
    free(uri);
    if (store == NULL)
        fail_msg("%s", err.text);
    return store;
}

// Three time-outs of our own are longer than one of the writer's: by then it has failed and been
// told to wait.
static void let_it_fail(struct fixture *f, struct store *store)
{
    struct db db;
    struct err err = {0};
    store_borrow(store, &db);
    for (int i = 0; i < 3; i++) {
        assert_false(store_ping(&db, &err));
        assert_int_equal(err.code, ERR_UNAVAILABLE);
        event_base_loop(f->base, EVLOOP_NONBLOCK);
    }
    store_return(store, &db);
}

static void a_server_that_is_away_is_waited_for(void **state)
{
    struct fixture *f = *state;
    struct tally tally = {.stored = CHATS * ROUNDS - 1};
    struct store *store = hasty_store(f);
    struct writer *writer = writer_new(f->base, store, 1);
    mongo_server_kill(f->server);
    writer_project(writer, activation(1000, 1), on_done, &tally);
    event_base_loop(f->base, EVLOOP_ONCE); // the linger is over: a pool thread has it
    let_it_fail(f, store);
    assert_false(tally.all);
    mongo_server_restart(f->server);
    fixture_wait(f, &tally.all);
    writer_free(writer);
    store_free(store);
    assert_int_equal(tally.failed, 0);
    assert_int_equal(fixture_count(f, "chats", BCON_NEW("customerId", "c1000")), 1);
}

static void a_frozen_server_counts_nothing_twice(void **state)
{
    struct fixture *f = *state;
    struct tally tally = {.stored = CHATS * ROUNDS - 1};
    struct store *store = hasty_store(f);
    struct writer *writer = writer_new(f->base, store, 1);
    mongo_server_freeze(f->server);
    writer_project(writer, activation(3000, 1), on_done, &tally);
    event_base_loop(f->base, EVLOOP_ONCE);
    let_it_fail(f, store); // what the socket took is carried out later, beside the second try
    assert_false(tally.all);
    mongo_server_thaw(f->server);
    fixture_wait(f, &tally.all);
    writer_free(writer);
    store_free(store);
    assert_int_equal(tally.failed, 0);
    bson_t *chat = fixture_one(f, "chats", BCON_NEW("customerId", "c3000"));
    assert_int_equal(document_int(chat, "messageCount", 0), 1);
    bson_destroy(chat);
}

static void freeing_while_the_server_is_away_cancels(void **state)
{
    struct fixture *f = *state;
    struct tally tally = {.stored = CHATS * ROUNDS - 1};
    struct writer *writer = writer_new(f->base, f->store, 1);
    mongo_server_kill(f->server);
    writer_project(writer, activation(2000, 1), on_done, &tally);
    event_base_loop(f->base, EVLOOP_ONCE); // the linger is over: a pool thread has it
    writer_free(writer);
    assert_int_equal(tally.failed, 1);
    mongo_server_restart(f->server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_when_the_server_is_killed),
        cmocka_unit_test(a_server_that_is_away_is_waited_for),
        cmocka_unit_test(a_frozen_server_counts_nothing_twice),
        cmocka_unit_test(freeing_while_the_server_is_away_cancels),
    };
    return cmocka_run_group_tests(tests, fixture_setup_own, fixture_teardown);
}
