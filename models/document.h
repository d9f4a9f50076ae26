// SPDX-License-Identifier: MIT
/*
 * Small helpers of the model files: reading fields of a BSON document by dotted path, writing those
 * that are set, and the two ways between JSON and BSON. Inside models/ only. Pure, except
 * document_find; any thread.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "models/store.h"

enum {
    DOCUMENT_BYTES_MAX = 16 * 1024 * 1024 - 16 * 1024
}; // MongoDB's limit, less room for what an update adds

/* --- reading; `path` may be dotted ----------------------------------------------------------- */

const char *document_str(const bson_t *doc,
                         const char *path); // borrowed; NULL when missing or no string
int64_t document_int(const bson_t *doc, const char *path,
                     int64_t fallback); // numbers and dates (ms)
double document_double(const bson_t *doc, const char *path, double fallback);
bool document_bool(const bson_t *doc, const char *path, bool fallback);
// An ObjectId, or a string that holds one.
bool document_oid(const bson_t *doc, const char *path, char out[25]);
bool document_has(const bson_t *doc, const char *path);

/* --- writing --------------------------------------------------------------------------------- */

void document_add_str(bson_t *doc, const char *key, const char *value); // left out when NULL
void document_add_oid(bson_t *doc, const char *key,
                      const char *hex);                           // left out unless 24 hex digits
void document_add_date(bson_t *doc, const char *key, int64_t ms); // left out when 0
/*
 * Literal JSON from outside (variables, histories): nothing in it is read as extended JSON. A
 * leading '$' of a key becomes '＄' and an empty key '_', which MongoDB can store everywhere; what
 * is nested too deep becomes its text.
 */
void document_add_json(bson_t *doc, const char *key, const cJSON *value); // left out when NULL

bson_oid_t document_oid_of(const char *hex); // of 24 hex digits

/* --- whole documents -------------------------------------------------------------------------- */

// Relaxed extended JSON; the caller deletes it.
MUST_USE bool document_to_json(const bson_t *doc, cJSON **ret_json, struct err *err);
// Extended JSON to BSON; the caller destroys it. ERR_INPUT says why not.
MUST_USE bool document_from_json(const cJSON *json, bson_t **ret_doc, struct err *err);

/*
 * The first document that matches; opts (may be NULL) as for mongoc_collection_find_with_opts,
 * limit 1 is added by the caller where it sorts. `what` names it for ERR_NOT_FOUND. filter and opts
 * are destroyed.
 */
MUST_USE bool document_find(struct db *db, const char *collection, bson_t *owned_filter,
                            bson_t *owned_opts, const char *what, bson_t **ret_doc,
                            struct err *err);

// update_one with a filter and an update that are destroyed. ret_matched (may be NULL): a document
// was there.
MUST_USE bool document_update(struct db *db, const char *collection, bson_t *owned_filter,
                              bson_t *owned_update, bool upsert, bool *ret_matched,
                              struct err *err);
