// SPDX-License-Identifier: MIT
/*
 * Where a chat's messages go. A chat keeps the name that the person had when it began; what they
 * are reached by now is the name that their last event preferred.
 */

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "worker/activation.h"

const char *activation_address(const struct activation *a)
{
    return a->address ? a->address : a->contact;
}

static void set_address(struct activation *a, const char *address)
{
    bool is_name = strcmp(address, a->contact) == 0;
    if (a->address && strcmp(a->address, address) == 0)
        return;
    free(a->address);
    a->address = is_name ? NULL : x_dup(address);
}

// WhatsApp's business-scoped ids: "PY.1349…". They change without the number that the chat is
// reached by.
static bool is_business_scoped(const char *name)
{
    return strchr(name, '.') != NULL;
}

static bool has_alias(const struct event *event, const char *name)
{
    for (size_t i = 0; i < EVENT_ALIASES_MAX && event->aliases[i]; i++)
        if (strcmp(event->aliases[i], name) == 0)
            return true;
    return false;
}

// Another chat of the person became part of this one; the address that it had is as good as any.
static void take_merged(struct activation *a, const struct event *event)
{
    struct merged merged;
    if (a->address || !merged_read(event, &merged))
        return;
    const char *address = json_str(merged.state, "address");
    if (address && !alias_is_weak(address))
        set_address(a, address);
    merged_deinit(&merged);
}

void activation_take_address(struct activation *a, const struct event *event)
{
    // Whoever writes under a post may have another id there; an operator gives any name.
    if (!event->contact || !*event->contact || alias_is_weak(event->contact) ||
        event->kind == EVENT_COMMENT || event->kind == EVENT_MENTION || event->kind == EVENT_START)
        return;
    if (event_is_merged(event))
        take_merged(a, event);
    else if (event->kind != EVENT_CONTACT || !is_business_scoped(event->contact) ||
             has_alias(event, activation_address(a)))
        set_address(a, event->contact);
}

/* --- chats that became one
 * --------------------------------------------------------------------- */

bool event_is_merged(const struct event *event)
{
    return event->kind == EVENT_CONTACT && event->type && strcmp(event->type, "merged") == 0;
}

bool activation_adopt(struct activation *a, const struct event *event)
{
    struct merged merged;
    if (a->has_session || !event_is_merged(event) || !merged_read(event, &merged))
        return false;
    char *text = merged.state ? json_print(json_get(merged.state, "session")) : NULL;
    bool ok = text && session_from_json(text, strlen(text), &a->session, NULL);
    // One that waits for an effect's result has lost the effect.
    if (ok && (a->session.status != SESSION_ACTIVE || a->session.wait == WAIT_RESULT)) {
        session_deinit(&a->session);
        ok = false;
    }
    a->has_session = ok;
    free(text);
    merged_deinit(&merged);
    return ok;
}

bool merged_read(const struct event *event, struct merged *ret_merged)
{
    *ret_merged = (struct merged){0};
    cJSON *data = event->data ? json_read(event->data, strlen(event->data), NULL) : NULL;
    if (!data)
        return false;
    cJSON *state = cJSON_DetachItemFromObjectCaseSensitive(data, "state");
    const char *text = cJSON_GetStringValue(state); // the state is a text, as the queue keeps it
    ret_merged->chat = x_dup(json_str(data, "chat"));
    ret_merged->state = text ? json_read(text, strlen(text), NULL) : state;
    if (text)
        cJSON_Delete(state);
    cJSON_Delete(data);
    return true;
}

void merged_deinit(struct merged *merged)
{
    free(merged->chat);
    cJSON_Delete(merged->state);
    *merged = (struct merged){0};
}
