// SPDX-License-Identifier: MIT
// The collection `flows`: loading, finding, listing. Versions, import and statistics have files of
// their own.
#include "models/flow_model.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "models/document.h"

bool flow_model_load(struct db *db, const char *flow_id, cJSON **ret_document, struct err *err)
{
    if (!bson_oid_is_valid(flow_id, strlen(flow_id)))
        return err_set(err, ERR_NOT_FOUND, "'%.60s' is no flow id (24 hex digits)", flow_id);
    bson_oid_t oid = document_oid_of(flow_id);
    char what[40];
    snprintf(what, sizeof(what), "flow %s", flow_id);
    bson_t *doc;
    if (!document_find(db, "flows", BCON_NEW("_id", BCON_OID(&oid)), NULL, what, &doc, err))
        return false;
    bool ok = document_to_json(doc, ret_document, err) || err_prefix(err, "%s", what);
    bson_destroy(doc);
    return ok;
}

bool flow_model_is_on(const cJSON *document)
{
    const char *status = json_str(document, "status");
    return json_bool(document, "isActive", true) && !(status && strcmp(status, "inactive") == 0);
}

static bool find_by_id(struct db *db, const char *id, char ret_id[25], struct err *err)
{
    bson_oid_t oid = document_oid_of(id);
    bson_t *doc;
    if (!document_find(db, "flows", BCON_NEW("_id", BCON_OID(&oid)), NULL, "flows", &doc, err))
        return false;
    bson_oid_to_string(&oid, ret_id);
    bson_destroy(doc);
    return true;
}

static bool find_by_name(struct db *db, const char *name, char ret_id[25], struct err *err)
{
    mongoc_collection_t *c = mongoc_database_get_collection(db->database, "flows");
    bson_t *filter = BCON_NEW("name", BCON_UTF8(name));
    bson_t *opts = BCON_NEW("limit", BCON_INT64(2), "projection", "{", "_id", BCON_INT32(1), "}");
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(c, filter, opts, NULL);
    const bson_t *doc;
    bson_error_t error;
    unsigned found = 0;
    char id[25];

    while (mongoc_cursor_next(cursor, &doc))
        found += document_oid(doc, "_id", id) ? 1 : 0;
    bool ok = !mongoc_cursor_error(cursor, &error) || store_error(err, &error, "flows");
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(c);
    bson_destroy(filter);
    bson_destroy(opts);
    if (ok && found == 0)
        return err_set(err, ERR_NOT_FOUND, "no flow has the id or the name '%.120s'", name);
    if (ok && found > 1)
        return err_set(err, ERR_CONFLICT, "several flows are named '%.120s': give the id", name);
    if (ok)
        memcpy(ret_id, id, sizeof(id));
    return ok;
}

bool flow_model_find(struct db *db, const char *id_or_name, char ret_id[25], struct err *err)
{
    struct err why = {0};
    if (!bson_oid_is_valid(id_or_name, strlen(id_or_name)))
        return find_by_name(db, id_or_name, ret_id, err);
    if (find_by_id(db, id_or_name, ret_id, &why))
        return true;
    if (why.code != ERR_NOT_FOUND)
        return err_set(err, why.code, "%s", why.text);
    return find_by_name(db, id_or_name, ret_id, err); // a name may look like an id
}

// The newest version's number; 0 when the flow has none yet.
static bool newest_version(struct db *db, const char *flow_id, int *ret_version, struct err *err)
{
    bson_oid_t oid = document_oid_of(flow_id);
    bson_t *opts = BCON_NEW("sort", "{", "versionNumber", BCON_INT32(-1), "}", "limit",
                            BCON_INT64(1), "projection", "{", "versionNumber", BCON_INT32(1), "}");
    struct err why = {0};
    bson_t *doc;
    *ret_version = 0;
    if (!document_find(db, "flow_versions", BCON_NEW("flowId", BCON_OID(&oid)), opts,
                       "flow_versions", &doc, &why))
        return why.code == ERR_NOT_FOUND || err_set(err, why.code, "%s", why.text);
    *ret_version = (int)document_int(doc, "versionNumber", 0);
    bson_destroy(doc);
    return true;
}

static bool summarise(struct db *db, const bson_t *doc, flow_summary_fn fn, void *arg,
                      struct err *err)
{
    bool instantchat = document_has(doc, "flowJson");
    const char *name = document_str(doc, "name");
    struct flow_summary summary = {
        .name = name != NULL ? name : "",
        .shape = instantchat ? "instantchat" : "flow-builder",
    };
    if (!document_oid(doc, "_id", summary.id))
        return true; // another application's key: Hookmill cannot run it
    if (instantchat) {
        summary.runs = document_int(doc, "statistics.totalExecutions", 0);
        summary.successes = document_int(doc, "statistics.successfulExecutions", 0);
        summary.average_ms = document_int(doc, "averageExecutionTime", 0);
    } else {
        summary.runs = document_int(doc, "stats.totalRuns", 0);
        summary.successes = document_int(doc, "stats.successfulRuns", 0);
        summary.average_ms =
            (int64_t)(document_double(doc, "stats.averageCompletionTime", 0) * 1000);
    }
    if (!newest_version(db, summary.id, &summary.version, err))
        return false;
    fn(arg, &summary);
    return true;
}

bool flow_model_each(struct db *db, flow_summary_fn fn, void *arg, struct err *err)
{
    mongoc_collection_t *c = mongoc_database_get_collection(db->database, "flows");
    bson_t everything = BSON_INITIALIZER;
    bson_t *opts = BCON_NEW(
        "sort", "{", "name", BCON_INT32(1), "_id", BCON_INT32(1), "}", "projection", "{", "name",
        BCON_INT32(1), "stats", BCON_INT32(1), "statistics", BCON_INT32(1), "averageExecutionTime",
        BCON_INT32(1), "flowJson._", BCON_INT32(1), "}"); // whether it is there, without its graph
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(c, &everything, opts, NULL);
    const bson_t *doc;
    bson_error_t error;
    bool ok = true;

    while (ok && mongoc_cursor_next(cursor, &doc))
        ok = summarise(db, doc, fn, arg, err);
    if (ok && mongoc_cursor_error(cursor, &error))
        ok = store_error(err, &error, "flows");
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(c);
    bson_destroy(opts);
    return ok;
}
