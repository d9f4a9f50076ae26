// SPDX-License-Identifier: MIT
// Bodies of callbacks (see callback.h).
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "webhook/callback.h"

static bool type_is(const char *type, const char *name)
{
    size_t len = strlen(name);
    return type && strncasecmp(type, name, len) == 0 && strchr("; \t", type[len]);
}

// application/json, and what is built on it (application/cloudevents+json …).
static bool type_is_json(const char *type)
{
    size_t len = type ? strcspn(type, "; \t") : 0;
    return (len == 16 && strncasecmp(type, "application/json", 16) == 0) ||
           (len > 5 && strncasecmp(type + len - 5, "+json", 5) == 0);
}

static bool is_text(const char *text, size_t len)
{
    return utf8_valid(text, len) && !memchr(text, '\0', len);
}

/* Forms */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// What is no escape stands for itself, as browsers have it. NULL: no text.
static char *form_decode(const char *text, size_t len)
{
    char *out = x_alloc(len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        int high = text[i] == '%' && i + 2 < len ? hex_value(text[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text[i + 2]) : -1;
        if (low >= 0)
            i += 2;
        out[n++] = low >= 0 ? (char)(high << 4 | low) : text[i] == '+' ? ' ' : text[i];
    }
    if (is_text(out, n))
        return out;
    free(out);
    return NULL;
}

static void field_add(cJSON *object, const char *name, const char *value)
{
    cJSON *there = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!there) {
        json_add_str(object, name, value);
        return;
    }
    if (!cJSON_IsArray(there)) {
        cJSON *list = cJSON_CreateArray();
        cJSON_AddItemToArray(list, cJSON_Duplicate(there, false));
        cJSON_ReplaceItemInObjectCaseSensitive(object, name, list);
        there = list;
    }
    cJSON_AddItemToArray(there, cJSON_CreateString(value));
}

static bool form_field(cJSON *object, const char *field, size_t len)
{
    const char *equals = memchr(field, '=', len);
    size_t name_len = equals ? (size_t)(equals - field) : len;
    char *name = form_decode(field, name_len);
    char *value = equals ? form_decode(equals + 1, len - name_len - 1) : x_dup("");
    bool ok = name && value;
    if (ok && *name)
        field_add(object, name, value);
    free(name);
    free(value);
    return ok;
}

static bool form_read(const char *body, size_t len, char **ret_json, struct err *err)
{
    cJSON *object = cJSON_CreateObject();
    const char *end = body + len;
    bool ok = true;
    int count = 0;
    for (const char *at = body; ok && at < end; count++) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        stop = stop ? stop : end;
        ok = count < CALLBACK_FIELDS_MAX && form_field(object, at, (size_t)(stop - at));
        at = stop + 1;
    }
    if (ok)
        *ret_json = json_print(object);
    cJSON_Delete(object);
    if (!ok && count > CALLBACK_FIELDS_MAX)
        return err_set(err, ERR_LIMIT, "a form of more than %d fields", CALLBACK_FIELDS_MAX);
    return ok || err_set(err, ERR_INPUT, "a form whose fields are no UTF-8 text");
}

/* The others */

static bool json_take(const char *body, size_t len, char **ret_json, struct err *err)
{
    struct json_limits limits = {.max_bytes = CALLBACK_BODY_MAX, .max_depth = CALLBACK_DEPTH_MAX};
    struct json_doc *doc = json_parse(body, len, &limits, err);
    if (!doc)
        return false;
    const cJSON *root = json_root(doc);
    bool ok = cJSON_IsObject(root) || cJSON_IsArray(root);
    if (ok)
        *ret_json = json_print(root);
    json_doc_free(doc);
    return ok || err_set(err, ERR_INPUT, "JSON that is neither an object nor a list");
}

static bool text_take(const char *body, size_t len, char **ret_json, struct err *err)
{
    if (!is_text(body, len))
        return err_set(err, ERR_INPUT, "no UTF-8 text");
    cJSON *object = cJSON_CreateObject();
    char *text = x_dupn(body, len);
    json_add_str(object, "text", text);
    *ret_json = json_print(object);
    free(text);
    cJSON_Delete(object);
    return true;
}

bool callback_body_read(const char *type, const void *body, size_t len, char **ret_json,
                        struct err *err)
{
    const char *text = body;
    size_t blanks = 0;
    while (blanks < len && strchr(" \t\r\n", text[blanks]) && text[blanks])
        blanks++;
    if (blanks == len) {
        *ret_json = x_dup("{}");
        return true;
    }
    if (type_is_json(type))
        return json_take(text, len, ret_json, err);
    if (type_is(type, "application/x-www-form-urlencoded") && !strchr("{[", text[blanks]))
        return form_read(text, len, ret_json, err);
    // Many services say nothing, or text/plain, of what is JSON.
    if (strchr("{[", text[blanks]) && json_take(text, len, ret_json, err))
        return true;
    return text_take(text, len, ret_json, err);
}
