// SPDX-License-Identifier: MIT
/*
 * counter: counts how often the session comes by, in a variable, and takes another way once it has
 * come `limit` times.
 */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "engine/path.h"
#include "engine/value.h"
#include "nodes/types.h"

struct counter {
    struct path *variable;
    double by, limit; // limit: infinite when there is none
    bool resets;
    int next, limited;
};

static void counter_free(void *config)
{
    struct counter *counter = config;
    path_free(counter->variable);
    free(counter);
}

static void *counter_parse(struct node_parse *p)
{
    struct counter *counter = x_alloc(sizeof *counter);
    counter->variable = node_sets(p, p->data, "variable", p->id);
    counter->by = node_number(p->data, "by", 1);
    counter->limit = node_number(p->data, "limit", INFINITY);
    counter->resets = json_bool(p->data, "reset", false);
    counter->limited = node_edge(p, "limit");
    counter->next = node_default_edge(p);
    if (node_member(p->data, "limit") && counter->limited == NOWHERE)
        node_warn(p, "counter-no-edge", "limit needs an edge with the handle \"limit\"");
    if (counter->limited != NOWHERE && !node_member(p->data, "limit"))
        node_error(p, "field-missing", "limit: is missing: when is the edge \"limit\" taken?");
    return counter;
}

static enum node_verdict counter_enter(struct node_run *run)
{
    const struct counter *counter = run->config;
    double count = 0;
    if (!counter->resets)
        value_is_number(path_find(counter->variable, run->session->vars), &count);
    count = counter->resets ? 0 : count + counter->by;
    if (!node_set(run, counter->variable, cJSON_CreateNumber(count)))
        return NODE_FAILED;
    bool limited = count >= counter->limit && counter->limited != NOWHERE;
    return node_go(run, limited ? counter->limited : counter->next,
                   node_decide(run, "%s%.15g", limited ? "limit: " : "", count));
}

static const char *const aliases[] = {"counterNode", "count", NULL};
static const char *const handles[] = {"limit", NULL};

static const struct node_field fields[] = {
    {.name = "variable",
     .kind = FIELD_VARIABLE,
     .help = "holds the count; else the variable named by the node's id"},
    {.name = "by",
     .kind = FIELD_NUMBER,
     .min = -1e9,
     .max = 1e9,
     .help = "what each time adds; 1 unless given"},
    {.name = "limit",
     .kind = FIELD_NUMBER,
     .min = -1e15,
     .max = 1e15,
     .help = "from this count on the way out is \"limit\""},
    {.name = "reset", .kind = FIELD_BOOL, .help = "true: sets the count to 0 instead"},
    {0},
};

const struct node_type node_counter = {
    .name = "counter",
    .aliases = aliases,
    .summary = "Counts, and takes another way from a limit on.",
    .fields = fields,
    .handles = handles,
    .parse = counter_parse,
    .enter = counter_enter,
    .free = counter_free,
};
