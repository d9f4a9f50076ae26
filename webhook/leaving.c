// SPDX-License-Identifier: MIT
// Reads and drops the rest of what a refused client sends (see leaving.h).

#include "webhook/leaving.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

// Many times the largest body; who sends more than that does not wait for an answer.
enum { LEAVING_MAX_BYTES = 64 << 20 };

struct leaving {
    struct event *readable;
    int fd;
    size_t bytes;
    void (*ended)(void *arg);
    void *arg;
};

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct leaving *leaving = arg;
    char sink[65536];
    ssize_t n = recv(fd, sink, sizeof sink, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        leaving->bytes += (size_t)n;
    if (n <= 0 || leaving->bytes > LEAVING_MAX_BYTES) {
        event_del(leaving->readable);
        leaving->ended(leaving->arg); // frees
    }
}

struct leaving *leaving_new(struct event_base *base, int fd, void (*ended)(void *arg), void *arg)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return NULL;
    struct leaving *leaving = x_alloc(sizeof *leaving);
    *leaving = (struct leaving){.fd = own, .ended = ended, .arg = arg};
    leaving->readable = event_new(base, own, EV_READ | EV_PERSIST, on_readable, leaving);
    event_add(leaving->readable, NULL);
    return leaving;
}

void leaving_free(struct leaving *leaving)
{
    if (!leaving)
        return;
    event_free(leaving->readable);
    close(leaving->fd);
    free(leaving);
}
