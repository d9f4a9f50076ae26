// SPDX-License-Identifier: MIT
// The receivers' half of the ledger goes to Redis, one call per shard.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/internal.h"

struct publish {
    queue_done_fn done;
    void *arg;
    size_t calls; // unanswered
    struct err err;
};

static void publish_end(struct publish *publish)
{
    publish->done(publish->arg, publish->err.code == ERR_NONE ? NULL : &publish->err);
    free(publish);
}

static void on_published(struct queue *queue, void *arg, const redisReply *reply,
                         const struct err *err)
{
    struct publish *publish = arg;
    if (err)
        publish->err = *err;
    if (--publish->calls == 0)
        publish_end(publish);
}

// The rows of one shard as arguments of publish.lua; returns how many there are.
static size_t add_rows(struct cmd *cmd, const struct queue_ledger_row *rows, size_t count,
                       unsigned shard, unsigned shard_count)
{
    size_t added = 0;
    for (size_t i = 0; i < count; i++) {
        const struct queue_ledger_row *row = &rows[i];
        if (shard_of_account(row->account, shard_count) != shard)
            continue;
        char *numbers =
            x_printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, row->received,
                     row->settled, row->refused, row->spooled, row->drained);
        cmd_add_str(cmd, row->account);
        cmd_add_str(cmd, row->app);
        cmd_add_str(cmd, numbers);
        free(numbers);
        added++;
    }
    return added;
}

void queue_publish_ledger(struct queue *queue, const struct queue_ledger_row *rows, size_t count,
                          queue_done_fn done, void *arg)
{
    struct publish *publish = x_alloc(sizeof(*publish));
    *publish = (struct publish){.done = done, .arg = arg};
    // Shard 0 is asked even when it has no rows, so that the answer comes like any other.
    for (unsigned shard = 0; shard < queue->shard_count; shard++) {
        struct cmd cmd = call_script(queue, SCRIPT_PUBLISH, shard);
        cmd_add_str(&cmd, queue->incarnation);
        cmd_add_str(&cmd, "live");
        if (add_rows(&cmd, rows, count, shard, queue->shard_count) == 0 && shard > 0) {
            cmd_deinit(&cmd);
            continue;
        }
        publish->calls++;
        queue_call(queue, &cmd, on_published, publish);
    }
}

bool queue_publish_gone(const char *url, const char *incarnation,
                        const struct queue_ledger_row *rows, size_t count, struct err *err)
{
    unsigned shards;
    redisContext *redis = sync_open_shards(url, &shards, err);
    bool ok = redis != NULL;
    for (unsigned shard = 0; ok && shard < shards; shard++) {
        char prefix[16];
        shard_prefix(shard, prefix);
        struct cmd cmd = {0};
        cmd_add_str(&cmd, "EVAL");
        cmd_add_str(&cmd, script_table[SCRIPT_PUBLISH].source);
        cmd_add_str(&cmd, "1");
        cmd_add_str(&cmd, prefix);
        cmd_add_str(&cmd, incarnation);
        cmd_add_str(&cmd, "gone");
        if (add_rows(&cmd, rows, count, shard, shards) == 0) {
            cmd_deinit(&cmd);
            continue;
        }
        redisReply *reply = sync_call(redis, &cmd, err);
        ok = reply != NULL;
        freeReplyObject(reply);
    }
    if (redis)
        redisFree(redis);
    return ok;
}

static void on_spool_published(struct queue *queue, void *arg, const redisReply *reply,
                               const struct err *err)
{
}

void queue_publish_spool(struct queue *queue, unsigned shard, const char *host, uint64_t events)
{
    char prefix[16], key[32];
    shard_prefix(shard, prefix);
    snprintf(key, sizeof(key), "%sspools", prefix);
    struct cmd cmd = {0};
    cmd_add_str(&cmd, "HSET");
    cmd_add_str(&cmd, key);
    cmd_add_str(&cmd, host);
    cmd_add_int(&cmd, (int64_t)events);
    queue_call(queue, &cmd, on_spool_published, NULL);
}
