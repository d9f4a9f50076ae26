// SPDX-License-Identifier: MIT
// What answers become, by type, language and place: tables of what people write.
#include "test/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "nodes/answer.h"

// Saturday 21 November 2026, 15:00 in Berlin.
static const int64_t now_ms = INT64_C(1795269600000);

struct row {
    const char *locale, *answer;
    const char *value; // as JSON with single quotes; NULL: refused
};

static char *read_as_text(const struct rule *rule, const struct answer *answer)
{
    char why[WHY_BYTES] = "";
    cJSON *value = NULL;
    enum answer_outcome outcome = answer_read(rule, answer, &value, why);
    if (outcome == ANSWER_INVALID)
        return x_printf("! %s", why);
    if (outcome == ANSWER_LIMIT)
        return x_dup("limit");
    char *text = json_print(value);
    for (char *c = text; *c; c++)
        *c = *c == '"' ? '\'' : *c;
    cJSON_Delete(value);
    return text;
}

static void rows_check(struct rule rule, const struct row *rows, size_t count)
{
    size_t wrong = 0;
    rule.now_ms = now_ms;
    rule.required = true;
    rule.zone = rule.zone ? rule.zone : "Europe/Berlin";
    for (size_t i = 0; i < count; i++) {
        rule.locale = rows[i].locale;
        char *got = read_as_text(&rule, &(struct answer){.text = rows[i].answer});
        bool as_expected = rows[i].value ? strcmp(got, rows[i].value) == 0 : *got == '!';
        if (!as_expected)
            print_error("[%s] \"%s\": expected %s, got %s\n", rows[i].locale, rows[i].answer,
                        rows[i].value ? rows[i].value : "a refusal", got);
        wrong += !as_expected;
        free(got);
    }
    assert_int_equal(wrong, 0);
}

#define CHECK(rule, rows) rows_check(rule, rows, sizeof(rows) / sizeof *(rows))

static void numbers_are_read_as_the_locale_writes_them(void **state)
{
    static const struct row rows[] = {
        {"de", "1.234,5", "1234.5"},
        {"de", "1.234", "1234"},
        {"de", "1,5", "1.5"},
        {"de", "1.5", "1.5"},
        {"de", "0.125", "0.125"},
        {"de-CH", "1'234.50", "1234.5"},
        {"en", "1,234.5", "1234.5"},
        {"en", "1,234", "1234"},
        {"en", "1.234", "1.234"},
        {"en", "1.234,5", "1234.5"},
        {"en", "1,234,567", "1234567"},
        {"en", "41.50", "41.5"},
        {"en", ".5", "0.5"},
        {"en", "5.", "5"},
        {"en", "-3", "-3"},
        {"en", "−3", "-3"},
        {"en", "+ 3", "3"},
        {"en", "1.5e3", "1500"},
        {"en", "$1,250.00", "1250"},
        {"de", "12,50 €", "12.5"},
        {"de", "-€5", "-5"},
        {"fr", "1 234,5", "1234.5"},
        {"fr", "1 234 567", "1234567"},
        {"es", "1.234.567", "1234567"},
        {"pt-BR", "R$5", NULL},
        {"hi", "१२३", "123"},
        {"hi-IN", "12,34,567", "1234567"},
        {"ar-EG", "١٬٢٣٤٫٥", "1234.5"},
        {"fa", "۱۲۳", "123"},
        {"ja", "１２３．５", "123.5"},
        {"ja", "１，２３４", "1234"},
        {"en", "12345678901234567", "'12345678901234567'"},
        {"en", "12,345,678,901,234,567", "'12345678901234567'"},
        {"en", "three", NULL},
        {"en", "0x3", NULL},
        {"en", "nan", NULL},
        {"en", "1e999", NULL},
        {"en", "1,23,4", NULL},
        {"en", "1.2.3", NULL},
        {"en", "12 345 6", NULL},
        {"en", "5 apples", NULL},
        {"en", "-", NULL},
        {"en", ",", NULL},
        {"en", "--5", NULL},
        {"en", "5-3", NULL},
        {"en", "Ⅷ", NULL},
    };
    CHECK((struct rule){.type = ANSWER_NUMBER}, rows);
}

static void integers_have_no_fraction(void **state)
{
    static const struct row rows[] = {
        {"en", "42", "42"},      {"en", "42.0", "42"}, {"en", "1.234", "1234"},
        {"de", "1.234", "1234"}, {"en", "42.5", NULL}, {"en", "1e3", "1000"},
        {"en", "1.5e0", NULL},   {"hi", "४२", "42"},   {"en", "four", NULL},
    };
    CHECK((struct rule){.type = ANSWER_INTEGER}, rows);
    static const struct row ages[] = {{"en", "17", NULL}, {"en", "18", "18"}, {"en", "121", NULL}};
    CHECK(((struct rule){
              .type = ANSWER_INTEGER, .has_min = true, .min = 18, .has_max = true, .max = 120}),
          ages);
}

