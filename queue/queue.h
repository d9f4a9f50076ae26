// SPDX-License-Identifier: MIT
/*
 * The queue in Redis: one mailbox per chat, claims, journal, timers, dead letters, on one libevent
 * loop.
 *
 * Each mutating call is one Lua script (queue/x.lua): atomic, safe to arrive twice. A lost
 * connection is re-opened with back-off and every unanswered call is sent again, in order; so a
 * callback means "done", with err only for a refusal (ERR_CONFLICT: stale epoch; ERR_UNAVAILABLE:
 * Redis is away for longer than `give_up_ms`, or full) or ERR_CANCELED at queue_free(). Callbacks
 * never fire inside the call that started them and fire exactly once. Replies are borrowed during
 * the callback. One thread: the loop's.
 *
 * Keys: hm:{NN}:… with NN = the shard of the account (id_fnv32(account key) % shards). See
 * queue/README.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct event_base;
struct queue;

struct queue_config {
    const char *url;      // redis://[user:password@]host:port[/db] or unix:///path
    int64_t give_up_ms;   // how long an admit may wait for Redis; then spooled or refused (2000)
    int64_t lease_ms;     // worker lease (default 15000)
    unsigned high_water;  // percent of maxmemory above which admit refuses (default 80)
    unsigned low_water;   // percent of both marks below which it takes again (default 90)
    uint64_t max_waiting; // events in mailboxes above which admit refuses (0 = any number)
    const char *name;     // of this process, e.g. "listen" or "worker": part of its incarnation
    struct spool *spool;  // borrowed; where admits go while Redis is away or slow. NULL = refused
    int64_t answer_ms;    // an admit is answered by then, whatever hangs (default 4000)
};

/*
 * What may come in. Each mark has its own hysteresis: passed at high_water (or max_waiting), left
 * below low_water percent of it; receipts are shed from half-way between the two.
 */
enum queue_room {
    QUEUE_ROOM,             // everything
    QUEUE_ROOM_NO_RECEIPTS, // deliveries that hold nothing but receipts are refused
    QUEUE_ROOM_NONE,        // every delivery is refused
};

/*
 * Opens the connection and loads the scripts (blocking, at start only). Reads the shard count that
 * `hookmill init` stored: ERR_CONFIG with what to do when there is none.
 *
 * With a spool it also succeeds when Redis cannot be reached, or cannot serve, within a second: the
 * shard count is then the spool's, admits go to the disk, and the connection opens by itself later.
 * Nothing goes to a Redis before it has said that it has the same count. If it has another: an
 * error in the log, queue_is_foreign(), and admits are refused until there is a Redis with ours;
 * what the spool has stays there.
 */
MUST_USE struct queue *queue_new(struct event_base *base, const struct queue_config *config,
                                 struct err *err);
// Pending callbacks fire with ERR_CANCELED first. Gives up the lease (blocking, a second at most
// per answer). Not from inside a callback of the queue.
void queue_free(struct queue *queue);

bool queue_is_up(const struct queue *queue);      // connected now
bool queue_began_away(const struct queue *queue); // Redis could not be reached by queue_new()
bool queue_is_foreign(const struct queue *queue); // Redis has another shard count: admits refused
enum queue_room queue_room(const struct queue *queue); // looked at every 250 ms
uint64_t queue_waiting(const struct queue *queue);     // events in mailboxes, when last looked at
unsigned queue_shards(const struct queue *queue);
unsigned queue_shard_of(const struct queue *queue, const char *account_key);
const char *queue_incarnation(const struct queue *queue); // host:pid:random

// `hookmill init`: stores the shard count unless one is there (blocking). Returns what is in force.
MUST_USE bool queue_init_shards(const char *url, unsigned wanted, unsigned *ret_shards,
                                struct err *err);

// The shard count that is in force (blocking). ERR_CONFIG when `hookmill init` was never run.
MUST_USE bool queue_read_shards(const char *url, unsigned *ret_shards, struct err *err);

/* --- admit: listener → mailbox --------------------------------------------------------------- */

struct queue_event {
    const char *account; // account key "platform:id"
    const char *const
        *aliases; // contact names; the first is the preferred one; none = the account's lane
    size_t alias_count;
    bool lane;             // receipts: to the account's lane, not the chat's mailbox
    const char *dedup_key; // NULL = not remembered (moves forward only)
    int64_t timestamp_ms;  // names the bucket of `seen before`
    const char *json;      // the event
};
struct queue_admitted {
    unsigned admitted;
    unsigned duplicates;
    unsigned spooled; // are on this host's disk and will be admitted in order
};
typedef void (*queue_admit_fn)(void *arg, const struct queue_admitted *result,
                               const struct err *err);

