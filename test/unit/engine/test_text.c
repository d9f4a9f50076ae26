// SPDX-License-Identifier: MIT
// Templates, paths, patterns and values.
#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "engine/path.h"
#include "engine/pattern.h"
#include "engine/scope.h"
#include "engine/template.h"
#include "engine/value.h"

static cJSON *vars_read(void)
{
    static const char text[] = "{\"name\":\"Ana\",\"n\":1.5,\"t\":true,\"e\":\"\",\"z\":null,"
                               "\"o\":{\"a\":[{\"b\":\"x\"},7]},\"a-1\":{\"status\":200}}";
    struct err err;
    cJSON *vars = json_read(text, strlen(text), &err);
    assert_non_null(vars);
    return vars;
}

static void template_renders_paths_and_defaults(void **state)
{
    static const struct {
        const char *template, *text;
    } cases[] = {
        {"", ""},
        {"plain } } text", "plain } } text"},
        {"{{name}} {{ n }} {{ t }}|{{ z }}|{{ nobody }}|", "Ana 1.5 true|||"},
        {"{{ o.a[0].b }}{{o.a.1}}{{ o.a[9] }}{{ name.x }}", "x7"},
        {"{{ o }} {{ o.a }}", "{\"a\":[{\"b\":\"x\"},7]} [{\"b\":\"x\"},7]"},
        {"{{ a-1.status }}", "200"},
        {"{{ nobody | default: \"friend\" }} {{ e|default:'}}' }} {{ z | default: 5 }}",
         "friend }} 5"},
        {"{{ name | default: \"no\" }} {{ x | default: \"a \\\"b\\\"\" }} {{ x | default: true }}",
         "Ana a \"b\" true"},
    };
    cJSON *vars = vars_read();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct buf out = {0};
        struct template *template = template_parse(cases[i].template, &err);
        if (!template)
            fail_msg("%s: %s", cases[i].template, err.text);
        struct scope scope = {.vars = vars, .cost = 100, .bytes = 1000};
        assert_true(template_render(template, &scope, NULL, &out, &err));
        char *text = buf_take(&out);
        assert_string_equal(text, cases[i].text);
        free(text);
        template_free(template);
    }
    cJSON_Delete(vars);
}

static void bad_templates_are_refused(void **state)
{
    static const char *const cases[] = {
        "{{",
        "{{ name",
        "{{}}",
        "{{ a b }}",
        "{{ a..b }}",
        "{{ a[0 }}",
        "{{ a] }}",
        "{{ .a }}",
        "{{ a. }}",
        "{{ a[] }}",
        "{{ a[0]b }}",
        "{{ a | }}",
        "{{ a | default }}",
        "{{ a | default: }}",
        "{{ a | default: \"x }}",
        "{{ a | defaults: 1 }}",
        "\xff",
        "{{ {{ a }} }}",
        "{{ a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a }}",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct template *template = template_parse(cases[i], &err);
        if (template)
            fail_msg("%s was taken", cases[i]);
        assert_true(err.text[0] != '\0');
    }
}

