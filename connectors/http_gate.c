// SPDX-License-Identifier: MIT
// Who may go to libcurl, by origin (see http_gate.h).

#include "connectors/http_gate.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "connectors/http_call.h"

struct http_host {
    char *origin;     // "https://graph.facebook.com:443", as the URL spells it
    unsigned running; // requests with libcurl
    struct http_call *waiting;
    UT_hash_handle hh;
};

// Scheme and authority: all up to the path.
static size_t origin_length(const char *url)
{
    const char *authority = strstr(url, "://");
    authority = authority ? authority + 3 : url;
    return (size_t)(authority - url) + strcspn(authority, "/?#");
}

static struct http_host *find_host(struct http *http, const char *url)
{
    size_t len = origin_length(url);
    struct http_host *host;
    HASH_FIND(hh, http->hosts, url, len, host);
    if (host)
        return host;
    host = x_alloc(sizeof *host);
    host->origin = x_dupn(url, len);
    HASH_ADD_KEYPTR(hh, http->hosts, host->origin, len, host);
    return host;
}

static void launch(struct http_host *host, struct http_call *call)
{
    host->running++;
    call->state = CALL_RUNNING;
    call->launched = true;
    http_launch(call);
}

void http_gate_enter(struct http_call *call, const char *url)
{
    struct http_host *host = find_host(call->http, url);
    call->host = host;
    if (host->running < call->http->per_host) {
        launch(host, call);
        return;
    }
    call->state = CALL_WAITING;
    DL_APPEND2(host->waiting, call, gate_prev, gate_next);
}

void http_gate_leave(struct http_call *call)
{
    struct http_host *host = call->host;
    struct http *http = call->http;
    if (!host)
        return;
    call->host = NULL;
    if (call->launched)
        host->running--;
    else
        DL_DELETE2(host->waiting, call, gate_prev, gate_next);
    struct http_call *next = host->waiting;
    while (next && next->state != CALL_WAITING) // canceled, and about to be told
        next = next->gate_next;
    if (next && !http->closing && host->running < http->per_host) {
        DL_DELETE2(host->waiting, next, gate_prev, gate_next);
        launch(host, next);
    }
    if (host->running == 0 && !host->waiting) {
        HASH_DEL(http->hosts, host);
        free(host->origin);
        free(host);
    }
}
