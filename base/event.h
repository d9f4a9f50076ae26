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
    EVENT_MESSAGE,  // a person wrote, tapped a quick reply, a list row or a template button
    EVENT_POSTBACK, // a person tapped a postback button, get started, an ice breaker
    EVENT_STATUS,   // WhatsApp: sent, delivered, read, failed of a message of ours
    EVENT_ECHO,     // Messenger, Instagram: a message sent from the account, by us or by others
    EVENT_OTHER,    // kept as received: `raw`
    EVENT_KIND_COUNT,
};
const char *event_kind_name(enum event_kind kind);
bool event_kind_parse(const char *name, enum event_kind *ret_kind);

enum { EVENT_ID_MAX = 512, EVENT_ALIASES_MAX = 4, EVENT_TEXT_MAX = 65536 };

struct event {
    enum platform platform;
    enum event_kind kind;
    char *type; // Meta's own word: "text", "interactive", "button", "image", the status, the field
                // …; may be NULL
    char *account; // Page id, Instagram account id, phone_number_id; a WABA id for account-level
                   // fields
    char *contact; // PSID, IGSID, wa_id or BSUID; NULL when the event belongs to no person
    char *aliases[EVENT_ALIASES_MAX]; // all the names the event gives the contact, `contact` first;
                                      // NULL-padded
    char *contact_name;               // profile name, when given
    char *id;                         // mid, wamid …; NULL when Meta gives none
    int64_t timestamp_ms;             // Meta's own time; 0 when there is none
    char *text;                       // what was written, or the title of what was tapped
    char *payload;      // developer payload of a quick reply, postback, list row, template button
    char *reply_to;     // id of the message this one answers
    cJSON *attachments; // array of {type, url?, …}, or NULL
    // Statuses and echoes
    char *status; // "sent", "delivered", "read", "played", "failed", "deleted" …
    char *
        callback_data; // biz_opaque_callback_data of a status, metadata of an echo: our attempt key
    char *app_id;      // the sending app of an echo
    cJSON *errors;     // array as received, or NULL
    // Of EVENT_OTHER: the element's bytes as received
    char *raw;
};

void event_deinit(struct event *event); // frees what it owns and zeroes it

// True for events that may start or advance a flow (message, postback).
bool event_wakes_flow(const struct event *event);
// True for events that only settle what we sent (status, echo): they travel the account's lane.
bool event_is_receipt(const struct event *event);

/*
 * What makes a redelivery the same event (section 1.5 of the platform reference): written to out as
 * a stable text. `raw`-hash based when Meta gives no id.
 */
void event_dedup_key(const struct event *event, char out[64]);

MUST_USE char *event_to_json(const struct event *event); // one line, no newline at the end
// Reads event_to_json's form; ret_event is the caller's storage.
MUST_USE bool event_from_json(const char *json, size_t len, struct event *ret_event,
                              struct err *err);

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
