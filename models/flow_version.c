// SPDX-License-Identifier: MIT
/*
 * The collection `flow_versions`: {flowId, versionNumber, snapshot, changeDescription, changeType,
 * createdBy, createdAt, fileSize}. A version's _id is derived from flow and number, so that two
 * callers who add the same number meet in one document: the second is refused and looks again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/flow.h"
#include "models/document.h"
#include "models/flow_model.h"

enum { PIN_TRIES = 20 };

struct version {
    int number; // 0 = the flow has none
    cJSON *snapshot;
};

static bool read_version(const bson_t *doc, struct version *ret_version, struct err *err)
{
    cJSON *json;
    if (!document_to_json(doc, &json, err))
        return false;
    ret_version->number = (int)document_int(doc, "versionNumber", 0);
    ret_version->snapshot = cJSON_DetachItemFromObjectCaseSensitive(json, "snapshot");
    cJSON_Delete(json);
    if (ret_version->snapshot == NULL)
        return err_set(err, ERR_INPUT, "flow version %d has no snapshot", ret_version->number);
    return true;
}

static bool load_newest(struct db *db, const char *flow_id, struct version *ret_version,
                        struct err *err)
{
    bson_oid_t oid = document_oid_of(flow_id);
    bson_t *opts =
        BCON_NEW("sort", "{", "versionNumber", BCON_INT32(-1), "}", "limit", BCON_INT64(1));
    struct err why = {0};
    bson_t *doc;
    if (!document_find(db, "flow_versions", BCON_NEW("flowId", BCON_OID(&oid)), opts,
                       "flow_versions", &doc, &why))
        return why.code == ERR_NOT_FOUND || err_set(err, why.code, "%s", why.text);
    bool ok = read_version(doc, ret_version, err);
    bson_destroy(doc);
    return ok;
}

static void copy_member(const cJSON *from, cJSON *to, const char *name)
{
    const cJSON *member = json_get(from, name);
    if (member != NULL)
        cJSON_AddItemToObject(to, name, cJSON_Duplicate(member, true));
}

// The graph as the engine sees it, and beside it what Flow Builder keeps in a version.
static bool make_snapshot(const cJSON *document, const char *graph, cJSON **ret_snapshot,
                          struct err *err)
{
    const struct json_limits limits = {.max_bytes = FLOW_BYTES_MAX};
    cJSON *snapshot = json_read_within(graph, strlen(graph), &limits, err);
    if (snapshot == NULL)
        return false;
    copy_member(document, snapshot, "name");
    copy_member(document, snapshot, "description");
    copy_member(document, snapshot, "viewport");
    *ret_snapshot = snapshot;
    return true;
}

static void id_of(const char *flow_id, int number, char out[25])
{
    char text[16];
    snprintf(text, sizeof(text), "%d", number);
    id_oid(out, "flow_version", flow_id, text, NULL);
}

// The owner of the flow, as relaxed extended JSON has it; "" when there is none.
static const char *owner_of(const cJSON *document)
{
    const char *hex = json_str(json_get(document, "userId"), "$oid");
    return hex != NULL ? hex : "";
}

static bool version_document(const cJSON *document, const char *flow_id, int number,
                             const cJSON *snapshot, bson_t **ret_doc, struct err *err)
{
    bson_t *graph;
    char id[25];
    if (!document_from_json(snapshot, &graph, err))
        return false;
    char *text = json_print(snapshot);
    bson_t *doc = bson_new();
    id_of(flow_id, number, id);
    document_add_oid(doc, "_id", id);
    document_add_oid(doc, "flowId", flow_id);
    BSON_APPEND_INT32(doc, "versionNumber", number);
    BSON_APPEND_DOCUMENT(doc, "snapshot", graph);
    document_add_str(doc, "changeDescription", number == 1 ? "first version" : "graph changed");
    document_add_str(doc, "changeType", "auto");
    document_add_oid(doc, "createdBy", owner_of(document));
    document_add_date(doc, "createdAt", clock_wall_ms());
    BSON_APPEND_INT64(doc, "fileSize", (int64_t)strlen(text));
    free(text);
    bson_destroy(graph);
    *ret_doc = doc;
    return true;
}

// Flow Builder shows the current version's number in the flow; InstantChat's `version` is a text of
// its user's.
static bool show_in_flow(struct db *db, const char *flow_id, int number, struct err *err)
{
    bson_oid_t oid = document_oid_of(flow_id);
    bson_t *filter =
        BCON_NEW("_id", BCON_OID(&oid), "flowJson", "{", "$exists", BCON_BOOL(false), "}",
                 "version", "{", "$not", "{", "$gte", BCON_INT32(number), "}", "}");
    return document_update(db, "flows", filter,
                           BCON_NEW("$set", "{", "version", BCON_INT32(number), "}"), false, NULL,
                           err);
}

// ERR_CONFLICT: somebody else added that number first.
static bool add_version(struct db *db, const cJSON *document, const char *flow_id, int number,
                        const cJSON *snapshot, struct err *err)
{
    bson_t *doc;
    if (!version_document(document, flow_id, number, snapshot, &doc, err))
        return false;
    mongoc_collection_t *c = mongoc_database_get_collection(db->database, "flow_versions");
    bson_error_t error;
    bool ok = mongoc_collection_insert_one(c, doc, NULL, NULL, &error) ||
              store_error(err, &error, "flow_versions");
    mongoc_collection_destroy(c);
    bson_destroy(doc);
    return ok && show_in_flow(db, flow_id, number, err);
}

// One look: the newest version when it holds the same graph, else the next one.
static bool pin_once(struct db *db, const char *flow_id, struct version *ret_version,
                     struct err *err)
{
    struct version newest = {0};
    cJSON *document, *snapshot = NULL;
    if (!flow_model_load(db, flow_id, &document, err))
        return false;
    bool ok = load_newest(db, flow_id, &newest, err);
    char *graph = flow_snapshot(document);
    char *pinned = newest.snapshot != NULL ? flow_snapshot(newest.snapshot) : NULL;

    if (ok && pinned != NULL && strcmp(graph, pinned) == 0) {
        *ret_version = newest;
        newest.snapshot = NULL;
    } else if (ok) {
        ok = make_snapshot(document, graph, &snapshot, err) &&
             add_version(db, document, flow_id, newest.number + 1, snapshot, err);
        if (ok)
            *ret_version = (struct version){newest.number + 1, snapshot};
        else
            cJSON_Delete(snapshot);
    }
    free(graph);
    free(pinned);
    cJSON_Delete(newest.snapshot);
    cJSON_Delete(document);
    return ok;
}

bool flow_model_pin(struct db *db, const char *flow_id, int *ret_version, cJSON **ret_snapshot,
                    struct err *err)
{
    struct version version;
    struct err why = {0};
    for (int i = 0; i < PIN_TRIES; i++) {
        if (pin_once(db, flow_id, &version, &why)) {
            *ret_version = version.number;
            *ret_snapshot = version.snapshot;
            return true;
        }
        if (why.code != ERR_CONFLICT)
            break;
    }
    return err_set(err, why.code, "%s", why.text);
}

bool flow_model_version(struct db *db, const char *flow_id, int version, cJSON **ret_snapshot,
                        struct err *err)
{
    if (!bson_oid_is_valid(flow_id, strlen(flow_id)))
        return err_set(err, ERR_NOT_FOUND, "'%.60s' is no flow id (24 hex digits)", flow_id);
    bson_oid_t oid = document_oid_of(flow_id);
    bson_t *filter = BCON_NEW("flowId", BCON_OID(&oid), "versionNumber", BCON_INT32(version));
    char what[64];
    snprintf(what, sizeof(what), "version %d of flow %s", version, flow_id);
    struct version found = {0};
    bson_t *doc;
    if (!document_find(db, "flow_versions", filter, NULL, what, &doc, err))
        return false;
    bool ok = read_version(doc, &found, err);
    bson_destroy(doc);
    if (ok)
        *ret_snapshot = found.snapshot;
    return ok;
}
