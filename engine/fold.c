// SPDX-License-Identifier: MIT
// Folding texts for comparison, by ICU's normalizers (which live as long as the library).
#include "engine/fold.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include "engine/icu.h"

// Takes owned_text; NULL stays NULL.
static UChar *normalize(const UNormalizer2 *normalizer, UChar *owned_text, int32_t *len)
{
    // A unit becomes 18 at most; four times is room for all but such texts.
    for (int32_t cap = *len * 4 + 16; owned_text && *len < INT32_MAX / 80; cap = *len * 18 + 16) {
        UErrorCode code = U_ZERO_ERROR;
        UChar *out = x_calloc((size_t)cap, sizeof *out);
        int32_t out_len = unorm2_normalize(normalizer, owned_text, *len, out, cap, &code);
        if (U_SUCCESS(code)) {
            free(owned_text);
            *len = out_len;
            return out;
        }
        free(out);
        if (code != U_BUFFER_OVERFLOW_ERROR || cap > *len * 18)
            break;
    }
    free(owned_text);
    return NULL;
}

// A mark beside a letter of any script. Marks of one script alone make another letter of it, and
// so do the two of kana.
static bool is_accent(UChar32 c)
{
    UErrorCode code = U_ZERO_ERROR;
    return u_charType(c) == U_NON_SPACING_MARK && c != 0x3099 && c != 0x309a &&
           uscript_getScript(c, &code) == USCRIPT_INHERITED;
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

static void accents_drop(UChar *text, int32_t *len)
{
    int32_t at = 0, to = 0;
    while (at < *len) {
        UChar32 c;
        U16_NEXT(text, at, *len, c);
        if (!is_accent(c))
            U16_APPEND_UNSAFE(text, to, without_stroke(c));
    }
    *len = to;
}

static const UNormalizer2 *opened(const UNormalizer2 *normalizer, UErrorCode code)
{
    if (U_FAILURE(code))
        abort(); // ICU's own data is missing
    return normalizer;
}

static char *fold(const char *text, bool all)
{
    UErrorCode code = U_ZERO_ERROR;
    int32_t len;
    UChar *wide = utf16_from(text, &len);
    if (wide && all)
        wide = normalize(opened(unorm2_getNFKCCasefoldInstance(&code), code), wide, &len);
    wide = normalize(opened(unorm2_getNFDInstance(&code), code), wide, &len);
    if (wide)
        accents_drop(wide, &len);
    wide = normalize(opened(unorm2_getNFCInstance(&code), code), wide, &len);
    char *folded = wide ? utf16_to(wide, len) : NULL;
    free(wide);
    return folded ? folded : x_dup(text);
}

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

char *text_fold(const char *text)
{
    if (!is_ascii(text))
        return fold(text, true);
    char *folded = x_dup(text);
    for (char *c = folded; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return folded;
}

char *text_strip_accents(const char *text)
{
    return is_ascii(text) ? x_dup(text) : fold(text, false);
}
