// SPDX-License-Identifier: MIT
// A delivery's body → its events: the walk over entry[], and which platform reads what (see
// normalise.h).

#include "webhook/normalise.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "webhook/item.h"

static const struct object_kind {
    const char *object;
    enum platform platform;
    bool (*entry)(struct walk *walk, const cJSON *entry);
} objects[] = {
    {"page", PLATFORM_MESSENGER, messenger_entry},
    {"instagram", PLATFORM_INSTAGRAM, instagram_entry},
    {"whatsapp_business_account", PLATFORM_WHATSAPP, whatsapp_entry},
};

void event_list_deinit(struct event_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        event_deinit(&list->events[i]);
    free(list->events);
    *list = (struct event_list){0};
}

// True when the entry has nothing that we do not know: whose it is, when, and the lists that were
// walked.
static bool entry_is_known(const cJSON *entry)
{
    static const char *const names[] = {"id", "uid", "time", "messaging", "standby", "changes"};
    const cJSON *member;
    cJSON_ArrayForEach(member, entry) {
        bool known = false;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            known = known || strcmp(member->string, names[i]) == 0;
        if (!known)
            return false;
    }
    return true;
}

// An entry that gave nothing, though there is something in it that we do not know, is kept whole.
static void walk_lists(struct walk *walk, const struct object_kind *kind, const cJSON *entry)
{
    size_t before = walk->list->count;
    kind->entry(walk, entry);
    if (walk->list->count == before && !entry_is_known(entry))
        item_other(walk, entry, "entry");
}

static void walk_entry(struct walk *walk, const struct object_kind *kind, const cJSON *entry)
{
    char scratch[32];
    const char *account = item_account_id(entry, "id", scratch);
    walk->account = account ? account : ITEM_NO_ACCOUNT;
    walk->entry_time_ms = item_time(entry, "time");
    if (!cJSON_IsObject(entry))
        item_other(walk, entry, "entry");
    else
        walk_lists(walk, kind, entry);
}

static bool walk_body(struct walk *walk, const struct object_kind *kind, const cJSON *root,
                      struct err *err)
{
    const cJSON *entries = json_get(root, "entry");
    if (cJSON_IsArray(entries)) {
        const cJSON *entry;
        cJSON_ArrayForEach(entry, entries)
            walk_entry(walk, kind, entry);
    } else if (item_has(root, "entry")) {
        item_other(walk, entries, "entry");
    } else {
        return err_set(err, ERR_INPUT, "body: no member 'entry'");
    }
    if (walk->full)
        return err_set(err, ERR_LIMIT, "body: more than %d items", EVENT_LIST_MAX);
    return true;
}

static const struct object_kind *object_find(const cJSON *root, struct err *err)
{
    const char *object = json_str(root, "object");
    if (!object) {
        err_set(err, ERR_INPUT, "body: no member 'object' that is a string");
        return NULL;
    }
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        if (strcmp(object, objects[i].object) == 0)
            return &objects[i];
    }
    err_set(err, ERR_INPUT, "body: unknown object '%.*s'",
            (int)utf8_cut_bytes(object, strlen(object), 64), object);
    return NULL;
}

bool normalise(const void *body, size_t len, struct event_list *ret_list, struct err *err)
{
    const struct json_limits limits = {.max_bytes = len > 0 ? len : 1};
    struct json_doc *doc = json_parse(body, len, &limits, err);
    if (!doc)
        return err_prefix(err, "body");
    struct event_list list = {0};
    const struct object_kind *kind = object_find(json_root(doc), err);
    bool good = kind != NULL;
    if (good) {
        struct walk walk = {
            .doc = doc, .list = &list, .platform = kind->platform, .account = ITEM_NO_ACCOUNT};
        good = walk_body(&walk, kind, json_root(doc), err);
    }
    json_doc_free(doc);
    if (good)
        *ret_list = list;
    else
        event_list_deinit(&list);
    return good;
}
