// SPDX-License-Identifier: MIT
/*
 * A raw HTTP client that shares the listener's loop: each wait turns the loop until its condition
 * holds or ten seconds have passed, which fails the test.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct client {
    struct event_base *base;
    int fd;
    bool ended; // the peer closed or reset the connection
    struct buf in;
};

void client_open(struct client *client, struct event_base *base, int port);
void client_close(struct client *client);

// Sends all bytes, turning the loop in between. False when the peer hung up before it had them.
bool client_send(struct client *client, const void *data, size_t len);
void client_send_str(struct client *client, const char *text);

// Waits for one whole response; returns its status and leaves headers and body in client->in.
int client_response(struct client *client);
const char *client_body(const struct client *client); // of the last response

void client_wait_end(struct client *client); // until the peer closes
bool client_is_ended(struct client *client); // looks once, after one turn of the loop

// Turns the loop until condition(arg) holds.
void loop_until(struct event_base *base, bool (*condition)(void *arg), void *arg);

// A whole exchange on a connection of its own.
int http_exchange(struct event_base *base, int port, const char *request, struct buf *ret_response);
