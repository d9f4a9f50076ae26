// SPDX-License-Identifier: MIT
// What makes two deliveries of an event the same one (see event.h).

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/event.h"
#include "base/id.h"
#include "base/json.h"

// Beside account and kind.
enum {
    BY_ID = 1 << 0,
    BY_ID_ALONE = 1 << 1, // when there is an id, nothing else counts
    BY_TARGET = 1 << 2,
    BY_CONTACT = 1 << 3,
    BY_TYPE = 1 << 4,
    BY_STATUS = 1 << 5,
    BY_TIME = 1 << 6,
    BY_TEXT = 1 << 7,
    BY_PAYLOAD = 1 << 8,
    BY_EMOJI = 1 << 9,
    BY_WATERMARK = 1 << 10,
    BY_DATA = 1 << 11,
    BY_REFERRAL = 1 << 12,
    BY_RAW = 1 << 13,
    BY_GROUP = 1 << 14,
    BY_ERRORS = 1 << 15,
    BY_NUMBER = 1 << 16, // of an edit; stands for text and time when there is one
    BY_ACT = BY_CONTACT | BY_TYPE | BY_TIME | BY_TEXT | BY_PAYLOAD | BY_DATA,
    BY_VALUE = BY_ID | BY_TARGET | BY_GROUP | BY_STATUS | BY_ERRORS | BY_ACT,
};

static const unsigned identities[EVENT_KIND_COUNT] = {
    [EVENT_MESSAGE] = BY_ID_ALONE | BY_ACT,
    [EVENT_POSTBACK] = BY_ID | BY_ACT,
    [EVENT_REFERRAL] = BY_ID | BY_REFERRAL | BY_ACT,
    [EVENT_OPTIN] = BY_ACT,
    [EVENT_COMMENT] = BY_ID | BY_TYPE | BY_STATUS | BY_TEXT,
    [EVENT_MENTION] = BY_ID | BY_TARGET | BY_TYPE | BY_STATUS | BY_TEXT,
    [EVENT_CALL] = BY_ID | BY_TARGET | BY_TYPE | BY_STATUS,
    [EVENT_EDIT] = BY_ID_ALONE | BY_TARGET | BY_NUMBER | BY_TEXT | BY_TIME,
    [EVENT_UNSEND] = BY_ID | BY_TARGET,
    [EVENT_LINKING] = BY_ACT,
    [EVENT_CONTACT] = BY_ID_ALONE | BY_ACT,
    [EVENT_PREFERENCE] = BY_ID | BY_STATUS | BY_ACT,
    [EVENT_FEEDBACK] = BY_TARGET | BY_ACT,
    [EVENT_START] = BY_ID_ALONE | BY_TARGET | BY_ACT,
    [EVENT_CALLBACK] = BY_ID_ALONE | BY_TARGET | BY_ACT,
    [EVENT_RESUME] = BY_ID_ALONE | BY_ACT,
    [EVENT_STATUS] = BY_ID | BY_TARGET | BY_STATUS | BY_CONTACT | BY_GROUP,
    [EVENT_READ] = BY_ID | BY_TARGET | BY_WATERMARK | BY_CONTACT,
    [EVENT_DELIVERY] = BY_TARGET | BY_WATERMARK | BY_CONTACT | BY_DATA,
    [EVENT_REACTION] = BY_ID_ALONE | BY_TARGET | BY_CONTACT | BY_TYPE | BY_EMOJI | BY_TIME,
    [EVENT_ECHO] = BY_ID_ALONE | BY_ACT,
    [EVENT_ROUTING] = BY_ACT,
    [EVENT_FEED] = BY_VALUE,
    [EVENT_GROUP] = BY_VALUE,
    [EVENT_ACCOUNT] = BY_VALUE,
    [EVENT_HISTORY] = BY_ID_ALONE | BY_VALUE,
    [EVENT_SYNC] = BY_VALUE,
    [EVENT_ERROR] = BY_VALUE,
    [EVENT_OTHER] = BY_TYPE | BY_RAW, // the same bytes are the same event
};

// num_edit of an edit, a number or a string; "" when there is none.
static void read_edit_number(const struct event *event, char out[32])
{
    struct err err;
    cJSON *data = event->data ? json_read(event->data, strlen(event->data), &err) : NULL;
    char scratch[32];
    const char *number = json_id(data, "num_edit", scratch);
    snprintf(out, 32, "%s", number && strlen(number) < 32 ? number : "");
    cJSON_Delete(data);
}

static void print_int(char out[32], int64_t number)
{
    snprintf(out, 32, "%lld", (long long)number);
}

// What the kind's row names; the others count as empty. The same in every redelivery.
static void hash_parts(const struct event *event, unsigned by, const char *number, uint8_t out[16])
{
    char stamp[32] = "", watermark[32] = "";
    if (by & BY_TIME)
        print_int(stamp, event->timestamp_ms);
    if (by & BY_WATERMARK)
        print_int(watermark, event->watermark_ms);
    char *errors = by & BY_ERRORS && event->errors ? json_print(event->errors) : NULL;
    const struct {
        unsigned bit;
        const char *value;
    } parts[] = {{BY_ID, event->id},           {BY_TARGET, event->target},
                 {BY_CONTACT, event->contact}, {BY_TYPE, event->type},
                 {BY_STATUS, event->status},   {BY_TEXT, event->text},
                 {BY_PAYLOAD, event->payload}, {BY_EMOJI, event->emoji},
                 {BY_DATA, event->data},       {BY_REFERRAL, event->referral},
                 {BY_RAW, event->raw},         {BY_GROUP, event->group}};
    const char *v[sizeof parts / sizeof *parts];
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        v[i] = by & parts[i].bit && parts[i].value ? parts[i].value : "";
    id_hash128(out, event->account, event_kind_name(event->kind), v[0], v[1], v[2], v[3], v[4],
               v[5], v[6], v[7], v[8], v[9], v[10], v[11], stamp, watermark, number,
               errors ? errors : "", NULL);
    free(errors);
}

void event_dedup_key(const struct event *event, char out[64])
{
    uint8_t hash[16];
    unsigned by = identities[event->kind];
    char number[32] = "";
    if (by & BY_NUMBER)
        read_edit_number(event, number);
    if (*number)
        by &= ~(unsigned)(BY_TEXT | BY_TIME);
    if (by & BY_ID_ALONE && event->id)
        id_hash128(hash, event->account, event_kind_name(event->kind), event->id, NULL);
    else
        hash_parts(event, by, number, hash);
    hex_encode(hash, sizeof hash, out);
}
