// SPDX-License-Identifier: MIT
// Values out of an answer into variables.
#include "nodes/api_mapping.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/node.h"
#include "engine/path.h"

enum { MAPPED_MAX = 50 };

void mapping_deinit(struct mapping *mapping)
{
    for (size_t i = 0; i < mapping->count; i++) {
        path_free(mapping->items[i].variable);
        path_free(mapping->items[i].from);
        free(mapping->items[i].source);
    }
    free(mapping->items);
}

// What is before the path itself: nothing, "$" or "$.".
static const char *path_begin(const char *text)
{
    if (text[0] == '$' && (text[1] == '.' || text[1] == '['))
        return text + 1 + (text[1] == '.');
    return text[0] == '$' && !text[1] ? text + 1 : text;
}

static void mapped_add(struct node_parse *p, struct mapping *mapping, const cJSON *item,
                       const char *own)
{
    struct err err;
    if (!cJSON_IsString(item)) {
        node_error(p, "field-type", "mapping: '%.60s' must be a path, a text", item->string);
        return;
    }
    struct mapped mapped = {.source = x_dup(item->valuestring)};
    const char *from = path_begin(item->valuestring);
    if (*from)
        mapped.from = path_parse(from, strlen(from), &err);
    if (*from && !mapped.from)
        node_error(p, "variable-bad", "mapping: %s", err.text);
    cJSON *named = cJSON_CreateObject(); // node_sets() takes the name from a member
    json_add_str(named, "mapping", item->string);
    mapped.variable = node_sets(p, named, "mapping", NULL);
    cJSON_Delete(named);
    if (own && mapped.variable && strcmp(path_root(mapped.variable), own) == 0)
        node_error(p, "variable-bad",
                   "mapping: the node's own id holds its status; choose another "
                   "name than '%.60s'",
                   own);
    if (!mapped.variable)
        node_error(p, "variable-bad", "mapping: a variable without a name");
    mapping->items[mapping->count++] = mapped;
}

static void required_parse(struct node_parse *p, struct mapping *mapping, const cJSON *object,
                           const cJSON *required)
{
    const cJSON *name;
    cJSON_ArrayForEach(name, required) {
        size_t i = 0;
        const cJSON *item = object ? object->child : NULL;
        while (item && !(cJSON_IsString(name) && strcmp(item->string, name->valuestring) == 0)) {
            item = item->next;
            i++;
        }
        if (item && i < mapping->count)
            mapping->items[i].required = true;
        else
            node_error(p, "field-value", "required: lists variables of `mapping`");
    }
}

void mapping_parse(struct node_parse *p, const cJSON *object, const cJSON *required,
                   const char *own, struct mapping *mapping)
{
    int count = cJSON_GetArraySize(object);
    if (count > MAPPED_MAX) {
        node_error(p, "field-value", "mapping: more than %d variables", MAPPED_MAX);
        return;
    }
    mapping->items = x_calloc((size_t)count + 1, sizeof *mapping->items);
    const cJSON *item;
    bool whole = true; // positions are those of `object`
    cJSON_ArrayForEach(item, object) {
        mapped_add(p, mapping, item, own);
        whole = whole && cJSON_IsString(item);
    }
    if (whole)
        required_parse(p, mapping, object, required);
}

static const cJSON *mapped_find(const struct mapped *mapped, const cJSON *answer)
{
    const cJSON *value = mapped->from ? path_find(mapped->from, answer) : answer;
    return cJSON_IsNull(value) ? NULL : value;
}

const char *mapping_lacks(const struct mapping *mapping, const cJSON *answer)
{
    for (size_t i = 0; i < mapping->count; i++)
        if (mapping->items[i].required && !mapped_find(&mapping->items[i], answer))
            return mapping->items[i].source;
    return NULL;
}

bool mapping_store(struct node_run *run, const struct mapping *mapping, const cJSON *answer)
{
    for (size_t i = 0; i < mapping->count; i++) {
        const cJSON *value = mapped_find(&mapping->items[i], answer);
        cJSON *copy = value ? cJSON_Duplicate(value, true) : cJSON_CreateNull();
        if (!node_set(run, mapping->items[i].variable, copy))
            return false;
    }
    return true;
}
