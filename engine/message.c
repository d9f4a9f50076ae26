// SPDX-License-Identifier: MIT
// Canonical messages: their form, as a table, and their words.
#include "engine/message.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

/* The form */

enum member_kind { MEMBER_TEXT, MEMBER_EMPTY, MEMBER_NUMBER, MEMBER_BOOL, MEMBER_LIST };

struct member {
    const char *name;
    enum member_kind kind; // EMPTY: a text that may be ""
    bool required;
    const struct member *items; // of a list of objects; NULL: whatever they are
    bool texts;                 // a list of texts
};

#define TEXT(n)                                                                                    \
    {                                                                                              \
        .name = n, .kind = MEMBER_TEXT, .required = true                                           \
    }
#define NAME(n)                                                                                    \
    {                                                                                              \
        .name = n, .kind = MEMBER_TEXT                                                             \
    }
#define MAYBE(n)                                                                                   \
    {                                                                                              \
        .name = n, .kind = MEMBER_EMPTY                                                            \
    }
#define LIST(n, must, of)                                                                          \
    {                                                                                              \
        .name = n, .kind = MEMBER_LIST, .required = must, .items = of                              \
    }
#define TEXTS(n)                                                                                   \
    {                                                                                              \
        .name = n, .kind = MEMBER_LIST, .texts = true                                              \
    }

static const struct member any_members[] = {NAME("reply_to"), NAME("tag"), NAME("comment_id"), {0}};
static const struct member text_members[] = {TEXT("text"), {0}};
static const struct member media_members[] = {
    TEXT("url"), MAYBE("caption"), MAYBE("filename"), {0}};
static const struct member link_members[] = {MAYBE("text"), TEXT("title"), TEXT("url"), {0}};
static const struct member button_members[] = {
    TEXT("title"), NAME("id"), NAME("url"), NAME("phone"), {0}};
static const struct member card_members[] = {TEXT("title"),
                                             MAYBE("subtitle"),
                                             MAYBE("image"),
                                             MAYBE("url"),
                                             LIST("buttons", false, button_members),
                                             {0}};
static const struct member carousel_members[] = {
    MAYBE("text"), LIST("cards", true, card_members), {0}};
static const struct member location_members[] = {
    {.name = "latitude", .kind = MEMBER_NUMBER, .required = true},
    {.name = "longitude", .kind = MEMBER_NUMBER, .required = true},
    MAYBE("name"),
    MAYBE("address"),
    {0}};
static const struct member person_members[] = {
    TEXT("name"), TEXTS("phones"), TEXTS("emails"), MAYBE("organization"), MAYBE("url"), {0}};
static const struct member contact_members[] = {LIST("contacts", true, person_members), {0}};
static const struct member row_members[] = {TEXT("id"), TEXT("title"), MAYBE("description"), {0}};
static const struct member section_members[] = {
    MAYBE("title"), LIST("rows", true, row_members), {0}};
static const struct member list_members[] = {TEXT("text"),
                                             TEXT("button"),
                                             MAYBE("header"),
                                             MAYBE("footer"),
                                             LIST("sections", true, section_members),
                                             {0}};
static const struct member buttons_members[] = {TEXT("text"),
                                                MAYBE("header"),
                                                MAYBE("footer"),
                                                MAYBE("image"),
                                                LIST("buttons", true, button_members),
                                                {0}};
static const struct member template_members[] = {
    TEXT("name"), TEXT("language"), LIST("components", false, NULL), {0}};
static const struct member reaction_members[] = {
    TEXT("message_id"), {.name = "emoji", .kind = MEMBER_EMPTY, .required = true}, {0}};
static const struct member typing_members[] = {
    {.name = "on", .kind = MEMBER_BOOL, .required = true}, NAME("message_id"), {0}};

static const struct form {
    const char *type;
    const struct member *members;
} forms[] = {
    {"text", text_members},
    {"image", media_members},
    {"video", media_members},
    {"audio", media_members},
    {"document", media_members},
    {"sticker", media_members},
    {"link", link_members},
    {"card", card_members},
    {"carousel", carousel_members},
    {"location", location_members},
    {"contact", contact_members},
    {"list", list_members},
    {"buttons", buttons_members},
    {"template", template_members},
    {"reaction", reaction_members},
    {"typing", typing_members},
    {"location_request", text_members},
};

enum { PLACE_MAX = 96 };

static bool members_check(const cJSON *object, const struct member *members, const char *place,
                          struct err *err);

static bool list_check(const cJSON *list, const struct member *member, const char *place,
                       struct err *err)
{
    const cJSON *item;
    int index = 0;
    if (member->required && !cJSON_GetArraySize(list))
        return err_set(err, ERR_INPUT, "message: %s is empty", place);
    cJSON_ArrayForEach(item, list) {
        char at[PLACE_MAX];
        snprintf(at, sizeof at, "%.80s[%d]", place, index++);
        if (member->texts && !cJSON_IsString(item))
            return err_set(err, ERR_INPUT, "message: %s must be a text", at);
        if (member->items && !cJSON_IsObject(item))
            return err_set(err, ERR_INPUT, "message: %s must be an object", at);
        if (member->items && !members_check(item, member->items, at, err))
            return false;
        // A button does one thing: answers, opens an address, or calls.
        if (member->items == button_members &&
            !json_get(item, "id") + !json_get(item, "url") + !json_get(item, "phone") != 2)
            return err_set(err, ERR_INPUT, "message: %s needs one of id, url and phone", at);
    }
    return true;
}

