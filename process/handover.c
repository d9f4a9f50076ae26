// SPDX-License-Identifier: MIT
// One program in the place of another, in the same process (see handover.h).

#include "process/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/buf.h"

static const char variable[] = "_HOOKMILL_HANDOVER";

/* --- written -------------------------------------------------------------------------------------
 */

// "pid=1 metrics=2 child=3 socket=4:0:8080:127.0.0.1": descriptor, index, port, address
static char *describe(const struct handover *handover)
{
    struct buf text = {0};
    buf_printf(&text, "pid=%d metrics=%d", (int)getpid(), handover->metrics_fd);
    for (size_t i = 0; i < handover->child_count; i++)
        buf_printf(&text, " child=%d", (int)handover->children[i]);
    for (size_t i = 0; i < handover->sockets.count; i++) {
        const struct socket_entry *entry = &handover->sockets.entries[i];
        buf_printf(&text, " socket=%d:%d:%d:%s", entry->fd, entry->index, entry->port,
                   entry->address);
    }
    return buf_take(&text);
}

static void keep_open(const struct handover *handover, bool open)
{
    for (size_t i = 0; i < handover->sockets.count; i++)
        fcntl(handover->sockets.entries[i].fd, F_SETFD, open ? 0 : FD_CLOEXEC);
    if (handover->metrics_fd >= 0)
        fcntl(handover->metrics_fd, F_SETFD, open ? 0 : FD_CLOEXEC);
}

void handover_execute(const struct handover *handover, const char *program, char **argv)
{
    char *text = describe(handover);
    setenv(variable, text, 1);
    free(text);
    keep_open(handover, true);
    execv(program, argv);
    int error = errno;
    keep_open(handover, false);
    unsetenv(variable);
    errno = error;
}

/* --- tried ---------------------------------------------------------------------------------------
 */

static char **with_check(char **argv)
{
    size_t count = 0;
    while (argv[count])
        count++;
    char **longer = x_calloc(count + 2, sizeof *longer);
    memcpy(longer, argv, count * sizeof *longer);
    longer[count] = (char *)"--check";
    return longer;
}

static void execute_check(const struct handover *handover, const char *text, const char *program,
                          char **argv, int fd)
{
    keep_open(handover, true); // in this process alone
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    setenv(variable, text, 1);
    execv(program, argv);
    dprintf(STDERR_FILENO, "%s: %s\n", program, strerror(errno));
    _exit(127);
}

pid_t handover_try(const struct handover *handover, const char *program, char **argv, int *ret_fd)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return -1;
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    char **longer = with_check(argv);
    char *text = describe(handover);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        execute_check(handover, text, program, longer, fds[1]);
    int error = errno;
    free(text);
    free(longer);
    close(fds[1]);
    if (pid < 0)
        close(fds[0]);
    else
        *ret_fd = fds[0];
    errno = error;
    return pid;
}

char *handover_program(char **argv)
{
    if (argv && argv[0] && strchr(argv[0], '/'))
        return x_dup(argv[0]);
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path);
    return len > 0 && len < (ssize_t)sizeof path ? x_dupn(path, (size_t)len) : NULL;
}

/* --- read ----------------------------------------------------------------------------------------
 */

static void read_socket(struct handover *handover, const char *text)
{
    int fd, index, port, at = 0;
    if (sscanf(text, "%d:%d:%d:%n", &fd, &index, &port, &at) == 3 && at > 0 &&
        sockets_adopt(&handover->sockets, text + at, port, index, fd))
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void read_word(struct handover *handover, const char *word)
{
    if (strncmp(word, "metrics=", 8) == 0) {
        handover->metrics_fd = atoi(word + 8);
        if (fcntl(handover->metrics_fd, F_SETFD, FD_CLOEXEC) != 0)
            handover->metrics_fd = -1;
    } else if (strncmp(word, "child=", 6) == 0) {
        handover->children =
            x_realloc(handover->children, handover->child_count + 1, sizeof *handover->children);
        handover->children[handover->child_count++] = atoi(word + 6);
    } else if (strncmp(word, "socket=", 7) == 0) {
        read_socket(handover, word + 7);
    }
}

void handover_read(struct handover *handover, pid_t writer)
{
    *handover = (struct handover){.metrics_fd = -1};
    char *text = x_dup(getenv(variable));
    unsetenv(variable);
    handover->given = text && strncmp(text, "pid=", 4) == 0 && atoi(text + 4) == writer;
    char *rest = NULL;
    for (char *word = handover->given ? strtok_r(text, " ", &rest) : NULL; word;
         word = strtok_r(NULL, " ", &rest))
        read_word(handover, word);
    free(text);
}

void handover_deinit(struct handover *handover)
{
    sockets_deinit(&handover->sockets);
    if (handover->metrics_fd >= 0)
        close(handover->metrics_fd);
    free(handover->children);
    *handover = (struct handover){.metrics_fd = -1};
}
