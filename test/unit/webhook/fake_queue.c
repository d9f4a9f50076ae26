// SPDX-License-Identifier: MIT
// A queue in memory for tests (see fake_queue.h).

#include "fake_queue.h"

#include <stdlib.h>
#include <string.h>

#include "queue/queue.h"

// One call whose callback has not fired.
struct fake_call {
    struct fake_call *next;
    struct queue *queue;
    queue_admit_fn admitted;
    queue_done_fn buried;
    void *arg;
    struct queue_admitted result;
};

static void answer(struct fake_call *call, const struct err *err)
{
    if (call->admitted)
        call->admitted(call->arg, err ? NULL : &call->result, err);
    else
        call->buried(call->arg, err);
    free(call);
}

static struct fake_call *take_waiting(struct queue *queue)
{
    struct fake_call *call = queue->waiting;
    if (call)
        queue->waiting = call->next;
    return call;
}

void fake_queue_release(struct queue *queue)
{
    struct fake_call *call;
    while ((call = take_waiting(queue)))
        answer(call, NULL);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct fake_call *call = arg;
    struct err err;
    if (call->queue->mode != FAKE_FAILS) {
        answer(call, NULL);
        return;
    }
    err_set(&err, ERR_UNAVAILABLE, "the fake queue was told to fail");
    answer(call, &err);
}

static void start(struct fake_call *call)
{
    struct queue *queue = call->queue;
    if (queue->mode == FAKE_WAITS) {
        call->next = queue->waiting;
        queue->waiting = call;
        return;
    }
    event_base_once(queue->base, -1, EV_TIMEOUT, on_turn, call, &(struct timeval){0});
}

struct queue *fake_queue_new(struct event_base *base)
{
    struct queue *queue = x_alloc(sizeof *queue);
    queue->base = base;
    return queue;
}

void fake_queue_free(struct queue *queue)
{
    struct fake_call *call;
    struct err err;
    err_set(&err, ERR_CANCELED, "the queue was freed");
    while ((call = take_waiting(queue)))
        answer(call, &err);
    for (size_t i = 0; i < queue->count; i++) {
        free(queue->events[i].account);
        free(queue->events[i].first_alias);
        free(queue->events[i].dedup_key);
        free(queue->events[i].json);
    }
    free(queue->events);
    free(queue->buried_app);
    free(queue->buried_reason);
    free(queue->buried_body);
    free(queue);
}

unsigned fake_queue_waiting(const struct queue *queue)
{
    unsigned count = 0;
    for (const struct fake_call *call = queue->waiting; call; call = call->next)
        count++;
    return count;
}

/* --- the part of queue.h that the listener uses -------------------------------------------------
 */

bool queue_is_up(const struct queue *queue)
{
    return !queue->down;
}

bool queue_is_foreign(const struct queue *queue)
{
    return queue->foreign;
}

bool queue_began_away(const struct queue *queue)
{
    return false;
}

enum queue_room queue_room(const struct queue *queue)
{
    return queue->room;
}

uint64_t queue_waiting(const struct queue *queue)
{
    return queue->waiting_events;
}

const char *queue_incarnation(const struct queue *queue)
{
    return "listen:here:1:abc";
}

unsigned queue_shards(const struct queue *queue)
{
    return 1;
}

// The ledger is not published: its counters are looked at where they are made.
void queue_watch_spool(struct queue *queue, queue_spool_fn fn, void *arg)
{
}

void queue_publish_spool(struct queue *queue, unsigned shard, const char *host, uint64_t events)
{
}

void queue_publish_ledger(struct queue *queue, const struct queue_ledger_row *rows, size_t count,
                          queue_done_fn done, void *arg)
{
    for (size_t i = 0; i < count; i++) {
        queue->published.received += rows[i].received;
        queue->published.settled += rows[i].settled;
        queue->published.refused += rows[i].refused;
    }
    done(arg, NULL);
}

bool queue_publish_gone(const char *url, const char *incarnation,
                        const struct queue_ledger_row *rows, size_t count, struct err *err)
{
    return false;
}

static bool seen(const struct queue *queue, const char *dedup_key)
{
    for (size_t i = 0; dedup_key && i < queue->count; i++) {
        if (queue->events[i].dedup_key && strcmp(queue->events[i].dedup_key, dedup_key) == 0)
            return true;
    }
    return false;
}

void queue_admit(struct queue *queue, const struct queue_event *events, size_t count,
                 queue_admit_fn done, void *arg)
{
    struct fake_call *call = x_alloc(sizeof *call);
    *call = (struct fake_call){.queue = queue, .admitted = done, .arg = arg};
    queue->calls++;
    queue->events = x_realloc(queue->events, queue->count + count + 1, sizeof *queue->events);
    for (size_t i = 0; i < count && queue->mode != FAKE_FAILS; i++) {
        if (seen(queue, events[i].dedup_key)) {
            call->result.duplicates++;
            continue;
        }
        call->result.admitted++;
        queue->events[queue->count++] = (struct fake_event){
            .account = x_dup(events[i].account),
            .first_alias = events[i].alias_count > 0 ? x_dup(events[i].aliases[0]) : NULL,
            .dedup_key = x_dup(events[i].dedup_key),
            .json = x_dup(events[i].json),
            .alias_count = events[i].alias_count,
            .lane = events[i].lane,
            .timestamp_ms = events[i].timestamp_ms,
        };
    }
    start(call);
}

void queue_bury_raw(struct queue *queue, const char *app, const char *reason, const void *body,
                    size_t len, queue_done_fn done, void *arg)
{
    struct fake_call *call = x_alloc(sizeof *call);
    *call = (struct fake_call){.queue = queue, .buried = done, .arg = arg};
    free(queue->buried_app);
    free(queue->buried_reason);
    free(queue->buried_body);
    queue->buried_app = x_dup(app);
    queue->buried_reason = x_dup(reason);
    queue->buried_body = x_dupn(body, len);
    queue->buried_len = len;
    queue->buried++;
    start(call);
}
