// SPDX-License-Identifier: MIT
// The normalised event: names, JSON form, identity (see event.h).

#include "base/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"

static const char *const platform_names[] = {"messenger", "instagram", "whatsapp"};

enum route {
    ROUTE_WAKES, // waits in the chat; starts a flow or resumes one
    ROUTE_START, // waits in the chat; may start a flow, but is no answer
    ROUTE_CHAT,  // waits in the chat
    ROUTE_LANE,
    ROUTE_RECEIPT, // the lane; moves forward only
};

static const struct kind {
    const char *name;
    enum route route;
} kinds[EVENT_KIND_COUNT] = {
    [EVENT_MESSAGE] = {"message", ROUTE_WAKES},   [EVENT_POSTBACK] = {"postback", ROUTE_WAKES},
    [EVENT_REFERRAL] = {"referral", ROUTE_START}, [EVENT_OPTIN] = {"optin", ROUTE_START},
    [EVENT_COMMENT] = {"comment", ROUTE_CHAT},    [EVENT_MENTION] = {"mention", ROUTE_CHAT},
    [EVENT_CALL] = {"call", ROUTE_CHAT},          [EVENT_EDIT] = {"edit", ROUTE_CHAT},
    [EVENT_UNSEND] = {"unsend", ROUTE_CHAT},      [EVENT_LINKING] = {"linking", ROUTE_CHAT},
    [EVENT_CONTACT] = {"contact", ROUTE_CHAT},    [EVENT_PREFERENCE] = {"preference", ROUTE_CHAT},
    [EVENT_START] = {"start", ROUTE_START},       [EVENT_CALLBACK] = {"callback", ROUTE_CHAT},
    [EVENT_RESUME] = {"resume", ROUTE_CHAT}, // an operator's word
    [EVENT_FEEDBACK] = {"feedback", ROUTE_CHAT},  [EVENT_STATUS] = {"status", ROUTE_RECEIPT},
    [EVENT_READ] = {"read", ROUTE_RECEIPT},       [EVENT_DELIVERY] = {"delivery", ROUTE_RECEIPT},
    [EVENT_REACTION] = {"reaction", ROUTE_CHAT},  [EVENT_ECHO] = {"echo", ROUTE_RECEIPT},
    [EVENT_ROUTING] = {"routing", ROUTE_LANE},    [EVENT_FEED] = {"feed", ROUTE_LANE},
    [EVENT_GROUP] = {"group", ROUTE_LANE},        [EVENT_ACCOUNT] = {"account", ROUTE_LANE},
    [EVENT_HISTORY] = {"history", ROUTE_LANE},    [EVENT_SYNC] = {"sync", ROUTE_LANE},
    [EVENT_ERROR] = {"error", ROUTE_LANE},        [EVENT_OTHER] = {"other", ROUTE_CHAT},
};

const char *platform_name(enum platform platform)
{
    return platform_names[platform];
}

bool platform_parse(const char *name, enum platform *ret_platform)
{
    for (int i = 0; name && i < PLATFORM_COUNT; i++) {
        if (strcmp(name, platform_names[i]) == 0) {
            *ret_platform = (enum platform)i;
            return true;
        }
    }
    if (!name || strcmp(name, "facebook") != 0)
        return false;
    *ret_platform = PLATFORM_MESSENGER;
    return true;
}

const char *platform_document_name(enum platform platform)
{
    return platform == PLATFORM_MESSENGER ? "facebook" : platform_names[platform];
}

const char *event_kind_name(enum event_kind kind)
{
    return kinds[kind].name;
}

bool event_kind_parse(const char *name, enum event_kind *ret_kind)
{
    for (int i = 0; name && i < EVENT_KIND_COUNT; i++) {
        if (strcmp(name, kinds[i].name) == 0) {
            *ret_kind = (enum event_kind)i;
            return true;
        }
    }
    return false;
}

void event_deinit(struct event *event)
{
    char *const strings[] = {event->type,    event->account,  event->contact, event->contact_name,
                             event->id,      event->text,     event->payload, event->reply_to,
                             event->target,  event->parent,   event->emoji,   event->group,
                             event->status,  event->app_id,   event->data,    event->callback_data,
                             event->context, event->referral, event->raw,     event->delivery};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        free(strings[i]);
    for (size_t i = 0; i < EVENT_ALIASES_MAX; i++)
        free(event->aliases[i]);
    cJSON_Delete(event->attachments);
    cJSON_Delete(event->errors);
    *event = (struct event){0};
}

