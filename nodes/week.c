// SPDX-License-Identifier: MIT
// Opening hours (see week.h).
#include "nodes/week.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "engine/zone.h"

enum { DAY_MINUTES = 1440, DAYS_AHEAD = 400 };

static const char *const day_names[7] = {"monday", "tuesday",  "wednesday", "thursday",
                                         "friday", "saturday", "sunday"};

/* Reading */

// "9:00", "09:00", "24:00"; exactly `len` bytes.
static bool time_parse(const char *text, size_t len, int *ret_minutes)
{
    int hour, minute, end = 0;
    char copy[8];
    if (len < 4 || len > 5)
        return false;
    snprintf(copy, sizeof copy, "%.*s", (int)len, text);
    if (strspn(copy, "0123456789:") != len ||
        sscanf(copy, "%2d:%2d%n", &hour, &minute, &end) != 2 || (size_t)end != len || minute > 59 ||
        hour > 24 || (hour == 24 && minute))
        return false;
    *ret_minutes = hour * 60 + minute;
    return true;
}

static bool span_add(struct day *day, const char *from, size_t from_len, const char *to,
                     struct err *err)
{
    int a, b;
    if (!from || !to || !time_parse(from, from_len, &a) || !time_parse(to, strlen(to), &b))
        return err_set(err, ERR_INPUT, "'%.20s': hours are texts such as \"09:00-17:00\"",
                       from ? from
                       : to ? to
                            : "");
    if (a == b)
        return err_set(err, ERR_INPUT, "'%.20s': opens and closes at the same time", from);
    if (day->count == WEEK_SPANS_MAX)
        return err_set(err, ERR_INPUT, "a day has more than %d times", WEEK_SPANS_MAX);
    day->spans[day->count].from = a;
    day->spans[day->count++].to = b > a ? b : b + DAY_MINUTES; // past midnight
    return true;
}

static const char *either(const cJSON *object, const char *first, const char *second)
{
    const char *text = json_str(object, first);
    return text ? text : json_str(object, second);
}

static bool day_parse(const cJSON *value, struct day *day, struct err *err);

static bool span_parse(const cJSON *value, struct day *day, struct err *err)
{
    if (cJSON_IsString(value)) {
        const char *dash = strchr(value->valuestring, '-');
        return span_add(day, value->valuestring, dash ? (size_t)(dash - value->valuestring) : 0,
                        dash ? dash + 1 : NULL, err);
    }
    const char *from = cJSON_IsArray(value) ? cJSON_GetStringValue(cJSON_GetArrayItem(value, 0))
                                            : either(value, "open", "from");
    const char *to = cJSON_IsArray(value) ? cJSON_GetStringValue(cJSON_GetArrayItem(value, 1))
                                          : either(value, "close", "to");
    return span_add(day, from, from ? strlen(from) : 0, to, err);
}

static bool is_closed(const cJSON *value)
{
    return !value || cJSON_IsNull(value) || cJSON_IsFalse(value) ||
           !json_bool(value, "enabled", true) || !json_bool(value, "isOpen", true) ||
           json_bool(value, "closed", false);
}

// A text, a list of spans, an object with open and close, or with `hours`, a list.
static bool day_parse(const cJSON *value, struct day *day, struct err *err)
{
    const cJSON *inner = json_get(value, "hours");
    if (is_closed(value))
        return true;
    if (inner)
        value = inner;
    if (!cJSON_IsArray(value))
        return span_parse(value, day, err);
    const cJSON *first = cJSON_GetArrayItem(value, 0), *span;
    if (cJSON_IsString(first) && !strchr(first->valuestring, '-')) // ["09:00", "17:00"]
        return span_parse(value, day, err);
    cJSON_ArrayForEach(span, value)
        if (!span_parse(span, day, err))
            return false;
    return true;
}

// "monday", "Mon", "mo", or 0 (Sunday) to 6 as JavaScript counts.
static int day_index(const char *name)
{
    size_t len = strlen(name);
    if (len == 1 && *name >= '0' && *name <= '6')
        return (*name - '0' + 6) % 7;
    for (int i = 0; i < 7; i++)
        if (len >= 2 && len <= strlen(day_names[i]) && strncasecmp(name, day_names[i], len) == 0)
            return i;
    return -1;
}

