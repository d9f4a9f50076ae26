// SPDX-License-Identifier: MIT
/*
 * Instagram messaging (platform reference, 4.2): as Messenger's, with its own limit of text, and
 * without messaging_type, which its examples leave out.
 */
#include "base/json.h"
#include "connectors/render.h"

enum { TEXT_BYTES = 1000, METADATA_CHARS = 999 };

cJSON *render_instagram(const struct graph_target *target, const char *text,
                        const struct choice *choices, size_t choice_count, const char *attempt_key)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *recipient = cJSON_AddObjectToObject(root, "recipient");

    json_add_str(recipient, "id", target->contact);
    cJSON *message = cJSON_AddObjectToObject(root, "message");
    render_add_bytes(message, "text", text, TEXT_BYTES);
    render_add_quick_replies(message, choices, choice_count);
    render_add_chars(message, "metadata", attempt_key, METADATA_CHARS); // an echo may bring it back
    return root;
}
