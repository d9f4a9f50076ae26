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
#include "base/json.h"
#include "base/log.h"
#include "worker/history.h"
#include "worker/internal.h"

struct lane {
    struct worker *worker;
    char *chat, *account_key, *account_id;
    enum platform platform;
    unsigned shard;
    int64_t epoch, turn, done;
    unsigned open; // answers that are still to come
    cJSON *kept;   // events for the history
    size_t budget; // of bytes in it
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
    free(lane->dead);
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

static void fill_receipt(struct receipt *receipt, const struct lane *lane,
                         const struct event *event)
{
    const cJSON *error = cJSON_GetArrayItem(event->errors, 0);
    const char *title = json_str(error, "title");
    int64_t code = json_int(error, "code", 0);
    *receipt = (struct receipt){
        .account = x_dup(lane->account_key),
        .platform_id = x_dup(event->id),
        .status = x_dup(event->status ? event->status : "sent"),
        .error = error ? x_printf("%lld: %s", (long long)code, title ? title : "") : NULL,
        .at_ms = event->timestamp_ms};
}

// A receipt of a message that we know by its id; everything else is kept whole.
static bool is_known_receipt(const struct event *event)
{
    if (!event_is_receipt(event) || !event->id)
        return false;
    return event->kind == EVENT_STATUS ||
           (event->callback_data && strncmp(event->callback_data, "hm:", 3) == 0);
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

static void work_through(struct lane *lane, const struct queue_claim *claim)
{
    struct receipt *receipts = x_calloc(claim->entry_count, sizeof *receipts);
    size_t count = 0;
    for (size_t i = 0; i < claim->entry_count; i++) {
        const struct queue_entry *entry = &claim->entries[i];
        struct event event;
        struct err err = {0};
        lane->done = entry->number;
        if (!event_from_json(entry->json, strlen(entry->json), &event, &err)) {
            char *reason = x_printf("unreadable: %s", err.text);
            bury(lane, entry->number, reason);
            free(reason);
            continue;
        }
        if (is_known_receipt(&event))
            fill_receipt(&receipts[count++], lane, &event);
        else
            keep(lane, entry->number, entry->json);
        if (event_is_receipt(&event) && event.contact)
            settle(lane, &event);
        event_deinit(&event);
    }
    if (count > 0) {
        lane->open++;
        writer_receipts(lane->worker->writer, receipts, count, on_stored, lane);
    } else {
        free(receipts);
    }
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
    worker->active++;
    char *alias = NULL;
    lane->open = 1; // our own, until everything is started
    if (!chat_key_split(lane->chat, &lane->platform, &lane->account_id, &alias))
        lane->canceled = true;
    free(alias);
    if (!lane->canceled) {
        work_through(lane, claim);
        store_kept(lane);
    }
    answered(lane);
}
