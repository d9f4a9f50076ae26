// SPDX-License-Identifier: MIT
// condition: takes the first branch whose comparison holds, else the default.
#include <stdlib.h>

#include "base/mem.h"
#include "engine/node.h"
#include "nodes/branches.h"
#include "nodes/comparison.h"
#include "nodes/types.h"

struct condition {
    struct branches branches;
    struct comparison **tests; // one for each branch
};

static void condition_free(void *config)
{
    struct condition *condition = config;
    for (size_t i = 0; i < condition->branches.count; i++)
        comparison_free(condition->tests[i]);
    free(condition->tests);
    branches_deinit(&condition->branches);
    free(condition);
}

static void *condition_parse(struct node_parse *p)
{
    struct condition *condition = x_alloc(sizeof *condition);
    const cJSON *list = node_member(p->data, "conditions"), *item;
    branches_parse(&condition->branches, p, list, "conditions");
    node_edge(p, "error"); // the engine takes it when an expression fails
    condition->tests = x_calloc(condition->branches.count + 1, sizeof(void *));
    size_t i = 0;
    cJSON_ArrayForEach(item, list)
        condition->tests[i++] = comparison_parse(p, item);
    if (condition->branches.fallback == NOWHERE)
        node_lint(p, "condition-no-default",
                  "when no condition holds the session ends as an error: add an edge with the "
                  "handle \"default\"");
    return condition;
}

static enum node_verdict condition_enter(struct node_run *run)
{
    const struct condition *condition = run->config;
    for (size_t i = 0; i < condition->branches.count; i++) {
        bool holds;
        if (!comparison_holds(run, condition->tests[i], &holds))
            return NODE_FAILED;
        if (holds)
            return branches_take(run, &condition->branches, (int)i, NULL);
    }
    return branches_take(run, &condition->branches, -1, "no condition holds");
}

static const char *const aliases[] = {"conditionNode", "if", NULL};
static const char *const handles[] = {"default", "else", "error", NULL};

static const struct node_field fields[] = {
    {.name = "conditions",
     .kind = FIELD_LIST,
     .required = true,
     .members = comparison_fields,
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
