// SPDX-License-Identifier: MIT
/*
 * Secrets of an account, put where a request names them, at the last moment; and taken out of what
 * comes back, so that no record gets to hold them. Pure.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

#include "base/err.h"
#include "models/account.h"

enum secret_form {
    SECRET_PLAIN,
    SECRET_URL,  // percent-encoded: "/" stays in front of the query; as it is where it opens it
    SECRET_FORM, // percent-encoded
    SECRET_JSON, // inside a JSON text
};

// What has left, in every form that it left in: to be known again.
struct secrets_sent {
    char **forms;
    size_t count;
};
void secrets_sent_deinit(struct secrets_sent *sent); // wipes them

/*
 * The text with each MARKnameMARK replaced; to be wiped by secret_free(). NULL: err names the
 * secret that is not there (or cannot be opened). `sent` (zeroed at first) remembers.
 */
MUST_USE char *secret_fill(const struct account *account, const char *text, const char *mark,
                           enum secret_form form, struct secrets_sent *sent, struct err *err);
// One more form that leaves.
void secrets_sent_add(struct secrets_sent *sent, const char *form);

// Puts *** for what was sent, in every text and name of the tree. Secrets of less than 6 bytes
// stay.
void secrets_hide(const struct secrets_sent *sent, cJSON *tree);
// The same for one text; the caller's.
MUST_USE char *secrets_hide_text(const struct secrets_sent *sent, const char *text);
