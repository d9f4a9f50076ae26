// SPDX-License-Identifier: MIT
// The canonical text of a flow's graph: members sorted by name, one form for the same graph.
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/graph.h"

struct member {
    const cJSON *item;
    size_t position;
};

// By name; equal names (which JSON permits) stay in their order.
static int member_compare(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int order = strcmp(x->item->string, y->item->string);
    return order ? order : (x->position > y->position) - (x->position < y->position);
}

static cJSON *sorted(const cJSON *value)
{
    if (!cJSON_IsObject(value) && !cJSON_IsArray(value))
        return cJSON_Duplicate(value, true);
    cJSON *copy = cJSON_IsArray(value) ? cJSON_CreateArray() : cJSON_CreateObject();
    struct member *members = x_calloc((size_t)cJSON_GetArraySize(value) + 1, sizeof *members);
    size_t count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, value) {
        members[count] = (struct member){item, count};
        count++;
    }
    if (cJSON_IsObject(value))
        qsort(members, count, sizeof *members, member_compare);
    for (size_t i = 0; i < count; i++) {
        if (cJSON_IsObject(value))
            cJSON_AddItemToObject(copy, members[i].item->string, sorted(members[i].item));
        else
            cJSON_AddItemToArray(copy, sorted(members[i].item));
    }
    free(members);
    return copy;
}

static void part_add(cJSON *snapshot, const char *name, const cJSON *value, cJSON *owned_fallback)
{
    cJSON_AddItemToObject(snapshot, name, value ? sorted(value) : owned_fallback);
    if (value)
        cJSON_Delete(owned_fallback);
}

char *flow_snapshot(const cJSON *document)
{
    struct shape shape;
    flow_shape(document, &shape);
    cJSON *snapshot = cJSON_CreateObject();
    part_add(snapshot, "edges", shape.edges, cJSON_CreateArray());
    if (shape.triggers) // only then: the text of other flows' versions stays as it was
        cJSON_AddItemToObject(cJSON_AddObjectToObject(snapshot, "metadata"), "triggers",
                              sorted(shape.triggers));
    part_add(snapshot, "nodes", shape.nodes, cJSON_CreateArray());
    if (shape.instantchat) // the mark of this shape, whose rules differ: see flow_shape()
        part_add(snapshot, "settings", shape.settings, cJSON_CreateObject());
    part_add(snapshot, "variables", shape.variables, cJSON_CreateArray());
    char *text = json_print(snapshot);
    cJSON_Delete(snapshot);
    return text;
}
