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
#include "engine/path.h"
#include "engine/trigger_set.h"
#include "engine/value.h"

static void compile_error(struct compile *c, const char *code, const char *node, const char *edge,
                          const char *text)
{
    diags_add(c->diags, SEVERITY_ERROR, code, node, edge, "%s", text);
}

void flow_shape(const cJSON *document, struct shape *ret_shape)
{
    const cJSON *graph = node_member(document, "flowJson");
    const cJSON *from = cJSON_IsObject(graph) ? graph : document;
    *ret_shape = (struct shape){
        .nodes = node_member(from, "nodes"),
        .edges = node_member(from, "edges"),
        .variables = node_member(from, "variables"),
        .settings = node_member(document, "settings"),
    };
    if (!ret_shape->variables)
        ret_shape->variables = node_member(document, "variables");
    const cJSON *triggers = node_member(node_member(document, "metadata"), "triggers");
    if (cJSON_IsArray(triggers) && triggers->child) // builders store empty lists
        ret_shape->triggers = triggers;
    ret_shape->instantchat = graph || ret_shape->settings;
}

/* Nodes */

const struct node_type *node_type_find(const struct node_type *const *types, const char *name)
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
    const char *names[64];
    size_t count = 0;
    for (const struct node_type *const *t = c->types; *t && count < 63; t++)
        names[count++] = (*t)->name;
    names[count] = NULL;
    const char *nearest = nearest_word(type, names, 4);
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
    HASH_ADD_KEYPTR(hh, c->flow->by_id, node->id, strlen(node->id), node);
    const char *type = json_str(item, "type");
    node->word = type;
    node->type = type ? node_type_find(c->types, type) : NULL;
    if (!node->type)
        type_unknown(c, id, type ? type : "");
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

static char *text_dup(const cJSON *item, const char *name)
{
    const char *text = json_str(item, name);
    return text && *text && utf8_valid(text, strlen(text)) ? x_dup(text) : NULL;
}

static const struct flow_node *edge_end(struct compile *c, const cJSON *item, const char *id,
                                        const char *name, const char *code)
{
    const char *node_id = json_str(item, name);
    const struct flow_node *node = node_id ? flow_find(c->flow, node_id) : NULL;
    if (!node)
        diags_add(c->diags, SEVERITY_ERROR, code, NULL, id, "%s: there is no node '%.100s'", name,
                  node_id ? node_id : "");
    return node;
}

static void edge_add(struct compile *c, const cJSON *item)
{
    const char *id = json_str(item, "id");
    const struct flow_node *source = edge_end(c, item, id, "source", "edge-source-missing");
    const struct flow_node *target = edge_end(c, item, id, "target", "edge-target-missing");
    if (!source || !target)
        return;
    struct flow_node *node = &c->flow->nodes[source - c->flow->nodes];
    node->edges = x_realloc(node->edges, node->edge_count + 1, sizeof *node->edges);
    node->edges[node->edge_count++] = (struct flow_edge){
        .id = text_dup(item, "id"),
        .handle = text_dup(item, "sourceHandle"),
        .label = text_dup(item, "label"),
        .target = (int)(target - c->flow->nodes),
    };
    c->flow->nodes[target - c->flow->nodes].entered = true;
}

static void edges_compile(struct compile *c, const cJSON *edges)
{
    if (!edges)
        return;
    if (!cJSON_IsArray(edges) || cJSON_GetArraySize(edges) > FLOW_EDGES_MAX) {
        diags_add(c->diags, SEVERITY_ERROR, "edges-bad", NULL, NULL,
                  "`edges` must be a list of at most %d edges", FLOW_EDGES_MAX);
        return;
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, edges)
        edge_add(c, item);
}

/* Variables and settings */

