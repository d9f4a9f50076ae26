// SPDX-License-Identifier: MIT
/*
 * Children, signals, and the order of things at start, reload and end (see supervisor.h). All that
 * happens is read from descriptors, one after the other, so nothing here is interrupted.
 */

#include "process/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "process/supervisor_private.h"

enum {
    RESTART_FIRST_MS = 200,
    RESTART_MOST_MS = 10000,
    LIVED_WELL_MS = 60000,
    TICK_MS = 50,
};

/* --- a child's side ------------------------------------------------------------------------------
 */

static void block_stop_signals(int how)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(how, &signals, NULL);
}

void supervised_ready(struct supervised *self)
{
    block_stop_signals(SIG_UNBLOCK);
    if (self->ready_fd < 0)
        return;
    unsigned char index = (unsigned char)self->index;
    if (write(self->ready_fd, &index, 1) != 1)
        log_debug("supervised.ready", "reason", "nobody listens");
    close(self->ready_fd);
    self->ready_fd = -1;
}

static bool is_among(int fd, const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fds[i] == fd)
            return true;
    return false;
}

static int run_child(struct supervisor *s, unsigned index, pid_t parent)
{
    const struct supervisor_config *config = s->config;
    prctl(PR_SET_PDEATHSIG, SIGTERM); // a child does not outlive its supervisor
    if (getppid() != parent)
        return 1;
    signal(SIGHUP, SIG_IGN); // a terminal's; ours is for the supervisor
    sigset_t others = s->signals;
    sigdelset(&others, SIGTERM);
    sigdelset(&others, SIGINT);
    sigprocmask(SIG_UNBLOCK, &others, NULL);
    close(s->signal_fd);
    close(s->ready[0]);
    struct supervised self = {.index = index, .metrics = config->metrics, .ready_fd = s->ready[1]};
    int *fds = sockets_of_child(&s->sockets, config->sockets, config->socket_count,
                                config->processes, index, &self.socket_count);
    self.sockets = fds;
    for (size_t i = 0; i < s->sockets.count; i++)
        if (!is_among(s->sockets.entries[i].fd, fds, self.socket_count))
            close(s->sockets.entries[i].fd);
    metrics_attach(config->metrics, index);
    struct err err = {0};
    bool ok = config->run(config->arg, &self, &err);
    free(fds);
    if (ok)
        return 0;
    char event[64];
    snprintf(event, sizeof event, "%s.start", config->name);
    log_error(event, "reason", err.text);
    return 1;
}

/* --- starting ------------------------------------------------------------------------------------
 */

static void start(struct supervisor *s, unsigned index)
{
    struct child *child = &s->children[index];
    pid_t parent = getpid();
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        exit(run_child(s, index, parent)); // not _exit: leaks are looked for at exit
    child->started_ms = clock_mono_ms();
    child->ready = false;
    if (pid < 0) {
        log_error("supervisor.fork", "name", s->config->name, "reason", strerror(errno));
        child->restart_at_ms = child->started_ms + RESTART_MOST_MS;
        return;
    }
    child->pid = pid;
    child->restart_at_ms = 0;
}

static void restart_due(struct supervisor *s)
{
    for (unsigned i = 0; i < s->count && !s->stopping; i++) {
        const struct child *child = &s->children[i];
        if (!child->pid && child->restart_at_ms && clock_mono_ms() >= child->restart_at_ms)
            start(s, i);
    }
}

/* --- ending --------------------------------------------------------------------------------------
 */

static size_t alive(const struct supervisor *s)
{
    size_t count = s->old.count;
    for (size_t i = 0; i < s->count; i++)
        count += s->children[i].pid != 0;
    return count;
}

static void signal_old(const struct supervisor *s, int signal)
{
    for (size_t i = 0; i < s->old.count; i++)
        kill(s->old.pids[i], signal);
}

static void signal_all(const struct supervisor *s, int signal)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->children[i].pid)
            kill(s->children[i].pid, signal);
    signal_old(s, signal);
}

