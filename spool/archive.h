// SPDX-License-Identifier: MIT
/*
 * The raw archive: every delivery that verified, kept as it came, compressed, until newer ones need
 * the room. A convenience, not a promise: when the disk cannot keep up or fails, deliveries are
 * dropped and counted, and a process that is killed loses what it had for less than a second.
 *
 * One directory for all processes of a host; each writes files of its own, named by the time of
 * their first delivery. Whoever writes removes the oldest files when all of them together are too
 * large.
 *
 * Threads: all calls from one thread, which never waits for the disk (but in archive_close).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct archive;

// max_bytes 0 = 1 GiB. ERR_CONFIG when the directory cannot be used.
MUST_USE struct archive *archive_open(const char *directory, uint64_t max_bytes, struct err *err);
// Writes what it has.
void archive_close(struct archive *archive);

void archive_add(struct archive *archive, const char *app, const char *delivery_id,
                 const void *body, size_t len);

struct archive_counts {
    uint64_t kept, dropped; // deliveries, by this process
};
struct archive_counts archive_counts(struct archive *archive);

/* --- reading (blocking; for the command line) ------------------------------------------------- */

struct archive_delivery {
    int64_t at_ms;
    const char *app, *id;
    const void *body; // borrowed during the callback
    size_t len;
};
typedef bool (*archive_fn)(void *arg, const struct archive_delivery *delivery); // false = enough

/*
 * All deliveries of a directory from since_ms up to (not including) until_ms, oldest first over all
 * its files. A file that was not written to its end, or is broken, is read up to there;
 * *ret_broken counts such files.
 */
MUST_USE bool archive_read(const char *directory, int64_t since_ms, int64_t until_ms, archive_fn fn,
                           void *arg, unsigned *ret_broken, struct err *err);
