// SPDX-License-Identifier: MIT
// The webhook endpoint: socket, routes, and every answer but that of a delivery (see listener.h).

#include "webhook/listener.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "queue/queue.h"
#include "spool/archive.h"
#include "spool/spool.h"
#include "webhook/challenge.h"
#include "webhook/delivery.h"
#include "webhook/tls.h"

enum {
    DEFAULT_MAX_BODY = 4 << 20, // Meta documents 3 MB for WhatsApp
    DEFAULT_MAX_CONNECTIONS = 1024,
    DEFAULT_DEADLINE_MS = 10000,
    DEFAULT_IDLE_MS = 60000,
    DEFAULT_ANSWER_MS = 4000, // Meta gives up after 5 s on Messenger and Instagram
    MAX_HEADERS = 16384,
    MAX_HELD = 64 << 20, // of all requests that are under way, in this process
    QUIET_MS = 1000,
    TICK_MIN_MS = 5,
    TICK_MAX_MS = 100,
};

bool quiet_pass(struct quiet *quiet, unsigned *ret_hidden)
{
    int64_t now = clock_mono_ms();
    if (quiet->last_ms != 0 && now - quiet->last_ms < QUIET_MS) {
        quiet->hidden++;
        return false;
    }
    *ret_hidden = quiet->hidden;
    *quiet = (struct quiet){.last_ms = now};
    return true;
}

static const char *reason_phrase(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 202:
        return "Accepted";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 413:
        return "Content Too Large";
    default:
        return "Service Unavailable";
    }
}

/*
 * Writes what evhttp has put together now, instead of asking epoll first when the socket can take
 * it (it can), and lets evhttp see that it has left. What the socket does not take stays for epoll.
 * The request is gone afterwards, and the connection may be.
 */
static void write_now(struct bufferevent *bev)
{
    struct evbuffer *output = bufferevent_get_output(bev);
    evbuffer_unfreeze(output, 1); // a bufferevent lets nobody else drain its output
    evbuffer_write(output, bufferevent_getfd(bev));
    evbuffer_freeze(output, 1);
    if (evbuffer_get_length(output) > 0)
        return;
    bufferevent_disable(bev, EV_WRITE);
    bufferevent_trigger(bev, EV_WRITE, BEV_TRIG_IGNORE_WATERMARKS);
}

// Sends the reply of a request that the guard has taken.
static void send_reply(struct listener *listener, struct evhttp_request *request, int status,
                       const char *type, const void *body, size_t len)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    if (len > 0) {
        evhttp_add_header(headers, "Content-Type", type);
        evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    }
    if (len > 0 && evhttp_request_get_command(request) != EVHTTP_REQ_HEAD) {
        evbuffer_add(evhttp_request_get_output_buffer(request), body, len);
    }
    if (status == 503)
        evhttp_add_header(headers, "Retry-After", "5");
    if (http_guard_is_stopping(listener->guard))
        evhttp_add_header(headers, "Connection", "close");
    http_guard_answer(listener->guard, request);
    struct bufferevent *bev =
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
    evhttp_send_reply(request, status, reason_phrase(status), NULL);
    if (!listener->config.tls)
        write_now(bev);
}

static const char plain[] = "text/plain; charset=utf-8";

void listener_answer(struct listener *listener, struct evhttp_request *request, size_t app,
                     int status, const char *text)
{
    figures_answer(listener->figures, app, status);
    send_reply(listener, request, status, plain, text, text ? strlen(text) : 0);
}

void listener_reply(struct listener *listener, struct evhttp_request *request, int status,
                    const char *type, const char *text)
{
    send_reply(listener, request, status, type, text, strlen(text));
}

const char *listener_client(const struct listener *listener, struct evhttp_request *request,
                            char buffer[PROXY_ADDRESS_MAX])
{
    struct evhttp_connection *evcon = request ? evhttp_request_get_connection(request) : NULL;
    if (!evcon)
        return NULL;
    char *peer = NULL;
    ev_uint16_t port;
    evhttp_connection_get_peer(evcon, &peer, &port);
    proxies_client(listener->config.proxies, peer, evhttp_request_get_input_headers(request),
                   buffer);
    return buffer;
}

