// SPDX-License-Identifier: MIT
/*
 * The writes of each kind of receipt. A status, an edit and the reactions of a message wait in a
 * document each, under an _id derived from account, kind and message; "up to" waits under account,
 * status and contact.
 */
#include "models/receipt_update.h"

#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/mem.h"
#include "models/document.h"
#include "models/receipt.h"

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

enum { RECEIPT_DAYS = 7 };

// A status is the first part of its _id as "receipt", as it was before there were other kinds.
static const char *const kind_names[] = {
    [RECEIPT_STATUS] = "receipt", [RECEIPT_UP_TO] = "upto",    [RECEIPT_REACTION] = "reactions",
    [RECEIPT_EDIT] = "edit",      [RECEIPT_UNSEND] = "unsend",
};

void receipt_work_open(struct receipt_work *work, struct db *db)
{
    static const char *const collections[RECEIPT_BATCHES] = {
        [WAITING] = "receipts",
        [WAITING_REACTIONS] = "receipts",
        [MESSAGES] = "messages",
        [MESSAGES_REACTIONS] = "messages",
        [CHATS] = "chats",
        [HISTORY] = "session_history",
        [SESSIONS] = "chat_sessions",
    };
    for (size_t i = 0; i < RECEIPT_BATCHES; i++)
        batch_init(&work->batches[i], db, collections[i]);
}

bool receipt_work_run(struct receipt_work *work, bool go, struct err *err)
{
    for (size_t i = 0; i < RECEIPT_BATCHES; i++) {
        if (!go)
            work->batches[i].count = 0; // only frees it
        go = batch_run(&work->batches[i], err) && go;
    }
    return go;
}

/* --- waiting
 * ---------------------------------------------------------------------------------- */

static void wait_id(const struct receipt *r, char out[25])
{
    if (r->kind == RECEIPT_UP_TO)
        id_oid(out, kind_names[r->kind], r->account, r->status, r->contact, NULL);
    else
        id_oid(out, kind_names[r->kind], r->account, r->platform_id, NULL);
}

void receipt_ids_of_message(const char *account, const char *platform_id, receipt_id_fn fn,
                            void *arg)
{
    static const enum receipt_kind kinds[] = {RECEIPT_STATUS, RECEIPT_REACTION, RECEIPT_EDIT,
                                              RECEIPT_UNSEND};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct receipt r = {
            .kind = kinds[i], .account = (char *)account, .platform_id = (char *)platform_id};
        char id[25];
        wait_id(&r, id);
        fn(arg, id);
    }
}

void receipt_ids_up_to(const char *account, const char *contact, receipt_id_fn fn, void *arg)
{
    static const char *const words[] = {"delivered", "read"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const struct receipt r = {.kind = RECEIPT_UP_TO,
                                  .account = (char *)account,
                                  .contact = (char *)contact,
                                  .status = (char *)words[i]};
        char id[25];
        wait_id(&r, id);
        fn(arg, id);
    }
}

// Where a waiting document belongs and how long it is kept.
static void add_wait_place(bson_t *set, const struct receipt *r)
{
    document_add_str(set, "kind", kind_names[r->kind]);
    document_add_str(set, "accountKey", r->account);
    document_add_str(set, "platformMessageId", r->platform_id);
    document_add_str(set, "chat", r->chat);
    BSON_APPEND_DATE_TIME(set, "expireAt", clock_wall_ms() + RECEIPT_DAYS * DAY_MS);
}

static void wait_status(struct batch *batch, struct err *owner, const struct receipt *r,
                        const bson_oid_t *id)
{
    int rank = receipt_rank(r->status);
    bson_t *filter = BCON_NEW("_id", BCON_OID(id), "statusRank", "{", "$lt", BCON_INT32(rank), "}");
    bson_t *update = bson_new(), set;
    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &set);
    add_wait_place(&set, r);
    document_add_str(&set, "status", r->status);
    BSON_APPEND_INT32(&set, "statusRank", rank);
    document_add_date(&set, "at", r->at_ms);
    document_add_str(&set, "error", r->error);
    bson_append_document_end(update, &set);
    batch_update(batch, owner, filter, update, true);
}

