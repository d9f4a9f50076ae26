// SPDX-License-Identifier: MIT
// Calendar time: zones with their gaps and folds, ISO texts, the calendar's ends.
#include "test/unit/cmocka_all.h"

#include <string.h>

#include "engine/zone.h"

static int64_t moment(const char *iso)
{
    int64_t ms = 0;
    if (!zone_parse_iso(iso, "UTC", &ms))
        fail_msg("%s is no moment", iso);
    return ms;
}

static void local_times_become_moments_also_where_clocks_jump(void **state)
{
    static const struct {
        const char *local, *zone, *utc;
    } cases[] = {
        {"2026-01-15T12:00", "Europe/Berlin", "2026-01-15T11:00Z"},
        {"2026-07-15T12:00", "Europe/Berlin", "2026-07-15T10:00Z"},
        // Spring: 02:00 to 03:00 is not there: the first moment after it.
        {"2026-03-29T01:59:59.999", "Europe/Berlin", "2026-03-29T00:59:59.999Z"},
        {"2026-03-29T02:00", "Europe/Berlin", "2026-03-29T01:00Z"},
        {"2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:00Z"},
        {"2026-03-29T03:00", "Europe/Berlin", "2026-03-29T01:00Z"},
        // Autumn: 02:00 to 03:00 comes twice: the first.
        {"2026-10-25T01:59", "Europe/Berlin", "2026-10-24T23:59Z"},
        {"2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30Z"},
        {"2026-10-25T03:00", "Europe/Berlin", "2026-10-25T02:00Z"},
        // Brazil's clocks jumped at midnight, so that this day had none; and no more since 2019.
        {"2018-11-04T00:00", "America/Sao_Paulo", "2018-11-04T03:00Z"},
        {"2018-11-04T01:00", "America/Sao_Paulo", "2018-11-04T03:00Z"},
        {"2018-02-17T23:30", "America/Sao_Paulo", "2018-02-18T01:30Z"},
        {"2026-11-04T00:00", "America/Sao_Paulo", "2026-11-04T03:00Z"},
        {"2026-07-15T12:00", "Asia/Kolkata", "2026-07-15T06:30Z"},
        // Samoa went over the date line: a whole day is missing.
        {"2011-12-30T12:00", "Pacific/Apia", "2011-12-30T10:00Z"},
        {"2011-12-31T00:00", "Pacific/Apia", "2011-12-30T10:00Z"},
        {"2026-07-15T12:00", "UTC", "2026-07-15T12:00Z"},
        {"2026-07-15T12:00", "Mars/Olympus", "2026-07-15T12:00Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms;
        assert_true(zone_parse_iso(cases[i].local, cases[i].zone, &ms));
        if (ms != moment(cases[i].utc))
            fail_msg("%s in %s is off by %lld ms", cases[i].local, cases[i].zone,
                     (long long)(ms - moment(cases[i].utc)));
    }
    int64_t ms;
    assert_true(zone_parse_iso("2026-07-15T12:00", NULL, &ms));
    assert_int_equal(ms, moment("2026-07-15T12:00Z"));
}

static void moments_show_on_the_clocks_of_a_zone(void **state)
{
    struct calendar_time time;
    zone_calendar(moment("2026-11-21T09:05:06.007Z"), "Asia/Kolkata", &time);
    assert_int_equal(time.year, 2026);
    assert_int_equal(time.month, 11);
    assert_int_equal(time.day, 21);
    assert_int_equal(time.hour, 14);
    assert_int_equal(time.minute, 35);
    assert_int_equal(time.second, 6);
    assert_int_equal(time.millisecond, 7);
    assert_int_equal(time.weekday, 5);
    assert_int_equal(time.offset_minutes, 330);
    zone_calendar(-1, NULL, &time);
    assert_int_equal(time.year, 1969);
    assert_int_equal(time.day, 31);
    assert_int_equal(time.millisecond, 999);
    assert_int_equal(time.weekday, 2);
}

static void iso_texts_are_written_and_read_back(void **state)
{
    static const struct {
        const char *utc, *zone, *text;
    } cases[] = {
        {"2026-11-21T09:00Z", "Europe/Berlin", "2026-11-21T10:00:00+01:00"},
        {"2026-11-21T09:00:00.120Z", "America/Sao_Paulo", "2026-11-21T06:00:00.120-03:00"},
        {"2026-11-21T09:00Z", NULL, "2026-11-21T09:00:00Z"},
        {"2026-11-21T09:00Z", "Europe/London", "2026-11-21T09:00:00+00:00"},
        {"0001-01-01T00:00Z", "America/Sao_Paulo", "0001-01-01T00:00:00Z"},
        {"9999-12-31T23:59:59.999Z", "Asia/Kolkata", "9999-12-31T23:59:59.999Z"},
        // Before zones: 53 minutes and 28 seconds ahead.
        {"1890-01-01T00:00Z", "Europe/Berlin", "1890-01-01T00:53:00+00:53"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[ISO_TEXT_MAX];
        zone_print_iso(moment(cases[i].utc), cases[i].zone, text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(moment(text), moment(cases[i].utc));
    }
}

static void what_is_no_iso_text_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "2026",
        "2026-13-01",
        "2026-00-01",
        "2026-02-29",
        "2026-04-31",
        "2026-11-21T",
        "2026-11-21T10",
        "2026-11-21T24:00",
        "2026-11-21T10:60",
        "2026-11-21T10:00:60",
        "2026-11-21T10:00:00.",
        "2026-11-21T10:00+1",
        "2026-11-21T10:00+25:00",
        "2026-11-21T10:00Zx",
        "2026-11-21 ",
        "0000-01-01",
        "0001-01-01T00:00+12:00",
        "26-11-21",
        "12026-11-21",
        " 2026-11-21",
    };
    int64_t ms = 5;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (zone_parse_iso(cases[i], NULL, &ms))
            fail_msg("'%s' was taken", cases[i]);
    assert_true(zone_parse_iso("2024-02-29t10:00:00.1234567+0130", NULL, &ms));
    assert_int_equal(ms, moment("2024-02-29T08:30:00.123Z"));
    assert_true(zone_parse_iso("2026-11-21 10:00-03", NULL, &ms));
    assert_int_equal(ms, moment("2026-11-21T13:00Z"));
}

static void zones_are_known_by_their_exact_names(void **state)
{
    static const char *const known[] = {"UTC", "Europe/Berlin", "America/Sao_Paulo",
                                        "Asia/Calcutta"};
    static const char *const unknown[] = {"",         "europe/berlin", "Europe/Berlin ", "Berlin",
                                          "GMT+3:07", "Etc/Unknown",   "Europe/Bérlin"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(zone_is_known(known[i]));
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        if (zone_is_known(unknown[i]))
            fail_msg("'%s' is known", unknown[i]);
    assert_false(zone_is_known(NULL));
    assert_int_equal(strspn(zone_data_version(), "0123456789"), 4);
}

static void every_day_is_the_one_after_the_day_before(void **state)
{
    struct calendar_time before = {.year = 1599, .month = 12, .day = 31, .weekday = 4};
    int64_t ms = moment("1600-01-01");
    for (int i = 0; i < 300000; i++, ms += 86400000) {
        struct calendar_time time;
        zone_calendar(ms, NULL, &time);
        bool next_day = time.day == before.day + 1 && time.month == before.month;
        bool next_month = time.day == 1 && time.month == before.month % 12 + 1 && before.day >= 28;
        assert_true(next_day || next_month);
        assert_int_equal(time.weekday, (before.weekday + 1) % 7);
        assert_int_equal(zone_moment(&time, NULL), ms);
        before = time;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_times_become_moments_also_where_clocks_jump),
        cmocka_unit_test(moments_show_on_the_clocks_of_a_zone),
        cmocka_unit_test(iso_texts_are_written_and_read_back),
        cmocka_unit_test(what_is_no_iso_text_is_refused),
        cmocka_unit_test(zones_are_known_by_their_exact_names),
        cmocka_unit_test(every_day_is_the_one_after_the_day_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
