// SPDX-License-Identifier: MIT
// Branches and where they lead (see branches.h).
#include "nodes/branches.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

void branches_deinit(struct branches *branches)
{
    for (size_t i = 0; i < branches->count; i++)
        free(branches->items[i].id);
    free(branches->items);
}

// By targetNodeId or by the edge that carries the id; both must agree.
static int target_of(struct node_parse *p, const struct branch *branch, const cJSON *item,
                     const char *what)
{
    int edge = *branch->id ? node_edge(p, branch->id) : NOWHERE;
    const char *target_id = json_str(item, "targetNodeId");
    if (!target_id || !*target_id) {
        if (edge == NOWHERE)
            node_error(p, "condition-no-target",
                       "%s: '%.60s' has neither a targetNodeId nor an edge whose sourceHandle is "
                       "its id",
                       what, branch->id);
        return edge;
    }
    int target = node_target(p, target_id, "targetNodeId");
    if (edge != NOWHERE && target != NOWHERE && edge != target)
        node_error(p, "condition-two-targets",
                   "%s: '%.60s': targetNodeId '%.60s' and its edge lead to different nodes", what,
                   branch->id, target_id);
    return target;
}

void branches_parse(struct branches *branches, struct node_parse *p, const cJSON *list,
                    const char *what)
{
    int count = cJSON_GetArraySize(list);
    if (count > BRANCHES_MAX)
        node_error(p, "field-value", "%s: more than %d", what, BRANCHES_MAX);
    branches->items = x_calloc((size_t)count + 1, sizeof *branches->items);
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        struct branch *branch = &branches->items[branches->count++];
        const char *id = json_str(item, "id");
        branch->id = x_dup(id ? id : "");
        branch->target =
            branches->count <= BRANCHES_MAX ? target_of(p, branch, item, what) : NOWHERE;
        for (size_t i = 0; i + 1 < branches->count && branches->count <= BRANCHES_MAX; i++)
            if (*branch->id && strcmp(branches->items[i].id, branch->id) == 0)
                node_error(p, "condition-duplicate", "%s: two have the id '%.60s'", what,
                           branch->id);
    }
    static const char *const defaults[] = {"default", "else", NULL};
    branches->fallback = node_edge(p, defaults[0]);
    for (size_t i = 1; branches->fallback == NOWHERE && i < 3; i++)
        branches->fallback = node_edge(p, defaults[i]); // last: an edge without a handle
}

enum node_verdict branches_take(struct node_run *run, const struct branches *branches, int index,
                                const char *why)
{
    if (index >= 0) {
        const struct branch *branch = &branches->items[index];
        return node_go(run, branch->target, *branch->id ? branch->id : "matched");
    }
    if (branches->fallback == NOWHERE)
        return node_fail(run, "%s and there is no default edge", why);
    return node_go(run, branches->fallback, "default");
}
