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

static void a_server_that_is_away_is_waited_for(void **state)
{
    struct fixture *f = *state;
    struct tally tally = {.stored = CHATS * ROUNDS - 1};
    struct writer *writer = writer_new(f->base, f->store, 1);
    struct err err = {0};
    mongo_server_kill(f->server);
    writer_project(writer, activation(1000, 1), on_done, &tally);
    assert_false(
        store_ping(&f->db, &err)); // takes as long as server selection: the writer meets it too
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    for (int turn = 0; turn < 20; turn++)
        event_base_loop(f->base, EVLOOP_NONBLOCK);
    assert_false(tally.all);
    mongo_server_restart(f->server);
    fixture_wait(f, &tally.all);
    writer_free(writer);
    assert_int_equal(tally.failed, 0);
    assert_int_equal(fixture_count(f, "chats", BCON_NEW("customerId", "c1000")), 1);
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
        cmocka_unit_test(freeing_while_the_server_is_away_cancels),
    };
    return cmocka_run_group_tests(tests, fixture_setup_own, fixture_teardown);
}
