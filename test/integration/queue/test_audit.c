// SPDX-License-Identifier: MIT
// The ledger: what balances, and that the audit sees an event that is gone or a counter that lies.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/integration/queue/world.h"

static struct world world;
static struct queue *queue;

static int setup(void **state)
{
    world_init(&world, 2, NULL);
    queue = world_worker(&world, redis_server_url(world.server), 0);
    return 0;
}

static int teardown(void **state)
{
    queue_free(queue);
    world_deinit(&world);
    return 0;
}

struct audited {
    size_t count;
    struct queue_ledger ledgers[4];
    char accounts[4][32], problems[4][256];
};

static void on_ledger(void *arg, const struct queue_ledger *ledger)
{
    struct audited *audited = arg;
    size_t i = audited->count++;
    assert_true(i < 4);
    audited->ledgers[i] = *ledger;
    snprintf(audited->accounts[i], 32, "%s", ledger->account);
    snprintf(audited->problems[i], 256, "%s", ledger->problem ? ledger->problem : "");
    assert_int_equal(ledger->balanced, ledger->problem == NULL);
}

static struct audited audit(bool want)
{
    struct audited audited = {0};
    struct err err = {0};
    bool balanced = !want;
    assert_true(queue_audit(redis_server_url(world.server), on_ledger, &audited, &balanced, &err));
    for (size_t i = 0; i < audited.count; i++)
        if (*audited.problems[i])
            print_message("%s: %s\n", audited.accounts[i], audited.problems[i]);
    assert_int_equal(balanced, want);
    return audited;
}

static void publish(const struct queue_ledger_row *rows, size_t count)
{
    struct done done = {0};
    queue_publish_ledger(queue, rows, count, on_world_done, &done);
    assert_false(done.called);
    world_wait(&world, done.called);
    assert_int_equal(done.code, ERR_NONE);
}

static void admit(const char *account, const char *json)
{
    assert_int_equal(world_admit(&world, queue, account, "ana", json, json).code, ERR_NONE);
}

// whatsapp:1: five received, of which four admitted (one done, one dead, two wait), one a
// duplicate.
static void some_traffic(void)
{
    admit("whatsapp:1", "a");
    admit("whatsapp:1", "b");
    struct held held = {0};
    queue_claim(queue, queue_shard_of(queue, "whatsapp:1"), 1, on_world_claimed, &held);
    world_wait(&world, held.called);
    struct queue_dead dead = {.number = held.done + 2, .reason = "r"};
    struct queue_finish finish = {.chat = held.chat,
                                  .epoch = held.epoch,
                                  .done = held.done + 2,
                                  .dead = &dead,
                                  .dead_count = 1};
    assert_int_equal(world_finish(&world, queue, &finish), ERR_NONE);
    held_deinit(&held);
    admit("whatsapp:1", "c");
    admit("whatsapp:1", "d");
    admit("whatsapp:1", "a");
    struct queue_ledger_row row = {
        .account = "whatsapp:1", .app = "shop", .received = 5, .settled = 5};
    publish(&row, 1);
}

static void on_letter(void *arg, const struct queue_dead_letter *letter)
{
    snprintf(arg, 64, "%s", letter->id);
}

static void what_came_is_what_became_of_it(void **state)
{
    some_traffic();
    admit("messenger:2", "x");
    struct audited audited = audit(true);
    assert_int_equal(audited.count, 2);
    assert_string_equal(audited.accounts[0], "messenger:2");
    assert_int_equal(audited.ledgers[0].waiting, 1);
    const struct queue_ledger *l = &audited.ledgers[1];
    assert_int_equal(l->received, 5);
    assert_int_equal(l->admitted, 4);
    assert_int_equal(l->duplicate, 1);
    assert_int_equal(l->done, 1);
    assert_int_equal(l->dead, 1);
    assert_int_equal(l->waiting, 2);

    char id[64] = "";
    unsigned retried = 0;
    struct err err = {0};
    const char *url = redis_server_url(world.server);
    assert_true(queue_dead_list(url, 1, on_letter, id, &err));
    assert_true(queue_dead_retry(url, id, &retried, &err));
    audited = audit(true);
    assert_int_equal(audited.ledgers[1].retried, 1);
    assert_int_equal(audited.ledgers[1].waiting, 3);
}

