// SPDX-License-Identifier: MIT
/*
 * One normalised inbound happening of a chat: what the listener makes, the mailbox stores, the
 * engine reads and `hookmill parse` prints. The JSON form is one line and loses nothing:
 *   {"platform":"whatsapp","kind":"message","type":"text","account":"1099…","contact":"5959…",
 *    "aliases":["5959…","PY.1349…"],"id":"wamid.…","timestamp":1790416800000,"text":"Hola","payload":null,…}
 * Members that are not set are left out, except text/payload of messages and postbacks (null).
 * An event owns all its strings. Not shared by threads.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum platform { PLATFORM_MESSENGER, PLATFORM_INSTAGRAM, PLATFORM_WHATSAPP, PLATFORM_COUNT };

// "messenger", "instagram", "whatsapp"
const char *platform_name(enum platform platform);
// The name above, or "facebook" (the documents' word for Messenger).
bool platform_parse(const char *name, enum platform *ret_platform);
// The word that the MongoDB documents use: "facebook", "instagram", "whatsapp".
const char *platform_document_name(enum platform platform);

enum event_kind {
    // A person did something in a chat
    EVENT_MESSAGE,    // wrote, sent media, a place, an order; tapped a quick reply, a list row, a
                      // template button
    EVENT_POSTBACK,   // tapped a postback button, get started, an ice breaker
    EVENT_REFERRAL,   // came into the thread by a link or an ad
    EVENT_OPTIN,      // agreed to be written to (plugin, marketing messages)
    EVENT_COMMENT,    // wrote under a post, a reel, a live video, an ad of the account
    EVENT_MENTION,    // named the account in a comment, a caption, a story
    EVENT_CALL,       // WhatsApp calls
    EVENT_EDIT,       // changed a message: `target`, new `text`
    EVENT_UNSEND,     // took a message back: `target`; what it said must be purged
    EVENT_LINKING,    // linked or unlinked an account of another site
    EVENT_CONTACT,    // changed the number or the id: the aliases are the old and the new names
    EVENT_PREFERENCE, // does (not) want marketing messages
    EVENT_FEEDBACK,   // judged an answer
    EVENT_REACTION,   // put an emoji on `target`; without `emoji` it was taken back
    // Somebody else did, for a chat
    EVENT_START,    // an operator or an API: start the flow `target`, with the object `data`
    EVENT_CALLBACK, // an external service: what a flow waits for, named `target`, with `data`
    EVENT_RESUME,   // an operator gives the chat back to its flow
    // What became of something sent
    EVENT_STATUS,   // WhatsApp: sent, delivered, read, failed of a message of ours
    EVENT_READ,     // Messenger, Instagram: `target` or everything up to `watermark_ms`
    EVENT_DELIVERY, // Messenger: likewise
    EVENT_ECHO,     // a message sent from the account: by us, another app, a person
    // About the account
    EVENT_ROUTING, // conversation routing: who controls the thread
    EVENT_FEED,    // a page's feed, beyond comments
    EVENT_GROUP,   // WhatsApp groups: life cycle, members, settings
    EVENT_ACCOUNT, // templates, quality, names, bans, policy
    EVENT_HISTORY, // of before the account was connected; triggers nothing
    EVENT_SYNC,    // the phone's contact book
    EVENT_ERROR,   // an error that belongs to no message
    EVENT_OTHER,   // not understood: kept as received, in `raw`
    EVENT_KIND_COUNT,
};
const char *event_kind_name(enum event_kind kind);
bool event_kind_parse(const char *name, enum event_kind *ret_kind);

enum { EVENT_ID_MAX = 512, EVENT_ALIASES_MAX = 6, EVENT_TEXT_MAX = 65536 };

struct event {
    enum platform platform;
    enum event_kind kind;
    char *type; // Meta's own word: "text", "interactive", "button", "image", the status, the field
                // …; may be NULL
    char *account; // Page id, Instagram account id, phone_number_id; a WABA id for account-level
                   // fields
    char *contact; // PSID, IGSID, wa_id or BSUID; NULL when the event belongs to no person
    char *aliases[EVENT_ALIASES_MAX]; // all the names the event gives the contact, `contact` first
                                      // (a change of number: the old ones first); NULL-padded
    char *contact_name;               // profile name, when given
    char *id;                         // mid, wamid …; NULL when Meta gives none
    int64_t timestamp_ms;             // Meta's own time; 0 when there is none
    char *text;                       // what was written, or the title of what was tapped
    char *payload;      // developer payload of a quick reply, postback, list row, template button
    char *reply_to;     // id of the message this one answers
    cJSON *attachments; // array of {type, url?, …}, Meta's other members beside them, or NULL
    char *target; // id of what the event is about: the message reacted to, edited, taken back,
                  // read; the post or media of a comment; the call
    char *parent; // of a comment: the comment it answers
    char *emoji;  // of a reaction; Meta's word for it ("love") where it gives no emoji
    char *group;  // WhatsApp: id of the group; `contact` is then the participant
    int64_t watermark_ms; // of reads and deliveries: everything up to then; 0 = none
    bool standby;         // another app controls the thread: to be seen, never answered
    // Statuses and echoes
    char *status;        // "sent", "delivered", "read", "played", "failed", "deleted" …
    char *callback_data; // biz_opaque_callback_data of a status, metadata of an echo: our attempt
                         // key
    char *app_id;        // the sending app of an echo; NULL = a person, in an inbox or on the phone
    cJSON *errors;       // array as received, or NULL
    // JSON as received, one object or array each
    char *data; // the kind's own object: `reaction`, `order`, `location`, `system`, `pricing` …
    char *context;  // what it answers or was forwarded from: `context`, `reply_to`
    char *referral; // the link or ad it came from
    char *raw;      // of EVENT_OTHER: the whole element
    // Of the listener
    char *delivery; // id of the delivery that brought it, for logs
};

void event_deinit(struct event *event); // frees what it owns and zeroes it

/*
 * Where events of a kind go, by the table in event.c. Those of a chat wait in its mailbox, in
 * order; the others travel the account's lane, which no chat can block. Only what a person does in
 * a chat can wake a flow; standby events, group messages and history never do.
 */
