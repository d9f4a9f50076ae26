// SPDX-License-Identifier: MIT
/*
 * Branches: a list of objects with an id each, that lead to a targetNodeId or along the edge that
 * carries the id. What the nodes condition, switch and random have in common. Owned by the node's
 * config.
 */
#pragma once

#include "engine/node.h"

enum { BRANCHES_MAX = 100 };

struct branch {
    char *id; // "" when it has none
    int target;
};

struct branches {
    struct branch *items;
    size_t count;
    int fallback; // where to go when none is taken, or NOWHERE
};

/*
 * Reads ids and targets of the list (at most BRANCHES_MAX; `what` names the field in findings) and
 * the default edge. Problems are reported; items has one element for each of the list's.
 */
void branches_parse(struct branches *branches, struct node_parse *p, const cJSON *list,
                    const char *what);
void branches_deinit(struct branches *branches);

// Goes along the branch, or, with index < 0, along the default. `why` for its absence.
enum node_verdict branches_take(struct node_run *run, const struct branches *branches, int index,
                                const char *why);
