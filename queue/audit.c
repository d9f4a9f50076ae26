// SPDX-License-Identifier: MIT
/*
 * The audit: do the two halves of the ledger, and what is really there, agree? The ledgers are
 * read, then all mailboxes are looked at, then the ledgers are read again. In a running system the
 * truth lies between the two readings, and only what is outside of them is wrong; at rest that is
 * exact. Counters only rise, so what does not balance for a moment (a listener publishes a second
 * late; a mailbox moved while it was looked for) does at the second or third try, and a loss never
 * does.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>

#include "queue/internal.h"

enum { TRIES = 3, PAUSE_MS = 1500 }; // longer than listeners take to publish

// One reading of an account's counters.
struct reading {
    bool published; // by any listener
    uint64_t received, settled, refused, unanswered, in_flight;
    uint64_t to_disk, from_disk;
    uint64_t shard_on_disk; // of all accounts of its shard, by what is really in the spools
    uint64_t admitted, duplicate, done, dead, retried, merged;
    uint64_t made; // by ourselves (admit_own.c): no listener received them
};

struct audited {
    char *account; // the key in `accounts`
    unsigned shard;
    struct reading before, after;
    uint64_t waiting;
    char problem[256];
    UT_hash_handle hh;
};

struct audit {
    redisContext *redis;
    unsigned shards;
    struct err *err;
    struct audited *accounts;
    uint64_t *on_disk; // by shard, at the present reading
};

/* --- reading -----------------------------------------------------------------------------------
 */

static struct audited *account_get(struct audit *audit, const char *account, size_t len)
{
    struct audited *audited;
    HASH_FIND(hh, audit->accounts, account, len, audited);
    if (audited)
        return audited;
    audited = x_alloc(sizeof(*audited));
    audited->account = x_dupn(account, len);
    audited->shard = shard_of_account(audited->account, audit->shards);
    HASH_ADD_KEYPTR(hh, audit->accounts, audited->account, len, audited);
    return audited;
}

static bool find_accounts(struct audit *audit)
{
    for (unsigned shard = 0; shard < audit->shards; shard++) {
        char prefix[16], key[32];
        shard_prefix(shard, prefix);
        snprintf(key, sizeof(key), "%saccounts", prefix);
        redisReply *reply = sync_words(audit->redis, audit->err, "SMEMBERS", key, (char *)NULL);
        if (!reply)
            return false;
        for (size_t i = 0; i < reply->elements; i++)
            account_get(audit, reply->element[i]->str, reply->element[i]->len);
        freeReplyObject(reply);
    }
    return true;
}

static redisReply *read_hash(struct audit *audit, const struct audited *audited, const char *suffix)
{
    char prefix[16];
    shard_prefix(audited->shard, prefix);
    char *key = x_printf("%s%s%s", prefix, suffix, audited->account);
    redisReply *reply = sync_words(audit->redis, audit->err, "HGETALL", key, (char *)NULL);
    free(key);
    return reply;
}

static bool read_ledger(struct audit *audit, const struct audited *audited, struct reading *r)
{
    redisReply *reply = read_hash(audit, audited, "ledger:");
    if (!reply)
        return false;
    const struct {
        const char *name;
        uint64_t *value;
    } fields[] = {{"admitted", &r->admitted}, {"duplicate", &r->duplicate}, {"done", &r->done},
                  {"dead", &r->dead},         {"retried", &r->retried},     {"merged", &r->merged},
                  {"made", &r->made}};
    for (size_t i = 0; i + 1 < reply->elements; i += 2)
        for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
            if (strcmp(reply_str(reply->element[i]), fields[k].name) == 0)
                *fields[k].value = (uint64_t)reply_int(reply->element[i + 1]);
    freeReplyObject(reply);
    return true;
}

static bool read_received(struct audit *audit, const struct audited *audited, struct reading *r)
{
    redisReply *reply = read_hash(audit, audited, "recv:");
    if (!reply)
        return false;
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        const char *row = reply_str(reply->element[i + 1]);
        uint64_t received, settled, refused, spooled, drained;
        if (sscanf(row, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &received,
                   &settled, &refused, &spooled, &drained) != 5)
            continue;
        uint64_t told = settled + refused;
        uint64_t open = received > told ? received - told : 0;
        r->published = true;
        r->received += received;
        r->settled += settled;
        r->refused += refused;
        r->to_disk += spooled;
        r->from_disk += drained;
        *(strstr(row, "gone") ? &r->unanswered : &r->in_flight) += open;
    }
    freeReplyObject(reply);
    return true;
}

