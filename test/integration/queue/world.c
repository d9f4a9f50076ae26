// SPDX-License-Identifier: MIT
// The queue's tests' common ground (see world.h).

#include "test/integration/queue/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_pulse(evutil_socket_t fd, short what, void *arg)
{
}

void world_init(struct world *world, unsigned shards, const char *maxmemory)
{
    struct err err = {0};
    unsigned stored = 0;
    *world = (struct world){.server = redis_server_start(maxmemory), .base = event_base_new()};
    assert_true(queue_init_shards(redis_server_url(world->server), shards, &stored, &err));
    assert_int_equal(stored, shards);
    world->redis = redis_server_connect(world->server);
    struct timeval pulse = {.tv_usec = 2000};
    world->pulse = event_new(world->base, -1, EV_PERSIST, on_pulse, NULL);
    event_add(world->pulse, &pulse);
}

void world_deinit(struct world *world)
{
    event_free(world->pulse);
    event_base_free(world->base);
    redisFree(world->redis);
    redis_server_stop(world->server);
}

struct queue *world_queue(struct world *world, const char *url, int64_t lease_ms)
{
    struct queue_config config = {
        .url = url, .give_up_ms = WORLD_GIVE_UP_MS, .lease_ms = lease_ms, .name = "test"};
    struct err err = {0};
    struct queue *queue = queue_new(world->base, &config, &err);
    if (!queue)
        fail_msg("queue_new: %s", err.text);
    world_wait(world, queue_is_up(queue));
    return queue;
}

static void on_ignored_wake(void *arg, unsigned shard)
{
}

struct queue *world_worker(struct world *world, const char *url, int64_t lease_ms)
{
    struct queue *queue = world_queue(world, url, lease_ms);
    queue_serve(queue, on_ignored_wake, NULL);
    world_wait(world, queue_lease_left_ms(queue) > 0);
    return queue;
}

static char *ask(struct world *world, const char *format, va_list ap)
{
    redisReply *reply = redisvCommand(world->redis, format, ap);
    if (!reply) {
        fail_msg("%s: %s", format, world->redis->errstr);
        return NULL;
    }
    char *answer;
    if (reply->type == REDIS_REPLY_INTEGER)
        answer = x_printf("%lld", reply->integer);
    else
        answer = x_dup(reply->str ? reply->str : "");
    freeReplyObject(reply);
    return answer;
}

char *world_redis(struct world *world, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *answer = ask(world, format, ap);
    va_end(ap);
    return answer;
}

bool world_redis_is(struct world *world, const char *want, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *answer = ask(world, format, ap);
    va_end(ap);
    bool is = strcmp(answer, want) == 0;
    free(answer);
    return is;
}

void on_world_admitted(void *arg, const struct queue_admitted *result, const struct err *err)
{
    struct admitted *admitted = arg;
    assert_false(admitted->called);
    admitted->called = true;
    admitted->code = err ? err->code : ERR_NONE;
    if (result)
        admitted->result = *result;
}

struct admitted world_admit(struct world *world, struct queue *queue, const char *account,
                            const char *alias, const char *dedup, const char *json)
{
    struct queue_event event = {.account = account,
                                .aliases = &alias,
                                .alias_count = alias ? 1 : 0,
                                .dedup_key = dedup,
                                .timestamp_ms = clock_wall_ms(),
                                .json = json};
    struct admitted admitted = {0};
    queue_admit(queue, &event, 1, on_world_admitted, &admitted);
    assert_false(admitted.called);
    world_wait(world, admitted.called);
    return admitted;
}

void on_world_done(void *arg, const struct err *err)
{
    struct done *done = arg;
    assert_false(done->called);
    done->called = true;
    done->code = err ? err->code : ERR_NONE;
    snprintf(done->text, sizeof(done->text), "%s", err ? err->text : "");
}

void on_world_settled(void *arg, bool settled, const struct err *err)
{
    struct done *done = arg;
    on_world_done(done, err);
    done->settled = settled;
}

enum err_code world_finish(struct world *world, struct queue *queue,
                           const struct queue_finish *finish)
{
    struct done done = {0};
    queue_finish(queue, finish, on_world_done, &done);
    assert_false(done.called);
    world_wait(world, done.called);
    return done.code;
}

enum err_code world_journal(struct world *world, struct queue *queue,
                            const struct queue_journal *journal)
{
    struct done done = {0};
    queue_journal(queue, journal, on_world_done, &done);
    assert_false(done.called);
    world_wait(world, done.called);
    return done.code;
}

bool world_settle(struct world *world, struct queue *queue, const char *account, const char *alias,
                  const char *key, const char *result)
{
    struct done done = {0};
    queue_settle(queue, account, alias, key, result, on_world_settled, &done);
    world_wait(world, done.called);
    assert_int_equal(done.code, ERR_NONE);
    return done.settled;
}

void on_world_claimed(void *arg, const struct queue_claim *claims, size_t count,
                      const struct err *err)
{
    struct held *held = arg;
    assert_false(held->called);
    held->called = true;
    held->code = err ? err->code : ERR_NONE;
    held->count = count;
    for (size_t i = 0; i < count && i < 8; i++)
        snprintf(held->chats[i], sizeof(held->chats[i]), "%s", claims[i].chat);
    if (count == 0)
        return;
    const struct queue_claim *c = claims;
    snprintf(held->chat, sizeof(held->chat), "%s", c->chat);
    assert_memory_equal(c->chat, c->account, strlen(c->account));
    held->epoch = c->epoch;
    held->done = c->done;
    held->is_new = c->is_new;
    held->inbound_ms = c->inbound_ms;
    held->state = x_dup(c->state);
    held->attempt = x_dup(c->attempt);
    held->result = x_dup(c->result);
    held->fired = x_dup(c->fired);
    held->record_count = c->record_count;
    held->entry_count = c->entry_count;
    for (size_t i = 0; i < c->record_count && i < 8; i++)
        held->records[i] = x_dup(c->records[i]);
    for (size_t i = 0; i < c->entry_count; i++) {
        held->entries[i] = x_dup(c->entries[i].json);
        assert_int_equal(c->entries[i].number, c->done + 1 + (int64_t)i);
    }
}

struct held world_claim(struct world *world, struct queue *queue, unsigned most)
{
    struct held held = {0};
    queue_claim(queue, 0, most, on_world_claimed, &held);
    assert_false(held.called);
    world_wait(world, held.called);
    assert_int_equal(held.code, ERR_NONE);
    return held;
}

struct held world_claim_wait(struct world *world, struct queue *queue)
{
    int64_t deadline_ms = clock_mono_ms() + WORLD_PATIENCE_MS;
    for (;;) {
        struct held held = world_claim(world, queue, 1);
        if (held.count > 0)
            return held;
        if (clock_mono_ms() > deadline_ms)
            fail_msg("nothing became ready");
        event_base_loop(world->base, EVLOOP_ONCE);
    }
}

void held_deinit(struct held *held)
{
    free(held->state);
    free(held->attempt);
    free(held->result);
    free(held->fired);
    for (size_t i = 0; i < 8; i++)
        free(held->records[i]);
    for (size_t i = 0; i < 64; i++)
        free(held->entries[i]);
    *held = (struct held){0};
}

enum err_code world_finish_all(struct world *world, struct queue *queue, const struct held *held)
{
    struct queue_finish finish = {
        .chat = held->chat, .epoch = held->epoch, .done = held->done + (int64_t)held->entry_count};
    return world_finish(world, queue, &finish);
}
