// SPDX-License-Identifier: MIT
/*
 * The parent of N worker processes: starts them, starts one that died again, passes SIGTERM and
 * SIGINT on, and waits. It opens no connection and runs no thread, so forking stays simple. Signals
 * are read synchronously (sigtimedwait).
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/worker.h"

enum {
    RESTART_FIRST_MS = 200,
    RESTART_MOST_MS = 10000,
    LIVED_WELL_MS = 60000,
    KILL_AFTER_MS = 70000 // a stop, and one call of MongoDB's that times out
};

struct child {
    pid_t pid; // 0 = none
    int64_t started_ms, restart_at_ms, backoff_ms;
};

struct supervisor {
    const struct config *config;
    struct child *children;
    size_t count, alive;
    int ready[2];
    bool stopping;
    bool failed; // a child did not stop as it should
    int64_t kill_at_ms;
    sigset_t signals, before;
};

static int run_child(struct supervisor *s)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM); // a child does not outlive its supervisor
    sigprocmask(SIG_SETMASK, &s->before, NULL);
    close(s->ready[0]);
    struct err err = {0};
    if (worker_run(s->config, s->ready[1], &err))
        return 0;
    log_error("worker.start", "reason", err.text);
    return 1;
}

static void start(struct supervisor *s, struct child *child)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        exit(run_child(s)); // not _exit: leaks are looked for at exit
    child->started_ms = clock_mono_ms();
    if (pid < 0) {
        log_error("supervisor.fork", "reason", strerror(errno));
        child->restart_at_ms = child->started_ms + RESTART_MOST_MS;
        return;
    }
    child->pid = pid;
    child->restart_at_ms = 0;
    s->alive++;
}

static void describe_death(pid_t pid, int status)
{
    if (WIFSIGNALED(status))
        log_error("worker.died", "pid", log_int(pid), "signal", strsignal(WTERMSIG(status)));
    else
        log_error("worker.died", "pid", log_int(pid), "status", log_int(WEXITSTATUS(status)));
}

static void reap(struct supervisor *s)
{
    int status;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
        for (size_t i = 0; i < s->count; i++) {
            struct child *child = &s->children[i];
            if (child->pid != pid)
                continue;
            child->pid = 0;
            s->alive--;
            if (!s->stopping || status != 0)
                describe_death(pid, status);
            s->failed |= s->stopping && status != 0;
            if (s->stopping)
                continue;
            int64_t now = clock_mono_ms();
            bool lived_well = now - child->started_ms > LIVED_WELL_MS;
            child->backoff_ms =
                lived_well || !child->backoff_ms ? RESTART_FIRST_MS : child->backoff_ms * 2;
            if (child->backoff_ms > RESTART_MOST_MS)
                child->backoff_ms = RESTART_MOST_MS;
            child->restart_at_ms = now + child->backoff_ms;
        }
    }
}

static void restart_due(struct supervisor *s)
{
    for (size_t i = 0; i < s->count && !s->stopping; i++) {
        struct child *child = &s->children[i];
        if (!child->pid && child->restart_at_ms && clock_mono_ms() >= child->restart_at_ms)
            start(s, child);
    }
}

static void signal_children(const struct supervisor *s, int signal)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->children[i].pid)
            kill(s->children[i].pid, signal);
}

static void wait_and_watch(struct supervisor *s)
{
    while (s->alive > 0 || !s->stopping) {
        struct timespec tick = {0, 100000000};
        int signal = sigtimedwait(&s->signals, NULL, &tick);
        if ((signal == SIGTERM || signal == SIGINT) && !s->stopping) {
            s->stopping = true;
            s->kill_at_ms = clock_mono_ms() + KILL_AFTER_MS;
            signal_children(s, SIGTERM);
        }
        reap(s);
        restart_due(s);
        if (s->stopping && clock_mono_ms() > s->kill_at_ms)
            signal_children(s, SIGKILL);
    }
}

// One byte from each child says that all serve; end of file says that one of them did not start.
static bool wait_ready(struct supervisor *s)
{
    close(s->ready[1]);
    s->ready[1] = -1;
    size_t ready = 0;
    char byte;
    while (ready < s->count && read(s->ready[0], &byte, 1) == 1)
        ready++;
    return ready == s->count;
}

int worker_supervise(const struct config *config)
{
    struct supervisor s = {.config = config, .count = (size_t)config->worker_processes};
    if (pipe(s.ready) != 0) {
        log_error("supervisor.pipe", "reason", strerror(errno));
        return 1;
    }
    sigemptyset(&s.signals);
    sigaddset(&s.signals, SIGTERM);
    sigaddset(&s.signals, SIGINT);
    sigaddset(&s.signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &s.signals, &s.before);
    s.children = x_calloc(s.count, sizeof *s.children);
    for (size_t i = 0; i < s.count; i++)
        start(&s, &s.children[i]);
    bool ready = wait_ready(&s);
    if (ready) {
        puts("ready");
        fflush(stdout);
    } else {
        s.stopping = true;
        s.kill_at_ms = clock_mono_ms() + KILL_AFTER_MS;
        signal_children(&s, SIGTERM);
    }
    wait_and_watch(&s);
    free(s.children);
    close(s.ready[0]);
    return ready && !s.failed ? 0 : 1;
}
