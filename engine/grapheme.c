// SPDX-License-Identifier: MIT
// Characters as people count them.
#include "engine/grapheme.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include "engine/icu.h"

// Then each byte is a character, but for CR LF.
static bool is_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80 || *text == '\r')
            return false;
    return true;
}

static void *iterator_open(const void *arg)
{
    UErrorCode code = U_ZERO_ERROR;
    UBreakIterator *iterator = ubrk_open(UBRK_CHARACTER, "en", NULL, 0, &code);
    return U_SUCCESS(code) ? iterator : NULL;
}

static void iterator_close(void *object)
{
    ubrk_close(object);
}

// Goes over at most `count` characters: how many there were, and the byte after them (each, when
// `ends` is not NULL).
static size_t walk(const char *text, size_t count, size_t *ends, size_t *ret_offset)
{
    UErrorCode code = U_ZERO_ERROR;
    UText bytes = UTEXT_INITIALIZER;
    UBreakIterator *iterator = icu_get("graphemes", iterator_open, NULL, iterator_close);
    utext_openUTF8(&bytes, text, (int64_t)strlen(text), &code);
    if (iterator)
        ubrk_setUText(iterator, &bytes, &code);
    if (!iterator || U_FAILURE(code))
        abort(); // ICU's own data is missing
    size_t found = 0;
    int32_t at = ubrk_first(iterator);
    while (found < count) {
        int32_t next = ubrk_next(iterator);
        if (next == UBRK_DONE)
            break;
        at = next;
        if (ends)
            ends[found] = (size_t)at;
        found++;
    }
    // The iterator outlives the text, so it must not keep it.
    ubrk_setText(iterator, u"", 0, &code);
    utext_close(&bytes);
    *ret_offset = (size_t)at;
    return found;
}

size_t grapheme_count(const char *text)
{
    size_t offset;
    return is_plain(text) ? strlen(text) : walk(text, SIZE_MAX, NULL, &offset);
}

size_t grapheme_offset(const char *text, size_t index)
{
    size_t offset;
    if (is_plain(text))
        return strnlen(text, index);
    walk(text, index, NULL, &offset);
    return offset;
}

size_t *grapheme_ends(const char *text, size_t *ret_count)
{
    size_t offset;
    size_t *ends = x_calloc(strlen(text) + 1, sizeof *ends);
    *ret_count = walk(text, SIZE_MAX, ends, &offset);
    return ends;
}
