// SPDX-License-Identifier: MIT
/*
 * Elements of `messages` and `message_echoes`: one row per message type. The member that has the
 * type's name holds what was said.
 */

#include <stdlib.h>
#include <string.h>

#include "webhook/whatsapp.h"

// Takes a text; an empty one is none.
static bool take_said(const cJSON *object, const char *name, char **ret_field)
{
    const char *text = json_str(object, name);
    return (text && !*text) || item_take_text(object, name, ret_field);
}

/* --- what a person says --------------------------------------------------------------------------
 */

static bool read_text(const struct change *change, const cJSON *message, const char *type,
                      struct event *event)
{
    return item_take_text(json_get(message, type), "body", &event->text) && event->text;
}

// The attachment is the media object as received, but for the caption, which is the text.
static bool read_media(const struct change *change, const cJSON *message, const char *type,
                       struct event *event)
{
    const cJSON *media = json_get(message, type), *member;
    if (!cJSON_IsObject(media) || (!item_has(media, "id") && !item_has(media, "url")) ||
        !take_said(media, "caption", &event->text))
        return false;
    cJSON *attachment = cJSON_CreateObject();
    cJSON_AddStringToObject(attachment, "type", type);
    cJSON_ArrayForEach(member, media) {
        if (strcmp(member->string, "caption") != 0 && strcmp(member->string, "type") != 0)
            cJSON_AddItemToObject(attachment, member->string, cJSON_Duplicate(member, true));
    }
    cJSON_Delete(event->attachments);
    event->attachments = cJSON_CreateArray();
    cJSON_AddItemToArray(event->attachments, attachment);
    return true;
}

// A place's name and address are what the person sees of it, so they are the text; a bare position
// has none.
static bool read_location(const struct change *change, const cJSON *message, const char *type,
                          struct event *event)
{
    const cJSON *location = json_get(message, type);
    char *address = NULL;
    bool good = item_has(location, "latitude") && item_has(location, "longitude") &&
                take_said(location, "name", &event->text) &&
                take_said(location, "address", &address) &&
                item_take_raw(change->walk, message, type, &event->data);
    if (good && event->text && address) {
        char *name = event->text;
        event->text = x_printf("%s, %s", name, address);
        free(name);
    } else if (good && address) {
        event->text = address;
        address = NULL;
    }
    free(address);
    return good && (!event->text || strlen(event->text) <= EVENT_TEXT_MAX);
}

static bool read_contacts(const struct change *change, const cJSON *message, const char *type,
                          struct event *event)
{
    return cJSON_IsArray(json_get(message, type)) &&
           item_take_raw(change->walk, message, type, &event->data);
}

static bool read_order(const struct change *change, const cJSON *message, const char *type,
                       struct event *event)
{
    return cJSON_IsObject(json_get(message, type)) &&
           item_take_raw(change->walk, message, type, &event->data) &&
           take_said(json_get(message, type), "text", &event->text);
}

// A template's quick reply button.
static bool read_button(const struct change *change, const cJSON *message, const char *type,
                        struct event *event)
{
    const cJSON *button = json_get(message, type);
    return item_take_text(button, "payload", &event->payload) &&
           item_take_text(button, "text", &event->text) && (event->payload || event->text);
}

// The kinds of an interactive answer, and the members that hold payload and text.
static const struct interactive_kind {
    const char *type, *payload, *text;
} interactive_kinds[] = {
    {"button_reply", "id", "title"},
    {"list_reply", "id", "title"},
    {"nfm_reply", "response_json", "body"}, // a flow's form; JSON inside a string
    {"call_permission_reply", "response", NULL},
};

static bool read_interactive(const struct change *change, const cJSON *message, const char *type,
                             struct event *event)
{
    const cJSON *interactive = json_get(message, type);
    const char *answer = json_str(interactive, "type");
    for (size_t i = 0; answer && i < sizeof interactive_kinds / sizeof *interactive_kinds; i++) {
        const struct interactive_kind *kind = &interactive_kinds[i];
        if (strcmp(answer, kind->type) != 0)
            continue;
        const cJSON *reply = json_get(interactive, answer);
        bool number = cJSON_IsNumber(json_get(reply, kind->payload));
        bool good = number ? item_take_id(reply, kind->payload, &event->payload)
                           : item_take_text(reply, kind->payload, &event->payload);
        return good && event->payload &&
               (!kind->text || take_said(reply, kind->text, &event->text)) &&
               item_take_raw(change->walk, interactive, answer, &event->data);
    }
    return false;
}

