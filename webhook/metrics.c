// SPDX-License-Identifier: MIT
// The listener's figures as Prometheus text (see metrics.h).

#include "webhook/metrics.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct {
    int status;
    const char *label;
} statuses[METRICS_STATUSES] = {{200, "200"}, {400, "400"}, {401, "401"},
                                {403, "403"}, {404, "404"}, {405, "405"},
                                {413, "413"}, {503, "503"}, {0, "other"}};

// Upper bounds; Meta asks for a median of 250 ms on WhatsApp and gives up after 5 s on Messenger.
static const struct {
    int64_t us;
    const char *label;
} buckets[METRICS_BUCKETS] = {{500, "0.0005"},  {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},
                              {10000, "0.01"},  {25000, "0.025"}, {50000, "0.05"},  {100000, "0.1"},
                              {250000, "0.25"}, {1000000, "1"},   {2500000, "2.5"}, {5000000, "5"}};

void metrics_init(struct metrics *metrics, size_t configured_apps)
{
    *metrics = (struct metrics){.app_count = configured_apps + 1};
    metrics->apps = x_calloc(metrics->app_count, sizeof *metrics->apps);
    metrics->apps[configured_apps].name = "";
}

void metrics_deinit(struct metrics *metrics)
{
    free(metrics->apps);
    *metrics = (struct metrics){0};
}

void metrics_answer(struct metrics *metrics, size_t app, int status)
{
    size_t i = 0;
    while (i < METRICS_STATUS_OTHER && statuses[i].status != status)
        i++;
    metrics->apps[app].answers[i]++;
}

void metrics_took(struct metrics *metrics, int64_t took_us)
{
    size_t i = 0;
    while (i < METRICS_BUCKETS && took_us > buckets[i].us)
        i++;
    metrics->took_buckets[i]++;
    metrics->took_us += (uint64_t)took_us;
}

static void print_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP hookmill_listener_%s %s\n# TYPE hookmill_listener_%s %s\n", name, help,
               name, type);
}

static void print_one(struct buf *out, const char *name, const char *type, const char *help,
                      uint64_t value)
{
    print_head(out, name, type, help);
    buf_printf(out, "hookmill_listener_%s %" PRIu64 "\n", name, value);
}

static void print_answers(const struct metrics *metrics, struct buf *out)
{
    print_head(out, "answers_total", "counter", "Requests to /webhooks by app and HTTP status.");
    for (size_t a = 0; a < metrics->app_count; a++) {
        for (size_t s = 0; s < METRICS_STATUSES; s++) {
            if (metrics->apps[a].answers[s] > 0)
                buf_printf(out,
                           "hookmill_listener_answers_total{app=\"%s\",code=\"%s\"} %" PRIu64 "\n",
                           metrics->apps[a].name, statuses[s].label, metrics->apps[a].answers[s]);
        }
    }
}

static void print_app_counter(const struct metrics *metrics, struct buf *out, const char *name,
                              const char *help, size_t offset)
{
    print_head(out, name, "counter", help);
    for (size_t a = 0; a + 1 < metrics->app_count; a++) {
        const char *app = (const char *)&metrics->apps[a];
        buf_printf(out, "hookmill_listener_%s{app=\"%s\"} %" PRIu64 "\n", name,
                   metrics->apps[a].name, *(const uint64_t *)(const void *)(app + offset));
    }
}

static void print_events(const struct metrics *metrics, struct buf *out)
{
    print_head(out, "events_total", "counter", "Events read from deliveries.");
    for (int p = 0; p < PLATFORM_COUNT; p++) {
        for (int k = 0; k < EVENT_KIND_COUNT; k++)
            buf_printf(out,
                       "hookmill_listener_events_total{platform=\"%s\",kind=\"%s\"} %" PRIu64 "\n",
                       platform_name((enum platform)p), event_kind_name((enum event_kind)k),
                       metrics->events[p][k]);
    }
}

static void print_took(const struct metrics *metrics, struct buf *out)
{
    print_head(out, "answer_seconds", "histogram",
               "Time from a delivery's last byte to its answer.");
    uint64_t sum = 0;
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        sum += metrics->took_buckets[i];
        buf_printf(out, "hookmill_listener_answer_seconds_bucket{le=\"%s\"} %" PRIu64 "\n",
                   buckets[i].label, sum);
    }
    sum += metrics->took_buckets[METRICS_BUCKETS];
    buf_printf(out,
               "hookmill_listener_answer_seconds_bucket{le=\"+Inf\"} %" PRIu64
               "\nhookmill_listener_answer_seconds_sum %.6f\n"
               "hookmill_listener_answer_seconds_count %" PRIu64 "\n",
               sum, (double)metrics->took_us / 1e6, sum);
}

void metrics_print(const struct metrics *metrics, struct buf *out)
{
    print_answers(metrics, out);
    print_app_counter(metrics, out, "signature_failures_total",
                      "Deliveries without a signature of the app.",
                      offsetof(struct metrics_app, bad_signatures));
    print_app_counter(metrics, out, "buried_total",
                      "Signed bodies that could not be understood, kept as dead letters.",
                      offsetof(struct metrics_app, buried));
    print_app_counter(metrics, out, "body_bytes_total", "Bytes of signed bodies.",
                      offsetof(struct metrics_app, body_bytes));
    print_events(metrics, out);
    print_one(out, "admitted_total", "counter", "Events that are in Redis.", metrics->admitted);
    print_one(out, "duplicates_total", "counter", "Events that had been seen before.",
              metrics->duplicates);
    print_one(out, "in_flight", "gauge", "Deliveries that wait for Redis.", metrics->in_flight);
    print_one(out, "connections", "gauge", "Open connections.", metrics->connections);
    print_one(out, "connections_expired_total", "counter",
              "Connections cut because a request or its answer took too long.", metrics->expired);
    print_took(metrics, out);
}
