// SPDX-License-Identifier: MIT
// `hookmill listen`

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "process/supervisor.h"
#include "queue/queue.h"
#include "spool/archive.h"
#include "spool/spool.h"
#include "webhook/figures.h"
#include "webhook/listener.h"
#include "webhook/proxy.h"
#include "webhook/received.h"
#include "webhook/tls.h"

enum {
    READY_TICK_MS = 5,
    READY_TICKS = 400, // then it serves as well as it can: 503
    STOP_SPARE_MS = 2000,
};

// Made before forking, shared by all listener processes.
struct shared {
    const struct config *config;
    struct metrics *metrics;
    struct listener_figures figures;
    struct tls *tls;
    struct proxies *proxies;
};

/* --- one process ---------------------------------------------------------------------------------
 */

struct serving {
    struct event_base *base;
    struct spool *spool;
    struct queue *queue;
    struct received *received;
    struct archive *archive;
    struct listener *listener;
    struct supervised *self;
    struct event *ready_tick;
    unsigned ticks;
    bool stopping;
};

static void on_stopped(void *arg)
{
    struct serving *serving = arg;
    event_base_loopbreak(serving->base);
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
    struct serving *serving = arg;
    if (serving->stopping)
        return;
    serving->stopping = true;
    log_info("listener.stopping");
    listener_stop(serving->listener, on_stopped, serving);
}

/*
 * A spool is made for Redis's count of shards, which only the first start ever has to ask for. NULL
 * without err: none is configured.
 */
static struct spool *open_spool(struct event_base *base, const struct config *c, struct err *err)
{
    struct spool_config config = {.directory = c->spool_directory,
                                  .max_bytes = (uint64_t)c->spool_max_mb << 20};
    if (!*c->spool_directory)
        return NULL;
    struct err unknown = {0};
    struct spool *spool = spool_open(base, &config, &unknown);
    if (spool || !queue_read_shards(c->redis_url, &config.shards, err))
        return spool;
    return spool_open(base, &config, err);
}

static struct queue *open_queue(struct event_base *base, const struct config *c,
                                struct spool *spool, struct err *err)
{
    struct queue_config config = {.url = c->redis_url,
                                  .give_up_ms = c->queue_give_up_ms,
                                  .lease_ms = c->queue_lease_ms,
                                  .high_water = (unsigned)c->queue_high_water,
                                  .low_water = (unsigned)c->queue_low_water,
                                  .max_waiting = (uint64_t)c->queue_max_waiting,
                                  .answer_ms = c->listen_answer_ms,
                                  .spool = spool,
                                  .name = "listen"};
    return queue_new(base, &config, err);
}

static struct listener *open_listener(struct serving *serving, const struct shared *shared,
                                      const struct supervised *self)
{
    const struct config *c = shared->config;
    struct listener_config config = {.sockets = self->sockets,
                                     .socket_count = self->socket_count,
                                     .figures = &shared->figures,
                                     .apps = c->apps,
                                     .app_count = c->app_count,
                                     .max_body = (size_t)c->listen_max_body,
                                     .max_connections = (unsigned)c->listen_max_connections,
                                     .deadline_ms = c->listen_deadline_ms,
                                     .answer_ms = c->listen_answer_ms,
                                     .received = serving->received,
                                     .spool = serving->spool,
                                     .archive = serving->archive,
                                     .tls = shared->tls,
                                     .proxies = shared->proxies,
                                     .callback_keys = &c->callback_keys};
    return listener_new(serving->base, &config, serving->queue);
}

// It serves when its connection to Redis is up: a process before it may leave then.
static void on_ready_tick(evutil_socket_t fd, short what, void *arg)
{
    struct serving *serving = arg;
    if (!listener_is_ready(serving->listener) && ++serving->ticks < READY_TICKS)
        return;
    event_del(serving->ready_tick);
    log_info("listener.ready", "process", log_int(serving->self->index));
    supervised_ready(serving->self);
}

static void serve(struct serving *serving)
{
    struct event *term = evsignal_new(serving->base, SIGTERM, on_signal, serving);
    struct event *interrupt = evsignal_new(serving->base, SIGINT, on_signal, serving);
    event_add(term, NULL);
    event_add(interrupt, NULL);
    serving->ready_tick = event_new(serving->base, -1, EV_PERSIST, on_ready_tick, serving);
    event_add(serving->ready_tick, &(struct timeval){.tv_usec = READY_TICK_MS * 1000});
    event_base_dispatch(serving->base);
    event_free(term);
    event_free(interrupt);
    event_free(serving->ready_tick);
}

static bool open_parts(struct serving *serving, const struct config *c, struct err *err)
{
    serving->spool = open_spool(serving->base, c, err);
    if (err->code != ERR_NONE)
        return false;
    serving->queue = open_queue(serving->base, c, serving->spool, err);
    if (!serving->queue)
        return false;
    const struct received_config received = {.queue = serving->queue,
                                             .spool = serving->spool,
                                             .directory = c->spool_directory,
                                             .redis_url = c->redis_url};
    serving->received = received_new(serving->base, &received, err);
    if (!serving->received)
        return false;
    if (*c->archive_directory)
        serving->archive =
            archive_open(c->archive_directory, (uint64_t)c->archive_max_mb << 20, err);
    return serving->archive || !*c->archive_directory;
}

// What still waits is answered first, or put on disk; then the ledger is complete.
static void close_parts(struct serving *serving, const struct config *c)
{
    bool up = serving->queue && queue_is_up(serving->queue);
    queue_free(serving->queue);
    spool_close(serving->spool);
    listener_free(serving->listener);
    archive_close(serving->archive);
    received_free(serving->received);
    if (up)
        received_collect(c->spool_directory, c->redis_url);
}

