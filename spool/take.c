// SPDX-License-Identifier: MIT
/*
 * Reading a shard from its front, and taking off what is drained. One process at a time holds the
 * shard's drain lock. Broken bytes are set aside and passed over: what comes behind them goes on.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "base/log.h"
#include "spool/internal.h"

static void read_fd_close(struct shard_files *files)
{
    if (files->read_fd >= 0)
        close(files->read_fd);
    files->read_fd = -1;
}

static bool drain_begin(struct store *store, unsigned shard)
{
    struct shard_files *files = &store->files[shard];
    if (files->draining)
        return true;
    if (!lock_try(files->drain_lock))
        return false;
    bool ok = lock_take(files->append_lock) && shard_check_read(store, shard);
    shard_unlock(store, shard);
    if (!ok) {
        int error = errno;
        lock_leave(files->drain_lock);
        errno = error;
        return false;
    }
    files->at = store_row(store, shard)->read;
    files->draining = true;
    return true;
}

void store_leave(struct store *store, unsigned shard)
{
    struct shard_files *files = &store->files[shard];
    if (!files->draining)
        return;
    read_fd_close(files);
    files->draining = false;
    lock_leave(files->drain_lock);
}

// Opens the segment that `at` is in, or the next one that there is up to `end`; `at` moves to it.
static bool read_fd_open(struct store *store, unsigned shard, uint64_t end)
{
    struct shard_files *files = &store->files[shard];
    struct row *row = store_row(store, shard);
    uint32_t number = position_segment(files->at);
    if (files->read_fd >= 0 && files->read_segment == number)
        return true;
    read_fd_close(files);
    while (files->read_fd < 0 && number <= position_segment(end)) {
        char name[16];
        segment_name(number, name);
        files->read_fd = openat(files->dir_fd, name, O_RDONLY | O_CLOEXEC);
        if (files->read_fd < 0 && errno != ENOENT)
            return false;
        if (files->read_fd < 0)
            number++;
    }
    if (files->read_fd < 0) { // there is nothing any more
        files->at = end;
        return true;
    }
    struct segment_header header;
    enum found found = segment_header_read(files->read_fd, shard, number, &header);
    if (found == FOUND_ERROR)
        return false;
    files->read_segment = number;
    files->read_base = found == FOUND ? header.base_bytes : (uint64_t)row->read_bytes;
    if (number != position_segment(files->at) || position_offset(files->at) < SEGMENT_HEADER)
        files->at = position(number, SEGMENT_HEADER);
    return true;
}

// Reads what is at `at`. *ret_taken is NULL when that was broken, and is set aside now.
static bool read_one(struct store *store, unsigned shard, uint64_t limit, struct buf *body,
                     struct taken **ret_taken)
{
    struct shard_files *files = &store->files[shard];
    uint32_t segment = files->read_segment;
    uint64_t offset = position_offset(files->at);
    struct record_header header;
    enum found found = record_read(files->read_fd, shard, segment, offset, limit, &header, body);
    *ret_taken = NULL;
    if (found == FOUND_ERROR)
        return false;
    if (found == FOUND_BROKEN) {
        uint64_t next = record_find(files->read_fd, shard, segment, offset + 1, limit);
        if (!set_aside(store, shard, files->read_fd, segment, offset, next,
                       "a record that does not have its checksum"))
            return false;
        files->at = position(segment, next);
        return true;
    }
    struct taken *taken = x_alloc(sizeof(*taken) + header.len + 1);
    taken->len = header.len;
    if (header.len > 0)
        memcpy(taken->body, body->data, header.len);
    taken->at_ms = header.at_ms;
    taken->from = files->at;
    offset += sizeof(header) + header.len;
    taken->after = files->at = position(segment, offset);
    taken->after_seq = header.seq + 1;
    taken->after_events = header.events_before + header.events;
    taken->after_bytes = files->read_base + offset;
    *ret_taken = taken;
    return true;
}

// Up to where the segment that is being read has records.
static bool read_limit(struct store *store, unsigned shard, uint64_t end, uint64_t *ret_limit)
{
    struct shard_files *files = &store->files[shard];
    struct stat st;
    if (files->read_segment == position_segment(end)) {
        *ret_limit = position_offset(end);
        return true;
    }
    if (fstat(files->read_fd, &st) != 0)
        return false;
    *ret_limit = (uint64_t)st.st_size;
    return true;
}

static bool take_some(struct store *store, unsigned shard, struct taken **list, struct buf *body)
{
    struct shard_files *files = &store->files[shard];
    size_t bytes = 0;
    for (int n = 0; n < TAKE_RECORDS && bytes < TAKE_BYTES;) {
        uint64_t end = store_row(store, shard)->end, limit;
        struct taken *taken = NULL;
        if (files->at >= end)
            return true;
        if (!read_fd_open(store, shard, end))
            return false;
        if (files->read_fd < 0) // there is nothing any more: `at` is the end
            continue;
        if (!read_limit(store, shard, end, &limit))
            return false;
        if (position_offset(files->at) >= limit) {
            files->at = position(files->read_segment + 1, 0);
            continue;
        }
        if (!read_one(store, shard, limit, body, &taken))
            return false;
        if (!taken)
            continue;
        DL_APPEND(*list, taken);
        bytes += taken->len;
        n++;
    }
    return true;
}

/*
 * The end was reached and everything before it is drained: the last segment goes, too. Not when
 * somebody appends just now; it is tried again after the next record.
 */
