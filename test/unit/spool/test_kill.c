// SPDX-License-Identifier: MIT
/*
 * Several processes write to one shard, one drains it, and each of them is killed (-9) at moments
 * that nothing is arranged around, again and again. What was acknowledged comes out, each writer's
 * records in the order in which it wrote them. What the processes tell the test goes through shared
 * memory, which outlives them.
 */

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/unit/spool/fixture.h"

enum { WRITERS = 3, KILLS = 150, LIVES = KILLS + WRITERS + 1, WINDOW = 6, DRAINED_MAX = 1 << 20 };

struct board {
    atomic_uint acked[LIVES]; // by life of a writer: so many of its records are on disk
    atomic_uint acks;         // of all
    atomic_uint drained;      // count of the next
    struct {
        unsigned life, number;
    } log[DRAINED_MAX];
};
static struct board *board;

static struct spool *spool_here(const char *directory, struct event_base *base)
{
    struct spool_config config = {.directory = directory, .shards = 1, .max_bytes = 4 << 20};
    struct err err = {0};
    struct spool *spool = spool_open(base, &config, &err);
    if (!spool) {
        fprintf(stderr, "spool_open: %s\n", err.text);
        _exit(1);
    }
    return spool;
}

/* --- a writer --------------------------------------------------------------------------------- */

struct writer {
    struct spool *spool;
    unsigned life, handed_in, answered;
};

static void write_one(struct writer *writer);

static void on_written(void *arg, const struct err *err)
{
    struct writer *writer = arg;
    writer->answered++;
    if (!err && board->acked[writer->life] + 1 == writer->answered) { // else a gap: full, once
        atomic_fetch_add(&board->acked[writer->life], 1);
        atomic_fetch_add(&board->acks, 1);
    } else if (err) {
        _exit(2); // the drainer is dead for long: somebody will start another one, and us
    }
    write_one(writer);
}

static void write_one(struct writer *writer)
{
    char text[3000];
    unsigned number = writer->handed_in++;
    int len = snprintf(text, sizeof(text), "%u %u %0*d", writer->life, number,
                       (int)(number * 37 % 2500) + 1, 0);
    spool_append(writer->spool, 0, text, (size_t)len, 1, on_written, writer);
}

static void writer_run(const char *directory, unsigned life)
{
    struct event_base *base = event_base_new();
    struct writer writer = {.spool = spool_here(directory, base), .life = life};
    for (int i = 0; i < WINDOW; i++)
        write_one(&writer);
    event_base_dispatch(base);
}

/* --- the drainer ------------------------------------------------------------------------------ */

static void on_record(void *arg, const void *record, size_t len);

static void on_again(evutil_socket_t fd, short what, void *arg)
{
    spool_next(arg, 0, on_record, arg);
}

static struct event *again;

static void on_record(void *arg, const void *record, size_t len)
{
    struct timeval soon = {.tv_usec = 1000};
    if (!record) {
        spool_leave(arg, 0);
        event_add(again, &soon);
        return;
    }
    unsigned at = atomic_fetch_add(&board->drained, 1);
    if (at >= DRAINED_MAX ||
        sscanf(record, "%u %u", &board->log[at].life, &board->log[at].number) != 2)
        _exit(1);
    spool_drained(arg, 0);
    spool_next(arg, 0, on_record, arg);
}

static void drainer_run(const char *directory)
{
    struct event_base *base = event_base_new();
    struct spool *spool = spool_here(directory, base);
    again = evtimer_new(base, on_again, spool);
    spool_next(spool, 0, on_record, spool);
    event_base_dispatch(base);
}

/* --- the test --------------------------------------------------------------------------------- */

static pid_t start(const char *directory, int life) // -1: the drainer
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL); // also when the test fails
    if (life < 0)
        drainer_run(directory);
    else
        writer_run(directory, (unsigned)life);
    _exit(1);
}

static void wait_for_acks(unsigned more)
{
    unsigned goal = board->acks + more;
    int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
    while (board->acks < goal) {
        if (clock_mono_ms() > deadline_ms)
            fail_msg("the writers stand still at %u", board->acks);
        poll(NULL, 0, 1);
    }
}

// Every acknowledged record is there, and first arrivals are in order.
static void check_board(void)
{
    unsigned next[LIVES] = {0};
    for (unsigned i = 0; i < board->drained; i++) {
        unsigned life = board->log[i].life, number = board->log[i].number;
        assert_true(life < LIVES);
        if (number > next[life])
            fail_msg("record %u of life %u came before %u", number, life, next[life]);
        next[life] += number == next[life];
    }
    for (unsigned life = 0; life < LIVES; life++)
        if (next[life] < board->acked[life])
            fail_msg("life %u: %u acknowledged, %u came out", life, board->acked[life], next[life]);
}

static void whoever_is_killed_what_was_acknowledged_comes_out_in_order(void **state)
{
    struct fixture *f = *state;
    srand((unsigned)getpid());
    board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(board, MAP_FAILED);
    pid_t pids[WRITERS + 1]; // the last one drains
    int lives = 0;
    for (int i = 0; i < WRITERS; i++)
        pids[i] = start(f->directory, lives++);
    pids[WRITERS] = start(f->directory, -1);
    for (int kills = 0; kills < KILLS; kills++) {
        wait_for_acks((unsigned)rand() % 60);
        int who = rand() % (WRITERS + 1);
        int status;
        kill(pids[who], SIGKILL);
        assert_int_equal(waitpid(pids[who], &status, 0), pids[who]);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 2);
        pids[who] = start(f->directory, who == WRITERS ? -1 : lives++);
    }
    for (int i = 0; i <= WRITERS; i++) {
        kill(pids[i], SIGKILL);
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
    }
    fixture_open(f, 1, 4 << 20);
    for (;;) {
        char *text = next_record(f, f->spool, 0);
        unsigned at = atomic_fetch_add(&board->drained, 1);
        int read = sscanf(text, "%u %u", &board->log[at].life, &board->log[at].number);
        bool end = *text == '\0';
        free(text);
        if (end)
            break;
        assert_int_equal(read, 2);
        spool_drained(f->spool, 0);
    }
    board->drained--;
    wait_for(f, !spool_holds(f->spool, 0));
    struct spool_status status;
    spool_read_status(f->spool, 0, &status);
    print_message("%u acknowledged, %u drained, %u torn\n", board->acks, board->drained,
                  (unsigned)status.torn);
    assert_true(status.torn <= KILLS + WRITERS + 1); // what a kill tears is one batch
    check_board();
    munmap(board, sizeof(*board));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whoever_is_killed_what_was_acknowledged_comes_out_in_order,
                                        fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
