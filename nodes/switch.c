// SPDX-License-Identifier: MIT
// switch: takes the branch whose value is the one looked at.
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/expression.h"
#include "engine/fold.h"
#include "engine/node.h"
#include "engine/template.h"
#include "engine/value.h"
#include "nodes/branches.h"
#include "nodes/types.h"

struct switcher {
    struct expression *expression; // what is looked at, or
    struct value_template *value;  // a template
    cJSON **cases;                 // one array of values for each branch
    bool folds;
    struct branches branches;
};

static void switch_free(void *config)
{
    struct switcher *s = config;
    expression_free(s->expression);
    value_template_free(s->value);
    for (size_t i = 0; i < s->branches.count; i++)
        cJSON_Delete(s->cases[i]);
    free(s->cases);
    branches_deinit(&s->branches);
    free(s);
}

static cJSON *fold(const struct switcher *s, const cJSON *value)
{
    if (!s->folds || !cJSON_IsString(value))
        return cJSON_Duplicate(value, true);
    char *text = text_fold(value->valuestring);
    cJSON *copy = cJSON_CreateString(text);
    free(text);
    return copy;
}

// `value`, or each of `values`; without either the branch's id is its value.
static cJSON *case_values(struct node_parse *p, const struct switcher *s, const cJSON *item)
{
    cJSON *list = cJSON_CreateArray();
    const cJSON *one = node_member(item, "value"), *value;
    if (one)
        cJSON_AddItemToArray(list, fold(s, one));
    cJSON_ArrayForEach(value, node_member(item, "values"))
        cJSON_AddItemToArray(list, fold(s, value));
    if (!list->child && node_member(item, "id"))
        cJSON_AddItemToArray(list, fold(s, node_member(item, "id")));
    if (!list->child)
        node_error(p, "field-missing", "cases: a case needs value, values or an id");
    return list;
}

static void *switch_parse(struct node_parse *p)
{
    struct switcher *s = x_alloc(sizeof *s);
    const cJSON *list = node_member(p->data, "cases"), *item;
    const char *variable = json_str(p->data, "variable");
    s->folds = json_bool(p->data, "ignoreCase", false);
    if (node_member(p->data, "expression"))
        s->expression = node_expression(p, p->data, "expression");
    else if (variable)
        s->expression = node_expression(p, p->data, "variable"); // a path is an expression
    else
        s->value = node_value(p, node_member(p->data, "value"), "value");
    if (!variable && !node_member(p->data, "value") && !node_member(p->data, "expression"))
        node_error(p, "field-missing", "variable, value or expression: what to look at?");
    branches_parse(&s->branches, p, list, "cases");
    node_edge(p, "error"); // the engine takes it when the expression fails
    s->cases = x_calloc(s->branches.count + 1, sizeof(void *));
    size_t i = 0;
    cJSON_ArrayForEach(item, list)
        s->cases[i++] = case_values(p, s, item);
    if (s->branches.fallback == NOWHERE)
        node_lint(p, "condition-no-default",
                  "when no case fits the session ends as an error: add an edge with the handle "
                  "\"default\"");
    return s;
}

static int case_find(const struct switcher *s, const cJSON *value)
{
    for (size_t i = 0; i < s->branches.count; i++) {
        const cJSON *one;
        cJSON_ArrayForEach(one, s->cases[i])
            if (value_equal(value, one))
                return (int)i;
    }
    return -1;
}

static enum node_verdict switch_enter(struct node_run *run)
{
    const struct switcher *s = run->config;
    cJSON *value;
    if (s->expression ? !node_eval(run, s->expression, &value)
                      : !node_render_value(run, s->value, &value))
        return NODE_FAILED;
    cJSON *compared = fold(s, value);
    int index = case_find(s, compared);
    cJSON_Delete(compared);
    cJSON_Delete(value);
    return branches_take(run, &s->branches, index, "no case fits");
}

static const char *const aliases[] = {"switchNode", "router", NULL};
static const char *const handles[] = {"default", "else", "error", NULL};

static const struct node_field case_fields[] = {
    {.name = "id", .kind = FIELD_STRING, .help = "names the case: the sourceHandle of its edge"},
    {.name = "value", .kind = FIELD_ANY, .help = "taken when it is equal; else the id"},
    {.name = "values", .kind = FIELD_LIST, .help = "or one of these"},
    {.name = "label", .kind = FIELD_STRING, .help = "for people"},
    {.name = "targetNodeId", .kind = FIELD_NODE, .help = "where to go, unless by an edge"},
    {0},
};

static const struct node_field fields[] = {
    {.name = "variable", .kind = FIELD_VARIABLE, .help = "what to look at, or"},
    {.name = "expression", .kind = FIELD_EXPRESSION, .help = "an expression, or"},
    {.name = "value", .kind = FIELD_ANY, .help = "a template"},
    {.name = "ignoreCase",
     .kind = FIELD_BOOL,
     .help = "true: upper and lower case, accents and width make no difference"},
    {.name = "cases",
     .kind = FIELD_LIST,
     .required = true,
     .members = case_fields,
     .help = "the first that has the value is taken"},
    {0},
};

const struct node_type node_switch = {
    .name = "switch",
    .aliases = aliases,
    .summary = "Takes the branch that has the value, else the default edge.",
    .fields = fields,
    .handles = handles,
    .parse = switch_parse,
    .enter = switch_enter,
    .free = switch_free,
};
