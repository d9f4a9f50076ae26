// SPDX-License-Identifier: MIT
/*
 * Accounts: what their effects may spend (the journal's arguments and its refusals), and what
 * operators say of them (blocking, for the command line). The rules are in spend.lua and
 * account.lua.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/internal.h"

enum {
    SPEND_ARGUMENTS = 7, // of journal.lua
    WAKE_MOST = 500,     // chats that one call lets go on
};

static const char *const stop_names[QUEUE_STOPS] = {[QUEUE_STOP_PAUSED] = "paused",
                                                    [QUEUE_STOP_CONTACT] = "contact",
                                                    [QUEUE_STOP_ACCOUNT] = "account",
                                                    [QUEUE_STOP_RATE] = "rate"};

const char *queue_stop_name(enum queue_stop stop)
{
    return stop_names[stop];
}

/* --- in the journal
 * ---------------------------------------------------------------------------- */

void spend_add(struct cmd *cmd, const struct queue_spend *spend)
{
    static const char letters[QUEUE_COUNTED] = {'s', 'h', 't'};
    bool leaves = spend && spend->leaves;
    if (!leaves && (!spend || (spend->tokens <= 0 && spend->unreserve <= 0))) {
        for (int i = 0; i < SPEND_ARGUMENTS; i++)
            cmd_add_str(cmd, "");
        return;
    }
    const int64_t numbers[] = {spend->reserve, spend->per_day, spend->per_hour, spend->tokens,
                               spend->unreserve};
    cmd_add(cmd, leaves ? &letters[spend->kind] : "-", 1);
    cmd_add_int(cmd, leaves && !spend->counted);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        cmd_add_int(cmd, numbers[i] > 0 ? numbers[i] : 0);
}

bool refusal_read(const redisReply *reply, struct queue_refusal *ret_refusal)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 4)
        return false;
    const char *why = reply_str(reply->element[0]);
    for (int stop = 0; why && stop < QUEUE_STOPS; stop++) {
        if (strcmp(why, stop_names[stop]) != 0)
            continue;
        *ret_refusal = (struct queue_refusal){.why = (enum queue_stop)stop,
                                              .wait_ms = reply_int(reply->element[1]),
                                              .used = reply_int(reply->element[2]),
                                              .limit = reply_int(reply->element[3])};
        return true;
    }
    return false;
}

void counts_read(const char *text, int64_t window, int64_t ret_used[QUEUE_COUNTED],
                 int64_t *ret_reserved)
{
    int64_t of = -1, used[QUEUE_COUNTED] = {0}, reserved = 0;
    int fields = text ? sscanf(text, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64,
                               &of, &used[0], &used[1], &used[2], &reserved)
                      : 0;
    bool is = fields >= 4 && of == window;
    for (int i = 0; i < QUEUE_COUNTED; i++)
        ret_used[i] = is ? used[i] : 0;
    if (ret_reserved)
        *ret_reserved = is && fields == 5 ? reserved : 0;
}

/* --- by an operator's hand
 * ----------------------------------------------------------------------- */

struct hand {
    redisContext *redis;
    char prefix[16];
    const char *account;
    struct err *err;
};

static bool hand_open(struct hand *op, const char *url, const char *account, struct err *err)
{
    unsigned shards;
    *op = (struct hand){.account = account, .err = err};
    op->redis = sync_open_shards(url, &shards, err);
    if (op->redis)
        shard_prefix(shard_of_account(account, shards), op->prefix);
    return op->redis != NULL;
}

// account.lua with these words (may be NULL, the later ones first): its answer in ret; false with
// err.
static bool tell(struct hand *op, const char *what, const char *a, const char *b, const char *c,
                 int64_t *ret)
{
    redisReply *reply =
        sync_words(op->redis, op->err, "EVAL", script_table[SCRIPT_ACCOUNT].source, "1", op->prefix,
                   op->account, what, a ? a : (char *)NULL, b, c, (char *)NULL);
    if (reply)
        *ret = reply_int(reply);
    freeReplyObject(reply);
    return reply != NULL;
}

// Lets chats that were parked by `now_ms` go on, some at a time.
static bool wake(struct hand *op, enum queue_stop why, int64_t now_ms, unsigned *woken)
{
    char until[24], most[16];
    int64_t count;
    snprintf(until, sizeof(until), "%" PRId64, now_ms);
    snprintf(most, sizeof(most), "%d", WAKE_MOST);
    do {
        if (!tell(op, "wake", stop_names[why], until, most, &count))
            return false;
        *woken += (unsigned)count;
    } while (count == WAKE_MOST);
    return true;
}

static bool number_of(const char *url, const char *account, const char *what, int64_t number,
                      enum queue_stop why, unsigned *ret_woken, struct err *err)
{
    struct hand op;
    char text[24];
    int64_t now_ms;
    unsigned woken = 0;
    snprintf(text, sizeof(text), "%" PRId64, number);
    if (!hand_open(&op, url, account, err))
        return false;
    bool ok = tell(&op, what, text, NULL, NULL, &now_ms);
    if (ok && ret_woken)
        ok = wake(&op, why, now_ms, &woken);
    redisFree(op.redis);
    if (ok && ret_woken)
        *ret_woken = woken;
    return ok;
}

