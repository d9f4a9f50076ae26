// SPDX-License-Identifier: MIT
/*
 * From document to graph: nodes, then edges (as indices), then variables, then each node's own data
 * through its type. It goes on after an error, so that one call finds everything.
 */
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "engine/graph.h"
#include "engine/trigger_set.h"

static void compile_error(struct compile *c, const char *code, const char *node, const char *edge,
                          const char *text)
{
    diags_add(c->diags, SEVERITY_ERROR, code, node, edge, "%s", text);
}

/* Nodes */

// Looks `name` up among names and aliases.
static const struct node_type *type_find(const struct node_type *const *types, const char *name)
{
    for (; *types; types++) {
        if (strcmp((*types)->name, name) == 0)
            return *types;
        for (const char *const *alias = (*types)->aliases; alias && *alias; alias++)
            if (strcmp(*alias, name) == 0)
                return *types;
    }
    return NULL;
}

static void type_unknown(struct compile *c, const char *node, const char *type)
{
    const char *names[128];
    size_t count = 0;
    for (const struct node_type *const *t = c->types; *t && count < 127; t++)
        names[count++] = (*t)->name;
    names[count] = NULL;
    bool kept = diags_keeps(c->diags, SEVERITY_ERROR);
    const char *nearest = kept ? nearest_word(type, names, 4) : NULL;
    diags_add(c->diags, SEVERITY_ERROR, "node-type-unknown", node, NULL,
              "unknown node type '%.60s'%s%s%s", type, nearest ? "; did you mean '" : "",
              nearest ? nearest : "", nearest ? "'?" : "");
}

static bool id_is_good(const char *id)
{
    size_t len = strlen(id);
    return len > 0 && len <= ID_BYTES_MAX && utf8_valid(id, len);
}

static void node_add(struct compile *c, const cJSON *item, int position)
{
    const char *id = json_str(item, "id");
    if (!id || !id_is_good(id)) {
        diags_add(c->diags, SEVERITY_ERROR, "node-id-bad", NULL, NULL,
                  "node number %d has no id (a text of 1 to %d bytes)", position, ID_BYTES_MAX);
        return;
    }
    if (flow_find(c->flow, id)) {
        compile_error(c, "node-id-duplicate", id, NULL, "another node has the same id");
        return;
    }
    struct flow_node *node = &c->flow->nodes[c->flow->count++];
    node->id = x_dup(id);
    node->way_from = NOWHERE;
    HASH_ADD_KEYPTR(hh, c->flow->by_id, node->id, strlen(node->id), node);
    const char *type = json_str(item, "type");
    node->word = type;
    node->type = type ? type_find(c->types, type) : NULL;
    if (!node->type)
        type_unknown(c, id, type ? type : "");
    else if (node->type->role == NODE_START && c->flow->start == NOWHERE)
        c->flow->start = (int)(node - c->flow->nodes);
    node->data = node_member(item, "data");
    if (node->data && !cJSON_IsObject(node->data)) {
        compile_error(c, "node-data-bad", id, NULL, "data must be an object");
        node->data = NULL;
    }
}

static void nodes_compile(struct compile *c, const cJSON *nodes)
{
    int count = cJSON_GetArraySize(nodes);
    if (!cJSON_IsArray(nodes) || count == 0 || count > FLOW_NODES_MAX) {
        diags_add(c->diags, SEVERITY_ERROR, "nodes-bad", NULL, NULL,
                  "a flow needs a list `nodes` of 1 to %d nodes (at the top, or in flowJson)",
                  FLOW_NODES_MAX);
        return;
    }
    c->flow->nodes = x_calloc((size_t)count, sizeof *c->flow->nodes);
    int position = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, nodes)
        node_add(c, item, ++position);
}

/* Edges */

struct ends {
    int source, target; // NOWHERE: one of the two is missing, and reported
};

