// SPDX-License-Identifier: MIT
/*
 * Starting while Redis is away. With a spool whose directory knows the shard count a queue comes
 * up, keeps what it is given, and brings it to Redis later, but never to one that is cut into other
 * shards.
 */

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "spool/spool.h"
#include "test/integration/queue/world.h"

enum { SHARDS = 3, GIVE_UP_MS = 400, START_MOST_MS = 1000, SLOW_MACHINE_MS = 1500 };

static struct world world;
static char directory[64];
static struct spool *spool;
static struct queue *queue;

// As after a restart: the directory says how many shards there are.
static struct spool *spool_open_again(void)
{
    struct err err = {0};
    struct spool_config config = {.directory = directory};
    struct spool *again = spool_open(world.base, &config, &err);
    if (!again)
        fail_msg("spool_open: %s", err.text);
    return again;
}

static struct queue *try_start(const char *url, struct err *err)
{
    struct queue_config config = {
        .url = url, .give_up_ms = GIVE_UP_MS, .name = "test", .spool = spool};
    return queue_new(world.base, &config, err);
}

static void start(void)
{
    struct err err = {0};
    queue = try_start(redis_server_url(world.server), &err);
    if (!queue)
        fail_msg("queue_new: %s", err.text);
}

static void stop(void)
{
    queue_free(queue);
    queue = NULL;
}

static int setup(void **state)
{
    struct err err = {0};
    world_init(&world, SHARDS, NULL);
    snprintf(directory, sizeof(directory), "/tmp/hookmill-queue-offline-XXXXXX");
    assert_non_null(mkdtemp(directory));
    struct spool_config first = {.directory = directory, .shards = SHARDS};
    spool = spool_open(world.base, &first, &err);
    assert_non_null(spool);
    spool_close(spool);
    spool = spool_open_again();
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    return remove(path);
}

static int teardown(void **state)
{
    stop();
    spool_close(spool);
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    world_deinit(&world);
    return 0;
}

static void redis_goes(void)
{
    redis_server_kill(world.server);
    redisFree(world.redis);
    world.redis = NULL;
}

static void redis_comes(void)
{
    redis_server_restart(world.server);
    world.redis = redis_server_connect(world.server);
}

static void store_shards(unsigned shards)
{
    free(world_redis(&world, "SET hm:{config}:shards %u", shards));
}

static const char *const accounts[] = {"messenger:a", "whatsapp:b", "instagram:c", "messenger:d"};
enum { ACCOUNTS = sizeof(accounts) / sizeof(accounts[0]) };

// Each account's chat "1" gets the word. Without a key that `seen before` would know it by.
static void admit_everywhere(const char *json, bool spooled)
{
    for (size_t i = 0; i < ACCOUNTS; i++) {
        struct admitted admitted = world_admit(&world, queue, accounts[i], "1", NULL, json);
        assert_int_equal(admitted.code, ERR_NONE);
        assert_int_equal(admitted.result.spooled, spooled);
        assert_int_equal(admitted.result.admitted, !spooled);
    }
}

static void assert_mailboxes(const char *expected)
{
    for (size_t i = 0; i < ACCOUNTS; i++) {
        redisReply *reply = redisCommand(world.redis, "LRANGE hm:{%02u}:mb:%s:1 0 -1",
                                         queue_shard_of(queue, accounts[i]), accounts[i]);
        assert_non_null(reply);
        struct buf all = {0};
        for (size_t k = 0; k < reply->elements; k++)
            buf_printf(&all, "%s%s", k > 0 ? " " : "", reply->element[k]->str);
        assert_string_equal(all.data ? all.data : "", expected);
        buf_deinit(&all);
        freeReplyObject(reply);
    }
}

static uint64_t events_on_disk(void)
{
    uint64_t sum = 0;
    for (unsigned shard = 0; shard < SHARDS; shard++) {
        struct spool_status status;
        spool_read_status(spool, shard, &status);
        sum += status.events;
    }
    return sum;
}

static bool holds_anything(void)
{
    for (unsigned shard = 0; shard < SHARDS; shard++)
        if (spool_holds(spool, shard))
            return true;
    return false;
}