static bool member_check(const cJSON *item, const struct member *member, const char *place,
                         struct err *err)
{
    static const char *const words[] = {"text", "text", "number", "true/false", "list"};
    bool fits = member->kind == MEMBER_NUMBER ? cJSON_IsNumber(item)
                : member->kind == MEMBER_BOOL ? cJSON_IsBool(item)
                : member->kind == MEMBER_LIST ? cJSON_IsArray(item)
                                              : cJSON_IsString(item);
    if (!fits)
        return err_set(err, ERR_INPUT, "message: %s must be a %s", place, words[member->kind]);
    if (member->kind == MEMBER_TEXT && !item->valuestring[strspn(item->valuestring, " \t\r\n")])
        return err_set(err, ERR_INPUT, "message: %s is empty", place);
    return member->kind != MEMBER_LIST || list_check(item, member, place, err);
}

// Recursion follows the tables, which are four deep.
static bool members_check(const cJSON *object, const struct member *members, const char *place,
                          struct err *err)
{
    for (; members->name; members++) {
        char at[PLACE_MAX];
        snprintf(at, sizeof at, "%.60s%s%s", place, *place ? "." : "", members->name);
        const cJSON *item = json_get(object, members->name);
        if (!item && members->required)
            return err_set(err, ERR_INPUT, "message: %s is missing", at);
        if (item && !member_check(item, members, at, err))
            return false;
    }
    return true;
}

bool message_check(const cJSON *message, struct err *err)
{
    const char *type = json_str(message, "type");
    if (!type)
        return err_set(err, ERR_INPUT, "message: type is missing");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(forms[i].type, type) == 0)
            return members_check(message, forms[i].members, "", err) &&
                   members_check(message, any_members, "", err);
    return err_set(err, ERR_INPUT, "message: unknown type '%.40s'", type);
}

bool message_is_said(const cJSON *message)
{
    const char *type = json_str(message, "type");
    return !type || (strcmp(type, "typing") != 0 && strcmp(type, "reaction") != 0);
}

/* The words */

static void line_add(struct buf *out, const char *line)
{
    if (!line || !*line)
        return;
    if (out->len)
        buf_add_char(out, '\n');
    buf_add_str(out, line);
}

// "title: rest" as a line, or what there is of it.
static void pair_add(struct buf *out, const char *title, const char *rest)
{
    line_add(out, title && *title ? title : rest);
    if (title && *title && rest && *rest) {
        buf_add_str(out, ": ");
        buf_add_str(out, rest);
    }
}

static void members_add(struct buf *out, const cJSON *object, const char *const *names)
{
    for (; *names; names++)
        line_add(out, json_str(object, *names));
}

static void buttons_add(struct buf *out, const cJSON *buttons)
{
    const cJSON *button;
    cJSON_ArrayForEach(button, buttons) {
        const char *url = json_str(button, "url");
        pair_add(out, json_str(button, "title"), url ? url : json_str(button, "phone"));
    }
}

static void card_add(struct buf *out, const cJSON *card)
{
    members_add(out, card, (const char *const[]){"title", "subtitle", "url", NULL});
    buttons_add(out, json_get(card, "buttons"));
}

static void people_add(struct buf *out, const cJSON *contacts)
{
    const cJSON *person, *item;
    cJSON_ArrayForEach(person, contacts) {
        pair_add(out, json_str(person, "name"), json_str(person, "organization"));
        cJSON_ArrayForEach(item, json_get(person, "phones"))
            line_add(out, cJSON_GetStringValue(item));
        cJSON_ArrayForEach(item, json_get(person, "emails"))
            line_add(out, cJSON_GetStringValue(item));
        line_add(out, json_str(person, "url"));
    }
}

static void sections_add(struct buf *out, const cJSON *sections)
{
    const cJSON *section, *row;
    cJSON_ArrayForEach(section, sections) {
        line_add(out, json_str(section, "title"));
        cJSON_ArrayForEach(row, json_get(section, "rows"))
            pair_add(out, json_str(row, "title"), json_str(row, "description"));
    }
}

static void place_add(struct buf *out, const cJSON *message)
{
    const cJSON *latitude = json_get(message, "latitude"),
                *longitude = json_get(message, "longitude");
    members_add(out, message, (const char *const[]){"name", "address", NULL});
    if (!cJSON_IsNumber(latitude) || !cJSON_IsNumber(longitude))
        return;
    line_add(out, "https://maps.google.com/?q=");
    buf_printf(out, "%.10g,%.10g", latitude->valuedouble, longitude->valuedouble);
}

// A template's name, and the texts that are put into it.
static void template_add(struct buf *out, const cJSON *message)
{
    const cJSON *component, *parameter;
    line_add(out, json_str(message, "name"));
    cJSON_ArrayForEach(component, json_get(message, "components")) {
        const char *type = json_str(component, "type");
        if (type && strcmp(type, "button") == 0)
            continue; // their parameters are no words
        cJSON_ArrayForEach(parameter, json_get(component, "parameters"))
            line_add(out, json_str(parameter, "text"));
    }
}

void message_words(const cJSON *message, struct buf *out)
{
    const cJSON *card;
    members_add(out, message, (const char *const[]){"header", "text", NULL});
    if (json_get(message, "components") || json_get(message, "language"))
        template_add(out, message);
    else if (json_get(message, "latitude"))
        place_add(out, message);
    else if (json_get(message, "title"))
        card_add(out, message); // and links, which have a part of its members
    else
        buttons_add(out, json_get(message, "buttons"));
    cJSON_ArrayForEach(card, json_get(message, "cards"))
        card_add(out, card);
    people_add(out, json_get(message, "contacts"));
    sections_add(out, json_get(message, "sections"));
    if (!json_get(message, "title") && !json_get(message, "latitude"))
        members_add(out, message, (const char *const[]){"caption", "filename", "url", NULL});
    members_add(out, message, (const char *const[]){"footer", "emoji", NULL});
}
