// SPDX-License-Identifier: MIT
/*
 * The loop's side of the spool, and its thread. What the loop asks for is put down under a mutex;
 * the thread takes all of it, works without the mutex, and puts its results into lists for which it
 * wakes the loop through an eventfd. What was handed in while the disk worked is written together
 * in the next round: that is the group commit.
 */

#include "spool/spool.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "spool/internal.h"

enum { ROOM_BYTES = 1 << 20 }; // a large record: as long as one fits, there is room

// What the loop has asked of a shard. Under the mutex; the thread takes it all at once.
struct wish {
    struct taken *drained; // these come off the disk; owned
    int64_t next_ms;       // time of the one after them, 0 = not known
    bool leave, next;
    unsigned round; // of `next`
};

struct answer { // to `next`; under the mutex
    bool ready;
    unsigned round;
    struct taken *list;
};

struct shard {
    atomic_uint coming; // handed in and not on disk (or refused) yet
    struct wish wish;
    struct answer answer;
    bool unreadable; // the thread's own: was logged
    // The loop's own
    struct taken *read; // ahead; the head was given out when `given`
    bool given;
    bool asked;     // the thread is at it
    unsigned round; // raised by leaving: late answers are for nobody
    spool_next_fn next;
    void *next_arg;
};

struct spool {
    struct store store;
    struct shard *shards;
    struct event *wake;
    int wake_fd;
    atomic_uint_fast64_t coming_bytes;
    atomic_bool failing; // the last append was refused

    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    // Under the mutex
    struct item *items, *finished;
    bool wished, stop;
};

/* --- the thread ------------------------------------------------------------------------------- */

static void wake_loop(struct spool *spool)
{
    uint64_t one = 1;
    ssize_t written = write(spool->wake_fd, &one, sizeof(one));
    (void)written; // refused only when it is awake already
}

static void tell_disk(struct spool *spool, int error)
{
    bool was = atomic_exchange(&spool->failing, error != 0);
    if (error == SPOOL_FULL && !was)
        log_error("spool.full", "error", "the spool holds as much as it may", "hint",
                  "Redis has been away for long; see spool.max_mb");
    else if (error != 0 && !was)
        log_error("spool.disk", "error", strerror(error), "directory", spool->store.directory,
                  "hint", "without Redis deliveries are refused until the disk works");
    else if (error == 0 && was)
        log_info("spool.recovered", "directory", spool->store.directory);
}

// Appends what belongs to the shard of the first item; moves it from `items` to `done`.
static void append_shard(struct spool *spool, struct item **items, struct item **done)
{
    unsigned shard = (*items)->shard;
    struct item **batch = NULL, *item, *next;
    size_t count = 0, cap = 0;
    DL_FOREACH_SAFE(*items, item, next) {
        if (item->shard != shard)
            continue;
        if (count == cap) {
            cap = cap ? 2 * cap : 64;
            batch = x_realloc(batch, cap, sizeof(struct item *));
        }
        DL_DELETE(*items, item);
        batch[count++] = item;
    }
    int error = 0;
    size_t kept = store_append(&spool->store, shard, batch, count, &error);
    tell_disk(spool, error);
    for (size_t i = 0; i < count; i++) {
        batch[i]->error = i < kept ? 0 : error ? error : EIO;
        atomic_fetch_sub(&spool->coming_bytes, batch[i]->header.len);
        DL_APPEND(*done, batch[i]);
    }
    // After the end has moved: at no moment is the shard's part in both places unseen.
    atomic_fetch_sub(&spool->shards[shard].coming, (unsigned)count);
    free(batch);
}

static void taken_free_all(struct taken **list)
{
    struct taken *taken, *next;
    DL_FOREACH_SAFE(*list, taken, next) {
        DL_DELETE(*list, taken);
        free(taken);
    }
}

static void tell_shard(struct spool *spool, unsigned shard, bool ok)
{
    if (!ok && !spool->shards[shard].unreadable)
        log_error("spool.read", "error", strerror(errno), "directory", spool->store.directory,
                  "shard", log_int(shard), "hint", "what it holds waits until the disk works");
    spool->shards[shard].unreadable = !ok;
}

// Takes off what is drained; what cannot be set aside now stays for the next time.
static void take_off(struct spool *spool, unsigned shard, struct wish *wish)
{
    struct taken *taken, *next;
    DL_FOREACH_SAFE(wish->drained, taken, next) {
        if (!store_drained(&spool->store, shard, taken, next ? next->at_ms : wish->next_ms)) {
            tell_shard(spool, shard, false);
            break;
        }
        // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it is the head of the list
        DL_DELETE(wish->drained, taken);
        free(taken);
    }
    if (!wish->drained || wish->leave) {
        taken_free_all(&wish->drained); // whoever drains next gets them again
        return;
    }
    pthread_mutex_lock(&spool->mutex);
    struct wish *later = &spool->shards[shard].wish;
    DL_CONCAT(wish->drained, later->drained);
    later->drained = wish->drained;
    pthread_mutex_unlock(&spool->mutex);
}

