// SPDX-License-Identifier: MIT
/*
 * What Messenger and Instagram have in common (platform reference, 4.1 and 4.2): quick replies,
 * attachments by address, button and generic templates, sender actions.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/utf8.h"
#include "connectors/render.h"

enum {
    QUICK_REPLIES_MAX = 13,
    TITLE_CHARS = 20, // of a quick reply or a button
    PAYLOAD_CHARS = 1000,
    BUTTONS_MAX = 3,
    BUTTON_TEXT_CHARS = 640,
    ELEMENTS_MAX = 10,
    ELEMENT_CHARS = 80, // of a title or a subtitle
};

/* Quick replies */

static void quick_reply_add(cJSON *message, const char *title, const char *payload)
{
    cJSON *replies = cJSON_GetObjectItemCaseSensitive(message, "quick_replies");
    if (!replies)
        replies = cJSON_AddArrayToObject(message, "quick_replies");
    if (cJSON_GetArraySize(replies) == QUICK_REPLIES_MAX)
        return;
    cJSON *reply = render_add_object(replies);
    json_add_str(reply, "content_type", "text");
    render_add_chars(reply, "title", title, TITLE_CHARS);
    render_add_chars(reply, "payload", payload, PAYLOAD_CHARS);
}

/* Templates */

static cJSON *attachment_add(cJSON *message, const char *type)
{
    cJSON *attachment = cJSON_AddObjectToObject(message, "attachment");
    json_add_str(attachment, "type", type);
    return cJSON_AddObjectToObject(attachment, "payload");
}

static void button_add(cJSON *buttons, const cJSON *source)
{
    const char *url = render_text(source, "url"), *phone = render_text(source, "phone");
    if (cJSON_GetArraySize(buttons) == BUTTONS_MAX)
        return;
    cJSON *button = render_add_object(buttons);
    json_add_str(button, "type", url ? "web_url" : phone ? "phone_number" : "postback");
    render_add_chars(button, "title", json_str(source, "title"), TITLE_CHARS);
    if (url)
        json_add_str(button, "url", url);
    else
        render_add_chars(button, "payload", phone ? phone : json_str(source, "id"), PAYLOAD_CHARS);
}

static void buttons_add(cJSON *object, const cJSON *sources)
{
    const cJSON *source;
    cJSON *buttons = cJSON_AddArrayToObject(object, "buttons");
    cJSON_ArrayForEach(source, sources)
        button_add(buttons, source);
}

static void link_message(const struct render_page *page, cJSON *message, const cJSON *tree)
{
    const char *text = render_text(tree, "text");
    cJSON *payload = attachment_add(message, "template");
    json_add_str(payload, "template_type", "button");
    render_add_chars(payload, "text", text ? text : json_str(tree, "title"), BUTTON_TEXT_CHARS);
    button_add(cJSON_AddArrayToObject(payload, "buttons"), tree);
}

static void element_add(cJSON *elements, const cJSON *card)
{
    const char *url = render_text(card, "url");
    cJSON *element = render_add_object(elements);
    render_add_chars(element, "title", json_str(card, "title"), ELEMENT_CHARS);
    render_add_chars(element, "subtitle", render_text(card, "subtitle"), ELEMENT_CHARS);
    json_add_str(element, "image_url", render_text(card, "image"));
    if (url) {
        cJSON *action = cJSON_AddObjectToObject(element, "default_action");
        json_add_str(action, "type", "web_url");
        json_add_str(action, "url", url);
    }
    if (cJSON_GetArraySize(json_get(card, "buttons")) > 0)
        buttons_add(element, json_get(card, "buttons"));
}

static cJSON *elements_add(cJSON *message)
{
    cJSON *payload = attachment_add(message, "template");
    json_add_str(payload, "template_type", "generic");
    return cJSON_AddArrayToObject(payload, "elements");
}

static void card_message(const struct render_page *page, cJSON *message, const cJSON *tree)
{
    bool is_bare = !render_text(tree, "subtitle") && !render_text(tree, "image") &&
                   !render_text(tree, "url") && !cJSON_GetArraySize(json_get(tree, "buttons"));
    if (is_bare) // an element needs more than a title
        page->add_text(message, json_str(tree, "title"));
    else
        element_add(elements_add(message), tree);
}

// Its text has no place here: who sends it, sends that before (nodes/rich_message.c).
static void carousel_message(const struct render_page *page, cJSON *message, const cJSON *tree)
{
    cJSON *elements = elements_add(message);
    const cJSON *card;
    cJSON_ArrayForEach(card, json_get(tree, "cards")) {
        if (cJSON_GetArraySize(elements) < ELEMENTS_MAX)
            element_add(elements, card);
    }
}

/* Buttons and lists */

// The texts around buttons as one: header, text, footer, a line each.
static void texts_add(struct buf *out, const cJSON *tree)
{
    render_add_line(out, render_text(tree, "header"));
    render_add_line(out, render_text(tree, "text"));
    render_add_line(out, render_text(tree, "footer"));
}

// More than a button template takes: quick replies, and what is no reply as lines of the text.
static void buttons_as_replies(const struct render_page *page, cJSON *message, const cJSON *tree)
{
    const cJSON *button;
    struct buf text = {0};
    texts_add(&text, tree);
    cJSON_ArrayForEach(button, json_get(tree, "buttons")) {
        const char *url = render_text(button, "url");
        if (!json_get(button, "id"))
            render_add_pair(&text, json_str(button, "title"),
                            url ? url : json_str(button, "phone"));
    }
    page->add_text(message, text.data ? text.data : "");
    cJSON_ArrayForEach(button, json_get(tree, "buttons")) {
        if (json_get(button, "id"))
            quick_reply_add(message, json_str(button, "title"), json_str(button, "id"));
    }
    buf_deinit(&text);
}