/*
 * Admits all events of one delivery; strings are copied. Calls of one loop turn are collected into
 * one script call per shard. The callback fires once, when all of them are durable (or with err,
 * when any may not be): in Redis, or, with a spool, on disk. A shard's events go to the spool while
 * Redis is away, when it did not answer within give_up_ms (outcome unknown: the same call is
 * repeated from the spool, and the script knows it again), and as long as the spool holds anything
 * of that shard, so that the order is kept.
 *
 * A contact is known by any of `aliases`. Names that belong together are learned, also from
 * duplicates; two chats that turn out to be one person's become one (queue/README.md). Weak names
 * (alias_is_weak) find a chat only when no other is given.
 */
void queue_admit(struct queue *queue, const struct queue_event *events, size_t count,
                 queue_admit_fn done, void *arg);

/*
 * One event of our own making: an operator's start. Blocking, for the command line. It counts as
 * received in the ledger, in the same transaction. ret_new: false when its dedup_key was seen
 * before.
 */
MUST_USE bool queue_admit_own(const char *url, const struct queue_event *event, bool *ret_new,
                              struct err *err);

// Called when a record is on the disk, and (`drained`) when one has come from it to Redis, for each
// account in it. What is drained may have been spooled by another process of this host, or an
// earlier one.
typedef void (*queue_spool_fn)(void *arg, const char *account, unsigned events, bool drained);
void queue_watch_spool(struct queue *queue, queue_spool_fn fn, void *arg);

/* --- claim: mailbox → worker ------------------------------------------------------------------ */

struct queue_entry {
    int64_t number;   // the event's number in its chat
    const char *json; // the event
};
struct queue_claim {
    const char *chat;    // chat key
    const char *account; // account key
    unsigned shard;
    int64_t epoch;       // raised with each claim; all later calls carry it
    int64_t turn;        // raised by each finish: names what this activation leaves in MongoDB
    int64_t done;        // number of the last finished event
    const char *state;   // what the last journal or finish stored; NULL = nothing
    const char *attempt; // the effect in hand (journal's JSON), or NULL
    const char *result;  // its result, when it was recorded or settled; NULL = not known: ambiguous
    const char *const *records; // what the journal has kept of this activation, oldest first
    size_t record_count;
    const struct queue_entry *entries; // at most 64, oldest first
    size_t entry_count;
    const char *fired;  // token of the timer that is due, or NULL
    int64_t paused_ms;  // until when the chat's flow stays silent; 0 = it may speak
    bool is_new;        // none of the chat's events was ever done
    int64_t inbound_ms; // when the person last wrote, as finish was told; 0 = not known
};
/* `claims` is empty when nothing is ready. */
typedef void (*queue_claim_fn)(void *arg, const struct queue_claim *claims, size_t count,
                               const struct err *err);

// Takes up to `max` ready chats of one shard, accounts in plain rotation.
void queue_claim(struct queue *queue, unsigned shard, unsigned max, queue_claim_fn done, void *arg);

// Called whenever a shard may have ready chats (hints, from blocking connections and local timers).
typedef void (*queue_wake_fn)(void *arg, unsigned shard);
// Starts the wake connections, the lease's heartbeat and the sweeper (worker processes only).
void queue_serve(struct queue *queue, queue_wake_fn wake, void *arg);
// Stops waking and sweeping (graceful stop); claims, journal and finish go on working.
void queue_stop_serving(struct queue *queue);
// Milliseconds of lease left on this process's own clock; ≤ 0: no effect may leave.
int64_t queue_lease_left_ms(const struct queue *queue);

/* --- journal and finish ----------------------------------------------------------------------- */

// A wait's deadline. The token ("session:wait number", anything) comes back as queue_claim.fired.
struct queue_timer {
    int64_t delay_ms; // from now; < 0 = cancel the chat's timer
    const char *token;
};

// What an effect is counted as.
enum queue_counted { QUEUE_SENDS, QUEUE_CALLS, QUEUE_TOKENS, QUEUE_COUNTED };

/*
 * What a journal call spends of the budgets of its chat's contact (per day, UTC) and account (per
 * hour). What is asked for and what is taken is one: the script does both, by Redis's clock.
 */
