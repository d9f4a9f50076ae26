// SPDX-License-Identifier: MIT
// A flow's document: reading it under its bounds, and the shapes in which it is stored.
#include "base/json.h"
#include "engine/graph.h"

cJSON *flow_read(const char *text, size_t len, struct diags *diags)
{
    static const struct json_limits limits = {.max_bytes = FLOW_BYTES_MAX};
    struct err err;
    if (len > FLOW_BYTES_MAX) {
        diags_add(diags, SEVERITY_ERROR, "document-large", NULL, NULL,
                  "a flow of %zu bytes: at most %d are taken, which is what the database takes; "
                  "split it into flows that call one another",
                  len, FLOW_BYTES_MAX);
        return NULL;
    }
    cJSON *document = json_read_within(text, len, &limits, &err);
    if (!document)
        diags_add(diags, SEVERITY_ERROR, "document-bad", NULL, NULL, "%s", err.text);
    return document;
}

void flow_shape(const cJSON *document, struct shape *ret_shape)
{
    const cJSON *graph = node_member(document, "flowJson");
    const cJSON *from = cJSON_IsObject(graph) ? graph : document;
    *ret_shape = (struct shape){
        .nodes = node_member(from, "nodes"),
        .edges = node_member(from, "edges"),
        .variables = node_member(from, "variables"),
        .settings = node_member(document, "settings"),
    };
    if (!ret_shape->variables)
        ret_shape->variables = node_member(document, "variables");
    const cJSON *triggers = node_member(node_member(document, "metadata"), "triggers");
    if (cJSON_IsArray(triggers) && triggers->child) // builders store empty lists
        ret_shape->triggers = triggers;
    ret_shape->instantchat = graph || ret_shape->settings;
}
