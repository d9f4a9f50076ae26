// SPDX-License-Identifier: MIT
/*
 * What the model says, by its request alone:
 *   "call NAME {…}" (last user message, NAME offered)   a tool call; several in lines of their own
 *   results of tools are the last messages              "The tools said: " and the results
 *   a JSON object is asked for                          the object in the last user message, else
 * the smallest one that fits the schema else                                                "You
 * said: " and the last user message
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sim/internal.h"

enum { SCHEMA_DEPTH_MAX = 16 };

static bool is_offered(const cJSON *json, const char *name, size_t len)
{
    const cJSON *tool;

    cJSON_ArrayForEach(tool, json_get(json, "tools")) {
        const char *offered = json_str(json_get(tool, "function"), "name");
        if (offered && strlen(offered) == len && strncmp(offered, name, len) == 0)
            return true;
    }
    return false;
}

// The calls that the lines of the text ask for, or NULL.
static cJSON *calls_make(const cJSON *json, const char *id, const char *text)
{
    cJSON *calls = cJSON_CreateArray();

    while (strncmp(text, "call ", 5) == 0) {
        const char *name = text + 5, *end = text + strcspn(text, "\n");
        size_t len = strcspn(name, " \n");
        if (!is_offered(json, name, len))
            break;
        const char *arguments = name + len + strspn(name + len, " ");
        char *call_id = x_printf("call_%s_%d", id, cJSON_GetArraySize(calls) + 1);
        char *named = x_dupn(name, len);
        char *given = arguments < end ? x_dupn(arguments, (size_t)(end - arguments)) : x_dup("{}");
        cJSON *call = cJSON_CreateObject();
        json_add_str(call, "id", call_id);
        json_add_str(call, "type", "function");
        cJSON *function = cJSON_AddObjectToObject(call, "function");
        json_add_str(function, "name", named);
        json_add_str(function, "arguments", given);
        cJSON_AddItemToArray(calls, call);
        free(call_id);
        free(named);
        free(given);
        text = *end ? end + 1 : end;
    }
    if (calls->child)
        return calls;
    cJSON_Delete(calls);
    return NULL;
}

static cJSON *smallest(const cJSON *schema, unsigned depth)
{
    const cJSON *type = json_get(schema, "type"), *words = json_get(schema, "enum"), *property;
    const char *word =
        cJSON_IsArray(type) ? cJSON_GetStringValue(type->child) : cJSON_GetStringValue(type);

    if (depth > SCHEMA_DEPTH_MAX || !word)
        return cJSON_CreateNull();
    if (cJSON_IsArray(words) && words->child)
        return cJSON_Duplicate(words->child, true);
    if (strcmp(word, "object") == 0) {
        cJSON *object = cJSON_CreateObject();
        cJSON_ArrayForEach(property, json_get(schema, "properties")) {
            cJSON_AddItemToObject(object, property->string, smallest(property, depth + 1));
        }
        return object;
    }
    if (strcmp(word, "array") == 0)
        return cJSON_CreateArray();
    if (strcmp(word, "number") == 0 || strcmp(word, "integer") == 0)
        return cJSON_CreateNumber(1);
    return strcmp(word, "boolean") == 0 ? cJSON_CreateTrue() : cJSON_CreateString("text");
}

static char *object_make(const cJSON *json, const char *said)
{
    const char *open = strchr(said, '{'), *close = strrchr(said, '}');
    cJSON *object = open && close > open ? json_read(open, (size_t)(close - open) + 1, NULL) : NULL;
    const cJSON *format = json_get(json, "response_format");

    if (!object)
        object = smallest(json_path(format, "json_schema.schema"), 0);
    if (!cJSON_IsObject(object)) {
        cJSON_Delete(object);
        object = cJSON_CreateObject();
    }
    char *text = json_print(object);
    cJSON_Delete(object);
    return text;
}

// The results behind the last message of another role, or NULL.
static char *results_make(const cJSON *json)
{
    struct buf out = {0};
    const cJSON *message;

    cJSON_ArrayForEach(message, json_get(json, "messages")) {
        const char *role = json_str(message, "role"), *content = json_str(message, "content");
        if (!role || strcmp(role, "tool") != 0)
            buf_clear(&out);
        else
            buf_printf(&out, "%s%s",
                       out.len ? " and " : "The tools said: ", content ? content : "");
    }
    char *text = out.len ? buf_take(&out) : NULL;
    buf_deinit(&out);
    return text;
}

static void say(struct buf *out, const char *text, const cJSON *calls)
{
    buf_add_str(out, "{\"role\":\"assistant\",\"content\":");
    buf_add_json_str(out, text);
    if (calls) {
        char *printed = json_print(calls);
        buf_printf(out, ",\"tool_calls\":%s", printed);
        free(printed);
    }
    buf_printf(out, "},\"logprobs\":null,\"finish_reason\":\"%s\"", calls ? "tool_calls" : "stop");
}

size_t sim_groq_message(const struct sim_request *request, struct buf *out)
{
    const char *said = request->text ? request->text : "";
    const char *format = json_str(json_get(request->json, "response_format"), "type");
    char *text = results_make(request->json);
    cJSON *calls = text ? NULL : calls_make(request->json, request->message_id, said);

    if (!text && !calls)
        text = format && strcmp(format, "text") != 0 ? object_make(request->json, said)
                                                     : x_printf("You said: %s", said);
    size_t bytes = text ? strlen(text) : 0;
    say(out, text, calls);
    cJSON_Delete(calls);
    free(text);
    return bytes;
}
