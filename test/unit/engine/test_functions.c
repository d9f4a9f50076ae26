// SPDX-License-Identifier: MIT
// The functions of expressions: tables of {call, value or error}.
#include "test/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/expression.h"
#include "test/unit/engine/evaluate.h"

static void run_all(const struct evaluate_case *cases, size_t count)
{
    struct scope scope = evaluate_scope();
    for (size_t i = 0; i < count; i++)
        evaluate_check(&scope, cases[i].text, cases[i].value);
    evaluate_scope_free(&scope);
}

static void texts_change_case_by_locale(void **state)
{
    static const struct evaluate_case cases[] = {
        {"upper('straße')", "\"STRASSE\""},
        {"upper('istanbul', 'tr')", "\"İSTANBUL\""},
        {"lower('ISTANBUL', 'tr')", "\"ıstanbul\""},
        {"lower('ΟΔΟΣ')", "\"οδος\""},
        {"title('ana maría lópez')", "\"Ana María López\""},
        {"capitalize('élan VITAL')", "\"Élan VITAL\""},
        {"capitalize('')", "\"\""},
        {"upper(5)", "\"5\""},
        {"upper(null)", "null"},
        {"upper([1])", "!upper needs a text as argument 1, not a list"},
        {"fold('ÇÄﬁ ＡＢ')", "\"cafi ab\""},
        {"fold('Größe') == fold('GRÖSSE')", "true"},
        {"fold('Łódź')", "\"łodz\""},
        {"fold('MENÚ') == fold('ｍｅｎｕ')", "true"},
        {"fold('कुल') == fold('कल')", "false"},
        {"fold('ｶﾞｲﾄﾞ ไม่')", "\"ガイド ไม่\""},
        {"strip_accents('Çäñ Ø')", "\"Can O\""},
        {"strip_accents('हिन्दी が 한국')", "\"हिन्दी が 한국\""},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void lengths_are_of_characters_as_people_count(void **state)
{
    static const struct evaluate_case cases[] = {
        {"length('abc')", "3"},
        {"length('e\\u0301')", "1"},
        {"length('👨‍👩‍👧‍👦🇧🇷')", "2"},
        {"length('a\\r\\nb')", "3"},
        {"length('')", "0"},
        {"length(null)", "0"},
        {"length(nobody)", "0"},
        {"length(12345)", "5"},
        {"length([1, [2, 3]])", "2"},
        {"length({a: 1})", "1"},
        {"slice('añ👍🏽de', 1, 3)", "\"ñ👍🏽\""},
        {"slice('abc', -2)", "\"bc\""},
        {"slice('abc', 1, -1)", "\"b\""},
        {"slice('abc', 5)", "\"\""},
        {"slice('abc', 2, 1)", "\"\""},
        {"slice('abc', 0.5)", "!argument 2 must be a whole number"},
        {"slice([1, 2, 3], 1)", "[2,3]"},
        {"slice([1, 2, 3], -2, -1)", "[2]"},
        {"truncate('hello world', 8)", "\"hello w…\""},
        {"truncate('hello', 5)", "\"hello\""},
        {"truncate('hello', 4, '...')", "\"h...\""},
        {"truncate('hello', 2, '...')", "\"he\""},
        {"pad_left('5', 3, '0')", "\"005\""},
        {"pad_right('é', 3)", "\"é  \""},
        {"pad_left('x', 6, 'ab')", "\"ababax\""},
        {"pad_left('x', 3, '')", "\"x\""},
        {"pad_left('x', 99999)", "!whole number from 0 to 10000"},
        {"reverse('añ👍🏽')", "\"👍🏽ña\""},
        {"first('👍🏽ab')", "\"👍🏽\""},
        {"last('abc', 2)", "\"bc\""},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void texts_are_searched_and_rebuilt(void **state)
{
    static const struct evaluate_case cases[] = {
        {"trim(' \\t\\u00a0a b\\u3000\\n')", "\"a b\""},
        {"trim('   ')", "\"\""},
        {"replace('a-b-c', '-', ', ')", "\"a, b, c\""},
        {"replace('abc', '', 'x')", "\"abc\""},
        {"split('a,b,,c', ',')", "[\"a\",\"b\",\"\",\"c\"]"},
        {"split('', ',')", "[\"\"]"},
        {"split('añ👍🏽', '')", "[\"a\",\"ñ\",\"👍🏽\"]"},
        {"starts_with('Ana', 'An')", "true"},
        {"ends_with('Ana', 'nana')", "false"},
        {"contains('Ana', 'na')", "true"},
        {"contains([1, 2], 2)", "true"},
        {"contains({a: 1}, 'a')", "true"},
        {"matches('a1', '^[a-z]\\\\d$')", "true"},
        {"matches('a1', 'x' + '?')", "true"},
        {"matches('a1', '[' + '')", "!missing terminating ]"},
        {"matches('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxz', '^(x+)+$')",
         "!the pattern takes too long"},
        {"url_encode('a b&é/')", "\"a%20b%26%C3%A9%2F\""},
        {"url_decode('a%20b%26%C3%A9+%zz%')", "\"a b&é+%zz%\""},
        {"url_decode('%ff')", "!not a text in UTF-8"},
        {"url_decode('a%00b')", "!not a text in UTF-8"},
        {"base64('héllo')", "\"aMOpbGxv\""},
        {"base64_decode('aMOpbGxv')", "\"héllo\""},
        {"base64_decode('***')", "!not Base64"},
        {"text(1.50)", "\"1.5\""},
        {"text([1])", "\"[1]\""},
        {"text(true)", "\"true\""},
        {"index_of('añb', 'b')", "2"},
        {"index_of('abc', 'x')", "-1"},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void numbers_are_rounded_read_and_written(void **state)
{
    static const struct evaluate_case cases[] = {
        {"round(2.5)", "3"},
        {"round(-2.5)", "-3"},
        {"round(1.005, 2)", "1.01"},
        {"round(1234, -2)", "1200"},
        {"floor(-1.5)", "-2"},
        {"ceil(1.2)", "2"},
        {"abs(-3)", "3"},
        {"abs('x')", "!abs needs a number as argument 1, not a text"},
        {"min(3, 1, 2)", "1"},
        {"max([3, 10, '9'])", "10"},
        {"max([])", "null"},
        {"min(2, null, 1)", "1"},
        {"min(1, 'x')", "!no order"},
        {"sum([1, 2.5, '3', null])", "6.5"},
        {"sum(['x'])", "!every item must be a number, not text"},
        {"number(' 5 ')", "5"},
        {"number('1.234,56', 'de')", "1234.56"},
        {"number('1,234.56', 'en')", "1234.56"},
        {"number('12,5', 'pt-BR')", "12.5"},
        {"number('१२', 'hi')", "12"},
        {"number('5 apples')", "!'5 apples' is not a number"},
        {"number('5 apples', 'en')", "!is not a number"},
        {"number('')", "!is not a number"},
        {"number(null)", "null"},
        {"format_number(1234567.891)", "\"1,234,567.891\""},
        {"format_number(1234.5, 2, 'de')", "\"1.234,50\""},
        {"format_number(1234.5, 2, 'pt-BR')", "\"1.234,50\""},
        {"format_number(1234567.5, 0, 'hi')", "\"12,34,568\""},
        {"format_number(0.125, 2)", "\"0.13\""},
        {"format_currency(1234.5, 'EUR', 'de')", "\"1.234,50\u00a0€\""},
        {"format_currency(1234.5, 'BRL', 'pt-BR')", "\"R$\u00a01.234,50\""},
        {"format_currency(1234.5, 'USD')", "\"$1,234.50\""},
        {"format_currency(1234.5, 'JPY', 'en')", "\"¥1,235\""},
        {"format_currency(123456.5, 'INR', 'hi')", "\"₹1,23,456.50\""},
        {"format_currency(1, 'euro')", "!three letters"},
        {"percent(0.256)", "\"26%\""},
        {"percent(0.256, 1, 'de')", "\"25,6\u00a0%\""},
        {"1 | percent: 0, 'nonsense-of-a-locale-name'", "\"100%\""},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void lists_are_mapped_filtered_and_sorted(void **state)
{
    static const struct evaluate_case cases[] = {
        {"map(order.items, item.price * item.n)", "[20,2.5]"},
        {"order.items | map: item.name | join", "\"Tea, apple\""},
        {"map([[1, 2], [3]], map(item, item + index))", "[[1,3],[3]]"},
        {"map([5, 6], index)", "[0,1]"},
        {"sum(map(order.items, item.price * item.n))", "22.5"},
        {"filter(order.items, item.price > 5)", "[{\"price\":10,\"n\":2,\"name\":\"Tea\"}]"},
        {"any([1, 2], item > 1)", "true"},
        {"all([1, 2], item > 1)", "false"},
        {"any([], item)", "false"},
        {"all([], item)", "true"},
        {"map([1, 0], 1 / item)", "!division by zero"},
        {"map(5, item)", "!map needs a list as argument 1, not a number"},
        {"map(nobody, item)", "null"},
        {"first([1, 2])", "1"},
        {"first([])", "null"},
        {"first([1, 2, 3], 2)", "[1,2]"},
        {"last([1, [2]])", "[2]"},
        {"join([1, 'a', null, true], '-')", "\"1-a--true\""},
        {"sort([3, 1, 2])", "[1,2,3]"},
        {"sort(['b', null, 'a'])", "[\"a\",\"b\",null]"},
        {"sort(order.items, fold(item.name)) | map: item.name", "[\"apple\",\"Tea\"]"},
        {"sort([1, 2, 3], -item)", "[3,2,1]"},
        {"sort([1], 1 / 0)", "!division by zero"},
        {"reverse([1, 2, 3])", "[3,2,1]"},
        {"unique([1, 2, 1, '2', 'a', 'a'])", "[1,2,\"a\"]"},
        {"index_of([5, 6], 6)", "1"},
        {"index_of([{a: 1}], {a: 1})", "0"},
        {"range(3)", "[0,1,2]"},
        {"range(1, 4)", "[1,2,3]"},
        {"range(3, 0, -1)", "[3,2,1]"},
        {"range(0, 1, 0)", "!the step must not be 0"},
        {"range(1000000)", "!limit expression_cost"},
        {"length(range(1000) | map: item * 2)", "1000"},
        {"map(range(1000), map(range(1000), 1))", "!limit expression_cost"},
        {"keys({a: 1, b: 2})", "[\"a\",\"b\"]"},
        {"values({a: 1, b: [2]})", "[1,[2]]"},
        {"keys([1])", "!an object is needed, not list"},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void values_of_any_type_are_converted(void **state)
{
    static const struct evaluate_case cases[] = {
        {"json({a: [1, 'x']})", "\"{\\\"a\\\":[1,\\\"x\\\"]}\""},
        {"json(null)", "\"null\""},
        {"json(nobody)", "\"null\""},
        {"json({a: 1}.b)", "\"null\""},
        {"max(nobody)", "null"},
        {"default(nobody, nobody)", "null"},
        {"parse_json('{\"a\": [1]}').a[0]", "1"},
        {"parse_json('{')", "!at"},
        {"default('', 5)", "5"},
        {"default(0, 5)", "0"},
        {"default(null, null)", "null"},
        {"default(name, 1 / 0)", "\"Ana\""},
        {"type(1)", "\"number\""},
        {"type('')", "\"text\""},
        {"type(now)", "\"date\""},
        {"type(nobody)", "\"null\""},
        {"type(true)", "\"boolean\""},
        {"type([])", "\"list\""},
        {"type(order)", "\"object\""},
        {"if(n > 2, 'yes', 1 / 0)", "\"yes\""},
        {"if(false, 1)", "null"},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void locales_are_read_however_they_are_written(void **state)
{
    static const struct evaluate_case cases[] = {
        {"format_number(1.5, 1, 'de')", "\"1,5\""},
        {"format_number(1.5, 1, 'DE_at')", "\"1,5\""},
        {"format_number(1.5, 1, 'pt-BR')", "\"1,5\""},
        {"format_number(1.5, 1, 'zh-Hant-TW')", "\"1.5\""},
        {"format_number(1.5, 1, 'es_419')", "\"1.5\""},
        {"format_number(1.5, 1, 'de-u-nu-deva')", "\"1,5\""},
        {"format_number(1.5, 1, 'de@numbers=deva')", "\"1.5\""},
        {"format_number(1.5, 1, '')", "\"1.5\""},
        {"format_number(1.5, 1, 'deutsch')", "\"1.5\""},
        {"date_format(now, 'yyyy', 'd\\u0014##########################################')",
         "\"2026\""},
        {"upper('i', 'tr-')", "\"İ\""},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void dates_are_calculated_in_the_zone(void **state)
{
    static const struct evaluate_case cases[] = {
        {"now()", "\"2026-11-21T10:00:00+01:00\""},
        {"date('2026-11-21')", "\"2026-11-21T00:00:00+01:00\""},
        {"date('2026-07-01T12:00:00Z')", "\"2026-07-01T14:00:00+02:00\""},
        {"date(0)", "\"1970-01-01T01:00:00+01:00\""},
        {"date('soon')", "!date needs a date as argument 1, not a text"},
        {"date('2026-02-29')", "!needs a date"},
        {"date(1e300)", "!years 1 to 9999"},
        {"date_add('2026-01-31', 1, 'month')", "\"2026-02-28T00:00:00+01:00\""},
        {"date_add('2024-02-29', 1, 'years')", "\"2025-02-28T00:00:00+01:00\""},
        {"date_add('2026-03-28T12:00', 1, 'day')", "\"2026-03-29T12:00:00+02:00\""},
        {"date_add('2026-03-28T12:00', 24, 'hours')", "\"2026-03-29T13:00:00+02:00\""},
        {"date_add('2026-03-28T02:30', 1, 'day')", "\"2026-03-29T03:00:00+02:00\""},
        {"date_add(now, -1, 'weeks')", "\"2026-11-14T10:00:00+01:00\""},
        {"date_add(now, -14, 'months')", "\"2025-09-21T10:00:00+02:00\""},
        {"date_add(now, 1, 'moon')", "!'moon' is no unit"},
        {"date_add(now, 9000, 'years')", "!years 1 to 9999"},
        {"date_add(now, 1.5, 'days')", "!whole number"},
        {"date_diff('2026-01-01', '2026-12-25', 'days')", "358"},
        {"date_diff('2026-12-25', '2026-01-01', 'days')", "-358"},
        {"date_diff('2000-11-22', now, 'years')", "25"},
        {"date_diff('2000-11-21', now, 'years')", "26"},
        {"date_diff('2026-01-31', '2026-03-01', 'months')", "1"},
        {"date_diff('2026-03-28T12:00', '2026-03-29T12:00', 'hours')", "23"},
        {"date_diff('2026-03-28T12:00', '2026-03-29T12:00', 'days')", "1"},
        {"date_diff(now, date_add(now, 90, 'seconds'), 'minutes')", "1"},
        {"start_of(now, 'day')", "\"2026-11-21T00:00:00+01:00\""},
        {"start_of(now, 'week')", "\"2026-11-16T00:00:00+01:00\""},
        {"start_of(now, 'month')", "\"2026-11-01T00:00:00+01:00\""},
        {"start_of(now, 'year', 'America/Sao_Paulo')", "\"2026-01-01T04:00:00+01:00\""},
        {"start_of('2026-11-21T10:42:33.5', 'hour')", "\"2026-11-21T10:00:00+01:00\""},
        {"start_of('2026-11-21T10:42:33.5', 'second')", "\"2026-11-21T10:42:33+01:00\""},
        {"start_of('1950-01-01T00:30:01Z', 'hour', 'Asia/Kolkata')",
         "\"1950-01-01T01:30:00+01:00\""},
        {"[year(now), month(now), day(now), hour(now), minute(now), second(now), weekday(now)]",
         "[2026,11,21,10,0,0,6]"},
        {"hour(now, 'Asia/Kolkata') + ':' + minute(now, 'Asia/Kolkata')", "\"14:30\""},
        {"hour(now, 'Mars/Olympus')", "!there is no time zone 'Mars/Olympus'"},
        {"hour(null)", "null"},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void dates_are_written_and_read_by_locale(void **state)
{
    static const struct evaluate_case cases[] = {
        {"date_format(now)", "\"Nov 21, 2026, 10:00\u202fAM\""},
        {"date_format(now, 'short', 'de')", "\"21.11.26, 10:00\""},
        {"date_format(now, 'long', 'de')", "\"21. November 2026 um 10:00\""},
        {"date_format(now, 'full date', 'pt-BR')", "\"sábado, 21 de novembro de 2026\""},
        {"date_format(now, 'medium date', 'hi')", "\"21 नव॰ 2026\""},
        {"date_format(now, 'short time', 'de', 'Asia/Kolkata')", "\"14:30\""},
        {"date_format(now, 'iso', 'de', 'UTC')", "\"2026-11-21T09:00:00Z\""},
        {"date_format(now, 'dd.MM.yyyy HH:mm')", "\"21.11.2026 10:00\""},
        {"date_format(now, 'EEEE', 'pt_BR')", "\"sábado\""},
        {"date_format(now, 'foo')", "!'foo' is no pattern of dates"},
        {"date_format(now, \"yyyy 'and\")", "!is no pattern"},
        {"date_format(now, '')", "!is no pattern"},
        {"now | date_format: 'yyyy'", "\"2026\""},
        {"date_parse('21.11.2026', 'dd.MM.yyyy')", "\"2026-11-21T00:00:00+01:00\""},
        {"date_parse('21 de novembro de 2026', \"d 'de' MMMM 'de' yyyy\", 'pt-BR')",
         "\"2026-11-21T00:00:00+01:00\""},
        {"date_parse('21.11.2026 10:00', 'dd.MM.yyyy HH:mm', 'en', 'UTC')",
         "\"2026-11-21T11:00:00+01:00\""},
        {"date_parse('31.02.2026', 'dd.MM.yyyy')", "!is no date like"},
        {"date_parse('21.11.2026x', 'dd.MM.yyyy')", "!is no date like"},
    };
    run_all(cases, sizeof cases / sizeof *cases);
}

static void the_table_is_sorted_and_tells_how_to_call(void **state)
{
    for (const struct expression_function *f = expression_functions; f->name; f++) {
        if (f[1].name)
            assert_true(strcmp(f->name, f[1].name) < 0);
        assert_true(f->help[0] && strlen(f->help) < 160);
        assert_true(f->min <= f->max && f->call);
        size_t named = f->arguments[0] != '\0';
        for (const char *c = f->arguments; *c; c++)
            named += *c == ',';
        if (f->max < 100 && named != f->max)
            fail_msg("%s(%s) takes up to %d", f->name, f->arguments, f->max);
    }
}

static void the_docs_list_every_function_with_its_help(void **state)
{
    FILE *file = fopen(DOCS "/expressions.md", "rb");
    assert_non_null(file);
    static char docs[1 << 18];
    docs[fread(docs, 1, sizeof docs - 1, file)] = '\0';
    fclose(file);
    for (const struct expression_function *f = expression_functions; f->name; f++) {
        char row[400];
        snprintf(row, sizeof row, "| `%s(%s)` | %s |\n", f->name, f->arguments, f->help);
        if (!strstr(docs, row))
            fail_msg("docs/expressions.md has no row: %s", row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_change_case_by_locale),
        cmocka_unit_test(lengths_are_of_characters_as_people_count),
        cmocka_unit_test(texts_are_searched_and_rebuilt),
        cmocka_unit_test(numbers_are_rounded_read_and_written),
        cmocka_unit_test(lists_are_mapped_filtered_and_sorted),
        cmocka_unit_test(values_of_any_type_are_converted),
        cmocka_unit_test(locales_are_read_however_they_are_written),
        cmocka_unit_test(dates_are_calculated_in_the_zone),
        cmocka_unit_test(dates_are_written_and_read_by_locale),
        cmocka_unit_test(the_table_is_sorted_and_tells_how_to_call),
        cmocka_unit_test(the_docs_list_every_function_with_its_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
