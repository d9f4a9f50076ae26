// SPDX-License-Identifier: MIT
/*
 * Admits with a spool behind them, while Redis is killed, frozen, cut off and started again: each
 * one that was answered without an error is in Redis exactly once in the end, in order. The events
 * have no key that `seen before` would know them by, so nothing but the calls' numbers keeps one
 * from being there twice.
 */

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/buf.h"
#include "spool/spool.h"
#include "test/integration/queue/proxy.h"
#include "test/integration/queue/world.h"

enum { GIVE_UP_MS = 400, ANSWER_MS = 15000, SOON_MS = 1000 };

// One listener process's part.
struct side {
    struct spool *spool;
    struct queue *queue;
};

static struct world world;
static char directory[64];
static struct side a, b;

static struct side side_open_with(const char *url, uint64_t max_bytes, int64_t answer_ms)
{
    struct err err = {0};
    struct spool_config spool_config = {
        .directory = directory, .shards = 1, .max_bytes = max_bytes};
    struct side side = {.spool = spool_open(world.base, &spool_config, &err)};
    if (!side.spool)
        fail_msg("spool_open: %s", err.text);
    struct queue_config config = {.url = url,
                                  .give_up_ms = GIVE_UP_MS,
                                  .answer_ms = answer_ms,
                                  .name = "test",
                                  .spool = side.spool};
    side.queue = queue_new(world.base, &config, &err);
    if (!side.queue)
        fail_msg("queue_new: %s", err.text);
    world_wait(&world, queue_is_up(side.queue));
    return side;
}

static struct side side_open(const char *url, uint64_t max_bytes)
{
    return side_open_with(url, max_bytes, ANSWER_MS);
}

static void side_close(struct side *side)
{
    queue_free(side->queue);
    spool_close(side->spool);
    *side = (struct side){0};
}

static int setup(void **state)
{
    world_init(&world, 1, NULL);
    snprintf(directory, sizeof(directory), "/tmp/hookmill-queue-spool-XXXXXX");
    assert_non_null(mkdtemp(directory));
    a = side_open(redis_server_url(world.server), 0);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    return remove(path);
}

static int teardown(void **state)
{
    side_close(&a);
    side_close(&b);
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    world_deinit(&world);
    return 0;
}

static void kill_redis(void)
{
    redis_server_kill(world.server);
    redisFree(world.redis);
    world.redis = NULL;
    world_wait(&world, !queue_is_up(a.queue));
}

static void restart_redis(void)
{
    redis_server_restart(world.server);
    world.redis = redis_server_connect(world.server);
}

static struct admitted admit(struct side *side, const char *alias, const char *json)
{
    return world_admit(&world, side->queue, "messenger:a", alias, NULL, json);
}

// What is in the chat's mailbox, with blanks between.
static void assert_mailbox(const char *alias, const char *expected)
{
    redisReply *reply = redisCommand(world.redis, "LRANGE hm:{00}:mb:messenger:a:%s 0 -1", alias);
    assert_non_null(reply);
    struct buf all = {0};
    for (size_t i = 0; i < reply->elements; i++)
        buf_printf(&all, "%s%s", i > 0 ? " " : "", reply->element[i]->str);
    assert_string_equal(all.data ? all.data : "", expected);
    buf_deinit(&all);
    freeReplyObject(reply);
}

static void drained(struct side *side)
{
    world_wait(&world, !spool_holds(side->spool, 0));
}

static void with_redis_away_events_wait_on_disk_and_come_in_order(void **state)
{
    assert_int_equal(admit(&a, "1", "one").result.admitted, 1);
    kill_redis();
    for (int i = 0; i < 3; i++) {
        static const char *const words[] = {"two", "three", "four"};
        struct admitted admitted = admit(&a, "1", words[i]);
        assert_int_equal(admitted.code, ERR_NONE);
        assert_int_equal(admitted.result.spooled, 1);
        assert_int_equal(admitted.result.admitted, 0);
    }
    struct spool_status status;
    spool_read_status(a.spool, 0, &status);
    assert_int_equal(status.events, 3);
    restart_redis();
    drained(&a);
    assert_mailbox("1", "one two three four");
    assert_int_equal(admit(&a, "1", "five").result.admitted, 1); // the direct way is open again
    assert_mailbox("1", "one two three four five");
}

