// SPDX-License-Identifier: MIT
// Messenger's Send API (platform reference, 4.1): text with quick replies, always as RESPONSE.
#include "base/json.h"
#include "connectors/render.h"

// The unit of the 2000 is not documented: characters are assumed.
enum { TEXT_CHARS = 2000, METADATA_CHARS = 999 };

cJSON *render_messenger(const struct graph_target *target, const char *text,
                        const struct choice *choices, size_t choice_count, const char *attempt_key)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *recipient = cJSON_AddObjectToObject(root, "recipient");

    json_add_str(recipient, "id", target->contact);
    json_add_str(root, "messaging_type", "RESPONSE");
    cJSON *message = cJSON_AddObjectToObject(root, "message");
    render_add_chars(message, "text", text, TEXT_CHARS);
    render_add_quick_replies(message, choices, choice_count);
    render_add_chars(message, "metadata", attempt_key, METADATA_CHARS);
    return root;
}
