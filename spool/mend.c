// SPDX-License-Identifier: MIT
/*
 * What a crash, a power cut or a broken disk left. The end: only the last segment can have one that
 * nobody knows of, since a segment gets a successor only when it is finished with. The front: the
 * state says what is drained; where that cannot be right, more is drained again rather than less.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "spool/internal.h"

// What a segment says about itself.
struct scan {
    uint64_t size;
    uint64_t good;                     // end of the last whole record
    uint64_t seq, events, bytes, base; // of the shard, at `good`; base: bytes at offset 0
    bool reached;                      // a record begins or ends at the offset that was asked for
};

static int segment_open(const struct store *store, unsigned shard, uint32_t number, int flags)
{
    char name[16];
    segment_name(number, name);
    return openat(store->files[shard].dir_fd, name, flags | O_CLOEXEC);
}

static enum found segment_scan(int fd, unsigned shard, uint32_t number, uint64_t asked,
                               struct scan *ret_scan)
{
    struct stat st;
    struct segment_header segment;
    if (fstat(fd, &st) != 0)
        return FOUND_ERROR;
    *ret_scan = (struct scan){.size = (uint64_t)st.st_size};
    enum found found = segment_header_read(fd, shard, number, &segment);
    if (found != FOUND)
        return found;
    struct scan scan = {.size = (uint64_t)st.st_size,
                        .good = SEGMENT_HEADER,
                        .seq = segment.base_seq,
                        .events = segment.base_events,
                        .base = segment.base_bytes,
                        .reached = asked <= SEGMENT_HEADER};
    for (uint64_t at = SEGMENT_HEADER; at < scan.size;) {
        struct record_header header;
        scan.reached = scan.reached || at == asked;
        found = record_read(fd, shard, number, at, scan.size, &header, NULL);
        if (found == FOUND_ERROR)
            return found;
        if (found == FOUND_BROKEN) { // one in the middle is the reader's affair
            at = record_find(fd, shard, number, at + 1, scan.size);
            continue;
        }
        at += sizeof(header) + header.len;
        scan.good = at;
        scan.seq = header.seq + 1;
        scan.events = header.events_before + header.events;
    }
    scan.reached = scan.reached || scan.good == asked;
    scan.bytes = scan.base + scan.good;
    *ret_scan = scan;
    return FOUND;
}

static bool cut_tail(struct store *store, unsigned shard, int fd, uint32_t number,
                     const struct scan *scan)
{
    return set_aside(store, shard, fd, number, scan->good, scan->size,
                     "a record that was not written to its end") &&
           ftruncate(fd, (off_t)scan->good) == 0 && fdatasync(fd) == 0;
}

// A file that does not even have its header.
static bool drop_segment(struct store *store, unsigned shard, int fd, uint32_t number,
                         const struct scan *scan)
{
    char name[16];
    segment_name(number, name);
    if (scan->size > 0 && !set_aside(store, shard, fd, number, 0, scan->size,
                                     "a segment whose header was not written to its end"))
        return false;
    return unlinkat(store->files[shard].dir_fd, name, 0) == 0;
}

// The last segment's scan; its number, 0 when there is none. false with errno.
static bool find_last(struct store *store, unsigned shard, uint32_t *ret_number,
                      struct scan *ret_scan)
{
    uint32_t *numbers = NULL;
    size_t count = 0;
    if (!segment_list(store->files[shard].dir_fd, &numbers, &count))
        return false;
    bool ok = true;
    *ret_number = 0;
    while (ok && count > 0 && *ret_number == 0) {
        uint32_t number = numbers[--count];
        int fd = segment_open(store, shard, number, O_RDWR);
        enum found found = fd < 0 ? FOUND_ERROR : segment_scan(fd, shard, number, 0, ret_scan);
        if (found == FOUND) {
            *ret_number = number;
            ok = ret_scan->good == ret_scan->size || cut_tail(store, shard, fd, number, ret_scan);
        } else {
            ok = found == FOUND_BROKEN && drop_segment(store, shard, fd, number, ret_scan);
        }
        int error = errno;
        if (fd >= 0)
            close(fd);
        errno = error;
    }
    free(numbers);
    return ok;
}

static void tell_lost(struct row *row, unsigned shard, uint64_t seq, uint64_t torn)
{
    if (row->end_seq <= seq || row->torn != torn)
        return; // nothing, or what was set aside says it
    uint64_t lost = row->end_seq - seq;
    atomic_fetch_add(&row->torn, lost);
    log_error("spool.lost", "error", "records that were on disk are not there any more", "shard",
              log_int(shard), "records", log_int((long long)lost), "hint",
              "the disk, or somebody who shortened or removed the files");
}

bool shard_mend(struct store *store, unsigned shard)
{
    struct row *row = store_row(store, shard);
    struct shard_files *files = &store->files[shard];
    uint32_t number;
    struct scan scan;
    uint64_t torn = row->torn;
    if (files->append_fd >= 0)
        close(files->append_fd);
    files->append_fd = -1;
    if (!find_last(store, shard, &number, &scan))
        return false;
    uint64_t read = row->read, end = row->end;
    uint32_t next = position_segment(end > read ? end : read);
    next += position_offset(end) > 0 || position_offset(read) > 0 || end != read;
    uint64_t found = position(next, 0);
    if (number == 0) {
        tell_lost(row, shard, read < end ? row->read_seq : row->end_seq, torn);
    } else {
        tell_lost(row, shard, scan.seq, torn);
        row->end_seq = scan.seq;
        row->end_events = scan.events;
        row->end_bytes = scan.bytes;
        found = position(number, scan.good);
        if (found < read) // nothing may be appended where it counts as drained
            found = position((next > number ? next : number) + 1, 0);
    }
    row->rotate = 0;
    row->end = found;
    row->dirty = 0;
    return true;
}

/* --- the front -------------------------------------------------------------------------------- */

