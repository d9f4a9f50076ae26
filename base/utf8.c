// SPDX-License-Identifier: MIT
// UTF-8 checks and cuts (see utf8.h). Well-formed sequences: Unicode standard, table 3-7.

#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

// The length of the well-formed sequence at s, or 0.
static size_t sequence(const unsigned char *s, size_t len)
{
    if (s[0] < 0x80)
        return 1;
    size_t need;
    unsigned char low = 0x80, high = 0xbf; // the bounds of the second byte
    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        need = 2;
    } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
        need = 3;
        low = s[0] == 0xe0 ? 0xa0 : low;
        high = s[0] == 0xed ? 0x9f : high;
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        need = 4;
        low = s[0] == 0xf0 ? 0x90 : low;
        high = s[0] == 0xf4 ? 0x8f : high;
    } else {
        return 0;
    }
    if (len < need || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return need;
}

bool utf8_valid(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s;
    for (size_t i = 0; i < len;) {
        uint64_t eight;
        if (len - i >= sizeof eight) { // eight ASCII bytes at a time
            memcpy(&eight, p + i, sizeof eight);
            if (!(eight & 0x8080808080808080u)) {
                i += sizeof eight;
                continue;
            }
        }
        size_t step = sequence(p + i, len - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

size_t utf8_plain_run(const char *s, size_t len)
{
    static const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    size_t i = 0;
    for (; len - i >= 8; i += 8) { // eight at a time: a byte that is zero, or below ' ', borrows
        uint64_t eight;
        memcpy(&eight, s + i, sizeof eight);
        uint64_t quote = eight ^ ones * '"', backslash = eight ^ ones * '\\';
        if ((((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
             ((eight - ones * ' ') & ~eight)) &
            tops)
            break;
    }
    while (i < len && s[i] != '"' && s[i] != '\\' && (unsigned char)s[i] >= ' ')
        i++;
    return i;
}

static bool is_start(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

size_t utf8_length(const char *s)
{
    size_t chars = 0;
    for (; *s; s++)
        chars += is_start(*s);
    return chars;
}

size_t utf8_cut_bytes(const char *s, size_t len, size_t max_bytes)
{
    if (len <= max_bytes)
        return len;
    size_t cut = max_bytes;
    while (cut > 0 && !is_start(s[cut]))
        cut--;
    return cut;
}

size_t utf8_cut_chars(const char *s, size_t len, size_t max_chars)
{
    size_t chars = 0;
    for (size_t i = 0; i < len; i++) {
        if (!is_start(s[i]))
            continue;
        if (chars == max_chars)
            return i;
        chars++;
    }
    return len;
}
