// SPDX-License-Identifier: MIT
/*
 * Calendar time in a time zone, by ICU. Pure: ICU's data is in its library. zone_data_version() is
 * what a history records, so that a replay knows whether the rules are the same.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

// "Europe/Berlin", "UTC" …: known to ICU by exactly this name.
bool zone_is_known(const char *zone);
const char *zone_data_version(void); // "2022g" …

struct calendar_time {
    int year, month, day; // month, day from 1
    int hour, minute, second, millisecond;
    int weekday;        // 0 = Monday … 6 = Sunday (ISO 8601)
    int offset_minutes; // from UTC
};
// zone NULL or unknown: UTC.
void zone_calendar(int64_t ms, const char *zone, struct calendar_time *ret_time);
// The moment at which the zone's clocks show it; of two the first, of none the first after.
int64_t zone_moment(const struct calendar_time *time, const char *zone);

enum { ISO_TEXT_MAX = 32 };
// "2026-11-21T10:00:00+01:00" (with ".123" where there are milliseconds).
void zone_print_iso(int64_t ms, const char *zone, char out[ISO_TEXT_MAX]);
// ISO 8601 dates and times ("2026-11-21", "…T10:00", "…T10:00:00Z"); without an offset in `zone`.
MUST_USE bool zone_parse_iso(const char *text, const char *zone, int64_t *ret_ms);
