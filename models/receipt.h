// SPDX-License-Identifier: MIT
/*
 * Receipts (statuses, reads, reactions, edits …) meet messages in either order. One that comes
 * before its message's record waits in `receipts` (7 days); who inserts messages looks there
 * afterwards. Inside models/ only; pool threads.
 */
#pragma once

#include "models/projection.h"

/*
 * How far a status is: accepted, unknown 0 < sent 1 < failed 2 < delivered 3 < read 4 < played 5. A
 * status is only ever replaced by a higher one: so failed counts until the message is seen to be
 * delivered after all. -1 for any other word.
 */
int receipt_rank(const char *status);

// Stores what has no message yet, then applies all. False: as batch_run. owners[i] is receipt i's.
MUST_USE bool receipts_apply(struct db *db, const struct receipt *const *receipts,
                             struct err *const *owners, size_t count, struct err *err);

// Applies the receipts that came before these projections' messages, which are stored by
// now.
MUST_USE bool receipts_catch_up(struct db *db, struct projection *const *projections, size_t count,
                                struct err *err);
