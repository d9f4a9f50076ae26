// SPDX-License-Identifier: MIT
// Words of answers: how they are compared; yes, no and "skip".
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "engine/fold.h"
#include "nodes/answer_readers.h"

/* Comparing */

static bool is_skin_tone(UChar32 c)
{
    return c >= 0x1f3fb && c <= 0x1f3ff;
}

// What stands around words and between them without being said.
static bool is_gap(UChar32 c)
{
    return u_isUWhiteSpace(c) || u_iscntrl(c) || strchr(".,;:!?\"()", c < 0x80 ? (int)c : ' ') ||
           c == 0xbf || c == 0xa1 || c == 0x3002 || c == 0x964;
}

// The folded text's words, one space between them.
static bool words_copy(const char *text, char out[ANSWER_WORD_BYTES])
{
    int32_t at = 0, used = 0, len = (int32_t)strlen(text);
    bool gap = false;
    while (at < len) {
        UChar32 c;
        U8_NEXT(text, at, len, c);
        if (c < 0 || is_skin_tone(c))
            continue;
        if (is_gap(c)) {
            gap = used > 0;
            continue;
        }
        if (used + 6 > ANSWER_WORD_BYTES)
            return false;
        if (gap)
            out[used++] = ' ';
        gap = false;
        U8_APPEND_UNSAFE(out, used, c);
    }
    out[used] = '\0';
    return used > 0;
}

/*
 * For comparing words: without case, width, accents and marks that are not seen; every run of
 * blanks one space, none around it. False when the text is too long to be a word.
 */
static bool word_fold(const char *text, char out[ANSWER_WORD_BYTES])
{
    if (strlen(text) >= ANSWER_WORD_BYTES)
        return false;
    char *folded = text_fold(text);
    bool good = words_copy(folded, out);
    free(folded);
    return good;
}

/* Plain digits and signs */

static bool is_dash(UChar32 c)
{
    return (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xfe63 || c == 0xff0d;
}

static UChar32 plain_sign(UChar32 c)
{
    int32_t digit = u_charDigitValue(c);
    if (digit >= 0 && u_charType(c) == U_DECIMAL_DIGIT_NUMBER)
        return '0' + digit;
    if (is_dash(c))
        return '-';
    if (c >= 0xff01 && c <= 0xff5e)
        return c - 0xff01 + '!'; // full-width ASCII
    return u_isUWhiteSpace(c) ? ' ' : c;
}

static bool is_unseen(UChar32 c)
{
    return u_charType(c) == U_FORMAT_CHAR || c == 0xfe0f;
}

bool answer_plain(const char *text, char *out, size_t size)
{
    int32_t at = 0, len = (int32_t)strlen(text);
    size_t used = 0;
    while (at < len) {
        UChar32 c;
        U8_NEXT(text, at, len, c);
        if (c < 0)
            return false;
        if (is_unseen(c))
            continue;
        c = plain_sign(c);
        if (used + 5 > size)
            return false;
        U8_APPEND_UNSAFE(out, used, c);
    }
    out[used] = '\0';
    return true;
}

// A dot behind a Thai or Lao letter abbreviates: "พ.ย." is one word.
static void abbreviations_join(char *text)
{
    char *out = text;
    for (const char *at = text; *at; at++) {
        bool joins = out - text >= 3 && (unsigned char)out[-3] == 0xe0 &&
                     (unsigned char)out[-2] >= 0xb8 && (unsigned char)out[-2] <= 0xbb;
        if (*at != '.' || !joins)
            *out++ = *at;
    }
    *out = '\0';
}

bool answer_fold_words(const char *text, char out[ANSWER_WORD_BYTES])
{
    char plain[ANSWER_WORD_BYTES];
    if (!answer_plain(text, plain, sizeof plain))
        return false;
    for (char *at = strpbrk(plain, "-/"); at; at = strpbrk(at, "-/"))
        *at = ' ';
    abbreviations_join(plain);
    return word_fold(plain, out);
}

/* Yes, no, and neither */

static bool yes_no_find(const char *text, bool *ret_yes)
{
    char folded[ANSWER_WORD_BYTES];
    int yes;
    if (!text || !word_fold(text, folded) || !answer_listed(LIST_YES_NO, folded, &yes))
        return false;
    *ret_yes = yes;
    return true;
}

bool answer_read_yes_no(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                        double *ret_measure, char why[WHY_BYTES])
{
    bool yes = false;
    if (!yes_no_find(answer->text, &yes) && !yes_no_find(answer->payload, &yes))
        return answer_refuse(why, "Please answer yes or no.");
    *ret_measure = yes;
    *ret_value = cJSON_CreateBool(yes);
    return true;
}

bool answer_is_skip(const char *text)
{
    char folded[ANSWER_WORD_BYTES];
    return word_fold(text, folded) && answer_listed(LIST_SKIP, folded, NULL);
}

bool answer_same_word(const char *a, const char *b)
{
    char first[ANSWER_WORD_BYTES], second[ANSWER_WORD_BYTES];
    return word_fold(a, first) && word_fold(b, second) && strcmp(first, second) == 0;
}
