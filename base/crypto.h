// SPDX-License-Identifier: MIT
/*
 * The few cryptographic operations that Hookmill needs, on OpenSSL's EVP. Lengths in bytes. Any
 * thread (contexts are per call or per thread).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SHA1_LEN = 20, SHA256_LEN = 32, AES256_KEY_LEN = 32 };

void crypto_sha256(const void *data, size_t len, uint8_t out[SHA256_LEN]);
// For names that others derive in this way (Redis its scripts'); it protects nothing.
void crypto_sha1(const void *data, size_t len, uint8_t out[SHA1_LEN]);
void crypto_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                        uint8_t out[SHA256_LEN]);

// Constant-time comparison of equal lengths.
bool crypto_equal(const void *a, const void *b, size_t len);

// Random bytes from the system; aborts when there are none to be had.
void crypto_random(void *out, size_t len);

// Lower-case hex with terminator: out has 2 * len + 1 bytes.
void hex_encode(const void *data, size_t len, char *out);
// Exactly 2 * out_len hex digits (either case) → bytes; false otherwise.
bool hex_decode(const char *hex, size_t hex_len, uint8_t *out, size_t out_len);

// Standard base64 with padding; caller frees.
MUST_USE char *base64_encode(const void *data, size_t len);
// Caller frees; NULL when it is not base64. *ret_len is the decoded length.
MUST_USE uint8_t *base64_decode(const char *text, size_t *ret_len);

/*
 * Encryption at rest: AES-256-GCM with a random 96-bit nonce. The sealed form is the text
 * `v1:<key id>:<base64 of nonce | ciphertext | tag>`; `aad` (e.g. the document's id) must be the
 * same when opening.
 */
struct keyring_key {
    char id[17]; // 1-16 characters of [A-Za-z0-9_-]
    uint8_t key[AES256_KEY_LEN];
};
struct keyring {
    struct keyring_key *keys; // keys[0] seals; all of them open
    size_t count;
};

// "id:base64" or "id:64 hex digits", comma-separated, newest first.
MUST_USE bool keyring_parse(const char *text, struct keyring *ret_ring, struct err *err);
void keyring_deinit(struct keyring *ring); // wipes the keys

MUST_USE char *keyring_seal(const struct keyring *ring, const char *plain, const char *aad);
// NULL with err when the key id is unknown or the text was tampered with. Caller frees (and wipes).
MUST_USE char *keyring_open(const struct keyring *ring, const char *sealed, const char *aad,
                            struct err *err);

// Overwrites a secret string before freeing it; NULL is fine.
void secret_free(char *secret);
