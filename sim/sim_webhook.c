// SPDX-License-Identifier: MIT
// Makes deliveries in Meta's shapes (platform reference, sections 2 and 3), and signs them.
#include "sim/sim_webhook.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/json.h"

static const char *const kind_names[] = {
    [SIM_TEXT] = "text",
    [SIM_POSTBACK] = "postback",
    [SIM_QUICK_REPLY] = "quick_reply",
    [SIM_BUTTON_REPLY] = "button_reply",
    [SIM_LIST_REPLY] = "list_reply",
    [SIM_BUTTON] = "button",
    [SIM_STATUS] = "status",
    [SIM_ECHO] = "echo",
};

bool sim_message_kind_parse(const char *name, enum sim_message_kind *ret_kind)
{
    for (size_t i = 0; i < sizeof kind_names / sizeof *kind_names; i++) {
        if (strcmp(name, kind_names[i]) == 0) {
            *ret_kind = (enum sim_message_kind)i;
            return true;
        }
    }
    return false;
}

static cJSON *add_element(cJSON *object, const char *array)
{
    cJSON *element = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_AddArrayToObject(object, array), element);
    return element;
}

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

// The message's id, else a new one with the prefix; caller frees.
static char *message_id(const struct sim_message *message, const char *prefix)
{
    char uuid[37];

    if (message->id)
        return x_dup(message->id);
    id_uuid(uuid);
    return x_printf("%s%s", prefix, uuid);
}

// ---- Messenger and Instagram: entry[].messaging[]

static void add_message(cJSON *element, const struct sim_message *message, const char *id)
{
    cJSON *body = cJSON_AddObjectToObject(element, "message");

    json_add_str(body, "mid", id);
    if (message->kind == SIM_ECHO) {
        cJSON_AddBoolToObject(body, "is_echo", true);
        cJSON_AddNumberToObject(body, "app_id", 1517776481860111);
        json_add_str(body, "metadata", message->attempt);
    }
    json_add_str(body, "text", or_empty(message->text));
    if (message->kind != SIM_TEXT && message->kind != SIM_ECHO) {
        cJSON *reply = cJSON_AddObjectToObject(body, "quick_reply");
        json_add_str(reply, "payload", or_empty(message->payload));
    }
}

static void add_party(cJSON *element, const char *role, const char *id)
{
    json_add_str(cJSON_AddObjectToObject(element, role), "id", id);
}

static cJSON *messaging_envelope(const struct sim_message *message, int64_t now_ms)
{
    bool is_instagram = message->platform == PLATFORM_INSTAGRAM;
    bool is_echo = message->kind == SIM_ECHO;
    char *id = message_id(message, is_instagram ? "aWd_" : "m_");
    cJSON *root = cJSON_CreateObject();

    json_add_str(root, "object", is_instagram ? "instagram" : "page");
    cJSON *entry = add_element(root, "entry");
    json_add_str(entry, "id", message->account);
    json_add_int(entry, "time", now_ms);
    cJSON *element = add_element(entry, "messaging");
    add_party(element, "sender", is_echo ? message->account : message->from);
    add_party(element, "recipient", is_echo ? message->from : message->account);
    json_add_int(element, "timestamp", message->timestamp_ms ? message->timestamp_ms : now_ms);
    if (message->kind == SIM_POSTBACK) {
        cJSON *postback = cJSON_AddObjectToObject(element, "postback");
        json_add_str(postback, "mid", id);
        json_add_str(postback, "title", or_empty(message->text));
        json_add_str(postback, "payload", or_empty(message->payload));
    } else {
        add_message(element, message, id);
    }
    free(id);
    return root;
}

// ---- WhatsApp: entry[].changes[].value

// Two capital letters and a dot: a business-scoped id, which has no phone number.
static bool is_business_scoped(const char *from)
{
    return isupper((unsigned char)from[0]) && isupper((unsigned char)from[1]) && from[2] == '.';
}

static void add_contact(cJSON *value, const struct sim_message *message)
{
    cJSON *contact = add_element(value, "contacts");

    if (message->name)
        json_add_str(cJSON_AddObjectToObject(contact, "profile"), "name", message->name);
    json_add_str(contact, is_business_scoped(message->from) ? "user_id" : "wa_id", message->from);
}

static void add_reply(cJSON *element, const struct sim_message *message, const char *type)
{
    json_add_str(element, "type", "interactive");
    cJSON *interactive = cJSON_AddObjectToObject(element, "interactive");
    json_add_str(interactive, "type", type);
    cJSON *reply = cJSON_AddObjectToObject(interactive, type);
    json_add_str(reply, "id", or_empty(message->payload));
    json_add_str(reply, "title", or_empty(message->text));
}

