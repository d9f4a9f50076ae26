// SPDX-License-Identifier: MIT
#include "test/fuzz/random_flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"

enum { ROOM = 12, EDGES_MOST = 3, REPAIRS_MOST = 3, DEPTH_MOST = 3 };

const char *const random_flow_ids[2] = {"665f1c0a9d3e4b2a1c000001", "665f1c0a9d3e4b2a1c000002"};

static const char *const variables[] = {"a", "b", "c.d", "list", "e.f.g", "event", "n"};
static const char *const templates[] = {
    "hello",
    "",
    "{{ a }} and {{ c.d | default: \"none\" }}",
    "{{ last.text }}",
    "{{ b | upper }}",
    "{{ message.payload }}{{ a }}{{ a }}{{ a }}{{ a }}{{ a }}{{ a }}{{ a }}{{ a }}",
    "{{ session.steps }} {{ flow.defaults.n }} {{ now }}",
    "{{ 1 / n }}",
    "{{ e.f.g[0] }}",
    "\xc3\xa9"};
static const char *const expressions[] = {
    "n + 1", "a == b",      "concat(a, a)", "length(a)",  "list[0]",
    "1 / 0", "n > 3 and a", "a + a",        "event.text", "lower(last.text)"};
static const char *const patterns[] = {"^[0-9]+$", "(a|b)*c", "^(a+)+$", "."};
static const char *const words[] = {"a", "b", "c", "yes", "DE", "x y", "5", "Europe/Berlin"};
static const char *const ids[] = {"a", "b", "c"};
static const char *const handles[] = {NULL,      "a",     "b",       "c",      "default",
                                      "success", "error", "timeout", "invalid"};
static const char *const addresses[] = {"https://x.example/{{ a }}", "https://x.example"};

static void node_id(unsigned index, char out[8])
{
    snprintf(out, 8, "n%u", index);
}

// Seldom the start, for what leads back to it soon is a loop.
static cJSON *node_reference(struct bytes *bytes)
{
    char id[8];
    unsigned byte = bytes_next(bytes);
    node_id(byte == 255 ? 0 : 1 + byte % (ROOM - 1), id);
    return cJSON_CreateString(id);
}

static cJSON *any_value(struct bytes *bytes, unsigned depth)
{
    unsigned kind = bytes_below(bytes, depth < DEPTH_MOST ? 8 : 6);
    if (kind == 0)
        return cJSON_CreateString(BYTES_PICK(bytes, templates));
    if (kind == 1)
        return cJSON_CreateNumber((double)bytes_next(bytes) - 100);
    if (kind == 2)
        return cJSON_CreateBool(bytes_one_in(bytes, 2));
    if (kind == 3)
        return cJSON_CreateNull();
    if (kind <= 5)
        return cJSON_CreateString(BYTES_PICK(bytes, words));
    cJSON *value = kind == 6 ? cJSON_CreateArray() : cJSON_CreateObject();
    for (unsigned left = bytes_below(bytes, 4); left; left--) {
        if (kind == 6)
            cJSON_AddItemToArray(value, any_value(bytes, depth + 1));
        else
            cJSON_AddItemToObject(value, BYTES_PICK(bytes, ids), any_value(bytes, depth + 1));
    }
    return value;
}

