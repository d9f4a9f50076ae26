// SPDX-License-Identifier: MIT
// Calendar time: the civil calendar by arithmetic, the zones' offsets by ICU.
#include "engine/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

#include "engine/icu.h"

enum { DAY_MS = 86400000, ZONE_NAME_MAX = 64 };
// 0001-01-01 … 9999-12-31, beyond which ISO texts end.
static const int64_t moment_min = INT64_C(-62135596800000), moment_max = INT64_C(253402300799999);

const char *zone_data_version(void)
{
    UErrorCode code = U_ZERO_ERROR;
    const char *version = ucal_getTZDataVersion(&code);
    return U_SUCCESS(code) ? version : "";
}

// The name in UTF-16, or false when it cannot be a zone's.
static bool zone_wide(const char *zone, UChar out[ZONE_NAME_MAX])
{
    size_t len = zone ? strlen(zone) : 0;
    if (len == 0 || len >= ZONE_NAME_MAX)
        return false;
    for (size_t i = 0; i <= len; i++) {
        if ((unsigned char)zone[i] > 0x7e)
            return false;
        out[i] = (UChar)zone[i];
    }
    return true;
}

bool zone_is_known(const char *zone)
{
    UChar name[ZONE_NAME_MAX], canonical[128];
    if (!zone_wide(zone, name) || strcmp(zone, "Etc/Unknown") == 0)
        return false;
    UErrorCode code = U_ZERO_ERROR;
    UBool is_system = false;
    ucal_getCanonicalTimeZoneID(name, -1, canonical, 128, &is_system, &code);
    return U_SUCCESS(code) && is_system;
}

static void *calendar_open(const void *arg)
{
    const char *zone = arg;
    UChar name[ZONE_NAME_MAX];
    if (!zone_is_known(zone) || !zone_wide(zone, name))
        return NULL;
    UErrorCode code = U_ZERO_ERROR;
    UCalendar *calendar = ucal_open(name, -1, "en", UCAL_GREGORIAN, &code);
    return U_SUCCESS(code) ? calendar : NULL;
}

static void calendar_close(void *object)
{
    ucal_close(object);
}

// NULL: UTC.
static UCalendar *calendar_get(const char *zone)
{
    char key[16 + ZONE_NAME_MAX];
    if (!zone || strcmp(zone, "UTC") == 0 || strlen(zone) >= ZONE_NAME_MAX)
        return NULL;
    snprintf(key, sizeof key, "calendar %s", zone);
    return icu_get(key, calendar_open, zone, calendar_close);
}

