// SPDX-License-Identifier: MIT
// Functions of expressions: dates as texts of a locale, and back, by ICU.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ucal.h>
#include <unicode/udat.h>

#include "engine/functions.h"
#include "engine/icu.h"
#include "engine/zone.h"

enum { PATTERN_MAX = 64, TEXT_MAX = 512 };
enum { FORMAT_COST = 20 }; // it may have to be opened

struct format {
    UDateFormatStyle date, time; // UDAT_PATTERN: `pattern`
    const char *pattern, *locale, *zone;
};

static void *format_open(const void *arg)
{
    const struct format *format = arg;
    UErrorCode code = U_ZERO_ERROR;
    int32_t zone_len, pattern_len;
    UChar *zone = utf16_from(format->zone, &zone_len);
    UChar *pattern = utf16_from(format->pattern, &pattern_len);
    UDateFormat *opened = NULL;
    if (zone && pattern)
        opened = udat_open(format->time, format->date, format->locale, zone, zone_len, pattern,
                           pattern_len, &code);
    free(zone);
    free(pattern);
    return U_SUCCESS(code) ? opened : NULL;
}

static void format_close(void *object)
{
    udat_close(object);
}

// NULL: the pattern is none.
static UDateFormat *format_get(struct format *format)
{
    char key[ICU_KEY_MAX];
    if (!zone_is_known(format->zone))
        format->zone = "UTC";
    snprintf(key, sizeof key, "date %d %d %s %s %s", (int)format->date, (int)format->time,
             format->locale, format->zone, format->pattern);
    return icu_get(key, format_open, format, format_close);
}

// "long", "long date", "long time"; false when it is a pattern.
static bool style_read(const char *word, struct format *format)
{
    static const struct {
        const char *name;
        UDateFormatStyle date, time;
    } styles[] = {
        {"short", UDAT_SHORT, UDAT_SHORT},
        {"medium", UDAT_MEDIUM, UDAT_SHORT},
        {"long", UDAT_LONG, UDAT_SHORT},
        {"full", UDAT_FULL, UDAT_SHORT},
    };
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
        size_t len = strlen(styles[i].name);
        const char *rest = word + len;
        if (strncmp(word, styles[i].name, len) != 0 ||
            (*rest && strcmp(rest, " date") != 0 && strcmp(rest, " time") != 0))
            continue;
        format->date = strcmp(rest, " time") == 0 ? UDAT_NONE : styles[i].date;
        format->time = strcmp(rest, " date") == 0 ? UDAT_NONE : styles[i].time;
        return true;
    }
    return false;
}

// ICU takes letters that mean nothing, and then writes nothing.
static bool pattern_is_known(const char *pattern)
{
    bool quoted = false;
    for (; *pattern; pattern++) {
        unsigned char c = (unsigned char)*pattern;
        if (c == '\'')
            quoted = !quoted;
        else if (!quoted && isalpha(c) && !strchr("GyYuUrQqMLwWdDFgEecabBhHkKmsSAzZOvVXx", c))
            return false;
    }
    return !quoted;
}

static bool pattern_check(const struct call *call, const char *pattern)
{
    size_t len = strlen(pattern);
    return (len > 0 && len <= PATTERN_MAX && pattern_is_known(pattern)) ||
           call_fail(call, "'%.40s' is no pattern of dates, as dd.MM.yyyy", pattern);
}

static bool iso_give(struct call *call, int64_t ms, const char *zone, struct datum *ret)
{
    char text[ISO_TEXT_MAX];
    zone_print_iso(ms, zone, text);
    return datum_text(call->eval, x_dup(text), ret);
}

FUNCTION(date_format)
{
    int64_t ms;
    char locale[LOCALE_MAX];
    const char *style = "medium";
    struct format format = {UDAT_PATTERN, UDAT_PATTERN, "", locale, NULL};
    if (!eval_charge(call->eval, FORMAT_COST, 0) || !call_date(call, 0, &ms) ||
        (call_has(call, 1) && !call_text(call, 1, &style)) || !call_locale(call, 2, locale) ||
        !call_zone(call, 3, &format.zone))
        return false;
    if (strcmp(style, "iso") == 0)
        return iso_give(call, ms, format.zone, ret);
    if (!style_read(style, &format)) {
        if (!pattern_check(call, style))
            return false;
        format.pattern = style;
    }
    UDateFormat *opened = format_get(&format);
    if (!opened)
        return call_fail(call, "the date cannot be written like that");
    UChar text[TEXT_MAX];
    UErrorCode code = U_ZERO_ERROR;
    int32_t len = udat_format(opened, (double)ms, text, TEXT_MAX, NULL, &code);
    char *narrow = U_SUCCESS(code) && len < TEXT_MAX ? utf16_to(text, len) : NULL;
    return narrow ? datum_text(call->eval, narrow, ret)
                  : call_fail(call, "the date cannot be written like that");
}

FUNCTION(date_parse)
{
    const char *text;
    char locale[LOCALE_MAX];
    struct format format = {UDAT_PATTERN, UDAT_PATTERN, "", locale, NULL};
    if (!eval_charge(call->eval, FORMAT_COST, 0) || !call_text(call, 0, &text) ||
        !call_text(call, 1, &format.pattern) || !call_locale(call, 2, locale) ||
        !call_zone(call, 3, &format.zone) || !pattern_check(call, format.pattern))
        return false;
    UDateFormat *opened = format_get(&format);
    int32_t len = 0, at = 0;
    UChar *wide = strlen(text) < TEXT_MAX ? utf16_from(text, &len) : NULL;
    if (!opened || !wide) {
        free(wide);
        return call_fail(call, opened ? "the text is too long for a date" : "no pattern of dates");
    }
    UErrorCode code = U_ZERO_ERROR;
    udat_setLenient(opened, false);
    double ms = udat_parse(opened, wide, len, &at, &code);
    free(wide);
    if (U_FAILURE(code) || at != len)
        return call_fail(call, "'%.30s' is no date like '%.30s'", text, format.pattern);
    return call_give_date(call, (int64_t)ms, ret);
}
