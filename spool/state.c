// SPDX-License-Identifier: MIT
/*
 * The spool's directory: made or opened, its state mapped, its shards' locks. After a new boot
 * every end is looked for anew: what was written before a power cut and what the state says of it
 * may have reached the disk in any order.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "spool/internal.h"

enum { STATE_MAGIC = 0x54534d48, STATE_VERSION = 1 };

bool lock_take(int fd)
{
    int status;
    do {
        status = flock(fd, LOCK_EX);
    } while (status != 0 && errno == EINTR);
    return status == 0;
}

bool lock_try(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

void lock_leave(int fd)
{
    flock(fd, LOCK_UN);
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0; // two words are not read in one moment
}

void state_status(const struct row *row, struct spool_status *ret_status)
{
    *ret_status = (struct spool_status){.torn = row->torn};
    if (row->read >= row->end)
        return;
    ret_status->bytes = less(row->end_bytes, row->read_bytes);
    ret_status->records = less(row->end_seq, row->read_seq);
    ret_status->events = less(row->end_events, row->read_events);
    ret_status->oldest_ms = row->oldest_ms;
}

uint64_t store_disk_bytes(const struct store *store)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < store->shards; i++) {
        const struct row *row = store_row(store, i);
        sum += less(row->end_bytes, row->freed_bytes);
    }
    return sum;
}

/* --- the state file --------------------------------------------------------------------------- */

static size_t state_size(unsigned shards)
{
    return sizeof(struct state) + shards * sizeof(struct row);
}