static bool run_process(void *arg, struct supervised *self, struct err *err)
{
    const struct shared *shared = arg;
    struct serving serving = {.base = listener_base_new(), .self = self};
    bool ok = open_parts(&serving, shared->config, err);
    if (ok) {
        serving.listener = open_listener(&serving, shared, self);
        serve(&serving);
    }
    close_parts(&serving, shared->config);
    event_base_free(serving.base);
    return ok;
}

/* --- all of them ---------------------------------------------------------------------------------
 */

static void on_ready(void *arg, const int *ports)
{
    const struct shared *shared = arg;
    const char *address = shared->config->listen_address;
    bool v6 = address[0] != '[' && strchr(address, ':');
    printf("ready: %s://%s%s%s:%d\n", shared->tls ? "https" : "http", v6 ? "[" : "", address,
           v6 ? "]" : "", ports[0]);
    fflush(stdout);
}

static bool open_tls(const struct config *c, struct tls **ret_tls, struct err *err)
{
    *ret_tls = NULL;
    if (!*c->listen_tls_certificate && !*c->listen_tls_key && !*c->listen_tls_client_ca)
        return true;
    if (!*c->listen_tls_certificate || !*c->listen_tls_key)
        return err_set(err, ERR_CONFIG,
                       "HTTPS needs both listen.tls_certificate and listen.tls_key");
    struct tls_config config = {.certificate = c->listen_tls_certificate,
                                .key = c->listen_tls_key,
                                .client_ca = c->listen_tls_client_ca,
                                .client_name = c->listen_tls_client_name};
    *ret_tls = tls_new(&config, err);
    return *ret_tls != NULL;
}

static bool check_apps(const struct config *c, struct err *err)
{
    if (!config_require_apps(c, err))
        return false;
    if (c->app_count > FIGURE_APPS_MAX)
        return err_set(err, ERR_CONFIG, "%zu apps are configured; one listener serves at most %d",
                       c->app_count, FIGURE_APPS_MAX);
    return true;
}

static bool open_shared(struct shared *shared, const struct config *c, unsigned processes,
                        struct err *err)
{
    *shared = (struct shared){.config = c};
    if (!check_apps(c, err) || !open_tls(c, &shared->tls, err) ||
        !proxies_parse(c->listen_trusted_proxies, &shared->proxies, err))
        return false;
    shared->metrics = metrics_new(processes);
    listener_figures_declare(&shared->figures, shared->metrics, c->apps, c->app_count);
    return true;
}

static void close_shared(struct shared *shared)
{
    metrics_free(shared->metrics);
    proxies_free(shared->proxies);
    tls_free(shared->tls);
}

// `--check`: sockets and queue; the rest was looked at on the way here.
static bool check(const struct supervisor_config *supervisor, const struct config *c,
                  struct err *err)
{
    if (!supervisor_check(supervisor, err))
        return false;
    struct event_base *base = event_base_new();
    struct spool *spool = open_spool(base, c, err);
    struct queue *queue = err->code == ERR_NONE ? open_queue(base, c, spool, err) : NULL;
    bool ok = queue != NULL;
    queue_free(queue);
    spool_close(spool);
    event_base_free(base);
    if (ok)
        supervisor_checked();
    return ok;
}

// A request, its answer, and the client's time to take it.
static int stop_ms(const struct config *c)
{
    return (int)(2 * c->listen_deadline_ms + c->listen_answer_ms) + STOP_SPARE_MS;
}

static int run(struct cli *cli)
{
    const struct config *c = &cli->config;
    struct err err = {0};
    struct shared shared = {0};
    long long port, processes;
    if (!cli_number(cli, "port", 0, 65535, c->listen_port, &port, &err) ||
        !cli_number(cli, "processes", 1, 64, c->listen_processes, &processes, &err) ||
        !open_shared(&shared, c, (unsigned)processes, &err)) {
        close_shared(&shared);
        return cli_fail(cli, &err);
    }
    const struct supervisor_socket socket = {
        .address = c->listen_address, .port = (int)port, .per_child = true};
    const struct supervisor_config supervisor = {.name = "listener",
                                                 .processes = (unsigned)processes,
                                                 .sockets = &socket,
                                                 .socket_count = 1,
                                                 .metrics = shared.metrics,
                                                 .run = run_process,
                                                 .arg = &shared,
                                                 .ready = on_ready,
                                                 .argv = cli->argv,
                                                 .stop_ms = stop_ms(c)};
    int status;
    if (cli_flag(cli, "check"))
        status = check(&supervisor, c, &err) ? 0 : cli_fail(cli, &err);
    else
        status = supervise(&supervisor);
    close_shared(&shared);
    return status;
}

static const struct cli_option options[] = {
    {"port", "PORT", "port to listen on; 0 takes a free one (listen.port)"},
    {"processes", "N", "listener processes to run and to watch over (listen.processes)"},
    {"check", NULL, "only see whether it could start: configuration, certificates, port, Redis"},
    {0},
};

const struct command command_listen = {
    .name = "listen",
    .summary = "Receive webhooks: verify, normalise, queue, answer 200.",
    .text = "Serves GET and POST /webhooks/APP for each configured app, /healthz, /readyz and "
            "/metrics. Prints\n"
            "\"ready: URL\" when it listens. SIGTERM answers what is under way, then ends. SIGHUP "
            "starts over in\n"
            "place, with the program, configuration and certificates that are there then, and "
            "drops no request;\n"
            "what would not start (--check) changes nothing.",
    .options = options,
    .run = run,
};
