// SPDX-License-Identifier: MIT
// A chat's life: rotation between accounts, journal, parked chats and what wakes them, timers bound
// to their wait, epochs.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/integration/queue/world.h"

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

static void admit(const char *account, const char *alias, const char *json)
{
    assert_int_equal(world_admit(&world, queue, account, alias, NULL, json).result.admitted, 1);
}

static struct held claim_one(void)
{
    return world_claim(&world, queue, 1);
}

static void nothing_is_ready(void)
{
    struct held held = claim_one();
    assert_int_equal(held.count, 0);
}

static void accounts_take_turns(void **state)
{
    admit("messenger:a", "1", "x");
    admit("messenger:a", "2", "x");
    admit("messenger:a", "3", "x");
    admit("messenger:b", "1", "x");
    admit("messenger:c", "1", "x");
    struct held held = world_claim(&world, queue, 8);
    static const char *const want[] = {"messenger:a:1", "messenger:b:1", "messenger:c:1",
                                       "messenger:a:2", "messenger:a:3"};
    assert_int_equal(held.count, 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(held.chats[i], want[i]);
    held_deinit(&held);
}

static void a_chat_is_new_until_an_event_of_it_was_done(void **state)
{
    admit("messenger:a", "1", "x");
    struct held held = claim_one();
    assert_true(held.is_new);
    struct queue_finish back = {
        .chat = held.chat, .epoch = held.epoch, .done = held.done, .next = QUEUE_READY};
    assert_int_equal(world_finish(&world, queue, &back), ERR_NONE); // handed back, untouched
    held_deinit(&held);
    held = claim_one();
    assert_true(held.is_new);
    struct queue_dead dead = {.number = held.done + 1, .reason = "unknown account"};
    struct queue_finish buried = {.chat = held.chat,
                                  .epoch = held.epoch,
                                  .done = held.done + 1,
                                  .dead = &dead,
                                  .dead_count = 1};
    assert_int_equal(world_finish(&world, queue, &buried), ERR_NONE);
    held_deinit(&held);
    admit("messenger:a", "1", "y");
    held = claim_one();
    assert_true(held.is_new);
    assert_int_equal(world_finish_all(&world, queue, &held), ERR_NONE);
    held_deinit(&held);
    admit("messenger:a", "1", "z");
    held = claim_one();
    assert_false(held.is_new);
    held_deinit(&held);
}

static void when_the_person_last_wrote_is_kept_and_only_moves_forward(void **state)
{
    static const int64_t told[] = {0, 1767603600000, 1767603500000, 0, 1767603700000};
    static const int64_t kept[] = {0, 0, 1767603600000, 1767603600000, 1767603600000};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        admit("messenger:a", "1", "x");
        struct held held = claim_one();
        assert_int_equal(held.inbound_ms, kept[i]);
        struct queue_finish done = {
            .chat = held.chat, .epoch = held.epoch, .done = held.done + 1, .inbound_ms = told[i]};
        assert_int_equal(world_finish(&world, queue, &done), ERR_NONE);
        held_deinit(&held);
    }
}

static void a_held_chat_is_nobody_elses(void **state)
{
    admit("messenger:a", "1", "x");
    struct held held = claim_one();
    admit("messenger:a", "1", "y");
    nothing_is_ready();
    assert_int_equal(world_finish_all(&world, queue, &held), ERR_NONE); // the first entry only
    struct held next = claim_one();
    assert_int_equal(next.entry_count, 1);
    assert_string_equal(next.entries[0], "y");
    held_deinit(&held);
    held_deinit(&next);
}

