// SPDX-License-Identifier: MIT
/*
 * Instagram messaging (platform reference, 4.2): as Messenger's, with its own limit of text, and
 * without messaging_type, which its examples leave out unless there is a tag.
 */
#include "base/json.h"
#include "connectors/render.h"
#include "engine/message.h"

enum { TEXT_BYTES = 1000, METADATA_CHARS = 999 };

static void add_text(cJSON *message, const char *text)
{
    render_add_bytes(message, "text", text, TEXT_BYTES);
}

cJSON *render_instagram(const struct graph_target *target, const struct graph_message *message,
                        const char *attempt_key)
{
    static const struct render_page page = {.add_text = add_text};
    const char *tag = render_text(message->tree, "tag");

    if (!message_is_said(message->tree))
        return render_page_action(target, message->tree);
    cJSON *root = cJSON_CreateObject();
    render_page_recipient(root, target, message->tree);
    if (tag) {
        json_add_str(root, "messaging_type", "MESSAGE_TAG");
        json_add_str(root, "tag", tag);
    }
    cJSON *body = cJSON_AddObjectToObject(root, "message");
    render_page_message(&page, body, message);
    render_add_chars(body, "metadata", attempt_key, METADATA_CHARS); // an echo may bring it back
    return root;
}
