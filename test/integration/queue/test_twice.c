// SPDX-License-Identifier: MIT
/*
 * Each call arrives twice: the connection is cut after its script ran and before anybody was told;
 * the queue connects again and asks again. Nothing may be done twice, and nothing lost. `ran` looks
 * at Redis itself to know that the script ran; `swallow` makes sure that its answer was not seen.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/integration/queue/proxy.h"
#include "test/integration/queue/world.h"

static struct world world;
static struct proxy *proxy;
static struct queue *queue;

static int setup(void **state)
{
    world_init(&world, 1, NULL);
    proxy = proxy_new(redis_server_port(world.server));
    queue = world_worker(&world, proxy_url(proxy), 0);
    return 0;
}

static int teardown(void **state)
{
    queue_free(queue);
    proxy_free(proxy);
    world_deinit(&world);
    return 0;
}

#define CHAT "hm:{00}:chat:messenger:a:1"

// Waits until `ran` holds, cuts, and waits until `called`.
#define cut_when(ran, called)                                                                      \
    do {                                                                                           \
        world_wait(&world, ran);                                                                   \
        assert_false(called);                                                                      \
        proxy_cut(proxy);                                                                          \
        world_wait(&world, called);                                                                \
    } while (0)

static void admit_one(const char *json)
{
    assert_int_equal(world_admit(&world, queue, "messenger:a", "1", NULL, json).result.admitted, 1);
}

static void an_admit_that_arrives_twice_admits_once(void **state)
{
    const char *alias = "1";
    // Nothing but the call's number guards these: they are not remembered by `seen before`.
    struct queue_event event = {
        .account = "messenger:a", .aliases = &alias, .alias_count = 1, .json = "x"};
    struct queue_event remembered = event;
    remembered.dedup_key = "m1";
    struct queue_event events[] = {event, remembered, event, remembered};
    struct admitted admitted = {0}, next = {0};
    proxy_swallow(proxy);
    queue_admit(queue, events, 4, on_world_admitted, &admitted);
    world_wait(&world, world_redis_is(&world, "3", "LLEN hm:{00}:mb:messenger:a:1"));
    queue_admit(queue, events, 1, on_world_admitted, &next); // waits behind
    cut_when(true, admitted.called);
    assert_int_equal(admitted.code, ERR_NONE);
    assert_int_equal(admitted.result.admitted, 3); // the first answer, not that of the repeat
    assert_int_equal(admitted.result.duplicates, 1);
    world_wait(&world, next.called);
    assert_true(world_redis_is(&world, "4", "LLEN hm:{00}:mb:messenger:a:1"));
    assert_true(world_redis_is(&world, "4", "HGET hm:{00}:ledger:messenger:a admitted"));
    assert_true(world_redis_is(&world, "1", "LLEN hm:{00}:ready:messenger:a"));
}

static void a_claim_that_arrives_twice_gives_the_same_chats(void **state)
{
    admit_one("x");
    assert_int_equal(world_admit(&world, queue, "messenger:a", "2", NULL, "y").result.admitted, 1);
    struct held held = {0}, second = {0};
    proxy_swallow(proxy);
    queue_claim(queue, 0, 1, on_world_claimed, &held);
    queue_claim(queue, 0, 1, on_world_claimed, &second); // its turn is after the first
    cut_when(world_redis_is(&world, "held", "HGET " CHAT " st"), held.called);
    assert_string_equal(held.chat, "messenger:a:1");
    assert_int_equal(held.entry_count, 1);
    char epoch[32];
    snprintf(epoch, sizeof(epoch), "%lld", (long long)held.epoch);
    assert_true(world_redis_is(&world, epoch, "HGET " CHAT " epoch"));
    world_wait(&world, second.called);
    assert_string_equal(second.chat, "messenger:a:2");
    assert_int_equal(world_finish_all(&world, queue, &held), ERR_NONE);
    held_deinit(&held);
    held_deinit(&second);
}

static void a_journal_that_arrives_twice_appends_once(void **state)
{
    admit_one("x");
    struct held held = world_claim(&world, queue, 1);
    const char *records[] = {"r"};
    struct queue_journal journal = {.chat = held.chat,
                                    .epoch = held.epoch,
                                    .state = "s",
                                    .attempt = "{}",
                                    .records = records,
                                    .record_count = 1};
    struct done first = {0}, second = {0};
    proxy_swallow(proxy);
    queue_journal(queue, &journal, on_world_done, &first);
    journal.result = "r";
    queue_journal(queue, &journal, on_world_done, &second);
    cut_when(world_redis_is(&world, "r", "HGET " CHAT " res"), second.called);
    assert_true(first.called);
    assert_int_equal(first.code, ERR_NONE);
    assert_int_equal(second.code, ERR_NONE);
    assert_true(world_redis_is(&world, "2", "LLEN hm:{00}:rec:messenger:a:1"));
    assert_true(world_redis_is(&world, "r", "HGET " CHAT " res"));
    held_deinit(&held);
}

static void a_finish_that_arrives_twice_finishes_once(void **state)
{
    admit_one("x");
    admit_one("y");
    struct held held = world_claim(&world, queue, 1);
    assert_int_equal(held.entry_count, 2);
    admit_one("z");
    struct queue_dead dead = {.number = held.done + 2, .reason = "poison"};
    struct queue_timer timer = {.delay_ms = 3600000, .token = "t"};
    struct queue_finish finish = {.chat = held.chat,
                                  .epoch = held.epoch,
                                  .done = held.done + 2,
                                  .timer = &timer,
                                  .dead = &dead,
                                  .dead_count = 1};
    struct done done = {0};
    proxy_swallow(proxy);
    queue_finish(queue, &finish, on_world_done, &done);
    cut_when(world_redis_is(&world, "ready", "HGET " CHAT " st"), done.called);
    assert_int_equal(done.code, ERR_NONE);
    assert_true(world_redis_is(&world, "1", "LLEN hm:{00}:mb:messenger:a:1"));
    assert_true(world_redis_is(&world, "1", "XLEN hm:{00}:dead"));
    assert_true(world_redis_is(&world, "1", "LLEN hm:{00}:ready:messenger:a"));
    assert_true(world_redis_is(&world, "1", "HGET hm:{00}:ledger:messenger:a done"));
    struct held next = world_claim(&world, queue, 1);
    assert_int_equal(next.entry_count, 1);
    assert_string_equal(next.entries[0], "z");
    held_deinit(&held);
    held_deinit(&next);
}

static void a_settle_that_arrives_twice_says_twice_that_it_settled(void **state)
{
    admit_one("x");
    struct held held = world_claim(&world, queue, 1);
    struct queue_journal journal = {
        .chat = held.chat, .epoch = held.epoch, .attempt = "{\"key\":\"k\"}"};
    assert_int_equal(world_journal(&world, queue, &journal), ERR_NONE);
    struct queue_finish finish = {.chat = held.chat,
                                  .epoch = held.epoch,
                                  .done = held.done,
                                  .keep_attempt = true,
                                  .next = QUEUE_PARKED};
    assert_int_equal(world_finish(&world, queue, &finish), ERR_NONE);
    struct done done = {0};
    proxy_swallow(proxy);
    queue_settle(queue, "messenger:a", "1", "k", "r", on_world_settled, &done);
    cut_when(world_redis_is(&world, "r", "HGET " CHAT " res"), done.called);
    assert_true(done.settled);
    assert_true(world_redis_is(&world, "1", "LLEN hm:{00}:ready:messenger:a"));
    held_deinit(&held);
}

static void a_body_is_buried_once(void **state)
{
    struct done done[3] = {0};
    proxy_swallow(proxy);
    for (int i = 0; i < 3; i++)
        queue_bury_raw(queue, "shop", "r", "x", 1, on_world_done, &done[i]);
    cut_when(world_redis_is(&world, "3", "XLEN hm:{00}:dead"), done[2].called);
    assert_int_equal(done[0].code, ERR_NONE);
    assert_int_equal(done[2].code, ERR_NONE);
    assert_true(world_redis_is(&world, "3", "XLEN hm:{00}:dead"));
}

static void forgotten_scripts_are_loaded_again(void **state)
{
    admit_one("x");
    free(world_redis(&world, "SCRIPT FLUSH SYNC"));
    struct held held = world_claim(&world, queue, 1);
    assert_string_equal(held.chat, "messenger:a:1");
    assert_int_equal(world_finish_all(&world, queue, &held), ERR_NONE);
    held_deinit(&held);
}

static void a_delivery_is_given_up_when_redis_stays_away_and_later_ones_are_not(void **state)
{
    redis_server_kill(world.server);
    redisFree(world.redis);
    world_wait(&world, !queue_is_up(queue));
    int64_t start_ms = clock_mono_ms();
    struct admitted late = world_admit(&world, queue, "messenger:a", "1", NULL, "lost");
    struct done buried = {0};
    queue_bury_raw(queue, "shop", "r", "x", 1, on_world_done, &buried);
    world_wait(&world, buried.called);
    assert_int_equal(late.code, ERR_UNAVAILABLE);
    assert_int_equal(buried.code, ERR_UNAVAILABLE);
    assert_true(clock_mono_ms() - start_ms >= WORLD_GIVE_UP_MS);
    redis_server_restart(world.server);
    world.redis = redis_server_connect(world.server);
    world_wait(&world, queue_is_up(queue));
    admit_one("kept");
    assert_true(world_redis_is(&world, "1", "LLEN hm:{00}:mb:messenger:a:1"));
    assert_true(world_redis_is(&world, "0", "XLEN hm:{00}:dead"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_admit_that_arrives_twice_admits_once),
        TEST(a_claim_that_arrives_twice_gives_the_same_chats),
        TEST(a_journal_that_arrives_twice_appends_once),
        TEST(a_finish_that_arrives_twice_finishes_once),
        TEST(a_settle_that_arrives_twice_says_twice_that_it_settled),
        TEST(a_body_is_buried_once),
        TEST(forgotten_scripts_are_loaded_again),
        TEST(a_delivery_is_given_up_when_redis_stays_away_and_later_ones_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
