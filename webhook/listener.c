// SPDX-License-Identifier: MIT
// The webhook endpoint: socket, routes, and every answer but that of a delivery (see listener.h).

#include "webhook/listener.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/queue.h"
#include "webhook/challenge.h"
#include "webhook/listener_private.h"

enum {
    DEFAULT_MAX_BODY = 4 << 20, // Meta documents 3 MB for WhatsApp
    DEFAULT_MAX_CONNECTIONS = 1024,
    DEFAULT_DEADLINE_MS = 10000,
    DEFAULT_IDLE_MS = 60000,
    MAX_HEADERS = 16384,
    BACKLOG = 1024,
    QUIET_MS = 1000,
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
    default:
        return "Service Unavailable";
    }
}

// Sends the reply of a request that the guard has taken.
static void send_reply(struct listener *listener, struct evhttp_request *request, int status,
                       const void *body, size_t len)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    if (len > 0) {
        evhttp_add_header(headers, "Content-Type", "text/plain; charset=utf-8");
        evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
        evbuffer_add(evhttp_request_get_output_buffer(request), body, len);
    }
    if (status == 503)
        evhttp_add_header(headers, "Retry-After", "5");
    if (http_guard_is_stopping(listener->guard))
        evhttp_add_header(headers, "Connection", "close");
    http_guard_answer(listener->guard, request);
    evhttp_send_reply(request, status, reason_phrase(status), NULL);
}

void listener_answer(struct listener *listener, struct evhttp_request *request, size_t app,
                     int status, const char *text)
{
    metrics_answer(&listener->metrics, app, status);
    send_reply(listener, request, status, text, text ? strlen(text) : 0);
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
    if (status == 200)
        log_info("listener.verified", "app", config->name);
    else
        log_warn("listener.verification", "app", config->name, "reason",
                 status == 403 ? "verify token differs" : "parameters missing or malformed");
    listener_answer(listener, request, app, status, status == 200 ? challenge : NULL);
}

static void on_health(struct listener *listener, size_t app, struct evhttp_request *request)
{
    http_guard_take(listener->guard, request, NULL, NULL);
    send_reply(listener, request, 200, "ok\n", 3);
}

static void on_ready(struct listener *listener, size_t app, struct evhttp_request *request)
{
    http_guard_take(listener->guard, request, NULL, NULL);
    const char *text = "ready\n";
    if (http_guard_is_stopping(listener->guard))
        text = "stopping\n";
    else if (!queue_is_up(listener->queue))
        text = "Redis is away\n";
    else if (queue_room(listener->queue) == QUEUE_ROOM_NONE)
        text = "Redis is above its high-water mark\n";
    send_reply(listener, request, strcmp(text, "ready\n") == 0 ? 200 : 503, text, strlen(text));
}

static void on_metrics(struct listener *listener, size_t app, struct evhttp_request *request)
{
    http_guard_take(listener->guard, request, NULL, NULL);
    listener->metrics.connections = http_guard_connections(listener->guard);
    listener->metrics.expired = http_guard_expired(listener->guard);
    struct buf out = {0};
    metrics_print(&listener->metrics, &out);
    send_reply(listener, request, 200, out.data, out.len);
    buf_deinit(&out);
}

// A path that ends in '/' is followed by an app's name. NULL: the method is not allowed.
static const struct route {
    const char *path;
    void (*get)(struct listener *listener, size_t app, struct evhttp_request *request);
    void (*post)(struct listener *listener, size_t app, struct evhttp_request *request);
    const char *allow;
} routes[] = {
    {"/webhooks/", on_verify, delivery_start, "GET, POST"},
    {"/healthz", on_health, NULL, "GET"},
    {"/readyz", on_ready, NULL, "GET"},
    {"/metrics", on_metrics, NULL, "GET"},
};

// The route of a path, and the app that it names (no app: metrics' last). NULL: no such address.
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
        for (size_t app = 0; app < listener->config.app_count; app++) {
            if (strcmp(path + len, listener->config.apps[app].name) == 0) {
                *ret_app = app;
                return &routes[i];
            }
        }
    }
    return NULL;
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
    if (method == EVHTTP_REQ_GET && route->get) {
        route->get(listener, app, request);
    } else if (method == EVHTTP_REQ_POST && route->post) {
        route->post(listener, app, request);
    } else {
        http_guard_take(listener->guard, request, NULL, NULL);
        struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
        evhttp_add_header(headers, "Allow", route->allow);
        evhttp_add_header(headers, "Connection", "close"); // evhttp may not have read a body
        listener_answer(listener, request, app, 405, NULL);
    }
}

