// SPDX-License-Identifier: MIT
// Tools that a model may call.
#include "nodes/ai_tools.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "engine/path.h"
#include "engine/value.h"
#include "nodes/ai_ask.h"
#include "nodes/ai_schema.h"

enum {
    TOOLS_MAX = 32,
    TOOL_NAME_MAX = 64,
    CALLS_MAX = 16, // of one answer
    ROUNDS_DEFAULT = 3,
    RESULT_BYTES_MAX = 8 * 1024, // of one call's result
    ROUNDS_BYTES_MAX = 64 * 1024 // of all messages of the turn
};

const struct node_field ai_tool_fields[] = {
    {.name = "name",
     .kind = FIELD_STRING,
     .required = true,
     .help = "what the model calls it: letters, digits, _ and -, at most 64"},
    {.name = "description", .kind = FIELD_STRING, .help = "what it is for, told to the model"},
    {.name = "parameters",
     .kind = FIELD_OBJECT,
     .help = "{name: type} or a JSON Schema; the call has them in the variable `args`"},
    {.name = "node", .kind = FIELD_NODE, .help = "a node of this flow, run alone; or"},
    {.name = "flowId", .kind = FIELD_STRING, .help = "another flow"},
    {.name = "result",
     .kind = FIELD_VARIABLE,
     .help =
         "the variable that the model gets; else the one named by the node's id, or `result` of "
         "the flow"},
    {0},
};

void ai_tools_deinit(struct ai_tools *tools)
{
    for (size_t i = 0; i < tools->count; i++) {
        free(tools->items[i].name);
        free(tools->items[i].flow_id);
        cJSON_Delete(tools->items[i].parameters);
        path_free(tools->items[i].result);
    }
    free(tools->items);
    cJSON_Delete(tools->offer);
    path_free(tools->args);
}

/* Compiling */

static bool name_fits(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t len = strlen(name);
    return len > 0 && len <= TOOL_NAME_MAX && strspn(name, letters) == len;
}

static const struct ai_tool *tool_find(const struct ai_tools *tools, const char *name)
{
    for (size_t i = 0; name && i < tools->count; i++)
        if (strcmp(tools->items[i].name, name) == 0)
            return &tools->items[i];
    return NULL;
}

static void tool_goal_parse(struct node_parse *p, struct ai_tool *tool, const cJSON *item)
{
    const char *node = json_str(item, "node"), *flow_id = json_str(item, "flowId");
    const char *result = json_str(item, "result");
    struct err err;
    bool has_node = node && *node, has_flow = flow_id && *flow_id;
    tool->target = has_node ? node_call_target(p, node, "tools.node") : NOWHERE;
    tool->flow_id = has_flow ? x_dup(flow_id) : NULL;
    if (has_node == has_flow)
        node_error(p, "tool-bad", "tools: '%.64s' needs either a node or a flowId", tool->name);
    if (has_node && strcmp(node, p->id) == 0)
        node_error(p, "tool-bad", "tools: '%.64s' is this node itself", tool->name);
    if (result && *result)
        tool->result = path_parse(result, strlen(result), &err);
    else
        tool->result = path_literal(has_node ? node : "result");
    if (!tool->result)
        node_error(p, "variable-bad", "tools.result: %s", err.text);
}

static void tool_add(struct node_parse *p, struct ai_tools *tools, const cJSON *item)
{
    const char *name = json_str(item, "name");
    if (!name_fits(name) || tool_find(tools, name)) {
        node_error(p, "tool-bad",
                   "tools: '%.64s' is no name, or is there twice: 1 to %d letters, digits, _ and -",
                   name, TOOL_NAME_MAX);
        return;
    }
    struct ai_tool *tool = &tools->items[tools->count++];
    const cJSON *parameters = node_member(item, "parameters");
    tool->name = x_dup(name);
    tool->parameters =
        parameters ? ai_schema_parse(p, parameters, "tools.parameters") : ai_schema_object();
    tool_goal_parse(p, tool, item);
    cJSON *offered = cJSON_CreateObject();
    json_add_str(offered, "name", name);
    json_add_str(offered, "description", json_str(item, "description"));
    if (tool->parameters)
        cJSON_AddItemToObject(offered, "parameters", cJSON_Duplicate(tool->parameters, true));
    cJSON_AddItemToArray(tools->offer, offered);
}

void ai_tools_parse(struct node_parse *p, struct ai_tools *tools)
{
    const cJSON *list = node_member(p->data, "tools"), *item;
    int count = cJSON_GetArraySize(list);
    tools->max_rounds = (int)node_number(p->data, "maxRounds", ROUNDS_DEFAULT);
    if (count == 0)
        return;
    if (count > TOOLS_MAX) {
        node_error(p, "field-value", "tools: more than %d", TOOLS_MAX);
        return;
    }
    tools->items = x_calloc((size_t)count, sizeof *tools->items);
    tools->offer = cJSON_CreateArray();
    tools->args = node_sets(p, NULL, "", "args");
    cJSON_ArrayForEach(item, list) {
        tool_add(p, tools, item);
    }
}

/* Messages of the turn */

static size_t rounds_bytes(const struct node_run *run)
{
    size_t bytes = 0;
    const cJSON *rounds = ai_rounds(run);
    return rounds && value_measure(rounds, &bytes, NULL) ? bytes : 0;
}

static void answer_add(struct node_run *run, const char *call_id, const char *content)
{
    size_t room = ROUNDS_BYTES_MAX - RESULT_BYTES_MAX;
    cJSON *message = cJSON_CreateObject();
    json_add_str(message, "role", "tool");
    json_add_str(message, "tool_call_id", call_id);
    if (strlen(content) + rounds_bytes(run) > room)
        content = "{\"error\":\"the results of this turn are too long: this one is left out\"}";
    json_add_str(message, "content", content);
    ai_rounds_add(run, message);
}

