// SPDX-License-Identifier: MIT
/*
 * What the files of queue/ share. From below:
 *   url.c    redis://… → parts            cmd.c    a command in Redis's protocol, built piece by
 * piece sync.c   blocking connection          link.c   asynchronous connection that re-opens itself
 *   call.c   the ordered list of unanswered calls on the main link
 *   admit.c, admit_spool.c, work_claim.c, work.c, pause.c, publish.c, serve.c, timers.c, room.c;
 *   blocking: account.c, admin.c, chat.c, audit.c, stats.c: the public calls, by concern
 * One thread: the loop's.
 */
#pragma once

#include <event2/event.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include "base/buf.h"
#include "base/err.h"
#include "queue/queue.h"

enum {
    QUEUE_TICK_MS = 250,        // looks at deadlines, dead connections and Redis's memory
    QUEUE_SILENCE_MS = 5000,    // no answer to anything for so long: the connection is dead
    QUEUE_SHARDS_MAX = 1024,    // two to four digits in the keys
    QUEUE_SEEN_BUCKETS = 65536, // per day, over all shards (see admit.c)
    QUEUE_SENT_BUCKETS = 4 * QUEUE_SEEN_BUCKETS, // per four days, likewise (see sent.lua)
    QUEUE_ADMIT_EVENTS = 256,      // most events of one admit: a script must not hold up Redis
    QUEUE_ADMIT_BYTES = 1 << 20,   // likewise
    QUEUE_BACKLOG_BYTES = 64 << 20 // most bytes that wait to be admitted
};

// Most admits of a shard under way. admit.lua has to know a repeat among so many again, and to run
// one of them that it has not seen after a later one was served.
enum { QUEUE_ADMIT_CALLS = 4 };

enum { GATHER_LEAST_MS = 10 }; // between two records of a shard, under load

/* --- url.c ------------------------------------------------------------------------------------ */

struct redis_url {
    char *host; // NULL with a unix socket
    int port;
    char *path;     // of the unix socket, or NULL
    char *user;     // or NULL
    char *password; // or NULL
    int db;
};
// err never repeats the URL: it may hold a password.
MUST_USE bool redis_url_parse(const char *text, struct redis_url *ret_url, struct err *err);
void redis_url_deinit(struct redis_url *url); // wipes the password

/* --- cmd.c ------------------------------------------------------------------------------------ */

// A zeroed struct is an empty command.
struct cmd {
    struct buf body;
    unsigned count; // of arguments
};
void cmd_add(struct cmd *cmd, const void *data, size_t len);
void cmd_add_str(struct cmd *cmd, const char *s); // NULL = ""
void cmd_add_int(struct cmd *cmd, int64_t n);
void cmd_append(struct cmd *cmd, struct cmd *tail); // moves the arguments of `tail`
char *cmd_take(struct cmd *cmd, size_t *ret_len);   // the bytes to send; caller frees
void cmd_deinit(struct cmd *cmd);

/* --- scripts (the table is made at build time, see embed.py) -----------------------------------
 */

enum script_id {
    SCRIPT_ADMIT,
    SCRIPT_CLAIM,
    SCRIPT_JOURNAL,
    SCRIPT_FINISH,
    SCRIPT_SETTLE,
    SCRIPT_SWEEP,
    SCRIPT_BEAT,
    SCRIPT_LEAVE,
    SCRIPT_RELEASE,
    SCRIPT_BURY,
    SCRIPT_RETRY,
    SCRIPT_PAUSE,
    SCRIPT_PUBLISH,
    SCRIPT_ACCOUNT,
    SCRIPT_COUNT,
};
struct script {
    const char *name;
    const char *source;
};
extern const struct script script_table[];

// "hm:{07}:"
void shard_prefix(unsigned shard, char out[16]);

/* --- sync.c ----------------------------------------------------------------------------------- */

// Connected, authenticated, database selected; NULL with err.
MUST_USE redisContext *sync_open(const struct redis_url *url, int64_t timeout_ms, struct err *err);
// The next call is answered before `until_ms` (clock_mono_ms()), or fails; false when that is over.
MUST_USE bool sync_patience(redisContext *redis, int64_t until_ms, struct err *err);
MUST_USE redisContext *sync_open_text(const char *url, struct err *err);
/*
 * Sends the command (emptied) and returns the answer, which is no error; the caller frees it. NULL
 * with err.
 */
MUST_USE redisReply *sync_call(redisContext *redis, struct cmd *cmd, struct err *err);
// The same for a command of plain words.
MUST_USE redisReply *sync_words(redisContext *redis, struct err *err, ...)
    __attribute__((sentinel));
// 0 when none is stored.
MUST_USE bool sync_shards(redisContext *redis, unsigned *ret_shards, struct err *err);
// An open connection and the shard count that is in force: ERR_CONFIG when there is none.
MUST_USE redisContext *sync_open_shards(const char *url, unsigned *ret_shards, struct err *err);

