// SPDX-License-Identifier: MIT
// X-Hub-Signature-256 over the raw body (see signature.h).

#include "webhook/signature.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/crypto.h"

static const char prefix[] = "sha256=";
enum { PREFIX_LEN = sizeof prefix - 1 };

static bool matches(const char *secret, const uint8_t given[SHA256_LEN], const void *body,
                    size_t len)
{
    uint8_t right[SHA256_LEN];
    crypto_hmac_sha256(secret, strlen(secret), body, len, right);
    return crypto_equal(right, given, SHA256_LEN);
}

enum signature signature_check(const struct config_app *app, const char *header, const void *body,
                               size_t len)
{
    if (!header)
        return SIGNATURE_MISSING;
    if (strlen(header) != SIGNATURE_TEXT - 1 || memcmp(header, prefix, PREFIX_LEN) != 0)
        return SIGNATURE_MALFORMED;
    const char *hex = header + PREFIX_LEN;
    uint8_t given[SHA256_LEN];
    if (strspn(hex, "0123456789abcdef") != 2 * SHA256_LEN ||
        !hex_decode(hex, 2 * SHA256_LEN, given, sizeof given))
        return SIGNATURE_MALFORMED;
    // An empty secret would let everybody in: it never matches.
    bool good = app->secret && *app->secret && matches(app->secret, given, body, len);
    if (!good && app->previous_secret && *app->previous_secret)
        good = matches(app->previous_secret, given, body, len);
    return good ? SIGNATURE_GOOD : SIGNATURE_WRONG;
}

const char *signature_reason(enum signature signature)
{
    static const char *const reasons[] = {"good", "header missing",
                                          "header is not sha256=<64 lower-case hex digits>",
                                          "of another secret or another body"};
    return reasons[signature];
}

void signature_make(const char *secret, const void *body, size_t len, char out[SIGNATURE_TEXT])
{
    uint8_t mac[SHA256_LEN];
    crypto_hmac_sha256(secret, strlen(secret), body, len, mac);
    memcpy(out, prefix, PREFIX_LEN);
    hex_encode(mac, sizeof mac, out + PREFIX_LEN);
}
