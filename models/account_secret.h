// SPDX-License-Identifier: MIT
/*
 * The named secrets of an account, `integrations.secrets`: API keys and the like that its flows
 * use. Each is sealed by itself, bound to the document and to its name, so that one cannot be put
 * in another's place. Blocking, except what account.h declares.
 */
#pragma once

#include "models/account.h"

enum {
    SECRETS_MAX = 50,           // of an account
    SECRET_BYTES_MAX = 8 * 1024 // of one value
};

// Adds or replaces. The value is UTF-8 text without NUL. ERR_INPUT says which rule is broken (never
// the value), ERR_LIMIT that there are SECRETS_MAX already.
MUST_USE bool account_set_secret(struct db *db, enum platform platform, const char *account_id,
                                 const char *name, const char *value, struct err *err);
// ERR_NOT_FOUND when there is none of that name.
MUST_USE bool account_remove_secret(struct db *db, enum platform platform, const char *account_id,
                                    const char *name, struct err *err);

// Names in their order; `readable`: its key is at hand.
typedef void (*account_secret_fn)(void *arg, const char *name, bool readable);
MUST_USE bool account_each_secret(struct db *db, enum platform platform, const char *account_id,
                                  account_secret_fn fn, void *arg, struct err *err);

// Inside models/: opens what the document has, up to SECRETS_MAX.
void account_read_secrets(struct db *db, const bson_t *doc, struct account *account);