// evhttp answered before we saw the request; which app it was for is not known.
static void on_refused(void *arg, int status)
{
    struct listener *listener = arg;
    metrics_answer(&listener->metrics, listener->config.app_count, status);
    unsigned hidden;
    if (quiet_pass(&listener->refused, &hidden))
        log_warn("listener.refused", "status", log_int(status), "reason",
                 status == 413 ? "body or header too large" : "malformed HTTP", "more",
                 hidden ? log_int(hidden) : NULL);
}

/* --- start and stop ------------------------------------------------------------------------------
 */

static struct evconnlistener *bind_socket(struct event_base *base,
                                          const struct listener_config *config, struct err *err)
{
    char port[16];
    snprintf(port, sizeof port, "%d", config->port);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *address;
    int failure = getaddrinfo(config->address, port, &hints, &address);
    if (failure != 0) {
        err_set(err, ERR_CONFIG, "listen address '%s' port %d: %s", config->address, config->port,
                gai_strerror(failure));
        return NULL;
    }
    unsigned flags = LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE;
    // evhttp_bind_listener() sets the callback.
    struct evconnlistener *listener = evconnlistener_new_bind(
        base, NULL, NULL, flags, BACKLOG, address->ai_addr, (int)address->ai_addrlen);
    int error = errno;
    freeaddrinfo(address);
    if (!listener)
        err_set(err, ERR_UNAVAILABLE, "cannot listen on %s port %d: %s", config->address,
                config->port, strerror(error));
    return listener;
}

static int bound_port(struct evconnlistener *listener)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    socklen_t len = sizeof address;
    if (getsockname(evconnlistener_get_fd(listener), &address.any, &len) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

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
}

static void start_http(struct listener *listener, struct event_base *base,
                       struct evconnlistener *socket)
{
    listener->http = evhttp_new(base);
    evhttp_set_allowed_methods(listener->http, 0xffff); // on_request answers 405 itself
    evhttp_set_default_content_type(listener->http, NULL);
    evhttp_set_max_headers_size(listener->http, MAX_HEADERS);
    evhttp_set_max_body_size(listener->http, (ev_ssize_t)listener->config.max_body);
    evhttp_set_gencb(listener->http, on_request, listener);
    evhttp_bind_listener(listener->http, socket);
    const struct http_guard_config guard = {
        .max_connections = listener->config.max_connections,
        .deadline_ms = listener->config.deadline_ms,
        .idle_ms = listener->config.idle_ms,
        .refused = on_refused,
        .arg = listener,
    };
    listener->guard = http_guard_new(base, listener->http, socket, &guard);
}

struct listener *listener_new(struct event_base *base, const struct listener_config *config,
                              struct queue *queue, struct err *err)
{
    struct evconnlistener *socket = bind_socket(base, config, err);
    if (!socket)
        return NULL;
    struct listener *listener = x_alloc(sizeof *listener);
    listener->config = *config;
    fill_defaults(&listener->config);
    listener->queue = queue;
    listener->port = bound_port(socket);
    TAILQ_INIT(&listener->deliveries);
    metrics_init(&listener->metrics, config->app_count);
    for (size_t i = 0; i < config->app_count; i++)
        listener->metrics.apps[i].name = config->apps[i].name;
    listener->bad_signature = x_calloc(config->app_count + 1, sizeof(struct quiet));
    listener->not_understood = x_calloc(config->app_count + 1, sizeof(struct quiet));
    start_http(listener, base, socket);
    return listener;
}

int listener_port(const struct listener *listener)
{
    return listener->port;
}

void listener_stop(struct listener *listener, void (*stopped)(void *arg), void *arg)
{
    http_guard_stop(listener->guard, stopped, arg);
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    http_guard_stop(listener->guard, NULL, NULL);
    evhttp_free(listener->http);
    http_guard_free(listener->guard);
    delivery_abandon_all(listener);
    metrics_deinit(&listener->metrics);
    free(listener->bad_signature);
    free(listener->not_understood);
    free(listener);
}
