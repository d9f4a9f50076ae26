// SPDX-License-Identifier: MIT
// Expressions, from tree to value. A tree's depth is bounded, and so is this recursion.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/expression_tree.h"
#include "engine/functions.h"
#include "engine/path.h"
#include "engine/value.h"

/* Paths, lists, objects, indices */

static bool eval_path(struct eval *e, const struct expr *x, struct datum *ret)
{
    const char *root = path_root(x->path);
    if (path_count(x->path) == 1 && strcmp(root, "now") == 0 &&
        !cJSON_GetObjectItemCaseSensitive(e->scope->vars, root))
        *ret = datum_date(e->scope->now_ms); // as a date, not as its text
    else
        *ret = datum_borrow(scope_find(e->scope, x->path));
    return true;
}

static bool eval_item(struct eval *e, const struct expr *x, struct datum *ret)
{
    if (strcmp(path_root(x->path), "item") == 0)
        *ret = datum_borrow(path_find_from(x->path, 1, e->item->item));
    else
        *ret = path_count(x->path) == 1 ? datum_number(e->item->index) : datum_borrow(NULL);
    return true;
}

// Evaluates and adds to a container that is being made; `name` is NULL in a list.
static bool element_add(struct eval *e, const struct expr *x, cJSON *container, const char *name)
{
    struct datum d;
    if (!expr_eval(e, x, &d))
        return false;
    cJSON *value = datum_take(e, &d);
    datum_free(&d);
    if (!value)
        return false;
    if (name) {
        cJSON_DeleteItemFromObjectCaseSensitive(container, name); // the last of a name counts
        cJSON_AddItemToObject(container, name, value);
    } else {
        cJSON_AddItemToArray(container, value);
    }
    return true;
}

static bool eval_container(struct eval *e, const struct expr *x, struct datum *ret)
{
    bool list = x->kind == EXPR_LIST;
    cJSON *container = list ? cJSON_CreateArray() : cJSON_CreateObject();
    for (size_t i = 0; i < x->count; i += list ? 1 : 2) {
        const char *name = list ? NULL : x->args[i]->value->valuestring;
        if (!element_add(e, x->args[i + !list], container, name)) {
            cJSON_Delete(container);
            return false;
        }
    }
    return datum_own(e, container, ret);
}

static const cJSON *element_at(const cJSON *list, double index)
{
    int count = cJSON_GetArraySize(list);
    index = index < 0 ? index + count : index;
    return index >= 0 && index < count && index <= floor(index)
               ? cJSON_GetArrayItem(list, (int)index)
               : NULL;
}

static bool eval_index(struct eval *e, const struct expr *x, struct datum *ret)
{
    struct datum base, index;
    double number;
    if (!expr_eval(e, x->args[0], &base))
        return false;
    if (!expr_eval(e, x->args[1], &index)) {
        datum_free(&base);
        return false;
    }
    if (!eval_charge(e, 0,
                     base.kind == DATUM_JSON ? sizeof(int) * (size_t)cJSON_GetArraySize(base.json)
                                             : 0)) {
        datum_free(&base);
        datum_free(&index);
        return false;
    }
    const cJSON *found = NULL;
    const char *key = index.kind == DATUM_JSON ? cJSON_GetStringValue(index.json) : NULL;
    if (base.kind == DATUM_JSON && cJSON_IsArray(base.json) && datum_is_number(&index, &number))
        found = element_at(base.json, number);
    else if (base.kind == DATUM_JSON && cJSON_IsObject(base.json) && key)
        found = cJSON_GetObjectItemCaseSensitive(base.json, key);
    datum_free(&index);
    *ret = datum_borrow(found);
    if (base.owned && found) // what it was found in goes
        ret->json = ret->owned = cJSON_Duplicate(found, true);
    datum_free(&base);
    return true;
}

/* Operators */

static bool plain_number(const struct datum *d, double *ret_number)
{
    return (d->kind == DATUM_NUMBER || (d->kind == DATUM_JSON && cJSON_IsNumber(d->json))) &&
           datum_is_number(d, ret_number);
}

static bool joins(const struct datum *d)
{
    return d->kind == DATUM_JSON && cJSON_IsString(d->json);
}

static bool is_container(const struct datum *d)
{
    return d->kind == DATUM_JSON && (cJSON_IsArray(d->json) || cJSON_IsObject(d->json));
}

static bool text_join(struct eval *e, struct datum *a, struct datum *b, struct datum *ret)
{
    struct buf out;
    buf_init(&out, e->scope->bytes);
    value_text(datum_json(e, a), &out);
    value_text(datum_json(e, b), &out);
    if (!out.overflow)
        return datum_text(e, buf_take(&out), ret);
    buf_deinit(&out);
    return err_set(e->err, ERR_LIMIT, "an expression makes a text of more than %zu bytes",
                   e->scope->bytes);
}

