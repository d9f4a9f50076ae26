// SPDX-License-Identifier: MIT
// Functions of expressions: lists, and where texts are lists of characters.
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/functions.h"
#include "engine/grapheme.h"
#include "engine/value.h"

/* One item after the other */

// Adds a copy of what d has; takes d.
static bool item_add(struct eval *e, cJSON *list, struct datum *d)
{
    cJSON *value = datum_take(e, d);
    datum_free(d);
    if (value)
        cJSON_AddItemToArray(list, value);
    return value;
}

FUNCTION(map)
{
    const cJSON *list, *item;
    if (!call_list(call, 0, &list))
        return false;
    cJSON *mapped = cJSON_CreateArray();
    size_t index = 0;
    cJSON_ArrayForEach(item, list) {
        struct datum d;
        if (!call_eval_item(call, 1, item, index++, &d) || !item_add(call->eval, mapped, &d)) {
            cJSON_Delete(mapped);
            return false;
        }
    }
    return datum_own(call->eval, mapped, ret);
}

static bool holds(struct call *call, const cJSON *item, size_t index, bool *ret_holds)
{
    struct datum d;
    if (!call_eval_item(call, 1, item, index, &d))
        return false;
    *ret_holds = datum_is_true(&d);
    datum_free(&d);
    return true;
}

FUNCTION(filter)
{
    const cJSON *list, *item;
    if (!call_list(call, 0, &list))
        return false;
    cJSON *kept = cJSON_CreateArray();
    size_t index = 0;
    cJSON_ArrayForEach(item, list) {
        struct datum d = datum_borrow(item);
        bool keep;
        bool ok = holds(call, item, index++, &keep);
        if (!ok || (keep && !item_add(call->eval, kept, &d))) {
            cJSON_Delete(kept);
            return false;
        }
    }
    return datum_own(call->eval, kept, ret);
}

// True when some item has the condition as `wanted`.
static bool find(struct call *call, bool wanted, bool *ret_found)
{
    const cJSON *list, *item;
    if (!call_list(call, 0, &list))
        return false;
    size_t index = 0;
    *ret_found = false;
    cJSON_ArrayForEach(item, list) {
        bool yes;
        if (!holds(call, item, index++, &yes))
            return false;
        if (yes == wanted) {
            *ret_found = true;
            break;
        }
    }
    return true;
}

FUNCTION(any)
{
    bool found;
    if (!find(call, true, &found))
        return false;
    *ret = datum_bool(found);
    return true;
}

FUNCTION(all)
{
    bool found;
    if (!find(call, false, &found))
        return false;
    *ret = datum_bool(!found);
    return true;
}

/* Parts */

static bool is_list(const struct call *call)
{
    return call->args[0].kind == DATUM_JSON && cJSON_IsArray(call->args[0].json);
}

// Items from … to-1 of the list that argument 0 is, or characters of its text.
static bool part_give(struct call *call, size_t from, size_t to, struct datum *ret)
{
    const char *text;
    if (!is_list(call)) {
        if (!call_text(call, 0, &text))
            return false;
        size_t begin = grapheme_offset(text, from), end = grapheme_offset(text, to);
        return datum_text(call->eval, x_dupn(text + begin, end > begin ? end - begin : 0), ret);
    }
    cJSON *part = cJSON_CreateArray();
    const cJSON *item;
    size_t index = 0;
    cJSON_ArrayForEach(item, call->args[0].json) {
        struct datum d = datum_borrow(item);
        bool inside = index >= from && index < to;
        index++;
        if (inside && !item_add(call->eval, part, &d)) {
            cJSON_Delete(part);
            return false;
        }
    }
    return datum_own(call->eval, part, ret);
}

// How many items or characters argument 0 has.
static bool size_of(struct call *call, size_t *ret_size)
{
    const char *text;
    if (is_list(call)) {
        *ret_size = (size_t)cJSON_GetArraySize(call->args[0].json);
        return true;
    }
    if (!call_text(call, 0, &text))
        return false;
    *ret_size = grapheme_count(text);
    return true;
}

// A position that argument i gives, from the end when below 0.
static bool position(struct call *call, size_t i, size_t size, size_t *ret_position)
{
    int64_t at;
    if (!call_integer(call, i, INT32_MIN, INT32_MAX, &at))
        return false;
    at = at < 0 ? at + (int64_t)size : at;
    *ret_position = at < 0 ? 0 : (size_t)at > size ? size : (size_t)at;
    return true;
}

FUNCTION(slice)
{
    size_t size, from, to;
    if (!size_of(call, &size) || !position(call, 1, size, &from))
        return false;
    to = size;
    if (call_has(call, 2) && !position(call, 2, size, &to))
        return false;
    return part_give(call, from, to, ret);
}

