// SPDX-License-Identifier: MIT
/*
 * subflow: calls another flow, or a part of this one, and goes on when that is over: along the edge
 * that has the outcome's name, else the default one. The call has variables of its own, which begin
 * with `inputs`; `outputs` says what of them comes back.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "engine/path.h"
#include "engine/template.h"
#include "nodes/types.h"

enum { VARIABLES_MAX = 50 };

struct input {
    char *name;
    struct value_template *value;
};

struct output {
    struct path *variable, *from; // the caller's, the called flow's
};

struct outcome {
    char *name;
    int target;
};

struct subflow {
    char *flow_id; // or NULL, and
    int part;      // where the part begins
    bool shares;
    struct input *inputs;
    struct output *outputs;
    struct outcome *outcomes;
    size_t input_count, output_count, outcome_count;
    int next, error;
};

static void subflow_free(void *config)
{
    struct subflow *subflow = config;
    for (size_t i = 0; i < subflow->input_count; i++) {
        free(subflow->inputs[i].name);
        value_template_free(subflow->inputs[i].value);
    }
    for (size_t i = 0; i < subflow->output_count; i++) {
        path_free(subflow->outputs[i].variable);
        path_free(subflow->outputs[i].from);
    }
    for (size_t i = 0; i < subflow->outcome_count; i++)
        free(subflow->outcomes[i].name);
    free(subflow->inputs);
    free(subflow->outputs);
    free(subflow->outcomes);
    free(subflow->flow_id);
    free(subflow);
}

/* Compiling */

static bool are_few(struct node_parse *p, const cJSON *object, const char *field)
{
    if (cJSON_GetArraySize(object) <= VARIABLES_MAX)
        return true;
    node_error(p, "field-value", "%s: more than %d", field, VARIABLES_MAX);
    return false;
}

// The called flow's variables are plain names: it says itself what it makes of them.
static bool name_check(struct node_parse *p, const char *name)
{
    struct err err;
    struct path *path = path_parse(name, strlen(name), &err);
    bool plain = path && strcmp(path_root(path), name) == 0;
    path_free(path);
    if (!plain)
        node_error(p, "variable-bad", "inputs: '%.60s' is no name of a variable", name);
    else if (name_is_reserved(name))
        node_error(p, "variable-reserved", "'%s' is filled by Hookmill and cannot be set", name);
    return plain;
}

static void inputs_parse(struct node_parse *p, struct subflow *subflow, const cJSON *inputs)
{
    if (!are_few(p, inputs, "inputs"))
        return;
    subflow->inputs = x_calloc((size_t)cJSON_GetArraySize(inputs) + 1, sizeof *subflow->inputs);
    const cJSON *item;
    cJSON_ArrayForEach(item, inputs) {
        struct input *input = &subflow->inputs[subflow->input_count++];
        input->name = x_dup(item->string);
        if (name_check(p, item->string))
            input->value = node_value(p, item, "inputs");
    }
}

static void outputs_parse(struct node_parse *p, struct subflow *subflow, const cJSON *outputs)
{
    if (!are_few(p, outputs, "outputs"))
        return;
    subflow->outputs = x_calloc((size_t)cJSON_GetArraySize(outputs) + 1, sizeof *subflow->outputs);
    const cJSON *item;
    cJSON_ArrayForEach(item, outputs) {
        struct output *output = &subflow->outputs[subflow->output_count++];
        const char *from = cJSON_GetStringValue(item);
        struct err err;
        output->variable = node_sets(p, NULL, "", item->string);
        output->from = path_parse(from ? from : "", from ? strlen(from) : 0, &err);
        if (!output->from)
            node_error(p, "variable-bad", "outputs.%.60s: %s", item->string, err.text);
    }
}

static void edges_parse(struct node_parse *p, struct subflow *subflow)
{
    subflow->error = node_edge(p, "error");
    size_t count = node_edge_count(p);
    subflow->outcomes = x_calloc(count + 1, sizeof *subflow->outcomes);
    for (size_t i = 0; i < count; i++) {
        struct node_edge_view edge = node_edge_at(p, i);
        if (edge.claimed || !edge.handle || !strcmp(edge.handle, "default") ||
            !strcmp(edge.handle, "else"))
            continue;
        subflow->outcomes[subflow->outcome_count++] =
            (struct outcome){x_dup(edge.handle), node_edge_claim(p, i)};
    }
    subflow->next = node_default_edge(p);
}

