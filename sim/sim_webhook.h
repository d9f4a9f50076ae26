// SPDX-License-Identifier: MIT
/*
 * Deliveries as Meta makes them: one person's message, tap or postback, a WhatsApp status, an echo,
 * wrapped in the platform's envelope, written in Meta's escaped form (\u00e9, \/), and signed. Pure
 * but for ids and times that the caller leaves out. Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/event.h"

enum sim_message_kind {
    SIM_TEXT,         // a person wrote
    SIM_POSTBACK,     // Messenger, Instagram: a tap on a postback button
    SIM_QUICK_REPLY,  // Messenger, Instagram
    SIM_BUTTON_REPLY, // WhatsApp: a tap on a reply button
    SIM_LIST_REPLY,   // WhatsApp: a row of a list
    SIM_BUTTON,       // WhatsApp: a tap on a template's quick-reply button
    SIM_STATUS,       // WhatsApp: what became of a message of ours
    SIM_ECHO,         // Messenger, Instagram: a message of ours
};
// "text", "postback", "quick_reply", "button_reply", "list_reply", "button", "status", "echo";
// false when none.
bool sim_message_kind_parse(const char *name, enum sim_message_kind *ret_kind);

// All strings are borrowed; what may be NULL says so.
struct sim_message {
    enum platform platform;
    enum sim_message_kind kind;
    const char *url;     // of the webhook, for sim_send()
    const char *secret;  // the app's, for sim_send()
    const char *account; // Page id, Instagram account id, phone_number_id
    const char *from;    // PSID, IGSID, wa_id or BSUID; of a status or an echo: to whom we sent
    const char *name;    // profile name (WhatsApp), or NULL
    const char *text;    // what was written, or the title of what was tapped; or NULL
    const char *payload; // payload or id of what was tapped; or NULL
    const char *id; // mid or wamid; NULL = a new one (not for a status: the id of the message sent)
    const char *status; // SIM_STATUS: "sent", "delivered", "read", "failed"; NULL = "delivered"
    const char
        *attempt; // SIM_STATUS, SIM_ECHO: callback data or metadata that the send had; or NULL
    int64_t timestamp_ms; // 0 = now
};

// The body; caller frees. A kind that the platform does not have becomes its nearest (a text, a
// tap).
MUST_USE char *sim_webhook_body(const struct sim_message *message);

enum { SIM_SIGNATURE_SIZE = 72 };
// The value of X-Hub-Signature-256: "sha256=" and 64 hex digits.
void sim_webhook_signature(const char *secret, const void *body, size_t len,
                           char out[SIM_SIGNATURE_SIZE]);
