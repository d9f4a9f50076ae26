// SPDX-License-Identifier: MIT
// The parts of WhatsApp's messages that its renderers share: see render.h. Pure.
#pragma once

#include "connectors/render.h"

enum {
    WHATSAPP_BODY_CHARS = 1024, // and of captions
    WHATSAPP_LIST_BODY_CHARS = 4096,
    WHATSAPP_BUTTONS_MAX = 3,
    WHATSAPP_TITLE_CHARS = 20,     // of buttons
    WHATSAPP_ROWS_MAX = 10,        // in all sections together
    WHATSAPP_ROW_TITLE_CHARS = 24, // and of sections
};

// Fills in `type` and what belongs to it; false, with nothing added, when the tree is of a kind
// that the function does not know, or does not fit.
bool render_whatsapp_media(cJSON *root, const cJSON *tree);
bool render_whatsapp_interactive(cJSON *root, const cJSON *tree);
bool render_whatsapp_carousel(cJSON *root, const cJSON *tree);
void render_whatsapp_text(cJSON *root, const char *text);
void render_whatsapp_choices(cJSON *root, const char *text, const struct choice *choices,
                             size_t choice_count);
void render_whatsapp_card(cJSON *root, const cJSON *card);

// An interactive message but its `action`.
struct whatsapp_frame {
    const char *type, *header, *image, *body, *footer; // header, image, footer: or NULL
    size_t body_chars;
};
cJSON *whatsapp_frame_add(cJSON *root, const struct whatsapp_frame *frame); // returns `action`
// `kind`: "reply", or in cards "quick_reply". Titles that a cut makes alike are told apart.
void whatsapp_reply_add(cJSON *buttons, const char *kind, const char *id, const char *title);
void whatsapp_row_add(cJSON *rows, const char *id, const char *title, const char *description);
// What makes of an action the button that opens an address.
void whatsapp_address_add(cJSON *action, const char *title, const char *url);
// How many of the buttons are replies.
size_t whatsapp_replies_count(const cJSON *buttons);
