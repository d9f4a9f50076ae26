// SPDX-License-Identifier: MIT
/*
 * How the archive is on disk: a file is a row of blocks, a block a header and deliveries, deflated
 * together. In the machine's own byte order.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    ARCHIVE_MAGIC = 0x41504d48,
    ARCHIVE_BLOCK = 256 << 10,     // bytes of deliveries that make a block
    ARCHIVE_BLOCK_MAX = 128 << 20, // of a block, deflated or not
    ARCHIVE_FILE = 16 << 20,       // bytes after which a file gets a successor
};
struct archive_block {
    uint32_t magic, plain_len, len; // `len` bytes follow
    uint32_t data_crc;
    int64_t first_ms, last_ms;
    uint32_t spare, crc; // of the bytes above
};
_Static_assert(sizeof(struct archive_block) == 40, "on disk");

struct archive_item { // then app, id, body
    int64_t at_ms;
    uint32_t app_len, id_len, body_len, spare;
};
_Static_assert(sizeof(struct archive_item) == 24, "on disk");
