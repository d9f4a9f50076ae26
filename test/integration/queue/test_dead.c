// SPDX-License-Identifier: MIT
// Dead letters: listed whole, put back once and past `seen before`, raw ones kept; announcements;
// the figures.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/integration/queue/world.h"

static struct world world;
static struct queue *queue;

static int setup(void **state)
{
    world_init(&world, 4, NULL);
    queue = world_worker(&world, redis_server_url(world.server), 0);
    return 0;
}

static int teardown(void **state)
{
    queue_free(queue);
    world_deinit(&world);
    return 0;
}

struct listed {
    size_t count;
    char id[8][64];
    char reason[8][64];
    char chat[8][64];
    char app[8][64];
    char body[8][64];
    size_t body_len[8];
    int64_t at_ms[8];
};

static void on_letter(void *arg, const struct queue_dead_letter *letter)
{
    struct listed *listed = arg;
    size_t i = listed->count++;
    if (i >= 8)
        return;
    snprintf(listed->id[i], 64, "%s", letter->id);
    snprintf(listed->reason[i], 64, "%s", letter->reason);
    snprintf(listed->chat[i], 64, "%s", letter->chat ? letter->chat : "");
    snprintf(listed->app[i], 64, "%s", letter->app ? letter->app : "");
    assert_true(letter->body_len < 64);
    memcpy(listed->body[i], letter->body, letter->body_len);
    listed->body_len[i] = letter->body_len;
    listed->at_ms[i] = letter->at_ms;
}

static struct listed list(unsigned most)
{
    struct listed listed = {0};
    struct err err = {0};
    assert_true(queue_dead_list(redis_server_url(world.server), most, on_letter, &listed, &err));
    return listed;
}

static bool retry(const char *id, unsigned *ret_retried, struct err *err)
{
    return queue_dead_retry(redis_server_url(world.server), id, ret_retried, err);
}

static struct held claim_from(const char *account)
{
    struct held held = {0};
    queue_claim(queue, queue_shard_of(queue, account), 1, on_world_claimed, &held);
    world_wait(&world, held.called);
    return held;
}

// Admits three events to a chat of the account and finishes them, the second to the dead letters.
static void bury_second(const char *account)
{
    static const char *const bodies[] = {"one", "two", "three"};
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            world_admit(&world, queue, account, "ana", bodies[i], bodies[i]).result.admitted, 1);
    struct held held = claim_from(account);
    assert_int_equal(held.entry_count, 3);
    struct queue_dead dead = {.number = held.done + 2, .reason = "poison"};
    struct queue_finish finish = {.chat = held.chat,
                                  .epoch = held.epoch,
                                  .done = held.done + 3,
                                  .dead = &dead,
                                  .dead_count = 1};
    assert_int_equal(world_finish(&world, queue, &finish), ERR_NONE);
    held_deinit(&held);
}

