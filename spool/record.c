// SPDX-License-Identifier: MIT
/*
 * Records and segments as they are on disk. Both headers have a checksum of their own, so a length
 * is believed only when its header is whole; shard, segment and sequence are in it, so bytes that
 * an older file left in the same blocks are not taken for a record.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "spool/internal.h"

enum { SEGMENT_MAGIC = 0x53504d48, RECORD_MAGIC = 0x52504d48, VERSION = 1, WINDOW = 64 << 10 };

uint32_t record_crc(const void *data, size_t len)
{
    return (uint32_t)crc32_z(0, data, len);
}

bool read_all(int fd, void *data, size_t len, uint64_t offset)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(fd, (char *)data + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? 0 : errno;
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

bool write_all(int fd, const void *data, size_t len, uint64_t offset)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(fd, (const char *)data + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? ENOSPC : errno;
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

/* --- segments --------------------------------------------------------------------------------- */

void segment_name(uint32_t number, char out[16])
{
    snprintf(out, 16, "%08" PRIu32, number);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

bool segment_list(int dir_fd, uint32_t **ret_numbers, size_t *ret_count)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return false;
    uint32_t *numbers = NULL;
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char *end;
        unsigned long number = strtoul(entry->d_name, &end, 10);
        if (strlen(entry->d_name) < 8 || *end != '\0' || number > UINT32_MAX)
            continue;
        numbers = x_realloc(numbers, count + 1, sizeof(*numbers));
        numbers[count++] = (uint32_t)number;
    }
    closedir(dir);
    if (count > 1)
        qsort(numbers, count, sizeof(*numbers), by_number);
    *ret_numbers = numbers;
    *ret_count = count;
    return true;
}

void segment_header_fill(struct segment_header *header, unsigned shard, uint32_t number,
                         const struct row *row)
{
    *header = (struct segment_header){.magic = SEGMENT_MAGIC,
                                      .version = VERSION,
                                      .shard = shard,
                                      .number = number,
                                      .base_seq = row->end_seq,
                                      .base_events = row->end_events,
                                      .base_bytes = row->end_bytes,
                                      .made_ms = clock_wall_ms()};
    header->crc = record_crc(header, offsetof(struct segment_header, crc));
}

enum found segment_header_read(int fd, unsigned shard, uint32_t number,
                               struct segment_header *ret_header)
{
    struct segment_header header;
    if (!read_all(fd, &header, sizeof(header), 0))
        return errno == 0 ? FOUND_BROKEN : FOUND_ERROR;
    if (header.magic != SEGMENT_MAGIC || header.version != VERSION || header.shard != shard ||
        header.number != number ||
        header.crc != record_crc(&header, offsetof(struct segment_header, crc)))
        return FOUND_BROKEN;
    *ret_header = header;
    return FOUND;
}

/* --- records ---------------------------------------------------------------------------------- */

void record_header_fill(struct record_header *header, unsigned shard, uint32_t segment,
                        uint64_t seq, uint64_t events_before)
{
    header->magic = RECORD_MAGIC;
    header->shard = shard;
    header->segment = segment;
    header->seq = seq;
    header->events_before = events_before;
    header->crc = record_crc(header, offsetof(struct record_header, crc));
}

// Reads the body and says whether its checksum is right; without ret_body, window by window.
static enum found body_read(int fd, const struct record_header *header, uint64_t offset,
                            struct buf *ret_body)
{
    char window[4096];
    uint32_t crc = 0;
    if (ret_body)
        buf_clear(ret_body);
    for (size_t done = 0; done < header->len;) {
        size_t n = header->len - done < sizeof(window) ? header->len - done : sizeof(window);
        if (!read_all(fd, window, n, offset + done))
            return errno == 0 ? FOUND_BROKEN : FOUND_ERROR;
        crc = (uint32_t)crc32_z(crc, (const unsigned char *)window, n);
        if (ret_body)
            buf_add(ret_body, window, n);
        done += n;
    }
    return crc == header->body_crc ? FOUND : FOUND_BROKEN;
}

