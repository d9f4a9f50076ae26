// SPDX-License-Identifier: MIT
// Which flow an event starts (see start.h).

#include "worker/start.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/json.h"
#include "base/log.h"
#include "engine/trigger.h"

/* --- what may start at all
 * --------------------------------------------------------------------- */

// Changed and deleted comments are no new ones, a reaction without an emoji was taken back.
static bool is_for_flows(const struct event *event)
{
    if (!event->contact || event->standby || event->group)
        return false;
    switch (event->kind) {
    case EVENT_COMMENT:
        return !event->status;
    case EVENT_REACTION:
        return event->emoji && *event->emoji;
    case EVENT_MENTION:
    case EVENT_CALL:
    case EVENT_LINKING:
    case EVENT_FEEDBACK:
    case EVENT_PREFERENCE:
        return true;
    default:
        return event_starts_flow(event);
    }
}

static bool account_serves(const struct activation *a)
{
    const char *status = a->account->account->status;
    return strcmp(status, "connected") == 0 || strcmp(status, "error") == 0;
}

// A person who has the chat is not interrupted; what the node itself listens to, it gets.
static bool may_interrupt(const struct session *session)
{
    return session->wait == WAIT_INPUT || session->wait == WAIT_DELAY ||
           session->wait == WAIT_CALLBACK;
}

bool start_is_possible(const struct activation *a, const struct event *event)
{
    if (!is_for_flows(event))
        return false;
    if (event->kind == EVENT_START) // what stands against it is told to whoever asked for it
        return true;
    return a->account->account->flow_count > 0 && account_serves(a) &&
           (!a->has_session || may_interrupt(&a->session));
}

/* --- the flows
 * --------------------------------------------------------------------------------- */

static void on_flows(void *arg, struct flow_list *list)
{
    struct activation *a = arg;
    if (!list) {
        activation_drop(a, "the process stops");
        return;
    }
    a->flows = flow_list_ref(list);
    activation_set_state(a, ACTIVATION_RUNNING);
    activation_run(a);
}

// The id of the flow that is to be started, or zeroes: no flow has that id.
static void target_of(const struct event *event, char ret_id[25])
{
    memset(ret_id, '0', 24);
    ret_id[24] = '\0';
    if (event->target && strlen(event->target) == 24 &&
        strspn(event->target, "0123456789abcdef") == 24)
        memcpy(ret_id, event->target, 25);
}

bool start_flows_ready(struct activation *a, const struct event *event)
{
    const struct account *account = a->account->account;
    struct catalog *catalog = a->worker->catalog;
    bool by_hand = event->kind == EVENT_START;
    char target[1][25];
    target_of(event, target[0]);
    const char(*ids)[25] = (const char(*)[25])(by_hand ? target : account->flows);
    size_t count = by_hand ? 1 : flow_list_size(account);
    if (!a->flows)
        a->flows =
            by_hand ? flow_list_peek(catalog, ids, count) : flow_list_of(catalog, a->account);
    if (a->flows)
        return true;
    activation_set_state(a, ACTIVATION_LOADING);
    flow_list_load(catalog, ids, count, on_flows, a);
    return false;
}

static void log_unusable(const struct activation *a, const struct listed_flow *flow)
{
    log_error("flow.unusable", "account", a->account_key, "chat", a->chat, "flow", flow->id,
              "delivery", a->delivery, "reason", flow->known->err.text, "action",
              "hookmill flow lint");
}

// Nothing else served: the failure is a session, so that it is seen where sessions are.
static void fail_to_start(struct activation *a, const struct listed_flow *flow)
{
    log_unusable(a, flow);
    struct session session;
    char id[37];
    id_uuid(id);
    session_init(&session, id, flow->id, flow->known->version, clock_wall_ms());
    session.status = SESSION_ERROR;
    session.error = x_dup(flow->known->err.text);
    session.ended_ms = session.started_ms;
    history_session(&a->history, &session);
    worker_count_session_started(a->worker);
    worker_count_session_ended(a->worker, session.status);
    session_deinit(&session);
}

/* --- the choice
 * -------------------------------------------------------------------------------- */

struct choice_made {
    const struct listed_flow *flow;   // or NULL
    const struct listed_flow *broken; // the first that does not compile, or NULL
    size_t off;
    struct trigger_match match;
};

static bool is_first_contact(const struct activation *a, const struct event *event)
{
    return a->is_new && a->entry_count > 0 && event == &a->entries[0].event;
}

static struct choice_made choose(const struct activation *a, const struct flow_list *flows,
                                 const struct event *event)
{
    struct choice_made made = {0};
    char *text = trigger_text(event);
    struct trigger_context context = {
        .first_contact = is_first_contact(a, event), .is_waiting = a->has_session, .text = text};
    for (size_t i = 0; i < flows->count; i++) {
        const struct listed_flow *flow = &flows->items[i];
        struct trigger_match match;
        made.off += flow->known->off;
        if (!flow->known->off && !flow->known->flow && !made.broken)
            made.broken = flow;
        if (flow->known->off || !flow->known->flow)
            continue;
        context.flow_id = flow->id;
        if (trigger_match(flow->known->flow, event, &context, &match) &&
            (!made.flow || trigger_compare(&match, &made.match) > 0)) {
            made.flow = flow;
            made.match = match;
        }
    }
    free(text);
    return made;
}

