// SPDX-License-Identifier: MIT
/*
 * The Graph API's messages endpoints: renders a canonical message for its platform, sends it once,
 * and classifies every answer (platform reference, section 5) into what the worker has to do.
 * Callback contract as in http.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/event.h"
#include "connectors/http.h"
#include "engine/engine.h"

struct graph;

struct graph_config {
    const char *facebook_url;  // default https://graph.facebook.com
    const char *instagram_url; // default https://graph.instagram.com
    const char *version;       // default v25.0
    int64_t timeout_ms;        // default 20000
};
MUST_USE struct graph *graph_new(struct http *http, const struct graph_config *config);
void graph_free(struct graph *graph);

// Whom to send as and to. Borrowed for the call.
struct graph_target {
    enum platform platform;
    const char *account; // Page id, Instagram account id, phone_number_id
    const char *token;   // secret
    const char *login;   // instagram: "facebook" or "instagram" (NULL = instagram)
    const char *page_id; // instagram by Facebook Login, or NULL
    const char *contact; // PSID, IGSID, wa_id or BSUID (renderer chooses `to` or `recipient`)
};

enum graph_outcome {
    GRAPH_SENT,          // accepted: message_id is set (of a message)
    GRAPH_RETRY_LATER,   // transient (R)
    GRAPH_SLOW_DOWN,     // rate limit (T)
    GRAPH_TOKEN_BAD,     // token or permission (K)
    GRAPH_WINDOW_CLOSED, // outside 24 h (W)
    GRAPH_UNREACHABLE,   // the contact cannot be reached (X)
    GRAPH_REQUEST_WRONG, // permanent for this message (P)
    GRAPH_BLOCKED,       // account blocked (A)
    GRAPH_AMBIGUOUS,     // may have been sent: no answer
    GRAPH_CANCELED,
};
const char *graph_outcome_name(enum graph_outcome outcome);

struct graph_result {
    enum graph_outcome outcome;
    const char *message_id; // mid or wamid of GRAPH_SENT
    int code, subcode;      // Meta's, 0 = none
    int http_status;
    int64_t retry_after_ms; // 0 = no hint
    const char *text;       // Meta's words or ours; "" when sent
};
typedef void (*graph_done_fn)(void *arg, const struct graph_result *result);

// What to say. Borrowed for the call.
struct graph_message {
    const char *text; // with `tree`: its words, for platforms that lack the kind; NULL = made of it
    const struct choice *choices; // of a text
    size_t choice_count;
    const cJSON *tree; // see engine/message.h, which it must fit; NULL: `text` with `choices`
};

/*
 * Sends one message: text with up to 13 (Messenger, Instagram: quick replies) or 10 (WhatsApp: 1-3
 * buttons, else a list) choices, or what `tree` is; docs/messages.md tells what each kind becomes.
 * `attempt_key` (≤ 256 bytes) goes out as metadata / biz_opaque_callback_data. Texts and titles are
 * cut to the platform's limits at a character boundary. Limits: reference, section 4. A reaction
 * and typing are no messages: GRAPH_SENT is then without message_id, and repeats do no harm.
 */
void graph_send(struct graph *graph, const struct graph_target *target,
                const struct graph_message *message, const char *attempt_key, graph_done_fn done,
                void *arg);

// WhatsApp: marks the message as read and shows "typing"; Messenger, Instagram: mark_seen is not
// part of it, typing_on. Best effort: repeats do no harm.
void graph_mark_read(struct graph *graph, const struct graph_target *target, const char *message_id,
                     graph_done_fn done, void *arg);

// The body alone, for tests: what graph_send would post. Caller deletes.
MUST_USE cJSON *graph_render(const struct graph_target *target, const struct graph_message *message,
                             const char *attempt_key);