// An edit, an unsending, or "up to": the latest counts.
static void wait_latest(struct batch *batch, struct err *owner, const struct receipt *r,
                        const bson_oid_t *id)
{
    bson_t *filter = BCON_NEW("_id", BCON_OID(id), "at", "{", "$not", "{", "$gt",
                              BCON_DATE_TIME(r->at_ms), "}", "}");
    bson_t *update = bson_new(), set;
    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &set);
    add_wait_place(&set, r);
    document_add_str(&set, "contact", r->contact);
    document_add_str(&set, "status", r->status);
    document_add_str(&set, "text", r->text);
    document_add_json(&set, "attachments", r->attachments);
    BSON_APPEND_DATE_TIME(&set, "at", r->at_ms);
    bson_append_document_end(update, &set);
    batch_update(batch, owner, filter, update, true);
}

// Takes the person's older reaction away and puts the new one, if there is any. The filters are
// destroyed.
static void react(struct batch *first, struct batch *second, struct err *owner,
                  const struct receipt *r, bson_t *owned_filter, bool waiting)
{
    bson_t *filter = bson_copy(owned_filter);
    bson_t *pull = BCON_NEW("$pull", "{", "reactions", "{", "by", BCON_UTF8(r->contact), "at", "{",
                            "$lte", BCON_DATE_TIME(r->at_ms), "}", "}", "}");
    if (waiting) {
        bson_t set;
        BSON_APPEND_DOCUMENT_BEGIN(pull, "$set", &set);
        add_wait_place(&set, r);
        bson_append_document_end(pull, &set);
    }
    batch_update(first, owner, owned_filter, pull, waiting);
    if (r->emoji == NULL) {
        bson_destroy(filter);
        return;
    }
    BCON_APPEND(filter, "reactions.by", "{", "$ne", BCON_UTF8(r->contact), "}");
    bson_t *push = BCON_NEW("$push", "{", "reactions", "{", "by", BCON_UTF8(r->contact), "emoji",
                            BCON_UTF8(r->emoji), "at", BCON_DATE_TIME(r->at_ms), "}", "}");
    batch_update(second, owner, filter, push, false);
}

void receipt_wait(struct receipt_work *work, struct err *owner, const struct receipt *r)
{
    char id[25];
    wait_id(r, id);
    bson_oid_t oid = document_oid_of(id);
    if (r->kind == RECEIPT_STATUS)
        wait_status(&work->batches[WAITING], owner, r, &oid);
    else if (r->kind == RECEIPT_REACTION)
        react(&work->batches[WAITING], &work->batches[WAITING_REACTIONS], owner, r,
              BCON_NEW("_id", BCON_OID(&oid)), true);
    else
        wait_latest(&work->batches[WAITING], owner, r, &oid);
}

/* --- messages
 * --------------------------------------------------------------------------------- */

static bson_t *of_message(const struct receipt *r)
{
    return BCON_NEW("accountKey", BCON_UTF8(r->account), "platformMessageId",
                    BCON_UTF8(r->platform_id));
}

static bson_oid_t chat_oid(const struct receipt *r)
{
    char id[25];
    projection_chat_id(r->chat, id);
    return document_oid_of(id);
}

static bson_t *status_update(const struct receipt *r)
{
    bson_t *update = bson_new(), set;
    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &set);
    document_add_str(&set, "status", r->status);
    BSON_APPEND_INT32(&set, "statusRank", receipt_rank(r->status));
    document_add_date(&set, "statusAt", r->at_ms);
    document_add_str(&set, "error", r->error);
    bson_append_document_end(update, &set);
    if (r->error == NULL && strcmp(r->status, "failed") != 0)
        BCON_APPEND(update, "$unset", "{", "error", BCON_UTF8(""), "}"); // delivered after all
    return update;
}

static void change_status(struct batch *batch, struct err *owner, const struct receipt *r)
{
    bson_t *filter = of_message(r);
    BCON_APPEND(filter, "statusRank", "{", "$lt", BCON_INT32(receipt_rank(r->status)), "}");
    batch_update(batch, owner, filter, status_update(r), false);
}