static bool list_join(struct eval *e, struct datum *a, struct datum *b, struct datum *ret)
{
    cJSON *list = datum_take(e, a), *tail = list ? datum_take(e, b) : NULL;
    if (!tail) {
        cJSON_Delete(list);
        return false;
    }
    while (tail->child)
        cJSON_AddItemToArray(list, cJSON_DetachItemViaPointer(tail, tail->child));
    cJSON_Delete(tail);
    return datum_own(e, list, ret);
}

static bool type_fail(struct eval *e, const struct expr *x, const char *what, const struct datum *a,
                      const struct datum *b)
{
    bool date = a->kind == DATUM_DATE || b->kind == DATUM_DATE;
    return eval_fail(e, x, "%s %s and %s%s", what, datum_type(a), datum_type(b),
                     date ? "; use date_add and date_diff" : "");
}

static bool add(struct eval *e, const struct expr *x, struct datum *a, struct datum *b,
                struct datum *ret)
{
    double p, q;
    if (plain_number(a, &p) && plain_number(b, &q)) {
        *ret = datum_number(p + q);
        return isfinite(p + q) || eval_fail(e, x, "the number is too large");
    }
    if ((joins(a) && !is_container(b)) || (joins(b) && !is_container(a)))
        return text_join(e, a, b, ret);
    if (a->kind == DATUM_JSON && b->kind == DATUM_JSON && cJSON_IsArray(a->json) &&
        cJSON_IsArray(b->json))
        return list_join(e, a, b, ret);
    return type_fail(e, x, "cannot add", a, b);
}

static bool calculate(struct eval *e, const struct expr *x, enum expr_op op, struct datum *a,
                      struct datum *b, struct datum *ret)
{
    double p, q, result;
    if (op == OP_ADD)
        return add(e, x, a, b, ret);
    if (!datum_is_number(a, &p) || !datum_is_number(b, &q))
        return type_fail(e, x, "cannot calculate with", a, b);
    if ((op == OP_DIVIDE || op == OP_REMAINDER) && !(q < 0) && !(q > 0))
        return eval_fail(e, x, "division by zero");
    result = op == OP_SUBTRACT   ? p - q
             : op == OP_MULTIPLY ? p * q
             : op == OP_DIVIDE   ? p / q
                                 : fmod(p, q);
    *ret = datum_number(result);
    return isfinite(result) || eval_fail(e, x, "the number is too large");
}

// a in b, for texts, lists and the names of objects.
static bool holds(struct eval *e, struct datum *container, struct datum *item)
{
    const cJSON *in = datum_json(e, container), *what = datum_json(e, item);
    if (cJSON_IsObject(in))
        return cJSON_IsString(what) && cJSON_GetObjectItemCaseSensitive(in, what->valuestring);
    return value_contains(in, what);
}

static bool compare(struct eval *e, enum expr_op op, struct datum *a, struct datum *b,
                    struct datum *ret)
{
    bool yes = false;
    if (op == OP_EQUAL || op == OP_NOT_EQUAL) {
        if (!datum_equal(e, a, b, &yes))
            return false;
        yes = yes == (op == OP_EQUAL);
    } else if (op == OP_IN || op == OP_NOT_IN) {
        size_t bytes = 0;
        if (is_container(b) &&
            (!value_measure(b->json, &bytes, e->err) || !eval_charge(e, 0, bytes)))
            return false;
        yes = holds(e, b, a) == (op == OP_IN);
    } else {
        int order = datum_order(e, a, b);
        yes = order != NO_ORDER && (op == OP_LESS      ? order < 0
                                    : op == OP_AT_MOST ? order <= 0
                                    : op == OP_GREATER ? order > 0
                                                       : order >= 0);
    }
    *ret = datum_bool(yes);
    return true;
}

static bool is_compare(enum expr_op op)
{
    return op >= OP_EQUAL && op <= OP_NOT_IN;
}

// What fails is null, and ret_why (or NULL) says why; but a limit that is passed stays passed.
static bool eval_or_null(struct eval *e, const struct expr *x, struct datum *ret, char **ret_why)
{
    if (expr_eval(e, x, ret))
        return true;
    if (e->err->code == ERR_LIMIT)
        return false;
    if (ret_why)
        *ret_why = x_dup(e->err->text);
    *e->err = (struct err){0};
    *ret = datum_borrow(NULL);
    return true;
}

static bool eval_operand(struct eval *e, const struct expr *x, size_t i, struct datum *ret)
{
    bool may_fail = x->ops[1] == OP_DEFAULT && i + 1 < x->count;
    return may_fail ? eval_or_null(e, x->args[i], ret, NULL) : expr_eval(e, x->args[i], ret);
}