static void mail_addresses_get_a_small_ascii_domain(void **state)
{
    static const struct row rows[] = {
        {"en", "Ana.Lopez+shop@Example.COM", "'Ana.Lopez+shop@example.com'"},
        {"en", "mailto:a@b.de", "'a@b.de'"},
        {"en", "<a@b.de>", "'a@b.de'"},
        {"de", "info@Bücher.example", "'info@xn--bcher-kva.example'"},
        {"hi", "राम@उदाहरण.भारत", "'राम@xn--p1b6ci4b4b3a.xn--h2brj9c'"},
        {"en", "o'brien@x.ie", "'o'brien@x.ie'"},
        {"en", "a@b", NULL},
        {"en", "@b.de", NULL},
        {"en", "a b@c.de", NULL},
        {"en", "a@b@c.de", NULL},
        {"en", ".a@b.de", NULL},
        {"en", "a..b@c.de", NULL},
        {"en", "a@-b.de", NULL},
        {"en", "a@b..de", NULL},
        {"en", "a@b.de.", NULL},
        {"en", "a@127.0.0.1", NULL},
        {"en", "a@b.c", NULL},
        {"en", "a@b_c.de", NULL},
        {"en", "my mail is a@b.de", NULL},
        {"en", "a@b.de\nBcc: x@y.de", NULL},
    };
    CHECK((struct rule){.type = ANSWER_EMAIL}, rows);
}

static void phone_numbers_become_e164(void **state)
{
    static const struct row germany[] = {
        {"de", "0170 1234567", "'+491701234567'"},
        {"de", "(0170) 123-45.67", "'+491701234567'"},
        {"de", "+49 (0)170 1234567", "'+491701234567'"},
        {"de", "0049 170 1234567", "'+491701234567'"},
        {"de", "49 170 12345678", "'+4917012345678'"},
        {"de", "+1 (415) 555-0123", "'+14155550123'"},
        {"de", "tel:+39 06 1234 5678", "'+390612345678'"},
        {"de", "＋４９　１７０　１２３４５６７", "'+491701234567'"},
        {"ar", "+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧", "'+966501234567'"},
        {"de", "+49 0170 1234567", "'+491701234567'"},
        {"de", "\u202a+49 170 1234567\u202c", "'+491701234567'"},
        {"de", "+52 1 55 1234 5678", "'+525512345678'"},
        {"de", "123", NULL},
        {"de", "call me", NULL},
        {"de", "+999 123456", NULL},
        {"de", "+1 415 555", NULL},
        {"de", "+1 115 555 0123", NULL},
        {"de", "0170 1234567 ext 5", NULL},
        {"de", "+", NULL},
        {"de", "1234567890123456789", NULL},
        {"de", "12+34567890", NULL},
    };
    CHECK(((struct rule){.type = ANSWER_PHONE, .country = "DE"}), germany);
    static const struct row elsewhere[] = {{"en", "+595 981 123456", "'+595981123456'"},
                                           {"en", "00595981123456", "'+595981123456'"},
                                           {"en", "0981 123456", NULL}};
    CHECK((struct rule){.type = ANSWER_PHONE}, elsewhere);
    static const struct row paraguay[] = {{"es", "0981 123456", "'+595981123456'"},
                                          {"es", "595981123456", "'+595981123456'"},
                                          {"es", "981123456", "'+595981123456'"}};
    CHECK(((struct rule){.type = ANSWER_PHONE, .country = "PY"}), paraguay);
    static const struct row usa[] = {{"en", "(415) 555-0123", "'+14155550123'"},
                                     {"en", "1 415 555 0123", "'+14155550123'"},
                                     {"en", "011 49 170 1234567", "'+491701234567'"},
                                     {"en", "555-0123", NULL},
                                     {"en", "0981 123456", NULL},
                                     {"en", "+0981 123456", NULL}};
    CHECK(((struct rule){.type = ANSWER_PHONE, .country = "US"}), usa);
    static const struct row india[] = {{"hi", "०९८१२३४५६७०", "'+919812345670'"},
                                       {"hi", "98123 45670", "'+919812345670'"},
                                       {"hi", "91981 23456", "'+919198123456'"}};
    CHECK(((struct rule){.type = ANSWER_PHONE, .country = "IN"}), india);
    static const struct row italy[] = {{"it", "06 1234 5678", "'+390612345678'"}};
    CHECK(((struct rule){.type = ANSWER_PHONE, .country = "IT"}), italy);
    static const struct row russia[] = {{"ru", "8 912 345-67-89", "'+79123456789'"},
                                        {"ru", "912 345-67-89", "'+79123456789'"}};
    CHECK(((struct rule){.type = ANSWER_PHONE, .country = "RU"}), russia);
}

