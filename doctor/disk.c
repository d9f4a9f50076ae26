// SPDX-License-Identifier: MIT
/*
 * The directories of the spool and the archive, looked at from outside: what kind of disk they are
 * on, what room there is, what they hold. Nothing in them is opened.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "doctor/internal.h"

enum {
    DEPTH_MAX = 4,
    ENTRIES_MAX = 100000,
    FS_TMPFS = 0x01021994, // linux/magic.h
    FS_NFS = 0x6969,
};
#define FS_RAMFS 0x858458f6u

struct holding {
    unsigned long long files, bytes; // that are not empty
    unsigned long long torn;         // set aside as damaged
    unsigned entries;
};

// Files below the directory `fd` (taken over).
static void count_files(int fd, bool torn, int depth, struct holding *holding)
{
    DIR *dir = fdopendir(fd);
    const struct dirent *entry;

    if (!dir) {
        close(fd);
        return;
    }
    while ((entry = readdir(dir)) != NULL && holding->entries < ENTRIES_MAX) {
        struct stat st;
        if (entry->d_name[0] == '.' ||
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        holding->entries++;
        if (S_ISREG(st.st_mode) && st.st_size > 0) {
            holding->files++;
            holding->torn += torn;
            holding->bytes += (unsigned long long)st.st_size;
        } else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
            int child =
                openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (child >= 0)
                count_files(child, torn || strcmp(entry->d_name, "torn") == 0, depth + 1, holding);
        }
    }
    closedir(dir);
}

// Hookmill makes the directory itself, where it may.
static void report_missing(struct doctor *d, const char *path)
{
    char *parent = x_dup(path);
    char *slash = strrchr(parent, '/');

    if (slash && slash > parent)
        *slash = '\0';
    if (access(parent, W_OK | X_OK) == 0)
        report(d, DOCTOR_WARNING,
               "%s is not there yet" MEND
               "The listener makes it when it starts; or run `mkdir -m 700 %s` as its user.",
               path, path);
    else
        report(d, DOCTOR_FAILED,
               "%s is not there, and this user cannot make it" MEND
               "Run `mkdir -p -m 700 %s` and `chown` it to the listener's user.",
               path, path);
    free(parent);
}

// False when a line was reported already.
static bool check_place(struct doctor *d, const char *path)
{
    struct stat st;
    struct statfs fs = {0};

    if (stat(path, &st) != 0 && errno == ENOENT) {
        report_missing(d, path);
        return false;
    }
    if (access(path, R_OK | W_OK | X_OK) != 0 || stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        report(d, DOCTOR_FAILED,
               "%s is no directory that this user can write to" MEND
               "`chown` it to the listener's user, mode 700, and run this as that user.",
               path);
        return false;
    }
    if (statfs(path, &fs) == 0 &&
        ((unsigned)fs.f_type == FS_TMPFS || (unsigned)fs.f_type == FS_RAMFS)) {
        report(d, DOCTOR_FAILED,
               "%s is in memory (tmpfs): what it holds is gone when the machine stops" MEND
               "Name a directory on a real disk, such as /var/lib/hookmill/spool.",
               path);
        return false;
    }
    if ((unsigned)fs.f_type == FS_NFS) {
        report(d, DOCTOR_WARNING,
               "%s is on NFS, where locks and fsync are only as good as its server" MEND
               "Name a directory on a local disk.",
               path);
        return false;
    }
    return true;
}

static void check_directory(struct doctor *d, const char *path, int64_t max_mb, const char *key)
{
    struct holding holding = {0};
    struct statvfs fs;

    if (!check_place(d, path))
        return;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        count_files(fd, false, 0, &holding);
    unsigned long long room_mb = ~0ull;
    if (statvfs(path, &fs) == 0)
        room_mb = ((unsigned long long)fs.f_bavail * fs.f_frsize + holding.bytes) >> 20;
    if (room_mb < (unsigned long long)max_mb)
        report(d, DOCTOR_FAILED,
               "%s has room for %llu MB, and %s.max_mb is %lld" MEND
               "Make room on that disk, or set %s.max_mb to what there is.",
               path, room_mb, key, (long long)max_mb, key);
    else if (holding.torn)
        report(d, DOCTOR_WARNING,
               "%s holds %llu files, %llu of them set aside as damaged" MEND
               "`hookmill spool status` says what they are; keep them until you have looked.",
               path, holding.files, holding.torn);
    else if (holding.files)
        report(d, DOCTOR_OK, "%s holds %llu files, %llu bytes; there is room", path, holding.files,
               holding.bytes);
    else
        report(d, DOCTOR_OK, "%s is empty; there is room for %lld MB", path, (long long)max_mb);
}

void check_spool(struct doctor *d)
{
    if (!*d->config->spool_directory)
        report(d, DOCTOR_WARNING,
               "none: while Redis is away every delivery is answered 503" MEND
               "Set directory in the section [spool] to a directory on a real disk.");
    else
        check_directory(d, d->config->spool_directory, d->config->spool_max_mb, "spool");
}

void check_archive(struct doctor *d)
{
    if (!*d->config->archive_directory)
        report(d, DOCTOR_OK, "none: deliveries are not kept (archive.directory is not set)");
    else
        check_directory(d, d->config->archive_directory, d->config->archive_max_mb, "archive");
}
