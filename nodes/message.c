// SPDX-License-Identifier: MIT
// message: sends a text, or the rich content that Flow Builder stores with it (nodes/rich.c).
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "engine/template.h"
#include "nodes/rich.h"
#include "nodes/types.h"

struct message {
    struct template *text;
    struct rich rich; // its tree: NULL for a text alone
};

static void message_free(void *config)
{
    struct message *message = config;
    template_free(message->text);
    value_template_free(message->rich.tree);
    free(message);
}

static void line_add(struct buf *text, const char *line)
{
    if (line && *line && text->len)
        buf_add_char(text, '\n');
    if (line)
        buf_add_str(text, line);
}

// The texts of rich content, a line each.
static void rich_add(struct buf *text, const cJSON *rich)
{
    static const char *const names[] = {"title", "subtitle", "text", "description",
                                        "url",   "imageUrl", NULL};
    const cJSON *content = node_member(rich, "content");
    const char *type = json_str(rich, "type");
    if (text->len && type && strcmp(type, "text") == 0)
        return; // the message says it already
    if (cJSON_IsString(content))
        line_add(text, content->valuestring);
    for (const char *const *name = names; *name; name++)
        line_add(text, json_str(content, *name));
}

// The rich message, or NULL when it is a text, or lacks what would make it more than one.
static cJSON *rich_parse(struct node_parse *p, const char *said)
{
    const cJSON *rich = node_member(p->data, "richContent");
    const char *type = json_str(rich, "type");
    struct err err;
    if (!type || strcmp(type, "text") == 0)
        return NULL;
    cJSON *tree = rich_tree(type, node_member(rich, "content"), said);
    if (rich_is_whole(tree, &err)) {
        rich_lint(p, tree);
        return tree;
    }
    node_lint(p, "message-incomplete", "richContent is sent as a text: %s", err.text);
    cJSON_Delete(tree);
    return NULL;
}

static void text_parse(struct node_parse *p, struct message *message, const char *said)
{
    struct buf text = {0};
    line_add(&text, said);
    const cJSON *rich = node_member(p->data, "richContent");
    if (rich)
        rich_add(&text, rich);
    if (text_is_blank(text.data))
        node_lint(p, "message-empty", "there is nothing to send; the node will be skipped");
    message->text = node_template_text(p, text.data ? text.data : "", "message");
    buf_deinit(&text);
}

static void *message_parse(struct node_parse *p)
{
    struct message *message = x_alloc(sizeof *message);
    const char *said = json_str(p->data, "message");
    if (!said)
        said = json_str(p->data, "content");
    cJSON *tree = rich_parse(p, said);
    if (tree)
        message->rich.tree = node_value(p, tree, "richContent");
    else
        text_parse(p, message, said);
    cJSON_Delete(tree);
    say_ways_parse(p, &message->rich.ways);
    say_next(p, &message->rich.ways);
    return message;
}

static enum node_verdict message_enter(struct node_run *run)
{
    const struct message *message = run->config;
    char *text;
    if (message->rich.tree)
        return rich_enter(run, &message->rich);
    if (!node_render(run, message->text, &text))
        return NODE_FAILED;
    if (!text_is_blank(text))
        return node_send(run, text);
    free(text);
    return node_go(run, message->rich.ways.next, "empty");
}

static enum node_verdict message_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct message *message = run->config;
    if (message->rich.tree)
        return rich_resume(run, &message->rich, signal);
    if (!signal->result->ok)
        return say_failed(run, &message->rich.ways, signal->result);
    return node_go(run, message->rich.ways.next, NULL);
}

static const char *const aliases[] = {"messageNode", "text", "textNode", NULL};
static const char *const handles[] = {SAY_HANDLES, NULL};

static const struct node_field rich_fields[] = {
    {.name = "type", .kind = FIELD_WORD, .words = rich_kinds, .help = "what it is"},
    {.name = "content", .kind = FIELD_ANY, .help = "a text, or title, text, description, url …"},
    {0},
};

static const struct node_field fields[] = {
    {.name = "message", .kind = FIELD_TEMPLATE, .help = "what to say"},
    {.name = "content", .kind = FIELD_TEMPLATE, .help = "the same, in InstantChat's word"},
    {.name = "richContent",
     .kind = FIELD_OBJECT,
     .members = rich_fields,
     .help = "a picture, a card … as richMessage; what lacks an address or a title is a text"},
    {0},
};

const struct node_type node_message = {
    .name = "message",
    .aliases = aliases,
    .summary = "Sends a text.",
    .fields = fields,
    .handles = handles,
    .parse = message_parse,
    .enter = message_enter,
    .resume = message_resume,
    .free = message_free,
};
