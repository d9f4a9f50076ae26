// SPDX-License-Identifier: MIT
/*
 * The Graph API's administrative reads: what Meta says of a token, of an app's webhook
 * subscriptions, of an account, and of who is subscribed to it. Only GETs; nothing is changed.
 * Callback contract as in http.h. One thread: the loop's.
 *
 * Shapes, and where they are from: debug_token, platform reference 5.7; an app's subscriptions and
 * subscribed_apps, reference 1.1 for the paths, Meta's Graph API pages for the answers; a WABA's
 * subscribed_apps and a phone number, Meta's OpenAPI file. What graph.instagram.com answers on
 * subscribed_apps is unknown: an entry without an app id counts as ours. Readers take whatever is
 * missing as "not said".
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "connectors/graph.h"

struct graph_admin;

// http is borrowed; its max_per_host is the bound of what is asked at once.
MUST_USE struct graph_admin *graph_admin_new(struct http *http, const struct graph_config *config);
void graph_admin_free(struct graph_admin *admin);

enum graph_host { GRAPH_FACEBOOK, GRAPH_INSTAGRAM };

struct graph_admin_answer {
    bool ok;            // 2xx and a JSON object without "error"
    const cJSON *json;  // borrowed for the call; NULL when no JSON object came
    int http_status;    // 0 = no answer
    int code, subcode;  // Meta's, 0 = none
    const char *text;   // why not: Meta's words or ours, tokens replaced by ***; "" when ok
    int64_t date_ms;    // the answer's Date header; 0 = none
    int64_t arrived_ms; // our clock at the answer
};
typedef void (*graph_admin_fn)(void *arg, const struct graph_admin_answer *answer);

// GET /{node}[/{edge}][?fields=…] with the account's token. token NULL: without any. edge, fields:
// NULL = none.
void graph_admin_get(struct graph_admin *admin, enum graph_host host, const char *node,
                     const char *edge, const char *fields, const char *token, graph_admin_fn done,
                     void *arg);

// The token of an app: "{app-id}|{app-secret}". Caller wipes and frees (secret_free).
MUST_USE char *graph_app_token(const char *app_id, const char *app_secret);
// GET /debug_token: `token` is what is asked about, `app_token` who asks.
void graph_debug_token(struct graph_admin *admin, const char *token, const char *app_token,
                       graph_admin_fn done, void *arg);

/* --- reading answers (pure) ------------------------------------------------------------------- */

struct graph_token {
    bool is_valid;
    const char *type;      // "PAGE", "USER", "SYSTEM_USER", "APP" …, or NULL
    char app_id[32];       // "" = not said
    int64_t expires_s;     // Unix time; 0 = never; -1 = not said
    int64_t data_access_s; // when access to the person's data ends, likewise
    const char *error;     // Meta's words when it is not valid, or NULL
    const cJSON *scopes;   // array of names, or NULL
    const cJSON *granular; // array of {scope, target_ids}, or NULL
};
// False when the answer has no `data`. Strings are borrowed from `json`.
MUST_USE bool graph_token_read(const cJSON *json, struct graph_token *ret_token);
bool graph_token_has_scope(const struct graph_token *token, const char *scope);
// The n-th object that the scope reaches, or NULL.
const char *graph_token_target(const struct graph_token *token, const char *scope, size_t n);

// An app's subscription to an object ("page" …), or NULL.
const cJSON *graph_subscription(const cJSON *json, const char *object);
// Whether `fields` (array of names or of {name}) holds the field.
bool graph_has_field(const cJSON *fields, const char *field);

/*
 * The entry of a subscribed_apps answer that is the app's, or NULL. app_id NULL: any. An entry that
 * names no app matches every one.
 */
const cJSON *graph_subscriber(const cJSON *json, const char *app_id);
