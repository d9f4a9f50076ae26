// SPDX-License-Identifier: MIT
// The words of which dates and times are made. Names of months and days are ICU's, of any locale.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/udat.h>
#include <unicode/ustring.h>

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

static void bars_to_blanks(char *text)
{
    for (; *text; text++)
        if (*text == '-' || *text == '/')
            *text = ' ';
}

size_t answer_tokens(const char *text, struct token tokens[TOKENS_MAX])
{
    char plain[ANSWER_WORD_BYTES], folded[ANSWER_WORD_BYTES];
    size_t count = 0;
    if (!answer_plain(text, plain, sizeof plain))
        return 0;
    bars_to_blanks(plain);
    if (!answer_fold(plain, folded))
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

/* Words */

static const struct day_words {
    int offset;
    const char *words;
} day_words[] = {
    {-1, "yesterday|ayer|ontem|gestern|hier|ieri|gisteren|вчера|вчора|dun|wczoraj|kemarin|امس|"
         "昨天|昨日|어제|hom qua"},
    {0,
     "today|hoy|hoje|heute|aujourd'hui|aujourd’hui|oggi|vandaag|आज|aaj|اليوم|сегодня|"
     "сьогодні|bugun|hari ini|dzis|dzisiaj|今天|今日|오늘|hom nay|আজ|اج|היום|วนน|σημερα|idag|"
     "i dag|leo|ngayon|avui"},
    {1,
     "tomorrow|tmrw|manana|amanha|morgen|demain|domani|कल|kal|غدا|بكرة|завтра|yarin|besok|"
     "jutro|明天|明日|내일|ngay mai|আগামীকাল|کل|מחר|พรงน|αυριο|imorgon|i morgen|kesho|bukas|"
     "dema"},
    {2, "day after tomorrow|the day after tomorrow|pasado manana|depois de amanha|ubermorgen|"
        "uebermorgen|apres demain|dopodomani|overmorgen|परसो|parson|بعد غد|послезавтра|"
        "післязавтра|obur gun|lusa|pojutrze|后天|後天|明後日|あさって|"
        "모레|ngay kia|پرسوں|מחרתיים|มะรนน|μεθαυριο"},
};

static const struct span_words {
    int days, months;
    const char *words;
} span_words[] = {
    {1, 0,
     "day|days|dia|dias|tag|tage|tagen|jour|jours|giorno|giorni|dag|dagen|दिन|din|день|"
     "дня|днеи|gun|hari|dni|天|日|일|ngay"},
    {7, 0,
     "week|weeks|semana|semanas|woche|wochen|semaine|semaines|settimana|settimane|weken|"
     "हफत|सपताह|hafte|неделю|недели|недель|hafta|minggu|周|週間|주|tuan"},
    {0, 1,
     "month|months|mes|meses|monat|monate|monaten|mois|mese|mesi|maand|maanden|महीन|"
     "mahine|месяц|месяца|месяцев|ay|bulan|个月|個月|か月|ヶ月|개월"},
    {0, 12,
     "year|years|ano|anos|jahr|jahre|jahren|an|ans|anno|anni|jaar|साल|saal|год|года|лет|"
     "yil|tahun"},
};

static const char filler_words[] =
    "on|the|of|in|next|this|coming|st|nd|rd|th|o|a|de|del|el|en|dentro|proximo|proxima|"
    "este|esta|que|viene|do|da|dia|em|no|na|daqui|feira|den|dem|der|am|nachsten|nachster|"
    "kommenden|diesen|le|la|du|dans|er|ce|prochain|prochaine|il|di|fra|tra|prossimo|op|"
    "over|volgende|को|म|अगल|ko|mein|через|в|на|г|года|tarihinde|sonra|lagi|pada|后|後|뒤|후";

bool answer_day_word(const char *text, int *ret_offset)
{
    char plain[ANSWER_WORD_BYTES], folded[ANSWER_WORD_BYTES];
    if (!answer_plain(text, plain, sizeof plain))
        return false;
    bars_to_blanks(plain);
    if (!answer_fold(plain, folded))
        return false;
    for (size_t i = 0; i < sizeof day_words / sizeof *day_words; i++)
        if (answer_folded_in(folded, day_words[i].words)) {
            *ret_offset = day_words[i].offset;
            return true;
        }
    return false;
}

bool answer_span_word(const char *word, int *ret_days, int *ret_months)
{
    for (size_t i = 0; i < sizeof span_words / sizeof *span_words; i++)
        if (answer_folded_in(word, span_words[i].words)) {
            *ret_days = span_words[i].days;
            *ret_months = span_words[i].months;
            return true;
        }
    return false;
}

bool answer_filler_word(const char *word)
{
    return answer_folded_in(word, filler_words);
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

enum { NAME_UNITS = 64 };

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
    bars_to_blanks(name);
    size_t word = answer_fold(name, folded) ? strcspn(folded, " ") : 0;
    if (word < NAME_BYTES)
        snprintf(out, NAME_BYTES, "%.*s", (int)word, folded);
}

void answer_names_read(const struct rule *rule, struct answer_names *ret_names)
{
    static const UDateFormatSymbolType months[NAME_FORMS] = {
        UDAT_MONTHS, UDAT_STANDALONE_MONTHS, UDAT_SHORT_MONTHS, UDAT_STANDALONE_SHORT_MONTHS};
    static const UDateFormatSymbolType days[NAME_FORMS] = {UDAT_WEEKDAYS, UDAT_STANDALONE_WEEKDAYS,
                                                           UDAT_SHORT_WEEKDAYS,
                                                           UDAT_STANDALONE_SHORT_WEEKDAYS};
    static const UChar utc[] = {'U', 'T', 'C', 0};
    char locale[ANSWER_LOCALE_BYTES];
    UErrorCode status = U_ZERO_ERROR;
    *ret_names = (struct answer_names){0};
    answer_locale(rule, locale);
    UDateFormat *format = udat_open(UDAT_SHORT, UDAT_SHORT, locale, utc, -1, NULL, 0, &status);
    for (int form = 0; form < NAME_FORMS && U_SUCCESS(status); form++) {
        for (int i = 0; i < 12; i++)
            symbol_read(format, months[form], i, ret_names->months[i][form]);
        for (int i = 0; i < 7; i++)
            symbol_read(format, days[form], i + 1, ret_names->weekdays[i][form]);
    }
    udat_close(format);
}

static bool begins(const char *name, const char *word)
{
    size_t len = strlen(word);
    return len >= 3 && strncmp(name, word, len) == 0;
}

// The number of the only name that is the word, or begins with it; 0: none.
static int name_find(const char (*names)[NAME_FORMS][NAME_BYTES], int count, const char *word)
{
    int begun = 0;
    for (int i = 0; i < count; i++) {
        bool any = false;
        for (int form = 0; form < NAME_FORMS; form++) {
            if (strcmp(names[i][form], word) == 0)
                return i + 1;
            any = any || begins(names[i][form], word);
        }
        if (any)
            begun = begun ? -1 : i + 1;
    }
    return begun > 0 ? begun : 0;
}

static int english_find(const char *names, const char *word)
{
    for (int i = 1; *names; i++, names += strcspn(names, "|") + 1)
        if (begins(names, word))
            return i;
    return 0;
}

int answer_month_name(const struct answer_names *names, const char *word)
{
    int found = name_find(names->months, 12, word);
    return found ? found : english_find(english_months, word);
}

int answer_weekday_name(const struct answer_names *names, const char *word)
{
    int found = name_find(names->weekdays, 7, word);
    return found ? found : english_find(english_days, word);
}