static int edge_end(struct compile *c, const cJSON *item, const char *name, const char *code)
{
    const char *node_id = json_str(item, name);
    const struct flow_node *node = node_id ? flow_find(c->flow, node_id) : NULL;
    if (node)
        return (int)(node - c->flow->nodes);
    diags_add(c->diags, SEVERITY_ERROR, code, NULL, json_str(item, "id"),
              "%s: there is no node '%.100s'", name, node_id ? node_id : "");
    return NOWHERE;
}

static struct ends edge_ends(struct compile *c, const cJSON *item)
{
    struct ends ends = {
        .source = edge_end(c, item, "source", "edge-source-missing"),
        .target = edge_end(c, item, "target", "edge-target-missing"),
    };
    if (ends.source == NOWHERE || ends.target == NOWHERE)
        return (struct ends){NOWHERE, NOWHERE};
    c->flow->nodes[ends.source].edge_count++;
    c->flow->nodes[ends.target].entered = true;
    c->flow->edge_count++;
    return ends;
}

// Gives each node its part of one array: as many edges as were counted, none of them there yet.
static void edges_share(struct flow *flow)
{
    flow->edges = x_calloc(flow->edge_count, sizeof *flow->edges);
    struct flow_edge *next = flow->edges;
    for (size_t i = 0; i < flow->count; i++) {
        flow->nodes[i].edges = next;
        next += flow->nodes[i].edge_count;
        flow->nodes[i].edge_count = 0;
    }
}

// A text that says something, of the document.
static const char *edge_text(const cJSON *item, const char *name)
{
    const char *text = json_str(item, name);
    return text && *text && utf8_valid(text, strlen(text)) ? text : NULL;
}

static void edge_add(struct flow_node *node, const cJSON *item, int target)
{
    node->edges[node->edge_count++] = (struct flow_edge){
        .handle = x_dup(edge_text(item, "sourceHandle")),
        .id = edge_text(item, "id"),
        .label = edge_text(item, "label"),
        .target = target,
    };
}

static void edges_compile(struct compile *c, const cJSON *edges)
{
    int count = cJSON_GetArraySize(edges);
    if (!edges)
        return;
    if (!cJSON_IsArray(edges) || count > FLOW_EDGES_MAX) {
        diags_add(c->diags, SEVERITY_ERROR, "edges-bad", NULL, NULL,
                  "`edges` must be a list of at most %d edges", FLOW_EDGES_MAX);
        return;
    }
    struct ends *ends = x_calloc((size_t)count, sizeof *ends);
    size_t i = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, edges)
        ends[i++] = edge_ends(c, item);
    edges_share(c->flow);
    i = 0;
    cJSON_ArrayForEach(item, edges) {
        if (ends[i].source != NOWHERE)
            edge_add(&c->flow->nodes[ends[i].source], item, ends[i].target);
        i++;
    }
    free(ends);
}

/* The nodes' own data, and the whole */

// Where the node's edge of that name leads, if the type has such a way out.
static int handle_target(const struct flow_node *node, const char *handle)
{
    for (size_t i = 0; i < node->edge_count; i++)
        if (node->edges[i].claimed && node->edges[i].handle &&
            strcmp(node->edges[i].handle, handle) == 0)
            return node->edges[i].target;
    return NOWHERE;
}

static void node_compile(struct compile *c, struct flow_node *node)
{
    if (!node->type)
        return;
    cJSON *empty = node->data ? NULL : cJSON_CreateObject();
    const cJSON *data = node->data ? node->data : empty;
    struct node_parse p = {
        .id = node->id, .word = node->word, .data = data, .compile = c, .node = node};
    bool good = fields_check(c, node, node->type->fields, data);
    if (good && node->type->parse)
        node->config = node->type->parse(&p);
    if (!good)
        fields_try(&p, node->type->fields);
    for (size_t i = 0; i < node->edge_count; i++) {
        const struct flow_edge *edge = &node->edges[i];
        if (!good) // its ways are not known: believe the edges
            way_add(c->flow, node, edge->target);
        else if (!edge->claimed)
            diags_add(
                c->diags, SEVERITY_WARNING, "edge-unused", node->id, edge->id,
                "never taken: the %s node has no way out named '%.60s', or another edge has it",
                node->type->name, edge->handle ? edge->handle : "default");
    }
    node->error = handle_target(node, "error");
    cJSON_Delete(empty);
}

