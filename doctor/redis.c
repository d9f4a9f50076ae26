// SPDX-License-Identifier: MIT
// Redis: there, prepared, durable, with room, and of the same time.

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "doctor/internal.h"

enum { REDIS_MAJOR_MIN = 7 }; // script flags: finish and journal run when memory is full

void check_redis(struct doctor *d)
{
    struct err err = {0};

    if (!queue_health_read(d->config->redis_url, &d->redis, &err)) {
        report(d, DOCTOR_FAILED,
               "%s" MEND
               "Start Redis, or set redis.url to where it is; user and password stand in the URL.",
               err.text);
        return;
    }
    d->facts |= NEED(FACT_REDIS);
    if (strcmp(d->redis.role, "slave") == 0)
        report(d, DOCTOR_FAILED,
               "version %s, a replica: it takes no writes" MEND
               "Set redis.url to the primary's address.",
               d->redis.version);
    else if (d->redis.major && d->redis.major < REDIS_MAJOR_MIN)
        report(d, DOCTOR_FAILED, "version %s is too old" MEND "Install Redis %d or later.",
               d->redis.version, REDIS_MAJOR_MIN);
    else
        report(d, DOCTOR_OK, "version %s", *d->redis.version ? d->redis.version : "not told");
}

void check_redis_shards(struct doctor *d)
{
    if (d->redis.shards == 0)
        report(d, DOCTOR_FAILED,
               "this Redis holds no queue yet" MEND
               "Run `hookmill init`; listener and workers do not start before.");
    else
        report(d, DOCTOR_OK, "%u", d->redis.shards);
}

void check_redis_durability(struct doctor *d)
{
    const struct queue_health *r = &d->redis;

    if (strcmp(r->appendonly, "no") == 0)
        report(
            d, DOCTOR_FAILED,
            "appendonly is off: all that waits is lost when Redis stops, and no promise holds" MEND
            "Set `appendonly yes` and `appendfsync always` in redis.conf (at once: "
            "`redis-cli config set appendonly yes`, then `config set appendfsync always`, "
            "`config rewrite`).");
    else if (r->append_failed)
        report(d, DOCTOR_FAILED,
               "the last write of Redis' append-only file failed" MEND
               "Look into Redis' log; most often its disk is full.");
    else if (strcmp(r->appendfsync, "no") == 0)
        report(d, DOCTOR_FAILED,
               "appendfsync is no: what was answered 200 may be lost for as long as the system "
               "likes" MEND
               "Set `appendfsync always` in redis.conf (at once: `redis-cli config set "
               "appendfsync always`, `config rewrite`).");
    else if (strcmp(r->appendfsync, "everysec") == 0)
        report(d, DOCTOR_WARNING,
               "appendfsync is everysec: P1 to P5 hold but for the last two seconds before Redis' "
               "machine dies, of which deliveries answered 200 may be lost and sends repeated" MEND
               "Set `appendfsync always` in redis.conf (at once: `redis-cli config set appendfsync "
               "always`, `config rewrite`), or live with it knowingly.");
    else if (!*r->appendonly || !*r->appendfsync)
        report(d, DOCTOR_WARNING,
               "this Redis does not tell appendonly and appendfsync (CONFIG is forbidden)" MEND
               "Look them up where it is managed: appendonly yes, appendfsync always.");
    else
        report(d, DOCTOR_OK, "appendonly %s, appendfsync %s", r->appendonly, r->appendfsync);
}

void check_redis_eviction(struct doctor *d)
{
    const char *policy = d->redis.policy;

    if (!*policy)
        report(d, DOCTOR_WARNING,
               "this Redis does not tell its maxmemory-policy" MEND
               "Look it up where it is managed: it must be noeviction.");
    else if (strcmp(policy, "noeviction") != 0)
        report(d, DOCTOR_FAILED,
               "maxmemory-policy is %s: a full Redis would throw events and sessions away" MEND
               "Set `maxmemory-policy noeviction` in redis.conf (at once: `redis-cli config set "
               "maxmemory-policy noeviction`, `config rewrite`).",
               policy);
    else
        report(d, DOCTOR_OK, "noeviction");
}

void check_redis_memory(struct doctor *d)
{
    const struct queue_health *r = &d->redis;
    long long high = (long long)d->config->queue_high_water;

    if (r->max_memory == 0) {
        report(
            d, DOCTOR_WARNING,
            "maxmemory is not set: queue.high_water cannot work, and Redis grows until its "
            "machine is full" MEND
            "Set `maxmemory` in redis.conf to some three quarters of what the machine can give.");
        return;
    }
    double percent = 100.0 * (double)r->used_memory / (double)r->max_memory;
    if (percent >= (double)high)
        report(d, DOCTOR_FAILED,
               "%.0f %% of maxmemory are in use, above queue.high_water (%lld %%): deliveries are "
               "answered 503" MEND
               "Start more workers (`hookmill queue stats` shows what waits), or raise maxmemory.",
               percent, high);
    else if (percent >= 0.75 * (double)high)
        report(d, DOCTOR_WARNING,
               "%.0f %% of maxmemory are in use; from %lld %% on deliveries are answered 503" MEND
               "Look at what waits (`hookmill queue stats`); start more workers, or raise "
               "maxmemory.",
               percent, high);
    else
        report(d, DOCTOR_OK, "%.0f %% of maxmemory are in use; the high-water mark is %lld %%",
               percent, high);
}

void check_redis_replicas(struct doctor *d)
{
    if (d->redis.replicas == 0)
        report(d, DOCTOR_OK, "none: Redis' disk alone holds what is under way");
    else
        report(d, DOCTOR_OK,
               "%u connected; replication is asynchronous, so a fail-over may lose what Redis "
               "acknowledged in its last seconds (min-replicas-to-write bounds it)",
               d->redis.replicas);
}

void check_redis_clock(struct doctor *d)
{
    report_skew(d, d->redis.skew_ms, "Redis");
}
