// SPDX-License-Identifier: MIT
// The listener's half of the ledger: rows, growth, and what a killed process leaves.

#include "spool/ledger.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/unit/spool/fixture.h"

static struct ledger *open_ledger(struct fixture *f, const char *incarnation)
{
    struct err err = {0};
    struct ledger *ledger = ledger_open(f->directory, incarnation, &err);
    if (!ledger)
        fail_msg("ledger_open: %s", err.text);
    return ledger;
}

struct gone {
    unsigned calls;
    char incarnation[64];
    size_t count;
    uint64_t received, settled;
    bool refuse;
};

static bool on_gone(void *arg, const char *incarnation, const struct ledger_row *rows, size_t count)
{
    struct gone *gone = arg;
    gone->calls++;
    snprintf(gone->incarnation, sizeof(gone->incarnation), "%s", incarnation);
    gone->count = count;
    for (size_t i = 0; i < count; i++) {
        gone->received += rows[i].received;
        gone->settled += rows[i].settled;
    }
    return !gone->refuse;
}

static void a_row_is_made_once_and_found_again(void **state)
{
    struct ledger *ledger = ledger_open(NULL, "x", NULL); // in memory
    ledger_row(ledger, "shop", "whatsapp:1")->received += 2;
    ledger_row(ledger, "shop", "whatsapp:2")->received += 3;
    ledger_row(ledger, "other", "whatsapp:1")->received += 4;
    ledger_row(ledger, "shop", "whatsapp:1")->received += 5;
    assert_int_equal(ledger_count(ledger), 3);
    assert_int_equal(ledger_at(ledger, 0)->received, 7);
    assert_string_equal(ledger_at(ledger, 2)->app, "other");
    assert_null(ledger_at(ledger, 3));
    ledger_close(ledger);
}

static void a_name_that_is_too_long_has_one_row(void **state)
{
    struct ledger *ledger = ledger_open(NULL, "x", NULL);
    char name[400];
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    ledger_row(ledger, "shop", name)->received++;
    ledger_row(ledger, "shop", name)->received++;
    assert_int_equal(ledger_count(ledger), 1);
    assert_int_equal(ledger_at(ledger, 0)->received, 2);
    ledger_close(ledger);
}

static void the_table_grows_and_keeps_what_it_has(void **state)
{
    enum { ACCOUNTS = 5000 };
    struct ledger *ledger = open_ledger(*state, "x");
    char account[32];
    for (int turn = 0; turn < 2; turn++)
        for (unsigned i = 0; i < ACCOUNTS; i++) {
            snprintf(account, sizeof(account), "messenger:%u", i);
            ledger_row(ledger, "shop", account)->received += i;
        }
    assert_int_equal(ledger_count(ledger), ACCOUNTS);
    for (unsigned i = 0; i < ACCOUNTS; i++)
        assert_int_equal(ledger_at(ledger, i)->received, 2 * i);
    ledger_close(ledger);
    struct gone gone = {0};
    ledger_collect(((struct fixture *)*state)->directory, on_gone, &gone);
    assert_int_equal(gone.count, ACCOUNTS);
    assert_int_equal(gone.received, (uint64_t)ACCOUNTS * (ACCOUNTS - 1));
}

static void the_living_are_left_alone_and_the_dead_are_collected_once(void **state)
{
    struct fixture *f = *state;
    struct gone gone = {.refuse = true};
    struct ledger *ledger = open_ledger(f, "listen:host:1:ab");
    ledger_row(ledger, "shop", "whatsapp:1")->received = 3;
    ledger_collect(f->directory, on_gone, &gone);
    assert_int_equal(gone.calls, 0);
    ledger_close(ledger);
    ledger_collect(f->directory, on_gone, &gone); // Redis is away: not published
    assert_int_equal(gone.calls, 1);
    gone = (struct gone){0};
    ledger_collect(f->directory, on_gone, &gone);
    assert_int_equal(gone.calls, 1);
    assert_string_equal(gone.incarnation, "listen:host:1:ab");
    assert_int_equal(gone.received, 3);
    ledger_collect(f->directory, on_gone, &gone);
    assert_int_equal(gone.calls, 1);
}

static void kill_9_loses_no_count(void **state)
{
    struct fixture *f = *state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct ledger *ledger = open_ledger(f, "killed");
        for (unsigned i = 1;; i++) {
            ledger_row(ledger, "shop", "whatsapp:1")->received++;
            if (write(pipes[1], &i, sizeof(i)) != sizeof(i))
                _exit(1);
        }
    }
    close(pipes[1]);
    unsigned told = 0, last = 0;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(read(pipes[0], &told, sizeof(told)), sizeof(told));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    while (read(pipes[0], &last, sizeof(last)) == sizeof(last))
        told = last;
    close(pipes[0]);
    struct gone gone = {0};
    ledger_collect(f->directory, on_gone, &gone);
    assert_string_equal(gone.incarnation, "killed");
    assert_true(gone.received == told || gone.received == told + 1);
}

static void a_disk_that_is_full_costs_no_count(void **state)
{
    struct fixture *f = *state;
    struct rlimit unlimited, limited;
    signal(SIGXFSZ, SIG_IGN);
    struct ledger *ledger = open_ledger(f, "full");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    limited = unlimited;
    limited.rlim_cur = 20000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limited), 0);
    for (unsigned i = 0; i < 400; i++) {
        char account[32];
        snprintf(account, sizeof(account), "messenger:%u", i % 200);
        ledger_row(ledger, "shop", account)->received++;
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
    assert_int_equal(ledger_count(ledger), 200);
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(ledger_at(ledger, i)->received, 2);
    ledger_close(ledger);
    struct gone gone = {0};
    ledger_collect(f->directory, on_gone, &gone);
    assert_true(gone.count >= 50 && gone.count < 200);
}

static void files_that_are_no_ledger_are_not_believed(void **state)
{
    struct fixture *f = *state;
    ledger_close(open_ledger(f, "odd"));
    file_flip(f, "ledger/odd", 9); // the count
    file_flip(f, "ledger/odd", 11);
    struct gone gone = {0};
    ledger_collect(f->directory, on_gone, &gone);
    assert_int_equal(gone.calls, 0);
    assert_true(file_size(f, "ledger/odd") > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_row_is_made_once_and_found_again),
        TEST(a_name_that_is_too_long_has_one_row),
        TEST(the_table_grows_and_keeps_what_it_has),
        TEST(the_living_are_left_alone_and_the_dead_are_collected_once),
        TEST(kill_9_loses_no_count),
        TEST(a_disk_that_is_full_costs_no_count),
        TEST(files_that_are_no_ledger_are_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
