// SPDX-License-Identifier: MIT
// Allocation that never fails (see mem.h).

#include "base/mem.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *p, size_t size)
{
    if (!p) {
        fprintf(stderr, "out of memory: %zu bytes\n", size);
        abort();
    }
    return p;
}

void *x_alloc(size_t size)
{
    return must(calloc(1, size ? size : 1), size);
}

void *x_calloc(size_t count, size_t size)
{
    return must(calloc(count ? count : 1, size ? size : 1), size);
}

void *x_realloc(void *p, size_t count, size_t size)
{
    return must(reallocarray(p, count ? count : 1, size ? size : 1), size);
}

char *x_dup(const char *s)
{
    return s ? must(strdup(s), strlen(s)) : NULL;
}

char *x_dupn(const void *data, size_t len)
{
    char *copy = must(malloc(len + 1), len);
    if (len > 0)
        memcpy(copy, data, len);
    copy[len] = '\0';
    return copy;
}

char *x_vprintf(const char *fmt, va_list ap)
{
    char *text = NULL;
    int len = vasprintf(&text, fmt, ap);
    return must(len < 0 ? NULL : text, 0);
}

char *x_printf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = x_vprintf(fmt, ap);
    va_end(ap);
    return text;
}

static void *json_malloc(size_t size)
{
    return must(malloc(size ? size : 1), size);
}

void mem_init(void)
{
    cJSON_Hooks hooks = {.malloc_fn = json_malloc, .free_fn = free};
    cJSON_InitHooks(&hooks);
}
