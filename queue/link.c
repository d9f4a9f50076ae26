// SPDX-License-Identifier: MIT
/*
 * An asynchronous connection that opens itself again, with back-off, until it is closed. hiredis
 * frees a context by itself after its connect callback reported a failure and after its disconnect
 * callback; so a link forgets the context there, and frees it nowhere else but in link_drop() and
 * link_close(). hiredis calls every outstanding command's callback with a NULL reply when a context
 * ends: those are ignored, the calls are kept by their owners.
 */

#include <hiredis/adapters/libevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "queue/internal.h"

enum { BACKOFF_FIRST_MS = 50, BACKOFF_MOST_MS = 1000 };

static void link_connect(struct queue_link *link);

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
    link_connect(arg);
}

// Redis serves: the next loss of the connection is a new one. (Connecting proves nothing: a server
// that cannot serve accepts connections all the same.)
void link_served(struct queue_link *link)
{
    link->since_ms = clock_mono_ms();
    link->backoff_ms = BACKOFF_FIRST_MS;
    link->told = false;
}

// The context is gone: waits, then connects again.
static void link_down(struct queue_link *link, const char *why)
{
    bool was_ready = link->state == LINK_READY;
    link->ac = NULL;
    link->state = LINK_WAITING;
    if (was_ready && !link->told)
        log_warn("queue.down", "link", link->name, "error", why);
    else
        log_debug("queue.retry", "link", link->name, "error", why);
    link->told = true;
    struct timeval delay = {.tv_sec = link->backoff_ms / 1000,
                            .tv_usec = link->backoff_ms % 1000 * 1000};
    event_add(link->retry, &delay);
    link->backoff_ms *= 2;
    if (link->backoff_ms > BACKOFF_MOST_MS)
        link->backoff_ms = BACKOFF_MOST_MS;
    if (link->on_down)
        link->on_down(link);
}

static void link_ready(struct queue_link *link)
{
    link->state = LINK_READY;
    log_debug("queue.up", "link", link->name);
    link->on_ready(link);
}

static void on_greeting(redisAsyncContext *ac, void *answer, void *arg)
{
    struct queue_link *link = ac->data;
    const redisReply *reply = answer;
    if (!reply || link->ac != ac)
        return;
    link->since_ms = clock_mono_ms();
    if (reply->type == REDIS_REPLY_ERROR) {
        log_warn("queue.greeting", "link", link->name, "error", reply->str);
        link_drop(link, reply->str);
    } else if (--link->greetings == 0) {
        link_ready(link);
    }
}

/*
 * Whether the stored shard count is ours: nothing may be cut into other shards. A Redis that has
 * none was flushed: ours stays in force, if it ever was. Logged when it changes, not with each try.
 */
static bool count_is_ours(struct queue *queue, const redisReply *reply)
{
    int64_t stored = reply->type == REDIS_REPLY_NIL ? 0 : reply_int(reply);
    bool none = stored == 0;
    if (none ? queue->counted : stored == queue->shard_count) {
        queue->counted = true;
        queue->other_count = 0;
        return true;
    }
    if (!none && stored != queue->other_count)
        log_error("queue.shards", "error",
                  "Redis has another shard count than this process began with", "stored",
                  reply->str, "ours", log_int(queue->shard_count), "hint",
                  "nothing is admitted: name the Redis that it was before, or let its spool be "
                  "drained there and start anew");
    else if (none && !queue->main.told_none)
        log_error("queue.shards", "error", "Redis has no shard count yet", "hint",
                  "run `hookmill init` first", "ours", log_int(queue->shard_count));
    queue->main.told_none = none;
    queue->other_count = stored;
    return false;
}

static void on_shard_count(redisAsyncContext *ac, void *answer, void *arg)
{
    struct queue_link *link = ac->data;
    const redisReply *reply = answer;
    if (reply && link->ac == ac && reply->type != REDIS_REPLY_ERROR &&
        !count_is_ours(link->queue, reply)) {
        link_drop(link, "other shard count");
        return;
    }
    on_greeting(ac, answer, arg);
}

