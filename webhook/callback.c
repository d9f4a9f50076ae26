// SPDX-License-Identifier: MIT
/*
 * POST /callbacks/{token}: an external service calls back a session that waits for it. The token is
 * checked before anything else is looked at; then the road is that of any delivery: one event, the
 * ledger, the queue or the spool, and an answer when it is durable.
 */
#include "webhook/callback.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "base/callback_token.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "queue/queue.h"
#include "webhook/delivery.h"
#include "webhook/normalise.h"

enum { DAY_MS = 86400000 };

void callback_answer(struct listener *listener, struct evhttp_request *request, int status)
{
    static const char type[] = "application/json";
    switch (status) {
    case 200:
        listener_reply(listener, request, 202, type, "{\"accepted\":true}\n");
        return;
    case 400:
        listener_reply(listener, request, 400, type, "{\"error\":\"the body cannot be read\"}\n");
        return;
    case 404:
        listener_reply(listener, request, 404, type, "{\"error\":\"no such address\"}\n");
        return;
    case 413:
        listener_reply(listener, request, 413, type, "{\"error\":\"more than 65536 bytes\"}\n");
        return;
    default:
        listener_reply(listener, request, 503, type, "{\"error\":\"try again later\"}\n");
    }
}

/* Refused */

// Anybody can send these: they cost a hash, and a line in the log now and then.
static void refuse_token(struct listener *listener, struct evhttp_request *request)
{
    unsigned hidden;
    char client[PROXY_ADDRESS_MAX];
    http_guard_take(listener->guard, request, NULL, NULL);
    figures_callback(listener->figures, FIGURE_CALLBACK_UNKNOWN, 1);
    if (quiet_pass(&listener->bad_callback, &hidden))
        log_warn("listener.callback", "client", listener_client(listener, request, client),
                 "reason", "the address is not ours", "more", hidden ? log_int(hidden) : NULL);
    callback_answer(listener, request, 404);
}

static void refuse_body(struct listener *listener, struct evhttp_request *request,
                        const struct callback_address *address, int status, const char *reason)
{
    unsigned hidden;
    char client[PROXY_ADDRESS_MAX];
    http_guard_take(listener->guard, request, NULL, NULL);
    figures_callback(listener->figures, FIGURE_CALLBACK_BAD, 1);
    if (quiet_pass(&listener->bad_body, &hidden))
        log_warn("listener.callback", "client", listener_client(listener, request, client),
                 "session", address->session, "node", address->name, "reason", reason, "more",
                 hidden ? log_int(hidden) : NULL);
    callback_answer(listener, request, status);
}

/* Taken */

// What makes a repetition the same callback: the sender's own key, else what it says.
static char *callback_id(const struct callback_address *address, const char *key, const void *body,
                         size_t len)
{
    struct buf all = {0};
    uint8_t hash[SHA256_LEN];
    char hex[33];
    buf_printf(&all, "%s\n%s\n%s\n", address->session, address->name, key ? "key" : "body");
    buf_add(&all, key ? key : body, key ? strlen(key) : len);
    crypto_sha256(all.data, all.len, hash);
    buf_deinit(&all);
    hex_encode(hash, 16, hex);
    return x_printf("callback:%s", hex);
}

static char *context_of(const struct callback_address *address)
{
    cJSON *context = cJSON_CreateObject();
    json_add_str(context, "session", address->session);
    char *text = json_print(context);
    cJSON_Delete(context);
    return text;
}

// Takes id and data.
static void take(struct listener *listener, struct evhttp_request *request,
                 const struct callback_address *address, char *owned_id, char *owned_data)
{
    struct delivery *delivery = delivery_new(listener, listener->config.app_count, request);
    struct event *event = x_alloc(sizeof *event);
    *event = (struct event){.platform = address->platform,
                            .kind = EVENT_CALLBACK,
                            .account = x_dup(address->account),
                            .contact = x_dup(address->contact),
                            .aliases = {x_dup(address->contact)},
                            .id = owned_id,
                            .timestamp_ms = clock_wall_ms(),
                            .target = x_dup(address->name),
                            .data = owned_data,
                            .context = context_of(address)};
    struct event_list list = {.events = event, .count = 1, .cap = 1};
    delivery->events = 1;
    delivery->parsed_us = clock_mono_us();
    if (queue_room(listener->queue) == QUEUE_ROOM_NONE)
        delivery_shed_all(delivery);
    else // remembered under the session's day, so that a repetition after midnight is one
        delivery_admit(delivery, &list, (int64_t)address->day * DAY_MS);
    event_list_deinit(&list);
}

void callback_start(struct listener *listener, size_t app, struct evhttp_request *request)
{
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
    struct callback_address address;
    if (!listener->config.callback_keys ||
        !callback_token_read(listener->config.callback_keys, path + strlen("/callbacks/"),
                             &address)) {
        refuse_token(listener, request);
        return;
    }
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    size_t len = evbuffer_get_length(input);
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    if (len > CALLBACK_BODY_MAX) {
        refuse_body(listener, request, &address, 413, "the body has more than 64 KiB");
        callback_address_deinit(&address);
        return;
    }
    const void *body = len > 0 ? evbuffer_pullup(input, -1) : (const unsigned char *)"";
    struct err err = {0};
    char *data;
    if (callback_body_read(evhttp_find_header(headers, "Content-Type"), body, len, &data, &err))
        take(listener, request, &address,
             callback_id(&address, evhttp_find_header(headers, "Idempotency-Key"), body, len),
             data);
    else
        refuse_body(listener, request, &address, 400, err.text);
    callback_address_deinit(&address);
}