// What never left has no platform id, and what failed was not read by being older.
static void change_up_to(struct batch *batch, struct err *owner, const struct receipt *r)
{
    if (r->chat == NULL)
        return;
    bson_oid_t chat = chat_oid(r);
    bson_t *filter = BCON_NEW(
        "chatId", BCON_OID(&chat), "timestamp", "{", "$lte", BCON_DATE_TIME(r->at_ms), "}",
        "direction", "out", "platformMessageId", "{", "$exists", BCON_BOOL(true), "}", "statusRank",
        "{", "$lt", BCON_INT32(receipt_rank(r->status)), "}", "status", "{", "$ne", "failed", "}");
    batch_update_all(batch, owner, filter, status_update(r), NULL);
}

static void change_edit(struct receipt_work *work, struct err *owner, const struct receipt *r)
{
    const char *text = r->text != NULL ? r->text : "";
    bson_t *filter = of_message(r);
    BCON_APPEND(filter, "editedAt", "{", "$not", "{", "$gt", BCON_DATE_TIME(r->at_ms), "}", "}",
                "deletedAt", "{", "$exists", BCON_BOOL(false), "}");
    bson_t *update = bson_new(), set;
    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &set);
    document_add_str(&set, "content", text);
    document_add_str(&set, "message", text);
    document_add_json(&set, "attachments", r->attachments);
    BSON_APPEND_BOOL(&set, "edited", true);
    BSON_APPEND_DATE_TIME(&set, "editedAt", r->at_ms);
    bson_append_document_end(update, &set);
    batch_update(&work->batches[MESSAGES], owner, filter, update, false);
    if (r->chat == NULL)
        return;
    bson_oid_t chat = chat_oid(r);
    filter = BCON_NEW("_id", BCON_OID(&chat), "lastMessageId", BCON_UTF8(r->platform_id),
                      "lastMessageChangedAt", "{", "$not", "{", "$gt", BCON_DATE_TIME(r->at_ms),
                      "}", "}");
    update = BCON_NEW("$set", "{", "lastMessage", BCON_UTF8(text), "lastMessageChangedAt",
                      BCON_DATE_TIME(r->at_ms), "}");
    batch_update(&work->batches[CHATS], owner, filter, update, false);
}

/* --- taking back
 * ------------------------------------------------------------------------------ */

// An $unset of these members of one place, e.g. "entries.$[e].event.".
static bson_t *words_unset(const char *place)
{
    static const char *const words[] = {"text", "payload", "attachments",
                                        "data", "context", "referral"};
    bson_t *update = bson_new(), unset;
    BSON_APPEND_DOCUMENT_BEGIN(update, "$unset", &unset);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        char *path = x_printf("%s%s", place, words[i]);
        document_add_str(&unset, path, "");
        free(path);
    }
    bson_append_document_end(update, &unset);
    return update;
}

// The history's entries where `member` is the message lose the words at `place`.
static void purge_entries(struct receipt_work *work, struct err *owner, const struct receipt *r,
                          const char *member, const char *place)
{
    bson_oid_t chat = chat_oid(r);
    char *path = x_printf("entries.%s", member), *element = x_printf("e.%s", member);
    bson_t *filter = BCON_NEW("chatId", BCON_OID(&chat), path, BCON_UTF8(r->platform_id));
    bson_t *array_filters = BCON_NEW("0", "{", element, BCON_UTF8(r->platform_id), "}");
    batch_update_all(&work->batches[HISTORY], owner, filter, words_unset(place), array_filters);
    free(path);
    free(element);
}

// Where the words of a chat's message are beside the message itself.
static void purge_chat(struct receipt_work *work, struct err *owner, const struct receipt *r)
{
    bson_oid_t chat = chat_oid(r);
    batch_update(&work->batches[CHATS], owner,
                 BCON_NEW("_id", BCON_OID(&chat), "lastMessageId", BCON_UTF8(r->platform_id)),
                 BCON_NEW("$set", "{", "lastMessage", "", "lastMessageId", "", "}"), false);
    purge_entries(work, owner, r, "event.id", "entries.$[e].event.");
    purge_entries(work, owner, r, "event.target", "entries.$[e].event."); // its edits
    purge_entries(work, owner, r, "id", "entries.$[e].");                 // sent by us
    bson_t *update = words_unset("variables.event.");
    BCON_APPEND(update, "$set", "{", "variables.last", "{", "}", "}");
    batch_update_all(
        &work->batches[SESSIONS], owner,
        BCON_NEW("chatId", BCON_OID(&chat), "variables.event.id", BCON_UTF8(r->platform_id)),
        update, NULL);
}

