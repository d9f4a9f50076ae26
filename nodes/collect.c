// SPDX-License-Identifier: MIT
// The collect window of an input.
#include "nodes/collect.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/value.h"

// Kept in node_state: "burst", a list of messages {id, text, payload, attachments, data}, and
// "burst_began".
static const char burst[] = "burst", burst_began[] = "burst_began";

enum { QUIET_MS = 3000, LONGEST_MS = 30000, MOST = 20 };

const struct node_field collect_fields[] = {
    {.name = "quiet",
     .kind = FIELD_NUMBER,
     .min = 1,
     .max = 3600000,
     .help = "milliseconds without a message after which the burst is over; 3000 unless given"},
    {.name = "longest",
     .kind = FIELD_NUMBER,
     .min = 1,
     .max = 86400000,
     .help = "milliseconds from the first message that the burst lasts at most; 30000 unless "
             "given"},
    {.name = "most",
     .kind = FIELD_NUMBER,
     .min = 1,
     .max = 100,
     .help = "messages after which it is over; 20 unless given"},
    {0},
};

void collect_parse(struct node_parse *p, struct collect *collect)
{
    const cJSON *data = node_member(p->data, "collect");
    collect->is_on = data != NULL;
    collect->quiet_ms = (int64_t)node_number(data, "quiet", QUIET_MS);
    collect->longest_ms = (int64_t)node_number(data, "longest", LONGEST_MS);
    collect->most = (int)node_number(data, "most", MOST);
    if (data && node_member(data, "longest") && collect->quiet_ms > collect->longest_ms)
        node_error(p, "field-value", "collect.quiet: is greater than collect.longest");
    if (collect->longest_ms < collect->quiet_ms)
        collect->longest_ms = collect->quiet_ms;
}

bool collect_has_begun(const struct node_run *run)
{
    return cJSON_GetArraySize(node_state_value(run, burst)) > 0;
}

/* Taking */

static void tree_copy(cJSON *message, const char *name, const cJSON *event)
{
    const cJSON *tree = json_get(event, name);
    if (tree)
        cJSON_AddItemToObject(message, name, cJSON_Duplicate(tree, true));
}

static cJSON *message_make(const struct node_signal *signal, const cJSON *event)
{
    cJSON *message = cJSON_CreateObject();
    json_add_str(message, "id", json_str(event, "id")); // so that it can be taken back
    json_add_str(message, "text", signal->text);
    json_add_str(message, "payload", signal->payload);
    tree_copy(message, "attachments", event);
    tree_copy(message, "data", event);
    return message;
}

static bool fits(const struct node_run *run, const cJSON *messages, const cJSON *message)
{
    size_t before = 0, more = 0;
    struct err err;
    return value_measure(messages, &before, &err) && value_measure(message, &more, &err) &&
           before + more <= run->limits->value_bytes;
}

// False: there is no room for it, nor will there be for another.
static bool message_add(struct node_run *run, cJSON *messages, cJSON *owned_message)
{
    if (fits(run, messages, owned_message)) {
        cJSON_AddItemToArray(messages, owned_message);
        return true;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(owned_message, "attachments");
    cJSON_DeleteItemFromObjectCaseSensitive(owned_message, "data");
    if (fits(run, messages, owned_message))
        cJSON_AddItemToArray(messages, owned_message);
    else
        cJSON_Delete(owned_message);
    return false;
}

bool collect_take(struct node_run *run, const struct collect *collect,
                  const struct node_signal *signal, const cJSON *event)
{
    if (!collect_has_begun(run))
        node_state_put(run, burst_began, cJSON_CreateNumber((double)run->env->now_ms));
    const cJSON *before = node_state_value(run, burst);
    cJSON *messages = before ? cJSON_Duplicate(before, true) : cJSON_CreateArray();
    bool has_room = message_add(run, messages, message_make(signal, event));
    int count = cJSON_GetArraySize(messages);
    node_state_put(run, burst, messages);
    node_decide(run, "collected %d", count);
    return !has_room || count >= collect->most || collect_wait_ms(run, collect) == 0;
}

int64_t collect_wait_ms(const struct node_run *run, const struct collect *collect)
{
    const cJSON *began = node_state_value(run, burst_began);
    int64_t began_ms = cJSON_IsNumber(began) ? (int64_t)began->valuedouble : run->env->now_ms;
    int64_t rest_ms = began_ms + collect->longest_ms - run->env->now_ms;
    rest_ms = rest_ms < 0 ? 0 : rest_ms;
    return rest_ms < collect->quiet_ms ? rest_ms : collect->quiet_ms;
}

/* The end of it */

static void text_join(struct buf *text, const char *more)
{
    if (!more || text_is_blank(more))
        return;
    if (text->len)
        buf_add_char(text, '\n');
    buf_add_str(text, more);
}

static void attachments_join(struct collected *collected, const cJSON *list)
{
    const cJSON *attachment;
    cJSON_ArrayForEach(attachment, list) {
        if (!collected->attachments)
            collected->attachments = cJSON_CreateArray();
        cJSON_AddItemToArray(collected->attachments, cJSON_Duplicate(attachment, true));
    }
}

void collect_end(struct node_run *run, struct collected *ret_collected)
{
    struct collected collected = {0};
    struct buf text = {0};
    const cJSON *message;
    cJSON_ArrayForEach(message, node_state_value(run, burst)) {
        text_join(&text, json_str(message, "text"));
        attachments_join(&collected, json_get(message, "attachments"));
        if (json_str(message, "payload")) {
            free(collected.payload);
            collected.payload = x_dup(json_str(message, "payload"));
        }
        if (json_get(message, "data")) {
            cJSON_Delete(collected.data);
            collected.data = cJSON_Duplicate(json_get(message, "data"), true);
        }
    }
    collected.text = buf_take(&text);
    node_state_put(run, burst, cJSON_CreateArray());
    *ret_collected = collected;
}

void collected_deinit(struct collected *collected)
{
    free(collected->text);
    free(collected->payload);
    cJSON_Delete(collected->attachments);
    cJSON_Delete(collected->data);
    *collected = (struct collected){0};
}
