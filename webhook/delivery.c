// SPDX-License-Identifier: MIT
/*
 * The road of one POST: signature over the raw bytes, then events, then one call to the queue for
 * all of them, and the answer when Redis has them, or when there is no time left to wait for it.
 * The client may go away at any point; its events are kept all the same. Nothing is parsed, and
 * nothing but the app looked up, before the signature holds.
 */

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/queue.h"
#include "spool/archive.h"
#include "webhook/delivery.h"
#include "webhook/normalise.h"
#include "webhook/signature.h"

static bool is_callback(const struct delivery *delivery)
{
    return delivery->app == delivery->listener->config.app_count;
}

// In the ledger and in log lines.
static const char *app_name(const struct delivery *delivery)
{
    return is_callback(delivery) ? "callbacks"
                                 : delivery->listener->config.apps[delivery->app].name;
}

// What all log lines about a delivery say.
#define WHICH(delivery, buffer)                                                                    \
    "delivery", (delivery)->id, "app", app_name(delivery), "client",                               \
        listener_client((delivery)->listener, (delivery)->request, buffer)

/* --- the ledger ----------------------------------------------------------------------------------
 */

// Neighbours of one account are one row.
static void count_received(struct delivery *delivery, const struct queue_event *events,
                           size_t count)
{
    struct received *received = delivery->listener->config.received;
    delivery->rows = count == 1 ? &delivery->one : x_calloc(count, sizeof *delivery->rows);
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && events[next].account == events[i].account; next++) {
        }
        unsigned n = (unsigned)(next - i);
        size_t place = received_count(received, app_name(delivery), events[i].account, n);
        delivery->rows[delivery->row_count++] = (struct receipt_row){place, n};
    }
}

static void count_result(const struct delivery *delivery, enum figure_result result,
                         uint64_t events)
{
    if (is_callback(delivery))
        figures_callback(delivery->listener->figures, (enum figure_callback)result, events);
    else
        figures_result(delivery->listener->figures, delivery->app, result, events);
}

typedef void (*received_fn)(struct received *received, size_t place, unsigned events);

static void count_outcome(const struct delivery *delivery, received_fn outcome)
{
    for (unsigned i = 0; i < delivery->row_count; i++)
        outcome(delivery->listener->config.received, delivery->rows[i].place,
                delivery->rows[i].events);
}

static void delivery_free(struct delivery *delivery)
{
    if (delivery->rows != &delivery->one)
        free(delivery->rows);
    free(delivery);
}

/* --- the answer ----------------------------------------------------------------------------------
 */

static void observe(const struct listener *listener, unsigned stage, int64_t us)
{
    metrics_observe(listener->figures->metrics, stage, us);
}

static void log_delivered(const struct delivery *delivery, int status, int64_t took_us)
{
    if (!log_wants(LOG_DEBUG))
        return;
    char client[PROXY_ADDRESS_MAX];
    log_debug("listener.delivery", WHICH(delivery, client), "status", log_int(status), "events",
              log_int(delivery->events), "us", log_int(took_us));
}

static void answer(struct delivery *delivery, int status, const char *text)
{
    struct listener *listener = delivery->listener;
    int64_t now_us = clock_mono_us();
    if (delivery->parsed_us != 0)
        observe(listener, listener->figures->admit, now_us - delivery->parsed_us);
    observe(listener, listener->figures->total, now_us - delivery->started_us);
    log_delivered(delivery, status, now_us - delivery->started_us);
    if (delivery->request && is_callback(delivery))
        callback_answer(listener, delivery->request, status);
    else if (delivery->request)
        listener_answer(listener, delivery->request, delivery->app, status, text);
    delivery->request = NULL;
}

void delivery_end(struct delivery *delivery, int status, const char *text)
{
    struct listener *listener = delivery->listener;
    TAILQ_REMOVE(delivery->late ? &listener->answered : &listener->deliveries, delivery, link);
    listener->in_flight--;
    if (!delivery->late)
        answer(delivery, status, text);
    delivery_free(delivery);
}

