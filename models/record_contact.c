// SPDX-License-Identifier: MIT
/*
 * The documents of `contacts`, and what flows recorded of people: how their updates are folded into
 * one, and written so that writing it twice changes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/contact.h"
#include "models/document.h"
#include "models/records.h"

/* --- folding
 * --------------------------------------------------------------------------------- */

static cJSON *object_at(cJSON **place)
{
    if (*place == NULL)
        *place = cJSON_CreateObject();
    return *place;
}

static void put(cJSON *object, const char *name, cJSON *owned_value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, name);
    cJSON_AddItemToObject(object, name, owned_value);
}

static void fold_fields(struct people_record *people, const cJSON *fields)
{
    const cJSON *field;
    cJSON_ArrayForEach(field, fields) {
        if (contact_field_is_known(field->string) && (cJSON_IsString(field) || cJSON_IsNull(field)))
            put(object_at(&people->fields), field->string, cJSON_Duplicate(field, true));
    }
    cJSON *custom = NULL;
    cJSON_ArrayForEach(field, json_get(fields, "customFields")) {
        if (!contact_name_is_good(field->string))
            continue;
        custom = cJSON_GetObjectItemCaseSensitive(object_at(&people->fields), "customFields");
        if (custom == NULL)
            custom = cJSON_AddObjectToObject(people->fields, "customFields");
        put(custom, field->string, cJSON_Duplicate(field, true));
    }
}

static void fold_tags(struct people_record *people, const cJSON *list, bool on)
{
    const cJSON *tag;
    cJSON_ArrayForEach(tag, list) {
        if (cJSON_IsString(tag) && *tag->valuestring != '\0')
            put(object_at(&people->tags), tag->valuestring, cJSON_CreateBool(on));
    }
}

// A copy of `told` that says when and where it was.
static cJSON *placed(const cJSON *told, const struct people_update *update)
{
    cJSON *copy = cJSON_Duplicate(told, true);
    json_add_str(copy, "node", update->node);
    json_add_str(copy, "session", update->session);
    json_add_int(copy, "at", update->at_ms);
    return copy;
}

void projection_add_update(struct projection *p, const cJSON *change,
                           const struct people_update *update)
{
    struct people_record *people = &p->people;
    const cJSON *tags = json_get(change, "tags"), *note = json_get(change, "note");
    const cJSON *handoff = json_get(change, "handoff");
    fold_fields(people, json_get(change, "contact"));
    fold_tags(people, json_get(tags, "remove"), false);
    fold_tags(people, json_get(tags, "add"), true);
    if (json_str(note, "text") != NULL) {
        cJSON *copy = placed(note, update);
        json_add_str(copy, "id", update->id);
        if (people->notes == NULL)
            people->notes = cJSON_CreateArray();
        cJSON_AddItemToArray(people->notes, copy);
    }
    if (cJSON_IsObject(handoff)) {
        cJSON_Delete(people->handoff);
        people->handoff = placed(handoff, update);
    }
}

/* --- writing
 * --------------------------------------------------------------------------------- */

static bson_oid_t contact_oid(const struct projection *p)
{
    char id[25], *key = records_account_key(p);
    id_oid(id, "contact", key, p->contact, NULL);
    free(key);
    return document_oid_of(id);
}

static bson_t *contact_filter(const struct projection *p)
{
    bson_oid_t oid = contact_oid(p);
    return BCON_NEW("_id", BCON_OID(&oid), "lastSeenAt", "{", "$lte", BCON_DATE_TIME(p->at_ms),
                    "}");
}

typedef void (*field_fn)(bson_t *part, const char *path, const cJSON *value);

// The fields of which `removed` is true, or those of which it is not; `name` is the projection's
// own unless it has none.
static void each_field(const struct projection *p, bool removed, field_fn fn, bson_t *part)
{
    const cJSON *field;
    cJSON_ArrayForEach(field, p->people.fields) {
        bool own = strcmp(field->string, "customFields") != 0 &&
                   (strcmp(field->string, "name") != 0 || p->contact_name == NULL);
        if (own && (bool)cJSON_IsNull(field) == removed)
            fn(part, field->string, field);
    }
    cJSON_ArrayForEach(field, json_get(p->people.fields, "customFields")) {
        char *path = x_printf("customFields.%s", field->string);
        if ((bool)cJSON_IsNull(field) == removed)
            fn(part, path, field);
        free(path);
    }
}

