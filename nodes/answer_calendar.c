// SPDX-License-Identifier: MIT
// Civil days, and the bounds of dates and times.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/value.h"
#include "engine/zone.h"
#include "nodes/answer_readers.h"

static const int64_t hour_ms = 3600000, day_ms = 86400000;

/* Days; the Gregorian calendar, also before it was introduced */

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

bool civil_is_valid(const struct civil *date)
{
    return date->year >= YEAR_MIN && date->year <= YEAR_MAX && date->month >= 1 &&
           date->month <= 12 && date->day >= 1 && date->day <= month_days(date->year, date->month);
}

static int64_t days_before_year(int64_t year)
{
    int64_t y = year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 - 719162; // 1970-01-01 is day 719162 of year 1
}

int64_t civil_days(const struct civil *date)
{
    int64_t days = days_before_year(date->year);
    for (int month = 1; month < date->month; month++)
        days += month_days(date->year, month);
    return days + date->day - 1;
}

struct civil civil_from_days(int64_t days)
{
    struct civil date = {.month = 1};
    int64_t first = civil_days(&(struct civil){YEAR_MIN, 1, 1});
    int64_t last = civil_days(&(struct civil){YEAR_MAX, 12, 31});
    days = days < first ? first : days > last ? last : days;
    date.year = (int)(1970 + days / 366); // never too late after 1970; before it one step more
    while (date.year > YEAR_MIN && days_before_year(date.year) > days)
        date.year--;
    while (days_before_year(date.year + 1) <= days)
        date.year++;
    days -= days_before_year(date.year);
    while (days >= month_days(date.year, date.month))
        days -= month_days(date.year, date.month++);
    date.day = (int)days + 1;
    return date;
}

struct civil civil_add_months(struct civil date, int64_t months)
{
    int64_t month = (int64_t)date.year * 12 + date.month - 1 + months;
    int64_t year = month / 12;
    if (year < YEAR_MIN || year > YEAR_MAX)
        return year < YEAR_MIN ? (struct civil){YEAR_MIN, 1, 1} : (struct civil){YEAR_MAX, 12, 31};
    date.year = (int)year;
    date.month = (int)(month % 12) + 1;
    int last = month_days(date.year, date.month);
    date.day = date.day < last ? date.day : last;
    return date;
}

int64_t answer_today(const struct rule *rule)
{
    struct calendar_time now;
    zone_calendar(rule->now_ms, rule->zone, &now);
    return civil_days(&(struct civil){now.year, now.month, now.day});
}

/* Bounds */

// "+30d": the number and its unit.
static bool span_parse(const char *text, int64_t *ret_count, char *ret_unit)
{
    char *end;
    if (*text != '+' && *text != '-')
        return false;
    size_t digits = strspn(text + 1, "0123456789");
    if (digits == 0 || digits > 6 || strlen(text) != digits + 2)
        return false;
    *ret_count = strtol(text, &end, 10);
    *ret_unit = *end;
    return true;
}

static bool date_bound(const struct rule *rule, const char *text, double *ret_measure)
{
    int64_t count = 0, today = answer_today(rule);
    char unit = 'd';
    struct civil date = {0};
    int end = 0;
    if (sscanf(text, "%4d-%2d-%2d%n", &date.year, &date.month, &date.day, &end) == 3 &&
        !text[end] && civil_is_valid(&date)) {
        *ret_measure = (double)civil_days(&date);
        return true;
    }
    if (strcmp(text, "today") != 0 && !span_parse(text, &count, &unit))
        return false;
    if (unit == 'd' || unit == 'w') {
        *ret_measure = (double)(today + count * (unit == 'w' ? 7 : 1));
    } else if (unit == 'm' || unit == 'y') {
        date = civil_add_months(civil_from_days(today), count * (unit == 'y' ? 12 : 1));
        *ret_measure = (double)civil_days(&date);
    } else {
        return false;
    }
    return true;
}

static bool time_bound(const char *text, double *ret_measure)
{
    int hour, minute, end = 0;
    if (sscanf(text, "%2d:%2d%n", &hour, &minute, &end) != 2 || text[end] || hour < 0 ||
        hour > 23 || minute < 0 || minute > 59)
        return false;
    *ret_measure = hour * 60 + minute;
    return true;
}

static int64_t day_moment(const struct rule *rule, int64_t days, int minutes)
{
    struct civil date = civil_from_days(days);
    struct calendar_time time = {.year = date.year,
                                 .month = date.month,
                                 .day = date.day,
                                 .hour = minutes / 60,
                                 .minute = minutes % 60};
    return zone_moment(&time, rule->zone);
}

static bool datetime_bound(const struct rule *rule, const char *text, double *ret_measure)
{
    int64_t count = 0, moment;
    char unit = 0;
    bool is_span = span_parse(text, &count, &unit);
    if (strcmp(text, "now") == 0 || (is_span && unit == 'h'))
        *ret_measure = (double)(rule->now_ms + count * hour_ms);
    else if (is_span && unit == 'd')
        *ret_measure = (double)(rule->now_ms + count * day_ms);
    else if (date_bound(rule, text, ret_measure))
        *ret_measure = (double)day_moment(rule, (int64_t)*ret_measure, 0);
    else if (zone_parse_iso(text, rule->zone, &moment))
        *ret_measure = (double)moment;
    else
        return false;
    return true;
}

bool answer_bound(const struct rule *rule, const char *text, double *ret_measure)
{
    switch (rule->type) {
    case ANSWER_DATE:
        return date_bound(rule, text, ret_measure);
    case ANSWER_TIME:
        return time_bound(text, ret_measure);
    case ANSWER_DATETIME:
        return datetime_bound(rule, text, ret_measure);
    default:
        return text_is_number(text, ret_measure);
    }
}

/* Dates with times: a date and a time in either order, split at a blank */

// "at", "um", "a las" between them belong to the time: its reader knows them.
static bool halves_read(const struct rule *rule, const char *first, const char *second,
                        int64_t *ret_days, int *ret_minutes)
{
    // The time first: it costs less, and is seldom there
    return (answer_find_time(second, ret_minutes) && answer_find_date(rule, first, ret_days)) ||
           (answer_find_time(first, ret_minutes) && answer_find_date(rule, second, ret_days));
}

enum { DATETIME_BYTES = 96 };

static bool moment_read(const struct rule *rule, const char *text, int64_t *ret_ms)
{
    char plain[DATETIME_BYTES];
    if (!answer_plain(text, plain, sizeof plain))
        return false;
    if (strchr(plain, 'T') && zone_parse_iso(plain, rule->zone, ret_ms))
        return true;
    int64_t days;
    int minutes;
    for (char *blank = strchr(plain, ' '); blank; blank = strchr(blank + 1, ' ')) {
        *blank = '\0';
        bool found = halves_read(rule, plain, blank + 1, &days, &minutes);
        *blank = ' ';
        if (found) {
            *ret_ms = day_moment(rule, days, minutes);
            return true;
        }
    }
    return false;
}

bool answer_read_datetime(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                          double *ret_measure, char why[WHY_BYTES])
{
    int64_t ms;
    char iso[ISO_TEXT_MAX];
    if (!moment_read(rule, answer->text, &ms))
        return answer_refuse(why, "Please enter a date and a time, such as 2026-05-31 14:30.");
    zone_print_iso(ms, rule->zone, iso);
    *ret_measure = (double)ms;
    *ret_value = cJSON_CreateString(iso);
    return true;
}
