// SPDX-License-Identifier: MIT
/*
 * Who arms a chat's timer in Redis also arms it here, and has the shard's timers swept when it is
 * due. It is a short-cut only: the sweeper, once a second, finds every timer. So waits of more than
 * a minute, which can well be a second late, are left to it.
 */

#include <stdlib.h>
#include <utlist.h>

#include "queue/internal.h"

enum { LOCAL_TIMER_MOST_MS = 60000 };

struct local_timer {
    struct local_timer *prev, *next;
    struct queue *queue;
    unsigned shard;
    struct event *event;
};

static void local_timer_end(struct local_timer *timer)
{
    DL_DELETE(timer->queue->timers, timer);
    event_free(timer->event);
    free(timer);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
    struct local_timer *timer = arg;
    if (queue_is_up(timer->queue))
        serve_sweep(timer->queue, timer->shard, "timers");
    local_timer_end(timer);
}

void local_timer_arm(struct queue *queue, unsigned shard, int64_t delay_ms)
{
    if (!queue->serving || delay_ms > LOCAL_TIMER_MOST_MS)
        return;
    struct local_timer *timer = x_alloc(sizeof(*timer));
    *timer = (struct local_timer){.queue = queue, .shard = shard};
    timer->event = evtimer_new(queue->base, on_due, timer);
    int64_t due_ms = delay_ms + 1; // Redis counts whole milliseconds
    struct timeval delay = {.tv_sec = due_ms / 1000, .tv_usec = due_ms % 1000 * 1000};
    event_add(timer->event, &delay);
    DL_APPEND(queue->timers, timer);
}

void local_timer_cancel_all(struct queue *queue)
{
    while (queue->timers)
        local_timer_end(queue->timers);
}
