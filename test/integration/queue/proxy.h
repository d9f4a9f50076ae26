// SPDX-License-Identifier: MIT
/*
 * A TCP proxy in front of a server, on a thread of its own. It can swallow the server's answers and
 * then cut all connections: what was asked has then been done, and nobody was told.
 */
#pragma once

#include <stdbool.h>

struct proxy;

struct proxy *proxy_new(int server_port);
void proxy_free(struct proxy *proxy);
const char *proxy_url(const struct proxy *proxy); // redis://127.0.0.1:port
void proxy_swallow(struct proxy *proxy);          // answers get lost from now on
void proxy_cut(struct proxy *proxy); // ends all connections before it returns; new ones work
