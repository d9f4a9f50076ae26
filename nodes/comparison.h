// SPDX-License-Identifier: MIT
/*
 * Comparisons: what a condition's branch asks. One of
 *   {variable, operator, value}     {expression}     {all: [comparison…]}     {any: [comparison…]}
 * any of them with `not: true`. Part of the condition node. Immutable.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "engine/node.h"

enum { COMPARISON_DEPTH_MAX = 3 }; // groups in groups

struct comparison;

// The members above, for the field table of what embeds them (with the branch's own members).
extern const struct node_field comparison_fields[];

// Problems are reported; the result then always fails to hold. Caller frees.
struct comparison *comparison_parse(struct node_parse *p, const cJSON *item);
void comparison_free(struct comparison *comparison);

// False when an expression or a template failed, or a pattern cost too much: run->err says so.
MUST_USE bool comparison_holds(struct node_run *run, const struct comparison *comparison,
                               bool *ret_holds);