static void change_unsend(struct receipt_work *work, struct err *owner, const struct receipt *r)
{
    bson_t *update = words_unset("");
    BCON_APPEND(update, "$set", "{", "content", "", "message", "", "deleted", BCON_BOOL(true),
                "deletedAt", BCON_DATE_TIME(r->at_ms), "}");
    batch_update_all(&work->batches[MESSAGES], owner, of_message(r), update, NULL);
    if (r->chat != NULL)
        purge_chat(work, owner, r);
}

void receipt_change(struct receipt_work *work, struct err *owner, const struct receipt *r)
{
    switch (r->kind) {
    case RECEIPT_STATUS:
        change_status(&work->batches[MESSAGES], owner, r);
        return;
    case RECEIPT_UP_TO:
        change_up_to(&work->batches[MESSAGES], owner, r);
        return;
    case RECEIPT_REACTION:
        react(&work->batches[MESSAGES], &work->batches[MESSAGES_REACTIONS], owner, r, of_message(r),
              false);
        return;
    case RECEIPT_EDIT:
        change_edit(work, owner, r);
        return;
    case RECEIPT_UNSEND:
        change_unsend(work, owner, r);
        return;
    }
}

/* --- from waiting to message
 * ------------------------------------------------------------------ */

static enum receipt_kind kind_of(const bson_t *doc)
{
    const char *name = document_str(doc, "kind");
    for (size_t i = 0; name != NULL && i < sizeof(kind_names) / sizeof(kind_names[0]); i++) {
        if (strcmp(kind_names[i], name) == 0)
            return (enum receipt_kind)i;
    }
    return RECEIPT_STATUS;
}

static void change_waiting_reactions(struct receipt_work *work, struct err *owner,
                                     const bson_t *doc, struct receipt *r)
{
    bson_iter_t it, item;
    if (!bson_iter_init_find(&it, doc, "reactions") || !bson_iter_recurse(&it, &item))
        return;
    while (bson_iter_next(&item)) {
        bson_t entry;
        const uint8_t *data = NULL;
        uint32_t len = 0;
        if (BSON_ITER_HOLDS_DOCUMENT(&item))
            bson_iter_document(&item, &len, &data);
        if (data == NULL || !bson_init_static(&entry, data, len))
            continue;
        r->contact = (char *)document_str(&entry, "by");
        r->emoji = (char *)document_str(&entry, "emoji");
        r->at_ms = document_int(&entry, "at", 0);
        if (r->contact != NULL)
            receipt_change(work, owner, r);
    }
}

// The member as JSON, or NULL.
static cJSON *json_member(const bson_t *doc, const char *name)
{
    cJSON *json = NULL, *member = NULL;
    struct err err = {0};
    if (document_has(doc, name) && document_to_json(doc, &json, &err))
        member = cJSON_DetachItemFromObjectCaseSensitive(json, name);
    cJSON_Delete(json);
    return member;
}

void receipt_change_waiting(struct receipt_work *work, struct err *owner, const bson_t *doc)
{
    struct receipt r = {
        .kind = kind_of(doc),
        .account = (char *)document_str(doc, "accountKey"),
        .platform_id = (char *)document_str(doc, "platformMessageId"),
        .chat = (char *)document_str(doc, "chat"),
        .contact = (char *)document_str(doc, "contact"),
        .status = (char *)document_str(doc, "status"),
        .error = (char *)document_str(doc, "error"),
        .text = (char *)document_str(doc, "text"),
        .at_ms = document_int(doc, "at", 0),
    };
    bool by_status = r.kind == RECEIPT_STATUS || r.kind == RECEIPT_UP_TO;
    if (r.account == NULL || (r.kind != RECEIPT_UP_TO && r.platform_id == NULL) ||
        (by_status && receipt_rank(r.status) <= 0))
        return;
    if (r.kind == RECEIPT_REACTION) {
        change_waiting_reactions(work, owner, doc, &r);
        return;
    }
    r.attachments = r.kind == RECEIPT_EDIT ? json_member(doc, "attachments") : NULL;
    receipt_change(work, owner, &r);
    cJSON_Delete(r.attachments);
}
