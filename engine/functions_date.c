// SPDX-License-Identifier: MIT
// Functions of expressions: calculating with dates, in the calendar of a time zone.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/functions.h"
#include "engine/zone.h"

enum unit { MILLISECOND, SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, YEAR, UNIT_COUNT };
static const char *const unit_names[] = {"millisecond", "second", "minute", "hour",
                                         "day",         "week",   "month",  "year"};
static const int64_t unit_ms[] = {1, 1000, 60000, 3600000};
enum { YEARS_MAX = 20000 };

// "day" or "days".
static bool call_unit(struct call *call, size_t i, enum unit *ret_unit)
{
    const char *word;
    if (!call_text(call, i, &word))
        return false;
    size_t len = strlen(word);
    len -= len > 1 && word[len - 1] == 's';
    for (int unit = MILLISECOND; unit < UNIT_COUNT; unit++)
        if (strlen(unit_names[unit]) == len && strncmp(unit_names[unit], word, len) == 0) {
            *ret_unit = (enum unit)unit;
            return true;
        }
    return call_fail(call, "'%.20s' is no unit: milliseconds, seconds … days, weeks, months, years",
                     word);
}

FUNCTION(now)
{
    return call_give_date(call, call->eval->scope->now_ms, ret);
}

FUNCTION(date)
{
    int64_t ms;
    return call_date(call, 0, &ms) && call_give_date(call, ms, ret);
}

static int month_length(int year, int month)
{
    struct calendar_time first = {.year = year + month / 12, .month = month % 12 + 1, .day = 1},
                         last;
    zone_calendar(zone_moment(&first, NULL) - 1, NULL, &last);
    return last.day;
}

// The same time of day on another day; a month that is too short ends earlier.
static int64_t calendar_add(int64_t ms, int64_t count, enum unit unit, const char *zone)
{
    struct calendar_time time;
    zone_calendar(ms, zone, &time);
    if (unit == DAY || unit == WEEK) {
        // Through UTC, where each day is as long as the others.
        int64_t days =
            zone_moment(&time, NULL) + count * (unit == WEEK ? 7 : 1) * INT64_C(86400000);
        zone_calendar(days, NULL, &time);
        return zone_moment(&time, zone);
    }
    int64_t months = time.year * INT64_C(12) + time.month - 1 + count * (unit == YEAR ? 12 : 1);
    time.year = (int)(months / 12 - (months % 12 < 0));
    time.month = (int)(months - time.year * INT64_C(12)) + 1;
    int length = month_length(time.year, time.month);
    time.day = time.day > length ? length : time.day;
    return zone_moment(&time, zone);
}

static int64_t date_plus(int64_t ms, int64_t count, enum unit unit, const char *zone)
{
    return unit <= HOUR ? ms + count * unit_ms[unit] : calendar_add(ms, count, unit, zone);
}

FUNCTION(date_add)
{
    static const int64_t per_year[] = {
        INT64_C(31622400000), 31622400, 527040, 8784, 366, 53, 12, 1};
    int64_t ms, count;
    enum unit unit;
    if (!call_date(call, 0, &ms) || !call_unit(call, 2, &unit) ||
        !call_integer(call, 1, -YEARS_MAX * per_year[unit], YEARS_MAX * per_year[unit], &count))
        return false;
    return call_give_date(call, date_plus(ms, count, unit, call->eval->scope->zone), ret);
}

// Whole units from one moment to a later one.
static int64_t whole_units(int64_t from, int64_t to, enum unit unit, const char *zone)
{
    static const double mean_ms[] = {1, 1e3, 6e4, 36e5, 864e5, 6048e5, 2629746e3, 31556952e3};
    int64_t count = (int64_t)((double)(to - from) / mean_ms[unit]);
    if (unit <= HOUR)
        return (to - from) / unit_ms[unit];
    while (date_plus(from, count, unit, zone) > to) // the guess is off by few
        count--;
    while (date_plus(from, count + 1, unit, zone) <= to)
        count++;
    return count;
}

FUNCTION(date_diff)
{
    int64_t from, to;
    enum unit unit;
    const char *zone = call->eval->scope->zone;
    if (!call_date(call, 0, &from) || !call_date(call, 1, &to) || !call_unit(call, 2, &unit))
        return false;
    int64_t count =
        from <= to ? whole_units(from, to, unit, zone) : -whole_units(to, from, unit, zone);
    return call_give_number(call, (double)count, ret);
}

FUNCTION(start_of)
{
    int64_t ms;
    enum unit unit;
    const char *zone;
    struct calendar_time time;
    if (!call_date(call, 0, &ms) || !call_unit(call, 1, &unit) || !call_zone(call, 2, &zone))
        return false;
    zone_calendar(ms, zone, &time);
    if (unit <= HOUR) { // by the clock's steps, for the hour that comes twice in autumn
        int64_t rest = (ms + time.offset_minutes * INT64_C(60000)) % unit_ms[unit];
        return call_give_date(call, ms - (rest < 0 ? rest + unit_ms[unit] : rest), ret);
    }
    struct calendar_time first = {.year = time.year,
                                  .month = unit == YEAR ? 1 : time.month,
                                  .day = unit >= MONTH ? 1 : time.day};
    int64_t start = zone_moment(&first, zone);
    if (unit == WEEK)
        start = calendar_add(start, -time.weekday, DAY, zone);
    return call_give_date(call, start, ret);
}

/* Parts */

static bool calendar_of(struct call *call, struct calendar_time *time)
{
    int64_t ms;
    const char *zone;
    if (!call_date(call, 0, &ms) || !call_zone(call, 1, &zone))
        return false;
    zone_calendar(ms, zone, time);
    return true;
}

#define PART_FUNCTION(name, part)                                                                  \
    FUNCTION(name)                                                                                 \
    {                                                                                              \
        struct calendar_time time;                                                                 \
        return calendar_of(call, &time) && call_give_number(call, time.part, ret);                 \
    }

PART_FUNCTION(year, year)
PART_FUNCTION(month, month)
PART_FUNCTION(day, day)
PART_FUNCTION(hour, hour)
PART_FUNCTION(minute, minute)
PART_FUNCTION(second, second)
PART_FUNCTION(weekday, weekday + 1)
