// SPDX-License-Identifier: MIT
// Texts in characters as people count them (grapheme clusters, by ICU). Private to engine/. Any
// thread; UTF-8 that is not valid counts as U+FFFD.
#pragma once

#include <stddef.h>

#include "base/mem.h"

size_t grapheme_count(const char *text);
// The byte at which the character number `index` begins; the end when there are fewer.
size_t grapheme_offset(const char *text, size_t index);
// The byte after each character: the caller's.
MUST_USE size_t *grapheme_ends(const char *text, size_t *ret_count);
