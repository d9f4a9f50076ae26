// SPDX-License-Identifier: MIT
/*
 * libcurl multi on libevent: libcurl says which sockets and which timer it wants watched
 * (watch_socket, set_timer), the loop says what happened (on_socket, on_timer), and after each of
 * these the finished transfers are collected and told (collect). Read http_start() downwards for
 * the life of one request.
 */
#include "connectors/http.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "connectors/http_call.h"
#include "connectors/http_gate.h"

enum { DEFAULT_TIMEOUT_MS = 30000 };

// ---- Ends of calls

static void call_unlink(struct http_call *call)
{
    if (call->prev)
        call->prev->next = call->next;
    else
        call->http->calls = call->next;
    if (call->next)
        call->next->prev = call->prev;
}

static void call_free(struct http_call *call)
{
    // Headers carry tokens: wipe our copies.
    for (struct curl_slist *header = call->headers; header; header = header->next)
        explicit_bzero(header->data, strlen(header->data));
    curl_slist_free_all(call->headers);
    if (call->deadline)
        event_free(call->deadline);
    curl_easy_cleanup(call->easy);
    http_answer_clear(call);
    buf_deinit(&call->response);
    free(call->body);
    free(call);
}

// Tells the caller and frees the call: the only place where `done` is called.
static void call_finish(struct http_call *call, const struct http_response *response,
                        const struct err *err)
{
    struct http *http = call->http;

    call_unlink(call);
    http_gate_leave(call);
    http->depth++;
    call->done(call->arg, response, err);
    http->depth--;
    call_free(call);
}

// Takes the call out of libcurl; its callback comes on the next loop turn.
static void call_end_later(struct http_call *call, enum err_code code, const char *text)
{
    if (call->state == CALL_OVER)
        return;
    call->state = CALL_OVER;
    call->over_at = call->http->turns;
    err_set(&call->err, code, "%s", text);
    event_active(call->http->turn, EV_TIMEOUT, 0);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct http *http = arg;
    struct http_call *call = http->calls;

    // A callback may start and cancel others, so begin again after each; what ends meanwhile has
    // a turn of its own.
    http->turns++;
    while (call) {
        if (call->state == CALL_OVER && call->over_at < http->turns) {
            call_finish(call, NULL, &call->err);
            call = http->calls;
        } else {
            call = call->next;
        }
    }
}

/*
 * "May have left" is asked of libcurl's own counters, over all the
 * connections that it tried for this request: a reused connection that died counts.
 */
static bool may_have_left(const struct http_call *call)
{
    curl_off_t pretransfer_us = 0;
    long request_bytes = 0;

    curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer_us);
    curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    return pretransfer_us > 0 || request_bytes > 0;
}

static void explain_failure(struct http_call *call, CURLcode code, struct err *ret_err)
{
    const char *text = call->curl_text[0] ? call->curl_text : curl_easy_strerror(code);

    if (call->response.overflow)
        err_set(ret_err, ERR_LIMIT, "the answer is larger than %zu bytes", call->response.max);
    else if (code == CURLE_TOO_MANY_REDIRECTS)
        err_set(ret_err, ERR_LIMIT, "%s", text);
    else if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
        err_set(ret_err, ERR_INPUT, "%s", text);
    else if (code == CURLE_SEND_FAIL_REWIND)
        err_set(ret_err, ERR_AMBIGUOUS, "the connection was lost after the request was sent");
    else
        err_set(ret_err, may_have_left(call) ? ERR_AMBIGUOUS : ERR_UNAVAILABLE, "%s", text);
    ret_err->timed_out = code == CURLE_OPERATION_TIMEDOUT;
}

static void transfer_done(struct http_call *call, CURLcode code)
{
    struct err err = {0};
    long status = 0;

    curl_multi_remove_handle(call->http->multi, call->easy);
    if (code != CURLE_OK) {
        explain_failure(call, code, &err);
        call_finish(call, NULL, &err);
        return;
    }
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    const struct http_response response = {
        .status = (int)status,
        .body = call->response.data ? call->response.data : "",
        .body_len = call->response.len,
        .headers = call->answer,
        .header_count = call->answer_count,
        .elapsed_ms = clock_mono_ms() - call->started_ms,
    };
    call_finish(call, &response, &err);
}

// Our own, from the launch on.
static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct http_call *call = arg;
    struct err err;

    if (call->state == CALL_OVER)
        return;
    err_set(&err, may_have_left(call) ? ERR_AMBIGUOUS : ERR_UNAVAILABLE, "no answer within %lld ms",
            (long long)call->timeout_ms);
    err.timed_out = true;
    curl_multi_remove_handle(call->http->multi, call->easy);
    call_finish(call, NULL, &err);
}

