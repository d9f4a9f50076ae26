// SPDX-License-Identifier: MIT
// A bounded, growing byte buffer (see buf.h).

#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_deinit(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->overflow = false;
    if (b->data)
        b->data[0] = '\0';
}

// Makes room for `len` more bytes and the terminator; false when the bound forbids it.
static bool reserve(struct buf *b, size_t len)
{
    if (b->overflow || (b->max && len > b->max - b->len)) {
        b->overflow = true;
        return false;
    }
    size_t need = b->len + len + 1;
    if (need > b->cap) {
        size_t cap = b->cap ? b->cap : 256;
        while (cap < need)
            cap *= 2;
        b->data = x_realloc(b->data, cap, 1);
        b->cap = cap;
    }
    return true;
}

void buf_reserve(struct buf *b, size_t len)
{
    if (len == 0 || b->overflow || (b->max && len > b->max - b->len))
        return;
    if (reserve(b, len))
        b->data[b->len] = '\0';
}

void buf_add(struct buf *b, const void *data, size_t len)
{
    if (!reserve(b, len))
        return;
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_add_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_add_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

size_t int_text(int64_t n, char out[INT_TEXT])
{
    char digits[INT_TEXT];
    char *p = digits + sizeof digits;
    uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    *--p = '\0';
    do {
        *--p = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (n < 0)
        *--p = '-';
    size_t len = (size_t)(digits + sizeof digits - 1 - p);
    memcpy(out, p, len + 1);
    return len;
}

void buf_add_int(struct buf *b, int64_t n)
{
    char text[INT_TEXT];
    buf_add(b, text, int_text(n, text));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    char small[256]; // most of what is printed fits; the rest goes over the heap
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (len >= 0 && (size_t)len < sizeof small) {
        buf_add(b, small, (size_t)len);
        return;
    }
    va_start(ap, fmt);
    char *text = x_vprintf(fmt, ap);
    va_end(ap);
    buf_add_str(b, text);
    free(text);
}

static void add_escaped(struct buf *b, unsigned char c)
{
    if (c == '"' || c == '\\')
        buf_printf(b, "\\%c", c);
    else if (c == '\n')
        buf_add_str(b, "\\n");
    else
        buf_printf(b, "\\u%04x", c);
}

void buf_add_json_str(struct buf *b, const char *s)
{
    if (!s) {
        buf_add_str(b, "null");
        return;
    }
    size_t left = strlen(s);
    buf_reserve(b, left + 2);
    buf_add_char(b, '"');
    for (;;) {
        size_t run = utf8_plain_run(s, left);
        buf_add(b, s, run);
        if (run == left)
            break;
        add_escaped(b, (unsigned char)s[run]);
        s += run + 1;
        left -= run + 1;
    }
    buf_add_char(b, '"');
}

char *buf_take(struct buf *b)
{
    char *data = b->data ? b->data : x_dup("");
    size_t max = b->max;
    *b = (struct buf){.max = max};
    return data;
}
