// SPDX-License-Identifier: MIT
// What the person does: the lines user: and event: (see player.h).
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "play/player.h"

#define CONTACT_ID "1002003004"
#define ACCOUNT_ID "5006007008"

static bool has(const cJSON *object, const char *name)
{
    return json_get(object, name) != NULL;
}

static void add_missing(cJSON *event, const char *name, const char *value)
{
    if (!has(event, name))
        json_add_str(event, name, value);
}

// The members that every event has.
static void event_complete(struct player *player, cJSON *event)
{
    char *id = x_printf("in-%u", ++player->messages);
    add_missing(event, "platform", platform_name(player->platform));
    add_missing(event, "kind", "message");
    add_missing(event, "account", ACCOUNT_ID);
    add_missing(event, "contact", CONTACT_ID);
    add_missing(event, "name", player->name);
    add_missing(event, "id", id);
    if (!has(event, "type") && strcmp(json_str(event, "kind"), "message") == 0)
        json_add_str(event, "type", "text");
    if (!has(event, "timestamp"))
        json_add_int(event, "timestamp", player->now_ms);
    if (!has(event, "aliases")) {
        cJSON *aliases = cJSON_AddArrayToObject(event, "aliases");
        cJSON_AddItemToArray(aliases, cJSON_CreateString(json_str(event, "contact")));
    }
    free(id);
}

/* user: */

// "…" is the text itself, for one that would be taken for something else.
static void text_add(cJSON *event, const char *text)
{
    cJSON *quoted = *text == '"' ? json_of(text) : NULL;
    json_add_str(event, "text", quoted && cJSON_IsString(quoted) ? quoted->valuestring : text);
    cJSON_Delete(quoted);
}

static const char *choice_title(const struct player *player, const char *id)
{
    for (size_t i = 0; i < player->choice_count; i++)
        if (strcmp(player->choices[i].id, id) == 0)
            return player->choices[i].title;
    return NULL;
}

static bool choice_missing(const struct player *player, const char *id, struct err *err)
{
    struct buf ids = {0};
    for (size_t i = 0; i < player->choice_count; i++)
        buf_printf(&ids, "%s[%s]", i ? " " : "", player->choices[i].id);
    err_set(err, ERR_INPUT, "no choice [%.60s] was offered%s%.150s", id, ids.len ? ", but " : "",
            ids.len ? ids.data : "");
    buf_deinit(&ids);
    return false;
}

// [id] is one of the choices offered last, [id=title] any.
static bool tap_add(struct player *player, cJSON *event, const char *text, struct err *err)
{
    char *id = x_dupn(text + 1, strlen(text) - 2);
    char *equals = strchr(id, '=');
    if (equals)
        *equals = '\0';
    const char *title = equals ? equals + 1 : choice_title(player, id);
    bool ok = title || choice_missing(player, id, err);
    if (ok) {
        bool whatsapp = player->platform == PLATFORM_WHATSAPP;
        json_add_str(event, "type", whatsapp ? "interactive" : "quick_reply");
        json_add_str(event, "text", title);
        json_add_str(event, "payload", id);
    }
    free(id);
    return ok;
}

// Where the JSON value that begins the text ends, by its brackets; NULL when they do not close.
static const char *json_end(const char *text)
{
    int depth = 0;
    bool quoted = false;
    for (; *text; text++) {
        if (quoted && *text == '\\' && text[1])
            text++;
        else if (*text == '"')
            quoted = !quoted;
        else if (!quoted && (*text == '{' || *text == '['))
            depth++;
        else if (!quoted && (*text == '}' || *text == ']') && --depth == 0)
            return text + 1;
    }
    return NULL;
}

// WhatsApp puts a place and an order into the event's data, as Messenger does with an order.
static bool is_data(const struct player *player, const char *type)
{
    return strcmp(type, "order") == 0 ||
           (strcmp(type, "location") == 0 && player->platform == PLATFORM_WHATSAPP);
}

static bool attachments_put(struct player *player, cJSON *event, cJSON *owned, struct err *err)
{
    cJSON *first = cJSON_IsArray(owned) ? owned->child : owned;
    const char *type = json_str(first, "type");
    if (!type) {
        cJSON_Delete(owned);
        return err_set(err, ERR_INPUT, "an attachment is {\"type\": …} or a list of them");
    }
    json_add_str(event, "type", type);
    if (is_data(player, type) && first == owned) {
        cJSON_DeleteItemFromObjectCaseSensitive(owned, "type");
        cJSON_AddItemToObject(event, "data", owned);
    } else if (first == owned) {
        cJSON_AddItemToArray(cJSON_AddArrayToObject(event, "attachments"), owned);
    } else {
        cJSON_AddItemToObject(event, "attachments", owned);
    }
    return true;
}

// {"type":"image", …}, or a list of such, and what the person wrote beside it.
static bool attachments_add(struct player *player, cJSON *event, const char *text, struct err *err)
{
    const char *end = json_end(text);
    cJSON *json = end ? json_read(text, (size_t)(end - text), err) : NULL;
    if (!end)
        return err_set(err, ERR_INPUT, "the JSON of the attachment does not end");
    if (!json || !attachments_put(player, event, json, err))
        return false;
    end += strspn(end, " \t\n");
    if (*end)
        text_add(event, end);
    return true;
}

