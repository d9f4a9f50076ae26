// SPDX-License-Identifier: MIT
// `message` of messaging[] and standby[], Messenger's and Instagram's (see messaging.h).

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "webhook/messaging.h"

/* --- attachments ---------------------------------------------------------------------------------
 */

// No attachment of Meta's has as many; a larger one stays as it came.
enum { ATTACHMENT_MEMBERS_MAX = 64 };

static bool is_id_name(const char *name)
{
    size_t len = name ? strlen(name) : 0;
    return (len == 2 && strcmp(name, "id") == 0) || (len > 3 && strcmp(name + len - 3, "_id") == 0);
}

// Ids are strings, though Meta writes some of them as numbers (stickers, products). The depth is
// that of the body, which is bounded.
static void ids_to_strings(cJSON *item)
{
    for (; item; item = item->next) {
        char text[32];
        if (cJSON_IsNumber(item) && is_id_name(item->string) && item->valuedouble > -1e15 &&
            item->valuedouble < 1e15) {
            snprintf(text, sizeof text, "%.15g", item->valuedouble);
            item->valuestring = x_dup(text);
            item->type = (item->type & ~0xff) | cJSON_String;
        }
        ids_to_strings(item->child);
    }
}

static bool is_small(const cJSON *object)
{
    return cJSON_IsObject(object) && cJSON_GetArraySize(object) <= ATTACHMENT_MEMBERS_MAX;
}

// {type, payload{url, …}} → {type, url, …}. What both levels have stays in `payload`.
static void lift_payload(cJSON *attachment)
{
    cJSON *payload = cJSON_GetObjectItemCaseSensitive(attachment, "payload");
    if (cJSON_IsNull(payload)) {
        cJSON_Delete(cJSON_DetachItemViaPointer(attachment, payload));
        return;
    }
    if (!is_small(payload) || !is_small(attachment))
        return;
    cJSON_DetachItemViaPointer(attachment, payload);
    cJSON *member, *next;
    for (member = payload->child; member; member = next) {
        next = member->next;
        cJSON *own = cJSON_GetObjectItemCaseSensitive(attachment, member->string);
        if (cJSON_IsNull(own))
            cJSON_Delete(cJSON_DetachItemViaPointer(attachment, own));
        if (!own || !json_get(attachment, member->string))
            cJSON_AddItemToArray(attachment, cJSON_DetachItemViaPointer(payload, member));
    }
    if (payload->child)
        cJSON_AddItemToArray(attachment, payload);
    else
        cJSON_Delete(payload);
}

// Unknown types are kept like the others; what is no object is not understood.
static bool take_attachments(const cJSON *message, struct event *event)
{
    if (!item_take_array(message, "attachments", &event->attachments))
        return false;
    cJSON *attachment;
    cJSON_ArrayForEach(attachment, event->attachments) {
        if (!cJSON_IsObject(attachment))
            return false;
        lift_payload(attachment);
    }
    if (event->attachments)
        ids_to_strings(event->attachments->child);
    return true;
}

// Until August 2026 Messenger sent a sticker as an image as well, in front of it.
static const char *attachment_type(const cJSON *attachment)
{
    if (item_has(attachment, "sticker_id"))
        return "sticker";
    const char *type = json_str(attachment, "type");
    return type && *type && strlen(type) <= EVENT_ID_MAX ? type : "attachments";
}

/* --- the message ---------------------------------------------------------------------------------
 */

// Of a message, or of a story; the object itself says which.
static bool take_reply_to(const struct reading *reading, struct event *event)
{
    const cJSON *reply_to = json_get(reading->value, "reply_to");
    if (!reply_to)
        return true;
    return item_take_id(json_get(reply_to, "story"), "id", &event->reply_to) &&
           item_take_id(reply_to, "mid", &event->reply_to) &&
           item_take_raw(reading->walk, reading->value, "reply_to", &event->context);
}

// `commands` of a person who typed one, `order` of a cart: beside a text, or alone.
static bool take_data(const struct reading *reading, struct event *event)
{
    return item_take_raw(reading->walk, reading->value, "order", &event->data) &&
           (event->data || item_take_raw(reading->walk, reading->value, "commands", &event->data));
}

// NULL when there is nothing to read.
static const char *message_type(const cJSON *message, const struct event *event)
{
    if (json_bool(message, "is_unsupported", false))
        return "unsupported";
    if (event->payload)
        return "quick_reply";
    if (event->text && (*event->text || !event->attachments))
        return "text";
    if (event->attachments)
        return attachment_type(event->attachments->child);
    if (event->data)
        return item_has(message, "order") ? "order" : "commands";
    return event->referral ? "referral" : NULL;
}

// The message's id is what was unsent, not the name of this event.
static bool read_unsend(const struct reading *reading, struct event *event)
{
    event->kind = EVENT_UNSEND;
    event->target = event->id;
    event->id = NULL;
    event->type = x_dup(reading->from_account ? "echo" : "message");
    return event->target;
}

static bool read_echo(const cJSON *message, struct event *event)
{
    event->kind = EVENT_ECHO;
    return event->contact && item_take_text(message, "metadata", &event->callback_data) &&
           item_take_id(message, "app_id", &event->app_id);
}

bool message_read(const struct reading *reading, struct event *event)
{
    const cJSON *message = reading->value;
    if (json_bool(message, "is_deleted", false))
        return read_unsend(reading, event);
    if (!item_take_text(message, "text", &event->text) ||
        !item_take_text(json_get(message, "quick_reply"), "payload", &event->payload) ||
        !take_attachments(message, event) || !take_reply_to(reading, event) ||
        !take_data(reading, event) ||
        !item_take_raw(reading->walk, message, "referral", &event->referral) || !event->id)
        return false;
    const char *type = message_type(message, event);
    event->type = x_dup(type ? type : "message");
    if (reading->from_account)
        return read_echo(message, event);
    return type && event->contact;
}
