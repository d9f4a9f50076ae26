// SPDX-License-Identifier: MIT
// Rich messages: from builders' words to the canonical message, and its sending (see rich.h).
#include "nodes/rich.h"

#include <string.h>

#include "base/json.h"
#include "engine/message.h"
#include "engine/value.h"

enum {
    CARDS_MAX = 10,
    BUTTONS_MAX = 3,
    BUTTON_CHARS = 20,
    CARD_CHARS = 80, // of title and subtitle, on Messenger and Instagram
    CAPTION_CHARS = 1024,
};

const char *const rich_kinds[] = {"text", "image",    "video",   "audio",    "document", "link",
                                  "card", "carousel", "sticker", "location", "contact",  NULL};

/* Builders' words for the members of a canonical message, the first that is there counts */

typedef const char *const words[8];
static words url_words = {"url", "mediaUrl", "imageUrl", "link", "src"};
static words image_words = {"image", "imageUrl", "mediaUrl"};
static words text_words = {"text", "message", "content"};
static words caption_words = {"caption", "text", "message", "content", "alt"};
static words title_words = {"title", "label", "text", "name"};

static bool is_kind(const char *kind, const char *const *kinds)
{
    for (; *kinds; kinds++)
        if (strcmp(*kinds, kind) == 0)
            return true;
    return false;
}

static bool is_media(const char *kind)
{
    static words media = {"image", "video", "audio", "document", "sticker"};
    return is_kind(kind, media);
}

static cJSON *button_tree(const cJSON *source)
{
    static words ids = {"id", "payload", "value"}, phones = {"phone", "phoneNumber"},
                 urls = {"url", "link"};
    cJSON *button = cJSON_CreateObject();
    say_take(button, "title", source, title_words);
    say_take(button, "url", source, urls);
    if (!json_get(button, "url"))
        say_take(button, "phone", source, phones);
    if (!json_get(button, "url") && !json_get(button, "phone")) {
        say_take(button, "id", source, ids);
        if (!json_get(button, "id")) // an answer by its title
            say_take(button, "id", button, title_words);
    }
    return button;
}

// A list of objects through `tree_of`; anything else (a template that is a list) as it is.
static void list_take(cJSON *tree, const char *member, const cJSON *object,
                      const char *const *names, cJSON *(*tree_of)(const cJSON *source))
{
    cJSON *found = cJSON_CreateObject();
    say_take(found, member, object, names);
    const cJSON *source = json_get(found, member), *item;
    if (!cJSON_IsArray(source)) {
        say_take(tree, member, found, (words){member});
    } else {
        cJSON *list = cJSON_AddArrayToObject(tree, member);
        cJSON_ArrayForEach(item, source)
            cJSON_AddItemToArray(list, tree_of(item));
    }
    cJSON_Delete(found);
}

static void card_take(cJSON *card, const cJSON *source)
{
    static words titles = {"title", "text", "name"}, subtitles = {"subtitle", "description"},
                 buttons = {"buttons"}, urls = {"url", "link"};
    say_take(card, "title", source, titles);
    say_take(card, "subtitle", source, subtitles);
    say_take(card, "image", source, image_words);
    say_take(card, "url", source, urls);
    list_take(card, "buttons", source, buttons, button_tree);
}

static cJSON *card_tree(const cJSON *source)
{
    cJSON *card = cJSON_CreateObject();
    card_take(card, source);
    return card;
}

// One text or a list of them, as a list.
static void texts_take(cJSON *person, const char *member, const cJSON *source,
                       const char *const *names)
{
    cJSON *found = cJSON_CreateObject();
    say_take(found, member, source, names);
    const cJSON *item = json_get(found, member);
    if (cJSON_IsArray(item))
        cJSON_AddItemToObject(person, member, cJSON_Duplicate(item, true));
    else if (item)
        cJSON_AddItemToArray(cJSON_AddArrayToObject(person, member), cJSON_Duplicate(item, true));
    cJSON_Delete(found);
}

