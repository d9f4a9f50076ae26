// SPDX-License-Identifier: MIT
/*
 * The readers behind answer.h, one per type, and what they share. Private to nodes/answer*.c.
 *
 * A reader gets an answer that is UTF-8 and not empty, and says whether it is of its type. Then
 * *ret_value is its value (the caller's) and *ret_measure what the rule's bounds are about; else
 * `why` is filled.
 */
#pragma once

#include <stddef.h>

#include "nodes/answer.h"

typedef bool (*answer_reader_fn)(const struct rule *rule, const struct answer *answer,
                                 cJSON **ret_value, double *ret_measure, char why[WHY_BYTES]);

bool answer_read_text(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                      double *ret_measure, char why[WHY_BYTES]);
bool answer_read_number(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                        double *ret_measure, char why[WHY_BYTES]);
bool answer_read_email(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                       double *ret_measure, char why[WHY_BYTES]);
bool answer_read_phone(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                       double *ret_measure, char why[WHY_BYTES]);
bool answer_read_url(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                     double *ret_measure, char why[WHY_BYTES]);
bool answer_read_date(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                      double *ret_measure, char why[WHY_BYTES]);
bool answer_read_time(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                      double *ret_measure, char why[WHY_BYTES]);
bool answer_read_datetime(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                          double *ret_measure, char why[WHY_BYTES]);
bool answer_read_yes_no(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                        double *ret_measure, char why[WHY_BYTES]);
bool answer_read_location(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                          double *ret_measure, char why[WHY_BYTES]);
bool answer_read_media(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                       double *ret_measure, char why[WHY_BYTES]);

// Fills `why` and returns false.
bool answer_refuse(char why[WHY_BYTES], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Text (answer_words.c) */

enum { ANSWER_WORD_BYTES = 256 };
/*
 * Decimal digits of any script become 0-9, full-width signs ASCII, all blanks spaces, all dashes
 * '-'; invisible marks go. False when there is more than `size` bytes of it.
 */
bool answer_plain(const char *text, char *out, size_t size);
/*
 * The words of a date or a time, folded: after answer_plain(), with a blank for each '-' and '/'.
 * False when there is none, or when the text is too long.
 */
bool answer_fold_words(const char *text, char out[ANSWER_WORD_BYTES]);

/* Lists of words in many languages (answer_lists.c), and what each word's value is */

enum answer_list {
    LIST_YES_NO, // true, false
    LIST_SKIP,
    LIST_DAY,         // days from today: "pasado mañana" → 2
    LIST_SPAN_DAYS,   // of a unit: "weeks" → 7
    LIST_SPAN_MONTHS, // "years" → 12
    LIST_DATE_FILLER, // "of", "de", "den" …
    LIST_MONTH,       // 1 to 12; spellings that ICU does not have
    LIST_HALF,        // enum half
    LIST_CLOCK,       // minutes: "noon" → 720
    LIST_TIME_FILLER,
};
// Halves of the day. NIGHT ends at midnight for large hours, and begins there for small ones.
enum half { HALF_NONE, HALF_AM, HALF_PM, HALF_NIGHT };
// Whether the list has the folded word. ret_value may be NULL. ICU objects of icu_get() may go.
bool answer_listed(enum answer_list list, const char *folded, int *ret_value);

/* Calendar (answer_calendar.c): civil days, counted from 1970-01-01 */

struct civil {
    int year, month, day; // month, day from 1
};
enum { YEAR_MIN = 1000, YEAR_MAX = 9999 };
bool civil_is_valid(const struct civil *date); // also the year's bounds
int64_t civil_days(const struct civil *date);
struct civil civil_from_days(int64_t days);
struct civil civil_add_months(struct civil date, int64_t months); // 31 January + 1 = 28 February
int64_t answer_today(const struct rule *rule);                    // in the rule's zone

// A date or a time of day as people write it. False: it is none.
bool answer_find_date(const struct rule *rule, const char *text, int64_t *ret_days);
bool answer_find_time(const char *text, int *ret_minutes);

/* Words of dates and times (answer_tokens.c) */

enum { TOKENS_MAX = 12, TOKEN_BYTES = 64, ANSWER_LOCALE_BYTES = 64 };
struct token {
    bool is_number;
    int number, digits;     // at most 8 digits
    char word[TOKEN_BYTES]; // folded
};
// Splits at blanks, '-', '/' and between digits and letters. 0: too much, or nothing.
size_t answer_tokens(const char *text, struct token tokens[TOKENS_MAX]);
// The rule's locale with the Gregorian calendar, made safe for ICU.
void answer_locale(const struct rule *rule, char out[ANSWER_LOCALE_BYTES]);
// The month (1 to 12) or the weekday (1 = Sunday to 7) that the folded word names in the rule's
// locale or in English, or 0. Three letters or more are enough, if they begin one name alone.
int answer_month_name(const struct rule *rule, const char *word);
int answer_weekday_name(const struct rule *rule, const char *word);
