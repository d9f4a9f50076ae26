// SPDX-License-Identifier: MIT
/*
 * What one activation leaves in MongoDB: pure data, and the batching writer that stores it.
 *
 * Messages are unordered inserts under ids derived from event and step: a duplicate key is success.
 * Chats and sessions are updated only where `epoch ≤ mine and projected < n`, counters in the same
 * update, so that a late or repeated write changes nothing (design P5); a session, which has no
 * counters, may be written again under the same n. history is inserted under an id derived from
 * chat and n. Strings in these structs are owned by the projection.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event.h"
#include "models/store.h"

struct message_record {
    char id[25]; // derived: id_oid(chat, event id or "session:seq:part")
    bool inbound;
    char *text;         // may be NULL
    char *type;         // text, interactive, button, postback, quick_reply, image …
    char *platform_id;  // mid, wamid; NULL when Meta gave none
    char *payload;      // or NULL
    char *node;         // outbound: the node that spoke
    char *session;      // outbound: session id
    char *status;       // outbound: accepted, failed, unknown; inbound: received
    char *error;        // or NULL
    cJSON *attachments; // or NULL
    char *model;        // of an AI's text, or NULL
    char *sender;       // outbound: NULL = the flow; "agent" (a person), or the app's id
    char *reply_to;     // platform id of the message that this one answers, or NULL
    char *group;        // of a group's message: no part of the chat's last message and memory
    cJSON *data;        // what a message without words says (a place, an order …), or NULL
    cJSON *metadata;    // {delivery, kind, target …}, or NULL
    int64_t at_ms;
    int64_t edited_ms;  // 0 = never; the text is the new one
    int64_t deleted_ms; // 0 = it stands; else what it said is gone
};

struct session_record {
    char id[37];
    char flow_id[25];
    int flow_version;
    char *status; // active, completed, abandoned, error, ended
    char *node;   // current node
    cJSON *vars;
    char *outcome; // the flow's own word for how it ended, or NULL
    char *error;   // or NULL
    int64_t started_ms, ended_ms, active_ms;
    uint32_t steps;
    bool merged; // of a chat that became part of this one: ends it unless it had ended
};

// In their order: what a later word says of a call never makes it less.
enum call_status {
    CALL_RINGING = 1,
    CALL_MISSED,   // it ended and nobody had taken it
    CALL_REJECTED, // the called one refused
    CALL_ANSWERED, // under way, or ended without a word on how long it was
    CALL_ENDED,
    CALL_STATUS_COUNT,
};

// What the platform told of a call at one moment.
struct call_record {
    char *id; // the platform's, of the call
    enum call_status status;
    bool inbound;   // the person calls
    char *word;     // connect, terminate, ringing …
    char *reason;   // the platform's word for how it ended, or NULL
    cJSON *payload; // as told, without the media session; or NULL
    int64_t at_ms;
    int64_t answered_ms, ended_ms; // 0 = not told
    int64_t duration_s;
};

/*
 * What is learned of a message that may be in MongoDB already, or be about to come: it is found by
 * account and platform id. Each takes effect in either order with the message's own record, and
 * nothing changes when it comes twice or late.
 */
enum receipt_kind {
    RECEIPT_STATUS,   // moves the status of a message of ours forward
    RECEIPT_UP_TO,    // the same for all that was sent to `contact` up to at_ms
    RECEIPT_REACTION, // `contact` put `emoji` on the message; NULL: took it back
    RECEIPT_EDIT,     // the message now says `text`
    RECEIPT_UNSEND,   // the message was taken back: what it said is purged
};
struct receipt {
    enum receipt_kind kind;
    char *account;      // account key
    char *platform_id;  // mid, wamid; not of UP_TO
    char *chat;         // chat key, of EDIT and UNSEND: where its words may be as well; or NULL
    char *contact;      // UP_TO, REACTION
    char *status;       // sent < failed < delivered < read < played; any other word changes nothing
    char *error;        // or NULL
    char *emoji;        // REACTION
    char *text;         // EDIT
    cJSON *attachments; // EDIT: the new ones, or NULL
    int64_t at_ms;
};
void receipt_deinit(struct receipt *receipt);

/*
 * What flows recorded with their nodes contact, tag, note and handoff, all of an activation's
 * updates folded into one. Each may be NULL.
 */
