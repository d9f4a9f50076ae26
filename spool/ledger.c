// SPDX-License-Identifier: MIT
/*
 * The listener's half of the ledger: rows in a mapped file (see ledger.h). A file that cannot grow
 * (a full disk) gets no more rows; those that are new then are counted in memory alone.
 */

#include "spool/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"

enum { LEDGER_MAGIC = 0x4c4d4831, ROWS_FIRST = 60, ROWS_MAX = 1 << 20, INCARNATION_MAX = 200 };

struct head {
    uint32_t magic, row_size;
    uint64_t count; // raised after the row is filled: it is whole whenever we die
    char incarnation[INCARNATION_MAX];
    char spare[40];
};
_Static_assert(sizeof(struct head) == 256, "on disk");

struct ledger {
    int fd; // holds the lock; -1 = in memory alone
    struct head *head;
    struct ledger_row *rows; // behind the head, in the file
    size_t room;             // rows that the file has place for
    struct ledger_row *more; // in memory
    size_t count, more_room;
    uint32_t *index; // hash → place + 1; 0 = free
    size_t slots;
};

static size_t file_len(size_t rows)
{
    return sizeof(struct head) + rows * sizeof(struct ledger_row);
}

static struct ledger_row *row_at(const struct ledger *ledger, size_t i)
{
    return i < ledger->room ? &ledger->rows[i] : &ledger->more[i - ledger->room];
}

/* --- finding a row ---------------------------------------------------------------------------- */

static void index_add(struct ledger *ledger, size_t i)
{
    const struct ledger_row *row = row_at(ledger, i);
    size_t slot = (id_fnv32(row->account) * 31 + id_fnv32(row->app)) & (ledger->slots - 1);
    while (ledger->index[slot] != 0)
        slot = (slot + 1) & (ledger->slots - 1);
    ledger->index[slot] = (uint32_t)i + 1;
}

static void index_grow(struct ledger *ledger)
{
    free(ledger->index);
    ledger->slots = ledger->slots ? 2 * ledger->slots : 128;
    ledger->index = x_calloc(ledger->slots, sizeof(*ledger->index));
    for (size_t i = 0; i < ledger->count; i++)
        index_add(ledger, i);
}

static struct ledger_row *find(const struct ledger *ledger, const char *app, const char *account)
{
    if (ledger->slots == 0)
        return NULL;
    size_t slot = (id_fnv32(account) * 31 + id_fnv32(app)) & (ledger->slots - 1);
    for (; ledger->index[slot] != 0; slot = (slot + 1) & (ledger->slots - 1)) {
        struct ledger_row *row = row_at(ledger, ledger->index[slot] - 1);
        if (strcmp(row->account, account) == 0 && strcmp(row->app, app) == 0)
            return row;
    }
    return NULL;
}

/* --- the file --------------------------------------------------------------------------------- */

// Gives the file place for so many rows and maps it anew.
static bool file_grow(struct ledger *ledger, size_t rows)
{
    // Allocated: a store into a hole of a full disk would be SIGBUS.
    int error = posix_fallocate(ledger->fd, 0, (off_t)file_len(rows));
    if (error) {
        errno = error;
        return false;
    }
    void *map = mmap(NULL, file_len(rows), PROT_READ | PROT_WRITE, MAP_SHARED, ledger->fd, 0);
    if (map == MAP_FAILED)
        return false;
    if (ledger->head)
        munmap(ledger->head, file_len(ledger->room));
    ledger->head = map;
    ledger->rows = (struct ledger_row *)(ledger->head + 1);
    ledger->room = rows;
    return true;
}

static void file_name(const char *incarnation, char out[INCARNATION_MAX])
{
    snprintf(out, INCARNATION_MAX, "%s", incarnation);
    for (char *p = out; *p; p++)
        if (*p == '/' || (*p == '.' && p == out))
            *p = '_';
}