static void *subflow_parse(struct node_parse *p)
{
    struct subflow *subflow = x_alloc(sizeof *subflow);
    const char *flow_id = json_str(p->data, "flowId"), *part = json_str(p->data, "targetNodeId");
    bool is_flow = !text_is_blank(flow_id), is_part = !text_is_blank(part);
    subflow->part = NOWHERE;
    if (is_flow == is_part)
        node_error(p, "field-missing", "flowId or targetNodeId: one of the two says what to call");
    else if (is_part)
        subflow->part = node_target(p, part, "targetNodeId");
    else
        subflow->flow_id = x_dup(flow_id);
    const cJSON *inputs = node_member(p->data, "inputs"),
                *outputs = node_member(p->data, "outputs");
    subflow->shares = json_bool(p->data, "shareVariables", is_part && !inputs && !outputs);
    inputs_parse(p, subflow, inputs);
    outputs_parse(p, subflow, outputs);
    edges_parse(p, subflow);
    return subflow;
}

/* Running */

static enum node_verdict subflow_enter(struct node_run *run)
{
    const struct subflow *subflow = run->config;
    cJSON *variables = cJSON_CreateObject();
    for (size_t i = 0; i < subflow->input_count; i++) {
        cJSON *value = NULL;
        if (!node_render_value(run, subflow->inputs[i].value, &value)) {
            cJSON_Delete(variables);
            return NODE_FAILED;
        }
        cJSON_AddItemToObject(variables, subflow->inputs[i].name, value);
    }
    node_decide(run, "call %s", subflow->flow_id ? subflow->flow_id : "a part");
    return node_call(run, (struct node_call){.flow_id = x_dup(subflow->flow_id),
                                             .target = subflow->part,
                                             .shares = subflow->shares,
                                             .variables = variables});
}

static bool outputs_take(struct node_run *run, const struct subflow *subflow,
                         const cJSON *variables)
{
    for (size_t i = 0; i < subflow->output_count; i++) {
        const struct output *output = &subflow->outputs[i];
        const cJSON *value = path_find(output->from, variables);
        if (!node_set(run, output->variable,
                      value ? cJSON_Duplicate(value, true) : cJSON_CreateNull()))
            return false;
    }
    return true;
}

// What the person left in the middle is left as a whole, unless an edge says what to do then.
static enum node_verdict subflow_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct subflow *subflow = run->config;
    if (signal->error)
        return node_fail_to(run, subflow->error, "the called flow failed: %s", signal->error);
    if (!outputs_take(run, subflow, signal->variables))
        return NODE_FAILED;
    for (size_t i = 0; i < subflow->outcome_count; i++)
        if (strcmp(subflow->outcomes[i].name, signal->outcome) == 0)
            return node_go(run, subflow->outcomes[i].target, signal->outcome);
    run->decision = signal->outcome;
    if (strcmp(signal->outcome, "abandoned") == 0)
        return NODE_ABANDONED;
    return node_go(run, subflow->next, NULL);
}

static const char *const aliases[] = {"subflowNode", "callFlow", "flow", NULL};
static const char *const handles[] = {"error", "abandoned", NULL};

static const struct node_field fields[] = {
    {.name = "flowId", .kind = FIELD_STRING, .help = "the flow to call: its newest version"},
    {.name = "targetNodeId",
     .kind = FIELD_NODE,
     .help = "or the node where a part of this flow begins; it is over at an end node"},
    {.name = "inputs",
     .kind = FIELD_OBJECT,
     .help = "variables that the call begins with: name and value, with placeholders"},
    {.name = "outputs",
     .kind = FIELD_OBJECT,
     .help = "variables of this flow to set afterwards, each to a variable of the called one"},
    {.name = "shareVariables",
     .kind = FIELD_BOOL,
     .help = "works on this flow's variables; so does a part without inputs and outputs"},
    {0},
};

const struct node_type node_subflow = {
    .name = "subflow",
    .aliases = aliases,
    .summary = "Calls another flow, or a part of this one, and goes on by its outcome.",
    .fields = fields,
    .handles = handles,
    .parse = subflow_parse,
    .enter = subflow_enter,
    .resume = subflow_resume,
    .free = subflow_free,
};
