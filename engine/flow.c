// SPDX-License-Identifier: MIT
// The compiled flow's life, its look-ups, and the sets of names that compilation collects.
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/graph.h"
#include "engine/path.h"
#include "engine/trigger_set.h"

static void node_deinit(struct flow_node *node)
{
    if (node->type && node->type->free && node->config)
        node->type->free(node->config);
    free(node->ways);
    free(node->id);
}

struct flow *flow_ref(struct flow *flow)
{
    flow->refs++;
    return flow;
}

void flow_unref(struct flow *flow)
{
    if (!flow || --flow->refs)
        return;
    HASH_CLEAR(hh, flow->by_id);
    for (size_t i = 0; i < flow->count; i++)
        node_deinit(&flow->nodes[i]);
    for (size_t i = 0; i < flow->variable_count; i++) {
        path_free(flow->variables[i].path);
        cJSON_Delete(flow->variables[i].value);
    }
    triggers_deinit(&flow->triggers);
    for (size_t i = 0; i < flow->edge_count; i++)
        free(flow->edges[i].handle);
    free(flow->edges);
    free(flow->nodes);
    free(flow->variables);
    free(flow->name);
    free(flow);
}

bool flow_starts_on(const struct flow *flow, enum event_kind kind)
{
    return flow->starts_on & UINT32_C(1) << kind;
}

const struct flow_node *flow_find(const struct flow *flow, const char *id)
{
    struct flow_node *node;
    HASH_FIND_STR(flow->by_id, id, node);
    return node;
}

void way_add(struct flow *flow, struct flow_node *node, int target)
{
    int from = (int)(node - flow->nodes);
    if (target == NOWHERE)
        return;
    flow->nodes[target].entered = true;
    if (flow->nodes[target].way_from == from)
        return;
    flow->nodes[target].way_from = from;
    size_t count = node->way_count++;
    if ((count & (count - 1)) == 0) // 0 or a power of two: full
        node->ways = x_realloc(node->ways, count ? 2 * count : 1, sizeof *node->ways);
    node->ways[count] = target;
}

void names_add(struct name **names, const char *text, const char *node)
{
    struct name *name;
    HASH_FIND_STR(*names, text, name);
    if (name)
        return;
    name = x_alloc(sizeof *name);
    name->name = x_dup(text);
    name->node = node;
    HASH_ADD_KEYPTR(hh, *names, name->name, strlen(name->name), name);
}

bool names_has(struct name *names, const char *text)
{
    struct name *name;
    HASH_FIND_STR(names, text, name);
    return name != NULL;
}

void names_free(struct name **names)
{
    struct name *name, *next;
    HASH_ITER(hh, *names, name, next) {
        HASH_DEL(*names, name);
        free(name->name);
        free(name);
    }
}

bool name_is_reserved(const char *name)
{
    return !strcmp(name, "contact") || !strcmp(name, "platform") || !strcmp(name, "last");
}

bool name_is_in_scope(const char *name)
{
    static const char *const names[] = {"message", "session", "account", "flow", "now"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return name_is_reserved(name) || !strcmp(name, "event"); // which a flow may have for itself
}
