// SPDX-License-Identifier: MIT
// What templates and expressions see beside the variables; made when it is asked for.
#include "engine/scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "engine/graph.h"
#include "engine/path.h"
#include "engine/zone.h"

// A setting of the person, else of the account.
static const char *setting(const cJSON *vars, const struct engine_env *env, const char *of_contact,
                           const char *of_account)
{
    const char *text = json_str(json_get(vars, "contact"), of_contact);
    if (!text || !*text)
        text = json_str(env->contact, of_contact);
    if (!text || !*text)
        text = json_str(env->account, of_account);
    return text && *text ? text : NULL;
}

void scope_init(struct scope *scope, const struct session *session, const struct flow *flow,
                const struct engine_env *env, const struct engine_limits *limits)
{
    *scope = (struct scope){
        .vars = session->vars,
        .session = session,
        .flow = flow,
        .account = env->account,
        .now_ms = env->now_ms,
        .locale = setting(session->vars, env, "language", "locale"),
        .zone = setting(session->vars, env, "timezone", "timezone"),
        .cost = limits->expression_cost,
        .bytes = limits->value_bytes,
    };
}

void scope_deinit(struct scope *scope)
{
    cJSON_Delete(scope->made);
    scope->made = NULL;
}

static cJSON *session_made(const struct scope *scope)
{
    const struct session *session = scope->session;
    char started[ISO_TEXT_MAX];
    if (!session)
        return NULL;
    zone_print_iso(session->started_ms, scope->zone, started);
    cJSON *made = cJSON_CreateObject();
    json_add_str(made, "id", session->id);
    json_add_str(made, "flow", session->flow_id);
    json_add_int(made, "version", session->flow_version);
    json_add_str(made, "started", started);
    json_add_int(made, "steps", session->steps);
    return made;
}

static cJSON *flow_made(const struct scope *scope)
{
    if (!scope->flow)
        return NULL;
    cJSON *made = cJSON_CreateObject();
    json_add_str(made, "name", scope->flow->name);
    cJSON *defaults = cJSON_AddObjectToObject(made, "defaults");
    for (size_t i = 0; i < scope->flow->variable_count; i++) {
        const struct flow_variable *variable = &scope->flow->variables[i];
        if (variable->value)
            path_put(variable->path, defaults, cJSON_Duplicate(variable->value, true));
    }
    return made;
}

static cJSON *now_made(const struct scope *scope)
{
    char text[ISO_TEXT_MAX];
    zone_print_iso(scope->now_ms, scope->zone, text);
    return cJSON_CreateString(text);
}

// The last event; what a flow of older times has in a variable `event` of its own is none.
static const cJSON *message_find(const struct scope *scope)
{
    bool own = scope->flow && scope->flow->own_event;
    return json_get(scope->vars, own ? "last" : "event");
}

static const cJSON *secret_find(struct scope *scope, const struct path *path)
{
    if (!scope->secret_mark || path_count(path) != 2)
        return NULL;
    cJSON *secrets = cJSON_GetObjectItemCaseSensitive(scope->made, "secrets");
    if (!secrets)
        secrets = cJSON_AddObjectToObject(scope->made, "secrets");
    const char *name = path_part(path, 1);
    if (!cJSON_GetObjectItemCaseSensitive(secrets, name)) {
        char *marked = x_printf("%s%s%s", scope->secret_mark, name, scope->secret_mark);
        json_add_str(secrets, name, marked);
        free(marked);
    }
    return cJSON_GetObjectItemCaseSensitive(secrets, name);
}

static const cJSON *provided_find(struct scope *scope, const struct path *path)
{
    const char *root = path_root(path);
    if (strcmp(root, "message") == 0)
        return path_find_from(path, 1, message_find(scope));
    if (strcmp(root, "account") == 0)
        return path_find_from(path, 1, scope->account);
    cJSON *(*make)(const struct scope *) = strcmp(root, "session") == 0 ? session_made
                                           : strcmp(root, "flow") == 0  ? flow_made
                                           : strcmp(root, "now") == 0   ? now_made
                                                                        : NULL;
    bool secret = strcmp(root, "secrets") == 0;
    if (!make && !secret)
        return NULL;
    if (!scope->made)
        scope->made = cJSON_CreateObject();
    if (secret)
        return secret_find(scope, path);
    if (!cJSON_GetObjectItemCaseSensitive(scope->made, root)) {
        cJSON *made = make(scope);
        if (made)
            cJSON_AddItemToObject(scope->made, root, made);
    }
    return path_find(path, scope->made);
}

const cJSON *scope_find(struct scope *scope, const struct path *path)
{
    const cJSON *root = cJSON_GetObjectItemCaseSensitive(scope->vars, path_root(path));
    return root ? path_find_from(path, 1, root) : provided_find(scope, path);
}
