// SPDX-License-Identifier: MIT
/*
 * The documents of a projection; their fields are told in records.h. Ids are derived and updates
 * guarded, so that writing a projection twice, or after a newer one, changes nothing. A guarded
 * update that finds its document newer turns into an insert under an _id that exists: the duplicate
 * key is its success.
 */
#include "models/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/json.h"
#include "base/mem.h"
#include "models/document.h"
#include "models/receipt.h"

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

enum { SESSION_DAYS = 30, ORDER_BITS = 16 };

int64_t records_order(int64_t sequence, int64_t index)
{
    return sequence * (1 << ORDER_BITS) + index;
}

int64_t records_sequence(const struct projection *p)
{
    return p->sequence != 0 ? p->sequence : p->done;
}

char *records_account_key(const struct projection *p)
{
    return account_key(p->platform, p->account);
}

static bson_oid_t chat_oid(const struct projection *p)
{
    char id[25];
    projection_chat_id(p->chat, id);
    return document_oid_of(id);
}

// chatId, chat, accountId, accountKey, userId: where a document belongs.
static void add_place(bson_t *doc, const struct projection *p)
{
    char *key = records_account_key(p);
    bson_oid_t chat = chat_oid(p);
    BSON_APPEND_OID(doc, "chatId", &chat);
    document_add_str(doc, "chat", p->chat);
    document_add_oid(doc, "accountId", p->account_id);
    document_add_str(doc, "accountKey", key);
    document_add_oid(doc, "userId", p->user_id);
    free(key);
}

// What became of it later, when that is known already.
static void add_changes(bson_t *doc, const struct message_record *m)
{
    if (m->edited_ms > 0) {
        BSON_APPEND_BOOL(doc, "edited", true);
        BSON_APPEND_DATE_TIME(doc, "editedAt", m->edited_ms);
    }
    if (m->deleted_ms > 0) {
        BSON_APPEND_BOOL(doc, "deleted", true);
        BSON_APPEND_DATE_TIME(doc, "deletedAt", m->deleted_ms);
    }
}

bson_t *records_message(const struct projection *p, const struct message_record *m, int64_t order)
{
    bson_t *doc = bson_new();
    const char *text = m->text != NULL ? m->text : "";
    const char *sender = m->inbound ? "customer" : m->sender != NULL ? m->sender : "bot";

    document_add_oid(doc, "_id", m->id);
    add_place(doc, p);
    document_add_str(doc, "source", platform_document_name(p->platform));
    document_add_str(doc, "direction", m->inbound ? "in" : "out");
    document_add_str(doc, "sender", sender);
    document_add_str(doc, "role", m->inbound ? "user" : "assistant");
    document_add_str(doc, "senderId", m->inbound ? p->contact : p->account);
    document_add_str(doc, "content", text);
    document_add_str(doc, "message", text);
    document_add_str(doc, "messageType", m->type != NULL ? m->type : "text");
    document_add_str(doc, "payload", m->payload);
    document_add_json(doc, "attachments", m->attachments);
    document_add_json(doc, "data", m->data);
    document_add_json(doc, "metadata", m->metadata);
    document_add_str(doc, "replyTo", m->reply_to);
    document_add_str(doc, "groupId", m->group);
    document_add_str(doc, "platformMessageId", m->platform_id);
    document_add_str(doc, "status",
                     m->status != NULL ? m->status
                     : m->inbound      ? "received"
                                       : "accepted");
    if (!m->inbound) {
        int rank = receipt_rank(m->status);
        BSON_APPEND_INT32(doc, "statusRank", rank > 0 ? rank : 0);
    }
    document_add_str(doc, "nodeId", m->node);
    document_add_str(doc, "sessionId", m->session);
    document_add_str(doc, "model", m->model);
    document_add_str(doc, "error", m->error);
    BSON_APPEND_DATE_TIME(doc, "timestamp", m->at_ms);
    BSON_APPEND_DATE_TIME(doc, "createdAt", m->at_ms);
    BSON_APPEND_DATE_TIME(doc, "updatedAt", m->at_ms);
    BSON_APPEND_INT64(doc, "order", order);
    add_changes(doc, m);
    return doc;
}

void records_add_messages(struct batch *batch, const struct projection *p, struct err *owner)
{
    for (size_t i = 0; i < p->message_count; i++) {
        int64_t order = records_order(records_sequence(p), (int64_t)i);
        batch_insert(batch, owner, records_message(p, &p->messages[i], order));
    }
}

static void add_session_times(bson_t *set, const struct session_record *s)
{
    BSON_APPEND_DATE_TIME(set, "startedAt", s->started_ms);
    BSON_APPEND_INT64(set, "activeMs", s->active_ms);
    if (s->ended_ms == 0)
        return;
    int64_t duration_ms = s->ended_ms > s->started_ms ? s->ended_ms - s->started_ms : 0;
    BSON_APPEND_DATE_TIME(set, "endedAt", s->ended_ms);
    BSON_APPEND_INT64(set, "duration", duration_ms / 1000);
    BSON_APPEND_INT64(set, "durationMs", duration_ms);
    BSON_APPEND_DATE_TIME(set, "expireAt", s->ended_ms + SESSION_DAYS * DAY_MS);
}

