// SPDX-License-Identifier: MIT
/*
 * A claimed lane is worked through at once: all its settlements and status updates go out together;
 * when the last is answered and what is to be kept is stored, the lane is finished. Everything here
 * may be done twice without harm.
 */

#include "worker/lane.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/id.h"
#include "base/json.h"
#include "base/log.h"
#include "worker/history.h"
#include "worker/internal.h"
#include "worker/lane_receipts.h"

struct lane_entry {
    int64_t number;
    char *json;
    bool readable;
    struct event event; // valid while readable
};

struct lane {
    struct worker *worker;
    char *chat, *account_key, *account_id;
    enum platform platform;
    unsigned shard;
    int64_t epoch, turn, done;
    struct lane_entry *entries;
    size_t entry_count;
    struct known *account; // loaded when somebody else wrote in a chat; or NULL
    unsigned open;         // answers that are still to come
    unsigned pausing;      // echoes of which nobody knows yet whether they are ours
    cJSON *kept;           // events for the history
    size_t budget;         // of bytes in it
    struct queue_dead *dead;
    size_t dead_count;
    bool canceled;
};

static void lane_free(struct lane *lane)
{
    struct worker *worker = lane->worker;
    unsigned shard = lane->shard;
    for (size_t i = 0; i < lane->dead_count; i++)
        free((char *)lane->dead[i].reason);
    for (size_t i = 0; i < lane->entry_count; i++) {
        if (lane->entries[i].readable)
            event_deinit(&lane->entries[i].event);
        free(lane->entries[i].json);
    }
    free(lane->entries);
    free(lane->dead);
    known_unref(lane->account);
    cJSON_Delete(lane->kept);
    free(lane->chat);
    free(lane->account_key);
    free(lane->account_id);
    free(lane);
    worker_released(worker, shard);
}

static void on_finished(void *arg, const struct err *err)
{
    struct lane *lane = arg;
    if (err)
        log_warn("lane.finish", "account", lane->account_key, "reason", err->text);
    lane_free(lane);
}

// One answer came: after the last one the lane is finished.
static void answered(struct lane *lane)
{
    if (--lane->open > 0)
        return;
    if (lane->canceled) {
        lane_free(lane);
        return;
    }
    struct queue_timer timer = {.delay_ms = -1, .token = ""};
    struct queue_finish call = {.chat = lane->chat,
                                .epoch = lane->epoch,
                                .done = lane->done,
                                .next = QUEUE_IDLE,
                                .timer = &timer,
                                .dead = lane->dead,
                                .dead_count = lane->dead_count};
    queue_finish(lane->worker->queue, &call, on_finished, lane);
}

static void on_settled(void *arg, bool settled, const struct err *err)
{
    struct lane *lane = arg;
    if (settled)
        log_info("effect.settled", "account", lane->account_key);
    lane->canceled |= err && err->code == ERR_CANCELED;
    answered(lane);
}

static void on_stored(void *arg, const struct err *err)
{
    struct lane *lane = arg;
    if (err && err->code != ERR_CANCELED)
        log_error("lane.refused", "account", lane->account_key, "reason", err->text);
    lane->canceled |= err && err->code == ERR_CANCELED;
    answered(lane);
}

// A status or an echo that carries the name of one of our attempts says that it arrived.
static void settle(struct lane *lane, const struct event *event)
{
    bool failed = event->status && strcmp(event->status, "failed") == 0;
    if (!event->callback_data || strncmp(event->callback_data, "hm:", 3) != 0 || failed)
        return;
    cJSON *result = cJSON_CreateObject();
    cJSON_AddBoolToObject(result, "ok", true);
    json_add_str(result, "id", event->id);
    char *text = json_print(result);
    lane->open++;
    queue_settle(lane->worker->queue, lane->account_key, event->contact, event->callback_data, text,
                 on_settled, lane);
    free(text);
    cJSON_Delete(result);
}

static void bury(struct lane *lane, int64_t number, const char *reason)
{
    lane->dead = x_realloc(lane->dead, lane->dead_count + 1, sizeof *lane->dead);
    lane->dead[lane->dead_count++] = (struct queue_dead){number, x_dup(reason)};
}

// What MongoDB does not take is not lost: it goes to the dead letters.
static void on_kept(void *arg, const struct err *err)
{
    struct lane *lane = arg;
    const cJSON *entry;
    if (err && err->code != ERR_CANCELED) {
        cJSON_ArrayForEach(entry, lane->kept) {
            bury(lane, json_int(entry, "n", 0), err->text);
        }
    }
    on_stored(lane, err);
}

