// SPDX-License-Identifier: MIT
/*
 * What `seen before` costs: at most 32 bytes of Redis's memory per id, at 10^7 ids a day. The ids
 * are admitted the real way, to one account; then the mailbox is deleted, and what is left is what
 * the ids cost.
 *
 * 10^6 ids in one of 10 shards fill that shard's buckets exactly as 10^7 ids fill those of all
 * shards, so that is what is measured by default. `test_queue_memory 10000000` measures all of
 * them, in a single shard; it takes some minutes (22.7 bytes an id, with Redis 7.0.15).
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/integration/queue/world.h"

enum { FULL = 10000000, BYTES_PER_ID = 32, DELIVERY = 500, UNDER_WAY = 20 };

static long ids = FULL / 10;
static struct world world;

static long used_memory(void)
{
    char *info = world_redis(&world, "INFO memory");
    const char *figure = strstr(info, "used_memory:");
    assert_non_null(figure);
    long used = strtol(figure + strlen("used_memory:"), NULL, 10);
    free(info);
    return used;
}

static long admit_ids(struct queue *queue, long first, struct admitted *admitted)
{
    struct queue_event events[DELIVERY];
    char keys[DELIVERY][64];
    for (int i = 0; i < DELIVERY; i++) {
        snprintf(keys[i], sizeof(keys[i]), "wamid.HBgL%010ld", first + i);
        events[i] = (struct queue_event){.account = "whatsapp:1",
                                         .dedup_key = keys[i],
                                         .timestamp_ms = 1790416800000,
                                         .json = "x"};
    }
    queue_admit(queue, events, DELIVERY, on_world_admitted, admitted);
    return first + DELIVERY;
}

static int setup(void **state)
{
    world_init(&world, (unsigned)(FULL / ids), NULL);
    return 0;
}

static int teardown(void **state)
{
    world_deinit(&world);
    return 0;
}

static void an_id_costs_at_most_32_bytes(void **state)
{
    // Patient: on a busy machine each call is a disk's flush.
    struct queue_config config = {.url = redis_server_url(world.server), .give_up_ms = 60000};
    struct err err = {0};
    struct queue *queue = queue_new(world.base, &config, &err);
    assert_non_null(queue);
    struct admitted warm = world_admit(&world, queue, "whatsapp:1", NULL, NULL, "x");
    assert_int_equal(warm.code, ERR_NONE);
    long before = used_memory();

    struct admitted admitted[UNDER_WAY] = {0};
    long sent = 0, done = 0;
    for (; sent < UNDER_WAY * DELIVERY; sent += DELIVERY)
        admit_ids(queue, sent, &admitted[sent / DELIVERY]);
    for (int slot = 0; done < ids; slot = (slot + 1) % UNDER_WAY, done += DELIVERY) {
        world_wait(&world, admitted[slot].called);
        assert_int_equal(admitted[slot].result.admitted, DELIVERY);
        admitted[slot] = (struct admitted){0};
        if (sent < ids)
            sent = admit_ids(queue, sent, &admitted[slot]);
    }
    char key[64];
    snprintf(key, sizeof(key), "hm:{%02u}:mb:whatsapp:1:~", queue_shard_of(queue, "whatsapp:1"));
    assert_true(world_redis_is(&world, "1", "DEL %s", key));
    long cost = used_memory() - before;
    print_message("%ld ids: %.1f bytes each\n", ids, (double)cost / (double)ids);
    assert_true(cost > ids * 16); // less than the hash itself: something was not measured
    assert_true(cost <= ids * BYTES_PER_ID);
    queue_free(queue);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        ids = strtol(argv[1], NULL, 10);
    if (ids < UNDER_WAY * DELIVERY || ids > FULL || FULL % ids != 0)
        return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_id_costs_at_most_32_bytes, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
