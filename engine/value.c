// SPDX-License-Identifier: MIT
// Values of the flow language: text, numbers, comparison, and the variables' limits.
#include "engine/value.h"

#include <math.h>
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

static bool measure(const cJSON *value, unsigned depth, size_t *bytes, struct err *err)
{
    if (depth > VALUE_DEPTH_MAX)
        return err_set(err, ERR_LIMIT, "a value is nested deeper than %d levels", VALUE_DEPTH_MAX);
    *bytes += 2;
    if (cJSON_IsString(value)) {
        if (!utf8_valid(value->valuestring, strlen(value->valuestring)))
            return err_set(err, ERR_INPUT, "a text is not UTF-8");
        *bytes += string_bytes(value->valuestring);
    }
    if (cJSON_IsNumber(value))
        *bytes += 24;                   // the longest double
    bool named = cJSON_IsObject(value); // an item of a list may have kept the name of where it was
    const cJSON *child;
    cJSON_ArrayForEach(child, value) {
        if (named && !utf8_valid(child->string, strlen(child->string)))
            return err_set(err, ERR_INPUT, "a member's name is not UTF-8");
        if (named)
            *bytes += string_bytes(child->string) + 1;
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

void value_text(const cJSON *value, struct buf *out)
{
    if (!value || cJSON_IsNull(value) || cJSON_IsInvalid(value))
        return;
    if (cJSON_IsString(value)) {
        buf_add_str(out, value->valuestring);
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
    return cJSON_Compare(a, b, true);
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

static bool vars_admit(const cJSON *vars, const struct path *path, const cJSON *value,
                       const struct engine_limits *limits, struct err *err)
{
    size_t bytes, total;
    if (!value_measure(value, &bytes, err))
        return err_prefix(err, "variable '%.60s'", path_root(path));
    if (bytes > limits->value_bytes)
        return err_set(err, ERR_LIMIT,
                       "variable '%.60s' has more than %zu bytes (limit value_bytes)",
                       path_root(path), limits->value_bytes);
    if (!cJSON_GetObjectItemCaseSensitive(vars, path_root(path)) &&
        (size_t)cJSON_GetArraySize(vars) >= limits->variables)
        return err_set(err, ERR_LIMIT, "variable '%.60s': more than %u variables (limit variables)",
                       path_root(path), (unsigned)limits->variables);
    // What is there stays within bounds by this very check; only the sum needs counting.
    total = 0;
    const cJSON *each;
    cJSON_ArrayForEach(each, vars) {
        size_t one;
        if (!value_measure(each, &one, err))
            return err_prefix(err, "variable '%.60s'", each->string);
        total += one + strlen(each->string);
    }
    if (total + bytes > limits->variables_bytes)
        return err_set(err, ERR_LIMIT,
                       "variable '%.60s': all variables have more than %zu bytes "
                       "(limit variables_bytes)",
                       path_root(path), limits->variables_bytes);
    return true;
}

bool vars_set(cJSON *vars, const struct path *path, cJSON *owned_value,
              const struct engine_limits *limits, struct err *err)
{
    if (!vars_admit(vars, path, owned_value, limits, err)) {
        cJSON_Delete(owned_value);
        return false;
    }
    path_put(path, vars, owned_value ? owned_value : cJSON_CreateNull());
    return true;
}
