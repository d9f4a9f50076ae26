// SPDX-License-Identifier: MIT
// `hookmill spool …`

#include "spool/spool.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "queue/queue.h"

static bool directory_given(const struct cli *cli, struct err *err)
{
    return *cli->config.spool_directory ||
           err_set(err, ERR_CONFIG, "no spool is configured: spool.directory is empty");
}

/* --- status ----------------------------------------------------------------------------------- */

static void print_row(const char *name, const struct spool_status *row)
{
    char oldest[32] = "-";
    if (row->oldest_ms > 0)
        clock_iso(row->oldest_ms, oldest);
    printf("%-6s %10" PRIu64 " %10" PRIu64 " %12" PRIu64 " %6" PRIu64 "  %s\n", name, row->records,
           row->events, row->bytes, row->torn, oldest);
}

static void print_json(unsigned shard, const struct spool_status *row)
{
    printf("{\"shard\":%u,\"records\":%" PRIu64 ",\"events\":%" PRIu64 ",\"bytes\":%" PRIu64
           ",\"torn\":%" PRIu64 ",\"oldest\":%" PRId64 "}\n",
           shard, row->records, row->events, row->bytes, row->torn, row->oldest_ms);
}

static void add_row(struct spool_status *sum, const struct spool_status *row)
{
    sum->records += row->records;
    sum->events += row->events;
    sum->bytes += row->bytes;
    sum->torn += row->torn;
    if (row->oldest_ms > 0 && (sum->oldest_ms == 0 || row->oldest_ms < sum->oldest_ms))
        sum->oldest_ms = row->oldest_ms;
}

static int run_status(struct cli *cli)
{
    struct err err = {0};
    struct spool_status *rows = NULL, sum = {0};
    unsigned shards = 0;
    if (!directory_given(cli, &err) ||
        !spool_inspect(cli->config.spool_directory, &rows, &shards, &err))
        return cli_fail(cli, &err);
    bool json = cli_flag(cli, "json");
    if (!json)
        printf("%-6s %10s %10s %12s %6s  %s\n", "shard", "records", "events", "bytes", "torn",
               "oldest");
    for (unsigned i = 0; i < shards; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%u", i);
        add_row(&sum, &rows[i]);
        if (json)
            print_json(i, &rows[i]);
        else
            print_row(name, &rows[i]);
    }
    if (!json)
        print_row("all", &sum);
    free(rows);
    return 0;
}

static const struct cli_option status_options[] = {
    {"json", NULL, "one JSON object per shard; times in milliseconds"},
    {0},
};
static const struct command status = {
    .name = "status",
    .summary = "What waits on this host's disk, per shard.",
    .options = status_options,
    .run = run_status,
};

/* --- drain ------------------------------------------------------------------------------------ */

enum { DRAIN_PATIENCE_MS = 10000, DRAIN_LOOK_MS = 20 };

struct draining {
    struct event_base *base;
    struct spool *spool;
    struct queue *queue;
    uint64_t left;   // records
    int64_t last_ms; // when the last one went
};

static uint64_t records_left(const struct spool *spool, bool *ret_holds)
{
    uint64_t left = 0;
    *ret_holds = false;
    for (unsigned i = 0; i < spool_shards(spool); i++) {
        struct spool_status row;
        spool_read_status(spool, i, &row);
        left += row.records;
        *ret_holds = *ret_holds || spool_holds(spool, i);
    }
    return left;
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    struct draining *draining = arg;
    bool holds;
    uint64_t left = records_left(draining->spool, &holds);
    int64_t now_ms = clock_mono_ms();
    if (left != draining->left)
        draining->last_ms = now_ms;
    draining->left = left;
    if (!holds || now_ms - draining->last_ms > DRAIN_PATIENCE_MS)
        event_base_loopbreak(draining->base);
}

static bool drain(struct cli *cli, struct draining *draining, uint64_t *ret_drained,
                  struct err *err)
{
    const struct config *c = &cli->config;
    struct spool_config spool_config = {.directory = c->spool_directory,
                                        .max_bytes = (uint64_t)c->spool_max_mb << 20};
    unsigned shards; // of a Redis that is there: the queue would wait for one
    draining->spool = spool_open(draining->base, &spool_config, err);
    if (!draining->spool || !queue_read_shards(c->redis_url, &shards, err))
        return false;
    struct queue_config queue_config = {.url = c->redis_url,
                                        .give_up_ms = c->queue_give_up_ms,
                                        .high_water = (unsigned)c->queue_high_water,
                                        .name = "drain",
                                        .spool = draining->spool};
    draining->queue = queue_new(draining->base, &queue_config, err);
    if (!draining->queue)
        return false;
    bool holds;
    uint64_t before = records_left(draining->spool, &holds);
    draining->left = before;
    draining->last_ms = clock_mono_ms();
    struct event *look = event_new(draining->base, -1, EV_PERSIST, on_look, draining);
    struct timeval soon = {.tv_usec = DRAIN_LOOK_MS * 1000};
    event_add(look, &soon);
    event_base_dispatch(draining->base);
    event_free(look);
    *ret_drained = before > draining->left ? before - draining->left : 0;
    records_left(draining->spool, &holds);
    return !holds || err_set(err, ERR_UNAVAILABLE,
                             "%" PRIu64 " records are left: Redis takes none, or another process "
                             "drains and does not get on",
                             draining->left);
}

static int run_drain(struct cli *cli)
{
    struct err err = {0};
    uint64_t drained = 0;
    if (!directory_given(cli, &err))
        return cli_fail(cli, &err);
    struct draining draining = {.base = event_base_new()};
    bool ok = drain(cli, &draining, &drained, &err);
    printf("%" PRIu64 " records drained\n", drained);
    if (!ok && draining.spool && !draining.queue) {
        bool holds;
        printf("%" PRIu64 " left\n", records_left(draining.spool, &holds));
    }
    queue_free(draining.queue);
    spool_close(draining.spool);
    event_base_free(draining.base);
    return ok ? 0 : cli_fail(cli, &err);
}

static const struct command drain_command = {
    .name = "drain",
    .summary = "Bring what waits on disk to Redis now; fails when something is left.",
    .text = "Listeners do this by themselves; it is for a host that has none any more.",
    .run = run_drain,
};

/* --- verify ----------------------------------------------------------------------------------- */

static void print_bad(void *arg, const char *where, const char *what)
{
    uint64_t *count = arg;
    (*count)++;
    printf("%s: %s\n", where, what);
}

static int run_verify(struct cli *cli)
{
    struct err err = {0};
    uint64_t records = 0, bad = 0;
    if (!directory_given(cli, &err) ||
        !spool_verify(cli->config.spool_directory, print_bad, &bad, &records, &err))
        return cli_fail(cli, &err);
    printf("%" PRIu64 " records are whole, %" PRIu64 " broken places\n", records, bad);
    return bad == 0 ? 0 : 1;
}

static const struct command verify = {
    .name = "verify",
    .summary = "Read every record that waits on disk, and list the broken ones.",
    .run = run_verify,
};

static const struct command *const children[] = {&status, &drain_command, &verify, NULL};
const struct command command_spool = {
    .name = "spool",
    .summary = "Look at what waits on this host's disk for Redis.",
    .children = children,
};
