// SPDX-License-Identifier: MIT
// A bulk operation that knows whose each document is; see batch.h.
#include "models/batch.h"

#include <stdlib.h>

#include "base/mem.h"
#include "models/document.h"

void batch_init(struct batch *batch, struct db *db, const char *collection)
{
    bson_t *opts = BCON_NEW("ordered", BCON_BOOL(false));
    *batch = (struct batch){.name = collection};
    batch->collection = mongoc_database_get_collection(db->database, collection);
    batch->bulk = mongoc_collection_create_bulk_operation_with_opts(batch->collection, opts);
    bson_destroy(opts);
}

static void refuse(struct err *owner, const char *collection, const char *why)
{
    if (owner->code == ERR_NONE)
        err_set(owner, ERR_INPUT, "mongodb refuses a document of %s: %s", collection, why);
}

static bool fits(const struct batch *batch, struct err *owner, const bson_t *doc)
{
    if (doc->len <= DOCUMENT_BYTES_MAX)
        return true;
    char *why = x_printf("%u bytes, at most %d", doc->len, DOCUMENT_BYTES_MAX);
    refuse(owner, batch->name, why);
    free(why);
    return false;
}

static void remember(struct batch *batch, struct err *owner, bool must_answer)
{
    if ((batch->count & (batch->count - 1)) == 0) // full at each power of two
        batch->owners = x_realloc(batch->owners, batch->count == 0 ? 1 : 2 * batch->count,
                                  sizeof(batch->owners[0]));
    batch->owners[batch->count++] = owner;
    batch->must_answer += must_answer ? 1 : 0;
}

void batch_insert(struct batch *batch, struct err *owner, bson_t *owned_doc)
{
    bson_error_t error;
    if (fits(batch, owner, owned_doc)) {
        if (mongoc_bulk_operation_insert_with_opts(batch->bulk, owned_doc, NULL, &error))
            remember(batch, owner, true);
        else
            refuse(owner, batch->name, error.message);
    }
    bson_destroy(owned_doc);
}

void batch_update(struct batch *batch, struct err *owner, bson_t *owned_filter,
                  bson_t *owned_update, bool upsert)
{
    bson_error_t error;
    if (fits(batch, owner, owned_update)) {
        bson_t opts = BSON_INITIALIZER;
        BSON_APPEND_BOOL(&opts, "upsert", upsert);
        if (mongoc_bulk_operation_update_one_with_opts(batch->bulk, owned_filter, owned_update,
                                                       &opts, &error))
            remember(batch, owner, upsert);
        else
            refuse(owner, batch->name, error.message);
        bson_destroy(&opts);
    }
    bson_destroy(owned_filter);
    bson_destroy(owned_update);
}

void batch_update_all(struct batch *batch, struct err *owner, bson_t *owned_filter,
                      bson_t *owned_update, bson_t *owned_array_filters)
{
    bson_error_t error;
    if (fits(batch, owner, owned_update)) {
        bson_t opts = BSON_INITIALIZER;
        if (owned_array_filters != NULL)
            BSON_APPEND_ARRAY(&opts, "arrayFilters", owned_array_filters);
        if (mongoc_bulk_operation_update_many_with_opts(batch->bulk, owned_filter, owned_update,
                                                        &opts, &error))
            remember(batch, owner, false);
        else
            refuse(owner, batch->name, error.message);
        bson_destroy(&opts);
    }
    bson_destroy(owned_filter);
    bson_destroy(owned_update);
    bson_destroy(owned_array_filters);
}

// One element of the reply's writeErrors: {index, code, errmsg}.
static bool judge_write_error(struct batch *batch, const bson_t *entry, struct err *err)
{
    int64_t index = document_int(entry, "index", -1);
    bson_error_t error = {.domain = MONGOC_ERROR_SERVER,
                          .code = (uint32_t)document_int(entry, "code", 0)};
    const char *text = document_str(entry, "errmsg");
    bson_strncpy(error.message, text != NULL ? text : "no reason given", sizeof(error.message));
    struct err why;
    store_error(&why, &error, batch->name);
    if (why.code == ERR_CONFLICT)
        return true;
    if (why.code == ERR_UNAVAILABLE || why.code == ERR_DENIED)
        return err_set(err, why.code, "%s", why.text);
    if (index >= 0 && (size_t)index < batch->count)
        refuse(batch->owners[index], batch->name, error.message);
    return true;
}

static bool judge_reply(struct batch *batch, const bson_t *reply, const bson_error_t *error,
                        struct err *err)
{
    bson_iter_t it, item;
    size_t answered =
        (size_t)(document_int(reply, "nInserted", 0) + document_int(reply, "nMatched", 0) +
                 document_int(reply, "nUpserted", 0));
    size_t refused = 0;
    if (bson_iter_init_find(&it, reply, "writeErrors") && bson_iter_recurse(&it, &item)) {
        while (bson_iter_next(&item)) {
            bson_t entry;
            const uint8_t *data;
            uint32_t len;
            bson_iter_document(&item, &len, &data);
            if (data == NULL || !bson_init_static(&entry, data, len))
                continue;
            refused++;
            if (!judge_write_error(batch, &entry, err))
                return false;
        }
    }
    if (refused == 0)
        return store_error(err, error, batch->name);
    // The connection may have ended between two commands of the bulk: what got no answer is written
    // again.
    if (answered + refused < batch->must_answer)
        return err_set(err, ERR_UNAVAILABLE, "mongodb: %s: %zu of %zu writes got no answer",
                       batch->name, batch->must_answer - answered - refused, batch->must_answer);
    return true;
}

static bool has_concern_error(const bson_t *reply)
{
    bson_iter_t it, item;
    return bson_iter_init_find(&it, reply, "writeConcernErrors") && bson_iter_recurse(&it, &item) &&
           bson_iter_next(&item);
}

static bool execute(struct batch *batch, struct err *err)
{
    bson_t reply;
    bson_error_t error = {0};
    bool ok = mongoc_bulk_operation_execute(batch->bulk, &reply, &error) != 0;
    if (!ok && has_concern_error(&reply)) // written, but not as safely as it must be
        err_set(err, ERR_UNAVAILABLE, "mongodb: %s: %s", batch->name, error.message);
    else if (!ok)
        ok = judge_reply(batch, &reply, &error, err);
    bson_destroy(&reply);
    return ok;
}

bool batch_run(struct batch *batch, struct err *err)
{
    bool ok = batch->count == 0 || execute(batch, err);
    mongoc_bulk_operation_destroy(batch->bulk);
    mongoc_collection_destroy(batch->collection);
    free(batch->owners);
    *batch = (struct batch){0};
    return ok;
}
