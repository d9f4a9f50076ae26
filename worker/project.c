// SPDX-License-Identifier: MIT
// What an activation leaves in MongoDB, made from its history (design, P5): see
// models/projection.h.

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "worker/activation.h"

static const struct activation_entry *entry_of(const struct activation *a, const cJSON *item)
{
    int64_t number = json_int(item, "n", 0);
    for (size_t i = 0; i < a->entry_count; i++)
        if (a->entries[i].number == number)
            return &a->entries[i];
    return NULL;
}

static void add_inbound(struct projection *p, const struct activation *a,
                        const struct activation_entry *entry)
{
    const struct event *event = &entry->event;
    if (!p->contact_name)
        p->contact_name = x_dup(event->contact_name);
    for (size_t i = 0; i < EVENT_ALIASES_MAX && !p->aliases[0]; i++)
        for (size_t k = 0; k < EVENT_ALIASES_MAX; k++)
            p->aliases[k] = x_dup(event->aliases[k]);
    if (!event_resumes_flow(event))
        return;
    struct message_record *m = projection_add_message(p);
    char key[64];
    event_dedup_key(event, key);
    id_oid(m->id, a->chat, "in", key, NULL);
    m->inbound = true;
    m->text = x_dup(event->text);
    m->type = x_dup(event->type ? event->type : event_kind_name(event->kind));
    m->platform_id = x_dup(event->id);
    m->payload = x_dup(event->payload);
    m->status = x_dup("received");
    m->attachments = event->attachments ? cJSON_Duplicate(event->attachments, true) : NULL;
    m->at_ms = event->timestamp_ms > 0 ? event->timestamp_ms : clock_wall_ms();
}

static void add_outbound(struct projection *p, const struct activation *a, const cJSON *item)
{
    const char *key = json_str(item, "key");
    if (!key || strcmp(json_str(item, "kind"), "send") != 0)
        return;
    struct message_record *m = projection_add_message(p);
    id_oid(m->id, a->chat, "out", key, NULL);
    m->text = x_dup(json_str(item, "text"));
    m->type = x_dup(json_get(item, "choices") ? "interactive" : "text");
    m->platform_id = x_dup(json_str(item, "id"));
    m->node = x_dup(json_str(item, "node"));
    m->session = strlen(key) > 39 ? x_dupn(key + 3, 36) : NULL; // "hm:<uuid>:<seq>"
    m->status = x_dup(json_str(item, "status"));
    m->error = x_dup(json_str(item, "error"));
    m->at_ms = json_int(item, "at", 0);
}

static void add_session(struct projection *p, const struct session *session)
{
    struct session_record *s = projection_add_session(p);
    strcpy(s->id, session->id);
    strcpy(s->flow_id, session->flow_id);
    s->flow_version = session->flow_version;
    s->status = x_dup(session_status_name(session->status));
    s->node = x_dup(session->node);
    s->vars = session->vars ? cJSON_Duplicate(session->vars, true) : NULL;
    s->error = x_dup(session->error);
    s->started_ms = session->started_ms;
    s->ended_ms = session->ended_ms;
    s->active_ms = session->active_ms;
    s->steps = session->steps;
}

static void add_ended_session(struct projection *p, const cJSON *item)
{
    char *text = json_print(json_get(item, "session"));
    struct session session;
    if (text && session_from_json(text, strlen(text), &session, NULL)) {
        add_session(p, &session);
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
    p->epoch = a->epoch;
    p->done = a->consumed;
    p->sequence = a->turn + 1;
    p->at_ms = clock_wall_ms();
    const cJSON *item;
    cJSON_ArrayForEach(item, a->history.entries) {
        const char *kind = json_str(item, "k");
        const struct activation_entry *entry = strcmp(kind, "in") == 0 ? entry_of(a, item) : NULL;
        if (entry && entry->readable)
            add_inbound(p, a, entry);
        else if (strcmp(kind, "effect") == 0)
            add_outbound(p, a, item);
        else if (strcmp(kind, "session") == 0)
            add_ended_session(p, item);
    }
    if (a->has_session)
        add_session(p, &a->session);
    if (!p->aliases[0])
        p->aliases[0] = x_dup(a->contact);
    p->history = readable_history(a);
    return p;
}
