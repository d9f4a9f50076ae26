// SPDX-License-Identifier: MIT
/*
 * Admission. A delivery's events are split by shard and collected; at the end of the loop's turn
 * each shard gets one call with what was collected for it, and while QUEUE_ADMIT_CALLS of them are
 * under way the next one collects. So few at a time per shard are what lets admit.lua know a repeat
 * by its number, and make the batches grow by themselves under load. With a spool, what cannot go
 * to Redis goes to the disk (admit_spool.c); under the same bound, so that its batches grow, too.
 */

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/id.h"
#include "queue/internal.h"
#include "spool/spool.h"

// One queue_admit(). Freed when it was answered and no event of it is left here.
struct delivery {
    struct delivery *prev, *next;
    queue_admit_fn done;
    void *arg;
    int64_t since_ms, deadline_ms;
    size_t parts; // events without an answer
    bool told;    // the callback ran
    struct queue_admitted result;
    struct err err;
};

struct pending_event {
    struct pending_event *prev, *next;
    struct delivery *delivery;
    struct cmd args; // of admit.lua
    size_t bytes;    // counted in queue->backlog
};

static void delivery_tell(struct delivery *delivery)
{
    if (delivery->told)
        return;
    delivery->told = true;
    bool failed = delivery->err.code != ERR_NONE;
    delivery->done(delivery->arg, failed ? NULL : &delivery->result,
                   failed ? &delivery->err : NULL);
}

static void delivery_end(struct queue *queue, struct delivery *delivery)
{
    delivery_tell(delivery);
    DL_DELETE(queue->deliveries, delivery);
    free(delivery);
}

static void event_drop(struct queue *queue, struct pending_event *event)
{
    queue->backlog -= event->bytes;
    cmd_deinit(&event->args);
    free(event);
}

/*
 * 65536 buckets a day keep 10^7 ids at ~150 to a bucket: a listpack (Redis's
 * hash-max-listpack-entries is 512 by default), which costs an id 20 bytes and its share of the
 * key.
 */
void seen_bucket(unsigned shard_count, const char *account, const char *dedup_key,
                 int64_t timestamp_ms, char ret_bucket[48], uint8_t ret_hash[16])
{
    unsigned buckets = QUEUE_SEEN_BUCKETS / shard_count;
    id_hash128(ret_hash, account, dedup_key, NULL);
    unsigned bits = (unsigned)ret_hash[0] << 16 | (unsigned)ret_hash[1] << 8 | ret_hash[2];
    snprintf(ret_bucket, 48, "%" PRId64 ":%x", timestamp_ms / 86400000, bits % buckets);
}

void admit_seen(const struct queue *queue, const char *account, const char *dedup_key,
                int64_t timestamp_ms, char ret_bucket[48], uint8_t ret_hash[16])
{
    seen_bucket(queue->shard_count, account, dedup_key, timestamp_ms, ret_bucket, ret_hash);
}

// Takes an event out of what its shard has collected.
static void event_take(struct shard *s, struct pending_event *event)
{
    DL_DELETE(s->events, event);
    s->event_count--;
    s->event_bytes -= event->bytes;
}

static struct pending_event *event_new_pending(const struct queue *queue,
                                               const struct queue_event *event)
{
    struct pending_event *pending = x_alloc(sizeof(*pending));
    char bucket[48] = "";
    uint8_t hash[16] = {0};
    if (event->dedup_key)
        admit_seen(queue, event->account, event->dedup_key, event->timestamp_ms, bucket, hash);
    size_t aliases = event->lane ? 0 : event->alias_count;
    cmd_add_str(&pending->args, event->account);
    cmd_add_str(&pending->args, bucket);
    cmd_add(&pending->args, hash, sizeof(hash));
    cmd_add_str(&pending->args, event->json);
    cmd_add_int(&pending->args, (int64_t)aliases);
    for (size_t i = 0; i < aliases; i++)
        cmd_add_str(&pending->args, event->aliases[i]);
    pending->bytes = pending->args.body.len;
    return pending;
}

bool admit_allowed(const struct queue *queue, struct err *err)
{
    if (queue->closing)
        return err_set(err, ERR_CANCELED, "the queue was closed");
    if (queue->other_count != 0)
        return err_set(err, ERR_UNAVAILABLE,
                       "Redis has another shard count than the %u of this "
                       "process: see the log's queue.shards",
                       queue->shard_count);
    if (queue->room == QUEUE_ROOM_NONE)
        return err_set(err, ERR_UNAVAILABLE,
                       "Redis is above its high-water mark of %u %% of maxmemory",
                       queue->high_water);
    if (queue->backlog > QUEUE_BACKLOG_BYTES)
        return err_set(err, ERR_UNAVAILABLE, "too much waits to be admitted already");
    return true;
}

