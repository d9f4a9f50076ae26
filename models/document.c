// SPDX-License-Identifier: MIT
// BSON and JSON helpers of the model files; see document.h.
#include "models/document.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

// MongoDB takes 100 levels; what wraps a value here needs a few of them.
enum { DEPTH_MAX = 80 };

// And 16 MiB, which as JSON may be more.
enum { JSON_BYTES_MAX = 32 << 20 };

static bool find_path(const bson_t *doc, const char *path, bson_iter_t *ret_value)
{
    bson_iter_t root;
    return bson_iter_init(&root, doc) && bson_iter_find_descendant(&root, path, ret_value);
}

const char *document_str(const bson_t *doc, const char *path)
{
    bson_iter_t it;
    return find_path(doc, path, &it) && BSON_ITER_HOLDS_UTF8(&it) ? bson_iter_utf8(&it, NULL)
                                                                  : NULL;
}

int64_t document_int(const bson_t *doc, const char *path, int64_t fallback)
{
    bson_iter_t it;
    if (!find_path(doc, path, &it))
        return fallback;
    if (BSON_ITER_HOLDS_DATE_TIME(&it))
        return bson_iter_date_time(&it);
    if (BSON_ITER_HOLDS_DOUBLE(&it)) {
        double value = bson_iter_double(&it);
        return value > -9e15 && value < 9e15 ? (int64_t)value : fallback;
    }
    return BSON_ITER_HOLDS_INT(&it) ? bson_iter_as_int64(&it) : fallback;
}

double document_double(const bson_t *doc, const char *path, double fallback)
{
    bson_iter_t it;
    return find_path(doc, path, &it) && BSON_ITER_HOLDS_NUMBER(&it) ? bson_iter_as_double(&it)
                                                                    : fallback;
}

bool document_bool(const bson_t *doc, const char *path, bool fallback)
{
    bson_iter_t it;
    return find_path(doc, path, &it) && BSON_ITER_HOLDS_BOOL(&it) ? bson_iter_bool(&it) : fallback;
}

bool document_oid(const bson_t *doc, const char *path, char out[25])
{
    bson_iter_t it;
    if (!find_path(doc, path, &it))
        return false;
    if (BSON_ITER_HOLDS_OID(&it)) {
        bson_oid_to_string(bson_iter_oid(&it), out);
        return true;
    }
    const char *text = BSON_ITER_HOLDS_UTF8(&it) ? bson_iter_utf8(&it, NULL) : NULL;
    if (text == NULL || !bson_oid_is_valid(text, strlen(text)))
        return false;
    memcpy(out, text, 25);
    return true;
}

bool document_has(const bson_t *doc, const char *path)
{
    bson_iter_t it;
    return find_path(doc, path, &it);
}

void document_add_str(bson_t *doc, const char *key, const char *value)
{
    if (value != NULL)
        bson_append_utf8(doc, key, -1, value, -1);
}

bson_oid_t document_oid_of(const char *hex)
{
    bson_oid_t oid;
    bson_oid_init_from_string(&oid, hex);
    return oid;
}

void document_add_oid(bson_t *doc, const char *key, const char *hex)
{
    if (hex == NULL || !bson_oid_is_valid(hex, strlen(hex)))
        return;
    bson_oid_t oid = document_oid_of(hex);
    bson_append_oid(doc, key, -1, &oid);
}

void document_add_date(bson_t *doc, const char *key, int64_t ms)
{
    if (ms != 0)
        bson_append_date_time(doc, key, -1, ms);
}

static void add_value(bson_t *doc, const char *key, const cJSON *value, unsigned depth);

static void add_members(bson_t *doc, const cJSON *parent, unsigned depth)
{
    const cJSON *item;
    char scratch[16];
    uint32_t index = 0;

    cJSON_ArrayForEach(item, parent) {
        const char *key = item->string;
        if (cJSON_IsArray(parent)) {
            bson_uint32_to_string(index++, &key, scratch, sizeof(scratch));
            add_value(doc, key, item, depth);
        } else if (key == NULL || *key == '\0') {
            add_value(doc, "_", item, depth);
        } else if (*key == '$') {
            char *safe = x_printf("\xEF\xBC\x84%s", key + 1);
            add_value(doc, safe, item, depth);
            free(safe);
        } else {
            add_value(doc, key, item, depth);
        }
    }
}