bool event_starts_flow(const struct event *event);  // message, postback, referral, optin, start
bool event_resumes_flow(const struct event *event); // message, postback
bool event_takes_lane(const struct event *event);   // no contact, or a kind that does not wait
// Settles or updates what was sent, and moves forward only: status, read, delivery, echo. Needs no
// memory of what was seen.
bool event_is_receipt(const struct event *event);

/*
 * What makes a redelivery the same event (section 1.5 of the platform reference), by the table in
 * event_identity.c: account, kind, and what identifies an event of that kind. A message is its id,
 * an edit its message and number, an unsent message its target, a reaction its message, person,
 * action, emoji and time, a comment its id, field, verb and text; what has no id is its time and
 * content.
 *
 * `standby` is no part of it: Meta gives one event to an app once, in messaging[] or in standby[].
 * Should a message come in both, it is one message, and the first to arrive counts. A postback in
 * standby[] lacks its payload; content counts for postbacks, so such a one never hides the whole
 * one, which may be answered.
 */
void event_dedup_key(const struct event *event, char out[64]);

MUST_USE char *event_to_json(const struct event *event); // one line, no newline at the end
// Reads event_to_json's form; ret_event is the caller's storage.
MUST_USE bool event_from_json(const char *json, size_t len, struct event *ret_event,
                              struct err *err);

/*
 * Contact names starting with '@' are user names: people change them and take over others', so they
 * find a chat only when nothing better is given, and never join two.
 */
bool alias_is_weak(const char *alias);

/*
 * "platform:account", the name of an account in Redis and logs, and "platform:account:alias", the
 * name of a chat. A chat named "platform:account:~" is the account's lane of receipts and
 * account-level events. Callers free.
 */
MUST_USE char *account_key(enum platform platform, const char *account);
MUST_USE char *chat_key(enum platform platform, const char *account, const char *alias);
bool chat_key_is_lane(const char *chat);
// Splits a chat or account key: ret_account and ret_alias (NULL for an account key) are new
// strings.
MUST_USE bool chat_key_split(const char *key, enum platform *ret_platform, char **ret_account,
                             char **ret_alias);
