// SPDX-License-Identifier: MIT
/*
 * Leases: who is gone is taken over, but only when still gone one lease after being suspected; a
 * frozen Redis is nobody's death; who leaves in order leaves nothing behind; idle workers are
 * woken.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/integration/queue/world.h"

enum { LEASE_MS = 400 };

static struct world world;

static int setup(void **state)
{
    world_init(&world, 1, NULL);
    return 0;
}

static int teardown(void **state)
{
    world_deinit(&world);
    return 0;
}

static void a_dead_workers_chat_is_taken_over_one_lease_after_the_suspicion(void **state)
{
    // `lost` has a loop of its own, which stops: it neither beats nor answers, like a process that
    // hangs.
    struct world elsewhere = world;
    elsewhere.base = event_base_new();
    // Longer than the second between two sweeps, so that the wait is the lease's and not the
    // sweeper's.
    enum { LONG_MS = 1700 };
    struct queue *lost = world_worker(&elsewhere, redis_server_url(world.server), LONG_MS);
    struct queue *heir = world_worker(&world, redis_server_url(world.server), LONG_MS);
    assert_int_equal(world_admit(&world, heir, "messenger:a", "1", NULL, "x").code, ERR_NONE);
    struct held held = world_claim(&elsewhere, lost, 1);
    assert_int_equal(held.count, 1);
    struct queue_journal journal = {.chat = held.chat, .epoch = held.epoch, .state = "half-way"};
    assert_int_equal(world_journal(&elsewhere, lost, &journal), ERR_NONE);

    // First it becomes a suspect, while its chat is still its own.
    world_wait(&world,
               world_redis_is(&world, "1", "HEXISTS hm:{00}:suspect %s", queue_incarnation(lost)));
    assert_true(
        world_redis_is(&world, queue_incarnation(lost), "HGET hm:{00}:chat:messenger:a:1 owner"));
    int64_t suspected_ms = clock_mono_ms();
    struct held inherited = world_claim_wait(&world, heir);
    assert_true(clock_mono_ms() - suspected_ms >= LONG_MS - 50);
    assert_true(inherited.epoch > held.epoch);
    assert_string_equal(inherited.state, "half-way");
    assert_int_equal(inherited.entry_count, 1);

    // It comes back: its lease is over by its own clock, and its old epoch is refused.
    assert_true(queue_lease_left_ms(lost) <= 0);
    struct queue_finish finish = {.chat = held.chat, .epoch = held.epoch, .done = held.done + 1};
    assert_int_equal(world_finish(&elsewhere, lost, &finish), ERR_CONFLICT);
    assert_int_equal(world_finish_all(&world, heir, &inherited), ERR_NONE);
    held_deinit(&held);
    held_deinit(&inherited);
    queue_free(lost);
    queue_free(heir);
    event_base_free(elsewhere.base);
}

static void a_frozen_redis_is_no_death(void **state)
{
    struct queue *worker = world_worker(&world, redis_server_url(world.server), LEASE_MS);
    struct queue *other = world_worker(&world, redis_server_url(world.server), LEASE_MS);
    assert_int_equal(world_admit(&world, worker, "messenger:a", "1", NULL, "x").code, ERR_NONE);
    struct held held = world_claim(&world, worker, 1);
    redis_server_freeze(world.server);
    int64_t frozen_ms = clock_mono_ms();
    world_wait(&world, clock_mono_ms() - frozen_ms > 3 * LEASE_MS);
    assert_true(queue_lease_left_ms(worker) <= 0); // no effect leaves meanwhile
    redis_server_thaw(world.server);
    world_wait(&world, queue_lease_left_ms(worker) > 0 && queue_lease_left_ms(other) > 0);

    // Well past the time when a suspect would have been taken over:
    int64_t thawed_ms = clock_mono_ms();
    world_wait(&world, clock_mono_ms() - thawed_ms > 2 * LEASE_MS + 1200);
    assert_true(world_redis_is(&world, "0", "HLEN hm:{00}:suspect"));
    struct held none = world_claim(&world, other, 1);
    assert_int_equal(none.count, 0);
    assert_int_equal(world_finish_all(&world, worker, &held), ERR_NONE);
    held_deinit(&held);
    queue_free(worker);
    queue_free(other);
}

static void a_worker_that_ends_in_order_leaves_at_once(void **state)
{
    struct queue *worker = world_worker(&world, redis_server_url(world.server), 0);
    assert_int_equal(world_admit(&world, worker, "messenger:a", "1", NULL, "x").code, ERR_NONE);
    struct held held = world_claim(&world, worker, 1);
    queue_stop_serving(worker);
    struct queue_journal journal = {.chat = held.chat, .epoch = held.epoch, .state = "s"};
    assert_int_equal(world_journal(&world, worker, &journal), ERR_NONE); // still works
    queue_free(worker);
    assert_true(world_redis_is(&world, "0", "ZCARD hm:{00}:leases"));
    struct queue *heir = world_worker(&world, redis_server_url(world.server), 0);
    struct held inherited = world_claim(&world, heir, 1);
    assert_string_equal(inherited.state, "s");
    held_deinit(&held);
    held_deinit(&inherited);
    queue_free(heir);
}

static void without_a_lease_nothing_is_given(void **state)
{
    struct queue *listener = world_queue(&world, redis_server_url(world.server), 0);
    assert_int_equal(world_admit(&world, listener, "messenger:a", "1", NULL, "x").code, ERR_NONE);
    struct held none = world_claim(&world, listener, 1);
    assert_int_equal(none.count, 0);
    assert_true(queue_lease_left_ms(listener) <= 0);
    queue_free(listener);
}

static void on_wake(void *arg, unsigned shard)
{
    assert_int_equal(shard, 0);
    ++*(int *)arg;
}

static void an_idle_worker_is_woken_by_an_event(void **state)
{
    struct queue *listener = world_queue(&world, redis_server_url(world.server), 0);
    struct queue *worker = world_queue(&world, redis_server_url(world.server), 0);
    int woken = 0;
    queue_serve(worker, on_wake, &woken);
    world_wait(&world, woken > 1); // on start, and by the time-out: it blocks again now
    int before = woken;
    int64_t start_ms = clock_mono_ms();
    assert_int_equal(world_admit(&world, listener, "messenger:a", "1", NULL, "x").code, ERR_NONE);
    world_wait(&world, woken > before);
    assert_true(clock_mono_ms() - start_ms < 900); // not by the time-out of a second
    assert_true(world_redis_is(&world, "0", "LLEN hm:{00}:wake"));
    queue_free(worker);
    queue_free(listener);
}

static void hints_are_bounded(void **state)
{
    struct queue *listener = world_queue(&world, redis_server_url(world.server), 0);
    char alias[16];
    for (int i = 0; i < 50; i++) {
        snprintf(alias, sizeof(alias), "%d", i);
        assert_int_equal(world_admit(&world, listener, "messenger:a", alias, NULL, "x").code,
                         ERR_NONE);
    }
    assert_true(world_redis_is(&world, "16", "LLEN hm:{00}:wake"));
    queue_free(listener);
}

static void an_account_that_fell_out_of_the_ring_is_put_back(void **state)
{
    struct queue *worker = world_worker(&world, redis_server_url(world.server), 0);
    assert_int_equal(world_admit(&world, worker, "messenger:a", "1", NULL, "x").code, ERR_NONE);
    free(world_redis(&world, "DEL hm:{00}:ring"));
    struct held held = world_claim_wait(&world, worker);
    assert_string_equal(held.chat, "messenger:a:1");
    held_deinit(&held);
    queue_free(worker);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_dead_workers_chat_is_taken_over_one_lease_after_the_suspicion),
        TEST(a_frozen_redis_is_no_death),
        TEST(a_worker_that_ends_in_order_leaves_at_once),
        TEST(without_a_lease_nothing_is_given),
        TEST(an_idle_worker_is_woken_by_an_event),
        TEST(hints_are_bounded),
        TEST(an_account_that_fell_out_of_the_ring_is_put_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
