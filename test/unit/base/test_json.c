// SPDX-License-Identifier: MIT
// Reading JSON: what is refused, what is kept, which tree it gives, which bytes a value came from.

#include "base/json.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
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

// Names, types, texts and numbers, in order, of two trees.
static void assert_same_tree(const cJSON *a, const cJSON *b)
{
    for (; a && b; a = a->next, b = b->next) {
        assert_int_equal(a->type, b->type);
        assert_int_equal(a->valueint, b->valueint);
        assert_memory_equal(&a->valuedouble, &b->valuedouble, sizeof a->valuedouble);
        assert_int_equal(!a->string, !b->string);
        if (a->string)
            assert_string_equal(a->string, b->string);
        assert_int_equal(!a->valuestring, !b->valuestring);
        if (a->valuestring)
            assert_string_equal(a->valuestring, b->valuestring);
        assert_same_tree(a->child, b->child);
        if (a->child)
            assert_ptr_equal(a->child->prev->next, NULL); // the first knows the last
    }
    assert_null(a);
    assert_null(b);
}

static void the_tree_is_the_one_that_cjson_makes(void **state)
{
    static const char *const texts[] = {
        "null",
        " true ",
        "\"\"",
        "-0",
        "[]",
        "[{},[],\"\",null,false,true,0,-1,2147483648,-2147483649,999999999999999]",
        "[0.5,-1.25e3,1E+2,1e-7,3.141592653589793,0.1,123456789.000001,5e-324,1e309]",
        "{\"a\":1,\"A\":2,\"a\":3,\"\":{\"deep\":[[[\"x\"]]]}}",
        "\"a\\\"b\\\\c\\/d\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00 caf\xc3\xa9\"",
        "{\"esc\\u0061ped\" : \"seven..\\teight...\\tnine....\\n\",\n\t\"y\" : [ 1 , 2 ]\r\n}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err = {0};
        cJSON *wanted = cJSON_Parse(texts[i]), *read = json_read(texts[i], strlen(texts[i]), &err);
        struct json_doc *doc = parse(texts[i]);
        assert_non_null(read);
        assert_same_tree(read, wanted);
        assert_same_tree(json_root(doc), wanted);
        json_doc_free(doc);
        cJSON_Delete(read);
        cJSON_Delete(wanted);
    }
}

// A text of exactly its size in memory, so that one byte too much read or written is noticed.
static void strings_and_long_integers_fit_wherever_they_end(void **state)
{
    for (size_t digits = 14; digits < 80; digits++) {
        char *number = x_realloc(NULL, digits, 1), *string = x_realloc(NULL, digits + 2, 1);
        memset(number, '7', digits);
        memset(string, 's', digits + 2);
        string[0] = string[digits + 1] = '"';
        struct json_doc *a = json_parse(number, digits, NULL, NULL);
        struct json_doc *b = json_parse(string, digits + 2, NULL, NULL);
        assert_non_null(a);
        assert_non_null(b);
        assert_int_equal(cJSON_IsString(json_root(a)), digits > 15);
        if (digits > 15)
            assert_int_equal(strlen(json_root(a)->valuestring), digits);
        assert_int_equal(strlen(json_root(b)->valuestring), digits);
        json_doc_free(a);
        json_doc_free(b);
        free(number);
        free(string);
    }
}

static void a_document_of_many_values_is_whole(void **state)
{
    enum { COUNT = 20000 };
    struct buf text = {0};
    for (int i = 0; i < COUNT; i++)
        buf_printf(&text, "%c{\"n\":%d}", i ? ',' : '[', i);
    buf_add_char(&text, ']');
    struct json_doc *doc = parse(text.data);
    int next = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, json_root(doc)) {
        char wanted[32];
        size_t len;
        const char *raw = json_raw(doc, item, &len);
        snprintf(wanted, sizeof wanted, "{\"n\":%d}", next);
        assert_int_equal(len, strlen(wanted));
        assert_memory_equal(raw, wanted, len);
        assert_int_equal(json_int(item, "n", -1), next++);
    }
    assert_int_equal(next, COUNT);
    json_doc_free(doc);
    buf_deinit(&text);
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

// What is printed is what cJSON would print.
static void printing_is_cjsons(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "[{\"a\":[1,-2.5,0.001,1e300,1e-7,100000000000000],\"b\":{}},null,true,false,\"\"]",
        "{\"\":\"\\\" \\\\ \\b\\f\\n\\r\\t \\u0001\\u001f \x7f / \xc3\xa9\"}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct json_doc *doc = parse(texts[i]);
        char *text = json_print(json_root(doc)), *other = cJSON_PrintUnformatted(json_root(doc));
        assert_string_equal(text, other);
        free(text);
        free(other);
        json_doc_free(doc);
    }
    assert_null(json_print(NULL));
}

// cJSON rounds some to 15 digits.
static void numbers_are_read_back_exactly(void **state)
{
    static const double numbers[] = {
        0.1,    0.1 + 0.2, 1.0 / 3,           2.0 / 3 * 1e-9, -0.0, 1e15, 1e22, 123456789.12345678,
        5e-324, DBL_MAX,   9007199254740993.0};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        cJSON *item = cJSON_CreateNumber(numbers[i]);
        char *text = json_print(item);
        double back = strtod(text, NULL);
        assert_memory_equal(&back, &numbers[i], sizeof back);
        free(text);
        cJSON_Delete(item);
    }
}

static void members_are_written_with_their_commas(void **state)
{
    struct buf out = {0};
    cJSON *list = cJSON_CreateArray();
    buf_add_char(&out, '{');
    json_write_str(&out, "none", NULL);
    json_write_int(&out, "n", -7);
    json_write_str(&out, "s", "{\"");
    json_write_tree(&out, "none", NULL);
    json_write_tree(&out, "list", list);
    buf_add_char(&out, '}');
    assert_string_equal(out.data, "{\"n\":-7,\"s\":\"{\\\"\",\"list\":[]}");
    buf_deinit(&out);
    cJSON_Delete(list);
}

int main(void)
{
    mem_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_beyond_2_53_keep_every_digit),
        cmocka_unit_test(raw_json_is_the_bytes_received),
        cmocka_unit_test(a_half_surrogate_becomes_the_replacement_character),
        cmocka_unit_test(the_tree_is_the_one_that_cjson_makes),
        cmocka_unit_test(strings_and_long_integers_fit_wherever_they_end),
        cmocka_unit_test(a_document_of_many_values_is_whole),
        cmocka_unit_test(what_is_not_json_is_refused_with_its_place),
        cmocka_unit_test(size_depth_and_count_are_bounded),
        cmocka_unit_test(look_ups_respect_case_and_tolerate_null),
        cmocka_unit_test(printing_is_cjsons),
        cmocka_unit_test(numbers_are_read_back_exactly),
        cmocka_unit_test(members_are_written_with_their_commas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
