// SPDX-License-Identifier: MIT
/*
 * What a worker process adds: its lease and heartbeat, the sweeper, one connection per shard that
 * blocks on the wake list, and one that hears of changes.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/internal.h"

enum {
    WAKE_TIMEOUT_S = 1, // how long an idle worker blocks; after that it looks by itself
    SWEEP_MS = 1000,
    SWEEP_AGAIN = 500, // so many at once: there may be more (sweep.lua takes 1000 at a time)
    LEAVE_MS = 1000,   // how long the end of a process waits for Redis
};

static void beat_shard(struct queue *queue, unsigned shard);

/* --- heartbeat ---------------------------------------------------------------------------------
 */

struct shard_call {
    unsigned shard;
};

static struct shard_call *shard_call_new(unsigned shard)
{
    struct shard_call *call = x_alloc(sizeof(*call));
    call->shard = shard;
    return call;
}

// The lease runs, by our clock, from when we asked: Redis's runs from later.
static void on_beat(struct queue *queue, void *arg, const redisReply *reply, const struct err *err)
{
    struct shard_call *call = arg;
    struct shard *s = &queue->shards[call->shard];
    if (!err)
        s->lease_ms = s->beat_ms + queue->lease_ms;
    bool late = clock_mono_ms() - s->beat_ms > queue->lease_ms / 3;
    s->beat_ms = 0;
    if (late && !err && !queue->closing)
        beat_shard(queue, call->shard);
    free(call);
}

static void beat_shard(struct queue *queue, unsigned shard)
{
    struct shard *s = &queue->shards[shard];
    if (s->beat_ms != 0)
        return;
    s->beat_ms = clock_mono_ms();
    struct cmd cmd = call_script(queue, SCRIPT_BEAT, shard);
    cmd_add_str(&cmd, queue->incarnation);
    cmd_add_int(&cmd, queue->lease_ms);
    queue_call(queue, &cmd, on_beat, shard_call_new(shard));
}

static void on_beat_due(evutil_socket_t fd, short what, void *arg)
{
    struct queue *queue = arg;
    for (unsigned i = 0; i < queue->shard_count; i++)
        beat_shard(queue, i);
}

int64_t queue_lease_left_ms(const struct queue *queue)
{
    int64_t now_ms = clock_mono_ms(), least = INT64_MAX;
    for (unsigned i = 0; i < queue->shard_count; i++) {
        int64_t left = queue->shards[i].lease_ms - now_ms;
        if (left < least)
            least = left;
    }
    return least;
}

/* --- sweeper -----------------------------------------------------------------------------------
 */

static void on_swept(struct queue *queue, void *arg, const redisReply *reply, const struct err *err)
{
    struct shard_call *call = arg;
    if (err && err->code != ERR_CANCELED)
        log_warn("queue.sweep", "error", err->text);
    int64_t woken = err ? 0 : reply_int(reply);
    if (queue->serving && woken > SWEEP_AGAIN)
        serve_sweep(queue, call->shard, "timers");
    if (queue->serving && woken > 0)
        queue->wake(queue->wake_arg, call->shard);
    free(call);
}

void serve_sweep(struct queue *queue, unsigned shard, const char *what)
{
    struct cmd cmd = call_script(queue, SCRIPT_SWEEP, shard);
    cmd_add_str(&cmd, what);
    cmd_add_int(&cmd, queue->lease_ms);
    queue_call(queue, &cmd, on_swept, shard_call_new(shard));
}

static void on_sweep_due(evutil_socket_t fd, short what, void *arg)
{
    struct queue *queue = arg;
    for (unsigned i = 0; queue_is_up(queue) && i < queue->shard_count; i++)
        serve_sweep(queue, i, "all");
}

/* --- wake connections --------------------------------------------------------------------------
 */

static void wake_block(struct queue_link *link);

static void on_wake(redisAsyncContext *ac, void *answer, void *arg)
{
    struct queue_link *link = ac->data;
    const redisReply *reply = answer;
    if (!reply || link->ac != ac)
        return;
    link->since_ms = clock_mono_ms();
    if (reply->type == REDIS_REPLY_ERROR) { // loading, for example
        link_drop(link, reply->str);
        return;
    }
    link_served(link);
    struct queue *queue = link->queue;
    queue->wake(queue->wake_arg, link->shard);
    if (link->state == LINK_READY) // not stopped meanwhile
        wake_block(link);
}

static void wake_block(struct queue_link *link)
{
    struct cmd cmd = {0};
    char key[24];
    shard_prefix(link->shard, key);
    strcat(key, "wake");
    cmd_add_str(&cmd, "BLPOP");
    cmd_add_str(&cmd, key);
    cmd_add_int(&cmd, WAKE_TIMEOUT_S);
    size_t len;
    char *bytes = cmd_take(&cmd, &len);
    link_send(link, bytes, len, on_wake);
    free(bytes);
}

