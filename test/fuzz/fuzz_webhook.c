// SPDX-License-Identifier: MIT
/*
 * Any bytes as a delivery's body: the normalisers never crash, and every event that they make
 * survives its JSON form with the kinds' promises kept. Also reads the bytes as a verification
 * query.
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "webhook/challenge.h"
#include "webhook/normalise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void expect(bool held)
{
    if (!held)
        abort();
}

static void check_members(const struct event *event)
{
    expect(event->account && *event->account);
    expect((event->kind == EVENT_OTHER) == (event->raw != NULL));
    expect((event->contact == NULL) == (event->aliases[0] == NULL));
    // A change of number names the old one first.
    expect(!event->contact || event->kind == EVENT_CONTACT ||
           strcmp(event->contact, event->aliases[0]) == 0);
    expect(event->contact || !event_starts_flow(event));
    expect(event_starts_flow(event) || !event_resumes_flow(event));
    expect(!event->standby || !event_starts_flow(event));
    expect(event->timestamp_ms >= 0 && event->watermark_ms >= 0);
    const cJSON *attachment;
    cJSON_ArrayForEach(attachment, event->attachments)
        expect(cJSON_IsObject(attachment) || event->platform == PLATFORM_WHATSAPP);
}

// The JSON form is one line, and what is read from it is the same event.
static void check_json_form(const struct event *event)
{
    char *json = event_to_json(event), keys[2][64];
    struct event again;
    struct err err;
    expect(!strchr(json, '\n') && event_from_json(json, strlen(json), &again, &err));
    char *twice = event_to_json(&again);
    expect(strcmp(json, twice) == 0);
    event_dedup_key(event, keys[0]);
    event_dedup_key(&again, keys[1]);
    expect(strcmp(keys[0], keys[1]) == 0);
    event_deinit(&again);
    free(json);
    free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *query = x_dupn(data, len), challenge[CHALLENGE_MAX + 1];
    if (challenge_check(query, "token", challenge) == 200 && strlen(challenge) > CHALLENGE_MAX)
        abort();
    free(query);
    struct event_list list;
    struct err err;
    if (!normalise(data, len, &list, &err))
        return 0;
    for (size_t i = 0; i < list.count; i++) {
        check_members(&list.events[i]);
        check_json_form(&list.events[i]);
    }
    event_list_deinit(&list);
    return 0;
}
