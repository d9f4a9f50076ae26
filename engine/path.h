// SPDX-License-Identifier: MIT
/*
 * The path of a variable: "name", "contact.name", "order.items[0].price" or "order.items.0.price".
 * Immutable.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

#include "base/err.h"

enum { PATH_PARTS_MAX = 16, PATH_BYTES_MAX = 256 };

struct path;

// Blanks around it are ignored. NULL with err when it is no path.
MUST_USE struct path *path_parse(const char *text, size_t len, struct err *err);
// A path of one part, whatever characters it has.
MUST_USE struct path *path_literal(const char *name);
void path_free(struct path *path);

const char *path_root(const struct path *path);

// The value, borrowed, or NULL.
const cJSON *path_find(const struct path *path, const cJSON *root);
// Puts owned_value there; objects on the way are made, anything else on the way is replaced by one.
void path_put(const struct path *path, cJSON *root, cJSON *owned_value);
