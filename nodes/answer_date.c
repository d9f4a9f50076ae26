// SPDX-License-Identifier: MIT
/*
 * Dates as people write them: "21.11.2026", "11/21/26" where the month comes first, "21 de
 * noviembre", "Nov 21st, 2026", "2026年11月21日", "tomorrow", "next Friday", "in 3 weeks".
 * Gregorian.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/udat.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

#include "engine/icu.h"
#include "nodes/answer_readers.h"

enum { DATE_BYTES = 96, YEARS_AHEAD = 20, YEARS_TRIED = 8 };

/* Years that are not written, or by two digits alone */

static bool is_too_late(const struct rule *rule, int64_t days)
{
    return rule->type == ANSWER_DATE && rule->has_max && (double)days > rule->max;
}

static int year_of_two(const struct rule *rule, struct civil date, int two)
{
    int this_year = civil_from_days(answer_today(rule)).year;
    date.year = this_year / 100 * 100 + two;
    bool is_late = date.year > this_year + YEARS_AHEAD ||
                   (civil_is_valid(&date) && is_too_late(rule, civil_days(&date)));
    return is_late ? date.year - 100 : date.year;
}

// The next such day from today on, or the last one, where the next is later than may be.
static bool year_guess(const struct rule *rule, struct civil date, int64_t *ret_days)
{
    int64_t today = answer_today(rule);
    int this_year = civil_from_days(today).year;
    for (int i = 0; i <= YEARS_TRIED; i++) {
        date.year = this_year + i;
        if (civil_is_valid(&date) && civil_days(&date) >= today) {
            *ret_days = civil_days(&date);
            if (!is_too_late(rule, *ret_days))
                return true;
            break;
        }
    }
    for (int i = 0; i <= YEARS_TRIED; i++) {
        date.year = this_year - i;
        if (civil_is_valid(&date) && !is_too_late(rule, civil_days(&date))) {
            *ret_days = civil_days(&date);
            return true;
        }
    }
    return civil_is_valid(&date);
}

// `digits` of the year: 0, 2 or 4.
static bool date_make(const struct rule *rule, struct civil date, int digits, int64_t *ret_days)
{
    if (digits == 0)
        return date.month >= 1 && date.month <= 12 && year_guess(rule, date, ret_days);
    if (digits == 2)
        date.year = year_of_two(rule, date, date.year);
    if ((digits != 2 && digits != 4) || !civil_is_valid(&date))
        return false;
    *ret_days = civil_days(&date);
    return true;
}

/* Numbers alone */

struct parts {
    int numbers[3], digits[3];
    size_t count;
    char separator; // the first one; 'c' for those of Chinese, Japanese, Korean
};

// What may stand behind a number: ".", "/", "-", blanks, year, month and day signs.
static bool separator_read(const char *text, int32_t *at, char *ret_separator)
{
    bool found = false;
    while (text[*at]) {
        int32_t next = *at;
        UChar32 c;
        U8_NEXT(text, next, -1, c);
        bool is_sign =
            c == 0x5e74 || c == 0x6708 || c == 0x65e5 || c == 0xb144 || c == 0xc6d4 || c == 0xc77c;
        if (!is_sign && c != '.' && c != '/' && c != '-' && c != ' ')
            break;
        if (c != ' ' && found && !is_sign)
            return false; // two of them
        if (c != ' ') {
            *ret_separator = is_sign ? 'c' : (char)c;
            found = true;
        }
        *at = next;
    }
    if (!found)
        *ret_separator = ' ';
    return true;
}

static bool parts_read(const char *text, struct parts *parts)
{
    int32_t at = 0;
    *parts = (struct parts){0};
    while (text[at]) {
        int digits = 0, number = 0;
        for (; text[at] >= '0' && text[at] <= '9' && digits < 9; at++, digits++)
            number = number * 10 + (text[at] - '0');
        if (digits == 0 || digits > 8 || parts->count == 3)
            return false;
        parts->digits[parts->count] = digits;
        parts->numbers[parts->count++] = number;
        char separator;
        if (!separator_read(text, &at, &separator))
            return false;
        if (parts->count == 1)
            parts->separator = separator;
    }
    return parts->count > 0;
}

