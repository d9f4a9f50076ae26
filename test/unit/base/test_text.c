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
        cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(malformed_utf8_is_told_from_well_formed),
        cmocka_unit_test(cuts_fall_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
