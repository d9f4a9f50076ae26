// SPDX-License-Identifier: MIT
/*
 * Any bytes as a delivery's body: the normalisers never crash, and every event that they make
 * survives its JSON form with the kinds' promises kept. Also reads the bytes as a verification
 * query.
 */

#include <stdlib.h>
#include <string.h>

#include "webhook/challenge.h"
#include "webhook/normalise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const struct event *event)
{
    if (!event->account || !*event->account || (event->kind == EVENT_OTHER) != (event->raw != NULL))
        abort();
    if (event_resumes_flow(event) && !event->contact)
        abort();
    char *json = event_to_json(event);
    struct event again;
    struct err err;
    if (strchr(json, '\n') || !event_from_json(json, strlen(json), &again, &err))
        abort();
    char *twice = event_to_json(&again);
    if (strcmp(json, twice) != 0)
        abort();
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
    for (size_t i = 0; i < list.count; i++)
        check(&list.events[i]);
    event_list_deinit(&list);
    return 0;
}