struct queue_spend {
    bool leaves;               // an effect leaves when this is stored: it must be allowed to
    enum queue_counted kind;   // of it
    bool counted;              // it was before: a further try of the same attempt takes nothing
    int64_t reserve;           // QUEUE_TOKENS: what it may need; 0 = not known
    int64_t per_day, per_hour; // limits of the contact and of the account; 0 = none
    int64_t tokens;            // that the effect before it took
    int64_t unreserve;         // and that were reserved for that one
};

enum queue_stop {
    QUEUE_STOP_PAUSED,  // the account is paused
    QUEUE_STOP_CONTACT, // the contact's budget of this day is used up
    QUEUE_STOP_ACCOUNT, // the account's of this hour
    QUEUE_STOP_RATE,    // the account's sends come faster than an operator lets them
    QUEUE_STOPS,
};
const char *queue_stop_name(enum queue_stop stop); // "paused", "contact", "account", "rate"

// Why an effect may not leave now.
struct queue_refusal {
    enum queue_stop why;
    int64_t wait_ms; // try again then; an operator may let the chat go on earlier
    int64_t used, limit;
};

struct queue_journal {
    const char *chat;
    int64_t epoch;
    const char *state;          // the activation's state, replaces what is there; NULL = drop
    const char *attempt;        // effect about to leave; NULL = none in hand
    const char *result;         // result of the effect in hand; NULL = none yet
    const char *const *records; // appended to the activation's records
    size_t record_count;
    const char *sent_id; // id that the platform gave our message: its echo will be known; or NULL
    const struct queue_spend *spend;   // or NULL: nothing
    struct queue_refusal *ret_refusal; // with `spend`: filled before `done` gets ERR_LIMIT
};
typedef void (*queue_done_fn)(void *arg, const struct err *err);

/*
 * Stores state and attempt (before an effect leaves) or its result (after). Strings are copied.
 * ERR_LIMIT: the effect may not leave now; then nothing is stored or counted (but sent_id). When
 * the chat is then parked, it is one of those that queue_account_… lets go on.
 */
void queue_journal(struct queue *queue, const struct queue_journal *journal, queue_done_fn done,
                   void *arg);

struct queue_dead {
    int64_t number;     // of the entry; it must be ≤ done
    const char *reason; // for the operator
};
enum queue_next {
    QUEUE_IDLE,   // schedules the chat again only when there are entries after `done`
    QUEUE_PARKED, // new events append but do not schedule; the timer, queue_settle or queue_release
                  // does
    QUEUE_READY,  // schedules it again at once (handed back)
};
struct queue_finish {
    const char *chat;
    int64_t epoch;
    int64_t done;      // entries up to this number are finished with and dropped
    const char *state; // stored for the next claim; NULL = drop
    bool keep_attempt; // the effect in hand (and its result) stays
    bool keep_records; // put down in mid-activation: the records stay, too, and the turn goes on
    enum queue_next next;
    // NULL = leave the chat's timer as it is; a token that came with this claim is then used up
    // (not with QUEUE_READY)
    const struct queue_timer *timer;
    int64_t inbound_ms;            // when the person last wrote; 0 = not known
    const struct queue_dead *dead; // entries that go to the dead letters
    size_t dead_count;
};
void queue_finish(struct queue *queue, const struct queue_finish *finish, queue_done_fn done,
                  void *arg);

/*
 * A status or an echo names an attempt: if the chat of (account, alias) is parked with an attempt
 * in hand whose JSON has "key" equal to `attempt_key` and no result, stores `result` and makes the
 * chat ready. ret: settled or not. While the chat is still held, `result` is kept for the case that
 * it is then parked without one of its own: it is ready at once.
 */
typedef void (*queue_settle_fn)(void *arg, bool settled, const struct err *err);
void queue_settle(struct queue *queue, const char *account, const char *alias,
                  const char *attempt_key, const char *result, queue_settle_fn done, void *arg);

// Work that one process of all does once in `ttl_ms` (the aggregator): who asks first in that time
// gets `mine`.
typedef void (*queue_turn_fn)(void *arg, bool mine, const struct err *err);
void queue_take_turn(struct queue *queue, const char *name, int64_t ttl_ms, queue_turn_fn done,
                     void *arg);

// Makes all parked chats of an account ready, e.g. when it has a new token. Blocking, for the
// command line.
MUST_USE bool queue_release_account(const char *url, const char *account, unsigned *ret_released,
                                    struct err *err);