// The file is locked before it has its name: nobody takes it for that of one who is gone.
static bool file_make(struct ledger *ledger, const char *directory, const char *incarnation)
{
    char name[INCARNATION_MAX];
    file_name(incarnation, name);
    char *making = x_printf("%s/.%s", directory, name), *made = x_printf("%s/%s", directory, name);
    ledger->fd = open(making, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = ledger->fd >= 0 && flock(ledger->fd, LOCK_EX | LOCK_NB) == 0 &&
              file_grow(ledger, ROWS_FIRST);
    if (ok) {
        *ledger->head = (struct head){.magic = LEDGER_MAGIC, .row_size = sizeof(*ledger->rows)};
        snprintf(ledger->head->incarnation, INCARNATION_MAX, "%s", incarnation);
        ok = rename(making, made) == 0;
    }
    int error = errno;
    if (!ok && ledger->fd >= 0)
        unlink(making);
    free(making);
    free(made);
    errno = error;
    return ok;
}

struct ledger *ledger_open(const char *directory, const char *incarnation, struct err *err)
{
    struct ledger *ledger = x_alloc(sizeof(*ledger));
    ledger->fd = -1;
    if (!directory)
        return ledger;
    char *path = x_printf("%s/ledger", directory);
    bool ok = (mkdir(directory, 0700) == 0 || errno == EEXIST) &&
              (mkdir(path, 0700) == 0 || errno == EEXIST) && file_make(ledger, path, incarnation);
    if (!ok) {
        err_set(err, ERR_CONFIG, "the ledger %s cannot be written: %s", path, strerror(errno));
        ledger_close(ledger);
        ledger = NULL;
    }
    free(path);
    return ledger;
}

void ledger_close(struct ledger *ledger)
{
    if (!ledger)
        return;
    if (ledger->head)
        munmap(ledger->head, file_len(ledger->room));
    if (ledger->fd >= 0)
        close(ledger->fd);
    free(ledger->more);
    free(ledger->index);
    free(ledger);
}

/* --- rows ------------------------------------------------------------------------------------- */

// A place for one more row, in the file if it can be.
static struct ledger_row *row_new(struct ledger *ledger)
{
    bool in_file = ledger->fd >= 0 && ledger->more_room == 0;
    if (in_file && ledger->count == ledger->room && !file_grow(ledger, 2 * ledger->room)) {
        log_error("ledger.full", "error", strerror(errno), "hint",
                  "accounts that are new from now on are counted in memory alone");
        in_file = false;
    }
    size_t more = ledger->count - (ledger->fd >= 0 ? ledger->room : 0);
    if (!in_file && more >= ledger->more_room) {
        ledger->more_room = ledger->more_room ? 2 * ledger->more_room : 64;
        ledger->more = x_realloc(ledger->more, ledger->more_room, sizeof(*ledger->more));
    }
    return row_at(ledger, ledger->count);
}

struct ledger_row *ledger_row(struct ledger *ledger, const char *app, const char *account)
{
    struct ledger_row *row = find(ledger, app, account);
    if (row)
        return row;
    row = row_new(ledger);
    *row = (struct ledger_row){0};
    snprintf(row->app, sizeof(row->app), "%s", app);
    snprintf(row->account, sizeof(row->account), "%s", account);
    // Names that are too long are cut, and found by what is left.
    struct ledger_row *cut = find(ledger, row->app, row->account);
    if (cut)
        return cut;
    ledger->count++;
    if (ledger->head && ledger->count <= ledger->room)
        __atomic_store_n(&ledger->head->count, ledger->count, __ATOMIC_RELEASE);
    if (2 * ledger->count > ledger->slots)
        index_grow(ledger);
    else
        index_add(ledger, ledger->count - 1);
    return row;
}

size_t ledger_count(const struct ledger *ledger)
{
    return ledger->count;
}

struct ledger_row *ledger_at(struct ledger *ledger, size_t place)
{
    return place < ledger->count ? row_at(ledger, place) : NULL;
}

size_t ledger_place(const struct ledger *ledger, const struct ledger_row *row)
{
    if (ledger->room > 0 && row >= ledger->rows && row < ledger->rows + ledger->room)
        return (size_t)(row - ledger->rows);
    return ledger->room + (size_t)(row - ledger->more);
}

/* --- those who are gone ----------------------------------------------------------------------- */

// A file that somebody began to make, and died; not one that is being made.
static bool is_left_over(const char *name, const struct stat *st)
{
    return name[0] == '.' && st->st_mtime < time(NULL) - 60;
}

static bool publish(int fd, ledger_gone_fn fn, void *arg)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || (size_t)st.st_size < sizeof(struct head))
        return true; // died before it counted anything
    size_t len = (size_t)st.st_size;
    struct head *head = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (head == MAP_FAILED)
        return false;
    bool done = true;
    if (head->magic == LEDGER_MAGIC && head->row_size == sizeof(struct ledger_row) &&
        head->count <= ROWS_MAX && file_len(head->count) <= len &&
        memchr(head->incarnation, '\0', INCARNATION_MAX)) {
        done = fn(arg, head->incarnation, (const struct ledger_row *)(head + 1), head->count);
    } else if (head->magic != 0) {
        log_error("ledger.damaged", "error", "a ledger that cannot be read is left where it is");
        done = false;
    }
    munmap(head, len);
    return done;
}

void ledger_collect(const char *directory, ledger_gone_fn fn, void *arg)
{
    char *path = x_printf("%s/ledger", directory);
    DIR *dir = opendir(path);
    free(path);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int fd = openat(dirfd(dir), entry->d_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        struct stat st;
        // Unlocked: its owner is gone. Without a link: another collector was faster.
        bool mine = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                    (entry->d_name[0] != '.' || is_left_over(entry->d_name, &st)) &&
                    flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0;
        if (mine && (entry->d_name[0] == '.' || publish(fd, fn, arg)))
            unlinkat(dirfd(dir), entry->d_name, 0);
        if (fd >= 0)
            close(fd);
    }
    closedir(dir);
}