static bool end_give(struct call *call, bool first, struct datum *ret)
{
    size_t size;
    int64_t count = 1;
    if (!size_of(call, &size) ||
        (call_has(call, 1) && !call_integer(call, 1, 0, INT32_MAX, &count)))
        return false;
    size_t most = (size_t)count > size ? size : (size_t)count;
    if (!is_list(call) || call_has(call, 1))
        return first ? part_give(call, 0, most, ret) : part_give(call, size - most, size, ret);
    *ret = datum_borrow(size ? cJSON_GetArrayItem(call->args[0].json, first ? 0 : (int)size - 1)
                             : NULL);
    return true;
}

FUNCTION(first)
{
    return end_give(call, true, ret);
}

FUNCTION(last)
{
    return end_give(call, false, ret);
}

// The characters from the last to the first.
static bool text_reverse(struct call *call, struct datum *ret)
{
    const char *text;
    if (!call_text(call, 0, &text))
        return false;
    size_t len = strlen(text), count;
    size_t *ends = grapheme_ends(text, &count);
    char *reversed = x_alloc(len + 1);
    for (size_t i = 0, from = 0; i < count; from = ends[i++])
        memcpy(reversed + len - ends[i], text + from, ends[i] - from);
    free(ends);
    return datum_text(call->eval, reversed, ret);
}

FUNCTION(reverse)
{
    if (!is_list(call))
        return text_reverse(call, ret);
    cJSON *list = datum_take(call->eval, &call->args[0]), *reversed;
    if (!list)
        return false;
    reversed = cJSON_CreateArray();
    while (list->child)
        cJSON_InsertItemInArray(reversed, 0, cJSON_DetachItemViaPointer(list, list->child));
    cJSON_Delete(list);
    return datum_own(call->eval, reversed, ret);
}

/* Lists and texts */

FUNCTION(join)
{
    const cJSON *list, *item;
    const char *separator = ", ";
    if (!call_list(call, 0, &list) || (call_has(call, 1) && !call_text(call, 1, &separator)))
        return false;
    struct buf out;
    buf_init(&out, call->eval->scope->bytes);
    cJSON_ArrayForEach(item, list) {
        if (item != list->child)
            buf_add_str(&out, separator);
        value_text(item, &out);
    }
    if (!out.overflow)
        return datum_text(call->eval, buf_take(&out), ret);
    buf_deinit(&out);
    return err_set(call->eval->err, ERR_LIMIT, "an expression makes a text of more than %zu bytes",
                   call->eval->scope->bytes);
}

static bool text_index_of(struct call *call, struct datum *ret)
{
    const char *text, *part;
    if (!call_text(call, 0, &text) || !call_text(call, 1, &part))
        return false;
    const char *found = strstr(text, part);
    if (!found)
        return call_give_number(call, -1, ret);
    char *before = x_dupn(text, (size_t)(found - text));
    double index = (double)grapheme_count(before);
    free(before);
    return call_give_number(call, index, ret);
}

FUNCTION(index_of)
{
    if (!is_list(call))
        return text_index_of(call, ret);
    const cJSON *item;
    double index = 0;
    cJSON_ArrayForEach(item, call->args[0].json) {
        struct datum d = datum_borrow(item);
        bool equal;
        if (!eval_charge(call->eval, 1, 0) || !datum_equal(call->eval, &d, &call->args[1], &equal))
            return false;
        if (equal)
            return call_give_number(call, index, ret);
        index++;
    }
    return call_give_number(call, -1, ret);
}

FUNCTION(range)
{
    const int64_t most = INT64_C(1) << 52;
    int64_t from = 0, to, step = 1;
    bool two = call->count > 1;
    if ((two && !call_integer(call, 0, -most, most, &from)) ||
        !call_integer(call, two ? 1 : 0, -most, most, &to) ||
        (call->count > 2 && !call_integer(call, 2, -most, most, &step)))
        return false;
    if (step == 0)
        return call_fail(call, "the step must not be 0");
    cJSON *list = cJSON_CreateArray();
    for (; step > 0 ? from < to : from > to; from += step) {
        if (!eval_charge(call->eval, 1, 0)) {
            cJSON_Delete(list);
            return false;
        }
        cJSON_AddItemToArray(list, cJSON_CreateNumber((double)from));
    }
    return datum_own(call->eval, list, ret);
}

static bool members_give(struct call *call, bool names, struct datum *ret)
{
    if (call->args[0].kind != DATUM_JSON || !cJSON_IsObject(call->args[0].json))
        return call_fail(call, "an object is needed, not %s", datum_type(&call->args[0]));
    cJSON *list = cJSON_CreateArray();
    const cJSON *member;
    cJSON_ArrayForEach(member, call->args[0].json) {
        struct datum d = datum_borrow(member);
        if (names) {
            cJSON_AddItemToArray(list, cJSON_CreateString(member->string));
        } else if (!item_add(call->eval, list, &d)) {
            cJSON_Delete(list);
            return false;
        }
    }
    return datum_own(call->eval, list, ret);
}

FUNCTION(keys)
{
    return members_give(call, true, ret);
}

FUNCTION(values)
{
    return members_give(call, false, ret);
}
