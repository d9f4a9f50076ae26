// SPDX-License-Identifier: MIT
/*
 * What the events of an activation leave in MongoDB: a message, a change of an earlier one, a fact
 * about the person.
 */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "worker/activation.h"

enum { DATA_MOST_BYTES = 64 << 10 }; // of a message's own object; the history has it whole

static int64_t time_of(const struct event *event)
{
    return event->timestamp_ms > 0 ? event->timestamp_ms : clock_wall_ms();
}

/* --- the person
 * -------------------------------------------------------------------------------- */

static void add_alias(struct projection *p, const char *alias)
{
    size_t i = 0;
    for (; i < PROJECTION_ALIASES_MAX && p->aliases[i]; i++)
        if (strcmp(p->aliases[i], alias) == 0)
            return;
    if (i < PROJECTION_ALIASES_MAX)
        p->aliases[i] = x_dup(alias);
}

static void add_fact(struct projection *p, const char *name, const struct event *event,
                     const char *value, const char *category)
{
    cJSON *fact = cJSON_CreateObject();
    json_add_str(fact, "value", value);
    json_add_str(fact, "category", category);
    json_add_int(fact, "at", time_of(event));
    if (!p->contact_facts)
        p->contact_facts = cJSON_CreateObject();
    cJSON_DeleteItemFromObjectCaseSensitive(p->contact_facts, name);
    cJSON_AddItemToObject(p->contact_facts, name, fact);
}

static void add_person(struct projection *p, const struct event *event)
{
    if (event->contact_name) {
        free(p->contact_name); // people change their names, too
        p->contact_name = x_dup(event->contact_name);
    }
    for (size_t i = 0; i < EVENT_ALIASES_MAX && event->aliases[i]; i++)
        add_alias(p, event->aliases[i]);
    if (event->kind == EVENT_PREFERENCE)
        add_fact(p, "preference", event, event->status, event->type);
    if (event->kind == EVENT_LINKING)
        add_fact(p, "linking", event, event->type, NULL);
}

/* --- messages
 * ---------------------------------------------------------------------------------- */

// Whether it is something that was said or done in the chat, and stands in its thread.
static bool is_said(const struct event *event)
{
    switch (event->kind) {
    case EVENT_MESSAGE:
    case EVENT_POSTBACK:
    case EVENT_MENTION:
    case EVENT_CALL:
        return true;
    case EVENT_COMMENT:
        return !event->status; // else it changes one
    default:
        return false;
    }
}

static cJSON *metadata_of(const struct event *event)
{
    cJSON *metadata = cJSON_CreateObject();
    json_add_str(metadata, "delivery", event->delivery);
    json_add_str(metadata, "kind", event_kind_name(event->kind));
    if (event->kind == EVENT_CALL)
        json_add_str(metadata, "type", event->type);
    json_add_str(metadata, "status", event->status);
    json_add_str(metadata, "target", event->target);
    json_add_str(metadata, "parent", event->parent);
    if (event->standby)
        cJSON_AddBoolToObject(metadata, "standby", true);
    return metadata;
}

static cJSON *bounded_tree(const char *text)
{
    size_t len = text ? strlen(text) : 0;
    return len > 0 && len <= DATA_MOST_BYTES ? json_read(text, len, NULL) : NULL;
}

// A call that the business made is no word of the person's.
static bool is_inbound(const struct event *event, const cJSON *data)
{
    const char *direction = json_str(data, "direction");
    return event->kind != EVENT_CALL || !direction || strcmp(direction, "BUSINESS_INITIATED") != 0;
}

static const char *type_of(const struct event *event)
{
    if (event->kind == EVENT_MESSAGE || event->kind == EVENT_POSTBACK)
        return event->type ? event->type : event_kind_name(event->kind);
    return event_kind_name(event->kind);
}

static void add_message(struct projection *p, const struct activation *a, const struct event *event)
{
    struct message_record *m = projection_add_message(p);
    char key[64];
    event_dedup_key(event, key);
    id_oid(m->id, a->chat, "in", key, NULL);
    m->data = bounded_tree(event->data);
    m->inbound = is_inbound(event, m->data);
    m->text = x_dup(event->text);
    m->type = x_dup(type_of(event));
    m->platform_id = x_dup(event->id);
    m->payload = x_dup(event->payload);
    m->reply_to = x_dup(event->reply_to);
    m->group = x_dup(event->group);
    m->status = x_dup("received");
    m->attachments = event->attachments ? cJSON_Duplicate(event->attachments, true) : NULL;
    m->metadata = metadata_of(event);
    m->at_ms = time_of(event);
}

