// SPDX-License-Identifier: MIT
/*
 * Opening hours: a weekly calendar with exceptions for single days. Part of the schedule node; pure
 * data, no memory of its own.
 *
 *   {"monday": ["09:00-12:00", "13:00-17:00"], "tue": {"open": "09:00", "close": "17:00"},
 *    "sat": [], "friday": [["22:00", "02:00"]], "sunday": {"enabled": false}}
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { WEEK_SPANS_MAX = 6, WEEK_EXCEPTIONS_MAX = 100 };

struct day {
    struct {
        int from, to; // minutes of the day; `to` beyond 1440 reaches into the next day
    } spans[WEEK_SPANS_MAX];
    int count;
};

struct week {
    struct day days[7]; // Monday first
    struct {
        int date; // yyyymmdd
        struct day day;
    } exceptions[WEEK_EXCEPTIONS_MAX];
    int exception_count;
};

// Days that are not named are closed.
MUST_USE bool week_parse(const cJSON *hours, struct week *ret_week, struct err *err);
// {"2026-12-24": ["09:00-12:00"], …}, or a list of dates that are closed.
MUST_USE bool week_parse_exceptions(const cJSON *exceptions, struct week *week, struct err *err);

// zone: NULL = UTC.
bool week_is_open(const struct week *week, int64_t now_ms, const char *zone);
// The next moment at which it opens, from now on; 0: not within the next 400 days.
int64_t week_opens_at(const struct week *week, int64_t now_ms, const char *zone);