static bool user_fill(struct player *player, cJSON *event, const char *text, struct err *err)
{
    size_t len = strlen(text);
    if (*text == '{' || (*text == '[' && text[1 + strspn(text + 1, " ")] == '{'))
        return attachments_add(player, event, text, err);
    if (len > 2 && *text == '[' && text[len - 1] == ']')
        return tap_add(player, event, text, err);
    if (len > 0)
        text_add(event, text);
    return true;
}

/* event: */

static bool event_fill(struct player *player, cJSON *event, const char *text, struct err *err)
{
    cJSON *given = json_read(text, strlen(text), err);
    bool ok = given != NULL;
    if (ok && !cJSON_IsObject(given))
        ok = err_set(err, ERR_INPUT, "an event is a JSON object");
    while (ok && given->child) {
        cJSON *member = cJSON_DetachItemViaPointer(given, given->child);
        cJSON_AddItemToObject(event, member->string, member);
    }
    cJSON_Delete(given);
    return ok;
}

static bool data_add(cJSON *event, const char *text, struct err *err)
{
    cJSON *data = *text ? json_read(text, strlen(text), err) : cJSON_CreateObject();
    if (data)
        cJSON_AddItemToObject(event, "data", data);
    return data;
}

// {"vars": …}, or nothing
static bool start_fill(struct player *player, cJSON *event, const char *text, struct err *err)
{
    json_add_str(event, "kind", event_kind_name(EVENT_START));
    json_add_str(event, "target", json_str(player->options->flow, "_id"));
    return data_add(event, text, err);
}

// NAME {"what": "came"}
static bool callback_fill(struct player *player, cJSON *event, const char *text, struct err *err)
{
    char *name = x_dupn(text, strcspn(text, " \n"));
    bool named = *name && *name != '{';
    if (named) {
        text += strlen(name);
        json_add_str(event, "kind", event_kind_name(EVENT_CALLBACK));
        json_add_str(event, "target", name);
    }
    free(name);
    return named ? data_add(event, text + strspn(text, " \n"), err)
                 : err_set(err, ERR_INPUT, "`callback: NAME {…}` says which wait it is for");
}

typedef bool (*fill_fn)(struct player *player, cJSON *event, const char *text, struct err *err);
static const fill_fn fills[] = {[LINE_USER] = user_fill,
                                [LINE_EVENT] = event_fill,
                                [LINE_START] = start_fill,
                                [LINE_CALLBACK] = callback_fill};

static cJSON *event_tree(struct player *player, const struct line *line, struct err *err)
{
    cJSON *event = cJSON_CreateObject();
    if (fills[line->kind](player, event, line->text, err))
        return event;
    cJSON_Delete(event);
    return NULL;
}

bool input_read(struct player *player, const struct line *line, struct event *ret_event,
                struct err *err)
{
    cJSON *tree = event_tree(player, line, err);
    if (!tree)
        return false;
    event_complete(player, tree);
    char *text = json_print(tree);
    bool ok = event_from_json(text, strlen(text), ret_event, err);
    free(text);
    cJSON_Delete(tree);
    return ok;
}

/* Choices */

void choices_forget(struct player *player)
{
    for (size_t i = 0; i < player->choice_count; i++) {
        free(player->choices[i].id);
        free(player->choices[i].title);
    }
    free(player->choices);
    player->choices = NULL;
    player->choice_count = 0;
}

static void choice_add(struct player *player, const char *id, const char *title)
{
    size_t count = player->choice_count + 1;
    player->choices = x_realloc(player->choices, count, sizeof *player->choices);
    player->choices[player->choice_count] = (struct choice){.id = x_dup(id), .title = x_dup(title)};
    player->choice_count = count;
}

// Buttons and rows, wherever they are in a message: objects with id and title.
static void message_choices_add(struct player *player, const cJSON *message)
{
    const char *id = json_str(message, "id"), *title = json_str(message, "title");
    if (id && title)
        choice_add(player, id, title);
    const cJSON *item;
    cJSON_ArrayForEach(item, message) {
        if (cJSON_IsObject(item) || cJSON_IsArray(item))
            message_choices_add(player, item);
    }
}

void choices_remember(struct player *player, const struct effect *effect)
{
    struct choice *old = player->choices;
    size_t old_count = player->choice_count;
    player->choices = NULL;
    player->choice_count = 0;
    for (size_t i = 0; i < effect->choice_count; i++)
        choice_add(player, effect->choices[i].id, effect->choices[i].title);
    message_choices_add(player, effect->message);
    struct choice *new = player->choices;
    size_t new_count = player->choice_count;
    if (new_count > 0) { // the old ones can be tapped no more
        player->choices = old;
        player->choice_count = old_count;
        choices_forget(player);
    }
    player->choices = new_count > 0 ? new : old;
    player->choice_count = new_count > 0 ? new_count : old_count;
}
