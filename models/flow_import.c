// SPDX-License-Identifier: MIT
/*
 * A flow's document from a file into `flows`. Either shape is kept as it is; only the fields below,
 * which a file holds as text, become what the applications store: ObjectIds and dates. The graph is
 * not looked at: who imports has compiled it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "models/document.h"
#include "models/flow_model.h"
#include "models/setup.h"

static const char *const oid_fields[] = {"_id", "userId", "createdBy", "lastModifiedBy", NULL};
// `in` is the parent, NULL for the top.
static const struct {
    const char *in, *name;
} date_fields[] = {
    {NULL, "createdAt"},    {NULL, "updatedAt"},    {NULL, "lastEditedAt"},
    {NULL, "lastExecuted"}, {"stats", "lastRunAt"}, {"statistics.peakUsage", "date"},
};
// What an import over an existing flow does not touch: the aggregator's fields, and when it was
// made.
static const char *const kept_fields[] = {
    "createdAt",  "stats", "executionCount", "lastExecuted", "averageExecutionTime", "successRate",
    "statistics", NULL,
};

// {"$oid": text} or {"$date": text} in the place of the text.
static void wrap_text(cJSON *object, const char *name, const char *kind)
{
    const char *text = json_str(object, name);
    if (text == NULL)
        return;
    cJSON *wrapped = cJSON_CreateObject();
    json_add_str(wrapped, kind, text);
    cJSON_ReplaceItemInObjectCaseSensitive(object, name, wrapped);
}

static bool convert_oids(cJSON *document, struct err *err)
{
    for (size_t i = 0; oid_fields[i] != NULL; i++) {
        const char *name = oid_fields[i];
        const cJSON *field = json_get(document, name);
        if (field == NULL)
            continue;
        wrap_text(document, name, "$oid");
        const char *hex = json_str(json_get(document, name), "$oid");
        if (hex == NULL || !bson_oid_is_valid(hex, strlen(hex)))
            return err_set(err, ERR_INPUT, "flow: %s is no ObjectId (24 hex digits)", name);
    }
    return true;
}

static void convert_dates(cJSON *document)
{
    for (size_t i = 0; i < sizeof(date_fields) / sizeof(date_fields[0]); i++) {
        const char *in = date_fields[i].in;
        const cJSON *parent = in != NULL ? json_path(document, in) : document;
        wrap_text((cJSON *)parent, date_fields[i].name, "$date"); // of our own copy
    }
}

static void set_now(cJSON *document, const char *name)
{
    char now[32];
    clock_iso(clock_wall_ms(), now);
    cJSON_DeleteItemFromObjectCaseSensitive(document, name);
    json_add_str(document, name, now);
}

// Who owns it: what the caller says, else the document, else the first admin.
static bool set_owner(struct db *db, cJSON *document, const char *user_id, struct err *err)
{
    char admin[25];
    if (user_id == NULL && json_get(document, "userId") != NULL)
        return true;
    if (user_id == NULL) {
        if (!user_find(db, NULL, admin, err))
            return false;
        user_id = admin;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(document, "userId");
    json_add_str(document, "userId", user_id);
    return true;
}

static void set_new_id(cJSON *document)
{
    bson_oid_t oid;
    char hex[25];
    bson_oid_init(&oid, NULL);
    bson_oid_to_string(&oid, hex);
    json_add_str(document, "_id", hex);
}

static void keep_old(cJSON *document, const cJSON *old)
{
    for (size_t i = 0; kept_fields[i] != NULL; i++) {
        const cJSON *field = json_get(old, kept_fields[i]);
        if (field == NULL)
            continue;
        cJSON_DeleteItemFromObjectCaseSensitive(document, kept_fields[i]);
        cJSON_AddItemToObject(document, kept_fields[i], cJSON_Duplicate(field, true));
    }
}

// Takes over what the flow of that id already has. No such flow: nothing to take over.
static bool merge_old(struct db *db, cJSON *document, const char *id, struct err *err)
{
    cJSON *old;
    struct err why = {0};
    if (!flow_model_load(db, id, &old, &why))
        return why.code == ERR_NOT_FOUND || err_set(err, why.code, "%s", why.text);
    keep_old(document, old);
    cJSON_Delete(old);
    return true;
}

static bool replace(struct db *db, const char *id, const bson_t *doc, struct err *err)
{
    if (doc->len > DOCUMENT_BYTES_MAX)
        return err_set(err, ERR_LIMIT,
                       "flow: %u bytes are more than MongoDB stores in one document", doc->len);
    mongoc_collection_t *c = mongoc_database_get_collection(db->database, "flows");
    bson_oid_t oid = document_oid_of(id);
    bson_t *filter = BCON_NEW("_id", BCON_OID(&oid)), *opts = BCON_NEW("upsert", BCON_BOOL(true));
    bson_error_t error;
    bool ok = mongoc_collection_replace_one(c, filter, doc, opts, NULL, &error) ||
              store_error(err, &error, "flows");
    mongoc_collection_destroy(c);
    bson_destroy(filter);
    bson_destroy(opts);
    return ok;
}

// Completes the copy in place and stores it; `id` is written.
static bool store_copy(struct db *db, cJSON *copy, const char *user_id, char id[25],
                       struct err *err)
{
    if (json_get(copy, "_id") == NULL)
        set_new_id(copy);
    if (json_get(copy, "createdAt") == NULL)
        set_now(copy, "createdAt");
    set_now(copy, "updatedAt");
    if (json_get(copy, "flowJson") == NULL)
        set_now(copy, "lastEditedAt"); // Flow Builder's; InstantChat has no such field
    if (!set_owner(db, copy, user_id, err) || !convert_oids(copy, err))
        return false;
    memcpy(id, json_str(json_get(copy, "_id"), "$oid"), 25);
    if (!merge_old(db, copy, id, err))
        return false;
    convert_dates(copy);

    bson_t *doc;
    if (!document_from_json(copy, &doc, err))
        return err_prefix(err, "flow");
    bool ok = replace(db, id, doc, err);
    bson_destroy(doc);
    return ok;
}

bool flow_model_import(struct db *db, const cJSON *document, const char *user_id, char ret_id[25],
                       int *ret_version, struct err *err)
{
    const char *name = json_str(document, "name");
    if (!cJSON_IsObject(document) || name == NULL || *name == '\0')
        return err_set(err, ERR_INPUT, "flow: the document needs a name");
    char id[25];
    cJSON *copy = cJSON_Duplicate(document, true), *snapshot = NULL;
    int version = 0;
    bool ok =
        store_copy(db, copy, user_id, id, err) && flow_model_pin(db, id, &version, &snapshot, err);
    cJSON_Delete(copy);
    cJSON_Delete(snapshot);
    if (!ok)
        return false;
    memcpy(ret_id, id, sizeof(id));
    *ret_version = version;
    return true;
}
