// SPDX-License-Identifier: MIT
/*
 * WhatsApp's messages that are one thing (platform reference, 4.3): media by address, places,
 * contacts, reactions, templates.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "connectors/render_whatsapp.h"

enum { CONTACTS_MAX = 5, BLANKS_MAX = 3 };

static void media_message(cJSON *root, const char *type, const cJSON *tree)
{
    bool has_caption = strcmp(type, "audio") != 0 && strcmp(type, "sticker") != 0;
    json_add_str(root, "type", type);
    cJSON *media = cJSON_AddObjectToObject(root, type);
    json_add_str(media, "link", json_str(tree, "url"));
    if (has_caption)
        render_add_chars(media, "caption", render_text(tree, "caption"), WHATSAPP_BODY_CHARS);
    if (strcmp(type, "document") == 0)
        json_add_str(media, "filename", render_text(tree, "filename"));
}

static void degrees_add(cJSON *location, const cJSON *tree, const char *name)
{
    char text[32];
    snprintf(text, sizeof text, "%.10g", json_get(tree, name)->valuedouble);
    json_add_str(location, name, text);
}

static void location_message(cJSON *root, const char *type, const cJSON *tree)
{
    json_add_str(root, "type", "location");
    cJSON *location = cJSON_AddObjectToObject(root, "location");
    degrees_add(location, tree, "latitude");
    degrees_add(location, tree, "longitude");
    json_add_str(location, "name", render_text(tree, "name"));
    json_add_str(location, "address", render_text(tree, "address"));
}

// A list of texts as a list of objects with one member.
static void texts_add(cJSON *contact, const char *list_name, const char *name, const cJSON *texts)
{
    const cJSON *text;
    if (!cJSON_GetArraySize(texts))
        return;
    cJSON *list = cJSON_AddArrayToObject(contact, list_name);
    cJSON_ArrayForEach(text, texts)
        json_add_str(render_add_object(list), name, text->valuestring);
}

static void person_add(cJSON *contacts, const cJSON *person)
{
    cJSON *contact = render_add_object(contacts);
    cJSON *name = cJSON_AddObjectToObject(contact, "name");
    json_add_str(name, "formatted_name", json_str(person, "name"));
    json_add_str(name, "first_name", json_str(person, "name")); // one more part is compulsory
    texts_add(contact, "phones", "phone", json_get(person, "phones"));
    texts_add(contact, "emails", "email", json_get(person, "emails"));
    if (render_text(person, "organization"))
        json_add_str(cJSON_AddObjectToObject(contact, "org"), "company",
                     json_str(person, "organization"));
    if (render_text(person, "url"))
        json_add_str(render_add_object(cJSON_AddArrayToObject(contact, "urls")), "url",
                     json_str(person, "url"));
}

static void contact_message(cJSON *root, const char *type, const cJSON *tree)
{
    const cJSON *person;
    json_add_str(root, "type", "contacts");
    cJSON *contacts = cJSON_AddArrayToObject(root, "contacts");
    cJSON_ArrayForEach(person, json_get(tree, "contacts")) {
        if (cJSON_GetArraySize(contacts) < CONTACTS_MAX)
            person_add(contacts, person);
    }
}

static void reaction_message(cJSON *root, const char *type, const cJSON *tree)
{
    json_add_str(root, "type", "reaction");
    cJSON *reaction = cJSON_AddObjectToObject(root, "reaction");
    json_add_str(reaction, "message_id", json_str(tree, "message_id"));
    json_add_str(reaction, "emoji", json_str(tree, "emoji"));
}

/*
 * A text parameter must not hold line breaks, tabs, or more than three blanks in a row: each of
 * them becomes a blank, and what is too many of them goes.
 */
static void parameter_tidy(cJSON *parameter)
{
    const char *text = json_str(parameter, "text");
    struct buf tidy = {0};
    size_t blanks = 0;
    for (; text && *text; text++) {
        bool is_blank = strchr(" \t\r\n", *text) != NULL;
        blanks = is_blank ? blanks + 1 : 0;
        if (blanks <= BLANKS_MAX)
            buf_add_char(&tidy, is_blank ? ' ' : *text);
    }
    if (tidy.data)
        cJSON_ReplaceItemInObjectCaseSensitive(parameter, "text", cJSON_CreateString(tidy.data));
    buf_deinit(&tidy);
}

static void template_message(cJSON *root, const char *type, const cJSON *tree)
{
    json_add_str(root, "type", "template");
    cJSON *template = cJSON_AddObjectToObject(root, "template");
    json_add_str(template, "name", json_str(tree, "name"));
    cJSON *language = cJSON_AddObjectToObject(template, "language");
    json_add_str(language, "policy", "deterministic");
    json_add_str(language, "code", json_str(tree, "language"));
    if (!cJSON_GetArraySize(json_get(tree, "components")))
        return;
    cJSON *components = cJSON_Duplicate(json_get(tree, "components"), true), *component, *parameter;
    cJSON_AddItemToObject(template, "components", components);
    cJSON_ArrayForEach(component, components) {
        cJSON *parameters = cJSON_GetObjectItemCaseSensitive(component, "parameters");
        cJSON_ArrayForEach(parameter, parameters)
            parameter_tidy(parameter);
    }
}

bool render_whatsapp_media(cJSON *root, const cJSON *tree)
{
    static const struct {
        const char *type;
        void (*render)(cJSON *root, const char *type, const cJSON *tree);
    } kinds[] = {{"image", media_message},      {"video", media_message},
                 {"audio", media_message},      {"document", media_message},
                 {"sticker", media_message},    {"location", location_message},
                 {"contact", contact_message},  {"reaction", reaction_message},
                 {"template", template_message}};
    const char *type = json_str(tree, "type");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].type, type) == 0) {
            kinds[i].render(root, type, tree);
            return true;
        }
    return false;
}
