// SPDX-License-Identifier: MIT
/*
 * The token of a callback's address: it names the node of a session of a chat, and is signed, so
 * that whoever has it can call back there, and nobody can make one up. Stateless: the listener
 * needs the keys alone.
 *
 *   base64url( version | key | platform | day | session | account | contact | name | signature )
 *
 * The signature is HMAC-SHA256, cut to 128 bits, with a key derived from a configured one; `key` is
 * a byte of that key's own, so that one signature is computed, whatever arrives. What the token
 * names can be read by whoever has it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/event.h"

enum { CALLBACK_TOKEN_MAX = 1200, CALLBACK_PART_MAX = 255 };

// keys[0] signs; all of them are believed.
struct callback_keys {
    struct callback_key {
        uint8_t mark; // in the token
        uint8_t secret[SHA256_LEN];
    } * keys;
    size_t count;
};
// From the configured keys, in their order.
void callback_keys_init(struct callback_keys *keys, const struct keyring *ring);
void callback_keys_deinit(struct callback_keys *keys); // wipes them

struct callback_address {
    enum platform platform;
    unsigned day; // since 1970, on which the session began
    char session[37];
    char *account, *contact, *name; // at most CALLBACK_PART_MAX bytes each
};
void callback_address_deinit(struct callback_address *address);

// NULL when there is no key, a part is too long, or the session's id is no UUID. Caller frees.
MUST_USE char *callback_token_make(const struct callback_keys *keys,
                                   const struct callback_address *address);
// False: nobody with one of our keys made it. Costs one hash at most.
MUST_USE bool callback_token_read(const struct callback_keys *keys, const char *token,
                                  struct callback_address *ret_address);
