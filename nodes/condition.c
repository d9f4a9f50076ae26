// SPDX-License-Identifier: MIT
// condition: takes the first branch whose comparison holds, else the default.
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "engine/path.h"
#include "engine/template.h"
#include "engine/value.h"
#include "nodes/types.h"

enum { BRANCHES_MAX = 100 };

enum operator{ EQUAL, NOT_EQUAL, GREATER, LESS, AT_LEAST, AT_MOST, CONTAINS };
static const char *const operators[] = {"==", "!=", ">", "<", ">=", "<=", "contains", NULL};

struct branch {
    char *id;
    struct path *variable;
    enum operator operator;
    struct value_template *value; // NULL = null
    int target;
};

struct condition {
    struct branch *branches;
    size_t count;
    int fallback;
};

static void condition_free(void *config)
{
    struct condition *condition = config;
    for (size_t i = 0; i < condition->count; i++) {
        free(condition->branches[i].id);
        path_free(condition->branches[i].variable);
        value_template_free(condition->branches[i].value);
    }
    free(condition->branches);
    free(condition);
}

// A branch goes to its targetNodeId or along the edge that carries its id; both must agree.
static int branch_target(struct node_parse *p, const struct branch *branch, const cJSON *item)
{
    int edge = *branch->id ? node_edge(p, branch->id) : NOWHERE;
    const char *target_id = json_str(item, "targetNodeId");
    if (!target_id || !*target_id) {
        if (edge == NOWHERE)
            node_error(
                p, "condition-no-target",
                "condition '%.60s' has neither a targetNodeId nor an edge whose sourceHandle "
                "is its id",
                branch->id);
        return edge;
    }
    int target = node_target(p, target_id, "targetNodeId");
    if (edge != NOWHERE && target != NOWHERE && edge != target)
        node_error(p, "condition-two-targets",
                   "condition '%.60s': targetNodeId '%.60s' and its edge lead to different nodes",
                   branch->id, target_id);
    return target;
}

static void branch_parse(struct node_parse *p, struct branch *branch, const cJSON *item)
{
    const char *id = json_str(item, "id");
    branch->id = x_dup(id ? id : "");
    branch->variable = node_reads(p, item, "variable");
    const char *word = json_str(item, "operator");
    while (strcmp(operators[branch->operator], word) != 0)
        branch->operator++;
    branch->value = node_value(p, node_member(item, "value"), "value");
    branch->target = branch_target(p, branch, item);
}

static void *condition_parse(struct node_parse *p)
{
    struct condition *condition = x_alloc(sizeof *condition);
    const cJSON *list = node_member(p->data, "conditions"), *item;
    size_t count = (size_t)cJSON_GetArraySize(list);
    if (count > BRANCHES_MAX) {
        node_error(p, "field-value", "conditions: more than %d", BRANCHES_MAX);
        count = 0;
    }
    condition->branches = x_calloc(count + 1, sizeof *condition->branches);
    cJSON_ArrayForEach(item, list) {
        if (condition->count == count)
            break;
        struct branch *branch = &condition->branches[condition->count++];
        branch_parse(p, branch, item);
        for (size_t i = 0; i + 1 < condition->count && *branch->id; i++)
            if (strcmp(condition->branches[i].id, branch->id) == 0)
                node_error(p, "condition-duplicate", "two conditions have the id '%.60s'",
                           branch->id);
    }
    static const char *const defaults[] = {"default", "else", NULL};
    condition->fallback = node_edge(p, defaults[0]);
    for (size_t i = 1; condition->fallback == NOWHERE && i < 3; i++)
        condition->fallback = node_edge(p, defaults[i]); // last: an edge without a handle
    if (condition->fallback == NOWHERE)
        node_lint(p, "condition-no-default",
                  "when no condition holds the session ends as an error: add an edge with the "
                  "handle \"default\"");
    return condition;
}

static bool order_holds(enum operator operator, int order)
{
    switch (operator) {
    case GREATER:
        return order > 0;
    case LESS:
        return order < 0;
    case AT_LEAST:
        return order >= 0;
    default:
        return order <= 0;
    }
}

static bool comparison_holds(enum operator operator, const cJSON * left, const cJSON *right)
{
    int order;
    if (operator== EQUAL || operator== NOT_EQUAL)
        return value_equal(left, right) == (operator== EQUAL);
    if (operator== CONTAINS)
        return value_contains(left, right);
    return value_order(left, right, &order) && order_holds(operator, order);
}

static bool branch_holds(struct node_run *run, const struct branch *branch, bool *ret_holds)
{
    const cJSON *left = path_find(branch->variable, run->session->vars);
    const cJSON *constant = branch->value ? value_template_constant(branch->value) : NULL;
    cJSON *rendered = NULL;
    if (branch->value && !constant && !node_render_value(run, branch->value, &rendered))
        return false;
    *ret_holds = comparison_holds(branch->operator, left, constant ? constant : rendered);
    cJSON_Delete(rendered);
    return true;
}

static enum node_verdict condition_enter(struct node_run *run)
{
    const struct condition *condition = run->config;
    for (size_t i = 0; i < condition->count; i++) {
        const struct branch *branch = &condition->branches[i];
        bool holds;
        if (!branch_holds(run, branch, &holds))
            return NODE_FAILED;
        if (holds)
            return node_go(run, branch->target, *branch->id ? branch->id : "matched");
    }
    if (condition->fallback == NOWHERE)
        return node_fail(run, "no condition holds and there is no default edge");
    return node_go(run, condition->fallback, "default");
}

static const char *const aliases[] = {"conditionNode", NULL};
static const char *const handles[] = {"default", "else", NULL};

static const struct node_field branch_fields[] = {
    {.name = "id", .kind = FIELD_STRING, .help = "names the branch: the sourceHandle of its edge"},
    {.name = "variable", .kind = FIELD_VARIABLE, .required = true, .help = "what to look at"},
    {.name = "operator",
     .kind = FIELD_WORD,
     .required = true,
     .words = operators,
     .help = "how to compare"},
    {.name = "value", .kind = FIELD_ANY, .help = "with what; texts in it may be templates"},
    {.name = "targetNodeId", .kind = FIELD_NODE, .help = "where to go, unless by an edge"},
    {0},
};

static const struct node_field fields[] = {
    {.name = "conditions",
     .kind = FIELD_LIST,
     .required = true,
     .members = branch_fields,
     .help = "tried in order; the first that holds is taken"},
    {0},
};

const struct node_type node_condition = {
    .name = "condition",
    .aliases = aliases,
    .summary = "Takes the first branch whose comparison holds, else the default edge.",
    .fields = fields,
    .handles = handles,
    .parse = condition_parse,
    .enter = condition_enter,
    .free = condition_free,
};
