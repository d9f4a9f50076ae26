// SPDX-License-Identifier: MIT
/*
 * A flow: a React Flow graph, compiled. Immutable and reference-counted; the count is not atomic:
 * one thread.
 *
 * flow_compile() accepts both stored shapes (Flow Builder's nodes/edges/variables at the top,
 * InstantChat's flowJson + settings), resolves node types through the table it is given, parses
 * each node's data once and turns edges into indices. Everything wrong is reported at once, as
 * diagnostics; unknown fields are warnings and stay untouched in the document, which is the
 * caller's.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/event.h"

struct node_type; // engine/node.h: the node authors' API

enum severity { SEVERITY_WARNING, SEVERITY_ERROR };

struct diag {
    const char *code; // stable, e.g. "edge-target-missing"; static
    enum severity severity;
    char *node; // node id or NULL
    char *edge; // edge id or NULL
    char *text; // what is wrong, and what to do
};

struct diags {
    struct diag *items;
    size_t count;            // of items
    size_t errors, warnings; // how many of each there were, kept or not
    size_t kept_errors;
};

void diags_deinit(struct diags *diags);
/*
 * Appends; node and edge may be NULL and are copied. At most 200 are kept, the rest only counted;
 * an error takes the place of the newest warning.
 */
void diags_add(struct diags *diags, enum severity severity, const char *code, const char *node,
               const char *edge, const char *fmt, ...) PRINTF_LIKE(6, 7);
void diags_vadd(struct diags *diags, enum severity severity, const char *code, const char *node,
                const char *edge, const char *fmt, va_list ap) PRINTF_LIKE(6, 0);
// Whether a finding would be kept: if not, its text need not be made with care.
bool diags_keeps(const struct diags *diags, enum severity severity);

struct flow;

// MongoDB's documents have 16 MiB at most, and a flow is one, and so is each of its versions.
enum { FLOW_BYTES_MAX = 15 << 20 };

// Reads a flow's text; caller deletes. NULL: it is larger than FLOW_BYTES_MAX (which is seen before
// anything is read), or no JSON; `diags` has the finding.
MUST_USE cJSON *flow_read(const char *text, size_t len, struct diags *diags);

/*
 * Compiles `document` (borrowed, not kept). `types` is a NULL-ended table that outlives the flow.
 * NULL when there were errors. `diags` is appended to.
 */
MUST_USE struct flow *flow_compile(const cJSON *document, const struct node_type *const *types,
                                   struct diags *diags);

// flow_compile's findings and those that need the whole graph (unreachable nodes, loops without a
// wait …).
void flow_lint(const cJSON *document, const struct node_type *const *types, struct diags *diags);

struct flow *flow_ref(struct flow *flow);
void flow_unref(struct flow *flow);

// Whether an event of this kind may start a session of the flow: the start node's `on`, else
// message, postback, referral and optin.
bool flow_starts_on(const struct flow *flow, enum event_kind kind);

// {nodes, edges, variables, settings} as one JSON text, the same for the same graph: what a version
// holds.
MUST_USE char *flow_snapshot(const cJSON *document);
