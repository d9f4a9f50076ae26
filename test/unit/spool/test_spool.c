// SPDX-License-Identifier: MIT
// The disk spool with real files: order, bounds, two processes, broken bytes, lost files.

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "test/unit/spool/fixture.h"

#define FIRST "00/00000001" // the first segment of shard 0

static struct spool_status status_of(struct fixture *f, unsigned shard)
{
    struct spool_status status;
    spool_read_status(f->spool, shard, &status);
    return status;
}

static unsigned files_in(struct fixture *f, const char *path)
{
    char *whole = x_printf("%s/%s", f->directory, path);
    DIR *dir = opendir(whole);
    unsigned count = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
    if (dir)
        closedir(dir);
    free(whole);
    return count;
}

static void append_three(struct fixture *f)
{
    assert_int_equal(append(f, 0, "one"), ERR_NONE);
    assert_int_equal(append(f, 0, "two"), ERR_NONE);
    assert_int_equal(append(f, 0, "three"), ERR_NONE);
}

static void records_come_out_in_the_order_in_which_they_went_in(void **state)
{
    struct fixture *f = *state;
    fixture_open(f, 4, 0);
    append_three(f);
    assert_int_equal(append(f, 3, "elsewhere"), ERR_NONE);
    assert_drains(f, 0, "one two three ");
    assert_drains(f, 0, "");
    assert_drains(f, 3, "elsewhere ");
    assert_int_equal(file_size(f, FIRST), -1); // drained: gone
}

static void a_record_stays_until_the_caller_says_that_it_is_drained(void **state)
{
    struct fixture *f = *state;
    fixture_open(f, 1, 0);
    append_three(f);
    for (int i = 0; i < 3; i++) {
        char *text = next_record(f, f->spool, 0);
        assert_string_equal(text, "one");
        free(text);
    }
    spool_drained(f->spool, 0);
    fixture_close(f);
    fixture_open(f, 1, 0);
    assert_true(spool_holds(f->spool, 0));
    struct spool_status status = status_of(f, 0);
    assert_int_equal(status.records, 2);
    assert_int_equal(status.events, 2);
    assert_true(status.bytes > strlen("twothree"));
    assert_true(status.oldest_ms > clock_wall_ms() - 60000);
    assert_drains(f, 0, "two three ");
    assert_int_equal(status_of(f, 0).records, 0);
    assert_int_equal(status_of(f, 0).oldest_ms, 0);
}

static void what_is_handed_in_together_is_told_in_order(void **state)
{
    enum { COUNT = 5000 };
    struct fixture *f = *state;
    fixture_open(f, 2, 0);
    struct done *done = x_calloc(COUNT, sizeof(*done));
    struct buf expected = {0};
    for (int i = 0; i < COUNT; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        buf_printf(&expected, "%d ", i);
        spool_append(f->spool, 1, text, strlen(text), 1, on_done, &done[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        wait_for(f, done[i].called);
        assert_int_equal(done[i].code, ERR_NONE);
    }
    assert_int_equal(status_of(f, 1).records, COUNT);
    assert_drains(f, 1, expected.data);
    buf_deinit(&expected);
    free(done);
}

static void closing_writes_what_was_handed_in(void **state)
{
    struct fixture *f = *state;
    fixture_open(f, 1, 0);
    struct done done = {0};
    spool_append(f->spool, 0, "last", 4, 1, on_done, &done);
    fixture_close(f);
    assert_true(done.called);
    assert_int_equal(done.code, ERR_NONE);
    fixture_open(f, 1, 0);
    assert_drains(f, 0, "last ");
}

static void a_directory_belongs_to_one_count_of_shards(void **state)
{
    struct fixture *f = *state;
    fixture_open(f, 4, 0);
    fixture_close(f);
    struct spool_config config = {.directory = f->directory, .shards = 8};
    struct err err = {0};
    assert_null(spool_open(f->base, &config, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.text, "4 shards"));
    config.shards = 0; // its own
    f->spool = spool_open(f->base, &config, &err);
    assert_int_equal(spool_shards(f->spool), 4);
}

static void a_directory_that_cannot_be_made_is_named(void **state)
{
    struct fixture *f = *state;
    struct spool_config config = {.directory = "/proc/nowhere/spool", .shards = 1};
    struct err err = {0};
    assert_null(spool_open(f->base, &config, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.text, "/proc/nowhere/spool"));
}

static void segments_follow_each_other_and_go_when_drained(void **state)
{
    enum { COUNT = 400, SIZE = 1000 };
    struct fixture *f = *state;
    fixture_open(f, 1, 1 << 20); // segments of 64 KiB
    char text[SIZE + 1];
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof(text), "%0*d", SIZE, i);
        assert_int_equal(append(f, 0, text), ERR_NONE);
    }
    unsigned most = files_in(f, "00");
    assert_true(most >= 6);
    for (int i = 0; i < COUNT; i++) {
        char *got = next_record(f, f->spool, 0);
        assert_int_equal(strtol(got, NULL, 10), i);
        free(got);
        spool_drained(f->spool, 0);
        if (i == COUNT / 2)
            wait_for(f, files_in(f, "00") < most);
    }
    wait_for(f, !spool_holds(f->spool, 0));
    wait_for(f, files_in(f, "00") == 0);
}

