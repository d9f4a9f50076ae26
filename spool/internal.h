// SPDX-License-Identifier: MIT
/*
 * What the files of spool/ share. From below:
 *   record.c    a record in a segment: made, read, found again behind broken bytes, set aside
 *   state.c     the directory, the mapped state, the locks
 *   append.c    writing at the end of a shard
 *   mend.c      what a crash left: the end is looked for, the front checked
 *   take.c      reading from the front of a shard, taking off what is drained
 *   spool.c     the thread and the loop's side of it: the public calls
 *   inspect.c   the command line's look at a directory
 * All but spool.c block, and are called by the spool's thread (or before it starts).
 *
 * Who writes what in a shard's row of the mapped state: `end…` whoever holds the shard's append
 * lock; `read…` whoever holds its drain lock; both, who empties a shard. A position is one word,
 * segment << 32 | offset, stored after the words that go with it, so that nobody ever sees half of
 * one. `dirty` is set while the end is being moved: who gets the append lock and finds it set,
 * knows that its last holder died in the middle, and mends.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "spool/spool.h"

enum {
    SPOOL_SHARDS_MAX = 1024,
    SEGMENT_HEADER = 64,
    RECORD_HEADER = 56,
    SEGMENT_BYTES = 16 << 20,    // a segment that is as long as this gets a successor
    SEGMENT_BYTES_MIN = 1 << 16, // of a small spool
    CHUNK_BYTES = 4 << 20,       // about the most bytes of one write
    TAKE_RECORDS = 64,           // most records that are read ahead
    TAKE_BYTES = 256 << 10,      // likewise
    SPOOL_FULL = -1,             // beside the values of errno
};

/* --- on disk, in the machine's own byte order (the magic tells) ------------------------------- */

struct segment_header {
    uint32_t magic, version;
    uint32_t shard, number;
    uint64_t base_seq, base_events, base_bytes; // of the shard, since ever, up to here
    int64_t made_ms;
    uint64_t spare;
    uint32_t spare2, crc; // of the bytes above
};
struct record_header {
    uint32_t magic, len; // of the body, which follows
    uint32_t shard, segment;
    uint64_t seq, events_before; // of the shard, since ever
    int64_t at_ms;
    uint32_t events, body_crc;
    uint32_t spare, crc; // of the bytes above
};
_Static_assert(sizeof(struct segment_header) == SEGMENT_HEADER, "on disk");
_Static_assert(sizeof(struct record_header) == RECORD_HEADER, "on disk");

// A shard in the mapped state. Counts are since ever; what waits is a difference.
struct row {
    _Atomic uint64_t end, end_seq, end_events, end_bytes;
    _Atomic uint64_t read, read_seq, read_events, read_bytes;
    _Atomic uint64_t freed_bytes; // of segments that are deleted
    _Atomic uint64_t torn;        // set aside
    _Atomic int64_t oldest_ms;    // 0 = not known
    _Atomic uint32_t dirty, rotate;
    uint64_t spare[4];
};
_Static_assert(sizeof(struct row) == 128, "on disk");

struct state {
    uint32_t magic, version, shards, spare;
    char boot[48]; // the boot in which this was last opened
    char pad[4096 - 64];
    struct row rows[];
};

static inline uint64_t position(uint32_t segment, uint64_t offset)
{
    return (uint64_t)segment << 32 | offset;
}
static inline uint32_t position_segment(uint64_t at)
{
    return (uint32_t)(at >> 32);
}
static inline uint64_t position_offset(uint64_t at)
{
    return at & UINT32_MAX;
}

/* --- state.c ---------------------------------------------------------------------------------- */

// What this process has open of a shard. -1 = not open.
struct shard_files {
    int dir_fd, append_lock, drain_lock;
    int append_fd;
    uint32_t append_segment;
    bool draining; // we hold the drain lock
    int read_fd;
    uint32_t read_segment, first_segment; // the latter: none is older
    uint64_t read_base;                   // base_bytes of read_segment
    uint64_t at;                          // next byte to read
};
struct store {
    char *directory;
    int dir_fd, lock_fd;
    unsigned shards;
    uint64_t max_bytes, segment_bytes;
    struct state *state; // mapped, shared by the processes of the host
    size_t state_len;
    struct shard_files *files;
};
MUST_USE bool store_open(struct store *store, const struct spool_config *config, struct err *err);
void store_close(struct store *store);
uint64_t store_disk_bytes(const struct store *store); // of all segments
static inline struct row *store_row(const struct store *store, unsigned shard)
{
    return &store->state->rows[shard];
}
// Waits for the lock; false with errno. A dirty shard is mended by whoever gets it (mend.c).
MUST_USE bool lock_take(int fd);
MUST_USE bool lock_try(int fd);
void lock_leave(int fd);
void state_status(const struct row *row, struct spool_status *ret_status);
// Maps a state file; NULL with err. For looking only when not `writable`.
MUST_USE struct state *state_map(int dir_fd, bool writable, size_t *ret_len, struct err *err);