static void structure_check(struct compile *c, bool needs_end)
{
    struct flow *flow = c->flow;
    bool has_end = false;
    for (size_t i = 0; i < flow->count; i++) {
        struct flow_node *node = &flow->nodes[i];
        enum node_role role = node->type ? node->type->role : NODE_PLAIN;
        has_end = has_end || role == NODE_END;
        if (role == NODE_START && flow->start != (int)i)
            compile_error(c, "start-duplicate", node->id, NULL,
                          "a flow has exactly one start node");
        if (role != NODE_START && !node->entered && !node->edge_count && !node->way_count)
            diags_add(c->diags, SEVERITY_WARNING, "node-orphan", node->id, NULL,
                      "not connected to anything: never reached");
    }
    if (flow->count && flow->start == NOWHERE)
        compile_error(c, "start-missing", NULL, NULL, "a flow needs a start node");
    if (flow->count && !has_end && needs_end)
        compile_error(c, "end-missing", NULL, NULL, "a flow needs at least one end node");
}

// The variable that holds the addresses of nodes that wait for callbacks.
static void callbacks_check(struct compile *c)
{
    if (!c->flow->callback_count)
        return;
    if (names_has(c->sets, "callbacks"))
        compile_error(c, "variable-reserved", NULL, NULL,
                      "'callbacks' is filled by Hookmill in a flow that waits for callbacks, and "
                      "cannot be set");
    names_add(&c->sets, "callbacks", NULL);
}

// Where secrets may stand nothing is read (parse.c); what is read is a variable, or an error.
static void secrets_check(struct compile *c)
{
    struct name *read;
    HASH_FIND_STR(c->reads, "secrets", read);
    if (read && !names_has(c->sets, "secrets"))
        compile_error(c, "secret-misplaced", read->node, NULL,
                      "secrets can be used only in the request of an api node");
}

// What was the document's.
static void borrowed_forget(struct flow *flow)
{
    for (size_t i = 0; i < flow->count; i++)
        flow->nodes[i].data = NULL;
    for (size_t i = 0; i < flow->edge_count; i++)
        flow->edges[i].id = flow->edges[i].label = NULL;
}

void compile_document(struct compile *c, const cJSON *document)
{
    c->flow = x_alloc(sizeof *c->flow);
    c->flow->refs = 1;
    c->flow->start = NOWHERE;
    const char *name = json_str(document, "name");
    c->flow->name = x_dup(name ? name : "");
    struct shape shape;
    flow_shape(document, &shape);
    if (!cJSON_IsObject(document)) {
        compile_error(c, "document-bad", NULL, NULL, "a flow must be a JSON object");
        return;
    }
    nodes_compile(c, shape.nodes);
    edges_compile(c, shape.edges);
    variables_compile(c, shape.variables);
    settings_compile(c, shape.settings);
    for (size_t i = 0; i < c->flow->count; i++)
        node_compile(c, &c->flow->nodes[i]);
    triggers_parse_metadata(c, shape.triggers);
    triggers_finish(c);
    structure_check(c, !shape.instantchat);
    secrets_check(c);
    c->flow->own_event = names_has(c->sets, "event");
    callbacks_check(c);
    borrowed_forget(c->flow);
}

void compile_deinit(struct compile *c)
{
    names_free(&c->reads);
    names_free(&c->sets);
}

struct flow *flow_compile(const cJSON *document, const struct node_type *const *types,
                          struct diags *diags)
{
    size_t errors = diags->errors;
    struct compile c = {.types = types, .diags = diags};
    compile_document(&c, document);
    compile_deinit(&c);
    if (diags->errors == errors)
        return c.flow;
    flow_unref(c.flow);
    return NULL;
}