static void a_call_that_redis_is_slow_to_answer_is_on_disk_and_once_in_redis(void **state)
{
    redis_server_freeze(world.server);
    int64_t start_ms = clock_mono_ms();
    assert_int_equal(admit(&a, "1", "one").result.spooled, 1);
    assert_true(clock_mono_ms() - start_ms >= GIVE_UP_MS);
    start_ms = clock_mono_ms();
    assert_int_equal(admit(&a, "1", "two").result.spooled, 1); // at once: it is behind the first
    assert_true(clock_mono_ms() - start_ms < GIVE_UP_MS);
    redis_server_thaw(world.server); // and runs the call that it had all the time
    drained(&a);
    assert_mailbox("1", "one two");
}

static void a_call_whose_answer_was_lost_is_not_done_twice(void **state)
{
    struct proxy *proxy = proxy_new(redis_server_port(world.server));
    b = side_open(proxy_url(proxy), 0);
    const char *alias = "1";
    struct queue_event event = {
        .account = "messenger:a", .aliases = &alias, .alias_count = 1, .json = "one"};
    struct admitted first = {0}, second = {0};
    proxy_swallow(proxy);
    queue_admit(b.queue, &event, 1, on_world_admitted, &first);
    world_wait(&world, world_redis_is(&world, "1", "LLEN hm:{00}:mb:messenger:a:1"));
    event.json = "two";
    queue_admit(b.queue, &event, 1, on_world_admitted, &second);
    proxy_cut(proxy);
    world_wait(&world, first.called && second.called);
    assert_int_equal(first.result.spooled, 1);
    assert_int_equal(second.code, ERR_NONE);
    drained(&b); // by either side
    world_wait(&world, world_redis_is(&world, "2", "LLEN hm:{00}:mb:messenger:a:1"));
    assert_mailbox("1", "one two");
    side_close(&b);
    proxy_free(proxy);
}

static void a_connection_that_owes_an_answer_is_given_no_more(void **state)
{
    struct proxy *proxy = proxy_new(redis_server_port(world.server));
    b = side_open(proxy_url(proxy), 0);
    proxy_swallow(proxy);
    assert_int_equal(admit(&b, "1", "one").result.spooled, 1);
    drained(&a); // by the other side, whose answers come
    assert_true(queue_is_up(b.queue));
    int64_t start_ms = clock_mono_ms();
    assert_int_equal(admit(&b, "1", "two").result.spooled, 1); // at once
    assert_true(clock_mono_ms() - start_ms < GIVE_UP_MS);
    proxy_cut(proxy);
    drained(&a);
    world_wait(&world, queue_is_up(b.queue) &&
                           world_redis_is(&world, "2", "LLEN hm:{00}:mb:messenger:a:1"));
    assert_mailbox("1", "one two");
    side_close(&b);
    proxy_free(proxy);
}

static void what_another_process_has_spooled_goes_first(void **state)
{
    b = side_open(redis_server_url(world.server), 0);
    kill_redis();
    assert_int_equal(admit(&a, "1", "one").result.spooled, 1);
    side_close(&a); // it is gone; what it spooled is not
    restart_redis();
    world_wait(&world, queue_is_up(b.queue));
    struct admitted second = admit(&b, "1", "two");
    assert_int_equal(second.result.admitted + second.result.spooled, 1);
    drained(&b);
    assert_mailbox("1", "one two");
}

static void a_full_spool_refuses(void **state)
{
    side_close(&a);
    a = side_open(redis_server_url(world.server), 1 << 16);
    kill_redis();
    char body[4000];
    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    unsigned kept = 0;
    while (admit(&a, "1", body).code == ERR_NONE)
        kept++;
    assert_true(kept >= 10 && kept <= 16);
    restart_redis();
    drained(&a);
    world_wait(&world, queue_is_up(a.queue));
    assert_int_equal(admit(&a, "1", "x").result.admitted, 1);
    char expected[16];
    snprintf(expected, sizeof(expected), "%u", kept + 1);
    assert_true(world_redis_is(&world, expected, "LLEN hm:{00}:mb:messenger:a:1"));
}

