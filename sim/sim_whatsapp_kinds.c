// SPDX-License-Identifier: MIT
/*
 * What the WhatsApp Cloud API rejects of media, places, contacts, reactions and templates, and of
 * the actions of interactive messages beside buttons and lists (platform reference, 4.3). Pure.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "sim/internal.h"

enum {
    CAPTION_CHARS = 1024,
    BUTTON_TITLE_CHARS = 20,
    BUTTON_ID_CHARS = 256,
    ADDRESS_CHARS = 2000,
    CARDS_MIN = 2,
    CARDS_MAX = 10,
    CARD_BODY_CHARS = 160,
    CONTACTS_MAX = 5,
    NAME_CHARS = 512,
    LANGUAGE_CHARS = 20,
    PARAMETER_CHARS = 32768,
};

bool sim_is_address(const cJSON *object, const char *name)
{
    const char *url = json_str(object, name);
    return url && (strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0) &&
           !strpbrk(url, " \t\r\n");
}

/* Message types */

static bool check_media(const cJSON *media, const char *type, struct sim_refusal *ret_refusal)
{
    bool has_caption = strcmp(type, "audio") != 0 && strcmp(type, "sticker") != 0;

    if (!json_str(media, "id") && !sim_is_address(media, "link"))
        return sim_refuse_whatsapp(ret_refusal, 131009, "%s needs an id or a link", type);
    if (!json_get(media, "caption"))
        return true;
    if (!has_caption)
        return sim_refuse(ret_refusal, 100, "Unexpected key \"caption\" on param \"%s\"", type);
    return sim_whatsapp_string(media, "caption", CAPTION_CHARS, type, ret_refusal);
}

// Degrees come as a number or as its text.
static bool check_degrees(const cJSON *location, const char *name, double most,
                          struct sim_refusal *ret_refusal)
{
    const cJSON *item = json_get(location, name);
    const char *text = cJSON_GetStringValue(item);
    char *end = NULL;
    double degrees = text ? strtod(text, &end) : cJSON_GetNumberValue(item);

    if (!item || (text && (end == text || *end)) || !(degrees >= -most && degrees <= most))
        return sim_refuse_whatsapp(ret_refusal, 131009, "location['%s'] is not valid", name);
    return true;
}

static bool check_location(const cJSON *location, const char *type, struct sim_refusal *ret_refusal)
{
    return check_degrees(location, "latitude", 90, ret_refusal) &&
           check_degrees(location, "longitude", 180, ret_refusal);
}

static bool check_contacts(const cJSON *contacts, const char *type, struct sim_refusal *ret_refusal)
{
    const cJSON *contact;

    if (!cJSON_IsArray(contacts) || !contacts->child || cJSON_GetArraySize(contacts) > CONTACTS_MAX)
        return sim_refuse_whatsapp(ret_refusal, 131009, "contacts must hold 1-5 elements");
    cJSON_ArrayForEach(contact, contacts) {
        const cJSON *name = json_get(contact, "name");
        if (!json_str(name, "formatted_name") || cJSON_GetArraySize(name) < 2)
            return sim_refuse_whatsapp(ret_refusal, 131008,
                                       "contact['name'] needs formatted_name and one more part");
    }
    return true;
}

static bool check_reaction(const cJSON *reaction, const char *type, struct sim_refusal *ret_refusal)
{
    const char *id = json_str(reaction, "message_id");

    if (!id || strncmp(id, "wamid.", 6) != 0)
        return sim_refuse_whatsapp(ret_refusal, 131009, "reaction['message_id'] is not valid");
    if (!json_str(reaction, "emoji"))
        return sim_refuse_whatsapp(ret_refusal, 131008, "reaction['emoji'] is required");
    return true;
}

static bool check_parameters(const cJSON *component, struct sim_refusal *ret_refusal)
{
    const cJSON *parameter;

    cJSON_ArrayForEach(parameter, json_get(component, "parameters")) {
        const char *type = json_str(parameter, "type");
        const char *text = json_str(parameter, "text");
        if (!type || (strcmp(type, "action") != 0 && !json_get(parameter, type)))
            return sim_refuse_whatsapp(ret_refusal, 131008, "parameter of type '%.40s' is empty",
                                       type ? type : "");
        if (strcmp(type, "text") == 0 &&
            !sim_whatsapp_string(parameter, "text", PARAMETER_CHARS, "parameter", ret_refusal))
            return false;
        if (text && (strpbrk(text, "\n\r\t") || strstr(text, "    ")))
            return sim_refuse(ret_refusal, 132018,
                              "Param text cannot have new-line/tab characters or more than 4 "
                              "consecutive spaces");
    }
    return true;
}