static cJSON *person_tree(const cJSON *source)
{
    static words names = {"name", "title"}, phones = {"phones", "phone"},
                 emails = {"emails", "email"}, organizations = {"organization", "company"},
                 urls = {"url", "link"};
    cJSON *person = cJSON_CreateObject();
    say_take(person, "name", source, names);
    texts_take(person, "phones", source, phones);
    texts_take(person, "emails", source, emails);
    say_take(person, "organization", source, organizations);
    say_take(person, "url", source, urls);
    return person;
}

static void contact_take(cJSON *tree, const cJSON *content)
{
    static words contacts = {"contacts"};
    list_take(tree, "contacts", content, contacts, person_tree);
    if (!json_get(tree, "contacts"))
        cJSON_AddItemToArray(cJSON_AddArrayToObject(tree, "contacts"), person_tree(content));
}

// Builders' forms store degrees as texts.
static void degrees_fit(cJSON *tree, const char *member)
{
    double degrees;
    if (json_str(tree, member) && text_is_number(json_str(tree, member), &degrees))
        cJSON_ReplaceItemInObjectCaseSensitive(tree, member, cJSON_CreateNumber(degrees));
}

static void location_take(cJSON *tree, const cJSON *content)
{
    static words latitudes = {"latitude", "lat"}, longitudes = {"longitude", "lng", "lon"},
                 names = {"name", "title"}, addresses = {"address"};
    say_take(tree, "latitude", content, latitudes);
    say_take(tree, "longitude", content, longitudes);
    degrees_fit(tree, "latitude");
    degrees_fit(tree, "longitude");
    say_take(tree, "name", content, names);
    say_take(tree, "address", content, addresses);
}

static void carousel_take(cJSON *tree, const cJSON *content)
{
    static words cards = {"cards", "items"};
    list_take(tree, "cards", content, cards, card_tree);
    say_take(tree, "text", content, text_words);
}

static void media_take(cJSON *tree, const cJSON *content)
{
    static words filenames = {"filename", "fileName"};
    say_take(tree, "url", content, url_words);
    say_take(tree, "caption", content, caption_words);
    say_take(tree, "filename", content, filenames);
}

static void link_take(cJSON *tree, const cJSON *content)
{
    static words titles = {"title", "buttonText"},
                 texts = {"text", "message", "description", "content"};
    say_take(tree, "url", content, url_words);
    say_take(tree, "title", content, titles);
    say_take(tree, "text", content, texts);
}

static void text_take(cJSON *tree, const cJSON *content)
{
    say_take(tree, "text", content, text_words);
}

// A text in the place of the object: the address, the words, the title.
static void string_take(cJSON *tree, const char *kind, const cJSON *content)
{
    bool is_address = is_media(kind) || strcmp(kind, "link") == 0;
    cJSON_AddItemToObject(tree,
                          is_address                  ? "url"
                          : strcmp(kind, "text") == 0 ? "text"
                                                      : "title",
                          cJSON_Duplicate(content, true));
}

cJSON *rich_tree(const char *kind, const cJSON *content, const char *text)
{
    static words replies = {"replyTo"};
    cJSON *tree = cJSON_CreateObject();
    json_add_str(tree, "type", kind);
    if (cJSON_IsString(content))
        string_take(tree, kind, content);
    else if (is_media(kind))
        media_take(tree, content);
    else if (strcmp(kind, "link") == 0)
        link_take(tree, content);
    else if (strcmp(kind, "card") == 0)
        card_take(tree, content);
    else if (strcmp(kind, "carousel") == 0)
        carousel_take(tree, content);
    else if (strcmp(kind, "location") == 0)
        location_take(tree, content);
    else if (strcmp(kind, "contact") == 0)
        contact_take(tree, content);
    else
        text_take(tree, content);
    const char *member = is_media(kind) ? "caption" : "text";
    if (!text_is_blank(text) && !json_get(tree, member))
        json_add_str(tree, member, text);
    say_take(tree, "reply_to", content, replies);
    return tree;
}

/* Findings */

// A template in the place of a number or a list: what comes of it shows when it runs.
static bool is_open(const cJSON *tree)
{
    static words members = {"latitude", "longitude", "cards", "contacts", "buttons"};
    for (const char *const *member = members; *member; member++)
        if (json_str(tree, *member) && strstr(json_str(tree, *member), "{{"))
            return true;
    return false;
}