static void a_full_spool_refuses_and_takes_again_when_it_was_drained(void **state)
{
    struct fixture *f = *state;
    fixture_open(f, 2, 256 << 10);
    char *text = x_alloc(10001);
    memset(text, 'x', 10000);
    unsigned kept = 0;
    while (append(f, kept % 2, text) == ERR_NONE)
        kept++;
    assert_true(kept >= 20 && kept <= 26);
    assert_false(spool_has_room(f->spool));
    assert_int_equal(append(f, 0, text), ERR_UNAVAILABLE);
    free(drain_all(f, 0));
    assert_int_equal(append(f, 1, text), ERR_NONE);
    assert_true(spool_has_room(f->spool));
    free(text);
}

static void one_process_drains_and_the_other_one_after_it(void **state)
{
    struct fixture *f = *state;
    fixture_open(f, 1, 0);
    struct spool *other = open_spool(f, 1, 0);
    append_three(f);
    assert_true(spool_holds(other, 0)); // seen by every process at once
    char *text = next_record(f, f->spool, 0);
    assert_string_equal(text, "one");
    free(text);
    text = next_record(f, other, 0);
    assert_string_equal(text, ""); // not its turn
    free(text);
    spool_drained(f->spool, 0);
    spool_leave(f->spool, 0);
    struct done done = {0};
    spool_append(other, 0, "four", 4, 1, on_done, &done);
    wait_for(f, done.called);
    struct spool *mine = f->spool;
    f->spool = other;
    char *all = NULL;
    do { // until the first one has let go
        free(all);
        all = drain_all(f, 0);
    } while (*all == '\0');
    assert_string_equal(all, "two three four ");
    free(all);
    assert_false(spool_holds(mine, 0));
    f->spool = mine;
    spool_close(other);
}

static void both_processes_append_and_no_record_is_in_the_way_of_another(void **state)
{
    enum { EACH = 300 };
    struct fixture *f = *state;
    fixture_open(f, 1, 1 << 20);
    struct spool *other = open_spool(f, 1, 1 << 20);
    struct done done[2][EACH] = {0};
    for (int i = 0; i < EACH; i++) {
        char text[200];
        snprintf(text, sizeof(text), "a%0150d", i);
        spool_append(f->spool, 0, text, strlen(text), 1, on_done, &done[0][i]);
        text[0] = 'b';
        spool_append(other, 0, text, strlen(text), 1, on_done, &done[1][i]);
        if (i % 10 == 0)
            wait_for(f, done[0][i].called && done[1][i].called);
    }
    wait_for(f, done[0][EACH - 1].called && done[1][EACH - 1].called);
    int last[2] = {-1, -1};
    for (int i = 0; i < 2 * EACH; i++) {
        char *text = next_record(f, f->spool, 0);
        int who = text[0] - 'a';
        assert_int_equal(strtol(text + 1, NULL, 10), ++last[who]);
        free(text);
        spool_drained(f->spool, 0);
    }
    assert_drains(f, 0, "");
    spool_close(other);
}

