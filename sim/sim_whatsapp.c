// SPDX-License-Identifier: MIT
/*
 * What the WhatsApp Cloud API rejects (platform reference, 4.3). 131008 and 131009 are its codes
 * for what is missing and wrong inside interactive messages; the rest is 100. Pure.
 */
#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "sim/internal.h"

enum {
    TEXT_CHARS = 4096,
    CALLBACK_DATA_CHARS = 512,
    BUTTONS_MAX = 3,
    BUTTON_BODY_CHARS = 1024,
    BUTTON_TITLE_CHARS = 20,
    BUTTON_ID_CHARS = 256,
    LIST_BODY_CHARS = 4096,
    LIST_LABEL_CHARS = 20,
    ROWS_MAX = 10, // and sections
    ROW_TITLE_CHARS = 24,
    ROW_ID_CHARS = 200,
    ROW_DESCRIPTION_CHARS = 72,
    PHONE_DIGITS_MAX = 20,
    EDGE_CHARS = 60, // header, footer
};

static bool is_phone(const char *to)
{
    to += *to == '+';
    size_t len = strspn(to, "0123456789");
    return len >= 5 && len <= PHONE_DIGITS_MAX && to[len] == '\0';
}

static bool is_business_scoped(const char *recipient)
{
    size_t len = strlen(recipient);
    return len > 3 && len <= 140 && isupper((unsigned char)recipient[0]) &&
           isupper((unsigned char)recipient[1]) && recipient[2] == '.';
}

static bool check_recipient(const cJSON *json, struct sim_refusal *ret_refusal)
{
    const char *to = json_str(json, "to");
    const char *recipient = json_str(json, "recipient");

    if (!to && !recipient)
        return sim_refuse(ret_refusal, 100, "The parameter to is required.");
    if (to && !is_phone(to))
        return sim_refuse(ret_refusal, 100, "Param to must be a phone number");
    if (!to && !is_business_scoped(recipient))
        return sim_refuse(ret_refusal, 100, "Param recipient must be a business-scoped user id");
    return true;
}

bool sim_whatsapp_string(const cJSON *object, const char *name, size_t max, const char *where,
                         struct sim_refusal *ret_refusal)
{
    const char *value = json_str(object, name);

    if (!value || !*value)
        return sim_refuse_whatsapp(ret_refusal, 131008, "%s['%s'] is required", where, name);
    if (utf8_length(value) > max)
        return sim_refuse_whatsapp(ret_refusal, 131009, "%s['%s'] must have at most %zu characters",
                                   where, name, max);
    return true;
}

// Among those before `item` (in their member `inside`, if any) none may have the same `name`.
static bool check_unique(const cJSON *item, const cJSON *first, const char *inside,
                         const char *name, struct sim_refusal *ret_refusal)
{
    const char *value = json_str(inside ? json_get(item, inside) : item, name);

    for (; first != item; first = first->next) {
        const char *other = json_str(inside ? json_get(first, inside) : first, name);
        if (other && value && strcmp(other, value) == 0)
            return sim_refuse_whatsapp(ret_refusal, 131009, "Duplicate %s: %.60s", name, value);
    }
    return true;
}

static bool check_buttons(const cJSON *interactive, struct sim_refusal *ret_refusal)
{
    const cJSON *buttons = json_path(interactive, "action.buttons");
    const cJSON *button;
    int count = cJSON_GetArraySize(buttons);

    if (!cJSON_IsArray(buttons) || count < 1)
        return sim_refuse_whatsapp(ret_refusal, 131008,
                                   "interactive['action']['buttons'] is required");
    if (count > BUTTONS_MAX)
        return sim_refuse_whatsapp(ret_refusal, 131009,
                                   "Invalid buttons count. Min allowed buttons: 1, "
                                   "Max allowed buttons: 3");
    cJSON_ArrayForEach(button, buttons) {
        const char *type = json_str(button, "type");
        const cJSON *reply = json_get(button, "reply");
        if (!type || strcmp(type, "reply") != 0)
            return sim_refuse_whatsapp(ret_refusal, 131009, "button['type'] must be reply");
        if (!sim_whatsapp_string(reply, "id", BUTTON_ID_CHARS, "button['reply']", ret_refusal) ||
            !sim_whatsapp_string(reply, "title", BUTTON_TITLE_CHARS, "button['reply']",
                                 ret_refusal) ||
            !check_unique(button, buttons->child, "reply", "id", ret_refusal) ||
            !check_unique(button, buttons->child, "reply", "title", ret_refusal))
            return false;
    }
    return true;
}

static bool check_rows(const cJSON *section, struct sim_refusal *ret_refusal)
{
    const cJSON *rows = json_get(section, "rows");
    const cJSON *row;

    if (!cJSON_IsArray(rows) || !rows->child)
        return sim_refuse_whatsapp(ret_refusal, 131008, "section['rows'] is required");
    cJSON_ArrayForEach(row, rows) {
        if (!sim_whatsapp_string(row, "id", ROW_ID_CHARS, "row", ret_refusal) ||
            !sim_whatsapp_string(row, "title", ROW_TITLE_CHARS, "row", ret_refusal) ||
            !check_unique(row, rows->child, NULL, "id", ret_refusal))
            return false;
        if (json_get(row, "description") &&
            !sim_whatsapp_string(row, "description", ROW_DESCRIPTION_CHARS, "row", ret_refusal))
            return false;
    }
    return true;
}

