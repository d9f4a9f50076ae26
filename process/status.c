// SPDX-License-Identifier: MIT
// /healthz, /readyz and /metrics (see status.h).

#include "process/status.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_SECONDS = 5, MAX_HEADERS = 8192 };

struct status {
    struct evhttp *http;
    const struct metrics *metrics;
};

static void reply(struct evhttp_request *request, int code, const char *text, size_t len)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    evhttp_add_header(headers, "Content-Type", "text/plain; charset=utf-8");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    if (evhttp_request_get_command(request) != EVHTTP_REQ_HEAD)
        evbuffer_add(evhttp_request_get_output_buffer(request), text, len);
    evhttp_send_reply(request, code, code == 200 ? "OK" : "Service Unavailable", NULL);
}

static void on_health(struct evhttp_request *request, void *arg)
{
    reply(request, 200, "ok\n", 3);
}

static void on_ready(struct evhttp_request *request, void *arg)
{
    struct status *status = arg;
    char why[128];
    if (metrics_ready(status->metrics, why)) {
        reply(request, 200, "ready\n", 6);
        return;
    }
    char text[sizeof why + 2];
    int len = snprintf(text, sizeof text, "%s\n", why);
    reply(request, 503, text, (size_t)len);
}

static void on_metrics(struct evhttp_request *request, void *arg)
{
    struct status *status = arg;
    struct buf out = {0};
    metrics_print(status->metrics, &out);
    reply(request, 200, out.data, out.len);
    buf_deinit(&out);
}

struct status *status_new(struct event_base *base, int fd, const struct metrics *metrics)
{
    struct status *status = x_alloc(sizeof *status);
    *status = (struct status){.http = evhttp_new(base), .metrics = metrics};
    evhttp_set_allowed_methods(status->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_default_content_type(status->http, NULL);
    evhttp_set_max_headers_size(status->http, MAX_HEADERS);
    evhttp_set_max_body_size(status->http, 0);
    evhttp_set_timeout(status->http, TIMEOUT_SECONDS);
    evhttp_set_cb(status->http, "/healthz", on_health, status);
    evhttp_set_cb(status->http, "/readyz", on_ready, status);
    evhttp_set_cb(status->http, "/metrics", on_metrics, status);
    evhttp_bind_listener(status->http,
                         evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, fd));
    return status;
}

void status_free(struct status *status)
{
    if (!status)
        return;
    evhttp_free(status->http);
    free(status);
}