/*
 * What operators may say of an account; blocking. It is in Redis, where the scripts see it: it
 * holds for all workers at once, and until it is taken back. Events go on being admitted.
 *
 * Paused, nothing of it leaves and none of its chats is given to a worker; they are parked as they
 * come up, and a chat in a worker's hands is at its next effect. `ms` 0 = until it is resumed.
 */
MUST_USE bool queue_account_pause(const char *url, const char *account, int64_t ms,
                                  struct err *err);
// ret_woken: how many chats go on.
MUST_USE bool queue_account_resume(const char *url, const char *account, unsigned *ret_woken,
                                   struct err *err);
// At most so many sends per second, of all workers together; 0 = any number.
MUST_USE bool queue_account_throttle(const char *url, const char *account, unsigned per_second,
                                     unsigned *ret_woken, struct err *err);
// The account's budget of this hour anew; with `contacts` also that of this day of every chat that
// waits for its own.
MUST_USE bool queue_account_release(const char *url, const char *account, bool contacts,
                                    unsigned *ret_woken, struct err *err);
// A contact's of this day; and the account's does not stop this chat for the rest of the hour.
// ERR_NOT_FOUND when there is no such chat.
MUST_USE bool queue_account_release_chat(const char *url, const char *account, const char *alias,
                                         struct err *err);

struct queue_account {
    bool known;                  // an event of it was seen, or an operator spoke of it
    int64_t paused_ms;           // until when; 0 = it is not; INT64_MAX = until it is resumed
    unsigned per_second;         // 0 = any number
    int64_t used[QUEUE_COUNTED]; // in this hour
    int64_t reserved;            // tokens of effects in hand
    uint64_t parked[QUEUE_STOPS];
};
// Of each of these accounts; one that was never heard of is all zero.
MUST_USE bool queue_account_read(const char *url, const char *const *accounts, size_t count,
                                 struct queue_account *ret_states, struct err *err);

/*
 * A person (or another app) answered in a chat: its flow stays silent until then. Kept with the
 * chat, given with each claim; the latest call wins, 0 ends it. `echo_id`, when not NULL, is the id
 * of the message that tells: nothing happens (ret: false) when that message is one of ours, or the
 * chat has an attempt in hand whose answer is still to come and whose message this may be. The chat
 * is (account, alias).
 */
typedef void (*queue_pause_fn)(void *arg, bool paused, const struct err *err);
void queue_pause(struct queue *queue, const char *account, const char *alias, int64_t until_ms,
                 const char *echo_id, queue_pause_fn done, void *arg);
// The same by an operator's hand (blocking). ret_chat, when not NULL, is the chat's name (free it).
// ERR_NOT_FOUND when the pause is to end of a chat that is not there.
MUST_USE bool queue_pause_chat(const char *url, const char *account, const char *alias,
                               int64_t until_ms, char **ret_chat, struct err *err);

/*
 * Ends the pause, as 0 does, and wakes the chat: `event` (an EVENT_RESUME) goes into its mailbox
 * when it has a session or anything else to keep. The worker looks at what it waits for: a handoff
 * is over, a deadline that the pause kept is acted on.
 */
MUST_USE bool queue_resume_chat(const char *url, const char *account, const char *alias,
                                const char *event, char **ret_chat, struct err *err);

// What the queue knows of a person's chat.
struct queue_chat {
    char *chat;        // chat key
    char status[16];   // idle, ready, held, parked; joining: waits for another to join it, or it
    char *owner;       // incarnation of the worker that holds it, or NULL
    char *into;        // of a chat that is to join another: that one, or NULL
    uint64_t waiting;  // events in its mailbox
    int64_t paused_ms; // until when its flow stays silent; 0 = it may speak
    int64_t timer_ms;  // when its timer is due; 0 = none is armed
    char stopped[16];  // parked for its account's sake: a queue_stop_name(); else ""
    int64_t used[QUEUE_COUNTED]; // of its contact's budgets, in this day
    bool has_state;              // a session
    bool handed_off;             // which has given the chat to people
    bool has_attempt;            // an effect in hand …
    bool has_result;             // … and its result
};
// Blocking; ERR_NOT_FOUND when there is no such chat.
MUST_USE bool queue_chat_read(const char *url, const char *account, const char *alias,
                              struct queue_chat *ret_chat, struct err *err);
void queue_chat_deinit(struct queue_chat *chat);

// Makes a parked chat ready (an operator's hand).
void queue_release(struct queue *queue, const char *chat, queue_done_fn done, void *arg);

/* --- dead letters and figures (blocking; for the command line and the listener's raw letters) ----
 */

