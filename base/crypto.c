// SPDX-License-Identifier: MIT
// Hashes, encodings and encryption at rest, on OpenSSL (see crypto.h).

#include "base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHA256_BLOCK = 64, NONCE_LEN = 12, TAG_LEN = 16, SEALED_MAX = 1 << 20, KEYS_MAX = 16 };

/*
 * Looked up once: OpenSSL's look-ups by name cost more than hashing a webhook. So does making a
 * context; each thread keeps one.
 */
static const EVP_MD *md_sha256;
static pthread_key_t thread_ctx;

static void broken(void)
{
    fprintf(stderr, "OpenSSL has no SHA-256 or SHA-1\n");
    abort();
}

static void free_ctx(void *ctx)
{
    EVP_MD_CTX_free(ctx);
}

static void fetch(void)
{
    md_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!md_sha256 || pthread_key_create(&thread_ctx, free_ctx) != 0)
        broken();
}

static EVP_MD_CTX *own_ctx(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch);
    EVP_MD_CTX *ctx = pthread_getspecific(thread_ctx);
    if (!ctx) {
        ctx = EVP_MD_CTX_new();
        if (!ctx || pthread_setspecific(thread_ctx, ctx) != 0)
            broken();
    }
    return ctx;
}

// Of two pieces, one after the other.
static void hash_two(EVP_MD_CTX *ctx, const void *a, size_t a_len, const void *b, size_t b_len,
                     uint8_t out[SHA256_LEN])
{
    if (!EVP_DigestInit_ex2(ctx, md_sha256, NULL) || !EVP_DigestUpdate(ctx, a, a_len) ||
        !EVP_DigestUpdate(ctx, b, b_len) || !EVP_DigestFinal_ex(ctx, out, NULL))
        broken();
}

void crypto_sha256(const void *data, size_t len, uint8_t out[SHA256_LEN])
{
    hash_two(own_ctx(), data, len, "", 0, out);
}

void crypto_sha1(const void *data, size_t len, uint8_t out[SHA1_LEN])
{
    if (!EVP_Digest(data, len, out, NULL, EVP_sha1(), NULL))
        broken();
}

