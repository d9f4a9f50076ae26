// SPDX-License-Identifier: MIT
// end: says a last word, if it has one, and completes the session, or the call that it is part of.
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "engine/template.h"
#include "nodes/types.h"

enum { OUTCOME_BYTES_MAX = 64 };

struct end {
    struct template *message; // or NULL
    char *outcome;            // or NULL
};

static void end_free(void *config)
{
    struct end *end = config;
    template_free(end->message);
    free(end->outcome);
    free(end);
}

static void *end_parse(struct node_parse *p)
{
    struct end *end = x_alloc(sizeof *end);
    const char *name = node_member(p->data, "message") ? "message" : "content";
    end->message = node_template(p, p->data, name);
    const char *outcome = json_str(p->data, "outcome");
    if (outcome && strlen(outcome) > OUTCOME_BYTES_MAX)
        node_error(p, "field-value", "outcome: more than %d bytes", OUTCOME_BYTES_MAX);
    else if (!text_is_blank(outcome))
        end->outcome = x_dup(outcome);
    return end;
}

static enum node_verdict end_enter(struct node_run *run)
{
    const struct end *end = run->config;
    char *text;
    if (!end->message)
        return node_complete(run, end->outcome);
    if (!node_render(run, end->message, &text))
        return NODE_FAILED;
    if (!text_is_blank(text))
        return node_send(run, text);
    free(text);
    return node_complete(run, end->outcome);
}

static enum node_verdict end_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct end *end = run->config;
    if (!signal->result->ok)
        return node_fail(run, "the message was not sent: %s", signal->result->error);
    return node_complete(run, end->outcome);
}

static const char *const aliases[] = {"endNode", NULL};

static const struct node_field fields[] = {
    {.name = "message", .kind = FIELD_TEMPLATE, .help = "a last message"},
    {.name = "content", .kind = FIELD_TEMPLATE, .help = "the same, in InstantChat's word"},
    {.name = "outcome",
     .kind = FIELD_STRING,
     .help = "a word for how it ended: the session's, or the way on of the node that called"},
    {0},
};

const struct node_type node_end = {
    .name = "end",
    .aliases = aliases,
    .summary = "Completes the session or the call, after a last message if there is one.",
    .role = NODE_END,
    .fields = fields,
    .parse = end_parse,
    .enter = end_enter,
    .resume = end_resume,
    .free = end_free,
};
