// SPDX-License-Identifier: MIT
/*
 * A tiny HTTP/1.1 server for tests, on the test's own loop: counts connections and requests, and
 * leaves the answer, byte by byte, to a function of the test.
 */
#pragma once

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

struct server;

/*
 * Called with each complete request (head and body as received, NUL-terminated). Writes the answer;
 * NULL in `connection` never happens. Returning false closes the connection at once, without what
 * was not yet written.
 */
typedef bool (*server_fn)(struct server *server, struct bufferevent *connection,
                          const char *request);

struct server {
    struct event_base *base;
    int port;
    server_fn answer;
    int connections, requests; // counted
    int step, seen;            // for scripts: the test's own
    char last[4096];           // the beginning of the last request
    struct evconnlistener *listener;
    struct server_connection *open;
};

void server_start(struct server *server, struct event_base *base, server_fn answer);
void server_stop(struct server *server);

// "http://127.0.0.1:port" + path, in one of 4 slots used in turn.
const char *server_url(const struct server *server, const char *path);

// Writes a whole answer: status line, extra header lines ("Name: value\r\n…" or ""),
// Content-Length, body.
void server_reply(struct bufferevent *connection, int status, const char *headers,
                  const char *body);

// Runs the loop until *flag is `want` or more; fails the test after 20 seconds.
void loop_until(struct event_base *base, const int *flag, int want);