static bool check_list(const cJSON *interactive, struct sim_refusal *ret_refusal)
{
    const cJSON *action = json_get(interactive, "action");
    const cJSON *sections = json_get(action, "sections");
    const cJSON *section;
    int rows = 0;

    if (!sim_whatsapp_string(action, "button", LIST_LABEL_CHARS, "action", ret_refusal))
        return false;
    if (!cJSON_IsArray(sections) || !sections->child)
        return sim_refuse_whatsapp(ret_refusal, 131008, "action['sections'] is required");
    cJSON_ArrayForEach(section, sections) {
        rows += cJSON_GetArraySize(json_get(section, "rows"));
        if (sections->child->next &&
            !sim_whatsapp_string(section, "title", ROW_TITLE_CHARS, "section", ret_refusal))
            return false;
        if (!check_rows(section, ret_refusal))
            return false;
    }
    if (rows > ROWS_MAX)
        return sim_refuse_whatsapp(ret_refusal, 131009,
                                   "Total row count exceed max allowed count: 10");
    return true;
}

// Header and footer, which may be missing.
static bool check_edges(const cJSON *interactive, struct sim_refusal *ret_refusal)
{
    const cJSON *header = json_get(interactive, "header"),
                *footer = json_get(interactive, "footer");
    const char *type = json_str(header, "type");

    if (footer && !sim_whatsapp_string(footer, "text", EDGE_CHARS, "footer", ret_refusal))
        return false;
    if (!header)
        return true;
    if (type && strcmp(type, "text") == 0)
        return sim_whatsapp_string(header, "text", EDGE_CHARS, "header", ret_refusal);
    if (!type || strcmp(json_str(interactive, "type"), "list") == 0)
        return sim_refuse_whatsapp(ret_refusal, 131009, "header['type'] is not valid");
    if (!sim_is_address(json_get(header, type), "link") && !json_str(json_get(header, type), "id"))
        return sim_refuse_whatsapp(ret_refusal, 131009, "header['%.20s'] needs a link or an id",
                                   type);
    return true;
}

static bool check_interactive(const cJSON *interactive, struct sim_refusal *ret_refusal)
{
    const char *type = json_str(interactive, "type");
    bool is_list = type && strcmp(type, "list") == 0;
    size_t max = is_list ? LIST_BODY_CHARS : BUTTON_BODY_CHARS;

    if (!type)
        return sim_refuse_whatsapp(ret_refusal, 131008, "interactive['type'] is required");
    if (!sim_whatsapp_string(json_get(interactive, "body"), "text", max, "body", ret_refusal) ||
        !check_edges(interactive, ret_refusal))
        return false;
    if (is_list)
        return check_list(interactive, ret_refusal);
    if (strcmp(type, "button") == 0)
        return check_buttons(interactive, ret_refusal);
    if (!cJSON_IsObject(json_get(interactive, "action")))
        return sim_refuse_whatsapp(ret_refusal, 131008, "interactive['action'] is required");
    return sim_whatsapp_action_check(json_get(interactive, "action"), type, ret_refusal);
}

static bool check_text(const cJSON *json, struct sim_refusal *ret_refusal)
{
    const char *body = json_str(json_get(json, "text"), "body");

    if (!body || !*body)
        return sim_refuse(ret_refusal, 100, "The parameter text['body'] is required.");
    if (utf8_length(body) > TEXT_CHARS)
        return sim_refuse(ret_refusal, 100,
                          "Param text['body'] must be at most 4096 characters long.");
    return true;
}

static bool check_read(const cJSON *json, struct sim_refusal *ret_refusal)
{
    const char *status = json_str(json, "status");
    const char *id = json_str(json, "message_id");
    const cJSON *typing = json_get(json, "typing_indicator");
    const char *type = json_str(typing, "type");

    if (!status || strcmp(status, "read") != 0)
        return sim_refuse(ret_refusal, 100, "Param status must be one of {READ}");
    if (!id || strncmp(id, "wamid.", 6) != 0)
        return sim_refuse(ret_refusal, 100,
                          "Param message_id must be the id of a message received");
    if (typing && (!type || strcmp(type, "text") != 0))
        return sim_refuse(ret_refusal, 100, "Param typing_indicator['type'] must be text");
    return true;
}

bool sim_whatsapp_check(const struct sim_request *request, struct sim_refusal *ret_refusal)
{
    const cJSON *json = request->json;
    const char *product = json_str(json, "messaging_product");
    const char *callback_data = json_str(json, "biz_opaque_callback_data");
    const char *type = json_str(json, "type");

    if (!product || strcmp(product, "whatsapp") != 0)
        return sim_refuse(ret_refusal, 100, "The parameter messaging_product is required.");
    if (json_get(json, "status"))
        return check_read(json, ret_refusal);
    if (!check_recipient(json, ret_refusal))
        return false;
    if (callback_data && utf8_length(callback_data) > CALLBACK_DATA_CHARS)
        return sim_refuse(ret_refusal, 100,
                          "Param biz_opaque_callback_data must be at most 512 characters long.");
    if (!type)
        return sim_refuse(ret_refusal, 100, "The parameter type is required.");
    if (strcmp(type, "text") == 0)
        return check_text(json, ret_refusal);
    if (strcmp(type, "interactive") == 0)
        return check_interactive(json_get(json, "interactive"), ret_refusal);
    if (strcmp(request->kind, "unknown") == 0)
        return sim_refuse(ret_refusal, 100, "Param type is not one of the message types");
    if (!json_get(json, type))
        return sim_refuse_whatsapp(ret_refusal, 131008, "%s is required", request->kind);
    return sim_whatsapp_kind_check(json, type, ret_refusal);
}
