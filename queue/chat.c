// SPDX-License-Identifier: MIT
// One chat, looked at for a person (blocking).

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "queue/internal.h"

enum { HOPS_MAX = 16 }; // as in common.lua

struct looker {
    redisContext *redis;
    char prefix[16];
    int64_t now_ms; // Redis's
    struct err *err;
};

// "<command> <prefix><suffix><name> [a]"; NULL with err.
static redisReply *look(struct looker *l, const char *command, const char *suffix, const char *name,
                        const char *a)
{
    char *key = x_printf("%s%s%s", l->prefix, suffix, name);
    redisReply *reply = sync_words(l->redis, l->err, command, key, a, (char *)NULL);
    free(key);
    return reply;
}

// The name of the person's chat: aliases lead to it. NULL with err.
static char *find_name(struct looker *l, const char *account, const char *alias)
{
    char *name = x_dup(alias);
    for (int hops = 0; hops < HOPS_MAX; hops++) {
        redisReply *reply = look(l, "HGET", "alias:", account, name);
        const char *next = reply_str(reply);
        char *found = next ? x_dup(next) : NULL;
        bool failed = reply == NULL;
        freeReplyObject(reply);
        if (failed) {
            free(name);
            return NULL;
        }
        if (!found)
            break;
        free(name);
        name = found;
    }
    return name;
}

static bool add_length(struct looker *l, const char *suffix, struct queue_chat *chat)
{
    redisReply *reply = look(l, "LLEN", suffix, chat->chat, NULL);
    if (!reply)
        return false;
    int64_t n = reply_int(reply);
    chat->waiting += n > 0 ? (uint64_t)n : 0;
    freeReplyObject(reply);
    return true;
}

// The worker's own words; what is not to be understood counts as a session.
static void read_state(const char *text, struct queue_chat *chat)
{
    cJSON *state = json_read(text, strlen(text), NULL);
    chat->has_state = !cJSON_IsObject(state) || json_get(state, "session");
    chat->handed_off = json_bool(state, "handoff", false);
    cJSON_Delete(state);
}

static bool read_fields(struct looker *l, struct queue_chat *chat)
{
    redisReply *reply = look(l, "HGETALL", "chat:", chat->chat, NULL);
    if (!reply)
        return false;
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        const char *name = reply_str(reply->element[i]);
        const redisReply *value = reply->element[i + 1];
        if (strcmp(name, "st") == 0)
            snprintf(chat->status, sizeof(chat->status), "%s", reply_str(value));
        else if (strcmp(name, "owner") == 0)
            chat->owner = x_dup(reply_str(value));
        else if (strcmp(name, "into") == 0)
            chat->into = x_dup(reply_str(value));
        else if (strcmp(name, "paused") == 0)
            chat->paused_ms = reply_int(value);
        else if (strcmp(name, "state") == 0)
            read_state(reply_str(value), chat);
        else if (strcmp(name, "att") == 0)
            chat->has_attempt = true;
        else if (strcmp(name, "res") == 0)
            chat->has_result = true;
        else if (strcmp(name, "stop") == 0)
            snprintf(chat->stopped, sizeof(chat->stopped), "%s", reply_str(value));
        else if (strcmp(name, "spent") == 0)
            counts_read(reply_str(value), l->now_ms / DAY_MS, chat->used, NULL);
    }
    freeReplyObject(reply);
    return true;
}

static bool read_timer(struct looker *l, struct queue_chat *chat)
{
    redisReply *reply = look(l, "ZSCORE", "timers", "", chat->chat);
    if (!reply)
        return false;
    const char *score = reply_str(reply);
    chat->timer_ms = score ? (int64_t)strtod(score, NULL) : 0;
    freeReplyObject(reply);
    return true;
}

bool queue_chat_read(const char *url, const char *account, const char *alias,
                     struct queue_chat *ret_chat, struct err *err)
{
    unsigned shards;
    struct looker l = {.err = err};
    l.redis = sync_open_shards(url, &shards, err);
    if (!l.redis)
        return false;
    shard_prefix(shard_of_account(account, shards), l.prefix);
    struct queue_chat chat = {0};
    char *name = NULL;
    bool ok = sync_now(l.redis, &l.now_ms, err);
    if (ok)
        name = find_name(&l, account, alias);
    ok = name != NULL;
    if (ok) {
        chat.chat = x_printf("%s:%s", account, name);
        ok = read_fields(&l, &chat) && read_timer(&l, &chat) && add_length(&l, "mb:", &chat) &&
             add_length(&l, "late:", &chat);
    }
    if (ok && !chat.status[0])
        ok = err_set(err, ERR_NOT_FOUND, "the queue knows no chat with '%s' of %s", alias, account);
    free(name);
    redisFree(l.redis);
    if (ok)
        *ret_chat = chat;
    else
        queue_chat_deinit(&chat);
    return ok;
}

void queue_chat_deinit(struct queue_chat *chat)
{
    free(chat->chat);
    free(chat->owner);
    free(chat->into);
    *chat = (struct queue_chat){0};
}