// What another app answers, and what a group says, is seen and not answered.
static bool is_for_flows(const struct event *event)
{
    return event->contact && !event->standby && !event->group;
}

bool event_starts_flow(const struct event *event)
{
    return kinds[event->kind].route <= ROUTE_START && is_for_flows(event);
}

bool event_resumes_flow(const struct event *event)
{
    return kinds[event->kind].route == ROUTE_WAKES && is_for_flows(event);
}

bool event_takes_lane(const struct event *event)
{
    if (event->kind == EVENT_REACTION && !is_for_flows(event))
        return true; // it only changes a message
    return kinds[event->kind].route >= ROUTE_LANE || (!event->contact && !event->group);
}

bool event_is_receipt(const struct event *event)
{
    return kinds[event->kind].route == ROUTE_RECEIPT;
}

bool alias_is_weak(const char *alias)
{
    return alias[0] == '@';
}

/* --- JSON form ---------------------------------------------------------------------------------
 */

enum { JSON_USUAL = 500 }; // bytes beside the text

static void add_name(struct buf *out, const char *name)
{
    buf_add_str(out, ",\"");
    buf_add_str(out, name);
    buf_add_str(out, "\":");
}

static void add_member(struct buf *out, const char *name, const char *value)
{
    if (!value)
        return;
    add_name(out, name);
    buf_add_json_str(out, value);
}

static void add_tree(struct buf *out, const char *name, const cJSON *tree)
{
    if (!tree)
        return;
    char *text = json_print(tree);
    add_name(out, name);
    buf_add_str(out, text);
    free(text);
}

static void add_aliases(struct buf *out, const struct event *event)
{
    buf_add_str(out, ",\"aliases\":[");
    for (size_t i = 0; i < EVENT_ALIASES_MAX && event->aliases[i]; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        buf_add_json_str(out, event->aliases[i]);
    }
    buf_add_char(out, ']');
}

// Raw JSON goes in as it was received; blanks between its tokens may be line breaks, which would
// end our line.
static void add_raw(struct buf *out, const char *name, const char *raw)
{
    if (!raw)
        return;
    add_name(out, name);
    size_t start = out->len;
    buf_add_str(out, raw);
    for (char *c = out->data + start; (c = strpbrk(c, "\r\n")); c++)
        *c = ' ';
}

char *event_to_json(const struct event *event)
{
    struct buf out = {0};
    buf_reserve(&out, JSON_USUAL + (event->text ? strlen(event->text) : 0));
    buf_add_str(&out, "{\"platform\":\"");
    buf_add_str(&out, platform_name(event->platform));
    buf_add_str(&out, "\",\"kind\":\"");
    buf_add_str(&out, event_kind_name(event->kind));
    buf_add_char(&out, '"');
    add_member(&out, "type", event->type);
    add_member(&out, "account", event->account);
    add_member(&out, "contact", event->contact);
    add_aliases(&out, event);
    add_member(&out, "name", event->contact_name);
    add_member(&out, "id", event->id);
    buf_add_str(&out, ",\"timestamp\":");
    buf_add_int(&out, event->timestamp_ms);
    if (kinds[event->kind].route == ROUTE_WAKES) {
        buf_add_str(&out, ",\"text\":");
        buf_add_json_str(&out, event->text);
        buf_add_str(&out, ",\"payload\":");
        buf_add_json_str(&out, event->payload);
    } else {
        add_member(&out, "text", event->text);
        add_member(&out, "payload", event->payload);
    }
    add_member(&out, "reply_to", event->reply_to);
    add_tree(&out, "attachments", event->attachments);
    add_member(&out, "target", event->target);
    add_member(&out, "parent", event->parent);
    add_member(&out, "emoji", event->emoji);
    add_member(&out, "group", event->group);
    if (event->watermark_ms > 0)
        buf_printf(&out, ",\"watermark\":%lld", (long long)event->watermark_ms);
    if (event->standby)
        buf_add_str(&out, ",\"standby\":true");
    add_member(&out, "status", event->status);
    add_member(&out, "callback_data", event->callback_data);
    add_member(&out, "app_id", event->app_id);
    add_tree(&out, "errors", event->errors);
    add_raw(&out, "data", event->data);
    add_raw(&out, "context", event->context);
    add_raw(&out, "referral", event->referral);
    add_raw(&out, "raw", event->raw);
    add_member(&out, "delivery", event->delivery);
    buf_add_char(&out, '}');
    return buf_take(&out);
}

