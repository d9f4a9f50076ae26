// SPDX-License-Identifier: MIT
// The aggregator: figures in each flow's own shape, the same however often it runs, and after
// sessions are gone.
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "models/flow_model.h"

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)
static const int64_t NOW = 1790416800000 - 1790416800000 % ((int64_t)24 * 60 * 60 * 1000) + 3600000;

static void insert(struct fixture *f, const char *collection, bson_t *owned_doc)
{
    mongoc_collection_t *c = mongoc_database_get_collection(f->db.database, collection);
    bson_error_t error;
    if (!mongoc_collection_insert_one(c, owned_doc, NULL, NULL, &error))
        fail_msg("%s", error.message);
    mongoc_collection_destroy(c);
    bson_destroy(owned_doc);
}

static void drop(struct fixture *f, const char *collection)
{
    mongoc_collection_t *c = mongoc_database_get_collection(f->db.database, collection);
    mongoc_collection_drop(c, NULL);
    mongoc_collection_destroy(c);
}

static void add_session(struct fixture *f, const bson_oid_t *flow, int number, const char *status,
                        int64_t started_ms, int64_t duration_ms, int64_t active_ms)
{
    char id[16];
    snprintf(id, sizeof(id), "s%d", number);
    bson_t *doc =
        BCON_NEW("sessionId", BCON_UTF8(id), "flowId", BCON_OID(flow), "status", BCON_UTF8(status),
                 "startedAt", BCON_DATE_TIME(started_ms), "activeMs", BCON_INT64(active_ms));
    if (strcmp(status, "active") != 0)
        BCON_APPEND(doc, "endedAt", BCON_DATE_TIME(started_ms + duration_ms), "durationMs",
                    BCON_INT64(duration_ms));
    insert(f, "chat_sessions", doc);
}

// Yesterday: two completed, one failed. Today: one completed, one abandoned, one still active.
static void add_sessions(struct fixture *f, const bson_oid_t *flow, int base)
{
    int64_t yesterday = NOW - DAY_MS;
    add_session(f, flow, base + 1, "completed", yesterday, 2000, 10);
    add_session(f, flow, base + 2, "completed", yesterday + 1, 4000, 20);
    add_session(f, flow, base + 3, "error", yesterday + 2, 100, 30);
    add_session(f, flow, base + 4, "completed", NOW - 5000, 3000, 40);
    add_session(f, flow, base + 5, "abandoned", NOW - 4000, 1000, 0);
    add_session(f, flow, base + 6, "active", NOW - 3000, 0, 999);
}

static unsigned aggregate(struct fixture *f, int64_t now_ms)
{
    struct err err = {0};
    unsigned flows = 0;
    assert_ok(flow_model_aggregate(&f->db, now_ms, &flows, &err), err);
    return flows;
}

static bson_t *flow_document(struct fixture *f, const bson_oid_t *flow)
{
    return fixture_one(f, "flows", BCON_NEW("_id", BCON_OID(flow)));
}

static void add_flows(struct fixture *f, bson_oid_t *builder, bson_oid_t *instantchat)
{
    drop(f, "flows");
    drop(f, "chat_sessions");
    drop(f, "flow_stats");
    bson_oid_init(builder, NULL);
    bson_oid_init(instantchat, NULL);
    insert(f, "flows",
           BCON_NEW("_id", BCON_OID(builder), "name", "B", "nodes", "[", "]", "stats", "{", "mine",
                    "kept", "}"));
    insert(f, "flows",
           BCON_NEW("_id", BCON_OID(instantchat), "name", "I", "flowJson", "{", "nodes", "[", "]",
                    "}"));
    add_sessions(f, builder, 100);
    add_sessions(f, instantchat, 200);
}

static void assert_builder(const bson_t *doc, int64_t runs, int64_t successes)
{
    assert_int_equal(document_int(doc, "stats.totalRuns", -1), runs);
    assert_int_equal(document_int(doc, "stats.successfulRuns", -1), successes);
    assert_string_equal(document_str(doc, "stats.mine"), "kept");
    assert_false(document_has(doc, "executionCount"));
}

