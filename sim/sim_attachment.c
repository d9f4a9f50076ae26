// SPDX-License-Identifier: MIT
// What Messenger and Instagram reject of attachments: media, button and generic templates (platform
// reference, 4.1). Pure.
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "sim/internal.h"

enum {
    BUTTON_TEXT_CHARS = 640,
    BUTTONS_MAX = 3,
    BUTTON_TITLE_CHARS = 20,
    PAYLOAD_CHARS = 1000,
    ELEMENTS_MAX = 10,
    ELEMENT_CHARS = 80,
};

// A string member of 1-max characters.
static bool check_text(const cJSON *object, const char *name, size_t max,
                       struct sim_refusal *ret_refusal)
{
    const char *text = json_str(object, name);

    if (text && *text && utf8_length(text) <= max)
        return true;
    return sim_refuse(ret_refusal, 100, "Param %s must have 1-%zu characters", name, max);
}

static bool check_button(const cJSON *button, struct sim_refusal *ret_refusal)
{
    const char *type = json_str(button, "type");

    if (!check_text(button, "title", BUTTON_TITLE_CHARS, ret_refusal))
        return false;
    if (type && strcmp(type, "web_url") == 0)
        return sim_is_address(button, "url") ||
               sim_refuse(ret_refusal, 100, "Param url of a button must be an address");
    if (type && (strcmp(type, "postback") == 0 || strcmp(type, "phone_number") == 0))
        return check_text(button, "payload", PAYLOAD_CHARS, ret_refusal);
    return sim_refuse(ret_refusal, 100, "Param type of a button is not valid");
}

static bool check_buttons(const cJSON *buttons, struct sim_refusal *ret_refusal)
{
    const cJSON *button;

    if (!cJSON_IsArray(buttons) || !buttons->child || cJSON_GetArraySize(buttons) > BUTTONS_MAX)
        return sim_refuse(ret_refusal, 100, "Param buttons must hold 1-3 elements");
    cJSON_ArrayForEach(button, buttons) {
        if (!check_button(button, ret_refusal))
            return false;
    }
    return true;
}

static bool check_element(const cJSON *element, struct sim_refusal *ret_refusal)
{
    const cJSON *action = json_get(element, "default_action");

    if (!check_text(element, "title", ELEMENT_CHARS, ret_refusal))
        return false;
    if (cJSON_GetArraySize(element) < 2)
        return sim_refuse(ret_refusal, 100, "Generic template elements need more than a title");
    if (json_get(element, "subtitle") &&
        !check_text(element, "subtitle", ELEMENT_CHARS, ret_refusal))
        return false;
    if (json_get(element, "image_url") && !sim_is_address(element, "image_url"))
        return sim_refuse(ret_refusal, 100, "Param image_url must be an address");
    if (action && (json_get(action, "title") || !sim_is_address(action, "url")))
        return sim_refuse(ret_refusal, 100, "Param default_action is not valid");
    return !json_get(element, "buttons") ||
           check_buttons(json_get(element, "buttons"), ret_refusal);
}

static bool check_template(const cJSON *payload, struct sim_refusal *ret_refusal)
{
    const char *type = json_str(payload, "template_type");
    const cJSON *elements = json_get(payload, "elements"), *element;

    if (type && strcmp(type, "button") == 0)
        return check_text(payload, "text", BUTTON_TEXT_CHARS, ret_refusal) &&
               check_buttons(json_get(payload, "buttons"), ret_refusal);
    if (!type || strcmp(type, "generic") != 0)
        return sim_refuse(ret_refusal, 100, "Param template_type is not valid");
    if (!cJSON_IsArray(elements) || !elements->child || cJSON_GetArraySize(elements) > ELEMENTS_MAX)
        return sim_refuse(ret_refusal, 100, "Param elements must hold 1-10 elements");
    cJSON_ArrayForEach(element, elements) {
        if (!check_element(element, ret_refusal))
            return false;
    }
    return true;
}

bool sim_attachment_check(const cJSON *attachment, struct sim_refusal *ret_refusal)
{
    static const char *const media[] = {"image", "video", "audio", "file", NULL};
    const char *type = json_str(attachment, "type");
    const cJSON *payload = json_get(attachment, "payload");

    if (type && strcmp(type, "template") == 0)
        return check_template(payload, ret_refusal);
    for (const char *const *word = media; type && *word; word++) {
        if (strcmp(*word, type) != 0)
            continue;
        if (json_str(payload, "attachment_id") || sim_is_address(payload, "url"))
            return true;
        return sim_refuse(ret_refusal, 100, "Param url of the attachment must be an address");
    }
    return sim_refuse(ret_refusal, 100, "Param attachment[type] is not valid");
}