static void a_dead_event_is_listed_and_put_back_once(void **state)
{
    bury_second("whatsapp:1");
    struct listed listed = list(10);
    assert_int_equal(listed.count, 1);
    assert_string_equal(listed.reason[0], "poison");
    assert_string_equal(listed.chat[0], "whatsapp:1:ana");
    assert_string_equal(listed.body[0], "two");
    assert_true(llabs(listed.at_ms[0] - clock_wall_ms()) < 60000);

    unsigned retried = 0;
    struct err err = {0};
    assert_true(retry(listed.id[0], &retried, &err));
    assert_int_equal(retried, 1);
    assert_false(retry(listed.id[0], &retried, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(list(10).count, 0);

    struct held held = claim_from("whatsapp:1");
    assert_int_equal(held.entry_count, 1); // though it was seen before
    assert_string_equal(held.entries[0], "two");
    assert_int_equal(world_finish_all(&world, queue, &held), ERR_NONE);
    held_deinit(&held);
}

static void all_are_put_back_and_raw_bodies_stay(void **state)
{
    bury_second("whatsapp:1");
    bury_second("whatsapp:2");
    bury_second("messenger:3");
    struct done buried = {0};
    queue_bury_raw(queue, "shop", "not JSON at byte 3", "a\0b", 3, on_world_done, &buried);
    world_wait(&world, buried.called);
    assert_int_equal(buried.code, ERR_NONE);
    assert_int_equal(list(10).count, 4);
    assert_int_equal(list(2).count, 2);

    unsigned retried = 0;
    struct err err = {0};
    assert_true(retry(NULL, &retried, &err));
    assert_int_equal(retried, 3);
    struct listed listed = list(10);
    assert_int_equal(listed.count, 1);
    assert_string_equal(listed.app[0], "shop");
    assert_string_equal(listed.reason[0], "not JSON at byte 3");
    assert_int_equal(listed.body_len[0], 3);
    assert_memory_equal(listed.body[0], "a\0b", 3);

    retried = 77;
    assert_false(retry(listed.id[0], &retried, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_int_equal(retried, 77);
    assert_int_equal(list(10).count, 1);
}

static void malformed_letter_ids_are_refused(void **state)
{
    static const char *const ids[] = {"", "x", "1", "00-", "99-1-1", "00-1-1x", "-1-1"};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        print_message("%s\n", ids[i]);
        unsigned retried = 0;
        struct err err = {0};
        assert_false(retry(ids[i], &retried, &err));
        assert_int_equal(err.code, ERR_INPUT);
    }
}

static void long_lists_are_read_page_by_page(void **state)
{
    enum { LETTERS = 250 };
    struct done done[LETTERS] = {0};
    for (int i = 0; i < LETTERS; i++)
        queue_bury_raw(queue, "shop", "r", "x", 1, on_world_done, &done[i]);
    world_wait(&world, done[LETTERS - 1].called);
    assert_int_equal(list(1000).count, LETTERS);
    assert_int_equal(list(120).count, 120);
}

static void the_figures_add_up(void **state)
{
    bury_second("whatsapp:1");
    assert_int_equal(world_admit(&world, queue, "whatsapp:1", "ana", "one", "x").result.duplicates,
                     1);
    assert_int_equal(world_admit(&world, queue, "whatsapp:1", "eva", "four", "x").result.admitted,
                     1);
    struct queue_stats stats;
    struct err err = {0};
    assert_true(queue_stats_read(redis_server_url(world.server), &stats, &err));
    assert_int_equal(stats.admitted, 4);
    assert_int_equal(stats.duplicates, 1);
    assert_int_equal(stats.done, 2);
    assert_int_equal(stats.dead_ever, 1);
    assert_int_equal(stats.dead, 1);
    assert_int_equal(stats.mailbox, 1);
    assert_int_equal(stats.ready, 1);
    assert_int_equal(stats.held, 0);
    assert_int_equal(stats.admitted, stats.done + stats.dead_ever + stats.mailbox);
    struct held held = claim_from("whatsapp:1");
    assert_true(queue_stats_read(redis_server_url(world.server), &stats, &err));
    assert_int_equal(stats.held, 1);
    assert_int_equal(stats.mailbox, 1);
    held_deinit(&held);
}

static void on_change(void *arg, const char *what)
{
    snprintf(arg, 64, "%s", what);
}

static void changes_are_announced_to_workers(void **state)
{
    char heard[64] = "";
    struct err err = {0};
    queue_on_change(queue, on_change, heard);
    world_wait(&world, world_redis_is(&world, "1", "EVAL %s 0",
                                      "return redis.call('PUBSUB', 'NUMSUB', 'hm:changes')[2]"));
    assert_true(queue_announce(redis_server_url(world.server), "flow:42", &err));
    world_wait(&world, heard[0] != '\0');
    assert_string_equal(heard, "flow:42");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_dead_event_is_listed_and_put_back_once),
        TEST(all_are_put_back_and_raw_bodies_stay),
        TEST(malformed_letter_ids_are_refused),
        TEST(long_lists_are_read_page_by_page),
        TEST(the_figures_add_up),
        TEST(changes_are_announced_to_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
