// SPDX-License-Identifier: MIT
// UTF-8 checks and cuts. Pure; any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// True when all `len` bytes are well-formed UTF-8 (no surrogates, no overlong forms, ≤ U+10FFFF).
bool utf8_valid(const char *s, size_t len);

// How many bytes a JSON string holds as they are: the run up to the first quote, backslash or
// control character.
size_t utf8_plain_run(const char *s, size_t len);

// The number of code points in a valid string.
size_t utf8_length(const char *s);

// The largest cut ≤ max_bytes that does not split a character.
size_t utf8_cut_bytes(const char *s, size_t len, size_t max_bytes);

// The byte length of the first `max_chars` code points (the whole length when there are fewer).
size_t utf8_cut_chars(const char *s, size_t len, size_t max_chars);
