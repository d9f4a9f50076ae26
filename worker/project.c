// SPDX-License-Identifier: MIT
// What an activation leaves in MongoDB, made from its history (design, P5): see
// models/projection.h. What events leave is in inbound.c.

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "engine/message.h"
#include "engine/zone.h"
#include "worker/activation.h"

static const struct activation_entry *entry_of(const struct activation *a, const cJSON *item)
{
    int64_t number = json_int(item, "n", 0);
    for (size_t i = 0; i < a->entry_count; i++)
        if (a->entries[i].number == number)
            return &a->entries[i];
    return NULL;
}

// The word of the record for what was sent: those that a person taps are interactive.
static const char *outbound_type(const cJSON *item)
{
    static const char *const interactive[] = {"list", "buttons", "location_request", NULL};
    const char *type = json_str(item, "type");
    for (const char *const *word = interactive; type && *word; word++)
        if (strcmp(*word, type) == 0)
            return "interactive";
    if (type && strcmp(type, "contact") == 0)
        return "contacts"; // as inbound ones
    return type ? type : json_get(item, "choices") ? "interactive" : "text";
}

static void add_outbound(struct projection *p, const struct activation *a, const cJSON *item)
{
    const char *key = json_str(item, "key");
    const cJSON *message = json_get(item, "message");
    if (!key || strcmp(json_str(item, "kind"), "send") != 0 || !message_is_said(message))
        return;
    struct message_record *m = projection_add_message(p);
    id_oid(m->id, a->chat, "out", key, NULL);
    m->text = x_dup(json_str(item, "text"));
    m->type = x_dup(outbound_type(item));
    m->data = message ? cJSON_Duplicate(message, true) : NULL;
    m->platform_id = x_dup(json_str(item, "id"));
    m->node = x_dup(json_str(item, "node"));
    m->session = strlen(key) > 39 ? x_dupn(key + 3, 36) : NULL; // "hm:<uuid>:<seq>"
    m->status = x_dup(json_str(item, "status"));
    m->error = x_dup(json_str(item, "error"));
    m->at_ms = json_int(item, "at", 0);
    if (json_str(item, "delivery")) {
        m->metadata = cJSON_CreateObject();
        json_add_str(m->metadata, "delivery", json_str(item, "delivery"));
    }
}

static void add_update(struct projection *p, const struct activation *a, const cJSON *item)
{
    const char *key = json_str(item, "key");
    if (!key)
        return;
    char id[ID_OID_HEX];
    id_oid(id, a->chat, "update", key, NULL);
    char *session = strlen(key) > 36 ? x_dupn(key, 36) : NULL; // "<uuid>:<seq>"
    struct people_update update = {.id = id,
                                   .node = json_str(item, "node"),
                                   .session = session,
                                   .at_ms = json_int(item, "at", 0)};
    projection_add_update(p, json_get(item, "change"), &update);
    free(session);
}

// A name that a flow recorded is the person's own word: what the platform tells gives way to it.
static void prefer_recorded_name(struct projection *p, const struct activation *a)
{
    const char *name = json_str(a->recorded, "name");
    if (!name || (!p->contact_name && !json_get(p->people.fields, "name")))
        return;
    free(p->contact_name);
    p->contact_name = x_dup(name);
}

struct session_record *project_session(struct projection *p, const struct session *session)
{
    struct session_record *s = projection_add_session(p);
    strcpy(s->id, session->id);
    strcpy(s->flow_id, session->flow_id);
    s->flow_version = session->flow_version;
    s->status = x_dup(session_status_name(session->status));
    s->node = x_dup(session->node);
    s->vars = session->vars ? cJSON_Duplicate(session->vars, true) : NULL;
    s->outcome = x_dup(session->outcome);
    s->error = x_dup(session->error);
    s->started_ms = session->started_ms;
    s->ended_ms = session->ended_ms;
    s->active_ms = session->active_ms;
    s->steps = session->steps;
    return s;
}

static void add_ended_session(struct projection *p, const cJSON *item)
{
    char *text = json_print(json_get(item, "session"));
    struct session session;
    if (text && session_from_json(text, strlen(text), &session, NULL)) {
        project_session(p, &session);
        session_deinit(&session);
    }
    free(text);
}

// The history as a person reads it: inputs with their whole event; variables are in the session's
// own document.
static cJSON *readable_history(const struct activation *a)
{
    size_t budget = HISTORY_MOST_BYTES;
    cJSON *all = cJSON_Duplicate(a->history.entries, true);
    cJSON *item;
    cJSON_ArrayForEach(item, all) {
        const struct activation_entry *entry =
            strcmp(json_str(item, "k"), "in") == 0 ? entry_of(a, item) : NULL;
        if (entry)
            history_add_event(item, entry->json, &budget);
        if (entry && entry->readable && event_is_merged(&entry->event)) // told by its session
            cJSON_DeleteItemFromObjectCaseSensitive(
                cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(item, "event"),
                                                 "data"),
                "state");
        cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(item, "session"),
                                                "vars");
    }
    return all;
}

struct projection *activation_projection(const struct activation *a)
{
    struct projection *p = projection_new();
    const struct account *account = a->account->account;
    strcpy(p->account_id, account->id);
    strcpy(p->user_id, account->user_id);
    p->platform = a->platform;
    p->account = x_dup(a->account_id);
    p->chat = x_dup(a->chat);
    p->contact = x_dup(a->contact);
    p->address = x_dup(a->address);
    p->paused_ms = a->paused_ms;
    p->resumed_ms = a->was_paused_ms;
    p->epoch = a->epoch;
    p->done = a->consumed;
    p->sequence = a->turn + 1;
    p->at_ms = clock_wall_ms();
    const cJSON *item;
    cJSON_ArrayForEach(item, a->history.entries) {
        const char *kind = json_str(item, "k");
        const struct activation_entry *entry = strcmp(kind, "in") == 0 ? entry_of(a, item) : NULL;
        if (entry && entry->readable)
            project_event(p, a, entry, json_bool(item, "adopted", false));
        else if (strcmp(kind, "effect") == 0)
            add_outbound(p, a, item);
        else if (strcmp(kind, "update") == 0)
            add_update(p, a, item);
        else if (strcmp(kind, "session") == 0)
            add_ended_session(p, item);
    }
    if (a->has_session)
        project_session(p, &a->session);
    prefer_recorded_name(p, a);
    if (!p->aliases[0])
        p->aliases[0] = x_dup(a->contact);
    p->history = readable_history(a);
    p->zone_data = zone_data_version();
    project_changes(p);
    return p;
}
