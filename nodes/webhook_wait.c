// SPDX-License-Identifier: MIT
/*
 * webhookWait: waits until an external service calls this node's address, which is there as
 * {{ callbacks.<node id>.url }} from the session's beginning, so that a call before it can pass it
 * on. A callback that comes before the session is here counts when it is.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "engine/path.h"
#include "nodes/types.h"

enum { MAPPING_MAX = 50 };

struct mapped {
    struct path *variable, *from;
};

struct webhook_wait {
    int64_t timeout_ms;    // 0: waits for ever
    struct path *variable; // or NULL
    struct mapped *mapping;
    size_t mapping_count;
    int next, timeout;
};

static void webhook_wait_free(void *config)
{
    struct webhook_wait *wait = config;
    path_free(wait->variable);
    for (size_t i = 0; i < wait->mapping_count; i++) {
        path_free(wait->mapping[i].variable);
        path_free(wait->mapping[i].from);
    }
    free(wait->mapping);
    free(wait);
}

static void mapping_parse(struct node_parse *p, struct webhook_wait *wait, const cJSON *mapping)
{
    int count = cJSON_GetArraySize(mapping);
    if (count > MAPPING_MAX) {
        node_error(p, "field-value", "mapping: more than %d", MAPPING_MAX);
        return;
    }
    wait->mapping = x_calloc((size_t)count + 1, sizeof *wait->mapping);
    const cJSON *item;
    cJSON_ArrayForEach(item, mapping) {
        struct mapped *mapped = &wait->mapping[wait->mapping_count++];
        const char *from = cJSON_GetStringValue(item);
        struct err err;
        mapped->variable = node_sets(p, NULL, "", item->string);
        mapped->from = path_parse(from ? from : "", from ? strlen(from) : 0, &err);
        if (!mapped->from)
            node_error(p, "variable-bad", "mapping.%.60s: %s", item->string, err.text);
    }
}

static void *webhook_wait_parse(struct node_parse *p)
{
    struct webhook_wait *wait = x_alloc(sizeof *wait);
    node_callback(p);
    wait->timeout_ms = (int64_t)node_number(p->data, "timeout", 0);
    wait->variable = node_sets(p, p->data, "variable", NULL);
    mapping_parse(p, wait, node_member(p->data, "mapping"));
    node_edge(p, "error"); // the engine takes it when there is no address, or too much came
    wait->timeout = node_edge(p, "timeout");
    wait->next = node_edge(p, "received");
    int other = node_default_edge(p);
    if (wait->next == NOWHERE)
        wait->next = other;
    if (wait->timeout_ms && wait->timeout == NOWHERE)
        node_lint(p, "timeout-no-edge",
                  "no edge for the timeout: the session is abandoned when nobody calls");
    return wait;
}

// Only a shell that knows of addresses can miss one.
static bool has_address(const struct node_run *run)
{
    const cJSON *callback = json_get(json_get(run->session->vars, "callbacks"), run->id);
    return !run->env->callback_url || json_str(callback, "url");
}

static enum node_verdict webhook_wait_enter(struct node_run *run)
{
    const struct webhook_wait *wait = run->config;
    if (!has_address(run))
        return node_fail(run, "there is no address to call: set listen.public_url and "
                              "callbacks.key in the configuration");
    return node_wait_callback(run, wait->timeout_ms);
}

static bool data_take(struct node_run *run, const struct webhook_wait *wait, const cJSON *data)
{
    if (wait->variable &&
        !node_set(run, wait->variable, data ? cJSON_Duplicate(data, true) : cJSON_CreateNull()))
        return false;
    for (size_t i = 0; i < wait->mapping_count; i++) {
        const struct mapped *mapped = &wait->mapping[i];
        const cJSON *value = path_find(mapped->from, data);
        if (!node_set(run, mapped->variable,
                      value ? cJSON_Duplicate(value, true) : cJSON_CreateNull()))
            return false;
    }
    return true;
}

static enum node_verdict webhook_wait_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct webhook_wait *wait = run->config;
    if (signal->kind == SIGNAL_TIMER) {
        if (wait->timeout != NOWHERE)
            return node_go(run, wait->timeout, "timeout");
        run->decision = "timeout";
        return NODE_ABANDONED;
    }
    if (!data_take(run, wait, json_get(signal->event, "data")))
        return NODE_FAILED;
    return node_go(run, wait->next, "received");
}

static const char *const aliases[] = {"webhookWaitNode", "waitForWebhook", NULL};
static const char *const handles[] = {"received", "timeout", "error", NULL};

static const struct node_field fields[] = {
    {.name = "timeout",
     .kind = FIELD_NUMBER,
     .min = 0,
     .max = 2592000000.0,
     .help = "milliseconds to wait for the call; at most 30 days"},
    {.name = "variable", .kind = FIELD_VARIABLE, .help = "gets what was sent"},
    {.name = "mapping",
     .kind = FIELD_OBJECT,
     .help = "variables to set, each to a path in what was sent"},
    {0},
};

const struct node_type node_webhook_wait = {
    .name = "webhookWait",
    .aliases = aliases,
    .summary = "Waits until an external service calls this node's address.",
    .waits = true,
    .fields = fields,
    .handles = handles,
    .parse = webhook_wait_parse,
    .enter = webhook_wait_enter,
    .resume = webhook_wait_resume,
    .free = webhook_wait_free,
};