// As choices are: texts, or objects with an id and words.
static cJSON *free_list(struct bytes *bytes)
{
    cJSON *list = cJSON_CreateArray();
    for (unsigned i = 0, count = 1 + bytes_below(bytes, 3); i < count; i++) {
        if (bytes_one_in(bytes, 2)) {
            cJSON_AddItemToArray(list, cJSON_CreateString(ids[i]));
            continue;
        }
        cJSON *item = cJSON_CreateObject();
        json_add_str(item, "id", ids[i]);
        json_add_str(item, "title", BYTES_PICK(bytes, words));
        json_add_str(item, "label", ids[i]);
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

// Names and values of variables, headers, mappings.
static cJSON *free_object(struct bytes *bytes)
{
    cJSON *object = cJSON_CreateObject();
    for (unsigned i = 0; i < 2; i++) {
        bool named = bytes_one_in(bytes, 2);
        if (bytes_one_in(bytes, 2))
            json_add_str(object, ids[i],
                         named ? BYTES_PICK(bytes, variables) : BYTES_PICK(bytes, templates));
    }
    return object;
}

static cJSON *object_value(struct bytes *bytes, const struct node_field *fields, unsigned depth);

static cJSON *list_value(struct bytes *bytes, const struct node_field *field, unsigned depth)
{
    if (!field->members)
        return free_list(bytes);
    cJSON *list = cJSON_CreateArray();
    for (unsigned left = 1 + bytes_below(bytes, 3); left; left--)
        cJSON_AddItemToArray(list, object_value(bytes, field->members, depth + 1));
    return list;
}

static cJSON *word_value(struct bytes *bytes, const struct node_field *field)
{
    unsigned count = 0;
    while (field->words[count])
        count++;
    return cJSON_CreateString(field->words[bytes_below(bytes, count)]);
}

static cJSON *number_value(struct bytes *bytes, const struct node_field *field)
{
    unsigned byte = bytes_next(bytes);
    if (field->min == 0 && field->max == 0)
        return cJSON_CreateNumber((double)byte - 100);
    double value = byte % 4 == 0 ? field->max : field->min + byte;
    return cJSON_CreateNumber(value > field->max ? field->max : value);
}

static cJSON *text_value(struct bytes *bytes, const struct node_field *field)
{
    switch (field->kind) {
    case FIELD_TEMPLATE:
    case FIELD_SECRETS:
        return cJSON_CreateString(bytes_one_in(bytes, 4) ? BYTES_PICK(bytes, addresses)
                                                         : BYTES_PICK(bytes, templates));
    case FIELD_PATTERN:
        return cJSON_CreateString(BYTES_PICK(bytes, patterns));
    case FIELD_EXPRESSION:
        return cJSON_CreateString(BYTES_PICK(bytes, expressions));
    case FIELD_VARIABLE:
        return cJSON_CreateString(BYTES_PICK(bytes, variables));
    default:
        break;
    }
    if (strcmp(field->name, "id") == 0)
        return cJSON_CreateString(BYTES_PICK(bytes, ids));
    return strstr(field->name, "flow") ? cJSON_CreateString(BYTES_PICK(bytes, random_flow_ids))
                                       : cJSON_CreateString(BYTES_PICK(bytes, words));
}

static cJSON *field_value(struct bytes *bytes, const struct node_field *field, unsigned depth)
{
    bool address = strstr(field->name, "rl") || strcmp(field->name, "link") == 0;
    if (address && field->kind != FIELD_OBJECT && field->kind != FIELD_LIST)
        return cJSON_CreateString(BYTES_PICK(bytes, addresses));
    switch (field->kind) {
    case FIELD_NODE:
        return node_reference(bytes);
    case FIELD_WORD:
        return word_value(bytes, field);
    case FIELD_WORDS: {
        cJSON *list = cJSON_CreateArray();
        cJSON_AddItemToArray(list, word_value(bytes, field));
        return list;
    }
    case FIELD_NUMBER:
        return number_value(bytes, field);
    case FIELD_BOOL:
        return cJSON_CreateBool(bytes_one_in(bytes, 2));
    case FIELD_OBJECT:
        return field->members ? object_value(bytes, field->members, depth + 1) : free_object(bytes);
    case FIELD_LIST:
        return list_value(bytes, field, depth);
    case FIELD_ANY:
        return any_value(bytes, depth);
    default:
        return text_value(bytes, field);
    }
}

static cJSON *object_value(struct bytes *bytes, const struct node_field *fields, unsigned depth)
{
    cJSON *object = cJSON_CreateObject();
    for (; fields && fields->name; fields++) {
        bool branch = fields->kind == FIELD_NODE && depth > 0; // leads nowhere without
        if (fields->required || branch || (depth <= DEPTH_MOST && bytes_one_in(bytes, 2)))
            cJSON_AddItemToObject(object, fields->name, field_value(bytes, fields, depth));
    }
    return object;
}

static void edges_add(struct bytes *bytes, cJSON *edges, const char *source,
                      const struct node_type *type)
{
    size_t own = 0;
    while (type->handles && type->handles[own])
        own++;
    for (unsigned left = 1 + bytes_below(bytes, EDGES_MOST); left; left--) {
        cJSON *edge = cJSON_CreateObject();
        json_add_str(edge, "source", source);
        cJSON_AddItemToObject(edge, "target", node_reference(bytes));
        const char *handle = own && bytes_one_in(bytes, 2)
                                 ? type->handles[bytes_below(bytes, (unsigned)own)]
                                 : BYTES_PICK(bytes, handles);
        json_add_str(edge, "sourceHandle", handle);
        if (bytes_one_in(bytes, 4))
            json_add_str(edge, "label", BYTES_PICK(bytes, words));
        cJSON_AddItemToArray(edges, edge);
    }
}

static cJSON *node_new(const char *id, const struct node_type *type, cJSON *owned_data)
{
    cJSON *node = cJSON_CreateObject();
    json_add_str(node, "id", id);
    json_add_str(node, "type", type->name);
    cJSON_AddItemToObject(node, "data", owned_data);
    return node;
}

// The first node is the start and the last one an end; between them anything else.
static cJSON *document_new(struct bytes *bytes, const struct node_type *const *types)
{
    cJSON *document = cJSON_CreateObject();
    json_add_str(document, "name", "random");
    cJSON *nodes = cJSON_AddArrayToObject(document, "nodes");
    cJSON *edges = cJSON_AddArrayToObject(document, "edges");
    unsigned count = 0;
    while (types[count])
        count++;
    for (unsigned i = 0; i < ROOM; i++) {
        char id[8];
        enum node_role role = i == 0 ? NODE_START : i + 1 == ROOM ? NODE_END : NODE_PLAIN;
        unsigned pick = bytes_below(bytes, count);
        while (types[pick]->role != role)
            pick = (pick + 1) % count;
        node_id(i, id);
        cJSON_AddItemToArray(
            nodes, node_new(id, types[pick], object_value(bytes, types[pick]->fields, 0)));
        edges_add(bytes, edges, id, types[pick]);
    }
    cJSON *declared = cJSON_AddArrayToObject(document, "variables");
    cJSON *n = cJSON_CreateObject();
    json_add_str(n, "name", "n");
    json_add_int(n, "defaultValue", bytes_next(bytes));
    cJSON_AddItemToArray(declared, n);
    if (bytes_one_in(bytes, 4))
        json_add_int(cJSON_AddObjectToObject(document, "settings"), "maxExecutionTime", 500);
    return document;
}

// What is wrong in a node's data goes with the data.
static void node_repair(cJSON *document, const char *id)
{
    cJSON *node;
    cJSON_ArrayForEach(node, cJSON_GetObjectItemCaseSensitive(document, "nodes")) {
        if (strcmp(json_str(node, "id"), id) != 0)
            continue;
        const char *type = json_str(node, "type");
        bool keeps_type = strcmp(type, "start") == 0 || strcmp(type, "end") == 0;
        cJSON *data = cJSON_CreateObject();
        if (!keeps_type) {
            cJSON_ReplaceItemInObjectCaseSensitive(node, "type", cJSON_CreateString("message"));
            json_add_str(data, "message", "{{ a }}");
        }
        cJSON_ReplaceItemInObjectCaseSensitive(node, "data", data);
    }
}

struct flow *flow_of_bytes(struct bytes *bytes, const struct node_type *const *types)
{
    cJSON *document = document_new(bytes, types);
    struct flow *flow = NULL;
    for (int repairs = 0; !flow && repairs <= REPAIRS_MOST; repairs++) {
        struct diags diags = {0};
        flow = flow_compile(document, types, &diags);
        for (size_t i = 0; !flow && i < diags.count; i++)
            if (diags.items[i].severity == SEVERITY_ERROR && diags.items[i].node)
                node_repair(document, diags.items[i].node);
        diags_deinit(&diags);
    }
    cJSON_Delete(document);
    return flow;
}
