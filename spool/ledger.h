// SPDX-License-Identifier: MIT
/*
 * The listener's half of the ledger: how many events of each account this process received, before
 * it admits them, and what it answered. Counters in a file that is mapped: raising one is a plain
 * store, and kill -9 loses none. A process publishes its rows in Redis as absolute values; the
 * files of processes that are gone are published by the next one, then removed.
 *
 * One thread: the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct ledger;

struct ledger_row {
    char app[64];
    char account[160]; // account key
    uint64_t received; // events, counted before admission
    uint64_t settled;  // their callers were told: kept in Redis or on disk
    uint64_t refused;  // told 503
    uint64_t spooled;  // went to the disk (ever)
    uint64_t drained;  // came off it again (ever), by whichever process
};

/*
 * `directory` NULL: counted in memory alone. `incarnation` names the file. The table grows as
 * accounts come.
 */
MUST_USE struct ledger *ledger_open(const char *directory, const char *incarnation,
                                    struct err *err);
void ledger_close(struct ledger *ledger); // the file stays until somebody has published it

// The row of (app, account), made when it is new; valid until the next call of this function. Its
// place is valid for good.
struct ledger_row *ledger_row(struct ledger *ledger, const char *app, const char *account);
size_t ledger_place(const struct ledger *ledger, const struct ledger_row *row);
size_t ledger_count(const struct ledger *ledger);
struct ledger_row *ledger_at(struct ledger *ledger, size_t place); // NULL beyond the last

/*
 * The ledgers of processes that are gone: `fn` gets each one's rows, and returns true when they
 * were published; the file is then removed.
 */
typedef bool (*ledger_gone_fn)(void *arg, const char *incarnation, const struct ledger_row *rows,
                               size_t count);
void ledger_collect(const char *directory, ledger_gone_fn fn, void *arg);
