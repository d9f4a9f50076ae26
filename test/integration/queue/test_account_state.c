// SPDX-License-Identifier: MIT
// An account that an operator pauses, resumes and throttles.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/integration/queue/world.h"

#define ACCOUNT "messenger:a"

static struct world world;
static struct queue *queue;

static int setup(void **state)
{
    world_init(&world, 1, NULL);
    queue = world_worker(&world, redis_server_url(world.server), 0);
    return 0;
}

static int teardown(void **state)
{
    queue_free(queue);
    world_deinit(&world);
    return 0;
}

static const char *url(void)
{
    return redis_server_url(world.server);
}

static void admit(const char *account, const char *alias, const char *json)
{
    assert_int_equal(world_admit(&world, queue, account, alias, NULL, json).result.admitted, 1);
}

static void pause_for(int64_t ms)
{
    struct err err = {0};
    if (!queue_account_pause(url(), ACCOUNT, ms, &err))
        fail_msg("%s", err.text);
}

static unsigned resume(void)
{
    struct err err = {0};
    unsigned woken = 0;
    if (!queue_account_resume(url(), ACCOUNT, &woken, &err))
        fail_msg("%s", err.text);
    return woken;
}

static void throttle(unsigned per_second)
{
    struct err err = {0};
    unsigned woken = 0;
    if (!queue_account_throttle(url(), ACCOUNT, per_second, &woken, &err))
        fail_msg("%s", err.text);
}

static struct queue_account account_now(void)
{
    const char *name = ACCOUNT;
    struct queue_account account;
    struct err err = {0};
    if (!queue_account_read(url(), &name, 1, &account, &err))
        fail_msg("%s", err.text);
    return account;
}

static struct queue_refusal refusal;

static enum err_code leave(const struct held *held, enum queue_counted kind)
{
    struct queue_spend spend = {.leaves = true, .kind = kind};
    struct queue_journal journal = {.chat = held->chat,
                                    .epoch = held->epoch,
                                    .state = "s",
                                    .attempt = "{\"key\":\"k\"}",
                                    .spend = &spend,
                                    .ret_refusal = &refusal};
    return world_journal(&world, queue, &journal);
}

static void park(const struct held *held, int64_t wait_ms)
{
    struct queue_timer timer = {.delay_ms = wait_ms, .token = "retry:k"};
    struct queue_finish finish = {.chat = held->chat,
                                  .epoch = held->epoch,
                                  .done = held->done,
                                  .state = "s",
                                  .keep_attempt = true,
                                  .keep_records = true,
                                  .next = QUEUE_PARKED,
                                  .timer = &timer};
    assert_int_equal(world_finish(&world, queue, &finish), ERR_NONE);
}

static void a_paused_account_s_chats_are_given_to_nobody_and_keep_their_order(void **state)
{
    admit(ACCOUNT, "1", "before");
    pause_for(0);
    assert_true(account_now().paused_ms == INT64_MAX);
    admit(ACCOUNT, "1", "while");
    admit(ACCOUNT, "2", "while");
    admit("messenger:b", "1", "another account's");
    struct held held = world_claim(&world, queue, 8);
    assert_int_equal(held.count, 1);
    assert_string_equal(held.chat, "messenger:b:1");
    held_deinit(&held);
    assert_int_equal(account_now().parked[QUEUE_STOP_PAUSED], 2);
    admit(ACCOUNT, "1", "later");

    // Nothing is ready any more: nobody is woken for them, and no account goes round.
    assert_true(world_redis_is(&world, "0", "EXISTS hm:{00}:ring"));
    assert_true(world_redis_is(&world, "0", "EXISTS hm:{00}:ready:" ACCOUNT));
    assert_true(world_redis_is(&world, "5", "GET hm:{00}:waiting"));

    assert_int_equal(resume(), 2);
    struct held first = world_claim(&world, queue, 1), second = world_claim(&world, queue, 1);
    const struct held *one = strcmp(first.chat, "messenger:a:1") == 0 ? &first : &second;
    assert_int_equal(one->entry_count, 3);
    assert_string_equal(one->entries[0], "before");
    assert_string_equal(one->entries[1], "while");
    assert_string_equal(one->entries[2], "later");
    assert_int_equal(second.count, 1);
    assert_int_equal(account_now().paused_ms, 0);
    assert_int_equal(account_now().parked[QUEUE_STOP_PAUSED], 0);
    assert_true(world_redis_is(&world, "0", "EXISTS hm:{00}:parked hm:{00}:pauses"));
    held_deinit(&first);
    held_deinit(&second);
}

