// SPDX-License-Identifier: MIT
/*
 * What a template or an expression can see: the session's variables, and behind them what Hookmill
 * provides. A name is looked up among the variables first, so that a flow of older times keeps a
 * variable of its own; then
 *
 *   message   the last event, as {text, payload, type, id, attachments …} (the variable `event`)
 *   session   {id, flow, version, started, steps}
 *   account   {id, name, platform, timezone, locale …}: what the shell told
 *   flow      {name, defaults: {the flow's variables as declared}}
 *   now       the clock's reading
 *   secrets   only where the field allows it; what is inserted is a mark, never the secret itself
 *
 * (`contact`, `platform`, `last`, `event` are variables.) Borrowed for the call; not shared by
 * threads.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct engine_env;
struct engine_limits;
struct flow;
struct path;
struct session;

struct scope {
    const cJSON *vars;
    const struct session *session; // may be NULL, as all below
    const struct flow *flow;
    const cJSON *account;
    int64_t now_ms;
    const char *locale;      // "en", "pt-BR" …; the contact's, else the account's; NULL = "en"
    const char *zone;        // "Europe/Berlin" …; likewise; NULL = "UTC"
    const char *secret_mark; // NULL: secrets insert nothing here
    uint32_t cost;           // of one evaluation, at most
    uint32_t *cost_left;     // of all that share it: goes down; NULL = no limit
    size_t bytes;            // of one value or text, at most
    cJSON *made;             // what the names above were made into: scope_deinit() frees it
};

// From a run; locale and zone from contact.language / contact.timezone, else the account's.
void scope_init(struct scope *scope, const struct session *session, const struct flow *flow,
                const struct engine_env *env, const struct engine_limits *limits);
void scope_deinit(struct scope *scope);

// The value at the path, borrowed until scope_deinit(), or NULL. Makes what it needs, on demand.
const cJSON *scope_find(struct scope *scope, const struct path *path);
