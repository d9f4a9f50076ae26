// SPDX-License-Identifier: MIT
// Folding on ICU (see fold.h). ICU keeps its normalizers itself: to get one costs nothing.
#include "engine/fold.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include "base/mem.h"

/* ASCII */

// No early end: compilers make wide steps of it.
static bool is_ascii(const char *text, size_t len)
{
    unsigned char all = 0;
    for (size_t i = 0; i < len; i++)
        all |= (unsigned char)text[i];
    return all < 0x80;
}

static char *fold_ascii(const char *text, size_t len)
{
    char *folded = x_dupn(text, len);
    for (size_t i = 0; i < len; i++)
        folded[i] |= (char)((folded[i] >= 'A' && folded[i] <= 'Z') << 5);
    return folded;
}

/* UTF-16 */

static UChar *widen(const char *text, size_t bytes, int32_t *ret_len)
{
    UChar *wide = x_calloc(bytes + 1, sizeof *wide); // never more units than bytes
    UErrorCode code = U_ZERO_ERROR;
    u_strFromUTF8WithSub(wide, (int32_t)bytes + 1, ret_len, text, (int32_t)bytes, 0xfffd, NULL,
                         &code);
    return wide;
}

static char *narrow(UChar *owned, int32_t len)
{
    size_t room = (size_t)len * 3 + 1;
    char *out = x_calloc(room, 1);
    UErrorCode code = U_ZERO_ERROR;
    u_strToUTF8WithSub(out, (int32_t)room, NULL, owned, len, 0xfffd, NULL, &code);
    free(owned);
    return out;
}

// Takes `owned`; NULL when ICU refuses.
static UChar *normalised(const UNormalizer2 *form, UChar *owned, int32_t *len)
{
    int32_t room = *len + 16; // seldom longer
    UChar *out = x_calloc((size_t)room, sizeof *out);
    UErrorCode code = U_ZERO_ERROR;
    int32_t need = unorm2_normalize(form, owned, *len, out, room, &code);
    if (code == U_BUFFER_OVERFLOW_ERROR) {
        free(out);
        out = x_calloc((size_t)need, sizeof *out);
        code = U_ZERO_ERROR;
        need = unorm2_normalize(form, owned, *len, out, need, &code);
    }
    free(owned);
    *len = need;
    if (U_SUCCESS(code))
        return out;
    free(out);
    return NULL;
}

/* Accents */

enum { ALEF = 0x627, TATWEEL = 0x640 };

// Marks that may stand on any letter: accents there where letters are the same without them.
static bool is_diacritic(UChar32 c)
{
    return (c >= 0x300 && c <= 0x36f) || (c >= 0x1ab0 && c <= 0x1aff) ||
           (c >= 0x1dc0 && c <= 0x1dff) || (c >= 0x20d0 && c <= 0x20ff) ||
           (c >= 0xfe20 && c <= 0xfe2f);
}

static bool has_accents(UScriptCode script)
{
    return script == USCRIPT_LATIN || script == USCRIPT_GREEK || script == USCRIPT_CYRILLIC;
}

// Hamza and madda, which people write on alef or leave out. On other letters hamza is a sound.
static bool is_on_alef(UChar32 c)
{
    return c >= 0x653 && c <= 0x655;
}

// Hebrew points; Arabic vowel marks, also those of the Koran.
static bool is_point(UChar32 c)
{
    return (c >= 0x591 && c <= 0x5c7) || (c >= 0x610 && c <= 0x61a) ||
           (c >= 0x64b && c <= 0x65f && !is_on_alef(c)) || c == 0x670 ||
           (c >= 0x6d6 && c <= 0x6ed) || (c >= 0x898 && c <= 0x8ff) || c == 0xfb1e;
}

