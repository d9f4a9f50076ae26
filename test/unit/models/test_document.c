// SPDX-License-Identifier: MIT
// JSON and BSON, both ways, and the order of statuses.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "models/document.h"
#include "models/receipt.h"

static void literal_json_becomes_what_mongodb_can_store(void **state)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"1", "1"},
        {"-2147483649", "-2147483649"},
        {"1.5", "1.5"},
        {"\"x\"", "\"x\""},
        {"[true,null,[]]", "[ true, null, [  ] ]"},
        {"{\"a\":{\"b\":1}}", "{ \"a\" : { \"b\" : 1 } }"},
        {"{\"$oid\":\"no id\"}", "{ \"\xEF\xBC\x84oid\" : \"no id\" }"},
        {"{\"\":1}", "{ \"_\" : 1 }"},
        {"{\"a.b\":1}", "{ \"a.b\" : 1 }"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cJSON *json = cJSON_Parse(cases[i].in);
        bson_t doc = BSON_INITIALIZER;
        document_add_json(&doc, "v", json);
        char *text = bson_as_relaxed_extended_json(&doc, NULL);
        char *want = x_printf("{ \"v\" : %s }", cases[i].want);
        assert_string_equal(text, want);
        assert_true(bson_validate(
            &doc, BSON_VALIDATE_UTF8 | BSON_VALIDATE_EMPTY_KEYS | BSON_VALIDATE_DOLLAR_KEYS, NULL));
        free(want);
        bson_free(text);
        bson_destroy(&doc);
        cJSON_Delete(json);
    }
}

static void what_is_nested_too_deep_becomes_its_text(void **state)
{
    enum { DEPTH = 300 };
    char text[2 * DEPTH + 1] = {0};
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    bson_t doc = BSON_INITIALIZER;
    document_add_json(&doc, "v", json);
    bson_iter_t it;
    unsigned depth = 0;
    assert_true(bson_iter_init_find(&it, &doc, "v"));
    while (BSON_ITER_HOLDS_ARRAY(&it)) {
        bson_iter_t child;
        assert_true(bson_iter_recurse(&it, &child) && bson_iter_next(&child));
        it = child;
        depth++;
    }
    assert_true(BSON_ITER_HOLDS_UTF8(&it));
    assert_true(depth < 100);
    bson_destroy(&doc);
    cJSON_Delete(json);
}

static void a_document_survives_both_ways(void **state)
{
    static const char text[] =
        "{\"_id\":{\"$oid\":\"507f1f77bcf86cd799439014\"},\"at\":{\"$date\":\"2024-01-01T00:00:"
        "00Z\"},\"n\":7,\"x\":1.5,\"list\":[1,\"two\",{\"three\":null}]}";
    struct err err = {0};
    cJSON *json = json_read(text, strlen(text), &err), *back = NULL;
    bson_t *doc = NULL;
    assert_true(document_from_json(json, &doc, &err));
    char id[25];
    assert_true(document_oid(doc, "_id", id));
    assert_string_equal(id, "507f1f77bcf86cd799439014");
    assert_int_equal(document_int(doc, "at", 0), 1704067200000);
    assert_string_equal(document_str(doc, "list.1"), "two");
    assert_null(document_str(doc, "n"));
    assert_int_equal(document_int(doc, "missing.path", -7), -7);
    assert_true(document_to_json(doc, &back, &err));
    assert_true(cJSON_Compare(json, back, true));
    bson_destroy(doc);
    cJSON_Delete(json);
    cJSON_Delete(back);
}

static void statuses_have_an_order(void **state)
{
    static const char *const order[] = {"accepted",  "sent", "failed",
                                        "delivered", "read", "played"};
    for (size_t i = 0; i + 1 < sizeof(order) / sizeof(order[0]); i++)
        assert_true(receipt_rank(order[i]) < receipt_rank(order[i + 1]));
    assert_int_equal(receipt_rank("unknown"), receipt_rank("accepted"));
    assert_int_equal(receipt_rank("deleted"), -1);
    assert_int_equal(receipt_rank(NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literal_json_becomes_what_mongodb_can_store),
        cmocka_unit_test(what_is_nested_too_deep_becomes_its_text),
        cmocka_unit_test(a_document_survives_both_ways),
        cmocka_unit_test(statuses_have_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
