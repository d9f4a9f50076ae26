// SPDX-License-Identifier: MIT
// The parts of the queue that need no server: URLs, commands, shards, buckets of `seen before`, the
// embedded scripts.

#include <stdlib.h>
#include <string.h>

#include "queue/internal.h"
#include "test/unit/cmocka_all.h"

static bool same(const char *a, const char *b)
{
    return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static void urls_are_read(void **state)
{
    static const struct {
        const char *text, *host, *path, *user, *password;
        int port, db;
    } cases[] = {
        {"redis://localhost", "localhost", NULL, NULL, NULL, 6379, 0},
        {"redis://127.0.0.1:7001/", "127.0.0.1", NULL, NULL, NULL, 7001, 0},
        {"redis://127.0.0.1:7001/3", "127.0.0.1", NULL, NULL, NULL, 7001, 3},
        {"redis://me:secret@db.example:1/15", "db.example", NULL, "me", "secret", 1, 15},
        {"redis://:secret@h", "h", NULL, NULL, "secret", 6379, 0},
        {"redis://:p%40%3a%2Fss@h", "h", NULL, NULL, "p@:/ss", 6379, 0},
        {"redis://:a@b@h", "h", NULL, NULL, "a@b", 6379, 0},
        {"redis://[::1]:7002/1", "::1", NULL, NULL, NULL, 7002, 1},
        {"redis://[::1]", "::1", NULL, NULL, NULL, 6379, 0},
        {"unix:///run/redis.sock", NULL, "/run/redis.sock", NULL, NULL, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s\n", cases[i].text);
        struct redis_url url;
        struct err err = {0};
        assert_true(redis_url_parse(cases[i].text, &url, &err));
        assert_true(same(url.host, cases[i].host));
        assert_true(same(url.path, cases[i].path));
        assert_true(same(url.user, cases[i].user));
        assert_true(same(url.password, cases[i].password));
        assert_int_equal(url.port, cases[i].port);
        assert_int_equal(url.db, cases[i].db);
        redis_url_deinit(&url);
    }
}

static void wrong_urls_are_refused_without_repeating_them(void **state)
{
    static const char *const cases[] = {
        "",
        "localhost:6379",
        "http://hunter2",
        "rediss://:hunter2@h",
        "redis://",
        "redis://:hunter2@",
        "redis://h:hunter2",
        "redis://h:70000",
        "redis://h:",
        "redis://h/hunter2",
        "redis://h/1/2",
        "redis://hunter2@h", // a user without a password
        "redis://:hunter2%4@h",
        "redis://:hunter2%00@h",
        "redis://[::1",
        "redis://[::1]x",
        "unix://relative",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s\n", cases[i]);
        struct redis_url url;
        struct err err = {0};
        assert_false(redis_url_parse(cases[i], &url, &err));
        assert_int_equal(err.code, ERR_CONFIG);
        assert_non_null(strstr(err.text, "Redis URL"));
        assert_null(strstr(err.text, "hunter2"));
    }
}

static void commands_are_in_redis_protocol_and_binary_safe(void **state)
{
    struct cmd cmd = {0}, tail = {0};
    cmd_add_str(&cmd, "SET");
    cmd_add(&cmd, "a\0b", 3);
    cmd_add_int(&tail, -12);
    cmd_add_str(&tail, NULL);
    cmd_append(&cmd, &tail);
    size_t len;
    char *bytes = cmd_take(&cmd, &len);
    static const char want[] = "*4\r\n$3\r\nSET\r\n$3\r\na\0b\r\n$3\r\n-12\r\n$0\r\n\r\n";
    assert_int_equal(len, sizeof(want) - 1);
    assert_memory_equal(bytes, want, len);
    free(bytes);
}

static void a_chat_is_in_the_shard_of_its_account(void **state)
{
    struct queue queue = {.shard_count = 16};
    unsigned shard = 99;
    assert_true(shard_of_key(&queue, "whatsapp:1:x:y", &shard));
    assert_int_equal(shard, shard_of_account("whatsapp:1", 16));
    assert_true(shard_of_key(&queue, "whatsapp:1", &shard));
    assert_false(shard_of_key(&queue, "whatsapp", &shard));
    assert_false(shard_of_key(&queue, "whatsapp:", &shard));
    assert_false(shard_of_key(&queue, ":1", &shard));
    assert_false(shard_of_key(&queue, "whatsapp::x", &shard));
}

static void the_bucket_of_an_id_is_named_by_its_day(void **state)
{
    struct queue queue = {.shard_count = 16};
    char a[48], b[48];
    uint8_t hash_a[16], hash_b[16];
    admit_seen(&queue, "whatsapp:1", "wamid.1", 20000LL * 86400000, a, hash_a);
    admit_seen(&queue, "whatsapp:1", "wamid.1", 20000LL * 86400000 + 86399999, b, hash_b);
    assert_string_equal(a, b);
    assert_memory_equal(hash_a, hash_b, 16);
    assert_memory_equal(a, "20000:", 6);
    admit_seen(&queue, "whatsapp:1", "wamid.1", 20001LL * 86400000, b, hash_b);
    assert_memory_equal(b, "20001:", 6);
    admit_seen(&queue, "whatsapp:2", "wamid.1", 20000LL * 86400000, b, hash_b);
    assert_memory_not_equal(hash_a, hash_b, 16);
}

static void buckets_of_all_shards_are_65536_a_day(void **state)
{
    struct queue queue = {.shard_count = 16};
    unsigned most = 0;
    for (int i = 0; i < 100000; i++) {
        char key[32], bucket[48];
        uint8_t hash[16];
        snprintf(key, sizeof(key), "m%d", i);
        admit_seen(&queue, "messenger:1", key, 0, bucket, hash);
        unsigned n = (unsigned)strtoul(strchr(bucket, ':') + 1, NULL, 16);
        most = n > most ? n : most;
    }
    assert_int_equal(most, 65536 / 16 - 1);
}

static void scripts_are_embedded_whole(void **state)
{
    for (int i = 0; i < SCRIPT_COUNT; i++) {
        print_message("%s\n", script_table[i].name);
        const char *source = script_table[i].source;
        assert_memory_equal(source, "#!lua", 5);
        bool ingress = i == SCRIPT_ADMIT || i == SCRIPT_BURY || i == SCRIPT_RETRY;
        bool allows_oom = strncmp(source, "#!lua flags=allow-oom\n", 22) == 0;
        assert_int_equal(allows_oom, !ingress);
        assert_non_null(strstr(source, "local s = KEYS[1]"));
        assert_non_null(strstr(source, "rriving twice"));
    }
}

static void errors_of_redis_become_ours(void **state)
{
    static const struct {
        const char *text;
        enum err_code code;
        bool passes;
    } cases[] = {
        {"STALE x", ERR_CONFLICT, false},
        {"OOM command not allowed", ERR_UNAVAILABLE, false},
        {"LOADING Redis is loading", ERR_UNAVAILABLE, true},
        {"NOSCRIPT No matching script", ERR_INTERNAL, true},
        {"BADARG x", ERR_INPUT, false},
        {"NOPERM x", ERR_DENIED, true},
        {"NOREPLICAS Not enough good replicas", ERR_INTERNAL, true},
        {"ERR whatever", ERR_INTERNAL, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = {0};
        reply_error(cases[i].text, &err);
        assert_int_equal(err.code, cases[i].code);
        assert_int_equal(reply_error_passes(cases[i].text), cases[i].passes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_read),
        cmocka_unit_test(wrong_urls_are_refused_without_repeating_them),
        cmocka_unit_test(commands_are_in_redis_protocol_and_binary_safe),
        cmocka_unit_test(a_chat_is_in_the_shard_of_its_account),
        cmocka_unit_test(the_bucket_of_an_id_is_named_by_its_day),
        cmocka_unit_test(buckets_of_all_shards_are_65536_a_day),
        cmocka_unit_test(scripts_are_embedded_whole),
        cmocka_unit_test(errors_of_redis_become_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
