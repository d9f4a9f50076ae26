// SPDX-License-Identifier: MIT
// Buffers keep their bound; UTF-8 is checked and never cut inside a character.

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "test/unit/cmocka_all.h"

static void a_buffer_stops_at_its_bound(void **state)
{
    struct buf b;
    buf_init(&b, 5);
    buf_add_str(&b, "abc");
    buf_add_str(&b, "def");
    assert_true(b.overflow);
    assert_string_equal(b.data, "abc");
    buf_clear(&b);
    buf_add_str(&b, "12345");
    assert_false(b.overflow);
    char *taken = buf_take(&b);
    assert_string_equal(taken, "12345");
    free(taken);
    taken = buf_take(&b);
    assert_string_equal(taken, "");
    free(taken);
    buf_deinit(&b);
}

static void integers_are_written_in_decimal(void **state)
{
    static const struct {
        int64_t n;
        const char *want;
    } cases[] = {{0, "0"},
                 {7, "7"},
                 {-10, "-10"},
                 {INT64_MAX, "9223372036854775807"},
                 {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = {0};
        buf_add_int(&b, cases[i].n);
        assert_string_equal(b.data, cases[i].want);
        buf_deinit(&b);
    }
}

static void reserving_keeps_content_and_bound(void **state)
{
    struct buf b;
    buf_init(&b, 10);
    buf_add_str(&b, "abc");
    buf_reserve(&b, 7);
    size_t cap = b.cap;
    buf_reserve(&b, 8); // more than the bound allows: nothing happens
    assert_int_equal(b.cap, cap);
    assert_false(b.overflow);
    buf_add_str(&b, "defghij");
    assert_int_equal(b.cap, cap);
    assert_string_equal(b.data, "abcdefghij");
    buf_deinit(&b);
}

// Wherever in a string it stands, and whatever surrounds it.
static void a_plain_run_ends_at_what_json_escapes(void **state)
{
    static const char ends[] = {'"', '\\', '\n', '\x01', '\x1f', '\0'};
    for (size_t e = 0; e < sizeof ends; e++) {
        for (size_t at = 0; at < 40; at++) {
            char text[40];
            memset(text, at % 2 ? '\xff' : '!', sizeof text);
            text[at] = ends[e];
            assert_int_equal(utf8_plain_run(text, sizeof text), at);
            assert_int_equal(utf8_plain_run(text, at), at);
        }
    }
    static const char plain[] = " !#[]~\x7f\xc3\xa9 all of this is plain";
    assert_int_equal(utf8_plain_run(plain, strlen(plain)), strlen(plain));
}

static void json_strings_are_escaped(void **state)
{
    struct buf b = {0};
    buf_add_json_str(&b, "a\"\\\n\x01\xc3\xa9");
    assert_string_equal(b.data, "\"a\\\"\\\\\\n\\u0001\xc3\xa9\"");
    buf_deinit(&b);
}

static void malformed_utf8_is_told_from_well_formed(void **state)
{
    static const char *const good[] = {"", "plain ascii text", "\xc3\xa9", "\xe2\x82\xac",
                                       "\xf0\x9f\x98\x80"};
    static const char *const bad[] = {"\x80",         "\xc0\xaf",         "\xe0\x80\x80",
                                      "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82",
                                      "12345678\xff"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(utf8_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(utf8_valid(bad[i], strlen(bad[i])));
}

static void cuts_fall_between_characters(void **state)
{
    static const char text[] = "a\xc3\xa9\xf0\x9f\x98\x80z"; // 1 + 2 + 4 + 1 bytes
    size_t len = strlen(text);
    static const size_t by_bytes[] = {0, 1, 1, 3, 3, 3, 3, 7, 8};
    for (size_t max = 0; max <= len; max++)
        assert_int_equal(utf8_cut_bytes(text, len, max), by_bytes[max]);
    static const size_t by_chars[] = {0, 1, 3, 7, 8, 8};
    for (size_t max = 0; max < 6; max++)
        assert_int_equal(utf8_cut_chars(text, len, max), by_chars[max]);
    assert_int_equal(utf8_length(text), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_stops_at_its_bound),
        cmocka_unit_test(integers_are_written_in_decimal),
        cmocka_unit_test(reserving_keeps_content_and_bound),
        cmocka_unit_test(a_plain_run_ends_at_what_json_escapes),
        cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(malformed_utf8_is_told_from_well_formed),
        cmocka_unit_test(cuts_fall_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
