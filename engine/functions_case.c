// SPDX-License-Identifier: MIT
// Functions of expressions: letters. Case is the locale's (i and İ in Turkish), by ICU.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ucasemap.h>

#include "engine/fold.h"
#include "engine/functions.h"
#include "engine/icu.h"

struct map {
    const char *locale;
    uint32_t options;
};

static void *map_open(const void *arg)
{
    const struct map *map = arg;
    UErrorCode code = U_ZERO_ERROR;
    UCaseMap *opened = ucasemap_open(map->locale, map->options, &code);
    return U_SUCCESS(code) ? opened : NULL;
}

static void map_close(void *object)
{
    ucasemap_close(object);
}

static UCaseMap *map_get(const char *locale, uint32_t options)
{
    char key[ICU_KEY_MAX];
    struct map map = {locale, options};
    snprintf(key, sizeof key, "case %u %s", (unsigned)options, locale);
    UCaseMap *opened = icu_get(key, map_open, &map, map_close);
    if (!opened)
        abort(); // ICU has rules for any locale
    return opened;
}

// The mappings of ICU have one form; titles alone change what they are given (they keep an
// iterator).
typedef int32_t (*map_fn)(UCaseMap *map, char *out, int32_t cap, const char *text, int32_t len,
                          UErrorCode *code);

static int32_t to_upper(UCaseMap *map, char *out, int32_t cap, const char *text, int32_t len,
                        UErrorCode *code)
{
    return ucasemap_utf8ToUpper(map, out, cap, text, len, code);
}

static int32_t to_lower(UCaseMap *map, char *out, int32_t cap, const char *text, int32_t len,
                        UErrorCode *code)
{
    return ucasemap_utf8ToLower(map, out, cap, text, len, code);
}

static bool map_text(struct call *call, uint32_t options, map_fn fn, struct datum *ret)
{
    const char *text;
    char locale[LOCALE_MAX];
    if (!call_text(call, 0, &text) || !call_locale(call, 1, locale))
        return false;
    size_t len = strlen(text);
    if (len > INT32_MAX / 4)
        return call_fail(call, "the text is too long");
    UErrorCode code = U_ZERO_ERROR;
    int32_t cap = (int32_t)len * 3 + 1; // a letter becomes three of its size at most
    char *out = x_alloc((size_t)cap);
    fn(map_get(locale, options), out, cap, text, (int32_t)len, &code);
    if (U_SUCCESS(code))
        return datum_text(call->eval, out, ret);
    free(out);
    return call_fail(call, "the text has no such form");
}

FUNCTION(upper)
{
    return map_text(call, 0, to_upper, ret);
}

FUNCTION(lower)
{
    return map_text(call, 0, to_lower, ret);
}

FUNCTION(title)
{
    return map_text(call, 0, ucasemap_utf8ToTitle, ret);
}

FUNCTION(capitalize)
{
    return map_text(call, U_TITLECASE_WHOLE_STRING | U_TITLECASE_NO_LOWERCASE, ucasemap_utf8ToTitle,
                    ret);
}

FUNCTION(fold)
{
    const char *text;
    return call_text(call, 0, &text) && datum_text(call->eval, text_fold(text), ret);
}

FUNCTION(strip_accents)
{
    const char *text;
    return call_text(call, 0, &text) && datum_text(call->eval, text_strip_accents(text), ret);
}
