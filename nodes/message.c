// SPDX-License-Identifier: MIT
// message: sends a text. Rich content (an image, a link, a card) is sent as the text that it holds.
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "engine/template.h"
#include "nodes/types.h"

struct message {
    struct template *text;
    int next, error;
};

static void message_free(void *config)
{
    struct message *message = config;
    template_free(message->text);
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

static void *message_parse(struct node_parse *p)
{
    struct message *message = x_alloc(sizeof *message);
    const char *said = json_str(p->data, "message");
    if (!said)
        said = json_str(p->data, "content");
    struct buf text = {0};
    line_add(&text, said);
    const cJSON *rich = node_member(p->data, "richContent");
    if (rich)
        rich_add(&text, rich);
    if (text_is_blank(text.data))
        node_lint(p, "message-empty", "there is nothing to send; the node will be skipped");
    message->text = node_template_text(p, text.data ? text.data : "", "message");
    message->error = node_edge(p, "error");
    message->next = node_default_edge(p);
    buf_deinit(&text);
    return message;
}

static enum node_verdict message_enter(struct node_run *run)
{
    const struct message *message = run->config;
    char *text;
    if (!node_render(run, message->text, &text))
        return NODE_FAILED;
    if (!text_is_blank(text))
        return node_send(run, text);
    free(text);
    return node_go(run, message->next, "empty");
}

static enum node_verdict message_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct message *message = run->config;
    if (!signal->result->ok)
        return node_fail_to(run, message->error, "the message was not sent: %s",
                            signal->result->error);
    return node_go(run, message->next, NULL);
}

static const char *const aliases[] = {"messageNode", "text", "textNode", NULL};
static const char *const handles[] = {"error", NULL};
static const char *const rich_types[] = {"text", "image", "link", "card", NULL};

static const struct node_field rich_fields[] = {
    {.name = "type", .kind = FIELD_WORD, .words = rich_types, .help = "what it is"},
    {.name = "content", .kind = FIELD_ANY, .help = "a text, or title, text, description, url …"},
    {0},
};

static const struct node_field fields[] = {
    {.name = "message", .kind = FIELD_TEMPLATE, .help = "what to say"},
    {.name = "content", .kind = FIELD_TEMPLATE, .help = "the same, in InstantChat's word"},
    {.name = "richContent",
     .kind = FIELD_OBJECT,
     .members = rich_fields,
     .help = "sent as its text: title, description, address, a line each"},
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
