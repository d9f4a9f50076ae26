// SPDX-License-Identifier: MIT
// JSON answers, tools, tool calls (see groq_format.h).
#include "connectors/groq_format.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

enum { SCHEMA_DEPTH_MAX = 32, TOOL_NAME_MAX = 64 };

/* --- asking for JSON
 * ------------------------------------------------------------------------ */

static bool is_required(const cJSON *schema, const char *name)
{
    const cJSON *required;
    cJSON_ArrayForEach(required, json_get(schema, "required")) {
        if (cJSON_IsString(required) && strcmp(required->valuestring, name) == 0)
            return true;
    }
    return false;
}

// The strict form wants every object closed, and every property of it required.
static bool is_strict(const cJSON *schema, unsigned depth)
{
    const cJSON *properties = json_get(schema, "properties"), *items = json_get(schema, "items");
    const cJSON *type = json_get(schema, "type"), *property;
    if (!cJSON_IsObject(schema) || !type || depth > SCHEMA_DEPTH_MAX)
        return false;
    bool is_object = cJSON_IsString(type) && strcmp(type->valuestring, "object") == 0;
    bool is_list = cJSON_IsString(type) && strcmp(type->valuestring, "array") == 0;
    if (is_object && (!properties || !cJSON_IsFalse(json_get(schema, "additionalProperties"))))
        return false;
    cJSON_ArrayForEach(property, properties) {
        if (!is_required(schema, property->string) || !is_strict(property, depth + 1))
            return false;
    }
    return items ? is_strict(items, depth + 1) : !is_list;
}

static void format_add(cJSON *body, const cJSON *schema, enum groq_json way)
{
    cJSON *format = cJSON_AddObjectToObject(body, "response_format");
    json_add_str(format, "type", way == GROQ_JSON_SCHEMA ? "json_schema" : "json_object");
    if (way != GROQ_JSON_SCHEMA)
        return;
    cJSON *named = cJSON_AddObjectToObject(format, "json_schema");
    json_add_str(named, "name", "answer");
    cJSON_AddItemToObject(named, "schema", cJSON_Duplicate(schema, true));
    cJSON_AddBoolToObject(named, "strict", is_strict(schema, 0));
}

// The last of the system messages in front.
static void words_add(cJSON *body, const cJSON *schema)
{
    cJSON *messages = cJSON_GetObjectItemCaseSensitive(body, "messages");
    cJSON *message = cJSON_CreateObject();
    char *text = json_print(schema);
    char *words =
        x_printf("Answer with nothing but a JSON object that fits this JSON Schema: %s", text);
    int at = 0;
    const cJSON *first;
    cJSON_ArrayForEach(first, messages) {
        const char *role = json_str(first, "role");
        if (!role || strcmp(role, "system") != 0)
            break;
        at++;
    }
    json_add_str(message, "role", "system");
    json_add_str(message, "content", words);
    cJSON_InsertItemInArray(messages, at, message);
    free(words);
    free(text);
}

void groq_format_set(cJSON *body, const cJSON *schema, enum groq_json way)
{
    cJSON_DeleteItemFromObjectCaseSensitive(body, "response_format");
    if (way != GROQ_JSON_WORDS)
        format_add(body, schema, way);
    if (way != GROQ_JSON_SCHEMA)
        words_add(body, schema);
}

/* --- tools
 * ---------------------------------------------------------------------------------- */

void groq_tools_set(cJSON *body, const cJSON *tools)
{
    cJSON *list = cJSON_AddArrayToObject(body, "tools");
    const cJSON *tool;
    cJSON_ArrayForEach(tool, tools) {
        cJSON *item = cJSON_CreateObject();
        json_add_str(item, "type", "function");
        cJSON_AddItemToObject(item, "function", cJSON_Duplicate(tool, true));
        cJSON_AddItemToArray(list, item);
    }
}

static bool name_fits(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t len = name ? strlen(name) : 0;
    return len > 0 && len <= TOOL_NAME_MAX && strspn(name, letters) == len;
}

// Why a call cannot be used, or NULL with the call added to the list.
static const char *call_read(const cJSON *call, cJSON *list, size_t *bytes)
{
    const cJSON *function = json_get(call, "function");
    const cJSON *arguments = json_get(function, "arguments");
    const char *id = json_str(call, "id"), *name = json_str(function, "name");
    if (!id || !*id || strlen(id) > GROQ_CALL_ID_MAX)
        return "a tool call has no id";
    if (!name_fits(name))
        return "a tool call has no name";
    if (arguments && !cJSON_IsString(arguments) && !cJSON_IsObject(arguments))
        return "the arguments of a tool call are no text";
    char *text = cJSON_IsObject(arguments) ? json_print(arguments)
                                           : x_dup(arguments ? arguments->valuestring : "{}");
    *bytes += strlen(text);
    if (*bytes <= GROQ_CALLS_BYTES_MAX) {
        cJSON *item = cJSON_CreateObject();
        json_add_str(item, "id", id);
        json_add_str(item, "type", "function");
        cJSON *named = cJSON_AddObjectToObject(item, "function");
        json_add_str(named, "name", name);
        json_add_str(named, "arguments", text);
        cJSON_AddItemToArray(list, item);
    }
    free(text);
    return *bytes <= GROQ_CALLS_BYTES_MAX ? NULL : "the arguments of the tool calls are too long";
}

cJSON *groq_calls_read(const cJSON *message, const char **ret_wrong)
{
    const cJSON *calls = json_get(message, "tool_calls"), *call;
    *ret_wrong = NULL;
    if (!calls || cJSON_IsNull(calls) || (cJSON_IsArray(calls) && !calls->child))
        return NULL;
    if (!cJSON_IsArray(calls))
        *ret_wrong = "tool_calls is no list";
    else if (cJSON_GetArraySize(calls) > GROQ_CALLS_MAX)
        *ret_wrong = "more than 16 tool calls at once";
    cJSON *list = cJSON_CreateArray();
    size_t bytes = 0;
    for (call = *ret_wrong ? NULL : calls->child; call && !*ret_wrong; call = call->next)
        *ret_wrong = call_read(call, list, &bytes);
    if (!*ret_wrong)
        return list;
    cJSON_Delete(list);
    return NULL;
}
