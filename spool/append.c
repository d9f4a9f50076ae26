// SPDX-License-Identifier: MIT
/*
 * Writing at the end of a shard, under its append lock: the bytes first, then fdatasync(), then the
 * words of the state that make them count. Whatever fails before that leaves the end where it was;
 * the bytes behind it are cut off, or, when not even that works, left behind in a segment that gets
 * no more (a page that could not be written is not dirty any more: a second fdatasync() of the same
 * file would say yes).
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "spool/internal.h"

bool shard_lock(struct store *store, unsigned shard)
{
    struct shard_files *files = &store->files[shard];
    if (!lock_take(files->append_lock))
        return false;
    if (!store_row(store, shard)->dirty || shard_mend(store, shard))
        return true;
    shard_unlock(store, shard);
    return false;
}

void shard_unlock(struct store *store, unsigned shard)
{
    int error = errno;
    lock_leave(store->files[shard].append_lock);
    errno = error;
}

static void append_fd_set(struct shard_files *files, int fd, uint32_t segment)
{
    if (files->append_fd >= 0)
        close(files->append_fd);
    files->append_fd = fd;
    files->append_segment = segment;
}

// Where the next bytes go.
struct target {
    uint32_t segment;
    uint64_t offset; // 0: the file is new and its header is still to be written
    int fd;
};

static bool target_open(struct store *store, unsigned shard, struct target *ret_target)
{
    struct shard_files *files = &store->files[shard];
    struct row *row = store_row(store, shard);
    uint64_t end = row->end;
    struct target target = {.segment = position_segment(end), .offset = position_offset(end)};
    char name[16];
    bool full = target.offset >= store->segment_bytes || (row->rotate && target.offset > 0);
    if (full)
        target = (struct target){.segment = target.segment + 1};
    segment_name(target.segment, name);
    if (target.offset == 0) {
        target.fd = openat(files->dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (target.fd < 0)
            return false;
        append_fd_set(files, target.fd, target.segment);
    } else if (files->append_fd < 0 || files->append_segment != target.segment) {
        target.fd = openat(files->dir_fd, name, O_RDWR | O_CLOEXEC);
        if (target.fd < 0)
            return false;
        append_fd_set(files, target.fd, target.segment);
    }
    target.fd = files->append_fd;
    *ret_target = target;
    return true;
}

// Lays out as many of the items as go into one write: at least one.
static size_t lay_out(struct store *store, unsigned shard, const struct target *target,
                      struct item **items, size_t count, uint64_t room, struct buf *out)
{
    struct row *row = store_row(store, shard);
    uint64_t seq = row->end_seq, events = row->end_events;
    if (target->offset == 0) {
        struct segment_header header;
        segment_header_fill(&header, shard, target->segment, row);
        buf_add(out, &header, sizeof(header));
    }
    size_t n = 0;
    while (n < count) {
        struct record_header *header = &items[n]->header;
        uint64_t size = sizeof(*header) + header->len;
        bool more = out->len + size <= room && out->len < CHUNK_BYTES &&
                    target->offset + out->len < store->segment_bytes;
        if (n > 0 && !more)
            break;
        record_header_fill(header, shard, target->segment, seq++, events);
        events += header->events;
        buf_add(out, header, sizeof(*header));
        buf_add(out, items[n]->body, header->len);
        n++;
    }
    return n;
}

static bool put_on_disk(struct store *store, unsigned shard, const struct target *target,
                        const struct buf *bytes)
{
    struct row *row = store_row(store, shard);
    struct shard_files *files = &store->files[shard];
    if (write_all(target->fd, bytes->data, bytes->len, target->offset) &&
        fdatasync(target->fd) == 0 && (target->offset > 0 || fsync(files->dir_fd) == 0))
        return true;
    int error = errno;
    bool no_room = error == ENOSPC || error == EDQUOT || error == EFBIG; // the pages are all right
    if (target->offset == 0) {
        char name[16];
        segment_name(target->segment, name);
        unlinkat(files->dir_fd, name, 0);
        append_fd_set(files, -1, 0);
    } else if (ftruncate(target->fd, (off_t)target->offset) != 0 || !no_room) {
        row->rotate = 1;
    }
    errno = error;
    return false;
}

static void advance(struct row *row, const struct target *target, struct item **items, size_t count,
                    size_t bytes)
{
    if (row->read >= row->end)
        row->oldest_ms = items[0]->header.at_ms;
    const struct record_header *last = &items[count - 1]->header;
    row->end_seq = last->seq + 1;
    row->end_events = last->events_before + last->events;
    row->end_bytes += bytes;
    if (target->offset == 0)
        row->rotate = 0;
    row->end = position(target->segment, target->offset + bytes);
}

static size_t append_chunk(struct store *store, unsigned shard, struct item **items, size_t count,
                           int *ret_error)
{
    struct row *row = store_row(store, shard);
    uint64_t used = store_disk_bytes(store);
    uint64_t first = SEGMENT_HEADER + RECORD_HEADER + items[0]->header.len;
    if (used + first > store->max_bytes) {
        *ret_error = SPOOL_FULL;
        return 0;
    }
    struct target target;
    struct buf bytes = {0};
    size_t n = 0;
    row->dirty = 1;
    bool ok = target_open(store, shard, &target);
    bool known = ok || errno != EEXIST; // else a segment that nobody knows of: look before the next
    if (ok) {
        n = lay_out(store, shard, &target, items, count, store->max_bytes - used, &bytes);
        ok = put_on_disk(store, shard, &target, &bytes);
        if (ok)
            advance(row, &target, items, n, bytes.len);
    }
    if (!ok)
        *ret_error = errno;
    if (known)
        row->dirty = 0;
    buf_deinit(&bytes);
    return ok ? n : 0;
}

size_t store_append(struct store *store, unsigned shard, struct item **items, size_t count,
                    int *ret_error)
{
    *ret_error = 0;
    if (!shard_lock(store, shard)) {
        *ret_error = errno;
        return 0;
    }
    size_t done = 0;
    while (done < count) {
        size_t n = append_chunk(store, shard, items + done, count - done, ret_error);
        if (n == 0)
            break;
        done += n;
    }
    shard_unlock(store, shard);
    return done;
}