static void countries_are_told_by_ids_of_whatsapp(void **state)
{
    static const char *const cases[][2] = {{"595981123456", "PY"},
                                           {"14155550123", "US"},
                                           {"491701234567", "DE"},
                                           {"5215512345678", "MX"},
                                           {"99", ""},
                                           {"PY.1349", "PY"},
                                           {"999123456", ""},
                                           {"0981123456", ""},
                                           {"XX.12", ""},
                                           {"PY", ""},
                                           {"", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char country[COUNTRY_BYTES];
        answer_chat_country(cases[i][0], country);
        assert_string_equal(country, cases[i][1]);
    }
}

static void web_addresses_have_a_scheme_and_a_host(void **state)
{
    static const struct row rows[] = {
        {"en", "https://example.com/a?b=c#d", "'https://example.com/a?b=c#d'"},
        {"en", "HTTP://Example.COM:8080", "'http://example.com:8080'"},
        {"en", "www.example.com/Ä", "'https://www.example.com/%C3%84'"},
        {"en", "example.com", "'https://example.com'"},
        {"de", "https://Bücher.example/x", "'https://xn--bcher-kva.example/x'"},
        {"en", "http://192.0.2.1/", "'http://192.0.2.1/'"},
        {"en", "example.com?next=http://b.com", "'https://example.com?next=http://b.com'"},
        {"en", "ftp://example.com", NULL},
        {"en", "javascript:alert(1)", NULL},
        {"en", "https://", NULL},
        {"en", "https://localhost", NULL},
        {"en", "https://good.com@evil.com", NULL},
        {"en", "https://exa mple.com", NULL},
        {"en", "https://example.com/a b", NULL},
        {"en", "https://example.com:0", NULL},
        {"en", "https://example.com:99999", NULL},
        {"en", "https://example.com:x", NULL},
        {"en", "https://999.1.1.1", NULL},
        {"en", "hello", NULL},
    };
    CHECK((struct rule){.type = ANSWER_URL}, rows);
}

static void dates_are_read_in_many_forms_and_languages(void **state)
{
    static const struct row rows[] = {
        {"de", "24.12.2026", "'2026-12-24'"},
        {"de", "24.12.", "'2026-12-24'"},
        {"de", "1.2.", "'2027-02-01'"},
        {"de", "24. 12. 26", "'2026-12-24'"},
        {"de", "15.3.85", "'1985-03-15'"},
        {"de", "24. Dezember 2026", "'2026-12-24'"},
        {"de", "den 24. Dez.", "'2026-12-24'"},
        {"de", "3. März 2027", "'2027-03-03'"},
        {"de", "morgen", "'2026-11-22'"},
        {"de", "Übermorgen", "'2026-11-23'"},
        {"de", "am Freitag", "'2026-11-27'"},
        {"de", "nächsten Montag", "'2026-11-23'"},
        {"de", "in 3 Wochen", "'2026-12-12'"},
        {"en", "12/24/2026", "'2026-12-24'"},
        {"en", "05/06/2027", "'2027-05-06'"},
        {"en-GB", "05/06/2027", "'2027-06-05'"},
        {"en", "24/12/2026", "'2026-12-24'"},
        {"en", "2026-12-24", "'2026-12-24'"},
        {"en", "2026/12/24", "'2026-12-24'"},
        {"en", "20261224", "'2026-12-24'"},
        {"en", "Dec 24th, 2026", "'2026-12-24'"},
        {"en", "24 December 2026", "'2026-12-24'"},
        {"en", "the 24th of December", "'2026-12-24'"},
        {"en", "24-Dec-2026", "'2026-12-24'"},
        {"en", "Today!", "'2026-11-21'"},
        {"en", "TOMORROW", "'2026-11-22'"},
        {"en", "day after tomorrow", "'2026-11-23'"},
        {"en", "yesterday", "'2026-11-20'"},
        {"en", "next Friday", "'2026-11-27'"},
        {"en", "saturday", "'2026-11-28'"},
        {"en", "in 3 days", "'2026-11-24'"},
        {"en", "in 2 months", "'2027-01-21'"},
        {"en", "Feb 29", "'2028-02-29'"},
        {"es", "24/12/2026", "'2026-12-24'"},
        {"es", "5/6/2027", "'2027-06-05'"},
        {"es", "24 de diciembre de 2026", "'2026-12-24'"},
        {"es", "el 24 de dic.", "'2026-12-24'"},
        {"es", "mañana", "'2026-11-22'"},
        {"es", "Pasado mañana", "'2026-11-23'"},
        {"es", "hoy", "'2026-11-21'"},
        {"es", "el próximo viernes", "'2026-11-27'"},
        {"es", "dentro de 2 semanas", "'2026-12-05'"},
        {"pt-BR", "24 de dezembro", "'2026-12-24'"},
        {"pt-BR", "amanhã", "'2026-11-22'"},
        {"pt-BR", "hoje", "'2026-11-21'"},
        {"pt-BR", "segunda-feira", "'2026-11-23'"},
        {"fr", "le 24 décembre 2026", "'2026-12-24'"},
        {"fr", "1er août 2027", "'2027-08-01'"},
        {"fr", "demain", "'2026-11-22'"},
        {"fr", "aujourd’hui", "'2026-11-21'"},
        {"fr", "après-demain", "'2026-11-23'"},
        {"hi", "आज", "'2026-11-21'"},
        {"hi", "कल", "'2026-11-22'"},
        {"hi", "२४ दिसंबर २०२६", "'2026-12-24'"},
        {"hi", "24 दिसम्बर", "'2026-12-24'"},
        {"hi", "3 फ़रवरी", "'2027-02-03'"},
        {"hi", "3 फरवरी", "'2027-02-03'"},
        {"hi", "5 जून", "'2027-06-05'"},
        {"hi", "5 जुलाई", "'2027-07-05'"},
        {"hi", "परसों", "'2026-11-23'"},
        {"hi", "अगले सोमवार", "'2026-11-23'"},
        {"hi", "3 दिन में", "'2026-11-24'"},
        {"hi", "2 हफ़्ते बाद", "'2026-12-05'"},
        {"hi", "2 हफ्ते बाद", "'2026-12-05'"},
        {"hi", "कुल", NULL},
        {"hi", "3 दान में", NULL},
        {"bn", "আগামীকাল", "'2026-11-22'"},
        {"bn", "২৪ ডিসেম্বর", "'2026-12-24'"},
        {"ta", "நாளை", "'2026-11-22'"},
        {"hi", "२४/१२/२०२६", "'2026-12-24'"},
        {"ar", "غدا", "'2026-11-22'"},
        {"ar", "غداً", "'2026-11-22'"},
        {"ar", "أمس", "'2026-11-20'"},
        {"ar", "امس", "'2026-11-20'"},
        {"ar", "24 ابريل", "'2027-04-24'"},
        {"ur", "کل", "'2026-11-22'"},
        {"he", "מחר", "'2026-11-22'"},
        {"ru", "24 декабря 2026 г.", "'2026-12-24'"},
        {"ru", "завтра", "'2026-11-22'"},
        {"ja", "2026年12月24日", "'2026-12-24'"},
        {"ja", "12月24日", "'2026-12-24'"},
        {"ja", "明日", "'2026-11-22'"},
        {"ko", "2026년 12월 24일", "'2026-12-24'"},
        {"ko", "내일", "'2026-11-22'"},
        {"th", "24/12/2026", "'2026-12-24'"},
        {"th", "พรุ่งนี้", "'2026-11-22'"},
        {"th", "วันนี้", "'2026-11-21'"},
        {"th", "24 ธันวาคม 2026", "'2026-12-24'"},
        {"th", "24 พ.ย. 2026", "'2026-11-24'"},
        {"th", "24 พ.ค. 2027", "'2027-05-24'"},
        {"th", "อีก 3 วัน", "'2026-11-24'"},
        {"th", "วัน", NULL},
        {"th", "24 พ", NULL},
        {"lo", "24 ພ.ຈ. 2026", "'2026-11-24'"},
        {"mr", "3 मे", "'2027-05-03'"},
        {"pa", "3 ਜੂਨ", "'2027-06-03'"},
        {"tr", "yarın", "'2026-11-22'"},
        {"tr", "YARIN", "'2026-11-22'"},
        {"tr", "öbür gün", "'2026-11-23'"},
        {"vi", "ngày mai", "'2026-11-22'"},
        {"vi", "ngay mai", "'2026-11-22'"},
        {"vi", "24 tháng", NULL},
        {"el", "ΑΎΡΙΟ", "'2026-11-22'"},
        {"hi", "द 5", NULL}, // a letter is no month
        {"xx-nonsense!", "24 December 2026", "'2026-12-24'"},
        {"es", "tomorrow", "'2026-11-22'"},
        {"en", "31.2.2027", NULL},
        {"en", "2027-02-29", NULL},
        {"en", "99/99/2026", NULL},
        {"en", "24.13.2026", NULL},
        {"en", "December", NULL},
        {"en", "December 2026", NULL},
        {"en", "24", NULL},
        {"en", "3 days ago", NULL},
        {"en", "soon", NULL},
        {"en", "0000-00-00", NULL},
        {"en", "1/2/3/4", NULL},
        {"en", "24..12.2026", NULL},
    };
    CHECK((struct rule){.type = ANSWER_DATE}, rows);
}

static void today_is_where_the_person_is(void **state)
{
    // 15:00 in Berlin; in Auckland it is Sunday, in Los Angeles Saturday.
    static const struct row sunday[] = {{"en", "today", "'2026-11-22'"}};
    static const struct row saturday[] = {{"en", "today", "'2026-11-21'"}};
    CHECK(((struct rule){.type = ANSWER_DATE, .zone = "Pacific/Auckland"}), sunday);
    CHECK(((struct rule){.type = ANSWER_DATE, .zone = "America/Los_Angeles"}), saturday);
}

static void bounds_of_dates_and_times_are_relative(void **state)
{
    static const struct {
        enum answer_type type;
        const char *bound, *iso; // as a measure of the same type; NULL: none
    } cases[] = {
        {ANSWER_DATE, "today", "2026-11-21"},
        {ANSWER_DATE, "+30d", "2026-12-21"},
        {ANSWER_DATE, "-1w", "2026-11-14"},
        {ANSWER_DATE, "+3m", "2027-02-21"},
        {ANSWER_DATE, "-18y", "2008-11-21"},
        {ANSWER_DATE, "2026-12-24", "2026-12-24"},
        {ANSWER_DATE, "+3h", NULL},
        {ANSWER_DATE, "30d", NULL},
        {ANSWER_DATE, "+d", NULL},
        {ANSWER_DATE, "+9999999d", NULL},
        {ANSWER_DATE, "2026-02-30", NULL},
        {ANSWER_DATE, "soon", NULL},
        {ANSWER_TIME, "17:30", "17:30"},
        {ANSWER_TIME, "25:00", NULL},
        {ANSWER_TIME, "-1:10", NULL},
        {ANSWER_NUMBER, "5", "5"},
        {ANSWER_NUMBER, "five", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rule rule = {.type = cases[i].type, .now_ms = now_ms, .zone = "Europe/Berlin"};
        double measure = 0, expected = 0;
        bool good = answer_bound(&rule, cases[i].bound, &measure);
        if (good != (cases[i].iso != NULL))
            fail_msg("%s: %d", cases[i].bound, good);
        if (good) {
            assert_true(answer_bound(&rule, cases[i].iso, &expected));
            assert_true(measure == expected); // NOLINT: whole numbers
        }
    }
    struct rule month = {.type = ANSWER_DATE, .has_min = true, .has_max = true, .now_ms = now_ms};
    assert_true(answer_bound(&month, "today", &month.min));
    assert_true(answer_bound(&month, "+30d", &month.max));
    static const struct row rows[] = {{"en", "today", "'2026-11-21'"},
                                      {"en", "yesterday", NULL},
                                      {"en", "2026-12-21", "'2026-12-21'"},
                                      {"en", "2026-12-22", NULL}};
    CHECK(month, rows);
    month.has_min = false; // a day of birth
    assert_true(answer_bound(&month, "-18y", &month.max));
    static const struct row births[] = {{"de", "24.12.85", "'1985-12-24'"},
                                        {"de", "24.12.20", "'1920-12-24'"},
                                        {"de", "24.12.2020", NULL}};
    CHECK(month, births);
}

static void times_are_read_in_many_forms_and_languages(void **state)
{
    static const struct row rows[] = {
        {"en", "9", "'09:00'"},
        {"en", "9:30", "'09:30'"},
        {"en", "09.30", "'09:30'"},
        {"en", "930", "'09:30'"},
        {"en", "1430", "'14:30'"},
        {"en", "9am", "'09:00'"},
        {"en", "9:30 p.m.", "'21:30'"},
        {"en", "12 am", "'00:00'"},
        {"en", "12 pm", "'12:00'"},
        {"en", "at 9 o'clock in the morning", "'09:00'"},
        {"en", "noon", "'12:00'"},
        {"en", "at midnight", "'00:00'"},
        {"en", "23:59:59", "'23:59'"},
        {"de", "um 9 Uhr 30", "'09:30'"},
        {"de", "21 Uhr abends", "'21:00'"},
        {"de", "8 Uhr abends", "'20:00'"},
        {"fr", "9h30", "'09:30'"},
        {"fr", "21 h", "'21:00'"},
        {"fr", "3h de l'après-midi", "'15:00'"},
        {"es", "a las 9 de la noche", "'21:00'"},
        {"es", "9 de la mañana", "'09:00'"},
        {"es", "12 de la noche", "'00:00'"},
        {"es", "12 de la tarde", "'12:00'"},
        {"pt", "às 15h", "'15:00'"},
        {"pt", "3 da tarde", "'15:00'"},
        {"pt", "meia noite", "'00:00'"},
        {"pt", "meia-noite", "'00:00'"},
        {"es", "mediodía", "'12:00'"},
        {"hi", "रात 9 बजे", "'21:00'"},
        {"hi", "आधी रात", "'00:00'"},
        {"bn", "সকাল ৯টা", "'09:00'"},
        {"th", "14.30 น.", "'14:30'"},
        {"th", "เที่ยงคืน", "'00:00'"},
        {"ar", "الساعة ٩ مساءً", "'21:00'"},
        {"hi", "सुबह ९ बजे", "'09:00'"},
        {"hi", "शाम 5 बजे", "'17:00'"},
        {"ja", "14時30分", "'14:30'"},
        {"ja", "午後3時", "'15:00'"},
        {"ko", "오후 3시 30분", "'15:30'"},
        {"zh", "下午3点", "'15:00'"},
        {"en", "24:00", NULL},
        {"en", "9:60", NULL},
        {"en", "13 am", NULL},
        {"en", "9-11", NULL},
        {"en", "9:5", NULL},
        {"en", "99999", NULL},
        {"en", "later", NULL},
        {"en", "1:2:3:4", NULL},
    };
    CHECK((struct rule){.type = ANSWER_TIME}, rows);
    static const struct row office[] = {{"en", "08:59", NULL},
                                        {"en", "9", "'09:00'"},
                                        {"en", "5pm", "'17:00'"},
                                        {"en", "17:01", NULL}};
    CHECK(
        ((struct rule){
            .type = ANSWER_TIME, .has_min = true, .min = 9 * 60, .has_max = true, .max = 17 * 60}),
        office);
}

static void dates_with_times_are_moments(void **state)
{
    static const struct row rows[] = {
        {"en", "2026-12-24 14:30", "'2026-12-24T14:30:00+01:00'"},
        {"en", "2026-12-24T14:30", "'2026-12-24T14:30:00+01:00'"},
        {"en", "2026-12-24T14:30:00Z", "'2026-12-24T15:30:00+01:00'"},
        {"en", "tomorrow at 9am", "'2026-11-22T09:00:00+01:00'"},
        {"en", "9:30 tomorrow", "'2026-11-22T09:30:00+01:00'"},
        {"en", "July 4, 2027, 8 pm", "'2027-07-04T20:00:00+02:00'"},
        {"de", "24.12. um 18 Uhr", "'2026-12-24T18:00:00+01:00'"},
        {"es", "mañana a las 9 de la mañana", "'2026-11-22T09:00:00+01:00'"},
        {"es", "el viernes a las 15:00", "'2026-11-27T15:00:00+01:00'"},
        {"pt", "amanhã às 15h", "'2026-11-22T15:00:00+01:00'"},
        {"en", "tomorrow", NULL},
        {"en", "9:30", NULL},
        {"en", "hello there", NULL},
    };
    CHECK((struct rule){.type = ANSWER_DATETIME}, rows);
}

static void yes_and_no_are_known_in_many_languages(void **state)
{
    static const char *const yes[] = {
        "yes",   "YES!",  "y",      "Yeah",         "ok",     "Okay.",  "sure",     "sí",
        "Si",    "claro", "sim",    "ja",           "Jawohl", "oui",    "d'accord", "हाँ",
        "हां",    "जी",    "haan",   "نعم",          "да",     "Да!",    "evet",     "是",
        "はい",  "네",    "👍",      "👍🏽",     "✅",      "✔️", "ya",       "tak",
        "ναι",   "כן",    "ＹＥＳ", " yes please ", "ठीक है",  "जी हाँ",  "হ্যাঁ",      "ஆம்",
        "అవును", "ใช่",    "ใช่ค่ะ",   "ค่ะ",           "أيوه",   "ايوه",   "نَعَم",      "đúng",
        "dung",  "응",    "ΝΑΊ"};
    static const char *const no[] = {
        "no",    "NO!",        "n",          "nope",   "No, thanks", "não",  "nao",
        "nein",  "Nein danke", "non",        "नहीं",    "nahi",       "لا",   "нет",
        "hayır", "HAYIR",      "不是",       "いいえ", "아니요",     "👎",    "👎🏿",
        "❌",     "nee",        "no gracias", "ना",     "না",         "இல்லை", "కాదు",
        "ไม่",    "ไม่ใช่",       "không",      "khong",  "όχι",        "ΌΧΙ",  "아니"};
    static const char *const neither[] = {
        "maybe",   "no sé", "yes and no", "5",  "?",   "नहर",
        "हिन्दी में", "ไม้",    "ใช",         "คะ", "হাত", "आम",
        "நாள்",     "かい",  "hee",        "👀",  "...", "I do not know what to say about that"};
    struct rule rule = {.type = ANSWER_YES_NO, .required = true};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        char *got = read_as_text(&rule, &(struct answer){.text = yes[i]});
        if (strcmp(got, "true") != 0)
            fail_msg("%s: %s", yes[i], got);
        free(got);
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        char *got = read_as_text(&rule, &(struct answer){.text = no[i]});
        if (strcmp(got, "false") != 0)
            fail_msg("%s: %s", no[i], got);
        free(got);
    }
    for (size_t i = 0; i < sizeof neither / sizeof *neither; i++) {
        char *got = read_as_text(&rule, &(struct answer){.text = neither[i]});
        assert_string_equal(got, "! Please answer yes or no.");
        free(got);
    }
}

static void words_that_skip_are_known_in_many_languages(void **state)
{
    static const char *const words[] = {"skip",   "Skip!",    "omitir",     "Pular", "Überspringen",
                                        "passer", "छोड़ें",      "пропустить", "跳过",  "छोड़ दो",
                                        "छोडो",   "スキップ", "ｽｷｯﾌﾟ",      "ข้าม",   "Geç",
                                        "bỏ qua", "bo qua",   "건너뛰기",   "POMIŃ"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!answer_is_skip(words[i]))
            fail_msg("%s", words[i]);
    assert_false(answer_is_skip("skipper"));
    assert_false(answer_is_skip("ขาม")); // awe
    assert_false(answer_same_word("कुल", "कल"));
    assert_false(answer_is_skip(""));
    assert_true(answer_same_word("SPÄTER", "spater"));
    assert_false(answer_same_word("", ""));
}

/* Trees */

static void tree_check(const struct rule *rule, const char *text, const char *attachments,
                       const char *data, const char *expected)
{
    struct answer answer = {.text = text};
    cJSON *list = attachments ? json_read(attachments, strlen(attachments), NULL) : NULL;
    cJSON *object = data ? json_read(data, strlen(data), NULL) : NULL;
    answer.attachments = list;
    answer.data = object;
    char *got = read_as_text(rule, &answer);
    assert_string_equal(got, expected);
    free(got);
    cJSON_Delete(list);
    cJSON_Delete(object);
}

static void a_place_comes_as_data_attachment_text_or_link(void **state)
{
    struct rule rule = {.type = ANSWER_LOCATION, .required = true};
    tree_check(&rule, "Mercado 4, Av. Pettirossi", NULL,
               "{\"latitude\":-25.2867,\"longitude\":-57.647,\"name\":\"Mercado 4\",\"address\":"
               "\"Av. Pettirossi\",\"url\":\"x\"}",
               "{'latitude':-25.2867,'longitude':-57.647,'name':'Mercado 4','address':'Av. "
               "Pettirossi'}");
    tree_check(&rule, "",
               "[{\"type\":\"location\",\"coordinates\":{\"lat\":-25.5,\"long\":-57.5},\"title\":"
               "\"Here\"}]",
               NULL, "{'latitude':-25.5,'longitude':-57.5,'name':'Here'}");
    tree_check(&rule, "-25.5, -57.5", NULL, NULL, "{'latitude':-25.5,'longitude':-57.5}");
    tree_check(&rule, "geo:52.5,13.4;u=35", NULL, NULL, "{'latitude':52.5,'longitude':13.4}");
    tree_check(&rule, "https://www.google.com/maps/@52.5,13.4,17z", NULL, NULL,
               "{'latitude':52.5,'longitude':13.4}");
    tree_check(&rule, "https://maps.google.com/?q=52.5,13.4", NULL, NULL,
               "{'latitude':52.5,'longitude':13.4}");
    tree_check(&rule, "at home", NULL, NULL, "! Please send your location.");
    tree_check(&rule, "", NULL, NULL, "! Please send your location.");
    tree_check(&rule, "95, 13", NULL, NULL, "! Please send your location.");
    tree_check(&rule, "1,2,3", NULL, NULL, "! Please send your location.");
    tree_check(&rule, "", NULL, "{\"latitude\":\"x\",\"longitude\":[]}",
               "! Please send your location.");
    tree_check(&rule, "", "[5,{\"type\":\"location\",\"coordinates\":7}]", NULL,
               "! Please send your location.");
}

static void files_are_taken_by_kind_and_number(void **state)
{
    struct rule one = {.type = ANSWER_MEDIA,
                       .required = true,
                       .accept = MEDIA_IMAGE | MEDIA_DOCUMENT,
                       .max_files = 1};
    static const char image[] = "[{\"type\":\"image\",\"url\":\"https://x/1.jpg\"}]";
    static const char two[] = "[{\"type\":\"image\",\"url\":\"https://x/1.jpg\"},{\"type\":"
                              "\"file\",\"url\":\"https://x/2.pdf\",\"title\":\"Two\"}]";
    tree_check(&one, "look", image, NULL, "{'type':'image','url':'https://x/1.jpg'}");
    tree_check(&one, "", two, NULL, "! Please send 1 file at most.");
    tree_check(&one, "here", NULL, NULL, "! Please send a picture or a document.");
    tree_check(&one, "", NULL, NULL, "! Please send a file.");
    tree_check(&one, "", "[{\"type\":\"video\",\"url\":\"https://x/1.mp4\"}]", NULL,
               "! Please send a picture or a document.");
    tree_check(&one, "", "[{\"type\":\"ephemeral\"}]", NULL,
               "! Please send a picture or a document.");
    tree_check(&one, "", "[{\"type\":\"image\"}]", NULL, "! Please send a picture or a document.");
    tree_check(&one, "",
               "[{\"type\":\"sticker\",\"url\":\"https://x/s.png\",\"sticker_id\":\"3\"}]", NULL,
               "! Please send a picture or a document.");
    struct rule more = one;
    more.max_files = 3;
    more.has_min = true;
    more.min = 2;
    tree_check(&more, "", two, NULL,
               "[{'type':'image','url':'https://x/1.jpg'},{'type':'document','url':'https://x/"
               "2.pdf','name':'Two'}]");
    tree_check(&more, "", image, NULL, "! Please send at least 2 files.");
    struct rule picture = one;
    picture.accept = MEDIA_IMAGE;
    tree_check(&picture, "",
               "[{\"type\":\"document\",\"id\":\"1003383421387259\",\"mime_type\":\"image/"
               "jpeg\",\"filename\":\"a.jpg\",\"sha256\":\"b64=\"}]",
               NULL,
               "{'type':'document','id':'1003383421387259','mime':'image/"
               "jpeg','name':'a.jpg','sha256':'b64='}");
}

/* Whatever comes */

static uint64_t chance(uint64_t *seed, uint64_t bound)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed % bound;
}

