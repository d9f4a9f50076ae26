// SPDX-License-Identifier: MIT
/*
 * The documents of `chats`: the thread as a whole, and what is said in it beside Hookmill (see
 * projection.h, `beside`).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/event.h"
#include "base/json.h"
#include "base/mem.h"
#include "models/document.h"
#include "models/records.h"

static bson_oid_t chat_oid(const char *chat)
{
    char id[25];
    projection_chat_id(chat, id);
    return document_oid_of(id);
}

// The last message with a text, and when the person last wrote.
static void add_last(bson_t *set, const struct projection *p)
{
    const struct message_record *last = NULL, *last_in = NULL;
    for (size_t i = 0; i < p->message_count; i++) {
        if (p->messages[i].group != NULL)
            continue;
        if (p->messages[i].text != NULL)
            last = &p->messages[i];
        if (p->messages[i].inbound)
            last_in = &p->messages[i];
    }
    if (last != NULL) {
        document_add_str(set, "lastMessage", last->text);
        document_add_str(set, "lastMessageId", last->platform_id != NULL ? last->platform_id : "");
        BSON_APPEND_DATE_TIME(set, "lastMessageAt", last->at_ms);
        int64_t changed_ms = last->edited_ms > 0 ? last->edited_ms : last->at_ms;
        BSON_APPEND_DATE_TIME(set, "lastMessageChangedAt", changed_ms);
    }
    if (last_in != NULL)
        BSON_APPEND_DATE_TIME(set, "lastInboundAt", last_in->at_ms);
}

static void add_counters(bson_t *update, const struct projection *p)
{
    int64_t inbound = 0, all = (int64_t)p->message_count;
    for (size_t i = 0; i < p->message_count; i++)
        inbound += p->messages[i].inbound ? 1 : 0;
    BCON_APPEND(update, "$inc", "{", "messageCount", BCON_INT64(all), "inboundCount",
                BCON_INT64(inbound), "outboundCount", BCON_INT64(all - inbound), "}");
}

/* --- what flows recorded
 * ---------------------------------------------------------------------- */

// A flow gave the chat to people, and they still have it as far as this activation knows.
static bool is_handed_off(const struct projection *p)
{
    return p->people.handoff != NULL && json_get(p->people.handoff, "over") == NULL;
}

static void add_handoff(bson_t *set, const cJSON *handoff)
{
    bson_t part;
    document_add_str(set, "status", "handoff");
    BSON_APPEND_DOCUMENT_BEGIN(set, "handoff", &part);
    document_add_str(&part, "team", json_str(handoff, "team"));
    document_add_str(&part, "note", json_str(handoff, "note"));
    document_add_date(&part, "since", json_int(handoff, "at", 0));
    document_add_date(&part, "until", json_int(handoff, "until_ms", 0));
    document_add_str(&part, "nodeId", json_str(handoff, "node"));
    document_add_str(&part, "sessionId", json_str(handoff, "session"));
    bson_append_document_end(set, &part);
}

static void add_profile(bson_t *set, bson_t *unset, const cJSON *fields)
{
    static const char *const names[] = {"email", "phone"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[32];
        snprintf(path, sizeof(path), "customerProfile.%s", names[i]);
        document_add_str(set, path, json_str(fields, names[i]));
        if (cJSON_IsNull(json_get(fields, names[i])))
            document_add_str(unset, path, "");
    }
}

static void add_notes(bson_t *update, const cJSON *notes)
{
    if (notes == NULL)
        return;
    bson_t push, list, each;
    uint32_t count = 0;
    const cJSON *note;
    BSON_APPEND_DOCUMENT_BEGIN(update, "$push", &push);
    BSON_APPEND_DOCUMENT_BEGIN(&push, "notes", &list);
    BSON_APPEND_ARRAY_BEGIN(&list, "$each", &each);
    cJSON_ArrayForEach(note, notes) {
        bson_t item;
        char scratch[16];
        const char *index;
        bson_uint32_to_string(count++, &index, scratch, sizeof(scratch));
        bson_append_document_begin(&each, index, -1, &item);
        document_add_str(&item, "id", json_str(note, "id"));
        document_add_str(&item, "text", json_str(note, "text"));
        document_add_str(&item, "nodeId", json_str(note, "node"));
        document_add_str(&item, "sessionId", json_str(note, "session"));
        document_add_date(&item, "at", json_int(note, "at", 0));
        bson_append_document_end(&each, &item);
    }
    bson_append_array_end(&list, &each);
    BSON_APPEND_INT32(&list, "$slice", -CHAT_NOTES_MAX);
    bson_append_document_end(&push, &list);
    bson_append_document_end(update, &push);
}

