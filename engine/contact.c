// SPDX-License-Identifier: MIT
// What is recorded of a contact, and changes of it (see contact.h).
#include "engine/contact.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

const char *const contact_fields[] = {"name",  "firstName", "lastName", "email",
                                      "phone", "language",  "timezone", "country",
                                      "city",  "company",   "birthday", NULL};

// What the contact's document and the variable have beside the fields.
static const char *const taken[] = {"id",       "tags",         "aliases",   "address",
                                    "platform", "customFields", "contactId", NULL};

static bool is_among(const char *const *names, const char *name)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

bool contact_field_is_known(const char *name)
{
    return is_among(contact_fields, name);
}

bool contact_name_is_good(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return false;
    return len > 0 && len <= CONTACT_NAME_MAX && !strchr(name, '.') && name[0] != '$' &&
           !is_among(taken, name);
}

// A member's copy, or its absence for null.
static void put(cJSON *object, const cJSON *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, value->string);
    if (!cJSON_IsNull(value))
        cJSON_AddItemToObject(object, value->string, cJSON_Duplicate(value, true));
}

// An object or array of that name, made when it is missing.
static cJSON *container(cJSON *contact, const char *name, bool array)
{
    cJSON *there = cJSON_GetObjectItemCaseSensitive(contact, name);
    if (array ? cJSON_IsArray(there) : cJSON_IsObject(there))
        return there;
    cJSON_DeleteItemFromObjectCaseSensitive(contact, name);
    return array ? cJSON_AddArrayToObject(contact, name) : cJSON_AddObjectToObject(contact, name);
}

static void drop_empty(cJSON *contact, const char *name)
{
    if (cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(contact, name)) == 0)
        cJSON_DeleteItemFromObjectCaseSensitive(contact, name);
}

static void change_fields(cJSON *contact, const cJSON *fields)
{
    const cJSON *field;
    cJSON_ArrayForEach(field, fields)
        if (contact_field_is_known(field->string) && (cJSON_IsString(field) || cJSON_IsNull(field)))
            put(contact, field);
    cJSON *custom = container(contact, "customFields", false);
    cJSON_ArrayForEach(field, json_get(fields, "customFields"))
        if (contact_name_is_good(field->string))
            put(custom, field);
    drop_empty(contact, "customFields");
}

static int tag_find(const cJSON *tags, const char *tag)
{
    int index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, tags) {
        if (cJSON_IsString(item) && strcmp(item->valuestring, tag) == 0)
            return index;
        index++;
    }
    return -1;
}

static void change_tags(cJSON *contact, const cJSON *change)
{
    cJSON *tags = container(contact, "tags", true);
    const cJSON *tag;
    cJSON_ArrayForEach(tag, json_get(change, "remove"))
        if (cJSON_IsString(tag) && tag_find(tags, tag->valuestring) >= 0)
            cJSON_DeleteItemFromArray(tags, tag_find(tags, tag->valuestring));
    cJSON_ArrayForEach(tag, json_get(change, "add"))
        if (cJSON_IsString(tag) && *tag->valuestring && tag_find(tags, tag->valuestring) < 0)
            cJSON_AddItemToArray(tags, cJSON_CreateString(tag->valuestring));
    drop_empty(contact, "tags");
}

cJSON *contact_changed(const cJSON *contact, const cJSON *change, struct err *err)
{
    cJSON *changed = contact ? cJSON_Duplicate(contact, true) : cJSON_CreateObject();
    if (json_get(change, "contact"))
        change_fields(changed, json_get(change, "contact"));
    if (json_get(change, "tags"))
        change_tags(changed, json_get(change, "tags"));
    char *text = json_print(changed);
    bool fits = strlen(text) <= CONTACT_BYTES_MAX;
    free(text);
    if (fits)
        return changed;
    cJSON_Delete(changed);
    err_set(err, ERR_LIMIT, "the contact's fields and tags have more than %d bytes",
            CONTACT_BYTES_MAX);
    return NULL;
}

void contact_refresh(cJSON *vars, const cJSON *recorded)
{
    cJSON *contact = cJSON_CreateObject();
    const cJSON *before = json_get(vars, "contact");
    json_add_str(contact, "id", json_str(before, "id"));
    if (!json_get(recorded, "name"))
        json_add_str(contact, "name", json_str(before, "name"));
    const cJSON *member;
    cJSON_ArrayForEach(member, recorded)
        if (strcmp(member->string, "id") != 0)
            cJSON_AddItemToObject(contact, member->string, cJSON_Duplicate(member, true));
    cJSON_DeleteItemFromObjectCaseSensitive(vars, "contact");
    cJSON_AddItemToObject(vars, "contact", contact);
}
