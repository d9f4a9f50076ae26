// SPDX-License-Identifier: MIT
/*
 * `hookmill init`: collections, indexes and the first admin user. Idempotent; every action and
 * everything that the server cannot do is told through `say`. Blocking.
 */
#pragma once

#include "models/store.h"

typedef void (*setup_say_fn)(void *arg, const char *line);

MUST_USE bool setup_indexes(struct db *db, setup_say_fn say, void *arg, struct err *err);

/*
 * Tells each index that is not there ("collection.name"), for `hookmill doctor`; text indexes are
 * left out, as not every server has them. Changes nothing.
 */
MUST_USE bool setup_missing_indexes(struct db *db, setup_say_fn say, void *arg, struct err *err);

// Creates the admin (bcrypt cost 10) unless a user with that e-mail exists. ret_created may be
// NULL.
MUST_USE bool setup_admin(struct db *db, const char *email, const char *password, bool *ret_created,
                          struct err *err);

// The owner of what is added without --user: e-mail → id; NULL = the oldest admin. ERR_NOT_FOUND.
MUST_USE bool user_find(struct db *db, const char *email, char ret_id[25], struct err *err);
// globalAI.knowledgeBase of the user, cut at max_bytes; NULL where there is none, or no such user.
MUST_USE bool user_knowledge(struct db *db, const char *id, size_t max_bytes, char **ret_text,
                             struct err *err);
