// SPDX-License-Identifier: MIT
/*
 * Reading the archive: the files of several processes overlap in time, so they are read side by
 * side, the oldest delivery first. A file is opened when its time has come, and closed at its end
 * or at the first block that is broken.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "spool/archive.h"
#include "spool/archive_block.h"
#include "spool/internal.h"

struct file {
    char *name;
    int64_t first_ms; // by its name; of the next delivery once it is open
    int fd;           // -1: not open yet
    bool ended;
    uint64_t offset;
    char *plain; // the block's deliveries
    size_t len, at;
    struct archive_item item; // the next one, at `at`
};

struct reading {
    int dir_fd;
    struct file *files;
    size_t count;
    int64_t since_ms, until_ms;
    unsigned broken;
};

static void file_end(struct file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    free(file->plain);
    file->plain = NULL;
    file->ended = true;
}

static bool inflate_block(struct file *file, const struct archive_block *header)
{
    char *data = x_alloc(header->len);
    char *plain = x_alloc(header->plain_len);
    uLongf len = header->plain_len;
    bool ok = read_all(file->fd, data, header->len, file->offset + sizeof(*header)) &&
              record_crc(data, header->len) == header->data_crc &&
              uncompress((Bytef *)plain, &len, (const Bytef *)data, header->len) == Z_OK &&
              len == header->plain_len;
    free(data);
    free(file->plain);
    file->plain = plain;
    file->len = len;
    file->at = 0;
    return ok;
}

// The next block with something in it that is wanted. false: the file ends here; *ret_broken when
// it should not.
static bool next_block(const struct reading *reading, struct file *file, bool *ret_broken)
{
    for (;;) {
        struct archive_block header;
        if (!read_all(file->fd, &header, sizeof(header), file->offset)) {
            char one;
            *ret_broken = pread(file->fd, &one, 1, (off_t)file->offset) != 0;
            return false;
        }
        *ret_broken = header.magic != ARCHIVE_MAGIC || header.len > ARCHIVE_BLOCK_MAX ||
                      header.plain_len > ARCHIVE_BLOCK_MAX ||
                      header.crc != record_crc(&header, offsetof(struct archive_block, crc));
        if (*ret_broken)
            return false;
        bool wanted = header.last_ms >= reading->since_ms;
        if (wanted && !inflate_block(file, &header)) {
            *ret_broken = true;
            return false;
        }
        file->offset += sizeof(header) + header.len;
        if (wanted)
            return true;
    }
}

// Moves to the next delivery of the file, or to its end.
static void file_next(struct reading *reading, struct file *file)
{
    bool broken = false;
    if (!file->plain || file->at == file->len) {
        if (!next_block(reading, file, &broken)) {
            reading->broken += broken;
            file_end(file);
            return;
        }
    }
    struct archive_item *item = &file->item;
    size_t left = file->len - file->at;
    bool whole = left >= sizeof(*item);
    if (whole)
        memcpy(item, file->plain + file->at, sizeof(*item));
    if (!whole || item->app_len > left || item->id_len > left || item->body_len > left ||
        sizeof(*item) + item->app_len + (size_t)item->id_len + item->body_len > left) {
        reading->broken++;
        file_end(file);
        return;
    }
    file->first_ms = item->at_ms;
}

static void file_start(struct reading *reading, struct file *file)
{
    file->fd = openat(reading->dir_fd, file->name, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0) // removed meanwhile, to make room
        file_end(file);
    else
        file_next(reading, file);
}

// The file whose next delivery is the oldest; NULL at the end.
static struct file *oldest(struct reading *reading)
{
    for (;;) {
        struct file *found = NULL;
        for (size_t i = 0; i < reading->count; i++) {
            struct file *file = &reading->files[i];
            if (!file->ended && (!found || file->first_ms < found->first_ms))
                found = file;
        }
        if (!found || found->fd >= 0)
            return found;
        file_start(reading, found);
    }
}

static bool give(const struct file *file, archive_fn fn, void *arg)
{
    const struct archive_item *item = &file->item;
    const char *at = file->plain + file->at + sizeof(*item);
    char *app = x_dupn(at, item->app_len), *id = x_dupn(at + item->app_len, item->id_len);
    struct archive_delivery delivery = {.at_ms = item->at_ms,
                                        .app = app,
                                        .id = id,
                                        .body = at + item->app_len + item->id_len,
                                        .len = item->body_len};
    bool more = fn(arg, &delivery);
    free(app);
    free(id);
    return more;
}

static void read_all_files(struct reading *reading, archive_fn fn, void *arg)
{
    for (struct file *file; (file = oldest(reading)) != NULL;) {
        const struct archive_item *item = &file->item;
        if (item->at_ms >= reading->until_ms) {
            file_end(file); // the rest of it is later
            continue;
        }
        if (item->at_ms >= reading->since_ms && !give(file, fn, arg))
            return;
        file->at += sizeof(*item) + item->app_len + (size_t)item->id_len + item->body_len;
        file_next(reading, file);
    }
}

static int is_archive(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 4 && strcmp(entry->d_name + len - 4, ".hma") == 0;
}

bool archive_read(const char *directory, int64_t since_ms, int64_t until_ms, archive_fn fn,
                  void *arg, unsigned *ret_broken, struct err *err)
{
    struct reading reading = {.since_ms = since_ms, .until_ms = until_ms};
    struct dirent **entries = NULL;
    reading.dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int count =
        reading.dir_fd < 0 ? -1 : scandirat(reading.dir_fd, ".", &entries, is_archive, alphasort);
    if (count < 0) {
        err_set(err, ERR_NOT_FOUND, "archive %s: %s", directory, strerror(errno));
        if (reading.dir_fd >= 0)
            close(reading.dir_fd);
        return false;
    }
    reading.files = x_calloc((size_t)count + 1, sizeof(*reading.files));
    for (int i = 0; i < count; i++) {
        reading.files[i].name = x_dup(entries[i]->d_name);
        reading.files[i].first_ms = strtoll(entries[i]->d_name, NULL, 10);
        reading.files[i].fd = -1;
        free(entries[i]);
    }
    free(entries);
    reading.count = (size_t)count;
    read_all_files(&reading, fn, arg);
    for (size_t i = 0; i < reading.count; i++) {
        file_end(&reading.files[i]);
        free(reading.files[i].name);
    }
    free(reading.files);
    close(reading.dir_fd);
    *ret_broken = reading.broken;
    return true;
}