static bool accounts_are_keys(const struct queue_event *events, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *colon = strchr(events[i].account, ':');
        if (!colon || colon == events[i].account || colon[1] == '\0' || strchr(colon + 1, ':'))
            return err_set(err, ERR_INPUT, "event %zu: '%.64s' is no account key", i,
                           events[i].account);
    }
    return true;
}

static struct delivery *delivery_new(struct queue *queue, queue_admit_fn done, void *arg)
{
    struct delivery *delivery = x_alloc(sizeof(*delivery));
    delivery->done = done;
    delivery->arg = arg;
    delivery->since_ms = clock_mono_ms();
    bool redis_alone = !queue->spool && queue->give_up_ms < queue->answer_ms;
    delivery->deadline_ms =
        delivery->since_ms + (redis_alone ? queue->give_up_ms : queue->answer_ms);
    DL_APPEND(queue->deliveries, delivery);
    if (!queue->closing)
        event_active(queue->flush, EV_TIMEOUT, 0);
    return delivery;
}

void admit_refuse(struct queue *queue, const struct err *err, queue_admit_fn done, void *arg)
{
    delivery_new(queue, done, arg)->err = *err;
}

void queue_admit(struct queue *queue, const struct queue_event *events, size_t count,
                 queue_admit_fn done, void *arg)
{
    struct delivery *delivery = delivery_new(queue, done, arg);
    if (!admit_allowed(queue, &delivery->err) || !accounts_are_keys(events, count, &delivery->err))
        return;
    for (size_t i = 0; i < count; i++) {
        struct pending_event *event = event_new_pending(queue, &events[i]);
        event->delivery = delivery;
        delivery->parts++;
        queue->backlog += event->bytes;
        struct shard *s = &queue->shards[shard_of_account(events[i].account, queue->shard_count)];
        DL_APPEND(s->events, event);
        s->event_count++;
        s->event_bytes += event->bytes;
    }
}

static void part_end(struct queue *queue, struct delivery *delivery, char letter,
                     const struct err *err)
{
    delivery->result.admitted += letter == 'a';
    delivery->result.duplicates += letter == 'd';
    delivery->result.spooled += letter == 's';
    if (err)
        delivery->err = *err;
    if (--delivery->parts == 0)
        delivery_end(queue, delivery);
}

void batch_end(struct batch *batch, const char *letters, const struct err *err)
{
    struct queue *queue = batch->queue;
    struct shard *s = &queue->shards[batch->shard];
    DL_DELETE(s->batches, batch);
    s->under_way--;
    queue->backlog -= batch->bytes;
    for (size_t i = 0; i < batch->count; i++)
        part_end(queue, batch->deliveries[i], err ? '\0' : letters ? letters[i] : 's', err);
    if (!queue->closing)
        shard_flush(queue, batch->shard);
    free(batch);
}

static void on_admitted(struct queue *queue, void *arg, const redisReply *reply,
                        const struct err *err)
{
    struct batch *batch = arg;
    const char *letters = reply_str(reply);
    struct err broken = {0};
    if (!err && (!letters || strlen(letters) != batch->count)) {
        err_set(&broken, ERR_INTERNAL, "Redis: admit answered something else than its letters");
        err = &broken;
    }
    batch_end(batch, letters, err);
}

// Moves what was collected for a shard into a batch, as much of it as one call may hold.
static struct batch *batch_new(struct queue *queue, unsigned shard, struct cmd *ret_args)
{
    struct shard *s = &queue->shards[shard];
    struct batch *batch = x_alloc(sizeof(*batch));
    struct cmd events = {0};
    batch->queue = queue;
    batch->shard = shard;
    batch->give_up_ms = s->events->delivery->since_ms + queue->give_up_ms;
    while (s->events && batch->count < QUEUE_ADMIT_EVENTS && batch->bytes < QUEUE_ADMIT_BYTES) {
        struct pending_event *event = s->events;
        event_take(s, event);
        batch->deliveries[batch->count++] = event->delivery;
        batch->bytes += event->bytes;
        cmd_append(&events, &event->args);
        free(event);
    }
    cmd_add_str(ret_args, queue->incarnation);
    cmd_add_int(ret_args, ++queue->next_number);
    cmd_add_int(ret_args, (int64_t)batch->count);
    cmd_append(ret_args, &events);
    DL_APPEND(s->batches, batch);
    s->under_way++;
    return batch;
}

// The oldest of the shard's batches whose call Redis may still run.
static const struct batch *first_sent(const struct shard *s)
{
    const struct batch *batch;
    DL_FOREACH(s->batches, batch) {
        if (batch->call)
            return batch;
    }
    return NULL;
}

/*
 * Sends what was collected for a shard, to Redis or, if that is not to be, to the disk. Nothing
 * goes to the disk while Redis may still run an earlier call of ours, which a record could overtake
 * by way of another process: such a call is answered, or goes to the disk itself (spool_sent).
 */
