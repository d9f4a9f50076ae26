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
size_t path_count(const struct path *path);
const char *path_part(const struct path *path, size_t i);

// The value, borrowed, or NULL.
const cJSON *path_find(const struct path *path, const cJSON *root);
// The same, where the parts before `first` have led to `root`.
const cJSON *path_find_from(const struct path *path, size_t first, const cJSON *root);
// Puts owned_value there; objects on the way are made, anything else on the way is replaced by one.
void path_put(const struct path *path, cJSON *root, cJSON *owned_value);
