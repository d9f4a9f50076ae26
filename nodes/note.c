// SPDX-License-Identifier: MIT
// note: writes a note for the operators into the chat's document.
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "engine/template.h"
#include "nodes/types.h"
#include "nodes/update.h"

struct note {
    struct template *text;
    int next, error;
};

static void note_free(void *config)
{
    struct note *note = config;
    template_free(note->text);
    free(note);
}

static void *note_parse(struct node_parse *p)
{
    struct note *note = x_alloc(sizeof *note);
    if (text_is_blank(json_str(p->data, "text")))
        node_lint(p, "note-empty", "there is nothing to note; the node will be skipped");
    note->text = node_template(p, p->data, "text");
    note->error = node_edge(p, "error");
    note->next = node_default_edge(p);
    return note;
}

static enum node_verdict note_enter(struct node_run *run)
{
    const struct note *note = run->config;
    char *text;
    if (!node_render(run, note->text, &text))
        return NODE_FAILED;
    if (text_is_blank(text)) {
        free(text);
        return node_go(run, note->next, "empty");
    }
    cJSON *change = cJSON_CreateObject();
    json_add_str(cJSON_AddObjectToObject(change, "note"), "text", text);
    free(text);
    return update_yield(run, change);
}

static enum node_verdict note_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct note *note = run->config;
    return update_end(run, signal, note->next, note->error);
}

static const char *const aliases[] = {"noteNode", "addNote", NULL};
static const char *const handles[] = {"error", NULL};

static const struct node_field fields[] = {
    {.name = "text",
     .kind = FIELD_TEMPLATE,
     .required = true,
     .help = "what the operators should know; the person does not see it"},
    {0},
};

const struct node_type node_note = {
    .name = "note",
    .aliases = aliases,
    .summary = "Writes a note for the operators into the chat.",
    .fields = fields,
    .handles = handles,
    .parse = note_parse,
    .enter = note_enter,
    .resume = note_resume,
    .free = note_free,
};