// Another word that somebody gave the chat meanwhile (closed, converted) stays.
static void add_handed_back(struct batch *batch, const struct projection *p, struct err *owner)
{
    bson_oid_t oid = chat_oid(p->chat);
    const cJSON *handoff = p->people.handoff;
    const char *over = json_str(handoff, "over");
    batch_update(batch, owner,
                 BCON_NEW("_id", BCON_OID(&oid), "status", "handoff", "projected", "{", "$lte",
                          BCON_INT64(records_sequence(p)), "}"),
                 BCON_NEW("$set", "{", "status", "active", "handoff.over",
                          BCON_UTF8(over != NULL ? over : ""), "handoff.endedAt",
                          BCON_DATE_TIME(json_int(handoff, "at", p->at_ms)), "}"),
                 false);
}

// What a chat's document has from its beginning.
static void add_beginning(bson_t *part, const struct projection *p)
{
    char *key = records_account_key(p);
    bson_t list;
    document_add_str(part, "key", p->chat);
    document_add_str(part, "accountKey", key);
    document_add_str(part, "platform", platform_document_name(p->platform));
    document_add_str(part, "customerId", p->contact);
    BSON_APPEND_ARRAY_BEGIN(part, "participants", &list);
    document_add_str(&list, "0", p->account);
    document_add_str(&list, "1", p->contact);
    bson_append_array_end(part, &list);
    document_add_str(part, "type", "direct");
    if (!is_handed_off(p)) // else it is set
        document_add_str(part, "status", "active");
    BSON_APPEND_INT32(part, "leadScore", 0);
    BSON_APPEND_DATE_TIME(part, "createdAt", p->at_ms);
    free(key);
}

static void add_merged_chat(struct batch *batch, const struct projection *p, struct err *owner)
{
    bson_oid_t oid = chat_oid(p->merged_chat);
    batch_update(batch, owner, BCON_NEW("_id", BCON_OID(&oid)),
                 BCON_NEW("$set", "{", "status", "merged", "mergedInto", BCON_UTF8(p->chat), "}"),
                 false);
}

// A pause that a newer one replaced stays.
static void add_resumed(struct batch *batch, const struct projection *p, struct err *owner)
{
    bson_oid_t oid = chat_oid(p->chat);
    batch_update(batch, owner,
                 BCON_NEW("_id", BCON_OID(&oid), "pausedUntil", "{", "$lte",
                          BCON_DATE_TIME(p->resumed_ms), "}"),
                 BCON_NEW("$unset", "{", "pausedUntil", "", "}"), false);
}

void records_add_chat(struct batch *batch, const struct projection *p, struct err *owner)
{
    if (p->contact == NULL)
        return; // the account's lane is no thread
    bson_oid_t oid = chat_oid(p->chat);
    int64_t n = records_sequence(p);
    bson_t *filter = BCON_NEW("_id", BCON_OID(&oid), "epoch", "{", "$lte", BCON_INT64(p->epoch),
                              "}", "projected", "{", "$lt", BCON_INT64(n), "}");
    bson_t *update = bson_new(), set, unset = BSON_INITIALIZER, beginning;

    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &set);
    document_add_oid(&set, "userId", p->user_id);
    document_add_oid(&set, "accountId", p->account_id);
    document_add_str(&set, "customerName", p->contact_name);
    add_last(&set, p);
    add_profile(&set, &unset, p->people.fields);
    if (is_handed_off(p))
        add_handoff(&set, p->people.handoff);
    document_add_date(&set, "pausedUntil", p->paused_ms);
    BSON_APPEND_INT64(&set, "epoch", p->epoch);
    BSON_APPEND_INT64(&set, "projected", n);
    BSON_APPEND_DATE_TIME(&set, "updatedAt", p->at_ms);
    bson_append_document_end(update, &set);
    if (!bson_empty(&unset))
        BSON_APPEND_DOCUMENT(update, "$unset", &unset);
    bson_destroy(&unset);
    add_counters(update, p);
    add_notes(update, p->people.notes);
    BSON_APPEND_DOCUMENT_BEGIN(update, "$setOnInsert", &beginning);
    add_beginning(&beginning, p);
    bson_append_document_end(update, &beginning);
    batch_update(batch, owner, filter, update, true);
}

void records_add_chat_changes(struct batch *batch, const struct projection *p, struct err *owner)
{
    if (p->resumed_ms > 0)
        add_resumed(batch, p, owner);
    if (p->people.handoff != NULL && !is_handed_off(p))
        add_handed_back(batch, p, owner);
    if (p->merged_chat != NULL)
        add_merged_chat(batch, p, owner);
}

/* --- beside the chat
 * -------------------------------------------------------------------------- */