// How many events the spools of all hosts hold.
static bool read_spools(struct audit *audit)
{
    for (unsigned shard = 0; shard < audit->shards; shard++) {
        char prefix[16], key[32];
        shard_prefix(shard, prefix);
        snprintf(key, sizeof(key), "%sspools", prefix);
        redisReply *reply = sync_words(audit->redis, audit->err, "HVALS", key, (char *)NULL);
        if (!reply)
            return false;
        audit->on_disk[shard] = 0;
        for (size_t i = 0; i < reply->elements; i++) {
            int64_t events = reply_int(reply->element[i]);
            audit->on_disk[shard] += events > 0 ? (uint64_t)events : 0;
        }
        freeReplyObject(reply);
    }
    return true;
}

/*
 * What the receivers say is read first on the way in and last on the way out: what they settled by
 * the first reading is in the ledger of the second, and what is in the ledger of the first was
 * received by the second.
 */
static bool read_before(struct audit *audit)
{
    struct audited *audited, *next;
    if (!read_spools(audit))
        return false;
    HASH_ITER(hh, audit->accounts, audited, next) {
        audited->before = (struct reading){0};
        audited->waiting = 0;
        if (!read_received(audit, audited, &audited->before) ||
            !read_ledger(audit, audited, &audited->before))
            return false;
        audited->before.shard_on_disk = audit->on_disk[audited->shard];
    }
    return true;
}

static bool read_after(struct audit *audit)
{
    struct audited *audited, *next;
    HASH_ITER(hh, audit->accounts, audited, next) {
        audited->after = (struct reading){0};
        if (!read_ledger(audit, audited, &audited->after))
            return false;
    }
    const struct timespec time = {.tv_sec = PAUSE_MS / 1000, .tv_nsec = PAUSE_MS % 1000 * 1000000L};
    nanosleep(&time, NULL);
    if (!read_spools(audit))
        return false;
    HASH_ITER(hh, audit->accounts, audited, next) {
        if (!read_received(audit, audited, &audited->after))
            return false;
        audited->after.shard_on_disk = audit->on_disk[audited->shard];
    }
    return true;
}

/* --- mailboxes ---------------------------------------------------------------------------------
 */

// The account of "hm:{07}:mb:platform:id:alias" or "…late:…"; false when it is another list.
static bool mailbox_account(const char *key, const char **ret_account, size_t *ret_len)
{
    if (strncmp(key, "hm:{", 4) != 0)
        return false;
    const char *name = strstr(key, "}:");
    if (!name)
        return false;
    name += 2;
    if (strncmp(name, "mb:", 3) == 0)
        name += 3;
    else if (strncmp(name, "late:", 5) == 0)
        name += 5;
    else
        return false;
    const char *id = strchr(name, ':');
    const char *end = id ? strchr(id + 1, ':') : NULL;
    if (!end)
        return false;
    *ret_account = name;
    *ret_len = (size_t)(end - name);
    return true;
}

// Adds the lengths of one page of lists, asked for in one go.
static bool add_lengths(struct audit *audit, const redisReply *keys)
{
    struct audited **asked = x_calloc(keys->elements + 1, sizeof(struct audited *));
    size_t count = 0;
    for (size_t i = 0; i < keys->elements; i++) {
        const char *account;
        size_t len;
        if (!mailbox_account(keys->element[i]->str, &account, &len))
            continue;
        asked[count++] = account_get(audit, account, len);
        redisAppendCommand(audit->redis, "LLEN %b", keys->element[i]->str, keys->element[i]->len);
    }
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        void *answer = NULL;
        ok = redisGetReply(audit->redis, &answer) == REDIS_OK;
        if (!ok)
            err_set(audit->err, ERR_UNAVAILABLE, "Redis: %s", audit->redis->errstr);
        int64_t n = ok ? reply_int(answer) : 0;
        asked[i]->waiting += n > 0 ? (uint64_t)n : 0;
        freeReplyObject(answer);
    }
    free((void *)asked);
    return ok;
}

static void free_accounts(struct audited **accounts)
{
    struct audited *audited, *next;
    HASH_ITER(hh, *accounts, audited, next) {
        HASH_DEL(*accounts, audited);
        free(audited->account);
        free(audited);
    }
}

// (A scan may show a key twice while Redis's table of keys grows: the next try is right.)
static bool look_at_mailboxes(struct audit *audit)
{
    char cursor[32] = "0";
    bool ok = true;
    do {
        redisReply *page = sync_words(audit->redis, audit->err, "SCAN", cursor, "TYPE", "list",
                                      "COUNT", "1000", (char *)NULL);
        ok = page && page->type == REDIS_REPLY_ARRAY && page->elements == 2;
        if (ok) {
            snprintf(cursor, sizeof(cursor), "%s", reply_str(page->element[0]));
            ok = add_lengths(audit, page->element[1]);
        }
        freeReplyObject(page);
    } while (ok && strcmp(cursor, "0") != 0);
    return ok;
}

/* --- judging -----------------------------------------------------------------------------------
 */

static uint64_t came_in(const struct reading *r)
{
    return r->admitted + r->retried + r->merged;
}

static uint64_t went_out(const struct reading *r)
{
    return r->done + r->dead;
}