/* --- routes --------------------------------------------------------------------------------------
 */

static void on_verify(struct listener *listener, size_t app, struct evhttp_request *request)
{
    http_guard_take(listener->guard, request, NULL, NULL);
    const struct config_app *config = &listener->config.apps[app];
    const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    char challenge[CHALLENGE_MAX + 1];
    int status = challenge_check(query, config->verify_token, challenge);
    char client[PROXY_ADDRESS_MAX];
    listener_client(listener, request, client);
    if (status == 200)
        log_info("listener.verified", "app", config->name, "client", client);
    else
        log_warn("listener.verification", "app", config->name, "client", client, "reason",
                 status == 403 ? "verify token differs" : "parameters missing or malformed");
    listener_answer(listener, request, app, status, status == 200 ? challenge : NULL);
}

static void on_health(struct listener *listener, size_t app, struct evhttp_request *request)
{
    http_guard_take(listener->guard, request, NULL, NULL);
    send_reply(listener, request, 200, plain, "ok\n", 3);
}

static const char *why_unready(const struct listener *listener)
{
    if (http_guard_is_stopping(listener->guard))
        return "stopping";
    if (queue_room(listener->queue) == QUEUE_ROOM_NONE)
        return "the queue is above its high-water mark";
    if (queue_is_up(listener->queue))
        return NULL;
    if (queue_is_foreign(listener->queue))
        return "Redis has another shard count";
    const struct spool *spool = listener->config.spool;
    if (!spool)
        return "Redis is away";
    return spool_has_room(spool) ? NULL : "Redis is away and the spool is full";
}

static void refresh_disk(struct listener *listener)
{
    const struct listener_figures *figures = listener->figures;
    struct spool_status sum = {0};
    const struct spool *spool = listener->config.spool;
    for (unsigned shard = 0; spool && shard < spool_shards(spool); shard++) {
        struct spool_status status;
        spool_read_status(spool, shard, &status);
        sum.events += status.events;
        sum.bytes += status.bytes;
        sum.torn += status.torn;
    }
    if (sum.events > 0 && !listener->spool_held)
        log_warn("spool.holds", "events", log_int((long long)sum.events), "hint",
                 "Redis is away or slow; what it misses is on this host's disk");
    else if (sum.events == 0 && listener->spool_held)
        log_info("spool.drained");
    listener->spool_held = sum.events > 0;
    metrics_set(figures->metrics, figures->spool_events, sum.events);
    metrics_set(figures->metrics, figures->spool_bytes, sum.bytes);
    metrics_set(figures->metrics, figures->spool_torn, sum.torn);
    if (!listener->config.archive)
        return;
    struct archive_counts counts = archive_counts(listener->config.archive);
    metrics_set(figures->metrics, figures->archive_kept, counts.kept);
    metrics_set(figures->metrics, figures->archive_dropped, counts.dropped);
}

// Gauges, readiness, and what the guard counts: now and then, and when this process is asked.
static void refresh(struct listener *listener)
{
    const struct listener_figures *figures = listener->figures;
    struct metrics *metrics = figures->metrics;
    uint64_t expired = http_guard_expired(listener->guard);
    metrics_add(metrics, figures->expired, expired - listener->counted_expired);
    listener->counted_expired = expired;
    metrics_set(metrics, figures->connections, http_guard_connections(listener->guard));
    metrics_set(metrics, figures->in_flight, listener->in_flight);
    metrics_set(metrics, figures->room, queue_room(listener->queue));
    metrics_set(metrics, figures->waiting, queue_waiting(listener->queue));
    refresh_disk(listener);
    const char *unready = why_unready(listener);
    if (unready != listener->unready)
        metrics_set_unready(metrics, unready);
    listener->unready = unready;
}

static void on_ready(struct listener *listener, size_t app, struct evhttp_request *request)
{
    http_guard_take(listener->guard, request, NULL, NULL);
    refresh(listener);
    char why[128], text[sizeof why + 2];
    bool ready = metrics_ready(listener->figures->metrics, why);
    int len = snprintf(text, sizeof text, "%s\n", ready ? "ready" : why);
    send_reply(listener, request, ready ? 200 : 503, plain, text, (size_t)len);
}

