// SPDX-License-Identifier: MIT
// Writing the archive: deliveries collect in a buffer, a thread deflates and writes it (archive.h).

#include "spool/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "spool/archive_block.h"
#include "spool/internal.h"

enum {
    BACKLOG_BYTES = 8 << 20, // of deliveries that wait for the disk; more are dropped
    LINGER_MS = 500,         // a block is written after this even when it is small
    DEFLATE_LEVEL = 3,
};

struct batch {
    struct buf plain;
    uint64_t count;
    int64_t first_ms, last_ms;
};

struct archive {
    char *directory;
    uint64_t max_bytes, file_bytes;
    int dir_fd, fd;  // the thread's own from here
    uint64_t offset; // in the file
    char file_name[64];
    unsigned file_count;
    bool failing; // was logged

    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    // Under the mutex
    struct batch batch;
    struct archive_counts counts;
    bool stop;
};

/* --- the thread ------------------------------------------------------------------------------- */

// "0001763712000123-4711-1.hma": names are in the order of time
static void file_open(struct archive *archive, int64_t first_ms)
{
    snprintf(archive->file_name, sizeof(archive->file_name), "%016" PRId64 "-%ld-%u.hma", first_ms,
             (long)getpid(), ++archive->file_count);
    archive->fd =
        openat(archive->dir_fd, archive->file_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    archive->offset = 0;
}

static void file_close(struct archive *archive)
{
    if (archive->fd >= 0)
        close(archive->fd);
    archive->fd = -1;
}

/*
 * What a block that could not be written left goes: what came behind it could not be read. A file
 * in which nothing is goes, too, or a full disk would be given a new one with every block.
 */
static void file_give_up(struct archive *archive)
{
    int error = errno;
    bool empty = archive->fd >= 0 && archive->offset == 0;
    if (empty)
        (void)unlinkat(archive->dir_fd, archive->file_name, 0);
    else if (archive->fd >= 0 && ftruncate(archive->fd, (off_t)archive->offset) != 0)
        log_debug("archive.torn", "error", strerror(errno), "file", archive->file_name);
    file_close(archive);
    errno = error;
}

static int is_archive(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 4 && strcmp(entry->d_name + len - 4, ".hma") == 0;
}

// Removes the oldest files until there is room for `more` bytes.
static void make_room(struct archive *archive, uint64_t more)
{
    struct dirent **entries = NULL;
    int count = scandirat(archive->dir_fd, ".", &entries, is_archive, alphasort);
    uint64_t total = more;
    struct stat st;
    for (int i = 0; i < count; i++)
        if (fstatat(archive->dir_fd, entries[i]->d_name, &st, 0) == 0)
            total += (uint64_t)st.st_size;
    for (int i = 0; i < count; i++) {
        if (total > archive->max_bytes &&
            fstatat(archive->dir_fd, entries[i]->d_name, &st, 0) == 0 &&
            unlinkat(archive->dir_fd, entries[i]->d_name, 0) == 0)
            total -= (uint64_t)st.st_size;
        free(entries[i]);
    }
    free(entries);
    // Our own may have been the oldest.
    if (archive->fd >= 0 && fstat(archive->fd, &st) == 0 && st.st_nlink == 0)
        file_close(archive);
}

static bool write_block(struct archive *archive, const struct batch *batch)
{
    uLongf len = compressBound(batch->plain.len);
    char *block = x_alloc(sizeof(struct archive_block) + len);
    struct archive_block header = {.magic = ARCHIVE_MAGIC,
                                   .plain_len = (uint32_t)batch->plain.len,
                                   .first_ms = batch->first_ms,
                                   .last_ms = batch->last_ms};
    if (compress2((Bytef *)block + sizeof(header), &len, (const Bytef *)batch->plain.data,
                  batch->plain.len, DEFLATE_LEVEL) != Z_OK)
        abort(); // there was room for it
    header.len = (uint32_t)len;
    header.data_crc = record_crc(block + sizeof(header), len);
    header.crc = record_crc(&header, offsetof(struct archive_block, crc));
    memcpy(block, &header, sizeof(header));
    size_t size = sizeof(header) + len;
    make_room(archive, size);
    if (archive->fd < 0)
        file_open(archive, batch->first_ms);
    bool ok = archive->fd >= 0 && write_all(archive->fd, block, size, archive->offset);
    int error = errno;
    archive->offset += ok ? size : 0;
    if (!ok)
        file_give_up(archive);
    else if (archive->offset >= archive->file_bytes)
        file_close(archive);
    free(block);
    errno = error;
    return ok;
}

static void tell(struct archive *archive, bool ok)
{
    if (!ok && !archive->failing)
        log_error("archive.disk", "error", strerror(errno), "directory", archive->directory, "hint",
                  "deliveries are not archived until the disk works");
    else if (ok && archive->failing)
        log_info("archive.recovered", "directory", archive->directory);
    archive->failing = !ok;
}

// Waits until there is enough for a block, or something has waited for long enough. With the mutex.
static void wait_for_block(struct archive *archive)
{
    while (!archive->stop && archive->batch.count == 0)
        pthread_cond_wait(&archive->cond, &archive->mutex);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LINGER_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    int status = 0;
    while (!archive->stop && archive->batch.plain.len < ARCHIVE_BLOCK && status != ETIMEDOUT)
        status = pthread_cond_timedwait(&archive->cond, &archive->mutex, &until);
}

static void *run(void *arg)
{
    struct archive *archive = arg;
    pthread_mutex_lock(&archive->mutex);
    for (;;) {
        wait_for_block(archive);
        struct batch batch = archive->batch;
        archive->batch = (struct batch){0};
        if (batch.count == 0)
            break; // stop
        pthread_mutex_unlock(&archive->mutex);
        bool ok = write_block(archive, &batch);
        tell(archive, ok);
        buf_deinit(&batch.plain);
        pthread_mutex_lock(&archive->mutex);
        *(ok ? &archive->counts.kept : &archive->counts.dropped) += batch.count;
    }
    pthread_mutex_unlock(&archive->mutex);
    return NULL;
}

/* --- the caller ------------------------------------------------------------------------------- */

void archive_add(struct archive *archive, const char *app, const char *delivery_id,
                 const void *body, size_t len)
{
    struct archive_item item = {.at_ms = clock_wall_ms(),
                                .app_len = (uint32_t)strlen(app),
                                .id_len = (uint32_t)strlen(delivery_id),
                                .body_len = (uint32_t)len};
    size_t size = sizeof(item) + item.app_len + item.id_len + len;
    pthread_mutex_lock(&archive->mutex);
    struct batch *batch = &archive->batch;
    // One that is larger than the backlog is taken when nothing else waits.
    if (size > ARCHIVE_BLOCK_MAX / 2 ||
        (batch->count > 0 && batch->plain.len + size > BACKLOG_BYTES)) {
        archive->counts.dropped++;
    } else {
        if (batch->count++ == 0)
            batch->first_ms = item.at_ms;
        // The clock may be set back: a block's times are in order nevertheless.
        if (item.at_ms < batch->last_ms)
            item.at_ms = batch->last_ms;
        batch->last_ms = item.at_ms;
        buf_add(&batch->plain, &item, sizeof(item));
        buf_add(&batch->plain, app, item.app_len);
        buf_add(&batch->plain, delivery_id, item.id_len);
        buf_add(&batch->plain, body, len);
        if (batch->count == 1 || batch->plain.len >= ARCHIVE_BLOCK)
            pthread_cond_signal(&archive->cond);
    }
    pthread_mutex_unlock(&archive->mutex);
}

struct archive_counts archive_counts(struct archive *archive)
{
    pthread_mutex_lock(&archive->mutex);
    struct archive_counts counts = archive->counts;
    pthread_mutex_unlock(&archive->mutex);
    return counts;
}

static void archive_free(struct archive *archive)
{
    file_close(archive);
    if (archive->dir_fd >= 0)
        close(archive->dir_fd);
    pthread_mutex_destroy(&archive->mutex);
    pthread_cond_destroy(&archive->cond);
    free(archive->directory);
    free(archive);
}

struct archive *archive_open(const char *directory, uint64_t max_bytes, struct err *err)
{
    struct archive *archive = x_alloc(sizeof(*archive));
    archive->directory = x_dup(directory);
    archive->max_bytes = max_bytes ? max_bytes : (uint64_t)1 << 30;
    archive->file_bytes =
        archive->max_bytes / 8 < ARCHIVE_FILE ? archive->max_bytes / 8 : ARCHIVE_FILE;
    archive->fd = -1;
    pthread_mutex_init(&archive->mutex, NULL);
    pthread_cond_init(&archive->cond, NULL);
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        archive->dir_fd = -1;
    else
        archive->dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (archive->dir_fd < 0 || faccessat(archive->dir_fd, ".", W_OK | X_OK, AT_EACCESS) != 0) {
        err_set(err, ERR_CONFIG, "archive.directory %s cannot be used: %s", directory,
                strerror(errno));
        archive_free(archive);
        return NULL;
    }
    if (pthread_create(&archive->thread, NULL, run, archive) != 0) {
        err_set(err, ERR_INTERNAL, "archive: the system gives no thread");
        archive_free(archive);
        return NULL;
    }
    return archive;
}

void archive_close(struct archive *archive)
{
    if (!archive)
        return;
    pthread_mutex_lock(&archive->mutex);
    archive->stop = true;
    pthread_cond_signal(&archive->cond);
    pthread_mutex_unlock(&archive->mutex);
    pthread_join(archive->thread, NULL);
    archive_free(archive);
}
