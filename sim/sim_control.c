// SPDX-License-Identifier: MIT
// The control API, under /_sim/: what was received, faults to come, webhooks of deliveries.
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "sim/internal.h"

static void say(struct sim_request *request, int status, const char *error)
{
    request->status = status;
    buf_add_str(request->answer, "{\"error\":");
    buf_add_json_str(request->answer, error);
    buf_add_char(request->answer, '}');
}

static void say_ok(struct sim_request *request)
{
    buf_add_str(request->answer, "{\"success\":true}");
}

static void get_requests(struct sim *sim, struct sim_request *request)
{
    struct evkeyvalq query;
    char dropped[24];

    if (evhttp_parse_query_str(request->query, &query) != 0) {
        say(request, 400, "the query cannot be read");
        return;
    }
    const char *since = evhttp_find_header(&query, "since");
    const struct sim_filter filter = {
        .platform = evhttp_find_header(&query, "platform"),
        .to = evhttp_find_header(&query, "to"),
        .account = evhttp_find_header(&query, "account"),
        .since = since ? strtoull(since, NULL, 10) : 0,
    };
    snprintf(dropped, sizeof dropped, "%llu", (unsigned long long)sim_memory_dropped(sim->memory));
    evhttp_add_header(evhttp_request_get_output_headers(request->http), "X-Sim-Dropped", dropped);
    sim_memory_print(sim->memory, &filter, request->answer);
    evhttp_clear_headers(&query);
}

static void delete_requests(struct sim *sim, struct sim_request *request)
{
    sim_memory_clear(sim->memory);
    say_ok(request);
}

static void get_stats(struct sim *sim, struct sim_request *request)
{
    buf_printf(
        request->answer,
        "{\"requests\":%zu,\"dropped\":%llu,\"webhooks_sent\":%llu,\"webhooks_failed\":%llu}",
        sim_memory_count(sim->memory), (unsigned long long)sim_memory_dropped(sim->memory),
        (unsigned long long)sim->webhooks_sent, (unsigned long long)sim->webhooks_failed);
}

static void post_behaviour(struct sim *sim, struct sim_request *request)
{
    struct err err;

    if (sim_behaviours_add(sim->behaviours, request->json, &err))
        say_ok(request);
    else
        say(request, 400, err.text);
}

static void delete_behaviour(struct sim *sim, struct sim_request *request)
{
    sim_behaviours_clear(sim->behaviours);
    say_ok(request);
}

static void set_webhooks(struct sim *sim, const char *url, const char *secret)
{
    free(sim->webhook_url);
    secret_free(sim->webhook_secret);
    sim->webhook_url = x_dup(url);
    sim->webhook_secret = x_dup(secret);
}

static void post_webhooks(struct sim *sim, struct sim_request *request)
{
    const char *url = json_str(request->json, "url");
    const char *secret = json_str(request->json, "secret");
    struct err err;

    if (!url || !secret) {
        say(request, 400, "url and secret are needed");
        return;
    }
    if (!sim->http)
        sim->http = http_new(sim->base, NULL, &err);
    if (!sim->http) {
        say(request, 500, err.text);
        return;
    }
    set_webhooks(sim, url, secret);
    say_ok(request);
}

static void delete_webhooks(struct sim *sim, struct sim_request *request)
{
    set_webhooks(sim, NULL, NULL);
    say_ok(request);
}

static void post_meta(struct sim *sim, struct sim_request *request)
{
    if (!cJSON_IsObject(request->json)) {
        say(request, 400, "not a JSON object");
        return;
    }
    cJSON_Delete(sim->meta);
    sim->meta = cJSON_Duplicate(request->json, true);
    say_ok(request);
}

static void delete_meta(struct sim *sim, struct sim_request *request)
{
    cJSON_Delete(sim->meta);
    sim->meta = NULL;
    say_ok(request);
}

static const struct {
    const char *method, *path;
    void (*handle)(struct sim *sim, struct sim_request *request);
} routes[] = {
    {"GET", "/_sim/requests", get_requests},
    {"DELETE", "/_sim/requests", delete_requests},
    {"GET", "/_sim/stats", get_stats},
    {"POST", "/_sim/behaviour", post_behaviour},
    {"DELETE", "/_sim/behaviour", delete_behaviour},
    {"POST", "/_sim/webhooks", post_webhooks},
    {"DELETE", "/_sim/webhooks", delete_webhooks},
    {"POST", "/_sim/meta", post_meta},
    {"DELETE", "/_sim/meta", delete_meta},
};

bool sim_control_accepts(const char *path)
{
    return strncmp(path, "/_sim/", 6) == 0;
}

void sim_control_answer(struct sim *sim, struct sim_request *request)
{
    bool path_is_known = false;

    request->status = 200;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (strcmp(routes[i].path, request->path) != 0)
            continue;
        path_is_known = true;
        if (strcmp(routes[i].method, request->method) == 0) {
            routes[i].handle(sim, request);
            return;
        }
    }
    if (path_is_known)
        say(request, 405, "method not allowed here");
    else
        say(request, 404, "no such path under /_sim/");
}
