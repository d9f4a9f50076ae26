// SPDX-License-Identifier: MIT
// JSON values with templated strings: a tree of the same form, its strings parsed.
#include <stdlib.h>
#include <string.h>

#include "engine/template_piece.h"
#include "engine/value.h"

struct value_template {
    char *name;            // as a member of an object
    cJSON *constant;       // a value without templates inside, or
    struct template *text; // a templated string, or
    bool is_array;         // a container of
    struct value_template **children;
    size_t count;
};

void value_template_free(struct value_template *template)
{
    if (!template)
        return;
    for (size_t i = 0; i < template->count; i++)
        value_template_free(template->children[i]);
    free(template->children);
    free(template->name);
    cJSON_Delete(template->constant);
    template_free(template->text);
    free(template);
}

// Recursion is bounded: value_template_parse() has measured the value.
static bool fill(struct value_template *template, const cJSON *value, struct err *err)
{
    if (cJSON_IsString(value) && strstr(value->valuestring, "{{")) {
        template->text = template_parse(value->valuestring, err);
        return template->text != NULL;
    }
    if (!cJSON_IsArray(value) && !cJSON_IsObject(value)) {
        template->constant = cJSON_Duplicate(value, true);
        return true;
    }
    template->is_array = cJSON_IsArray(value);
    template->children = x_calloc((size_t)cJSON_GetArraySize(value) + 1, sizeof(void *));
    bool constant = true;
    const cJSON *child;
    cJSON_ArrayForEach(child, value) {
        struct value_template *one = x_alloc(sizeof *one);
        template->children[template->count++] = one;
        one->name = x_dup(child->string);
        if (!fill(one, child, err))
            return false;
        constant = constant && one->constant;
    }
    if (constant)
        template->constant = cJSON_Duplicate(value, true);
    return true;
}

struct value_template *value_template_parse(const cJSON *value, struct err *err)
{
    size_t bytes;
    if (!value_measure(value, &bytes, err))
        return NULL;
    struct value_template *template = x_alloc(sizeof *template);
    if (fill(template, value, err))
        return template;
    value_template_free(template);
    return NULL;
}

static cJSON *text_value(const struct template *text, struct scope *scope, size_t max_bytes,
                         struct err *err)
{
    if (text->count == 1 && !text->pieces[0].literal) {
        const cJSON *value;
        cJSON *made;
        if (!template_piece_value(&text->pieces[0], scope, &value, &made, err))
            return NULL;
        if (made)
            return made;
        return value ? cJSON_Duplicate(value, true) : cJSON_CreateNull();
    }
    struct buf out;
    buf_init(&out, max_bytes);
    cJSON *value = template_render(text, scope, NULL, &out, err)
                       ? cJSON_CreateString(out.data ? out.data : "")
                       : NULL;
    buf_deinit(&out);
    return value;
}

cJSON *value_template_render(const struct value_template *template, struct scope *scope,
                             size_t max_bytes, struct err *err)
{
    if (template->constant)
        return cJSON_Duplicate(template->constant, true);
    if (template->text)
        return text_value(template->text, scope, max_bytes, err);
    cJSON *value = template->is_array ? cJSON_CreateArray() : cJSON_CreateObject();
    for (size_t i = 0; i < template->count; i++) {
        const struct value_template *child = template->children[i];
        cJSON *item = value_template_render(child, scope, max_bytes, err);
        if (!item) {
            cJSON_Delete(value);
            return NULL;
        }
        if (template->is_array)
            cJSON_AddItemToArray(value, item);
        else
            cJSON_AddItemToObject(value, child->name, item);
    }
    return value;
}

void value_template_each_path(const struct value_template *template, template_path_fn fn, void *arg)
{
    if (template->text)
        template_each_path(template->text, fn, arg);
    for (size_t i = 0; i < template->count; i++)
        value_template_each_path(template->children[i], fn, arg);
}

const cJSON *value_template_constant(const struct value_template *template)
{
    return template->constant;
}
