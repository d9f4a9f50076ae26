// SPDX-License-Identifier: MIT
/*
 * The batching writer. One flush is on its way at a time; what comes meanwhile is collected for the
 * next one, so the busier it is, the larger its batches get:
 *
 *   writer_project → waiting ──linger──▶ flight ──job on a pool thread──▶ stored: done callbacks
 *                                          ▲                 └─ MongoDB is away: back-off ─┐
 *                                          └──────────────────────────────────────────────┘
 *
 * Everything that a flush writes is idempotent, so it is simply written again as a whole. Two
 * projections of one chat never share a flush: their order would be lost in an unordered bulk.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/log.h"
#include "base/mem.h"
#include "models/projection.h"
#include "models/receipt.h"
#include "models/records.h"

enum {
    FLUSH_ITEMS = 256,
    BACKOFF_FIRST_MS = 50,
    BACKOFF_MOST_MS = 2000,
    HISTORY_DAYS = 90,
};

// One call of writer_project or writer_receipts.
struct item {
    struct projection *projection; // or NULL: receipts
    struct receipt *receipts;
    size_t receipt_count;
    struct err err; // why MongoDB refused something of it
    writer_done_fn done;
    void *arg;
    struct item *prev, *next;
    UT_hash_handle hh; // in the set of chats of the flush that is being made
};

// What is on its way. The pool thread owns the items' contents until the job is done.
struct flush {
    struct writer *writer; // NULL: it was freed, nobody waits for this any more
    struct item *items[FLUSH_ITEMS];
    size_t count;
    int64_t history_days;
    struct err err; // why it must be tried again
};

struct writer {
    struct store *store;
    struct event *timer; // linger, or back-off
    struct item *waiting;
    struct flush *flight; // NULL, on a pool thread, or waiting for the end of its back-off
    unsigned linger_ms, backoff_ms;
    int64_t history_days;
    uint64_t flushes; // that were stored
};

/* --- on a pool thread ------------------------------------------------------------------------ */

/*
 * The bulks of a flush, in their order. The messages come first, because receipts look for them;
 * the chat comes last, because its counters tell a later reader that the rest is there.
 */
enum bulk {
    MESSAGES,
    CONTACTS,
    CONTACT_CHANGES,
    SESSIONS,
    HISTORY,
    CALLS,
    CALL_RANKS,
    CHATS,
    CHAT_CHANGES,
    BULKS
};
static const char *const collections[BULKS] = {
    [MESSAGES] = "messages",        [CONTACTS] = "contacts",
    [CONTACT_CHANGES] = "contacts", [SESSIONS] = "chat_sessions",
    [HISTORY] = "session_history",  [CALLS] = "calls",
    [CALL_RANKS] = "calls",         [CHATS] = "chats",
    [CHAT_CHANGES] = "chats",
};

static void add_projection(struct batch bulks[BULKS], const struct projection *p,
                           int64_t history_days, struct err *owner)
{
    records_add_messages(&bulks[MESSAGES], p, owner);
    records_add_contact(&bulks[CONTACTS], p, owner);
    records_add_contact_changes(&bulks[CONTACT_CHANGES], p, owner);
    records_add_sessions(&bulks[SESSIONS], p, owner);
    records_add_history(&bulks[HISTORY], p, history_days, owner);
    records_add_calls(&bulks[CALLS], &bulks[CALL_RANKS], p, owner);
    records_add_chat(&bulks[CHATS], p, owner);
    records_add_chat_changes(&bulks[CHAT_CHANGES], p, owner);
}

