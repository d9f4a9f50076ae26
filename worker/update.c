// SPDX-License-Identifier: MIT
/*
 * Changes of what is recorded of the person and the chat (EFFECT_UPDATE). Nothing leaves, so there
 * is no attempt: the change becomes an entry of the history, the chat's own copy of the contact is
 * altered, and the engine goes on at once. Both are journaled with whatever is journaled next; a
 * crash before that repeats the turn from its last journal.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "engine/contact.h"
#include "worker/activation.h"

// Operators that answer from their inbox pause the flow; the handoff's end is the flow's word
// again.
static void end_pause(struct activation *a)
{
    if (a->paused_ms <= 0)
        return;
    a->unpaused_ms = a->paused_ms;
    if (a->was_paused_ms < a->paused_ms)
        a->was_paused_ms = a->paused_ms;
    a->paused_ms = 0;
}

static void take_handoff(struct activation *a, const cJSON *handoff)
{
    if (!cJSON_IsObject(handoff))
        return;
    bool over = json_get(handoff, "over") != NULL;
    if (over && a->handed_off)
        end_pause(a);
    a->handed_off = !over;
}

// A change that touches the contact's own fields.
static bool take_contact(struct activation *a, const cJSON *change, struct err *err)
{
    if (!json_get(change, "contact") && !json_get(change, "tags"))
        return true;
    cJSON *changed = contact_changed(a->recorded, change, err);
    if (!changed)
        return false;
    cJSON_Delete(a->recorded);
    a->recorded = changed;
    return true;
}

bool activation_update(struct activation *a, const struct effect *effect, struct err *err)
{
    if (!take_contact(a, effect->change, err)) {
        log_warn("update.refused", "chat", a->chat, "flow", a->session.flow_id, "node",
                 effect->node, "delivery", a->delivery, "reason", err->text);
        return false;
    }
    char *key = x_printf("%s:%u", a->session.id, effect->seq);
    history_update(&a->history, effect->change, key, effect->node, clock_wall_ms());
    free(key);
    take_handoff(a, json_get(effect->change, "handoff"));
    return true;
}

// A change that no node asked for; `what` names it within the session or the chat.
static void update_alone(struct activation *a, cJSON *owned_change, const char *of,
                         const char *what)
{
    char *key = x_printf("%s:%s", of, what);
    history_update(&a->history, owned_change, key, NULL, clock_wall_ms());
    free(key);
    cJSON_Delete(owned_change);
}

void activation_hand_back(struct activation *a)
{
    if (!a->handed_off)
        return;
    cJSON *change = cJSON_CreateObject();
    json_add_str(cJSON_AddObjectToObject(change, "handoff"), "over", "ended");
    take_handoff(a, json_get(change, "handoff"));
    update_alone(a, change, a->session.id, "ended");
}

// What `other` has and `own` has not, as a change; NULL when there is nothing.
static cJSON *missing(const cJSON *own, const cJSON *other)
{
    cJSON *change = cJSON_CreateObject();
    cJSON *fields = cJSON_AddObjectToObject(change, "contact");
    const cJSON *field, *tags = json_get(other, "tags");
    cJSON_ArrayForEach(field, other) {
        if (cJSON_IsString(field) && !json_get(own, field->string))
            cJSON_AddItemToObject(fields, field->string, cJSON_Duplicate(field, true));
    }
    cJSON *custom = cJSON_AddObjectToObject(fields, "customFields");
    cJSON_ArrayForEach(field, json_get(other, "customFields")) {
        if (!json_get(json_get(own, "customFields"), field->string))
            cJSON_AddItemToObject(custom, field->string, cJSON_Duplicate(field, true));
    }
    if (tags)
        cJSON_AddItemToObject(cJSON_AddObjectToObject(change, "tags"), "add",
                              cJSON_Duplicate(tags, true));
    bool any = tags || cJSON_GetArraySize(custom) > 0 || cJSON_GetArraySize(fields) > 1;
    if (any)
        return change;
    cJSON_Delete(change);
    return NULL;
}

static void add_missing(struct activation *a, cJSON *owned_change)
{
    struct err err = {0};
    if (take_contact(a, owned_change, &err)) {
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)a->consumed);
        update_alone(a, owned_change, number, "merged");
        return;
    }
    cJSON_Delete(owned_change);
    history_note(&a->history, "what was recorded of the person in the chat that joined this one is "
                              "too much for both: it was left out");
}

void activation_take_merged(struct activation *a, const struct event *event, bool adopted)
{
    struct merged merged;
    if (!event_is_merged(event) || !merged_read(event, &merged))
        return;
    if (adopted && json_bool(merged.state, "handoff", false))
        a->handed_off = true;
    cJSON *change = missing(a->recorded, json_get(merged.state, "contact"));
    if (change)
        add_missing(a, change);
    merged_deinit(&merged);
}

void activation_read_recorded(struct activation *a, const cJSON *state)
{
    const cJSON *contact = json_get(state, "contact");
    a->recorded = cJSON_IsObject(contact) ? cJSON_Duplicate(contact, true) : NULL;
    a->handed_off = json_bool(state, "handoff", false);
    a->unpaused_ms = json_int(state, "unpaused", 0);
    if (a->paused_ms > 0 && a->paused_ms == a->unpaused_ms)
        a->paused_ms = 0;
}

void activation_write_recorded(const struct activation *a, cJSON *state)
{
    if (cJSON_GetArraySize(a->recorded) > 0)
        cJSON_AddItemReferenceToObject(state, "contact", a->recorded);
    if (a->handed_off)
        cJSON_AddTrueToObject(state, "handoff");
    if (a->unpaused_ms > clock_wall_ms())
        json_add_int(state, "unpaused", a->unpaused_ms);
}

bool activation_is_recorded(const struct activation *a)
{
    return cJSON_GetArraySize(a->recorded) > 0 || a->unpaused_ms > clock_wall_ms();
}
