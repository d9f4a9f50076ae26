// SPDX-License-Identifier: MIT
// The half of the node authors' API that parse() uses: members of the data, variables, edges.
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/expression.h"
#include "engine/graph.h"
#include "engine/path.h"
#include "engine/pattern.h"
#include "engine/template.h"

PRINTF_LIKE(4, 0)
static void report(const struct node_parse *p, enum severity severity, const char *code,
                   const char *fmt, va_list ap)
{
    diags_vadd(p->compile->diags, severity, code, p->id, NULL, fmt, ap);
}

void node_error(const struct node_parse *p, const char *code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    report(p, SEVERITY_ERROR, code, fmt, ap);
    va_end(ap);
}

void node_warn(const struct node_parse *p, const char *code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    report(p, SEVERITY_WARNING, code, fmt, ap);
    va_end(ap);
}

void node_lint(const struct node_parse *p, const char *code, const char *fmt, ...)
{
    if (!p->compile->linting)
        return;
    va_list ap;
    va_start(ap, fmt);
    report(p, SEVERITY_WARNING, code, fmt, ap);
    va_end(ap);
}

const cJSON *node_member(const cJSON *object, const char *name)
{
    const cJSON *item = json_get(object, name);
    return cJSON_IsNull(item) ? NULL : item;
}

double node_number(const cJSON *object, const char *name, double fallback)
{
    const cJSON *item = json_get(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : fallback;
}

static void path_read(void *arg, const struct path *path)
{
    struct node_parse *p = arg;
    names_add(&p->compile->reads, path_root(path), p->id);
}

enum { SECRET_NAME_MAX = 64 };

// A secret's mark is found again by its letters, so a name has none that anything would escape.
static bool secret_is_named(const struct path *path)
{
    if (path_count(path) != 2)
        return false;
    const char *name = path_part(path, 1);
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    return len > 0 && len <= SECRET_NAME_MAX && !name[len];
}

static void path_read_or_secret(void *arg, const struct path *path)
{
    struct node_parse *p = arg;
    if (strcmp(path_root(path), "secrets") != 0)
        path_read(p, path);
    else if (!secret_is_named(path))
        node_error(p, "secret-bad",
                   "a secret is written {{ secrets.NAME }}, the name of letters, digits, _ and -");
}

static struct template *template_new(struct node_parse *p, const char *text, const char *field,
                                     template_path_fn read)
{
    struct err err;
    struct template *template = template_parse(text, &err);
    if (!template)
        node_error(p, "template-bad", "%s: %s", field, err.text);
    else
        template_each_path(template, read, p);
    return template;
}

struct template *node_template_text(struct node_parse *p, const char *text, const char *field)
{
    return template_new(p, text, field, path_read);
}

struct template *node_secret_text(struct node_parse *p, const char *text, const char *field)
{
    return template_new(p, text, field, path_read_or_secret);
}

struct template *node_template(struct node_parse *p, const cJSON *object, const char *name)
{
    const char *text = json_str(object, name);
    return text ? node_template_text(p, text, name) : NULL;
}

struct template *node_secret_template(struct node_parse *p, const cJSON *object, const char *name)
{
    const char *text = json_str(object, name);
    return text ? node_secret_text(p, text, name) : NULL;
}

static struct value_template *value_new(struct node_parse *p, const cJSON *item, const char *field,
                                        template_path_fn read)
{
    struct err err;
    struct value_template *template = item ? value_template_parse(item, &err) : NULL;
    if (template)
        value_template_each_path(template, read, p);
    else if (item)
        node_error(p, "template-bad", "%s: %s", field, err.text);
    return template;
}

struct value_template *node_value(struct node_parse *p, const cJSON *item, const char *field)
{
    return value_new(p, item, field, path_read);
}

struct value_template *node_secret_value(struct node_parse *p, const cJSON *item, const char *field)
{
    return value_new(p, item, field, path_read_or_secret);
}

struct expression *node_expression(struct node_parse *p, const cJSON *object, const char *name)
{
    const char *text = json_str(object, name);
    if (!text)
        return NULL;
    size_t len = strlen(text);
    if (len > 4 && !strncmp(text, "{{", 2) && !strcmp(text + len - 2, "}}")) {
        text += 2; // written as in a template
        len -= 4;
    }
    struct err err;
    struct expression *expression = expression_parse(text, len, &err);
    if (!expression)
        node_error(p, "expression-bad", "%s: %s", name, err.text);
    else
        expression_each_path(expression, path_read, p);
    return expression;
}

struct pattern *node_pattern(struct node_parse *p, const cJSON *object, const char *name)
{
    const char *text = json_str(object, name);
    if (!text || !*text)
        return NULL;
    struct err err;
    struct pattern *pattern = pattern_new(text, &err);
    if (!pattern)
        node_error(p, "pattern-bad", "%s: %s", name, err.text);
    return pattern;
}

struct path *node_reads(struct node_parse *p, const cJSON *object, const char *name)
{
    const char *text = json_str(object, name);
    if (!text)
        return NULL;
    size_t len = strlen(text);
    if (len > 4 && !strncmp(text, "{{", 2) && !strcmp(text + len - 2, "}}")) {
        text += 2; // some builders store the placeholder
        len -= 4;
    }
    struct err err;
    struct path *path = path_parse(text, len, &err);
    if (!path)
        node_error(p, "variable-bad", "%s: %s", name, err.text);
    else
        path_read(p, path);
    return path;
}

struct path *node_sets(struct node_parse *p, const cJSON *object, const char *name,
                       const char *fallback)
{
    const char *text = json_str(object, name);
    bool given = text && *text;
    if (!given && !fallback)
        return NULL;
    struct err err = {0};
    struct path *path = path_parse(given ? text : fallback, strlen(given ? text : fallback), &err);
    if (!path && given) {
        node_error(p, "variable-bad", "%s: %s", name, err.text);
        return NULL;
    }
    if (!path)
        path = path_literal(fallback);
    names_add(&p->compile->sets, path_root(path), p->id);
    if (name_is_reserved(path_root(path)))
        node_error(p, "variable-reserved", "'%s' is filled by Hookmill and cannot be set",
                   path_root(path));
    return path;
}

void node_callback(struct node_parse *p)
{
    struct flow *flow = p->compile->flow;
    if (flow->callback_count == FLOW_CALLBACKS_MAX)
        node_error(p, "callbacks-many", "more than %d nodes of a flow wait for callbacks",
                   FLOW_CALLBACKS_MAX);
    else
        flow->callbacks[flow->callback_count++] = (int)(p->node - flow->nodes);
}

static bool handle_fits(const struct flow_edge *edge, const char *handle)
{
    if (!edge->handle || !handle)
        return !edge->handle && !handle;
    return strcmp(edge->handle, handle) == 0;
}

int node_edge_claim(struct node_parse *p, size_t i)
{
    struct flow_edge *edge = &p->node->edges[i];
    edge->claimed = true;
    way_add(p->compile->flow, p->node, edge->target);
    return edge->target;
}

int node_edge(struct node_parse *p, const char *handle)
{
    for (size_t i = 0; i < p->node->edge_count; i++)
        if (handle_fits(&p->node->edges[i], handle))
            return node_edge_claim(p, i);
    return NOWHERE;
}

int node_default_edge(struct node_parse *p)
{
    static const char *const handles[] = {NULL, "default", "else"};
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++) {
        int target = node_edge(p, handles[i]);
        if (target != NOWHERE)
            return target;
    }
    for (size_t i = 0; i < p->node->edge_count; i++)
        if (!p->node->edges[i].claimed)
            return node_edge_claim(p, i);
    return NOWHERE;
}