static cJSON *dup_array(const cJSON *json, const char *name)
{
    const cJSON *item = json_get(json, name);
    return cJSON_IsArray(item) ? cJSON_Duplicate(item, true) : NULL;
}

static char *dup_raw(const struct json_doc *doc, const cJSON *json, const char *name)
{
    const cJSON *item = json_get(json, name);
    if (!item)
        return NULL;
    size_t len;
    const char *bytes = json_raw(doc, item, &len);
    return x_dupn(bytes, len);
}

static void read_members(const struct json_doc *doc, const cJSON *json, struct event *event)
{
    event->type = x_dup(json_str(json, "type"));
    event->account = x_dup(json_str(json, "account"));
    event->contact = x_dup(json_str(json, "contact"));
    event->contact_name = x_dup(json_str(json, "name"));
    event->id = x_dup(json_str(json, "id"));
    event->timestamp_ms = json_int(json, "timestamp", 0);
    event->text = x_dup(json_str(json, "text"));
    event->payload = x_dup(json_str(json, "payload"));
    event->reply_to = x_dup(json_str(json, "reply_to"));
    event->target = x_dup(json_str(json, "target"));
    event->parent = x_dup(json_str(json, "parent"));
    event->emoji = x_dup(json_str(json, "emoji"));
    event->group = x_dup(json_str(json, "group"));
    event->watermark_ms = json_int(json, "watermark", 0);
    event->standby = json_bool(json, "standby", false);
    event->status = x_dup(json_str(json, "status"));
    event->callback_data = x_dup(json_str(json, "callback_data"));
    event->app_id = x_dup(json_str(json, "app_id"));
    event->attachments = dup_array(json, "attachments");
    event->errors = dup_array(json, "errors");
    size_t count = 0;
    const cJSON *alias;
    cJSON_ArrayForEach(alias, json_get(json, "aliases")) {
        if (cJSON_IsString(alias) && count < EVENT_ALIASES_MAX)
            event->aliases[count++] = x_dup(alias->valuestring);
    }
    event->data = dup_raw(doc, json, "data");
    event->context = dup_raw(doc, json, "context");
    event->referral = dup_raw(doc, json, "referral");
    event->raw = dup_raw(doc, json, "raw");
    event->delivery = x_dup(json_str(json, "delivery"));
}

bool event_from_json(const char *text, size_t len, struct event *ret_event, struct err *err)
{
    // An event is one element of a delivery, which was itself parsed within the default limits,
    // plus our own level.
    struct json_limits limits = {.max_bytes = 8 << 20, .max_depth = 80};
    struct json_doc *doc = json_parse(text, len, &limits, err);
    if (!doc)
        return false;
    const cJSON *json = json_root(doc);
    struct event event = {0};
    if (!platform_parse(json_str(json, "platform"), &event.platform) ||
        !event_kind_parse(json_str(json, "kind"), &event.kind) || !json_str(json, "account")) {
        json_doc_free(doc);
        return err_set(err, ERR_INPUT, "event: platform, kind or account is missing or unknown");
    }
    read_members(doc, json, &event);
    json_doc_free(doc);
    *ret_event = event;
    return true;
}

/* --- keys ----------------------------------------------------------------------------------------
 */

char *account_key(enum platform platform, const char *account)
{
    return x_printf("%s:%s", platform_name(platform), account);
}

char *chat_key(enum platform platform, const char *account, const char *alias)
{
    return x_printf("%s:%s:%s", platform_name(platform), account, alias);
}

bool chat_key_is_lane(const char *chat)
{
    const char *account = strchr(chat, ':');
    const char *alias = account ? strchr(account + 1, ':') : NULL;
    return alias && strcmp(alias, ":~") == 0;
}

bool chat_key_split(const char *key, enum platform *ret_platform, char **ret_account,
                    char **ret_alias)
{
    const char *account = strchr(key, ':');
    if (!account)
        return false;
    char *name = x_dupn(key, (size_t)(account - key));
    bool known = platform_parse(name, ret_platform);
    free(name);
    if (!known)
        return false;
    account++;
    size_t len = strcspn(account, ":");
    if (len == 0)
        return false;
    *ret_account = x_dupn(account, len);
    *ret_alias = account[len] ? x_dup(account + len + 1) : NULL;
    return true;
}
