// SPDX-License-Identifier: MIT
/*
 * The disk spool: where a host's listeners put what they cannot give to Redis now. One directory
 * per host, shared by all its listener processes; per shard an append-only log of records in
 * segments.
 *
 *   <directory>/state        offsets and counts of each shard, mapped by every process
 *   <directory>/07/00000012  a segment of shard 7: records, oldest first
 *   <directory>/07/torn/…    what a crash left half-written or the disk broke: set aside, counted
 *   <directory>/ledger/…     what each listener process received, per account (ledger.h)
 *
 * A record is one call of admit.lua, the bytes of which the spool does not look into, behind a
 * header with length, CRC-32 and sequence. Appending is group commit: a thread of this process
 * writes what was handed in since, under the shard's file lock, and calls fdatasync() once for all
 * of it. A record is taken off (drained) only after the caller has said that Redis has it.
 *
 * Everything survives kill -9 at any instruction: locks are the kernel's (flock), offsets are
 * checked against the segments on opening and after the death of a lock's holder. After a power cut
 * a record may be drained twice, never lost; Redis knows it again.
 *
 * Threads: all calls from the loop's thread; none of them waits for the disk. Callbacks come on the
 * loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct event_base;
struct spool;

struct spool_config {
    const char *directory; // made when it is not there (0700)
    unsigned shards;       // ERR_CONFIG when the directory was made for another count; 0 = its own
    uint64_t max_bytes;    // of all shards together; 0 = 256 MiB
};

/*
 * Opens the directory (blocking), repairs what a crash left, starts the thread. ERR_CONFIG when it
 * cannot be used, with what to do.
 */
MUST_USE struct spool *spool_open(struct event_base *base, const struct spool_config *config,
                                  struct err *err);
// Writes what was handed in (waits for the disk); callbacks that are still to come fire, as ever:
// without err when their record is on disk.
void spool_close(struct spool *spool);

/*
 * True while this host holds records of the shard, or one is on its way there. No system call.
 *
 * What it is exact for. Whoever is told "on disk" sees, and every process of the host sees, true
 * from then on until Redis has the record: the end in the mapped state moves before the callback,
 * the front only after the caller said so. A record of this process counts from spool_append() on.
 * So an event that is handed in after another one was answered goes behind it: either the other one
 * is in Redis, or this says true. Between a process that sees false and sends to Redis, and another
 * that appends in the same moment, there is no order to keep: neither event was answered when the
 * other was handed in. (One process's own events: the caller hands in none directly while it has
 * one under way here, and the other way round; see queue/admit_spool.c.)
 */
bool spool_holds(const struct spool *spool, unsigned shard);
// A large record still fits. A disk that fails is another matter: only an append finds out that it
// works again.
bool spool_has_room(const struct spool *spool);

/*
 * Appends one record. `done` comes once: without err it is on disk. ERR_UNAVAILABLE: the spool is
 * full, or the disk failed. `events` is how many the record holds, for the counts.
 */
typedef void (*spool_done_fn)(void *arg, const struct err *err);
void spool_append(struct spool *spool, unsigned shard, const void *record, size_t len,
                  unsigned events, spool_done_fn done, void *arg);

/*
 * Draining. One process of the host drains a shard at a time: the first that asks, until it stops
 * or dies. `spool_next` reads the oldest record that is not drained (in the spool's thread) and
 * gives it to `next`, NULL when there is none or another process drains; the record is borrowed
 * until spool_drained() takes it off. Asked for again without that, the same one is given again.
 */
typedef void (*spool_next_fn)(void *arg, const void *record, size_t len);
void spool_next(struct spool *spool, unsigned shard, spool_next_fn next, void *arg);
void spool_drained(struct spool *spool, unsigned shard);
// The record that was given cannot be used: it is copied to torn/ and counted, and then taken off.
void spool_set_aside(struct spool *spool, unsigned shard);
// Lets another process drain the shard. A `next` that is still to come does not come.
void spool_leave(struct spool *spool, unsigned shard);

struct spool_status {
    uint64_t bytes, records, events; // that wait
    uint64_t torn;                   // records or tails that were set aside, ever
    int64_t oldest_ms;               // wall time of the oldest record, 0 = none
};
void spool_read_status(const struct spool *spool, unsigned shard, struct spool_status *ret_status);
unsigned spool_shards(const struct spool *spool);

/*
 * For the command line, without a loop: looks at a directory (blocking, changes nothing).
 * ret_shards status rows, x_calloc'ed; the caller frees.
 */
MUST_USE bool spool_inspect(const char *directory, struct spool_status **ret_rows,
                            unsigned *ret_shards, struct err *err);
// Reads every record and checks it; `bad` is called for each that is broken, with where.
typedef void (*spool_bad_fn)(void *arg, const char *where, const char *what);
MUST_USE bool spool_verify(const char *directory, spool_bad_fn bad, void *arg,
                           uint64_t *ret_records, struct err *err);
