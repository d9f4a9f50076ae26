// SPDX-License-Identifier: MIT
/*
 * `object: "whatsapp_business_account"`: changes[], whose value holds lists of items (messages,
 * statuses, calls …) beside the phone number that they belong to and the contacts that they name.
 * Any other change is one item.
 */

#include <stdlib.h>
#include <string.h>

#include "webhook/item.h"

// contacts[] is searched for each message; Meta bundles at most 1000 updates.
enum { CONTACTS_SEARCHED = 1024 };

struct change {
    struct walk *walk;
    const char *field;
    const char *account; // phone_number_id; the WABA's id when there is none
    bool live;           // a current message or status: `messages` of a known number
    const cJSON *contacts;
};

/* --- who -----------------------------------------------------------------------------------------
 */

// Contacts are matched by name and not by position: the lists may differ in length.
static const cJSON *contact_find(const struct change *change, const struct event *event)
{
    const cJSON *contact = NULL;
    unsigned seen = 0;
    cJSON_ArrayForEach(contact, change->contacts) {
        if (seen++ == CONTACTS_SEARCHED)
            return NULL;
        char scratch_wa[32], scratch_user[32];
        const char *wa_id = json_id(contact, "wa_id", scratch_wa);
        const char *user_id = json_id(contact, "user_id", scratch_user);
        for (size_t i = 0; i < EVENT_ALIASES_MAX && event->aliases[i]; i++) {
            if ((wa_id && strcmp(wa_id, event->aliases[i]) == 0) ||
                (user_id && strcmp(user_id, event->aliases[i]) == 0))
                return contact;
        }
    }
    return NULL;
}

/*
 * A person is a phone's wa_id, a business-scoped user id (BSUID), or both; the number may be
 * missing altogether. The element's own names come first, then what contacts[] adds. A number,
 * where there is one, is preferred.
 */
static bool read_person(const struct change *change, const cJSON *element, const char *wa_id,
                        const char *user_id, struct event *event)
{
    bool good = item_take_name(event, element, wa_id) && item_take_name(event, element, user_id);
    const cJSON *contact = contact_find(change, event);
    if (!contact)
        return good;
    if (!item_has(element, wa_id) && item_has(contact, "wa_id")) {
        char scratch[32];
        const char *number = json_id(contact, "wa_id", scratch);
        if (number && *number && strlen(number) <= EVENT_ID_MAX && event->aliases[0] &&
            strcmp(number, event->aliases[0]) != 0) {
            free(event->contact);
            event->contact = x_dup(number);
            event->aliases[1] = event->aliases[0];
            event->aliases[0] = x_dup(number);
        }
    }
    good = item_take_name(event, contact, "wa_id") && item_take_name(event, contact, "user_id") &&
           good;
    const char *name = json_str(json_get(contact, "profile"), "name");
    if (name && *name && strlen(name) <= EVENT_ID_MAX)
        event->contact_name = x_dup(name);
    return good;
}

/* --- messages ------------------------------------------------------------------------------------
 */

static bool read_text(const cJSON *text, struct event *event)
{
    return item_take_text(text, "body", &event->text) && event->text;
}

static bool read_button(const cJSON *button, struct event *event)
{
    return item_take_text(button, "payload", &event->payload) &&
           item_take_text(button, "text", &event->text) && (event->payload || event->text);
}

// The kinds of an interactive answer, and the members that hold payload and text.
static const struct interactive_kind {
    const char *type, *payload, *text;
} interactive_kinds[] = {
    {"button_reply", "id", "title"},
    {"list_reply", "id", "title"},
    {"nfm_reply", "response_json", "body"},
};

static bool read_interactive(const cJSON *interactive, struct event *event)
{
    const char *type = json_str(interactive, "type");
    for (size_t i = 0; type && i < sizeof interactive_kinds / sizeof *interactive_kinds; i++) {
        const struct interactive_kind *kind = &interactive_kinds[i];
        if (strcmp(type, kind->type) != 0)
            continue;
        const cJSON *reply = json_get(interactive, type);
        return item_take_text(reply, kind->payload, &event->payload) &&
               item_take_text(reply, kind->text, &event->text) && event->payload;
    }
    return false;
}

// Types without a row are kept as received. The value that a reader gets is the member named as the
// type.
static const struct message_kind {
    const char *type;
    bool (*read)(const cJSON *value, struct event *event);
} message_kinds[] = {
    {"text", read_text},
    {"button", read_button},
    {"interactive", read_interactive},
};

static bool read_message(const cJSON *message, const char *type, struct event *event)
{
    for (size_t i = 0; i < sizeof message_kinds / sizeof *message_kinds; i++) {
        if (strcmp(type, message_kinds[i].type) != 0)
            continue;
        event->kind = EVENT_MESSAGE;
        return message_kinds[i].read(json_get(message, type), event) &&
               item_take_id(json_get(message, "context"), "id", &event->reply_to);
    }
    return false;
}