static int64_t offset_at(UCalendar *calendar, int64_t ms)
{
    UErrorCode code = U_ZERO_ERROR;
    if (!calendar)
        return 0;
    ucal_setMillis(calendar, (double)ms, &code);
    int64_t offset = ucal_get(calendar, UCAL_ZONE_OFFSET, &code);
    offset += ucal_get(calendar, UCAL_DST_OFFSET, &code);
    return U_SUCCESS(code) ? offset : 0;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

// Days since 1970-01-01 of the proleptic Gregorian calendar. Counts years from March, so that the
// leap day is the last; 400 years are 146097 days.
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = floor_div(year, 400), of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void civil_from_days(int64_t days, struct calendar_time *time)
{
    days += 719468;
    int64_t era = floor_div(days, 146097), of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    time->day = (int)(of_year - (153 * month + 2) / 5 + 1);
    time->month = (int)(month < 10 ? month + 3 : month - 9);
    time->year = (int)(year + era * 400 + (time->month <= 2));
}

// What a clock that is `offset_ms` ahead of UTC shows.
static void clock_show(int64_t ms, int64_t offset_ms, struct calendar_time *time)
{
    int64_t days = floor_div(ms + offset_ms, DAY_MS);
    int64_t rest = ms + offset_ms - days * DAY_MS;
    civil_from_days(days, time);
    time->hour = (int)(rest / 3600000);
    time->minute = (int)(rest / 60000 % 60);
    time->second = (int)(rest / 1000 % 60);
    time->millisecond = (int)(rest % 1000);
    time->weekday = (int)(days + 3 - floor_div(days + 3, 7) * 7); // 1970-01-01 was a Thursday
    time->offset_minutes = (int)floor_div(offset_ms + 30000, 60000);
}

static int64_t moment_bound(int64_t ms)
{
    // A day more on either side, for the offsets.
    int64_t low = moment_min - DAY_MS, high = moment_max + DAY_MS;
    return ms < low ? low : ms > high ? high : ms;
}

void zone_calendar(int64_t ms, const char *zone, struct calendar_time *ret_time)
{
    ms = moment_bound(ms);
    clock_show(ms, offset_at(calendar_get(zone), ms), ret_time);
}

// The first moment of another offset after `ms`, which is before a gap.
static int64_t gap_end(UCalendar *calendar, int64_t ms)
{
    UErrorCode code = U_ZERO_ERROR;
    UDate next;
    ucal_setMillis(calendar, (double)ms, &code);
    UBool found = ucal_getTimeZoneTransitionDate(calendar, UCAL_TZ_TRANSITION_NEXT, &next, &code);
    return U_SUCCESS(code) && found ? (int64_t)next : ms;
}

int64_t zone_moment(const struct calendar_time *time, const char *zone)
{
    int64_t local = days_from_civil(time->year, time->month, time->day) * DAY_MS +
                    time->hour * INT64_C(3600000) + time->minute * INT64_C(60000) +
                    time->second * INT64_C(1000) + time->millisecond;
    local = moment_bound(local);
    UCalendar *calendar = calendar_get(zone);
    if (!calendar)
        return local;
    // The offsets well before and well after: the moment has one of them, unless it is in a gap.
    int64_t before = offset_at(calendar, local - DAY_MS);
    int64_t after = offset_at(calendar, local + DAY_MS);
    int64_t first = local - (before > after ? before : after);
    int64_t second = local - (before > after ? after : before);
    if (offset_at(calendar, first) == local - first)
        return first;
    if (offset_at(calendar, second) == local - second)
        return second;
    return gap_end(calendar, first);
}

void zone_print_iso(int64_t ms, const char *zone, char out[ISO_TEXT_MAX])
{
    struct calendar_time time;
    ms = ms < moment_min ? moment_min : ms > moment_max ? moment_max : ms;
    UCalendar *calendar = calendar_get(zone);
    // Offsets of times before zones have seconds, which the text cannot tell: the nearest minute's
    // clock then, so that the text still names the moment.
    int64_t minutes = floor_div(offset_at(calendar, ms) + 30000, 60000);
    clock_show(ms, minutes * 60000, &time);
    if (time.year < 1 || time.year > 9999) { // the first and the last hours
        calendar = NULL;
        minutes = 0;
        clock_show(ms, 0, &time);
    }
    int len =
        snprintf(out, ISO_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02u", (unsigned)time.year % 10000,
                 (unsigned)time.month % 100, (unsigned)time.day % 100, (unsigned)time.hour % 100,
                 (unsigned)time.minute % 100, (unsigned)time.second % 100);
    if (time.millisecond)
        len += snprintf(out + len, (size_t)(ISO_TEXT_MAX - len), ".%03u",
                        (unsigned)time.millisecond % 1000);
    unsigned ahead = (unsigned)llabs(minutes);
    if (!calendar)
        snprintf(out + len, (size_t)(ISO_TEXT_MAX - len), "Z");
    else
        snprintf(out + len, (size_t)(ISO_TEXT_MAX - len), "%c%02u:%02u", minutes < 0 ? '-' : '+',
                 ahead / 60 % 100, ahead % 60);
}

/* Reading */

// Exactly `count` digits, at *at.
static bool digits(const char **at, int count, int *ret_number)
{
    int number = 0;
    for (int i = 0; i < count; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9')
            return false;
        number = number * 10 + (c - '0');
    }
    *at += count;
    *ret_number = number;
    return true;
}

static bool take(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

static bool date_read(const char **at, struct calendar_time *time)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!digits(at, 4, &time->year) || !take(at, '-') || !digits(at, 2, &time->month) ||
        !take(at, '-') || !digits(at, 2, &time->day))
        return false;
    bool leap = time->year % 4 == 0 && (time->year % 100 != 0 || time->year % 400 == 0);
    if (time->year < 1 || time->month < 1 || time->month > 12 || time->day < 1)
        return false;
    return time->day <= lengths[time->month - 1] + (time->month == 2 && leap);
}

// "10:00", "10:00:00", "10:00:00.123456"
static bool clock_read(const char **at, struct calendar_time *time)
{
    if (!digits(at, 2, &time->hour) || !take(at, ':') || !digits(at, 2, &time->minute))
        return false;
    if (take(at, ':') && !digits(at, 2, &time->second))
        return false;
    if (take(at, '.')) {
        int scale = 100, digit;
        if (!digits(at, 1, &digit))
            return false;
        do {
            time->millisecond += digit * scale;
            scale /= 10;
        } while (digits(at, 1, &digit));
    }
    return time->hour < 24 && time->minute < 60 && time->second < 60;
}

// "Z", "+01:00", "+0100", "+01". ret_found: whether there was one.
static bool offset_read(const char **at, int *ret_minutes, bool *ret_found)
{
    int hours, minutes = 0;
    char sign = **at;
    *ret_found = sign == 'Z' || sign == 'z' || sign == '+' || sign == '-';
    *ret_minutes = 0;
    if (!*ret_found)
        return true;
    (*at)++;
    if (sign == 'Z' || sign == 'z')
        return true;
    if (!digits(at, 2, &hours))
        return false;
    if ((take(at, ':') || (**at >= '0' && **at <= '9')) && !digits(at, 2, &minutes))
        return false;
    *ret_minutes = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
    return hours < 24 && minutes < 60;
}

bool zone_parse_iso(const char *text, const char *zone, int64_t *ret_ms)
{
    struct calendar_time time = {0};
    int minutes = 0;
    bool has_offset = false;
    if (!date_read(&text, &time))
        return false;
    if (*text == 'T' || *text == 't' || *text == ' ') {
        text++;
        if (!clock_read(&text, &time) || !offset_read(&text, &minutes, &has_offset))
            return false;
    }
    if (*text)
        return false;
    *ret_ms =
        has_offset ? zone_moment(&time, NULL) - minutes * INT64_C(60000) : zone_moment(&time, zone);
    return *ret_ms >= moment_min && *ret_ms <= moment_max;
}