static void fulfil(struct spool *spool, unsigned shard, struct wish *wish)
{
    if (wish->drained)
        take_off(spool, shard, wish);
    if (wish->leave)
        store_leave(&spool->store, shard);
    if (!wish->next)
        return;
    struct taken *list = NULL;
    tell_shard(spool, shard, store_take(&spool->store, shard, &list));
    pthread_mutex_lock(&spool->mutex);
    struct answer *answer = &spool->shards[shard].answer;
    taken_free_all(&answer->list); // of a round that was left
    *answer = (struct answer){.ready = true, .round = wish->round, .list = list};
    pthread_mutex_unlock(&spool->mutex);
    wake_loop(spool);
}

static void work(struct spool *spool, struct wish *wishes, struct item **items)
{
    for (unsigned i = 0; i < spool->store.shards; i++)
        fulfil(spool, i, &wishes[i]);
    while (*items) {
        struct item *done = NULL;
        append_shard(spool, items, &done);
        pthread_mutex_lock(&spool->mutex);
        DL_CONCAT(spool->finished, done);
        pthread_mutex_unlock(&spool->mutex);
        wake_loop(spool);
    }
}

static void *run(void *arg)
{
    struct spool *spool = arg;
    size_t shards = spool->store.shards;
    struct wish *wishes = x_calloc(shards, sizeof(*wishes));
    pthread_mutex_lock(&spool->mutex);
    while (!spool->stop || spool->items || spool->wished) {
        if (!spool->items && !spool->wished) {
            pthread_cond_wait(&spool->cond, &spool->mutex);
            continue;
        }
        struct item *items = spool->items;
        spool->items = NULL;
        spool->wished = false;
        for (size_t i = 0; i < shards; i++) {
            wishes[i] = spool->shards[i].wish;
            spool->shards[i].wish = (struct wish){0};
        }
        pthread_mutex_unlock(&spool->mutex);
        work(spool, wishes, &items);
        pthread_mutex_lock(&spool->mutex);
    }
    pthread_mutex_unlock(&spool->mutex);
    free(wishes);
    return NULL;
}

/* --- the loop --------------------------------------------------------------------------------- */

static void item_tell(struct item *item)
{
    struct err err = {0};
    if (item->error == SPOOL_FULL)
        err_set(&err, ERR_UNAVAILABLE, "the spool is full");
    else if (item->error)
        err_set(&err, ERR_UNAVAILABLE, "the spool's disk: %s", strerror(item->error));
    item->done(item->arg, item->error ? &err : NULL);
    free(item);
}

static void tell_finished(struct spool *spool)
{
    pthread_mutex_lock(&spool->mutex);
    struct item *finished = spool->finished, *item, *next;
    spool->finished = NULL;
    pthread_mutex_unlock(&spool->mutex);
    DL_FOREACH_SAFE(finished, item, next) {
        DL_DELETE(finished, item);
        item_tell(item);
    }
}

static void collect_answer(struct spool *spool, struct shard *shard)
{
    pthread_mutex_lock(&spool->mutex);
    struct answer answer = shard->answer;
    shard->answer = (struct answer){0};
    pthread_mutex_unlock(&spool->mutex);
    if (!answer.ready)
        return;
    if (answer.round != shard->round) {
        taken_free_all(&answer.list);
        return;
    }
    shard->asked = false;
    DL_CONCAT(shard->read, answer.list);
}

// Gives out what was asked for. It may be left, or asked for again, in the callback.
static void give(struct shard *shard)
{
    spool_next_fn next = shard->next;
    if (!next || shard->asked)
        return;
    shard->next = NULL;
    shard->given = shard->read != NULL;
    if (shard->given)
        next(shard->next_arg, shard->read->body, shard->read->len);
    else
        next(shard->next_arg, NULL, 0);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct spool *spool = arg;
    uint64_t count;
    ssize_t got = read(spool->wake_fd, &count, sizeof(count));
    (void)got; // nothing: was woken by spool_next()
    tell_finished(spool);
    for (unsigned i = 0; i < spool->store.shards; i++) {
        collect_answer(spool, &spool->shards[i]);
        give(&spool->shards[i]);
    }
}

bool spool_holds(const struct spool *spool, unsigned shard)
{
    const struct row *row = store_row(&spool->store, shard);
    return spool->shards[shard].coming > 0 || row->read < row->end;
}

bool spool_has_room(const struct spool *spool)
{
    uint64_t most = spool->store.max_bytes;
    uint64_t large = most / 8 < ROOM_BYTES ? most / 8 : ROOM_BYTES;
    return store_disk_bytes(&spool->store) + spool->coming_bytes + large <= most;
}