static void the_journal_comes_back_after_a_handback(void **state)
{
    admit("messenger:a", "1", "x");
    struct held held = claim_one();
    const char *records[] = {"r1", "r2"};
    struct queue_journal journal = {.chat = held.chat,
                                    .epoch = held.epoch,
                                    .state = "s1",
                                    .attempt = "{\"key\":\"k\"}",
                                    .records = records,
                                    .record_count = 2};
    assert_int_equal(world_journal(&world, queue, &journal), ERR_NONE);
    journal.result = "{\"ok\":true}";
    journal.record_count = 1;
    assert_int_equal(world_journal(&world, queue, &journal), ERR_NONE);
    struct queue_finish finish = {.chat = held.chat,
                                  .epoch = held.epoch,
                                  .done = held.done,
                                  .state = "s2",
                                  .keep_attempt = true,
                                  .keep_records = true,
                                  .next = QUEUE_READY};
    assert_int_equal(world_finish(&world, queue, &finish), ERR_NONE);
    struct held again = claim_one();
    assert_string_equal(again.state, "s2");
    assert_string_equal(again.attempt, "{\"key\":\"k\"}");
    assert_string_equal(again.result, "{\"ok\":true}");
    assert_int_equal(again.record_count, 3);
    assert_string_equal(again.records[0], "r1");
    assert_string_equal(again.records[1], "r2");
    assert_string_equal(again.records[2], "r1");
    assert_int_equal(again.entry_count, 1);

    assert_int_equal(world_finish_all(&world, queue, &again), ERR_NONE);
    assert_true(world_redis_is(&world, "0", "EXISTS hm:{00}:rec:messenger:a:1"));
    assert_true(world_redis_is(&world, "", "HGET hm:{00}:chat:messenger:a:1 att"));
    held_deinit(&held);
    held_deinit(&again);
}

static void an_idle_chat_expires_and_numbers_go_on_rising(void **state)
{
    admit("messenger:a", "1", "x");
    struct held first = claim_one();
    assert_int_equal(world_finish_all(&world, queue, &first), ERR_NONE);
    char *ttl = world_redis(&world, "TTL hm:{00}:chat:messenger:a:1");
    assert_in_range(strtol(ttl, NULL, 10), 40 * 86400 - 30, 40 * 86400);
    free(ttl);
    admit("messenger:a", "1", "x");
    assert_true(world_redis_is(&world, "-1", "TTL hm:{00}:chat:messenger:a:1"));

    // Redis loses everything, or the chat: numbers and epochs must not begin again.
    free(world_redis(&world, "FLUSHALL"));
    free(world_redis(&world, "SET hm:{config}:shards 1"));
    struct queue *worker = world_worker(&world, redis_server_url(world.server), 0);
    assert_int_equal(world_admit(&world, worker, "messenger:a", "1", NULL, "x").code, ERR_NONE);
    struct held later = world_claim(&world, worker, 1);
    assert_true(later.epoch > first.epoch);
    assert_true(later.done > first.done);
    held_deinit(&first);
    held_deinit(&later);
    queue_free(worker);
}

// Claims messenger:a:1 and parks it with an attempt in hand.
static struct held park(const struct queue_timer *timer)
{
    admit("messenger:a", "1", "x");
    struct held held = claim_one();
    struct queue_journal journal = {
        .chat = held.chat, .epoch = held.epoch, .state = "s", .attempt = "{\"key\":\"k7\"}"};
    assert_int_equal(world_journal(&world, queue, &journal), ERR_NONE);
    struct queue_finish finish = {.chat = held.chat,
                                  .epoch = held.epoch,
                                  .done = held.done,
                                  .state = "s",
                                  .keep_attempt = true,
                                  .next = QUEUE_PARKED,
                                  .timer = timer};
    assert_int_equal(world_finish(&world, queue, &finish), ERR_NONE);
    return held;
}

static void a_parked_chat_collects_but_blocks_neither_others_nor_its_lane(void **state)
{
    struct held held = park(NULL);
    admit("messenger:a", "1", "y");
    nothing_is_ready();
    struct queue_stats stats;
    struct err err = {0};
    assert_true(queue_stats_read(redis_server_url(world.server), &stats, &err));
    assert_int_equal(stats.parked, 1);
    assert_int_equal(stats.mailbox, 2);
    assert_int_equal(stats.workers, 1);

    admit("messenger:a", "2", "other chat");
    admit("messenger:a", NULL, "receipt");
    struct held others = world_claim(&world, queue, 8);
    assert_int_equal(others.count, 2);
    assert_string_equal(others.chats[1], "messenger:a:~");

    // The receipt settles it, ahead of what else is ready.
    admit("messenger:a", "3", "x");
    assert_false(world_settle(&world, queue, "messenger:a", "1", "k8", "r"));
    assert_false(world_settle(&world, queue, "messenger:a", "9", "k7", "r"));
    assert_true(world_settle(&world, queue, "messenger:a", "1", "k7", "{\"settled\":1}"));
    assert_false(world_settle(&world, queue, "messenger:a", "1", "k7", "r"));
    struct held again = claim_one();
    assert_string_equal(again.chat, "messenger:a:1");
    assert_string_equal(again.result, "{\"settled\":1}");
    assert_int_equal(again.entry_count, 2);
    held_deinit(&held);
    held_deinit(&others);
    held_deinit(&again);
}

