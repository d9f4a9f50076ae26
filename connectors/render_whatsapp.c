// SPDX-License-Identifier: MIT
/*
 * WhatsApp Cloud API (platform reference, 4.3): plain text, up to three choices as reply buttons,
 * more as a list. A person is a phone number (`to`) or a business-scoped id (`recipient`).
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "connectors/render.h"

enum {
    TEXT_CHARS = 4096,
    CALLBACK_DATA_CHARS = 512,
    BUTTONS_MAX = 3,
    BUTTON_BODY_CHARS = 1024,
    BUTTON_TITLE_CHARS = 20,
    BUTTON_ID_BYTES = 256,
    ROWS_MAX = 10,
    LIST_BODY_CHARS = 4096,
    ROW_TITLE_CHARS = 24,
    ROW_ID_BYTES = 200,
};

// Two capital letters and a dot, as in "PY.1349…". Never put into `to`: it may be lost in silence.
static bool is_business_scoped(const char *contact)
{
    return isupper((unsigned char)contact[0]) && isupper((unsigned char)contact[1]) &&
           contact[2] == '.';
}

static void add_recipient(cJSON *root, const char *contact)
{
    if (is_business_scoped(contact)) {
        json_add_str(root, "recipient", contact);
        return;
    }
    char *phone = x_printf("%s%s", contact[0] == '+' ? "" : "+", contact);
    json_add_str(root, "to", phone);
    free(phone);
}

static bool title_is_taken(const cJSON *rows, const char *title)
{
    const cJSON *row;

    cJSON_ArrayForEach(row, rows) {
        const cJSON *reply = json_get(row, "reply");
        const char *other = json_str(reply ? reply : row, "title");
        if (other && strcmp(other, title) == 0)
            return true;
    }
    return false;
}

/*
 * Adds the title, cut to the limit. Titles have to differ: a cut can make two of them alike, so
 * what is taken already gets " (2)", " (3)" … in its last places. `rows` are those before.
 */
static void add_unique_title(cJSON *row, const cJSON *rows, const char *text, size_t max_chars)
{
    if (!text)
        return;
    size_t len = strlen(text);
    char *title = x_dupn(text, utf8_cut_chars(text, len, max_chars));

    for (int n = 2; title_is_taken(rows, title); n++) {
        char tail[16];
        int tail_len = snprintf(tail, sizeof tail, " (%d)", n);
        size_t keep = utf8_cut_chars(text, len, max_chars - (size_t)tail_len);
        free(title);
        title = x_printf("%.*s%s", (int)keep, text, tail);
    }
    json_add_str(row, "title", title);
    free(title);
}

static void add_buttons(cJSON *interactive, const struct choice *choices, size_t choice_count)
{
    cJSON *action = cJSON_AddObjectToObject(interactive, "action");
    cJSON *buttons = cJSON_AddArrayToObject(action, "buttons");

    for (size_t i = 0; i < choice_count; i++) {
        cJSON *button = cJSON_CreateObject();
        json_add_str(button, "type", "reply");
        cJSON *reply = cJSON_AddObjectToObject(button, "reply");
        render_add_bytes(reply, "id", choices[i].id, BUTTON_ID_BYTES);
        add_unique_title(reply, buttons, choices[i].title, BUTTON_TITLE_CHARS);
        cJSON_AddItemToArray(buttons, button);
    }
}

static void add_list(cJSON *interactive, const struct choice *choices, size_t choice_count)
{
    cJSON *action = cJSON_AddObjectToObject(interactive, "action");
    json_add_str(action, "button", "Choose");
    cJSON *section = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_AddArrayToObject(action, "sections"), section);
    cJSON *rows = cJSON_AddArrayToObject(section, "rows");

    for (size_t i = 0; i < choice_count && i < ROWS_MAX; i++) {
        cJSON *row = cJSON_CreateObject();
        render_add_bytes(row, "id", choices[i].id, ROW_ID_BYTES);
        add_unique_title(row, rows, choices[i].title, ROW_TITLE_CHARS);
        cJSON_AddItemToArray(rows, row);
    }
}

static void add_interactive(cJSON *root, const char *text, const struct choice *choices,
                            size_t choice_count)
{
    bool as_buttons = choice_count <= BUTTONS_MAX;

    json_add_str(root, "type", "interactive");
    cJSON *interactive = cJSON_AddObjectToObject(root, "interactive");
    json_add_str(interactive, "type", as_buttons ? "button" : "list");
    cJSON *body = cJSON_AddObjectToObject(interactive, "body");
    render_add_chars(body, "text", text, as_buttons ? BUTTON_BODY_CHARS : LIST_BODY_CHARS);
    if (as_buttons)
        add_buttons(interactive, choices, choice_count);
    else
        add_list(interactive, choices, choice_count);
}

cJSON *render_whatsapp(const struct graph_target *target, const char *text,
                       const struct choice *choices, size_t choice_count, const char *attempt_key)
{
    cJSON *root = cJSON_CreateObject();

    json_add_str(root, "messaging_product", "whatsapp");
    json_add_str(root, "recipient_type", "individual");
    add_recipient(root, target->contact);
    if (choice_count) {
        add_interactive(root, text, choices, choice_count);
    } else {
        json_add_str(root, "type", "text");
        cJSON *body = cJSON_AddObjectToObject(root, "text");
        cJSON_AddBoolToObject(body, "preview_url", false);
        render_add_chars(body, "body", text, TEXT_CHARS);
    }
    render_add_chars(root, "biz_opaque_callback_data", attempt_key, CALLBACK_DATA_CHARS);
    return root;
}

cJSON *render_whatsapp_read(const char *message_id)
{
    cJSON *root = cJSON_CreateObject();

    json_add_str(root, "messaging_product", "whatsapp");
    json_add_str(root, "status", "read");
    json_add_str(root, "message_id", message_id);
    cJSON *typing = cJSON_AddObjectToObject(root, "typing_indicator");
    json_add_str(typing, "type", "text");
    return root;
}
