// SPDX-License-Identifier: MIT
// The entries of an activation (see history.h).

#include "worker/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/value.h"

enum { MESSAGE_MOST_BYTES = 16 << 10 };

void history_init(struct history *history)
{
    *history = (struct history){.entries = cJSON_CreateArray()};
}

void history_deinit(struct history *history)
{
    cJSON_Delete(history->entries);
    *history = (struct history){0};
}

static cJSON *add(struct history *history, const char *kind)
{
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "k", kind);
    cJSON_AddItemToArray(history->entries, entry);
    return entry;
}

void history_input(struct history *history, int64_t number, const char *delivery, bool adopted)
{
    cJSON *entry = add(history, "in");
    json_add_int(entry, "n", number);
    json_add_str(entry, "delivery", delivery);
    if (adopted)
        cJSON_AddTrueToObject(entry, "adopted");
}

void history_start(struct history *history, const struct session *session, const char *trigger)
{
    cJSON *entry = add(history, "start");
    json_add_str(entry, "session", session->id);
    json_add_str(entry, "flow", session->flow_id);
    json_add_int(entry, "version", session->flow_version);
    json_add_str(entry, "trigger", trigger);
}

void history_step(struct history *history, const struct step *step)
{
    cJSON *entry = add(history, "step");
    json_add_str(entry, "node", step->node);
    json_add_str(entry, "type", step->type);
    json_add_str(entry, "decision", step->decision);
}

void history_session(struct history *history, const struct session *session)
{
    char *text = session_to_json(session);
    cJSON_AddItemToObject(add(history, "session"), "session", json_read(text, strlen(text), NULL));
    free(text);
}

void history_update(struct history *history, const cJSON *change, const char *key, const char *node,
                    int64_t at_ms)
{
    cJSON *entry = add(history, "update");
    json_add_str(entry, "key", key);
    json_add_str(entry, "node", node);
    json_add_int(entry, "at", at_ms);
    cJSON_AddItemToObject(entry, "change", cJSON_Duplicate(change, true));
}

void history_note(struct history *history, const char *text)
{
    json_add_str(add(history, "note"), "text", text);
}

// An address without what may be a secret in it: user and password, query, fragment.
static void add_url(cJSON *entry, const char *url)
{
    const char *authority = url ? strstr(url, "://") : NULL;
    if (!authority)
        return;
    authority += 3;
    const char *at = memchr(authority, '@', strcspn(authority, "/?#"));
    const char *rest = at ? at + 1 : authority;
    char *bare = x_printf("%.*s%.*s", (int)(authority - url), url, (int)strcspn(rest, "?#"), rest);
    json_add_str(entry, "url", bare);
    free(bare);
}

// What is more than a text: its type, and the message itself, unless it is larger than a person
// would read.
static void add_message(cJSON *entry, const cJSON *message)
{
    size_t bytes = 0;
    if (!message)
        return;
    json_add_str(entry, "type", json_str(message, "type"));
    if (value_measure(message, &bytes, NULL) && bytes <= MESSAGE_MOST_BYTES)
        cJSON_AddItemToObject(entry, "message", cJSON_Duplicate(message, true));
    else
        json_add_int(entry, "left_out_bytes", (int64_t)bytes);
}

void history_effect(struct history *history, const struct effect *effect, const char *key,
                    const cJSON *result, const char *status, int64_t at_ms, int64_t took_ms,
                    const char *delivery)
{
    cJSON *entry = add(history, "effect");
    json_add_str(entry, "kind", effect_kind_name(effect->kind));
    json_add_str(entry, "key", key);
    json_add_str(entry, "node", effect->node);
    json_add_str(entry, "text", effect->text);
    add_message(entry, effect->message);
    json_add_str(entry, "method", effect->method);
    add_url(entry, effect->url);
    if (effect->choice_count > 0) {
        cJSON *titles = cJSON_AddArrayToObject(entry, "choices");
        for (size_t i = 0; i < effect->choice_count; i++)
            cJSON_AddItemToArray(titles, cJSON_CreateString(effect->choices[i].title));
    }
    cJSON_AddBoolToObject(entry, "ok", json_bool(result, "ok", false));
    json_add_str(entry, "id", json_str(result, "id"));
    json_add_str(entry, "error", json_str(result, "error"));
    json_add_str(entry, "model", json_str(json_get(result, "value"), "model"));
    if (json_get(result, "status"))
        json_add_int(entry, "http", json_int(result, "status", 0));
    json_add_str(entry, "status", status);
    json_add_int(entry, "at", at_ms);
    json_add_int(entry, "ms", took_ms);
    json_add_str(entry, "delivery", delivery);
}

void history_restore(struct history *history, const char *const *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cJSON *entry = json_read(records[i], strlen(records[i]), NULL);
        if (entry)
            cJSON_AddItemToArray(history->entries, entry);
    }
    history->journaled = (size_t)cJSON_GetArraySize(history->entries);
}

void history_add_event(cJSON *entry, const char *event_json, size_t *budget)
{
    size_t len = strlen(event_json);
    if (len > *budget) {
        json_add_int(entry, "left_out_bytes", (int64_t)len);
        return;
    }
    *budget -= len;
    cJSON *event = json_read(event_json, len, NULL);
    if (event)
        cJSON_AddItemToObject(entry, "event", event);
    else // nested as deeply as a delivery may be, and one deeper in an event
        json_add_str(entry, "event", event_json);
}

char **history_unjournaled(struct history *history, size_t *ret_count)
{
    size_t all = (size_t)cJSON_GetArraySize(history->entries);
    size_t count = all - history->journaled;
    char **texts = x_calloc(count + 1, sizeof *texts);
    const cJSON *entry = cJSON_GetArrayItem(history->entries, (int)history->journaled);
    for (size_t i = 0; entry; entry = entry->next)
        texts[i++] = json_print(entry);
    history->journaled = all;
    *ret_count = count;
    return texts;
}
