// SPDX-License-Identifier: MIT
// How keywords are looked for in what was written (see trigger_set.h).
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "engine/fold.h"
#include "engine/trigger_set.h"

char *trigger_fold(const char *text)
{
    char *folded = text_fold(text);
    char *out = folded;
    for (const char *in = folded; *in; in++) {
        bool blank = strchr(" \t\r\n", *in);
        if (!blank)
            *out++ = *in;
        else if (out > folded && out[-1] != ' ')
            *out++ = ' ';
    }
    while (out > folded && out[-1] == ' ')
        out--;
    *out = '\0';
    return folded;
}

char *trigger_text(const struct event *event)
{
    if (!event->text || !*event->text)
        return NULL;
    char *cut =
        x_dupn(event->text, utf8_cut_bytes(event->text, strlen(event->text), TRIGGER_READS_BYTES));
    char *folded = trigger_fold(cut);
    free(cut);
    return folded;
}

// Letters, digits, and the marks that are sounds of a word.
static bool is_of_word(UChar32 c)
{
    return c >= 0 && (u_isalnum(c) || U_GET_GC_MASK(c) & (U_GC_MN_MASK | U_GC_MC_MASK));
}

static UChar32 character_before(const char *text, size_t at)
{
    UChar32 c = 0;
    int32_t i = (int32_t)at;
    if (i > 0)
        U8_PREV((const uint8_t *)text, 0, i, c);
    return c;
}

static UChar32 character_at(const char *text, size_t at)
{
    UChar32 c = 0;
    int32_t i = (int32_t)at;
    if (text[at])
        U8_NEXT((const uint8_t *)text, i, -1, c);
    return c;
}

// Somewhere in the text, and no letter or digit goes on beyond its ends.
bool text_has_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    bool open_start = !is_of_word(character_at(word, 0));
    bool open_end = !is_of_word(character_before(word, len));
    for (const char *found = text; (found = strstr(found, word)); found++) {
        size_t at = (size_t)(found - text);
        if ((open_start || !is_of_word(character_before(text, at))) &&
            (open_end || !is_of_word(character_at(text, at + len))))
            return true;
    }
    return false;
}

// The text is the keyword; signs around it ("menu!", "¿menú?") do not count.
bool text_is_exactly(const char *text, const char *word)
{
    if (strcmp(text, word) == 0)
        return true;
    size_t start = 0, end = strlen(text);
    while (start < end && !is_of_word(character_at(text, start)))
        start += utf8_cut_chars(text + start, end - start, 1);
    while (end > start && !is_of_word(character_before(text, end))) {
        int32_t i = (int32_t)end;
        U8_BACK_1((const uint8_t *)text, 0, i);
        end = (size_t)i;
    }
    return end - start == strlen(word) && strncmp(text + start, word, end - start) == 0;
}