// Redis's clock.
MUST_USE bool sync_now(redisContext *redis, int64_t *ret_ms, struct err *err);

// Which of ours an error answer is.
void reply_error(const char *text, struct err *err);
// Redis cannot serve anybody right now, or does not know the scripts: connecting anew and asking
// again is what helps.
bool reply_error_passes(const char *text);
// The string, or NULL when there is none.
const char *reply_str(const redisReply *reply);
// The integer, or a string that is one; -1 otherwise.
int64_t reply_int(const redisReply *reply);

/* --- link.c ----------------------------------------------------------------------------------- */

enum link_state {
    LINK_CLOSED,     // never opened, or closed for good
    LINK_WAITING,    // `retry` runs; no context
    LINK_CONNECTING, // the context is not connected yet
    LINK_GREETING,   // authentication and scripts are under way
    LINK_READY,      // calls may be sent
};
struct queue_link {
    struct queue *queue;
    const char *name; // for logs
    unsigned shard;   // of a wake link
    bool scripts;     // greets with SCRIPT LOAD: the main link
    enum link_state state;
    redisAsyncContext *ac;
    struct event *retry;
    int64_t backoff_ms;
    bool told;          // its loss was logged; once until it has served again
    bool told_none;     // that Redis has no shard count was logged
    int64_t since_ms;   // clock_mono_ms() of the last sign of life
    unsigned greetings; // answers that are still to come
    void (*on_ready)(struct queue_link *link);
    void (*on_down)(struct queue_link *link); // was not down before
};
void link_open(struct queue_link *link);
void link_close(struct queue_link *link);                 // for good; no callback
void link_served(struct queue_link *link);                // a good answer came
void link_drop(struct queue_link *link, const char *why); // connects again after the back-off
// Sends a command on a link that is ready. `fn` may get a NULL reply, when the context ends.
void link_send(struct queue_link *link, const char *cmd, size_t len, redisCallbackFn *fn);

/* --- call.c: the main link's calls ---------------------------------------------------------------
 */

// reply is no error, or NULL with err. Frees what it needs to of `arg`. Never called inside
// queue_call().
typedef void (*call_fn)(struct queue *queue, void *arg, const redisReply *reply,
                        const struct err *err);
struct call {
    struct call *prev, *next;
    char *cmd;
    size_t len;
    bool sent;           // on the present connection
    int64_t deadline_ms; // clock_mono_ms() when it fails with ERR_UNAVAILABLE; 0 = waits for ever
    call_fn fn;          // NULL: was told already, nobody waits
    bool owed;           // call_forget() was called: counted in queue->owed
    void *arg;
};
// Starts a call of a script: EVALSHA sha 1 prefix. Arguments are added to it.
struct cmd call_script(const struct queue *queue, enum script_id script, unsigned shard);
// Takes the command's bytes. Calls are sent, and sent again, in the order of this.
struct call *queue_call(struct queue *queue, struct cmd *cmd, call_fn fn, void *arg);
void calls_ready(struct queue_link *link);
void calls_down(struct queue_link *link);
void calls_tick(struct queue *queue, int64_t now_ms);
void call_forget(struct queue *queue, struct call *call); // its owner is told nothing any more
bool calls_cancel(struct queue *queue);                   // true: somebody was told

/* --- the queue ---------------------------------------------------------------------------------
 */

struct delivery;      // admit.c
struct pending_event; // admit.c
struct pending_claim; // work_claim.c
struct local_timer;   // timers.c

// The events of one admit that is under way: to Redis, or to the disk.
struct batch {
    struct batch *prev, *next;
    struct queue *queue; // NULL: the queue was freed, nobody waits
    unsigned shard;
    size_t count, bytes;
    int64_t give_up_ms; // clock_mono_ms() when it goes to the disk instead
    struct call *call;  // NULL: the spool has it
    struct buf record;  // what it has, kept for whoever watches
    struct delivery *deliveries[QUEUE_ADMIT_EVENTS];
};

// Bringing a shard's spooled records to Redis (admit_spool.c).
struct drain {
    struct queue *queue;
    unsigned shard;
    enum { DRAIN_IDLE, DRAIN_ASKED, DRAIN_SENT } state;
    const char *record; // in hand; the spool's
    size_t len;
    struct call *call; // DRAIN_SENT
    unsigned refusals; // of the record in hand
};

struct shard {
    struct pending_event *events;    // collected, not under way
    size_t event_count, event_bytes; // of them
    int64_t spooled_ms;              // clock_mono_ms() when events last went to the disk
    int64_t gather_ms;               // that long is then between two records (spool_is_due)
    struct batch *batches;           // under way, oldest first: in Redis's hands, or the spool's
    unsigned under_way;              // count of them
    struct drain drain;
    struct pending_claim *claims; // the head is under way
    int64_t lease_ms;             // clock_mono_ms() when the confirmed lease ends
    int64_t beat_ms;              // when the present heartbeat was asked for; 0 = none under way
    struct queue_link wake;
};

