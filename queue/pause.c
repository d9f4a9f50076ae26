// SPDX-License-Identifier: MIT
// A chat's pause, and the memory of what we sent ourselves, by which foreign echoes are known.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "queue/internal.h"

void sent_bucket(unsigned shard_count, const char *account, const char *id, char ret_bucket[16],
                 uint8_t ret_hash[16])
{
    ret_bucket[0] = '\0';
    memset(ret_hash, 0, 16);
    if (!id)
        return;
    id_hash128(ret_hash, account, "sent", id, NULL);
    unsigned bits = (unsigned)ret_hash[0] << 16 | (unsigned)ret_hash[1] << 8 | ret_hash[2];
    snprintf(ret_bucket, 16, "%x", bits % (QUEUE_SENT_BUCKETS / shard_count));
}

// The arguments of pause.lua.
static void pause_args(struct cmd *cmd, unsigned shard_count, const char *account,
                       const char *alias, int64_t until_ms, const char *echo_id, const char *event)
{
    char bucket[16];
    uint8_t hash[16];
    sent_bucket(shard_count, account, echo_id, bucket, hash);
    cmd_add_str(cmd, account);
    cmd_add_str(cmd, alias);
    cmd_add_int(cmd, until_ms > 0 ? until_ms : 0);
    cmd_add_str(cmd, bucket);
    cmd_add(cmd, hash, sizeof(hash));
    cmd_add_str(cmd, event ? event : "");
}

struct pause_call {
    queue_pause_fn done;
    void *arg;
};

static void on_paused(struct queue *queue, void *arg, const redisReply *reply,
                      const struct err *err)
{
    struct pause_call *pause = arg;
    const char *chat = reply_str(reply);
    pause->done(pause->arg, !err && chat && *chat, err);
    free(pause);
}

void queue_pause(struct queue *queue, const char *account, const char *alias, int64_t until_ms,
                 const char *echo_id, queue_pause_fn done, void *arg)
{
    struct pause_call *pause = x_alloc(sizeof(*pause));
    *pause = (struct pause_call){.done = done, .arg = arg};
    struct cmd cmd = call_script(queue, SCRIPT_PAUSE, queue_shard_of(queue, account));
    pause_args(&cmd, queue->shard_count, account, alias, until_ms, echo_id, NULL);
    queue_call(queue, &cmd, on_paused, pause);
}

static bool pause_now(const char *url, const char *account, const char *alias, int64_t until_ms,
                      const char *event, char **ret_chat, struct err *err)
{
    unsigned shards;
    redisContext *redis = sync_open_shards(url, &shards, err);
    if (!redis)
        return false;
    char prefix[16];
    shard_prefix(shard_of_account(account, shards), prefix);
    struct cmd cmd = {0};
    cmd_add_str(&cmd, "EVAL");
    cmd_add_str(&cmd, script_table[SCRIPT_PAUSE].source);
    cmd_add_str(&cmd, "1");
    cmd_add_str(&cmd, prefix);
    pause_args(&cmd, shards, account, alias, until_ms, NULL, event);
    redisReply *reply = sync_call(redis, &cmd, err);
    const char *chat = reply_str(reply);
    bool ok = chat && *chat;
    if (reply && !ok)
        err_set(err, ERR_NOT_FOUND, "the queue knows no chat with '%s' of %s", alias, account);
    if (ok && ret_chat)
        *ret_chat = x_dup(chat);
    freeReplyObject(reply);
    redisFree(redis);
    return ok;
}

bool queue_pause_chat(const char *url, const char *account, const char *alias, int64_t until_ms,
                      char **ret_chat, struct err *err)
{
    return pause_now(url, account, alias, until_ms, NULL, ret_chat, err);
}

bool queue_resume_chat(const char *url, const char *account, const char *alias, const char *event,
                       char **ret_chat, struct err *err)
{
    return pause_now(url, account, alias, 0, event, ret_chat, err);
}
