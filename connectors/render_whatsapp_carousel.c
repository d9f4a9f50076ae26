// SPDX-License-Identifier: MIT
// WhatsApp's carousels: cards side by side. Every one needs a picture, and as many buttons of the
// same kind as the others; other cards are sent as words.
#include "base/buf.h"
#include "base/json.h"
#include "connectors/render_whatsapp.h"

enum { CARDS_MIN = 2, CARDS_MAX = 10, CARD_BODY_CHARS = 160 };

// The card's only address; NULL when it has none, or other buttons as well.
static const char *card_address(const cJSON *card, const char **ret_title)
{
    const cJSON *buttons = json_get(card, "buttons");
    int count = cJSON_GetArraySize(buttons);
    const char *url = count == 1 ? render_text(buttons->child, "url") : NULL;
    *ret_title = json_str(count == 1 ? buttons->child : card, "title");
    return count ? url : render_text(card, "url");
}

static bool carousel_fits(const cJSON *cards)
{
    int count = cJSON_GetArraySize(cards);
    const char *title;
    const cJSON *first = count ? cards->child : NULL, *card;
    bool by_address = first && card_address(first, &title);
    size_t replies = first ? whatsapp_replies_count(json_get(first, "buttons")) : 0;
    cJSON_ArrayForEach(card, cards) {
        const cJSON *buttons = json_get(card, "buttons");
        bool only_replies = replies && replies == whatsapp_replies_count(buttons) &&
                            cJSON_GetArraySize(buttons) == (int)replies &&
                            replies <= WHATSAPP_BUTTONS_MAX;
        if (!render_text(card, "image") ||
            !(by_address ? card_address(card, &title) != NULL : only_replies))
            return false;
    }
    return count >= CARDS_MIN;
}

static void carousel_card_add(cJSON *cards, const cJSON *source)
{
    const char *title, *url = card_address(source, &title);
    const cJSON *button;
    struct buf text = {0};
    int index = cJSON_GetArraySize(cards);
    cJSON *card = render_add_object(cards);
    json_add_int(card, "card_index", index);
    if (url)
        json_add_str(card, "type", "cta_url");
    cJSON *header = cJSON_AddObjectToObject(card, "header");
    json_add_str(header, "type", "image");
    json_add_str(cJSON_AddObjectToObject(header, "image"), "link", json_str(source, "image"));
    render_add_line(&text, json_str(source, "title"));
    render_add_line(&text, render_text(source, "subtitle"));
    render_add_chars(cJSON_AddObjectToObject(card, "body"), "text", text.data, CARD_BODY_CHARS);
    buf_deinit(&text);
    cJSON *action = cJSON_AddObjectToObject(card, "action");
    if (url) {
        whatsapp_address_add(action, title, url);
        return;
    }
    cJSON *buttons = cJSON_AddArrayToObject(action, "buttons");
    cJSON_ArrayForEach(button, json_get(source, "buttons"))
        whatsapp_reply_add(buttons, "quick_reply", json_str(button, "id"),
                           json_str(button, "title"));
}

bool render_whatsapp_carousel(cJSON *root, const cJSON *tree)
{
    const cJSON *sources = json_get(tree, "cards"), *source;
    const char *text = render_text(tree, "text");
    if (cJSON_GetArraySize(sources) == 1 && !text) {
        render_whatsapp_card(root, sources->child);
        return true;
    }
    if (!carousel_fits(sources))
        return false;
    cJSON *action = whatsapp_frame_add(
        root, &(struct whatsapp_frame){.type = "carousel",
                                       .body = text ? text : json_str(sources->child, "title"),
                                       .body_chars = WHATSAPP_BODY_CHARS});
    cJSON *cards = cJSON_AddArrayToObject(action, "cards");
    cJSON_ArrayForEach(source, sources) {
        if (cJSON_GetArraySize(cards) < CARDS_MAX)
            carousel_card_add(cards, source);
    }
    return true;
}