// A composed letter without its accents: 'a' of 'ậ'.
static UChar32 letter_of(UChar32 c)
{
    UErrorCode code = U_ZERO_ERROR;
    UChar parts[8];
    UChar32 letter, mark;
    int32_t at = 0, len = unorm2_getDecomposition(unorm2_getNFDInstance(&code), c, parts, 8, &code);
    if (U_FAILURE(code) || len <= 0)
        return c;
    U16_NEXT(parts, at, len, letter);
    while (at < len) {
        U16_NEXT(parts, at, len, mark);
        if (!is_diacritic(mark))
            return c;
    }
    return letter;
}

// Letters whose stroke Unicode does not take apart.
static UChar32 without_stroke(UChar32 c)
{
    static const UChar32 pairs[][2] = {
        {0xf8, 'o'},  {0xd8, 'O'},  {0x142, 'l'}, {0x141, 'L'},
        {0x111, 'd'}, {0x110, 'D'}, {0x127, 'h'}, {0x126, 'H'},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i][0] == c)
            return pairs[i][1];
    return c;
}

// What is left of a character behind `letter`, the last one that is no mark; 0: nothing.
static UChar32 without_accents(UChar32 c, UChar32 *letter)
{
    UErrorCode code = U_ZERO_ERROR;
    if (c < 0x80)
        return *letter = c;
    if (U_GET_GC_MASK(c) & U_GC_M_MASK) {
        bool goes = is_diacritic(c) ? has_accents(uscript_getScript(*letter, &code))
                    : is_on_alef(c) ? *letter == ALEF
                                    : is_point(c);
        return goes ? 0 : c;
    }
    if (c == 0x622 || c == 0x623 || c == 0x625)
        c = ALEF;
    else if (has_accents(uscript_getScript(c, &code)))
        c = letter_of(c);
    return *letter = c;
}

enum drops { ACCENTS_AND_STROKES, ACCENTS_AND_TATWEEL };

// In place: of NFC, so that what is composed is one character.
static int32_t drop(UChar *text, int32_t len, enum drops drops)
{
    int32_t kept = 0;
    UChar32 letter = 0;
    for (int32_t i = 0; i < len;) {
        UChar32 c;
        U16_NEXT(text, i, len, c);
        if (drops == ACCENTS_AND_TATWEEL && c == TATWEEL)
            continue;
        c = without_accents(c, &letter);
        if (drops == ACCENTS_AND_STROKES)
            c = without_stroke(c);
        if (c)
            U16_APPEND_UNSAFE(text, kept, c);
    }
    return kept;
}

// NULL when ICU refuses. What is dropped can bring together what NFC composes.
static char *without(enum drops drops, const UNormalizer2 *form, const char *text, size_t bytes)
{
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *composed = unorm2_getNFCInstance(&code);
    int32_t len;
    UChar *wide = form && composed ? normalised(form, widen(text, bytes, &len), &len) : NULL;
    if (!wide)
        return NULL;
    len = drop(wide, len, drops);
    if (!unorm2_isNormalized(composed, wide, len, &code))
        wide = normalised(composed, wide, &len);
    return wide ? narrow(wide, len) : NULL;
}

char *text_fold(const char *text)
{
    size_t bytes = strlen(text);
    UErrorCode code = U_ZERO_ERROR;
    if (is_ascii(text, bytes) || bytes > INT32_MAX / 4)
        return fold_ascii(text, bytes);
    char *folded = without(ACCENTS_AND_TATWEEL, unorm2_getNFKCCasefoldInstance(&code), text, bytes);
    return folded ? folded : fold_ascii(text, bytes);
}

char *text_strip_accents(const char *text)
{
    size_t bytes = strlen(text);
    UErrorCode code = U_ZERO_ERROR;
    if (is_ascii(text, bytes) || bytes > INT32_MAX / 4)
        return x_dupn(text, bytes);
    char *plain = without(ACCENTS_AND_STROKES, unorm2_getNFCInstance(&code), text, bytes);
    return plain ? plain : x_dupn(text, bytes);
}