// The default as the declared type: builders' forms store numbers and booleans as texts. NULL when
// it is neither.
static cJSON *variable_value(const cJSON *value, const char *type)
{
    double number;
    if (!strcmp(type, "number"))
        return value_is_number(value, &number) ? cJSON_CreateNumber(number) : NULL;
    if (!strcmp(type, "boolean") && cJSON_IsString(value)) {
        bool is_true = !strcmp(value->valuestring, "true");
        return is_true || !strcmp(value->valuestring, "false") ? cJSON_CreateBool(is_true) : NULL;
    }
    bool fits = (!strcmp(type, "boolean") && cJSON_IsBool(value)) ||
                (!strcmp(type, "string") && cJSON_IsString(value)) ||
                (!strcmp(type, "array") && cJSON_IsArray(value)) ||
                (!strcmp(type, "object") && cJSON_IsObject(value));
    return fits ? cJSON_Duplicate(value, true) : NULL;
}

static bool variable_parse(struct compile *c, const cJSON *item, struct flow_variable *variable,
                           struct err *err)
{
    static const char *const types[] = {"string", "number", "boolean", "array", "object", NULL};
    const char *name = cJSON_IsString(item) ? item->valuestring : json_str(item, "name");
    if (!name)
        return err_set(err, ERR_INPUT, "a variable needs a name");
    variable->path = path_parse(name, strlen(name), err);
    if (!variable->path)
        return err_prefix(err, "variable '%.60s'", name);
    const char *root = path_root(variable->path);
    if (name_is_reserved(root))
        return err_set(err, ERR_INPUT, "variable '%s' is filled by Hookmill; choose another name",
                       root);
    names_add(&c->sets, root, NULL);
    const cJSON *value = node_member(item, "defaultValue");
    const char *type = json_str(item, "type");
    size_t bytes;
    if (!value)
        return true;
    if (!value_measure(value, &bytes, err))
        return err_prefix(err, "variable '%.60s'", name);
    if (bytes > engine_default_limits.value_bytes)
        return err_set(err, ERR_LIMIT, "variable '%.60s': the default is too large", name);
    bool known = !type;
    for (size_t i = 0; types[i] && !known; i++)
        known = !strcmp(types[i], type);
    if (!known)
        return err_set(err, ERR_INPUT, "variable '%.60s': unknown type '%.40s'", name, type);
    variable->value = type ? variable_value(value, type) : cJSON_Duplicate(value, true);
    return variable->value ||
           err_set(err, ERR_INPUT, "variable '%.60s': the default is no %s", name, type);
}

static void variables_compile(struct compile *c, const cJSON *variables)
{
    if (!variables)
        return;
    int count = cJSON_GetArraySize(variables);
    if (!cJSON_IsArray(variables) || count > FLOW_VARIABLES_MAX) {
        diags_add(c->diags, SEVERITY_ERROR, "variable-bad", NULL, NULL,
                  "`variables` must be a list of at most %d variables", FLOW_VARIABLES_MAX);
        return;
    }
    c->flow->variables = x_calloc((size_t)count + 1, sizeof *c->flow->variables);
    const cJSON *item;
    cJSON_ArrayForEach(item, variables) {
        struct err err;
        if (!variable_parse(c, item, &c->flow->variables[c->flow->variable_count++], &err))
            compile_error(c, "variable-bad", NULL, NULL, err.text);
    }
}

static void settings_compile(struct compile *c, const cJSON *settings)
{
    const cJSON *max = node_member(settings, "maxExecutionTime");
    if (!max)
        return;
    if (!cJSON_IsNumber(max) || !(max->valuedouble >= 0) || max->valuedouble > 1e12)
        compile_error(c, "settings-bad", NULL, NULL,
                      "settings.maxExecutionTime must be a number of milliseconds");
    else
        c->flow->max_active_ms = (int64_t)max->valuedouble;
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
        if (role == NODE_START && flow->start != NOWHERE)
            compile_error(c, "start-duplicate", node->id, NULL,
                          "a flow has exactly one start node");
        else if (role == NODE_START)
            flow->start = (int)i;
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
    for (size_t i = 0; i < c->flow->count; i++)
        c->flow->nodes[i].data = NULL;
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
