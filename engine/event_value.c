// SPDX-License-Identifier: MIT
// The variables that an event makes (see event_value.h).
#include "engine/event_value.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

static void add_text(cJSON *value, const char *name, const char *text)
{
    if (!text)
        return;
    char *cut = x_dupn(text, utf8_cut_bytes(text, strlen(text), EVENT_VALUE_TEXT_MAX));
    json_add_str(value, name, cut);
    free(cut);
}

// A tree from its text, while the budget lasts.
static void add_tree(cJSON *value, const char *name, const char *text, size_t *budget)
{
    size_t len = text ? strlen(text) : 0;
    cJSON *tree = len > 0 && len <= *budget ? json_read(text, len, NULL) : NULL;
    if (tree) {
        *budget -= len;
        cJSON_AddItemToObject(value, name, tree);
    } else if (len > 0) {
        cJSON *left_out = cJSON_GetObjectItemCaseSensitive(value, "left_out");
        if (!left_out)
            left_out = cJSON_AddArrayToObject(value, "left_out");
        cJSON_AddItemToArray(left_out, cJSON_CreateString(name));
    }
}

cJSON *event_value(const struct event *event, size_t trees_max)
{
    cJSON *value = cJSON_CreateObject();
    json_add_str(value, "kind", event_kind_name(event->kind));
    add_text(value, "type", event->type);
    add_text(value, "id", event->id);
    add_text(value, "text", event->text);
    add_text(value, "payload", event->payload);
    add_text(value, "reply_to", event->reply_to);
    add_text(value, "target", event->target);
    add_text(value, "emoji", event->emoji);
    char *attachments = event->attachments ? json_print(event->attachments) : NULL;
    add_tree(value, "referral", event->referral, &trees_max);
    add_tree(value, "attachments", attachments, &trees_max);
    add_tree(value, "data", event->data, &trees_max);
    add_tree(value, "context", event->context, &trees_max);
    free(attachments);
    return value;
}

cJSON *event_value_last(const cJSON *value)
{
    cJSON *last = cJSON_CreateObject();
    json_add_str(last, "text", json_str(value, "text"));
    json_add_str(last, "payload", json_str(value, "payload"));
    return last;
}
