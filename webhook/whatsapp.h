// SPDX-License-Identifier: MIT
/*
 * What the files of the WhatsApp normaliser share. whatsapp.c walks a delivery's changes;
 * whatsapp_person.c tells who an element is about; whatsapp_message.c reads messages and echoes;
 * whatsapp_fields.c reads the other lists, and the fields whose change is one item.
 *
 * A reader fills the event of one item and says whether it understood the element; when it did not,
 * the caller turns the event into EVENT_OTHER (item_end). Nothing here is shared by threads.
 */
#pragma once

#include "webhook/item.h"

// Where in an entry we are.
struct change {
    struct walk *walk;
    const cJSON *element;  // of changes[]
    const cJSON *value;    // its `value`
    const cJSON *metadata; // value.metadata: the phone number
    const char *field;
    const char *account; // phone_number_id; the WABA's id when there is none
    bool has_number;     // `account` is a phone_number_id
    bool standby;        // another sender on the number has the conversation
    const cJSON *contacts;
    const cJSON *next_contact; // where the next search in `contacts` begins
};

/* --- who (whatsapp_person.c) -------------------------------------------------------------------
 */

// The members of an element that name a person; each may be missing from it.
struct person_names {
    const char *number;  // wa_id, or now and then a BSUID
    const char *user_id; // business-scoped user id (BSUID)
    const char *parent;  // the BSUID of the parent portfolio
};
extern const struct person_names person_from, person_to;

/*
 * Gives the event its contact, aliases and profile name: what the element says itself, and what the
 * person's entry of contacts[] adds. False when a member that names the person cannot be carried.
 * ret_contact is that entry, or NULL.
 */
MUST_USE bool person_read(struct change *change, const cJSON *element,
                          const struct person_names *names, struct event *event,
                          const cJSON **ret_contact);
// The user name of such an entry, as the weak alias "@name". Comes last: contact may be NULL.
void person_add_user_name(const cJSON *contact, struct event *event);

/* --- elements of lists ---------------------------------------------------------------------------
 * Each reader gets an event that has its account, id (NULL when it cannot be carried), timestamp
 * and person, and may set *ret_type to the element's own word for what it is.
 */

typedef bool item_reader(const struct change *change, const cJSON *element, struct event *event,
                         const char **ret_type);
item_reader whatsapp_message_read, echo_read, history_message_read;    // whatsapp_message.c
item_reader status_read, call_status_read, call_read, preference_read; // whatsapp_fields.c
const struct person_names *status_person(const struct change *, const cJSON *status);
const struct person_names *call_person(const struct change *, const cJSON *call);

// item_bytes() of the element.
MUST_USE char *change_bytes(const struct change *change, const cJSON *element);
// The group's id, which names its chat. False as item_take_id.
MUST_USE bool change_take_group(const cJSON *object, const char *name, struct event *event);

/* --- changes that are one item (whatsapp_fields.c) -----------------------------------------------
 */

struct field_kind;
// NULL: the field has no row.
const struct field_kind *field_kind_find(const char *field);
// True when the change has the field's own list, beside whatever else.
bool field_has_own_list(const struct field_kind *kind, const struct change *change);
// The item of the whole change. kind may be NULL: not understood.
void field_item(const struct change *change, const struct field_kind *kind);
// value.errors of a change that brought nothing else.
void field_errors_item(const struct change *change);