// The order of a locale's short dates: 'y', 'M' and 'd' as they come.
struct order {
    char signs[4];
};

static void *order_open(const void *arg)
{
    static const UChar utc[] = {'U', 'T', 'C', 0};
    struct order *order = x_alloc(sizeof *order);
    UChar units[64];
    UErrorCode status = U_ZERO_ERROR;
    UDateFormat *format = udat_open(UDAT_NONE, UDAT_SHORT, arg, utc, -1, NULL, 0, &status);
    int32_t len = U_SUCCESS(status) ? udat_toPattern(format, false, units, 64, &status) : 0;
    udat_close(format);
    size_t used = 0;
    for (int32_t i = 0; U_SUCCESS(status) && i < len && used < 3; i++) {
        char c = units[i] == 'y' || units[i] == 'M' || units[i] == 'd' ? (char)units[i] : '\0';
        if (c && !memchr(order->signs, c, used))
            order->signs[used++] = c;
    }
    return order;
}

// Borrowed until icu_get() is called again.
static const char *order_get(const struct rule *rule)
{
    char locale[ANSWER_LOCALE_BYTES], key[ICU_KEY_MAX];
    answer_locale(rule, locale);
    snprintf(key, sizeof key, "order %s", locale);
    const struct order *order = icu_get(key, order_open, locale, free);
    return order->signs;
}

static bool day_month_make(const struct rule *rule, const struct parts *parts, bool month_first,
                           int64_t *ret_days)
{
    int digits = parts->count == 3 ? parts->digits[2] : 0;
    struct civil date = {.year = parts->numbers[2],
                         .month = parts->numbers[month_first ? 0 : 1],
                         .day = parts->numbers[month_first ? 1 : 0]};
    return parts->digits[0] <= 2 && parts->digits[1] <= 2 &&
           date_make(rule, date, digits, ret_days);
}

static bool year_first_make(const struct rule *rule, const struct parts *parts, int64_t *ret_days)
{
    struct civil date = {parts->numbers[0], parts->numbers[1], parts->numbers[2]};
    return parts->count == 3 && parts->digits[1] <= 2 && parts->digits[2] <= 2 &&
           date_make(rule, date, parts->digits[0], ret_days);
}

// "20261121"
static bool compact_make(const struct rule *rule, int number, int64_t *ret_days)
{
    struct civil date = {number / 10000, number / 100 % 100, number % 100};
    return date_make(rule, date, 4, ret_days);
}

static bool numbers_find(const struct rule *rule, const char *text, int64_t *ret_days)
{
    struct parts parts;
    if (!parts_read(text, &parts))
        return false;
    if (parts.count == 1)
        return parts.digits[0] == 8 && compact_make(rule, parts.numbers[0], ret_days);
    if (parts.digits[0] == 4)
        return year_first_make(rule, &parts, ret_days);
    if (parts.separator == '.')
        return day_month_make(rule, &parts, false, ret_days);
    const char *order = order_get(rule);
    bool month_first = strchr(order, 'M') && strchr(order, 'M') < strchr(order, 'd');
    bool year_first = parts.separator == 'c' || *order == 'y';
    if (year_first && parts.count == 3 && parts.digits[2] <= 2 &&
        year_first_make(rule, &parts, ret_days))
        return true;
    if (parts.separator == 'c')
        return day_month_make(rule, &parts, true, ret_days); // 11月21日
    return day_month_make(rule, &parts, month_first, ret_days) ||
           day_month_make(rule, &parts, !month_first, ret_days);
}

/* Words */

struct words {
    const struct token *numbers[3];
    size_t count;
    int month, weekday;         // 0: none
    int span_days, span_months; // of a unit
};

static bool name_take(const struct rule *rule, const char *word, struct words *words)
{
    int month = words->month ? 0 : answer_month_name(rule, word);
    int weekday = month || words->weekday ? 0 : answer_weekday_name(rule, word);
    words->month = month ? month : words->month;
    words->weekday = weekday ? weekday : words->weekday;
    return month || weekday;
}

