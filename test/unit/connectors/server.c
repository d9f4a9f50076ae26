// SPDX-License-Identifier: MIT
// The tests' HTTP server: see server.h.
#include "server.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "test/unit/cmocka_all.h"

struct server_connection {
    struct server *server;
    struct server_connection *next;
    struct bufferevent *bev;
};

static void connection_close(struct server_connection *connection)
{
    struct server_connection **at = &connection->server->open;

    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    bufferevent_free(connection->bev);
    free(connection);
}

// The bytes of the first complete request, or 0.
static size_t request_len(const char *data, size_t len)
{
    const char *end = strstr(data, "\r\n\r\n");
    size_t body_len = 0;

    if (!end)
        return 0;
    for (const char *line = data; line < end; line = strstr(line, "\r\n") + 2)
        if (strncasecmp(line, "content-length:", 15) == 0)
            body_len = strtoul(line + 15, NULL, 10);
    size_t whole = (size_t)(end - data) + 4 + body_len;
    return len >= whole ? whole : 0;
}

static void on_read(struct bufferevent *bev, void *arg)
{
    struct server_connection *connection = arg;
    struct server *server = connection->server;
    struct evbuffer *input = bufferevent_get_input(bev);

    for (;;) {
        size_t have = evbuffer_get_length(input);
        char *data = x_alloc(have + 1);
        evbuffer_copyout(input, data, have);
        size_t len = request_len(data, have);
        if (!len) {
            free(data);
            return;
        }
        evbuffer_drain(input, len);
        data[len] = '\0';
        server->requests++;
        snprintf(server->last, sizeof server->last, "%s", data);
        bool keep = server->answer(server, bev, data);
        free(data);
        if (!keep) {
            connection_close(connection);
            return;
        }
    }
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        connection_close(arg);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int len, void *arg)
{
    struct server *server = arg;
    struct server_connection *connection = x_alloc(sizeof *connection);

    server->connections++;
    connection->server = server;
    connection->next = server->open;
    server->open = connection;
    connection->bev = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(connection->bev, on_read, NULL, on_event, connection);
    bufferevent_enable(connection->bev, EV_READ | EV_WRITE);
}

void server_start(struct server *server, struct event_base *base, server_fn answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    *server = (struct server){.base = base, .answer = answer};
    server->listener = evconnlistener_new_bind(base, on_accept, server, LEV_OPT_CLOSE_ON_FREE, 16,
                                               (struct sockaddr *)&address, (int)sizeof address);
    assert_non_null(server->listener);
    assert_int_equal(
        getsockname(evconnlistener_get_fd(server->listener), (struct sockaddr *)&address, &len), 0);
    server->port = ntohs(address.sin_port);
}

void server_stop(struct server *server)
{
    while (server->open)
        connection_close(server->open);
    evconnlistener_free(server->listener);
}

const char *server_url(const struct server *server, const char *path)
{
    static char slots[4][256];
    static unsigned next;
    char *slot = slots[next++ % 4];

    snprintf(slot, sizeof slots[0], "http://127.0.0.1:%d%s", server->port, path);
    return slot;
}

void server_reply(struct bufferevent *connection, int status, const char *headers, const char *body)
{
    evbuffer_add_printf(bufferevent_get_output(connection),
                        "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers,
                        strlen(body), body);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
    *(bool *)arg = true;
}

void loop_until(struct event_base *base, const int *flag, int want)
{
    const struct timeval limit = {20, 0};
    bool is_late = false;
    struct event *timer = event_new(base, -1, 0, on_late, &is_late);

    event_add(timer, &limit);
    while (*flag < want && !is_late)
        event_base_loop(base, EVLOOP_ONCE);
    event_free(timer);
    assert_true(*flag >= want);
}
