// SPDX-License-Identifier: MIT
/*
 * A growing byte buffer with a bound. Always NUL-terminated, so `data` is a C string when it holds
 * text. Appending past `max` sets `overflow` and appends nothing more: check it once, at the end.
 * A zeroed struct is an empty buffer without a bound. Caller's storage; not shared by threads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct buf {
    char *data; // NULL while nothing was ever appended
    size_t len; // bytes, without the terminator
    size_t cap;
    size_t max; // 0 = no bound
    bool overflow;
};

void buf_init(struct buf *b, size_t max);
void buf_deinit(struct buf *b);
void buf_clear(struct buf *b); // keeps the memory and the bound

// Takes memory for `len` more bytes at once, where the bound allows it; never needed, but faster.
void buf_reserve(struct buf *b, size_t len);

void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_add_int(struct buf *b, int64_t n); // in decimal
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

// Appends `s` as a JSON string, quotes included (NULL gives null).
void buf_add_json_str(struct buf *b, const char *s);

// Writes n in decimal, with terminator, and returns its length.
enum { INT_TEXT = 24 };
size_t int_text(int64_t n, char out[INT_TEXT]);

// Moves the bytes out (never NULL; "" when empty) and leaves the buffer empty.
MUST_USE char *buf_take(struct buf *b);