static bool check_template(const cJSON *template, const char *type, struct sim_refusal *ret_refusal)
{
    const cJSON *component;

    if (!sim_whatsapp_string(template, "name", NAME_CHARS, "template", ret_refusal) ||
        !sim_whatsapp_string(json_get(template, "language"), "code", LANGUAGE_CHARS, "language",
                             ret_refusal))
        return false;
    cJSON_ArrayForEach(component, json_get(template, "components")) {
        const char *kind = json_str(component, "type");
        bool is_button = kind && strcmp(kind, "button") == 0;
        if (!kind)
            return sim_refuse_whatsapp(ret_refusal, 131008, "component['type'] is required");
        if (is_button && (!json_str(component, "sub_type") || !json_get(component, "index")))
            return sim_refuse_whatsapp(ret_refusal, 131008,
                                       "a button component needs sub_type and index");
        if (!check_parameters(component, ret_refusal))
            return false;
    }
    return true;
}

bool sim_whatsapp_kind_check(const cJSON *json, const char *type, struct sim_refusal *ret_refusal)
{
    static const struct {
        const char *type;
        bool (*check)(const cJSON *part, const char *type, struct sim_refusal *ret_refusal);
    } kinds[] = {
        {"image", check_media},       {"video", check_media},       {"audio", check_media},
        {"document", check_media},    {"sticker", check_media},     {"location", check_location},
        {"contacts", check_contacts}, {"reaction", check_reaction}, {"template", check_template}};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].type, type) == 0)
            return kinds[i].check(json_get(json, type), type, ret_refusal);
    return true;
}

/* Actions */

static bool check_address(const cJSON *action, struct sim_refusal *ret_refusal)
{
    const cJSON *parameters = json_get(action, "parameters");

    if (!sim_is_address(parameters, "url"))
        return sim_refuse_whatsapp(ret_refusal, 131009, "parameters['url'] is not an address");
    return sim_whatsapp_string(parameters, "display_text", BUTTON_TITLE_CHARS, "parameters",
                               ret_refusal);
}

static bool check_card(const cJSON *card, int index, struct sim_refusal *ret_refusal)
{
    const cJSON *header = json_get(card, "header"), *action = json_get(card, "action"), *button;
    const char *type = json_str(header, "type");
    bool is_media = type && (strcmp(type, "image") == 0 || strcmp(type, "video") == 0);

    if (json_int(card, "card_index", -1) != index)
        return sim_refuse_whatsapp(ret_refusal, 131009, "card['card_index'] must be %d", index);
    if (!is_media || !sim_is_address(json_get(header, type), "link"))
        return sim_refuse_whatsapp(ret_refusal, 131009, "card['header'] needs an image or a video");
    if (json_get(card, "body") &&
        !sim_whatsapp_string(json_get(card, "body"), "text", CARD_BODY_CHARS, "card", ret_refusal))
        return false;
    if (!json_get(action, "buttons"))
        return check_address(action, ret_refusal);
    cJSON_ArrayForEach(button, json_get(action, "buttons")) {
        const cJSON *reply = json_get(button, "quick_reply");
        if (!sim_whatsapp_string(reply, "id", BUTTON_ID_CHARS, "quick_reply", ret_refusal) ||
            !sim_whatsapp_string(reply, "title", BUTTON_TITLE_CHARS, "quick_reply", ret_refusal))
            return false;
    }
    return true;
}

static bool check_cards(const cJSON *action, struct sim_refusal *ret_refusal)
{
    const cJSON *cards = json_get(action, "cards"), *card;
    int count = cJSON_GetArraySize(cards), index = 0, buttons = -1;

    if (!cJSON_IsArray(cards) || count < CARDS_MIN || count > CARDS_MAX)
        return sim_refuse_whatsapp(ret_refusal, 131009, "action['cards'] must hold 2-10 elements");
    cJSON_ArrayForEach(card, cards) {
        int here = cJSON_GetArraySize(json_path(card, "action.buttons"));
        if (!check_card(card, index++, ret_refusal))
            return false;
        if (buttons >= 0 && here != buttons)
            return sim_refuse_whatsapp(ret_refusal, 131009,
                                       "the cards must have the same number of buttons");
        buttons = here;
    }
    return true;
}

bool sim_whatsapp_action_check(const cJSON *action, const char *type,
                               struct sim_refusal *ret_refusal)
{
    const char *name = json_str(action, "name");

    if (strcmp(type, "cta_url") == 0)
        return check_address(action, ret_refusal);
    if (strcmp(type, "carousel") == 0)
        return check_cards(action, ret_refusal);
    if (strcmp(type, "location_request_message") == 0 &&
        (!name || strcmp(name, "send_location") != 0))
        return sim_refuse_whatsapp(ret_refusal, 131009, "action['name'] must be send_location");
    return true;
}