static bool start(const char *account, const char *id)
{
    const char *const aliases[] = {"ana"};
    struct queue_event event = {.account = account,
                                .aliases = aliases,
                                .alias_count = 1,
                                .dedup_key = id,
                                .timestamp_ms = clock_wall_ms(),
                                .json = id};
    bool is_new = false;
    struct err err = {0};
    if (!queue_admit_own(redis_server_url(world.server), &event, &is_new, &err))
        fail_msg("%s", err.text);
    return is_new;
}

static void what_an_operator_makes_counts_as_received(void **state)
{
    some_traffic();
    assert_true(start("whatsapp:1", "start-1"));
    assert_false(start("whatsapp:1", "start-1"));
    assert_true(start("messenger:2", "start-1")); // of which no listener has published anything
    struct audited audited = audit(true);
    assert_int_equal(audited.ledgers[0].received, 1);
    assert_int_equal(audited.ledgers[0].waiting, 1);
    assert_int_equal(audited.ledgers[1].received, 7);
    assert_int_equal(audited.ledgers[1].admitted, 5);
    assert_int_equal(audited.ledgers[1].duplicate, 2);
    struct held held = world_claim(&world, queue, 1);
    while (held.count > 0 && strcmp(held.chat, "messenger:2:ana") != 0) {
        held_deinit(&held);
        held = world_claim_wait(&world, queue);
    }
    assert_string_equal(held.entries[0], "start-1");
    held_deinit(&held);
}