static void on_metrics(struct listener *listener, size_t app, struct evhttp_request *request)
{
    http_guard_take(listener->guard, request, NULL, NULL);
    refresh(listener);
    struct buf out = {0};
    metrics_print(listener->figures->metrics, &out);
    send_reply(listener, request, 200, plain, out.data, out.len);
    buf_deinit(&out);
}

/*
 * A path that ends in '/' is followed by an app's name, and is for Meta, who may have to show a
 * certificate, or by what the handler understands (`rest`); the others may be asked by HEAD, too.
 * NULL: the method is not allowed.
 */
static const struct route {
    const char *path;
    void (*get)(struct listener *listener, size_t app, struct evhttp_request *request);
    void (*post)(struct listener *listener, size_t app, struct evhttp_request *request);
    const char *allow;
    bool rest;
} routes[] = {
    {"/webhooks/", on_verify, delivery_start, "GET, POST", false},
    {"/callbacks/", NULL, callback_start, "POST", true},
    {"/healthz", on_health, NULL, "GET, HEAD", false},
    {"/readyz", on_ready, NULL, "GET, HEAD", false},
    {"/metrics", on_metrics, NULL, "GET, HEAD", false},
};

// The route of a path, and the app that it names (none: app_count). NULL: no such address.
static const struct route *route_find(const struct listener *listener, const char *path,
                                      size_t *ret_app)
{
    *ret_app = listener->config.app_count;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        size_t len = strlen(routes[i].path);
        if (routes[i].path[len - 1] != '/') {
            if (strcmp(path, routes[i].path) == 0)
                return &routes[i];
            continue;
        }
        if (strncmp(path, routes[i].path, len) != 0)
            continue;
        if (routes[i].rest)
            return &routes[i];
        for (size_t app = 0; app < listener->config.app_count; app++) {
            if (strcmp(path + len, listener->config.apps[app].name) == 0) {
                *ret_app = app;
                return &routes[i];
            }
        }
    }
    return NULL;
}

// Mutual TLS.
static bool check_client(struct listener *listener, size_t app, struct evhttp_request *request)
{
    struct evhttp_connection *evcon = evhttp_request_get_connection(request);
    if (tls_client_is_known(listener->config.tls, evhttp_connection_get_bufferevent(evcon)))
        return true;
    http_guard_take(listener->guard, request, NULL, NULL);
    unsigned hidden;
    char client[PROXY_ADDRESS_MAX];
    if (quiet_pass(&listener->stranger, &hidden))
        log_warn("listener.client_certificate", "app", listener->config.apps[app].name, "client",
                 listener_client(listener, request, client), "reason", "missing or another's",
                 "more", hidden ? log_int(hidden) : NULL);
    listener_answer(listener, request, app, 403, "client certificate\n");
    return false;
}

static void refuse_method(struct listener *listener, size_t app, struct evhttp_request *request,
                          const char *allow)
{
    http_guard_take(listener->guard, request, NULL, NULL);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    evhttp_add_header(headers, "Allow", allow);
    evhttp_add_header(headers, "Connection", "close"); // evhttp may not have read a body
    listener_answer(listener, request, app, 405, NULL);
}

static void on_request(struct evhttp_request *request, void *arg)
{
    struct listener *listener = arg;
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
    size_t app;
    const struct route *route = route_find(listener, path ? path : "", &app);
    if (!route) {
        http_guard_take(listener->guard, request, NULL, NULL);
        listener_answer(listener, request, app, 404, "no such address\n");
        return;
    }
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    if (app < listener->config.app_count && !check_client(listener, app, request))
        return;
    if (route->get && (method == EVHTTP_REQ_GET ||
                       (method == EVHTTP_REQ_HEAD && app == listener->config.app_count)))
        route->get(listener, app, request);
    else if (method == EVHTTP_REQ_POST && route->post)
        route->post(listener, app, request);
    else
        refuse_method(listener, app, request, route->allow);
}