void spool_append(struct spool *spool, unsigned shard, const void *record, size_t len,
                  unsigned events, spool_done_fn done, void *arg)
{
    assert(shard < spool->store.shards && len <= UINT32_MAX);
    struct item *item = x_alloc(sizeof(*item) + len);
    *item = (struct item){.shard = shard, .done = done, .arg = arg};
    item->header = (struct record_header){.len = (uint32_t)len,
                                          .at_ms = clock_wall_ms(),
                                          .events = events,
                                          .body_crc = record_crc(record, len)};
    memcpy(item->body, record, len);
    atomic_fetch_add(&spool->coming_bytes, len);
    atomic_fetch_add(&spool->shards[shard].coming, 1);
    pthread_mutex_lock(&spool->mutex);
    DL_APPEND(spool->items, item);
    pthread_cond_signal(&spool->cond);
    pthread_mutex_unlock(&spool->mutex);
}

// Lets `change` be done to the shard's wish while the thread does not look.
static struct wish *wish_begin(struct spool *spool, unsigned shard)
{
    pthread_mutex_lock(&spool->mutex);
    return &spool->shards[shard].wish;
}

static void wish_end(struct spool *spool)
{
    spool->wished = true;
    pthread_cond_signal(&spool->cond);
    pthread_mutex_unlock(&spool->mutex);
}

void spool_next(struct spool *spool, unsigned shard, spool_next_fn next, void *arg)
{
    struct shard *s = &spool->shards[shard];
    assert(!s->next);
    s->next = next;
    s->next_arg = arg;
    if (s->read) { // read ahead, or given out already and not drained
        event_active(spool->wake, EV_READ, 0);
        return;
    }
    s->asked = true;
    struct wish *wish = wish_begin(spool, shard);
    wish->next = true;
    wish->round = s->round;
    wish_end(spool);
}

static void take_first(struct spool *spool, unsigned shard, bool aside)
{
    struct shard *s = &spool->shards[shard];
    assert(s->given);
    struct taken *taken = s->read;
    DL_DELETE(s->read, taken);
    s->given = false;
    taken->aside = aside;
    struct wish *wish = wish_begin(spool, shard);
    DL_APPEND(wish->drained, taken);
    wish->next_ms = s->read ? s->read->at_ms : 0;
    wish_end(spool);
}

void spool_drained(struct spool *spool, unsigned shard)
{
    take_first(spool, shard, false);
}

void spool_set_aside(struct spool *spool, unsigned shard)
{
    take_first(spool, shard, true);
}

void spool_leave(struct spool *spool, unsigned shard)
{
    struct shard *s = &spool->shards[shard];
    taken_free_all(&s->read);
    s->next = NULL;
    s->given = s->asked = false;
    s->round++;
    struct wish *wish = wish_begin(spool, shard);
    wish->leave = true;
    wish->next = false;
    wish_end(spool);
}

void spool_read_status(const struct spool *spool, unsigned shard, struct spool_status *ret_status)
{
    state_status(store_row(&spool->store, shard), ret_status);
}

unsigned spool_shards(const struct spool *spool)
{
    return spool->store.shards;
}

/* --- opening and closing ---------------------------------------------------------------------- */

static void spool_free(struct spool *spool)
{
    if (spool->wake)
        event_free(spool->wake);
    if (spool->wake_fd >= 0)
        close(spool->wake_fd);
    for (unsigned i = 0; spool->shards && i < spool->store.shards; i++) {
        taken_free_all(&spool->shards[i].read);
        taken_free_all(&spool->shards[i].answer.list);
        taken_free_all(&spool->shards[i].wish.drained);
    }
    free(spool->shards);
    store_close(&spool->store);
    pthread_mutex_destroy(&spool->mutex);
    pthread_cond_destroy(&spool->cond);
    free(spool);
}

// A file that may not grow (RLIMIT_FSIZE) is an error for us, not the process's end.
static void ignore_file_size_signal(void)
{
    struct sigaction now;
    if (sigaction(SIGXFSZ, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        signal(SIGXFSZ, SIG_IGN);
}

struct spool *spool_open(struct event_base *base, const struct spool_config *config,
                         struct err *err)
{
    struct spool *spool = x_alloc(sizeof(*spool));
    spool->wake_fd = -1;
    pthread_mutex_init(&spool->mutex, NULL);
    pthread_cond_init(&spool->cond, NULL);
    ignore_file_size_signal();
    if (!store_open(&spool->store, config, err)) {
        spool_free(spool);
        return NULL;
    }
    spool->shards = x_calloc(spool->store.shards, sizeof(*spool->shards));
    spool->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (spool->wake_fd >= 0)
        spool->wake = event_new(base, spool->wake_fd, EV_READ | EV_PERSIST, on_wake, spool);
    if (!spool->wake || event_add(spool->wake, NULL) != 0 ||
        pthread_create(&spool->thread, NULL, run, spool) != 0) {
        err_set(err, ERR_INTERNAL, "spool: the system gives no thread or eventfd");
        spool_free(spool);
        return NULL;
    }
    return spool;
}

void spool_close(struct spool *spool)
{
    if (!spool)
        return;
    pthread_mutex_lock(&spool->mutex);
    spool->stop = true;
    pthread_cond_signal(&spool->cond);
    pthread_mutex_unlock(&spool->mutex);
    pthread_join(spool->thread, NULL);
    tell_finished(spool);
    spool_free(spool);
}
