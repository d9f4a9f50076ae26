// SPDX-License-Identifier: MIT
/*
 * ICU's objects cost microseconds to open, so each thread keeps the last ones used, by a key that
 * says all that they depend on: what they answer is the same as if they were opened anew. For
 * engine/ and nodes/. A thread's objects are closed when it ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <unicode/utypes.h>

#include "base/mem.h"

enum { ICU_KEY_MAX = 192, ICU_KEPT = 32 };

// What opens an object, from the key's arguments; NULL when ICU knows no such thing.
typedef void *(*icu_open_fn)(const void *arg);
typedef void (*icu_close_fn)(void *object);

// Borrowed until the next call. NULL: open() failed, or the key is too long.
void *icu_get(const char *key, icu_open_fn open, const void *arg, icu_close_fn close);

// Valid UTF-8 to UTF-16 and back; terminated, the caller's. NULL when it is not valid.
MUST_USE UChar *utf16_from(const char *text, int32_t *ret_len);
MUST_USE char *utf16_to(const UChar *text, int32_t len);

// "pt-BR", "pt_BR" and "PT_br" are "pt_BR" to ICU; NULL or nonsense is "en".
enum { LOCALE_MAX = 64 };
void locale_canonical(const char *locale, char out[LOCALE_MAX]);