static void stop(struct supervisor *s)
{
    if (s->stopping)
        return;
    s->stopping = true;
    s->kill_at_ms = clock_mono_ms() + s->config->stop_ms;
    sockets_refuse(&s->sockets, false);
    reload_cancel(s);
    signal_all(s, SIGTERM);
}

static void kill_late(struct supervisor *s)
{
    int64_t now = clock_mono_ms();
    if (s->stopping && now > s->kill_at_ms)
        signal_all(s, SIGKILL);
    else if (s->old.told && s->old.count > 0 && now > s->old.kill_at_ms)
        signal_old(s, SIGKILL);
}

/* --- what happened to children -------------------------------------------------------------------
 */

static void describe_death(const struct supervisor *s, pid_t pid, int status)
{
    char event[64];
    snprintf(event, sizeof event, "%s.died", s->config->name);
    if (WIFSIGNALED(status))
        log_error(event, "pid", log_int(pid), "signal", strsignal(WTERMSIG(status)));
    else
        log_error(event, "pid", log_int(pid), "status", log_int(WEXITSTATUS(status)));
}

static void child_ended(struct supervisor *s, unsigned index, int status)
{
    struct child *child = &s->children[index];
    pid_t pid = child->pid;
    child->pid = 0;
    metrics_detach(s->config->metrics, index);
    if (!s->stopping || status != 0)
        describe_death(s, pid, status);
    s->failed |= s->stopping && status != 0;
    if (s->stopping)
        return;
    if (!s->served && !s->took_over) { // it cannot start: neither could its successor
        s->failed = true;
        stop(s);
        return;
    }
    int64_t now = clock_mono_ms();
    bool lived_well = now - child->started_ms > LIVED_WELL_MS;
    child->backoff_ms = lived_well || !child->backoff_ms ? RESTART_FIRST_MS : child->backoff_ms * 2;
    if (child->backoff_ms > RESTART_MOST_MS)
        child->backoff_ms = RESTART_MOST_MS;
    child->restart_at_ms = now + child->backoff_ms;
}

// Nothing of the program before is left.
static void old_are_gone(struct supervisor *s)
{
    if (!s->took_over || !s->served || s->old.count > 0)
        return;
    s->took_over = false;
    sockets_close_unwanted(&s->sockets);
    metrics_settle(s->config->metrics);
    log_info("supervisor.reloaded", "name", s->config->name, "processes",
             log_int((long long)s->count));
    if (s->reload_wanted)
        reload_request(s);
}

static void old_ended(struct supervisor *s, size_t at, int status)
{
    if (status != 0)
        describe_death(s, s->old.pids[at], status);
    s->old.pids[at] = s->old.pids[--s->old.count];
    old_are_gone(s);
}

static void ended(struct supervisor *s, pid_t pid, int status)
{
    if (pid == s->trial.pid) {
        reload_reaped(s, status);
        return;
    }
    for (unsigned i = 0; i < s->count; i++) {
        if (s->children[i].pid == pid) {
            child_ended(s, i, status);
            return;
        }
    }
    for (size_t i = 0; i < s->old.count; i++) {
        if (s->old.pids[i] == pid) {
            old_ended(s, i, status);
            return;
        }
    }
}

static void reap(struct supervisor *s)
{
    int status;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG))
        ended(s, pid, status);
}

static void all_serve(struct supervisor *s)
{
    s->served = true;
    if (s->took_over) {
        sockets_refuse(&s->sockets, true); // of addresses that are no longer configured
        s->old.told = true;
        s->old.kill_at_ms = clock_mono_ms() + s->config->stop_ms;
        signal_old(s, SIGTERM);
        old_are_gone(s);
        return;
    }
    int *ports = x_calloc(s->config->socket_count + 1, sizeof *ports);
    for (size_t i = 0; i < s->config->socket_count; i++)
        ports[i] = socket_port(sockets_find(&s->sockets, &s->config->sockets[i], 0)->fd);
    s->config->ready(s->config->arg, ports);
    free(ports);
    if (s->reload_wanted)
        reload_request(s);
}

