// SPDX-License-Identifier: MIT
/*
 * The elements of messaging[] and standby[], which Messenger and Instagram share (see messaging.h).
 * One element carries sender, recipient, timestamp and one key that says what happened: the table
 * below.
 */

#include "webhook/messaging.h"

#include <stdlib.h>
#include <string.h>

/* --- what the columns of the table cannot say ----------------------------------------------------
 */

// In standby[] the payload is missing; elsewhere a postback has a title, a payload or both.
static bool finish_postback(const struct reading *reading, struct event *event)
{
    return (event->text || event->payload || event->standby) &&
           item_take_raw(reading->walk, reading->value, "referral", &event->referral);
}

static bool finish_edit(const struct reading *reading, struct event *event)
{
    if (reading->from_account)
        event->type = x_dup("echo");
    return event->text;
}

// Where there is no emoji, Meta's word for it. An un-reaction has neither.
static bool finish_reaction(const struct reading *reading, struct event *event)
{
    if (event->type && strcmp(event->type, "unreact") == 0) {
        free(event->emoji);
        event->emoji = NULL;
        return true;
    }
    return event->type &&
           (event->emoji || item_take_text(reading->value, "reaction", &event->emoji));
}

static bool finish_receipt(const struct reading *reading, struct event *event)
{
    event->watermark_ms = item_time(reading->value, "watermark");
    return event->target || event->watermark_ms > 0;
}

static bool finish_referral(const struct reading *reading, struct event *event)
{
    return item_take_raw(reading->walk, reading->element, "referral", &event->referral);
}

// Stopping and resuming marketing messages comes as an opt-in, too.
static bool finish_optin(const struct reading *reading, struct event *event)
{
    if (event->status)
        event->kind = EVENT_PREFERENCE;
    return event->payload || item_take_text(reading->value, "ref", &event->payload);
}

/* --- the table -----------------------------------------------------------------------------------
 */

enum {
    KEEPS_DATA = 1,   // the key's value as received
    OF_PERSON = 2,    // not understood without the person's id
    OF_ACCOUNT = 4,   // the account itself may be the one who did it
    NEEDS_TARGET = 8, // not understood without it
};

// Columns are members of the key's value; where there is no `type`, the key is the type.
static const struct messaging_kind {
    const char *key;
    enum event_kind kind;
    const char *id, *target, *type, *text, *payload, *status, *emoji;
    unsigned flags;
    bool (*finish)(const struct reading *reading, struct event *event);
} kinds[] = {
    {.key = "message",
     .kind = EVENT_MESSAGE,
     .id = "mid",
     .flags = OF_ACCOUNT,
     .finish = message_read},
    {.key = "postback",
     .kind = EVENT_POSTBACK,
     .id = "mid",
     .text = "title",
     .payload = "payload",
     .flags = OF_PERSON,
     .finish = finish_postback},
    {.key = "read",
     .kind = EVENT_READ,
     .target = "mid",
     .flags = OF_PERSON,
     .finish = finish_receipt},
    {.key = "delivery",
     .kind = EVENT_DELIVERY,
     .flags = OF_PERSON | KEEPS_DATA,
     .finish = finish_receipt},
    {.key = "reaction",
     .kind = EVENT_REACTION,
     .target = "mid",
     .type = "action",
     .emoji = "emoji",
     .flags = OF_PERSON | NEEDS_TARGET | KEEPS_DATA,
     .finish = finish_reaction},
    {.key = "message_edit",
     .kind = EVENT_EDIT,
     .target = "mid",
     .text = "text",
     .flags = OF_PERSON | OF_ACCOUNT | NEEDS_TARGET | KEEPS_DATA,
     .finish = finish_edit},
    {.key = "referral",
     .kind = EVENT_REFERRAL,
     .type = "source",
     .payload = "ref",
     .flags = OF_PERSON,
     .finish = finish_referral},
    {.key = "optin", // a checkbox plugin's knows the person by user_ref only
     .kind = EVENT_OPTIN,
     .type = "type",
     .text = "title",
     .payload = "payload",
     .status = "notification_messages_status",
     .flags = KEEPS_DATA,
     .finish = finish_optin},
    {.key = "account_linking",
     .kind = EVENT_LINKING,
     .type = "status",
     .payload = "authorization_code",
     .flags = OF_PERSON},
    {.key = "response_feedback",
     .kind = EVENT_FEEDBACK,
     .target = "mid",
     .type = "feedback",
     .flags = OF_PERSON | KEEPS_DATA},
    {.key = "order",
     .kind = EVENT_MESSAGE,
     .id = "mid",
     .text = "note",
     .flags = OF_PERSON | KEEPS_DATA},
    {.key = "lead", .kind = EVENT_REFERRAL, .id = "lead_id", .flags = OF_PERSON | KEEPS_DATA},
    {.key = "pass_thread_control", .kind = EVENT_ROUTING, .flags = OF_ACCOUNT | KEEPS_DATA},
    {.key = "take_thread_control", .kind = EVENT_ROUTING, .flags = OF_ACCOUNT | KEEPS_DATA},
    {.key = "request_thread_control", .kind = EVENT_ROUTING, .flags = OF_ACCOUNT | KEEPS_DATA},
    {.key = "app_roles", .kind = EVENT_ROUTING, .flags = OF_ACCOUNT | KEEPS_DATA},
    {.key = "policy_enforcement",
     .kind = EVENT_ACCOUNT,
     .text = "reason",
     .status = "action",
     .flags = OF_ACCOUNT | KEEPS_DATA},
};

