// SPDX-License-Identifier: MIT
/*
 * What the queue's tests share: a private server, a loop, queues on it, and calls that run the loop
 * until they are answered. `world_redis` looks at the keys directly.
 */
#pragma once

#include <event2/event.h>
#include <hiredis/hiredis.h>

#include "base/clock.h"
#include "queue/queue.h"
#include "test/integration/queue/redis_server.h"
#include "test/unit/cmocka_all.h"

enum { WORLD_PATIENCE_MS = 20000, WORLD_GIVE_UP_MS = 4000 };

struct world {
    struct redis_server *server;
    struct event_base *base;
    struct event *pulse; // a turn of the loop at least every few milliseconds
    redisContext *redis;
};

// shards are stored as by `hookmill init`.
void world_init(struct world *world, unsigned shards, const char *maxmemory);
void world_deinit(struct world *world);

// Runs the loop until the condition holds; a failure names it.
#define world_wait(world, condition)                                                               \
    do {                                                                                           \
        int64_t deadline_ms_ = clock_mono_ms() + WORLD_PATIENCE_MS;                                \
        while (!(condition)) {                                                                     \
            if (clock_mono_ms() > deadline_ms_)                                                    \
                fail_msg("waited in vain for: %s", #condition);                                    \
            event_base_loop((world)->base, EVLOOP_ONCE);                                           \
        }                                                                                          \
    } while (0)

// lease_ms 0 = default. Up when it returns.
struct queue *world_queue(struct world *world, const char *url, int64_t lease_ms);
// The same, serving; waits for its lease.
struct queue *world_worker(struct world *world, const char *url, int64_t lease_ms);

// One command of plain words (as for redisCommand), answered by a number or a string; "" for nil.
// The caller frees it.
char *world_redis(struct world *world, const char *format, ...);
bool world_redis_is(struct world *world, const char *want, const char *format, ...);

struct admitted {
    bool called;
    struct queue_admitted result;
    enum err_code code;
};
void on_world_admitted(void *arg, const struct queue_admitted *result, const struct err *err);
// One event of whatsapp:1 (or another account); dedup may be NULL.
struct admitted world_admit(struct world *world, struct queue *queue, const char *account,
                            const char *alias, const char *dedup, const char *json);

struct done {
    bool called;
    bool settled;
    enum err_code code;
    char text[256];
};
void on_world_done(void *arg, const struct err *err);
void on_world_settled(void *arg, bool settled, const struct err *err);
enum err_code world_finish(struct world *world, struct queue *queue,
                           const struct queue_finish *finish);
enum err_code world_journal(struct world *world, struct queue *queue,
                            const struct queue_journal *journal);
bool world_settle(struct world *world, struct queue *queue, const char *account, const char *alias,
                  const char *key, const char *result);

// A copy of the first claim of an answer.
struct held {
    bool called;
    enum err_code code;
    size_t count; // of chats in the answer
    char chats[8][64];
    char chat[64];
    int64_t epoch, done;
    bool is_new;
    int64_t inbound_ms;
    char *state, *attempt, *result, *fired;
    size_t record_count, entry_count;
    char *records[8];
    char *entries[64];
};
void on_world_claimed(void *arg, const struct queue_claim *claims, size_t count,
                      const struct err *err);
struct held world_claim(struct world *world, struct queue *queue, unsigned most);
// Asks again until something is ready.
struct held world_claim_wait(struct world *world, struct queue *queue);
void held_deinit(struct held *held);
// Finishes all its entries, nothing kept.
enum err_code world_finish_all(struct world *world, struct queue *queue, const struct held *held);