/*
 * A process that dies between the disk and its ledger has not counted what it did. So the account's
 * count is never believed beyond what its shard's spools hold: with empty spools it is exactly 0.
 */
static uint64_t on_disk(const struct reading *r)
{
    uint64_t counted = r->to_disk > r->from_disk ? r->to_disk - r->from_disk : 0;
    return counted < r->shard_on_disk ? counted : r->shard_on_disk;
}

// Events that are, or are not, where the ledger says: how many are missing (< 0: too many).
static int64_t queue_lacks(const struct audited *a)
{
    int64_t least = (int64_t)(came_in(&a->before) - went_out(&a->after));
    int64_t most = (int64_t)(came_in(&a->after) - went_out(&a->before));
    int64_t waiting = (int64_t)a->waiting;
    return waiting < least ? least - waiting : waiting > most ? most - waiting : 0;
}

static int64_t receivers_lack(const struct audited *a)
{
    const struct reading *b = &a->before, *c = &a->after;
    if (!c->published)
        return 0;
    int64_t least = (int64_t)(b->received + b->made - b->unanswered - b->in_flight);
    uint64_t held = b->shard_on_disk > c->shard_on_disk ? b->shard_on_disk : c->shard_on_disk;
    int64_t found = (int64_t)(c->admitted + c->duplicate + b->refused + on_disk(b));
    if (found + (int64_t)(held - on_disk(b)) < least)
        return least - found;
    found = (int64_t)(b->admitted + b->duplicate + c->refused);
    int64_t most = (int64_t)(c->received + c->made);
    return found > most ? most - found : 0;
}

static void judge(struct audited *a)
{
    const struct reading *r = &a->after;
    int64_t queue = queue_lacks(a), receivers = receivers_lack(a);
    char first[120] = "", second[120] = "";
    if (queue != 0)
        snprintf(first, sizeof(first),
                 "%" PRId64 " %s: admitted + retried + merged = %" PRIu64
                 ", done + waiting + dead = %" PRIu64,
                 queue > 0 ? queue : -queue,
                 queue > 0 ? "missing from the mailboxes" : "too many in the mailboxes", came_in(r),
                 went_out(r) + a->waiting);
    if (receivers != 0)
        snprintf(second, sizeof(second),
                 "%" PRId64 " %s: received = %" PRIu64
                 ", admitted + duplicate + refused + spooled = %" PRIu64,
                 receivers > 0 ? receivers : -receivers,
                 receivers > 0 ? "received and found nowhere" : "too many for what was received",
                 r->received + r->made, r->admitted + r->duplicate + r->refused + on_disk(r));
    snprintf(a->problem, sizeof(a->problem), "%s%s%s", first, *first && *second ? "; " : "",
             second);
}

static bool judge_all(struct audit *audit)
{
    bool balanced = true;
    struct audited *audited, *next;
    HASH_ITER(hh, audit->accounts, audited, next) {
        judge(audited);
        balanced = balanced && !*audited->problem;
    }
    return balanced;
}

static void tell(const struct audited *a, queue_ledger_fn fn, void *arg)
{
    const struct reading *r = &a->after;
    struct queue_ledger ledger = {.account = a->account,
                                  .received = r->received + r->made,
                                  .refused = r->refused,
                                  .unanswered = r->unanswered,
                                  .in_flight = r->in_flight,
                                  .spooled = on_disk(r),
                                  .admitted = r->admitted,
                                  .duplicate = r->duplicate,
                                  .done = r->done,
                                  .dead = r->dead,
                                  .retried = r->retried,
                                  .merged = r->merged,
                                  .waiting = a->waiting,
                                  .balanced = !*a->problem,
                                  .problem = *a->problem ? a->problem : NULL};
    fn(arg, &ledger);
}

static int by_name(const struct audited *a, const struct audited *b)
{
    return strcmp(a->account, b->account);
}

bool queue_audit(const char *url, queue_ledger_fn fn, void *arg, bool *ret_balanced,
                 struct err *err)
{
    struct audit audit = {.err = err};
    audit.redis = sync_open_shards(url, &audit.shards, err);
    if (!audit.redis)
        return false;
    audit.on_disk = x_calloc(audit.shards, sizeof(*audit.on_disk));
    bool ok = true, balanced = false;
    // The first try only waits for what was not published yet: that could stand in for a loss.
    for (int i = 0; ok && !balanced && i < TRIES; i++) {
        ok = find_accounts(&audit) && read_before(&audit) && look_at_mailboxes(&audit) &&
             read_after(&audit);
        balanced = ok && judge_all(&audit) && i > 0;
    }
    if (ok) {
        HASH_SORT(audit.accounts, by_name);
        struct audited *audited, *next;
        HASH_ITER(hh, audit.accounts, audited, next) {
            tell(audited, fn, arg);
        }
        *ret_balanced = balanced;
    }
    free_accounts(&audit.accounts);
    free(audit.on_disk);
    redisFree(audit.redis);
    return ok;
}
