// SPDX-License-Identifier: MIT
/*
 * The compiled graph and the context of its compilation: private to engine/.
 */
#pragma once

// FNV needs no fall-through in a switch, which clang warns of in uthash's own hash.
#define HASH_FUNCTION HASH_FNV
#include <uthash.h>

#include "engine/flow.h"
#include "engine/node.h"

enum {
    FLOW_NODES_MAX = 10000,
    FLOW_EDGES_MAX = 40000,
    FLOW_VARIABLES_MAX = 100,
    FLOW_CALLBACKS_MAX = 20,
    ID_BYTES_MAX = 200
};

struct flow_edge {
    char *handle;           // or NULL
    const char *id, *label; // of the document, only during compilation; or NULL
    int target;
    bool claimed; // some way of its node uses it
};

struct flow_node {
    char *id;
    const struct node_type
        *type; // NULL while the type is unknown (such a flow is never handed out)
    void *config;
    const cJSON *data;       // only during compilation
    const char *word;        // likewise: the type as the document names it
    struct flow_edge *edges; // its part of the flow's
    size_t edge_count;
    int *ways; // every target the node can go to, once each
    size_t way_count;
    int error;    // where a failure of the node leads, or NOWHERE
    int way_from; // the last node that was given a way to here, or NOWHERE
    bool entered; // some way or edge leads here
    bool called;  // another node comes here and goes on by itself
    UT_hash_handle hh;
};

struct flow_variable {
    struct path *path;
    cJSON *value; // the default
};

// What starts the flow: trigger_set.h.
struct triggers {
    struct trigger *items;
    size_t count;
    bool given; // the flow says what starts it, be it nothing
};

struct flow {
    unsigned refs;
    char *name;
    struct flow_node *nodes;
    size_t count;
    struct flow_edge *edges; // those of one node side by side
    size_t edge_count;
    struct flow_node *by_id;
    int start; // NOWHERE when there is none
    struct flow_variable *variables;
    size_t variable_count;
    int64_t max_active_ms; // settings.maxExecutionTime; 0 = no limit
    struct triggers triggers;
    uint32_t starts_on; // a bit for each enum event_kind that may start a session
    bool own_event;     // it has a variable `event` of its own: Hookmill's is not there
    int callbacks[FLOW_CALLBACKS_MAX]; // the nodes that external services call
    size_t callback_count;
};

// A set of names, each with the first node that brought it (or NULL).
struct name {
    char *name;
    const char *node;
    UT_hash_handle hh;
};
void names_add(struct name **names, const char *name, const char *node);
bool names_has(struct name *names, const char *name);
void names_free(struct name **names);

struct compile {
    struct flow *flow;
    const struct node_type *const *types;
    struct diags *diags;
    bool linting;
    struct name *reads, *sets; // roots of the variables
};

// What of a document is the graph; members are NULL when absent.
struct shape {
    const cJSON *nodes, *edges, *variables, *settings;
    const cJSON *triggers; // metadata.triggers, unless they say nothing
    bool instantchat;      // there an end node is not required
};
// Either stored shape or a snapshot.
void flow_shape(const cJSON *document, struct shape *ret_shape);

// Compiles as far as it goes, errors or not. The caller owns compile->flow, reads, sets.
void compile_document(struct compile *compile, const cJSON *document);
void compile_deinit(struct compile *compile); // leaves the flow

// compile_declared.c: the variables and settings that the document declares.
void variables_compile(struct compile *compile, const cJSON *variables);
void settings_compile(struct compile *compile, const cJSON *settings);

const struct flow_node *flow_find(const struct flow *flow, const char *id);
// Checks data against a table; true when nothing is wrong (unknown members are only warnings).
MUST_USE bool fields_check(struct compile *compile, const struct flow_node *node,
                           const struct node_field *fields, const cJSON *data);
// The same of an object within the data; `name` says where it is.
MUST_USE bool fields_check_member(struct compile *compile, const struct flow_node *node,
                                  const char *name, const struct node_field *fields,
                                  const cJSON *object);
// Of a node that is not parsed: the findings that its texts (templates, patterns, expressions)
// have.
void fields_try(struct node_parse *p, const struct node_field *fields);
// Called for one node after the other, in any order, but with all of a node's ways at once.
void way_add(struct flow *flow, struct flow_node *node, int target);

// Whether Hookmill may give the name a meaning: the variables that it fills, and what stands behind
// them (scope.h).
bool name_is_in_scope(const char *name);

// lint_limits.c: texts and choices that the platforms cut.
void limits_lint(const cJSON *document, struct diags *diags);
