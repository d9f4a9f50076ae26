// SPDX-License-Identifier: MIT
#include "test/bench/allocations.h"

#include <stdlib.h>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);

static uint64_t counted; // by one thread: bench_engine has no other

void *malloc(size_t size)
{
    counted++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    counted++;
    return __libc_calloc(count, size);
}

void *realloc(void *p, size_t size)
{
    counted++;
    return __libc_realloc(p, size);
}

bool allocations_are_counted(void)
{
    return true;
}

uint64_t allocations_count(void)
{
    return counted;
}

#else

bool allocations_are_counted(void)
{
    return false;
}

uint64_t allocations_count(void)
{
    return 0;
}

#endif