bool rich_is_whole(const cJSON *tree, struct err *err)
{
    return is_open(tree) || message_check(tree, err);
}

static void card_lint(const struct node_parse *p, const cJSON *card)
{
    const cJSON *button, *buttons = json_get(card, "buttons");
    say_lint_chars(p, "title", json_str(card, "title"), CARD_CHARS);
    say_lint_chars(p, "subtitle", json_str(card, "subtitle"), CARD_CHARS);
    if (cJSON_IsArray(buttons) && cJSON_GetArraySize(buttons) > BUTTONS_MAX)
        node_lint(p, "buttons-many", "a card with %d buttons: 3 are shown",
                  cJSON_GetArraySize(buttons));
    cJSON_ArrayForEach(button, buttons)
        say_lint_chars(p, "buttons", json_str(button, "title"), BUTTON_CHARS);
}

void rich_lint(const struct node_parse *p, const cJSON *tree)
{
    const char *kind = json_str(tree, "type");
    const cJSON *card, *cards = json_get(tree, "cards");
    if (strcmp(kind, "card") == 0)
        card_lint(p, tree);
    if (strcmp(kind, "link") == 0)
        say_lint_chars(p, "title", json_str(tree, "title"), BUTTON_CHARS);
    say_lint_chars(p, "caption", json_str(tree, "caption"), CAPTION_CHARS);
    if (!cJSON_IsArray(cards))
        return;
    if (cJSON_GetArraySize(cards) > CARDS_MAX)
        node_lint(p, "cards-many", "%d cards: 10 are shown", cJSON_GetArraySize(cards));
    cJSON_ArrayForEach(card, cards)
        card_lint(p, card);
}

/* Sending */

static void part_add(cJSON *parts, cJSON *owned_text)
{
    cJSON *part = cJSON_CreateObject();
    json_add_str(part, "type", "text");
    cJSON_AddItemToObject(part, "text", owned_text);
    cJSON_AddItemToArray(parts, part);
}

// The messages that it takes on this platform, in order. Takes the whole.
static cJSON *parts_new(struct node_run *run, cJSON *owned_tree)
{
    static words captioned = {"image", "video", "document"}, wordy = {"text", "link"};
    const char *kind = json_str(owned_tree, "type");
    bool is_whatsapp = say_is_on(run, "whatsapp");
    bool keeps_text = is_kind(kind, wordy) || (is_whatsapp && strcmp(kind, "carousel") == 0);
    cJSON *parts = cJSON_CreateArray(), *caption = NULL;
    if (json_get(owned_tree, "text") && !keeps_text)
        part_add(parts, cJSON_DetachItemFromObjectCaseSensitive(owned_tree, "text"));
    if (!(is_whatsapp && is_kind(kind, captioned)))
        caption = cJSON_DetachItemFromObjectCaseSensitive(owned_tree, "caption");
    cJSON_AddItemToArray(parts, owned_tree);
    if (caption)
        part_add(parts, caption);
    return parts;
}

// The next message, or the way on after the last.
static enum node_verdict part_send(struct node_run *run, const struct rich *rich, int part)
{
    cJSON *tree;
    if (!say_render(run, rich->tree, &tree))
        return NODE_FAILED;
    if (strcmp(json_str(tree, "type"), "text") == 0 && !json_get(tree, "text")) {
        cJSON_Delete(tree);
        return node_go(run, rich->ways.next, "empty");
    }
    cJSON *parts = parts_new(run, tree);
    cJSON *message = cJSON_DetachItemFromArray(parts, part);
    cJSON_Delete(parts);
    if (!message)
        return node_go(run, rich->ways.next, NULL);
    node_state_set(run, "part", part + 1);
    return say_send(run, &rich->ways, message);
}

enum node_verdict rich_enter(struct node_run *run, const struct rich *rich)
{
    return part_send(run, rich, 0);
}

enum node_verdict rich_resume(struct node_run *run, const struct rich *rich,
                              const struct node_signal *signal)
{
    if (!signal->result->ok)
        return say_failed(run, &rich->ways, signal->result);
    return part_send(run, rich, node_state_get(run, "part"));
}