// A body that could not be understood goes raw to the dead letters (shard 0). Asynchronous.
void queue_bury_raw(struct queue *queue, const char *app, const char *reason, const void *body,
                    size_t len, queue_done_fn done, void *arg);

struct queue_dead_letter {
    const char *id; // "shard-streamid"
    int64_t at_ms;
    const char *reason;
    const char *account; // or NULL
    const char *chat;    // or NULL
    const char *app;     // of a raw body, or NULL
    const char *body;    // the event's JSON, or the raw bytes (may hold anything)
    size_t body_len;
};
typedef void (*queue_dead_fn)(void *arg, const struct queue_dead_letter *letter);
MUST_USE bool queue_dead_list(const char *url, unsigned most, queue_dead_fn fn, void *arg,
                              struct err *err);
// Puts one letter (or all: id NULL) back into its mailbox, past `seen before`. Raw bodies stay,
// with an error.
MUST_USE bool queue_dead_retry(const char *url, const char *id, unsigned *ret_retried,
                               struct err *err);

struct queue_stats {
    unsigned shards;
    uint64_t ready; // chats scheduled
    uint64_t held;  // chats that workers hold
    uint64_t parked;
    uint64_t joining; // chats that are to join another, and those that wait for them
    uint64_t timers;
    uint64_t mailbox; // events that wait in mailboxes, as counted (queue_audit looks)
    uint64_t dead;
    uint64_t admitted, duplicates, done, dead_ever; // sums of the ledgers
    unsigned workers;                               // live leases
};
MUST_USE bool queue_stats_read(const char *url, struct queue_stats *ret_stats, struct err *err);

/*
 * The ledger of one account. Two halves that are counted apart: what listeners received, and what
 * became of it (by the scripts, and by looking). It balances when
 *   received − unanswered ≤ admitted + duplicate + refused + spooled ≤ received
 * (unanswered: in a listener's hands when it died; nobody got a 200 for them), and
 *   admitted + retried + merged = done + waiting + dead
 * In a running system, what is under way makes the first one lag; `in_flight` says by how much. An
 * account of which no listener ever published anything is judged by the second alone.
 */
struct queue_ledger {
    const char *account;
    uint64_t received, refused, unanswered, in_flight; // summed over incarnations
    uint64_t spooled; // of it still on a disk, as the listeners last said
    uint64_t admitted, duplicate, done, dead, retried; // counted by the scripts
    // likewise: events that scripts made: they tell of the session of a chat that joined another,
    // or that an operator gave a chat back to its flow
    uint64_t merged;
    uint64_t waiting; // looked at: lengths of the account's mailboxes
    bool balanced;
    const char *problem; // what does not balance and by how much, or NULL
};
typedef void (*queue_ledger_fn)(void *arg, const struct queue_ledger *ledger);
// Looks at every account, in the order of their names (blocking; some seconds longer when one does
// not balance, to be sure). ret_balanced: all of them are.
MUST_USE bool queue_audit(const char *url, queue_ledger_fn fn, void *arg, bool *ret_balanced,
                          struct err *err);

/*
 * The receivers' half, as a listener counts it: absolute numbers since it started, per account and
 * app. A number never falls, so publishing again, or late, is harmless.
 */
struct queue_ledger_row {
    const char *account, *app;
    uint64_t received; // events, counted before admission
    uint64_t settled;  // their callers were told: kept, in Redis or on disk
    uint64_t refused;  // told 503
    uint64_t spooled;  // went to the disk (ever)
    uint64_t drained;  // came off it again (ever)
};
// Under this queue's incarnation. `done` comes once all rows are stored.
void queue_publish_ledger(struct queue *queue, const struct queue_ledger_row *rows, size_t count,
                          queue_done_fn done, void *arg);
// How many events this host's spool holds of a shard, for the audit. `host` names the spool.
void queue_publish_spool(struct queue *queue, unsigned shard, const char *host, uint64_t events);
// The rows of a process that is dead (blocking): nobody will answer what it had in hand.
MUST_USE bool queue_publish_gone(const char *url, const char *incarnation,
                                 const struct queue_ledger_row *rows, size_t count,
                                 struct err *err);

// Tells all workers that an account or a flow changed ("account:<key>", "flow:<id>"). Blocking.
MUST_USE bool queue_announce(const char *url, const char *what, struct err *err);
// Called in worker processes for each announcement (after queue_serve).
typedef void (*queue_change_fn)(void *arg, const char *what);
void queue_on_change(struct queue *queue, queue_change_fn fn, void *arg);
