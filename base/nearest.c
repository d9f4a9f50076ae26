// SPDX-License-Identifier: MIT
// The nearest word by edit distance, for misspellings (see config.h).

#include <string.h>

#include "base/config.h"

// Edit distance of two short words (both cut at 63 bytes).
static unsigned distance(const char *a, const char *b)
{
    size_t a_len = strnlen(a, 63), b_len = strnlen(b, 63);
    unsigned row[64];
    for (size_t j = 0; j <= b_len; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned replace = diagonal + (a[i - 1] != b[j - 1]);
            unsigned other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replace < other ? replace : other;
        }
    }
    return row[b_len];
}

const char *nearest_word(const char *word, const char *const *words, unsigned max)
{
    const char *best = NULL;
    for (; *words; words++) {
        unsigned d = distance(word, *words);
        if (d <= max) {
            best = *words;
            max = d > 0 ? d - 1 : 0;
            if (d == 0)
                break;
        }
    }
    return best;
}