bool queue_account_pause(const char *url, const char *account, int64_t ms, struct err *err)
{
    return number_of(url, account, "pause", ms > 0 ? ms : 0, QUEUE_STOP_PAUSED, NULL, err);
}

bool queue_account_resume(const char *url, const char *account, unsigned *ret_woken,
                          struct err *err)
{
    return number_of(url, account, "resume", 0, QUEUE_STOP_PAUSED, ret_woken, err);
}

bool queue_account_throttle(const char *url, const char *account, unsigned per_second,
                            unsigned *ret_woken, struct err *err)
{
    return number_of(url, account, "throttle", per_second, QUEUE_STOP_RATE, ret_woken, err);
}

bool queue_account_release(const char *url, const char *account, bool contacts, unsigned *ret_woken,
                           struct err *err)
{
    struct hand op;
    int64_t now_ms;
    unsigned woken = 0;
    if (!hand_open(&op, url, account, err))
        return false;
    bool ok = tell(&op, "release", "account", NULL, NULL, &now_ms) &&
              wake(&op, QUEUE_STOP_ACCOUNT, now_ms, &woken);
    if (ok && contacts)
        ok = tell(&op, "release", "contact", NULL, NULL, &now_ms) &&
             wake(&op, QUEUE_STOP_CONTACT, now_ms, &woken);
    redisFree(op.redis);
    if (ok)
        *ret_woken = woken;
    return ok;
}

bool queue_account_release_chat(const char *url, const char *account, const char *alias,
                                struct err *err)
{
    struct hand op;
    int64_t known = 0;
    if (!hand_open(&op, url, account, err))
        return false;
    bool ok = tell(&op, "chat", alias, NULL, NULL, &known);
    redisFree(op.redis);
    if (ok && known != 1)
        return err_set(err, ERR_NOT_FOUND, "the queue knows no chat with '%s' of %s", alias,
                       account);
    return ok;
}

/* --- what there is of them
 * ----------------------------------------------------------------------- */

static bool read_settings(struct hand *op, int64_t now_ms, struct queue_account *state)
{
    char *key = x_printf("%saccount:%s", op->prefix, op->account);
    redisReply *reply =
        sync_words(op->redis, op->err, "HMGET", key, "paused", "rate", "spent", (char *)NULL);
    free(key);
    if (!reply)
        return false;
    enum { FOR_EVER_MS = 1000 * 365 }; // years: see account.lua
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 3) {
        int64_t paused = reply_int(reply->element[0]), rate = reply_int(reply->element[1]);
        state->paused_ms = paused > now_ms ? paused : 0;
        if (paused - now_ms > (int64_t)FOR_EVER_MS * DAY_MS)
            state->paused_ms = INT64_MAX;
        state->per_second = rate > 0 ? (unsigned)rate : 0;
        counts_read(reply_str(reply->element[2]), now_ms / HOUR_MS, state->used, &state->reserved);
    }
    freeReplyObject(reply);
    return true;
}

static bool read_known(struct hand *op, struct queue_account *state)
{
    char *key = x_printf("%saccounts", op->prefix);
    redisReply *reply = sync_words(op->redis, op->err, "SISMEMBER", key, op->account, (char *)NULL);
    free(key);
    if (reply)
        state->known = reply_int(reply) == 1;
    freeReplyObject(reply);
    return reply != NULL;
}

static bool read_parked(struct hand *op, struct queue_account *state)
{
    for (int why = 0; why < QUEUE_STOPS; why++) {
        char *key = x_printf("%sstopped:%s:%s", op->prefix, stop_names[why], op->account);
        redisReply *reply = sync_words(op->redis, op->err, "ZCARD", key, (char *)NULL);
        free(key);
        if (!reply)
            return false;
        state->parked[why] = (uint64_t)reply_int(reply);
        freeReplyObject(reply);
    }
    return true;
}

bool queue_account_read(const char *url, const char *const *accounts, size_t count,
                        struct queue_account *ret_states, struct err *err)
{
    unsigned shards;
    int64_t now_ms;
    struct hand op = {.err = err};
    op.redis = sync_open_shards(url, &shards, err);
    if (!op.redis)
        return false;
    struct queue_account *states = x_calloc(count + 1, sizeof(*states));
    bool ok = sync_now(op.redis, &now_ms, err);
    for (size_t i = 0; ok && i < count; i++) {
        op.account = accounts[i];
        shard_prefix(shard_of_account(accounts[i], shards), op.prefix);
        ok = read_known(&op, &states[i]) && read_settings(&op, now_ms, &states[i]) &&
             read_parked(&op, &states[i]);
    }
    redisFree(op.redis);
    if (ok)
        memcpy(ret_states, states, count * sizeof(*states));
    free(states);
    return ok;
}
