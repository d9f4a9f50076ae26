// SPDX-License-Identifier: MIT
/*
 * Whoever comes second finds the other: a receipt is stored in `receipts` before it looks for its
 * message, and a message is stored before it looks for its receipt.
 */
#include "models/receipt.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "models/batch.h"
#include "models/document.h"
#include "models/records.h"

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

enum { RECEIPT_DAYS = 7 };

int receipt_rank(const char *status)
{
    static const struct {
        const char *word;
        int rank;
    } ranks[] = {{"accepted", 0},  {"unknown", 0}, {"sent", 1},  {"failed", 2},
                 {"delivered", 3}, {"read", 4},    {"played", 5}};
    for (size_t i = 0; status != NULL && i < sizeof(ranks) / sizeof(ranks[0]); i++) {
        if (strcmp(ranks[i].word, status) == 0)
            return ranks[i].rank;
    }
    return -1;
}

static void receipt_id(const char *account, const char *platform_id, char out[25])
{
    id_oid(out, "receipt", account, platform_id, NULL);
}

// A set of ids as the list of a {_id: {$in: […]}} or {platformMessageId: {$in: […]}} filter.
struct id_list {
    bson_t array;
    uint32_t count;
};

static const char *next_key(struct id_list *list, char scratch[16])
{
    const char *key;
    bson_uint32_to_string(list->count++, &key, scratch, 16);
    return key;
}

static void add_update(struct batch *batch, struct err *owner, const struct receipt *r)
{
    int rank = receipt_rank(r->status);
    bson_t *filter =
        BCON_NEW("accountKey", BCON_UTF8(r->account), "platformMessageId",
                 BCON_UTF8(r->platform_id), "statusRank", "{", "$lt", BCON_INT32(rank), "}");
    bson_t *update = bson_new(), set;
    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &set);
    document_add_str(&set, "status", r->status);
    BSON_APPEND_INT32(&set, "statusRank", rank);
    document_add_date(&set, "statusAt", r->at_ms);
    document_add_str(&set, "error", r->error);
    bson_append_document_end(update, &set);
    if (r->error == NULL && strcmp(r->status, "failed") != 0)
        BCON_APPEND(update, "$unset", "{", "error", BCON_UTF8(""), "}"); // delivered after all
    batch_update(batch, owner, filter, update, false);
}

static void add_waiting(struct batch *batch, struct err *owner, const struct receipt *r)
{
    char id[25];
    int rank = receipt_rank(r->status);
    receipt_id(r->account, r->platform_id, id);
    bson_oid_t oid = document_oid_of(id);
    bson_t *filter =
        BCON_NEW("_id", BCON_OID(&oid), "statusRank", "{", "$lt", BCON_INT32(rank), "}");
    bson_t *update = bson_new(), set;
    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &set);
    document_add_str(&set, "accountKey", r->account);
    document_add_str(&set, "platformMessageId", r->platform_id);
    document_add_str(&set, "status", r->status);
    BSON_APPEND_INT32(&set, "statusRank", rank);
    document_add_date(&set, "at", r->at_ms);
    document_add_str(&set, "error", r->error);
    BSON_APPEND_DATE_TIME(&set, "expireAt", clock_wall_ms() + RECEIPT_DAYS * DAY_MS);
    bson_append_document_end(update, &set);
    batch_update(batch, owner, filter, update, true);
}

