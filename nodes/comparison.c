// SPDX-License-Identifier: MIT
// Comparisons of variables (see comparison.h).
#include "nodes/comparison.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/expression.h"
#include "engine/fold.h"
#include "engine/path.h"
#include "engine/pattern.h"
#include "engine/scope.h"
#include "engine/template.h"
#include "engine/value.h"
#include "nodes/relation.h"

enum { PARTS_MAX = 100 };

struct comparison {
    bool negated;
    // A group
    struct comparison **parts;
    size_t part_count;
    bool any; // else all
    // or an expression
    struct expression *expression;
    // or a variable
    struct path *variable;
    enum relation relation;
    bool folds;                   // without regard to case, accents and width
    struct value_template *value; // NULL = null
    struct pattern *pattern;      // of MATCHES
};

void comparison_free(struct comparison *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->part_count; i++)
        comparison_free(c->parts[i]);
    free(c->parts);
    expression_free(c->expression);
    path_free(c->variable);
    value_template_free(c->value);
    pattern_free(c->pattern);
    free(c);
}

/* Compiling */

static struct comparison *parse(struct node_parse *p, const cJSON *item, unsigned depth);

static void group_parse(struct node_parse *p, struct comparison *c, const cJSON *list,
                        unsigned depth)
{
    int count = cJSON_GetArraySize(list);
    if (depth >= COMPARISON_DEPTH_MAX || count > PARTS_MAX || count == 0) {
        node_error(p, "field-value",
                   "all, any: 1 to %d comparisons, in groups of at most %d levels", PARTS_MAX,
                   COMPARISON_DEPTH_MAX);
        return;
    }
    c->parts = x_calloc((size_t)count, sizeof(void *));
    const cJSON *part;
    cJSON_ArrayForEach(part, list)
        c->parts[c->part_count++] = parse(p, part, depth + 1);
}

static bool needs_value(enum relation relation)
{
    return relation != EXISTS && relation != EMPTY && relation != EQUAL;
}

static void variable_parse(struct node_parse *p, struct comparison *c, const cJSON *item)
{
    const char *word = json_str(item, "operator");
    c->variable = node_reads(p, item, "variable");
    if (!word || !json_str(item, "variable")) {
        node_error(p, "field-missing",
                   "%s: is missing: a condition needs variable and operator, or all, any, or an "
                   "expression",
                   word ? "variable" : "operator");
        return;
    }
    bool negated;
    c->relation = relation_find(word, &negated);
    c->negated ^= negated;
    c->folds = json_bool(item, "ignoreCase", false);
    if (c->relation == MATCHES)
        c->pattern = node_pattern(p, item, "value");
    else
        c->value = node_value(p, node_member(item, "value"), "value");
    if (needs_value(c->relation) && !node_member(item, "value"))
        node_warn(p, "condition-no-value", "value: '%s' with nothing never holds", word);
}

static struct comparison *parse(struct node_parse *p, const cJSON *item, unsigned depth)
{
    struct comparison *c = x_alloc(sizeof *c);
    const cJSON *all = node_member(item, "all"), *any = node_member(item, "any");
    c->negated = json_bool(item, "not", false);
    c->any = any != NULL;
    if ((all != NULL) + (any != NULL) + (node_member(item, "expression") != NULL) +
            (node_member(item, "variable") != NULL) >
        1)
        node_error(p, "condition-two-tests",
                   "variable, expression, all and any: only one of them in one condition");
    if (all || any)
        group_parse(p, c, any ? any : all, depth);
    else if (node_member(item, "expression"))
        c->expression = node_expression(p, item, "expression");
    else
        variable_parse(p, c, item);
    return c;
}

struct comparison *comparison_parse(struct node_parse *p, const cJSON *item)
{
    return parse(p, item, 0);
}

/* Comparing */

