// SPDX-License-Identifier: MIT
/*
 * What each kind of receipt writes (see projection.h), as operations of batches. Inside models/
 * only; pure, except opening and running; pool threads.
 */
#pragma once

#include "models/batch.h"
#include "models/projection.h"

// The batches of one application, run in this order: a message is looked for only after the receipt
// waits for it, and a reaction is put after the older one is taken away.
enum receipt_batch {
    WAITING,
    WAITING_REACTIONS,
    MESSAGES,
    MESSAGES_REACTIONS,
    CHATS,
    HISTORY,
    SESSIONS,
    RECEIPT_BATCHES
};
struct receipt_work {
    struct batch batches[RECEIPT_BATCHES];
};

void receipt_work_open(struct receipt_work *work, struct db *db);
// Executes and frees; `go` false: only frees. False: as batch_run.
MUST_USE bool receipt_work_run(struct receipt_work *work, bool go, struct err *err);

// Keeps a receipt for a message that is still to come.
void receipt_wait(struct receipt_work *work, struct err *owner, const struct receipt *receipt);
// Changes the message, and purges what was taken back wherever its words are.
void receipt_change(struct receipt_work *work, struct err *owner, const struct receipt *receipt);

// Appends the _ids under which receipts of this message may wait.
typedef void (*receipt_id_fn)(void *arg, const char *id);
void receipt_ids_of_message(const char *account, const char *platform_id, receipt_id_fn fn,
                            void *arg);
void receipt_ids_up_to(const char *account, const char *contact, receipt_id_fn fn, void *arg);

// A waiting document applied to its message, which is stored by now.
void receipt_change_waiting(struct receipt_work *work, struct err *owner, const bson_t *doc);
