// SPDX-License-Identifier: MIT
// The spool's tests' common ground (see fixture.h).

#include "test/unit/spool/fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

static void on_pulse(evutil_socket_t fd, short what, void *arg)
{
}

int fixture_setup(void **state)
{
    struct fixture *f = x_alloc(sizeof(*f));
    snprintf(f->directory, sizeof(f->directory), "/tmp/hookmill-spool-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    f->base = event_base_new();
    struct timeval pulse = {.tv_usec = 2000};
    f->pulse = event_new(f->base, -1, EV_PERSIST, on_pulse, NULL);
    event_add(f->pulse, &pulse);
    *state = f;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    return remove(path);
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    event_free(f->pulse);
    event_base_free(f->base);
    nftw(f->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

struct spool *open_spool(struct fixture *f, unsigned shards, uint64_t max_bytes)
{
    struct spool_config config = {
        .directory = f->directory, .shards = shards, .max_bytes = max_bytes};
    struct err err = {0};
    struct spool *spool = spool_open(f->base, &config, &err);
    if (!spool)
        fail_msg("spool_open: %s", err.text);
    return spool;
}

void fixture_open(struct fixture *f, unsigned shards, uint64_t max_bytes)
{
    f->spool = open_spool(f, shards, max_bytes);
}

void fixture_close(struct fixture *f)
{
    spool_close(f->spool);
    f->spool = NULL;
}

void on_done(void *arg, const struct err *err)
{
    struct done *done = arg;
    assert_false(done->called);
    done->called = true;
    done->code = err ? err->code : ERR_NONE;
}

enum err_code append(struct fixture *f, unsigned shard, const char *text)
{
    struct done done = {0};
    spool_append(f->spool, shard, text, strlen(text), 1, on_done, &done);
    assert_false(done.called);
    assert_true(spool_holds(f->spool, shard));
    wait_for(f, done.called);
    return done.code;
}

struct got {
    bool called;
    char *text;
};

static void on_next(void *arg, const void *record, size_t len)
{
    struct got *got = arg;
    assert_false(got->called);
    got->called = true;
    got->text = record ? x_dupn(record, len) : x_dup("");
}

char *next_record(struct fixture *f, struct spool *spool, unsigned shard)
{
    struct got got = {0};
    spool_next(spool, shard, on_next, &got);
    assert_false(got.called);
    wait_for(f, got.called);
    return got.text;
}

char *drain_all(struct fixture *f, unsigned shard)
{
    struct buf all = {0};
    for (;;) {
        char *text = next_record(f, f->spool, shard);
        bool end = *text == '\0';
        if (!end) {
            buf_printf(&all, "%s ", text);
            spool_drained(f->spool, shard);
        }
        free(text);
        if (end)
            break;
    }
    spool_leave(f->spool, shard);
    return buf_take(&all);
}

void assert_drains(struct fixture *f, unsigned shard, const char *expected)
{
    char *all = drain_all(f, shard);
    assert_string_equal(all, expected);
    free(all);
    assert_false(spool_holds(f->spool, shard));
}

/* --- files ------------------------------------------------------------------------------------ */

static char *path_of(struct fixture *f, const char *path)
{
    return x_printf("%s/%s", f->directory, path);
}

long file_size(struct fixture *f, const char *path)
{
    char *whole = path_of(f, path);
    struct stat st;
    long size = stat(whole, &st) == 0 ? (long)st.st_size : -1;
    free(whole);
    return size;
}

static FILE *file_open(struct fixture *f, const char *path, const char *mode)
{
    char *whole = path_of(f, path);
    FILE *file = fopen(whole, mode);
    if (!file)
        fail_msg("no file %s", whole);
    free(whole);
    return file;
}

void file_flip(struct fixture *f, const char *path, long offset)
{
    FILE *file = file_open(f, path, "r+");
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    int c = fgetc(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    fputc(c ^ 0x40, file);
    assert_int_equal(fclose(file), 0);
}

void file_cut(struct fixture *f, const char *path, long size)
{
    char *whole = path_of(f, path);
    assert_int_equal(truncate(whole, size), 0);
    free(whole);
}

void file_add(struct fixture *f, const char *path, const char *text)
{
    FILE *file = file_open(f, path, "a");
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

long file_find(struct fixture *f, const char *path, const char *text)
{
    size_t size = (size_t)file_size(f, path);
    char *bytes = x_alloc(size);
    FILE *file = file_open(f, path, "r");
    assert_int_equal(fread(bytes, 1, size, file), size);
    fclose(file);
    char *found = memmem(bytes, size, text, strlen(text));
    assert_non_null(found);
    long at = found - bytes;
    free(bytes);
    return at;
}
