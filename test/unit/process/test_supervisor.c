// SPDX-License-Identifier: MIT
// The supervisor in a process of its own, with children that only wait for signals.

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "process/supervisor.h"

enum { PROCESSES = 2, PATIENCE_MS = 20000 };

// What children and supervisor write, for the test to read.
struct note {
    char what; // s: child serves, r: all are ready, e: a child has ended
    unsigned index;
    pid_t pid;
};

struct world {
    int notes[2];
    bool unable; // child 1 cannot start
    pid_t supervisor;
};

static void write_note(const struct world *w, char what, unsigned index)
{
    struct note note = {.what = what, .index = index, .pid = getpid()};
    if (write(w->notes[1], &note, sizeof note) != sizeof note)
        abort();
}

static struct note read_note(const struct world *w)
{
    struct note note;
    struct pollfd fd = {.fd = w->notes[0], .events = POLLIN};
    assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
    assert_int_equal(read(w->notes[0], &note, sizeof note), sizeof note);
    return note;
}

static struct note read_kind(const struct world *w, char what)
{
    struct note note = read_note(w);
    while (note.what != what)
        note = read_note(w);
    return note;
}

static int stop_pipe[2];

static void on_stop(int signal)
{
    if (write(stop_pipe[1], "", 1) != 1)
        abort();
}

static bool run_child(void *arg, struct supervised *self, struct err *err)
{
    struct world *w = arg;
    if (w->unable && self->index == 1)
        return err_set(err, ERR_CONFIG, "told to fail");
    if (pipe(stop_pipe) != 0)
        return err_set(err, ERR_INTERNAL, "pipe");
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &action, NULL);
    supervised_ready(self);
    write_note(w, 's', self->index);
    char byte;
    bool stopped = read(stop_pipe[0], &byte, 1) == 1;
    write_note(w, 'e', self->index);
    return stopped;
}

static void on_ready(void *arg, const int *ports)
{
    write_note(arg, 'r', (unsigned)ports[0]);
}

static int supervise_world(struct world *w)
{
    const struct supervisor_socket socket = {.address = "127.0.0.1", .per_child = true};
    struct metrics *metrics = metrics_new(PROCESSES);
    const struct supervisor_config config = {.name = "child",
                                             .processes = PROCESSES,
                                             .sockets = &socket,
                                             .socket_count = 1,
                                             .metrics = metrics,
                                             .run = run_child,
                                             .arg = w,
                                             .ready = on_ready,
                                             .stop_ms = PATIENCE_MS};
    int status = supervise(&config);
    metrics_free(metrics);
    return status;
}

static void world_start(struct world *w)
{
    assert_int_equal(pipe(w->notes), 0);
    w->supervisor = fork();
    if (w->supervisor == 0)
        _exit(supervise_world(w));
    close(w->notes[1]);
}

static int world_end(struct world *w)
{
    int status;
    assert_int_equal(waitpid(w->supervisor, &status, 0), w->supervisor);
    close(w->notes[0]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void children_serve_and_end_with_their_supervisor(void **state)
{
    struct world w = {0};
    world_start(&w);
    assert_true(read_kind(&w, 'r').index > 0); // the port
    kill(w.supervisor, SIGTERM);
    unsigned ended = read_kind(&w, 'e').index;
    assert_int_equal(read_kind(&w, 'e').index, 1 - ended);
    assert_int_equal(world_end(&w), 0);
}

static void a_child_that_dies_is_started_again(void **state)
{
    struct world w = {0};
    world_start(&w);
    struct note victim = read_kind(&w, 's');
    read_kind(&w, 'r');
    kill(victim.pid, SIGKILL);
    struct note successor = read_kind(&w, 's');
    while (successor.index != victim.index) // the other one's first
        successor = read_kind(&w, 's');
    assert_int_not_equal(successor.pid, victim.pid);
    kill(w.supervisor, SIGTERM);
    assert_int_equal(world_end(&w), 0);
}

static void what_cannot_start_at_first_ends_all(void **state)
{
    struct world w = {.unable = true};
    world_start(&w);
    assert_int_equal(world_end(&w), 1);
}

static void children_do_not_outlive_a_killed_supervisor(void **state)
{
    struct world w = {0};
    world_start(&w);
    read_kind(&w, 'r');
    kill(w.supervisor, SIGKILL);
    read_kind(&w, 'e');
    read_kind(&w, 'e');
    assert_int_equal(world_end(&w), -1);
}

int main(void)
{
    mem_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_serve_and_end_with_their_supervisor),
        cmocka_unit_test(a_child_that_dies_is_started_again),
        cmocka_unit_test(what_cannot_start_at_first_ends_all),
        cmocka_unit_test(children_do_not_outlive_a_killed_supervisor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