struct people_record {
    cJSON *fields;  // object: contact's fields, null = removed; customFields among them
    cJSON *tags;    // object: tag → true (put on) or false (taken off)
    cJSON *notes;   // array of {id, text, node, session, at}
    cJSON *handoff; // the last word: {team?, note?, until_ms?, node, session, at} or {over, at}
};

enum { PROJECTION_ALIASES_MAX = 24 };

struct projection {
    char account_id[25]; // integration
    char user_id[25];
    enum platform platform;
    char *account; // platform account id
    char *chat;    // chat key
    char *contact; // preferred alias
    char *aliases[PROJECTION_ALIASES_MAX];
    char *contact_name;
    char *address;        // where the chat's messages go, unless that is `contact`
    cJSON *contact_facts; // fields that the contact's document gets: preference, linking; or NULL
    struct people_record people; // what flows recorded of the person and for the operators
    char *merged_chat;           // a chat that became part of this one, or NULL
    int64_t epoch;
    int64_t done; // the number of the last event this holds
    /*
     * Grows by one with each activation of the chat that ends, and is the same when that activation
     * is run again after a death (so it lives in the chat's state): what `projected` holds and the
     * history's id is derived from. An activation that a timer started has no event of its own;
     * without this number it could not be told from the one before it. 0 = use `done`.
     */
    int64_t sequence;
    struct message_record *messages;
    size_t message_count;
    struct session_record *sessions; // sessions this activation touched, in order
    size_t session_count;
    struct call_record *calls; // what was told of calls, in order
    size_t call_count;
    struct receipt *receipts; // what people did to messages; applied after `messages` are stored
    size_t receipt_count;
    cJSON *history;        // array: inputs, steps, effect results; at most some MB; or NULL
    const char *zone_data; // version of the time zones that the steps calculated with; static
    int64_t at_ms;
    int64_t paused_ms;  // until when the flow stays silent; 0 = it may speak
    int64_t resumed_ms; // a pause that was to last until then is over; 0 = none
    /*
     * Seen from the account's lane, beside the chat's activations: one message that somebody else
     * sent to `contact` (any name of theirs), and the pause that it began. `sequence` rises with
     * each. It is left out when the message turns out to be one of ours.
     */
    bool beside;
};
MUST_USE struct projection *projection_new(void);
struct message_record *projection_add_message(struct projection *p); // zeroed, borrowed
struct session_record *projection_add_session(struct projection *p);
struct call_record *projection_add_call(struct projection *p);
// Folds one update of a flow into the projection: the form of effect->change. `id` names it.
struct people_update {
    const char *id, *node, *session;
    int64_t at_ms;
};
void projection_add_update(struct projection *p, const cJSON *change,
                           const struct people_update *update);
struct receipt *projection_add_receipt(struct projection *p); // with account and chat
void projection_free(struct projection *p);

// The _id of a chat's document.
void projection_chat_id(const char *chat, char out[25]);

/*
 * The writer groups the projections of many chats into one bulk operation per collection every few
 * milliseconds. Loop thread. `done` fires when everything of that projection is stored; while
 * MongoDB is away it is tried again with back-off for as long as it takes (ERR_CANCELED at
 * writer_free). A document that MongoDB refuses for itself (too large, validator) is reported as
 * ERR_INPUT with MongoDB's words; its neighbours are stored.
 */
struct writer;
typedef void (*writer_done_fn)(void *arg, const struct err *err);
MUST_USE struct writer *writer_new(struct event_base *base, struct store *store,
                                   unsigned linger_ms);
void writer_free(struct writer *writer); // what is not stored yet fires with ERR_CANCELED
// How long session_history is kept from now on (default 90 days).
uint64_t writer_flushes(const struct writer *writer); // batches stored so far
void writer_set_history_days(struct writer *writer, int64_t days);
void writer_project(struct writer *writer, struct projection *owned_projection, writer_done_fn done,
                    void *arg);

// The array (from x_calloc) and what is in it become the writer's.
void writer_receipts(struct writer *writer, struct receipt *owned_receipts, size_t count,
                     writer_done_fn done, void *arg);

// The last `limit` messages of a chat, oldest first, as a JSON array of {role: user|assistant,
// content}. Blocking.
MUST_USE bool messages_recent(struct db *db, const char *chat, int limit, cJSON **ret_messages,
                              struct err *err);
