// SPDX-License-Identifier: MIT
// Admission: order and numbers, duplicates, aliases, lanes, batches over shards, refusals.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/integration/queue/world.h"

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

static void a_shard_count_stays_what_it_first_was(void **state)
{
    unsigned shards = 0;
    struct err err = {0};
    assert_true(queue_init_shards(redis_server_url(world.server), 7, &shards, &err));
    assert_int_equal(shards, 1);
    assert_false(queue_init_shards(redis_server_url(world.server), 0, &shards, &err));
    assert_int_equal(err.code, ERR_CONFIG);
}

static void a_queue_without_init_says_what_to_do(void **state)
{
    struct queue_config config = {.url = redis_server_url(world.server)};
    struct err err = {0};
    redis_server_flush(world.server);
    assert_null(queue_new(world.base, &config, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.text, "hookmill init"));
    redis_server_kill(world.server);
    assert_null(queue_new(world.base, &config, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
}

static void events_are_numbered_in_the_order_of_admission(void **state)
{
    struct queue *queue = world_worker(&world, redis_server_url(world.server), 0);
    const char *alias = "ana";
    struct queue_event events[100];
    char keys[100][16], json[100][16];
    for (int i = 0; i < 100; i++) {
        snprintf(keys[i], sizeof(keys[i]), "m%d", i);
        snprintf(json[i], sizeof(json[i]), "{\"n\":%d}", i);
        events[i] = (struct queue_event){.account = "whatsapp:1",
                                         .aliases = &alias,
                                         .alias_count = 1,
                                         .dedup_key = keys[i],
                                         .timestamp_ms = clock_wall_ms(),
                                         .json = json[i]};
    }
    // Two deliveries in one turn, and a third one that is empty.
    struct admitted first = {0}, second = {0}, empty = {0};
    queue_admit(queue, events, 60, on_world_admitted, &first);
    queue_admit(queue, events + 60, 40, on_world_admitted, &second);
    queue_admit(queue, NULL, 0, on_world_admitted, &empty);
    assert_false(empty.called);
    world_wait(&world, first.called && second.called && empty.called);
    assert_int_equal(first.result.admitted, 60);
    assert_int_equal(second.result.admitted, 40);
    assert_int_equal(empty.code, ERR_NONE);

    // 64 at a time, numbers without a gap (checked for each by on_world_claimed)
    struct held a = world_claim(&world, queue, 1);
    assert_int_equal(a.entry_count, 64);
    for (int i = 0; i < 64; i++)
        assert_string_equal(a.entries[i], json[i]);
    assert_int_equal(world_finish_all(&world, queue, &a), ERR_NONE);
    struct held b = world_claim(&world, queue, 1);
    assert_int_equal(b.done, a.done + 64);
    assert_int_equal(b.entry_count, 36);
    assert_string_equal(b.entries[35], json[99]);
    assert_true(b.epoch > a.epoch);
    assert_int_equal(world_finish_all(&world, queue, &b), ERR_NONE);
    struct held none = world_claim(&world, queue, 1);
    assert_int_equal(none.count, 0);
    held_deinit(&a);
    held_deinit(&b);
    queue_free(queue);
}

static void duplicates_are_refused_and_forgotten_after_eight_days(void **state)
{
    struct queue *queue = world_queue(&world, redis_server_url(world.server), 0);
    struct admitted a = world_admit(&world, queue, "whatsapp:1", "ana", "m1", "1");
    struct admitted b = world_admit(&world, queue, "whatsapp:1", "ana", "m1", "1");
    struct admitted c = world_admit(&world, queue, "whatsapp:2", "ana", "m1", "1");
    struct admitted d = world_admit(&world, queue, "whatsapp:1", "ana", NULL, "1");
    assert_int_equal(a.result.admitted, 1);
    assert_int_equal(b.result.admitted, 0);
    assert_int_equal(b.result.duplicates, 1);
    assert_int_equal(c.result.admitted, 1); // another account's id
    assert_int_equal(d.result.admitted, 1); // not remembered
    assert_true(world_redis_is(&world, "2", "LLEN hm:{00}:mb:whatsapp:1:ana"));

    // A bucket lives for 9 days from its first id, which is 8 days from its last: it is one day's.
    char *ttl = world_redis(&world, "EVAL %s 0",
                            "local k = redis.call('KEYS', 'hm:{00}:seen:*')[1] "
                            "return redis.call('TTL', k)");
    assert_in_range(strtol(ttl, NULL, 10), 9 * 86400 - 30, 9 * 86400);
    free(ttl);
    queue_free(queue);
}

static void a_duplicate_within_one_delivery_is_refused(void **state)
{
    struct queue *queue = world_queue(&world, redis_server_url(world.server), 0);
    const char *alias = "ana";
    struct queue_event event = {.account = "whatsapp:1",
                                .aliases = &alias,
                                .alias_count = 1,
                                .dedup_key = "m1",
                                .json = "1"};
    struct queue_event events[] = {event, event, event};
    struct admitted admitted = {0};
    queue_admit(queue, events, 3, on_world_admitted, &admitted);
    world_wait(&world, admitted.called);
    assert_int_equal(admitted.result.admitted, 1);
    assert_int_equal(admitted.result.duplicates, 2);
    queue_free(queue);
}

static void admit_as(struct queue *queue, const char *first, const char *second, const char *json)
{
    const char *aliases[] = {first, second};
    struct queue_event event = {
        .account = "whatsapp:1", .aliases = aliases, .alias_count = second ? 2 : 1, .json = json};
    struct admitted admitted = {0};
    queue_admit(queue, &event, 1, on_world_admitted, &admitted);
    world_wait(&world, admitted.called);
    assert_int_equal(admitted.result.admitted, 1);
}

static void names_of_one_person_reach_one_chat(void **state)
{
    struct queue *queue = world_queue(&world, redis_server_url(world.server), 0);
    admit_as(queue, "5959", NULL, "phone only");
    assert_true(world_redis_is(&world, "0", "EXISTS hm:{00}:alias:whatsapp:1"));
    admit_as(queue, "5959", "PY.13", "both");
    admit_as(queue, "PY.13", NULL, "business-scoped id only");
    assert_true(world_redis_is(&world, "3", "LLEN hm:{00}:mb:whatsapp:1:5959"));

    // The other way round: the business-scoped id came first.
    admit_as(queue, "PY.77", NULL, "id only");
    admit_as(queue, "6060", "PY.77", "both");
    admit_as(queue, "6060", NULL, "phone only");
    assert_true(world_redis_is(&world, "3", "LLEN hm:{00}:mb:whatsapp:1:PY.77"));
    queue_free(queue);
}

static void of_two_chats_at_rest_the_first_names_stays(void **state)
{
    struct queue *queue = world_queue(&world, redis_server_url(world.server), 0);
    admit_as(queue, "5959", NULL, "1");
    admit_as(queue, "PY.13", NULL, "1");
    admit_as(queue, "5959", "PY.13", "2");
    admit_as(queue, "PY.13", NULL, "3");
    assert_true(world_redis_is(&world, "4", "LLEN hm:{00}:mb:whatsapp:1:5959"));
    assert_true(world_redis_is(&world, "0", "EXISTS hm:{00}:mb:whatsapp:1:PY.13"));
    queue_free(queue);
}

static void receipts_and_nameless_events_travel_the_lane(void **state)
{
    struct queue *queue = world_queue(&world, redis_server_url(world.server), 0);
    const char *alias = "ana";
    struct queue_event events[] = {
        {.account = "whatsapp:1", .aliases = &alias, .alias_count = 1, .lane = true, .json = "1"},
        {.account = "whatsapp:1", .json = "2"},
    };
    struct admitted admitted = {0};
    queue_admit(queue, events, 2, on_world_admitted, &admitted);
    world_wait(&world, admitted.called);
    assert_true(world_redis_is(&world, "2", "LLEN hm:{00}:mb:whatsapp:1:~"));
    assert_true(world_redis_is(&world, "0", "EXISTS hm:{00}:mb:whatsapp:1:ana"));
    queue_free(queue);
}

static void a_wrong_account_key_is_refused_by_name(void **state)
{
    struct queue *queue = world_queue(&world, redis_server_url(world.server), 0);
    static const char *const wrong[] = {"whatsapp", "whatsapp:", ":1", "whatsapp:1:2", ""};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct admitted admitted = world_admit(&world, queue, wrong[i], "ana", NULL, "1");
        assert_int_equal(admitted.code, ERR_INPUT);
    }
    queue_free(queue);
}

static void one_delivery_over_many_shards_is_answered_once(void **state)
{
    redis_server_flush(world.server);
    unsigned shards;
    struct err err = {0};
    assert_true(queue_init_shards(redis_server_url(world.server), 16, &shards, &err));
    struct queue *queue = world_queue(&world, redis_server_url(world.server), 0);
    enum { EVENTS = 2000 };
    struct queue_event *events = x_calloc(EVENTS, sizeof(*events));
    const char *alias = "ana";
    char accounts[EVENTS][24];
    for (int i = 0; i < EVENTS; i++) {
        snprintf(accounts[i], sizeof(accounts[i]), "messenger:%d", i % 100);
        events[i] = (struct queue_event){
            .account = accounts[i], .aliases = &alias, .alias_count = 1, .json = "{}"};
    }
    struct admitted admitted = {0};
    queue_admit(queue, events, EVENTS, on_world_admitted, &admitted);
    world_wait(&world, admitted.called);
    assert_int_equal(admitted.result.admitted, EVENTS);
    struct queue_stats stats;
    assert_true(queue_stats_read(redis_server_url(world.server), &stats, &err));
    assert_int_equal(stats.shards, 16);
    assert_int_equal(stats.mailbox, EVENTS);
    assert_int_equal(stats.admitted, EVENTS);
    assert_int_equal(stats.ready, 100);
    free(events);
    queue_free(queue);
}

static void what_is_under_way_is_cancelled_at_the_end(void **state)
{
    struct queue *queue = world_queue(&world, redis_server_url(world.server), 0);
    struct queue_event event = {.account = "whatsapp:1", .json = "1"};
    struct admitted unsent = {0};
    struct held claim = {0}, second = {0};
    struct done done = {0};
    queue_admit(queue, &event, 1, on_world_admitted, &unsent);
    queue_claim(queue, 0, 1, on_world_claimed, &claim);
    queue_claim(queue, 0, 1, on_world_claimed, &second);
    queue_release(queue, "whatsapp:1:x", on_world_done, &done);
    queue_free(queue);
    assert_int_equal(unsent.code, ERR_CANCELED);
    assert_int_equal(claim.code, ERR_CANCELED);
    assert_int_equal(second.code, ERR_CANCELED);
    assert_int_equal(done.code, ERR_CANCELED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_shard_count_stays_what_it_first_was),
        TEST(a_queue_without_init_says_what_to_do),
        TEST(events_are_numbered_in_the_order_of_admission),
        TEST(duplicates_are_refused_and_forgotten_after_eight_days),
        TEST(a_duplicate_within_one_delivery_is_refused),
        TEST(names_of_one_person_reach_one_chat),
        TEST(of_two_chats_at_rest_the_first_names_stays),
        TEST(receipts_and_nameless_events_travel_the_lane),
        TEST(a_wrong_account_key_is_refused_by_name),
        TEST(one_delivery_over_many_shards_is_answered_once),
        TEST(what_is_under_way_is_cancelled_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