static void greet(struct queue_link *link, struct cmd *cmd, redisCallbackFn *fn)
{
    size_t len;
    char *bytes = cmd_take(cmd, &len);
    link->greetings++;
    link_send(link, bytes, len, fn);
    secret_free(bytes); // an AUTH holds the password
}

static void greet_words(struct queue_link *link, const char *a, const char *b, const char *c,
                        redisCallbackFn *fn)
{
    struct cmd cmd = {0};
    cmd_add_str(&cmd, a);
    cmd_add_str(&cmd, b);
    if (c)
        cmd_add_str(&cmd, c);
    greet(link, &cmd, fn);
}

static void link_greet(struct queue_link *link)
{
    const struct redis_url *url = &link->queue->url;
    link->state = LINK_GREETING;
    link->greetings = 0;
    if (url->password && url->user)
        greet_words(link, "AUTH", url->user, url->password, on_greeting);
    else if (url->password)
        greet_words(link, "AUTH", url->password, NULL, on_greeting);
    char db[16];
    snprintf(db, sizeof(db), "%d", url->db);
    greet_words(link, "SELECT", db, NULL, on_greeting);
    if (!link->scripts)
        return;
    greet_words(link, "GET", "hm:{config}:shards", NULL, on_shard_count);
    for (int i = 0; i < SCRIPT_COUNT; i++)
        greet_words(link, "SCRIPT", "LOAD", script_table[i].source, on_greeting);
}

static void on_connect(const redisAsyncContext *ac, int status)
{
    struct queue_link *link = ac->data;
    if (link->ac != ac)
        return;
    if (status != REDIS_OK) {
        link_down(link, ac->errstr);
        return;
    }
    link->since_ms = clock_mono_ms();
    link_greet(link);
}

static void on_disconnect(const redisAsyncContext *ac, int status)
{
    struct queue_link *link = ac->data;
    if (link->ac == ac)
        link_down(link, status == REDIS_OK ? "closed" : ac->errstr);
}

static void link_connect(struct queue_link *link)
{
    const struct redis_url *url = &link->queue->url;
    redisAsyncContext *ac =
        url->path ? redisAsyncConnectUnix(url->path) : redisAsyncConnect(url->host, url->port);
    if (!ac || ac->err) {
        char why[128];
        snprintf(why, sizeof(why), "%s", ac ? ac->errstr : "out of memory");
        if (ac)
            redisAsyncFree(ac);
        link_down(link, why);
        return;
    }
    ac->data = link;
    link->ac = ac;
    link->state = LINK_CONNECTING;
    link->since_ms = clock_mono_ms();
    if (!url->path)
        redisEnableKeepAlive(&ac->c); // finds a lost host on a link that only listens
    redisLibeventAttach(ac, link->queue->base);
    redisAsyncSetConnectCallback(ac, on_connect);
    redisAsyncSetDisconnectCallback(ac, on_disconnect);
}

void link_open(struct queue_link *link)
{
    link->backoff_ms = BACKOFF_FIRST_MS;
    link->retry = evtimer_new(link->queue->base, on_retry, link);
    link_connect(link);
}

void link_close(struct queue_link *link)
{
    redisAsyncContext *ac = link->ac;
    link->ac = NULL;
    link->state = LINK_CLOSED;
    if (ac)
        redisAsyncFree(ac);
    if (link->retry)
        event_free(link->retry);
    link->retry = NULL;
}

void link_drop(struct queue_link *link, const char *why)
{
    redisAsyncContext *ac = link->ac;
    if (!ac)
        return;
    link->ac = NULL; // its callbacks, which redisAsyncFree() runs, know by this that they are late
    redisAsyncFree(ac);
    link_down(link, why);
}

void link_send(struct queue_link *link, const char *cmd, size_t len, redisCallbackFn *fn)
{
    if (link->ac)
        redisAsyncFormattedCommand(link->ac, fn, NULL, cmd, len);
}
