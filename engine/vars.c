// SPDX-License-Identifier: MIT
// The variables that Hookmill provides, and those that a flow begins with.
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/contact.h"
#include "engine/event_value.h"
#include "engine/given.h"
#include "engine/machine.h"
#include "engine/path.h"
#include "engine/value.h"

// A flow of older times may have a variable `event` of its own, and keeps it.
void vars_event(struct machine *m, cJSON *owned_event)
{
    vars_put(m->session->vars, "last", event_value_last(owned_event));
    if (m->flow->own_event)
        machine_lend(m, owned_event);
    else
        vars_put(m->session->vars, "event", owned_event);
}

cJSON *vars_provided(const cJSON *vars, bool with_event)
{
    cJSON *provided = cJSON_CreateObject();
    vars_carry(provided, vars, with_event);
    return provided;
}

void vars_carry(cJSON *vars, const cJSON *from, bool with_event)
{
    static const char *const names[] = {"contact", "platform", "last", "event"};
    size_t count = sizeof names / sizeof *names - !with_event;
    for (size_t i = 0; i < count; i++) {
        const cJSON *value = json_get(from, names[i]);
        if (value)
            vars_put(vars, names[i], cJSON_Duplicate(value, true));
    }
}

bool vars_defaults(struct node_run *run)
{
    for (size_t i = 0; i < run->flow->variable_count; i++) {
        const struct flow_variable *variable = &run->flow->variables[i];
        if (variable->value &&
            !vars_set(run->session->vars, variable->path, cJSON_Duplicate(variable->value, true),
                      run->limits, &run->err))
            return false;
    }
    return true;
}

void vars_callbacks(struct node_run *run)
{
    const struct flow *flow = run->flow;
    if (!flow->callback_count || !run->env->callback_url)
        return;
    cJSON *vars = run->session->vars;
    if (!cJSON_IsObject(json_get(vars, "callbacks")))
        vars_put(vars, "callbacks", cJSON_CreateObject());
    cJSON *callbacks = cJSON_GetObjectItemCaseSensitive(vars, "callbacks");
    for (size_t i = 0; i < flow->callback_count; i++) {
        const char *node = flow->nodes[flow->callbacks[i]].id;
        char *name = session_callback_name(run->session, node);
        char *url = run->env->callback_url(run->env->callback_arg, run->session, name);
        cJSON *callback = cJSON_CreateObject();
        json_add_str(callback, "url", url);
        cJSON_DeleteItemFromObjectCaseSensitive(callbacks, node);
        cJSON_AddItemToObject(callbacks, node, callback);
        free(url);
        free(name);
    }
    vars_changed(vars);
}

void vars_recorded(struct machine *m)
{
    if (m->env->contact)
        contact_refresh(m->session->vars, m->env->contact);
}

bool vars_start(struct machine *m, const struct event *event)
{
    struct session *session = m->session;
    session->vars = cJSON_CreateObject();
    cJSON *contact = cJSON_AddObjectToObject(session->vars, "contact");
    if (event) {
        json_add_str(contact, "id", event->contact);
        json_add_str(contact, "name", event->contact_name);
        json_add_str(session->vars, "platform", platform_name(event->platform));
        vars_event(m, event_value(event, EVENT_VALUE_TREES_MAX));
    }
    vars_recorded(m);
    vars_callbacks(&m->run);
    return vars_defaults(&m->run) && given_set(session->vars, event, m->run.limits, &m->run.err);
}

bool node_vars_reset(struct node_run *run)
{
    struct session *session = run->session;
    cJSON *fresh = vars_provided(session->vars, !run->flow->own_event);
    cJSON_Delete(session->vars);
    session->vars = fresh;
    vars_callbacks(run);
    return vars_defaults(run);
}
