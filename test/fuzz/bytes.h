// SPDX-License-Identifier: MIT
/*
 * Choices out of bytes: each takes the next one; behind the last they are all the first of what
 * there is to choose from, so that whatever is made of them comes to an end.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    const uint8_t *at, *end;
};

static inline unsigned bytes_next(struct bytes *bytes)
{
    return bytes->at < bytes->end ? *bytes->at++ : 0;
}

// A number below `bound`, which is 1 to 256.
static inline unsigned bytes_below(struct bytes *bytes, unsigned bound)
{
    assert(bound > 0);
    return bytes_next(bytes) % bound;
}

// True once in `times`.
static inline bool bytes_one_in(struct bytes *bytes, unsigned times)
{
    return bytes_next(bytes) % times == times - 1;
}

#define BYTES_PICK(bytes, list) ((list)[bytes_below(bytes, sizeof(list) / sizeof *(list))])