static void what_came_before_redis_is_there_in_order_and_once(void **state)
{
    redis_goes();
    start();
    assert_false(queue_is_up(queue));
    assert_true(queue_began_away(queue));
    assert_int_equal(queue_shards(queue), SHARDS);
    admit_everywhere("one", true);
    admit_everywhere("two", true);
    assert_int_equal(events_on_disk(), 2 * ACCOUNTS);
    redis_comes();
    world_wait(&world, queue_is_up(queue) && !holds_anything());
    assert_mailboxes("one two");
    admit_everywhere("three", false); // the direct way is open
    assert_mailboxes("one two three");
}

static void a_restart_in_an_outage_goes_on_where_the_last_life_ended(void **state)
{
    start();
    world_wait(&world, queue_is_up(queue));
    admit_everywhere("one", false);
    redis_goes();
    world_wait(&world, !queue_is_up(queue));
    admit_everywhere("two", true);
    stop();
    spool_close(spool);
    spool = spool_open_again();
    start();
    admit_everywhere("three", true);
    redis_comes();
    world_wait(&world, queue_is_up(queue) && !holds_anything());
    assert_mailboxes("one two three");
}

static void a_redis_that_hangs_holds_up_a_start_for_a_second_at_most(void **state)
{
    redis_server_freeze(world.server);
    int64_t start_ms = clock_mono_ms();
    start();
    assert_true(clock_mono_ms() - start_ms <= START_MOST_MS + SLOW_MACHINE_MS);
    admit_everywhere("one", true);
    redis_server_thaw(world.server);
    world_wait(&world, queue_is_up(queue) && !holds_anything());
    assert_mailboxes("one");
}

static void a_start_with_redis_there_goes_by_what_redis_says(void **state)
{
    start();
    assert_false(queue_began_away(queue));
    stop();
    struct err err = {0};
    store_shards(5);
    assert_null(try_start(redis_server_url(world.server), &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.text, "3 shards"));
    redis_server_flush(world.server);
    assert_null(try_start(redis_server_url(world.server), &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.text, "hookmill init"));
}

static void a_redis_with_other_shards_gets_nothing_and_nothing_is_taken_for_it(void **state)
{
    store_shards(5);
    redis_goes();
    start();
    admit_everywhere("one", true);
    redis_comes();
    world_wait(&world, queue_is_foreign(queue));
    struct admitted refused = world_admit(&world, queue, accounts[0], "1", NULL, "two");
    assert_int_equal(refused.code, ERR_UNAVAILABLE);
    struct done raw = {0};
    queue_bury_raw(queue, "app", "no JSON", "x", 1, on_world_done, &raw);
    world_wait(&world, raw.called);
    assert_int_equal(raw.code, ERR_UNAVAILABLE);
    assert_false(queue_is_up(queue));
    assert_int_equal(events_on_disk(), ACCOUNTS);
    assert_true(world_redis_is(&world, "1", "DBSIZE")); // the count, and nothing else

    store_shards(SHARDS); // somebody put it right
    world_wait(&world, queue_is_up(queue) && !holds_anything());
    assert_false(queue_is_foreign(queue));
    assert_mailboxes("one");
    admit_everywhere("three", false);
}

// By the queue: the test itself reads no plain key.
static bool count_was_asked(void)
{
    char *stats = world_redis(&world, "INFO commandstats");
    bool asked = strstr(stats, "cmdstat_get:") != NULL;
    free(stats);
    return asked;
}

static void a_redis_that_knows_of_no_shards_gets_nothing_before_init(void **state)
{
    free(world_redis(&world, "DEL hm:{config}:shards"));
    redis_goes();
    start();
    admit_everywhere("one", true);
    redis_comes();
    world_wait(&world, count_was_asked());
    admit_everywhere("two", true);
    assert_int_equal(events_on_disk(), 2 * ACCOUNTS);
    assert_true(world_redis_is(&world, "0", "DBSIZE"));

    struct err err = {0};
    unsigned shards;
    assert_true(queue_init_shards(redis_server_url(world.server), SHARDS, &shards, &err));
    world_wait(&world, queue_is_up(queue) && !holds_anything());
    assert_mailboxes("one two");
}

