// SPDX-License-Identifier: MIT
/*
 * JSON from outside, read without losing anything, into cJSON's trees (cJSON's own reading rounds
 * integers beyond 2^53, cuts strings at \u0000, lets invalid UTF-8 pass and ignores case).
 *
 * json_parse() makes one bounded pass over the bytes: size, depth, count of values, UTF-8, lone
 * surrogates, \u0000 and grammar are checked; integers of more than 15 digits become strings; and
 * the byte range of every value is kept, so that raw JSON is the bytes received and never a
 * re-print (json_raw). Look-ups are case-sensitive and tolerate NULL. Not shared by threads.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf;

struct json_limits {
    size_t max_bytes;  // 0 = 4 MiB
    size_t max_depth;  // 0 = 64 nested containers
    size_t max_values; // 0 = 1,000,000 values
};

struct json_doc; // the tree, the received bytes (copied) and their ranges

// Parses `len` bytes. On failure err says what and at which byte offset. limits may be NULL.
MUST_USE struct json_doc *json_parse(const void *data, size_t len, const struct json_limits *limits,
                                     struct err *err);
void json_doc_free(struct json_doc *doc);

// The root; borrowed, lives as long as the document. The tree cannot be changed; cJSON_Duplicate()
// gives one that can.
const cJSON *json_root(const struct json_doc *doc);

// The bytes that `item` (of this document, no copy) was read from; borrowed, not NUL-terminated.
const char *json_raw(const struct json_doc *doc, const cJSON *item, size_t *ret_len);

/*
 * As json_parse, but returns a plain cJSON tree that the caller owns (cJSON_Delete), for text that
 * is ours or whose ranges nobody needs.
 */
MUST_USE cJSON *json_read(const void *data, size_t len, struct err *err);
MUST_USE cJSON *json_read_within(const void *data, size_t len, const struct json_limits *limits,
                                 struct err *err);

// Member by exact name, or NULL (also when `object` is NULL or not an object).
const cJSON *json_get(const cJSON *object, const char *name);

// Walks "a.b.c" of objects (no arrays); NULL when any part is missing.
const cJSON *json_path(const cJSON *object, const char *path);

// The string value, or NULL when the member is missing or not a string.
const char *json_str(const cJSON *object, const char *name);

/*
 * An identifier: a string as it is, or a number's text (ids arrive as either). NULL when missing,
 * of another type, or a fraction. The number's text is written to `scratch`.
 */
const char *json_id(const cJSON *object, const char *name, char scratch[32]);

// A number, or a string that is wholly a number; `fallback` otherwise. Out of range saturates.
int64_t json_int(const cJSON *object, const char *name, int64_t fallback);

// A boolean; `fallback` otherwise.
bool json_bool(const cJSON *object, const char *name, bool fallback);

// Compact text, owned by the caller; NULL gives NULL. Numbers are written so that reading gives the
// same ones.
MUST_USE char *json_print(const cJSON *item);

// Members of an object whose brace is open, with their commas; what is NULL is left out.
void json_write_str(struct buf *out, const char *name, const char *value);
void json_write_int(struct buf *out, const char *name, int64_t value);
void json_write_tree(struct buf *out, const char *name, const cJSON *value);

// Adds a string member, unless value is NULL. Number members keep integers exact up to 2^53.
void json_add_str(cJSON *object, const char *name, const char *value);
void json_add_int(cJSON *object, const char *name, int64_t value);