static void keep(struct lane *lane, int64_t number, const char *json)
{
    cJSON *entry = cJSON_CreateObject();
    json_add_str(entry, "k", "in");
    json_add_int(entry, "n", number);
    history_add_event(entry, json, &lane->budget);
    cJSON_AddItemToArray(lane->kept, entry);
}

static void store_kept(struct lane *lane)
{
    if (cJSON_GetArraySize(lane->kept) == 0)
        return;
    struct projection *p = projection_new();
    p->platform = lane->platform;
    p->account = x_dup(lane->account_id);
    p->chat = x_dup(lane->chat);
    p->epoch = lane->epoch;
    p->done = lane->done;
    p->sequence = lane->turn + 1;
    p->at_ms = clock_wall_ms();
    p->history = cJSON_Duplicate(lane->kept, true);
    lane->open++;
    writer_project(lane->worker->writer, p, on_kept, lane);
}

/* --- what somebody else wrote in a chat
 * -------------------------------------------------------- */

// A person answered, or another app: one echo on its way to the pause and the chat's thread.
struct foreign {
    struct lane *lane;
    const struct lane_entry *entry;
    int64_t until_ms; // of the pause; 0 = none
};

static void send_receipts(struct lane *lane, struct receipt_list *list)
{
    if (list->count == 0) {
        free(list->items);
        return;
    }
    lane->open++;
    writer_receipts(lane->worker->writer, list->items, list->count, on_stored, lane);
}

static void fill_message(struct message_record *m, const char *chat, const struct event *event)
{
    char key[64];
    event_dedup_key(event, key);
    id_oid(m->id, chat, "echo", event->id ? event->id : key, NULL);
    m->sender = x_dup(echo_sender(event));
    m->text = x_dup(event->text);
    m->type = x_dup(event->type ? event->type : "text");
    m->platform_id = x_dup(event->id);
    m->reply_to = x_dup(event->reply_to);
    m->status = x_dup("sent");
    m->attachments = event->attachments ? cJSON_Duplicate(event->attachments, true) : NULL;
    m->metadata = cJSON_CreateObject();
    json_add_str(m->metadata, "delivery", event->delivery);
    json_add_str(m->metadata, "kind", event_kind_name(event->kind));
    json_add_str(m->metadata, "appId", event->app_id);
    m->at_ms = event->timestamp_ms > 0 ? event->timestamp_ms : clock_wall_ms();
}

// The message, or what it changed, and the pause in the chat's document.
static void store_foreign(struct lane *lane, const struct foreign *foreign)
{
    const struct event *event = &foreign->entry->event;
    const struct account *account = lane->account ? lane->account->account : NULL;
    struct receipt_list list = {0};
    struct projection *p = projection_new();
    if (account) {
        strcpy(p->account_id, account->id);
        strcpy(p->user_id, account->user_id);
    }
    p->platform = lane->platform;
    p->account = x_dup(lane->account_id);
    p->contact = x_dup(event->contact);
    p->chat = chat_key(lane->platform, lane->account_id, event->contact);
    p->sequence = foreign->entry->number;
    p->at_ms = clock_wall_ms();
    p->paused_ms = foreign->until_ms;
    p->beside = true;
    if (!lane_echo_change(&list, lane->account_key, event))
        fill_message(projection_add_message(p), p->chat, event);
    send_receipts(lane, &list);
    lane->open++;
    writer_project(lane->worker->writer, p, on_stored, lane);
}

static void on_paused(void *arg, bool paused, const struct err *err)
{
    struct foreign *foreign = arg;
    struct lane *lane = foreign->lane;
    const struct event *event = &foreign->entry->event;
    if (err && err->code == ERR_CANCELED) {
        lane->canceled = true;
    } else if (err) { // what was said is kept all the same
        log_error("chat.pause", "account", lane->account_key, "contact", event->contact, "delivery",
                  event->delivery, "reason", err->text);
        foreign->until_ms = 0;
        store_foreign(lane, foreign);
    } else if (paused) {
        log_info("chat.paused", "account", lane->account_key, "contact", event->contact, "by",
                 echo_sender(event), "until_ms", log_int(foreign->until_ms), "delivery",
                 event->delivery);
        store_foreign(lane, foreign);
    } else { // it is one of our own, or may be
        struct receipt_list list = {0};
        lane_receipt_sent(&list, lane->account_key, event);
        send_receipts(lane, &list);
        keep(lane, foreign->entry->number, foreign->entry->json);
    }
    free(foreign);
    if (--lane->pausing == 0)
        store_kept(lane);
    answered(lane);
}