/* --- record.c --------------------------------------------------------------------------------- */

enum found { FOUND, FOUND_BROKEN, FOUND_ERROR }; // the last: errno says what

void segment_name(uint32_t number, char out[16]);
// The numbers of a shard's segments, ascending; the caller frees. false with errno.
MUST_USE bool segment_list(int dir_fd, uint32_t **ret_numbers, size_t *ret_count);
void segment_header_fill(struct segment_header *header, unsigned shard, uint32_t number,
                         const struct row *row);
enum found segment_header_read(int fd, unsigned shard, uint32_t number,
                               struct segment_header *ret_header);
void record_header_fill(struct record_header *header, unsigned shard, uint32_t segment,
                        uint64_t seq, uint64_t events_before);
/*
 * The record at `offset`, which must end by `limit`. ret_body gets the body (cleared first), or is
 * NULL.
 */
enum found record_read(int fd, unsigned shard, uint32_t segment, uint64_t offset, uint64_t limit,
                       struct record_header *ret_header, struct buf *ret_body);
// The next whole record at or after `from`; `limit` when there is none.
uint64_t record_find(int fd, unsigned shard, uint32_t segment, uint64_t from, uint64_t limit);
uint32_t record_crc(const void *data, size_t len);
bool read_all(int fd, void *data, size_t len, uint64_t offset); // false: errno, 0 = too short
bool write_all(int fd, const void *data, size_t len, uint64_t offset);
// Copies the bytes to torn/ and counts them. false with errno: nothing may be dropped then.
MUST_USE bool set_aside(struct store *store, unsigned shard, int fd, uint32_t segment,
                        uint64_t from, uint64_t to, const char *why);

/* --- append.c, mend.c ------------------------------------------------------------------------- */

// One record on its way to the disk.
struct item {
    struct item *prev, *next;
    unsigned shard;
    int error; // 0, SPOOL_FULL or errno
    spool_done_fn done;
    void *arg;
    struct record_header header; // len, events, at_ms and body_crc are filled
    char body[];
};
/*
 * Appends the items of a shard in order, with one fdatasync() for each segment. How many of them,
 * from the front, are on disk; *ret_error says why not all.
 */
size_t store_append(struct store *store, unsigned shard, struct item **items, size_t count,
                    int *ret_error);
// Takes the append lock, and mends when its last holder died. false with errno.
MUST_USE bool shard_lock(struct store *store, unsigned shard);
void shard_unlock(struct store *store, unsigned shard);
// Finds the end anew; with the append lock. false with errno: still dirty.
MUST_USE bool shard_mend(struct store *store, unsigned shard);
// Puts `read…` to a place where a record begins; with both locks: what is appended meanwhile would
// be passed over. false with errno.
MUST_USE bool shard_check_read(struct store *store, unsigned shard);

/* --- take.c ----------------------------------------------------------------------------------- */

// One record that was read; and where the front is when it is drained.
struct taken {
    struct taken *prev, *next;
    uint64_t after, after_seq, after_events, after_bytes;
    int64_t at_ms;
    uint64_t from; // where it begins
    bool aside;    // Redis does not take it: goes to torn/ before it counts as drained
    size_t len;
    char body[];
};
/*
 * Appends to the list what comes next, up to TAKE_RECORDS; nothing when the shard is empty or
 * another process drains. false with errno.
 */
MUST_USE bool store_take(struct store *store, unsigned shard, struct taken **list);
// The records up to `taken` are drained. `next_ms`: time of the one after it, 0 = not known. false
// with errno: it was to be set aside, and could not.
MUST_USE bool store_drained(struct store *store, unsigned shard, const struct taken *taken,
                            int64_t next_ms);
void store_leave(struct store *store, unsigned shard);