static void a_start_that_redis_refuses_is_not_counted(void **state)
{
    struct err err = {0};
    bool is_new = false;
    char *key = x_printf("hm:{%02u}:ledger:whatsapp:1", queue_shard_of(queue, "whatsapp:1"));
    free(world_redis(&world, "CONFIG SET maxmemory 1"));
    struct queue_event event = {.account = "whatsapp:1", .json = "x"};
    assert_false(queue_admit_own(redis_server_url(world.server), &event, &is_new, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    free(world_redis(&world, "CONFIG SET maxmemory 0"));
    char *made = world_redis(&world, "HGET %s made", key);
    assert_true(!*made || strcmp(made, "0") == 0);
    free(made);
    free(key);
}

static void a_mailbox_entry_that_is_deleted_by_hand_is_missed(void **state)
{
    some_traffic();
    admit("messenger:2", "x");
    audit(true);
    assert_true(world_redis_is(&world, "c", "LPOP hm:{%02u}:mb:whatsapp:1:ana",
                               queue_shard_of(queue, "whatsapp:1")));
    struct audited audited = audit(false);
    assert_string_equal(audited.problems[0], "");
    assert_non_null(strstr(audited.problems[1], "1 missing from the mailboxes"));
    assert_int_equal(audited.ledgers[1].waiting, 1);
    free(world_redis(&world, "RPUSH hm:{%02u}:mb:whatsapp:1:ana x y",
                     queue_shard_of(queue, "whatsapp:1")));
    audited = audit(false);
    assert_non_null(strstr(audited.problems[1], "1 too many in the mailboxes"));
}

static void a_counter_of_the_receivers_that_lies_is_caught(void **state)
{
    some_traffic();
    // One more was answered 200 than is anywhere …
    struct queue_ledger_row row = {
        .account = "whatsapp:1", .app = "shop", .received = 6, .settled = 6};
    publish(&row, 1);
    struct audited audited = audit(false);
    assert_non_null(strstr(audited.problems[0], "1 received and found nowhere"));
    // … or is in hand; or was refused; or is on disk, and comes off it.
    row.received = 9;
    publish(&row, 1);
    audited = audit(false);
    assert_int_equal(audited.ledgers[0].in_flight, 3);
    row = (struct queue_ledger_row){.account = "whatsapp:1",
                                    .app = "shop",
                                    .received = 9,
                                    .settled = 6,
                                    .refused = 3,
                                    .spooled = 1};
    publish(&row, 1);
    audit(false); // what a row says is not believed beyond what the disks hold
    unsigned shard = queue_shard_of(queue, "whatsapp:1");
    queue_publish_spool(queue, shard, "host", 1);
    publish(&row, 1);
    assert_int_equal(audit(true).ledgers[0].spooled, 1);
    admit("whatsapp:1", "e");
    queue_publish_spool(queue, shard, "host", 0);
    row.drained = 1;
    publish(&row, 1);
    assert_int_equal(audit(true).ledgers[0].spooled, 0);
    admit("whatsapp:1", "f");
    assert_non_null(strstr(audit(false).problems[0], "1 too many for what was received"));

    // By hand, to less than came in.
    char *field = x_printf("%s shop", queue_incarnation(queue));
    redisReply *reply = redisCommand(world.redis, "HSET hm:{%02u}:recv:whatsapp:1 %s %s",
                                     queue_shard_of(queue, "whatsapp:1"), field, "1 1 0 0 0");
    assert_non_null(reply);
    freeReplyObject(reply);
    free(field);
    audited = audit(false);
    assert_non_null(strstr(audited.problems[0], "6 too many for what was received"));
}

static void who_died_leaves_what_was_never_answered(void **state)
{
    some_traffic();
    const char *url = redis_server_url(world.server);
    // Another listener received three, admitted one of them, and died.
    admit("whatsapp:1", "z");
    struct queue_ledger_row row = {
        .account = "whatsapp:1", .app = "shop", .received = 3, .settled = 1};
    struct err err = {0};
    for (int i = 0; i < 2; i++) { // said twice
        assert_true(queue_publish_gone(url, "listen:host:1:abc", &row, 1, &err));
        struct audited audited = audit(true);
        assert_int_equal(audited.ledgers[0].received, 8);
        assert_int_equal(audited.ledgers[0].unanswered, 2);
        assert_int_equal(audited.ledgers[0].in_flight, 0);
    }
    // What it had in hand may have been admitted all the same.
    admit("whatsapp:1", "y");
    audit(true);
    admit("whatsapp:1", "x");
    audit(true);
    admit("whatsapp:1", "w");
    audit(false);
}

static void numbers_never_fall_and_rows_go_to_their_shards(void **state)
{
    struct queue_ledger_row rows[] = {
        {.account = "whatsapp:1", .app = "shop", .received = 2, .refused = 2},
        {.account = "messenger:2", .app = "shop", .received = 1, .refused = 1},
        {.account = "messenger:3", .app = "shop", .received = 4, .refused = 4},
        {.account = "messenger:3", .app = "blog", .received = 5, .refused = 5},
    };
    publish(rows, 4);
    rows[0].received = rows[0].refused = 1; // an old copy of the call
    publish(rows, 1);
    publish(NULL, 0);
    struct audited audited = audit(true);
    assert_int_equal(audited.count, 3);
    assert_int_equal(audited.ledgers[0].received, 1);
    assert_int_equal(audited.ledgers[1].received, 9);
    assert_int_equal(audited.ledgers[2].received, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_came_is_what_became_of_it),
        TEST(what_an_operator_makes_counts_as_received),
        TEST(a_start_that_redis_refuses_is_not_counted),
        TEST(a_mailbox_entry_that_is_deleted_by_hand_is_missed),
        TEST(a_counter_of_the_receivers_that_lies_is_caught),
        TEST(who_died_leaves_what_was_never_answered),
        TEST(numbers_never_fall_and_rows_go_to_their_shards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