// Which of these receipts have a message: known[i].
static bool find_messages(struct db *db, const struct receipt *const *receipts, size_t count,
                          bool *known, struct err *err)
{
    mongoc_collection_t *c = mongoc_database_get_collection(db->database, "messages");
    struct id_list accounts = {.array = BSON_INITIALIZER}, ids = {.array = BSON_INITIALIZER};
    char scratch[16];
    for (size_t i = 0; i < count; i++) {
        document_add_str(&accounts.array, next_key(&accounts, scratch), receipts[i]->account);
        document_add_str(&ids.array, next_key(&ids, scratch), receipts[i]->platform_id);
    }
    bson_t *filter = BCON_NEW("accountKey", "{", "$in", BCON_ARRAY(&accounts.array), "}",
                              "platformMessageId", "{", "$in", BCON_ARRAY(&ids.array), "}");
    bson_t *opts = BCON_NEW("projection", "{", "accountKey", BCON_INT32(1), "platformMessageId",
                            BCON_INT32(1), "}");
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(c, filter, opts, NULL);
    const bson_t *doc;
    bson_error_t error;
    while (mongoc_cursor_next(cursor, &doc)) {
        const char *account = document_str(doc, "accountKey"),
                   *id = document_str(doc, "platformMessageId");
        for (size_t i = 0; account != NULL && id != NULL && i < count; i++)
            known[i] = known[i] || (strcmp(receipts[i]->platform_id, id) == 0 &&
                                    strcmp(receipts[i]->account, account) == 0);
    }
    bool ok = !mongoc_cursor_error(cursor, &error) || store_error(err, &error, "messages");
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(c);
    bson_destroy(filter);
    bson_destroy(opts);
    bson_destroy(&accounts.array);
    bson_destroy(&ids.array);
    return ok;
}

bool receipts_apply(struct db *db, const struct receipt *const *receipts, struct err *const *owners,
                    size_t count, struct err *err)
{
    if (count == 0)
        return true;
    bool *known = x_calloc(count, sizeof(known[0]));
    bool ok = find_messages(db, receipts, count, known, err);
    struct batch waiting, messages;
    batch_init(&waiting, db, "receipts");
    batch_init(&messages, db, "messages");
    for (size_t i = 0; ok && i < count; i++) {
        if (receipt_rank(receipts[i]->status) <= 0)
            continue; // a word that moves nothing
        if (!known[i])
            add_waiting(&waiting, owners[i], receipts[i]);
        add_update(&messages, owners[i], receipts[i]);
    }
    // Both are run in any case, which frees them: empty when the look-up failed.
    ok = batch_run(&waiting, err) && ok;
    if (!ok)
        messages.count = 0;
    ok = batch_run(&messages, err) && ok;
    free(known);
    return ok;
}

static void collect_ids(struct id_list *list, const struct projection *p)
{
    char id[25], scratch[16], *key = records_account_key(p);
    for (size_t i = 0; i < p->message_count; i++) {
        const struct message_record *m = &p->messages[i];
        if (m->inbound || m->platform_id == NULL)
            continue;
        receipt_id(key, m->platform_id, id);
        document_add_oid(&list->array, next_key(list, scratch), id);
    }
    free(key);
}

bool receipts_catch_up(struct db *db, struct projection *const *projections, size_t count,
                       struct err *err)
{
    struct id_list ids = {.array = BSON_INITIALIZER};
    for (size_t i = 0; i < count; i++)
        collect_ids(&ids, projections[i]);
    if (ids.count == 0) {
        bson_destroy(&ids.array);
        return true;
    }
    mongoc_collection_t *c = mongoc_database_get_collection(db->database, "receipts");
    bson_t *filter = BCON_NEW("_id", "{", "$in", BCON_ARRAY(&ids.array), "}");
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(c, filter, NULL, NULL);
    struct batch messages;
    batch_init(&messages, db, "messages");
    struct err unwanted = {0}; // a receipt is no reason to refuse the message's projection
    const bson_t *doc;
    bson_error_t error;
    while (mongoc_cursor_next(cursor, &doc)) {
        const struct receipt waiting = {
            .account = (char *)document_str(doc, "accountKey"),
            .platform_id = (char *)document_str(doc, "platformMessageId"),
            .status = (char *)document_str(doc, "status"),
            .error = (char *)document_str(doc, "error"),
            .at_ms = document_int(doc, "at", 0),
        };
        if (waiting.account != NULL && waiting.platform_id != NULL &&
            receipt_rank(waiting.status) > 0)
            add_update(&messages, &unwanted, &waiting);
    }
    bool ok = !mongoc_cursor_error(cursor, &error) || store_error(err, &error, "receipts");
    ok = batch_run(&messages, err) && ok;
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(c);
    bson_destroy(filter);
    bson_destroy(&ids.array);
    return ok;
}
