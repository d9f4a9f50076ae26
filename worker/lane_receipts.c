// SPDX-License-Identifier: MIT
// Events of a lane as receipts (see lane_receipts.h).

#include "worker/lane_receipts.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"

enum { MIDS_MOST = 1000 }; // of one delivery receipt

// Page inbox and Instagram's: what comes from there was written by a person.
static const char *const inbox_apps[] = {"263902037430900", "1217981644879628"};

static struct receipt *add(struct receipt_list *list, enum receipt_kind kind,
                           const char *account_key, const struct event *event, const char *message)
{
    list->items = x_realloc(list->items, list->count + 1, sizeof list->items[0]);
    struct receipt *receipt = &list->items[list->count++];
    *receipt =
        (struct receipt){.kind = kind,
                         .account = x_dup(account_key),
                         .platform_id = x_dup(message),
                         .contact = x_dup(event->contact),
                         .at_ms = event->timestamp_ms > 0 ? event->timestamp_ms : clock_wall_ms()};
    if (event->contact)
        receipt->chat = chat_key(event->platform, event->account, event->contact);
    return receipt;
}

static bool add_status(struct receipt_list *list, const char *account_key,
                       const struct event *event)
{
    static const char *const words[] = {"sent", "delivered", "read", "played", "failed"};
    bool known = false;
    for (size_t i = 0; event->status && i < sizeof words / sizeof *words; i++)
        known = known || strcmp(event->status, words[i]) == 0;
    if (!event->id || !known)
        return false;
    struct receipt *receipt = add(list, RECEIPT_STATUS, account_key, event, event->id);
    const cJSON *error = cJSON_GetArrayItem(event->errors, 0);
    const char *title = json_str(error, "title");
    receipt->status = x_dup(event->status);
    if (error)
        receipt->error =
            x_printf("%lld: %s", (long long)json_int(error, "code", 0), title ? title : "");
    return true;
}

static bool add_seen(struct receipt_list *list, const char *account_key, const struct event *event)
{
    const char *word = event->kind == EVENT_READ ? "read" : "delivered";
    size_t before = list->count;
    if (event->target)
        add(list, RECEIPT_STATUS, account_key, event, event->target);
    cJSON *data = event->data ? json_read(event->data, strlen(event->data), NULL) : NULL;
    const cJSON *mid;
    size_t mids = 0;
    cJSON_ArrayForEach(mid, json_get(data, "mids")) {
        if (cJSON_IsString(mid) && mids++ < MIDS_MOST)
            add(list, RECEIPT_STATUS, account_key, event, mid->valuestring);
    }
    cJSON_Delete(data);
    if (event->watermark_ms > 0 && event->contact)
        add(list, RECEIPT_UP_TO, account_key, event, NULL)->at_ms = event->watermark_ms;
    for (size_t i = before; i < list->count; i++)
        list->items[i].status = x_dup(word);
    return list->count > before;
}

static bool add_reaction(struct receipt_list *list, const char *account_key,
                         const struct event *event)
{
    if (!event->target || !event->contact)
        return false;
    struct receipt *receipt = add(list, RECEIPT_REACTION, account_key, event, event->target);
    receipt->emoji = event->emoji && *event->emoji ? x_dup(event->emoji) : NULL;
    return true;
}

void lane_receipt_sent(struct receipt_list *list, const char *account_key,
                       const struct event *event)
{
    if (event->id)
        add(list, RECEIPT_STATUS, account_key, event, event->id)->status = x_dup("sent");
}

bool lane_receipts(struct receipt_list *list, const char *account_key, const struct event *event)
{
    switch (event->kind) {
    case EVENT_STATUS:
        return add_status(list, account_key, event);
    case EVENT_READ:
    case EVENT_DELIVERY:
        return add_seen(list, account_key, event);
    case EVENT_REACTION:
        return add_reaction(list, account_key, event);
    case EVENT_ECHO:
        lane_receipt_sent(list, account_key, event);
        return event->id;
    default:
        return false;
    }
}

bool lane_echo_change(struct receipt_list *list, const char *account_key, const struct event *event)
{
    bool edit = event->type && strcmp(event->type, "edit") == 0;
    bool revoke = event->type && strcmp(event->type, "revoke") == 0;
    if (!event->target || (!edit && !revoke))
        return false;
    struct receipt *receipt =
        add(list, edit ? RECEIPT_EDIT : RECEIPT_UNSEND, account_key, event, event->target);
    receipt->text = edit ? x_dup(event->text) : NULL;
    if (edit && event->attachments)
        receipt->attachments = cJSON_Duplicate(event->attachments, true);
    return true;
}

bool echo_is_ours(const struct config *config, const struct event *event)
{
    if (event->callback_data && strncmp(event->callback_data, "hm:", 3) == 0)
        return true;
    for (size_t i = 0; event->app_id && i < config->app_count; i++)
        if (config->apps[i].id && strcmp(config->apps[i].id, event->app_id) == 0)
            return true;
    return false;
}

static bool is_inbox(const char *app_id)
{
    for (size_t i = 0; app_id && i < sizeof inbox_apps / sizeof *inbox_apps; i++)
        if (strcmp(inbox_apps[i], app_id) == 0)
            return true;
    return false;
}

bool echo_may_be_ours(const struct event *event)
{
    return event->platform != PLATFORM_WHATSAPP && !is_inbox(event->app_id);
}

const char *echo_sender(const struct event *event)
{
    return event->app_id && !is_inbox(event->app_id) ? event->app_id : "agent";
}
