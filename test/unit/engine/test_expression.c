// SPDX-License-Identifier: MIT
// The language of expressions: literals, paths, operators, scopes, limits.
#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "test/unit/engine/evaluate.h"

static void run_all(const struct evaluate_case *cases, size_t count)
{
    struct scope scope = evaluate_scope();
    for (size_t i = 0; i < count; i++)
        evaluate_check(&scope, cases[i].text, cases[i].value);
    evaluate_scope_free(&scope);
}

static void literals_are_values(void **state)
{
    static const struct evaluate_case cases[] = {
        {"1", "1"},
        {"  1.5e2 ", "150"},
        {"-1", "-1"},
        {"'a'", "\"a\""},
        {"\"a'b\"", "\"a'b\""},
        {"'it\\'s \\n \\u00e9 \\ud83d\\ude00 \\\\'", "\"it's \\n é 😀 \\\\\""},
        {"true", "true"},
        {"false", "false"},
        {"null", "null"},
        {"[]", "[]"},
        {"[1, 'a', [true], null]", "[1,\"a\",[true],null]"},
        {"{}", "{}"},
        {"{a: 1, 'b c': {d: [2]}, a: 3}", "{\"b c\":{\"d\":[2]},\"a\":3}"},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void paths_read_variables_and_what_is_missing_is_null(void **state)
{
    static const struct evaluate_case cases[] = {
        {"name", "\"Ana\""},
        {"order.items[0].price", "10"},
        {"order.items.1.price", "2.5"},
        {"order.items[-1].price", "2.5"},
        {"order.items[0]['price']", "10"},
        {"order['items'][1 - 1].n", "2"},
        {"`a-1`.status", "200"},
        {"order.`total`", "\"19.90\""},
        {"nobody", "null"},
        {"nobody.x[3].y", "null"},
        {"name.x", "null"},
        {"order.items[9]", "null"},
        {"order.items[0.5]", "null"},
        {"[1, 2][1]", "2"},
        {"{a: {b: 5}}.a.b", "5"},
        {"(order).items[0].n", "2"},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void operators_have_their_levels(void **state)
{
    static const struct evaluate_case cases[] = {
        {"1 + 2 * 3", "7"},
        {"(1 + 2) * 3", "9"},
        {"10 - 3 - 2", "5"},
        {"7 % 4 + 7 / 2", "6.5"},
        {"-2 * -3", "6"},
        {"1 + 1 == 2 and not 3 < 2", "true"},
        {"not true or true", "true"},
        {"!true || true", "true"},
        {"true && !false", "true"},
        {"not 1 == 2", "true"},
        {"1 or nobody", "true"},
        {"0 or ''", "false"},
        {"n > 2 ? 'many' : n > 1 ? 'two' : 'one'", "\"many\""},
        {"nobody ?? name", "\"Ana\""},
        {"nobody ?? null ?? 0", "0"},
        {"nobody ?? 2 * 3", "6"},
        {"'Hi ' + nobody ?? 'you' + '!'", "\"Hi you!\""},
        {"'a' + 1 + true + null", "\"a1true\""},
        {"1 + 2 + 'a'", "\"3a\""},
        {"[1] + [2, 3]", "[1,2,3]"},
        {"order.total * 2", "39.8"},
        {"0.1 + 0.2 < 0.4", "true"},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void comparison_is_that_of_conditions(void **state)
{
    static const struct evaluate_case cases[] = {
        {"n == '3'", "true"},
        {"order.total < 20", "true"},
        {"'10' > '9'", "true"},
        {"'b' > 'a'", "true"},
        {"'b' > 1", "false"},
        {"nobody < 1", "false"},
        {"nobody >= 1", "false"},
        {"nobody == null", "true"},
        {"t == 'true'", "true"},
        {"[1, {a: 2}] == [1, {a: 2}]", "true"},
        {"{a: 1, b: 2} == {b: 2, a: 1}", "true"},
        {"{a: 1} == {a: 1, b: 2}", "false"},
        {"2 in [1, 2]", "true"},
        {"3 not in [1, 2]", "true"},
        {"'an' in 'Sand'", "true"},
        {"'total' in order", "true"},
        {"[1, 2] contains 2", "true"},
        {"name contains 'n'", "true"},
        {"name starts_with 'An'", "true"},
        {"name ends_with 'x'", "false"},
        {"name matches '^[A-Z]'", "true"},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void dates_are_compared_as_moments(void **state)
{
    static const struct evaluate_case cases[] = {
        {"now", "\"2026-11-21T10:00:00+01:00\""},
        {"now > '2026-11-21T08:59:59Z'", "true"},
        {"now == '2026-11-21T09:00:00Z'", "true"},
        {"now == '2026-11-21T10:00'", "true"},
        {"now < 'tomorrow'", "false"},
        {"now == 'tomorrow'", "false"},
        {"'2026-11-21' < now", "true"},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void scopes_stand_behind_the_variables(void **state)
{
    static const struct evaluate_case cases[] = {
        {"message.text", "\"hello\""},
        {"account.name", "\"Shop\""},
        {"session.steps", "null"},
        {"flow", "null"},
        {"n", "3"},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void failures_are_values_where_something_catches_them(void **state)
{
    static const struct evaluate_case cases[] = {
        {"1 / 0 ?? 7", "!division by zero"}, // 1 / (0 ?? 7)
        {"(1 / 0) ?? 7", "7"},
        {"number(name) ?? missing ?? 5", "5"},
        {"missing ?? (1 / 0)", "!division by zero"},
        {"number(name) ?? number(name)", "!is not a number"},
        {"1 / 0 | default: 7", "7"},
        {"default(1 / 0, 2 / 0)", "!division by zero"},
        {"default(map([1, 0], 1 / item), \"none\")", "\"none\""},
        {"error(2 * name)", "\"at '2 * name': cannot calculate with number and text\""},
        {"error(1)", "null"},
        {"error(null)", "null"},
        {"error(1 / 0) ? 'bad' : 'good'", "\"bad\""},
        {"[1, 0] | map: ((1 / item) ?? -1)", "[1,-1]"},
        {"default(map(range(9999), item * item), 1)", "!limit expression_cost"},
        {"range(10000) ?? 1", "!limit expression_cost"},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void errors_name_their_place(void **state)
{
    static const struct evaluate_case cases[] = {
        {"1 / 0", "!at '1 / 0': division by zero"},
        {"5 % 0", "!at '5 % 0': division by zero"},
        {"2 * name", "!at '2 * name': cannot calculate with number and text"},
        {"1 + null", "!at '1 + null': cannot add number and null"},
        {"'a' + [1]", "!at ''a' + [1]': cannot add text and list"},
        {"now + 1", "!use date_add"},
        {"-name", "!at '-name': - needs a number, not text"},
        {"1e308 * 10", "!too large"},
        {"1e308 + 1e308", "!too large"},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void what_is_no_expression_is_refused_with_its_place(void **state)
{
    static const struct evaluate_case cases[] = {
        {"", "?at the end: a value is missing"},
        {"   ", "?at the end: a value is missing"},
        {"1 +", "?at the end: a value is missing"},
        {"x +", "?at the end"},
        {"+ 1", "?at '+ 1': a value is missing"},
        {"a b", "?at 'b': not expected here"},
        {"(1", "?')' is missing"},
        {"[1, ", "?a value is missing"},
        {"[1 2]", "?',' or ']' is missing"},
        {"{a 1}", "?':' is missing"},
        {"{1: 1}", "?a member's name is missing"},
        {"'abc", "?the quote is not closed"},
        {"'\\u0000'", "?no character is written like that"},
        {"'\\ud800'", "?no character is written like that"},
        {"1.5.5x", "?"},
        {"1abc", "?not a number"},
        {"1e999", "?not a number"},
        {"a < b < c", "?comparisons in a row need brackets"},
        {"a contains b == c", "?comparisons in a row need brackets"},
        {"a ? b", "?':' is missing"},
        {"a..b", "?a name is missing"},
        {"`a b", "?a name is missing"},
        {"and", "?a value is missing before 'and'"},
        {"nosuch(1)", "?there is no function 'nosuch'"},
        {"trimm(1)", "?did you mean 'trim'?"},
        {"trim()", "?wrong number of arguments: trim(text)"},
        {"trim(1, 2)", "?wrong number of arguments"},
        {"a | 5", "?the name of a filter is missing"},
        {"a | ", "?the name of a filter is missing"},
        {"a | nosuch", "?there is no function"},
        {"a | trim:", "?a value is missing"},
        {"matches(a, '[')", "?"},
        {"secrets.KEY", "?a secret can be inserted only as {{ secrets.NAME }}"},
        {"\xff", "?not UTF-8"},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void filters_are_calls(void **state)
{
    static const struct evaluate_case cases[] = {
        {"'  a ' | trim", "\"a\""},
        {"'a' | replace: 'a', 'bb' | length", "2"},
        {"nobody | default: 'x' | length", "1"},
        {"n + 1 | text", "\"4\""},
        {"length('a' | replace: 'a', 'bb')", "2"},
        {"nobody | trim", "null"},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

// `open` n times, "1", `close` n times.
static char *nested(const char *open, const char *close, size_t n)
{
    struct buf out = {0};
    for (size_t i = 0; i < n; i++)
        buf_add_str(&out, open);
    buf_add_str(&out, "1");
    for (size_t i = 0; i < n; i++)
        buf_add_str(&out, close);
    return buf_take(&out);
}

static void depth_is_bounded_however_it_is_made(void **state)
{
    static const char *const cases[][2] = {
        {"(", ")"},    {"[", "]"},     {"{a:", "}"},    {"-", ""},        {"not ", ""},
        {"!", ""},     {"text(", ")"}, {"", " | text"}, {"1 ? 1 : ", ""}, {"", "[0]"},
        {"", "['a']"}, {"1+(", ")"},   {"a[", "]"},     {"1 ? ", " : 1"},
    };
    struct scope scope = evaluate_scope();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = nested(cases[i][0], cases[i][1], 300);
        evaluate_check(&scope, text, "?deeper than 64 levels");
        free(text);
    }
    char *row = nested("1+", "", 1000);
    evaluate_check(&scope, row, "1001");
    free(row);
    evaluate_scope_free(&scope);
}

static void cost_and_size_are_bounded(void **state)
{
    struct scope scope = evaluate_scope();
    char *row = nested("1+", "", 1000);
    scope.cost = 500;
    evaluate_check(&scope, row, "!costs more than 500 (limit expression_cost)");
    free(row);
    scope.cost = 10000;
    scope.bytes = 100;
    char *text = nested("'0123456789'+", "", 20);
    evaluate_check(&scope, text, "!more than 100 bytes");
    free(text);
    evaluate_scope_free(&scope);
}

static void truth_is_everything_but_the_empty(void **state)
{
    static const struct evaluate_case cases[] = {
        {"not 0", "true"},    {"not ''", "true"},    {"not []", "true"},      {"not {}", "true"},
        {"not null", "true"}, {"not false", "true"}, {"not 1", "false"},      {"not 'a'", "false"},
        {"not [0]", "false"}, {"not now", "false"},  {"not (0 * 1)", "true"},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_are_values),
        cmocka_unit_test(paths_read_variables_and_what_is_missing_is_null),
        cmocka_unit_test(operators_have_their_levels),
        cmocka_unit_test(comparison_is_that_of_conditions),
        cmocka_unit_test(dates_are_compared_as_moments),
        cmocka_unit_test(scopes_stand_behind_the_variables),
        cmocka_unit_test(failures_are_values_where_something_catches_them),
        cmocka_unit_test(errors_name_their_place),
        cmocka_unit_test(what_is_no_expression_is_refused_with_its_place),
        cmocka_unit_test(filters_are_calls),
        cmocka_unit_test(depth_is_bounded_however_it_is_made),
        cmocka_unit_test(cost_and_size_are_bounded),
        cmocka_unit_test(truth_is_everything_but_the_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
