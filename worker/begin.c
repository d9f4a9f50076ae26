// SPDX-License-Identifier: MIT
// How an activation begins (see activation.h): what the claim brought is read, account and flow are
// loaded.

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "worker/activation.h"

enum { ACCOUNT_WAIT_MS = 60000 };

static const char *first_delivery(const struct activation *a)
{
    return a->entry_count > 0 && a->entries[0].readable ? a->entries[0].event.delivery : NULL;
}

static void begin(struct activation *a)
{
    activation_set_state(a, ACTIVATION_RUNNING);
    if (a->closed) { // died between closing and finishing: repeat exactly that
        activation_project(a);
        return;
    }
    a->park_token = NULL;
    a->park_ms = 0;
    if (a->resumed)
        history_note(&a->history, "the pause is over: the flow may speak again");
    a->resumed = false;
    if (a->attempt.key)
        attempt_resume(a);
    else if (a->has_session && a->session.wait == WAIT_FLOW) {
        if (activation_fetch_flow(a))
            activation_run(a);
    } else {
        activation_run(a);
    }
}

// The session's own version is gone: it cannot go on, and says so.
static void lose_session(struct activation *a, const struct known *known)
{
    a->session.status = SESSION_ERROR;
    a->session.ended_ms = clock_wall_ms();
    free(a->session.error);
    const char *flow;
    int version;
    session_flow(&a->session, &flow, &version);
    a->session.error =
        x_printf("version %d of the flow %s cannot be used: %s", version, flow, known->err.text);
    attempt_deinit(&a->attempt);
    activation_session_over(a);
}

static void on_session_flow(void *arg, struct known *known)
{
    struct activation *a = arg;
    if (!known) {
        activation_drop(a, "the process stops");
        return;
    }
    if (known->flow)
        a->flow = known_ref(known);
    else
        lose_session(a, known);
    begin(a);
}

void activation_load_session_flow(struct activation *a)
{
    if (!a->has_session || a->closed) {
        begin(a);
        return;
    }
    char *key = activation_flow_key(a);
    if (!key) // as an older version may have left it
        key = x_printf("flow:%s@%d", a->session.flow_id, a->session.flow_version);
    a->flow = catalog_peek(a->worker->catalog, key);
    if (a->flow && a->flow->flow) {
        begin(a);
    } else {
        known_unref(a->flow);
        a->flow = NULL;
        catalog_load(a->worker->catalog, key, on_session_flow, a);
    }
    free(key);
}

// An account that is there but cannot be used, or one that is gone with an effect in hand:
// everything stays.
static void wait_for_account(struct activation *a, const struct err *err)
{
    log_error("account.unusable", "account", a->account_key, "chat", a->chat, "delivery",
              a->attempt.key ? a->attempt.delivery : first_delivery(a), "reason", err->text);
    activation_defer(a, ACCOUNT_WAIT_MS);
}

static void bury_strangers(struct activation *a, const struct err *err)
{
    char *reason = x_printf("unknown account %s: connect it with `hookmill account add`, then "
                            "`hookmill queue dead retry` (%s)",
                            a->account_key, err->text);
    log_error("account.unknown", "account", a->account_key, "chat", a->chat, "events",
              log_int((long long)a->entry_count), "delivery", first_delivery(a), "reason",
              err->text, "action", "hookmill account add");
    if (a->entry_count > 0)
        a->consumed = a->entries[a->entry_count - 1].number;
    activation_bury(a, reason);
    free(reason);
    activation_finish(a);
}

static void on_account(void *arg, struct known *known)
{
    struct activation *a = arg;
    if (!known) {
        activation_drop(a, "the process stops");
        return;
    }
    if (known->account) {
        a->account = known_ref(known);
        activation_load_session_flow(a);
        return;
    }
    if (known->err.code != ERR_NOT_FOUND || a->attempt.key)
        wait_for_account(a, &known->err);
    else
        bury_strangers(a, &known->err);
}

