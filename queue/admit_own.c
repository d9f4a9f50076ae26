// SPDX-License-Identifier: MIT
/*
 * An event that no listener received, but an operator made: the same script admits it, and the
 * ledger is told in the same transaction that it was received.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "queue/internal.h"

// The arguments of admit.lua (see there), behind EVAL.
static void add_admit(struct cmd *cmd, const struct queue_event *event, unsigned shards,
                      const char *prefix)
{
    char bucket[48] = "", caller[37];
    uint8_t hash[16] = {0};
    id_uuid(caller);
    if (event->dedup_key)
        seen_bucket(shards, event->account, event->dedup_key, event->timestamp_ms, bucket, hash);
    cmd_add_str(cmd, "EVAL");
    cmd_add_str(cmd, script_table[SCRIPT_ADMIT].source);
    cmd_add_str(cmd, "1");
    cmd_add_str(cmd, prefix);
    cmd_add_str(cmd, caller); // no later call of this one will come
    cmd_add_str(cmd, "1");
    cmd_add_str(cmd, "1");
    cmd_add_str(cmd, event->account);
    cmd_add_str(cmd, bucket);
    cmd_add(cmd, hash, sizeof(hash));
    cmd_add_str(cmd, event->json);
    cmd_add_int(cmd, (int64_t)event->alias_count);
    for (size_t i = 0; i < event->alias_count; i++)
        cmd_add_str(cmd, event->aliases[i]);
}

static bool count_made(redisContext *redis, const char *ledger, const char *by, struct err *err)
{
    redisReply *reply = sync_words(redis, err, "HINCRBY", ledger, "made", by, (char *)NULL);
    freeReplyObject(reply);
    return reply != NULL;
}

// The script's letter, out of the transaction's answer.
static bool read_answer(redisContext *redis, const redisReply *reply, const char *ledger,
                        bool *ret_new, struct err *err)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
        return err_set(err, ERR_INTERNAL, "Redis: admit answered something else than a letter");
    const redisReply *admitted = reply->element[0];
    const char *letter = reply_str(admitted);
    if (letter && (*letter == 'a' || *letter == 'd')) {
        *ret_new = *letter == 'a';
        return true;
    }
    // Not admitted, but counted, as Redis rolls nothing back.
    struct err why = {0};
    if (!count_made(redis, ledger, "-1", &why))
        return err_set(err, why.code, "%s", why.text);
    if (admitted->type == REDIS_REPLY_ERROR)
        reply_error(admitted->str, err);
    else
        err_set(err, ERR_INTERNAL, "Redis: admit answered something else than a letter");
    return false;
}

static bool admit(redisContext *redis, const struct queue_event *event, unsigned shards,
                  bool *ret_new, struct err *err)
{
    char prefix[16];
    shard_prefix(shard_of_account(event->account, shards), prefix);
    char *ledger = x_printf("%sledger:%s", prefix, event->account);
    redisReply *begun = sync_words(redis, err, "MULTI", (char *)NULL);
    freeReplyObject(begun);
    bool ok = begun != NULL;
    if (ok) {
        struct cmd cmd = {0};
        add_admit(&cmd, event, shards, prefix);
        redisReply *queued = sync_call(redis, &cmd, err);
        freeReplyObject(queued);
        ok = queued != NULL && count_made(redis, ledger, "1", err);
    }
    redisReply *reply = ok ? sync_words(redis, err, "EXEC", (char *)NULL) : NULL;
    ok = reply && read_answer(redis, reply, ledger, ret_new, err);
    freeReplyObject(reply);
    free(ledger);
    return ok;
}

bool queue_admit_own(const char *url, const struct queue_event *event, bool *ret_new,
                     struct err *err)
{
    unsigned shards;
    redisContext *redis = sync_open_shards(url, &shards, err);
    bool ok = redis && admit(redis, event, shards, ret_new, err);
    if (redis)
        redisFree(redis);
    return ok;
}