/* --- calls
 * ------------------------------------------------------------------------------------- */

static bool is_word(const char *word, const char *name)
{
    return word && strcasecmp(word, name) == 0;
}

static int64_t seconds_ms(const cJSON *data, const char *name)
{
    int64_t seconds = json_int(data, name, 0);
    return seconds > 0 && seconds < INT64_MAX / 1000 ? seconds * 1000 : 0;
}

// Who calls is told of some words only; of the others by the two numbers.
static bool is_persons_call(const struct event *event, const cJSON *data)
{
    const char *from = json_str(data, "from");
    if (json_str(data, "direction"))
        return is_inbound(event, data);
    for (size_t i = 0; from && i < EVENT_ALIASES_MAX && event->aliases[i]; i++)
        if (strcmp(event->aliases[i], from) == 0)
            return true;
    return false; // a status is of a call that the business makes
}

// Nobody had taken a call of which the end is told without a beginning or a duration; one that the
// business made and that failed is no call that somebody missed.
static enum call_status call_status_of(const struct event *event, const struct call_record *call)
{
    if (is_word(event->type, "terminate")) {
        if (call->answered_ms > 0 || call->duration_s > 0)
            return CALL_ENDED;
        return call->inbound || !is_word(event->status, "FAILED") ? CALL_MISSED : CALL_ENDED;
    }
    if (is_word(event->status, "ACCEPTED"))
        return CALL_ANSWERED;
    return is_word(event->status, "REJECTED") ? CALL_REJECTED : CALL_RINGING;
}