static void a_record_that_is_no_admit_is_set_aside_and_holds_up_nothing(void **state)
{
    kill_redis();
    struct done done = {0};
    spool_append(a.spool, 0, "*1\r\n$4\r\nPING\r\n", 14, 1, on_world_done, &done);
    world_wait(&world, done.called);
    assert_int_equal(admit(&a, "1", "one").result.spooled, 1);
    restart_redis();
    drained(&a);
    assert_mailbox("1", "one");
    struct spool_status status;
    spool_read_status(a.spool, 0, &status);
    assert_int_equal(status.torn, 1);
}

static void a_queue_that_closes_leaves_what_it_has_on_disk(void **state)
{
    redis_server_freeze(world.server);
    const char *alias = "1";
    struct queue_event event = {
        .account = "messenger:a", .aliases = &alias, .alias_count = 1, .json = "one"};
    struct admitted sent = {0}, collected = {0};
    queue_admit(a.queue, &event, 1, on_world_admitted, &sent);
    event_base_loop(world.base, EVLOOP_ONCE);
    event.json = "two";
    queue_admit(a.queue, &event, 1, on_world_admitted, &collected);
    side_close(&a);
    assert_int_equal(sent.code, ERR_CANCELED);
    assert_int_equal(collected.code, ERR_CANCELED);
    redis_server_thaw(world.server);
    a = side_open(redis_server_url(world.server), 0);
    drained(&a);
    assert_mailbox("1", "one two");
}

static void whatever_hangs_an_admit_is_answered_in_time(void **state)
{
    side_close(&a);
    a = side_open_with(redis_server_url(world.server), 0, SOON_MS);
    redis_server_freeze(world.server);
    char *path = x_printf("%s/00/append.lock", directory);
    int disk = open(path, O_RDWR);
    assert_int_equal(flock(disk, LOCK_EX),
                     0); // a disk that does not answer, for the spool's thread
    int64_t start_ms = clock_mono_ms();
    struct admitted admitted = admit(&a, "1", "one");
    assert_int_equal(admitted.code, ERR_UNAVAILABLE);
    assert_true(clock_mono_ms() - start_ms >= SOON_MS);
    assert_true(clock_mono_ms() - start_ms < 3 * SOON_MS);
    close(disk);
    free(path);
    assert_int_equal(admit(&a, "1", "two").result.spooled, 1);
    redis_server_thaw(world.server);
    drained(&a);
    assert_mailbox("1", "one two"); // the first one was kept in the end: a repeat would be known
}

struct heard {
    unsigned spooled, events, calls;
    char account[32];
};

static void on_spool(void *arg, const char *account, unsigned events, bool drained)
{
    struct heard *heard = arg;
    if (!drained) {
        heard->spooled += events;
        return;
    }
    heard->calls++;
    heard->events += events;
    snprintf(heard->account, sizeof(heard->account), "%s", account);
}

static void draining_tells_whose_events_came(void **state)
{
    struct heard heard = {0};
    queue_watch_spool(a.queue, on_spool, &heard);
    kill_redis();
    const char *names[] = {"1", "one-more-name"};
    struct queue_event events[] = {
        {.account = "messenger:a", .aliases = names, .alias_count = 2, .json = "one"},
        {.account = "messenger:a", .aliases = names, .alias_count = 1, .json = "two"},
        {.account = "whatsapp:b", .aliases = names, .alias_count = 2, .json = "three"},
    };
    struct admitted admitted = {0};
    queue_admit(a.queue, events, 3, on_world_admitted, &admitted);
    world_wait(&world, admitted.called);
    assert_int_equal(admitted.result.spooled, 3);
    restart_redis();
    drained(&a);
    assert_int_equal(heard.spooled, 3);
    assert_int_equal(heard.calls, 2);
    assert_int_equal(heard.events, 3);
    assert_string_equal(heard.account, "whatsapp:b");
}

