// SPDX-License-Identifier: MIT
/*
 * Behaviours: faults that the control API asks for. Each is a match, a number of times and what is
 * to happen; the oldest one that matches and is not used up applies.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sim/internal.h"

enum { BEHAVIOURS_MAX = 1000, DELAY_MAX_MS = 600000 };

struct behaviour {
    struct behaviour *next;
    cJSON *json; // owns all strings
    const char *platform, *kind, *to, *path;
    int64_t times; // left; < 0 = for ever
    char *body;    // or NULL
    struct sim_fault fault;
};

struct sim_behaviours {
    struct behaviour *first;
    size_t count;
};

struct sim_behaviours *sim_behaviours_new(void)
{
    return x_alloc(sizeof(struct sim_behaviours));
}

void sim_behaviours_clear(struct sim_behaviours *behaviours)
{
    while (behaviours->first) {
        struct behaviour *behaviour = behaviours->first;
        behaviours->first = behaviour->next;
        cJSON_Delete(behaviour->json);
        free(behaviour->body);
        free(behaviour);
    }
    behaviours->count = 0;
}

void sim_behaviours_free(struct sim_behaviours *behaviours)
{
    if (!behaviours)
        return;
    sim_behaviours_clear(behaviours);
    free(behaviours);
}

static bool read_fault(const cJSON *json, struct sim_fault *ret_fault, struct err *err)
{
    const char *drop = json_str(json, "drop");
    int64_t status = json_int(json, "status", 0);

    *ret_fault = (struct sim_fault){
        .status = (int)status,
        .delay_ms = json_int(json, "delay_ms", 0),
        .retry_after = json_int(json, "retry_after", -1),
        .headers = json_get(json, "headers"),
    };
    if (status != 0 && (status < 200 || status > 599))
        return err_set(err, ERR_INPUT, "behaviour: status is not within 200-599");
    if (ret_fault->delay_ms < 0 || ret_fault->delay_ms > DELAY_MAX_MS)
        return err_set(err, ERR_INPUT, "behaviour: delay_ms is not within 0-%d", DELAY_MAX_MS);
    if (!drop)
        return true;
    if (strcmp(drop, "before") != 0 && strcmp(drop, "after") != 0)
        return err_set(err, ERR_INPUT, "behaviour: drop is neither \"before\" nor \"after\"");
    ret_fault->drop = strcmp(drop, "before") == 0 ? SIM_DROP_BEFORE : SIM_DROP_AFTER;
    return true;
}

bool sim_behaviours_add(struct sim_behaviours *behaviours, const cJSON *json, struct err *err)
{
    struct sim_fault fault;

    if (!cJSON_IsObject(json))
        return err_set(err, ERR_INPUT, "behaviour: not a JSON object");
    if (behaviours->count == BEHAVIOURS_MAX)
        return err_set(err, ERR_LIMIT, "behaviour: there are %d already", BEHAVIOURS_MAX);
    if (!read_fault(json, &fault, err))
        return false;

    struct behaviour *behaviour = x_alloc(sizeof *behaviour);
    behaviour->json = cJSON_Duplicate(json, true);
    const cJSON *match = json_get(behaviour->json, "match");
    const cJSON *body = json_get(behaviour->json, "body");
    behaviour->platform = json_str(match, "platform");
    behaviour->kind = json_str(match, "kind");
    behaviour->to = json_str(match, "to");
    behaviour->path = json_str(match, "path");
    behaviour->times = json_int(json, "times", 1);
    behaviour->fault = fault;
    behaviour->fault.headers = json_get(behaviour->json, "headers");
    if (cJSON_IsString(body))
        behaviour->body = x_dup(body->valuestring);
    else if (body && !cJSON_IsNull(body))
        behaviour->body = json_print(body);
    behaviour->fault.body = behaviour->body;

    struct behaviour **last = &behaviours->first;
    while (*last)
        last = &(*last)->next;
    *last = behaviour;
    behaviours->count++;
    return true;
}

// Read marks and typing do not count as messages: only their kind matches them.
static bool matches_kind(const char *want, const char *kind)
{
    if (want)
        return strcmp(want, kind) == 0;
    return strcmp(kind, "mark_read") != 0 && strcmp(kind, "typing") != 0;
}

static bool matches(const struct behaviour *behaviour, const struct sim_request *request)
{
    if (behaviour->times == 0 || !matches_kind(behaviour->kind, request->kind))
        return false;
    if (behaviour->platform && strcmp(behaviour->platform, request->platform) != 0)
        return false;
    if (behaviour->to && !sim_is_same_person(behaviour->to, request->to))
        return false;
    return !behaviour->path || strstr(request->path, behaviour->path) != NULL;
}

struct sim_fault sim_behaviours_take(struct sim_behaviours *behaviours,
                                     const struct sim_request *request)
{
    for (struct behaviour *behaviour = behaviours->first; behaviour; behaviour = behaviour->next) {
        if (!matches(behaviour, request))
            continue;
        if (behaviour->times > 0)
            behaviour->times--;
        return behaviour->fault;
    }
    return (struct sim_fault){.retry_after = -1};
}
