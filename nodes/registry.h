// SPDX-License-Identifier: MIT
/*
 * The table of node types. Adding a type: one file with one `const struct node_type`, one line in
 * registry.c.
 */
#pragma once

struct node_type;

// NULL-ended, sorted by name.
extern const struct node_type *const node_types[];
