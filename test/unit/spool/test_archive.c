// SPDX-License-Identifier: MIT
// The raw archive: what goes in comes out, oldest first over several writers, within its bound, up
// to where a file is broken.

#include "spool/archive.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "test/unit/spool/fixture.h"

static struct archive *open_archive(struct fixture *f, uint64_t max_bytes)
{
    struct err err = {0};
    struct archive *archive = archive_open(f->directory, max_bytes, &err);
    if (!archive)
        fail_msg("archive_open: %s", err.text);
    return archive;
}

static void add(struct archive *archive, const char *id)
{
    archive_add(archive, "shop", id, "{\"object\":\"page\"}", 17);
}

struct seen {
    unsigned count, enough, broken;
    char ids[4096];
    int64_t times[64];
};

static bool on_delivery(void *arg, const struct archive_delivery *delivery)
{
    struct seen *seen = arg;
    assert_string_equal(delivery->app, "shop");
    assert_int_equal(delivery->len, 17);
    assert_memory_equal(delivery->body, "{\"object\":\"page\"}", 17);
    if (seen->count < 64) {
        strcat(strcat(seen->ids, delivery->id), " ");
        seen->times[seen->count] = delivery->at_ms;
    }
    return ++seen->count != seen->enough;
}

static struct seen read_between(struct fixture *f, int64_t since_ms, int64_t until_ms)
{
    struct seen seen = {0};
    struct err err = {0};
    assert_true(
        archive_read(f->directory, since_ms, until_ms, on_delivery, &seen, &seen.broken, &err));
    return seen;
}

// The n-th file, by name, below the directory; the caller frees it.
static char *file_of(struct fixture *f, int n)
{
    struct dirent **entries = NULL;
    int count = scandir(f->directory, &entries, NULL, alphasort);
    char *name = n + 2 < count ? x_dup(entries[n + 2]->d_name) : NULL; // behind . and ..
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return name;
}

static void next_millisecond(void)
{
    for (int64_t now_ms = clock_wall_ms(); clock_wall_ms() <= now_ms;)
        poll(NULL, 0, 1);
}

static void deliveries_come_out_as_they_went_in(void **state)
{
    struct fixture *f = *state;
    struct archive *archive = open_archive(f, 0);
    add(archive, "one");
    add(archive, "two");
    add(archive, "three");
    archive_close(archive);
    struct seen seen = read_between(f, 0, INT64_MAX);
    assert_string_equal(seen.ids, "one two three ");
    assert_int_equal(seen.broken, 0);
    seen = (struct seen){.enough = 2};
    struct err err = {0};
    assert_true(archive_read(f->directory, 0, INT64_MAX, on_delivery, &seen, &seen.broken, &err));
    assert_string_equal(seen.ids, "one two ");
}

static void what_was_added_is_on_disk_soon(void **state)
{
    struct fixture *f = *state;
    struct archive *archive = open_archive(f, 0);
    add(archive, "one");
    int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
    while (archive_counts(archive).kept == 0 && clock_mono_ms() < deadline_ms)
        poll(NULL, 0, 1);
    assert_string_equal(read_between(f, 0, INT64_MAX).ids, "one ");
    archive_close(archive);
}

static void a_range_of_time_is_a_part(void **state)
{
    struct fixture *f = *state;
    struct archive *archive = open_archive(f, 0);
    static const char *const ids[] = {"one", "two", "three", "four"};
    for (int i = 0; i < 4; i++) {
        next_millisecond();
        add(archive, ids[i]);
    }
    archive_close(archive);
    struct seen all = read_between(f, 0, INT64_MAX);
    assert_string_equal(read_between(f, all.times[1], INT64_MAX).ids, "two three four ");
    assert_string_equal(read_between(f, all.times[1], all.times[3]).ids, "two three ");
    assert_string_equal(read_between(f, all.times[3] + 1, INT64_MAX).ids, "");
}

static void the_files_of_several_writers_are_read_as_one(void **state)
{
    struct fixture *f = *state;
    struct archive *a = open_archive(f, 0), *b = open_archive(f, 0);
    add(a, "1");
    next_millisecond();
    add(b, "2");
    next_millisecond();
    add(a, "3");
    next_millisecond();
    add(b, "4");
    archive_close(a);
    // The second one has a file of another name: same process, other millisecond.
    archive_close(b);
    assert_string_equal(read_between(f, 0, INT64_MAX).ids, "1 2 3 4 ");
}

static void a_torn_end_costs_what_is_torn(void **state)
{
    struct fixture *f = *state;
    for (int cut = 1; cut < 40; cut += 19) {
        struct archive *archive = open_archive(f, 0);
        add(archive, "whole");
        archive_close(archive);
        next_millisecond();
        archive = open_archive(f, 0);
        add(archive, "torn");
        archive_close(archive);
        char *last = file_of(f, 1);
        file_cut(f, last, file_size(f, last) - cut);
        struct seen seen = read_between(f, 0, INT64_MAX);
        assert_string_equal(seen.ids, "whole ");
        assert_int_equal(seen.broken, 1);
        for (char *name; (name = file_of(f, 0)) != NULL; free(name)) {
            char *path = x_printf("%s/%s", f->directory, name);
            remove(path);
            free(path);
        }
        free(last);
    }
}