static void a_spool_of_another_count_of_shards_is_refused(void **state)
{
    struct err err = {0};
    char *other = x_printf("%s/other", directory);
    struct spool_config spool_config = {.directory = other, .shards = 3};
    struct spool *spool = spool_open(world.base, &spool_config, &err);
    assert_non_null(spool);
    struct queue_config config = {.url = redis_server_url(world.server), .spool = spool};
    assert_null(queue_new(world.base, &config, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.text, "3 shards"));
    spool_close(spool);
    free(other);
}

/* --- everything at once ----------------------------------------------------------------------- */

enum { CHATS = 5, ROUNDS = 24, EACH_ROUND = 120 };

struct load {
    struct side *side;
    char chat; // first letter of its chats
    unsigned next, answered, refused, spooled;
    enum err_code *codes; // by number; ERR_CANCELED = no answer yet
};

struct asked {
    struct load *load;
    unsigned number;
};

static void on_loaded(void *arg, const struct queue_admitted *result, const struct err *err)
{
    struct asked *asked = arg;
    struct load *load = asked->load;
    assert_int_equal(load->codes[asked->number], ERR_CANCELED);
    load->codes[asked->number] = err ? err->code : ERR_NONE;
    load->answered++;
    load->refused += err != NULL;
    load->spooled += result ? result->spooled : 0;
    free(asked);
}

static void load_one(struct load *load)
{
    char name[16], json[16];
    const char *alias = name;
    struct asked *asked = x_alloc(sizeof(*asked));
    *asked = (struct asked){load, load->next++};
    snprintf(name, sizeof(name), "%c%u", load->chat, asked->number % CHATS);
    snprintf(json, sizeof(json), "%u", asked->number);
    struct queue_event event = {
        .account = "messenger:a", .aliases = &alias, .alias_count = 1, .json = json};
    load->codes[asked->number] = ERR_CANCELED;
    queue_admit(load->side->queue, &event, 1, on_loaded, asked);
}

static void check_load(const struct load *load)
{
    unsigned *times = x_calloc(load->next, sizeof(*times));
    for (unsigned chat = 0; chat < CHATS; chat++) {
        char name[16];
        snprintf(name, sizeof(name), "%c%u", load->chat, chat);
        redisReply *reply =
            redisCommand(world.redis, "LRANGE hm:{00}:mb:messenger:a:%s 0 -1", name);
        if (!reply) {
            fail_msg("Redis: %s", world.redis->errstr);
            break;
        }
        long last = -1;
        for (size_t i = 0; i < reply->elements; i++) {
            long number = strtol(reply->element[i]->str, NULL, 10);
            if (number <= last)
                fail_msg("chat %c%u: %ld came after %ld", load->chat, chat, number, last);
            last = number;
            times[number]++;
        }
        freeReplyObject(reply);
    }
    for (unsigned i = 0; i < load->next; i++)
        if (load->codes[i] == ERR_NONE ? times[i] != 1 : times[i] > 1)
            fail_msg("event %u of %c is there %u times; code %d", i, load->chat, times[i],
                     load->codes[i]);
    free(times);
}

static void disturb(struct proxy *proxy, int what)
{
    switch (what) {
    case 0:
        redis_server_kill(world.server);
        break;
    case 1:
        redis_server_freeze(world.server);
        break;
    case 2:
        proxy_swallow(proxy);
        break;
    default:
        proxy_cut(proxy);
    }
}

static void mend(int what)
{
    if (what == 0) {
        redisFree(world.redis);
        restart_redis();
    } else if (what == 1) {
        redis_server_thaw(world.server);
    }
}

