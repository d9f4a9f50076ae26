// SPDX-License-Identifier: MIT
/*
 * The unanswered calls of the main link, oldest first. Redis answers in order, so an answer is
 * always the head's. When the connection is lost, the next one is sent the whole list again, in
 * order; the scripts see to it that what had already run does not run twice.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/internal.h"

static void call_end(struct queue *queue, struct call *call, const redisReply *reply,
                     const struct err *err)
{
    DL_DELETE(queue->calls, call);
    if (call->fn)
        call->fn(queue, call->arg, reply, err);
    queue->owed -= call->owed;
    free(call->cmd);
    free(call);
}

static void on_reply(redisAsyncContext *ac, void *answer, void *arg)
{
    struct queue_link *link = ac->data;
    const redisReply *reply = answer;
    if (!reply || link->ac != ac)
        return;
    struct queue *queue = link->queue;
    struct call *call = queue->calls;
    assert(call && call->sent);
    link->since_ms = clock_mono_ms();
    if (reply->type != REDIS_REPLY_ERROR) {
        link_served(link);
        call_end(queue, call, reply, NULL);
    } else if (reply_error_passes(reply->str)) {
        link_drop(link, reply->str);
    } else {
        struct err err = {0};
        reply_error(reply->str, &err);
        call_end(queue, call, NULL, &err);
    }
}

static void call_send(struct queue *queue, struct call *call)
{
    call->sent = true;
    link_send(&queue->main, call->cmd, call->len, on_reply);
}

struct cmd call_script(const struct queue *queue, enum script_id script, unsigned shard)
{
    char prefix[16];
    shard_prefix(shard, prefix);
    struct cmd cmd = {0};
    cmd_add_str(&cmd, "EVALSHA");
    cmd_add_str(&cmd, queue->sha[script]);
    cmd_add_str(&cmd, "1");
    cmd_add_str(&cmd, prefix);
    return cmd;
}

struct call *queue_call(struct queue *queue, struct cmd *cmd, call_fn fn, void *arg)
{
    struct call *call = x_alloc(sizeof(*call));
    call->cmd = cmd_take(cmd, &call->len);
    call->fn = fn;
    call->arg = arg;
    if (!queue->calls) // silence counts from the first call of a silent link
        queue->main.since_ms = clock_mono_ms();
    DL_APPEND(queue->calls, call);
    if (queue->main.state == LINK_READY)
        call_send(queue, call);
    return call;
}

void call_forget(struct queue *queue, struct call *call)
{
    call->fn = NULL;
    call->arg = NULL;
    call->owed = true;
    queue->owed++;
}

void calls_ready(struct queue_link *link)
{
    struct call *call, *next;
    DL_FOREACH_SAFE(link->queue->calls, call, next) {
        if (call->fn)
            call_send(link->queue, call);
        else // forgotten while nobody could be asked
            call_end(link->queue, call, NULL, NULL);
    }
    admit_flush(link->queue);
}

void calls_down(struct queue_link *link)
{
    struct call *call, *next;
    admit_down(link->queue); // what goes to the spool now is forgotten here
    DL_FOREACH_SAFE(link->queue->calls, call, next) {
        call->sent = false;
        if (!call->fn) // nobody waits for it any more
            call_end(link->queue, call, NULL, NULL);
    }
}

// Gives up a call whose time is over. One that was sent stays in the list for its answer's sake.
static void call_give_up(struct queue *queue, struct call *call)
{
    struct err err = {0};
    err_set(&err, ERR_UNAVAILABLE, "Redis did not answer in time");
    if (!call->sent) {
        call_end(queue, call, NULL, &err);
        return;
    }
    call_fn fn = call->fn;
    call->fn = NULL;
    fn(queue, call->arg, NULL, &err);
}

void calls_tick(struct queue *queue, int64_t now_ms)
{
    struct queue_link *link = &queue->main;
    bool waits = link->state == LINK_CONNECTING || link->state == LINK_GREETING ||
                 (link->state == LINK_READY && queue->calls);
    if (waits && now_ms - link->since_ms > QUEUE_SILENCE_MS)
        link_drop(link, "no answer");

    struct call *call, *next;
    DL_FOREACH_SAFE(queue->calls, call, next) {
        if (call->deadline_ms > 0 && now_ms >= call->deadline_ms && call->fn)
            call_give_up(queue, call);
    }
}

bool calls_cancel(struct queue *queue)
{
    bool any = queue->calls != NULL;
    struct err err = {0};
    err_set(&err, ERR_CANCELED, "the queue was closed");
    while (queue->calls)
        call_end(queue, queue->calls, NULL, &err);
    return any;
}
