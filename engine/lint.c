// SPDX-License-Identifier: MIT
/*
 * What only the whole graph shows: nodes that are never reached, that lead nowhere, loops that
 * never wait, variables that nothing sets. All of it is warnings: such a flow runs, until it does
 * not.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/graph.h"

static void warn(struct compile *c, const char *code, const char *node, const char *text)
{
    diags_add(c->diags, SEVERITY_WARNING, code, node, NULL, "%s", text);
}

// Marks all that can be reached from the nodes marked already.
static void marks_spread(const struct flow *flow, bool *marks)
{
    int *stack = x_calloc(flow->count + 1, sizeof *stack);
    size_t depth = 0;
    for (size_t i = 0; i < flow->count; i++)
        if (marks[i])
            stack[depth++] = (int)i;
    while (depth) {
        const struct flow_node *node = &flow->nodes[stack[--depth]];
        for (size_t i = 0; i < node->way_count; i++) {
            if (marks[node->ways[i]])
                continue;
            marks[node->ways[i]] = true;
            stack[depth++] = node->ways[i]; // each node is pushed once
        }
    }
    free(stack);
}

static void unreachable_lint(struct compile *c)
{
    const struct flow *flow = c->flow;
    if (flow->start == NOWHERE)
        return;
    bool *marks = x_calloc(flow->count, sizeof *marks);
    marks[flow->start] = true;
    marks_spread(flow, marks);
    for (size_t i = 0; i < flow->count; i++) {
        const struct flow_node *node = &flow->nodes[i];
        if (!marks[i] && (node->entered || node->edge_count || node->way_count))
            warn(c, "node-unreachable", node->id, "no way leads here from the start");
    }
    free(marks);
}

static bool stops(const struct flow_node *node)
{
    return node->type && (node->type->waits || node->type->role == NODE_END);
}

// The ways backwards: those that lead to node i come from from[first[i]] … from[first[i + 1] - 1].
struct origins {
    size_t *first;
    int *from;
};

static void origins_init(struct origins *origins, const struct flow *flow)
{
    size_t *first = x_calloc(flow->count + 2, sizeof *first);
    for (size_t i = 0; i < flow->count; i++)
        for (size_t k = 0; k < flow->nodes[i].way_count; k++)
            first[flow->nodes[i].ways[k] + 2]++; // two on, for the filling below moves it back
    for (size_t i = 2; i < flow->count + 2; i++)
        first[i] += first[i - 1];
    int *from = x_calloc(first[flow->count + 1], sizeof *from);
    for (size_t i = 0; i < flow->count; i++)
        for (size_t k = 0; k < flow->nodes[i].way_count; k++)
            from[first[flow->nodes[i].ways[k] + 1]++] = (int)i;
    *origins = (struct origins){first, from};
}

// Marks all from which a marked node can be reached.
static void marks_spread_back(const struct flow *flow, bool *marks)
{
    struct origins origins;
    origins_init(&origins, flow);
    int *stack = x_calloc(flow->count + 1, sizeof *stack);
    size_t depth = 0;
    for (size_t i = 0; i < flow->count; i++)
        if (marks[i])
            stack[depth++] = (int)i;
    while (depth) {
        int at = stack[--depth];
        for (size_t k = origins.first[at]; k < origins.first[at + 1]; k++) {
            if (marks[origins.from[k]])
                continue;
            marks[origins.from[k]] = true;
            stack[depth++] = origins.from[k];
        }
    }
    free(stack);
    free(origins.first);
    free(origins.from);
}

// Nodes from which no end and no wait can be reached.
static void dead_end_lint(struct compile *c)
{
    const struct flow *flow = c->flow;
    bool *good = x_calloc(flow->count + 1, sizeof *good);
    for (size_t i = 0; i < flow->count; i++)
        good[i] = stops(&flow->nodes[i]);
    marks_spread_back(flow, good);
    for (size_t i = 0; i < flow->count; i++) {
        const struct flow_node *node = &flow->nodes[i];
        bool is_end = node->type && node->type->role == NODE_END;
        if (node->called && node->way_count == 0)
            continue; // its caller goes on
        if (!is_end && node->way_count == 0 && node->type)
            warn(c, "dead-end", node->id, "nothing follows: the session ends here as completed");
        else if (!good[i])
            warn(c, "end-unreachable", node->id, "no end and no wait can be reached from here");
    }
    free(good);
}

/* Loops without a wait: a depth-first walk that finds each edge back into its own path. */

enum colour { UNSEEN, ON_PATH, DONE };

struct walk {
    struct compile *c;
    enum colour *colours;
    size_t *next; // per node: the way to try next
    int *path;
    size_t depth;
};

static void walk_visit(struct walk *walk, int index)
{
    const struct flow_node *node = &walk->c->flow->nodes[index];
    if (node->type && node->type->waits)
        return; // a loop through here waits
    if (walk->colours[index] == ON_PATH)
        warn(walk->c, "loop-without-wait", node->id,
             "a loop through this node never waits for a person or the clock");
    if (walk->colours[index] != UNSEEN)
        return;
    walk->colours[index] = ON_PATH;
    walk->path[walk->depth++] = index;
}

static void walk_from(struct walk *walk, int index)
{
    walk_visit(walk, index);
    while (walk->depth) {
        int at = walk->path[walk->depth - 1];
        const struct flow_node *node = &walk->c->flow->nodes[at];
        if (walk->next[at] < node->way_count) {
            walk_visit(walk, node->ways[walk->next[at]++]);
            continue;
        }
        walk->colours[at] = DONE;
        walk->depth--;
    }
}

static void loop_lint(struct compile *c)
{
    size_t count = c->flow->count;
    struct walk walk = {
        .c = c,
        .colours = x_calloc(count + 1, sizeof *walk.colours),
        .next = x_calloc(count + 1, sizeof *walk.next),
        .path = x_calloc(count + 1, sizeof *walk.path),
    };
    for (size_t i = 0; i < count; i++)
        walk_from(&walk, (int)i);
    free(walk.colours);
    free(walk.next);
    free(walk.path);
}

static void variable_lint(struct compile *c)
{
    struct name *read, *next;
    HASH_ITER(hh, c->reads, read, next) {
        if (names_has(c->sets, read->name) || name_is_in_scope(read->name) ||
            strcmp(read->name, "secrets") == 0) // an error of its own
            continue;
        diags_add(c->diags, SEVERITY_WARNING, "variable-never-set", read->node, NULL,
                  "reads '%.60s', which no node sets and no flow variable declares", read->name);
    }
}

void flow_lint(const cJSON *document, const struct node_type *const *types, struct diags *diags)
{
    struct compile c = {.types = types, .diags = diags, .linting = true};
    compile_document(&c, document);
    unreachable_lint(&c);
    dead_end_lint(&c);
    loop_lint(&c);
    variable_lint(&c);
    limits_lint(document, diags);
    compile_deinit(&c);
    flow_unref(c.flow);
}