// evhttp answered before we saw the request; which app it was for is not known.
static void on_refused(void *arg, int status)
{
    struct listener *listener = arg;
    figures_answer(listener->figures, listener->config.app_count, status);
    unsigned hidden;
    if (quiet_pass(&listener->refused, &hidden))
        log_warn("listener.refused", "status", log_int(status), "reason",
                 status == 413 ? "body or header too large" : "malformed HTTP", "more",
                 hidden ? log_int(hidden) : NULL);
}

/* --- start and stop ------------------------------------------------------------------------------
 */

static void fill_defaults(struct listener_config *config)
{
    if (config->max_body == 0)
        config->max_body = DEFAULT_MAX_BODY;
    if (config->max_connections == 0)
        config->max_connections = DEFAULT_MAX_CONNECTIONS;
    if (config->deadline_ms <= 0)
        config->deadline_ms = DEFAULT_DEADLINE_MS;
    if (config->idle_ms <= 0)
        config->idle_ms = DEFAULT_IDLE_MS;
    if (config->answer_ms <= 0)
        config->answer_ms = DEFAULT_ANSWER_MS;
}

static void start_http(struct listener *listener, struct event_base *base)
{
    listener->http = evhttp_new(base);
    evhttp_set_allowed_methods(listener->http, 0xffff); // on_request answers 405 itself
    evhttp_set_default_content_type(listener->http, NULL);
    evhttp_set_max_headers_size(listener->http, MAX_HEADERS);
    evhttp_set_max_body_size(listener->http, (ev_ssize_t)listener->config.max_body);
    evhttp_set_gencb(listener->http, on_request, listener);
    const struct http_guard_config guard = {
        .sockets = listener->config.sockets,
        .socket_count = listener->config.socket_count,
        .tls = listener->config.tls,
        .max_connections = listener->config.max_connections,
        .max_held =
            MAX_HELD > 4 * listener->config.max_body ? MAX_HELD : 4 * listener->config.max_body,
        .deadline_ms = listener->config.deadline_ms,
        .idle_ms = listener->config.idle_ms,
        .refused = on_refused,
        .arg = listener,
    };
    listener->guard = http_guard_new(base, listener->http, &guard);
}

static int64_t tick_ms(const struct listener *listener)
{
    int64_t ms = listener->config.answer_ms / 16;
    return ms < TICK_MIN_MS ? TICK_MIN_MS : ms > TICK_MAX_MS ? TICK_MAX_MS : ms;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct listener *listener = arg;
    int64_t patience_ms = listener->config.answer_ms - tick_ms(listener); // the next is too late
    delivery_answer_late(listener, clock_mono_us() - patience_ms * 1000);
    refresh(listener);
}

struct event_base *listener_base_new(void)
{
    struct event_config *config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

struct listener *listener_new(struct event_base *base, const struct listener_config *config,
                              struct queue *queue)
{
    struct listener *listener = x_alloc(sizeof *listener);
    listener->config = *config;
    fill_defaults(&listener->config);
    listener->queue = queue;
    listener->figures = config->figures;
    listener->unready = "starting";
    crypto_random(&listener->next_delivery, sizeof listener->next_delivery);
    TAILQ_INIT(&listener->deliveries);
    TAILQ_INIT(&listener->answered);
    listener->bad_signature = x_calloc(config->app_count + 1, sizeof(struct quiet));
    listener->not_understood = x_calloc(config->app_count + 1, sizeof(struct quiet));
    start_http(listener, base);
    listener->tick = event_new(base, -1, EV_PERSIST, on_tick, listener);
    event_add(listener->tick, &(struct timeval){.tv_usec = tick_ms(listener) * 1000});
    refresh(listener);
    return listener;
}

bool listener_is_ready(struct listener *listener)
{
    refresh(listener);
    return listener->unready == NULL;
}

void listener_stop(struct listener *listener, void (*stopped)(void *arg), void *arg)
{
    http_guard_stop(listener->guard, stopped, arg);
    refresh(listener);
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    http_guard_stop(listener->guard, NULL, NULL);
    evhttp_free(listener->http);
    http_guard_free(listener->guard);
    delivery_abandon_all(listener);
    event_free(listener->tick);
    free(listener->bad_signature);
    free(listener->not_understood);
    free(listener);
}
