// SPDX-License-Identifier: MIT
/*
 * The collection `calls`: one document per call, made from what the platform tells of it while it
 * lasts. What is told may come twice, late and in another order, so every part of an update only
 * adds or moves forward: the words that were told are a set, times take the least or the greatest,
 * and a status replaces only a lesser one.
 */
#include <string.h>

#include "base/id.h"
#include "base/json.h"
#include "base/mem.h"
#include "models/document.h"
#include "models/records.h"

// `participant`: of the one who is called, and, at the end, of the one who calls, too. An answered
// call stays one whatever its end is said to be, unless that tells how long it took.
static const struct {
    const char *name, *participant;
} statuses[CALL_STATUS_COUNT] = {
    [CALL_RINGING] = {"ringing", "ringing"},    [CALL_MISSED] = {"missed", "missed"},
    [CALL_REJECTED] = {"rejected", "declined"}, [CALL_ANSWERED] = {"answered", "answered"},
    [CALL_ENDED] = {"ended", "ended"},
};

static bson_oid_t call_oid(const struct projection *p, const struct call_record *call)
{
    char id[25], *key = records_account_key(p);
    id_oid(id, "call", key, call->id, NULL);
    free(key);
    return document_oid_of(id);
}

static void add_participant(bson_t *list, const char *index, const char *who, const char *state,
                            int64_t at_ms)
{
    bson_t participant;
    BSON_APPEND_DOCUMENT_BEGIN(list, index, &participant);
    document_add_str(&participant, "userId", who);
    document_add_str(&participant, "state", state);
    BSON_APPEND_DATE_TIME(&participant, "updatedAt", at_ms);
    bson_append_document_end(list, &participant);
}

static void add_participants(bson_t *part, const struct projection *p,
                             const struct call_record *call)
{
    const char *caller = call->inbound ? p->contact : p->account;
    const char *called = call->inbound ? p->account : p->contact;
    const char *state = statuses[call->status].participant;
    bson_t list;
    BSON_APPEND_ARRAY_BEGIN(part, "participants", &list);
    add_participant(&list, "0", caller, call->status == CALL_ENDED ? state : "initiator",
                    call->at_ms);
    add_participant(&list, "1", called, state, call->at_ms);
    bson_append_array_end(part, &list);
}

static void add_beginning(bson_t *part, const struct projection *p, const struct call_record *call)
{
    char *key = records_account_key(p), *room = x_printf("%s:%s", key, call->id), chat[25];
    projection_chat_id(p->chat, chat);
    document_add_str(part, "roomId", room);
    document_add_str(part, "callId", call->id);
    document_add_str(part, "initiatorId", call->inbound ? p->contact : p->account);
    document_add_str(part, "direction", call->inbound ? "in" : "out");
    document_add_str(part, "mediaType", "audio"); // WhatsApp has no other with businesses
    document_add_oid(part, "chatId", chat);
    document_add_str(part, "chat", p->chat);
    document_add_oid(part, "accountId", p->account_id);
    document_add_str(part, "accountKey", key);
    document_add_oid(part, "userId", p->user_id);
    document_add_str(part, "platform", platform_document_name(p->platform));
    BSON_APPEND_NULL(part, "signalPayload");
    free(room);
    free(key);
}

static void add_word(bson_t *part, const struct projection *p, const struct call_record *call)
{
    bson_t word;
    BSON_APPEND_DOCUMENT_BEGIN(part, "events", &word);
    document_add_str(&word, "type", call->word);
    document_add_str(&word, "userId", call->inbound ? p->contact : p->account);
    document_add_str(&word, "reason", call->reason);
    document_add_json(&word, "payload", call->payload);
    BSON_APPEND_DATE_TIME(&word, "createdAt", call->at_ms);
    bson_append_document_end(part, &word);
}

// The document is there, and knows what was told.
static void add_told(struct batch *batch, const struct projection *p,
                     const struct call_record *call, struct err *owner)
{
    bson_oid_t oid = call_oid(p, call);
    int64_t began_ms = call->answered_ms > 0 ? call->answered_ms : call->at_ms;
    bson_t *update = bson_new(), part;

    BSON_APPEND_DOCUMENT_BEGIN(update, "$setOnInsert", &part);
    add_beginning(&part, p, call);
    bson_append_document_end(update, &part);
    BSON_APPEND_DOCUMENT_BEGIN(update, "$addToSet", &part);
    add_word(&part, p, call);
    bson_append_document_end(update, &part);
    BCON_APPEND(update, "$min", "{", "createdAt", BCON_DATE_TIME(began_ms), "}");
    BSON_APPEND_DOCUMENT_BEGIN(update, "$max", &part);
    BSON_APPEND_DATE_TIME(&part, "updatedAt", call->at_ms);
    document_add_date(&part, "answeredAt", call->answered_ms);
    document_add_date(&part, "endedAt", call->ended_ms);
    if (call->duration_s > 0)
        BSON_APPEND_INT64(&part, "duration", call->duration_s);
    bson_append_document_end(update, &part);
    batch_update(batch, owner, BCON_NEW("_id", BCON_OID(&oid)), update, true);
}

static void add_status(struct batch *batch, const struct projection *p,
                       const struct call_record *call, struct err *owner)
{
    bson_oid_t oid = call_oid(p, call);
    bson_t *filter = BCON_NEW("_id", BCON_OID(&oid), "statusRank", "{", "$not", "{", "$gte",
                              BCON_INT32((int)call->status), "}", "}");
    bson_t *update = bson_new(), set;
    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &set);
    document_add_str(&set, "status", statuses[call->status].name);
    BSON_APPEND_INT32(&set, "statusRank", (int)call->status);
    if (call->ended_ms > 0)
        document_add_str(&set, "endReason", call->reason);
    add_participants(&set, p, call);
    bson_append_document_end(update, &set);
    batch_update(batch, owner, filter, update, false);
}

void records_add_calls(struct batch *calls, struct batch *ranks, const struct projection *p,
                       struct err *owner)
{
    for (size_t i = 0; i < p->call_count && p->contact != NULL; i++) {
        add_told(calls, p, &p->calls[i], owner);
        add_status(ranks, p, &p->calls[i], owner);
    }
}
