// SPDX-License-Identifier: MIT
/*
 * Inside http: the object, one call, and what http_request.c does to prepare it. For http.c and
 * http_request.c alone.
 */
#pragma once

#include <curl/curl.h>

#include "base/buf.h"
#include "connectors/http.h"

struct event;

enum { HTTP_HEADERS_MAX = 64 };

struct http {
    struct event_base *base;
    CURLM *multi;
    struct event *timer; // libcurl's one timer
    struct event *turn;  // ends the calls that failed or were canceled, on the next loop turn
    struct http_call *calls;
    struct http_host *hosts; // http_gate.c
    unsigned per_host;
    bool closing; // nothing is launched any more
    char *user_agent;
    char *ca_file;
    unsigned depth; // > 0 while a callback runs
    uint64_t turns; // how often `turn` fired
};

enum call_state {
    CALL_WAITING, // for its turn at the gate
    CALL_RUNNING, // in the multi handle
    CALL_OVER,    // taken out: `err` says why; `turn` will tell
};

struct http_call {
    struct http *http;
    struct http_call *prev, *next;
    struct http_host *host;                  // NULL: never came to the gate, or left it
    struct http_call *gate_prev, *gate_next; // while it waits there
    bool launched;                           // given to libcurl
    enum call_state state;
    struct err err;   // valid while CALL_OVER
    uint64_t over_at; // http->turns when it ended
    struct event *deadline;
    int64_t timeout_ms;
    http_done_fn done;
    void *arg;

    CURL *easy;
    struct curl_slist *headers;
    char *body;
    size_t body_len, body_read;

    struct buf response;
    struct http_header answer[HTTP_HEADERS_MAX]; // name and value share one allocation, the name's
    size_t answer_count;
    int64_t started_ms;
    char curl_text[CURL_ERROR_SIZE];
};

// False when something in the request is not fit to be sent.
MUST_USE bool http_request_check(const struct http_request *request, struct err *err);

// Copies the request into the call and its easy handle.
void http_request_apply(struct http_call *call, const struct http_request *request);

// http.c: hands the call to libcurl; from now on its time runs.
void http_launch(struct http_call *call);

// Forgets the answer's headers.
void http_answer_clear(struct http_call *call);
