// SPDX-License-Identifier: MIT
// A raw HTTP client for tests (see http_client.h).

#include "http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

enum { PATIENCE_MS = 10000 };

static void turn(struct event_base *base, int fd, short events)
{
    event_base_loop(base, EVLOOP_NONBLOCK);
    struct pollfd pfd = {.fd = fd, .events = events};
    poll(&pfd, 1, 1);
}

static void receive(struct client *client)
{
    char chunk[16384];
    ssize_t n;
    while ((n = recv(client->fd, chunk, sizeof chunk, MSG_DONTWAIT)) > 0)
        buf_add(&client->in, chunk, (size_t)n);
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        client->ended = true;
}

void client_open(struct client *client, struct event_base *base, int port)
{
    *client = (struct client){.base = base, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(client->fd, (struct sockaddr *)&address, sizeof address), 0);
    fcntl(client->fd, F_SETFL, O_NONBLOCK);
}

void client_close(struct client *client)
{
    close(client->fd);
    buf_deinit(&client->in);
}

bool client_send(struct client *client, const void *data, size_t len)
{
    const char *bytes = data;
    int64_t give_up = clock_mono_ms() + PATIENCE_MS;
    while (len > 0 && !client->ended) {
        assert_true(clock_mono_ms() < give_up);
        ssize_t n = send(client->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            return false; // what the peer said before it hung up can still be read
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
        turn(client->base, client->fd, POLLOUT);
    }
    return len == 0;
}

void client_send_str(struct client *client, const char *text)
{
    client_send(client, text, strlen(text));
}

// The length of the response at the front of `in`, or 0 while it is incomplete.
static size_t response_len(const struct buf *in)
{
    const char *head_end = in->data ? strstr(in->data, "\r\n\r\n") : NULL;
    if (!head_end)
        return 0;
    const char *length = strcasestr(in->data, "\r\nContent-Length:");
    size_t len = (size_t)(head_end - in->data) + 4;
    if (length && length < head_end)
        len += strtoul(length + 17, NULL, 10);
    return in->len >= len ? len : 0;
}

int client_response(struct client *client)
{
    // Drops the response that was read before.
    size_t old = response_len(&client->in);
    struct buf rest = {0};
    if (client->in.len > old)
        buf_add(&rest, client->in.data + old, client->in.len - old);
    buf_deinit(&client->in);
    client->in = rest;
    int64_t give_up = clock_mono_ms() + PATIENCE_MS;
    while (response_len(&client->in) == 0) {
        if (client->ended || clock_mono_ms() > give_up)
            fail_msg("no response; got: %s", client->in.data ? client->in.data : "(nothing)");
        turn(client->base, client->fd, POLLIN);
        receive(client);
    }
    return atoi(client->in.data + 9); // "HTTP/1.1 200"
}

const char *client_body(const struct client *client)
{
    return strstr(client->in.data, "\r\n\r\n") + 4;
}

bool client_is_ended(struct client *client)
{
    turn(client->base, client->fd, POLLIN);
    receive(client);
    return client->ended;
}

void client_wait_end(struct client *client)
{
    int64_t give_up = clock_mono_ms() + PATIENCE_MS;
    while (!client_is_ended(client))
        assert_true(clock_mono_ms() < give_up);
}

void loop_until(struct event_base *base, bool (*condition)(void *arg), void *arg)
{
    int64_t give_up = clock_mono_ms() + PATIENCE_MS;
    while (!condition(arg)) {
        assert_true(clock_mono_ms() < give_up);
        turn(base, -1, 0);
    }
}

int http_exchange(struct event_base *base, int port, const char *request, struct buf *ret_response)
{
    struct client client;
    client_open(&client, base, port);
    client_send_str(&client, request);
    int status = client_response(&client);
    if (ret_response) {
        buf_clear(ret_response);
        buf_add(ret_response, client.in.data, client.in.len);
    }
    client_close(&client);
    return status;
}