// Mostly what dates, numbers and addresses are made of; now and then any byte at all.
static void text_make(uint64_t *seed, char *out, size_t size)
{
    static const char *const pieces[] = {
        "1",       "24",     "2026",   ".",    ",",    "/",  "-",  ":",    " ",       "+49", "@",
        "http://", "a",      "Dec",    "am",   "pm",   "de", "٣",  "५",    "€",       "年",  "月",
        "日",      "👍",      "\u202e", "(0)",  "geo:", "é",  "\n", "'",    "e",       "0",   "%",
        "ß",       "mañana", "in",     "days", "．",   "T",  "Z",  "\xff", "\xe2\x82"};
    size_t used = 0, count = chance(seed, 14);
    for (size_t i = 0; i < count; i++) {
        char byte[2] = {(char)(1 + chance(seed, 255)), '\0'};
        const char *piece =
            chance(seed, 12) == 0 ? byte : pieces[chance(seed, sizeof pieces / sizeof *pieces)];
        size_t len = strlen(piece);
        if (used + len + 1 > size)
            break;
        memcpy(out + used, piece, len);
        used += len;
    }
    out[used] = '\0';
}

static void whatever_bytes_come_the_answer_is_valid_or_refused_with_a_reason(void **state)
{
    static const char *const locales[] = {NULL, "en", "de", "pt-BR", "hi", "ar", "ja", "??", "zz"};
    static const char *const zones[] = {NULL, "UTC", "Asia/Kolkata", "Nowhere/At_All"};
    uint64_t seed = 88172645463325252u;
    size_t valid = 0;
    for (int round = 0; round < 6000; round++) {
        char text[128], why[WHY_BYTES] = "";
        text_make(&seed, text, sizeof text);
        struct rule rule = {.type = (enum answer_type)chance(&seed, ANSWER_CHOICE),
                            .required = chance(&seed, 2),
                            .has_min = chance(&seed, 8) == 0,
                            .min = 3,
                            .accept = MEDIA_DEFAULT,
                            .max_files = 1,
                            .locale = locales[chance(&seed, sizeof locales / sizeof *locales)],
                            .zone = zones[chance(&seed, sizeof zones / sizeof *zones)],
                            .now_ms = (int64_t)chance(&seed, (uint64_t)1 << 42)};
        cJSON *value = NULL;
        switch (answer_read(&rule, &(struct answer){.text = text}, &value, why)) {
        case ANSWER_VALID:
            valid++;
            assert_non_null(value);
            if (cJSON_IsString(value))
                assert_true(utf8_valid(value->valuestring, strlen(value->valuestring)));
            break;
        case ANSWER_INVALID:
            assert_null(value);
            assert_true(strlen(why) > 10 && why[strlen(why) - 1] == '.');
            break;
        default:
            fail(); // there is no pattern
        }
        cJSON_Delete(value);
    }
    assert_true(valid > 300); // it was not all noise
}