static void a_flipped_byte_ends_its_file_and_no_other(void **state)
{
    struct fixture *f = *state;
    struct archive *archive = open_archive(f, 0);
    add(archive, "broken");
    archive_close(archive);
    next_millisecond();
    archive = open_archive(f, 0);
    add(archive, "whole");
    archive_close(archive);
    char *name = file_of(f, 0);
    file_flip(f, name, file_size(f, name) - 5);
    struct seen seen = read_between(f, 0, INT64_MAX);
    assert_string_equal(seen.ids, "whole ");
    assert_int_equal(seen.broken, 1);
    file_flip(f, name, 6);
    assert_string_equal(read_between(f, 0, INT64_MAX).ids, "whole ");
    free(name);
}

static uint64_t bytes_in(struct fixture *f)
{
    uint64_t sum = 0;
    char *name;
    for (int i = 0; (name = file_of(f, i)) != NULL; i++, free(name))
        sum += (uint64_t)file_size(f, name);
    return sum;
}

struct last {
    unsigned count, first, last;
};

static bool on_numbered(void *arg, const struct archive_delivery *delivery)
{
    struct last *last = arg;
    unsigned number = (unsigned)strtoul(delivery->id, NULL, 10);
    if (last->count++ == 0)
        last->first = number;
    else
        assert_true(number > last->last);
    last->last = number;
    return true;
}

static void the_oldest_go_when_it_is_full(void **state)
{
    enum { BOUND = 1 << 20, EACH = 60000, DELIVERIES = 120 };
    struct fixture *f = *state;
    char *body = x_alloc(EACH);
    for (size_t i = 0; i < EACH; i++) // does not deflate well
        body[i] = (char)(rand() >> 7);
    struct archive *archive = open_archive(f, BOUND);
    for (unsigned i = 0; i < DELIVERIES; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%u", i);
        archive_add(archive, "shop", id, body, EACH);
        int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
        while (i % 10 == 9 && clock_mono_ms() < deadline_ms &&
               archive_counts(archive).kept + archive_counts(archive).dropped < i + 1)
            poll(NULL, 0, 1);
        assert_true(bytes_in(f) <= BOUND);
    }
    assert_int_equal(archive_counts(archive).dropped, 0);
    archive_close(archive);
    struct last last = {0};
    struct err err = {0};
    unsigned broken;
    assert_true(archive_read(f->directory, 0, INT64_MAX, on_numbered, &last, &broken, &err));
    assert_int_equal(last.last, DELIVERIES - 1);
    assert_true(last.first > 0);
    assert_int_equal(broken, 0);
    free(body);
}

static void a_disk_that_cannot_keep_up_costs_deliveries_and_no_time(void **state)
{
    enum { EACH = 1 << 20, DELIVERIES = 200 };
    struct fixture *f = *state;
    char *body = x_alloc(EACH);
    struct archive *archive = open_archive(f, 0);
    for (unsigned i = 0; i < DELIVERIES; i++) // faster than anybody deflates
        archive_add(archive, "shop", "x", body, EACH);
    assert_true(archive_counts(archive).dropped > 0);
    archive_close(archive);
    free(body);
}

static unsigned files_in(struct fixture *f)
{
    unsigned count = 0;
    for (char *name; (name = file_of(f, (int)count)) != NULL; free(name))
        count++;
    return count;
}

// Waits until so many deliveries were written, or could not be.
static void wait_until_seen(struct archive *archive, uint64_t deliveries)
{
    int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
    struct archive_counts counts = archive_counts(archive);
    while (counts.kept + counts.dropped < deliveries && clock_mono_ms() < deadline_ms) {
        poll(NULL, 0, 1);
        counts = archive_counts(archive);
    }
    assert_int_equal(counts.kept + counts.dropped, deliveries);
}

static void a_full_disk_is_left_no_torn_and_no_empty_files(void **state)
{
    enum { EACH = 300000, FAILING = 5 };
    struct fixture *f = *state;
    char *body = x_alloc(EACH);
    for (size_t i = 0; i < EACH; i++) // does not deflate well
        body[i] = (char)(rand() >> 7);
    struct archive *archive = open_archive(f, 0);
    add(archive, "before");
    wait_until_seen(archive, 1);
    // A limit on the size of files stands for the full disk.
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){.rlim_cur = 4096, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (unsigned i = 1; i <= FAILING; i++) {
        archive_add(archive, "shop", "x", body, EACH);
        wait_until_seen(archive, 1 + i);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, before);
    assert_int_equal(archive_counts(archive).dropped, FAILING);
    assert_int_equal(files_in(f), 1);
    add(archive, "after");
    archive_close(archive);
    struct seen seen = read_between(f, 0, INT64_MAX);
    assert_string_equal(seen.ids, "before after ");
    assert_int_equal(seen.broken, 0);
    free(body);
}

static void a_directory_that_cannot_be_used_is_named(void **state)
{
    struct err err = {0};
    assert_null(archive_open("/proc/nowhere", 0, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.text, "/proc/nowhere"));
    unsigned broken;
    assert_false(archive_read("/nowhere", 0, 1, on_delivery, NULL, &broken, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(deliveries_come_out_as_they_went_in),
        TEST(what_was_added_is_on_disk_soon),
        TEST(a_range_of_time_is_a_part),
        TEST(the_files_of_several_writers_are_read_as_one),
        TEST(a_torn_end_costs_what_is_torn),
        TEST(a_flipped_byte_ends_its_file_and_no_other),
        TEST(the_oldest_go_when_it_is_full),
        TEST(a_disk_that_cannot_keep_up_costs_deliveries_and_no_time),
        TEST(a_full_disk_is_left_no_torn_and_no_empty_files),
        TEST(a_directory_that_cannot_be_used_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