/* --- broken things ---------------------------------------------------------------------------- */

static unsigned bad_count;
static void on_bad(void *arg, const char *where, const char *what)
{
    assert_non_null(strstr(where, "00000001"));
    bad_count++;
}

static uint64_t verify(struct fixture *f)
{
    uint64_t records = 0;
    struct err err = {0};
    bad_count = 0;
    assert_true(spool_verify(f->directory, on_bad, NULL, &records, &err));
    return records;
}

static void a_flipped_byte_costs_its_record_and_no_other(void **state)
{
    static const struct {
        const char *where; // a text in the segment
        long off;          // from there
        const char *left;
    } cases[] = {
        {"one", 1, "two three "},   {"two", 1, "one three "},   {"three", 4, "one two "},
        {"two", -56, "one three "}, {"two", -50, "one three "}, {"two", -1, "one three "},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s%+ld\n", cases[i].where, cases[i].off);
        fixture_open(f, 1, 0);
        uint64_t torn = status_of(f, 0).torn;
        append_three(f);
        fixture_close(f);
        char segment[32]; // a shard that was emptied goes on in the next one: twice a round
        snprintf(segment, sizeof(segment), "00/%08zu", 2 * i + 1);
        file_flip(f, segment, file_find(f, segment, cases[i].where) + cases[i].off);
        fixture_open(f, 1, 0);
        assert_drains(f, 0, cases[i].left);
        assert_int_equal(status_of(f, 0).torn, torn + 1);
        assert_int_equal(files_in(f, "00/torn"), i + 1);
        assert_int_equal(append(f, 0, "later"), ERR_NONE);
        assert_drains(f, 0, "later ");
        fixture_close(f);
    }
}

static void verify_names_what_is_broken_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    fixture_open(f, 1, 0);
    append_three(f);
    fixture_close(f);
    assert_int_equal(verify(f), 3);
    assert_int_equal(bad_count, 0);
    file_flip(f, FIRST, file_find(f, FIRST, "two"));
    long size = file_size(f, FIRST);
    assert_int_equal(verify(f), 2);
    assert_int_equal(bad_count, 1);
    assert_int_equal(file_size(f, FIRST), size);
    assert_int_equal(files_in(f, "00/torn"), 0);
    struct spool_status *rows = NULL;
    unsigned shards = 0;
    struct err err = {0};
    assert_true(spool_inspect(f->directory, &rows, &shards, &err));
    assert_int_equal(shards, 1);
    assert_int_equal(rows[0].records, 3);
    free(rows);
}

static void a_torn_tail_is_cut_off_and_kept(void **state)
{
    struct fixture *f = *state;
    fixture_open(f, 1, 0);
    append_three(f);
    fixture_close(f);
    file_cut(f, FIRST, file_size(f, FIRST) - 2); // as a power cut leaves it
    fixture_open(f, 1, 0);
    assert_int_equal(status_of(f, 0).torn, 1);
    assert_int_equal(files_in(f, "00/torn"), 1);
    assert_int_equal(append(f, 0, "four"), ERR_NONE);
    assert_drains(f, 0, "one two four ");
}

