// SPDX-License-Identifier: MIT
// What the renderers share: cuts between characters, and what Messenger and Instagram have in
// common.
#include "connectors/render.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

enum { QUICK_REPLIES_MAX = 13, QUICK_REPLY_TITLE_CHARS = 20, QUICK_REPLY_PAYLOAD_CHARS = 1000 };

static void add_cut(cJSON *object, const char *name, const char *text, size_t len)
{
    char *cut = x_dupn(text, len);
    json_add_str(object, name, cut);
    free(cut);
}

void render_add_chars(cJSON *object, const char *name, const char *text, size_t max_chars)
{
    if (text)
        add_cut(object, name, text, utf8_cut_chars(text, strlen(text), max_chars));
}

void render_add_bytes(cJSON *object, const char *name, const char *text, size_t max_bytes)
{
    if (text)
        add_cut(object, name, text, utf8_cut_bytes(text, strlen(text), max_bytes));
}

void render_add_quick_replies(cJSON *message, const struct choice *choices, size_t choice_count)
{
    if (!choice_count)
        return;
    cJSON *replies = cJSON_AddArrayToObject(message, "quick_replies");
    for (size_t i = 0; i < choice_count && i < QUICK_REPLIES_MAX; i++) {
        cJSON *reply = cJSON_CreateObject();
        cJSON_AddItemToArray(replies, reply);
        json_add_str(reply, "content_type", "text");
        render_add_chars(reply, "title", choices[i].title, QUICK_REPLY_TITLE_CHARS);
        render_add_chars(reply, "payload", choices[i].id, QUICK_REPLY_PAYLOAD_CHARS);
    }
}

cJSON *render_typing(const struct graph_target *target)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *recipient = cJSON_AddObjectToObject(root, "recipient");

    json_add_str(recipient, "id", target->contact);
    json_add_str(root, "sender_action", "typing_on");
    return root;
}

cJSON *graph_render(const struct graph_target *target, const char *text,
                    const struct choice *choices, size_t choice_count, const char *attempt_key)
{
    switch (target->platform) {
    case PLATFORM_INSTAGRAM:
        return render_instagram(target, text, choices, choice_count, attempt_key);
    case PLATFORM_WHATSAPP:
        return render_whatsapp(target, text, choices, choice_count, attempt_key);
    default:
        return render_messenger(target, text, choices, choice_count, attempt_key);
    }
}
