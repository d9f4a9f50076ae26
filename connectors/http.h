// SPDX-License-Identifier: MIT
/*
 * HTTP on libcurl multi, on the loop: the only user of libcurl. Connections are reused, TLS is
 * verified, the answer is bounded. Callbacks never fire inside http_start(), fire exactly once
 * (ERR_CANCELED at cancel and at http_free), and borrow the response for the call. One thread: the
 * loop's.
 *
 * A request that must not repeat (`once`) gives its body through a read callback whose seek
 * refuses: when a reused connection dies after the body was sent, libcurl would otherwise silently
 * send it again; so it ends as ERR_AMBIGUOUS instead (design, section 7).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct event_base;
struct http;
struct http_call;

struct http_config {
    long max_connections;   // in all, default 256
    long max_per_host;      // default 64
    const char *user_agent; // default "hookmill/<version>"
    const char *ca_file;    // NULL = the system's
};

MUST_USE struct http *http_new(struct event_base *base, const struct http_config *config,
                               struct err *err);
// Cancels what is under way (each callback runs here); not to be called from within a callback.
void http_free(struct http *http);

struct http_request {
    const char *method; // "GET", "POST" …
    const char *url;
    const char *const *headers; // "Name: value", NULL-ended; may be NULL. Never logged.
    const char *body;           // may be NULL
    size_t body_len;
    int64_t timeout_ms;     // whole transfer, from when its turn comes (max_per_host); 0 = 30 s
    size_t max_response;    // bytes; 0 = 1 MiB
    bool once;              // must not be sent twice
    unsigned max_redirects; // 0 = none
};

struct http_header {
    const char *name; // as received
    const char *value;
};
struct http_response {
    int status;
    const char *body; // NUL-terminated behind body_len
    size_t body_len;
    const struct http_header *headers; // of the last answer, at most 64
    size_t header_count;
    int64_t elapsed_ms;
};
// Case-insensitive; NULL when missing.
const char *http_header_get(const struct http_response *response, const char *name);

/*
 * response is NULL when there was none. err: ERR_UNAVAILABLE (nothing left this machine: refused,
 * DNS, connect time-out), ERR_AMBIGUOUS (it may have left), ERR_LIMIT (answer too large), ERR_INPUT
 * (bad URL), ERR_CANCELED. err->timed_out beside the first two: no answer in time.
 */
typedef void (*http_done_fn)(void *arg, const struct http_response *response,
                             const struct err *err);

// Everything in `request` is copied. Never NULL: a bad request fails through `done`.
struct http_call *http_start(struct http *http, const struct http_request *request,
                             http_done_fn done, void *arg);
// Legal until `done` ran; fires it with ERR_CANCELED on the next loop turn.
void http_cancel(struct http_call *call);
