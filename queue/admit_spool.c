// SPDX-License-Identifier: MIT
/*
 * Admits that go to the disk, and come from it. A record is the argument list of one admit call
 * after its prefix, in Redis's own protocol, behind a line that says so: the call that Redis did
 * not answer, byte for byte, or one that was never sent. Its incarnation and number are in it, so
 * admit.lua knows it again whoever sends it, and however often.
 *
 * Order. A shard's calls get their numbers in order, and in that order they go to Redis or to the
 * disk. When one goes to the disk whose call Redis may still run, all those behind it go with it
 * (spool_sent), and nothing goes directly until all of it was drained and Redis has answered what
 * was given up (spool_is_first; so those calls cannot pile up on a slow connection). The records
 * are drained in order, one at a time: the next one is sent when Redis has answered. So what Redis
 * sees of an incarnation are one or more runs of ascending numbers, each of which begins no later
 * than the first number that is not done: the first arrival of each number is in order, and any
 * other is known by it.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/internal.h"
#include "spool/spool.h"

enum { REFUSALS_MAX = 3 }; // of a record, before it is set aside
enum { GATHER_MOST_MS = 200 };

static const char record_tag[] = "hookmill admit 1\n";

// Arguments in Redis's protocol, that are still to be read.
struct words {
    const char *at, *end;
};

/* --- words of the protocol -------------------------------------------------------------------- */

// "*3\r\n" or "$3\r\n": the number; false when it is something else.
static bool words_number(struct words *words, char sign, size_t *ret_number)
{
    const char *p = words->at;
    size_t number = 0;
    if (p == words->end || *p++ != sign)
        return false;
    const char *digits = p;
    for (; p < words->end && *p >= '0' && *p <= '9' && p - digits < 10; p++)
        number = 10 * number + (size_t)(*p - '0');
    if (p == digits || words->end - p < 2 || p[0] != '\r' || p[1] != '\n')
        return false;
    words->at = p + 2;
    *ret_number = number;
    return true;
}

static bool words_next(struct words *words, const char **ret_data, size_t *ret_len)
{
    size_t len;
    if (!words_number(words, '$', &len) || (size_t)(words->end - words->at) < len + 2)
        return false;
    *ret_data = words->at;
    *ret_len = len;
    words->at += len + 2;
    return true;
}

static bool words_skip(struct words *words, size_t count)
{
    const char *data;
    size_t len;
    for (size_t i = 0; i < count; i++)
        if (!words_next(words, &data, &len))
            return false;
    return true;
}

/* --- records ---------------------------------------------------------------------------------- */

// The words of a record, if it is one.
static bool record_words(const char *record, size_t len, struct words *ret_words, size_t *ret_count)
{
    size_t tag = sizeof(record_tag) - 1;
    if (len < tag || memcmp(record, record_tag, tag) != 0)
        return false;
    struct words words = {record + tag, record + len};
    size_t count = 0;
    if (!words_number(&words, '*', &count) || count < 3)
        return false;
    struct words all = words;
    if (!words_skip(&all, count) || all.at != all.end)
        return false;
    *ret_words = words;
    *ret_count = count;
    return true;
}

// Says how many events of which account a record holds. Neighbours are counted together.
static void tell_accounts(struct queue *queue, const char *record, size_t len, bool drained)
{
    struct words words;
    size_t count;
    if (!queue->watch_spool || !record_words(record, len, &words, &count) || !words_skip(&words, 3))
        return;
    char *account = NULL;
    unsigned events = 0;
    const char *name, *number;
    size_t name_len, number_len;
    while (words_next(&words, &name, &name_len) && words_skip(&words, 3) &&
           words_next(&words, &number, &number_len) &&
           words_skip(&words, strtoul(number, NULL, 10))) { // a line end follows the digits
        if (!account || strlen(account) != name_len || memcmp(account, name, name_len) != 0) {
            if (account)
                queue->watch_spool(queue->watch_spool_arg, account, events, drained);
            free(account);
            account = x_dupn(name, name_len);
            events = 0;
        }
        events++;
    }
    if (account)
        queue->watch_spool(queue->watch_spool_arg, account, events, drained);
    free(account);
}

void queue_watch_spool(struct queue *queue, queue_spool_fn fn, void *arg)
{
    queue->watch_spool = fn;
    queue->watch_spool_arg = arg;
}

/* --- to the disk ------------------------------------------------------------------------------ */

bool spool_is_first(const struct queue *queue, unsigned shard)
{
    return queue->spool &&
           (!queue_is_up(queue) || queue->owed > 0 || spool_holds(queue->spool, shard));
}

/*
 * Under load records are kept few. Each costs an answer of Redis when it is drained, whatever it
 * holds; were they written as fast as the disk takes them, and that is faster, the spool would
 * never become empty again. So there is a pause between two records of a shard, which gets longer
 * as long as events come in it, and is forgotten when the direct way is open. Who comes alone never
 * waits.
 */
bool spool_is_due(struct queue *queue, unsigned shard)
{
    struct shard *s = &queue->shards[shard];
    int64_t since_ms = clock_mono_ms() - s->spooled_ms;
    if (since_ms < s->gather_ms && s->event_count < QUEUE_ADMIT_EVENTS &&
        s->event_bytes < QUEUE_ADMIT_BYTES) {
        if (!event_pending(queue->gather, EV_TIMEOUT, NULL))
            event_add(queue->gather, &(struct timeval){.tv_usec = GATHER_LEAST_MS * 1000});
        return false;
    }
    if (since_ms < 2 * s->gather_ms && s->gather_ms < GATHER_MOST_MS)
        s->gather_ms += 1 + s->gather_ms / 4;
    s->spooled_ms += since_ms;
    return true;
}