void shard_flush(struct queue *queue, unsigned shard)
{
    struct shard *s = &queue->shards[shard];
    while (s->events && s->under_way < QUEUE_ADMIT_CALLS) {
        bool to_disk = spool_is_first(queue, shard);
        if (to_disk ? first_sent(s) != NULL : !queue_is_up(queue))
            return;
        if (to_disk && !spool_is_due(queue, shard))
            return;
        struct cmd args = {0};
        struct batch *batch = batch_new(queue, shard, &args);
        if (to_disk) {
            spool_batch(batch, &args);
        } else {
            s->gather_ms = GATHER_LEAST_MS;
            struct cmd cmd = call_script(queue, SCRIPT_ADMIT, shard);
            cmd_append(&cmd, &args);
            batch->call = queue_call(queue, &cmd, on_admitted, batch);
        }
    }
}

void admit_flush(struct queue *queue)
{
    for (unsigned i = 0; i < queue->shard_count; i++)
        shard_flush(queue, i);
}

static void on_gather(evutil_socket_t fd, short what, void *arg)
{
    admit_flush(arg);
}

// The end of the loop's turn: answers what was refused at once or was empty, sends the rest.
static void on_flush(evutil_socket_t fd, short what, void *arg)
{
    struct queue *queue = arg;
    struct delivery *delivery, *next;
    DL_FOREACH_SAFE(queue->deliveries, delivery, next) {
        if (delivery->parts == 0)
            delivery_end(queue, delivery);
    }
    admit_flush(queue);
}

void admit_init(struct queue *queue, const struct queue_config *config)
{
    queue->answer_ms = config->answer_ms > 0 ? config->answer_ms : 4000;
    queue->spool = config->spool;
    for (unsigned i = 0; i < queue->shard_count; i++) {
        queue->shards[i].drain = (struct drain){.queue = queue, .shard = i};
        queue->shards[i].gather_ms = GATHER_LEAST_MS;
    }
    queue->gather = evtimer_new(queue->base, on_gather, queue);
    queue->flush = event_new(queue->base, -1, 0, on_flush, queue);
}

// Forgets the events of deliveries that were answered already and are not on their way.
static void drop_told(struct queue *queue)
{
    for (unsigned i = 0; i < queue->shard_count; i++) {
        struct pending_event *event, *next;
        DL_FOREACH_SAFE(queue->shards[i].events, event, next) {
            struct delivery *delivery = event->delivery;
            if (!delivery->told)
                continue;
            event_take(&queue->shards[i], event);
            event_drop(queue, event);
            part_end(queue, delivery, '\0', NULL);
        }
    }
}

void admit_tick(struct queue *queue, int64_t now_ms)
{
    bool late = false;
    struct delivery *delivery, *next;
    DL_FOREACH_SAFE(queue->deliveries, delivery, next) {
        if (now_ms < delivery->deadline_ms)
            break;
        if (delivery->told || delivery->parts == 0)
            continue;
        err_set(&delivery->err, ERR_UNAVAILABLE,
                queue->spool ? "neither Redis nor the disk answered in time"
                             : "Redis did not answer in time");
        delivery_tell(delivery);
        late = true;
    }
    if (late)
        drop_told(queue);
    for (unsigned i = 0; queue->spool && i < queue->shard_count; i++) {
        struct shard *s = &queue->shards[i];
        const struct batch *sent = first_sent(s);
        if (sent && now_ms >= sent->give_up_ms)
            spool_sent(queue, i);
        drain_kick(queue, i);
        shard_flush(queue, i);
    }
}

void admit_down(struct queue *queue)
{
    for (unsigned i = 0; queue->spool && i < queue->shard_count; i++) {
        drain_stop(queue, i);
        spool_sent(queue, i);
        shard_flush(queue, i);
    }
}

// Their callers are told that it was cancelled: they may be kept nevertheless.
void admit_close(struct queue *queue)
{
    for (unsigned i = 0; queue->spool && i < queue->shard_count; i++) {
        drain_stop(queue, i);
        spool_sent(queue, i);
        while (queue->shards[i].events) {
            struct cmd args = {0};
            struct batch *batch = batch_new(queue, i, &args);
            spool_batch(batch, &args);
        }
    }
}

bool admit_cancel(struct queue *queue)
{
    for (unsigned i = 0; i < queue->shard_count; i++) {
        struct pending_event *event, *next;
        DL_FOREACH_SAFE(queue->shards[i].events, event, next) {
            event_take(&queue->shards[i], event);
            event_drop(queue, event);
        }
        struct batch *batch, *later;
        DL_FOREACH_SAFE(queue->shards[i].batches, batch, later) {
            DL_DELETE(queue->shards[i].batches, batch);
            batch->queue = NULL; // the spool's answer finds nobody
        }
    }
    bool any = queue->deliveries != NULL;
    while (queue->deliveries) {
        struct delivery *delivery = queue->deliveries;
        if (delivery->err.code == ERR_NONE)
            err_set(&delivery->err, ERR_CANCELED, "the queue was closed");
        delivery_end(queue, delivery);
    }
    return any;
}
