// SPDX-License-Identifier: MIT
// JSON Schemas of models' answers and of tools' arguments.
#include "nodes/ai_schema.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "engine/node.h"
#include "engine/value.h"

enum { SCHEMA_BYTES_MAX = 16 * 1024, PROPERTIES_MAX = 100 };

/* Making one */

// Types by their words; what JSON Schema has no type for is told as a description.
static const struct {
    const char *word, *type, *description;
} types[] = {
    {"text", "string", NULL},
    {"string", "string", NULL},
    {"number", "number", NULL},
    {"integer", "integer", NULL},
    {"boolean", "boolean", NULL},
    {"list", "array", NULL},
    {"array", "array", NULL},
    {"object", "object", NULL},
    {"date", "string", "a date, as YYYY-MM-DD"},
    {"email", "string", "an e-mail address"},
    {"phone", "string", "a phone number with its country code, as +4930123456"},
};

cJSON *ai_schema_word(const char *word, bool optional)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].word, word) != 0)
            continue;
        cJSON *schema = cJSON_CreateObject();
        if (optional) {
            const char *const both[] = {types[i].type, "null"};
            cJSON_AddItemToObject(schema, "type", cJSON_CreateStringArray(both, 2));
        } else {
            json_add_str(schema, "type", types[i].type);
        }
        json_add_str(schema, "description", types[i].description);
        return schema;
    }
    return NULL;
}

cJSON *ai_schema_object(void)
{
    cJSON *schema = cJSON_CreateObject();
    json_add_str(schema, "type", "object");
    cJSON_AddObjectToObject(schema, "properties");
    cJSON_AddArrayToObject(schema, "required");
    cJSON_AddFalseToObject(schema, "additionalProperties");
    return schema;
}

void ai_schema_add(cJSON *object, const char *name, cJSON *owned_schema)
{
    cJSON_AddItemToObject(cJSON_GetObjectItem(object, "properties"), name, owned_schema);
    cJSON_AddItemToArray(cJSON_GetObjectItem(object, "required"), cJSON_CreateString(name));
}

// "integer", "text?", ["red", "green"], or a schema. NULL: none of these.
static cJSON *property_schema(const cJSON *item)
{
    char word[32];
    if (cJSON_IsObject(item))
        return cJSON_Duplicate(item, true);
    if (cJSON_IsArray(item) && item->child) {
        cJSON *schema = cJSON_CreateObject();
        json_add_str(schema, "type", "string");
        cJSON_AddItemToObject(schema, "enum", cJSON_Duplicate(item, true));
        return schema;
    }
    if (!cJSON_IsString(item) || strlen(item->valuestring) >= sizeof word)
        return NULL;
    strcpy(word, item->valuestring);
    size_t len = strlen(word);
    bool optional = len > 0 && word[len - 1] == '?';
    if (optional)
        word[len - 1] = '\0';
    return ai_schema_word(word, optional);
}

static cJSON *shape_schema(struct node_parse *p, const cJSON *shape, const char *field)
{
    cJSON *schema = ai_schema_object();
    const cJSON *item;
    cJSON_ArrayForEach(item, shape) {
        cJSON *property = property_schema(item);
        if (property) {
            ai_schema_add(schema, item->string, property);
            continue;
        }
        node_error(p, "field-value",
                   "%s: '%.60s' must be text, number, integer, boolean, list, object, date, email "
                   "or phone (with ? when it may be missing), a list of texts, or a schema",
                   field, item->string);
        cJSON_Delete(schema);
        return NULL;
    }
    return schema;
}

cJSON *ai_schema_parse(struct node_parse *p, const cJSON *item, const char *field)
{
    size_t bytes;
    struct err err;
    if (!item)
        return NULL;
    if (!cJSON_IsObject(item) || cJSON_GetArraySize(item) > PROPERTIES_MAX) {
        node_error(p, "field-type", "%s: must be an object of at most %d names", field,
                   PROPERTIES_MAX);
        return NULL;
    }
    if (!value_measure(item, &bytes, &err) || bytes > SCHEMA_BYTES_MAX) {
        node_error(p, "field-value", "%s: is nested too deep, or has more than %d bytes", field,
                   SCHEMA_BYTES_MAX);
        return NULL;
    }
    const char *type = json_str(item, "type");
    if (type && strcmp(type, "object") == 0)
        return cJSON_Duplicate(item, true);
    return shape_schema(p, item, field);
}

/* Checking */

// Where a value is: "order.items[2]".
struct spot {
    const char *path;
    char *why;
};

static bool wrong(const struct spot *spot, const char *what)
{
    snprintf(spot->why, AI_WHY_BYTES, "%.80s%s%.70s", spot->path, *spot->path ? ": " : "", what);
    text_tidy(spot->why);
    return false;
}