static void the_lane_of_a_paused_account_goes_on(void **state)
{
    pause_for(0);
    admit(ACCOUNT, "1", "x");
    admit(ACCOUNT, NULL, "receipt");
    struct held held = world_claim(&world, queue, 8);
    assert_int_equal(held.count, 1);
    assert_string_equal(held.chat, "messenger:a:~");
    held_deinit(&held);
}

static void an_effect_of_a_chat_in_hand_does_not_leave(void **state)
{
    admit(ACCOUNT, "1", "x");
    struct held held = world_claim(&world, queue, 1);
    pause_for(7200000);
    for (enum queue_counted kind = QUEUE_SENDS; kind < QUEUE_COUNTED; kind++) {
        assert_int_equal(leave(&held, kind), ERR_LIMIT);
        assert_int_equal(refusal.why, QUEUE_STOP_PAUSED);
        assert_in_range(refusal.wait_ms, 1, 7200000);
    }
    park(&held, refusal.wait_ms);
    assert_int_equal(account_now().parked[QUEUE_STOP_PAUSED], 1);
    assert_int_equal(account_now().used[QUEUE_SENDS], 0);
    assert_int_equal(resume(), 1);
    struct held again = world_claim(&world, queue, 1);
    assert_int_equal(again.count, 1);
    assert_int_equal(leave(&again, QUEUE_SENDS), ERR_NONE);
    held_deinit(&held);
    held_deinit(&again);
}

static void a_chat_that_is_parked_just_after_the_resumption_is_not_forgotten(void **state)
{
    admit(ACCOUNT, "1", "x");
    struct held held = world_claim(&world, queue, 1);
    pause_for(0);
    assert_int_equal(leave(&held, QUEUE_SENDS), ERR_LIMIT);
    assert_int_equal(resume(), 0);
    park(&held, refusal.wait_ms);
    struct held again = world_claim(&world, queue, 1);
    assert_string_equal(again.chat, held.chat);
    held_deinit(&held);
    held_deinit(&again);
}

static void a_pause_ends_by_itself(void **state)
{
    pause_for(600);
    admit(ACCOUNT, "1", "x");
    struct held none = world_claim(&world, queue, 1);
    assert_int_equal(none.count, 0);
    assert_int_equal(account_now().parked[QUEUE_STOP_PAUSED], 1);
    struct held held = world_claim_wait(&world, queue);
    assert_string_equal(held.entries[0], "x");
    assert_int_equal(leave(&held, QUEUE_SENDS), ERR_NONE);
    world_wait(&world, world_redis_is(&world, "0", "EXISTS hm:{00}:pauses"));
    held_deinit(&held);
}

static void a_timer_that_comes_due_in_a_pause_is_given_after_it(void **state)
{
    admit(ACCOUNT, "1", "x");
    struct held held = world_claim(&world, queue, 1);
    struct queue_timer timer = {.delay_ms = 50, .token = "t"};
    struct queue_finish finish = {.chat = held.chat,
                                  .epoch = held.epoch,
                                  .done = held.done + 1,
                                  .state = "s",
                                  .timer = &timer};
    assert_int_equal(world_finish(&world, queue, &finish), ERR_NONE);
    pause_for(0);
    world_wait(&world, world_redis_is(&world, "t", "HGET hm:{00}:chat:messenger:a:1 fired"));
    struct held none = world_claim(&world, queue, 1);
    assert_int_equal(none.count, 0);
    resume();
    struct held again = world_claim(&world, queue, 1);
    assert_string_equal(again.fired, "t");
    held_deinit(&held);
    held_deinit(&again);
}

static void thousands_of_chats_are_parked_and_resumed_in_steps(void **state)
{
    enum { CHATS = 2300 };
    pause_for(0);
    for (int i = 0; i < CHATS; i++) {
        char alias[16];
        snprintf(alias, sizeof(alias), "%d", i);
        admit(ACCOUNT, alias, "x");
    }
    for (int claims = 0; claims < 3; claims++) { // each parks a bounded number
        struct held none = world_claim(&world, queue, 8);
        assert_int_equal(none.count, 0);
    }
    assert_int_equal(account_now().parked[QUEUE_STOP_PAUSED], CHATS);
    assert_int_equal(resume(), CHATS);
    assert_true(world_redis_is(&world, "2300", "LLEN hm:{00}:ready:" ACCOUNT));
    assert_true(world_redis_is(&world, "0", "SCARD hm:{00}:parked"));
}

static void a_worker_that_dies_leaves_nothing_of_a_paused_account_behind(void **state)
{
    struct queue *other = world_worker(&world, url(), 300);
    admit(ACCOUNT, "1", "x");
    struct held held = world_claim(&world, other, 1);
    assert_int_equal(held.count, 1);
    pause_for(0);
    queue_free(other); // gives up its lease: the chat is ready again
    struct held none = world_claim(&world, queue, 1);
    assert_int_equal(none.count, 0);
    assert_int_equal(account_now().parked[QUEUE_STOP_PAUSED], 1);
    assert_int_equal(resume(), 1);
    struct held again = world_claim(&world, queue, 1);
    assert_string_equal(again.chat, held.chat);
    held_deinit(&held);
    held_deinit(&again);
}