bool week_parse(const cJSON *hours, struct week *ret_week, struct err *err)
{
    const cJSON *value;
    struct week week = {0};
    if (!cJSON_IsObject(hours))
        return err_set(err, ERR_INPUT, "hours must be an object of weekdays");
    cJSON_ArrayForEach(value, hours) {
        int index = day_index(value->string);
        if (index < 0)
            return err_set(err, ERR_INPUT, "'%.20s' is no weekday", value->string);
        if (!day_parse(value, &week.days[index], err))
            return err_prefix(err, "%s", day_names[index]);
    }
    *ret_week = week;
    return true;
}

static int date_number(const struct calendar_time *time)
{
    return time->year * 10000 + time->month * 100 + time->day;
}

static bool date_parse(const char *text, int *ret_date)
{
    int64_t ms;
    struct calendar_time time;
    if (!text || strlen(text) != 10 || !zone_parse_iso(text, "UTC", &ms))
        return false;
    zone_calendar(ms, "UTC", &time);
    *ret_date = date_number(&time);
    return true;
}

bool week_parse_exceptions(const cJSON *exceptions, struct week *week, struct err *err)
{
    const cJSON *value;
    cJSON_ArrayForEach(value, exceptions) {
        const char *date = cJSON_IsArray(exceptions) ? cJSON_GetStringValue(value) : value->string;
        struct day day = {0};
        int number;
        if (week->exception_count == WEEK_EXCEPTIONS_MAX)
            return err_set(err, ERR_INPUT, "more than %d dates", WEEK_EXCEPTIONS_MAX);
        if (!date_parse(date, &number))
            return err_set(err, ERR_INPUT, "'%.20s' is no date such as \"2026-12-24\"",
                           date ? date : "");
        if (cJSON_IsObject(exceptions) && !day_parse(value, &day, err))
            return err_prefix(err, "%s", date);
        week->exceptions[week->exception_count].date = number;
        week->exceptions[week->exception_count++].day = day;
    }
    return true;
}

/* Asking */

static const struct day *day_of(const struct week *week, const struct calendar_time *time)
{
    int date = date_number(time);
    for (int i = 0; i < week->exception_count; i++)
        if (week->exceptions[i].date == date)
            return &week->exceptions[i].day;
    return &week->days[time->weekday];
}

static bool day_covers(const struct day *day, int minutes)
{
    for (int i = 0; i < day->count; i++)
        if (minutes >= day->spans[i].from && minutes < day->spans[i].to)
            return true;
    return false;
}

// Noon of the day `days` later: no clock change is near it.
static void day_shift(const struct calendar_time *from, const char *zone, int days,
                      struct calendar_time *ret_time)
{
    struct calendar_time noon = *from;
    noon.hour = 12;
    noon.minute = noon.second = noon.millisecond = 0;
    zone_calendar(zone_moment(&noon, zone) + (int64_t)days * 86400000, zone, ret_time);
}

bool week_is_open(const struct week *week, int64_t now_ms, const char *zone)
{
    struct calendar_time now, yesterday;
    zone_calendar(now_ms, zone, &now);
    int minutes = now.hour * 60 + now.minute;
    if (day_covers(day_of(week, &now), minutes))
        return true;
    day_shift(&now, zone, -1, &yesterday);
    return day_covers(day_of(week, &yesterday), minutes + DAY_MINUTES);
}

int64_t week_opens_at(const struct week *week, int64_t now_ms, const char *zone)
{
    struct calendar_time today;
    zone_calendar(now_ms, zone, &today);
    if (week_is_open(week, now_ms, zone))
        return now_ms;
    for (int i = 0; i <= DAYS_AHEAD; i++) {
        struct calendar_time time;
        int64_t first = 0;
        day_shift(&today, zone, i, &time);
        const struct day *day = day_of(week, &time);
        for (int k = 0; k < day->count; k++) {
            time.hour = day->spans[k].from / 60;
            time.minute = day->spans[k].from % 60;
            time.second = time.millisecond = 0;
            int64_t at = zone_moment(&time, zone);
            if (at > now_ms && (!first || at < first))
                first = at;
        }
        if (first)
            return first;
    }
    return 0;
}