static void on_spooled(void *arg, const struct err *err)
{
    struct batch *batch = arg;
    struct queue *queue = batch->queue;
    if (!queue) {
        buf_deinit(&batch->record);
        free(batch);
        return;
    }
    unsigned shard = batch->shard;
    if (!err)
        tell_accounts(queue, batch->record.data, batch->record.len, false);
    buf_deinit(&batch->record);
    batch_end(batch, NULL, err);
    drain_kick(queue, shard);
}

static void append(struct batch *batch, unsigned words, const char *body, size_t len)
{
    struct buf *record = &batch->record;
    buf_add_str(record, record_tag);
    buf_printf(record, "*%u\r\n", words);
    buf_add(record, body, len);
    batch->call = NULL;
    spool_append(batch->queue->spool, batch->shard, record->data, record->len,
                 (unsigned)batch->count, on_spooled, batch);
}

void spool_batch(struct batch *batch, struct cmd *args)
{
    append(batch, args->count, args->body.data, args->body.len);
    cmd_deinit(args);
}

void spool_sent(struct queue *queue, unsigned shard)
{
    struct batch *batch;
    DL_FOREACH(queue->shards[shard].batches, batch) {
        struct call *call = batch->call;
        if (!call)
            continue;
        struct words words = {call->cmd, call->cmd + call->len};
        size_t count = 0;
        enum { HEAD = 4 }; // EVALSHA sha 1 prefix
        bool whole = words_number(&words, '*', &count) && words_skip(&words, HEAD);
        assert(whole && count > HEAD);
        (void)whole;
        append(batch, (unsigned)count - HEAD, words.at, (size_t)(words.end - words.at));
        call_forget(queue, call);
    }
}

/* --- from the disk ---------------------------------------------------------------------------- */

static void give_up_record(struct drain *drain, const char *why)
{
    struct queue *queue = drain->queue;
    log_error("spool.refused", "error", why, "shard", log_int(drain->shard), "hint",
              "the record is kept under torn/ in the spool's directory");
    drain->refusals = 0;
    spool_set_aside(queue->spool, drain->shard);
}

static void on_drained(struct queue *queue, void *arg, const redisReply *reply,
                       const struct err *err)
{
    struct drain *drain = arg;
    drain->state = DRAIN_IDLE;
    drain->call = NULL;
    if (!err || err->code == ERR_CONFLICT) { // the latter: a later one was served, so it was, too
        tell_accounts(queue, drain->record, drain->len, true);
        drain->refusals = 0;
        spool_drained(queue->spool, drain->shard);
    } else if (err->code == ERR_CANCELED || err->code == ERR_UNAVAILABLE) {
        return; // the tick tries again
    } else if (++drain->refusals >= REFUSALS_MAX) {
        give_up_record(drain, err->text);
    } else {
        return;
    }
    drain_kick(queue, drain->shard);
}

static void drain_send(struct drain *drain)
{
    struct queue *queue = drain->queue;
    struct words words;
    size_t count;
    if (!record_words(drain->record, drain->len, &words, &count)) {
        give_up_record(drain, "it is no admit that this version knows");
        drain_kick(queue, drain->shard);
        return;
    }
    struct cmd args = {.count = (unsigned)count};
    buf_add(&args.body, words.at, (size_t)(words.end - words.at));
    struct cmd cmd = call_script(queue, SCRIPT_ADMIT, drain->shard);
    cmd_append(&cmd, &args);
    drain->state = DRAIN_SENT;
    drain->call = queue_call(queue, &cmd, on_drained, drain);
}

static void on_next(void *arg, const void *record, size_t len)
{
    struct drain *drain = arg;
    struct queue *queue = drain->queue;
    drain->state = DRAIN_IDLE;
    drain->record = record;
    drain->len = len;
    if (record) {
        drain_send(drain);
        return;
    }
    // Nothing left, or another process is at it: the tick looks again.
    spool_leave(queue->spool, drain->shard);
    shard_flush(queue, drain->shard);
}

void drain_kick(struct queue *queue, unsigned shard)
{
    struct drain *drain = &queue->shards[shard].drain;
    if (!queue->spool || queue->closing || drain->state != DRAIN_IDLE || !queue_is_up(queue) ||
        queue_room(queue) == QUEUE_ROOM_NONE || !spool_holds(queue->spool, shard))
        return;
    if (queue->owed > 0) // others may have a better connection; the tick looks again
        return;
    drain->state = DRAIN_ASKED;
    spool_next(queue->spool, shard, on_next, drain);
}

void drain_stop(struct queue *queue, unsigned shard)
{
    struct drain *drain = &queue->shards[shard].drain;
    if (drain->call)
        call_forget(queue, drain->call);
    drain->call = NULL;
    drain->refusals = 0;
    drain->state = DRAIN_IDLE;
    // Also when nothing is under way, or nothing is left: the lock may be ours all the same, and
    // others could not drain what they spool before we are up again.
    spool_leave(queue->spool, shard);
}
