// SPDX-License-Identifier: MIT
/*
 * One unordered bulk operation on one collection that knows whose each document is. Writes here are
 * idempotent by their filters and ids, so a duplicate key always means "already there, or something
 * newer is": success. Inside models/ only; one pool thread.
 */
#pragma once

#include "models/store.h"

struct batch {
    mongoc_collection_t *collection;
    mongoc_bulk_operation_t *bulk;
    const char *name;
    struct err **owners; // per operation: where its refusal is told
    size_t count;
    size_t must_answer; // inserts and upserts: each is counted once in the server's reply
};

void batch_init(struct batch *batch, struct db *db, const char *collection);

// Each destroys its documents. A document that the driver refuses is told to `owner` at once and
// left out.
void batch_insert(struct batch *batch, struct err *owner, bson_t *owned_doc);
void batch_update(struct batch *batch, struct err *owner, bson_t *owned_filter,
                  bson_t *owned_update, bool upsert);

// Every document that matches; filters (an array, or NULL) are the update's arrayFilters.
void batch_update_all(struct batch *batch, struct err *owner, bson_t *owned_filter,
                      bson_t *owned_update, bson_t *owned_array_filters);

/*
 * Executes and frees the batch. A document refused for itself fills its owner's err with ERR_INPUT
 * (the first refusal stays) and is no failure of the batch. False: nothing is known about the rest:
 * ERR_UNAVAILABLE or ERR_DENIED when it may pass, else ERR_INTERNAL.
 */
MUST_USE bool batch_run(struct batch *batch, struct err *err);
