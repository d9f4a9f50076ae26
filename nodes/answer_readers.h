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
 * For comparing words: without case, width, accents and marks that are not seen; every run of
 * blanks one space, none around it. False when the text is too long to be a word.
 */
bool answer_fold(const char *text, char out[ANSWER_WORD_BYTES]);
/*
 * Decimal digits of any script become 0-9, full-width signs ASCII, all blanks spaces, all dashes
 * '-'; invisible marks go. False when there is more than `size` bytes of it.
 */
bool answer_plain(const char *text, char *out, size_t size);
// Whether the folded word is one of "these|words", which are folded, too.
bool answer_folded_in(const char *folded, const char *list);

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
// The whole of it in words of several languages: "tomorrow" → 1, "pasado mañana" → 2.
bool answer_day_word(const char *text, int *ret_offset);
// A span's unit: "weeks" → 7 days; "months" → 1 month.
bool answer_span_word(const char *word, int *ret_days, int *ret_months);
bool answer_filler_word(const char *word); // "of", "de", "den" …
// The rule's locale with the Gregorian calendar, made safe for ICU.
void answer_locale(const struct rule *rule, char out[ANSWER_LOCALE_BYTES]);
// Names of months and days, folded, in a locale.
enum { NAME_FORMS = 4, NAME_BYTES = 48 };
struct answer_names {
    char months[12][NAME_FORMS][NAME_BYTES];
    char weekdays[7][NAME_FORMS][NAME_BYTES]; // from Sunday
};
// Costs some hundred microseconds: only when they are needed.
void answer_names_read(const struct rule *rule, struct answer_names *ret_names);
// The month (1 to 12) or the weekday (1 = Sunday to 7) that the word names there or in English, or
// 0. Three letters or more are enough, if they are the beginning of one name alone.
int answer_month_name(const struct answer_names *names, const char *word);
int answer_weekday_name(const struct answer_names *names, const char *word);