static void free_last(struct store *store, unsigned shard)
{
    struct shard_files *files = &store->files[shard];
    struct row *row = store_row(store, shard);
    if (!lock_try(files->append_lock))
        return;
    uint64_t end = row->end;
    if (!row->dirty && row->read == end && position_offset(end) > 0) {
        char name[16];
        segment_name(position_segment(end), name);
        row->dirty = 1;
        if (unlinkat(files->dir_fd, name, 0) == 0 || errno == ENOENT) {
            uint64_t next = position(position_segment(end) + 1, 0);
            row->freed_bytes = (uint64_t)row->end_bytes;
            row->read_bytes = (uint64_t)row->end_bytes;
            row->oldest_ms = 0;
            row->read = next;
            row->end = next;
            files->at = next;
            read_fd_close(files);
        }
        row->dirty = 0;
    }
    lock_leave(files->append_lock);
}

static void free_segments(struct store *store, unsigned shard, uint64_t base)
{
    struct shard_files *files = &store->files[shard];
    uint32_t first = position_segment(store_row(store, shard)->read);
    if (files->first_segment >= first)
        return;
    for (; files->first_segment < first; files->first_segment++) {
        char name[16];
        segment_name(files->first_segment, name);
        if (unlinkat(files->dir_fd, name, 0) != 0 && errno != ENOENT)
            return; // tried again with the next segment
    }
    store_row(store, shard)->freed_bytes = base;
}

static bool copy_refused(struct store *store, unsigned shard, const struct taken *taken)
{
    struct shard_files *files = &store->files[shard];
    uint32_t segment = position_segment(taken->from);
    char name[16];
    segment_name(segment, name);
    int fd = openat(files->dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = set_aside(store, shard, fd, segment, position_offset(taken->from),
                        position_offset(taken->from) + RECORD_HEADER + taken->len,
                        "a record that Redis does not take");
    int error = errno;
    close(fd);
    errno = error;
    return ok;
}

bool store_drained(struct store *store, unsigned shard, const struct taken *taken, int64_t next_ms)
{
    struct row *row = store_row(store, shard);
    if (!store->files[shard].draining)
        return true;
    if (taken->aside && !copy_refused(store, shard, taken))
        return false;
    row->read_seq = taken->after_seq;
    row->read_events = taken->after_events;
    row->read_bytes = taken->after_bytes;
    if (next_ms > 0)
        row->oldest_ms = next_ms;
    row->read = taken->after;
    free_segments(store, shard, taken->after_bytes - position_offset(taken->after));
    if (row->read == row->end)
        free_last(store, shard);
    return true;
}

// Broken bytes at the end belong to the record before them, or, without one, are passed at once.
static void pass_broken(struct store *store, unsigned shard, struct taken *last)
{
    struct shard_files *files = &store->files[shard];
    struct row *row = store_row(store, shard);
    if (files->at < row->end)
        return;
    if (last && last->after < files->at) {
        last->after_seq = (uint64_t)row->end_seq;
        last->after_events = (uint64_t)row->end_events;
        last->after_bytes = (uint64_t)row->end_bytes;
        last->after = files->at;
    } else if (!last && row->read < files->at) {
        row->read_seq = (uint64_t)row->end_seq;
        row->read_events = (uint64_t)row->end_events;
        row->read_bytes = (uint64_t)row->end_bytes;
        row->read = files->at;
        free_last(store, shard);
    }
}

bool store_take(struct store *store, unsigned shard, struct taken **list)
{
    errno = 0;
    if (!drain_begin(store, shard))
        return errno == EWOULDBLOCK;
    struct buf body = {0};
    struct taken *mine = NULL;
    bool ok = take_some(store, shard, &mine, &body);
    int error = errno;
    buf_deinit(&body);
    if (ok)
        pass_broken(store, shard, mine ? mine->prev : NULL);
    DL_CONCAT(*list, mine);
    errno = error;
    return ok || mine;
}
