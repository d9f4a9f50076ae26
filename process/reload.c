// SPDX-License-Identifier: MIT
/*
 * Starting over in place: the program is tried out first, in a process of its own, with the same
 * arguments and `--check`. Only when that says that all is well does this process execute it.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "process/supervisor_private.h"

enum { TRIAL_MS = 30000, SAID_MAX = 16384 };

static const char checked[] = "checked"; // what a program says that knows `--check`

void supervisor_checked(void)
{
    puts(checked);
    fflush(stdout);
}

bool supervisor_check(const struct supervisor_config *config, struct err *err)
{
    struct handover handover;
    handover_read(&handover, getppid());
    bool ok = sockets_open(&handover.sockets, config->sockets, config->socket_count,
                           config->processes, err);
    handover_deinit(&handover);
    return ok;
}

static struct handover handover_of(struct supervisor *s, pid_t *pids)
{
    struct handover handover = {.given = true,
                                .sockets = s->sockets,
                                .metrics_fd = metrics_fd(s->config->metrics),
                                .children = pids};
    for (size_t i = 0; i < s->count; i++)
        if (s->children[i].pid)
            pids[handover.child_count++] = s->children[i].pid;
    return handover;
}

void reload_request(struct supervisor *s)
{
    if (s->stopping)
        return;
    s->reload_wanted = true;
    if (!s->served || s->old.count > 0 || s->trial.pid) {
        log_info("supervisor.reload", "name", s->config->name, "waits", "for the one before");
        return;
    }
    s->reload_wanted = false;
    pid_t *pids = x_calloc(s->count, sizeof *pids);
    struct handover handover = handover_of(s, pids);
    pid_t pid =
        s->program ? handover_try(&handover, s->program, s->config->argv, &s->trial.fd) : -1;
    free(pids);
    if (pid < 0) {
        log_error("supervisor.reload", "name", s->config->name, "reason", strerror(errno));
        return;
    }
    s->trial.pid = pid;
    s->trial.give_up_ms = clock_mono_ms() + TRIAL_MS;
    buf_init(&s->trial.said, SAID_MAX);
}

static void listen_to_trial(struct supervisor *s)
{
    char chunk[1024];
    ssize_t n;
    while ((n = read(s->trial.fd, chunk, sizeof chunk)) > 0)
        buf_add(&s->trial.said, chunk, (size_t)n);
}

static void end_trial(struct supervisor *s)
{
    close(s->trial.fd);
    buf_deinit(&s->trial.said);
    s->trial = (struct trial){.fd = -1};
}

// The last line that it said.
static const char *last_line(char *text)
{
    size_t len = text ? strlen(text) : 0;
    while (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    char *line = len > 0 ? strrchr(text, '\n') : NULL;
    return line ? line + 1 : len > 0 ? text : "it said nothing";
}

static bool says_checked(const struct buf *said)
{
    const char *word = said->data ? strstr(said->data, checked) : NULL;
    return word && (word == said->data || word[-1] == '\n') && word[strlen(checked)] == '\n';
}

static void start_over(struct supervisor *s)
{
    log_info("supervisor.reload", "name", s->config->name, "program", s->program);
    fflush(NULL);
    pid_t *pids = x_calloc(s->count, sizeof *pids);
    struct handover handover = handover_of(s, pids);
    handover_execute(&handover, s->program, s->config->argv);
    log_error("supervisor.reload", "name", s->config->name, "reason", strerror(errno), "program",
              s->program);
    free(pids);
}

void reload_reaped(struct supervisor *s, int status)
{
    listen_to_trial(s);
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0 && says_checked(&s->trial.said);
    if (!good && !s->stopping)
        log_error("supervisor.reload", "name", s->config->name, "reason",
                  WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : last_line(s->trial.said.data),
                  "action", "nothing was changed; mend it, then send SIGHUP again");
    end_trial(s);
    if (good && !s->stopping)
        start_over(s);
    if (s->reload_wanted)
        reload_request(s);
}

void reload_tick(struct supervisor *s)
{
    if (!s->trial.pid)
        return;
    listen_to_trial(s);
    if (clock_mono_ms() >= s->trial.give_up_ms)
        kill(s->trial.pid, SIGKILL);
}

void reload_cancel(struct supervisor *s)
{
    if (s->trial.pid)
        kill(s->trial.pid, SIGKILL);
}