enum found record_read(int fd, unsigned shard, uint32_t segment, uint64_t offset, uint64_t limit,
                       struct record_header *ret_header, struct buf *ret_body)
{
    struct record_header header;
    if (offset + sizeof(header) > limit)
        return FOUND_BROKEN;
    if (!read_all(fd, &header, sizeof(header), offset))
        return errno == 0 ? FOUND_BROKEN : FOUND_ERROR;
    if (header.magic != RECORD_MAGIC || header.shard != shard || header.segment != segment ||
        header.crc != record_crc(&header, offsetof(struct record_header, crc)) ||
        header.len > limit - offset - sizeof(header))
        return FOUND_BROKEN;
    *ret_header = header;
    return body_read(fd, &header, offset + sizeof(header), ret_body);
}

uint64_t record_find(int fd, unsigned shard, uint32_t segment, uint64_t from, uint64_t limit)
{
    char *window = x_alloc(WINDOW);
    const uint32_t magic = RECORD_MAGIC;
    uint64_t found = limit;
    for (uint64_t at = from; found == limit && at + RECORD_HEADER <= limit;) {
        size_t n = limit - at < WINDOW ? (size_t)(limit - at) : WINDOW;
        ssize_t got = pread(fd, window, n, (off_t)at);
        if (got < (ssize_t)sizeof(magic))
            break;
        for (const char *p = window; found == limit && p < window + got; p++) {
            size_t left = (size_t)(window + got - p);
            p = memmem(p, left, &magic, sizeof(magic));
            if (!p)
                break;
            uint64_t candidate = at + (uint64_t)(p - window);
            struct record_header header;
            if (record_read(fd, shard, segment, candidate, limit, &header, NULL) == FOUND)
                found = candidate;
        }
        at += (uint64_t)got - (sizeof(magic) - 1); // one may lie across the windows' border
    }
    free(window);
    return found;
}

/* --- setting aside ---------------------------------------------------------------------------- */

static bool copy_out(int from_fd, uint64_t from, uint64_t to, int out_fd)
{
    char *window = x_alloc(WINDOW);
    bool ok = true;
    uint64_t done = 0;
    while (ok && from + done < to) {
        size_t n = to - from - done < WINDOW ? (size_t)(to - from - done) : WINDOW;
        ssize_t got = pread(from_fd, window, n, (off_t)(from + done));
        if (got <= 0)
            break; // what cannot be read cannot be kept
        ok = write_all(out_fd, window, (size_t)got, done);
        done += (uint64_t)got;
    }
    free(window);
    return ok && fsync(out_fd) == 0;
}

bool set_aside(struct store *store, unsigned shard, int fd, uint32_t segment, uint64_t from,
               uint64_t to, const char *why)
{
    int dir_fd = store->files[shard].dir_fd;
    char name[64];
    snprintf(name, sizeof(name), "torn/%08" PRIu32 "-%" PRIu64, segment, from);
    if (mkdirat(dir_fd, "torn", 0700) != 0 && errno != EEXIST)
        return false;
    // There already: who began this before us died before it went on. It counts once.
    bool again = faccessat(dir_fd, name, F_OK, 0) == 0;
    int out_fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out_fd < 0)
        return false;
    bool ok = copy_out(fd, from, to, out_fd);
    int error = errno;
    close(out_fd);
    if (!ok) {
        unlinkat(dir_fd, name, 0);
        errno = error;
        return false;
    }
    if (!again)
        atomic_fetch_add(&store_row(store, shard)->torn, 1);
    log_error("spool.torn", "error", why, "shard", log_int(shard), "bytes",
              log_int((long long)(to - from)), "kept_in", name, "hint",
              "see `hookmill spool status`");
    return true;
}
