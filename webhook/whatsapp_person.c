// SPDX-License-Identifier: MIT
/*
 * Who a WhatsApp element is about. A person is a phone's wa_id, a business-scoped user id (BSUID),
 * or both, and perhaps has a BSUID of the parent portfolio and a user name; the number may be
 * missing altogether. Ids are kept to the letter.
 */

#include <string.h>

#include "webhook/whatsapp.h"

// contacts[] is searched for each message; Meta bundles at most 1000 updates.
enum { CONTACTS_SEARCHED = 1024 };

const struct person_names person_from = {"from", "from_user_id", "from_parent_user_id"};
const struct person_names person_to = {"to", "to_user_id", "to_parent_user_id"};

// An id that names a person, or NULL. False: there is something that cannot be carried.
static bool id_of(const cJSON *object, const char *name, char scratch[32], const char **ret_id)
{
    *ret_id = NULL;
    if (!item_has(object, name))
        return true;
    const char *id = json_id(object, name, scratch);
    if (!id || !*id || strlen(id) > EVENT_ID_MAX)
        return false;
    *ret_id = id;
    return true;
}

static bool is_same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool is_number(const char *id)
{
    return id && id[strspn(id, "0123456789")] == '\0';
}

static bool contact_is(const cJSON *contact, const char *number, const char *user_id)
{
    char scratch_wa[32], scratch_user[32];
    const char *wa_id = json_id(contact, "wa_id", scratch_wa);
    if (is_same(wa_id, number))
        return true;
    const char *id = json_id(contact, "user_id", scratch_user);
    return is_same(id, user_id) || is_same(id, number);
}

/*
 * Contacts are matched by name and not by position: the lists may differ in length and order. They
 * seldom do, so the search goes on where the last one ended.
 */
static const cJSON *contact_find(struct change *change, const char *number, const char *user_id)
{
    if (!cJSON_IsArray(change->contacts) || (!number && !user_id))
        return NULL;
    const cJSON *first = change->next_contact ? change->next_contact : change->contacts->child;
    const cJSON *contact = first;
    for (unsigned seen = 0; contact && seen < CONTACTS_SEARCHED; seen++) {
        if (contact_is(contact, number, user_id)) {
            change->next_contact = contact;
            return contact;
        }
        contact = contact->next ? contact->next : change->contacts->child;
        if (contact == first)
            return NULL;
    }
    return NULL;
}

/*
 * A number, where there is one, comes first; then the BSUIDs. What is odd among contacts[] is left
 * out: the element itself has said who it is.
 */
bool person_read(struct change *change, const cJSON *element, const struct person_names *names,
                 struct event *event, const cJSON **ret_contact)
{
    enum { NUMBER, USER_ID, PARENT, ID_COUNT };
    char own_scratch[ID_COUNT][32], more_scratch[ID_COUNT][32];
    const char *own[ID_COUNT], *more[ID_COUNT];
    bool good = id_of(element, names->number, own_scratch[NUMBER], &own[NUMBER]);
    good = id_of(element, names->user_id, own_scratch[USER_ID], &own[USER_ID]) && good;
    good = id_of(element, names->parent, own_scratch[PARENT], &own[PARENT]) && good;
    const cJSON *contact = contact_find(change, own[NUMBER], own[USER_ID]);
    *ret_contact = contact;
    static const char *const members[ID_COUNT] = {"wa_id", "user_id", "parent_user_id"};
    for (int i = 0; i < ID_COUNT; i++)
        (void)id_of(contact, members[i], more_scratch[i], &more[i]);
    if (is_number(own[NUMBER]))
        item_add_name(event, own[NUMBER]);
    item_add_name(event, more[NUMBER]);
    for (int i = NUMBER; i < ID_COUNT; i++) {
        item_add_name(event, own[i]);
        item_add_name(event, more[i]);
    }
    const char *name = json_str(json_get(contact, "profile"), "name");
    if (name && *name && strlen(name) <= EVENT_ID_MAX)
        event->contact_name = x_dup(name);
    return good;
}

void person_add_user_name(const cJSON *contact, struct event *event)
{
    const char *name = json_str(json_get(contact, "profile"), "username");
    if (!name)
        return;
    name += *name == '@';
    if (!*name || strlen(name) >= EVENT_ID_MAX)
        return;
    char alias[EVENT_ID_MAX + 1] = "@";
    strcpy(alias + 1, name); // bounded above
    item_add_name(event, alias);
}
