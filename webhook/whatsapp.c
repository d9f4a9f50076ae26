// SPDX-License-Identifier: MIT
/*
 * `object: "whatsapp_business_account"`: changes[], whose value holds lists of items (messages,
 * statuses, calls …) beside the phone number that they belong to and the contacts that they name.
 * Any other change is one item.
 */

#include "webhook/whatsapp.h"

#include <string.h>

char *change_bytes(const struct change *change, const cJSON *element)
{
    return item_bytes(change->walk, element);
}

bool change_take_group(const cJSON *object, const char *name, struct event *event)
{
    // "~" is the name of the account's lane.
    return item_take_id(object, name, &event->group) &&
           (!event->group || strcmp(event->group, "~") != 0);
}

/* --- lists ---------------------------------------------------------------------------------------
 */

static const struct person_names preference_names = {"wa_id", "user_id", "parent_user_id"};

static const struct person_names *sender(const struct change *change, const cJSON *element)
{
    return &person_from;
}

static const struct person_names *receiver(const struct change *change, const cJSON *element)
{
    return &person_to;
}

// The history has messages of both directions.
static const struct person_names *correspondent(const struct change *change, const cJSON *message)
{
    return item_has(message, "to") ? &person_to : &person_from;
}

static const struct person_names *preferrer(const struct change *change, const cJSON *element)
{
    return &preference_names;
}

/*
 * The same list means different things under different fields; the first row that fits is taken.
 * Under a field that is not expected (no field: any) the elements are kept as they are.
 */
static const struct list_kind {
    const char *key, *field;
    const struct person_names *(*person)(const struct change *change, const cJSON *element);
    item_reader *read;
} list_kinds[] = {
    {"messages", "messages", sender, whatsapp_message_read},
    {"messages", "standby", sender, whatsapp_message_read},
    {"messages", "history", correspondent, history_message_read},
    {"messages", NULL, sender, NULL},
    {"statuses", "messages", status_person, status_read},
    {"statuses", "standby", status_person, status_read},
    {"statuses", "calls", status_person, call_status_read},
    {"statuses", NULL, status_person, NULL},
    {"calls", "calls", call_person, call_read},
    {"calls", NULL, call_person, NULL},
    {"message_echoes", "smb_message_echoes", receiver, echo_read},
    {"message_echoes", "message_echoes", receiver, echo_read},
    {"message_echoes", "standby", receiver, echo_read},
    {"message_echoes", NULL, receiver, NULL},
    {"user_preferences", "user_preferences", preferrer, preference_read},
    {"user_preferences", NULL, preferrer, NULL},
};
enum { LIST_KIND_COUNT = sizeof list_kinds / sizeof *list_kinds };

static bool field_has_lists(const char *field)
{
    for (size_t i = 0; i < LIST_KIND_COUNT; i++) {
        if (list_kinds[i].field && strcmp(list_kinds[i].field, field) == 0)
            return true;
    }
    return false;
}

// What belongs to no phone number cannot be answered: it is kept, and not read.
static void list_item(struct change *change, const struct list_kind *kind, const cJSON *element,
                      struct event *event)
{
    const cJSON *contact;
    const char *type = change->field;
    event->timestamp_ms = item_time(element, "timestamp");
    event->standby = change->standby;
    bool good = item_take_id(element, "id", &event->id);
    good = person_read(change, element, kind->person(change, element), event, &contact) && good;
    bool read = kind->read && change->has_number && kind->read(change, element, event, &type);
    person_add_user_name(contact, event);
    item_end(change->walk, event, element, good && read, type);
}

struct found {
    bool lists; // there was a list of items, perhaps an empty one
    bool odd;   // something else was in the place of one
};

static void walk_list(struct change *change, const struct list_kind *kind, const cJSON *list,
                      struct found *found)
{
    if (!cJSON_IsArray(list)) {
        found->odd = found->odd || (list && !cJSON_IsNull(list));
        return;
    }
    found->lists = true;
    const cJSON *element;
    cJSON_ArrayForEach(element, list) {
        struct event *event = item_begin(change->walk, change->account);
        if (!event)
            return;
        list_item(change, kind, element, event);
    }
}

static struct found walk_lists(struct change *change, const cJSON *holder)
{
    struct found found = {0};
    const char *done = "";
    for (size_t i = 0; i < LIST_KIND_COUNT; i++) {
        const struct list_kind *kind = &list_kinds[i];
        bool fits = !kind->field || strcmp(kind->field, change->field) == 0;
        if (!fits || strcmp(kind->key, done) == 0)
            continue;
        done = kind->key;
        walk_list(change, kind, json_get(holder, kind->key), &found);
    }
    return found;
}

/* --- walking -------------------------------------------------------------------------------------
 */

// Standby lists stand in an object of their own beside the metadata.
static const cJSON *list_holder(const struct change *change)
{
    const cJSON *own = change->standby ? json_get(change->value, "standby") : NULL;
    return cJSON_IsObject(own) ? own : change->value;
}

static void read_change(struct change *change)
{
    const cJSON *holder = list_holder(change);
    change->contacts = json_get(item_has(holder, "contacts") ? holder : change->value, "contacts");
    size_t before = change->walk->list->count;
    struct found found = walk_lists(change, holder);
    const struct field_kind *kind = field_kind_find(change->field);
    bool nothing = change->walk->list->count == before;
    if (found.odd)
        field_item(change, NULL);
    else if (field_has_own_list(kind, change))
        field_item(change, kind);
    else if (nothing && field_has_lists(change->field) && item_has(change->value, "errors"))
        field_errors_item(change);
    else if (!found.lists)
        field_item(change, kind);
}

static void change_item(struct walk *walk, const cJSON *element)
{
    const cJSON *value = json_get(element, "value");
    const char *field = json_str(element, "field");
    char scratch[32];
    const cJSON *metadata = json_get(value, "metadata");
    const char *number = item_account_id(metadata, "phone_number_id", scratch);
    struct change change = {
        .walk = walk,
        .element = element,
        .value = value,
        .metadata = metadata,
        .field = field && *field ? field : "changes",
        .account = number ? number : walk->account,
        .has_number = number != NULL,
        .standby = field && strcmp(field, "standby") == 0,
    };
    read_change(&change);
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