static int64_t pause_minutes(const struct lane *lane)
{
    const struct account *account = lane->account ? lane->account->account : NULL;
    if (account && account->pause_minutes >= 0)
        return account->pause_minutes;
    return lane->worker->config->worker_pause_minutes;
}

static void take_foreign(struct lane *lane, const struct lane_entry *entry)
{
    enum { MOST_MINUTES = 366 * 24 * 60 };
    int64_t minutes = pause_minutes(lane);
    if (minutes > MOST_MINUTES)
        minutes = MOST_MINUTES;
    struct foreign *foreign = x_alloc(sizeof *foreign);
    *foreign = (struct foreign){.lane = lane, .entry = entry};
    if (minutes == 0) {
        store_foreign(lane, foreign);
        free(foreign);
        return;
    }
    foreign->until_ms = clock_wall_ms() + minutes * 60000;
    lane->open++;
    lane->pausing++;
    queue_pause(lane->worker->queue, lane->account_key, entry->event.contact, foreign->until_ms,
                echo_may_be_ours(&entry->event) ? entry->event.id : NULL, on_paused, foreign);
}

/* --- all of it
 * --------------------------------------------------------------------------------- */

static bool is_foreign(const struct lane *lane, const struct event *event)
{
    return event->kind == EVENT_ECHO && event->contact && !event->group &&
           !echo_is_ours(lane->worker->config, event);
}

static bool is_of_unknown_account(const struct lane *lane)
{
    return lane->account && lane->account->err.code == ERR_NOT_FOUND;
}

static void work_through(struct lane *lane)
{
    struct receipt_list list = {0};
    for (size_t i = 0; i < lane->entry_count; i++) {
        const struct lane_entry *entry = &lane->entries[i];
        const struct event *event = &entry->event;
        if (!entry->readable)
            continue;
        if (is_foreign(lane, event) && !is_of_unknown_account(lane)) {
            take_foreign(lane, entry);
            continue;
        }
        if (is_foreign(lane, event) || !lane_receipts(&list, lane->account_key, event))
            keep(lane, entry->number, entry->json);
        if (event_is_receipt(event) && event->contact)
            settle(lane, event);
    }
    send_receipts(lane, &list);
    if (lane->pausing == 0)
        store_kept(lane);
    answered(lane);
}

static void on_account(void *arg, struct known *known)
{
    struct lane *lane = arg;
    if (!known) {
        lane->canceled = true;
        answered(lane);
        return;
    }
    lane->account = known_ref(known);
    work_through(lane);
}

static void read_entries(struct lane *lane, const struct queue_claim *claim)
{
    lane->entries = x_calloc(claim->entry_count, sizeof *lane->entries);
    lane->entry_count = claim->entry_count;
    for (size_t i = 0; i < claim->entry_count; i++) {
        struct lane_entry *entry = &lane->entries[i];
        struct err err = {0};
        entry->number = lane->done = claim->entries[i].number;
        entry->json = x_dup(claim->entries[i].json);
        entry->readable = event_from_json(entry->json, strlen(entry->json), &entry->event, &err);
        if (entry->readable)
            continue;
        char *reason = x_printf("unreadable: %s", err.text);
        bury(lane, entry->number, reason);
        free(reason);
    }
}

// Only what others write in a chat needs the account's document.
static bool needs_account(const struct lane *lane)
{
    for (size_t i = 0; i < lane->entry_count; i++)
        if (lane->entries[i].readable && is_foreign(lane, &lane->entries[i].event))
            return true;
    return false;
}

void lane_start(struct worker *worker, const struct queue_claim *claim)
{
    struct lane *lane = x_alloc(sizeof *lane);
    lane->worker = worker;
    lane->chat = x_dup(claim->chat);
    lane->account_key = x_dup(claim->account);
    lane->shard = claim->shard;
    lane->epoch = claim->epoch;
    lane->turn = claim->turn;
    lane->done = claim->done;
    lane->kept = cJSON_CreateArray();
    lane->budget = HISTORY_MOST_BYTES;
    lane->open = 1; // our own, until everything is started
    worker->active++;
    char *alias = NULL;
    bool named = chat_key_split(lane->chat, &lane->platform, &lane->account_id, &alias);
    free(alias);
    if (!named) {
        lane->canceled = true;
        answered(lane);
        return;
    }
    read_entries(lane, claim);
    char *key = x_printf("account:%s", lane->account_key);
    if (needs_account(lane))
        lane->account = catalog_peek(worker->catalog, key);
    if (needs_account(lane) && !lane->account)
        catalog_load(worker->catalog, key, on_account, lane);
    else
        work_through(lane);
    free(key);
}
