// SPDX-License-Identifier: MIT
/*
 * The shapes in which applications store a connected account, and how each becomes a struct
 * account. Inside models/ only.
 */
#pragma once

#include "models/account.h"

struct account_shape {
    const char *collection;
    const char
        *id_path[PLATFORM_COUNT]; // where the platform account id is; NULL = not in this shape
    bool ours;                    // false: another application owns the document's credentials
};

// In the order in which they are looked at; the first one is what account_add writes.
enum { ACCOUNT_SHAPES = 4 };
extern const struct account_shape account_shapes[ACCOUNT_SHAPES];

// Everything but the token. `platform` is what was asked for, or PLATFORM_COUNT: read from the
// document; account_id is then "" when the document is no account of Meta's, or has its id
// elsewhere.
MUST_USE struct account *account_from_document(const struct account_shape *shape,
                                               enum platform platform, const bson_t *doc);

// The field that holds the token, as stored: sealed by us, or plain by another application. NULL
// when there is none.
const char *account_stored_token(const struct account *account, const bson_t *doc);
// The field that we write it to.
const char *account_token_path(const struct account *account);

// Finds the account's document and the shape that it is in; the caller destroys the document.
// ERR_NOT_FOUND names what to do. Blocking.
MUST_USE bool account_locate(struct db *db, enum platform platform, const char *account_id,
                             const struct account_shape **ret_shape, bson_t **ret_doc,
                             struct err *err);