// The others serve; this one is logged once for each time that it is loaded.
static void tell_broken(struct activation *a, const struct listed_flow *flow)
{
    if (!flow || flow->known->told)
        return;
    flow->known->told = true;
    log_unusable(a, flow);
}

static void tell_why_nothing(struct activation *a, const struct event *event,
                             const struct choice_made *made, size_t count)
{
    if (a->has_session || !event_starts_flow(event)) // not expected by a flow that says nothing
        return;
    if (made->broken)
        fail_to_start(a, made->broken);
    else if (made->off == count)
        history_note(&a->history, "the enabled flow is switched off in its builder");
}

/* --- starting
 * ---------------------------------------------------------------------------------- */

static void interrupt(struct activation *a, const struct choice_made *made)
{
    char *note = x_printf("session %s was interrupted: %s starts flow %s", a->session.id,
                          made->match.name, made->flow->id);
    history_note(&a->history, note);
    free(note);
    session_abandon(&a->session, "interrupted", clock_wall_ms());
    activation_session_over(a);
}

static enum start_outcome start(struct activation *a, const struct event *event,
                                const struct choice_made *made)
{
    if (a->has_session)
        interrupt(a, made);
    activation_mark_read(a, event);
    known_unref(a->flow);
    a->flow = known_ref(made->flow->known);
    char id[37];
    id_uuid(id);
    session_init(&a->session, id, made->flow->id, a->flow->version, clock_wall_ms());
    crypto_random(&a->session.seed, sizeof a->session.seed); // kept with it: chance can be repeated
    a->has_session = true;
    history_start(&a->history, &a->session, made->match.name);
    worker_count_session_started(a->worker);
    struct stimulus stimulus = {.kind = STIMULUS_START, .event = event};
    return activation_stimulate(a, &stimulus) ? START_RESTS : START_WENT;
}

/* --- by an operator's hand
 * --------------------------------------------------------------------- */

static bool is_enabled(const struct account *account, const char *flow_id)
{
    for (size_t i = 0; i < account->flow_count; i++)
        if (strcmp(account->flows[i], flow_id) == 0)
            return true;
    return false;
}

// Why the flow cannot be started here, or NULL.
static const char *refusal(const struct activation *a, const struct event *event,
                           const struct listed_flow *flow, bool force)
{
    const struct account *account = a->account->account;
    if (!account_serves(a))
        return "the account is not connected";
    if (flow->known->err.code == ERR_NOT_FOUND)
        return "there is no such flow";
    if (flow->known->off)
        return "it is switched off in its builder";
    if (!is_enabled(account, flow->id) && !force)
        return "it is not enabled on the account (--force starts it all the same)";
    if (!is_enabled(account, flow->id) && strcmp(flow->known->owner, account->user_id) != 0)
        return "it belongs to another user than the account";
    if (a->has_session && !may_interrupt(&a->session))
        return "a person has the chat";
    return NULL;
}

static void refuse(struct activation *a, const struct event *event, const char *why)
{
    char *note =
        x_printf("flow %.60s was not started by hand: %s", event->target ? event->target : "", why);
    history_note(&a->history, note);
    log_warn("flow.not_started", "account", a->account_key, "chat", a->chat, "flow", event->target,
             "reason", why);
    free(note);
}

static enum start_outcome start_by_hand(struct activation *a, const struct flow_list *flows,
                                        const struct event *event)
{
    const struct listed_flow *flow = &flows->items[0];
    cJSON *data = event->data ? json_read(event->data, strlen(event->data), NULL) : NULL;
    const char *why = refusal(a, event, flow, json_bool(data, "force", false));
    cJSON_Delete(data);
    struct choice_made made = choose(a, flows, event);
    if (!why && made.broken) {
        fail_to_start(a, made.broken);
        return START_NOTHING;
    }
    if (!why && !made.flow)
        why = "a session waits (--interrupt ends it)";
    if (!why)
        return start(a, event, &made);
    refuse(a, event, why);
    return START_NOTHING;
}

static enum start_outcome start_by_trigger(struct activation *a, const struct flow_list *flows,
                                           const struct event *event)
{
    struct choice_made made = choose(a, flows, event);
    if (!made.flow) {
        tell_why_nothing(a, event, &made, flows->count);
        return START_NOTHING;
    }
    tell_broken(a, made.broken);
    return start(a, event, &made);
}

enum start_outcome start_try(struct activation *a, const struct event *event)
{
    struct flow_list *flows = a->flows; // of this event: the next one asks again
    a->flows = NULL;
    enum start_outcome outcome = event->kind == EVENT_START ? start_by_hand(a, flows, event)
                                                            : start_by_trigger(a, flows, event);
    flow_list_unref(flows); // `a` may be gone
    return outcome;
}
