// SPDX-License-Identifier: MIT
// Messenger's Send API (platform reference, 4.1): always as RESPONSE, unless the message has a tag.
#include "base/json.h"
#include "connectors/render.h"
#include "engine/message.h"

// The unit of the 2000 is not documented: characters are assumed.
enum { TEXT_CHARS = 2000, METADATA_CHARS = 999 };

static void add_text(cJSON *message, const char *text)
{
    render_add_chars(message, "text", text, TEXT_CHARS);
}

cJSON *render_messenger(const struct graph_target *target, const struct graph_message *message,
                        const char *attempt_key)
{
    static const struct render_page page = {.add_text = add_text};
    const char *tag = render_text(message->tree, "tag");
    const char *reply_to = render_text(message->tree, "reply_to");

    if (!message_is_said(message->tree))
        return render_page_action(target, message->tree);
    cJSON *root = cJSON_CreateObject();
    render_page_recipient(root, target, message->tree);
    json_add_str(root, "messaging_type", tag ? "MESSAGE_TAG" : "RESPONSE");
    json_add_str(root, "tag", tag);
    cJSON *body = cJSON_AddObjectToObject(root, "message");
    render_page_message(&page, body, message);
    render_add_chars(body, "metadata", attempt_key, METADATA_CHARS);
    if (reply_to)
        json_add_str(cJSON_AddObjectToObject(root, "reply_to"), "mid", reply_to);
    return root;
}