static void buttons_message(const struct render_page *page, cJSON *message, const cJSON *tree)
{
    const char *image = render_text(tree, "image"), *text = json_str(tree, "text");
    bool few = cJSON_GetArraySize(json_get(tree, "buttons")) <= BUTTONS_MAX;
    struct buf whole = {0};
    texts_add(&whole, tree);
    if (few && image && utf8_length(text) <= ELEMENT_CHARS) {
        struct buf around = {0};
        cJSON *element = render_add_object(elements_add(message));
        json_add_str(element, "title", text);
        render_add_line(&around, render_text(tree, "header"));
        render_add_line(&around, render_text(tree, "footer"));
        render_add_chars(element, "subtitle", around.data, ELEMENT_CHARS);
        buf_deinit(&around);
        json_add_str(element, "image_url", image);
        buttons_add(element, json_get(tree, "buttons"));
    } else if (few && utf8_length(whole.data) <= BUTTON_TEXT_CHARS) {
        cJSON *payload = attachment_add(message, "template");
        json_add_str(payload, "template_type", "button");
        json_add_str(payload, "text", whole.data);
        buttons_add(payload, json_get(tree, "buttons"));
    } else {
        buttons_as_replies(page, message, tree);
    }
    buf_deinit(&whole);
}

// Quick replies with the rows' titles; descriptions stand in the text.
static void list_message(const struct render_page *page, cJSON *message, const cJSON *tree)
{
    const cJSON *section, *row;
    struct buf text = {0};
    texts_add(&text, tree);
    cJSON_ArrayForEach(section, json_get(tree, "sections")) {
        cJSON_ArrayForEach(row, json_get(section, "rows"))
            if (render_text(row, "description"))
                render_add_pair(&text, json_str(row, "title"), json_str(row, "description"));
    }
    page->add_text(message, text.data ? text.data : "");
    cJSON_ArrayForEach(section, json_get(tree, "sections")) {
        cJSON_ArrayForEach(row, json_get(section, "rows"))
            quick_reply_add(message, json_str(row, "title"), json_str(row, "id"));
    }
    buf_deinit(&text);
}

/* The rest */

static void media_message(cJSON *message, const char *type, const cJSON *tree)
{
    json_add_str(attachment_add(message, type), "url", json_str(tree, "url"));
}

// The kinds that are an attachment, and the attachment's type.
static const char *attachment_type(const char *type)
{
    static const char *const types[][2] = {{"image", "image"},
                                           {"sticker", "image"},
                                           {"video", "video"},
                                           {"audio", "audio"},
                                           {"document", "file"}};
    for (size_t i = 0; type && i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i][0], type) == 0)
            return types[i][1];
    return NULL;
}

void render_page_message(const struct render_page *page, cJSON *message,
                         const struct graph_message *source)
{
    static const struct {
        const char *type;
        void (*render)(const struct render_page *page, cJSON *message, const cJSON *tree);
    } kinds[] = {{"link", link_message},         {"card", card_message},
                 {"carousel", carousel_message}, {"buttons", buttons_message},
                 {"list", list_message},         {0}};
    const char *type = render_type(source), *attachment = attachment_type(type);

    if (attachment) {
        media_message(message, attachment, source->tree);
        return;
    }
    for (size_t i = 0; type && kinds[i].type; i++)
        if (strcmp(kinds[i].type, type) == 0) {
            kinds[i].render(page, message, source->tree);
            return;
        }
    char *words = render_words(source);
    page->add_text(message, words);
    for (size_t i = 0; i < source->choice_count; i++)
        quick_reply_add(message, source->choices[i].title, source->choices[i].id);
    free(words);
}

void render_page_recipient(cJSON *root, const struct graph_target *target, const cJSON *tree)
{
    const char *comment = render_text(tree, "comment_id");
    cJSON *recipient = cJSON_AddObjectToObject(root, "recipient");
    json_add_str(recipient, comment ? "comment_id" : "id", comment ? comment : target->contact);
}

/* Sender actions */

cJSON *render_typing(const struct graph_target *target, bool on)
{
    cJSON *root = cJSON_CreateObject();
    render_page_recipient(root, target, NULL);
    json_add_str(root, "sender_action", on ? "typing_on" : "typing_off");
    return root;
}

// Reactions have names; an emoji without one is sent as it is. A variation selector is no part of
// the name.
static const char *reaction_name(const char *emoji)
{
    static const char *const names[][2] = {
        {"\u2764", "love"},      {"\U0001f60d", "love"}, {"\U0001f606", "smile"},
        {"\U0001f602", "smile"}, {"\U0001f62e", "wow"},  {"\U0001f622", "sad"},
        {"\U0001f620", "angry"}, {"\U0001f44d", "like"}, {"\U0001f44e", "dislike"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(names[i][0], emoji, strlen(names[i][0])) == 0)
            return names[i][1];
    return emoji;
}

cJSON *render_page_action(const struct graph_target *target, const cJSON *tree)
{
    const char *emoji = render_text(tree, "emoji");
    if (strcmp(json_str(tree, "type"), "typing") == 0)
        return render_typing(target, json_bool(tree, "on", true));
    cJSON *root = cJSON_CreateObject();
    render_page_recipient(root, target, NULL);
    json_add_str(root, "sender_action", emoji ? "react" : "unreact");
    cJSON *payload = cJSON_AddObjectToObject(root, "payload");
    json_add_str(payload, "message_id", json_str(tree, "message_id"));
    if (emoji)
        json_add_str(payload, "reaction", reaction_name(emoji));
    return root;
}
