// SPDX-License-Identifier: MIT
/*
 * Allocation that never fails: on out-of-memory the process logs and aborts, so no caller has an
 * out-of-memory branch. In return, every size that comes from outside is bounded *before* it gets
 * here. Memory is released with plain free(). Any thread.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#define MUST_USE          __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

// Zeroed memory for one object of `size` bytes.
MUST_USE void *x_alloc(size_t size);

// Zeroed memory for `count` objects; aborts when the product overflows.
MUST_USE void *x_calloc(size_t count, size_t size);

// Resizes to `count` objects of `size`; new bytes are not zeroed.
MUST_USE void *x_realloc(void *p, size_t count, size_t size);

// A copy of the string; NULL gives NULL.
MUST_USE char *x_dup(const char *s);

// A NUL-terminated copy of `len` bytes.
MUST_USE char *x_dupn(const void *data, size_t len);

// A formatted string on the heap.
MUST_USE char *x_printf(const char *fmt, ...) PRINTF_LIKE(1, 2);
MUST_USE char *x_vprintf(const char *fmt, va_list ap) PRINTF_LIKE(1, 0);

// Makes cJSON allocate through this module. Called once, first thing in main().
void mem_init(void);