// The last session of a chat that is no more: what wrote it had other epochs and numbers.
static void add_merged_session(struct batch *batch, const struct projection *p,
                               const struct session_record *s, struct err *owner)
{
    char id[25];
    id_oid(id, "session", s->id, NULL);
    bson_oid_t oid = document_oid_of(id);
    bson_t *filter = BCON_NEW("_id", BCON_OID(&oid), "status", "{", "$in", "[", "active",
                              BCON_UTF8(s->status), "]", "}");
    bson_t *update = bson_new(), set;
    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &set);
    document_add_str(&set, "sessionId", s->id);
    document_add_oid(&set, "flowId", s->flow_id);
    BSON_APPEND_INT32(&set, "flowVersion", s->flow_version);
    document_add_oid(&set, "accountId", p->account_id);
    document_add_oid(&set, "userId", p->user_id);
    document_add_str(&set, "platform", platform_document_name(p->platform));
    document_add_str(&set, "status", s->status);
    document_add_str(&set, "outcome", s->outcome);
    document_add_str(&set, "error", s->error);
    document_add_str(&set, "currentNodeId", s->node);
    document_add_json(&set, "variables", s->vars);
    BSON_APPEND_INT64(&set, "steps", s->steps);
    add_session_times(&set, s);
    BSON_APPEND_DATE_TIME(&set, "updatedAt", p->at_ms);
    bson_append_document_end(update, &set);
    batch_update(batch, owner, filter, update, true);
}

// Only $set, so the same activation may write it again (`projected ≤ n`): a timer's activation
// holds no new event.
static void add_session(struct batch *batch, const struct projection *p,
                        const struct session_record *s, struct err *owner)
{
    char id[25];
    id_oid(id, "session", s->id, NULL);
    bson_oid_t oid = document_oid_of(id);
    int64_t n = records_sequence(p);
    bson_t *filter = BCON_NEW("_id", BCON_OID(&oid), "epoch", "{", "$lte", BCON_INT64(p->epoch),
                              "}", "projected", "{", "$lte", BCON_INT64(n), "}");
    bson_t *update = bson_new(), set;

    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &set);
    document_add_str(&set, "sessionId", s->id);
    document_add_oid(&set, "flowId", s->flow_id);
    BSON_APPEND_INT32(&set, "flowVersion", s->flow_version);
    add_place(&set, p);
    document_add_str(&set, "platform", platform_document_name(p->platform));
    document_add_str(&set, "status", s->status);
    document_add_str(&set, "currentNodeId", s->node);
    document_add_json(&set, "variables", s->vars);
    BSON_APPEND_INT64(&set, "steps", s->steps);
    document_add_str(&set, "outcome", s->outcome);
    document_add_str(&set, "error", s->error);
    add_session_times(&set, s);
    BSON_APPEND_INT64(&set, "epoch", p->epoch);
    BSON_APPEND_INT64(&set, "projected", n);
    BSON_APPEND_DATE_TIME(&set, "updatedAt", p->at_ms);
    bson_append_document_end(update, &set);
    BCON_APPEND(update, "$setOnInsert", "{", "createdAt", BCON_DATE_TIME(p->at_ms), "}");
    batch_update(batch, owner, filter, update, true);
}

void records_add_sessions(struct batch *batch, const struct projection *p, struct err *owner)
{
    for (size_t i = 0; i < p->session_count; i++) {
        bool touched_again = false;
        for (size_t j = i + 1; j < p->session_count; j++)
            touched_again = touched_again || strcmp(p->sessions[i].id, p->sessions[j].id) == 0;
        if (p->sessions[i].merged)
            add_merged_session(batch, p, &p->sessions[i], owner);
        else if (!touched_again)
            add_session(batch, p, &p->sessions[i], owner);
    }
}

static void add_session_ids(bson_t *doc, const struct projection *p)
{
    bson_t list;
    BSON_APPEND_ARRAY_BEGIN(doc, "sessions", &list);
    for (size_t i = 0; i < p->session_count; i++) {
        char scratch[16];
        const char *index;
        bson_uint32_to_string((uint32_t)i, &index, scratch, sizeof(scratch));
        document_add_str(&list, index, p->sessions[i].id);
    }
    bson_append_array_end(doc, &list);
}

void records_add_history(struct batch *batch, const struct projection *p, int64_t history_days,
                         struct err *owner)
{
    if (p->history == NULL)
        return;
    char id[25], n[24];
    snprintf(n, sizeof(n), "%lld", (long long)records_sequence(p));
    id_oid(id, "history", p->chat, n, NULL);
    bson_t *doc = bson_new();
    document_add_oid(doc, "_id", id);
    add_place(doc, p);
    document_add_str(doc, "platform", platform_document_name(p->platform));
    add_session_ids(doc, p);
    BSON_APPEND_INT64(doc, "epoch", p->epoch);
    BSON_APPEND_INT64(doc, "done", p->done);
    BSON_APPEND_INT64(doc, "sequence", records_sequence(p));
    document_add_json(doc, "entries", p->history);
    document_add_str(doc, "tzdata", p->zone_data);
    BSON_APPEND_DATE_TIME(doc, "at", p->at_ms);
    BSON_APPEND_DATE_TIME(doc, "expireAt", p->at_ms + history_days * DAY_MS);
    batch_insert(batch, owner, doc);
}
