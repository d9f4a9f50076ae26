// SPDX-License-Identifier: MIT
/*
 * Flows made of bytes: a start, up to ROOM nodes of any type in the table, whose data is drawn from
 * the types' own tables of fields, and edges with the handles that those types know. Most of what
 * is drawn is nearly right; flow_of_bytes() makes the nodes that are not into plain messages.
 */
#pragma once

#include <cjson/cJSON.h>

#include "engine/flow.h"
#include "test/fuzz/bytes.h"

// Ids under which flows can be called, and names of nodes that wait for callbacks.
extern const char *const random_flow_ids[2];

// NULL when it does not compile even so. `types` as for flow_compile().
struct flow *flow_of_bytes(struct bytes *bytes, const struct node_type *const *types);
