// SPDX-License-Identifier: MIT
// changes[] of pages and Instagram accounts: comments, mentions, feed (see messaging.h).

#include <stdlib.h>
#include <string.h>

#include "webhook/messaging.h"

static const struct change_kind *kind_find(const struct change_kind *kinds, const char *field)
{
    for (; field && kinds->field; kinds++) {
        if (strcmp(kinds->field, field) == 0)
            return kinds;
    }
    return NULL;
}

// `path` is a member, or a member of a member ("media.id").
static bool take_path(const cJSON *value, const char *path, char **ret_field)
{
    const char *dot = strchr(path, '.');
    if (!dot)
        return item_take_id(value, path, ret_field);
    char *object = x_dupn(path, (size_t)(dot - path));
    bool good = item_take_id(json_get(value, object), dot + 1, ret_field);
    free(object);
    return good;
}

// The first of the paths that is there.
static bool take_first(const cJSON *value, const char *const paths[CHANGE_PATHS], char **ret_field)
{
    for (size_t i = 0; i < CHANGE_PATHS && paths[i] && !*ret_field; i++) {
        if (!take_path(value, paths[i], ret_field))
            return false;
    }
    return true;
}

// What the account itself writes belongs to no person, or its answers would be answered.
static bool read_person(const cJSON *value, struct event *event)
{
    const cJSON *from = json_get(value, "from");
    char scratch[32];
    const char *id = json_id(from, "id", scratch);
    if (id && strcmp(id, event->account) == 0)
        return true;
    const char *name = json_str(from, "name");
    if (name && *name && strlen(name) <= EVENT_ID_MAX)
        event->contact_name = x_dup(name);
    return item_take_name(event, from, "id") && item_take_username(event, from, "username");
}

// The comment that a comment answers; of one below the post itself a page tells the post.
static bool take_parent(const cJSON *value, struct event *event)
{
    if (!item_take_id(value, "parent_id", &event->parent))
        return false;
    if (event->parent && event->target && strcmp(event->parent, event->target) == 0) {
        free(event->parent);
        event->parent = NULL;
    }
    return true;
}

// A page's feed is comments, and what else happens on it, called by its `item`. `verb` is told
// unless it is "add".
static bool read_item(const cJSON *value, struct event *event)
{
    const char *item = json_str(value, "item"), *verb = json_str(value, "verb");
    if (event->kind == EVENT_FEED && item && strcmp(item, "comment") == 0)
        event->kind = EVENT_COMMENT;
    else if (event->kind == EVENT_FEED && !item_take_id(value, "item", &event->type))
        return false;
    return (verb && strcmp(verb, "add") == 0) || item_take_id(value, "verb", &event->status);
}

static void read_time(const cJSON *value, struct event *event)
{
    int64_t time = item_time(value, "created_time");
    if (time == 0)
        time = item_time(value, "timestamp");
    if (time > 0)
        event->timestamp_ms = time;
}

static bool read_value(const struct walk *walk, const cJSON *change, const struct change_kind *kind,
                       struct event *event)
{
    const cJSON *value = json_get(change, "value");
    event->kind = kind->kind;
    read_time(value, event);
    if (!cJSON_IsObject(value) || !read_item(value, event) || !read_person(value, event) ||
        !take_first(value, kind->id, &event->id) ||
        !take_first(value, kind->target, &event->target) || !take_parent(value, event) ||
        (kind->text && !item_take_text(value, kind->text, &event->text)) ||
        !item_take_raw(walk, change, "value", &event->data) || !item_account_known(event))
        return false;
    bool must_id = kind->must == CHANGE_NEEDS_ID || event->kind == EVENT_COMMENT;
    return must_id ? event->id != NULL : !kind->must || event->id || event->target;
}

static void change_item(struct walk *walk, const cJSON *change, const struct change_kind *kinds)
{
    const char *field = json_str(change, "field");
    const cJSON *value = json_get(change, "value");
    const struct change_kind *kind = kind_find(kinds, field);
    if (!kind && messaging_is_element(value)) {
        messaging_item(walk, value, field && strcmp(field, "standby") == 0, change);
        return;
    }
    struct event *event = item_begin(walk, walk->account);
    if (!event)
        return;
    event->timestamp_ms = walk->entry_time_ms;
    bool good = kind && read_value(walk, change, kind, event);
    item_end(walk, event, change, good, field && *field ? field : "changes");
}

bool change_lists(struct walk *walk, const cJSON *entry, const struct change_kind *kinds)
{
    const cJSON *changes = json_get(entry, "changes");
    if (cJSON_IsArray(changes)) {
        const cJSON *change;
        cJSON_ArrayForEach(change, changes)
            change_item(walk, change, kinds);
    } else if (changes && !cJSON_IsNull(changes)) {
        item_other(walk, changes, "changes");
    }
    if (!item_has(entry, "field"))
        return changes;
    change_item(walk, entry, kinds);
    return true;
}