static void whatever_happens_to_redis_each_good_answer_is_there_once_and_in_order(void **state)
{
    struct proxy *proxy = proxy_new(redis_server_port(world.server));
    b = side_open(proxy_url(proxy), 0);
    struct load loads[2] = {{.side = &a, .chat = 'x'}, {.side = &b, .chat = 'y'}};
    for (int i = 0; i < 2; i++)
        loads[i].codes = x_calloc(ROUNDS * EACH_ROUND, sizeof(*loads[i].codes));
    srand((unsigned)getpid());
    for (int round = 0; round < ROUNDS; round++) {
        int what = rand() % 4, at = rand() % EACH_ROUND;
        int back = at + rand() % EACH_ROUND;
        for (int i = 0; i < EACH_ROUND; i++) {
            if (i == at)
                disturb(proxy, what);
            if (i == back)
                mend(what);
            load_one(&loads[0]);
            load_one(&loads[1]);
            if (i % 4 == 0)
                event_base_loop(world.base, EVLOOP_NONBLOCK);
        }
        if (back >= EACH_ROUND)
            mend(what);
        if (what == 2)
            proxy_cut(proxy);
        if (round % 3 != 0 && round != ROUNDS - 1)
            continue; // the next one finds this one's trouble still there
        world_wait(&world,
                   loads[0].answered == loads[0].next && loads[1].answered == loads[1].next);
        world_wait(&world,
                   !spool_holds(a.spool, 0) && queue_is_up(a.queue) && queue_is_up(b.queue));
    }
    for (int i = 0; i < 2; i++) {
        print_message("%c: %u answered, %u by the disk, %u refused\n", loads[i].chat,
                      loads[i].answered, loads[i].spooled, loads[i].refused);
        assert_int_equal(loads[i].refused, 0);
        assert_true(loads[i].spooled > 0);
        check_load(&loads[i]);
        free(loads[i].codes);
    }
    struct spool_status status;
    spool_read_status(a.spool, 0, &status);
    assert_int_equal(status.torn, 0);
    side_close(&b);
    proxy_free(proxy);
}

/* --- load that does not end ------------------------------------------------------------------- */

enum { ASKERS = 64 };

struct flood {
    struct side *side;
    unsigned number, answered, refused;
    bool ends;
};

static void flood_one(struct flood *flood);

static void on_flooded(void *arg, const struct queue_admitted *result, const struct err *err)
{
    struct flood *flood = arg;
    flood->answered++;
    flood->refused += err != NULL;
    if (!flood->ends)
        flood_one(flood);
}

static void flood_one(struct flood *flood)
{
    char name[16];
    const char *alias = name;
    snprintf(name, sizeof(name), "%u", flood->number++ % 1000);
    struct queue_event event = {
        .account = "messenger:a", .aliases = &alias, .alias_count = 1, .json = "flood"};
    queue_admit(flood->side->queue, &event, 1, on_flooded, flood);
}

static void the_spool_becomes_empty_while_load_goes_on(void **state)
{
    b = side_open(redis_server_url(world.server), 0);
    struct flood floods[2] = {{.side = &a}, {.side = &b}};
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < ASKERS; k++)
            flood_one(&floods[i]);
    kill_redis();
    struct spool_status status = {0};
    for (int i = 0; i < 2; i++) {
        unsigned before = floods[i].answered;
        world_wait(&world, floods[i].answered >= before + 20 * ASKERS);
    }
    spool_read_status(a.spool, 0, &status);
    assert_true(status.events > 20 * ASKERS);
    restart_redis();
    world_wait(&world, queue_is_up(a.queue) && queue_is_up(b.queue));
    drained(&a);
    for (int i = 0; i < 2; i++) {
        floods[i].ends = true;
        world_wait(&world, floods[i].answered == floods[i].number);
        assert_int_equal(floods[i].refused, 0);
    }
    drained(&a);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(with_redis_away_events_wait_on_disk_and_come_in_order),
        TEST(a_call_that_redis_is_slow_to_answer_is_on_disk_and_once_in_redis),
        TEST(a_call_whose_answer_was_lost_is_not_done_twice),
        TEST(a_connection_that_owes_an_answer_is_given_no_more),
        TEST(what_another_process_has_spooled_goes_first),
        TEST(a_full_spool_refuses),
        TEST(a_record_that_is_no_admit_is_set_aside_and_holds_up_nothing),
        TEST(a_queue_that_closes_leaves_what_it_has_on_disk),
        TEST(whatever_hangs_an_admit_is_answered_in_time),
        TEST(draining_tells_whose_events_came),
        TEST(a_spool_of_another_count_of_shards_is_refused),
        TEST(the_spool_becomes_empty_while_load_goes_on),
        TEST(whatever_happens_to_redis_each_good_answer_is_there_once_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