struct queue {
    struct event_base *base;
    struct redis_url url;
    int64_t give_up_ms, lease_ms;
    unsigned high_water, low_water; // percent
    uint64_t max_waiting;
    char *incarnation;
    unsigned shard_count;
    struct shard *shards;
    char sha[SCRIPT_COUNT][41];
    bool began_away;     // Redis could not be reached at the start
    bool counted;        // a Redis has said that shard_count is in force
    int64_t other_count; // what Redis has instead, while that is so; 0 = it has not

    struct queue_link main;
    struct call *calls;  // unanswered, oldest first
    size_t owed;         // of them: forgotten admits, which Redis has still to answer
    int64_t next_number; // of calls that carry one
    struct event *tick;
    enum queue_room room, room_memory, room_waiting; // the worse of the two marks, and each
    uint64_t waiting;
    bool asking_room;
    bool closing;

    int64_t answer_ms;
    struct spool *spool; // borrowed, or NULL
    queue_spool_fn watch_spool;
    void *watch_spool_arg;
    struct delivery *deliveries; // oldest first
    size_t backlog;              // bytes that wait to be admitted
    struct event *flush;
    struct event *gather; // a shard waits with its events (spool_is_due)

    queue_wake_fn wake;
    void *wake_arg;
    queue_change_fn change;
    void *change_arg;
    bool leased;  // queue_serve() was called: a lease is kept until queue_free()
    bool serving; // until queue_stop_serving()
    struct queue_link changes;
    struct event *beat, *sweep;
    struct local_timer *timers;
};

// Deadline of deliveries, and sending what was collected (admit.c).
void admit_init(struct queue *queue, const struct queue_config *config);
void admit_flush(struct queue *queue);
void admit_tick(struct queue *queue, int64_t now_ms);
void admit_down(struct queue *queue);   // the connection is lost
void admit_close(struct queue *queue);  // the spool, if any, gets what Redis has not answered
bool admit_cancel(struct queue *queue); // true: somebody was told
// Whether anything may come in from outside now.
MUST_USE bool admit_allowed(const struct queue *queue, struct err *err);
// Calls back with err, at the end of the loop's turn.
void admit_refuse(struct queue *queue, const struct err *err, queue_admit_fn done, void *arg);
// The bucket of `seen before` ("day:hex") of an event, and its hash.
void admit_seen(const struct queue *queue, const char *account, const char *dedup_key,
                int64_t timestamp_ms, char ret_bucket[48], uint8_t ret_hash[16]);
void seen_bucket(unsigned shard_count, const char *account, const char *dedup_key,
                 int64_t timestamp_ms, char ret_bucket[48], uint8_t ret_hash[16]);

// The bucket of an id that we sent, or that an echo names, and its hash (sent.lua); "" when id is
// NULL.
void sent_bucket(unsigned shard_count, const char *account, const char *id, char ret_bucket[16],
                 uint8_t ret_hash[16]);

enum { HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS }; // the windows of budgets

// The arguments of journal.lua that say what is spent; and what it refused.
void spend_add(struct cmd *cmd, const struct queue_spend *spend);
MUST_USE bool refusal_read(const redisReply *reply, struct queue_refusal *ret_refusal);
// What is counted of a window (spend.lua): zeros when `text` is of another one. ret_reserved may be
// NULL.
void counts_read(const char *text, int64_t window, int64_t ret_used[QUEUE_COUNTED],
                 int64_t *ret_reserved);

void room_tick(struct queue *queue); // asks Redis what queue_room() goes by
// The events have an answer: a letter for each, or err, or, without both, they are on disk. Frees
// the batch.
void batch_end(struct batch *batch, const char *letters, const struct err *err);
void shard_flush(struct queue *queue, unsigned shard); // sends what was collected, if that may be

// What goes to the disk, and comes from it (admit_spool.c).
bool spool_is_first(const struct queue *queue, unsigned shard); // the direct way is closed
// What was collected may go to the disk; else it waits for more, and is flushed again soon.
bool spool_is_due(struct queue *queue, unsigned shard);
void spool_batch(struct batch *batch, struct cmd *args); // args are emptied
void spool_sent(struct queue *queue, unsigned shard);    // what Redis has not answered goes
void drain_kick(struct queue *queue, unsigned shard);
void drain_stop(struct queue *queue, unsigned shard);

bool claim_cancel(struct queue *queue); // true: somebody was told
// The shard of "platform:id" or "platform:id:alias"; false when it is neither.
bool shard_of_key(const struct queue *queue, const char *key, unsigned *ret_shard);
unsigned shard_of_account(const char *account, unsigned shard_count);

void serve_tick(struct queue *queue, int64_t now_ms);
void serve_close(struct queue *queue); // leaves, and closes the links
void serve_sweep(struct queue *queue, unsigned shard, const char *what);

// A timer of this shard is due in delay_ms: sweeps then, without waiting for the sweeper.
void local_timer_arm(struct queue *queue, unsigned shard, int64_t delay_ms);
void local_timer_cancel_all(struct queue *queue);
