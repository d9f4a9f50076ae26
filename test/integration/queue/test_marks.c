// SPDX-License-Identifier: MIT
// The marks above which less, or nothing, is let in, and the guard that lets admits be repeated.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/internal.h"
#include "test/integration/queue/world.h"

static struct world world;

static int setup(void **state)
{
    world_init(&world, 2, NULL);
    return 0;
}

static int teardown(void **state)
{
    world_deinit(&world);
    return 0;
}

// Puts the count of waiting events to n, and waits until the queue has seen it.
static void set_waiting(struct queue *queue, uint64_t n)
{
    free(world_redis(&world, "SET hm:{01}:waiting %llu", (unsigned long long)n));
    world_wait(&world, queue_waiting(queue) == n);
}

static void the_count_of_waiting_events_has_its_hysteresis(void **state)
{
    struct queue_config config = {.url = redis_server_url(world.server),
                                  .max_waiting = 1000,
                                  .low_water = 80,
                                  .name = "test"};
    struct err err = {0};
    struct queue *queue = queue_new(world.base, &config, &err);
    assert_non_null(queue);
    static const struct {
        uint64_t waiting;
        enum queue_room want;
    } steps[] = {
        {799, QUEUE_ROOM},
        {899, QUEUE_ROOM}, // below half-way
        {900, QUEUE_ROOM_NO_RECEIPTS},
        {801, QUEUE_ROOM_NO_RECEIPTS},
        {799, QUEUE_ROOM},
        {999, QUEUE_ROOM_NO_RECEIPTS},
        {1000, QUEUE_ROOM_NONE},
        {801, QUEUE_ROOM_NONE}, // until below the low mark
        {799, QUEUE_ROOM},
        {5000, QUEUE_ROOM_NONE},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        print_message("%llu waiting\n", (unsigned long long)steps[i].waiting);
        set_waiting(queue, steps[i].waiting);
        assert_int_equal(queue_room(queue), steps[i].want);
    }
    assert_int_equal(world_admit(&world, queue, "messenger:a", "1", NULL, "x").code,
                     ERR_UNAVAILABLE);
    set_waiting(queue, 1);
    assert_int_equal(world_admit(&world, queue, "messenger:a", "1", NULL, "x").code, ERR_NONE);
    queue_free(queue);
}

static void waiting_is_what_is_in_the_mailboxes_of_all_shards(void **state)
{
    struct queue *queue = world_worker(&world, redis_server_url(world.server), 0);
    for (int i = 0; i < 10; i++) {
        char account[32];
        snprintf(account, sizeof account, "messenger:%d", i);
        assert_int_equal(world_admit(&world, queue, account, "1", "m1", "x").code, ERR_NONE);
        assert_int_equal(world_admit(&world, queue, account, "1", "m1", "x").code, ERR_NONE);
    }
    world_wait(&world, queue_waiting(queue) == 10);
    for (unsigned shard = 0; shard < 2; shard++) {
        struct held held = {0};
        queue_claim(queue, shard, 1, on_world_claimed, &held);
        world_wait(&world, held.called);
        assert_int_equal(world_finish_all(&world, queue, &held), ERR_NONE);
        held_deinit(&held);
    }
    world_wait(&world, queue_waiting(queue) == 8);
    queue_free(queue);
}

static void a_count_that_is_off_is_mended_once_all_is_at_rest(void **state)
{
    struct queue *queue = world_worker(&world, redis_server_url(world.server), 0);
    free(world_redis(&world, "SET hm:{01}:waiting 7"));
    world_wait(&world, world_redis_is(&world, "0", "GET hm:{01}:waiting"));
    queue_free(queue);
}

/* --- the guard of admit ------------------------------------------------------------------------
 */

// One admit of one event under a number; the answer, or the first word of the error.
static char *call(int number, const char *json)
{
    redisReply *reply =
        redisCommand(world.redis, "EVAL %s 1 hm:{00}: listen:1 %d 1 messenger:a %s %s %s 1 ana",
                     script_table[SCRIPT_ADMIT].source, number, "", "", json);
    assert_non_null(reply);
    char *answer = x_dup(reply->str);
    answer[strcspn(answer, " ")] = '\0';
    freeReplyObject(reply);
    return answer;
}

static void expect(int number, const char *want, long events)
{
    char *answer = call(number, "x");
    print_message("%d: %s\n", number, answer);
    assert_string_equal(answer, want);
    free(answer);
    char length[24];
    snprintf(length, sizeof length, "%ld", events);
    assert_true(world_redis_is(&world, length, "LLEN hm:{00}:mb:messenger:a:ana"));
}

static void a_repeat_among_the_last_eight_calls_is_known(void **state)
{
    expect(2, "a", 1);
    expect(5, "a", 2);
    expect(9, "a", 3); // four were under way; one never arrived
    expect(2, "a", 3);
    expect(5, "a", 3);
    expect(4, "a", 4); // it was not served: now it is
    expect(4, "a", 4);
    expect(1, "a", 5); // all that were ever served are still known
    for (int number = 10; number < 13; number++)
        expect(number, "a", number - 4);
    expect(1, "a", 8); // eight
    expect(3, "a", 9); // above the oldest of eight, and not among them; 1 is forgotten
    expect(2, "a", 9);
    expect(1, "STALE", 9);
    expect(100, "a", 10); // 2 is forgotten
    expect(2, "STALE", 10);
    expect(3, "a", 10);
    char *ttl = world_redis(&world, "TTL hm:{00}:adm:listen:1");
    assert_in_range(strtol(ttl, NULL, 10), 9 * 86400 - 30, 9 * 86400);
    free(ttl);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_count_of_waiting_events_has_its_hysteresis),
        TEST(waiting_is_what_is_in_the_mailboxes_of_all_shards),
        TEST(a_count_that_is_off_is_mended_once_all_is_at_rest),
        TEST(a_repeat_among_the_last_eight_calls_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