static void a_receipt_that_comes_before_the_parking_is_not_lost(void **state)
{
    admit("messenger:a", "1", "x");
    struct held held = claim_one();
    struct queue_journal journal = {
        .chat = held.chat, .epoch = held.epoch, .state = "s", .attempt = "{\"key\":\"k\"}"};
    assert_int_equal(world_journal(&world, queue, &journal), ERR_NONE);
    assert_false(world_settle(&world, queue, "messenger:a", "1", "k", "sent"));
    struct queue_finish finish = {.chat = held.chat,
                                  .epoch = held.epoch,
                                  .done = held.done,
                                  .state = "s",
                                  .keep_attempt = true,
                                  .next = QUEUE_PARKED};
    assert_int_equal(world_finish(&world, queue, &finish), ERR_NONE);
    struct held again = claim_one();
    assert_string_equal(again.result, "sent");
    held_deinit(&held);
    held_deinit(&again);
}

static void an_operator_releases_a_parked_chat(void **state)
{
    struct held held = park(NULL);
    struct done done = {0}, unknown = {0};
    queue_release(queue, held.chat, on_world_done, &done);
    queue_release(queue, "messenger:a:nobody", on_world_done, &unknown);
    world_wait(&world, done.called && unknown.called);
    assert_int_equal(done.code, ERR_NONE);
    assert_int_equal(unknown.code, ERR_NOT_FOUND);
    struct held again = claim_one();
    assert_string_equal(again.chat, held.chat);
    assert_null(again.result);
    held_deinit(&held);
    held_deinit(&again);
}

static void a_timer_wakes_its_chat_with_its_token(void **state)
{
    struct queue_timer timer = {.delay_ms = 30, .token = "s1:4"};
    struct held held = park(&timer);
    struct held again = world_claim_wait(&world, queue);
    assert_string_equal(again.fired, "s1:4");
    assert_int_equal(world_finish_all(&world, queue, &again), ERR_NONE); // used up

    admit("messenger:a", "1", "y");
    struct held later = claim_one();
    assert_null(later.fired);
    held_deinit(&held);
    held_deinit(&again);
    held_deinit(&later);
}

static void a_timer_is_swept_at_its_time_by_who_armed_it(void **state)
{
    struct queue_timer timer = {.delay_ms = 20, .token = "t"};
    // The sweeper just ran, and must not run for long: only the local timer can fire in time.
    free(world_redis(&world, "SET hm:{00}:swept 1 PX 60000"));
    struct held held = park(&timer);
    struct held again = world_claim_wait(&world, queue);
    assert_string_equal(again.fired, "t");
    held_deinit(&held);
    held_deinit(&again);
}

static void a_new_wait_is_not_ended_by_an_old_timer(void **state)
{
    // The old wait's timer comes due while the chat is held; then a new wait begins.
    struct queue_timer old = {.delay_ms = 20, .token = "old"};
    struct held held = park(&old);
    struct done done = {0};
    queue_release(queue, held.chat, on_world_done, &done);
    world_wait(&world, done.called);
    struct held again = claim_one();
    assert_null(again.fired);
    world_wait(&world, world_redis_is(&world, "old", "HGET hm:{00}:chat:messenger:a:1 fired"));
    struct queue_timer new = {.delay_ms = 3600000, .token = "new"};
    struct queue_finish finish = {.chat = again.chat,
                                  .epoch = again.epoch,
                                  .done = again.done + 1,
                                  .state = "waits anew",
                                  .timer = &new};
    assert_int_equal(world_finish(&world, queue, &finish), ERR_NONE);
    nothing_is_ready();
    assert_true(world_redis_is(&world, "new", "HGET hm:{00}:chat:messenger:a:1 timer"));

    admit("messenger:a", "1", "y");
    struct held next = claim_one();
    assert_null(next.fired);
    struct queue_timer cancel = {.delay_ms = -1};
    finish = (struct queue_finish){
        .chat = next.chat, .epoch = next.epoch, .done = next.done + 1, .timer = &cancel};
    assert_int_equal(world_finish(&world, queue, &finish), ERR_NONE);
    assert_true(world_redis_is(&world, "0", "ZCARD hm:{00}:timers"));
    held_deinit(&held);
    held_deinit(&again);
    held_deinit(&next);
}

