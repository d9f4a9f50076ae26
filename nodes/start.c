// SPDX-License-Identifier: MIT
// start: where a session begins.
#include <stdlib.h>

#include "base/mem.h"
#include "engine/node.h"
#include "nodes/types.h"

struct start {
    int next;
};

static void *start_parse(struct node_parse *p)
{
    struct start *start = x_alloc(sizeof *start);
    start->next = node_default_edge(p);
    return start;
}

static enum node_verdict start_enter(struct node_run *run)
{
    const struct start *start = run->config;
    return node_go(run, start->next, NULL);
}

static const char *const aliases[] = {"startNode", NULL};

const struct node_type node_start = {
    .name = "start",
    .aliases = aliases,
    .summary = "Where a session begins; a flow has exactly one.",
    .role = NODE_START,
    .parse = start_parse,
    .enter = start_enter,
    .free = free,
};