// RFC 2104, on the thread's context: OpenSSL's own HMAC makes and copies five contexts each time.
void crypto_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                        uint8_t out[SHA256_LEN])
{
    EVP_MD_CTX *ctx = own_ctx();
    uint8_t block[SHA256_BLOCK] = {0}, inner[SHA256_LEN];
    if (key_len > sizeof block)
        hash_two(ctx, key, key_len, "", 0, block);
    else if (key_len > 0)
        memcpy(block, key, key_len);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36;
    hash_two(ctx, block, sizeof block, data, len, inner);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36 ^ 0x5c;
    hash_two(ctx, block, sizeof block, inner, sizeof inner, out);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(inner, sizeof inner);
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void crypto_random(void *out, size_t len)
{
    if (RAND_bytes(out, (int)len) != 1) {
        fprintf(stderr, "no random bytes to be had\n");
        abort();
    }
}

void hex_encode(const void *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_decode(const char *hex, size_t hex_len, uint8_t *out, size_t out_len)
{
    if (hex_len != 2 * out_len)
        return false;
    for (size_t i = 0; i < out_len; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

char *base64_encode(const void *data, size_t len)
{
    char *text = x_alloc(4 * ((len + 2) / 3) + 1);
    EVP_EncodeBlock((unsigned char *)text, data, (int)len);
    return text;
}

uint8_t *base64_decode(const char *text, size_t *ret_len)
{
    size_t len = strlen(text);
    if (len == 0 || len % 4 != 0 || len > SEALED_MAX)
        return NULL;
    uint8_t *data = x_alloc(len / 4 * 3 + 1);
    int decoded = EVP_DecodeBlock(data, (const unsigned char *)text, (int)len);
    if (decoded < 0) {
        free(data);
        return NULL;
    }
    size_t padding = (size_t)(text[len - 1] == '=') + (size_t)(text[len - 2] == '=');
    *ret_len = (size_t)decoded - padding;
    return data;
}

/* --- keyring -----------------------------------------------------------------------------------
 */

static bool parse_key(const char *text, size_t len, struct keyring_key *key, struct err *err)
{
    const char *colon = memchr(text, ':', len);
    size_t id_len = colon ? (size_t)(colon - text) : 0;
    if (id_len == 0 || id_len > 16)
        return err_set(err, ERR_CONFIG,
                       "encryption key: each key is written id:key, the id has 1-16 characters");
    for (size_t i = 0; i < id_len; i++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", text[i]))
            return err_set(err, ERR_CONFIG,
                           "encryption key: an id is made of letters, digits, _ and -");
    memcpy(key->id, text, id_len);
    size_t key_len = len - id_len - 1;
    if (hex_decode(colon + 1, key_len, key->key, AES256_KEY_LEN))
        return true;
    char *encoded = x_dupn(colon + 1, key_len);
    size_t raw_len = 0;
    uint8_t *raw = base64_decode(encoded, &raw_len);
    bool ok = raw && raw_len == AES256_KEY_LEN;
    if (ok)
        memcpy(key->key, raw, AES256_KEY_LEN);
    secret_free(encoded);
    if (raw)
        OPENSSL_cleanse(raw, raw_len);
    free(raw);
    if (!ok)
        return err_set(err, ERR_CONFIG,
                       "encryption key '%s': 32 bytes are needed, as 64 hex digits or base64 "
                       "(openssl rand -hex 32)",
                       key->id);
    return true;
}

bool keyring_parse(const char *text, struct keyring *ret_ring, struct err *err)
{
    struct keyring ring = {.keys = x_calloc(KEYS_MAX, sizeof *ring.keys)};
    while (*text) {
        size_t len = strcspn(text, ",");
        if (ring.count == KEYS_MAX) {
            keyring_deinit(&ring);
            return err_set(err, ERR_CONFIG, "encryption key: at most %d keys", KEYS_MAX);
        }
        if (!parse_key(text, len, &ring.keys[ring.count], err)) {
            keyring_deinit(&ring);
            return false;
        }
        ring.count++;
        text += len + (text[len] == ',');
    }
    if (ring.count == 0) {
        keyring_deinit(&ring);
        return err_set(err, ERR_CONFIG, "encryption key: empty");
    }
    *ret_ring = ring;
    return true;
}

void keyring_deinit(struct keyring *ring)
{
    if (ring->keys)
        OPENSSL_cleanse(ring->keys, KEYS_MAX * sizeof *ring->keys);
    free(ring->keys);
    *ring = (struct keyring){0};
}

char *keyring_seal(const struct keyring *ring, const char *plain, const char *aad)
{
    size_t len = strlen(plain);
    uint8_t *box = x_alloc(NONCE_LEN + len + TAG_LEN); // nonce | ciphertext | tag
    crypto_random(box, NONCE_LEN);
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, ring->keys[0].key, box);
    EVP_EncryptUpdate(ctx, NULL, &n, (const uint8_t *)aad, (int)strlen(aad));
    EVP_EncryptUpdate(ctx, box + NONCE_LEN, &n, (const uint8_t *)plain, (int)len);
    EVP_EncryptFinal_ex(ctx, box + NONCE_LEN + n, &n);
    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, box + NONCE_LEN + len);
    EVP_CIPHER_CTX_free(ctx);
    char *encoded = base64_encode(box, NONCE_LEN + len + TAG_LEN);
    char *sealed = x_printf("v1:%s:%s", ring->keys[0].id, encoded);
    free(encoded);
    free(box);
    return sealed;
}

static const struct keyring_key *find_key(const struct keyring *ring, const char *id, size_t len)
{
    for (size_t i = 0; i < ring->count; i++)
        if (strlen(ring->keys[i].id) == len && memcmp(ring->keys[i].id, id, len) == 0)
            return &ring->keys[i];
    return NULL;
}

// Decrypts box = nonce | ciphertext | tag; NULL when the tag does not match.
static char *open_box(const uint8_t key[AES256_KEY_LEN], uint8_t *box, size_t box_len,
                      const char *aad)
{
    size_t len = box_len - NONCE_LEN - TAG_LEN;
    char *plain = x_alloc(len + 1);
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, box);
    EVP_DecryptUpdate(ctx, NULL, &n, (const uint8_t *)aad, (int)strlen(aad));
    EVP_DecryptUpdate(ctx, (uint8_t *)plain, &n, box + NONCE_LEN, (int)len);
    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, box + NONCE_LEN + len);
    bool ok = EVP_DecryptFinal_ex(ctx, (uint8_t *)plain + n, &n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (ok)
        return plain;
    OPENSSL_cleanse(plain, len);
    free(plain);
    return NULL;
}

char *keyring_open(const struct keyring *ring, const char *sealed, const char *aad, struct err *err)
{
    const char *id = strncmp(sealed, "v1:", 3) == 0 ? sealed + 3 : NULL;
    const char *colon = id ? strchr(id, ':') : NULL;
    if (!colon) {
        err_set(err, ERR_INPUT, "not an encrypted secret (v1:key id:data)");
        return NULL;
    }
    const struct keyring_key *key = find_key(ring, id, (size_t)(colon - id));
    if (!key) {
        err_set(err, ERR_CONFIG, "encrypted with key '%.*s', which is not in encryption.key",
                (int)(colon - id > 16 ? 16 : colon - id), id);
        return NULL;
    }
    size_t len = 0;
    uint8_t *box = base64_decode(colon + 1, &len);
    char *plain = box && len >= NONCE_LEN + TAG_LEN ? open_box(key->key, box, len, aad) : NULL;
    free(box);
    if (!plain)
        err_set(err, ERR_INPUT, "the secret was changed, or belongs to another document");
    return plain;
}

void secret_free(char *secret)
{
    if (secret)
        OPENSSL_cleanse(secret, strlen(secret));
    free(secret);
}