// Something that WhatsApp does not hand on; `errors` says why, and sometimes the member what.
static bool read_unsupported(const struct change *change, const cJSON *message, const char *type,
                             struct event *event)
{
    event->type = x_dup("unsupported");
    return item_take_raw(change->walk, message, type, &event->data);
}

/* --- what a person does --------------------------------------------------------------------------
 */

static bool read_reaction(const struct change *change, const cJSON *message, const char *type,
                          struct event *event)
{
    const cJSON *reaction = json_get(message, type);
    bool good = item_take_id(reaction, "message_id", &event->target) && event->target &&
                take_said(reaction, "emoji", &event->emoji);
    event->type = x_dup(event->emoji ? "react" : "unreact");
    return good;
}

static bool read_revoke(const struct change *change, const cJSON *message, const char *type,
                        struct event *event)
{
    return item_take_id(json_get(message, type), "original_message_id", &event->target) &&
           event->target;
}

static bool read_edit(const struct change *change, const cJSON *message, const char *type,
                      struct event *event);

// Whose name changes: the old names are the element's own, the new ones stand in `system`.
static const char *const old_names[] = {"customer", "previous_user_id", "previous_parent_user_id"};
static const char *const new_names[] = {"wa_id", "new_wa_id", "user_id", "parent_user_id"};
static const char *const system_types[] = {"user_changed_number", "customer_changed_number",
                                           "user_changed_user_id", "customer_identity_changed"};

static bool is_system_type(const char *type)
{
    for (size_t i = 0; type && i < sizeof system_types / sizeof *system_types; i++) {
        if (strcmp(type, system_types[i]) == 0)
            return true;
    }
    return false;
}

static bool has_name(const struct event *event, const char *name)
{
    for (size_t i = 0; i < EVENT_ALIASES_MAX && event->aliases[i]; i++) {
        if (strcmp(event->aliases[i], name) == 0)
            return true;
    }
    return false;
}

// The first new name, under which the person is to be answered from now on, becomes `contact`.
static bool read_new_names(const cJSON *system, struct event *event)
{
    bool good = true, named = false;
    for (size_t i = 0; good && i < sizeof new_names / sizeof *new_names; i++) {
        char *name = NULL;
        good = item_take_id(system, new_names[i], &name);
        item_add_name(event, name);
        if (name && !named && has_name(event, name)) {
            free(event->contact);
            event->contact = x_dup(name);
            named = true;
        }
        free(name);
    }
    return good;
}

static bool read_system(const struct change *change, const cJSON *message, const char *type,
                        struct event *event)
{
    const cJSON *system = json_get(message, type);
    const char *what = json_str(system, "type");
    if (!is_system_type(what) || !item_take_raw(change->walk, message, type, &event->data))
        return false;
    for (size_t i = 0; i < sizeof old_names / sizeof *old_names; i++) {
        if (!item_take_name(event, system, old_names[i]))
            return false;
    }
    free(event->group); // the person is another one everywhere, not in a group alone
    event->group = NULL;
    event->type = x_dup(what);
    return read_new_names(system, event);
}

/* --- types ---------------------------------------------------------------------------------------
 */

static const struct message_kind {
    const char *type;
    enum event_kind kind;
    bool (*read)(const struct change *change, const cJSON *message, const char *type,
                 struct event *event);
} message_kinds[] = {
    {"text", EVENT_MESSAGE, read_text},
    {"interactive", EVENT_MESSAGE, read_interactive},
    {"button", EVENT_MESSAGE, read_button},
    {"image", EVENT_MESSAGE, read_media},
    {"audio", EVENT_MESSAGE, read_media},
    {"voice", EVENT_MESSAGE, read_media}, // what audio that the app recorded used to be
    {"video", EVENT_MESSAGE, read_media},
    {"document", EVENT_MESSAGE, read_media},
    {"sticker", EVENT_MESSAGE, read_media},
    {"location", EVENT_MESSAGE, read_location},
    {"contacts", EVENT_MESSAGE, read_contacts},
    {"order", EVENT_MESSAGE, read_order},
    {"reaction", EVENT_REACTION, read_reaction},
    {"edit", EVENT_EDIT, read_edit},
    {"revoke", EVENT_UNSEND, read_revoke},
    {"system", EVENT_CONTACT, read_system},
    {"unsupported", EVENT_MESSAGE, read_unsupported},
    {"unknown", EVENT_MESSAGE, read_unsupported},
};

