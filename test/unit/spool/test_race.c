// SPDX-License-Identifier: MIT
/*
 * Two processes look for something to drain all the time, while a third writes a record as soon as
 * the last one is gone: the shard is empty, or about to be, in each of their steps. Each record
 * comes out once. In memory when the machine has a place for that, so that the steps are short.
 */

#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "spool/internal.h"
#include "test/unit/cmocka_all.h"

enum { DRAINERS = 2, RECORDS = 1500, PATIENCE_MS = 60000 };

struct board {
    atomic_uint times[RECORDS]; // that the record was drained
};
static struct board *board;
static char directory[64];

static struct store open_store(void)
{
    struct spool_config config = {.directory = directory, .shards = 1};
    struct err err = {0};
    struct store store;
    if (!store_open(&store, &config, &err)) {
        fprintf(stderr, "store_open: %s\n", err.text);
        abort();
    }
    return store;
}

static void write_record(struct store *store, unsigned number)
{
    struct item *item = x_alloc(sizeof(*item) + sizeof(number));
    memcpy(item->body, &number, sizeof(number));
    item->header = (struct record_header){.len = sizeof(number),
                                          .at_ms = 1,
                                          .events = 1,
                                          .body_crc = record_crc(&number, sizeof(number))};
    int error;
    if (store_append(store, 0, &item, 1, &error) != 1) {
        fprintf(stderr, "store_append: %s\n", strerror(error));
        abort();
    }
    free(item);
}

// Drains what one look finds, and lets others look.
static void drain_once(struct store *store)
{
    struct taken *list = NULL;
    if (!store_take(store, 0, &list)) {
        fprintf(stderr, "store_take: %s\n", strerror(errno));
        abort();
    }
    for (struct taken *taken = list, *next; taken; taken = next) {
        unsigned number;
        next = taken->next;
        memcpy(&number, taken->body, sizeof(number));
        if (!store_drained(store, 0, taken, next ? next->at_ms : 0))
            abort();
        atomic_fetch_add(&board->times[number], 1);
        free(taken);
    }
    store_leave(store, 0);
}

static void drain_for_ever(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct store store = open_store();
    for (;;) {
        drain_once(&store);
        sched_yield();
    }
}

static int setup(void **state)
{
    const char *place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(directory, sizeof(directory), "%s/hookmill-spool-XXXXXX", place);
    assert_non_null(mkdtemp(directory));
    board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(board != MAP_FAILED);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    return remove(path);
}

static int teardown(void **state)
{
    munmap(board, sizeof(*board));
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

static bool was_drained(unsigned number)
{
    int64_t deadline_ms = clock_mono_ms() + 5000;
    while (board->times[number] == 0)
        if (clock_mono_ms() > deadline_ms)
            return false;
    return true;
}

static void a_record_that_comes_while_others_look_is_not_passed_over(void **state)
{
    struct store store = open_store();
    pid_t drainers[DRAINERS];
    for (unsigned i = 0; i < DRAINERS; i++) {
        drainers[i] = fork();
        assert_true(drainers[i] >= 0);
        if (drainers[i] == 0)
            drain_for_ever();
    }
    unsigned number = 0;
    int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
    for (; number < RECORDS && clock_mono_ms() < deadline_ms; number++) {
        write_record(&store, number);
        if (!was_drained(number))
            break;
    }
    for (unsigned i = 0; i < DRAINERS; i++) {
        kill(drainers[i], SIGKILL);
        waitpid(drainers[i], NULL, 0);
    }
    store_close(&store);
    if (number < RECORDS)
        fail_msg("record %u is nowhere", number);
    for (unsigned i = 0; i < RECORDS; i++)
        if (board->times[i] != 1)
            fail_msg("record %u was drained %u times", i, board->times[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_record_that_comes_while_others_look_is_not_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
