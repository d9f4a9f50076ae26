// SPDX-License-Identifier: MIT
// Redis full, killed, frozen in the middle of everything: what was acknowledged is there, in order,
// once.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/internal.h"
#include "test/integration/queue/world.h"

static struct world world;

static int setup_small(void **state)
{
    world_init(&world, 1, "12mb");
    return 0;
}

static int setup(void **state)
{
    world_init(&world, 4, NULL);
    return 0;
}

static int teardown(void **state)
{
    world_deinit(&world);
    return 0;
}

static void admit_until_refused(struct queue *queue, unsigned *ret_admitted)
{
    char body[4096], alias[16];
    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    for (unsigned i = 0;; i++) {
        snprintf(alias, sizeof(alias), "%u", i % 50);
        struct admitted admitted = world_admit(&world, queue, "messenger:a", alias, NULL, body);
        if (admitted.code != ERR_NONE) {
            assert_int_equal(admitted.code, ERR_UNAVAILABLE);
            *ret_admitted = i;
            return;
        }
    }
}

// Claims and finishes until nothing is left; returns how many events there were.
static unsigned drain(struct queue *queue)
{
    unsigned drained = 0;
    for (;;) {
        struct held held = world_claim(&world, queue, 1);
        if (held.count == 0)
            return drained;
        struct queue_journal journal = {
            .chat = held.chat, .epoch = held.epoch, .state = "s", .attempt = "{}"};
        assert_int_equal(world_journal(&world, queue, &journal), ERR_NONE);
        drained += (unsigned)held.entry_count;
        assert_int_equal(world_finish_all(&world, queue, &held), ERR_NONE);
        held_deinit(&held);
    }
}

static void above_the_high_water_mark_nothing_is_admitted_and_all_drains(void **state)
{
    struct queue *queue = world_worker(&world, redis_server_url(world.server), 0);
    // Collected while the mark was not known to be passed, so only slowly: one event at a time.
    unsigned admitted;
    admit_until_refused(queue, &admitted);
    assert_int_equal(queue_room(queue), QUEUE_ROOM_NONE);
    assert_true(admitted > 100);
    struct done buried = {0};
    queue_bury_raw(queue, "shop", "r", "x", 1, on_world_done, &buried);
    assert_false(buried.called);
    world_wait(&world, buried.called);
    assert_int_equal(buried.code, ERR_UNAVAILABLE);
    assert_int_equal(drain(queue), admitted);
    world_wait(&world, queue_room(queue) == QUEUE_ROOM);
    assert_int_equal(world_admit(&world, queue, "messenger:a", "1", NULL, "x").code, ERR_NONE);
    queue_free(queue);
}

static void a_redis_at_its_limit_refuses_admits_and_drains(void **state)
{
    struct queue *queue = world_worker(&world, redis_server_url(world.server), 0);
    queue->high_water = 1000; // never: Redis itself refuses
    unsigned admitted;
    admit_until_refused(queue, &admitted);
    assert_true(queue_room(queue) == QUEUE_ROOM);
    assert_true(admitted > 100);
    // A worker that starts now can start and work.
    struct queue *late = world_worker(&world, redis_server_url(world.server), 0);
    assert_int_equal(drain(late), admitted);
    assert_int_equal(world_admit(&world, queue, "messenger:a", "1", NULL, "x").code, ERR_NONE);
    queue_free(queue);
    queue_free(late);
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    enum { EVENTS = 3000, WINDOW = 200 };
    struct queue *queue = world_worker(&world, redis_server_url(world.server), 0);
    struct admitted *admitted = x_calloc(EVENTS, sizeof(*admitted));
    const char *alias = "1";
    unsigned next = 0, answered = 0;
    bool killed = false;
    while (answered < EVENTS) {
        for (; next < EVENTS && next < answered + WINDOW; next++) {
            char account[32], json[16], key[16];
            snprintf(account, sizeof(account), "messenger:%u", next % 10);
            snprintf(json, sizeof(json), "%u", next);
            snprintf(key, sizeof(key), "m%u", next);
            struct queue_event event = {.account = account,
                                        .aliases = &alias,
                                        .alias_count = 1,
                                        .dedup_key = key,
                                        .json = json};
            queue_admit(queue, &event, 1, on_world_admitted, &admitted[next]);
        }
        world_wait(&world, admitted[answered].called);
        answered++;
        if (answered == EVENTS / 2 && !killed) {
            killed = true;
            redis_server_kill(world.server); // with calls under way
            redis_server_restart(world.server);
        }
    }
    redisFree(world.redis);
    world.redis = redis_server_connect(world.server);

    // Every acknowledged event is there once, each chat's in the order of admission.
    unsigned *times = x_calloc(EVENTS, sizeof(*times));
    long last_of_account[10];
    memset(last_of_account, -1, sizeof(last_of_account));
    for (unsigned shard = 0; shard < 4; shard++) {
        for (;;) {
            struct held held = {0};
            queue_claim(queue, shard, 1, on_world_claimed, &held);
            world_wait(&world, held.called);
            if (held.count == 0)
                break;
            for (size_t i = 0; i < held.entry_count; i++) {
                long n = strtol(held.entries[i], NULL, 10);
                times[n]++;
                assert_true(n > last_of_account[n % 10]);
                last_of_account[n % 10] = n;
            }
            assert_int_equal(world_finish_all(&world, queue, &held), ERR_NONE);
            held_deinit(&held);
        }
    }
    unsigned acknowledged = 0;
    for (unsigned i = 0; i < EVENTS; i++) {
        acknowledged += admitted[i].code == ERR_NONE;
        if (admitted[i].code == ERR_NONE)
            assert_int_equal(times[i], 1);
        else
            assert_true(times[i] <= 1);
    }
    assert_true(acknowledged > EVENTS / 2);
    free(times);
    free(admitted);
    queue_free(queue);
}

static void a_silent_connection_is_replaced_and_calls_are_answered(void **state)
{
    struct queue *queue = world_worker(&world, redis_server_url(world.server), 0);
    assert_int_equal(world_admit(&world, queue, "messenger:a", "1", NULL, "x").code, ERR_NONE);
    redis_server_freeze(world.server);
    struct held held = {0};
    queue_claim(queue, queue_shard_of(queue, "messenger:a"), 1, on_world_claimed, &held);
    world_wait(&world, !queue_is_up(queue)); // after five silent seconds
    redis_server_thaw(world.server);         // the claim of the old connection runs, too
    world_wait(&world, held.called);
    assert_int_equal(held.count, 1);
    assert_int_equal(world_finish_all(&world, queue, &held), ERR_NONE);
    held_deinit(&held);
    queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            above_the_high_water_mark_nothing_is_admitted_and_all_drains, setup_small, teardown),
        cmocka_unit_test_setup_teardown(a_redis_at_its_limit_refuses_admits_and_drains, setup_small,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_was_acknowledged_survives_a_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(a_silent_connection_is_replaced_and_calls_are_answered,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
