// SPDX-License-Identifier: MIT
// Flows that flows call, and what comes back to a session that waits for a service (see
// activation.h).

#include <stdlib.h>
#include <string.h>

#include "base/callback_token.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "worker/activation.h"

enum { OID_DIGITS = 24, DAY_MS = 86400000 };

/* --- the flow that the session needs -------------------------------------------------------------
 */

// What a flow names as another one is its user's text.
static bool is_flow_id(const char *id)
{
    return strlen(id) == OID_DIGITS && strspn(id, "0123456789abcdefABCDEF") == OID_DIGITS;
}

char *activation_flow_key(const struct activation *a)
{
    const char *id;
    int version;
    session_flow(&a->session, &id, &version);
    if (!is_flow_id(id))
        return NULL;
    return version ? x_printf("flow:%s@%d", id, version) : x_printf("flow:%s", id);
}

// A flow may call those of its account's user, and those that are enabled for the account.
static bool may_call(const struct activation *a, const struct known *known)
{
    const struct account *account = a->account->account;
    if (!*known->owner || strcmp(known->owner, account->user_id) == 0)
        return true;
    const char *id;
    int version;
    session_flow(&a->session, &id, &version);
    for (size_t i = 0; i < account->flow_count; i++)
        if (strcmp(account->flows[i], id) == 0)
            return true;
    return false;
}

// Tells the engine of the flow, or why there is none. True when it rests.
static bool give_flow(struct activation *a, struct known *known, const char *error)
{
    struct stimulus stimulus = {.kind = STIMULUS_FLOW, .error = error};
    if (!error && !known->flow)
        stimulus.error = known->err.text;
    else if (!error && !may_call(a, known))
        stimulus.error = "it belongs to another user than the account";
    if (stimulus.error) {
        const char *id;
        int version;
        session_flow(&a->session, &id, &version);
        log_warn("flow.call", "account", a->account_key, "chat", a->chat, "flow",
                 a->session.flow_id, "node", a->session.node, "called", id, "delivery", a->delivery,
                 "reason", stimulus.error);
        return activation_stimulate(a, &stimulus);
    }
    stimulus.flow_version = known->version;
    known_ref(known);
    known_unref(a->flow);
    a->flow = known;
    return activation_stimulate(a, &stimulus);
}

static void on_flow(void *arg, struct known *known)
{
    struct activation *a = arg;
    if (!known) {
        activation_drop(a, "the process stops");
        return;
    }
    activation_set_state(a, ACTIVATION_RUNNING);
    if (give_flow(a, known, NULL))
        activation_run(a);
}

bool activation_fetch_flow(struct activation *a)
{
    char *key = activation_flow_key(a);
    if (!key)
        return give_flow(a, NULL, "what is called is no flow's id (24 hex digits)");
    struct known *known = catalog_peek(a->worker->catalog, key);
    bool rests = false;
    if (known) {
        rests = give_flow(a, known, NULL);
        known_unref(known);
    } else {
        activation_set_state(a, ACTIVATION_LOADING);
        catalog_load(a->worker->catalog, key, on_flow, a);
    }
    free(key);
    return rests;
}

/* --- callbacks -----------------------------------------------------------------------------------
 */

char *activation_callback_url(void *arg, const struct session *session, const char *name)
{
    const struct activation *a = arg;
    const struct config *config = a->worker->config;
    if (!*config->listen_public_url)
        return NULL;
    struct callback_address address = {.platform = a->platform,
                                       .day = (unsigned)(session->started_ms / DAY_MS),
                                       .account = a->account_id,
                                       .contact = a->contact,
                                       .name = (char *)name};
    memcpy(address.session, session->id, sizeof address.session);
    char *token = callback_token_make(&config->callback_keys, &address);
    char *url = token ? x_printf("%s/callbacks/%s", config->listen_public_url, token) : NULL;
    free(token);
    return url;
}

bool activation_is_called_back(const struct activation *a, const struct event *event)
{
    if (event->kind != EVENT_CALLBACK || !a->has_session || !event->target)
        return false;
    cJSON *context =
        event->context ? json_read(event->context, strlen(event->context), NULL) : NULL;
    const char *session = json_str(context, "session");
    bool ours = session && strcmp(session, a->session.id) == 0;
    cJSON_Delete(context);
    return ours;
}
