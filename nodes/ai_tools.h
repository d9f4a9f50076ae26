// SPDX-License-Identifier: MIT
/*
 * Tools that a model may call: nodes of the flow, or other flows. The calls of one answer are made
 * one after the other; their results go back to the model as messages of `rounds`. Part of the ai
 * node.
 *
 *   answer with calls ──▶ ai_tools_begin() ──▶ ai_tools_next() ──NODE_CALL──▶ return
 *                                                   ▲                           │
 *                                                   └── ai_tools_returned() ◀───┘
 *   ai_tools_next() false: all are answered, ask again
 */
#pragma once

#include "engine/node.h"

struct ai_tool {
    char *name;
    cJSON *parameters; // a schema
    int target;        // a node of this flow, or
    char *flow_id;     // another flow
    struct path *result;
};

struct ai_tools {
    struct ai_tool *items;
    size_t count;
    cJSON *offer;      // as effect->tools has it, or NULL
    struct path *args; // the variable that holds a call's arguments
    int max_rounds;
};

extern const struct node_field ai_tool_fields[]; // of one element of `tools`

// From `tools` and `maxRounds` of the node's data. Problems are reported.
void ai_tools_parse(struct node_parse *p, struct ai_tools *tools);
void ai_tools_deinit(struct ai_tools *tools);

// An answer asks for calls. False: run->err says why there are no more.
MUST_USE bool ai_tools_begin(struct node_run *run, const struct ai_tools *tools,
                             const struct effect_result *result);
// The next call, as a verdict. False: none is left.
bool ai_tools_next(struct node_run *run, const struct ai_tools *tools,
                   enum node_verdict *ret_verdict);
// A call has come back.
void ai_tools_returned(struct node_run *run, const struct ai_tools *tools,
                       const struct node_signal *signal);
