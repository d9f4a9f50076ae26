// SPDX-License-Identifier: MIT
// jump: goes on at another node. Loops made so are bounded by the loop guard.
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "nodes/types.h"

struct jump {
    int target;
};

static void *jump_parse(struct node_parse *p)
{
    struct jump *jump = x_alloc(sizeof *jump);
    const char *target = json_str(p->data, "targetNodeId");
    if (target && *target) {
        jump->target = node_target(p, target, "targetNodeId");
        return jump;
    }
    jump->target = node_default_edge(p);
    if (jump->target == NOWHERE)
        node_error(p, "field-missing", "targetNodeId: is missing: where to?");
    return jump;
}

static enum node_verdict jump_enter(struct node_run *run)
{
    const struct jump *jump = run->config;
    return node_go(run, jump->target, NULL);
}

static const char *const aliases[] = {"jumpNode", "goto", NULL};

static const struct node_field fields[] = {
    {.name = "targetNodeId", .kind = FIELD_NODE, .help = "the node to go to; else its edge"},
    {0},
};

const struct node_type node_jump = {
    .name = "jump",
    .aliases = aliases,
    .summary = "Goes on at another node.",
    .fields = fields,
    .parse = jump_parse,
    .enter = jump_enter,
    .free = free,
};
