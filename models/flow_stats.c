// SPDX-License-Identifier: MIT
/*
 * The aggregator: chat_sessions → flow_stats (one document per flow and UTC day of startedAt) → the
 * flows' own fields.
 *
 * A session expires 30 days after it ended, so a day is complete in chat_sessions for 30 days at
 * least: until then its figures are computed anew and replaced, later they stay. A run looks only
 * at days in which something moved since the last run (a session started or ended), and at the last
 * three in any case.
 *
 * What the figures mean: runs are sessions started; successes are those completed; completion time
 * is from start to end, waits included; execution and response time is what the engine and its
 * effects took, waits left out; success rate is of the sessions that ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "models/document.h"
#include "models/flow_model.h"

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

enum { ALWAYS_DAYS = 3, COMPLETE_DAYS = 29, DAYS_MAX = 40000 };

// The document of flow_stats that remembers when the aggregator last ran.
static const char MARK_ID[] = "aggregated";

struct days {
    int64_t *start_ms;
    size_t count;
};

// Runs a pipeline; the caller destroys the cursor. Pipeline and opts live until then.
static mongoc_cursor_t *aggregate(struct db *db, const char *collection, const bson_t *pipeline)
{
    mongoc_collection_t *c = mongoc_database_get_collection(db->database, collection);
    bson_t *opts = BCON_NEW("allowDiskUse", BCON_BOOL(true));
    mongoc_cursor_t *cursor =
        mongoc_collection_aggregate(c, MONGOC_QUERY_NONE, pipeline, opts, NULL);
    bson_destroy(opts);
    mongoc_collection_destroy(c);
    return cursor;
}

static bool end_cursor(mongoc_cursor_t *cursor, const char *what, struct err *err)
{
    bson_error_t error;
    bool ok = !mongoc_cursor_error(cursor, &error) || store_error(err, &error, what);
    mongoc_cursor_destroy(cursor);
    return ok;
}

// From when on a started or ended session is news: everything, the first time.
static bool news_since(struct db *db, int64_t now_ms, int64_t *ret_since, struct err *err)
{
    struct err why = {0};
    bson_t *doc;
    if (!document_find(db, "flow_stats", BCON_NEW("_id", BCON_UTF8(MARK_ID)), NULL, "flow_stats",
                       &doc, &why)) {
        *ret_since = 0;
        return why.code == ERR_NOT_FOUND || err_set(err, why.code, "%s", why.text);
    }
    int64_t last = document_int(doc, "at", 0) - DAY_MS; // records may come late
    int64_t always = now_ms - now_ms % DAY_MS - ALWAYS_DAYS * DAY_MS;
    *ret_since = last < always ? last : always;
    bson_destroy(doc);
    return true;
}

static bool find_days(struct db *db, int64_t since_ms, struct days *days, struct err *err)
{
    bson_t *pipeline =
        BCON_NEW("pipeline", "[", "{", "$match", "{", "$or", "[", "{", "startedAt", "{", "$gte",
                 BCON_DATE_TIME(since_ms), "}", "}", "{", "endedAt", "{", "$gte",
                 BCON_DATE_TIME(since_ms), "}", "}", "]", "}", "}", "{", "$match", "{", "startedAt",
                 "{", "$type", BCON_UTF8("date"), "}", "}", "}", "{", "$group", "{", "_id", "{",
                 "$dateTrunc", "{", "date", "$startedAt", "unit", BCON_UTF8("day"), "}", "}", "}",
                 "}", "{", "$limit", BCON_INT32(DAYS_MAX), "}", "]");
    mongoc_cursor_t *cursor = aggregate(db, "chat_sessions", pipeline);
    const bson_t *doc;
    while (mongoc_cursor_next(cursor, &doc)) {
        days->start_ms = x_realloc(days->start_ms, days->count + 1, sizeof(days->start_ms[0]));
        days->start_ms[days->count++] = document_int(doc, "_id", 0);
    }
    bson_destroy(pipeline);
    return end_cursor(cursor, "chat_sessions", err);
}

// [{$match: that day}, {$group: by flow}]: the figures that can be added up over days.
static bson_t *day_pipeline(int64_t day_ms)
{
#define COUNT_STATUS(word)                                                                         \
    "{", "$sum", "{", "$cond", "[", "{", "$eq", "[", "$status", BCON_UTF8(word), "]", "}",         \
        BCON_INT32(1), BCON_INT32(0), "]", "}", "}"
#define SUM_WHEN(operator, word, field)                                                            \
    "{", "$sum", "{", "$cond", "[", "{", operator, "[", "$status", BCON_UTF8(word), "]", "}",      \
        field, BCON_INT32(0), "]", "}", "}"
    return BCON_NEW("pipeline", "[", "{", "$match", "{", "startedAt", "{", "$gte",
                    BCON_DATE_TIME(day_ms), "$lt", BCON_DATE_TIME(day_ms + DAY_MS), "}", "}", "}",
                    "{", "$group", "{", "_id", "$flowId", "runs", "{", "$sum", BCON_INT32(1), "}",
                    "completed", COUNT_STATUS("completed"), "failed", COUNT_STATUS("error"),
                    "abandoned", COUNT_STATUS("abandoned"), "completedMs",
                    SUM_WHEN("$eq", "completed", "$durationMs"), "activeMs",
                    SUM_WHEN("$ne", "active", "$activeMs"), "lastRunAt", "{", "$max", "$startedAt",
                    "}", "}", "}", "]");
#undef COUNT_STATUS
#undef SUM_WHEN
}

// One (flow, day). A day that may have lost sessions already is written only if it never was.
static void add_day(mongoc_bulk_operation_t *bulk, const bson_t *figures, const char *flow_id,
                    int64_t day_ms, bool complete)
{
    char id[25], day[24];
    snprintf(day, sizeof(day), "%lld", (long long)day_ms);
    id_oid(id, "flow_stats", flow_id, day, NULL);
    bson_oid_t oid = document_oid_of(id);
    bson_t *filter = BCON_NEW("_id", BCON_OID(&oid)), *fields = bson_new(), *update = bson_new();
    bson_t *opts = BCON_NEW("upsert", BCON_BOOL(true));
    bson_error_t error;

    bson_copy_to_excluding_noinit(figures, fields, "_id", NULL);
    document_add_oid(fields, "flowId", flow_id);
    BSON_APPEND_DATE_TIME(fields, "day", day_ms);
    BSON_APPEND_DOCUMENT(update, complete ? "$set" : "$setOnInsert", fields);
    // Refused by the driver only for documents that it finds malformed; these are made above.
    if (!mongoc_bulk_operation_update_one_with_opts(bulk, filter, update, opts, &error))
        abort();
    bson_destroy(filter);
    bson_destroy(fields);
    bson_destroy(update);
    bson_destroy(opts);
}

static bool run_bulk(mongoc_bulk_operation_t *bulk, size_t count, const char *what, struct err *err)
{
    bson_t reply = BSON_INITIALIZER;
    bson_error_t error;
    bool ok = true;
    if (count > 0) {
        ok = mongoc_bulk_operation_execute(bulk, &reply, &error) != 0 ||
             store_error(err, &error, what);
    }
    bson_destroy(&reply);
    mongoc_bulk_operation_destroy(bulk);
    return ok;
}

static mongoc_bulk_operation_t *new_bulk(mongoc_collection_t *c)
{
    bson_t *opts = BCON_NEW("ordered", BCON_BOOL(false));
    mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts(c, opts);
    bson_destroy(opts);
    return bulk;
}

// `touched` collects the flows, as an array of ObjectIds (with repetitions).
static bool compute_day(struct db *db, int64_t day_ms, bool complete, bson_t *touched,
                        uint32_t *touched_count, struct err *err)
{
    mongoc_collection_t *c = mongoc_database_get_collection(db->database, "flow_stats");
    mongoc_bulk_operation_t *bulk = new_bulk(c);
    bson_t *pipeline = day_pipeline(day_ms);
    mongoc_cursor_t *cursor = aggregate(db, "chat_sessions", pipeline);
    const bson_t *figures;
    size_t count = 0;

    while (mongoc_cursor_next(cursor, &figures)) {
        char flow_id[25], scratch[16];
        const char *key;
        if (!document_oid(figures, "_id", flow_id))
            continue; // a session of another application, of no flow
        add_day(bulk, figures, flow_id, day_ms, complete);
        bson_uint32_to_string((*touched_count)++, &key, scratch, sizeof(scratch));
        document_add_oid(touched, key, flow_id);
        count++;
    }
    bson_destroy(pipeline);
    bool ok = end_cursor(cursor, "chat_sessions", err);
    ok = run_bulk(bulk, ok ? count : 0, "flow_stats", err) && ok;
    mongoc_collection_destroy(c);
    return ok;
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

// The sums in the flow's own shape: of the two updates, one matches.
static void add_flow(mongoc_bulk_operation_t *bulk, const bson_t *sums, const char *flow_id)
{
    bson_oid_t oid = document_oid_of(flow_id);
    int64_t runs = document_int(sums, "runs", 0), completed = document_int(sums, "completed", 0);
    int64_t failed = document_int(sums, "failed", 0), last = document_int(sums, "lastRunAt", 0);
    double ended = (double)(completed + failed + document_int(sums, "abandoned", 0));
    double active_ms = ratio(document_double(sums, "activeMs", 0), ended);
    double completion_s = ratio(document_double(sums, "completedMs", 0), (double)completed) / 1000;

    bson_t *builder =
        BCON_NEW("_id", BCON_OID(&oid), "flowJson", "{", "$exists", BCON_BOOL(false), "}");
    bson_t *stats =
        BCON_NEW("$set", "{", "stats.totalRuns", BCON_INT64(runs), "stats.successfulRuns",
                 BCON_INT64(completed), "stats.averageCompletionTime", BCON_DOUBLE(completion_s),
                 "stats.lastRunAt", BCON_DATE_TIME(last), "}");
    bson_t *instantchat =
        BCON_NEW("_id", BCON_OID(&oid), "flowJson", "{", "$exists", BCON_BOOL(true), "}");
    bson_t *statistics =
        BCON_NEW("$set", "{", "executionCount", BCON_INT64(runs), "lastExecuted",
                 BCON_DATE_TIME(last), "averageExecutionTime", BCON_DOUBLE(active_ms),
                 "successRate", BCON_DOUBLE(100 * ratio((double)completed, ended)),
                 "statistics.totalExecutions", BCON_INT64(runs), "statistics.successfulExecutions",
                 BCON_INT64(completed), "statistics.failedExecutions", BCON_INT64(failed),
                 "statistics.averageResponseTime", BCON_DOUBLE(active_ms), "statistics.peakUsage",
                 "{", "date", BCON_DATE_TIME(document_int(sums, "peakDay", 0)), "executions",
                 BCON_INT64(document_int(sums, "peakRuns", 0)), "}", "}");
    bson_error_t error;
    if (!mongoc_bulk_operation_update_one_with_opts(bulk, builder, stats, NULL, &error) ||
        !mongoc_bulk_operation_update_one_with_opts(bulk, instantchat, statistics, NULL, &error))
        abort(); // as in add_day
    bson_destroy(builder);
    bson_destroy(stats);
    bson_destroy(instantchat);
    bson_destroy(statistics);
}

static bson_t *sum_pipeline(const bson_t *touched)
{
#define SUM(field) field, "{", "$sum", "$" field, "}"
    return BCON_NEW("pipeline", "[", "{", "$match", "{", "flowId", "{", "$in", BCON_ARRAY(touched),
                    "}", "}", "}", "{", "$sort", "{", "runs", BCON_INT32(-1), "day", BCON_INT32(-1),
                    "}", "}", "{", "$group", "{", "_id", "$flowId", SUM("runs"), SUM("completed"),
                    SUM("failed"), SUM("abandoned"), SUM("completedMs"), SUM("activeMs"),
                    "lastRunAt", "{", "$max", "$lastRunAt", "}", "peakDay", "{", "$first", "$day",
                    "}", "peakRuns", "{", "$first", "$runs", "}", "}", "}", "]");
#undef SUM
}

static bool write_flows(struct db *db, const bson_t *touched, unsigned *ret_flows, struct err *err)
{
    mongoc_collection_t *c = mongoc_database_get_collection(db->database, "flows");
    mongoc_bulk_operation_t *bulk = new_bulk(c);
    bson_t *pipeline = sum_pipeline(touched);
    mongoc_cursor_t *cursor = aggregate(db, "flow_stats", pipeline);
    const bson_t *sums;
    unsigned flows = 0;
    char flow_id[25];

    while (mongoc_cursor_next(cursor, &sums)) {
        if (!document_oid(sums, "_id", flow_id))
            continue;
        add_flow(bulk, sums, flow_id);
        flows++;
    }
    bson_destroy(pipeline);
    bool ok = end_cursor(cursor, "flow_stats", err);
    ok = run_bulk(bulk, ok ? flows : 0, "flows", err) && ok;
    mongoc_collection_destroy(c);
    if (ok)
        *ret_flows = flows;
    return ok;
}

static bool set_mark(struct db *db, int64_t now_ms, struct err *err)
{
    return document_update(db, "flow_stats", BCON_NEW("_id", BCON_UTF8(MARK_ID)),
                           BCON_NEW("$max", "{", "at", BCON_DATE_TIME(now_ms), "}"), true, NULL,
                           err);
}

bool flow_model_aggregate(struct db *db, int64_t now_ms, unsigned *ret_flows, struct err *err)
{
    struct days days = {0};
    bson_t touched = BSON_INITIALIZER;
    uint32_t touched_count = 0;
    unsigned flows = 0;
    int64_t since;

    bool ok = news_since(db, now_ms, &since, err) && find_days(db, since, &days, err);
    for (size_t i = 0; ok && i < days.count; i++) {
        bool complete = days.start_ms[i] >= now_ms - COMPLETE_DAYS * DAY_MS;
        ok = compute_day(db, days.start_ms[i], complete, &touched, &touched_count, err);
    }
    ok = ok && (touched_count == 0 || write_flows(db, &touched, &flows, err)) &&
         set_mark(db, now_ms, err);
    free(days.start_ms);
    bson_destroy(&touched);
    if (ok)
        *ret_flows = flows;
    return ok;
}