static void end_not_kept(struct delivery *delivery, const struct err *err)
{
    struct listener *listener = delivery->listener;
    unsigned hidden;
    char client[PROXY_ADDRESS_MAX];
    if (quiet_pass(&listener->not_kept, &hidden))
        log_error("listener.not_kept", WHICH(delivery, client), "reason", err->text, "more",
                  hidden ? log_int(hidden) : NULL);
    count_result(delivery, FIGURE_REFUSED, delivery->events);
    delivery_end(delivery, 503, "cannot be kept now\n");
}

void delivery_answer_late(struct listener *listener, int64_t started_us)
{
    struct delivery *delivery;
    while ((delivery = TAILQ_FIRST(&listener->deliveries)) && delivery->started_us <= started_us) {
        unsigned hidden;
        char client[PROXY_ADDRESS_MAX];
        if (quiet_pass(&listener->late, &hidden))
            log_error("listener.late", WHICH(delivery, client), "reason",
                      "the queue did not answer in time; it may still be kept", "more",
                      hidden ? log_int(hidden) : NULL);
        TAILQ_REMOVE(&listener->deliveries, delivery, link);
        TAILQ_INSERT_TAIL(&listener->answered, delivery, link);
        delivery->late = true;
        answer(delivery, 503, "not in time\n");
    }
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

static void abandon(struct delivery_queue *queue)
{
    struct delivery *delivery;
    while ((delivery = TAILQ_FIRST(queue))) {
        TAILQ_REMOVE(queue, delivery, link);
        delivery->listener = NULL;
    }
}

void delivery_abandon_all(struct listener *listener)
{
    abandon(&listener->deliveries);
    abandon(&listener->answered);
}

/* --- no room -------------------------------------------------------------------------------------
 */

static void shed(struct delivery *delivery, enum figure_shed what)
{
    struct listener *listener = delivery->listener;
    unsigned hidden;
    if (quiet_pass(&listener->shed, &hidden))
        log_warn("listener.shed", "delivery", delivery->id, "app", app_name(delivery), "what",
                 what == FIGURE_SHED_ALL ? "all" : "receipts", "waiting",
                 log_int((long long)queue_waiting(listener->queue)), "more",
                 hidden ? log_int(hidden) : NULL);
    if (!is_callback(delivery))
        figures_shed(listener->figures, delivery->app, what);
    count_result(delivery, FIGURE_REFUSED, delivery->events);
    delivery_end(delivery, 503, "no room now\n");
}

void delivery_shed_all(struct delivery *delivery)
{
    shed(delivery, FIGURE_SHED_ALL);
}

static void shed_receipts(struct delivery *delivery, const struct event_list *list)
{
    struct received *received = delivery->listener->config.received;
    for (size_t i = 0; i < list->count; i++) {
        char *account = account_key(list->events[i].platform, list->events[i].account);
        received_refused(received, received_count(received, app_name(delivery), account, 1), 1);
        free(account);
    }
    shed(delivery, FIGURE_SHED_RECEIPTS);
}

static bool are_receipts(const struct event_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (!event_is_receipt(&list->events[i]))
            return false;
    return list->count > 0;
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

static void fill_admission(struct admission *row, struct event *event, size_t index,
                           char *delivery_id)
{
    row->owns_account = index == 0 || !same_account(event, event - 1);
    row->account =
        row->owns_account ? account_key(event->platform, event->account) : row[-1].account;
    event->delivery = delivery_id; // only lent: an event owns its strings
    row->json = event_to_json(event);
    event->delivery = NULL;
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
        delivery_free(delivery);
        return;
    }
    if (err) {
        end_not_kept(delivery, err);
        return;
    }
    count_outcome(delivery, received_settled);
    count_result(delivery, FIGURE_ADMITTED, result->admitted);
    count_result(delivery, FIGURE_DUPLICATE, result->duplicates);
    count_result(delivery, FIGURE_SPOOLED, result->spooled);
    delivery_end(delivery, 200, NULL);
}

void delivery_admit(struct delivery *delivery, struct event_list *list, int64_t seen_ms)
{
    struct admission *rows = x_calloc(list->count, sizeof *rows);
    struct queue_event *events = x_calloc(list->count, sizeof *events);
    for (size_t i = 0; i < list->count; i++) {
        fill_admission(&rows[i], &list->events[i], i, delivery->id);
        events[i] = rows[i].event;
        if (seen_ms)
            events[i].timestamp_ms = seen_ms;
    }
    count_received(delivery, events, list->count);
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
        delivery_free(delivery);
        return;
    }
    if (err) {
        end_not_kept(delivery, err);
        return;
    }
    const struct listener_figures *figures = delivery->listener->figures;
    figures_app(figures, figures->buried, delivery->app, 1);
    delivery_end(delivery, 200, NULL);
}

