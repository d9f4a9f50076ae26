// SPDX-License-Identifier: MIT
// Folding on ICU (see fold.h).
#include "engine/fold.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include "base/mem.h"

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

static char *fold_ascii(const char *text)
{
    char *folded = x_dup(text);
    for (char *c = folded; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c += 'a' - 'A';
    return folded;
}

static UChar *widen(const char *text, int32_t *ret_len)
{
    size_t bytes = strlen(text);
    UChar *wide = x_calloc(bytes + 1, sizeof *wide); // never more units than bytes
    UErrorCode code = U_ZERO_ERROR;
    u_strFromUTF8WithSub(wide, (int32_t)bytes + 1, ret_len, text, (int32_t)bytes, 0xfffd, NULL,
                         &code);
    return wide;
}

// Takes `owned`; NULL when ICU refuses.
static UChar *normalised(const UNormalizer2 *form, UChar *owned, int32_t *len)
{
    UErrorCode code = U_ZERO_ERROR;
    int32_t need = unorm2_normalize(form, owned, *len, NULL, 0, &code);
    UChar *out = x_calloc((size_t)need + 1, sizeof *out);
    code = U_ZERO_ERROR;
    *len = unorm2_normalize(form, owned, *len, out, need + 1, &code);
    free(owned);
    if (U_SUCCESS(code))
        return out;
    free(out);
    return NULL;
}

static int32_t drop_marks(UChar *text, int32_t len)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < len;) {
        int32_t start = i;
        UChar32 c;
        U16_NEXT(text, i, len, c);
        if (u_charType(c) == U_NON_SPACING_MARK)
            continue;
        memmove(text + kept, text + start, (size_t)(i - start) * sizeof *text);
        kept += i - start;
    }
    return kept;
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

char *text_fold(const char *text)
{
    if (is_ascii(text))
        return fold_ascii(text);
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *casefold = unorm2_getNFKCCasefoldInstance(&code);
    const UNormalizer2 *apart = unorm2_getNFDInstance(&code);
    if (U_FAILURE(code))
        return fold_ascii(text);
    int32_t len;
    UChar *wide = normalised(casefold, widen(text, &len), &len);
    if (wide)
        wide = normalised(apart, wide, &len);
    if (!wide)
        return fold_ascii(text);
    return narrow(wide, drop_marks(wide, len));
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

static int32_t drop_accents(UChar *text, int32_t len)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < len;) {
        UChar32 c;
        U16_NEXT(text, i, len, c);
        if (!is_accent(c))
            U16_APPEND_UNSAFE(text, kept, without_stroke(c));
    }
    return kept;
}

char *text_strip_accents(const char *text)
{
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *apart = unorm2_getNFDInstance(&code);
    const UNormalizer2 *together = unorm2_getNFCInstance(&code);
    if (is_ascii(text) || U_FAILURE(code))
        return x_dup(text);
    int32_t len;
    UChar *wide = normalised(apart, widen(text, &len), &len);
    if (!wide)
        return x_dup(text);
    len = drop_accents(wide, len);
    wide = normalised(together, wide, &len);
    return wide ? narrow(wide, len) : x_dup(text);
}