static void on_wake_ready(struct queue_link *link)
{
    wake_block(link);
    link->queue->wake(link->queue->wake_arg, link->shard); // hints may have gone by
}

/* --- changes -----------------------------------------------------------------------------------
 */

static void on_change(redisAsyncContext *ac, void *answer, void *arg)
{
    struct queue_link *link = ac->data;
    const redisReply *reply = answer;
    if (!reply || link->ac != ac)
        return;
    struct queue *queue = link->queue;
    if (reply->type == REDIS_REPLY_ERROR)
        link_drop(link, reply->str);
    else
        link_served(link);
    if (reply->type == REDIS_REPLY_ARRAY && queue->change && reply->elements == 3 &&
        reply_str(reply->element[0]) && strcmp(reply->element[0]->str, "message") == 0 &&
        reply_str(reply->element[2]))
        queue->change(queue->change_arg, reply->element[2]->str);
}

static void on_changes_ready(struct queue_link *link)
{
    struct cmd cmd = {0};
    cmd_add_str(&cmd, "SUBSCRIBE");
    cmd_add_str(&cmd, "hm:changes");
    size_t len;
    char *bytes = cmd_take(&cmd, &len);
    link_send(link, bytes, len, on_change);
    free(bytes);
}

void queue_on_change(struct queue *queue, queue_change_fn fn, void *arg)
{
    queue->change = fn;
    queue->change_arg = arg;
}

/* --- start, watch, stop ------------------------------------------------------------------------
 */

static struct event *every(struct queue *queue, int64_t ms, event_callback_fn fn)
{
    struct event *event = event_new(queue->base, -1, EV_PERSIST, fn, queue);
    struct timeval period = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    event_add(event, &period);
    return event;
}

void queue_serve(struct queue *queue, queue_wake_fn wake, void *arg)
{
    queue->wake = wake;
    queue->wake_arg = arg;
    queue->leased = queue->serving = true;
    on_beat_due(-1, 0, queue); // in front of all claims
    queue->beat = every(queue, queue->lease_ms / 3 + 1, on_beat_due);
    queue->sweep = every(queue, SWEEP_MS, on_sweep_due);
    queue->changes =
        (struct queue_link){.queue = queue, .name = "changes", .on_ready = on_changes_ready};
    link_open(&queue->changes);
    for (unsigned i = 0; i < queue->shard_count; i++) {
        struct queue_link *link = &queue->shards[i].wake;
        *link = (struct queue_link){
            .queue = queue, .name = "wake", .shard = i, .on_ready = on_wake_ready};
        link_open(link);
    }
}

static void watch(struct queue_link *link, bool when_ready, int64_t now_ms)
{
    bool waits = link->state == LINK_CONNECTING || link->state == LINK_GREETING ||
                 (link->state == LINK_READY && when_ready);
    if (waits && now_ms - link->since_ms > QUEUE_SILENCE_MS + WAKE_TIMEOUT_S * 1000)
        link_drop(link, "no answer");
}

void serve_tick(struct queue *queue, int64_t now_ms)
{
    if (!queue->leased)
        return;
    watch(&queue->changes, false, now_ms); // silent for hours when nothing changes
    for (unsigned i = 0; i < queue->shard_count; i++)
        watch(&queue->shards[i].wake, true, now_ms);
}

void queue_stop_serving(struct queue *queue)
{
    if (!queue->serving)
        return;
    queue->serving = false;
    event_free(queue->sweep);
    queue->sweep = NULL;
    local_timer_cancel_all(queue);
    for (unsigned i = 0; i < queue->shard_count; i++)
        link_close(&queue->shards[i].wake);
}

// Blocking, on a connection of its own: the loop does not run any more.
static void leave(struct queue *queue)
{
    struct err err = {0};
    redisContext *redis = sync_open(&queue->url, LEAVE_MS, &err);
    bool ok = redis != NULL;
    for (unsigned i = 0; ok && i < queue->shard_count; i++) {
        struct cmd cmd = call_script(queue, SCRIPT_LEAVE, i);
        cmd_add_str(&cmd, queue->incarnation);
        redisReply *reply = sync_call(redis, &cmd, &err);
        ok = reply != NULL;
        freeReplyObject(reply);
    }
    if (!ok)
        log_warn("queue.leave", "error", err.text, "then", "the lease runs out by itself");
    if (redis)
        redisFree(redis);
}

void serve_close(struct queue *queue)
{
    if (!queue->leased)
        return;
    queue_stop_serving(queue);
    event_free(queue->beat);
    link_close(&queue->changes);
    leave(queue);
}
