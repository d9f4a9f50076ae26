// SPDX-License-Identifier: MIT
// delay: waits for the clock.
#include <stdlib.h>

#include "base/mem.h"
#include "engine/node.h"
#include "nodes/types.h"

struct delay {
    int64_t ms;
    int next;
};

static void *delay_parse(struct node_parse *p)
{
    struct delay *delay = x_alloc(sizeof *delay);
    delay->ms = (int64_t)node_number(p->data, "delay", 0);
    delay->next = node_default_edge(p);
    return delay;
}

static enum node_verdict delay_enter(struct node_run *run)
{
    const struct delay *delay = run->config;
    if (delay->ms <= 0)
        return node_go(run, delay->next, NULL);
    return node_wait_delay(run, delay->ms);
}

static enum node_verdict delay_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct delay *delay = run->config;
    return node_go(run, delay->next, NULL);
}

static const char *const aliases[] = {"delayNode", "wait", "waitNode", NULL};

static const struct node_field fields[] = {
    {.name = "delay",
     .kind = FIELD_NUMBER,
     .required = true,
     .min = 0,
     .max = 2592000000.0,
     .help = "how long, in milliseconds; at most 30 days"},
    {0},
};

const struct node_type node_delay = {
    .name = "delay",
    .aliases = aliases,
    .summary = "Waits; what the person writes meanwhile is kept for the next input.",
    .waits = true,
    .fields = fields,
    .parse = delay_parse,
    .enter = delay_enter,
    .resume = delay_resume,
    .free = free,
};