static void without_a_spool_there_is_no_start_without_redis(void **state)
{
    redis_goes();
    struct queue_config config = {.url = redis_server_url(world.server), .name = "test"};
    struct err err = {0};
    assert_null(queue_new(world.base, &config, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
}

static void the_first_start_ever_needs_redis(void **state)
{
    struct err err = {0};
    char *other = x_printf("%s/other", directory);
    struct spool_config config = {.directory = other};
    assert_null(spool_open(world.base, &config, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_true(queue_read_shards(redis_server_url(world.server), &config.shards, &err));
    assert_int_equal(config.shards, SHARDS);
    redis_goes();
    assert_false(queue_read_shards(redis_server_url(world.server), &config.shards, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "Redis"));
    free(other);
}

/* --- servers that answer the same to everything ----------------------------------------------- */

struct parrot {
    pid_t pid;
    char url[64];
};

static void parrot_talk(int listener, const char *answer)
{
    char heard[4096];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0)
            _exit(1);
        while (read(client, heard, sizeof(heard)) > 0)
            if (write(client, answer, strlen(answer)) < 0)
                break;
        close(client);
    }
}

static struct parrot parrot_start(const char *answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    struct parrot parrot = {.pid = fork()};
    assert_true(parrot.pid >= 0);
    if (parrot.pid == 0) {
        signal(SIGPIPE, SIG_IGN);
        parrot_talk(listener, answer);
    }
    close(listener);
    snprintf(parrot.url, sizeof(parrot.url), "redis://:secret@127.0.0.1:%d",
             ntohs(address.sin_port));
    return parrot;
}

static void parrot_stop(const struct parrot *parrot)
{
    kill(parrot->pid, SIGKILL);
    waitpid(parrot->pid, NULL, 0);
}

static void what_passes_by_itself_is_waited_for_and_nothing_else(void **state)
{
    static const struct {
        const char *answer;
        enum err_code code; // ERR_NONE: it starts
    } cases[] = {
        {"-LOADING Redis is loading the dataset in memory\r\n", ERR_NONE},
        {"-BUSY Redis is busy running a script\r\n", ERR_NONE},
        {"-MASTERDOWN Link with MASTER is down\r\n", ERR_NONE},
        {"-ERR max number of clients reached\r\n", ERR_NONE},
        {"-WRONGPASS invalid username-password pair or user is disabled.\r\n", ERR_DENIED},
        {"-NOAUTH Authentication required.\r\n", ERR_DENIED},
        {"-NOPERM this user has no permissions\r\n", ERR_DENIED},
        {"-ERR AUTH <password> called without any password configured\r\n", ERR_INTERNAL},
        {"$3\r\n999\r\n", ERR_CONFIG},
        {"$4\r\nmany\r\n", ERR_CONFIG},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct parrot parrot = parrot_start(cases[i].answer);
        struct err err = {0};
        queue = try_start(parrot.url, &err);
        if ((queue != NULL) != (cases[i].code == ERR_NONE) || err.code != cases[i].code)
            print_error("%.*s: %d, %s\n", (int)strcspn(cases[i].answer, "\r"), cases[i].answer,
                        err.code, err.text);
        assert_int_equal(err.code, cases[i].code);
        assert_int_equal(queue != NULL, cases[i].code == ERR_NONE);
        assert_null(strstr(err.text, "secret"));
        stop();
        parrot_stop(&parrot);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_came_before_redis_is_there_in_order_and_once),
        TEST(a_restart_in_an_outage_goes_on_where_the_last_life_ended),
        TEST(a_redis_that_hangs_holds_up_a_start_for_a_second_at_most),
        TEST(a_start_with_redis_there_goes_by_what_redis_says),
        TEST(a_redis_with_other_shards_gets_nothing_and_nothing_is_taken_for_it),
        TEST(a_redis_that_knows_of_no_shards_gets_nothing_before_init),
        TEST(without_a_spool_there_is_no_start_without_redis),
        TEST(the_first_start_ever_needs_redis),
        TEST(what_passes_by_itself_is_waited_for_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
