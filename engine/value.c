// SPDX-License-Identifier: MIT
// Values of the flow language: text, numbers, comparison, and the variables' limits.
#include "engine/value.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "engine/engine.h"
#include "engine/path.h"

// A string as JSON: quotes, and escapes of two bytes (\n, \") or six (\u0001).
static size_t string_bytes(const char *s)
{
    size_t bytes = 2;
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        bytes += c < 0x20 ? 6 : c == '"' || c == '\\' ? 2 : 1;
    }
    return bytes;
}

static size_t own_bytes(const cJSON *value)
{
    // 24: the longest double
    return 2 + (cJSON_IsString(value) ? string_bytes(value->valuestring) : 0) +
           (cJSON_IsNumber(value) ? 24 : 0);
}

static size_t name_bytes(const char *name)
{
    return string_bytes(name) + 1;
}

// Of a value that is within bounds already.
static size_t size(const cJSON *value)
{
    size_t bytes = own_bytes(value);
    const cJSON *child;
    cJSON_ArrayForEach(child, value)
        bytes += size(child) + (cJSON_IsObject(value) ? name_bytes(child->string) : 0);
    return bytes;
}

static bool measure(const cJSON *value, size_t depth, size_t *bytes, struct err *err)
{
    if (depth > VALUE_DEPTH_MAX)
        return err_set(err, ERR_LIMIT, "a value is nested deeper than %d levels", VALUE_DEPTH_MAX);
    if (cJSON_IsString(value) && !utf8_valid(value->valuestring, strlen(value->valuestring)))
        return err_set(err, ERR_INPUT, "a text is not UTF-8");
    *bytes += own_bytes(value);
    bool named = cJSON_IsObject(value); // an item of a list may have kept the name of where it was
    const cJSON *child;
    cJSON_ArrayForEach(child, value) {
        if (named && !utf8_valid(child->string, strlen(child->string)))
            return err_set(err, ERR_INPUT, "a member's name is not UTF-8");
        if (named)
            *bytes += name_bytes(child->string);
        if (!measure(child, depth + 1, bytes, err))
            return false;
    }
    return true;
}

bool value_measure(const cJSON *value, size_t *ret_bytes, struct err *err)
{
    size_t bytes = 0;
    if (value && !measure(value, 0, &bytes, err))
        return false;
    *ret_bytes = bytes;
    return true;
}

// For people: 15 digits, which give decimals back as they were written, and sums of them (0.1 + 0.2
// is 0.3). JSON texts are exact: see json_print().
static void number_text(double number, struct buf *out)
{
    char text[40];
    if (fabs(number) < 1e15 && floor(number) >= number) {
        buf_add_int(out, (int64_t)number);
        return;
    }
    snprintf(text, sizeof text, "%.15g", number);
    buf_add_str(out, text);
}

void value_text(const cJSON *value, struct buf *out)
{
    if (!value || cJSON_IsNull(value) || cJSON_IsInvalid(value))
        return;
    if (cJSON_IsString(value)) {
        buf_add_str(out, value->valuestring);
        return;
    }
    if (cJSON_IsNumber(value) && isfinite(value->valuedouble)) {
        number_text(value->valuedouble, out);
        return;
    }
    char *json = json_print(value);
    buf_add_str(out, json);
    free(json);
}

void text_tidy(char *text)
{
    while (*text) {
        size_t len = 1, rest = strnlen(text, 4);
        while (len <= rest && !utf8_valid(text, len))
            len++;
        if (len > rest) {
            *text = '?';
            len = 1;
        }
        text += len;
    }
}

bool text_is_number(const char *text, double *ret_number)
{
    size_t len = strlen(text);
    if (len == 0 || len > 64 || strspn(text, "0123456789+-.eE") != len)
        return false;
    char *end;
    double number = strtod(text, &end);
    if (*end || end == text || !isfinite(number))
        return false;
    *ret_number = number;
    return true;
}

bool value_is_number(const cJSON *value, double *ret_number)
{
    if (cJSON_IsString(value))
        return text_is_number(value->valuestring, ret_number);
    if (!cJSON_IsNumber(value))
        return false;
    *ret_number = value->valuedouble;
    return true;
}