static void read_set(struct row *row, uint64_t at, uint64_t seq, uint64_t events, uint64_t bytes)
{
    row->read_seq = seq;
    row->read_events = events;
    row->read_bytes = bytes;
    row->read = at;
}

// Nothing is here: everything is drained.
static void read_is_end(struct row *row)
{
    row->oldest_ms = 0;
    row->freed_bytes = (uint64_t)row->end_bytes;
    read_set(row, row->end, row->end_seq, row->end_events, row->end_bytes);
}

// Where reading begins in a segment: at `offset` when that is a place between two records, else at
// its first one.
static enum found read_place_in(struct row *row, int fd, unsigned shard, uint32_t number,
                                uint64_t offset)
{
    struct segment_header segment;
    struct record_header record;
    struct scan scan;
    struct stat st;
    uint64_t at = offset > SEGMENT_HEADER ? offset : SEGMENT_HEADER;
    if (fstat(fd, &st) != 0)
        return FOUND_ERROR;
    enum found found = segment_header_read(fd, shard, number, &segment);
    if (found != FOUND) { // its records may be whole
        row->read = position(number, at);
        return found;
    }
    row->freed_bytes = segment.base_bytes;
    if (position(number, at) == row->end) {
        read_set(row, row->end, row->end_seq, row->end_events, row->end_bytes);
        return FOUND;
    }
    found = record_read(fd, shard, number, at, (uint64_t)st.st_size, &record, NULL);
    if (found == FOUND_BROKEN) {
        found = segment_scan(fd, shard, number, at, &scan);
        if (found == FOUND && scan.reached && at == scan.good) {
            read_set(row, position(number, at), scan.seq, scan.events, scan.bytes);
            return FOUND;
        }
        bool keeps = found == FOUND && scan.reached; // the record there is what is broken
        at = keeps ? at : SEGMENT_HEADER;
        if (found == FOUND && !keeps)
            found = record_read(fd, shard, number, at, (uint64_t)st.st_size, &record, NULL);
        else if (found == FOUND)
            found = FOUND_BROKEN;
    }
    if (found == FOUND) {
        row->oldest_ms = record.at_ms;
        read_set(row, position(number, at), record.seq, record.events_before,
                 segment.base_bytes + at);
    } else if (found == FOUND_BROKEN) {
        row->read_bytes = segment.base_bytes + at;
        row->read = position(number, at);
    }
    return found;
}

static bool read_place(struct store *store, unsigned shard, uint32_t number, uint64_t offset)
{
    int fd = segment_open(store, shard, number, O_RDONLY);
    if (fd < 0)
        return false;
    enum found found = read_place_in(store_row(store, shard), fd, shard, number, offset);
    int error = errno;
    close(fd);
    errno = error;
    return found != FOUND_ERROR;
}

// Segments before `first` are drained. true: all of them are gone.
static bool free_before(struct store *store, unsigned shard, const uint32_t *numbers, size_t count,
                        uint32_t first)
{
    bool ok = true;
    for (size_t i = 0; i < count && numbers[i] < first; i++) {
        char name[16];
        segment_name(numbers[i], name);
        ok = unlinkat(store->files[shard].dir_fd, name, 0) == 0 && ok;
    }
    return ok;
}

bool shard_check_read(struct store *store, unsigned shard)
{
    struct row *row = store_row(store, shard);
    uint32_t *numbers = NULL;
    size_t count = 0, i = 0;
    if (!segment_list(store->files[shard].dir_fd, &numbers, &count))
        return false;
    uint32_t wanted = position_segment(row->read);
    while (i < count && numbers[i] < wanted)
        i++;
    bool ok = true;
    if (count == 0) {
        store->files[shard].first_segment = position_segment(row->end);
        read_is_end(row);
    } else {
        uint32_t number = i < count ? numbers[i] : numbers[0];
        uint64_t offset = number == wanted ? position_offset(row->read) : 0;
        store->files[shard].first_segment = number;
        ok = free_before(store, shard, numbers, count, number);
        ok = ok && read_place(store, shard, number, offset);
    }
    free(numbers);
    return ok;
}
