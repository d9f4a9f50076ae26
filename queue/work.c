// SPDX-License-Identifier: MIT
// What a worker does with a chat that it holds (journal, finish), and what ends a parked one's wait
// (settle, release).

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/internal.h"

// A call whose only answer is done, or an error.
struct plain_call {
    queue_done_fn done;
    void *arg;
    unsigned shard;
    int64_t timer_ms;                  // finish armed a timer with this delay; -1 = none
    size_t bytes;                      // counted in queue->backlog
    struct queue_refusal *ret_refusal; // journal's; or NULL
};

static void on_plain(struct queue *queue, void *arg, const redisReply *reply, const struct err *err)
{
    struct plain_call *plain = arg;
    queue->backlog -= plain->bytes;
    if (!err && plain->timer_ms >= 0)
        local_timer_arm(queue, plain->shard, plain->timer_ms);
    plain->done(plain->arg, err);
    free(plain);
}

static struct plain_call *plain_new(queue_done_fn done, void *arg)
{
    struct plain_call *plain = x_alloc(sizeof(*plain));
    *plain = (struct plain_call){.done = done, .arg = arg, .timer_ms = -1};
    return plain;
}

// The shard of a chat key that came from a claim; any other goes to shard 0, where no such chat is
// held: STALE.
static unsigned shard_of_chat(const struct queue *queue, const char *chat)
{
    unsigned shard = 0;
    if (!shard_of_key(queue, chat, &shard))
        shard = 0;
    return shard;
}

// The id of a message that was sent: "" and no hash when there is none.
static void add_sent(struct cmd *cmd, const struct queue *queue,
                     const struct queue_journal *journal)
{
    const char *id = strchr(journal->chat, ':');
    size_t len = id ? (size_t)(id + 1 - journal->chat) + strcspn(id + 1, ":") : 0;
    char *account = x_dupn(journal->chat, len);
    char bucket[16];
    uint8_t hash[16];
    sent_bucket(queue->shard_count, account, journal->sent_id, bucket, hash);
    free(account);
    cmd_add_str(cmd, bucket);
    cmd_add(cmd, hash, sizeof(hash));
}

static void on_journaled(struct queue *queue, void *arg, const redisReply *reply,
                         const struct err *err)
{
    struct plain_call *plain = arg;
    struct err limit = {0};
    if (!err && plain->ret_refusal && refusal_read(reply, plain->ret_refusal)) {
        err_set(&limit, ERR_LIMIT, "refused: %s", queue_stop_name(plain->ret_refusal->why));
        err = &limit;
    }
    plain->done(plain->arg, err);
    free(plain);
}

void queue_journal(struct queue *queue, const struct queue_journal *journal, queue_done_fn done,
                   void *arg)
{
    char given[4] = "";
    strcat(given, journal->state ? "s" : "");
    strcat(given, journal->attempt ? "a" : "");
    strcat(given, journal->result ? "r" : "");
    struct plain_call *plain = plain_new(done, arg);
    plain->shard = shard_of_chat(queue, journal->chat);
    struct cmd cmd = call_script(queue, SCRIPT_JOURNAL, plain->shard);
    cmd_add_str(&cmd, journal->chat);
    cmd_add_int(&cmd, journal->epoch);
    cmd_add_int(&cmd, ++queue->next_number);
    cmd_add_str(&cmd, given);
    cmd_add_str(&cmd, journal->state);
    cmd_add_str(&cmd, journal->attempt);
    cmd_add_str(&cmd, journal->result);
    add_sent(&cmd, queue, journal);
    spend_add(&cmd, journal->spend);
    plain->ret_refusal = journal->spend ? journal->ret_refusal : NULL;
    for (size_t i = 0; i < journal->record_count; i++)
        cmd_add_str(&cmd, journal->records[i]);
    queue_call(queue, &cmd, on_journaled, plain);
}

static const char *next_name(enum queue_next next)
{
    static const char *const names[] = {
        [QUEUE_IDLE] = "idle", [QUEUE_PARKED] = "parked", [QUEUE_READY] = "ready"};
    return names[next];
}

void queue_finish(struct queue *queue, const struct queue_finish *finish, queue_done_fn done,
                  void *arg)
{
    const struct queue_timer *timer = finish->timer;
    char flags[8] = "";
    strcat(flags, finish->state ? "s" : "");
    strcat(flags, finish->keep_attempt ? "k" : "");
    strcat(flags, finish->keep_records ? "r" : "");
    strcat(flags, timer ? "t" : "");
    struct plain_call *plain = plain_new(done, arg);
    plain->shard = shard_of_chat(queue, finish->chat);
    plain->timer_ms = timer ? timer->delay_ms : -1;
    struct cmd cmd = call_script(queue, SCRIPT_FINISH, plain->shard);
    cmd_add_str(&cmd, finish->chat);
    cmd_add_int(&cmd, finish->epoch);
    cmd_add_int(&cmd, finish->done);
    cmd_add_str(&cmd, flags);
    cmd_add_str(&cmd, next_name(finish->next));
    cmd_add_str(&cmd, finish->state);
    cmd_add_int(&cmd, timer ? timer->delay_ms : -1);
    cmd_add_str(&cmd, timer ? timer->token : "");
    cmd_add_int(&cmd, finish->inbound_ms);
    for (size_t i = 0; i < finish->dead_count; i++) {
        cmd_add_int(&cmd, finish->dead[i].number);
        cmd_add_str(&cmd, finish->dead[i].reason);
    }
    queue_call(queue, &cmd, on_plain, plain);
}

