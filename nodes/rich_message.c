// SPDX-License-Identifier: MIT
// richMessage: sends a picture, a card, a place … whatever the platforms know (nodes/rich.c).
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/template.h"
#include "nodes/rich.h"
#include "nodes/types.h"

static void rich_message_free(void *config)
{
    struct rich *rich = config;
    value_template_free(rich->tree);
    free(rich);
}

// The kind that the node's own type name says: "image", "imageNode", "file" …; or NULL.
static const char *word_kind(const char *word)
{
    static const char *const others[][2] = {
        {"file", "document"}, {"contactCard", "contact"}, {"gallery", "carousel"}};
    for (const char *const *kind = rich_kinds; *kind; kind++)
        if (strncmp(*kind, word, strlen(*kind)) == 0 && strcmp(word, "contactCard") != 0)
            return *kind;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strncmp(others[i][0], word, strlen(others[i][0])) == 0)
            return others[i][1];
    return NULL;
}

static const char *kind_of(const struct node_parse *p)
{
    const char *kind = json_str(p->data, "kind");
    const char *stored = json_str(node_member(p->data, "richContent"), "type");
    const char *word = kind ? NULL : word_kind(p->word);
    return kind ? kind : word ? word : stored;
}

static void *rich_message_parse(struct node_parse *p)
{
    struct rich *rich = x_alloc(sizeof *rich);
    const char *kind = kind_of(p), *said = json_str(p->data, "message");
    const cJSON *content = node_member(node_member(p->data, "richContent"), "content");
    struct err err;
    if (!kind)
        node_error(p, "field-missing", "kind: is missing");
    cJSON *tree = rich_tree(kind ? kind : "text", content ? content : p->data, said);
    if (kind && !rich_is_whole(tree, &err))
        node_error(p, "message-incomplete", "%s", err.text);
    rich_lint(p, tree);
    rich->tree = node_value(p, tree, "richContent");
    cJSON_Delete(tree);
    say_ways_parse(p, &rich->ways);
    say_next(p, &rich->ways);
    return rich;
}

static enum node_verdict rich_message_enter(struct node_run *run)
{
    return rich_enter(run, run->config);
}

static enum node_verdict rich_message_resume(struct node_run *run, const struct node_signal *signal)
{
    return rich_resume(run, run->config, signal);
}

static const char *const aliases[] = {"richMessageNode",
                                      "rich",
                                      "media",
                                      "mediaNode",
                                      "image",
                                      "imageNode",
                                      "video",
                                      "videoNode",
                                      "audio",
                                      "audioNode",
                                      "file",
                                      "fileNode",
                                      "document",
                                      "documentNode",
                                      "sticker",
                                      "stickerNode",
                                      "card",
                                      "cardNode",
                                      "carousel",
                                      "carouselNode",
                                      "gallery",
                                      "link",
                                      "linkNode",
                                      "locationMessage",
                                      "contactCard",
                                      NULL};
static const char *const handles[] = {SAY_HANDLES, NULL};

static const struct node_field content_fields[] = {
    {.name = "type", .kind = FIELD_WORD, .words = rich_kinds, .help = "the kind"},
    {.name = "content", .kind = FIELD_ANY, .help = "the address or the words, or the fields above"},
    {0},
};

static const struct node_field fields[] = {
    {.name = "kind",
     .kind = FIELD_WORD,
     .words = rich_kinds,
     .help = "what it is; the node's type may say it as well: image, card …"},
    {.name = "message", .kind = FIELD_TEMPLATE, .help = "what to say with it"},
    {.name = "text", .kind = FIELD_TEMPLATE, .help = "the same"},
    {.name = "content", .kind = FIELD_TEMPLATE, .help = "the same, in InstantChat's word"},
    {.name = "caption", .kind = FIELD_TEMPLATE, .help = "words of a picture, video or document"},
    {.name = "url", .kind = FIELD_TEMPLATE, .help = "where the media is, or what a link opens"},
    {.name = "mediaUrl", .kind = FIELD_TEMPLATE, .help = "the same"},
    {.name = "imageUrl", .kind = FIELD_TEMPLATE, .help = "the same, or the picture of a card"},
    {.name = "link", .kind = FIELD_TEMPLATE, .help = "what a link or a card opens"},
    {.name = "src", .kind = FIELD_TEMPLATE, .help = "where the media is"},
    {.name = "filename", .kind = FIELD_TEMPLATE, .help = "a document's name"},
    {.name = "title", .kind = FIELD_TEMPLATE, .help = "of a card, or on the button of a link"},
    {.name = "subtitle", .kind = FIELD_TEMPLATE, .help = "of a card"},
    {.name = "image", .kind = FIELD_TEMPLATE, .help = "the picture of a card"},
    {.name = "buttons",
     .kind = FIELD_ANY,
     .help = "of a card: a list of {title, and url, phone or id}, or a template that is one"},
    {.name = "cards",
     .kind = FIELD_ANY,
     .help = "of a carousel: a list of {title, subtitle, image, url, buttons}, or a template"},
    {.name = "latitude", .kind = FIELD_ANY, .help = "of a location: degrees, or a template"},
    {.name = "longitude", .kind = FIELD_ANY, .help = "of a location: degrees, or a template"},
    {.name = "name", .kind = FIELD_TEMPLATE, .help = "of a location or a contact"},
    {.name = "address", .kind = FIELD_TEMPLATE, .help = "of a location"},
    {.name = "contacts",
     .kind = FIELD_ANY,
     .help = "a list of {name, phones, emails, organization, url}, or a template"},
    {.name = "phone", .kind = FIELD_TEMPLATE, .help = "of the one contact"},
    {.name = "email", .kind = FIELD_TEMPLATE, .help = "of the one contact"},
    {.name = "organization", .kind = FIELD_TEMPLATE, .help = "of the one contact"},
    {.name = "replyTo", .kind = FIELD_TEMPLATE, .help = "the id of a message that it answers"},
    {.name = "richContent",
     .kind = FIELD_OBJECT,
     .members = content_fields,
     .help = "the kind and its fields in one, as Flow Builder stores them"},
    {0},
};

const struct node_type node_rich_message = {
    .name = "richMessage",
    .aliases = aliases,
    .summary = "Sends more than a text: a picture, a document, a card, a place, and so on.",
    .fields = fields,
    .handles = handles,
    .parse = rich_message_parse,
    .enter = rich_message_enter,
    .resume = rich_message_resume,
    .free = rich_message_free,
};