static void collect(struct http *http)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left))) {
        struct http_call *call = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result; // the message dies when its handle is removed
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        transfer_done(call, code);
    }
}

// ---- libcurl and the loop

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct http *http = arg;
    int action =
        ((what & EV_READ) ? CURL_CSELECT_IN : 0) | ((what & EV_WRITE) ? CURL_CSELECT_OUT : 0);
    int running;

    curl_multi_socket_action(http->multi, fd, action, &running);
    collect(http);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct http *http = arg;
    int running;

    curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(http);
}

// libcurl: watch this socket for `what`. Its event is kept as the socket's own pointer.
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct http *http = arg;
    struct event *watch = socket_arg;

    if (watch)
        event_free(watch);
    watch = NULL;
    if (what != CURL_POLL_REMOVE) {
        short events = EV_PERSIST | ((what & CURL_POLL_IN) ? EV_READ : 0) |
                       ((what & CURL_POLL_OUT) ? EV_WRITE : 0);
        watch = event_new(http->base, fd, events, on_socket, http);
        if (!watch || event_add(watch, NULL) != 0)
            return -1;
    }
    curl_multi_assign(http->multi, fd, watch);
    return 0;
}

// libcurl: call me in timeout_ms; -1 = never.
static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct http *http = arg;
    const struct timeval wait = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};

    if (timeout_ms < 0)
        return event_del(http->timer);
    return event_add(http->timer, &wait);
}

// ---- The public functions

void http_launch(struct http_call *call)
{
    const struct timeval wait = {call->timeout_ms / 1000, (call->timeout_ms % 1000) * 1000};

    call->deadline = event_new(call->http->base, -1, 0, on_deadline, call);
    assert(call->deadline);
    event_add(call->deadline, &wait);
    CURLMcode code = curl_multi_add_handle(call->http->multi, call->easy);
    if (code != CURLM_OK)
        call_end_later(call, ERR_INTERNAL, curl_multi_strerror(code));
}

struct http_call *http_start(struct http *http, const struct http_request *request,
                             http_done_fn done, void *arg)
{
    struct http_call *call = x_alloc(sizeof *call);
    struct err err = {0};

    call->http = http;
    call->done = done;
    call->arg = arg;
    call->started_ms = clock_mono_ms();
    call->next = http->calls;
    if (call->next)
        call->next->prev = call;
    http->calls = call;

    if (!http_request_check(request, &err)) {
        call_end_later(call, err.code, err.text);
        return call;
    }
    http_request_apply(call, request);
    call->timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : DEFAULT_TIMEOUT_MS;
    http_gate_enter(call, request->url);
    return call;
}

void http_cancel(struct http_call *call)
{
    if (call->state == CALL_RUNNING)
        curl_multi_remove_handle(call->http->multi, call->easy);
    call_end_later(call, ERR_CANCELED, "canceled");
}

const char *http_header_get(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++)
        if (strcasecmp(response->headers[i].name, name) == 0)
            return response->headers[i].value;
    return NULL;
}

struct http *http_new(struct event_base *base, const struct http_config *config, struct err *err)
{
    static const struct http_config defaults;
    struct http *http = x_alloc(sizeof *http);

    if (!config)
        config = &defaults;
    http->base = base;
    http->user_agent =
        x_dup(config->user_agent ? config->user_agent : "hookmill/" HOOKMILL_VERSION);
    http->ca_file = x_dup(config->ca_file);
    // Counted by libcurl: any number of http objects may call it.
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        http->multi = curl_multi_init();
    http->timer = event_new(base, -1, 0, on_timer, http);
    http->turn = event_new(base, -1, 0, on_turn, http);
    if (!http->multi || !http->timer || !http->turn) {
        http_free(http);
        err_set(err, ERR_INTERNAL, "libcurl or libevent cannot be initialised");
        return NULL;
    }
    long in_all = config->max_connections > 0 ? config->max_connections : 256;
    long per_host = config->max_per_host > 0 ? config->max_per_host : 64;
    http->per_host = (unsigned)per_host;
    curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, in_all);
    curl_multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, per_host);
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, in_all);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    return http;
}

void http_free(struct http *http)
{
    if (!http)
        return;
    assert(http->depth == 0);
    http->closing = true;
    while (http->calls) {
        struct http_call *call = http->calls;
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): call_finish() took the last one out
        http_cancel(call);
        call_finish(call, NULL, &call->err);
    }
    curl_multi_cleanup(http->multi);
    if (http->timer)
        event_free(http->timer);
    if (http->turn)
        event_free(http->turn);
    curl_global_cleanup();
    free(http->user_agent);
    free(http->ca_file);
    free(http);
}
