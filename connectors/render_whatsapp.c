// SPDX-License-Identifier: MIT
/*
 * WhatsApp Cloud API (platform reference, 4.3): the envelope, and plain text. A person is a phone
 * number (`to`) or a business-scoped id (`recipient`).
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "connectors/render_whatsapp.h"

enum { TEXT_CHARS = 4096, CALLBACK_DATA_CHARS = 512 };

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

void render_whatsapp_text(cJSON *root, const char *text)
{
    json_add_str(root, "type", "text");
    cJSON *body = cJSON_AddObjectToObject(root, "text");
    cJSON_AddBoolToObject(body, "preview_url", false);
    render_add_chars(body, "body", text, TEXT_CHARS);
}

static void add_content(cJSON *root, const struct graph_message *message)
{
    if (message->tree && (render_whatsapp_media(root, message->tree) ||
                          render_whatsapp_interactive(root, message->tree)))
        return;
    char *words = render_words(message);
    if (message->choice_count)
        render_whatsapp_choices(root, words, message->choices, message->choice_count);
    else
        render_whatsapp_text(root, words);
    free(words);
}

cJSON *render_whatsapp(const struct graph_target *target, const struct graph_message *message,
                       const char *attempt_key)
{
    const char *reply_to = render_text(message->tree, "reply_to");
    const char *type = render_type(message);

    if (type && strcmp(type, "typing") == 0)
        return render_whatsapp_read(json_str(message->tree, "message_id"));
    cJSON *root = cJSON_CreateObject();
    json_add_str(root, "messaging_product", "whatsapp");
    json_add_str(root, "recipient_type", "individual");
    add_recipient(root, target->contact);
    add_content(root, message);
    if (reply_to)
        json_add_str(cJSON_AddObjectToObject(root, "context"), "message_id", reply_to);
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