// Texts and lists of texts folded, anything else as it is. Caller deletes.
static cJSON *folded(const cJSON *value)
{
    if (cJSON_IsArray(value)) {
        cJSON *list = cJSON_CreateArray();
        const cJSON *item;
        cJSON_ArrayForEach(item, value)
            cJSON_AddItemToArray(list,
                                 cJSON_IsArray(item) ? cJSON_Duplicate(item, true) : folded(item));
        return list;
    }
    if (!value || !cJSON_IsString(value))
        return cJSON_Duplicate(value, true);
    char *text = text_fold(value->valuestring);
    cJSON *copy = cJSON_CreateString(text);
    free(text);
    return copy;
}

static bool matches(struct node_run *run, const struct comparison *c, const cJSON *left,
                    bool *ret_holds)
{
    struct buf text = {0};
    value_text(left, &text);
    uint64_t steps = 0;
    enum pattern_match match =
        c->pattern ? pattern_match_counted(c->pattern, text.data ? text.data : "", &steps)
                   : PATTERN_NO;
    buf_deinit(&text);
    *ret_holds = match == PATTERN_YES;
    if (match == PATTERN_LIMIT)
        return err_set(&run->err, ERR_LIMIT,
                       "a pattern costs too much on this value (limit of matching)");
    return node_charge(run, steps / PATTERN_STEPS_PER_UNIT);
}

static bool variable_holds(struct node_run *run, const struct comparison *c, bool *ret_holds)
{
    struct scope scope;
    scope_init(&scope, run->session, run->flow, run->env, run->limits);
    const cJSON *left = c->variable ? scope_find(&scope, c->variable) : NULL;
    const cJSON *right = c->value ? value_template_constant(c->value) : NULL;
    cJSON *rendered = NULL, *folded_left = NULL, *folded_right = NULL;
    bool ok = true;
    if (c->value && !right) {
        ok = node_render_value(run, c->value, &rendered);
        right = rendered;
    }
    if (ok && c->folds) {
        left = folded_left = folded(left);
        right = folded_right = folded(right);
    }
    if (ok && c->relation == MATCHES)
        ok = matches(run, c, left, ret_holds);
    else if (ok)
        *ret_holds = relation_holds(&scope, c->relation, left, right);
    cJSON_Delete(rendered);
    cJSON_Delete(folded_left);
    cJSON_Delete(folded_right);
    scope_deinit(&scope);
    return ok;
}

static bool expression_holds(struct node_run *run, const struct comparison *c, bool *ret_holds)
{
    cJSON *value;
    if (!node_eval(run, c->expression, &value))
        return false;
    *ret_holds = value_is_true(value);
    cJSON_Delete(value);
    return true;
}

bool comparison_holds(struct node_run *run, const struct comparison *c, bool *ret_holds)
{
    bool holds = !c->any;
    if (c->expression && !expression_holds(run, c, &holds))
        return false;
    if (!c->expression && !c->parts && !variable_holds(run, c, &holds))
        return false;
    for (size_t i = 0; c->parts && i < c->part_count && holds != c->any; i++)
        if (!comparison_holds(run, c->parts[i], &holds))
            return false;
    *ret_holds = holds != c->negated;
    return true;
}

const struct node_field comparison_fields[] = {
    {.name = "variable", .kind = FIELD_VARIABLE, .help = "what to look at"},
    {.name = "operator", .kind = FIELD_WORD, .words = relation_words, .help = "how to compare"},
    {.name = "value", .kind = FIELD_ANY, .help = "with what; texts in it may be templates"},
    {.name = "ignoreCase",
     .kind = FIELD_BOOL,
     .help = "true: upper and lower case, accents and width make no difference"},
    {.name = "expression", .kind = FIELD_EXPRESSION, .help = "instead: an expression that is true"},
    {.name = "all",
     .kind = FIELD_LIST,
     .members = comparison_fields,
     .help = "instead: all of these hold"},
    {.name = "any",
     .kind = FIELD_LIST,
     .members = comparison_fields,
     .help = "instead: at least one of these holds"},
    {.name = "not", .kind = FIELD_BOOL, .help = "true: the opposite"},
    {.name = "id", .kind = FIELD_STRING, .help = "names the branch: the sourceHandle of its edge"},
    {.name = "label", .kind = FIELD_STRING, .help = "for people"},
    {.name = "targetNodeId", .kind = FIELD_NODE, .help = "where to go, unless by an edge"},
    {0},
};
