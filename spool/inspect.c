// SPDX-License-Identifier: MIT
// The command line's look at a spool: without a lock that anybody would wait for, and without
// changing anything.

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/internal.h"

struct look {
    int dir_fd;
    struct state *state;
    size_t len;
};

static bool look_open(struct look *look, const char *directory, struct err *err)
{
    *look = (struct look){.dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (look->dir_fd < 0)
        return err_set(err, ERR_NOT_FOUND, "spool %s: %s", directory, strerror(errno));
    look->state = state_map(look->dir_fd, false, &look->len, err);
    if (look->state)
        return true;
    close(look->dir_fd);
    return err_prefix(err, "spool %s", directory);
}

static void look_close(struct look *look)
{
    munmap(look->state, look->len);
    close(look->dir_fd);
}

bool spool_inspect(const char *directory, struct spool_status **ret_rows, unsigned *ret_shards,
                   struct err *err)
{
    struct look look;
    if (!look_open(&look, directory, err))
        return false;
    struct spool_status *rows = x_calloc(look.state->shards, sizeof(*rows));
    for (unsigned i = 0; i < look.state->shards; i++)
        state_status(&look.state->rows[i], &rows[i]);
    *ret_shards = look.state->shards;
    *ret_rows = rows;
    look_close(&look);
    return true;
}

/* --- reading everything ----------------------------------------------------------------------- */

struct verify {
    spool_bad_fn bad;
    void *arg;
    uint64_t records;
    unsigned shard;
    uint32_t segment;
};

static void tell_bad(const struct verify *verify, uint64_t from, uint64_t to, const char *what)
{
    char where[96];
    snprintf(where, sizeof(where), "%02u/%08" PRIu32 ", bytes %" PRIu64 " to %" PRIu64,
             verify->shard, verify->segment, from, to);
    verify->bad(verify->arg, where, what);
}

// Reads a segment from `from` on. false with errno: it could not be read.
static bool verify_records(struct verify *verify, int fd, uint64_t from, uint64_t limit)
{
    for (uint64_t at = from; at < limit;) {
        struct record_header header;
        enum found found =
            record_read(fd, verify->shard, verify->segment, at, limit, &header, NULL);
        if (found == FOUND_ERROR)
            return false;
        if (found == FOUND) {
            verify->records++;
            at += sizeof(header) + header.len;
            continue;
        }
        uint64_t next = record_find(fd, verify->shard, verify->segment, at + 1, limit);
        tell_bad(verify, at, next, "no whole record");
        at = next;
    }
    return true;
}

static bool verify_segment(struct verify *verify, int dir_fd, const struct row *row)
{
    char name[16];
    struct stat st;
    struct segment_header header;
    segment_name(verify->segment, name);
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT; // drained meanwhile
    uint64_t read = row->read, end = row->end;
    bool ok = fstat(fd, &st) == 0;
    uint64_t limit = ok ? (uint64_t)st.st_size : 0, from = SEGMENT_HEADER;
    if (position_segment(end) ==
        verify->segment) // what is behind it is being written, or was never
        limit = position_offset(end);
    if (position_segment(read) == verify->segment && position_offset(read) > from)
        from = position_offset(read);
    if (ok && position_segment(end) >= verify->segment) {
        if (segment_header_read(fd, verify->shard, verify->segment, &header) != FOUND)
            tell_bad(verify, 0, SEGMENT_HEADER, "no header of a segment");
        ok = verify_records(verify, fd, from, limit);
    }
    int error = errno;
    close(fd);
    errno = error;
    return ok;
}

static bool verify_shard(struct verify *verify, const struct look *look, struct err *err)
{
    char name[16];
    snprintf(name, sizeof(name), "%02u", verify->shard);
    int dir_fd = openat(look->dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return errno == ENOENT || err_set(err, ERR_INPUT, "%s: %s", name, strerror(errno));
    const struct row *row = &look->state->rows[verify->shard];
    uint32_t *numbers = NULL;
    size_t count = 0;
    bool ok = segment_list(dir_fd, &numbers, &count);
    for (size_t i = 0; ok && i < count; i++) {
        verify->segment = numbers[i];
        ok = numbers[i] < position_segment(row->read) || verify_segment(verify, dir_fd, row);
    }
    if (!ok)
        err_set(err, ERR_INPUT, "%s/%08" PRIu32 ": %s", name, verify->segment, strerror(errno));
    free(numbers);
    close(dir_fd);
    return ok;
}

bool spool_verify(const char *directory, spool_bad_fn bad, void *arg, uint64_t *ret_records,
                  struct err *err)
{
    struct look look;
    if (!look_open(&look, directory, err))
        return false;
    struct verify verify = {.bad = bad, .arg = arg};
    bool ok = true;
    for (; ok && verify.shard < look.state->shards; verify.shard++)
        ok = verify_shard(&verify, &look, err);
    *ret_records = verify.records;
    look_close(&look);
    return ok;
}