static bool type_is(const char *type, const cJSON *value)
{
    if (strcmp(type, "string") == 0)
        return cJSON_IsString(value);
    if (strcmp(type, "number") == 0)
        return cJSON_IsNumber(value);
    if (strcmp(type, "integer") == 0)
        return cJSON_IsNumber(value) && floor(value->valuedouble) == value->valuedouble;
    if (strcmp(type, "boolean") == 0)
        return cJSON_IsBool(value);
    if (strcmp(type, "array") == 0)
        return cJSON_IsArray(value);
    if (strcmp(type, "object") == 0)
        return cJSON_IsObject(value);
    return strcmp(type, "null") != 0 || cJSON_IsNull(value); // an unknown word forbids nothing
}

static bool type_check(const struct spot *spot, const cJSON *type, const cJSON *value)
{
    char what[64];
    const char *first = cJSON_IsString(type) ? type->valuestring : NULL;
    const cJSON *one;
    if (!type || (first && type_is(first, value)))
        return true;
    cJSON_ArrayForEach(one, type) {
        if (!cJSON_IsString(one) || type_is(one->valuestring, value))
            return true;
        first = first ? first : one->valuestring;
    }
    if (!first)
        return true;
    snprintf(what, sizeof what, "must be of type %.40s", first);
    return wrong(spot, what);
}

static bool enum_check(const struct spot *spot, const cJSON *words, const cJSON *value)
{
    const cJSON *word;
    if (!cJSON_IsArray(words))
        return true;
    cJSON_ArrayForEach(word, words) {
        if (cJSON_Compare(word, value, true))
            return true;
    }
    return wrong(spot, "is none of the values that it may have");
}

static bool limit_check(const struct spot *spot, const cJSON *schema, const char *least,
                        const char *most, double measure)
{
    char what[64];
    const cJSON *min = json_get(schema, least), *max = json_get(schema, most);
    if (cJSON_IsNumber(min) && measure < min->valuedouble)
        snprintf(what, sizeof what, "%s is %.15g", least, min->valuedouble);
    else if (cJSON_IsNumber(max) && measure > max->valuedouble)
        snprintf(what, sizeof what, "%s is %.15g", most, max->valuedouble);
    else
        return true;
    return wrong(spot, what);
}

static bool limits_check(const struct spot *spot, const cJSON *schema, const cJSON *value)
{
    if (cJSON_IsNumber(value))
        return limit_check(spot, schema, "minimum", "maximum", value->valuedouble);
    if (cJSON_IsString(value))
        return limit_check(spot, schema, "minLength", "maxLength",
                           (double)utf8_length(value->valuestring));
    if (cJSON_IsArray(value))
        return limit_check(spot, schema, "minItems", "maxItems", cJSON_GetArraySize(value));
    return true;
}

static bool check(const cJSON *schema, const cJSON *value, const char *path, unsigned depth,
                  char *why);

static bool member_check(const struct spot *spot, const cJSON *schema, const cJSON *member,
                         unsigned depth)
{
    char path[96];
    snprintf(path, sizeof path, "%.60s%s%.30s", spot->path, *spot->path ? "." : "", member->string);
    const struct spot at = {path, spot->why};
    const cJSON *properties = json_get(schema, "properties");
    const cJSON *property = json_get(properties, member->string);
    if (property)
        return check(property, member, path, depth + 1, spot->why);
    if (!cJSON_IsFalse(json_get(schema, "additionalProperties")))
        return true;
    return wrong(&at, "is not asked for");
}

static bool object_check(const struct spot *spot, const cJSON *schema, const cJSON *object,
                         unsigned depth)
{
    const cJSON *name, *member;
    cJSON_ArrayForEach(name, json_get(schema, "required")) {
        char what[64];
        if (!cJSON_IsString(name) || json_get(object, name->valuestring))
            continue;
        snprintf(what, sizeof what, "has no '%.40s'", name->valuestring);
        return wrong(spot, what);
    }
    cJSON_ArrayForEach(member, object) {
        if (!member_check(spot, schema, member, depth))
            return false;
    }
    return true;
}

static bool list_check(const struct spot *spot, const cJSON *items, const cJSON *list,
                       unsigned depth)
{
    char path[96];
    int index = 0;
    const cJSON *item;
    if (!cJSON_IsObject(items))
        return true;
    cJSON_ArrayForEach(item, list) {
        snprintf(path, sizeof path, "%.80s[%d]", spot->path, index++);
        if (!check(items, item, path, depth + 1, spot->why))
            return false;
    }
    return true;
}

static bool check(const cJSON *schema, const cJSON *value, const char *path, unsigned depth,
                  char *why)
{
    const struct spot spot = {path, why};
    if (depth > VALUE_DEPTH_MAX)
        return wrong(&spot, "is nested too deep");
    if (!type_check(&spot, json_get(schema, "type"), value) ||
        !enum_check(&spot, json_get(schema, "enum"), value) || !limits_check(&spot, schema, value))
        return false;
    if (cJSON_IsObject(value))
        return object_check(&spot, schema, value, depth);
    return !cJSON_IsArray(value) || list_check(&spot, json_get(schema, "items"), value, depth);
}

bool ai_schema_check(const cJSON *schema, const cJSON *value, char why[AI_WHY_BYTES])
{
    return check(schema, value, "", 0, why);
}
