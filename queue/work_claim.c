// SPDX-License-Identifier: MIT
/*
 * Claims. One per shard is under way at a time (the others wait their turn): claim.lua knows a
 * repeat by its number.
 */

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "queue/internal.h"

struct pending_claim {
    struct pending_claim *prev, *next;
    unsigned shard, most;
    queue_claim_fn done;
    void *arg;
};

static void claim_start(struct queue *queue, struct pending_claim *claim);

static bool is_list(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY;
}

static void claim_deinit(struct queue_claim *claim)
{
    free((char *)claim->account);
    free((void *)claim->records);
    free((void *)claim->entries);
}

// One chat of claim.lua's answer; strings stay the reply's. False when it is not in that shape.
static bool claim_read(const redisReply *item, unsigned shard, struct queue_claim *ret)
{
    if (!is_list(item) || item->elements != 12 || !is_list(item->element[7]) ||
        !is_list(item->element[8]))
        return false;
    const redisReply *records = item->element[7], *entries = item->element[8];
    int64_t met = reply_int(item->element[11]);
    struct queue_claim claim = {.chat = reply_str(item->element[0]),
                                .shard = shard,
                                .epoch = reply_int(item->element[1]),
                                .done = reply_int(item->element[2]),
                                .turn = reply_int(item->element[9]),
                                .paused_ms = reply_int(item->element[10]),
                                .is_new = met <= 0,
                                .inbound_ms = met > 1 ? met : 0,
                                .state = reply_str(item->element[3]),
                                .attempt = reply_str(item->element[4]),
                                .result = reply_str(item->element[5]),
                                .fired = reply_str(item->element[6]),
                                .record_count = records->elements,
                                .entry_count = entries->elements};
    const char *account_end = claim.chat ? strchr(claim.chat, ':') : NULL;
    account_end = account_end ? strchr(account_end + 1, ':') : NULL;
    if (!account_end || claim.epoch < 0 || claim.done < 0)
        return false;

    const char **record = x_calloc(records->elements + 1, sizeof(*record));
    struct queue_entry *entry = x_calloc(entries->elements + 1, sizeof(*entry));
    bool ok = true;
    for (size_t i = 0; i < records->elements; i++)
        ok = (record[i] = reply_str(records->element[i])) != NULL && ok;
    for (size_t i = 0; i < entries->elements; i++) {
        entry[i].number = claim.done + 1 + (int64_t)i;
        ok = (entry[i].json = reply_str(entries->element[i])) != NULL && ok;
    }
    claim.account = x_dupn(claim.chat, (size_t)(account_end - claim.chat));
    claim.records = record;
    claim.entries = entry;
    if (ok)
        *ret = claim;
    else
        claim_deinit(&claim);
    return ok;
}

static void claim_answer(const struct pending_claim *claim, const redisReply *reply)
{
    struct err err = {0};
    struct queue_claim *claims = x_calloc(reply->elements + 1, sizeof(*claims));
    size_t count = 0;
    for (size_t i = 0; is_list(reply) && i < reply->elements; i++)
        if (claim_read(reply->element[i], claim->shard, &claims[count]))
            count++;
    // A chat that could not be read stays held, and goes to somebody else when this worker ends.
    if (!is_list(reply) || count < reply->elements)
        err_set(&err, ERR_INTERNAL, "Redis: claim answered something else than chats");
    if (count > 0 || err.code == ERR_NONE)
        claim->done(claim->arg, claims, count, NULL);
    else
        claim->done(claim->arg, NULL, 0, &err);
    for (size_t i = 0; i < count; i++)
        claim_deinit(&claims[i]);
    free(claims);
}

static void on_claimed(struct queue *queue, void *arg, const redisReply *reply,
                       const struct err *err)
{
    struct pending_claim *claim = arg;
    struct shard *s = &queue->shards[claim->shard];
    DL_DELETE(s->claims, claim);
    if (s->claims && !queue->closing)
        claim_start(queue, s->claims);
    if (err)
        claim->done(claim->arg, NULL, 0, err);
    else
        claim_answer(claim, reply);
    free(claim);
}

static void claim_start(struct queue *queue, struct pending_claim *claim)
{
    struct cmd cmd = call_script(queue, SCRIPT_CLAIM, claim->shard);
    cmd_add_str(&cmd, queue->incarnation);
    cmd_add_int(&cmd, ++queue->next_number);
    cmd_add_int(&cmd, claim->most);
    queue_call(queue, &cmd, on_claimed, claim);
}

void queue_claim(struct queue *queue, unsigned shard, unsigned max, queue_claim_fn done, void *arg)
{
    struct pending_claim *claim = x_alloc(sizeof(*claim));
    *claim = (struct pending_claim){.shard = shard, .most = max, .done = done, .arg = arg};
    struct shard *s = &queue->shards[shard];
    bool idle = s->claims == NULL;
    DL_APPEND(s->claims, claim);
    if (idle && !queue->closing)
        claim_start(queue, claim);
}

// After calls_cancel(): those that waited for their turn.
bool claim_cancel(struct queue *queue)
{
    bool any = false;
    struct err err = {0};
    err_set(&err, ERR_CANCELED, "the queue was closed");
    for (unsigned i = 0; i < queue->shard_count; i++) {
        struct pending_claim **head = &queue->shards[i].claims;
        while (*head) {
            struct pending_claim *claim = *head;
            DL_DELETE(*head, claim);
            claim->done(claim->arg, NULL, 0, &err);
            free(claim);
            any = true;
        }
    }
    return any;
}
