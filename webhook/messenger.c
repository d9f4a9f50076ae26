// SPDX-License-Identifier: MIT
/*
 * `object: "page"`: what Messenger sends, and the elements of messaging[] and standby[], which
 * Instagram shares. One element carries sender, recipient, timestamp and one key that says what
 * happened: the table below.
 */

#include <stdlib.h>
#include <string.h>

#include "webhook/item.h"

/* --- readers: fill the event, or say that the element is not understood -------------------------
 */

// The answered message; an Instagram story has no message id and stays untold.
static bool take_reply_to(const cJSON *message, struct event *event)
{
    return item_take_id(json_get(message, "reply_to"), "mid", &event->reply_to);
}

// "quick_reply", "text", or the first attachment's own type; NULL when there is nothing to read.
static const char *message_type(const struct event *event)
{
    if (event->payload)
        return "quick_reply";
    if (event->text)
        return "text";
    if (!event->attachments)
        return NULL;
    const char *type = json_str(event->attachments->child, "type");
    return type && strlen(type) <= EVENT_ID_MAX ? type : "attachments";
}

static bool read_echo(const cJSON *message, struct event *event)
{
    event->kind = EVENT_ECHO;
    return event->contact && item_take_text(message, "metadata", &event->callback_data) &&
           item_take_id(message, "app_id", &event->app_id);
}

static bool read_message(const cJSON *message, bool from_account, struct event *event)
{
    if (json_bool(message, "is_deleted", false) || json_bool(message, "is_unsupported", false))
        return false;
    if (!item_take_text(message, "text", &event->text) ||
        !item_take_text(json_get(message, "quick_reply"), "payload", &event->payload) ||
        !item_take_array(message, "attachments", &event->attachments) ||
        !take_reply_to(message, event) || !event->id)
        return false;
    const char *type = message_type(event);
    event->type = x_dup(type ? type : "message");
    if (from_account)
        return read_echo(message, event);
    event->kind = EVENT_MESSAGE;
    return type && event->contact;
}

// In standby[] the payload is missing; elsewhere a postback without one still has its title.
static bool read_postback(const cJSON *postback, bool from_account, struct event *event)
{
    event->kind = EVENT_POSTBACK;
    return !from_account && event->contact && item_take_text(postback, "title", &event->text) &&
           item_take_text(postback, "payload", &event->payload) && (event->text || event->payload);
}

/* --- the table -----------------------------------------------------------------------------------
 */

typedef bool (*read_fn)(const cJSON *value, bool from_account, struct event *event);

// Rows without a reader are kept as received, with the id that they name.
static const struct messaging_kind {
    const char *key;
    const char *id; // member of the key's value
    read_fn read;
} kinds[] = {
    {"message", "mid", read_message},
    {"postback", "mid", read_postback},
    {"message_edit", "mid", NULL},
    {"reaction", "mid", NULL},
    {"read", "mid", NULL},
    {"delivery", NULL, NULL},
    {"referral", NULL, NULL},
    {"optin", NULL, NULL},
    {"account_linking", NULL, NULL},
    {"pass_thread_control", NULL, NULL},
    {"take_thread_control", NULL, NULL},
    {"request_thread_control", NULL, NULL},
    {"app_roles", NULL, NULL},
    {"policy_enforcement", NULL, NULL},
    {"response_feedback", "mid", NULL},
    {"order", NULL, NULL},
    {"lead", NULL, NULL},
};

static const struct messaging_kind *kind_find(const cJSON *element)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (item_has(element, kinds[i].key))
            return &kinds[i];
    }
    return NULL;
}

/*
 * The person is the one of sender and recipient that is not the account. `ret_from_account` is true
 * of echoes, and of anything else that the account itself sent. False: an id that cannot be
 * carried.
 */
static bool read_person(const cJSON *element, struct event *event, bool *ret_from_account)
{
    char *sender = NULL, *recipient = NULL;
    bool good = item_take_id(json_get(element, "sender"), "id", &sender) &&
                item_take_id(json_get(element, "recipient"), "id", &recipient);
    bool from_account = json_bool(json_get(element, "message"), "is_echo", false) ||
                        (sender && strcmp(sender, event->account) == 0);
    const char *person = from_account ? recipient : sender;
    if (good && person && strcmp(person, event->account) != 0)
        item_add_name(event, person);
    free(sender);
    free(recipient);
    *ret_from_account = from_account;
    return good;
}

// What an unread element is called: its key, or what makes a message one that cannot be shown.
static const char *other_type(const struct messaging_kind *kind, const cJSON *value,
                              const char *list)
{
    if (!kind)
        return list;
    if (kind->read == read_message) {
        static const char *const marks[] = {"is_deleted", "is_unsupported"};
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
            if (json_bool(value, marks[i], false))
                return marks[i];
        }
    }
    return kind->key;
}

static void messaging_item(struct walk *walk, const cJSON *element, const char *list)
{
    struct event *event = item_begin(walk, walk->account);
    if (!event)
        return;
    const struct messaging_kind *kind = kind_find(element);
    const cJSON *value = kind ? json_get(element, kind->key) : NULL;
    event->timestamp_ms = item_time(element, "timestamp");
    bool from_account;
    bool understood = read_person(element, event, &from_account) && item_account_known(event);
    if (kind && kind->id)
        understood = item_take_id(value, kind->id, &event->id) && understood;
    bool standby = strcmp(list, "standby") == 0; // another app has the thread: nobody may answer
    understood =
        understood && !standby && kind && kind->read && kind->read(value, from_account, event);
    item_end(walk, event, element, understood, standby ? list : other_type(kind, value, list));
}

bool messaging_lists(struct walk *walk, const cJSON *entry)
{
    static const char *const lists[] = {"messaging", "standby"};
    bool any = false;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const cJSON *list = json_get(entry, lists[i]);
        any = any || list;
        if (!cJSON_IsArray(list)) {
            if (item_has(entry, lists[i]))
                item_other(walk, list, lists[i]);
            continue;
        }
        const cJSON *element;
        cJSON_ArrayForEach(element, list)
            messaging_item(walk, element, lists[i]);
    }
    return any;
}

/* --- object "page" -------------------------------------------------------------------------------
 */

// Whether from.id of a comment is the person's id in Messenger is not documented: no contact.
static const struct change_kind page_changes[] = {
    {"feed", NULL, {"comment_id", "post_id"}, "created_time"},
    {"leadgen", NULL, {"leadgen_id", NULL}, "created_time"},
    {0},
};

bool messenger_entry(struct walk *walk, const cJSON *entry)
{
    bool messaging = messaging_lists(walk, entry);
    return change_list(walk, entry, page_changes) || messaging;
}