// "3 weeks": a unit stands behind its number.
static bool span_take(const char *word, struct words *words)
{
    return words->count && !words->span_days && !words->span_months &&
           (answer_listed(LIST_SPAN_DAYS, word, &words->span_days) ||
            answer_listed(LIST_SPAN_MONTHS, word, &words->span_months));
}

static bool words_read(const struct rule *rule, const char *text, struct token tokens[TOKENS_MAX],
                       struct words *words)
{
    size_t count = answer_tokens(text, tokens);
    *words = (struct words){0};
    for (size_t i = 0; i < count; i++) {
        const char *word = tokens[i].word;
        if (tokens[i].is_number && words->count == 3)
            return false;
        if (tokens[i].is_number) {
            words->numbers[words->count++] = &tokens[i];
            continue;
        }
        if (answer_listed(LIST_DATE_FILLER, word, NULL))
            continue;
        if (!name_take(rule, word, words) && !span_take(word, words))
            return false;
    }
    return count > 0;
}

static bool month_find(const struct rule *rule, const struct words *words, int64_t *ret_days)
{
    const struct token *day = words->numbers[0], *year = words->numbers[1];
    if (words->count == 2 && day->digits == 4) {
        year = words->numbers[0];
        day = words->numbers[1];
    }
    if (words->count < 1 || words->count > 2 || day->digits > 2)
        return false;
    struct civil date = {year ? year->number : 0, words->month, day->number};
    return date_make(rule, date, year ? year->digits : 0, ret_days);
}

static bool span_find(const struct rule *rule, const struct words *words, int64_t *ret_days)
{
    if (words->count != 1 || words->numbers[0]->digits > 4)
        return false;
    int64_t number = words->numbers[0]->number;
    struct civil date =
        civil_add_months(civil_from_days(answer_today(rule)), number * words->span_months);
    *ret_days = civil_days(&date) + number * words->span_days;
    return true;
}

static bool words_find(const struct rule *rule, const char *text, int64_t *ret_days)
{
    struct token tokens[TOKENS_MAX];
    struct words words;
    char folded[ANSWER_WORD_BYTES];
    int offset;
    if (answer_fold_words(text, folded) && answer_listed(LIST_DAY, folded, &offset)) {
        *ret_days = answer_today(rule) + offset;
        return true;
    }
    if (!words_read(rule, text, tokens, &words))
        return false;
    if (words.month)
        return month_find(rule, &words, ret_days);
    if (words.span_days || words.span_months)
        return span_find(rule, &words, ret_days);
    if (!words.weekday || words.count)
        return false;
    int64_t today = answer_today(rule);
    int weekday = (int)((today + 4) % 7 + 7) % 7 + 1; // 1970-01-01 was a Thursday; 1 = Sunday
    *ret_days = today + (words.weekday - weekday + 6) % 7 + 1;
    return true;
}

bool answer_find_date(const struct rule *rule, const char *text, int64_t *ret_days)
{
    char plain[DATE_BYTES];
    if (!answer_plain(text, plain, sizeof plain))
        return false;
    const char *at = plain + strspn(plain, " ,");
    char *end = plain + strlen(plain);
    while (end > at && (end[-1] == ' ' || end[-1] == ','))
        *--end = '\0';
    return *at && (numbers_find(rule, at, ret_days) || words_find(rule, at, ret_days));
}

bool answer_read_date(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                      double *ret_measure, char why[WHY_BYTES])
{
    int64_t days;
    char iso[16];
    if (!answer_find_date(rule, answer->text, &days))
        return answer_refuse(why, "Please enter a date, such as 2026-05-31.");
    struct civil date = civil_from_days(days);
    snprintf(iso, sizeof iso, "%04d-%02d-%02d", date.year % 10000, date.month % 100,
             date.day % 100);
    *ret_measure = (double)days;
    *ret_value = cJSON_CreateString(iso);
    return true;
}
