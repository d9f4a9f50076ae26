// SPDX-License-Identifier: MIT
// One item of a delivery on its way to becoming an event (see item.h).

#include "webhook/item.h"

#include <stdlib.h>
#include <string.h>

const char ITEM_NO_ACCOUNT[] = "unknown";

bool item_account_known(const struct event *event)
{
    return strcmp(event->account, ITEM_NO_ACCOUNT) != 0;
}

struct event *item_begin(struct walk *walk, const char *account)
{
    struct event_list *list = walk->list;
    if (list->count == EVENT_LIST_MAX) {
        walk->full = true;
        return NULL;
    }
    if (list->count == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 4;
        list->events = x_realloc(list->events, list->cap, sizeof *list->events);
    }
    struct event *event = &list->events[list->count++];
    *event = (struct event){.platform = walk->platform, .kind = EVENT_OTHER};
    event->account = x_dup(account);
    return event;
}

// What the reader had taken before it gave up is in `raw` too.
static void forget_details(struct event *event)
{
    char **const strings[] = {
        &event->type,    &event->text,     &event->payload, &event->reply_to,     &event->target,
        &event->parent,  &event->emoji,    &event->status,  &event->app_id,       &event->data,
        &event->context, &event->referral, &event->group,   &event->callback_data};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        free(*strings[i]);
        *strings[i] = NULL;
    }
    cJSON_Delete(event->attachments);
    cJSON_Delete(event->errors);
    event->attachments = event->errors = NULL;
    event->watermark_ms = 0;
}

char *item_bytes(const struct walk *walk, const cJSON *element)
{
    size_t len;
    const char *bytes = json_raw(walk->doc, element, &len);
    char *raw = x_dupn(bytes, len);
    for (char *c = raw; (c = strpbrk(c, "\n\r")) != NULL;)
        *c = ' ';
    return raw;
}

void item_end(const struct walk *walk, struct event *event, const cJSON *element, bool understood,
              const char *type)
{
    if (!understood) {
        forget_details(event);
        event->kind = EVENT_OTHER;
        event->raw = item_bytes(walk, element);
    }
    if (!event->type)
        event->type = strlen(type) <= EVENT_ID_MAX ? x_dup(type) : NULL;
}

void item_other(struct walk *walk, const cJSON *element, const char *type)
{
    struct event *event = item_begin(walk, walk->account);
    if (!event)
        return;
    event->timestamp_ms = walk->entry_time_ms;
    item_end(walk, event, element, false, type);
}

bool item_has(const cJSON *object, const char *name)
{
    const cJSON *member = json_get(object, name);
    return member && !cJSON_IsNull(member);
}

bool item_take_id(const cJSON *object, const char *name, char **ret_field)
{
    if (!item_has(object, name))
        return true;
    char scratch[32];
    const char *id = json_id(object, name, scratch);
    if (!id || !*id || strlen(id) > EVENT_ID_MAX)
        return false;
    free(*ret_field);
    *ret_field = x_dup(id);
    return true;
}

bool item_take_text(const cJSON *object, const char *name, char **ret_field)
{
    if (!item_has(object, name))
        return true;
    const char *text = json_str(object, name);
    if (!text || strlen(text) > EVENT_TEXT_MAX)
        return false;
    free(*ret_field);
    *ret_field = x_dup(text);
    return true;
}

bool item_take_array(const cJSON *object, const char *name, cJSON **ret_field)
{
    const cJSON *array = json_get(object, name);
    if (!array || cJSON_IsNull(array))
        return true;
    if (!cJSON_IsArray(array))
        return false;
    cJSON_Delete(*ret_field);
    *ret_field = array->child ? cJSON_Duplicate(array, true) : NULL;
    return true;
}

bool item_take_raw(const struct walk *walk, const cJSON *object, const char *name, char **ret_field)
{
    const cJSON *member = json_get(object, name);
    if (!member || cJSON_IsNull(member))
        return true;
    if (!cJSON_IsObject(member) && !cJSON_IsArray(member))
        return false;
    free(*ret_field);
    *ret_field = item_bytes(walk, member);
    return true;
}

// An account id becomes part of keys that are split at ':'; Meta's are digits.
const char *item_account_id(const cJSON *object, const char *name, char scratch[32])
{
    const char *id = json_id(object, name, scratch);
    if (!id || !*id || strlen(id) > 128)
        return NULL;
    for (const unsigned char *c = (const unsigned char *)id; *c; c++) {
        if (*c <= ' ' || *c >= 0x7f || strchr(":{}", *c))
            return NULL;
    }
    return id;
}

int64_t item_time(const cJSON *object, const char *name)
{
    int64_t time = json_int(object, name, 0);
    if (time <= 0)
        return 0;
    if (time >= 1000000000000) // 2001 in milliseconds, the year 33658 in seconds
        return time;
    return time * 1000;
}

void item_add_name(struct event *event, const char *name)
{
    // "~" is the name of the account's lane.
    if (!name || !*name || strcmp(name, "~") == 0)
        return;
    size_t count = 0;
    for (; count < EVENT_ALIASES_MAX && event->aliases[count]; count++) {
        if (strcmp(event->aliases[count], name) == 0)
            return;
    }
    if (count == EVENT_ALIASES_MAX)
        return;
    event->aliases[count] = x_dup(name);
    if (!event->contact)
        event->contact = x_dup(name);
}

bool item_take_name(struct event *event, const cJSON *object, const char *name)
{
    char *id = NULL;
    bool good = item_take_id(object, name, &id);
    item_add_name(event, id);
    free(id);
    return good;
}

bool item_take_username(struct event *event, const cJSON *object, const char *name)
{
    char *username = NULL;
    if (!item_take_id(object, name, &username))
        return false;
    if (username && alias_is_weak(username)) {
        item_add_name(event, username);
    } else if (username) {
        char *alias = x_printf("@%s", username);
        item_add_name(event, alias);
        free(alias);
    }
    free(username);
    return true;
}
