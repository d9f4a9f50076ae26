// SPDX-License-Identifier: MIT
// Tokens of callbacks' addresses (see callback_token.h).
#include "base/callback_token.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum {
    VERSION = 1,
    SIGNATURE_LEN = 16,
    SESSION_LEN = 16,
    HEAD_LEN = 5 + SESSION_LEN, // version, key, platform, day
};
static const char label[] = "hookmill callbacks 1";

/* Keys */

void callback_keys_init(struct callback_keys *keys, const struct keyring *ring)
{
    keys->keys = x_calloc(ring->count + 1, sizeof *keys->keys);
    keys->count = ring->count;
    for (size_t i = 0; i < ring->count; i++) {
        uint8_t mark[SHA256_LEN];
        struct callback_key *key = &keys->keys[i];
        crypto_hmac_sha256(ring->keys[i].key, AES256_KEY_LEN, label, sizeof label - 1, key->secret);
        crypto_sha256(ring->keys[i].id, strlen(ring->keys[i].id), mark);
        key->mark = mark[0];
    }
}

void callback_keys_deinit(struct callback_keys *keys)
{
    if (keys->keys)
        OPENSSL_cleanse(keys->keys, keys->count * sizeof *keys->keys);
    free(keys->keys);
    *keys = (struct callback_keys){0};
}

static void sign(const struct callback_key *key, const void *payload, size_t len,
                 uint8_t out[SHA256_LEN])
{
    crypto_hmac_sha256(key->secret, sizeof key->secret, payload, len, out);
}

/* Base64, as it stands in addresses */

static char *base64url_encode(const void *data, size_t len)
{
    char *text = base64_encode(data, len);
    text[strcspn(text, "=")] = '\0';
    for (char *c = text; *c; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    return text;
}

static uint8_t *base64url_decode(const char *token, size_t *ret_len)
{
    char text[CALLBACK_TOKEN_MAX + 4];
    size_t len = strnlen(token, CALLBACK_TOKEN_MAX + 1);
    if (len > CALLBACK_TOKEN_MAX)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        if (strchr("+/=", token[i]))
            return NULL;
        text[i] = token[i];
        if (token[i] == '-')
            text[i] = '+';
        if (token[i] == '_')
            text[i] = '/';
    }
    while (len % 4)
        text[len++] = '=';
    text[len] = '\0';
    return base64_decode(text, ret_len);
}

/* Making */

static bool uuid_pack(const char *text, uint8_t out[SESSION_LEN])
{
    char hex[2 * SESSION_LEN + 1];
    size_t len = 0;
    for (; *text && len < 2 * SESSION_LEN; text++)
        if (*text != '-')
            hex[len++] = *text;
    return !*text && hex_decode(hex, len, out, SESSION_LEN);
}

static void uuid_unpack(const uint8_t bytes[SESSION_LEN], char out[37])
{
    char hex[2 * SESSION_LEN + 1];
    hex_encode(bytes, SESSION_LEN, hex);
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static bool part_add(struct buf *out, const char *part)
{
    size_t len = part ? strlen(part) : 0;
    if (len == 0 || len > CALLBACK_PART_MAX)
        return false;
    buf_add_char(out, (char)len);
    buf_add(out, part, len);
    return true;
}

char *callback_token_make(const struct callback_keys *keys, const struct callback_address *address)
{
    uint8_t head[HEAD_LEN] = {VERSION};
    if (keys->count == 0 || !uuid_pack(address->session, head + 5))
        return NULL;
    head[1] = keys->keys[0].mark;
    head[2] = (uint8_t)address->platform;
    head[3] = (uint8_t)(address->day >> 8);
    head[4] = (uint8_t)address->day;
    struct buf out = {0};
    buf_add(&out, head, sizeof head);
    char *token = NULL;
    if (part_add(&out, address->account) && part_add(&out, address->contact) &&
        part_add(&out, address->name)) {
        uint8_t signature[SHA256_LEN];
        sign(&keys->keys[0], out.data, out.len, signature);
        buf_add(&out, signature, SIGNATURE_LEN);
        token = base64url_encode(out.data, out.len);
    }
    buf_deinit(&out);
    return token;
}

/* Reading */

// Of two keys with one mark (1 in 256) both are asked.
static bool signature_holds(const struct callback_keys *keys, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < keys->count; i++) {
        uint8_t signature[SHA256_LEN];
        if (keys->keys[i].mark != bytes[1])
            continue;
        sign(&keys->keys[i], bytes, len - SIGNATURE_LEN, signature);
        if (crypto_equal(signature, bytes + len - SIGNATURE_LEN, SIGNATURE_LEN))
            return true;
    }
    return false;
}

static char *part_take(const uint8_t **at, const uint8_t *end)
{
    if (*at >= end || **at == 0 || (size_t)(end - *at) < (size_t) * *at + 1)
        return NULL;
    const uint8_t *part = *at;
    *at += *part + 1;
    return x_dupn(part + 1, *part);
}

void callback_address_deinit(struct callback_address *address)
{
    free(address->account);
    free(address->contact);
    free(address->name);
    *address = (struct callback_address){0};
}

bool callback_token_read(const struct callback_keys *keys, const char *token,
                         struct callback_address *ret_address)
{
    size_t len = 0;
    uint8_t *bytes = base64url_decode(token, &len);
    if (!bytes || len < HEAD_LEN + SIGNATURE_LEN || !signature_holds(keys, bytes, len) ||
        bytes[0] != VERSION || bytes[2] >= PLATFORM_COUNT) {
        free(bytes);
        return false;
    }
    struct callback_address address = {.platform = (enum platform)bytes[2],
                                       .day = (unsigned)bytes[3] << 8 | bytes[4]};
    uuid_unpack(bytes + 5, address.session);
    const uint8_t *at = bytes + HEAD_LEN, *end = bytes + len - SIGNATURE_LEN;
    address.account = part_take(&at, end);
    address.contact = part_take(&at, end);
    address.name = part_take(&at, end);
    bool whole = address.account && address.contact && address.name && at == end;
    free(bytes);
    if (whole)
        *ret_address = address;
    else
        callback_address_deinit(&address);
    return whole;
}