int node_target(struct node_parse *p, const char *node_id, const char *field)
{
    const struct flow_node *node = flow_find(p->compile->flow, node_id);
    if (!node) {
        node_error(p, "target-missing", "%s: there is no node '%.100s'", field, node_id);
        return NOWHERE;
    }
    int target = (int)(node - p->compile->flow->nodes);
    way_add(p->compile->flow, p->node, target);
    for (size_t i = 0; i < p->node->edge_count; i++)
        if (p->node->edges[i].target == target && !p->node->edges[i].handle)
            p->node->edges[i].claimed = true; // drawn as an edge, too
    return target;
}

int node_call_target(struct node_parse *p, const char *node_id, const char *field)
{
    int target = node_target(p, node_id, field);
    if (target != NOWHERE)
        p->compile->flow->nodes[target].called = true;
    return target;
}

int node_start_target(struct node_parse *p)
{
    struct flow *flow = p->compile->flow;
    way_add(flow, p->node, flow->start);
    return flow->start; // NOWHERE is an error of the flow
}

size_t node_edge_count(const struct node_parse *p)
{
    return p->node->edge_count;
}

struct node_edge_view node_edge_at(const struct node_parse *p, size_t i)
{
    const struct flow_edge *edge = &p->node->edges[i];
    return (struct node_edge_view){edge->handle, edge->label, edge->target, edge->claimed};
}