static bool value_is_bool(const cJSON *value, bool *ret_bool)
{
    bool is_true =
        cJSON_IsTrue(value) || (cJSON_IsString(value) && !strcmp(value->valuestring, "true"));
    bool is_false =
        cJSON_IsFalse(value) || (cJSON_IsString(value) && !strcmp(value->valuestring, "false"));
    *ret_bool = is_true;
    return is_true || is_false;
}

static bool value_is_null(const cJSON *value)
{
    return !value || cJSON_IsNull(value);
}

static int member_compare(const void *a, const void *b)
{
    return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

static const cJSON **members_sorted(const cJSON *object, size_t count)
{
    const cJSON **members = x_calloc(count + 1, sizeof *members);
    size_t i = 0;
    const cJSON *member;
    cJSON_ArrayForEach(member, object)
        members[i++] = member;
    qsort(members, count, sizeof *members, member_compare);
    return members;
}

static bool same(const cJSON *a, const cJSON *b);

// cJSON_Compare() takes time exponential in the depth.
static bool same_members(const cJSON *a, const cJSON *b)
{
    size_t count = (size_t)cJSON_GetArraySize(a);
    if ((size_t)cJSON_GetArraySize(b) != count)
        return false;
    const cJSON **p = members_sorted(a, count), **q = members_sorted(b, count);
    bool equal = true;
    for (size_t i = 0; i < count && equal; i++)
        equal = strcmp(p[i]->string, q[i]->string) == 0 && same(p[i], q[i]);
    free(p);
    free(q);
    return equal;
}

// As JSON, types and all. Values are not deep, so this may recurse.
static bool same(const cJSON *a, const cJSON *b)
{
    if (((a->type ^ b->type) & 0xff) != 0)
        return false;
    if (cJSON_IsNumber(a))
        return !(a->valuedouble < b->valuedouble) && !(a->valuedouble > b->valuedouble);
    if (cJSON_IsString(a))
        return strcmp(a->valuestring, b->valuestring) == 0;
    if (cJSON_IsObject(a))
        return same_members(a, b);
    const cJSON *x = a->child, *y = b->child;
    for (; x && y; x = x->next, y = y->next)
        if (!same(x, y))
            return false;
    return !x && !y;
}

bool value_equal(const cJSON *a, const cJSON *b)
{
    if (value_is_null(a) || value_is_null(b))
        return value_is_null(a) && value_is_null(b);
    double x, y;
    if (value_is_number(a, &x) &&
        value_is_number(b, &y)) // NOLINTNEXTLINE: exact comparison is meant
        return x == y;
    bool p, q;
    if ((cJSON_IsBool(a) || cJSON_IsBool(b)) && value_is_bool(a, &p) && value_is_bool(b, &q))
        return p == q;
    if (cJSON_IsString(a) && cJSON_IsString(b))
        return strcmp(a->valuestring, b->valuestring) == 0;
    return same(a, b);
}

bool value_order(const cJSON *a, const cJSON *b, int *ret_order)
{
    double x, y;
    if (value_is_number(a, &x) && value_is_number(b, &y)) {
        *ret_order = (x > y) - (x < y);
        return true;
    }
    if (!cJSON_IsString(a) || !cJSON_IsString(b))
        return false;
    *ret_order = strcmp(a->valuestring, b->valuestring);
    return true;
}

bool value_contains(const cJSON *container, const cJSON *item)
{
    if (value_is_null(item))
        return false;
    if (cJSON_IsArray(container)) {
        const cJSON *element;
        cJSON_ArrayForEach(element, container)
            if (value_equal(element, item))
                return true;
        return false;
    }
    if (!cJSON_IsString(container) && !cJSON_IsNumber(container))
        return false;
    struct buf text = {0}, part = {0};
    value_text(container, &text);
    value_text(item, &part);
    bool found = strstr(text.data ? text.data : "", part.data ? part.data : "") != NULL;
    buf_deinit(&text);
    buf_deinit(&part);
    return found;
}

/*
 * The variables' bytes, all together, are kept beside them: in the number that cJSON has in each
 * item and an object makes no use of. 0: to be counted.
 */
static size_t vars_bytes(cJSON *vars)
{
    size_t total = (size_t)vars->valuedouble;
    if (total == 0) {
        const cJSON *each;
        cJSON_ArrayForEach(each, vars)
            total += size(each) + strlen(each->string);
        vars->valuedouble = (double)total;
    }
    return total;
}

void vars_changed(cJSON *vars)
{
    if (vars)
        vars->valuedouble = 0;
}

void vars_put(cJSON *vars, const char *name, cJSON *owned_value)
{
    bool counted = vars->valuedouble > 0;
    size_t total = (size_t)vars->valuedouble + (counted ? size(owned_value) + strlen(name) : 0);
    cJSON *old = cJSON_DetachItemFromObjectCaseSensitive(vars, name);
    if (old && counted)
        total -= size(old) + strlen(name);
    cJSON_Delete(old);
    cJSON_AddItemToObject(vars, name, owned_value);
    vars->valuedouble = (double)total;
}

// What the variables' bytes become when `bytes` are put at the path.
static size_t bytes_after(const cJSON *vars, const struct path *path, size_t bytes)
{
    size_t total = (size_t)vars->valuedouble, count = path_count(path), i = 0;
    const cJSON *at = vars, *next = NULL;
    for (; i < count; i++, at = next) {
        next = cJSON_GetObjectItemCaseSensitive(at, path_part(path, i));
        if (!next || (!cJSON_IsObject(next) && i + 1 < count))
            break; // from here on objects are made
        if (i + 1 == count)
            return total - size(next) + bytes;
    }
    if (next)
        total -= size(next);
    else
        total += i == 0 ? strlen(path_root(path)) : name_bytes(path_part(path, i));
    for (size_t made = i + 1; made < count; made++)
        total += 2 + name_bytes(path_part(path, made));
    return total + bytes;
}

static bool vars_admit(cJSON *vars, const struct path *path, const cJSON *value, size_t *ret_bytes,
                       const struct engine_limits *limits, struct err *err)
{
    size_t bytes = 0;
    if (!measure(value, path_count(path) - 1, &bytes, err))
        return err_prefix(err, "variable '%.60s'", path_root(path));
    if (bytes > limits->value_bytes)
        return err_set(err, ERR_LIMIT,
                       "variable '%.60s' has more than %zu bytes (limit value_bytes)",
                       path_root(path), limits->value_bytes);
    if (!cJSON_GetObjectItemCaseSensitive(vars, path_root(path)) &&
        (size_t)cJSON_GetArraySize(vars) >= limits->variables)
        return err_set(err, ERR_LIMIT, "variable '%.60s': more than %u variables (limit variables)",
                       path_root(path), (unsigned)limits->variables);
    if (vars_bytes(vars) + bytes > limits->variables_bytes)
        return err_set(err, ERR_LIMIT,
                       "variable '%.60s': all variables have more than %zu bytes "
                       "(limit variables_bytes)",
                       path_root(path), limits->variables_bytes);
    *ret_bytes = bytes;
    return true;
}

// In builds with sanitizers: was everything counted that was changed?
static void vars_check(cJSON *vars)
{
#ifdef __SANITIZE_ADDRESS__
    size_t kept = (size_t)vars->valuedouble;
    vars_changed(vars);
    assert(vars_bytes(vars) == kept);
#endif
}

bool vars_set(cJSON *vars, const struct path *path, cJSON *owned_value,
              const struct engine_limits *limits, struct err *err)
{
    size_t bytes = 0;
    cJSON *value = owned_value ? owned_value : cJSON_CreateNull();
    if (!vars_admit(vars, path, value, &bytes, limits, err)) {
        cJSON_Delete(value);
        return false;
    }
    size_t total = bytes_after(vars, path, bytes);
    path_put(path, vars, value);
    vars->valuedouble = (double)total;
    vars_check(vars);
    return true;
}
