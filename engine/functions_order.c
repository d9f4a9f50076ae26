// SPDX-License-Identifier: MIT
// Functions of expressions: what compares the items of lists.
#include <stdlib.h>
#include <string.h>

#include "engine/functions.h"
#include "engine/value.h"

FUNCTION(sum)
{
    const cJSON *list, *item;
    double sum = 0, number;
    if (!call_list(call, 0, &list))
        return false;
    cJSON_ArrayForEach(item, list) {
        if (cJSON_IsNull(item))
            continue;
        if (!value_is_number(item, &number)) {
            struct datum d = datum_borrow(item);
            return call_fail(call, "every item must be a number, not %s", datum_type(&d));
        }
        sum += number;
    }
    return call_give_number(call, sum, ret);
}

// Takes d when it comes before what *best is (or that is nothing yet).
static bool best_take(struct call *call, struct datum *best, const struct datum *d, int wanted)
{
    struct datum one = *d, two = *best;
    if (datum_is_null(d))
        return true;
    int order = datum_is_null(best) ? wanted : datum_order(call->eval, &one, &two);
    if (order == NO_ORDER)
        return call_fail(call, "there is no order between %s and %s", datum_type(d),
                         datum_type(best));
    if (order == wanted)
        *best = *d;
    return eval_charge(call->eval, 1, 0);
}

static bool best_give(struct call *call, int wanted, struct datum *ret)
{
    struct datum best = datum_borrow(NULL);
    const struct datum *first = &call->args[0];
    if (call->count == 1 && first->kind == DATUM_JSON && cJSON_IsArray(first->json)) {
        const cJSON *item;
        cJSON_ArrayForEach(item, first->json) {
            struct datum d = datum_borrow(item);
            if (!best_take(call, &best, &d, wanted))
                return false;
        }
    } else {
        for (size_t i = 0; i < call->count; i++)
            if (!best_take(call, &best, &call->args[i], wanted))
                return false;
    }
    best.owned = NULL; // the caller copies what goes with its arguments
    *ret = best;
    return true;
}

FUNCTION(min)
{
    return best_give(call, -1, ret);
}

FUNCTION(max)
{
    return best_give(call, 1, ret);
}

FUNCTION(unique)
{
    const cJSON *list;
    if (!call_list(call, 0, &list))
        return false;
    cJSON *rest = datum_take(call->eval, &call->args[0]), *kept = rest ? cJSON_CreateArray() : NULL;
    bool ok = rest;
    while (ok && rest->child) {
        struct datum d = datum_borrow(cJSON_DetachItemViaPointer(rest, rest->child));
        cJSON *item = (cJSON *)d.json;
        const cJSON *other;
        bool equal = false;
        cJSON_ArrayForEach(other, kept) {
            struct datum o = datum_borrow(other);
            ok = eval_charge(call->eval, 1, 0) && datum_equal(call->eval, &d, &o, &equal);
            if (!ok || equal)
                break;
        }
        if (ok && !equal)
            cJSON_AddItemToArray(kept, item);
        else
            cJSON_Delete(item);
    }
    cJSON_Delete(rest);
    if (ok)
        return datum_own(call->eval, kept, ret);
    cJSON_Delete(kept);
    return false;
}

/* sort */

struct row {
    cJSON *item; // detached
    struct datum key;
    size_t position;
};

// Null comes last, and so does what has no order with others; equal ones stay as they were.
static int row_compare(const void *a, const void *b, void *arg)
{
    struct row *x = (struct row *)a, *y = (struct row *)b;
    int nulls = datum_is_null(&x->key) - datum_is_null(&y->key);
    if (nulls)
        return nulls;
    int types = strcmp(datum_type(&x->key), datum_type(&y->key));
    int order = types ? types : datum_order(arg, &x->key, &y->key);
    if (order == 0 || order == NO_ORDER)
        order = (x->position > y->position) - (x->position < y->position);
    return order;
}

// Fills the rows with the list's items and what they are sorted by.
static bool rows_fill(struct call *call, cJSON *list, struct row *rows)
{
    size_t count = 0;
    while (list->child) {
        struct row *row = &rows[count];
        row->item = cJSON_DetachItemViaPointer(list, list->child);
        row->key = datum_borrow(row->item);
        row->position = count++;
    }
    for (size_t i = 0; i < count && call->node->count > 1; i++)
        if (!call_eval_item(call, 1, rows[i].item, i, &rows[i].key)) {
            rows[i].key = datum_borrow(NULL);
            return false;
        }
    // Comparing costs, too.
    size_t depth = 1;
    while (count >> depth)
        depth++;
    return eval_charge(call->eval, count * depth / 4, 0);
}

FUNCTION(sort)
{
    const cJSON *given;
    if (!call_list(call, 0, &given))
        return false;
    size_t count = (size_t)cJSON_GetArraySize(given);
    cJSON *list = datum_take(call->eval, &call->args[0]);
    if (!list)
        return false;
    struct row *rows = x_calloc(count + 1, sizeof *rows);
    bool ok = rows_fill(call, list, rows);
    if (ok)
        qsort_r(rows, count, sizeof *rows, row_compare, call->eval);
    for (size_t i = 0; i < count; i++) {
        datum_free(&rows[i].key);
        cJSON_AddItemToArray(list, rows[i].item);
    }
    free(rows);
    if (ok)
        return datum_own(call->eval, list, ret);
    cJSON_Delete(list);
    return false;
}
