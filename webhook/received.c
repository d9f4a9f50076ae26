// SPDX-License-Identifier: MIT
// The listener's half of the ledger (see received.h).

#include "webhook/received.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "queue/queue.h"
#include "spool/ledger.h"
#include "spool/spool.h"

enum { PUBLISH_MS = 1000 };

struct received {
    struct queue *queue;
    struct spool *spool;
    struct ledger *ledger;
    struct event *tick;
    char *host;              // names the spool: host and directory
    uint64_t *told_held;     // by shard, as last published
    struct ledger_row *told; // by place, as last published
    size_t told_count;
    bool publishing;
};

/* --- publishing ---------------------------------------------------------------------------------
 */

static void on_published(void *arg, const struct err *err)
{
    struct received *received = arg;
    received->publishing = false;
    if (err && err->code != ERR_CANCELED) {
        received->told_count = 0; // all of it again, when Redis is back
        if (err->code != ERR_UNAVAILABLE)
            log_warn("ledger.publish", "reason", err->text);
    }
}

// The rows that changed since they were published. Their strings stay the ledger's.
static size_t changed_rows(struct received *received, struct queue_ledger_row *rows)
{
    size_t count = ledger_count(received->ledger), changed = 0;
    received->told = x_realloc(received->told, count + 1, sizeof *received->told);
    for (size_t i = 0; i < count; i++) {
        const struct ledger_row *row = ledger_at(received->ledger, i);
        if (i < received->told_count && memcmp(row, &received->told[i], sizeof *row) == 0)
            continue;
        received->told[i] = *row;
        rows[changed++] = (struct queue_ledger_row){.account = row->account,
                                                    .app = row->app,
                                                    .received = row->received,
                                                    .settled = row->settled,
                                                    .refused = row->refused,
                                                    .spooled = row->spooled,
                                                    .drained = row->drained};
    }
    received->told_count = count;
    return changed;
}

static void publish_spool(struct received *received)
{
    for (unsigned shard = 0; received->spool && shard < spool_shards(received->spool); shard++) {
        struct spool_status status;
        spool_read_status(received->spool, shard, &status);
        if (status.events + 1 == received->told_held[shard])
            continue;
        received->told_held[shard] = status.events + 1;
        queue_publish_spool(received->queue, shard, received->host, status.events);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct received *received = arg;
    if (received->publishing || !queue_is_up(received->queue))
        return;
    publish_spool(received);
    struct queue_ledger_row *rows =
        x_calloc(ledger_count(received->ledger) + 1, sizeof(struct queue_ledger_row));
    size_t count = changed_rows(received, rows);
    if (count > 0) {
        received->publishing = true;
        queue_publish_ledger(received->queue, rows, count, on_published, received);
    }
    free(rows);
}

/* --- what dead processes left -------------------------------------------------------------------
 */

static bool publish_gone(void *arg, const char *incarnation, const struct ledger_row *rows,
                         size_t count)
{
    const char *redis_url = arg;
    struct queue_ledger_row *gone = x_calloc(count + 1, sizeof *gone);
    for (size_t i = 0; i < count; i++)
        gone[i] = (struct queue_ledger_row){.account = rows[i].account,
                                            .app = rows[i].app,
                                            .received = rows[i].received,
                                            .settled = rows[i].settled,
                                            .refused = rows[i].refused,
                                            .spooled = rows[i].spooled,
                                            .drained = rows[i].drained};
    struct err err = {0};
    bool published = queue_publish_gone(redis_url, incarnation, gone, count, &err);
    if (!published)
        log_warn("ledger.left", "incarnation", incarnation, "reason", err.text);
    free(gone);
    return published;
}

void received_collect(const char *directory, const char *redis_url)
{
    if (directory && *directory)
        ledger_collect(directory, publish_gone, (void *)redis_url);
}

/* --- counting -----------------------------------------------------------------------------------
 */

static void on_spooled(void *arg, const char *account, unsigned events, bool drained)
{
    struct received *received = arg;
    struct ledger_row *row = ledger_row(received->ledger, "", account);
    *(drained ? &row->drained : &row->spooled) += events;
}

size_t received_count(struct received *received, const char *app, const char *account,
                      unsigned events)
{
    struct ledger_row *row = ledger_row(received->ledger, app, account);
    row->received += events;
    return ledger_place(received->ledger, row);
}

void received_settled(struct received *received, size_t place, unsigned events)
{
    ledger_at(received->ledger, place)->settled += events;
}

void received_refused(struct received *received, size_t place, unsigned events)
{
    ledger_at(received->ledger, place)->refused += events;
}

/* --- start and end ------------------------------------------------------------------------------
 */

static char *spool_name(const char *directory)
{
    char host[64] = "host";
    gethostname(host, sizeof host - 1);
    return x_printf("%s:%s", host, directory ? directory : "");
}

struct received *received_new(struct event_base *base, const struct received_config *config,
                              struct err *err)
{
    const char *directory = config->directory && *config->directory ? config->directory : NULL;
    if (!queue_began_away(config->queue)) // else they stay for a later start: it waits for answers
        received_collect(directory, config->redis_url);
    struct ledger *ledger = ledger_open(directory, queue_incarnation(config->queue), err);
    if (!ledger)
        return NULL;
    struct received *received = x_alloc(sizeof *received);
    *received = (struct received){.queue = config->queue,
                                  .spool = config->spool,
                                  .ledger = ledger,
                                  .host = spool_name(directory)};
    received->told_held = x_calloc(queue_shards(config->queue), sizeof *received->told_held);
    received->tick = event_new(base, -1, EV_PERSIST, on_tick, received);
    event_add(received->tick, &(struct timeval){.tv_sec = PUBLISH_MS / 1000});
    queue_watch_spool(config->queue, on_spooled, received);
    return received;
}

void received_free(struct received *received)
{
    if (!received)
        return;
    event_free(received->tick);
    ledger_close(received->ledger);
    free(received->told);
    free(received->told_held);
    free(received->host);
    free(received);
}
