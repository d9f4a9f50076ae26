// SPDX-License-Identifier: MIT
// A session's life and its JSON form.
#include "engine/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/value.h"

static const char *const status_names[] = {"active", "completed", "abandoned", "error"};
static const char *const wait_names[] = {"none",     "input",   "delay", "result",
                                         "callback", "handoff", "flow"};

const char *session_status_name(enum session_status status)
{
    return status_names[status];
}

void session_init(struct session *session, const char *id, const char *flow_id, int flow_version,
                  int64_t now_ms)
{
    *session = (struct session){.flow_version = flow_version, .started_ms = now_ms};
    snprintf(session->id, sizeof session->id, "%s", id);
    snprintf(session->flow_id, sizeof session->flow_id, "%s", flow_id);
}

void session_deinit(struct session *session)
{
    free(session->node);
    free(session->error);
    free(session->outcome);
    free(session->comment);
    cJSON_Delete(session->frames);
    cJSON_Delete(session->vars);
    cJSON_Delete(session->node_state);
    cJSON_Delete(session->kept);
    *session = (struct session){0};
}

void session_flow(const struct session *session, const char **ret_id, int *ret_version)
{
    *ret_id = session->flow_id;
    *ret_version = session->flow_version;
    const cJSON *frame;
    cJSON_ArrayForEach(frame, session->frames) { // the innermost that is in another flow
        const char *id = json_str(frame, "flow");
        if (!id)
            continue;
        *ret_id = id;
        *ret_version = (int)json_int(frame, "version", 0);
    }
}

char *session_callback_name(const struct session *session, const char *node)
{
    const char *flow;
    int version;
    session_flow(session, &flow, &version);
    bool is_root = strcmp(flow, session->flow_id) == 0;
    return is_root ? x_dup(node) : x_printf("%s:%s", flow, node);
}

void session_pause(struct session *session, int64_t now_ms)
{
    if (session->activated_ms && now_ms > session->activated_ms)
        session->active_ms += now_ms - session->activated_ms;
    session->activated_ms = 0;
}

void session_abandon(struct session *session, const char *outcome, int64_t now_ms)
{
    session_pause(session, now_ms);
    session->status = SESSION_ABANDONED;
    session->ended_ms = now_ms;
    session->wait = WAIT_NONE;
    session->until_ms = 0;
    cJSON_Delete(session->node_state);
    cJSON_Delete(session->kept);
    cJSON_Delete(session->frames);
    session->node_state = session->kept = session->frames = NULL;
    free(session->outcome);
    session->outcome = x_dup(outcome);
}

// True when the event is that message; its words are then gone.
static bool event_forget(cJSON *event, const char *message_id)
{
    static const char *const words[] = {"text", "payload", "attachments",
                                        "data", "context", "referral"};
    const char *id = json_str(event, "id");
    if (!id || strcmp(id, message_id) != 0)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(event, words[i]);
    return true;
}

static void vars_forget(cJSON *vars, const char *message_id)
{
    cJSON *event = cJSON_GetObjectItemCaseSensitive(vars, "event");
    if (event_forget(event, message_id)) {
        cJSON_DeleteItemFromObjectCaseSensitive(vars, "last");
        cJSON_AddItemToObject(vars, "last", cJSON_CreateObject());
        vars_changed(vars);
    }
}

void session_forget(struct session *session, const char *message_id)
{
    vars_forget(session->vars, message_id);
    cJSON *kept, *frame, *state;
    cJSON_ArrayForEach(frame, session->frames)
        vars_forget(cJSON_GetObjectItemCaseSensitive(frame, "vars"), message_id);
    cJSON_ArrayForEach(state, session->node_state) {
        cJSON_ArrayForEach(kept, state) // a list of messages that an input gathers
            event_forget(kept, message_id);
    }
    cJSON_ArrayForEach(kept, session->kept)
        event_forget(kept, message_id);
}

char *session_to_json(const struct session *s)
{
    struct buf out = {0};
    buf_reserve(&out, 1000); // most sessions take less
    buf_add_char(&out, '{');
    json_write_str(&out, "id", s->id);
    json_write_str(&out, "flow", s->flow_id);
    json_write_int(&out, "version", s->flow_version);
    json_write_str(&out, "status", status_names[s->status]);
    json_write_str(&out, "node", s->node);
    json_write_tree(&out, "vars", s->vars);
    json_write_str(&out, "wait", wait_names[s->wait]);
    json_write_int(&out, "wait_number", s->wait_number);
    json_write_int(&out, "until", s->until_ms);
    json_write_int(&out, "effect_seq", s->effect_seq);
    json_write_tree(&out, "node_state", s->node_state);
    json_write_tree(&out, "kept", s->kept);
    json_write_tree(&out, "frames", s->frames);
    json_write_int(&out, "steps", s->steps);
    json_write_int(&out, "activation_steps", s->activation_steps);
    json_write_int(&out, "loop_guard", s->loop_guard);
    json_write_int(&out, "started", s->started_ms);
    json_write_int(&out, "ended", s->ended_ms);
    json_write_int(&out, "active", s->active_ms);
    json_write_int(&out, "activated", s->activated_ms);
    json_write_int(&out, "inbound", s->inbound_ms);
    if (s->seed) {
        char seed[17]; // a text: numbers are exact to 53 bits only
        snprintf(seed, sizeof seed, "%016" PRIx64, s->seed);
        json_write_str(&out, "seed", seed);
    }
    if (s->tokens)
        json_write_int(&out, "tokens", s->tokens);
    json_write_str(&out, "comment", s->comment);
    json_write_str(&out, "outcome", s->outcome);
    json_write_str(&out, "error", s->error);
    buf_add_char(&out, '}');
    return buf_take(&out);
}

