// SPDX-License-Identifier: MIT
/*
 * WhatsApp's interactive messages (platform reference, 4.3): reply buttons, lists, a button that
 * opens an address, the question for a place. What has no button of its own
 * (more addresses, phone numbers) stands in the body as a line.
 */
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "connectors/render_whatsapp.h"

/* A text with choices */

void render_whatsapp_choices(cJSON *root, const char *text, const struct choice *choices,
                             size_t choice_count)
{
    bool as_list = choice_count > WHATSAPP_BUTTONS_MAX;
    cJSON *action = whatsapp_frame_add(
        root, &(struct whatsapp_frame){.type = as_list ? "list" : "button",
                                       .body = text,
                                       .body_chars = as_list ? WHATSAPP_LIST_BODY_CHARS
                                                             : WHATSAPP_BODY_CHARS});
    if (!as_list) {
        cJSON *buttons = cJSON_AddArrayToObject(action, "buttons");
        for (size_t i = 0; i < choice_count; i++)
            whatsapp_reply_add(buttons, "reply", choices[i].id, choices[i].title);
        return;
    }
    json_add_str(action, "button", "Choose");
    cJSON *section = render_add_object(cJSON_AddArrayToObject(action, "sections"));
    cJSON *rows = cJSON_AddArrayToObject(section, "rows");
    for (size_t i = 0; i < choice_count && i < WHATSAPP_ROWS_MAX; i++)
        whatsapp_row_add(rows, choices[i].id, choices[i].title, NULL);
}

/* Buttons, links, cards: all of them are a text with buttons, of which replies or one address show
 */

struct panel {
    const char *header, *image, *footer; // each may be NULL
    struct buf body;
    const cJSON *buttons;    // {id | url | phone, title}, or NULL
    const char *title, *url; // an address beside the buttons, or NULL
};

static bool has_address(const cJSON *buttons, const char *url)
{
    const cJSON *button;
    cJSON_ArrayForEach(button, buttons) {
        if (render_text(button, "url") && strcmp(render_text(button, "url"), url) == 0)
            return true;
    }
    return false;
}

// Lines for what gets no button: phones, and addresses but the one shown (`shown` may be NULL).
static void panel_add_lines(struct panel *panel, const char *shown)
{
    const cJSON *button;
    if (panel->url && panel->url != shown && !has_address(panel->buttons, panel->url))
        render_add_line(&panel->body, panel->url);
    cJSON_ArrayForEach(button, panel->buttons) {
        const char *url = render_text(button, "url");
        if (!json_get(button, "id") && !(url && url == shown))
            render_add_pair(&panel->body, json_str(button, "title"),
                            url ? url : json_str(button, "phone"));
    }
}

static void panel_as_replies(cJSON *root, struct panel *panel)
{
    const cJSON *button;
    panel_add_lines(panel, NULL);
    cJSON *action =
        whatsapp_frame_add(root, &(struct whatsapp_frame){.type = "button",
                                                          .header = panel->header,
                                                          .image = panel->image,
                                                          .body = panel->body.data,
                                                          .body_chars = WHATSAPP_BODY_CHARS,
                                                          .footer = panel->footer});
    cJSON *buttons = cJSON_AddArrayToObject(action, "buttons");
    cJSON_ArrayForEach(button, panel->buttons) {
        if (json_get(button, "id") && cJSON_GetArraySize(buttons) < WHATSAPP_BUTTONS_MAX)
            whatsapp_reply_add(buttons, "reply", json_str(button, "id"), json_str(button, "title"));
    }
}

// More replies than buttons: a list, whose header is a text.
static void panel_as_list(cJSON *root, struct panel *panel)
{
    const cJSON *button;
    panel_add_lines(panel, NULL);
    cJSON *action =
        whatsapp_frame_add(root, &(struct whatsapp_frame){.type = "list",
                                                          .header = panel->header,
                                                          .body = panel->body.data,
                                                          .body_chars = WHATSAPP_LIST_BODY_CHARS,
                                                          .footer = panel->footer});
    json_add_str(action, "button", "Choose");
    cJSON *section = render_add_object(cJSON_AddArrayToObject(action, "sections"));
    cJSON *rows = cJSON_AddArrayToObject(section, "rows");
    cJSON_ArrayForEach(button, panel->buttons) {
        if (json_get(button, "id") && cJSON_GetArraySize(rows) < WHATSAPP_ROWS_MAX)
            whatsapp_row_add(rows, json_str(button, "id"), json_str(button, "title"), NULL);
    }
}

static void panel_as_address(cJSON *root, struct panel *panel, const char *title, const char *url)
{
    panel_add_lines(panel, url);
    cJSON *action =
        whatsapp_frame_add(root, &(struct whatsapp_frame){.type = "cta_url",
                                                          .header = panel->header,
                                                          .image = panel->image,
                                                          .body = panel->body.data,
                                                          .body_chars = WHATSAPP_BODY_CHARS,
                                                          .footer = panel->footer});
    whatsapp_address_add(action, title, url);
}

