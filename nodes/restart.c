// SPDX-License-Identifier: MIT
// restart: goes back to the flow's start node. Loops made so are bounded by the loop guard.
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "nodes/types.h"

struct restart {
    int start;
    bool keep;
};

static void *restart_parse(struct node_parse *p)
{
    struct restart *restart = x_alloc(sizeof *restart);
    restart->start = node_start_target(p);
    restart->keep = json_bool(p->data, "keepVariables", true);
    return restart;
}

static enum node_verdict restart_enter(struct node_run *run)
{
    const struct restart *restart = run->config;
    if (!restart->keep && !node_vars_reset(run))
        return NODE_FAILED;
    return node_go(run, restart->start, NULL);
}

static const char *const aliases[] = {"restartNode", "gotoStart", NULL};

static const struct node_field fields[] = {
    {.name = "keepVariables",
     .kind = FIELD_BOOL,
     .help = "false: variables are as at the beginning; true unless given"},
    {0},
};

const struct node_type node_restart = {
    .name = "restart",
    .aliases = aliases,
    .summary = "Goes back to the flow's start node.",
    .fields = fields,
    .parse = restart_parse,
    .enter = restart_enter,
    .free = free,
};