// Claims what comes back and lets it leave, until all have; the times at which they did.
static void let_all_leave(int count, int64_t *at_ms)
{
    for (int sent = 0; sent < count;) {
        struct held held = world_claim_wait(&world, queue);
        if (leave(&held, QUEUE_SENDS) == ERR_NONE) {
            at_ms[sent++] = clock_mono_ms();
            assert_int_equal(world_finish_all(&world, queue, &held), ERR_NONE);
        } else {
            assert_int_equal(refusal.why, QUEUE_STOP_RATE);
            park(&held, refusal.wait_ms);
        }
        held_deinit(&held);
    }
}

static void a_throttle_spreads_the_sends_of_all_chats(void **state)
{
    enum { CHATS = 12, PER_SECOND = 10 };
    throttle(PER_SECOND);
    assert_int_equal(account_now().per_second, PER_SECOND);
    for (int i = 0; i < CHATS; i++) {
        char alias[16];
        snprintf(alias, sizeof(alias), "%d", i);
        admit(ACCOUNT, alias, "x");
    }
    int64_t at_ms[CHATS];
    let_all_leave(CHATS, at_ms);
    // The k-th place is k tenths of a second after the first.
    for (int i = 1; i < CHATS; i++)
        assert_true(at_ms[i] - at_ms[0] >= i * 1000 / PER_SECOND - 20);
    assert_true(at_ms[CHATS - 1] - at_ms[0] < 10000);
    assert_int_equal(account_now().parked[QUEUE_STOP_RATE], 0);
}

static void a_throttle_asks_nothing_of_other_effects_and_ends_at_a_word(void **state)
{
    throttle(1);
    struct held held[3];
    for (int i = 0; i < 3; i++) {
        char alias[16];
        snprintf(alias, sizeof(alias), "%d", i);
        admit(ACCOUNT, alias, "x");
        held[i] = world_claim(&world, queue, 1);
        assert_int_equal(leave(&held[i], QUEUE_CALLS), ERR_NONE);
    }
    assert_int_equal(leave(&held[0], QUEUE_SENDS), ERR_NONE);
    for (int i = 1; i < 3; i++) {
        assert_int_equal(leave(&held[i], QUEUE_SENDS), ERR_LIMIT);
        assert_in_range(refusal.wait_ms, i * 1000 - 900, i * 1000); // one behind the other
        park(&held[i], refusal.wait_ms);
    }
    assert_int_equal(account_now().parked[QUEUE_STOP_RATE], 2);
    throttle(0);
    assert_int_equal(account_now().parked[QUEUE_STOP_RATE], 0);
    struct held some = world_claim(&world, queue, 8);
    assert_int_equal(some.count, 2);
    assert_int_equal(leave(&some, QUEUE_SENDS), ERR_NONE);
    assert_int_equal(leave(&some, QUEUE_SENDS), ERR_NONE);
    held_deinit(&some);
    for (int i = 0; i < 3; i++)
        held_deinit(&held[i]);
}

static void settings_stay_and_go(void **state)
{
    throttle(5);
    pause_for(0);
    assert_true(world_redis_is(&world, "-1", "TTL hm:{00}:account:" ACCOUNT));
    resume();
    assert_true(world_redis_is(&world, "-1", "TTL hm:{00}:account:" ACCOUNT));
    throttle(0);
    char *ttl = world_redis(&world, "TTL hm:{00}:account:" ACCOUNT);
    assert_in_range(strtol(ttl, NULL, 10), 1, 2 * 86400);
    free(ttl);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_paused_account_s_chats_are_given_to_nobody_and_keep_their_order),
        TEST(the_lane_of_a_paused_account_goes_on),
        TEST(an_effect_of_a_chat_in_hand_does_not_leave),
        TEST(a_chat_that_is_parked_just_after_the_resumption_is_not_forgotten),
        TEST(a_pause_ends_by_itself),
        TEST(a_timer_that_comes_due_in_a_pause_is_given_after_it),
        TEST(thousands_of_chats_are_parked_and_resumed_in_steps),
        TEST(a_worker_that_dies_leaves_nothing_of_a_paused_account_behind),
        TEST(a_throttle_spreads_the_sends_of_all_chats),
        TEST(a_throttle_asks_nothing_of_other_effects_and_ends_at_a_word),
        TEST(settings_stay_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
