// SPDX-License-Identifier: MIT
// start: where a session begins.
#include <stdlib.h>

#include "base/mem.h"
#include "engine/node.h"
#include "nodes/types.h"

struct start {
    int next;
};

static void *start_parse(struct node_parse *p)
{
    struct start *start = x_alloc(sizeof *start);
    start->next = node_default_edge(p);
    const cJSON *on = node_member(p->data, "on");
    if (on && cJSON_GetArraySize(on) == 0)
        node_warn(p, "start-never", "on: the list is empty, so nothing starts this flow");
    if (on)
        node_starts_on(p, on);
    const cJSON *triggers = node_member(p->data, "triggers");
    if (triggers)
        node_trigger(p, "triggers", triggers);
    node_trigger_keywords(p, "keywords", node_member(p->data, "keywords"));
    return start;
}

static enum node_verdict start_enter(struct node_run *run)
{
    const struct start *start = run->config;
    return node_go(run, start->next, NULL);
}

static const char *const kinds[] = {"message",  "postback",   "referral", "optin",
                                    "comment",  "mention",    "call",     "linking",
                                    "feedback", "preference", NULL};

static const struct node_field fields[] = {
    {.name = "on",
     .kind = FIELD_WORDS,
     .words = kinds,
     .help =
         "kinds of events that start a session; message, postback, referral, optin unless given"},
    {.name = "triggers",
     .kind = FIELD_ANY,
     .members = trigger_fields,
     .help = "what starts a session: a list of {type, …}, or of builders' words"},
    {.name = "keywords", .kind = FIELD_ANY, .help = "words that start a session; a text or a list"},
    {0}};

static const char *const aliases[] = {"startNode", NULL};

const struct node_type node_start = {
    .name = "start",
    .aliases = aliases,
    .summary = "Where a session begins; a flow has exactly one.",
    .role = NODE_START,
    .fields = fields,
    .parse = start_parse,
    .enter = start_enter,
    .free = free,
};
