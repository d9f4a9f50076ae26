// SPDX-License-Identifier: MIT
// `hookmill listen`

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/cli.h"
#include "queue/queue.h"
#include "webhook/listener.h"

struct serving {
    struct event_base *base;
    struct listener *listener;
};

static void on_stopped(void *arg)
{
    struct serving *serving = arg;
    event_base_loopbreak(serving->base);
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
    struct serving *serving = arg;
    log_info("listener.stopping");
    listener_stop(serving->listener, on_stopped, serving);
}

static void serve(struct serving *serving, const char *address)
{
    struct event *term = evsignal_new(serving->base, SIGTERM, on_signal, serving);
    struct event *interrupt = evsignal_new(serving->base, SIGINT, on_signal, serving);
    event_add(term, NULL);
    event_add(interrupt, NULL);
    printf("ready: http://%s:%d\n", address, listener_port(serving->listener));
    fflush(stdout);
    event_base_dispatch(serving->base);
    event_free(term);
    event_free(interrupt);
}

static int run(struct cli *cli)
{
    struct config *c = &cli->config;
    struct err err = {0};
    long long port;
    if (!config_require_apps(c, &err) ||
        !cli_number(cli, "port", 0, 65535, c->listen_port, &port, &err))
        return cli_fail(cli, &err);
    struct serving serving = {.base = event_base_new()};
    struct queue_config queue_config = {.url = c->redis_url,
                                        .give_up_ms = c->queue_give_up_ms,
                                        .lease_ms = c->queue_lease_ms,
                                        .high_water = (unsigned)c->queue_high_water,
                                        .name = "listen"};
    struct listener_config config = {.address = c->listen_address,
                                     .port = (int)port,
                                     .apps = c->apps,
                                     .app_count = c->app_count,
                                     .max_body = (size_t)c->listen_max_body,
                                     .max_connections = (size_t)c->listen_max_connections,
                                     .deadline_ms = c->listen_deadline_ms};
    struct queue *queue = queue_new(serving.base, &queue_config, &err);
    bool ok = queue != NULL;
    if (ok) {
        serving.listener = listener_new(serving.base, &config, queue, &err);
        ok = serving.listener != NULL;
    }
    if (ok)
        serve(&serving, c->listen_address);
    queue_free(queue); // answers what still waits, so it goes first
    listener_free(serving.listener);
    event_base_free(serving.base);
    return ok ? 0 : cli_fail(cli, &err);
}

static const struct cli_option options[] = {
    {"port", "PORT", "port to listen on; 0 takes a free one (listen.port)"},
    {0},
};

const struct command command_listen = {
    .name = "listen",
    .summary = "Receive webhooks: verify, normalise, queue, answer 200.",
    .text = "Serves GET and POST /webhooks/APP for each configured app, /healthz, /readyz and "
            "/metrics. Prints\n"
            "\"ready: URL\" when it listens. SIGTERM answers what is under way, then ends.",
    .options = options,
    .run = run,
};
