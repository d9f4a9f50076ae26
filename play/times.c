// SPDX-License-Identifier: MIT
// Moments and durations, as transcripts write them (see script.h).
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "play/script.h"

enum { DURATION_DAYS_MAX = 3660 };

bool moment_parse(const char *text, int64_t *ret_ms, struct err *err)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (!end || *end || tm.tm_year < 70)
        return err_set(err, ERR_INPUT, "'%.40s' is no time such as 2026-01-05T09:00:00Z", text);
    *ret_ms = (int64_t)timegm(&tm) * 1000;
    return true;
}

static const struct {
    const char *name;
    int64_t ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

static int64_t unit_ms(const char *name)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(name, units[i].name) == 0)
            return units[i].ms;
    return 0;
}

bool duration_parse(const char *text, int64_t *ret_ms, struct err *err)
{
    const int64_t max = DURATION_DAYS_MAX * INT64_C(86400000);
    int64_t total = 0;
    const char *at = text;
    do {
        long long number;
        char unit[3];
        int used = 0;
        int64_t ms = sscanf(at, " %9lld%2[a-z]%n ", &number, unit, &used) == 2 ? unit_ms(unit) : 0;
        if (ms == 0 || number < 0 || number > max / ms || total > max - number * ms)
            return err_set(err, ERR_INPUT, "'%.40s' is no time such as 2h, 1h 30m or 1500ms", text);
        total += number * ms;
        at += used;
        at += strspn(at, " ");
    } while (*at);
    *ret_ms = total;
    return true;
}