struct settle_call {
    queue_settle_fn done;
    void *arg;
};

static void on_settled(struct queue *queue, void *arg, const redisReply *reply,
                       const struct err *err)
{
    struct settle_call *settle = arg;
    settle->done(settle->arg, !err && reply_int(reply) == 1, err);
    free(settle);
}

void queue_settle(struct queue *queue, const char *account, const char *alias,
                  const char *attempt_key, const char *result, queue_settle_fn done, void *arg)
{
    struct settle_call *settle = x_alloc(sizeof(*settle));
    *settle = (struct settle_call){.done = done, .arg = arg};
    char *name = x_printf("%s/%" PRId64, queue->incarnation, ++queue->next_number);
    struct cmd cmd = call_script(queue, SCRIPT_SETTLE, queue_shard_of(queue, account));
    cmd_add_str(&cmd, account);
    cmd_add_str(&cmd, alias);
    cmd_add_str(&cmd, attempt_key);
    cmd_add_str(&cmd, result);
    cmd_add_str(&cmd, name);
    free(name);
    queue_call(queue, &cmd, on_settled, settle);
}

static void on_released(struct queue *queue, void *arg, const redisReply *reply,
                        const struct err *err)
{
    struct plain_call *plain = arg;
    struct err unknown = {0};
    if (!err && reply_int(reply) != 1) {
        err_set(&unknown, ERR_NOT_FOUND, "no such chat in the queue");
        err = &unknown;
    }
    plain->done(plain->arg, err);
    free(plain);
}

void queue_release(struct queue *queue, const char *chat, queue_done_fn done, void *arg)
{
    struct cmd cmd = call_script(queue, SCRIPT_RELEASE, shard_of_chat(queue, chat));
    cmd_add_str(&cmd, chat);
    queue_call(queue, &cmd, on_released, plain_new(done, arg));
}

static void on_refused(void *arg, const struct queue_admitted *result, const struct err *err)
{
    struct plain_call *plain = arg;
    plain->done(plain->arg, err);
    free(plain);
}

// Comes from outside like what is admitted: it does not wait for ever, and a full Redis refuses it.
void queue_bury_raw(struct queue *queue, const char *app, const char *reason, const void *body,
                    size_t len, queue_done_fn done, void *arg)
{
    struct plain_call *plain = plain_new(done, arg);
    struct err err = {0};
    if (!admit_allowed(queue, &err)) {
        admit_refuse(queue, &err, on_refused, plain);
        return;
    }
    plain->bytes = len;
    queue->backlog += len;
    struct cmd cmd = call_script(queue, SCRIPT_BURY, 0);
    cmd_add_str(&cmd, queue->incarnation);
    cmd_add_int(&cmd, ++queue->next_number);
    cmd_add_str(&cmd, app);
    cmd_add_str(&cmd, reason);
    cmd_add(&cmd, body, len);
    struct call *call = queue_call(queue, &cmd, on_plain, plain);
    call->deadline_ms = clock_mono_ms() + queue->give_up_ms;
}

/* --- turns -------------------------------------------------------------------------------------
 */

struct turn_call {
    queue_turn_fn done;
    void *arg;
};

static void on_turn(struct queue *queue, void *arg, const redisReply *reply, const struct err *err)
{
    struct turn_call *turn = arg;
    turn->done(turn->arg, !err && reply->type == REDIS_REPLY_STATUS, err);
    free(turn);
}

// A repeat after a lost answer may say "not mine" of a turn that was: then nobody takes this one.
void queue_take_turn(struct queue *queue, const char *name, int64_t ttl_ms, queue_turn_fn done,
                     void *arg)
{
    struct turn_call *turn = x_alloc(sizeof(*turn));
    *turn = (struct turn_call){.done = done, .arg = arg};
    char *key = x_printf("hm:{config}:turn:%s", name);
    struct cmd cmd = {0};
    cmd_add_str(&cmd, "SET");
    cmd_add_str(&cmd, key);
    cmd_add_str(&cmd, queue->incarnation);
    cmd_add_str(&cmd, "NX");
    cmd_add_str(&cmd, "PX");
    cmd_add_int(&cmd, ttl_ms > 0 ? ttl_ms : 1);
    free(key);
    queue_call(queue, &cmd, on_turn, turn);
}
