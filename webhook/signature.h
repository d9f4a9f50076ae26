// SPDX-License-Identifier: MIT
/*
 * Meta's signature of a delivery: `X-Hub-Signature-256: sha256=<64 lower-case hex digits>`, an
 * HMAC-SHA256 over the body's bytes as they arrived, keyed with the app secret as text. Checked
 * before anything is parsed.
 */
#pragma once

#include <stddef.h>

#include "base/config.h"

enum signature {
    SIGNATURE_GOOD,
    SIGNATURE_MISSING,   // no header
    SIGNATURE_MALFORMED, // not exactly sha256=<64 lower-case hex digits>
    SIGNATURE_WRONG,     // well-formed, but of another secret or another body
};

// Accepts the app's secret and, while one is being rotated out, its previous one. Constant time in
// both.
enum signature signature_check(const struct config_app *app, const char *header, const void *body,
                               size_t len);

// For logs: "header missing" …
const char *signature_reason(enum signature signature);

// "sha256=…" with terminator, for what signs deliveries itself (the simulator, tests).
enum { SIGNATURE_TEXT = 7 + 64 + 1 };
void signature_make(const char *secret, const void *body, size_t len, char out[SIGNATURE_TEXT]);