static void add_whatsapp_message(cJSON *value, const struct sim_message *message,
                                 const char *seconds)
{
    cJSON *element = add_element(value, "messages");
    char *id = message_id(message, "wamid.");

    json_add_str(element, is_business_scoped(message->from) ? "from_user_id" : "from",
                 message->from);
    json_add_str(element, "id", id);
    json_add_str(element, "timestamp", seconds);
    free(id);
    switch (message->kind) {
    case SIM_LIST_REPLY:
        add_reply(element, message, "list_reply");
        return;
    case SIM_POSTBACK:
    case SIM_QUICK_REPLY:
    case SIM_BUTTON_REPLY:
        add_reply(element, message, "button_reply");
        return;
    case SIM_BUTTON: {
        json_add_str(element, "type", "button");
        cJSON *button = cJSON_AddObjectToObject(element, "button");
        json_add_str(button, "payload", or_empty(message->payload));
        json_add_str(button, "text", or_empty(message->text));
        return;
    }
    default:
        json_add_str(element, "type", "text");
        json_add_str(cJSON_AddObjectToObject(element, "text"), "body", or_empty(message->text));
    }
}

static void add_status(cJSON *value, const struct sim_message *message, const char *seconds)
{
    const char *status = message->status ? message->status : "delivered";
    cJSON *element = add_element(value, "statuses");

    json_add_str(element, "id", or_empty(message->id));
    json_add_str(element, "status", status);
    json_add_str(element, "timestamp", seconds);
    json_add_str(element, is_business_scoped(message->from) ? "recipient_user_id" : "recipient_id",
                 message->from);
    json_add_str(element, "biz_opaque_callback_data", message->attempt);
    if (strcmp(status, "failed") == 0) {
        cJSON *error = add_element(element, "errors");
        json_add_int(error, "code", 131026);
        json_add_str(error, "title", "Message undeliverable");
        json_add_str(error, "message", "Message undeliverable");
    }
}

static cJSON *whatsapp_envelope(const struct sim_message *message, int64_t now_ms)
{
    int64_t timestamp_ms = message->timestamp_ms ? message->timestamp_ms : now_ms;
    cJSON *root = cJSON_CreateObject();
    char seconds[24];

    snprintf(seconds, sizeof seconds, "%lld", (long long)(timestamp_ms / 1000));
    json_add_str(root, "object", "whatsapp_business_account");
    cJSON *entry = add_element(root, "entry");
    json_add_str(entry, "id", "215566778899001"); // some business account
    cJSON *change = add_element(entry, "changes");
    json_add_str(change, "field", "messages");
    cJSON *value = cJSON_AddObjectToObject(change, "value");
    json_add_str(value, "messaging_product", "whatsapp");
    cJSON *metadata = cJSON_AddObjectToObject(value, "metadata");
    json_add_str(metadata, "display_phone_number", "14155550123");
    json_add_str(metadata, "phone_number_id", message->account);
    if (message->kind == SIM_STATUS || message->kind == SIM_ECHO) {
        add_status(value, message, seconds);
    } else {
        add_contact(value, message);
        add_whatsapp_message(value, message, seconds);
    }
    return root;
}

// ---- Meta's way of writing

// The next code point of valid UTF-8.
static unsigned next_char(const unsigned char **at)
{
    const unsigned char *s = *at;
    int more = *s >= 0xf0 ? 3 : *s >= 0xe0 ? 2 : *s >= 0xc0 ? 1 : 0;
    unsigned c = more == 0 ? *s : *s & (0x3fu >> more);

    for (int i = 1; i <= more && s[i]; i++)
        c = c << 6 | (s[i] & 0x3fu);
    *at += 1 + more;
    return c;
}

/*
 * Meta sends (and signs) JSON in ASCII: é as \u00e9, emoji as surrogate pairs, / as \/. Both occur
 * inside strings only, so the whole text can be rewritten.
 */
static char *escape(const char *json)
{
    const unsigned char *at = (const unsigned char *)json;
    struct buf out = {0};

    while (*at) {
        unsigned c = next_char(&at);
        if (c == '/')
            buf_add_str(&out, "\\/");
        else if (c < 0x80)
            buf_add_char(&out, (char)c);
        else if (c < 0x10000)
            buf_printf(&out, "\\u%04x", c);
        else
            buf_printf(&out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                       0xdc00 + ((c - 0x10000) & 0x3ff));
    }
    return buf_take(&out);
}

char *sim_webhook_body(const struct sim_message *message)
{
    int64_t now_ms = clock_wall_ms();
    cJSON *root = message->platform == PLATFORM_WHATSAPP ? whatsapp_envelope(message, now_ms)
                                                         : messaging_envelope(message, now_ms);
    char *json = json_print(root);
    char *body = escape(json);

    free(json);
    cJSON_Delete(root);
    return body;
}

void sim_webhook_signature(const char *secret, const void *body, size_t len,
                           char out[SIM_SIGNATURE_SIZE])
{
    uint8_t digest[SHA256_LEN];

    crypto_hmac_sha256(secret, strlen(secret), body, len, digest);
    memcpy(out, "sha256=", 7);
    hex_encode(digest, sizeof digest, out + 7);
}
