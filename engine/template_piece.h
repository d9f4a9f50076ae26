// SPDX-License-Identifier: MIT
// The inside of a text template, shared with value_template.c; private to engine/.
#pragma once

#include "engine/template.h"

struct template_piece {
    char *literal;     // a piece of text, or
    struct path *path; // a placeholder
    cJSON *fallback;   // and its default, or NULL
};

struct template
{
    struct template_piece *pieces;
    size_t count;
};

// The variable's value, or the default when it is missing, null or ""; borrowed, may be NULL.
const cJSON *template_piece_value(const struct template_piece *piece, const cJSON *vars);
