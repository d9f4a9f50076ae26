// SPDX-License-Identifier: MIT
// The command line's questions and deeds, each on a blocking connection of its own.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "queue/internal.h"

bool queue_read_shards(const char *url, unsigned *ret_shards, struct err *err)
{
    redisContext *redis = sync_open_shards(url, ret_shards, err);
    if (redis)
        redisFree(redis);
    return redis != NULL;
}

bool queue_init_shards(const char *url, unsigned wanted, unsigned *ret_shards, struct err *err)
{
    if (wanted == 0 || wanted > QUEUE_SHARDS_MAX)
        return err_set(err, ERR_CONFIG, "the shard count must be 1 to %d, not %u", QUEUE_SHARDS_MAX,
                       wanted);
    redisContext *redis = sync_open_text(url, err);
    if (!redis)
        return false;
    char count[16];
    snprintf(count, sizeof(count), "%u", wanted);
    redisReply *reply = sync_words(redis, err, "SETNX", "hm:{config}:shards", count, (char *)NULL);
    bool ok = reply && sync_shards(redis, ret_shards, err);
    freeReplyObject(reply);
    redisFree(redis);
    return ok;
}

bool queue_announce(const char *url, const char *what, struct err *err)
{
    redisContext *redis = sync_open_text(url, err);
    if (!redis)
        return false;
    redisReply *reply = sync_words(redis, err, "PUBLISH", "hm:changes", what, (char *)NULL);
    bool ok = reply != NULL;
    freeReplyObject(reply);
    redisFree(redis);
    return ok;
}

static void shard_key(unsigned shard, const char *suffix, char out[32])
{
    char prefix[16];
    shard_prefix(shard, prefix);
    snprintf(out, 32, "%s%s", prefix, suffix);
}

bool queue_release_account(const char *url, const char *account, unsigned *ret_released,
                           struct err *err)
{
    unsigned shards;
    redisContext *redis = sync_open_shards(url, &shards, err);
    if (!redis)
        return false;
    char prefix[16];
    shard_prefix(id_fnv32(account) % shards, prefix);
    redisReply *reply = sync_words(redis, err, "EVAL", script_table[SCRIPT_RELEASE].source, "1",
                                   prefix, account, (char *)NULL);
    if (reply)
        *ret_released = (unsigned)reply_int(reply);
    freeReplyObject(reply);
    redisFree(redis);
    return reply != NULL;
}

/* --- dead letters ------------------------------------------------------------------------------
 */

// A stream entry [id, [field, value …]]; false when it is not in that shape.
static bool letter_read(const redisReply *entry, unsigned shard, char id[64],
                        struct queue_dead_letter *ret)
{
    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 || !reply_str(entry->element[0]) ||
        entry->element[1]->type != REDIS_REPLY_ARRAY)
        return false;
    struct queue_dead_letter letter = {.id = id, .reason = ""};
    snprintf(id, 64, "%02u-%s", shard, entry->element[0]->str);
    const redisReply *fields = entry->element[1];
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        const char *name = reply_str(fields->element[i]);
        const redisReply *value = fields->element[i + 1];
        if (!name || !reply_str(value))
            return false;
        if (strcmp(name, "at") == 0)
            letter.at_ms = reply_int(value);
        else if (strcmp(name, "reason") == 0)
            letter.reason = value->str;
        else if (strcmp(name, "account") == 0)
            letter.account = value->str;
        else if (strcmp(name, "chat") == 0)
            letter.chat = value->str;
        else if (strcmp(name, "app") == 0)
            letter.app = value->str;
        else if (strcmp(name, "body") == 0)
            letter.body = value->str, letter.body_len = value->len;
    }
    *ret = letter;
    return letter.body != NULL;
}

// At most `most` entries after the id `after` ("-" = from the first); the caller frees the list.
static redisReply *letters_after(redisContext *redis, unsigned shard, const char *after,
                                 unsigned most, struct err *err)
{
    char key[32], start[72], count[16];
    shard_key(shard, "dead", key);
    snprintf(start, sizeof(start), "%s%s", strcmp(after, "-") == 0 ? "" : "(", after);
    snprintf(count, sizeof(count), "%u", most);
    return sync_words(redis, err, "XRANGE", key, start, "+", "COUNT", count, (char *)NULL);
}

// Shows one page and says in `after` where the next begins ("" = no more).
static void page_show(const redisReply *page, unsigned shard, unsigned asked, unsigned *left,
                      char after[64], queue_dead_fn fn, void *arg)
{
    size_t count = page->type == REDIS_REPLY_ARRAY ? page->elements : 0;
    for (size_t i = 0; i < count; i++) {
        char id[64];
        struct queue_dead_letter letter;
        if (letter_read(page->element[i], shard, id, &letter)) {
            snprintf(after, 64, "%s", strchr(id, '-') + 1);
            fn(arg, &letter);
            --*left;
        }
    }
    if (count < asked)
        after[0] = '\0';
}

