// SPDX-License-Identifier: MIT
// Flows: import of both shapes, finding, versions.
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "models/flow_model.h"

static const char BUILDER[] =
    "{\"name\":\"Welcome\",\"status\":\"active\",\"team\":{\"colour\":\"red\"},\"version\":1,"
    "\"createdAt\":\"2024-01-01T00:00:00.000Z\",\"variables\":[],"
    "\"nodes\":[{\"id\":\"s\",\"type\":\"start\",\"position\":{\"x\":1.5,\"y\":2},\"data\":{}}],"
    "\"edges\":[],\"viewport\":{\"x\":0,\"y\":0,\"zoom\":1},"
    "\"stats\":{\"totalRuns\":0,\"lastRunAt\":\"2024-01-02T00:00:00.000Z\"}}";
static const char INSTANTCHAT[] =
    "{\"_id\":{\"$oid\":\"507f1f77bcf86cd799439014\"},\"userId\":\"507f1f77bcf86cd799439011\","
    "\"name\":\"Support\",\"isActive\":true,\"version\":\"1.0.0\",\"extra\":[1,\"two\"],"
    "\"flowJson\":{\"nodes\":[{\"id\":\"start_1\",\"type\":\"startNode\",\"data\":{\"label\":"
    "\"Start\"}}],"
    "\"edges\":[]},\"settings\":{\"maxExecutionTime\":5000},\"executionCount\":150,"
    "\"statistics\":{\"totalExecutions\":150,\"peakUsage\":{\"date\":\"2024-01-01T10:00:00.000Z\"}}"
    "}";

static cJSON *parse(const char *text)
{
    struct err err = {0};
    cJSON *json = json_read(text, strlen(text), &err);
    if (json == NULL)
        fail_msg("%s", err.text);
    return json;
}

static void import(struct fixture *f, const cJSON *document, char id[25], int *version)
{
    struct err err = {0};
    assert_ok(flow_model_import(&f->db, document, NULL, id, version, &err), err);
}

static bson_t *stored(struct fixture *f, const char *id)
{
    bson_oid_t oid = document_oid_of(id);
    return fixture_one(f, "flows", BCON_NEW("_id", BCON_OID(&oid)));
}

static bool is_date(const bson_t *doc, const char *path)
{
    bson_iter_t root, it;
    return bson_iter_init(&root, doc) && bson_iter_find_descendant(&root, path, &it) &&
           BSON_ITER_HOLDS_DATE_TIME(&it);
}

static bool is_oid(const bson_t *doc, const char *path)
{
    bson_iter_t root, it;
    return bson_iter_init(&root, doc) && bson_iter_find_descendant(&root, path, &it) &&
           BSON_ITER_HOLDS_OID(&it);
}

static void both_shapes_are_imported_with_what_nobody_knows(void **state)
{
    struct fixture *f = *state;
    char id[25];
    int version = 0;
    cJSON *document = parse(BUILDER);
    import(f, document, id, &version);
    assert_int_equal(version, 1);
    bson_t *doc = stored(f, id);
    assert_string_equal(document_str(doc, "team.colour"), "red");
    assert_true(is_oid(doc, "_id") && is_oid(doc, "userId"));
    assert_true(is_date(doc, "createdAt") && is_date(doc, "updatedAt") &&
                is_date(doc, "stats.lastRunAt"));
    bson_destroy(doc);
    cJSON_Delete(document);

    document = parse(INSTANTCHAT);
    import(f, document, id, &version);
    assert_string_equal(id, "507f1f77bcf86cd799439014");
    doc = stored(f, id);
    assert_string_equal(document_str(doc, "extra.1"), "two");
    assert_string_equal(document_str(doc, "version"), "1.0.0");
    assert_string_equal(document_str(doc, "flowJson.nodes.0.type"), "startNode");
    assert_true(is_oid(doc, "userId"));
    assert_true(is_date(doc, "statistics.peakUsage.date"));
    bson_destroy(doc);
    cJSON_Delete(document);
}

static void a_second_import_replaces_but_keeps_statistics(void **state)
{
    struct fixture *f = *state;
    char id[25];
    int version = 0;
    cJSON *document = parse(INSTANTCHAT);
    cJSON_ReplaceItemInObjectCaseSensitive(document, "executionCount", cJSON_CreateNumber(3));
    cJSON_ReplaceItemInObjectCaseSensitive(document, "name", cJSON_CreateString("Support 2"));
    cJSON_DeleteItemFromObjectCaseSensitive(document, "extra");
    import(f, document, id, &version);
    assert_int_equal(version, 1); // the same graph
    bson_t *doc = stored(f, id);
    assert_string_equal(document_str(doc, "name"), "Support 2");
    assert_int_equal(document_int(doc, "executionCount", 0), 150);
    assert_false(document_has(doc, "extra"));
    bson_destroy(doc);

    cJSON *flow = cJSON_GetObjectItemCaseSensitive(document, "flowJson");
    cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(flow, "nodes"),
                         parse("{\"id\":\"e\",\"type\":\"endNode\"}"));
    import(f, document, id, &version);
    assert_int_equal(version, 2);
    cJSON_Delete(document);
}

static void a_wrong_document_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const cases[] = {"[]",
                                        "{\"nodes\":[]}",
                                        "{\"name\":\"\"}",
                                        "{\"name\":\"x\",\"_id\":\"zz\"}",
                                        "{\"name\":\"x\",\"userId\":7}",
                                        "{\"name\":\"x\",\"createdAt\":\"yesterday\"}"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cJSON *document = parse(cases[i]);
        struct err err = {0};
        char id[25];
        int version;
        if (flow_model_import(&f->db, document, NULL, id, &version, &err))
            fail_msg("accepted: %s", cases[i]);
        assert_int_equal(err.code, ERR_INPUT);
        cJSON_Delete(document);
    }
}