// A group's message is not of the chat with the person who wrote it, and would be answered there.
static void message_item(const struct change *change, const cJSON *message, struct event *event)
{
    const char *type = json_str(message, "type");
    bool good = read_person(change, message, "from", "from_user_id", event) && event->id;
    good = good && event->contact && change->live && type && !item_has(message, "group_id") &&
           read_message(message, type, event);
    const char *other = change->live && type ? type : change->field;
    item_end(change->walk, event, message, good, good ? type : other);
}

/* --- the other lists -----------------------------------------------------------------------------
 */

static void status_item(const struct change *change, const cJSON *status, struct event *event)
{
    const char *recipient_type = json_str(status, "recipient_type");
    bool group = recipient_type && strcmp(recipient_type, "group") == 0;
    bool good = read_person(change, status, group ? "recipient_participant_id" : "recipient_id",
                            group ? "recipient_participant_user_id" : "recipient_user_id", event);
    event->kind = EVENT_STATUS;
    good = good && change->live && event->id && item_take_id(status, "status", &event->status) &&
           event->status &&
           item_take_text(status, "biz_opaque_callback_data", &event->callback_data) &&
           item_take_array(status, "errors", &event->errors);
    const char *word = json_str(status, "status");
    item_end(change->walk, event, status, good, change->live && word ? word : change->field);
}

// The person called, or was called by the business.
static void call_item(const struct change *change, const cJSON *call, struct event *event)
{
    const char *direction = json_str(call, "direction");
    bool ours = direction && strcmp(direction, "BUSINESS_INITIATED") == 0;
    read_person(change, call, ours ? "to" : "from", ours ? "to_user_id" : "from_user_id", event);
    item_end(change->walk, event, call, false, change->field);
}

// A human answered from the phone (coexistence).
static void echo_item(const struct change *change, const cJSON *echo, struct event *event)
{
    read_person(change, echo, "to", "to_user_id", event);
    item_end(change->walk, event, echo, false, change->field);
}

static void preference_item(const struct change *change, const cJSON *preference,
                            struct event *event)
{
    read_person(change, preference, "wa_id", "user_id", event);
    item_end(change->walk, event, preference, false, change->field);
}

static const struct list_kind {
    const char *key;
    void (*item)(const struct change *change, const cJSON *element, struct event *event);
} list_kinds[] = {
    {"messages", message_item},
    {"statuses", status_item},
    {"calls", call_item},
    {"message_echoes", echo_item},
    {"user_preferences", preference_item},
};

/* --- walking -------------------------------------------------------------------------------------
 */

static void list_items(const struct change *change, const struct list_kind *kind, const cJSON *list)
{
    const cJSON *element;
    cJSON_ArrayForEach(element, list) {
        struct event *event = item_begin(change->walk, change->account);
        if (!event)
            return;
        event->timestamp_ms = item_time(element, "timestamp");
        // Without an id that can be carried no element is understood.
        if (!item_take_id(element, "id", &event->id))
            event->id = NULL;
        kind->item(change, element, event);
    }
}

static void change_item(struct walk *walk, const cJSON *element)
{
    const cJSON *value = json_get(element, "value");
    const char *field = json_str(element, "field");
    char scratch[32];
    const char *number = item_account_id(json_get(value, "metadata"), "phone_number_id", scratch);
    struct change change = {
        .walk = walk,
        .field = field && *field ? field : "changes",
        .account = number ? number : walk->account,
        .live = number && field && strcmp(field, "messages") == 0,
        .contacts = json_get(value, "contacts"),
    };
    bool listed = false, odd = false;
    size_t before = walk->list->count;
    for (size_t i = 0; i < sizeof list_kinds / sizeof *list_kinds; i++) {
        const cJSON *list = json_get(value, list_kinds[i].key);
        if (cJSON_IsArray(list)) {
            listed = true;
            list_items(&change, &list_kinds[i], list);
        } else if (list && !cJSON_IsNull(list)) {
            odd = true;
        }
    }
    bool only_errors = walk->list->count == before && item_has(value, "errors");
    if (listed && !odd && !only_errors)
        return;
    struct event *event = item_begin(walk, change.account);
    if (!event)
        return;
    event->timestamp_ms = walk->entry_time_ms;
    item_end(walk, event, element, false, change.field);
}

bool whatsapp_entry(struct walk *walk, const cJSON *entry)
{
    const cJSON *changes = json_get(entry, "changes");
    if (!changes)
        return false;
    if (!cJSON_IsArray(changes)) {
        if (!cJSON_IsNull(changes))
            item_other(walk, changes, "changes");
        return true;
    }
    const cJSON *element;
    cJSON_ArrayForEach(element, changes)
        change_item(walk, element);
    return true;
}
