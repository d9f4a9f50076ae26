// SPDX-License-Identifier: MIT
/*
 * Who a request is from, when it comes through proxies: X-Forwarded-For is believed only as far as
 * configured networks wrote it, from the nearest hop outwards. For logs. Immutable once read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct evkeyvalq;
struct proxies;

enum { PROXY_ADDRESS_MAX = 64 };

// "10.0.0.0/8, ::1, …": networks or addresses, IPv4 or IPv6; an empty list is NULL.
MUST_USE bool proxies_parse(const char *list, struct proxies **ret_proxies, struct err *err);
void proxies_free(struct proxies *proxies);

// `peer` is the address of the connection's other end. `proxies` may be NULL.
void proxies_client(const struct proxies *proxies, const char *peer,
                    const struct evkeyvalq *headers, char ret_client[PROXY_ADDRESS_MAX]);
