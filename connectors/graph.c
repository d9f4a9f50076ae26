// SPDX-License-Identifier: MIT
/*
 * Posting to the messages endpoints. One call = render, post, classify, tell; the rendering is in
 * render*.c, the meaning of answers in graph_classify.c and graph_errors.c.
 */
#include "connectors/graph.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/json.h"
#include "connectors/graph_errors.h"
#include "connectors/render.h"
#include "engine/message.h"

enum { DEFAULT_TIMEOUT_MS = 20000, RESPONSE_MAX = 256 * 1024 };

struct graph {
    struct http *http;
    char *facebook_url, *instagram_url, *version;
    int64_t timeout_ms;
};

// One call under way. It needs nothing of struct graph, which may go before it.
struct graph_call {
    enum platform platform;
    bool expects_id;
    char *token;
    graph_done_fn done;
    void *arg;
};

static const char *or_default(const char *value, const char *fallback)
{
    return value && *value ? value : fallback;
}

struct graph *graph_new(struct http *http, const struct graph_config *config)
{
    static const struct graph_config defaults;
    struct graph *graph = x_alloc(sizeof *graph);

    if (!config)
        config = &defaults;
    graph->http = http;
    graph->facebook_url = x_dup(or_default(config->facebook_url, "https://graph.facebook.com"));
    graph->instagram_url = x_dup(or_default(config->instagram_url, "https://graph.instagram.com"));
    graph->version = x_dup(or_default(config->version, "v25.0"));
    graph->timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : DEFAULT_TIMEOUT_MS;
    return graph;
}

void graph_free(struct graph *graph)
{
    if (!graph)
        return;
    free(graph->facebook_url);
    free(graph->instagram_url);
    free(graph->version);
    free(graph);
}

// Ids are from outside: percent-encodes all but unreserved characters.
static void add_path_part(struct buf *url, const char *part)
{
    for (const unsigned char *c = (const unsigned char *)part; *c; c++) {
        if (isalnum(*c) || strchr("-._~", *c))
            buf_add_char(url, (char)*c);
        else
            buf_printf(url, "%%%02X", *c);
    }
}

// Instagram accounts connected by Facebook Login are reached through their Page.
static char *messages_url(const struct graph *graph, const struct graph_target *target)
{
    bool is_instagram = target->platform == PLATFORM_INSTAGRAM;
    bool by_page = is_instagram && target->login && strcmp(target->login, "facebook") == 0;
    const char *host = is_instagram && !by_page ? graph->instagram_url : graph->facebook_url;
    struct buf url = {0};

    buf_add(&url, host, strlen(host) - (host[strlen(host) - 1] == '/'));
    buf_printf(&url, "/%s/", graph->version);
    add_path_part(&url, by_page && target->page_id ? target->page_id : target->account);
    buf_add_str(&url, "/messages");
    return buf_take(&url);
}

static void on_answer(void *arg, const struct http_response *response, const struct err *err)
{
    struct graph_call *call = arg;
    const struct graph_answer answer = {
        .platform = call->platform, .expects_id = call->expects_id, .secret = call->token};
    struct graph_store store;
    struct graph_result result;

    graph_classify(&answer, response, err, &store, &result);
    call->done(call->arg, &result);
    secret_free(call->token);
    free(call);
}

// Posts `owned_body` to the account's messages endpoint.
static void post(struct graph *graph, const struct graph_target *target, cJSON *owned_body,
                 struct graph_call *call)
{
    char *url = messages_url(graph, target);
    char *body = json_print(owned_body);
    char *authorization = x_printf("Authorization: Bearer %s", target->token ? target->token : "");
    const char *const headers[] = {authorization, "Content-Type: application/json", NULL};

    call->platform = target->platform;
    call->token = x_dup(target->token);
    const struct http_request request = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .body = body,
        .body_len = strlen(body),
        .timeout_ms = graph->timeout_ms,
        .max_response = RESPONSE_MAX,
        .once = call->expects_id,
    };
    http_start(graph->http, &request, on_answer, call);
    secret_free(authorization);
    free(body);
    free(url);
    cJSON_Delete(owned_body);
}

cJSON *graph_render(const struct graph_target *target, const struct graph_message *message,
                    const char *attempt_key)
{
    switch (target->platform) {
    case PLATFORM_INSTAGRAM:
        return render_instagram(target, message, attempt_key);
    case PLATFORM_WHATSAPP:
        return render_whatsapp(target, message, attempt_key);
    default:
        return render_messenger(target, message, attempt_key);
    }
}

void graph_send(struct graph *graph, const struct graph_target *target,
                const struct graph_message *message, const char *attempt_key, graph_done_fn done,
                void *arg)
{
    struct graph_call *call = x_alloc(sizeof *call);

    assert(target->account && target->contact);
    *call =
        (struct graph_call){.expects_id = message_is_said(message->tree), .done = done, .arg = arg};
    post(graph, target, graph_render(target, message, attempt_key), call);
}

void graph_mark_read(struct graph *graph, const struct graph_target *target, const char *message_id,
                     graph_done_fn done, void *arg)
{
    struct graph_call *call = x_alloc(sizeof *call);

    assert(target->account && target->contact);
    *call = (struct graph_call){.expects_id = false, .done = done, .arg = arg};
    post(graph, target,
         target->platform == PLATFORM_WHATSAPP ? render_whatsapp_read(message_id)
                                               : render_typing(target, true),
         call);
}

const char *graph_outcome_name(enum graph_outcome outcome)
{
    static const char *const names[] = {
        [GRAPH_SENT] = "sent",
        [GRAPH_RETRY_LATER] = "retry-later",
        [GRAPH_SLOW_DOWN] = "slow-down",
        [GRAPH_TOKEN_BAD] = "token-bad",
        [GRAPH_WINDOW_CLOSED] = "window-closed",
        [GRAPH_UNREACHABLE] = "unreachable",
        [GRAPH_REQUEST_WRONG] = "request-wrong",
        [GRAPH_BLOCKED] = "blocked",
        [GRAPH_AMBIGUOUS] = "ambiguous",
        [GRAPH_CANCELED] = "canceled",
    };
    return names[outcome];
}
