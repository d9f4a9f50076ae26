// SPDX-License-Identifier: MIT
// One worker process: its parts, its claims, its signals (see worker.h).

#include "worker/worker.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/json.h"
#include "base/log.h"
#include "models/flow_model.h"
#include "process/status.h"
#include "worker/activation.h"
#include "worker/blocked.h"
#include "worker/internal.h"
#include "worker/lane.h"

enum {
    ACTIVE_MOST = 4096, // chats that one process holds at once; thousands may wait for Groq
    STOP_MS = 25000,    // how long a stop waits for effects under way
    STOP_TICK_MS = 20,
    FIGURES_TICK_MS = 250,
    READY_TICK_MS = 5,
    READY_TICKS = 400, // then it waits for Redis as any worker does
};

struct process {
    struct worker worker;
    struct event *sigterm, *sigint, *stop_tick, *aggregate, *figures_tick, *ready_tick;
    struct supervised *self;
    unsigned ready_ticks;
    struct status *status; // or NULL
    int64_t stop_deadline;
    bool aggregating;
    unsigned aggregated;
    struct err aggregate_err;
};

/* --- claiming
 * ---------------------------------------------------------------------------------------- */

static void claim(struct worker *worker, unsigned shard);

struct claim_call {
    struct worker *worker;
    unsigned shard;
};

static void on_claimed(void *arg, const struct queue_claim *claims, size_t count,
                       const struct err *err)
{
    struct claim_call *call = arg;
    struct worker *worker = call->worker;
    unsigned shard = call->shard;
    free(call);
    worker->claiming[shard] = false;
    if (err) {
        if (err->code != ERR_CANCELED)
            log_warn("worker.claim", "shard", log_int(shard), "reason", err->text);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        bool lane = chat_key_is_lane(claims[i].chat);
        worker_count_claims(worker, lane, claims[i].entry_count);
        if (lane)
            lane_start(worker, &claims[i]);
        else
            activation_start(worker, &claims[i]);
    }
    if (count > 0 || worker->claim_again[shard])
        claim(worker, shard);
}

static void claim(struct worker *worker, unsigned shard)
{
    if (worker->stopping || worker->active >= ACTIVE_MOST)
        return;
    if (worker->claiming[shard]) {
        worker->claim_again[shard] = true;
        return;
    }
    worker->claiming[shard] = true;
    worker->claim_again[shard] = false;
    struct claim_call *call = x_alloc(sizeof *call);
    *call = (struct claim_call){worker, shard};
    queue_claim(worker->queue, shard, (unsigned)worker->config->worker_claim_batch, on_claimed,
                call);
}

void worker_released(struct worker *worker, unsigned shard)
{
    worker->active--;
    claim(worker, shard);
}

static void on_wake(void *arg, unsigned shard)
{
    claim(arg, shard);
}

static void on_change(void *arg, const char *what)
{
    struct worker *worker = arg;
    catalog_forget(worker->catalog, what);
    if (strncmp(what, "account:", 8) == 0) {
        blocked_forget(&worker->blocked, what + 8);
        blocked_forget(&worker->told, what + 8);
    }
}

/* --- statistics
 * ----------------------------------------------------------------------------------------- */

static void aggregate_job(struct db *db, void *arg)
{
    struct process *process = arg;
    process->aggregate_err = (struct err){0};
    if (!flow_model_aggregate(db, clock_wall_ms(), &process->aggregated, &process->aggregate_err))
        process->aggregated = 0;
}

static void on_aggregated(void *arg, const struct err *err)
{
    struct process *process = arg;
    process->aggregating = false;
    if (!err && process->aggregate_err.code != ERR_NONE)
        log_warn("aggregate.failed", "reason", process->aggregate_err.text);
}

static void on_turn(void *arg, bool mine, const struct err *err)
{
    struct process *process = arg;
    process->aggregating = mine && !err && !process->worker.stopping;
    if (process->aggregating)
        store_run(process->worker.store, aggregate_job, on_aggregated, process);
}

// Statistics are computed by one process at a time: whoever asks first in each interval.
static void on_aggregate(evutil_socket_t fd, short what, void *arg)
{
    struct process *process = arg;
    if (process->aggregating || process->worker.stopping)
        return;
    queue_take_turn(process->worker.queue, "aggregate",
                    process->worker.config->worker_aggregate_ms - 50, on_turn, process);
}

/* --- stopping
 * --------------------------------------------------------------------------------------------- */

static void on_stop_tick(evutil_socket_t fd, short what, void *arg)
{
    struct process *process = arg;
    bool busy = process->worker.active > 0 || process->aggregating;
    if (busy && clock_mono_ms() < process->stop_deadline)
        return;
    log_info("worker.stopped", "held", log_int(process->worker.active));
    event_base_loopbreak(process->worker.base);
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
    struct process *process = arg;
    if (process->worker.stopping)
        return;
    process->worker.stopping = true;
    process->stop_deadline = clock_mono_ms() + STOP_MS;
    queue_stop_serving(process->worker.queue);
    log_info("worker.stopping", "active", log_int(process->worker.active));
    worker_refresh_figures(&process->worker);
    struct timeval tick = {0, STOP_TICK_MS * 1000};
    event_add(process->stop_tick, &tick);
}

/* --- parts
 * --------------------------------------------------------------------------------------------------
 */