static void what_was_read_is_read_again_as_the_same(void **state)
{
    static const enum answer_type types[] = {ANSWER_NUMBER, ANSWER_DATE, ANSWER_TIME,
                                             ANSWER_EMAIL,  ANSWER_URL,  ANSWER_PHONE};
    static const char *const given[] = {"1.234,5",          "24. Dezember",     "9 Uhr 30",
                                        "A@Bücher.example", "Bücher.example/ä", "0170 1234567"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct rule rule = {.type = types[i], .locale = "de", .country = "DE", .now_ms = now_ms};
        cJSON *first = NULL, *second = NULL;
        char why[WHY_BYTES];
        assert_int_equal(answer_read(&rule, &(struct answer){.text = given[i]}, &first, why),
                         ANSWER_VALID);
        char *text = cJSON_IsString(first) ? x_dup(first->valuestring) : json_print(first);
        assert_int_equal(answer_read(&rule, &(struct answer){.text = text}, &second, why),
                         ANSWER_VALID);
        assert_true(cJSON_Compare(first, second, true));
        free(text);
        cJSON_Delete(first);
        cJSON_Delete(second);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_as_the_locale_writes_them),
        cmocka_unit_test(integers_have_no_fraction),
        cmocka_unit_test(mail_addresses_get_a_small_ascii_domain),
        cmocka_unit_test(phone_numbers_become_e164),
        cmocka_unit_test(countries_are_told_by_ids_of_whatsapp),
        cmocka_unit_test(web_addresses_have_a_scheme_and_a_host),
        cmocka_unit_test(dates_are_read_in_many_forms_and_languages),
        cmocka_unit_test(today_is_where_the_person_is),
        cmocka_unit_test(bounds_of_dates_and_times_are_relative),
        cmocka_unit_test(times_are_read_in_many_forms_and_languages),
        cmocka_unit_test(dates_with_times_are_moments),
        cmocka_unit_test(yes_and_no_are_known_in_many_languages),
        cmocka_unit_test(words_that_skip_are_known_in_many_languages),
        cmocka_unit_test(a_place_comes_as_data_attachment_text_or_link),
        cmocka_unit_test(files_are_taken_by_kind_and_number),
        cmocka_unit_test(whatever_bytes_come_the_answer_is_valid_or_refused_with_a_reason),
        cmocka_unit_test(what_was_read_is_read_again_as_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
