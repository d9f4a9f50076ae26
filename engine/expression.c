// SPDX-License-Identifier: MIT
// Expressions: their life (see expression_parse.c, expression_eval.c).
#include "engine/expression.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "engine/expression_tree.h"

struct expression *expression_parse(const char *text, size_t len, struct err *err)
{
    return expression_parse_filters(text, len, 0, err);
}

struct expression *expression_parse_filters(const char *text, size_t len, size_t path_len,
                                            struct err *err)
{
    if (len > EXPRESSION_BYTES_MAX) {
        err_set(err, ERR_LIMIT, "an expression has more than %d bytes", EXPRESSION_BYTES_MAX);
        return NULL;
    }
    if (!utf8_valid(text, len) || memchr(text, '\0', len)) {
        err_set(err, ERR_INPUT, "an expression is not UTF-8");
        return NULL;
    }
    char *copy = x_dupn(text, len);
    struct expr *root = expr_parse(copy, path_len, err);
    if (!root) {
        free(copy);
        return NULL;
    }
    struct expression *expression = x_alloc(sizeof *expression);
    expression->text = copy;
    expression->root = root;
    return expression;
}

void expression_free(struct expression *expression)
{
    if (!expression)
        return;
    expr_free(expression->root);
    free(expression->text);
    free(expression);
}

static void each_path(const struct expr *x, expression_path_fn fn, void *arg)
{
    if (x->kind == EXPR_PATH)
        fn(arg, x->path);
    for (size_t i = 0; i < x->count; i++)
        each_path(x->args[i], fn, arg);
}

void expression_each_path(const struct expression *expression, expression_path_fn fn, void *arg)
{
    each_path(expression->root, fn, arg);
}

cJSON *expression_eval(const struct expression *expression, struct scope *scope, struct err *err)
{
    struct err unused;
    bool is_short = scope->cost_left && *scope->cost_left < scope->cost;
    uint32_t cost = is_short ? *scope->cost_left : scope->cost;
    struct eval e = {
        .expression = expression, .scope = scope, .cost = cost, .err = err ? err : &unused};
    struct datum result;
    cJSON *value = NULL;
    if (expr_eval(&e, expression->root, &result)) {
        value = datum_take(&e, &result);
        datum_free(&result);
    }
    if (scope->cost_left)
        *scope->cost_left -= cost - (uint32_t)e.cost;
    return value;
}
