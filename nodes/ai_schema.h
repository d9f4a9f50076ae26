// SPDX-License-Identifier: MIT
/*
 * What a model's JSON must look like: a JSON Schema, written as such or as {name: type}, and the
 * check of a value against it. Of JSON Schema it checks type, enum, properties, required,
 * additionalProperties: false, items, and the limits of numbers, texts and lists; the rest is for
 * the model alone. Part of the ai nodes. Pure.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/mem.h"

struct node_parse;

enum { AI_WHY_BYTES = 160 };

/*
 * The schema of an object, the caller's: `item` itself when it has "type": "object", else made of
 * {name: type}. A type is text, number, integer, boolean, list, object, date, email, phone (a "?"
 * behind it: may be null), a list of texts (one of them), or a schema. NULL with a reported error.
 */
MUST_USE cJSON *ai_schema_parse(struct node_parse *p, const cJSON *item, const char *field);

// The schema of one type by its word, or NULL when the word is none. `optional`: may be null.
MUST_USE cJSON *ai_schema_word(const char *word, bool optional);
// An empty object's schema, and one more property of it, that must be there. Takes the schema.
MUST_USE cJSON *ai_schema_object(void);
void ai_schema_add(cJSON *object, const char *name, cJSON *owned_schema);

// False: `why` names the place and what it must be.
MUST_USE bool ai_schema_check(const cJSON *schema, const cJSON *value, char why[AI_WHY_BYTES]);
