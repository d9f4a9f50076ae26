// SPDX-License-Identifier: MIT
/*
 * The verification request that Meta sends when a callback address is saved:
 *   GET /webhooks/{app}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=…
 * The answer is the challenge, verbatim.
 */
#pragma once

enum { CHALLENGE_MAX = 256 };

/*
 * Judges the query (as received, without '?'; NULL is empty). Returns the HTTP status: 200 with the
 * challenge in `ret_challenge`, 403 when the token differs, 400 when a parameter is missing,
 * repeated or not acceptable.
 */
int challenge_check(const char *query, const char *verify_token,
                    char ret_challenge[CHALLENGE_MAX + 1]);