// A pause that an activation before this one knew of, and that is over now, is told once.
static void read_pause(struct activation *a, const cJSON *state)
{
    a->was_paused_ms = json_int(state, "was_paused", 0);
    int64_t paused = json_int(state, "paused", 0);
    if (a->was_paused_ms > 0 || paused <= 0 || a->paused_ms > 0)
        return;
    a->was_paused_ms = paused;
    a->resumed = true;
}

static void read_state(struct activation *a, const char *text)
{
    cJSON *json = text ? json_read(text, strlen(text), NULL) : NULL;
    const cJSON *session = json_get(json, "session");
    if (session) {
        char *form = json_print(session);
        struct err err = {0};
        a->has_session = session_from_json(form, strlen(form), &a->session, &err);
        if (!a->has_session)
            log_error("session.unreadable", "chat", a->chat, "reason", err.text);
        free(form);
    }
    a->address = x_dup(json_str(json, "address"));
    activation_read_recorded(a, json);
    read_pause(a, json);
    a->consumed = json_int(json, "consumed", a->done);
    a->closed = json_bool(json, "closed", false);
    if (json_int(json, "inbound", 0) > a->inbound_ms)
        a->inbound_ms = json_int(json, "inbound", 0);
    const char *park = json_str(json, "park");
    a->park_token = park ? (strcmp(park, "settle") == 0 ? "settle" : "retry") : NULL;
    a->park_ms = json_int(json, "park_ms", 0);
    cJSON_Delete(json);
}

static void read_entries(struct activation *a, const struct queue_claim *claim)
{
    a->entries = x_calloc(claim->entry_count, sizeof *a->entries);
    a->entry_count = claim->entry_count;
    for (size_t i = 0; i < claim->entry_count; i++) {
        struct activation_entry *entry = &a->entries[i];
        struct err err = {0};
        entry->number = claim->entries[i].number;
        entry->json = x_dup(claim->entries[i].json);
        entry->readable = event_from_json(entry->json, strlen(entry->json), &entry->event, &err);
        if (!entry->readable)
            entry->dead = x_printf("unreadable: %s", err.text);
    }
}

void activation_start(struct worker *worker, const struct queue_claim *claim)
{
    struct activation *a = x_alloc(sizeof *a);
    a->worker = worker;
    a->chat = x_dup(claim->chat);
    a->account_key = x_dup(claim->account);
    a->shard = claim->shard;
    a->epoch = claim->epoch;
    a->turn = claim->turn;
    a->done = claim->done;
    a->fired = x_dup(claim->fired);
    a->claimed_state = x_dup(claim->state);
    a->is_new = claim->is_new;
    a->inbound_ms = claim->inbound_ms;
    a->paused_ms = claim->paused_ms > clock_wall_ms() ? claim->paused_ms : 0;
    worker->active++;
    history_init(&a->history);
    read_state(a, claim->state);
    read_entries(a, claim);
    history_restore(&a->history, claim->records, claim->record_count);
    if (claim->attempt && !attempt_from_json(claim->attempt, &a->attempt))
        log_error("attempt.unreadable", "chat", a->chat, "delivery", first_delivery(a));
    if (a->attempt.key &&
        !a->has_session) { // its session cannot be read (any more): nobody to tell the result
        log_error("attempt.orphan", "chat", a->chat, "attempt", a->attempt.key, "delivery",
                  a->attempt.delivery);
        history_note(&a->history,
                     "the stored session could not be read; its effect in hand was dropped");
        attempt_deinit(&a->attempt);
    }
    if (claim->result)
        a->settled = json_read(claim->result, strlen(claim->result), NULL);
    if (!chat_key_split(a->chat, &a->platform, &a->account_id, &a->contact) || !a->contact) {
        activation_drop(a, "not a chat's name");
        return;
    }
    char *key = x_printf("account:%s", a->account_key);
    a->account = catalog_peek(worker->catalog, key);
    if (a->account && a->account->account) {
        activation_load_session_flow(a);
    } else {
        known_unref(a->account);
        a->account = NULL;
        catalog_load(worker->catalog, key, on_account, a);
    }
    free(key);
}