static void figures_are_written_in_each_flows_shape(void **state)
{
    struct fixture *f = *state;
    bson_oid_t builder, instantchat;
    add_flows(f, &builder, &instantchat);
    assert_int_equal(aggregate(f, NOW), 2);

    bson_t *doc = flow_document(f, &builder);
    assert_builder(doc, 6, 3);
    assert_true(document_double(doc, "stats.averageCompletionTime", 0) == 3.0); // seconds
    assert_int_equal(document_int(doc, "stats.lastRunAt", 0), NOW - 3000);
    bson_destroy(doc);

    doc = flow_document(f, &instantchat);
    assert_int_equal(document_int(doc, "executionCount", 0), 6);
    assert_int_equal(document_int(doc, "lastExecuted", 0), NOW - 3000);
    assert_true(document_double(doc, "averageExecutionTime", 0) ==
                20.0); // 100 ms over five that ended
    assert_true(document_double(doc, "successRate", 0) == 60.0);
    assert_int_equal(document_int(doc, "statistics.totalExecutions", 0), 6);
    assert_int_equal(document_int(doc, "statistics.successfulExecutions", 0), 3);
    assert_int_equal(document_int(doc, "statistics.failedExecutions", 0), 1);
    assert_int_equal(document_int(doc, "statistics.peakUsage.executions", 0), 3);
    assert_false(document_has(doc, "stats"));
    bson_destroy(doc);
}

static void a_second_run_changes_nothing(void **state)
{
    struct fixture *f = *state;
    bson_oid_t builder, instantchat;
    add_flows(f, &builder, &instantchat);
    aggregate(f, NOW);
    bson_t *before = flow_document(f, &builder), *other_before = flow_document(f, &instantchat);
    aggregate(f, NOW);
    bson_t *after = flow_document(f, &builder), *other_after = flow_document(f, &instantchat);
    assert_true(bson_equal(before, after));
    assert_true(bson_equal(other_before, other_after));
    bson_destroy(before);
    bson_destroy(after);
    bson_destroy(other_before);
    bson_destroy(other_after);
}

static void expired_sessions_stay_counted(void **state)
{
    struct fixture *f = *state;
    bson_oid_t builder, instantchat;
    add_flows(f, &builder, &instantchat);
    aggregate(f, NOW);
    drop(f, "chat_sessions"); // 40 days later they are gone, and one new run is there
    int64_t later = NOW + 40 * DAY_MS;
    add_session(f, &builder, 300, "completed", later - 1000, 500, 1);
    assert_int_equal(aggregate(f, later), 1);
    bson_t *doc = flow_document(f, &builder);
    assert_builder(doc, 7, 4);
    bson_destroy(doc);
}

static void a_day_that_lost_sessions_is_not_computed_again(void **state)
{
    struct fixture *f = *state;
    bson_oid_t builder, instantchat;
    add_flows(f, &builder, &instantchat);
    aggregate(f, NOW);
    // 31 days on: what ended is gone; the one session that was still active ends only now.
    mongoc_collection_t *c = mongoc_database_get_collection(f->db.database, "chat_sessions");
    bson_t *ended = BCON_NEW("status", "{", "$ne", "active", "}");
    assert_true(mongoc_collection_delete_many(c, ended, NULL, NULL, NULL));
    bson_destroy(ended);
    mongoc_collection_destroy(c);
    struct err err = {0};
    int64_t later = NOW + 31 * DAY_MS;
    assert_ok(document_update(&f->db, "chat_sessions", BCON_NEW("sessionId", "s106"),
                              BCON_NEW("$set", "{", "status", "completed", "endedAt",
                                       BCON_DATE_TIME(later), "}"),
                              false, NULL, &err),
              err);
    aggregate(f, later);
    bson_t *doc = flow_document(f, &builder);
    assert_builder(doc, 6, 3);
    bson_destroy(doc);
}

static void a_late_end_corrects_its_day(void **state)
{
    struct fixture *f = *state;
    bson_oid_t builder, instantchat;
    add_flows(f, &builder, &instantchat);
    aggregate(f, NOW);
    struct err err = {0};
    int64_t later = NOW + 10 * DAY_MS; // outside the days that are always computed
    assert_ok(
        document_update(&f->db, "chat_sessions", BCON_NEW("sessionId", "s106"),
                        BCON_NEW("$set", "{", "status", "completed", "endedAt",
                                 BCON_DATE_TIME(later), "durationMs", BCON_INT64(10 * DAY_MS), "}"),
                        false, NULL, &err),
        err);
    aggregate(f, later);
    bson_t *doc = flow_document(f, &builder);
    assert_builder(doc, 6, 4);
    bson_destroy(doc);
}

static void no_sessions_are_no_error(void **state)
{
    struct fixture *f = *state;
    drop(f, "chat_sessions");
    drop(f, "flow_stats");
    assert_int_equal(aggregate(f, NOW), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_written_in_each_flows_shape),
        cmocka_unit_test(a_second_run_changes_nothing),
        cmocka_unit_test(expired_sessions_stay_counted),
        cmocka_unit_test(a_day_that_lost_sessions_is_not_computed_again),
        cmocka_unit_test(a_late_end_corrects_its_day),
        cmocka_unit_test(no_sessions_are_no_error),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
