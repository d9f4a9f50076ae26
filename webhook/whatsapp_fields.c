// SPDX-License-Identifier: MIT
/*
 * The lists beside messages (statuses, calls, preferences), and the fields whose change is one
 * item: what Meta says of the account, groups, the phone's history and contact book.
 */

#include <string.h>

#include "webhook/whatsapp.h"

static bool is_word(const cJSON *object, const char *name, const char *word)
{
    const char *text = json_str(object, name);
    return text && strcmp(text, word) == 0;
}

/* --- statuses ------------------------------------------------------------------------------------
 */

// A message to a group has a status for each participant.
static const struct person_names status_names = {"recipient_id", "recipient_user_id",
                                                 "recipient_parent_user_id"};
static const struct person_names participant_names = {"recipient_participant_id",
                                                      "recipient_participant_user_id",
                                                      "recipient_participant_parent_user_id"};

const struct person_names *status_person(const struct change *change, const cJSON *status)
{
    return is_word(status, "recipient_type", "group") ? &participant_names : &status_names;
}

static bool read_status(const cJSON *status, struct event *event)
{
    return event->id && item_take_id(status, "status", &event->status) && event->status &&
           item_take_text(status, "biz_opaque_callback_data", &event->callback_data) &&
           item_take_array(status, "errors", &event->errors);
}

bool status_read(const struct change *change, const cJSON *status, struct event *event,
                 const char **ret_type)
{
    if (is_word(status, "type", "call"))
        return call_status_read(change, status, event, ret_type);
    const char *word = json_str(status, "status");
    if (word)
        *ret_type = word;
    event->kind = EVENT_STATUS;
    bool to_group = is_word(status, "recipient_type", "group");
    return read_status(status, event) &&
           change_take_group(status, to_group ? "recipient_id" : "group_id", event) &&
           item_take_raw(change->walk, status, "pricing", &event->data) &&
           item_take_raw(change->walk, status, "conversation", &event->context);
}

/* --- calls ---------------------------------------------------------------------------------------
 */

// The person called, or was called by the business.
const struct person_names *call_person(const struct change *change, const cJSON *call)
{
    if (item_has(call, "direction"))
        return is_word(call, "direction", "BUSINESS_INITIATED") ? &person_to : &person_from;
    char scratch_ours[32], scratch_from[32];
    const char *ours = json_id(change->metadata, "display_phone_number", scratch_ours);
    const char *from = json_id(call, "from", scratch_from);
    return ours && from && strcmp(ours, from) == 0 ? &person_to : &person_from;
}

bool call_read(const struct change *change, const cJSON *call, struct event *event,
               const char **ret_type)
{
    const char *what = json_str(call, "event");
    if (!what)
        return false;
    *ret_type = what;
    event->kind = EVENT_CALL;
    event->data = change_bytes(change, call);
    return event->id && item_take_id(call, "status", &event->status) &&
           item_take_text(call, "biz_opaque_callback_data", &event->callback_data) &&
           item_take_array(call, "errors", &event->errors);
}

// How a call of ours goes: it rings, is accepted, rejected.
bool call_status_read(const struct change *change, const cJSON *status, struct event *event,
                      const char **ret_type)
{
    *ret_type = "call";
    event->kind = EVENT_CALL;
    event->data = change_bytes(change, status);
    return read_status(status, event);
}

/* --- preferences ---------------------------------------------------------------------------------
 */

bool preference_read(const struct change *change, const cJSON *preference, struct event *event,
                     const char **ret_type)
{
    const char *category = json_str(preference, "category");
    if (category)
        *ret_type = category;
    event->kind = EVENT_PREFERENCE;
    event->data = change_bytes(change, preference);
    return event->contact && item_take_id(preference, "value", &event->status) && event->status &&
           item_take_text(preference, "detail", &event->text);
}

/* --- changes that are one item -------------------------------------------------------------------
 * `data` is the whole value. `first` is the first element of the field's list, or NULL.
 */

static bool read_groups(const struct change *change, const cJSON *first, struct event *event)
{
    int64_t time = item_time(first, "timestamp");
    if (time > 0)
        event->timestamp_ms = time;
    if (!first || first->next) // of several groups none is the event's
        return true;
    return change_take_group(first, "group_id", event) &&
           item_take_array(first, "errors", &event->errors);
}

static bool read_history(const struct change *change, const cJSON *first, struct event *event)
{
    return item_take_array(first, "errors", &event->errors); // the business did not share it
}

static bool read_sync(const struct change *change, const cJSON *first, struct event *event)
{
    int64_t time = item_time(json_get(first, "metadata"), "timestamp");
    if (time > 0)
        event->timestamp_ms = time;
    return true;
}

