// SPDX-License-Identifier: MIT
// A blocking connection: for the start of a process, for the command line, and for the last word of
// a worker that ends.

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/internal.h"

void shard_prefix(unsigned shard, char out[16])
{
    snprintf(out, 16, "hm:{%02u}:", shard);
}

static bool starts_with(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

void reply_error(const char *text, struct err *err)
{
    static const struct {
        const char *word;
        enum err_code code;
    } table[] = {
        {"STALE ", ERR_CONFLICT},
        {"BADARG ", ERR_INPUT},
        {"RAW ", ERR_INPUT},
        {"OOM ", ERR_UNAVAILABLE},
        {"NOPERM ", ERR_DENIED},
        {"NOAUTH ", ERR_DENIED},
        {"WRONGPASS ", ERR_DENIED},
        {"LOADING ", ERR_UNAVAILABLE},
        {"BUSY ", ERR_UNAVAILABLE},
        {"READONLY ", ERR_UNAVAILABLE},
        {"MISCONF ", ERR_UNAVAILABLE},
        {"MASTERDOWN ", ERR_UNAVAILABLE},
        {"CLUSTERDOWN ", ERR_UNAVAILABLE},
        {"TRYAGAIN ", ERR_UNAVAILABLE},
        {"ERR max number of clients", ERR_UNAVAILABLE},
    };
    enum err_code code = ERR_INTERNAL;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (starts_with(text, table[i].word))
            code = table[i].code;
    err_set(err, code, "Redis: %.200s", text);
}

bool reply_error_passes(const char *text)
{
    // What our scripts say, a full Redis, a bug of ours: answers. Anything else (LOADING,
    // NOREPLICAS, READONLY, NOPERM …) is a server that cannot serve just now: no chat may be given
    // up for it.
    static const char *const answers[] = {"STALE ", "BADARG ", "RAW ",
                                          "OOM ",   "ERR ",    "WRONGTYPE "};
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        if (starts_with(text, answers[i]))
            return false;
    return true;
}

const char *reply_str(const redisReply *reply)
{
    return reply && reply->type == REDIS_REPLY_STRING ? reply->str : NULL;
}

int64_t reply_int(const redisReply *reply)
{
    if (reply && reply->type == REDIS_REPLY_INTEGER)
        return reply->integer;
    const char *text = reply_str(reply);
    char *end = NULL;
    errno = 0;
    long long n = text ? strtoll(text, &end, 10) : -1;
    return text && end != text && *end == '\0' && errno == 0 ? n : -1;
}

redisReply *sync_call(redisContext *redis, struct cmd *cmd, struct err *err)
{
    size_t len;
    char *bytes = cmd_take(cmd, &len);
    void *answer = NULL;
    bool sent = redisAppendFormattedCommand(redis, bytes, len) == REDIS_OK &&
                redisGetReply(redis, &answer) == REDIS_OK;
    free(bytes);
    if (!sent) {
        err_set(err, ERR_UNAVAILABLE, "Redis: %s", redis->errstr);
        return NULL;
    }
    redisReply *reply = answer;
    if (reply->type == REDIS_REPLY_ERROR) {
        reply_error(reply->str, err);
        freeReplyObject(reply);
        return NULL;
    }
    return reply;
}

redisReply *sync_words(redisContext *redis, struct err *err, ...)
{
    struct cmd cmd = {0};
    va_list ap;
    va_start(ap, err);
    for (const char *word; (word = va_arg(ap, const char *)) != NULL;)
        cmd_add_str(&cmd, word);
    va_end(ap);
    return sync_call(redis, &cmd, err);
}

static bool greet(redisContext *redis, const struct redis_url *url, struct err *err)
{
    if (url->password) {
        struct cmd auth = {0};
        cmd_add_str(&auth, "AUTH");
        if (url->user)
            cmd_add_str(&auth, url->user);
        cmd_add_str(&auth, url->password);
        redisReply *reply = sync_call(redis, &auth, err);
        if (!reply)
            return false;
        freeReplyObject(reply);
    }
    if (url->db > 0) {
        char db[16];
        snprintf(db, sizeof(db), "%d", url->db);
        redisReply *reply = sync_words(redis, err, "SELECT", db, (char *)NULL);
        if (!reply)
            return false;
        freeReplyObject(reply);
    }
    return true;
}

bool sync_patience(redisContext *redis, int64_t until_ms, struct err *err)
{
    int64_t left_ms = until_ms - clock_mono_ms();
    if (left_ms <= 0)
        return err_set(err, ERR_UNAVAILABLE, "Redis is slow to answer");
    if (left_ms > QUEUE_SILENCE_MS)
        left_ms = QUEUE_SILENCE_MS;
    struct timeval timeout = {.tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000};
    redisSetTimeout(redis, timeout);
    return true;
}

redisContext *sync_open(const struct redis_url *url, int64_t timeout_ms, struct err *err)
{
    struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    redisContext *redis = url->path ? redisConnectUnixWithTimeout(url->path, timeout)
                                    : redisConnectWithTimeout(url->host, url->port, timeout);
    if (!redis || redis->err) {
        err_set(err, ERR_UNAVAILABLE, "no connection to Redis at %s: %s",
                url->path ? url->path : url->host, redis ? redis->errstr : "out of memory");
        if (redis)
            redisFree(redis);
        return NULL;
    }
    redisSetTimeout(redis, timeout);
    if (!greet(redis, url, err)) {
        redisFree(redis);
        return NULL;
    }
    return redis;
}

redisContext *sync_open_text(const char *text, struct err *err)
{
    struct redis_url url;
    if (!redis_url_parse(text, &url, err))
        return NULL;
    redisContext *redis = sync_open(&url, QUEUE_SILENCE_MS, err);
    redis_url_deinit(&url);
    return redis;
}

bool sync_now(redisContext *redis, int64_t *ret_ms, struct err *err)
{
    redisReply *reply = sync_words(redis, err, "TIME", (char *)NULL);
    if (!reply)
        return false;
    bool ok = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2;
    if (ok)
        *ret_ms = reply_int(reply->element[0]) * 1000 + reply_int(reply->element[1]) / 1000;
    else
        err_set(err, ERR_INTERNAL, "Redis: TIME answered something else than a time");
    freeReplyObject(reply);
    return ok;
}

bool sync_shards(redisContext *redis, unsigned *ret_shards, struct err *err)
{
    redisReply *reply = sync_words(redis, err, "GET", "hm:{config}:shards", (char *)NULL);
    if (!reply)
        return false;
    int64_t shards = reply->type == REDIS_REPLY_NIL ? 0 : reply_int(reply);
    freeReplyObject(reply);
    if (shards < 0 || shards > QUEUE_SHARDS_MAX)
        return err_set(err, ERR_CONFIG, "Redis: hm:{config}:shards is no number from 1 to %d",
                       QUEUE_SHARDS_MAX);
    *ret_shards = (unsigned)shards;
    return true;
}

redisContext *sync_open_shards(const char *url, unsigned *ret_shards, struct err *err)
{
    redisContext *redis = sync_open_text(url, err);
    if (!redis)
        return NULL;
    bool ok = sync_shards(redis, ret_shards, err);
    if (ok && *ret_shards == 0)
        ok = err_set(err, ERR_CONFIG, "Redis has no shard count yet: run `hookmill init` first");
    if (ok)
        return redis;
    redisFree(redis);
    return NULL;
}