// Each child writes its number once.
static void read_ready(struct supervisor *s)
{
    unsigned char indices[METRICS_PROCESSES_MAX];
    ssize_t n = read(s->ready[0], indices, sizeof indices);
    for (ssize_t i = 0; i < n; i++)
        if (indices[i] < s->count)
            s->children[indices[i]].ready = true;
    size_t ready = 0;
    for (size_t i = 0; i < s->count; i++)
        ready += s->children[i].pid && s->children[i].ready;
    if (ready == s->count && !s->served && !s->stopping)
        all_serve(s);
}

/* --- the loop ------------------------------------------------------------------------------------
 */

static void read_signals(struct supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signal_fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            stop(s);
        else if (info.ssi_signo == SIGHUP)
            reload_request(s);
    }
}

// Only what has a time needs a tick.
static bool has_times(const struct supervisor *s)
{
    bool due = s->stopping || s->trial.pid || s->old.told;
    for (size_t i = 0; i < s->count; i++)
        due |= s->children[i].restart_at_ms != 0;
    return due;
}

static void watch(struct supervisor *s)
{
    while (!s->stopping || alive(s) > 0 || s->trial.pid) {
        struct pollfd fds[] = {{.fd = s->signal_fd, .events = POLLIN},
                               {.fd = s->ready[0], .events = POLLIN}};
        poll(fds, 2, has_times(s) ? TICK_MS : -1);
        if (fds[1].revents)
            read_ready(s);
        read_signals(s);
        reap(s);
        restart_due(s);
        reload_tick(s);
        kill_late(s);
    }
}

/* --- begin and end -------------------------------------------------------------------------------
 */

static void take_over(struct supervisor *s)
{
    struct handover handover;
    handover_read(&handover, getpid());
    s->took_over = handover.given;
    s->sockets = handover.sockets;
    s->old = (struct old_children){.pids = handover.children, .count = handover.child_count};
    if (handover.metrics_fd >= 0)
        metrics_inherit(s->config->metrics, handover.metrics_fd);
}

static bool open_signals(struct supervisor *s)
{
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    sigemptyset(&s->signals);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaddset(&s->signals, numbers[i]);
        signal(numbers[i], SIG_DFL); // whatever we were started with
    }
    sigprocmask(SIG_BLOCK, &s->signals, NULL);
    s->signal_fd = signalfd(-1, &s->signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signal_fd >= 0;
}

static bool begin(struct supervisor *s, struct err *err)
{
    if (!open_signals(s) || pipe2(s->ready, O_CLOEXEC) != 0)
        return err_set(err, ERR_INTERNAL, "%s", strerror(errno));
    fcntl(s->ready[0], F_SETFL, O_NONBLOCK);
    s->program = handover_program(s->config->argv);
    take_over(s);
    return sockets_open(&s->sockets, s->config->sockets, s->config->socket_count,
                        s->config->processes, err);
}

static void end(struct supervisor *s)
{
    sockets_deinit(&s->sockets);
    for (size_t i = 0; i < 2; i++)
        if (s->ready[i] >= 0)
            close(s->ready[i]);
    if (s->signal_fd >= 0)
        close(s->signal_fd);
    free(s->children);
    free(s->old.pids);
    free(s->program);
    sigprocmask(SIG_UNBLOCK, &s->signals, NULL);
}

int supervise(const struct supervisor_config *config)
{
    struct supervisor s = {.config = config,
                           .count = config->processes,
                           .signal_fd = -1,
                           .ready = {-1, -1},
                           .trial = {.fd = -1}};
    struct err err = {0};
    s.children = x_calloc(s.count, sizeof *s.children);
    if (!begin(&s, &err)) {
        log_error("supervisor.start", "name", config->name, "reason", err.text);
        s.failed = true;
        stop(&s); // those of the program before, if there are any
    }
    for (unsigned i = 0; i < s.count && !s.stopping; i++)
        start(&s, i);
    if (s.signal_fd >= 0)
        watch(&s);
    end(&s);
    return s.failed ? 1 : 0;
}
