// SPDX-License-Identifier: MIT
// Functions of expressions: what is for values of any type.
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/functions.h"
#include "engine/grapheme.h"
#include "engine/value.h"

FUNCTION(type)
{
    return datum_own(call->eval, cJSON_CreateString(datum_type(&call->args[0])), ret);
}

// Null, the empty text and what fails have the default.
FUNCTION(default)
{
    const struct datum *d = &call->args[0];
    bool empty = datum_is_null(d) ||
                 (d->kind == DATUM_JSON && cJSON_IsString(d->json) && !*d->json->valuestring);
    if (empty)
        return call_eval(call, 1, ret);
    *ret = *d;
    ret->owned = NULL; // the caller copies what goes with its arguments
    return true;
}

FUNCTION(error)
{
    if (call->caught)
        return datum_text(call->eval, x_dup(call->caught), ret);
    *ret = datum_borrow(NULL);
    return true;
}

FUNCTION(if)
{
    if (datum_is_true(&call->args[0]))
        return call_eval(call, 1, ret);
    if (call->node->count > 2)
        return call_eval(call, 2, ret);
    *ret = datum_borrow(NULL);
    return true;
}

FUNCTION(length)
{
    const char *text;
    struct datum *d = &call->args[0];
    if (d->kind == DATUM_JSON && (cJSON_IsArray(d->json) || cJSON_IsObject(d->json))) {
        int size = cJSON_GetArraySize(d->json);
        return eval_charge(call->eval, 0, sizeof(int) * (size_t)size) &&
               call_give_number(call, size, ret);
    }
    return call_text(call, 0, &text) && call_give_number(call, (double)grapheme_count(text), ret);
}

FUNCTION(json)
{
    return datum_text(call->eval, json_print(datum_json(call->eval, &call->args[0])), ret);
}

FUNCTION(parse_json)
{
    const char *text;
    struct err err;
    if (!call_text(call, 0, &text) || !eval_charge(call->eval, 1, 4 * strlen(text)))
        return false;
    cJSON *value = json_read(text, strlen(text), &err);
    return value ? datum_own(call->eval, value, ret) : call_fail(call, "%s", err.text);
}
