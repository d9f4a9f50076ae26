// SPDX-License-Identifier: MIT
// set: gives variables values, one after the other.
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/expression.h"
#include "engine/node.h"
#include "engine/path.h"
#include "engine/template.h"
#include "nodes/types.h"

enum { ASSIGNMENTS_MAX = 100 };

struct assignment {
    struct path *variable;
    struct expression *expression; // or
    struct value_template *value;  // or neither: null
};

struct set {
    struct assignment *items;
    size_t count;
    int next, error;
};

static void set_free(void *config)
{
    struct set *set = config;
    for (size_t i = 0; i < set->count; i++) {
        path_free(set->items[i].variable);
        expression_free(set->items[i].expression);
        value_template_free(set->items[i].value);
    }
    free(set->items);
    free(set);
}

static void assignment_parse(struct node_parse *p, struct set *set, const cJSON *item)
{
    struct assignment *one = &set->items[set->count++];
    const cJSON *value = node_member(item, "value");
    if (!node_member(item, "variable"))
        node_error(p, "field-missing", "variable: is missing: what to set?");
    if (value && node_member(item, "expression"))
        node_error(p, "field-value", "value and expression: only one of them");
    one->variable = node_sets(p, item, "variable", NULL);
    one->expression = node_expression(p, item, "expression");
    one->value = node_value(p, value, "value");
}

static void *set_parse(struct node_parse *p)
{
    struct set *set = x_alloc(sizeof *set);
    const cJSON *list = node_member(p->data, "assignments"), *item;
    int count = cJSON_GetArraySize(list);
    if (count > ASSIGNMENTS_MAX) {
        node_error(p, "field-value", "assignments: more than %d", ASSIGNMENTS_MAX);
        list = NULL;
    }
    set->items = x_calloc((size_t)count + 1, sizeof *set->items);
    if (node_member(p->data, "variable") || count == 0)
        assignment_parse(p, set, p->data);
    if (node_member(p->data, "variable") && count > 0)
        node_error(p, "field-value", "variable and assignments: only one of them");
    else
        cJSON_ArrayForEach(item, list)
            assignment_parse(p, set, item);
    set->error = node_edge(p, "error");
    set->next = node_default_edge(p);
    return set;
}

static bool value_make(struct node_run *run, const struct assignment *one, cJSON **ret_value)
{
    if (one->expression)
        return node_eval(run, one->expression, ret_value);
    if (one->value)
        return node_render_value(run, one->value, ret_value);
    *ret_value = cJSON_CreateNull();
    return true;
}

static enum node_verdict set_enter(struct node_run *run)
{
    const struct set *set = run->config;
    for (size_t i = 0; i < set->count; i++) {
        cJSON *value;
        if (!value_make(run, &set->items[i], &value)) {
            struct err why = run->err;
            return node_fail_to(run, set->error, "'%.60s': %.180s",
                                path_root(set->items[i].variable), why.text);
        }
        if (!node_set(run, set->items[i].variable, value))
            return NODE_FAILED;
    }
    return node_go(run, set->next, NULL);
}

static const char *const aliases[] = {"setNode", "setVariable", "assign", NULL};
static const char *const handles[] = {"error", NULL};

static const struct node_field assignment_fields[] = {
    {.name = "variable", .kind = FIELD_VARIABLE, .required = true, .help = "what to set"},
    {.name = "expression", .kind = FIELD_EXPRESSION, .help = "to what, or"},
    {.name = "value", .kind = FIELD_ANY, .help = "any JSON; texts in it are templates"},
    {0},
};

static const struct node_field fields[] = {
    {.name = "variable", .kind = FIELD_VARIABLE, .help = "what to set"},
    {.name = "expression", .kind = FIELD_EXPRESSION, .help = "to what, or"},
    {.name = "value",
     .kind = FIELD_ANY,
     .help = "any JSON; texts in it are templates; without either the variable becomes null"},
    {.name = "assignments",
     .kind = FIELD_LIST,
     .members = assignment_fields,
     .help = "instead: several, in order; each sees what those before it set"},
    {0},
};

const struct node_type node_set_type = {
    .name = "set",
    .aliases = aliases,
    .summary = "Gives variables values.",
    .fields = fields,
    .handles = handles,
    .parse = set_parse,
    .enter = set_enter,
    .free = set_free,
};