static void error_add(struct node_run *run, const char *call_id, const char *error)
{
    cJSON *object = cJSON_CreateObject();
    json_add_str(object, "error", error);
    char *content = json_print(object);
    answer_add(run, call_id, content);
    free(content);
    cJSON_Delete(object);
}

bool ai_tools_begin(struct node_run *run, const struct ai_tools *tools,
                    const struct effect_result *result)
{
    const cJSON *calls = json_get(result->value, "tool_calls");
    int round = node_state_get(run, "round") + 1;
    if (round > tools->max_rounds)
        return err_set(&run->err, ERR_LIMIT,
                       "the model asks for tools more than %d times (maxRounds)",
                       tools->max_rounds);
    if (cJSON_GetArraySize(calls) > CALLS_MAX)
        return err_set(&run->err, ERR_LIMIT, "the model asks for more than %d calls at once",
                       CALLS_MAX);
    cJSON *message = cJSON_CreateObject();
    const char *said = json_str(result->value, "text");
    json_add_str(message, "role", "assistant");
    json_add_str(message, "content", said ? said : "");
    cJSON_AddItemToObject(message, "tool_calls", cJSON_Duplicate(calls, true));
    ai_rounds_add(run, message);
    if (rounds_bytes(run) > ROUNDS_BYTES_MAX)
        return err_set(&run->err, ERR_LIMIT, "the messages of this turn have more than %d bytes",
                       ROUNDS_BYTES_MAX);
    node_state_set(run, "round", round);
    node_state_put(run, "calls", cJSON_Duplicate(calls, true));
    return true;
}

/* Calls */

// The arguments, the caller's, or NULL after the model was told what is wrong.
static cJSON *arguments_read(struct node_run *run, const struct ai_tool *tool, const char *id,
                             const char *text)
{
    char why[AI_WHY_BYTES];
    const char *json = text_is_blank(text) ? "{}" : text;
    cJSON *args = json_read(json, strlen(json), NULL);
    if (cJSON_IsObject(args) && ai_schema_check(tool->parameters, args, why))
        return args;
    char *error = x_printf("arguments: %s", cJSON_IsObject(args) ? why : "must be a JSON object");
    error_add(run, id, error);
    free(error);
    cJSON_Delete(args);
    return NULL;
}

// A node of this flow works on the session's variables, another flow on its own.
static enum node_verdict tool_call(struct node_run *run, const struct ai_tools *tools,
                                   const struct ai_tool *tool, const char *id, cJSON *owned_args)
{
    const char *name = path_root(tools->args);
    const cJSON *was = json_get(run->session->vars, name);
    cJSON *call = cJSON_CreateObject(), *variables = cJSON_CreateObject();
    json_add_str(call, "id", id);
    json_add_str(call, "name", tool->name);
    if (was)
        cJSON_AddItemToObject(call, "args", cJSON_Duplicate(was, true));
    node_state_put(run, "call", call);
    cJSON_AddItemToObject(variables, name, owned_args);
    node_decide(run, "tool %s", tool->name);
    return node_call(run, (struct node_call){.flow_id = x_dup(tool->flow_id),
                                             .target = tool->target,
                                             .single = !tool->flow_id,
                                             .shares = !tool->flow_id,
                                             .variables = variables});
}

bool ai_tools_next(struct node_run *run, const struct ai_tools *tools,
                   enum node_verdict *ret_verdict)
{
    cJSON *calls = (cJSON *)node_state_value(run, "calls");
    bool called = false;
    while (!called && calls && calls->child) {
        cJSON *asked = cJSON_DetachItemFromArray(calls, 0);
        const cJSON *function = json_get(asked, "function");
        const char *id = json_str(asked, "id");
        const struct ai_tool *tool = tool_find(tools, json_str(function, "name"));
        cJSON *args = NULL;
        if (!tool)
            error_add(run, id, "there is no such tool");
        else
            args = arguments_read(run, tool, id, json_str(function, "arguments"));
        if (args) {
            *ret_verdict = tool_call(run, tools, tool, id, args);
            called = true;
        }
        cJSON_Delete(asked);
    }
    return called;
}

static void result_add(struct node_run *run, const char *id, const cJSON *value,
                       const char *outcome)
{
    cJSON *made = NULL;
    if (!value || cJSON_IsNull(value)) {
        value = made = cJSON_CreateObject();
        json_add_str(made, "outcome", outcome);
    }
    char *text = cJSON_IsString(value) ? x_dup(value->valuestring) : json_print(value);
    text[utf8_cut_bytes(text, strlen(text), RESULT_BYTES_MAX)] = '\0';
    answer_add(run, id, text);
    free(text);
    cJSON_Delete(made);
}

void ai_tools_returned(struct node_run *run, const struct ai_tools *tools,
                       const struct node_signal *signal)
{
    const cJSON *call = node_state_value(run, "call"), *was = json_get(call, "args");
    const char *id = json_str(call, "id"), *name = path_root(tools->args);
    const struct ai_tool *tool = tool_find(tools, json_str(call, "name"));
    if (signal->error || !tool)
        error_add(run, id, signal->error ? signal->error : "there is no such tool any more");
    else
        result_add(run, id, path_find(tool->result, signal->variables), signal->outcome);
    if (tool && tool->flow_id)
        return; // it had variables of its own
    cJSON_DeleteItemFromObjectCaseSensitive(run->session->vars, name);
    vars_changed(run->session->vars);
    if (was)
        vars_put(run->session->vars, name, cJSON_Duplicate(was, true));
}
