// SPDX-License-Identifier: MIT
/*
 * The queue's figures, read for a person: many small questions and no script, so that Redis is
 * never held up. They are taken one after the other, so under load they need not add up to the last
 * one.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/internal.h"

struct reader {
    redisContext *redis;
    char prefix[16];
    struct err *err;
    struct queue_stats *stats;
};

// Asks "<command> <prefix><suffix><name> [a b]"; NULL with err.
static redisReply *ask(struct reader *r, const char *command, const char *suffix, const char *name,
                       const char *a, const char *b)
{
    char *key = x_printf("%s%s%s", r->prefix, suffix, name);
    redisReply *reply = sync_words(r->redis, r->err, command, key, a, a ? b : NULL, (char *)NULL);
    free(key);
    return reply;
}

static bool add_figure(struct reader *r, uint64_t *sum, const char *command, const char *suffix,
                       const char *name)
{
    redisReply *reply = ask(r, command, suffix, name, NULL, NULL);
    if (!reply)
        return false;
    int64_t n = reply_int(reply);
    *sum += n > 0 ? (uint64_t)n : 0;
    freeReplyObject(reply);
    return true;
}

static bool add_ledger(struct reader *r, const char *account)
{
    redisReply *fields = ask(r, "HGETALL", "ledger:", account, NULL, NULL);
    if (!fields)
        return false;
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        const char *name = reply_str(fields->element[i]);
        uint64_t n = (uint64_t)reply_int(fields->element[i + 1]);
        if (strcmp(name, "admitted") == 0)
            r->stats->admitted += n;
        else if (strcmp(name, "duplicate") == 0)
            r->stats->duplicates += n;
        else if (strcmp(name, "done") == 0)
            r->stats->done += n;
        else if (strcmp(name, "dead") == 0)
            r->stats->dead_ever += n;
    }
    freeReplyObject(fields);
    return true;
}

static bool add_accounts(struct reader *r)
{
    redisReply *accounts = ask(r, "SMEMBERS", "accounts", "", NULL, NULL);
    bool ok = accounts != NULL;
    for (size_t i = 0; ok && i < accounts->elements; i++) {
        const char *account = reply_str(accounts->element[i]);
        ok = add_figure(r, &r->stats->ready, "LLEN", "ready:", account) && add_ledger(r, account);
    }
    freeReplyObject(accounts);
    return ok;
}

// Every worker has a lease on every shard, so the workers are those of any one shard.
static bool add_workers(struct reader *r)
{
    redisReply *workers = ask(r, "ZRANGE", "leases", "", "0", "-1");
    bool ok = workers != NULL;
    if (ok && workers->elements > r->stats->workers)
        r->stats->workers = (unsigned)workers->elements;
    for (size_t i = 0; ok && i < workers->elements; i++)
        ok = add_figure(r, &r->stats->held, "SCARD", "held:", reply_str(workers->element[i]));
    freeReplyObject(workers);
    return ok;
}

bool queue_stats_read(const char *url, struct queue_stats *ret_stats, struct err *err)
{
    struct queue_stats stats = {0};
    struct reader r = {.err = err, .stats = &stats};
    r.redis = sync_open_text(url, err);
    if (!r.redis)
        return false;
    bool ok = sync_shards(r.redis, &stats.shards, err);
    for (unsigned shard = 0; ok && shard < stats.shards; shard++) {
        shard_prefix(shard, r.prefix);
        ok = add_accounts(&r) && add_workers(&r) &&
             add_figure(&r, &stats.parked, "SCARD", "parked", "") &&
             add_figure(&r, &stats.joining, "SCARD", "joining", "") &&
             add_figure(&r, &stats.mailbox, "GET", "waiting", "") &&
             add_figure(&r, &stats.timers, "ZCARD", "timers", "") &&
             add_figure(&r, &stats.dead, "XLEN", "dead", "");
    }
    redisFree(r.redis);
    if (ok)
        *ret_stats = stats;
    return ok;
}