// Who has the conversation on a number with several senders.
static bool read_handover(const struct change *change, const cJSON *first, struct event *event)
{
    const cJSON *person = json_get(change->value, "sender");
    const char *type = json_str(change->value, "type");
    if (type && strlen(type) <= EVENT_ID_MAX)
        event->type = x_dup(type);
    int64_t time = item_time(change->value, "timestamp");
    if (time > 0)
        event->timestamp_ms = time;
    return item_take_name(event, person, "phone_number") &&
           item_take_name(event, person, "user_id");
}

static const struct field_kind {
    const char *field;
    enum event_kind kind;
    const char *list; // member of value, when the field is about a list
    bool (*read)(const struct change *change, const cJSON *first, struct event *event);
} field_kinds[] = {
    {"account_alerts", EVENT_ACCOUNT, NULL, NULL},
    {"account_review_update", EVENT_ACCOUNT, NULL, NULL},
    {"account_settings_update", EVENT_ACCOUNT, NULL, NULL},
    {"account_update", EVENT_ACCOUNT, NULL, NULL},
    {"automatic_events", EVENT_ACCOUNT, NULL, NULL},
    {"business_capability_update", EVENT_ACCOUNT, NULL, NULL},
    {"business_status_update", EVENT_ACCOUNT, NULL, NULL},
    {"flows", EVENT_ACCOUNT, NULL, NULL},
    {"message_template_components_update", EVENT_ACCOUNT, NULL, NULL},
    {"message_template_quality_update", EVENT_ACCOUNT, NULL, NULL},
    {"message_template_status_update", EVENT_ACCOUNT, NULL, NULL},
    {"partner_solutions", EVENT_ACCOUNT, NULL, NULL},
    {"payment_configuration_update", EVENT_ACCOUNT, NULL, NULL},
    {"phone_number_name_update", EVENT_ACCOUNT, NULL, NULL},
    {"phone_number_quality_update", EVENT_ACCOUNT, NULL, NULL},
    {"security", EVENT_ACCOUNT, NULL, NULL},
    {"template_category_update", EVENT_ACCOUNT, NULL, NULL},
    // Documents say "participants", Meta's schema "participant".
    {"group_lifecycle_update", EVENT_GROUP, "groups", read_groups},
    {"group_participants_update", EVENT_GROUP, "groups", read_groups},
    {"group_participant_update", EVENT_GROUP, "groups", read_groups},
    {"group_settings_update", EVENT_GROUP, "groups", read_groups},
    {"group_status_update", EVENT_GROUP, "groups", read_groups},
    {"history", EVENT_HISTORY, "history", read_history},
    {"smb_app_state_sync", EVENT_SYNC, "state_sync", read_sync},
    {"messaging_handovers", EVENT_ROUTING, NULL, read_handover},
};

const struct field_kind *field_kind_find(const char *field)
{
    for (size_t i = 0; i < sizeof field_kinds / sizeof *field_kinds; i++) {
        if (strcmp(field_kinds[i].field, field) == 0)
            return &field_kinds[i];
    }
    return NULL;
}

bool field_has_own_list(const struct field_kind *kind, const struct change *change)
{
    return kind && kind->list && item_has(change->value, kind->list);
}

/*
 * What is about the account is the WABA's: the entry's, unless a partner hears of a business's
 * WABA, which then stands in waba_info.
 */
static const char *field_account(const struct change *change, const struct field_kind *kind,
                                 char scratch[32])
{
    const char *account = NULL;
    if (!kind)
        return change->account;
    if (kind->kind == EVENT_ACCOUNT) {
        account = item_account_id(json_get(change->value, "waba_info"), "waba_id", scratch);
        return account ? account : change->walk->account;
    }
    if (kind->kind == EVENT_ROUTING && !change->has_number)
        account = item_account_id(json_get(change->value, "recipient"), "phone_number_id", scratch);
    return account ? account : change->account;
}

static bool read_field(const struct change *change, const struct field_kind *kind,
                       struct event *event)
{
    if (!cJSON_IsObject(change->value) || !item_account_known(event))
        return false;
    const cJSON *list = kind->list ? json_get(change->value, kind->list) : NULL;
    if (kind->list && !cJSON_IsArray(list))
        return false;
    event->kind = kind->kind;
    event->data = change_bytes(change, change->value);
    return !kind->read || kind->read(change, list ? list->child : NULL, event);
}

void field_item(const struct change *change, const struct field_kind *kind)
{
    char scratch[32];
    struct event *event = item_begin(change->walk, field_account(change, kind, scratch));
    if (!event)
        return;
    event->timestamp_ms = change->walk->entry_time_ms;
    event->standby = change->standby;
    bool good = kind && read_field(change, kind, event);
    item_end(change->walk, event, change->element, good, change->field);
}

void field_errors_item(const struct change *change)
{
    struct event *event = item_begin(change->walk, change->account);
    if (!event)
        return;
    event->timestamp_ms = change->walk->entry_time_ms;
    event->kind = EVENT_ERROR;
    bool good = item_account_known(event) &&
                item_take_array(change->value, "errors", &event->errors) && event->errors;
    item_end(change->walk, event, change->element, good, change->field);
}
