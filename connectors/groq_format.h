// SPDX-License-Identifier: MIT
/*
 * The forms of Groq's requests and answers beyond plain text: JSON answers, tools, tool calls.
 * Private to groq.c. Pure.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/mem.h"

// How a JSON answer is asked for: what the model lacks is made up for by words.
enum groq_json {
    GROQ_JSON_SCHEMA, // response_format json_schema
    GROQ_JSON_OBJECT, // response_format json_object, the schema in words
    GROQ_JSON_WORDS,  // the schema in words alone: beside tools no format is taken
};

// Sets the body's response_format, and what its messages say of the schema. May be called again.
void groq_format_set(cJSON *body, const cJSON *schema, enum groq_json way);
// Sets the body's tools from {name, description, parameters}.
void groq_tools_set(cJSON *body, const cJSON *tools);

enum {
    GROQ_CALLS_MAX = 16,
    GROQ_CALL_ID_MAX = 128,
    GROQ_CALLS_BYTES_MAX = 64 * 1024 // of all arguments
};
/*
 * The tool calls of an answer's message as a list of {id, type, function: {name, arguments}}, the
 * caller's. NULL with *ret_wrong NULL: there are none; else it says what is wrong with them.
 */
MUST_USE cJSON *groq_calls_read(const cJSON *message, const char **ret_wrong);