static void add_call(struct projection *p, const struct event *event)
{
    if (!event->id)
        return;
    struct call_record *call = projection_add_call(p);
    cJSON *data = bounded_tree(event->data);
    bool told = event->type && strcmp(event->type, "call") != 0; // else its status is the word
    const char *word = told ? event->type : event->status ? event->status : "call";
    call->id = x_dup(event->id);
    call->inbound = is_persons_call(event, data);
    call->word = x_dup(word);
    for (char *c = call->word; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    call->reason = told ? x_dup(event->status) : NULL;
    for (char *c = call->reason; c && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    call->at_ms = time_of(event);
    call->answered_ms = seconds_ms(data, "start_time");
    call->duration_s = json_int(data, "duration", 0);
    if (is_word(event->type, "terminate"))
        call->ended_ms = seconds_ms(data, "end_time") ? seconds_ms(data, "end_time") : call->at_ms;
    call->status = call_status_of(event, call);
    cJSON_DeleteItemFromObjectCaseSensitive(data, "session"); // what the media needs, and no more
    call->payload = data;
}

/* --- changes
 * ----------------------------------------------------------------------------------- */

// The message that the event changes, and how; NULL when it changes none.
static const char *changed_message(const struct event *event, enum receipt_kind *ret_kind)
{
    if (event->kind == EVENT_EDIT || event->kind == EVENT_UNSEND) {
        *ret_kind = event->kind == EVENT_EDIT ? RECEIPT_EDIT : RECEIPT_UNSEND;
        return event->target;
    }
    if (event->kind != EVENT_COMMENT || !event->status)
        return NULL;
    bool gone = strcmp(event->status, "remove") == 0 || strcmp(event->status, "delete") == 0;
    *ret_kind = gone ? RECEIPT_UNSEND : RECEIPT_EDIT;
    return gone || event->text ? event->id : NULL;
}

static void add_change(struct projection *p, const struct event *event)
{
    enum receipt_kind kind;
    const char *message = changed_message(event, &kind);
    if (!message)
        return;
    struct receipt *receipt = projection_add_receipt(p);
    receipt->kind = kind;
    receipt->platform_id = x_dup(message);
    receipt->at_ms = time_of(event);
    if (kind != RECEIPT_EDIT)
        return;
    receipt->text = x_dup(event->text);
    receipt->attachments = event->attachments ? cJSON_Duplicate(event->attachments, true) : NULL;
}

// As the lane's does: see lane_receipts.c.
static void add_reaction(struct projection *p, const struct event *event)
{
    if (!event->target || !event->contact)
        return;
    struct receipt *receipt = projection_add_receipt(p);
    receipt->kind = RECEIPT_REACTION;
    receipt->platform_id = x_dup(event->target);
    receipt->contact = x_dup(event->contact);
    receipt->emoji = event->emoji && *event->emoji ? x_dup(event->emoji) : NULL;
    receipt->at_ms = time_of(event);
}

static void change_message(struct message_record *m, const struct receipt *receipt)
{
    if (receipt->kind == RECEIPT_EDIT) {
        free(m->text);
        m->text = x_dup(receipt->text ? receipt->text : "");
        m->edited_ms = receipt->at_ms;
        if (receipt->attachments) {
            cJSON_Delete(m->attachments);
            m->attachments = cJSON_Duplicate(receipt->attachments, true);
        }
        return;
    }
    free(m->text);
    free(m->payload);
    cJSON_Delete(m->attachments);
    cJSON_Delete(m->data);
    m->text = x_dup("");
    m->payload = NULL;
    m->attachments = m->data = NULL;
    m->deleted_ms = receipt->at_ms;
}

// The words of a message, and of its edits, leave the history's entries.
static void purge_history(cJSON *history, const char *message)
{
    static const char *const words[] = {"text", "payload", "attachments",
                                        "data", "context", "referral"};
    cJSON *entry;
    cJSON_ArrayForEach(entry, history) {
        cJSON *event = cJSON_GetObjectItemCaseSensitive(entry, "event");
        const char *id = json_str(event, "id"), *target = json_str(event, "target");
        bool is_it = (id && strcmp(id, message) == 0) || (target && strcmp(target, message) == 0);
        for (size_t i = 0; is_it && i < sizeof words / sizeof *words; i++)
            cJSON_DeleteItemFromObjectCaseSensitive(event, words[i]);
        const char *sent = json_str(entry, "id"); // of an effect
        if (sent && strcmp(sent, message) == 0)
            cJSON_DeleteItemFromObjectCaseSensitive(entry, "text");
    }
}

void project_changes(struct projection *p)
{
    for (size_t i = 0; i < p->receipt_count; i++) {
        const struct receipt *receipt = &p->receipts[i];
        if (receipt->kind == RECEIPT_REACTION)
            continue;
        for (size_t k = 0; k < p->message_count; k++) {
            struct message_record *m = &p->messages[k];
            if (m->platform_id && strcmp(m->platform_id, receipt->platform_id) == 0 &&
                m->deleted_ms == 0)
                change_message(m, receipt);
        }
        if (receipt->kind == RECEIPT_UNSEND)
            purge_history(p->history, receipt->platform_id);
    }
}

/* --- chats that became one
 * --------------------------------------------------------------------- */

static void add_merged(struct projection *p, const struct activation *a, const struct event *event,
                       bool adopted)
{
    struct merged merged;
    if (!merged_read(event, &merged))
        return;
    char *text = merged.state && !adopted ? json_print(json_get(merged.state, "session")) : NULL;
    struct session session;
    if (text && session_from_json(text, strlen(text), &session, NULL)) {
        session.ended_ms = time_of(event);
        struct session_record *s = project_session(p, &session);
        free(s->status);
        free(s->error);
        s->status = x_dup("ended");
        s->error = x_printf("merged into %s", a->chat);
        s->merged = true;
        session_deinit(&session);
    }
    if (merged.chat && !p->merged_chat && strcmp(merged.chat, a->chat) != 0)
        p->merged_chat = x_dup(merged.chat);
    free(text);
    merged_deinit(&merged);
}

void project_event(struct projection *p, const struct activation *a,
                   const struct activation_entry *entry, bool adopted)
{
    const struct event *event = &entry->event;
    add_person(p, event);
    if (event_is_merged(event))
        add_merged(p, a, event, adopted);
    if (is_said(event))
        add_message(p, a, event);
    if (event->kind == EVENT_CALL)
        add_call(p, event);
    if (event->kind == EVENT_REACTION)
        add_reaction(p, event);
    add_change(p, event);
}
