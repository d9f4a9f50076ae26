// SPDX-License-Identifier: MIT
// A look at the server itself (see health.h): INFO, CONFIG GET, TIME.

#include "queue/health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/internal.h"

// The value of a line "name:value" of INFO; "" when there is none.
static void info_value(const char *info, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);
    out[0] = '\0';
    while (info && *info) {
        if (strncmp(info, name, len) == 0 && info[len] == ':') {
            const char *value = info + len + 1;
            snprintf(out, size, "%.*s", (int)strcspn(value, "\r\n"), value);
            return;
        }
        info = strchr(info, '\n');
        info += info != NULL;
    }
}

static uint64_t info_number(const char *info, const char *name)
{
    char text[32];
    info_value(info, name, text, sizeof(text));
    return strtoull(text, NULL, 10);
}

static bool read_info(redisContext *redis, struct queue_health *health, struct err *err)
{
    redisReply *reply = sync_words(redis, err, "INFO", (char *)NULL);
    const char *info = reply_str(reply);
    char status[16];

    if (!reply)
        return false;
    info_value(info, "redis_version", health->version, sizeof(health->version));
    health->major = atoi(health->version);
    info_value(info, "role", health->role, sizeof(health->role));
    info_value(info, "maxmemory_policy", health->policy, sizeof(health->policy));
    info_value(info, "aof_last_write_status", status, sizeof(status));
    health->append_failed = strcmp(status, "err") == 0;
    info_value(info, "aof_enabled", status, sizeof(status));
    if (*status)
        snprintf(health->appendonly, sizeof(health->appendonly), "%s",
                 *status == '1' ? "yes" : "no");
    health->used_memory = info_number(info, "used_memory");
    health->max_memory = info_number(info, "maxmemory");
    health->replicas = (unsigned)info_number(info, "connected_slaves");
    freeReplyObject(reply);
    return true;
}

// Servers that others run often forbid CONFIG: then it stays untold.
static void read_config(redisContext *redis, const char *name, char *out, size_t size)
{
    struct err why;
    redisReply *reply = sync_words(redis, &why, "CONFIG", "GET", name, (char *)NULL);
    const char *value = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2
                            ? reply_str(reply->element[1])
                            : NULL;
    if (value)
        snprintf(out, size, "%s", value);
    freeReplyObject(reply);
}

static bool read_skew(redisContext *redis, int64_t *ret_skew_ms, struct err *err)
{
    int64_t asked_ms = clock_wall_ms();
    redisReply *reply = sync_words(redis, err, "TIME", (char *)NULL);
    int64_t now_ms = clock_wall_ms();

    if (!reply)
        return false;
    int64_t seconds = reply->elements == 2 ? reply_int(reply->element[0]) : -1;
    int64_t micros = reply->elements == 2 ? reply_int(reply->element[1]) : -1;
    freeReplyObject(reply);
    if (seconds < 0 || micros < 0)
        return err_set(err, ERR_INTERNAL, "Redis: TIME has no answer that can be read");
    *ret_skew_ms = asked_ms + (now_ms - asked_ms) / 2 - (seconds * 1000 + micros / 1000);
    return true;
}

bool queue_health_read(const char *url, struct queue_health *ret_health, struct err *err)
{
    struct queue_health health = {0};
    redisContext *redis = sync_open_text(url, err);

    if (!redis)
        return false;
    bool ok = read_info(redis, &health, err) && sync_shards(redis, &health.shards, err) &&
              read_skew(redis, &health.skew_ms, err);
    if (ok) {
        read_config(redis, "appendonly", health.appendonly, sizeof(health.appendonly));
        read_config(redis, "appendfsync", health.appendfsync, sizeof(health.appendfsync));
        *ret_health = health;
    }
    redisFree(redis);
    return ok;
}
