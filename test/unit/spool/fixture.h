// SPDX-License-Identifier: MIT
// What the spool's tests share: a directory, a loop, a spool, and calls that run the loop until
// they are answered.
#pragma once

#include <event2/event.h>

#include "base/clock.h"
#include "spool/spool.h"
#include "test/unit/cmocka_all.h"

enum { PATIENCE_MS = 20000 };

struct fixture {
    char directory[64];
    struct event_base *base;
    struct event *pulse; // a turn of the loop at least every few milliseconds
    struct spool *spool;
};

int fixture_setup(void **state); // *state = the fixture, without a spool
int fixture_teardown(void **state);
void fixture_open(struct fixture *f, unsigned shards, uint64_t max_bytes);
void fixture_close(struct fixture *f);
struct spool *open_spool(struct fixture *f, unsigned shards, uint64_t max_bytes);

#define wait_for(f, condition)                                                                     \
    do {                                                                                           \
        int64_t deadline_ms_ = clock_mono_ms() + PATIENCE_MS;                                      \
        while (!(condition)) {                                                                     \
            if (clock_mono_ms() > deadline_ms_)                                                    \
                fail_msg("waited in vain for: %s", #condition);                                    \
            event_base_loop((f)->base, EVLOOP_ONCE);                                               \
        }                                                                                          \
    } while (0)

struct done {
    bool called;
    enum err_code code;
};
void on_done(void *arg, const struct err *err);
enum err_code append(struct fixture *f, unsigned shard, const char *text);

// The oldest record as text, "" when there is none. The caller frees it.
char *next_record(struct fixture *f, struct spool *spool, unsigned shard);
// Drains a shard; all its records, with a blank behind each. The caller frees it.
char *drain_all(struct fixture *f, unsigned shard);
void assert_drains(struct fixture *f, unsigned shard, const char *expected);

// Changes a file of the spool while nobody has it open. `path` is below the directory.
long file_size(struct fixture *f, const char *path); // -1 = not there
void file_flip(struct fixture *f, const char *path, long offset);
void file_cut(struct fixture *f, const char *path, long size);
void file_add(struct fixture *f, const char *path, const char *text);
// The place of `text` in a file.
long file_find(struct fixture *f, const char *path, const char *text);