static void a_flow_is_found_by_id_and_by_name(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    char id[25];
    assert_ok(flow_model_find(&f->db, "507f1f77bcf86cd799439014", id, &err), err);
    assert_ok(flow_model_find(&f->db, "Support 2", id, &err), err);
    assert_string_equal(id, "507f1f77bcf86cd799439014");
    assert_false(flow_model_find(&f->db, "support 2", id, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);

    cJSON *document = parse(BUILDER);
    int version;
    import(f, document, id, &version); // a second "Welcome"
    cJSON_Delete(document);
    assert_false(flow_model_find(&f->db, "Welcome", id, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
}

static void count_summary(void *arg, const struct flow_summary *summary)
{
    unsigned *counts = arg;
    counts[0]++;
    if (strcmp(summary->name, "Support 2") == 0) {
        counts[1]++;
        assert_string_equal(summary->shape, "instantchat");
        assert_int_equal(summary->version, 2);
        assert_int_equal(summary->runs, 150);
    }
}

static void flows_are_listed_with_shape_and_version(void **state)
{
    struct fixture *f = *state;
    unsigned counts[2] = {0};
    struct err err = {0};
    assert_ok(flow_model_each(&f->db, count_summary, counts, &err), err);
    assert_int_equal(counts[0], 3);
    assert_int_equal(counts[1], 1);
}

static void pinning_makes_a_version_only_when_the_graph_changes(void **state)
{
    struct fixture *f = *state;
    char id[25];
    int first = 0, again = 0, edited = 0;
    cJSON *document = parse(BUILDER), *one, *two, *three, *old;
    struct err err = {0};
    import(f, document, id, &first);
    cJSON_Delete(document);
    assert_ok(flow_model_pin(&f->db, id, &again, &one, &err), err);
    assert_int_equal(again, first);

    bson_oid_t oid = document_oid_of(id);
    assert_ok(document_update(&f->db, "flows", BCON_NEW("_id", BCON_OID(&oid)),
                              BCON_NEW("$set", "{", "nodes.0.data.label", "Changed", "tags", "[",
                                       "x", "]", "}"),
                              false, NULL, &err),
              err);
    assert_ok(flow_model_pin(&f->db, id, &edited, &two, &err), err);
    assert_int_equal(edited, first + 1);
    assert_ok(flow_model_pin(&f->db, id, &again, &three, &err), err);
    assert_int_equal(again, edited);
    assert_true(cJSON_Compare(two, three, true));

    assert_ok(flow_model_version(&f->db, id, first, &old, &err), err);
    assert_true(cJSON_Compare(one, old, true));
    assert_string_equal(json_str(old, "name"), "Welcome");
    bson_t *doc = stored(f, id);
    assert_int_equal(document_int(doc, "version", 0), edited);
    bson_destroy(doc);
    cJSON_Delete(one);
    cJSON_Delete(two);
    cJSON_Delete(three);
    cJSON_Delete(old);
    assert_false(flow_model_version(&f->db, id, 99, &old, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

enum { PINNERS = 4 };

struct pinner {
    const char *id;
    int version;
    struct err err;
    unsigned *left;
    bool *all_done;
};

static void pin_job(struct db *db, void *arg)
{
    struct pinner *pinner = arg;
    cJSON *snapshot = NULL;
    if (flow_model_pin(db, pinner->id, &pinner->version, &snapshot, &pinner->err))
        cJSON_Delete(snapshot);
}

static void pin_done(void *arg, const struct err *err)
{
    struct pinner *pinner = arg;
    *pinner->all_done = --*pinner->left == 0;
}

static void concurrent_pins_agree(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 5; round++) {
        // A flow without a version: stored as another application stores it.
        bson_oid_t oid;
        char id[25];
        struct err err = {0};
        bson_oid_init(&oid, NULL);
        bson_oid_to_string(&oid, id);
        assert_ok(document_update(&f->db, "flows", BCON_NEW("_id", BCON_OID(&oid)),
                                  BCON_NEW("$set", "{", "name", "Race", "nodes", "[", "{", "id",
                                           "s", "}", "]", "edges", "[", "]", "}"),
                                  true, NULL, &err),
                  err);
        struct pinner pinners[PINNERS];
        unsigned left = PINNERS;
        bool all_done = false;
        for (int i = 0; i < PINNERS; i++) {
            pinners[i] = (struct pinner){.id = id, .left = &left, .all_done = &all_done};
            store_run(f->store, pin_job, pin_done, &pinners[i]);
        }
        fixture_wait(f, &all_done);
        for (int i = 0; i < PINNERS; i++) {
            assert_int_equal(pinners[i].err.code, ERR_NONE);
            assert_int_equal(pinners[i].version, 1);
        }
        assert_int_equal(fixture_count(f, "flow_versions", BCON_NEW("flowId", BCON_OID(&oid))), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_shapes_are_imported_with_what_nobody_knows),
        cmocka_unit_test(a_second_import_replaces_but_keeps_statistics),
        cmocka_unit_test(a_wrong_document_is_refused),
        cmocka_unit_test(a_flow_is_found_by_id_and_by_name),
        cmocka_unit_test(flows_are_listed_with_shape_and_version),
        cmocka_unit_test(pinning_makes_a_version_only_when_the_graph_changes),
        cmocka_unit_test(concurrent_pins_agree),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