static bool store_projections(struct db *db, struct item **items, size_t count,
                              int64_t history_days, struct err *err)
{
    struct projection **all = x_calloc(count + 1, sizeof(all[0]));
    struct batch bulks[BULKS];
    size_t n = 0;
    bool ok = true;
    for (size_t i = 0; i < BULKS; i++)
        batch_init(&bulks[i], db, collections[i]);
    for (size_t i = 0; i < count; i++) {
        struct projection *p = items[i]->projection;
        if (p == NULL)
            continue;
        all[n++] = p;
        if (p->beside)
            ok = ok && records_store_beside(db, p, &items[i]->err, err);
        else
            add_projection(bulks, p, history_days, &items[i]->err);
    }
    for (size_t i = 0; i < BULKS; i++) {
        if (!ok)
            bulks[i].count = 0; // only frees it
        ok = batch_run(&bulks[i], err) && ok;
    }
    ok = ok && receipts_catch_up(db, all, n, err);
    free(all);
    return ok;
}

// Receipts of the lanes, and those that come with a projection.
static size_t receipts_of(struct item *item, const struct receipt **ret_receipts)
{
    const struct projection *p = item->projection;
    *ret_receipts = p != NULL ? p->receipts : item->receipts;
    return p != NULL ? p->receipt_count : item->receipt_count;
}

static bool store_receipts(struct db *db, struct item **items, size_t count, struct err *err)
{
    const struct receipt *own;
    size_t total = 0, n = 0;
    for (size_t i = 0; i < count; i++)
        total += receipts_of(items[i], &own);
    const struct receipt **receipts = x_calloc(total + 1, sizeof(receipts[0]));
    struct err **owners = x_calloc(total + 1, sizeof(owners[0]));
    for (size_t i = 0; i < count; i++) {
        size_t of_item = receipts_of(items[i], &own);
        for (size_t j = 0; j < of_item; j++) {
            receipts[n] = &own[j];
            owners[n++] = &items[i]->err;
        }
    }
    bool ok = receipts_apply(db, receipts, owners, n, err);
    free(receipts);
    free(owners);
    return ok;
}

/*
 * False: try again later. When MongoDB refuses a whole command for what may be one item's fault,
 * each item is written by itself, so that the one at fault is found and its neighbours are stored.
 */
static bool store_items(struct db *db, struct item **items, size_t count, int64_t history_days,
                        struct err *err)
{
    if (store_projections(db, items, count, history_days, err) &&
        store_receipts(db, items, count, err))
        return true;
    if (err->code == ERR_UNAVAILABLE || err->code == ERR_DENIED)
        return false;
    if (count == 1) {
        err_set(&items[0]->err, ERR_INPUT, "%s", err->text);
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (!store_items(db, &items[i], 1, history_days, err))
            return false;
    }
    return true;
}

static void flush_job(struct db *db, void *arg)
{
    struct flush *flush = arg;
    flush->err = (struct err){0};
    for (size_t i = 0; i < flush->count; i++)
        flush->items[i]->err = (struct err){0};
    struct err err = {0};
    if (!store_items(db, flush->items, flush->count, flush->history_days, &err))
        flush->err = err;
}

/* --- on the loop ----------------------------------------------------------------------------- */

static void flush_done(void *arg, const struct err *err);

static void item_free(struct item *item)
{
    projection_free(item->projection);
    for (size_t i = 0; i < item->receipt_count; i++)
        receipt_deinit(&item->receipts[i]);
    free(item->receipts);
    free(item);
}

static void flush_free(struct flush *flush)
{
    for (size_t i = 0; i < flush->count; i++)
        item_free(flush->items[i]);
    free(flush);
}

static void arm(struct writer *writer, unsigned ms)
{
    struct timeval delay = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
    event_add(writer->timer, &delay);
}

// Moves what may go together from waiting into a new flush; a second projection of a chat stays,
// with all after it.
static struct flush *collect(struct writer *writer)
{
    struct flush *flush = x_alloc(sizeof(*flush));
    struct item *chats = NULL, *item, *next;
    flush->writer = writer;
    flush->history_days = writer->history_days;
    DL_FOREACH_SAFE(writer->waiting, item, next) {
        struct item *same = NULL;
        if (item->projection != NULL) {
            const char *chat = item->projection->chat;
            HASH_FIND(hh, chats, chat, strlen(chat), same);
            if (same == NULL)
                HASH_ADD_KEYPTR(hh, chats, chat, strlen(chat), item);
        }
        if (same != NULL || flush->count == FLUSH_ITEMS)
            break;
        DL_DELETE(writer->waiting, item);
        flush->items[flush->count++] = item;
    }
    HASH_CLEAR(hh, chats);
    return flush;
}

