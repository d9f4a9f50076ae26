// SPDX-License-Identifier: MIT
// What the connectors read from a provider's answers alike: hints when to try again, words for
// people. Pure.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "connectors/http.h"

enum { ANSWER_TEXT_MAX = 400 }; // bytes of answer_text(), terminator included

/*
 * How long the provider asks to wait, in ms, at most 24 h; 0 = it does not say. Read from
 * `Retry-After` in seconds and from Meta's `X-…-Usage` headers (minutes in
 * `estimated_time_to_regain_access`); the longest wins.
 */
int64_t answer_retry_after_ms(const struct http_response *response);

/*
 * Copies the provider's words as one printable line: control characters become blanks, each
 * occurrence of `secret` (NULL: none) becomes "***", cut at a character boundary. NULL text gives
 * "".
 */
void answer_text(char out[ANSWER_TEXT_MAX], const char *text, const char *secret);
