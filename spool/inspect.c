// SPDX-License-Identifier: MIT
// The command line's look at a spool: it changes nothing, and waits for nobody. (While `verify`
// reads the last segment of a shard that nobody writes to, a writer waits for it.)

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
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

/*
 * Nobody writes just now: what lies behind the end was left by somebody who died, and is looked at,
 * too; who wants to write meanwhile waits. The caller closes *ret_lock (-1: there is none, so
 * nobody ever wrote here).
 */
static bool is_quiet(int dir_fd, int *ret_lock)
{
    *ret_lock = openat(dir_fd, "append.lock", O_RDONLY | O_CLOEXEC);
    return *ret_lock < 0 ? errno == ENOENT : flock(*ret_lock, LOCK_SH | LOCK_NB) == 0;
}

static bool verify_file(struct verify *verify, int fd, const struct row *row, bool quiet)
{
    struct stat st;
    struct segment_header header;
    uint64_t read = row->read, end = row->end;
    if (fstat(fd, &st) != 0)
        return false;
    uint64_t limit = (uint64_t)st.st_size, from = SEGMENT_HEADER;
    if (!quiet && position_segment(end) < verify->segment)
        return true; // it is being made
    if (!quiet && position_segment(end) == verify->segment)
        limit = position_offset(end);
    if (position_segment(read) == verify->segment && position_offset(read) > from)
        from = position_offset(read);
    if (segment_header_read(fd, verify->shard, verify->segment, &header) != FOUND)
        tell_bad(verify, 0, SEGMENT_HEADER, "no header of a segment");
    return verify_records(verify, fd, from, limit);
}

static bool verify_segment(struct verify *verify, int dir_fd, const struct row *row)
{
    char name[16];
    segment_name(verify->segment, name);
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC), lock = -1;
    if (fd < 0)
        return errno == ENOENT; // drained meanwhile
    bool last = position_segment(row->end) <= verify->segment;
    bool ok = verify_file(verify, fd, row, last && is_quiet(dir_fd, &lock));
    int error = errno;
    if (lock >= 0)
        close(lock);
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
