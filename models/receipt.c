// SPDX-License-Identifier: MIT
/*
 * Whoever comes second finds the other: a receipt is stored in `receipts` before it looks for its
 * message, and a message is stored before it looks for its receipt.
 */
#include "models/receipt.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "models/document.h"
#include "models/receipt_update.h"
#include "models/records.h"

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

// Which of these receipts have a message: known[i].
static bool find_messages(struct db *db, const struct receipt *const *receipts, size_t count,
                          bool *known, struct err *err)
{
    mongoc_collection_t *c = mongoc_database_get_collection(db->database, "messages");
    struct id_list accounts = {.array = BSON_INITIALIZER}, ids = {.array = BSON_INITIALIZER};
    char scratch[16];
    for (size_t i = 0; i < count; i++) {
        if (receipts[i]->platform_id == NULL)
            continue;
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
            known[i] = known[i] || (receipts[i]->platform_id != NULL &&
                                    strcmp(receipts[i]->platform_id, id) == 0 &&
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

// The kinds that a later one of the same person or message replaces: in an unordered bulk only the
// last may be there.
static bool is_replaced(const struct receipt *const *receipts, size_t count, size_t i)
{
    const struct receipt *r = receipts[i];
    if (r->kind != RECEIPT_REACTION && r->kind != RECEIPT_EDIT)
        return false;
    for (size_t j = i + 1; j < count; j++) {
        const struct receipt *other = receipts[j];
        if (other->kind == r->kind && strcmp(other->platform_id, r->platform_id) == 0 &&
            strcmp(other->account, r->account) == 0 &&
            (r->kind == RECEIPT_EDIT || strcmp(other->contact, r->contact) == 0))
            return true;
    }
    return false;
}

// What could not be written, or moves nothing.
static bool is_void(const struct receipt *r)
{
    if (r->kind == RECEIPT_STATUS || r->kind == RECEIPT_UP_TO)
        return receipt_rank(r->status) <= 0;
    return r->kind == RECEIPT_REACTION && r->contact == NULL;
}

bool receipts_apply(struct db *db, const struct receipt *const *receipts, struct err *const *owners,
                    size_t count, struct err *err)
{
    if (count == 0)
        return true;
    bool *known = x_calloc(count, sizeof(known[0]));
    bool ok = find_messages(db, receipts, count, known, err);
    struct receipt_work work;
    receipt_work_open(&work, db);
    for (size_t i = 0; ok && i < count; i++) {
        if (is_void(receipts[i]) || is_replaced(receipts, count, i))
            continue;
        if (!known[i]) // of "up to" nobody knows whether all messages are there
            receipt_wait(&work, owners[i], receipts[i]);
        receipt_change(&work, owners[i], receipts[i]);
    }
    ok = receipt_work_run(&work, ok, err) && ok;
    free(known);
    return ok;
}

static void add_id(void *arg, const char *id)
{
    struct id_list *list = arg;
    char scratch[16];
    document_add_oid(&list->array, next_key(list, scratch), id);
}

static void collect_ids(struct id_list *list, const struct projection *p)
{
    char *key = records_account_key(p);
    bool spoke = false;
    for (size_t i = 0; i < p->message_count; i++) {
        const struct message_record *m = &p->messages[i];
        if (m->platform_id == NULL)
            continue;
        spoke = spoke || !m->inbound;
        receipt_ids_of_message(key, m->platform_id, add_id, list);
    }
    // Only Messenger says "up to", and it knows a person by one name.
    if (spoke && p->platform == PLATFORM_MESSENGER && p->contact != NULL)
        receipt_ids_up_to(key, p->contact, add_id, list);
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
    struct receipt_work work;
    receipt_work_open(&work, db);
    struct err unwanted = {0}; // a receipt is no reason to refuse the message's projection
    const bson_t *doc;
    bson_error_t error;
    while (mongoc_cursor_next(cursor, &doc))
        receipt_change_waiting(&work, &unwanted, doc);
    bool ok = !mongoc_cursor_error(cursor, &error) || store_error(err, &error, "receipts");
    ok = receipt_work_run(&work, ok, err) && ok;
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(c);
    bson_destroy(filter);
    bson_destroy(&ids.array);
    return ok;
}
