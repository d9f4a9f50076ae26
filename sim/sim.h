// SPDX-License-Identifier: MIT
/*
 * The simulator: an HTTP server that stands in for the Graph API's messages endpoints (Messenger,
 * Instagram, WhatsApp) and Groq's chat completions. The maker and the sender of signed webhooks are
 * in sim_webhook.h and send.h.
 *
 *   POST /{version}/{account}/messages   the Graph API, both hosts: a base URL that ends in
 *                                        /instagram or an account id "17841…" is Instagram.
 *                                        Tokens "wrong…" and "expired…" are refused
 *   GET  /{version}/debug_token, /{app-id}/subscriptions, /{id}/subscribed_apps, /{id}, /me
 *                                        the administrative reads; debug_token tells even of
 *                                        tokens "wrong…" and "expired…"
 *   POST /openai/v1/chat/completions     Groq; also GET /openai/v1/models
 *   any  /echo/…                         a JSON API that says back what it was asked
 *
 * Its own control API, JSON:
 *
 *   GET    /_sim/requests[?platform=…&to=…&account=…&since=N]
 *          all that was received, in order: n, at (ms), status, platform, method, path, account,
 * to, kind, text, message_id, attempt, body. Status 0 = dropped before it was taken. At most
 *          200,000 are kept; the header X-Sim-Dropped counts the rest
 *   DELETE /_sim/requests
 *   GET    /_sim/stats         {"requests", "dropped", "webhooks_sent", "webhooks_failed"}
 *   POST   /_sim/behaviour     a fault for requests to come; the oldest that matches applies:
 *          {"match": {"platform", "kind", "to", "path" (a part of it)}, "times" (default 1;
 *           -1 = always), "status", "body", "headers", "retry_after" (s), "delay_ms",
 *           "drop": "before" or "after" it was taken}. Read marks and typing: only if "kind" says
 * so DELETE /_sim/behaviour POST   /_sim/webhooks      {"url", "secret"}: tells of each message
 * taken by signed webhook: statuses "sent" and "delivered" on WhatsApp, an echo elsewhere. Not
 * retried DELETE /_sim/webhooks
 *   POST   /_sim/meta          how the administrative reads differ from all being well; replaces
 *          what was said before: {"callback_url", "app_id" (of every token and subscriber),
 *          "fields": {object: [names], or null = not subscribed},
 *          "tokens": {token: members of debug_token's data},
 *          "subscribed": {id: [fields], null = nobody, or members of the entry},
 *          "nodes": {id or "me": members}, "clock_skew_s" (of the Date header)}
 *   DELETE /_sim/meta
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct event_base;
struct sim;

struct sim_config {
    const char *address; // default 127.0.0.1
    int port;            // 0 = a free one
};
MUST_USE struct sim *sim_new(struct event_base *base, const struct sim_config *config,
                             struct err *err);
int sim_port(const struct sim *sim);
void sim_free(struct sim *sim);