static void start(struct writer *writer)
{
    if (writer->flight == NULL)
        writer->flight = collect(writer);
    store_run(writer->store, flush_job, flush_done, writer->flight);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    start(arg);
}

static void try_later(struct writer *writer, const struct err *why)
{
    log_warn("writer.retry", "reason", why->text, "records",
             log_int((long long)writer->flight->count), "wait_ms", log_int(writer->backoff_ms));
    arm(writer, writer->backoff_ms);
    writer->backoff_ms *= 2;
    if (writer->backoff_ms > BACKOFF_MOST_MS)
        writer->backoff_ms = BACKOFF_MOST_MS;
}

static void flush_done(void *arg, const struct err *err)
{
    struct flush *flush = arg;
    struct writer *writer = flush->writer;
    if (writer == NULL) {
        flush_free(flush);
        return;
    }
    if (err != NULL || flush->err.code != ERR_NONE) {
        try_later(writer, err != NULL ? err : &flush->err);
        return;
    }
    writer->flight = NULL;
    writer->flushes++;
    writer->backoff_ms = BACKOFF_FIRST_MS;
    if (writer->waiting != NULL)
        start(writer); // it has been collecting long enough
    // Last: a callback may free the writer.
    for (size_t i = 0; i < flush->count; i++) {
        struct item *item = flush->items[i];
        item->done(item->arg, item->err.code != ERR_NONE ? &item->err : NULL);
    }
    flush_free(flush);
}

static void append(struct writer *writer, struct item *item)
{
    DL_APPEND(writer->waiting, item);
    if (writer->flight == NULL && !event_pending(writer->timer, EV_TIMEOUT, NULL))
        arm(writer, writer->linger_ms);
}

struct writer *writer_new(struct event_base *base, struct store *store, unsigned linger_ms)
{
    struct writer *writer = x_alloc(sizeof(*writer));
    *writer = (struct writer){
        .store = store,
        .linger_ms = linger_ms,
        .backoff_ms = BACKOFF_FIRST_MS,
        .history_days = HISTORY_DAYS,
    };
    writer->timer = evtimer_new(base, on_timer, writer);
    return writer;
}

void writer_set_history_days(struct writer *writer, int64_t days)
{
    writer->history_days = days;
}

uint64_t writer_flushes(const struct writer *writer)
{
    return writer->flushes;
}

void writer_free(struct writer *writer)
{
    if (writer == NULL)
        return;
    struct flush *flight = writer->flight;
    bool running = flight != NULL && !event_pending(writer->timer, EV_TIMEOUT, NULL);
    event_free(writer->timer);
    struct err canceled;
    err_set(&canceled, ERR_CANCELED, "the writer is closing");
    for (size_t i = 0; flight != NULL && i < flight->count; i++)
        flight->items[i]->done(flight->items[i]->arg, &canceled);
    struct item *item, *next;
    DL_FOREACH_SAFE(writer->waiting, item, next) {
        item->done(item->arg, &canceled);
        item_free(item);
    }
    if (running)
        flight->writer = NULL; // its job ends by itself and frees it
    else if (flight != NULL)
        flush_free(flight);
    free(writer);
}

void writer_project(struct writer *writer, struct projection *owned_projection, writer_done_fn done,
                    void *arg)
{
    struct item *item = x_alloc(sizeof(*item));
    item->projection = owned_projection;
    item->done = done;
    item->arg = arg;
    append(writer, item);
}

void writer_receipts(struct writer *writer, struct receipt *owned_receipts, size_t count,
                     writer_done_fn done, void *arg)
{
    struct item *item = x_alloc(sizeof(*item));
    item->receipts = owned_receipts;
    item->receipt_count = count;
    item->done = done;
    item->arg = arg;
    append(writer, item);
}