static void panel_as_words(cJSON *root, struct panel *panel)
{
    panel_add_lines(panel, NULL);
    render_add_line(&panel->body, panel->footer);
    if (panel->image) {
        json_add_str(root, "type", "image");
        cJSON *image = cJSON_AddObjectToObject(root, "image");
        json_add_str(image, "link", panel->image);
        render_add_chars(image, "caption", panel->body.data, WHATSAPP_BODY_CHARS);
        return;
    }
    render_whatsapp_text(root, panel->body.data);
}

static const cJSON *first_address(const cJSON *buttons)
{
    const cJSON *button;
    cJSON_ArrayForEach(button, buttons) {
        if (render_text(button, "url"))
            return button;
    }
    return NULL;
}

static void panel_add(cJSON *root, struct panel *panel)
{
    size_t replies = whatsapp_replies_count(panel->buttons);
    const cJSON *address = first_address(panel->buttons);
    if (replies > WHATSAPP_BUTTONS_MAX)
        panel_as_list(root, panel);
    else if (replies)
        panel_as_replies(root, panel);
    else if (address)
        panel_as_address(root, panel, json_str(address, "title"), render_text(address, "url"));
    else if (panel->url)
        panel_as_address(root, panel, panel->title, panel->url);
    else
        panel_as_words(root, panel);
    buf_deinit(&panel->body);
}

static void buttons_message(cJSON *root, const cJSON *tree)
{
    struct panel panel = {.header = render_text(tree, "header"),
                          .image = render_text(tree, "image"),
                          .footer = render_text(tree, "footer"),
                          .buttons = json_get(tree, "buttons")};
    bool has_frame = whatsapp_replies_count(panel.buttons) || first_address(panel.buttons);
    if (panel.image || !has_frame) { // an image takes the header's place
        render_add_line(&panel.body, panel.header);
        panel.header = NULL;
    }
    render_add_line(&panel.body, json_str(tree, "text"));
    panel_add(root, &panel);
}

static void link_message(cJSON *root, const cJSON *tree)
{
    const char *text = render_text(tree, "text"), *title = json_str(tree, "title");
    struct panel panel = {.title = title, .url = render_text(tree, "url")};
    render_add_line(&panel.body, text ? text : title);
    panel_add(root, &panel);
}

void render_whatsapp_card(cJSON *root, const cJSON *tree)
{
    struct panel panel = {.image = render_text(tree, "image"),
                          .title = json_str(tree, "title"),
                          .url = render_text(tree, "url"),
                          .buttons = json_get(tree, "buttons")};
    render_add_line(&panel.body, panel.title);
    render_add_line(&panel.body, render_text(tree, "subtitle"));
    panel_add(root, &panel);
}

/* Lists */

static int rows_count(const cJSON *sections)
{
    const cJSON *section;
    int count = 0;
    cJSON_ArrayForEach(section, sections)
        count += cJSON_GetArraySize(json_get(section, "rows"));
    return count;
}

static void sections_add(cJSON *action, const cJSON *sources)
{
    cJSON *sections = cJSON_AddArrayToObject(action, "sections");
    const cJSON *source, *row;
    cJSON_ArrayForEach(source, sources) {
        int room = WHATSAPP_ROWS_MAX - rows_count(sections);
        if (room <= 0)
            return;
        const char *title = render_text(source, "title");
        cJSON *section = render_add_object(sections);
        if (title || cJSON_GetArraySize(sources) > 1) // compulsory when there are several
            render_add_chars(section, "title", title ? title : "-", WHATSAPP_ROW_TITLE_CHARS);
        cJSON *rows = cJSON_AddArrayToObject(section, "rows");
        cJSON_ArrayForEach(row, json_get(source, "rows")) {
            if (room-- > 0)
                whatsapp_row_add(rows, json_str(row, "id"), json_str(row, "title"),
                                 render_text(row, "description"));
        }
    }
}

static void list_message(cJSON *root, const cJSON *tree)
{
    cJSON *action =
        whatsapp_frame_add(root, &(struct whatsapp_frame){.type = "list",
                                                          .header = render_text(tree, "header"),
                                                          .body = json_str(tree, "text"),
                                                          .body_chars = WHATSAPP_LIST_BODY_CHARS,
                                                          .footer = render_text(tree, "footer")});
    render_add_chars(action, "button", json_str(tree, "button"), WHATSAPP_TITLE_CHARS);
    sections_add(action, json_get(tree, "sections"));
}

static void location_request_message(cJSON *root, const cJSON *tree)
{
    cJSON *action =
        whatsapp_frame_add(root, &(struct whatsapp_frame){.type = "location_request_message",
                                                          .body = json_str(tree, "text"),
                                                          .body_chars = WHATSAPP_BODY_CHARS});
    json_add_str(action, "name", "send_location");
}

bool render_whatsapp_interactive(cJSON *root, const cJSON *tree)
{
    static const struct {
        const char *type;
        void (*render)(cJSON *root, const cJSON *tree);
    } kinds[] = {{"buttons", buttons_message},
                 {"link", link_message},
                 {"card", render_whatsapp_card},
                 {"list", list_message},
                 {"location_request", location_request_message}};
    const char *type = json_str(tree, "type");
    if (strcmp(type, "carousel") == 0)
        return render_whatsapp_carousel(root, tree);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].type, type) == 0) {
            kinds[i].render(root, tree);
            return true;
        }
    return false;
}