// a op b op c from the left; `and`, `or` and `??` stop early.
static bool eval_chain(struct eval *e, const struct expr *x, struct datum *ret)
{
    struct datum left, right, result;
    if (!eval_operand(e, x, 0, &left))
        return false;
    for (size_t i = 1; i < x->count; i++) {
        enum expr_op op = (enum expr_op)x->ops[i];
        if ((op == OP_AND && !datum_is_true(&left)) || (op == OP_OR && datum_is_true(&left)) ||
            (op == OP_DEFAULT && !datum_is_null(&left)))
            break;
        bool ok = eval_operand(e, x, i, &right);
        if (op == OP_AND || op == OP_OR || op == OP_DEFAULT) {
            datum_free(&left);
            left = right;
            if (!ok)
                return false;
            continue;
        }
        if (ok) {
            ok = is_compare(op) ? compare(e, op, &left, &right, &result)
                                : calculate(e, x, op, &left, &right, &result);
            datum_free(&right);
        }
        datum_free(&left);
        if (!ok)
            return false;
        left = result;
    }
    if (x->ops[1] == OP_AND || x->ops[1] == OP_OR) {
        *ret = datum_bool(datum_is_true(&left));
        datum_free(&left);
    } else {
        *ret = left;
    }
    return true;
}

static bool eval_prefix(struct eval *e, const struct expr *x, struct datum *ret)
{
    struct datum operand;
    double number;
    if (!expr_eval(e, x->args[0], &operand))
        return false;
    bool ok = true;
    if (x->kind == EXPR_NOT)
        *ret = datum_bool(!datum_is_true(&operand));
    else if (datum_is_number(&operand, &number))
        *ret = datum_number(-number);
    else
        ok = eval_fail(e, x, "- needs a number, not %s", datum_type(&operand));
    datum_free(&operand);
    return ok;
}

static bool eval_choice(struct eval *e, const struct expr *x, struct datum *ret)
{
    struct datum condition;
    if (!expr_eval(e, x->args[0], &condition))
        return false;
    bool yes = datum_is_true(&condition);
    datum_free(&condition);
    return expr_eval(e, x->args[yes ? 1 : 2], ret);
}

/* Calls */

enum { ARGUMENTS_INLINE = 8 };

static bool call_run(struct call *call, struct datum *ret)
{
    const struct expression_function *f = call->node->function;
    size_t eager = f->flags & FUNCTION_LAZY ? 1 : call->node->count;
    for (; call->count < eager && call->count < call->node->count; call->count++) {
        const struct expr *x = call->node->args[call->count];
        struct datum *arg = &call->args[call->count];
        bool may_fail = f->flags & FUNCTION_CATCH && call->count == 0;
        if (may_fail ? !eval_or_null(call->eval, x, arg, &call->caught)
                     : !expr_eval(call->eval, x, arg))
            return false;
    }
    if (call->count && datum_is_null(&call->args[0]) && !(f->flags & FUNCTION_NULL)) {
        *ret = datum_borrow(NULL);
        return true;
    }
    return f->call(call, ret);
}

static bool eval_call(struct eval *e, const struct expr *x, struct datum *ret)
{
    struct datum args[ARGUMENTS_INLINE];
    struct call call = {.eval = e, .node = x, .args = args};
    if (x->count > ARGUMENTS_INLINE)
        call.args = x_calloc(x->count, sizeof *call.args);
    struct datum result;
    bool ok = call_run(&call, &result);
    // A result may be a part of an argument, which goes.
    for (size_t i = 0; ok && i < call.count; i++)
        if (call.args[i].owned && result.kind == DATUM_JSON && !result.owned)
            result.json = result.owned = cJSON_Duplicate(result.json, true);
    for (size_t i = 0; i < call.count; i++)
        datum_free(&call.args[i]);
    for (size_t i = 0; i < call.text_count; i++)
        free(call.texts[i]);
    free(call.caught);
    if (call.args != args)
        free(call.args);
    if (ok)
        *ret = result;
    return ok;
}

bool expr_eval(struct eval *e, const struct expr *x, struct datum *ret)
{
    if (!eval_charge(e, 1, 0))
        return false;
    switch (x->kind) {
    case EXPR_VALUE:
        *ret = datum_borrow(x->value);
        return true;
    case EXPR_PATH:
        return eval_path(e, x, ret);
    case EXPR_ITEM:
        return eval_item(e, x, ret);
    case EXPR_LIST:
    case EXPR_OBJECT:
        return eval_container(e, x, ret);
    case EXPR_NOT:
    case EXPR_MINUS:
        return eval_prefix(e, x, ret);
    case EXPR_CHAIN:
        return eval_chain(e, x, ret);
    case EXPR_IF:
        return eval_choice(e, x, ret);
    case EXPR_INDEX:
        return eval_index(e, x, ret);
    case EXPR_CALL:
        return eval_call(e, x, ret);
    }
    return eval_fail(e, x, "not an expression");
}
