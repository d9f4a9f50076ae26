// SPDX-License-Identifier: MIT
/*
 * The road of one POST: signature over the raw bytes, then events, then one call to the queue for
 * all of them, and the answer when Redis has them. The client may go away at any point; its events
 * are kept all the same.
 */

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/queue.h"
#include "webhook/listener_private.h"
#include "webhook/normalise.h"
#include "webhook/signature.h"

struct delivery {
    struct listener *listener;      // NULL once it was freed
    struct evhttp_request *request; // NULL once the client is gone
    size_t app;
    int64_t started_us;
    TAILQ_ENTRY(delivery) link; // in listener->deliveries
};

static const char *app_name(const struct delivery *delivery)
{
    return delivery->listener->config.apps[delivery->app].name;
}

/* --- the answer ----------------------------------------------------------------------------------
 */

static void delivery_end(struct delivery *delivery, int status, const char *text)
{
    struct listener *listener = delivery->listener;
    TAILQ_REMOVE(&listener->deliveries, delivery, link);
    listener->metrics.in_flight--;
    metrics_took(&listener->metrics, clock_mono_us() - delivery->started_us);
    if (delivery->request)
        listener_answer(listener, delivery->request, delivery->app, status, text);
    free(delivery);
}

static void end_not_kept(struct delivery *delivery, const struct err *err)
{
    unsigned hidden;
    if (quiet_pass(&delivery->listener->not_kept, &hidden))
        log_error("listener.not_kept", "app", app_name(delivery), "reason", err->text, "more",
                  hidden ? log_int(hidden) : NULL);
    delivery_end(delivery, 503, "cannot be kept now\n");
}

// The client hung up while Redis was at work.
static void on_gone(void *arg)
{
    struct delivery *delivery = arg;
    // evhttp hands a request whose connection failed before the answer to its user.
    if (!evhttp_request_get_connection(delivery->request))
        evhttp_request_free(delivery->request);
    delivery->request = NULL;
}

void delivery_abandon_all(struct listener *listener)
{
    struct delivery *delivery;
    while ((delivery = TAILQ_FIRST(&listener->deliveries))) {
        TAILQ_REMOVE(&listener->deliveries, delivery, link);
        delivery->listener = NULL;
    }
}

/* --- understood: admit ---------------------------------------------------------------------------
 */

// One allocation for all that the queue needs of a delivery's events.
struct admission {
    struct queue_event event;
    char dedup_key[64];
    char *json;
    char *account; // shared with the rows before it, while they are of the same account
    bool owns_account;
};

static bool same_account(const struct event *a, const struct event *b)
{
    return a->platform == b->platform && strcmp(a->account, b->account) == 0;
}

static void fill_admission(struct admission *row, const struct event *event, size_t index)
{
    row->owns_account = index == 0 || !same_account(event, event - 1);
    row->account =
        row->owns_account ? account_key(event->platform, event->account) : row[-1].account;
    row->json = event_to_json(event);
    bool receipt = event_is_receipt(event);
    if (!receipt)
        event_dedup_key(event, row->dedup_key);
    size_t aliases = 0;
    while (aliases < EVENT_ALIASES_MAX && event->aliases[aliases])
        aliases++;
    row->event = (struct queue_event){
        .account = row->account,
        .aliases =
            event->group ? (const char *const *)&event->group : (const char *const *)event->aliases,
        .alias_count = event->group ? 1 : aliases,
        .lane = event_takes_lane(event),
        .dedup_key = receipt ? NULL : row->dedup_key,
        .timestamp_ms = event->timestamp_ms,
        .json = row->json,
    };
}

static void on_admitted(void *arg, const struct queue_admitted *result, const struct err *err)
{
    struct delivery *delivery = arg;
    if (!delivery->listener) {
        free(delivery);
        return;
    }
    if (err) {
        end_not_kept(delivery, err);
        return;
    }
    delivery->listener->metrics.admitted += result->admitted;
    delivery->listener->metrics.duplicates += result->duplicates;
    delivery_end(delivery, 200, NULL);
}

static void admit(struct delivery *delivery, const struct event_list *list)
{
    struct admission *rows = x_calloc(list->count, sizeof *rows);
    struct queue_event *events = x_calloc(list->count, sizeof *events);
    for (size_t i = 0; i < list->count; i++) {
        const struct event *event = &list->events[i];
        fill_admission(&rows[i], event, i);
        events[i] = rows[i].event;
        delivery->listener->metrics.events[event->platform][event->kind]++;
    }
    queue_admit(delivery->listener->queue, events, list->count, on_admitted, delivery);
    for (size_t i = 0; i < list->count; i++) {
        free(rows[i].json);
        if (rows[i].owns_account)
            free(rows[i].account);
    }
    free(rows);
    free(events);
}

/* --- not understood: bury ------------------------------------------------------------------------
 */

static void on_buried(void *arg, const struct err *err)
{
    struct delivery *delivery = arg;
    if (!delivery->listener) {
        free(delivery);
        return;
    }
    if (err) {
        end_not_kept(delivery, err);
        return;
    }
    delivery->listener->metrics.apps[delivery->app].buried++;
    delivery_end(delivery, 200, NULL);
}

static void bury(struct delivery *delivery, const void *body, size_t len, const struct err *why)
{
    unsigned hidden;
    if (quiet_pass(&delivery->listener->not_understood[delivery->app], &hidden))
        log_warn("listener.not_understood", "app", app_name(delivery), "reason", why->text, "bytes",
                 log_int((long long)len), "more", hidden ? log_int(hidden) : NULL);
    queue_bury_raw(delivery->listener->queue, app_name(delivery), why->text, body, len, on_buried,
                   delivery);
}

/* --- start ---------------------------------------------------------------------------------------
 */

static bool check_signature(struct delivery *delivery, const void *body, size_t len)
{
    struct listener *listener = delivery->listener;
    const char *header = evhttp_find_header(evhttp_request_get_input_headers(delivery->request),
                                            "X-Hub-Signature-256");
    enum signature signature =
        signature_check(&listener->config.apps[delivery->app], header, body, len);
    if (signature == SIGNATURE_GOOD)
        return true;
    listener->metrics.apps[delivery->app].bad_signatures++;
    unsigned hidden;
    if (quiet_pass(&listener->bad_signature[delivery->app], &hidden))
        log_warn("listener.signature", "app", app_name(delivery), "reason",
                 signature_reason(signature), "bytes", log_int((long long)len), "more",
                 hidden ? log_int(hidden) : NULL);
    return false;
}

void delivery_start(struct listener *listener, size_t app, struct evhttp_request *request)
{
    struct delivery *delivery = x_alloc(sizeof *delivery);
    *delivery = (struct delivery){
        .listener = listener, .request = request, .app = app, .started_us = clock_mono_us()};
    TAILQ_INSERT_TAIL(&listener->deliveries, delivery, link);
    listener->metrics.in_flight++;
    http_guard_take(listener->guard, request, on_gone, delivery);

    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    size_t len = evbuffer_get_length(input);
    const void *body = len > 0 ? evbuffer_pullup(input, -1) : (const unsigned char *)"";
    if (!check_signature(delivery, body, len)) {
        delivery_end(delivery, 401, "signature\n");
        return;
    }
    listener->metrics.apps[app].body_bytes += len;
    struct event_list list;
    struct err err = {0};
    if (!normalise(body, len, &list, &err)) {
        bury(delivery, body, len, &err);
        return;
    }
    if (list.count == 0)
        delivery_end(delivery, 200, NULL);
    else
        admit(delivery, &list);
    event_list_deinit(&list);
}