// The file with empty rows appears whole or not at all.
static bool state_make(struct store *store, unsigned shards)
{
    struct state *state = x_alloc(state_size(shards));
    *state = (struct state){.magic = STATE_MAGIC, .version = STATE_VERSION, .shards = shards};
    for (unsigned i = 0; i < shards; i++) {
        struct row *row = &state->rows[i];
        row->end = row->read = position(1, 0);
        row->end_seq = row->read_seq = 1;
    }
    int fd = openat(store->dir_fd, "state.new", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write_all(fd, state, state_size(shards), 0) && fsync(fd) == 0 &&
              renameat(store->dir_fd, "state.new", store->dir_fd, "state") == 0 &&
              fsync(store->dir_fd) == 0;
    int error = errno;
    if (fd >= 0)
        close(fd);
    free(state);
    errno = error;
    return ok;
}

static bool state_is_whole(const struct state *state, off_t size)
{
    return state->magic == STATE_MAGIC && state->version == STATE_VERSION && state->shards > 0 &&
           state->shards <= SPOOL_SHARDS_MAX && (size_t)size == state_size(state->shards);
}

struct state *state_map(int dir_fd, bool writable, size_t *ret_len, struct err *err)
{
    int fd = openat(dir_fd, "state", (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_CONFIG, "state: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct state *state = MAP_FAILED;
    if ((size_t)st.st_size >= sizeof(*state))
        state = mmap(NULL, (size_t)st.st_size, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED,
                     fd, 0);
    close(fd);
    if (state != MAP_FAILED && state_is_whole(state, st.st_size)) {
        *ret_len = (size_t)st.st_size;
        return state;
    }
    if (state != MAP_FAILED)
        munmap(state, (size_t)st.st_size);
    err_set(err, ERR_INPUT, "state: damaged, or of another version");
    return NULL;
}

static bool state_open(struct store *store, const struct spool_config *config, struct err *err)
{
    struct err why = {0};
    store->state = state_map(store->dir_fd, true, &store->state_len, &why);
    if (!store->state && (why.code == ERR_NOT_FOUND || why.code == ERR_INPUT)) {
        if (config->shards == 0)
            return err_set(err, ERR_CONFIG, "spool %s: %s", config->directory,
                           why.code == ERR_INPUT ? why.text : "no spool was made there yet");
        if (why.code == ERR_INPUT) {
            // The segments have what is needed: all of them are drained (again).
            log_error("spool.state", "error", why.text, "directory", config->directory);
            renameat(store->dir_fd, "state", store->dir_fd, "state.damaged");
        }
        if (!state_make(store, config->shards))
            return err_set(err, ERR_CONFIG, "spool %s: its state cannot be written: %s",
                           config->directory, strerror(errno));
        store->state = state_map(store->dir_fd, true, &store->state_len, &why);
    }
    if (!store->state)
        return err_set(err, ERR_CONFIG, "spool %s: %s", config->directory, why.text);
    store->shards = store->state->shards;
    if (config->shards != 0 && store->shards != config->shards)
        return err_set(err, ERR_CONFIG,
                       "spool %s was made for %u shards, the queue has %u: drain it with the Redis "
                       "that it was made for, or name another directory",
                       config->directory, store->shards, config->shards);
    return true;
}

// Not known (an odd container): each opening counts as a new boot.
static void boot_id(char out[48])
{
    memset(out, 0, 48);
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = read(fd, out, 36);
    if (n != 36)
        memset(out, 0, 48);
    close(fd);
}

static void new_boot(struct store *store)
{
    char boot[48];
    boot_id(boot);
    if (boot[0] && memcmp(boot, store->state->boot, sizeof(boot)) == 0)
        return;
    for (unsigned i = 0; i < store->shards; i++)
        store_row(store, i)->dirty = 1;
    memcpy(store->state->boot, boot, sizeof(boot));
}

/* --- the shards' files ------------------------------------------------------------------------ */

static bool shard_open(struct store *store, unsigned shard)
{
    struct shard_files *files = &store->files[shard];
    *files = (struct shard_files){-1, -1, -1, .append_fd = -1, .read_fd = -1};
    char name[16];
    snprintf(name, sizeof(name), "%02u", shard);
    if (mkdirat(store->dir_fd, name, 0700) != 0 && errno != EEXIST)
        return false;
    files->dir_fd = openat(store->dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (files->dir_fd < 0)
        return false;
    files->append_lock = openat(files->dir_fd, "append.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    files->drain_lock = openat(files->dir_fd, "drain.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return files->append_lock >= 0 && files->drain_lock >= 0;
}

// A state that does not go with the segments: an end that the file does not reach, or that is
// beyond what there is.
static bool end_is_odd(const struct store *store, unsigned shard)
{
    uint64_t end = store_row(store, shard)->end;
    char name[16];
    struct stat st;
    segment_name(position_segment(end), name);
    bool there = fstatat(store->files[shard].dir_fd, name, &st, 0) == 0;
    uint64_t size = there ? (uint64_t)st.st_size : 0;
    return size < position_offset(end) || store_row(store, shard)->read > end;
}

static bool shard_begin(struct store *store, unsigned shard)
{
    struct shard_files *files = &store->files[shard];
    if (!lock_take(files->append_lock))
        return false;
    if (end_is_odd(store, shard))
        store_row(store, shard)->dirty = 1;
    bool ok = !store_row(store, shard)->dirty || shard_mend(store, shard);
    if (ok && lock_try(files->drain_lock)) { // else somebody drains, who has looked
        ok = shard_check_read(store, shard);
        lock_leave(files->drain_lock);
    }
    if (!ok) // a full disk, say: whoever appends or drains next tries again
        log_error("spool.mend", "error", strerror(errno), "shard", log_int(shard), "directory",
                  store->directory);
    lock_leave(files->append_lock);
    return true;
}

static bool shards_open(struct store *store, struct err *err)
{
    store->files = x_calloc(store->shards, sizeof(*store->files));
    for (unsigned i = 0; i < store->shards; i++) // before anything can fail: the rest is not open
        store->files[i] = (struct shard_files){-1, -1, -1, .append_fd = -1, .read_fd = -1};
    bool ok = true;
    for (unsigned i = 0; ok && i < store->shards; i++)
        ok = shard_open(store, i);
    ok = ok && fsync(store->dir_fd) == 0;
    if (ok)
        new_boot(store);
    lock_leave(store->lock_fd);
    for (unsigned i = 0; ok && i < store->shards; i++)
        ok = shard_begin(store, i);
    return ok || err_set(err, ERR_CONFIG, "spool %s: %s", store->directory, strerror(errno));
}

static bool directory_open(struct store *store, bool make, struct err *err)
{
    if (make && mkdir(store->directory, 0700) != 0 && errno != EEXIST)
        return err_set(err, ERR_CONFIG, "spool.directory %s cannot be made: %s", store->directory,
                       strerror(errno));
    store->dir_fd = open(store->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->dir_fd >= 0)
        store->lock_fd = openat(store->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd < 0 || !lock_take(store->lock_fd))
        return err_set(err, ERR_CONFIG, "spool.directory %s cannot be used: %s", store->directory,
                       strerror(errno));
    return true;
}

bool store_open(struct store *store, const struct spool_config *config, struct err *err)
{
    *store = (struct store){.directory = x_dup(config->directory), .dir_fd = -1, .lock_fd = -1};
    store->max_bytes = config->max_bytes ? config->max_bytes : (uint64_t)256 << 20;
    uint64_t part = store->max_bytes / 16;
    store->segment_bytes = part > SEGMENT_BYTES       ? SEGMENT_BYTES
                           : part < SEGMENT_BYTES_MIN ? SEGMENT_BYTES_MIN
                                                      : part;
    bool ok = config->shards <= SPOOL_SHARDS_MAX
                  ? directory_open(store, config->shards > 0, err) &&
                        state_open(store, config, err) && shards_open(store, err)
                  : err_set(err, ERR_CONFIG, "a spool has at most %d shards", SPOOL_SHARDS_MAX);
    if (!ok)
        store_close(store);
    return ok;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void store_close(struct store *store)
{
    for (unsigned i = 0; store->files && i < store->shards; i++) {
        struct shard_files *files = &store->files[i];
        close_fd(&files->dir_fd);
        close_fd(&files->append_lock);
        close_fd(&files->drain_lock);
        close_fd(&files->append_fd);
        close_fd(&files->read_fd);
    }
    free(store->files);
    if (store->state)
        munmap(store->state, store->state_len);
    close_fd(&store->lock_fd);
    close_fd(&store->dir_fd);
    free(store->directory);
    *store = (struct store){.dir_fd = -1, .lock_fd = -1};
}
