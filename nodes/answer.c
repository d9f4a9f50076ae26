// SPDX-License-Identifier: MIT
// Judging answers: what holds for all types; the types themselves are in the other answer_*.c.
#include "nodes/answer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "engine/pattern.h"
#include "engine/zone.h"
#include "nodes/answer_readers.h"

static const struct reader {
    answer_reader_fn read;
    const char *ask;  // "Please ASK between …"
    const char *unit; // behind a bound
} readers[ANSWER_TYPES] = {
    [ANSWER_TEXT] = {answer_read_text, "enter a text", " characters"},
    [ANSWER_NUMBER] = {answer_read_number, "enter a number", ""},
    [ANSWER_INTEGER] = {answer_read_number, "enter a number", ""},
    [ANSWER_EMAIL] = {answer_read_email, "enter an address", " characters"},
    [ANSWER_PHONE] = {answer_read_phone, "enter a number", " digits"},
    [ANSWER_URL] = {answer_read_url, "enter an address", " characters"},
    [ANSWER_DATE] = {answer_read_date, "enter a date", ""},
    [ANSWER_TIME] = {answer_read_time, "enter a time", ""},
    [ANSWER_DATETIME] = {answer_read_datetime, "enter a date and time", ""},
    [ANSWER_YES_NO] = {answer_read_yes_no, "", ""},
    [ANSWER_LOCATION] = {answer_read_location, "", ""},
    [ANSWER_MEDIA] = {answer_read_media, "send", " files"},
};

bool answer_refuse(char why[WHY_BYTES], const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, WHY_BYTES, fmt, ap);
    va_end(ap);
    return false;
}

/* Bounds */

enum { BOUND_BYTES = 40 };

// A bound in the words in which an answer could be given.
static void bound_print(const struct rule *rule, double bound, char out[BOUND_BYTES])
{
    if (rule->type == ANSWER_DATE) {
        struct civil date = civil_from_days((int64_t)bound);
        snprintf(out, BOUND_BYTES, "%04d-%02d-%02d", date.year, date.month, date.day);
    } else if (rule->type == ANSWER_TIME) {
        int minutes = (int)bound;
        snprintf(out, BOUND_BYTES, "%02d:%02d", minutes / 60 % 24, minutes % 60);
    } else if (rule->type == ANSWER_DATETIME) {
        struct calendar_time time;
        zone_calendar((int64_t)bound, rule->zone, &time);
        snprintf(out, BOUND_BYTES, "%04d-%02d-%02d %02d:%02d", time.year, time.month, time.day,
                 time.hour, time.minute);
    } else {
        snprintf(out, BOUND_BYTES, "%.15g", bound);
    }
}

static void range_explain(const struct rule *rule, char why[WHY_BYTES])
{
    const struct reader *reader = &readers[rule->type];
    bool is_time =
        rule->type == ANSWER_DATE || rule->type == ANSWER_TIME || rule->type == ANSWER_DATETIME;
    bool is_count = rule->type == ANSWER_MEDIA;
    const char *least = is_time ? " not before" : is_count ? " at least" : " of at least";
    const char *most = is_time ? " not after" : is_count ? " at most" : " of at most";
    char min[BOUND_BYTES], max[BOUND_BYTES];
    bound_print(rule, rule->min, min);
    bound_print(rule, rule->max, max);
    if (rule->has_min && rule->has_max)
        answer_refuse(why, "Please %s between %s and %s%s.", reader->ask, min, max, reader->unit);
    else
        answer_refuse(why, "Please %s%s %s%s.", reader->ask, rule->has_min ? least : most,
                      rule->has_min ? min : max, reader->unit);
}

static bool in_range(const struct rule *rule, double measure)
{
    return !(rule->has_min && measure < rule->min) && !(rule->has_max && measure > rule->max);
}

/* Answers */

static bool is_empty(const struct rule *rule, const struct answer *answer)
{
    switch (rule->type) {
    case ANSWER_LOCATION:
        return !*answer->text && !answer->data && !answer->attachments;
    case ANSWER_MEDIA:
        return !*answer->text && !cJSON_GetArraySize(answer->attachments);
    default:
        return !*answer->text;
    }
}

static cJSON *empty_value(const struct rule *rule)
{
    bool is_text = rule->type == ANSWER_TEXT || rule->type == ANSWER_EMAIL ||
                   rule->type == ANSWER_PHONE || rule->type == ANSWER_URL;
    return is_text ? cJSON_CreateString("") : cJSON_CreateNull();
}

static enum answer_outcome pattern_check(const struct rule *rule, const char *text,
                                         char why[WHY_BYTES])
{
    switch (rule->pattern ? pattern_match(rule->pattern, text) : PATTERN_YES) {
    case PATTERN_YES:
        return ANSWER_VALID;
    case PATTERN_NO:
        answer_refuse(why, "Sorry, that is not in the form we need. Please try again.");
        return ANSWER_INVALID;
    default:
        return ANSWER_LIMIT;
    }
}

enum answer_outcome answer_read(const struct rule *rule, const struct answer *answer,
                                cJSON **ret_value, char why[WHY_BYTES])
{
    const struct reader *reader = &readers[rule->type];
    if (!utf8_valid(answer->text, strlen(answer->text))) {
        answer_refuse(why, "Sorry, that could not be read. Please try again.");
        return ANSWER_INVALID;
    }
    if (is_empty(rule, answer) && rule->required) {
        answer_refuse(why, rule->type == ANSWER_MEDIA      ? "Please send a file."
                           : rule->type == ANSWER_LOCATION ? "Please send your location."
                                                           : "Please write an answer.");
        return ANSWER_INVALID;
    }
    if (is_empty(rule, answer)) {
        *ret_value = empty_value(rule);
        return ANSWER_VALID;
    }
    enum answer_outcome outcome = pattern_check(rule, answer->text, why);
    if (outcome != ANSWER_VALID)
        return outcome;
    cJSON *value = NULL;
    double measure = 0;
    if (!reader->read(rule, answer, &value, &measure, why))
        return ANSWER_INVALID;
    if (!in_range(rule, measure)) {
        cJSON_Delete(value);
        range_explain(rule, why);
        return ANSWER_INVALID;
    }
    *ret_value = value;
    return ANSWER_VALID;
}

bool answer_read_text(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                      double *ret_measure, char why[WHY_BYTES])
{
    *ret_measure = (double)utf8_length(answer->text);
    *ret_value = cJSON_CreateString(answer->text);
    return true;
}
