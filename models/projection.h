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
    int64_t at_ms;
};

struct session_record {
    char id[37];
    char flow_id[25];
    int flow_version;
    char *status; // active, completed, abandoned, error
    char *node;   // current node
    cJSON *vars;
    char *error; // or NULL
    int64_t started_ms, ended_ms, active_ms;
    uint32_t steps;
};

struct projection {
    char account_id[25]; // integration
    char user_id[25];
    enum platform platform;
    char *account; // platform account id
    char *chat;    // chat key
    char *contact; // preferred alias
    char *aliases[EVENT_ALIASES_MAX];
    char *contact_name;
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
    cJSON *history; // array: inputs, steps, effect results; at most some MB; or NULL
    int64_t at_ms;
};
MUST_USE struct projection *projection_new(void);
struct message_record *projection_add_message(struct projection *p); // zeroed, borrowed
struct session_record *projection_add_session(struct projection *p);
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

// A receipt (status, echo): moves the status of one of our messages forward only, by platform id.
struct receipt {
    char *account;     // account key
    char *platform_id; // mid, wamid
    char *status;      // sent < failed < delivered < read < played; any other word changes nothing
    char *error;       // or NULL
    int64_t at_ms;
};
void receipt_deinit(struct receipt *receipt);
// The array (from x_calloc) and what is in it become the writer's.
void writer_receipts(struct writer *writer, struct receipt *owned_receipts, size_t count,
                     writer_done_fn done, void *arg);

// The last `limit` messages of a chat, oldest first, as a JSON array of {role: user|assistant,
// content}. Blocking.
MUST_USE bool messages_recent(struct db *db, const char *chat, int limit, cJSON **ret_messages,
                              struct err *err);