static const struct messaging_kind *kind_find(const cJSON *element)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (item_has(element, kinds[i].key))
            return &kinds[i];
    }
    return NULL;
}

static bool take_id(const cJSON *value, const char *name, char **ret_field)
{
    return !name || item_take_id(value, name, ret_field);
}

static bool take_text(const cJSON *value, const char *name, char **ret_field)
{
    return !name || item_take_text(value, name, ret_field);
}

static bool read_columns(const struct messaging_kind *kind, const struct reading *reading,
                         struct event *event)
{
    const cJSON *value = reading->value;
    event->kind = kind->kind;
    if (!cJSON_IsObject(value) || !take_id(value, kind->target, &event->target) ||
        !take_id(value, kind->type, &event->type) || !take_text(value, kind->text, &event->text) ||
        !take_text(value, kind->payload, &event->payload) ||
        !take_id(value, kind->status, &event->status) ||
        !take_text(value, kind->emoji, &event->emoji))
        return false;
    if (kind->flags & KEEPS_DATA &&
        !item_take_raw(reading->walk, reading->element, kind->key, &event->data))
        return false;
    return (event->contact || !(kind->flags & OF_PERSON)) &&
           (event->target || !(kind->flags & NEEDS_TARGET)) &&
           (!reading->from_account || kind->flags & OF_ACCOUNT);
}

/* --- the element ---------------------------------------------------------------------------------
 */

// NULL with *ret_good unchanged: none is given; with *ret_good false: it cannot be carried.
static const char *party_id(const cJSON *party, char scratch[32], bool *ret_good)
{
    if (!item_has(party, "id"))
        return NULL;
    const char *id = json_id(party, "id", scratch);
    if (id && *id && strlen(id) <= EVENT_ID_MAX)
        return id;
    *ret_good = false;
    return NULL;
}

/*
 * The person is the one of sender and recipient that is not the account. `ret_from_account` is true
 * of echoes, and of anything else that the account itself sent. False: an id that cannot be
 * carried.
 */
static bool read_person(const cJSON *element, struct event *event, bool *ret_from_account)
{
    const cJSON *sender = json_get(element, "sender"), *recipient = json_get(element, "recipient");
    char scratch[2][32];
    bool good = true;
    const char *from = party_id(sender, scratch[0], &good);
    const char *to = party_id(recipient, scratch[1], &good);
    bool from_account = json_bool(json_get(element, "message"), "is_echo", false) ||
                        (from && strcmp(from, event->account) == 0);
    *ret_from_account = from_account;
    const char *id = from_account ? to : from;
    if (!good || (id && strcmp(id, event->account) == 0))
        return good;
    item_add_name(event, id);
    return item_take_username(event, from_account ? recipient : sender, "username");
}

// An unknown element is called by its first member that others do not have, or by its list.
static const char *other_type(const cJSON *element, bool standby)
{
    static const char *const common[] = {"sender",      "recipient",     "timestamp",
                                         "hop_context", "prior_message", "message"};
    const cJSON *member = cJSON_IsObject(element) ? element->child : NULL;
    for (; member; member = member->next) {
        bool known = false;
        for (size_t i = 0; i < sizeof common / sizeof *common && !known; i++)
            known = strcmp(member->string, common[i]) == 0;
        if (!known && *member->string && strlen(member->string) <= EVENT_ID_MAX)
            return member->string;
    }
    return standby ? "standby" : "messaging";
}

void messaging_item(struct walk *walk, const cJSON *element, bool standby, const cJSON *whole)
{
    struct event *event = item_begin(walk, walk->account);
    if (!event)
        return;
    const struct messaging_kind *kind = kind_find(element);
    struct reading reading = {.walk = walk, .element = element};
    event->standby = standby; // another app has the thread: to be seen, never answered
    event->timestamp_ms = item_time(element, "timestamp");
    bool good = read_person(element, event, &reading.from_account) && item_account_known(event);
    if (kind) {
        reading.value = json_get(element, kind->key);
        good = take_id(reading.value, kind->id, &event->id) && good;
    }
    good = good && kind && read_columns(kind, &reading, event) &&
           (!kind->finish || kind->finish(&reading, event));
    item_end(walk, event, whole, good, kind ? kind->key : other_type(element, standby));
}

bool messaging_is_element(const cJSON *value)
{
    return cJSON_IsObject(json_get(value, "recipient")) ||
           cJSON_IsObject(json_get(value, "sender"));
}

bool messaging_lists(struct walk *walk, const cJSON *entry)
{
    static const char *const lists[] = {"messaging", "standby"};
    bool any = false;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const cJSON *list = json_get(entry, lists[i]);
        any = any || list;
        if (!cJSON_IsArray(list)) {
            if (list && !cJSON_IsNull(list))
                item_other(walk, list, lists[i]);
            continue;
        }
        const cJSON *element;
        cJSON_ArrayForEach(element, list)
            messaging_item(walk, element, i == 1, element);
    }
    return any;
}