static void add_number(bson_t *doc, const char *key, double value)
{
    bool whole = value > -9e15 && value < 9e15 && value == (double)(int64_t)value;
    if (!whole)
        bson_append_double(doc, key, -1, value);
    else if (value >= INT32_MIN && value <= INT32_MAX)
        bson_append_int32(doc, key, -1, (int32_t)value);
    else
        bson_append_int64(doc, key, -1, (int64_t)value);
}

static void add_value(bson_t *doc, const char *key, const cJSON *value, unsigned depth)
{
    bson_t child;

    if (cJSON_IsString(value)) {
        bson_append_utf8(doc, key, -1, value->valuestring, -1);
    } else if (cJSON_IsNumber(value)) {
        add_number(doc, key, value->valuedouble);
    } else if (cJSON_IsBool(value)) {
        bson_append_bool(doc, key, -1, cJSON_IsTrue(value));
    } else if (cJSON_IsNull(value) || cJSON_IsInvalid(value)) {
        bson_append_null(doc, key, -1);
    } else if (depth >= DEPTH_MAX) {
        char *text = json_print(value);
        bson_append_utf8(doc, key, -1, text, -1);
        free(text);
    } else if (cJSON_IsArray(value)) {
        bson_append_array_begin(doc, key, -1, &child);
        add_members(&child, value, depth + 1);
        bson_append_array_end(doc, &child);
    } else {
        bson_append_document_begin(doc, key, -1, &child);
        add_members(&child, value, depth + 1);
        bson_append_document_end(doc, &child);
    }
}

void document_add_json(bson_t *doc, const char *key, const cJSON *value)
{
    if (value != NULL)
        add_value(doc, key, value, 0);
}

bool document_to_json(const bson_t *doc, cJSON **ret_json, struct err *err)
{
    static const struct json_limits limits = {.max_bytes = JSON_BYTES_MAX};
    size_t len = 0;
    char *text = bson_as_relaxed_extended_json(doc, &len);
    if (text == NULL)
        return err_set(err, ERR_INPUT, "mongodb: a document is damaged or not UTF-8");
    cJSON *json = json_read_within(text, len, &limits, err);
    bson_free(text);
    if (json == NULL)
        return err_prefix(err, "mongodb: a document cannot be read as JSON");
    *ret_json = json;
    return true;
}

bool document_from_json(const cJSON *json, bson_t **ret_doc, struct err *err)
{
    char *text = json_print(json);
    bson_error_t error;
    bson_t *doc = bson_new_from_json((const uint8_t *)text, -1, &error);
    free(text);
    if (doc == NULL)
        return err_set(err, ERR_INPUT, "the document is no (extended) JSON: %s", error.message);
    *ret_doc = doc;
    return true;
}

bool document_find(struct db *db, const char *collection, bson_t *owned_filter, bson_t *owned_opts,
                   const char *what, bson_t **ret_doc, struct err *err)
{
    mongoc_collection_t *c = mongoc_database_get_collection(db->database, collection);
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(c, owned_filter, owned_opts, NULL);
    const bson_t *doc = NULL;
    bson_error_t error;
    bool ok = true;

    if (mongoc_cursor_next(cursor, &doc))
        *ret_doc = bson_copy(doc);
    else if (mongoc_cursor_error(cursor, &error))
        ok = store_error(err, &error, what);
    else
        ok = err_set(err, ERR_NOT_FOUND, "%s: not found", what);
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(c);
    bson_destroy(owned_filter);
    bson_destroy(owned_opts);
    return ok;
}

bool document_update(struct db *db, const char *collection, bson_t *owned_filter,
                     bson_t *owned_update, bool upsert, bool *ret_matched, struct err *err)
{
    mongoc_collection_t *c = mongoc_database_get_collection(db->database, collection);
    bson_t opts = BSON_INITIALIZER, reply;
    bson_error_t error;

    BSON_APPEND_BOOL(&opts, "upsert", upsert);
    bool ok = mongoc_collection_update_one(c, owned_filter, owned_update, &opts, &reply, &error);
    if (!ok)
        store_error(err, &error, collection);
    else if (ret_matched != NULL)
        *ret_matched = document_int(&reply, "matchedCount", 0) > 0;
    bson_destroy(&reply);
    bson_destroy(&opts);
    bson_destroy(owned_filter);
    bson_destroy(owned_update);
    mongoc_collection_destroy(c);
    return ok;
}