static void bury(struct delivery *delivery, const void *body, size_t len, const struct err *why)
{
    unsigned hidden;
    char client[PROXY_ADDRESS_MAX];
    if (quiet_pass(&delivery->listener->not_understood[delivery->app], &hidden))
        log_warn("listener.not_understood", WHICH(delivery, client), "reason", why->text, "bytes",
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
    figures_app(listener->figures, listener->figures->signature_failures, delivery->app, 1);
    unsigned hidden;
    char client[PROXY_ADDRESS_MAX];
    if (quiet_pass(&listener->bad_signature[delivery->app], &hidden))
        log_warn("listener.signature", WHICH(delivery, client), "reason",
                 signature_reason(signature), "bytes", log_int((long long)len), "more",
                 hidden ? log_int(hidden) : NULL);
    return false;
}

struct delivery *delivery_new(struct listener *listener, size_t app, struct evhttp_request *request)
{
    struct delivery *delivery = x_alloc(sizeof *delivery);
    *delivery = (struct delivery){
        .listener = listener, .request = request, .app = app, .started_us = clock_mono_us()};
    uint64_t id = listener->next_delivery++;
    for (int i = 15; i >= 0; i--, id >>= 4)
        delivery->id[i] = "0123456789abcdef"[id & 15];
    TAILQ_INSERT_TAIL(&listener->deliveries, delivery, link);
    listener->in_flight++;
    http_guard_take(listener->guard, request, on_gone, delivery);
    return delivery;
}

// A delivery whose signature holds.
static void take(struct delivery *delivery, const void *body, size_t len, int64_t verified_us)
{
    struct listener *listener = delivery->listener;
    struct event_list list;
    struct err err = {0};
    bool understood = normalise(body, len, &list, &err);
    delivery->parsed_us = clock_mono_us();
    observe(listener, listener->figures->parse, delivery->parsed_us - verified_us);
    if (!understood) {
        bury(delivery, body, len, &err);
        return;
    }
    delivery->events = (unsigned)list.count;
    for (size_t i = 0; i < list.count; i++)
        figures_event(listener->figures, delivery->app, &list.events[i]);
    if (list.count == 0)
        delivery_end(delivery, 200, NULL);
    else if (queue_room(listener->queue) == QUEUE_ROOM_NO_RECEIPTS && are_receipts(&list))
        shed_receipts(delivery, &list);
    else
        delivery_admit(delivery, &list, 0);
    event_list_deinit(&list);
}

void delivery_start(struct listener *listener, size_t app, struct evhttp_request *request)
{
    struct delivery *delivery = delivery_new(listener, app, request);
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    size_t len = evbuffer_get_length(input);
    const void *body = len > 0 ? evbuffer_pullup(input, -1) : (const unsigned char *)"";
    bool signature_holds = check_signature(delivery, body, len);
    int64_t verified_us = clock_mono_us();
    observe(listener, listener->figures->verify, verified_us - delivery->started_us);
    if (!signature_holds) {
        delivery_end(delivery, 401, "signature\n");
        return;
    }
    figures_app(listener->figures, listener->figures->body_bytes, app, len);
    if (listener->config.archive)
        archive_add(listener->config.archive, app_name(delivery), delivery->id, body, len);
    if (queue_room(listener->queue) == QUEUE_ROOM_NONE)
        shed(delivery, FIGURE_SHED_ALL);
    else
        take(delivery, body, len, verified_us);
}