static void bytes_behind_the_end_are_no_record(void **state)
{
    struct fixture *f = *state;
    fixture_open(f, 1, 0);
    append_three(f);
    fixture_close(f);
    file_add(f, FIRST, "half a rec"); // of a writer that was killed: the end did not move
    fixture_open(f, 1, 0);
    assert_int_equal(append(f, 0, "four"), ERR_NONE);
    assert_drains(f, 0, "one two three four ");
    assert_int_equal(status_of(f, 0).torn, 0);
}

static void records_that_vanished_are_counted(void **state)
{
    struct fixture *f = *state;
    fixture_open(f, 1, 0);
    append_three(f);
    fixture_close(f);
    file_cut(f, FIRST, file_find(f, FIRST, "two") - 56);
    fixture_open(f, 1, 0);
    assert_int_equal(status_of(f, 0).torn, 2);
    assert_int_equal(append(f, 0, "four"), ERR_NONE);
    assert_drains(f, 0, "one four ");
}

static void without_its_state_everything_is_drained_again(void **state)
{
    struct fixture *f = *state;
    for (int damaged = 0; damaged < 2; damaged++) {
        fixture_open(f, 1, 0);
        append_three(f);
        free(next_record(f, f->spool, 0));
        spool_drained(f->spool, 0);
        fixture_close(f);
        char *path = x_printf("%s/state", f->directory);
        if (damaged)
            file_flip(f, "state", 0);
        else
            assert_int_equal(unlink(path), 0);
        free(path);
        fixture_open(f, 1, 0);
        assert_true(spool_holds(f->spool, 0));
        assert_int_equal(append(f, 0, "four"), ERR_NONE);
        assert_drains(f, 0, "one two three four ");
        fixture_close(f);
    }
}

static void a_record_that_redis_refuses_is_set_aside(void **state)
{
    struct fixture *f = *state;
    fixture_open(f, 1, 0);
    append_three(f);
    free(next_record(f, f->spool, 0));
    spool_set_aside(f->spool, 0);
    assert_drains(f, 0, "two three ");
    assert_int_equal(status_of(f, 0).torn, 1);
    assert_int_equal(files_in(f, "00/torn"), 1);
}

static void a_disk_that_fails_refuses_and_is_used_again_when_it_works(void **state)
{
    struct fixture *f = *state;
    fixture_open(f, 1, 0);
    append_three(f);
    struct rlimit unlimited, limited;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    limited = unlimited;
    limited.rlim_cur = (rlim_t)file_size(f, FIRST) + 20; // half of the next header
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limited), 0);
    assert_int_equal(append(f, 0, "lost"), ERR_UNAVAILABLE);
    assert_int_equal(append(f, 0, "lost"), ERR_UNAVAILABLE);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
    assert_int_equal(append(f, 0, "four"), ERR_NONE);
    assert_drains(f, 0, "one two three four ");
    assert_int_equal(status_of(f, 0).torn, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(records_come_out_in_the_order_in_which_they_went_in),
        TEST(a_record_stays_until_the_caller_says_that_it_is_drained),
        TEST(what_is_handed_in_together_is_told_in_order),
        TEST(closing_writes_what_was_handed_in),
        TEST(a_directory_belongs_to_one_count_of_shards),
        TEST(a_directory_that_cannot_be_made_is_named),
        TEST(segments_follow_each_other_and_go_when_drained),
        TEST(a_full_spool_refuses_and_takes_again_when_it_was_drained),
        TEST(one_process_drains_and_the_other_one_after_it),
        TEST(both_processes_append_and_no_record_is_in_the_way_of_another),
        TEST(a_flipped_byte_costs_its_record_and_no_other),
        TEST(verify_names_what_is_broken_and_changes_nothing),
        TEST(a_torn_tail_is_cut_off_and_kept),
        TEST(bytes_behind_the_end_are_no_record),
        TEST(records_that_vanished_are_counted),
        TEST(without_its_state_everything_is_drained_again),
        TEST(a_record_that_redis_refuses_is_set_aside),
        TEST(a_disk_that_fails_refuses_and_is_used_again_when_it_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
