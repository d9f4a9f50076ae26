// SPDX-License-Identifier: MIT
// The checked pass in front of cJSON: what it refuses, what it keeps, which bytes a value came
// from.

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/unit/cmocka_all.h"

static struct json_doc *parse(const char *text)
{
    struct err err = {0};
    struct json_doc *doc = json_parse(text, strlen(text), NULL, &err);
    if (!doc)
        print_message("%s\n", err.text);
    assert_non_null(doc);
    return doc;
}

static void integers_beyond_2_53_keep_every_digit(void **state)
{
    struct json_doc *doc =
        parse("{\"id\":17841405554443332,\"small\":42,\"neg\":-9007199254740993}");
    char scratch[32];
    assert_string_equal(json_id(json_root(doc), "id", scratch), "17841405554443332");
    assert_string_equal(json_id(json_root(doc), "small", scratch), "42");
    assert_true(json_int(json_root(doc), "neg", 0) == -9007199254740993LL);
    json_doc_free(doc);
}

static void raw_json_is_the_bytes_received(void **state)
{
    static const char text[] =
        " {\"a\": [1, {\"x\" : \"caf\\u00e9 \\/\"} , 12345678901234567890], \"b\":{} }";
    struct json_doc *doc = parse(text);
    const cJSON *list = json_get(json_root(doc), "a");
    static const char *const wanted[] = {"1", "{\"x\" : \"caf\\u00e9 \\/\"}",
                                         "12345678901234567890"};
    for (int i = 0; i < 3; i++) {
        size_t len;
        const char *raw = json_raw(doc, cJSON_GetArrayItem(list, i), &len);
        assert_int_equal(len, strlen(wanted[i]));
        assert_memory_equal(raw, wanted[i], len);
    }
    size_t len;
    json_raw(doc, json_root(doc), &len);
    assert_int_equal(len, strlen(text) - 1);
    json_doc_free(doc);
}

static void a_half_surrogate_becomes_the_replacement_character(void **state)
{
    struct json_doc *doc = parse("[\"\\ud83d\", \"\\ud83d\\ude00\", \"\\ude00x\"]");
    assert_string_equal(cJSON_GetArrayItem(json_root(doc), 0)->valuestring, "\xef\xbf\xbd");
    assert_string_equal(cJSON_GetArrayItem(json_root(doc), 1)->valuestring, "\xf0\x9f\x98\x80");
    assert_string_equal(cJSON_GetArrayItem(json_root(doc), 2)->valuestring, "\xef\xbf\xbdx");
    json_doc_free(doc);
}

static void what_is_not_json_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *in, *says;
    } cases[] = {
        {"", "unexpected end at byte 0"},
        {"{\"a\":1", "',' or '}' is expected at byte 6"},
        {"[1,]", "a value is expected at byte 3"},
        {"{\"a\" 1}", "':' is expected at byte 5"},
        {"[01]", "bad number"},
        {"[1.]", "bad number"},
        {"[1e]", "bad number"},
        {"[-]", "bad number"},
        {"\"abc", "unfinished string"},
        {"\"a\\q\"", "unknown escape"},
        {"\"a\\u00g0\"", "bad \\u escape"},
        {"\"a\\u0000b\"", "\\u0000 is not accepted at byte 2"},
        {"\"a\nb\"", "control character"},
        {"\"\xc3\x28\"", "not valid UTF-8"},
        {"{} {}", "text after the value at byte 3"},
        {"nul", "a value is expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct json_doc *doc = json_parse(cases[i].in, strlen(cases[i].in), NULL, &err);
        if (doc || !strstr(err.text, cases[i].says))
            fail_msg("%s: '%s' does not say '%s'", cases[i].in, err.text, cases[i].says);
    }
}

static void size_depth_and_count_are_bounded(void **state)
{
    struct json_limits limits = {.max_bytes = 100, .max_depth = 4, .max_values = 10};
    struct err err = {0};
    assert_non_null(strcpy(err.text, ""));
    assert_null(json_parse("[[[[[1]]]]]", 11, &limits, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    assert_null(json_parse("[1,2,3,4,5,6,7,8,9,10]", 22, &limits, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    char big[102];
    memset(big, ' ', sizeof big);
    assert_null(json_parse(big, 101, &limits, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    struct json_doc *doc = json_parse("[[[[1]]]]", 9, &limits, &err);
    assert_non_null(doc);
    json_doc_free(doc);
}

static void look_ups_respect_case_and_tolerate_null(void **state)
{
    struct json_doc *doc =
        parse("{\"Id\":\"upper\",\"id\":\"lower\",\"a\":{\"b\":{\"c\":true}},\"n\":\"12\"}");
    assert_string_equal(json_str(json_root(doc), "id"), "lower");
    assert_null(json_str(NULL, "id"));
    assert_true(cJSON_IsTrue(json_path(json_root(doc), "a.b.c")));
    assert_null(json_path(json_root(doc), "a.x.c"));
    assert_int_equal(json_int(json_root(doc), "n", 0), 12);
    assert_int_equal(json_int(json_root(doc), "id", -1), -1);
    json_doc_free(doc);
}

int main(void)
{
    mem_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_beyond_2_53_keep_every_digit),
        cmocka_unit_test(raw_json_is_the_bytes_received),
        cmocka_unit_test(a_half_surrogate_becomes_the_replacement_character),
        cmocka_unit_test(what_is_not_json_is_refused_with_its_place),
        cmocka_unit_test(size_depth_and_count_are_bounded),
        cmocka_unit_test(look_ups_respect_case_and_tolerate_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