static bool word_parse(const cJSON *json, const char *name, const char *const *words, size_t count,
                       int *ret_index, struct err *err)
{
    const char *word = json_str(json, name);
    for (size_t i = 0; i < count && word; i++) {
        if (strcmp(word, words[i]) == 0) {
            *ret_index = (int)i;
            return true;
        }
    }
    return err_set(err, ERR_INPUT, "session: %s is missing or unknown", name);
}

static bool text_parse(const cJSON *json, const char *name, char *out, size_t size, struct err *err)
{
    const char *text = json_str(json, name);
    if (!text || strlen(text) >= size)
        return err_set(err, ERR_INPUT, "session: %s is missing or too long", name);
    snprintf(out, size, "%s", text);
    return true;
}

static bool count_parse(const cJSON *json, const char *name, uint32_t *ret_count, struct err *err)
{
    int64_t value = json_int(json, name, -1);
    if (value < 0 || value > UINT32_MAX)
        return err_set(err, ERR_INPUT, "session: %s is missing or out of range", name);
    *ret_count = (uint32_t)value;
    return true;
}

// Moves the member out of the tree; `is` checks its type.
static bool tree_take(cJSON *json, const char *name, cJSON_bool (*is)(const cJSON *),
                      cJSON **ret_tree, struct err *err)
{
    cJSON *tree = cJSON_DetachItemFromObjectCaseSensitive(json, name);
    if (tree && !is(tree)) {
        cJSON_Delete(tree);
        return err_set(err, ERR_INPUT, "session: %s has the wrong type", name);
    }
    *ret_tree = tree;
    return true;
}

static bool session_parse(cJSON *json, struct session *s, struct err *err)
{
    int status = 0, wait = 0;
    if (!text_parse(json, "id", s->id, sizeof s->id, err) ||
        !text_parse(json, "flow", s->flow_id, sizeof s->flow_id, err) ||
        !word_parse(json, "status", status_names, 4, &status, err) ||
        !word_parse(json, "wait", wait_names, 7, &wait, err) ||
        !count_parse(json, "wait_number", &s->wait_number, err) ||
        !count_parse(json, "effect_seq", &s->effect_seq, err) ||
        !count_parse(json, "steps", &s->steps, err) ||
        !count_parse(json, "activation_steps", &s->activation_steps, err) ||
        !count_parse(json, "loop_guard", &s->loop_guard, err) ||
        !tree_take(json, "vars", cJSON_IsObject, &s->vars, err) ||
        !tree_take(json, "node_state", cJSON_IsObject, &s->node_state, err) ||
        !tree_take(json, "kept", cJSON_IsArray, &s->kept, err) ||
        !tree_take(json, "frames", cJSON_IsArray, &s->frames, err))
        return false;
    s->status = (enum session_status)status;
    s->wait = (enum wait_kind)wait;
    s->flow_version = (int)json_int(json, "version", 0);
    s->until_ms = json_int(json, "until", 0);
    s->started_ms = json_int(json, "started", 0);
    s->ended_ms = json_int(json, "ended", 0);
    s->active_ms = json_int(json, "active", 0);
    s->activated_ms = json_int(json, "activated", 0);
    s->node = x_dup(json_str(json, "node"));
    s->inbound_ms = json_int(json, "inbound", 0);
    const char *seed = json_str(json, "seed");
    s->seed = seed ? strtoull(seed, NULL, 16) : 0;
    s->tokens = json_int(json, "tokens", 0);
    s->comment = x_dup(json_str(json, "comment"));
    s->outcome = x_dup(json_str(json, "outcome"));
    s->error = x_dup(json_str(json, "error"));
    return true;
}

bool session_from_json(const char *json, size_t len, struct session *ret_session, struct err *err)
{
    cJSON *tree = json_read(json, len, err);
    if (!tree)
        return err_prefix(err, "session");
    struct session session = {0};
    bool ok = session_parse(tree, &session, err);
    cJSON_Delete(tree);
    if (ok)
        *ret_session = session;
    else
        session_deinit(&session);
    return ok;
}