static bool open_parts(struct worker *w, struct err *err)
{
    const struct config *c = w->config;
    struct queue_config queue = {.url = c->redis_url,
                                 .give_up_ms = c->queue_give_up_ms,
                                 .lease_ms = c->queue_lease_ms,
                                 .high_water = (unsigned)c->queue_high_water,
                                 .name = "worker"};
    struct store_config store = {
        .uri = c->mongodb_uri, .threads = (unsigned)c->mongodb_threads, .keyring = &c->keyring};
    struct graph_config graph = {.facebook_url = c->graph_facebook_url,
                                 .instagram_url = c->graph_instagram_url,
                                 .version = c->graph_version,
                                 .timeout_ms = c->graph_timeout_ms};
    struct groq_config groq = {.url = c->groq_url,
                               .key = c->groq_key,
                               .models = c->groq_models,
                               .timeout_ms = c->groq_timeout_ms};
    struct http_config http = {0};
    w->queue = queue_new(w->base, &queue, err);
    if (!w->queue)
        return false;
    w->store = store_new(w->base, &store, err);
    if (!w->store)
        return false;
    w->http = http_new(w->base, &http, err);
    if (!w->http)
        return false;
    w->graph = graph_new(w->http, &graph);
    w->groq = groq_new(w->http, &groq);
    w->writer = writer_new(w->base, w->store, (unsigned)c->worker_linger_ms);
    writer_set_history_days(w->writer, c->worker_history_days);
    w->catalog = catalog_new(w->base, w->store, c->worker_cache_ms);
    w->claiming = x_calloc(queue_shards(w->queue), sizeof *w->claiming);
    w->claim_again = x_calloc(queue_shards(w->queue), sizeof *w->claim_again);
    return true;
}

// Everything that still waits for an answer gets ERR_CANCELED here and drops itself.
static void close_parts(struct worker *w)
{
    w->stopping = true;
    http_free(w->http);
    writer_free(w->writer);
    queue_free(w->queue); // gives up the lease; then the store, which waits for MongoDB
    store_free(w->store);
    catalog_free(w->catalog);
    graph_free(w->graph);
    groq_free(w->groq);
    blocked_free(&w->blocked);
    blocked_free(&w->told);
    free(w->claiming);
    free(w->claim_again);
}

static void on_figures(evutil_socket_t fd, short what, void *arg)
{
    struct process *process = arg;
    worker_refresh_figures(&process->worker);
}

// It serves when its connection to Redis is up: a process before it may leave then.
static void on_ready_tick(evutil_socket_t fd, short what, void *arg)
{
    struct process *process = arg;
    if (!worker_refresh_figures(&process->worker) && ++process->ready_ticks < READY_TICKS)
        return;
    event_del(process->ready_tick);
    log_info("worker.ready", "incarnation", queue_incarnation(process->worker.queue));
    supervised_ready(process->self);
}

static void open_events(struct process *p)
{
    struct event_base *base = p->worker.base;
    p->sigterm = evsignal_new(base, SIGTERM, on_signal, p);
    p->sigint = evsignal_new(base, SIGINT, on_signal, p);
    p->stop_tick = event_new(base, -1, EV_PERSIST, on_stop_tick, p);
    p->aggregate = event_new(base, -1, EV_PERSIST, on_aggregate, p);
    event_add(p->sigterm, NULL);
    event_add(p->sigint, NULL);
    int64_t ms = p->worker.config->worker_aggregate_ms;
    struct timeval interval = {ms / 1000, ms % 1000 * 1000};
    event_add(p->aggregate, &interval);
    p->figures_tick = event_new(base, -1, EV_PERSIST, on_figures, p);
    p->ready_tick = event_new(base, -1, EV_PERSIST, on_ready_tick, p);
    event_add(p->ready_tick, &(struct timeval){.tv_usec = READY_TICK_MS * 1000});
    event_add(p->figures_tick, &(struct timeval){.tv_usec = FIGURES_TICK_MS * 1000});
}

static void close_events(struct process *p)
{
    struct event *events[] = {p->sigterm,   p->sigint,       p->stop_tick,
                              p->aggregate, p->figures_tick, p->ready_tick};
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (events[i])
            event_free(events[i]);
}

static void serve(struct process *p, struct supervised *self)
{
    struct worker *w = &p->worker;
    open_events(p);
    if (self->socket_count > 0)
        p->status = status_new(w->base, self->sockets[0], self->metrics);
    queue_on_change(w->queue, on_change, w);
    queue_serve(w->queue, on_wake, w);
    event_base_dispatch(w->base);
    status_free(p->status);
}

bool worker_run(const struct config *config, struct supervised *self,
                const struct worker_figures *figures, struct err *err)
{
    evthread_use_pthreads();
    srandom((unsigned)(clock_mono_us() ^ getpid()));
    struct process p = {.worker = {.config = config, .base = event_base_new(), .figures = figures},
                        .self = self};
    bool ok = open_parts(&p.worker, err);
    if (ok)
        serve(&p, self);
    close_parts(&p.worker);
    close_events(&p);
    event_base_free(p.worker.base);
    return ok;
}

bool worker_check(const struct config *config, struct err *err)
{
    evthread_use_pthreads();
    struct worker worker = {.config = config, .base = event_base_new()};
    bool ok = open_parts(&worker, err);
    close_parts(&worker);
    event_base_free(worker.base);
    return ok;
}
