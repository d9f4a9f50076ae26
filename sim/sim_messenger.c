// SPDX-License-Identifier: MIT
// What Messenger and Instagram reject (platform reference, 4.1 and 4.2). Pure.
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "sim/internal.h"

enum {
    MESSENGER_TEXT_CHARS = 2000,
    INSTAGRAM_TEXT_BYTES = 1000,
    QUICK_REPLIES_MAX = 13,
    TITLE_CHARS = 20,
    PAYLOAD_CHARS = 1000,
    METADATA_CHARS = 1000,
};

static bool is_one_of(const char *word, const char *const *words)
{
    for (; word && *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

static bool check_quick_reply(const cJSON *reply, struct sim_refusal *ret_refusal)
{
    static const char *const types[] = {"text", "user_phone_number", "user_email", NULL};
    const char *type = json_str(reply, "content_type");
    const char *title = json_str(reply, "title");
    const char *payload = json_str(reply, "payload");

    if (!is_one_of(type, types))
        return sim_refuse(ret_refusal, 100, "Param quick_replies: content_type is not valid");
    if (strcmp(type, "text") != 0)
        return true;
    if (!title || !*title || utf8_length(title) > TITLE_CHARS)
        return sim_refuse(ret_refusal, 100, "Param quick_replies: title must have 1-20 characters");
    if (!payload || !*payload || utf8_length(payload) > PAYLOAD_CHARS)
        return sim_refuse(ret_refusal, 100,
                          "Param quick_replies: payload must have 1-1000 characters");
    return true;
}

static bool check_quick_replies(const cJSON *replies, struct sim_refusal *ret_refusal)
{
    const cJSON *reply;
    int count = cJSON_GetArraySize(replies);

    if (!replies)
        return true;
    if (!cJSON_IsArray(replies) || count < 1 || count > QUICK_REPLIES_MAX)
        return sim_refuse(ret_refusal, 100, "Param quick_replies must hold 1-13 elements");
    cJSON_ArrayForEach(reply, replies) {
        if (!check_quick_reply(reply, ret_refusal))
            return false;
    }
    return true;
}

static bool check_text(const struct sim_request *request, const char *text,
                       struct sim_refusal *ret_refusal)
{
    if (!*text) {
        sim_refuse(ret_refusal, 100, "Message cannot be empty, must provide text or attachment");
        ret_refusal->subcode = 2018034;
        return false;
    }
    if (strcmp(request->platform, "instagram") == 0 && strlen(text) > INSTAGRAM_TEXT_BYTES)
        return sim_refuse(ret_refusal, 100,
                          "Length of param message[text] must be at most 1000 bytes");
    if (utf8_length(text) > MESSENGER_TEXT_CHARS)
        return sim_refuse(ret_refusal, 100,
                          "Length of param message[text] must be at most 2000 characters");
    return true;
}

static bool check_message(const struct sim_request *request, const cJSON *message,
                          struct sim_refusal *ret_refusal)
{
    const char *text = json_str(message, "text");
    const char *metadata = json_str(message, "metadata");

    if (!cJSON_IsObject(message))
        return sim_refuse(ret_refusal, 100, "The parameter message or sender_action is required");
    const cJSON *attachment = json_get(message, "attachment");
    if (cJSON_IsObject(attachment) && text)
        return sim_refuse(ret_refusal, 100, "Param message has both text and attachment");
    if (cJSON_IsObject(attachment) ? !sim_attachment_check(attachment, ret_refusal)
                                   : !check_text(request, text ? text : "", ret_refusal))
        return false;
    if (metadata && utf8_length(metadata) > METADATA_CHARS)
        return sim_refuse(ret_refusal, 100, "Param message[metadata] has over 1000 characters");
    return check_quick_replies(json_get(message, "quick_replies"), ret_refusal);
}

static bool check_type(const cJSON *json, struct sim_refusal *ret_refusal)
{
    static const char *const types[] = {"RESPONSE", "UPDATE", "MESSAGE_TAG", "UTILITY", NULL};
    const char *type = json_str(json, "messaging_type");
    const char *tag = json_str(json, "tag");

    if (json_get(json, "messaging_type") && !is_one_of(type, types))
        return sim_refuse(ret_refusal, 100, "Param messaging_type is not valid");
    if (type && strcmp(type, "MESSAGE_TAG") == 0 && (!tag || strcmp(tag, "HUMAN_AGENT") != 0))
        return sim_refuse(ret_refusal, 100, "Param tag is not a message tag that exists");
    return true;
}

// `react` names the message and the reaction, `unreact` the message.
static bool check_action(const cJSON *json, const char *action, struct sim_refusal *ret_refusal)
{
    static const char *const actions[] = {"typing_on", "typing_off", "mark_seen",
                                          "react",     "unreact",    NULL};
    const cJSON *payload = json_get(json, "payload");
    bool is_reaction = action && strstr(action, "react");

    if (!is_one_of(action, actions))
        return sim_refuse(ret_refusal, 100, "Param sender_action is not valid");
    if (is_reaction && !json_str(payload, "message_id"))
        return sim_refuse(ret_refusal, 100, "Param payload[message_id] is required");
    if (is_reaction && strcmp(action, "react") == 0 && !json_str(payload, "reaction"))
        return sim_refuse(ret_refusal, 100, "Param payload[reaction] is required");
    return true;
}

bool sim_messenger_check(const struct sim_request *request, struct sim_refusal *ret_refusal)
{
    const cJSON *action = json_get(request->json, "sender_action");

    if (!cJSON_IsObject(json_get(request->json, "recipient")))
        return sim_refuse(ret_refusal, 100, "The parameter recipient is required");
    if (!request->to || !*request->to)
        return sim_refuse(ret_refusal, 100, "Param recipient[id] must be a valid ID string");
    if (action)
        return check_action(request->json, cJSON_GetStringValue(action), ret_refusal);
    return check_type(request->json, ret_refusal) &&
           check_message(request, json_get(request->json, "message"), ret_refusal);
}