static void output_is_bounded(void **state)
{
    cJSON *vars = vars_read();
    struct template *template = template_parse("{{ name }}{{ name }}", NULL);
    struct buf out;
    buf_init(&out, 5);
    struct scope scope = {.vars = vars, .cost = 100, .bytes = 1000};
    struct err err;
    assert_false(template_render(template, &scope, NULL, &out, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    assert_true(out.overflow);
    buf_deinit(&out);
    template_free(template);
    cJSON_Delete(vars);
}

static void whole_placeholder_keeps_the_type(void **state)
{
    static const char text[] =
        "{\"a\":\"{{ n }}\",\"b\":[\"{{ o.a }}\",\"n {{ n }}\",5],\"c\":\"{{ q }}\","
        "\"d\":\"{{ q | default: false }}\"}";
    struct err err;
    cJSON *vars = vars_read(), *json = json_read(text, strlen(text), &err);
    struct scope scope = {.vars = vars, .cost = 100, .bytes = 1000};
    struct value_template *template = value_template_parse(json, &err);
    assert_null(value_template_constant(template));
    cJSON *value = value_template_render(template, &scope, 1000, &err);
    char *printed = json_print(value);
    assert_string_equal(printed,
                        "{\"a\":1.5,\"b\":[[{\"b\":\"x\"},7],\"n 1.5\",5],\"c\":null,\"d\":false}");
    assert_null(value_template_render(template, &scope, 3, &err));
    free(printed);
    cJSON_Delete(value);
    cJSON_Delete(json);
    cJSON_Delete(vars);
    value_template_free(template);
}

static void paths_put_values_where_they_are_found(void **state)
{
    cJSON *vars = cJSON_CreateObject();
    static const char *const paths[] = {"a", "b.c.d", "b.c.e", "a.b", "b[0]"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct path *path = path_parse(paths[i], strlen(paths[i]), NULL);
        assert_true(
            vars_set(vars, path, cJSON_CreateNumber((double)i), &engine_default_limits, NULL));
        assert_int_equal(path_find(path, vars)->valuedouble, i);
        path_free(path);
    }
    char *text = json_print(vars);
    assert_string_equal(text, "{\"a\":{\"b\":3},\"b\":{\"c\":{\"d\":1,\"e\":2},\"0\":4}}");
    free(text);
    cJSON_Delete(vars);
}

static void variables_that_are_too_deep_or_too_many_bytes_are_refused(void **state)
{
    struct engine_limits limits = engine_default_limits;
    limits.variables_bytes = 100;
    struct err err;
    cJSON *vars = cJSON_CreateObject(), *deep = cJSON_CreateArray();
    for (int i = 0; i <= VALUE_DEPTH_MAX; i++) {
        cJSON *outer = cJSON_CreateArray();
        cJSON_AddItemToArray(outer, deep);
        deep = outer;
    }
    struct path *path = path_literal("v"), *other = path_literal("w");
    assert_false(vars_set(vars, path, deep, &limits, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    char text[60];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_true(vars_set(vars, path, cJSON_CreateString(text), &limits, &err));
    assert_false(vars_set(vars, other, cJSON_CreateString(text), &limits, &err));
    assert_non_null(strstr(err.text, "variables_bytes"));
    assert_null(cJSON_GetObjectItem(vars, "w"));
    path_free(path);
    path_free(other);
    cJSON_Delete(vars);
}

// 15 digits: what was written in decimals comes back so, and sums of them, too.
static void numbers_are_written_for_people(void **state)
{
    static const struct {
        double number;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {-5, "-5"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.3"},
        {1 / 3., "0.333333333333333"},
        {12.50, "12.5"},
        {123456789.123, "123456789.123"},
        {999999999999999, "999999999999999"},
        {1e15, "1e+15"},
        {1e21, "1e+21"},
        {-1e-300, "-1e-300"},
        {2147483648.0, "2147483648"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *number = cJSON_CreateNumber(cases[i].number);
        struct buf out = {0};
        value_text(number, &out);
        assert_string_equal(out.data, cases[i].text);
        buf_deinit(&out);
        cJSON_Delete(number);
    }
}

// A copy by way of JSON, as a session is kept.
static cJSON *reloaded(const cJSON *vars)
{
    char *text = json_print(vars);
    cJSON *copy = json_read(text, strlen(text), NULL);
    free(text);
    return copy;
}

static void the_bytes_that_count_are_the_same_after_a_reload(void **state)
{
    static const struct {
        const char *path, *json;
    } sets[] = {
        {"a", "\"text\""}, {"b.c.d", "[1,2,{\"x\":null}]"},
        {"b.c", "5"},      {"b.c.d.e", "\"\\n\""},
        {"a.x", "true"},   {"b[0]", "{\"y\":[]}"},
        {"a", "null"},     {"c", "{\"k\":{\"l\":1}}"},
        {"c.k.m", "2"},
    };
    struct err err;
    cJSON *vars = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        struct path *path = path_parse(sets[i].path, strlen(sets[i].path), &err);
        cJSON *value = json_read(sets[i].json, strlen(sets[i].json), &err);
        cJSON *copy = reloaded(vars);
        // Just so many bytes as are taken, and no more: both say the same.
        struct engine_limits limits = engine_default_limits;
        size_t bytes;
        assert_true(value_measure(value, &bytes, &err));
        limits.variables_bytes = 0;
        while (!vars_set(copy, path, cJSON_Duplicate(value, true), &limits, &err))
            limits.variables_bytes++;
        limits.variables_bytes--;
        assert_false(vars_set(vars, path, cJSON_Duplicate(value, true), &limits, &err));
        limits.variables_bytes++;
        assert_true(vars_set(vars, path, value, &limits, &err));
        if (i % 3 == 0)
            vars_put(vars, "event", reloaded(copy));
        cJSON_Delete(copy);
        path_free(path);
    }
    cJSON_Delete(vars);
}

static void variables_are_no_deeper_than_they_may_be_whatever_the_path(void **state)
{
    struct err err;
    cJSON *vars = cJSON_CreateObject(), *deep = cJSON_CreateArray();
    for (int i = 0; i < VALUE_DEPTH_MAX - 2; i++) {
        cJSON *outer = cJSON_CreateArray();
        cJSON_AddItemToArray(outer, deep);
        deep = outer;
    }
    struct path *path = path_parse("a.b.c.d", 7, &err), *shorter = path_parse("a.b", 3, &err);
    assert_false(vars_set(vars, path, cJSON_Duplicate(deep, true), &engine_default_limits, &err));
    assert_true(vars_set(vars, shorter, deep, &engine_default_limits, &err));
    path_free(path);
    path_free(shorter);
    cJSON_Delete(vars);
}

static void deep_objects_are_compared_in_no_time(void **state)
{
    struct err err;
    char text[400] = "";
    for (int i = 0; i < 30; i++)
        strcat(text, "{\"a\":");
    strcat(text, "1");
    for (int i = 0; i < 30; i++)
        strcat(text, "}");
    cJSON *a = json_read(text, strlen(text), &err), *b = cJSON_Duplicate(a, true);
    assert_true(value_equal(a, b));
    cJSON_Delete(a);
    cJSON_Delete(b);
}

static void measure_is_never_less_than_the_printed_bytes(void **state)
{
    cJSON *value = vars_read();
    cJSON_AddStringToObject(value, "x", "\x01\"\\\n\t/é");
    cJSON_AddNumberToObject(value, "y", -1.2345678901234567e-300);
    size_t bytes;
    assert_true(value_measure(value, &bytes, NULL));
    char *text = json_print(value);
    assert_true(bytes >= strlen(text));
    assert_true(bytes < 2 * strlen(text));
    free(text);
    cJSON_Delete(value);
}

static void patterns_search_in_utf8_with_bounded_cost(void **state)
{
    struct err err = {0};
    struct pattern *pattern = pattern_new("^.{2}$", &err);
    assert_int_equal(pattern_match(pattern, "äö"), PATTERN_YES);
    assert_int_equal(pattern_match(pattern, "äöü"), PATTERN_NO);
    assert_int_equal(pattern_match(pattern, "ab\n"), PATTERN_NO);
    pattern_free(pattern);
    pattern = pattern_new("^(x+)+$", &err);
    assert_int_equal(pattern_match(pattern, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxz"),
                     PATTERN_LIMIT);
    pattern_free(pattern);
    // No place to begin costs much, and there are 8000 of them.
    char text[8001];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 431 < 430 ? 'a' : 'c';
    text[8000] = '\0';
    uint64_t steps = 0;
    pattern = pattern_new("a*a*a*[bd]", &err);
    assert_int_equal(pattern_match_counted(pattern, text, &steps), PATTERN_LIMIT);
    assert_true(steps < 2 * PATTERN_STEPS);
    pattern_free(pattern);
    pattern = pattern_new("[a-z]+[0-9]|d", &err); // one that is sane finds its end in the same text
    assert_int_equal(pattern_match(pattern, text), PATTERN_NO);
    pattern_free(pattern);
    assert_null(pattern_new("[", &err));
}

static void cut_characters_are_tidied(void **state)
{
    char text[] = "a\xc3\xa4\xc3 \xf0\x9f\x98";
    text_tidy(text);
    assert_string_equal(text, "a\xc3\xa4? ???");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(template_renders_paths_and_defaults),
        cmocka_unit_test(bad_templates_are_refused),
        cmocka_unit_test(output_is_bounded),
        cmocka_unit_test(whole_placeholder_keeps_the_type),
        cmocka_unit_test(paths_put_values_where_they_are_found),
        cmocka_unit_test(variables_that_are_too_deep_or_too_many_bytes_are_refused),
        cmocka_unit_test(numbers_are_written_for_people),
        cmocka_unit_test(the_bytes_that_count_are_the_same_after_a_reload),
        cmocka_unit_test(variables_are_no_deeper_than_they_may_be_whatever_the_path),
        cmocka_unit_test(deep_objects_are_compared_in_no_time),
        cmocka_unit_test(measure_is_never_less_than_the_printed_bytes),
        cmocka_unit_test(patterns_search_in_utf8_with_bounded_cost),
        cmocka_unit_test(cut_characters_are_tidied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
