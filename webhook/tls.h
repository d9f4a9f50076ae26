// SPDX-License-Identifier: MIT
/*
 * HTTPS without a proxy: the certificate, and whom it is shown to. TLS 1.2 and later. With a CA for
 * clients (mutual TLS), a client may come without a certificate, so that health checks need none;
 * a bad one ends the handshake; and a delivery is taken only from a client that has one of the CA
 * with the configured common name (tls_client_is_known).
 *
 * Made before forking and shared by the children from then on; files are read at that time only.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

struct bufferevent;
struct event_base;
struct tls;

struct tls_config {
    const char *certificate, *key; // PEM files
    const char *client_ca;         // PEM file; NULL or "" = clients are not asked
    const char *client_name;       // common name; NULL or "" = any of the CA's
};

// ERR_CONFIG names the file and what is wrong with it.
MUST_USE struct tls *tls_new(const struct tls_config *config, struct err *err);
void tls_free(struct tls *tls);

// The server's end of a connection, for evhttp_set_bevcb: gets its socket later.
struct bufferevent *tls_bufferevent(struct tls *tls, struct event_base *base);
// Says goodbye, before the connection is freed.
void tls_close(struct bufferevent *bev);
// Whether the client may deliver: true when clients are not asked for a certificate.
bool tls_client_is_known(const struct tls *tls, struct bufferevent *bev);
