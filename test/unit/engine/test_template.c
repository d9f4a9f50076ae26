// SPDX-License-Identifier: MIT
// Expressions and filters in templates; secrets; scopes.
#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/path.h"
#include "engine/template.h"
#include "test/unit/engine/evaluate.h"

static char *render(struct scope *scope, const char *text, struct err *err)
{
    struct buf out;
    buf_init(&out, 1000);
    struct template *template = template_parse(text, err);
    bool ok = template && template_render(template, scope, NULL, &out, err);
    template_free(template);
    scope_deinit(scope);
    if (ok)
        return buf_take(&out);
    buf_deinit(&out);
    return NULL;
}

static void placeholders_hold_expressions_and_chains_of_filters(void **state)
{
    static const struct {
        const char *template, *text;
    } cases[] = {
        {"{{ name | upper }}!", "ANA!"},
        {"{{ nobody | trim | upper | default: \"friend\" }}", "friend"},
        {"{{ order.total * 1.19 | format_number: 2 }}", "23.68"},
        {"{{ order.total * 1.19 | format_number: 2, 'de' }}", "23,68"},
        {"{{ n > 2 ? 'many' : 'few' }}", "many"},
        {"{{ {a: {b: n}} | json }}", "{\"a\":{\"b\":3}}"},
        {"{{ '}}' + \"{{\" }}", "}}{{"},
        {"{{ now | date_format: 'HH:mm' }} {{ now }}", "10:00 2026-11-21T10:00:00+01:00"},
        {"{{ map(order.items, item.name) | join: ' and ' }}", "Tea and apple"},
        {"{{ nobody | upper }}{{ nobody ?? '' }}.", "."},
        {"{{ `a-1`.status + 1 }} {{ a-1.status }}", "201 200"},
        {"{{ a-1.status | text }}", "200"},
        {"{{ message.text }} {{ account.name }}", "hello Shop"},
        {"{{ [1, 2][0] }}", "1"},
    };
    struct scope scope = evaluate_scope();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err;
        char *text = render(&scope, cases[i].template, &err);
        if (!text)
            fail_msg("%s: %s", cases[i].template, err.text);
        assert_string_equal(text, cases[i].text);
        free(text);
    }
    evaluate_scope_free(&scope);
}

static void what_was_a_path_before_stays_one(void **state)
{
    static const struct {
        const char *template, *text;
    } cases[] = {
        {"{{ true }}{{ 5 }}{{ a*b }}{{ not }}", "yesfivestarno"},
        {"{{ true | default: 1 }}", "yes"},
        {"{{ message }} {{ now }}", "mine then"},
        {"{{ x | default: \"a\\nb\" }}", "anb"},
    };
    static const char vars[] = "{\"true\":\"yes\",\"5\":\"five\",\"a*b\":\"star\",\"not\":\"no\","
                               "\"message\":\"mine\",\"now\":\"then\"}";
    cJSON *tree = json_read(vars, strlen(vars), NULL);
    struct scope scope = {.vars = tree, .cost = 100, .bytes = 100};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err;
        char *text = render(&scope, cases[i].template, &err);
        assert_non_null(text);
        assert_string_equal(text, cases[i].text);
        free(text);
    }
    cJSON_Delete(tree);
}

static void a_failing_expression_is_named(void **state)
{
    struct scope scope = evaluate_scope();
    struct err err;
    assert_null(render(&scope, "You pay {{ name * 2 }}.", &err));
    assert_string_equal(err.text,
                        "{{ name * 2 }}: at 'name * 2': cannot calculate with text and number");
    assert_null(render(&scope, "{{ range(100000) }}", &err));
    assert_int_equal(err.code, ERR_LIMIT);
    evaluate_scope_free(&scope);
}

static void secrets_are_marks_where_there_is_a_mark(void **state)
{
    struct scope scope = evaluate_scope();
    struct err err;
    char *text = render(&scope, "[{{ secrets.KEY }}]", &err);
    assert_string_equal(text, "[]");
    free(text);
    scope.secret_mark = "hm12";
    text = render(&scope, "[{{ secrets.KEY }}{{ secrets.B }}{{ secrets.KEY }}{{ secrets }}]", &err);
    assert_string_equal(text, "[hm12KEYhm12hm12Bhm12hm12KEYhm12]");
    free(text);
    assert_null(render(&scope, "{{ secrets.KEY | upper }}", &err));
    assert_non_null(strstr(err.text, "by itself"));
    evaluate_scope_free(&scope);
}

static void a_whole_placeholder_gives_the_type_of_its_expression(void **state)
{
    static const char document[] =
        "{\"a\":\"{{ n + 1 }}\",\"b\":[\"{{ order.items | map: item.n }}\"],"
        "\"c\":\"{{ n }}{{ n + 1 }}\",\"d\":\"{{ n == 3 }}\"}";
    struct scope scope = evaluate_scope();
    struct err err;
    cJSON *json = json_read(document, strlen(document), &err);
    struct value_template *template = value_template_parse(json, &err);
    assert_non_null(template);
    cJSON *value = value_template_render(template, &scope, 100, &err);
    assert_non_null(value);
    char *text = json_print(value);
    assert_string_equal(text, "{\"a\":4,\"b\":[[2,1]],\"c\":\"34\",\"d\":true}");
    free(text);
    cJSON_Delete(value);
    cJSON_Delete(json);
    value_template_free(template);
    evaluate_scope_free(&scope);
}

static void path_note(void *arg, const struct path *path)
{
    struct buf *out = arg;
    buf_printf(out, "%s ", path_root(path));
}

static void the_linter_hears_of_all_paths_that_are_read(void **state)
{
    struct err err;
    struct buf out = {0};
    struct template *template = template_parse(
        "{{ a }} {{ b | upper | default: c.d }} {{ map(e, item + f[g] + index) }}", &err);
    assert_non_null(template);
    template_each_path(template, path_note, &out);
    assert_string_equal(out.data, "a b c e f g ");
    buf_deinit(&out);
    template_free(template);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placeholders_hold_expressions_and_chains_of_filters),
        cmocka_unit_test(what_was_a_path_before_stays_one),
        cmocka_unit_test(a_failing_expression_is_named),
        cmocka_unit_test(secrets_are_marks_where_there_is_a_mark),
        cmocka_unit_test(a_whole_placeholder_gives_the_type_of_its_expression),
        cmocka_unit_test(the_linter_hears_of_all_paths_that_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