bool queue_dead_list(const char *url, unsigned most, queue_dead_fn fn, void *arg, struct err *err)
{
    enum { PAGE = 100 };
    unsigned shards, left = most;
    redisContext *redis = sync_open_shards(url, &shards, err);
    bool ok = redis != NULL;
    for (unsigned shard = 0; ok && shard < shards; shard++) {
        char after[64] = "-";
        while (ok && left > 0 && after[0]) {
            unsigned asked = left < PAGE ? left : PAGE;
            redisReply *page = letters_after(redis, shard, after, asked, err);
            ok = page != NULL;
            if (ok)
                page_show(page, shard, asked, &left, after, fn, arg);
            freeReplyObject(page);
        }
    }
    if (redis)
        redisFree(redis);
    return ok;
}

// 1 = put back, 0 = not there (any more), -1 = err.
static int letter_retry(redisContext *redis, unsigned shard, const char *stream_id, struct err *err)
{
    char prefix[16];
    shard_prefix(shard, prefix);
    redisReply *reply = sync_words(redis, err, "EVAL", script_table[SCRIPT_RETRY].source, "1",
                                   prefix, stream_id, (char *)NULL);
    int retried = reply ? (int)reply_int(reply) : -1;
    freeReplyObject(reply);
    return retried;
}

// Puts one page of event letters back; raw ones are passed by.
static bool page_retry(redisContext *redis, const redisReply *page, unsigned shard,
                       const char *last, char after[64], unsigned *retried, struct err *err)
{
    for (size_t i = 0; i < page->elements; i++) {
        char id[64];
        struct queue_dead_letter letter;
        if (!letter_read(page->element[i], shard, id, &letter))
            return err_set(err, ERR_INTERNAL, "Redis: a dead letter of shard %u is malformed",
                           shard);
        snprintf(after, 64, "%s", strchr(id, '-') + 1);
        int done = letter.chat ? letter_retry(redis, shard, after, err) : 0;
        if (done < 0)
            return false;
        *retried += (unsigned)done;
        if (strcmp(after, last) == 0)
            break;
    }
    if (page->elements == 0 || strcmp(after, last) == 0)
        after[0] = '\0';
    return true;
}

// All letters of a shard that are there now: one that fails again at once must not come round for
// ever.
static bool shard_retry(redisContext *redis, unsigned shard, unsigned *retried, struct err *err)
{
    char key[32], last[64] = "", after[64] = "-";
    shard_key(shard, "dead", key);
    redisReply *newest =
        sync_words(redis, err, "XREVRANGE", key, "+", "-", "COUNT", "1", (char *)NULL);
    if (!newest)
        return false;
    if (newest->elements == 1 && newest->element[0]->elements == 2)
        snprintf(last, sizeof(last), "%s", reply_str(newest->element[0]->element[0]));
    freeReplyObject(newest);
    bool ok = true;
    while (ok && last[0] && after[0]) {
        redisReply *page = letters_after(redis, shard, after, 100, err);
        ok = page && page_retry(redis, page, shard, last, after, retried, err);
        freeReplyObject(page);
    }
    return ok;
}

static bool retry_one(redisContext *redis, unsigned shards, const char *id, unsigned *retried,
                      struct err *err)
{
    char *end;
    unsigned long shard = strtoul(id, &end, 10);
    size_t rest = *end == '-' ? strspn(end + 1, "0123456789-") : 0;
    if (end == id || shard >= shards || rest == 0 || end[1 + rest] || rest > 48)
        return err_set(err, ERR_INPUT, "'%.64s' is no id of a dead letter", id);
    int done = letter_retry(redis, (unsigned)shard, end + 1, err);
    if (done == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no dead letter %.64s", id);
    *retried = 1;
    return done == 1;
}

bool queue_dead_retry(const char *url, const char *id, unsigned *ret_retried, struct err *err)
{
    unsigned shards, retried = 0;
    redisContext *redis = sync_open_shards(url, &shards, err);
    if (!redis)
        return false;
    bool ok = true;
    if (id)
        ok = retry_one(redis, shards, id, &retried, err);
    for (unsigned shard = 0; !id && ok && shard < shards; shard++)
        ok = shard_retry(redis, shard, &retried, err);
    redisFree(redis);
    if (ok)
        *ret_retried = retried;
    return ok;
}
