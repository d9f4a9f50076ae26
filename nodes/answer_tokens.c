// SPDX-License-Identifier: MIT
// The words of which dates and times are made. Names of months and days are ICU's, of any locale.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/udat.h>
#include <unicode/ustring.h>

#include "base/utf8.h"
#include "engine/icu.h"
#include "nodes/answer_readers.h"

/* Tokens */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// The end of the run of digits or of other characters that begins here.
static const char *token_end(const char *at)
{
    bool digits = is_digit(*at);
    while (*at && *at != ' ' && is_digit(*at) == digits)
        at++;
    return at;
}

static bool token_read(const char *at, size_t len, struct token *token)
{
    *token = (struct token){.is_number = is_digit(*at)};
    if (len >= TOKEN_BYTES || (token->is_number && len > 8))
        return false;
    memcpy(token->word, at, len);
    token->digits = token->is_number ? (int)len : 0;
    token->number = token->is_number ? (int)strtol(token->word, NULL, 10) : 0;
    return true;
}

size_t answer_tokens(const char *text, struct token tokens[TOKENS_MAX])
{
    char folded[ANSWER_WORD_BYTES];
    size_t count = 0;
    if (!answer_fold_words(text, folded))
        return 0;
    for (const char *at = folded, *end; *at; at = end) {
        end = token_end(at);
        if (end == at) {
            end++;
            continue;
        }
        if (count == TOKENS_MAX || !token_read(at, (size_t)(end - at), &tokens[count]))
            return 0;
        count++;
    }
    return count;
}

/* Names from ICU */

void answer_locale(const struct rule *rule, char out[ANSWER_LOCALE_BYTES])
{
    static const char signs[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const char *locale = rule->locale ? rule->locale : "en";
    size_t len = strlen(locale);
    if (len < 2 || len > 32 || strspn(locale, signs) != len)
        locale = "en";
    snprintf(out, ANSWER_LOCALE_BYTES, "%s@calendar=gregorian", locale);
}

// Of a locale, folded. To read them costs some hundred microseconds, so threads keep them.
enum { NAME_FORMS = 4, NAME_BYTES = TOKEN_BYTES, NAME_UNITS = 64 };
struct names {
    char months[12][NAME_FORMS][NAME_BYTES];
    char weekdays[7][NAME_FORMS][NAME_BYTES]; // from Sunday
};

static const char english_months[] =
    "january|february|march|april|may|june|july|august|september|october|november|december|";
static const char english_days[] = "sunday|monday|tuesday|wednesday|thursday|friday|saturday|";

// The first word of a name, folded: "segunda-feira" → "segunda"; "" = none.
static void symbol_read(const UDateFormat *format, UDateFormatSymbolType type, int index,
                        char out[NAME_BYTES])
{
    UErrorCode status = U_ZERO_ERROR;
    UChar units[NAME_UNITS];
    char name[ANSWER_WORD_BYTES], folded[ANSWER_WORD_BYTES];
    int32_t len = udat_getSymbols(format, type, index, units, NAME_UNITS, &status);
    u_strToUTF8(name, sizeof name, NULL, units, U_SUCCESS(status) ? len : 0, &status);
    *out = '\0';
    if (U_FAILURE(status))
        return;
    size_t word = answer_fold_words(name, folded) ? strcspn(folded, " ") : 0;
    if (word < NAME_BYTES)
        snprintf(out, NAME_BYTES, "%.*s", (int)word, folded);
}

static void *names_open(const void *arg)
{
    static const UDateFormatSymbolType months[NAME_FORMS] = {
        UDAT_MONTHS, UDAT_STANDALONE_MONTHS, UDAT_SHORT_MONTHS, UDAT_STANDALONE_SHORT_MONTHS};
    static const UDateFormatSymbolType days[NAME_FORMS] = {UDAT_WEEKDAYS, UDAT_STANDALONE_WEEKDAYS,
                                                           UDAT_SHORT_WEEKDAYS,
                                                           UDAT_STANDALONE_SHORT_WEEKDAYS};
    static const UChar utc[] = {'U', 'T', 'C', 0};
    struct names *names = x_alloc(sizeof *names);
    UErrorCode status = U_ZERO_ERROR;
    UDateFormat *format = udat_open(UDAT_SHORT, UDAT_SHORT, arg, utc, -1, NULL, 0, &status);
    for (int form = 0; form < NAME_FORMS && U_SUCCESS(status); form++) {
        for (int i = 0; i < 12; i++)
            symbol_read(format, months[form], i, names->months[i][form]);
        for (int i = 0; i < 7; i++)
            symbol_read(format, days[form], i + 1, names->weekdays[i][form]);
    }
    udat_close(format);
    return names;
}

// Borrowed until icu_get() is called again.
static const struct names *names_get(const struct rule *rule)
{
    char locale[ANSWER_LOCALE_BYTES], key[ICU_KEY_MAX];
    answer_locale(rule, locale);
    snprintf(key, sizeof key, "names %s", locale);
    return icu_get(key, names_open, locale, free);
}

static bool begins(const char *name, const char *word)
{
    return utf8_length(word) >= 3 && strncmp(name, word, strlen(word)) == 0;
}

// One name's place, from 1; 0: none; -1: several.
static int name_alone(int found, int i)
{
    return found == 0 || found == i + 1 ? i + 1 : -1;
}

// The number of the only name that is the word, or else begins with it; 0: none.
static int name_find(const char (*names)[NAME_FORMS][NAME_BYTES], int count, const char *word)
{
    int equal = 0, begun = 0;
    for (int i = 0; i < count; i++)
        for (int form = 0; form < NAME_FORMS; form++) {
            if (strcmp(names[i][form], word) == 0)
                equal = name_alone(equal, i);
            if (begins(names[i][form], word))
                begun = name_alone(begun, i);
        }
    int found = equal ? equal : begun;
    return found > 0 ? found : 0;
}

static int english_find(const char *names, const char *word)
{
    for (int i = 1; *names; i++, names += strcspn(names, "|") + 1)
        if (begins(names, word))
            return i;
    return 0;
}

int answer_month_name(const struct rule *rule, const char *word)
{
    int month = name_find(names_get(rule)->months, 12, word);
    return month || answer_listed(LIST_MONTH, word, &month) ? month
                                                            : english_find(english_months, word);
}

int answer_weekday_name(const struct rule *rule, const char *word)
{
    int found = name_find(names_get(rule)->weekdays, 7, word);
    return found ? found : english_find(english_days, word);
}
