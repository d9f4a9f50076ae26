// SPDX-License-Identifier: MIT
/*
 * Flows and their versions: the collections `flows` and `flow_versions`, both stored shapes.
 * Documents pass as JSON (relaxed extended JSON) so that unknown fields survive. Blocking: pool
 * threads or the command line.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "models/store.h"

// The flow's document; ERR_NOT_FOUND. Caller deletes.
MUST_USE bool flow_model_load(struct db *db, const char *flow_id, cJSON **ret_document,
                              struct err *err);

// False when its builder switched it off: `status: "inactive"` or `isActive: false`.
bool flow_model_is_on(const cJSON *document);

// Finds a flow by ObjectId or by exact name (ERR_CONFLICT when several have it).
MUST_USE bool flow_model_find(struct db *db, const char *id_or_name, char ret_id[25],
                              struct err *err);

/*
 * Makes sure that a version holds what the document holds now, and says which: the newest version
 * when its snapshot is the same graph, else a new one with the next number (change type auto). Two
 * callers at once agree.
 */
MUST_USE bool flow_model_pin(struct db *db, const char *flow_id, int *ret_version,
                             cJSON **ret_snapshot, struct err *err);

// The snapshot of one version.
MUST_USE bool flow_model_version(struct db *db, const char *flow_id, int version,
                                 cJSON **ret_snapshot, struct err *err);

/*
 * Stores a document from a file (either shape; strings where MongoDB has dates and ObjectIds are
 * converted). An `_id` that exists is replaced (stats, createdAt kept), else inserted. user_id NULL
 * = the first admin.
 */
MUST_USE bool flow_model_import(struct db *db, const cJSON *document, const char *user_id,
                                char ret_id[25], int *ret_version, struct err *err);

struct flow_summary {
    char id[25];
    const char *name;
    const char *shape; // "flow-builder" or "instantchat"
    int version;
    int64_t runs, successes, average_ms;
};
typedef void (*flow_summary_fn)(void *arg, const struct flow_summary *summary);
MUST_USE bool flow_model_each(struct db *db, flow_summary_fn fn, void *arg, struct err *err);

/*
 * The aggregator: recomputes per-flow statistics from chat_sessions (per flow and day, into
 * `flow_stats`, so that expired sessions stay counted) and writes the sums back in each flow's own
 * shape. Idempotent.
 */
MUST_USE bool flow_model_aggregate(struct db *db, int64_t now_ms, unsigned *ret_flows,
                                   struct err *err);