static const struct message_kind *message_kind_find(const char *type)
{
    for (size_t i = 0; type && i < sizeof message_kinds / sizeof *message_kinds; i++) {
        if (strcmp(type, message_kinds[i].type) == 0)
            return &message_kinds[i];
    }
    return NULL;
}

// A message whose content Meta could not hand on says so in `errors`, and may lack the content.
static bool read_content(const struct change *change, const cJSON *message,
                         const struct message_kind *kind, struct event *event)
{
    event->kind = kind->kind;
    bool lacking = event->errors && !item_has(message, kind->type);
    if (lacking && kind->kind == EVENT_MESSAGE && kind->read != read_unsupported)
        return true;
    return kind->read(change, message, kind->type, event);
}

// What a message of any type may have around its content.
static bool read_frame(const struct change *change, const cJSON *message, struct event *event)
{
    return item_take_id(json_get(message, "context"), "id", &event->reply_to) &&
           item_take_raw(change->walk, message, "context", &event->context) &&
           item_take_raw(change->walk, message, "referral", &event->referral) &&
           change_take_group(message, "group_id", event) &&
           item_take_array(message, "errors", &event->errors);
}

// The new text or media of an earlier message. What was said then is of the types that say
// something, so an edit of an edit is none.
static bool read_edit(const struct change *change, const cJSON *message, const char *type,
                      struct event *event)
{
    const cJSON *edit = json_get(message, type);
    const cJSON *now = json_get(edit, "message");
    const struct message_kind *kind = message_kind_find(json_str(now, "type"));
    if (!item_take_id(edit, "original_message_id", &event->target) || !event->target || !kind ||
        kind->kind != EVENT_MESSAGE || kind->read == read_unsupported)
        return false;
    if (!event->context && (!item_take_id(json_get(now, "context"), "id", &event->reply_to) ||
                            !item_take_raw(change->walk, now, "context", &event->context)))
        return false;
    return kind->read(change, now, kind->type, event);
}

/* --- items ---------------------------------------------------------------------------------------
 */

bool whatsapp_message_read(const struct change *change, const cJSON *message, struct event *event,
                           const char **ret_type)
{
    const char *type = json_str(message, "type");
    if (!type)
        return false;
    *ret_type = type;
    const struct message_kind *kind = message_kind_find(type);
    return kind && event->id && read_frame(change, message, event) &&
           read_content(change, message, kind, event) && event->contact;
}

/*
 * Sent from the account by somebody else: a person with the phone app, or another sender on the
 * number. That it was sent is what counts, so one of an unknown or odd type is an echo too, with
 * its bytes.
 */
bool echo_read(const struct change *change, const cJSON *echo, struct event *event,
               const char **ret_type)
{
    const char *type = json_str(echo, "type");
    const struct message_kind *kind = message_kind_find(type);
    if (type)
        *ret_type = type;
    if (kind && kind->kind == EVENT_CONTACT) // nobody sends that
        kind = NULL;
    bool known = read_frame(change, echo, event) && kind && read_content(change, echo, kind, event);
    if (!known) {
        free(event->data);
        event->data = change_bytes(change, echo);
    }
    free(event->type); // Meta's word for what was sent, whatever it would be when received
    event->type = NULL;
    event->kind = EVENT_ECHO;
    return event->id && (event->contact || event->group);
}

// A file's content that comes after its chunk of the history. To be imported, never read as said
// now.
bool history_message_read(const struct change *change, const cJSON *message, struct event *event,
                          const char **ret_type)
{
    const char *type = json_str(message, "type");
    if (type)
        *ret_type = type;
    event->kind = EVENT_HISTORY;
    event->data = change_bytes(change, message);
    return event->id != NULL;
}
