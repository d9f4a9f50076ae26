// SPDX-License-Identifier: MIT
// The parts of WhatsApp's interactive messages (see render_whatsapp.h), each cut to its limit.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "connectors/render_whatsapp.h"

enum {
    EDGE_CHARS = 60, // header, footer
    BUTTON_ID_BYTES = 256,
    ROW_ID_BYTES = 200,
    ROW_DESCRIPTION_CHARS = 72,
};

/* Titles */

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

/* The parts */

cJSON *whatsapp_frame_add(cJSON *root, const struct whatsapp_frame *frame)
{
    json_add_str(root, "type", "interactive");
    cJSON *interactive = cJSON_AddObjectToObject(root, "interactive");
    json_add_str(interactive, "type", frame->type);
    if (frame->header || frame->image) {
        cJSON *header = cJSON_AddObjectToObject(interactive, "header");
        json_add_str(header, "type", frame->image ? "image" : "text");
        if (frame->image)
            json_add_str(cJSON_AddObjectToObject(header, "image"), "link", frame->image);
        else
            render_add_chars(header, "text", frame->header, EDGE_CHARS);
    }
    cJSON *body = cJSON_AddObjectToObject(interactive, "body");
    render_add_chars(body, "text", frame->body, frame->body_chars);
    if (frame->footer)
        render_add_chars(cJSON_AddObjectToObject(interactive, "footer"), "text", frame->footer,
                         EDGE_CHARS);
    return cJSON_AddObjectToObject(interactive, "action");
}

void whatsapp_reply_add(cJSON *buttons, const char *kind, const char *id, const char *title)
{
    cJSON *button = cJSON_CreateObject();
    json_add_str(button, "type", kind);
    cJSON *reply = cJSON_AddObjectToObject(button, kind);
    render_add_bytes(reply, "id", id, BUTTON_ID_BYTES);
    add_unique_title(reply, buttons, title, WHATSAPP_TITLE_CHARS);
    cJSON_AddItemToArray(buttons, button);
}

void whatsapp_row_add(cJSON *rows, const char *id, const char *title, const char *description)
{
    cJSON *row = cJSON_CreateObject();
    render_add_bytes(row, "id", id, ROW_ID_BYTES);
    add_unique_title(row, rows, title, WHATSAPP_ROW_TITLE_CHARS);
    render_add_chars(row, "description", description, ROW_DESCRIPTION_CHARS);
    cJSON_AddItemToArray(rows, row);
}

void whatsapp_address_add(cJSON *action, const char *title, const char *url)
{
    json_add_str(action, "name", "cta_url");
    cJSON *parameters = cJSON_AddObjectToObject(action, "parameters");
    render_add_chars(parameters, "display_text", title, WHATSAPP_TITLE_CHARS);
    json_add_str(parameters, "url", url);
}

size_t whatsapp_replies_count(const cJSON *buttons)
{
    const cJSON *button;
    size_t count = 0;
    cJSON_ArrayForEach(button, buttons)
        count += json_get(button, "id") != NULL;
    return count;
}
