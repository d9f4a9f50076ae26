// SPDX-License-Identifier: MIT
/*
 * window: whether the person wrote within the last 24 hours, so that ordinary messages may be sent
 * (platform reference, section 4: the customer service window).
 */
#include <stdlib.h>

#include "base/mem.h"
#include "engine/node.h"
#include "nodes/types.h"

enum { HOURS_DEFAULT = 24, HOUR_MS = 3600 * 1000 };

struct window {
    int64_t ms;
    int open, closed;
};

static void *window_parse(struct node_parse *p)
{
    struct window *window = x_alloc(sizeof *window);
    window->ms = (int64_t)(node_number(p->data, "hours", HOURS_DEFAULT) * HOUR_MS) -
                 (int64_t)node_number(p->data, "margin", 0);
    window->closed = node_edge(p, "closed");
    window->open = node_edge(p, "open");
    int other = node_default_edge(p);
    if (window->open == NOWHERE)
        window->open = other;
    else if (window->closed == NOWHERE)
        window->closed = other;
    return window;
}

static enum node_verdict window_enter(struct node_run *run)
{
    const struct window *window = run->config;
    int64_t last = run->session->inbound_ms;
    if (run->env->inbound_ms > last)
        last = run->env->inbound_ms;
    bool open = last > 0 && run->env->now_ms - last < window->ms;
    return node_go(run, open ? window->open : window->closed, open ? "open" : "closed");
}

static const char *const aliases[] = {"windowNode", "messagingWindow", NULL};
static const char *const handles[] = {"open", "closed", NULL};

static const struct node_field fields[] = {
    {.name = "hours",
     .kind = FIELD_NUMBER,
     .min = 0,
     .max = 168,
     .help = "how long the window is open after the person's last message; 24 unless given"},
    {.name = "margin",
     .kind = FIELD_NUMBER,
     .min = 0,
     .max = 86400000,
     .help = "milliseconds: counts as closed so long before"},
    {0},
};

const struct node_type node_window = {
    .name = "window",
    .aliases = aliases,
    .summary = "Tells whether ordinary messages may be sent: the 24 hour window.",
    .fields = fields,
    .handles = handles,
    .parse = window_parse,
    .enter = window_enter,
    .free = free,
};