static void a_timer_that_comes_due_while_held_fires_after_the_finish(void **state)
{
    struct queue_timer timer = {.delay_ms = 20, .token = "t"};
    struct held held = park(&timer);
    struct done done = {0};
    queue_release(queue, held.chat, on_world_done, &done);
    world_wait(&world, done.called);
    struct held again = claim_one();
    world_wait(&world, world_redis_is(&world, "t", "HGET hm:{00}:chat:messenger:a:1 fired"));
    struct queue_finish finish = {
        .chat = again.chat, .epoch = again.epoch, .done = again.done + 1, .state = "waits on"};
    assert_int_equal(world_finish(&world, queue, &finish), ERR_NONE);
    struct held next = claim_one();
    assert_string_equal(next.fired, "t");
    assert_string_equal(next.state, "waits on");
    assert_int_equal(next.entry_count, 0);

    // Handed back unused: it is given again.
    finish = (struct queue_finish){.chat = next.chat,
                                   .epoch = next.epoch,
                                   .done = next.done,
                                   .state = "waits on",
                                   .next = QUEUE_READY};
    assert_int_equal(world_finish(&world, queue, &finish), ERR_NONE);
    struct held last = claim_one();
    assert_string_equal(last.fired, "t");
    held_deinit(&held);
    held_deinit(&again);
    held_deinit(&next);
    held_deinit(&last);
}

static void a_stale_epoch_is_refused(void **state)
{
    admit("messenger:a", "1", "x");
    struct held old = claim_one();
    struct queue_finish back = {
        .chat = old.chat, .epoch = old.epoch, .done = old.done, .next = QUEUE_READY};
    assert_int_equal(world_finish(&world, queue, &back), ERR_NONE);
    struct queue_journal journal = {.chat = old.chat, .epoch = old.epoch, .state = "late"};
    assert_int_equal(world_journal(&world, queue, &journal), ERR_CONFLICT); // not held
    struct held now = claim_one();
    assert_int_equal(world_journal(&world, queue, &journal), ERR_CONFLICT); // held by a newer
    struct queue_finish other = {.chat = now.chat, .epoch = now.epoch + 1, .done = now.done + 1};
    assert_int_equal(world_finish(&world, queue, &other), ERR_CONFLICT);
    assert_true(world_redis_is(&world, "", "HGET hm:{00}:chat:messenger:a:1 state"));
    assert_true(world_redis_is(&world, "1", "LLEN hm:{00}:mb:messenger:a:1"));
    assert_int_equal(world_finish_all(&world, queue, &now), ERR_NONE);
    held_deinit(&old);
    held_deinit(&now);
}

static void impossible_numbers_are_refused(void **state)
{
    admit("messenger:a", "1", "x");
    struct held held = claim_one();
    struct queue_dead dead = {.number = held.done + 2, .reason = "r"};
    struct queue_finish cases[] = {
        {.done = held.done + 2},
        {.done = held.done - 1},
        {.done = held.done + 1, .dead = &dead, .dead_count = 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cases[i].chat = held.chat;
        cases[i].epoch = held.epoch;
        assert_int_equal(world_finish(&world, queue, &cases[i]), ERR_INPUT);
    }
    assert_int_equal(world_finish_all(&world, queue, &held), ERR_NONE); // still held
    held_deinit(&held);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(accounts_take_turns),
        TEST(a_chat_is_new_until_an_event_of_it_was_done),
        TEST(when_the_person_last_wrote_is_kept_and_only_moves_forward),
        TEST(a_held_chat_is_nobody_elses),
        TEST(the_journal_comes_back_after_a_handback),
        TEST(an_idle_chat_expires_and_numbers_go_on_rising),
        TEST(a_parked_chat_collects_but_blocks_neither_others_nor_its_lane),
        TEST(a_receipt_that_comes_before_the_parking_is_not_lost),
        TEST(an_operator_releases_a_parked_chat),
        TEST(a_timer_wakes_its_chat_with_its_token),
        TEST(a_timer_is_swept_at_its_time_by_who_armed_it),
        TEST(a_new_wait_is_not_ended_by_an_old_timer),
        TEST(a_timer_that_comes_due_while_held_fires_after_the_finish),
        TEST(a_stale_epoch_is_refused),
        TEST(impossible_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
