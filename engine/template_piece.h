// SPDX-License-Identifier: MIT
// The inside of a text template, shared with value_template.c; private to engine/.
#pragma once

#include "engine/template.h"

struct template_piece {
    char *literal;     // a piece of text, or
    struct path *path; // a placeholder
    cJSON *fallback;   // and its default, or NULL; or
    struct expression *expression;
    char *source; // of the expression, for errors
};

struct template
{
    struct template_piece *pieces;
    size_t count;
};

/*
 * A placeholder's value: the variable's, or the default when that is missing, null or "", or the
 * expression's; may be NULL. Borrowed; *ret_made is what the caller deletes, or NULL. False with
 * err.
 */
MUST_USE bool template_piece_value(const struct template_piece *piece, struct scope *scope,
                                   const cJSON **ret_value, cJSON **ret_made, struct err *err);
