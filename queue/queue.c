// SPDX-License-Identifier: MIT
// Opening and closing the queue, its tick, and what it knows of itself.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/log.h"
#include "queue/internal.h"
#include "spool/spool.h"

// How long a start with a spool waits for Redis: per step of connecting (there are three), in all.
enum { START_STEP_MS = 250, START_MS = 1000 };

unsigned shard_of_account(const char *account, unsigned shard_count)
{
    return id_fnv32(account) % shard_count;
}

bool shard_of_key(const struct queue *queue, const char *key, unsigned *ret_shard)
{
    const char *id = strchr(key, ':');
    if (!id || id == key)
        return false;
    size_t len = strcspn(id + 1, ":");
    if (len == 0)
        return false;
    char *account = x_dupn(key, (size_t)(id + 1 + len - key));
    *ret_shard = shard_of_account(account, queue->shard_count);
    free(account);
    return true;
}

// Redis calls a script by its SHA-1, so calls can be written before anybody has loaded it.
static void name_scripts(struct queue *queue)
{
    for (int i = 0; i < SCRIPT_COUNT; i++) {
        uint8_t hash[SHA1_LEN];
        crypto_sha1(script_table[i].source, strlen(script_table[i].source), hash);
        hex_encode(hash, sizeof(hash), queue->sha[i]);
    }
}

static bool load_scripts(const struct queue *queue, redisContext *redis, int64_t until_ms,
                         struct err *err)
{
    bool ok = true;
    for (int i = 0; ok && i < SCRIPT_COUNT; i++) {
        if (!sync_patience(redis, until_ms, err))
            return false;
        redisReply *reply =
            sync_words(redis, err, "SCRIPT", "LOAD", script_table[i].source, (char *)NULL);
        const char *sha = reply_str(reply);
        ok = sha != NULL && strcmp(sha, queue->sha[i]) == 0;
        if (reply && !ok)
            err_set(err, ERR_INTERNAL, "Redis: SCRIPT LOAD gave another name than the SHA-1");
        else if (!ok)
            err_prefix(err, "script %s", script_table[i].name);
        freeReplyObject(reply);
    }
    return ok;
}

static bool read_count(struct queue *queue, redisContext *redis, const struct spool *spool,
                       struct err *err)
{
    if (!sync_shards(redis, &queue->shard_count, err))
        return false;
    if (queue->shard_count == 0)
        return err_set(err, ERR_CONFIG, "Redis has no shard count yet: run `hookmill init` first");
    if (spool && spool_shards(spool) != queue->shard_count)
        return err_set(err, ERR_CONFIG,
                       "the spool has %u shards, Redis has %u: let it be drained to the Redis that "
                       "it was made for, or name another spool.directory",
                       spool_shards(spool), queue->shard_count);
    return true;
}

// Reads the shard count, and sees whether Redis takes the scripts.
static bool ask_redis(struct queue *queue, const struct spool *spool, struct err *err)
{
    int64_t until_ms = spool ? clock_mono_ms() + START_MS : INT64_MAX;
    redisContext *redis = sync_open(&queue->url, spool ? START_STEP_MS : QUEUE_SILENCE_MS, err);
    if (!redis)
        return false;
    bool ok = sync_patience(redis, until_ms, err) && read_count(queue, redis, spool, err) &&
              load_scripts(queue, redis, until_ms, err);
    redisFree(redis);
    return ok;
}

/*
 * A spool knows the shard count, so with one a Redis that is away is no reason not to start. One
 * that refuses us, or has another count, is: neither passes by itself.
 */
static bool queue_prepare(struct queue *queue, const struct spool *spool, struct err *err)
{
    name_scripts(queue);
    struct err why = {0};
    if (ask_redis(queue, spool, &why)) {
        queue->counted = true;
        return true;
    }
    if (!spool || why.code != ERR_UNAVAILABLE) {
        *err = why;
        return false;
    }
    queue->began_away = true;
    queue->shard_count = spool_shards(spool);
    log_warn("queue.away", "error", why.text, "shards", log_int(queue->shard_count), "hint",
             "what comes is kept in the spool until Redis is there");
    return true;
}

static char *make_incarnation(const char *name)
{
    char host[65] = "";
    if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0')
        snprintf(host, sizeof(host), "host");
    uint8_t random[6];
    char hex[2 * sizeof(random) + 1];
    crypto_random(random, sizeof(random));
    hex_encode(random, sizeof(random), hex);
    return x_printf("%s:%s:%ld:%s", name ? name : "hookmill", host, (long)getpid(), hex);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct queue *queue = arg;
    int64_t now_ms = clock_mono_ms();
    calls_tick(queue, now_ms);
    admit_tick(queue, now_ms);
    serve_tick(queue, now_ms);
    room_tick(queue);
}

// Writing to a connection that Redis has closed must be an error, not the process's end (hiredis
// uses write()).
static void ignore_sigpipe(void)
{
    struct sigaction now;
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

struct queue *queue_new(struct event_base *base, const struct queue_config *config, struct err *err)
{
    struct queue *queue = x_alloc(sizeof(*queue));
    queue->base = base;
    queue->give_up_ms = config->give_up_ms > 0 ? config->give_up_ms : 2000;
    queue->lease_ms = config->lease_ms > 0 ? config->lease_ms : 15000;
    queue->high_water = config->high_water > 0 ? config->high_water : 80;
    queue->low_water = config->low_water > 0 ? config->low_water : 90;
    queue->max_waiting = config->max_waiting;
    if (!redis_url_parse(config->url, &queue->url, err) ||
        !queue_prepare(queue, config->spool, err)) {
        redis_url_deinit(&queue->url);
        free(queue);
        return NULL;
    }
    ignore_sigpipe();
    queue->incarnation = make_incarnation(config->name);
    queue->shards = x_calloc(queue->shard_count, sizeof(*queue->shards));
    admit_init(queue, config);
    queue->main = (struct queue_link){.queue = queue,
                                      .name = "main",
                                      .scripts = true,
                                      .on_ready = calls_ready,
                                      .on_down = calls_down};
    link_open(&queue->main);
    struct timeval tick = {.tv_usec = QUEUE_TICK_MS * 1000};
    queue->tick = event_new(base, -1, EV_PERSIST, on_tick, queue);
    event_add(queue->tick, &tick);
    return queue;
}

void queue_free(struct queue *queue)
{
    if (!queue)
        return;
    queue->closing = true;
    event_free(queue->tick);
    link_close(&queue->main);
    admit_close(queue);
    // A callback may well call again: that is cancelled, too.
    while (calls_cancel(queue) || claim_cancel(queue) || admit_cancel(queue)) {
    }
    event_free(queue->flush);
    event_free(queue->gather);
    serve_close(queue);
    redis_url_deinit(&queue->url);
    free(queue->shards);
    free(queue->incarnation);
    free(queue);
}

bool queue_is_up(const struct queue *queue)
{
    return queue->main.state == LINK_READY;
}

bool queue_began_away(const struct queue *queue)
{
    return queue->began_away;
}

bool queue_is_foreign(const struct queue *queue)
{
    return queue->other_count != 0;
}

unsigned queue_shards(const struct queue *queue)
{
    return queue->shard_count;
}

unsigned queue_shard_of(const struct queue *queue, const char *account_key)
{
    return shard_of_account(account_key, queue->shard_count);
}

const char *queue_incarnation(const struct queue *queue)
{
    return queue->incarnation;
}
