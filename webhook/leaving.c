// SPDX-License-Identifier: MIT
// Reads and drops the rest of what a refused client sends (see leaving.h).

#include "webhook/leaving.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"

// Many times the largest body; who sends more than that does not wait for an answer.
enum { LEAVING_MAX_BYTES = 64 << 20 };

struct leaving {
    struct bufferevent *bev; // has the socket
    struct event *readable;
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

/*
 * The bufferevent is kept rather than a copy (dup) of its socket: epoll would go on to report
 * events of the original, closed as it is, while there is a copy.
 */
struct leaving *leaving_new(struct event_base *base, struct bufferevent *bev,
                            void (*ended)(void *arg), void *arg)
{
    struct leaving *leaving = x_alloc(sizeof *leaving);
    *leaving = (struct leaving){.bev = bev, .ended = ended, .arg = arg};
    bufferevent_incref(bev);
    bufferevent_disable(bev, EV_READ | EV_WRITE);
    leaving->readable =
        event_new(base, bufferevent_getfd(bev), EV_READ | EV_PERSIST, on_readable, leaving);
    event_add(leaving->readable, NULL);
    return leaving;
}

void leaving_free(struct leaving *leaving)
{
    if (!leaving)
        return;
    event_free(leaving->readable);
    bufferevent_decref(leaving->bev);
    free(leaving);
}
