// SPDX-License-Identifier: MIT
// The verification challenge (see challenge.h).

#include "webhook/challenge.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/utf8.h"

enum { TOKEN_MAX = 1024 };

// Percent-decodes `len` bytes, '+' being a blank. False: bad escape, control character, or over
// `max`.
static bool decode(const char *in, size_t len, char *out, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)in[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            if (len - i < 3 || !hex_decode(in + i + 1, 2, &c, 1))
                return false;
            i += 2;
        }
        if (c < 0x20 || c == 0x7f || n == max)
            return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return utf8_valid(out, n);
}

// The one parameter of that name; false when it is missing, repeated, or its value does not decode.
static bool parameter(const char *query, const char *name, char *out, size_t max)
{
    size_t name_len = strlen(name);
    bool found = false;
    while (*query) {
        size_t len = strcspn(query, "&");
        if (len > name_len && query[name_len] == '=' && memcmp(query, name, name_len) == 0) {
            if (found || !decode(query + name_len + 1, len - name_len - 1, out, max))
                return false;
            found = true;
        }
        query += len + (query[len] == '&');
    }
    return found;
}

// Compares hashes, so that neither length nor content shows in the time it takes.
static bool token_equal(const char *a, const char *b)
{
    uint8_t hash_a[SHA256_LEN], hash_b[SHA256_LEN];
    crypto_sha256(a, strlen(a), hash_a);
    crypto_sha256(b, strlen(b), hash_b);
    return crypto_equal(hash_a, hash_b, SHA256_LEN);
}

int challenge_check(const char *query, const char *verify_token,
                    char ret_challenge[CHALLENGE_MAX + 1])
{
    char mode[16], token[TOKEN_MAX + 1], challenge[CHALLENGE_MAX + 1];
    if (!query || !parameter(query, "hub.mode", mode, sizeof mode - 1) ||
        !parameter(query, "hub.verify_token", token, TOKEN_MAX) ||
        !parameter(query, "hub.challenge", challenge, CHALLENGE_MAX) || !*challenge)
        return 400;
    if (strcmp(mode, "subscribe") != 0)
        return 400;
    if (!verify_token || !*verify_token || !token_equal(token, verify_token))
        return 403;
    memcpy(ret_challenge, challenge, strlen(challenge) + 1);
    return 200;
}