static void set_field(bson_t *part, const char *path, const cJSON *value)
{
    document_add_json(part, path, value);
}

static void unset_field(bson_t *part, const char *path, const cJSON *value)
{
    document_add_str(part, path, "");
}

static void add_strings(bson_t *part, const char *name, const char *operator,
                        const char * const * all)
{
    bson_t list, each;
    uint32_t count = 0;
    BSON_APPEND_DOCUMENT_BEGIN(part, name, &list);
    bson_append_array_begin(&list, operator, - 1, &each);
    for (; *all != NULL; all++) {
        char scratch[16];
        const char *index;
        bson_uint32_to_string(count++, &index, scratch, sizeof(scratch));
        document_add_str(&each, index, *all);
    }
    bson_append_array_end(&list, &each);
    bson_append_document_end(part, &list);
}

// The tags that were put on, or taken off; NULL-ended, the caller frees the array.
static const char **tags_of(const struct projection *p, bool on)
{
    const cJSON *tag;
    size_t count = 0;
    const char **tags = x_calloc((size_t)cJSON_GetArraySize(p->people.tags) + 1, sizeof(tags[0]));
    cJSON_ArrayForEach(tag, p->people.tags) {
        if ((bool)cJSON_IsTrue(tag) == on)
            tags[count++] = tag->string;
    }
    return tags;
}

static void add_sets(bson_t *update, const struct projection *p)
{
    const char *aliases[PROJECTION_ALIASES_MAX + 2] = {p->contact};
    const char **tags = tags_of(p, true);
    bson_t part;
    for (size_t i = 0; i < PROJECTION_ALIASES_MAX && p->aliases[i] != NULL; i++)
        aliases[i + 1] = p->aliases[i];
    BSON_APPEND_DOCUMENT_BEGIN(update, "$addToSet", &part);
    add_strings(&part, "aliases", "$each", aliases);
    if (tags[0] != NULL)
        add_strings(&part, "tags", "$each", tags);
    bson_append_document_end(update, &part);
    free(tags);
}

static void add_beginning(bson_t *part, const struct projection *p)
{
    char *key = records_account_key(p);
    document_add_oid(part, "accountId", p->account_id);
    document_add_str(part, "accountKey", key);
    document_add_oid(part, "userId", p->user_id);
    document_add_str(part, "platform", platform_document_name(p->platform));
    document_add_str(part, "contactId", p->contact);
    BSON_APPEND_DATE_TIME(part, "createdAt", p->at_ms);
    free(key);
}

void records_add_contact(struct batch *batch, const struct projection *p, struct err *owner)
{
    if (p->contact == NULL)
        return; // the account's lane belongs to no person
    bson_t *update = bson_new(), part, removed = BSON_INITIALIZER;
    const cJSON *fact;

    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &part);
    document_add_str(&part, "name", p->contact_name);
    document_add_str(&part, "address", p->address != NULL ? p->address : p->contact);
    cJSON_ArrayForEach(fact, p->contact_facts)
        document_add_json(&part, fact->string, fact);
    each_field(p, false, set_field, &part);
    BSON_APPEND_DATE_TIME(&part, "lastSeenAt", p->at_ms);
    bson_append_document_end(update, &part);
    each_field(p, true, unset_field, &removed);
    if (!bson_empty(&removed))
        BSON_APPEND_DOCUMENT(update, "$unset", &removed);
    BSON_APPEND_DOCUMENT_BEGIN(update, "$setOnInsert", &part);
    add_beginning(&part, p);
    bson_append_document_end(update, &part);
    add_sets(update, p);
    batch_update(batch, owner, contact_filter(p), update, true);
    bson_destroy(&removed);
}

void records_add_contact_changes(struct batch *batch, const struct projection *p, struct err *owner)
{
    if (p->contact == NULL)
        return;
    const char **tags = tags_of(p, false);
    if (tags[0] != NULL) {
        bson_t *update = bson_new(), part;
        BSON_APPEND_DOCUMENT_BEGIN(update, "$pull", &part);
        add_strings(&part, "tags", "$in", tags);
        bson_append_document_end(update, &part);
        batch_update(batch, owner, contact_filter(p), update, false);
    }
    free(tags);
}