// One document, or none (*ret_doc NULL).
static bool find_one(struct db *db, const char *collection, bson_t *owned_filter,
                     bson_t *owned_opts, bson_t **ret_doc, struct err *err)
{
    *ret_doc = NULL;
    struct err why = {0};
    if (document_find(db, collection, owned_filter, owned_opts, collection, ret_doc, &why) ||
        why.code == ERR_NOT_FOUND)
        return true;
    *err = why;
    return false;
}

// A chat is named by one of the person's names, and the event may have given another.
static bool resolve_chat(struct db *db, struct projection *p, struct err *err)
{
    char *key = records_account_key(p);
    bson_t *filter = BCON_NEW("accountKey", BCON_UTF8(key), "aliases", BCON_UTF8(p->contact));
    bson_t *opts = BCON_NEW("sort", "{", "lastSeenAt", BCON_INT32(-1), "}", "limit", BCON_INT64(1));
    bson_t *doc;
    free(key);
    if (!find_one(db, "contacts", filter, opts, &doc, err))
        return false;
    const char *name = doc != NULL ? document_str(doc, "contactId") : NULL;
    if (name != NULL) {
        free(p->contact);
        free(p->chat);
        p->contact = x_dup(name);
        p->chat = chat_key(p->platform, p->account, name);
    }
    bson_destroy(doc);
    return true;
}

// Whether the message is one that is there already, under another _id.
static bool is_ours(struct db *db, const struct projection *p, const struct message_record *m,
                    bool *ret_ours, struct err *err)
{
    char *key = records_account_key(p);
    bson_oid_t oid = document_oid_of(m->id);
    bson_t *filter = BCON_NEW("accountKey", BCON_UTF8(key), "platformMessageId",
                              BCON_UTF8(m->platform_id != NULL ? m->platform_id : ""), "_id", "{",
                              "$ne", BCON_OID(&oid), "}");
    bson_t *doc;
    free(key);
    if (!find_one(db, "messages", filter, BCON_NEW("limit", BCON_INT64(1)), &doc, err))
        return false;
    *ret_ours = doc != NULL;
    bson_destroy(doc);
    return true;
}

// Behind what the chat's activations have written so far.
static bool order_beside(struct db *db, const struct projection *p, int64_t *ret_order,
                         struct err *err)
{
    bson_oid_t oid = chat_oid(p->chat);
    bson_t *doc;
    if (!find_one(
            db, "chats", BCON_NEW("_id", BCON_OID(&oid)),
            BCON_NEW("limit", BCON_INT64(1), "projection", "{", "projected", BCON_INT32(1), "}"),
            &doc, err))
        return false;
    int64_t projected = doc != NULL ? document_int(doc, "projected", 0) : 0;
    *ret_order = records_order(projected, 0x8000 + (records_sequence(p) & 0x7fff));
    bson_destroy(doc);
    return true;
}

// A chat that somebody else began has its document from here on; its first activation finds it.
static void add_chat_beside(struct batch *batch, const struct projection *p, bool ours,
                            struct err *owner)
{
    bson_oid_t oid = chat_oid(p->chat);
    bson_t *filter = BCON_NEW("_id", BCON_OID(&oid), "echoed", "{", "$not", "{", "$gte",
                              BCON_INT64(records_sequence(p)), "}", "}");
    bson_t *update = bson_new(), set, beginning;
    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &set);
    document_add_date(&set, "pausedUntil", p->paused_ms);
    BSON_APPEND_INT64(&set, "echoed", records_sequence(p));
    if (!ours)
        add_last(&set, p);
    bson_append_document_end(update, &set);
    if (!ours)
        add_counters(update, p);
    BSON_APPEND_DOCUMENT_BEGIN(update, "$setOnInsert", &beginning);
    document_add_oid(&beginning, "userId", p->user_id);
    document_add_oid(&beginning, "accountId", p->account_id);
    add_beginning(&beginning, p);
    BSON_APPEND_INT64(&beginning, "epoch", 0);
    BSON_APPEND_INT64(&beginning, "projected", 0);
    bson_append_document_end(update, &beginning);
    batch_update(batch, owner, filter, update, true);
}

bool records_store_beside(struct db *db, struct projection *p, struct err *owner, struct err *err)
{
    const struct message_record *m = p->message_count > 0 ? &p->messages[0] : NULL;
    bool ours = m == NULL;
    int64_t order;
    if (!resolve_chat(db, p, err) || (m != NULL && !is_ours(db, p, m, &ours, err)) ||
        !order_beside(db, p, &order, err))
        return false;
    struct batch messages, chats;
    batch_init(&messages, db, "messages");
    batch_init(&chats, db, "chats");
    if (!ours)
        batch_insert(&messages, owner, records_message(p, m, order));
    add_chat_beside(&chats, p, ours, owner);
    bool ok = batch_run(&messages, err);
    if (!ok)
        chats.count = 0; // only frees it
    return batch_run(&chats, err) && ok;
}
