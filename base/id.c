// SPDX-License-Identifier: MIT
// Derived and random names (see id.h).

#include "base/id.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"

// SHA-256 over the parts, each behind its length, so that ("ab","c") and ("a","bc") differ.
static void hash_parts(uint8_t out[SHA256_LEN], va_list parts)
{
    struct buf all = {0};
    for (const char *part = va_arg(parts, const char *); part; part = va_arg(parts, const char *)) {
        uint32_t len = (uint32_t)strlen(part);
        uint8_t head[4] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                           (uint8_t)len};
        buf_add(&all, head, sizeof head);
        buf_add(&all, part, len);
    }
    crypto_sha256(all.data, all.len, out);
    buf_deinit(&all);
}

void id_oid(char out[ID_OID_HEX], ...)
{
    uint8_t digest[SHA256_LEN];
    va_list parts;
    va_start(parts, out);
    hash_parts(digest, parts);
    va_end(parts);
    hex_encode(digest, 12, out);
}

void id_hash128(uint8_t out[16], ...)
{
    uint8_t digest[SHA256_LEN];
    va_list parts;
    va_start(parts, out);
    hash_parts(digest, parts);
    va_end(parts);
    memcpy(out, digest, 16);
}

void id_uuid(char out[37])
{
    uint8_t r[16];
    crypto_random(r, sizeof r);
    r[6] = (r[6] & 0x0f) | 0x40; // version 4
    r[8] = (r[8] & 0x3f) | 0x80; // variant 1
    char hex[33];
    hex_encode(r, sizeof r, hex);
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

uint32_t id_fnv32(const char *s)
{
    uint32_t hash = 2166136261u;
    for (; *s; s++)
        hash = (hash ^ (uint8_t)*s) * 16777619u;
    return hash;
}
