// SPDX-License-Identifier: MIT
// The figures of a listener (see figures.h).

#include "webhook/figures.h"

#include <stdio.h>

// The statuses that a request can be answered with; the last stands for all others.
static const int statuses[] = {200, 400, 401, 403, 404, 405, 413, 503, 0};
enum { STATUSES = sizeof statuses / sizeof *statuses };

static const char *const results[FIGURE_RESULTS] = {[FIGURE_ADMITTED] = "admitted",
                                                    [FIGURE_DUPLICATE] = "duplicate",
                                                    [FIGURE_SPOOLED] = "spooled",
                                                    [FIGURE_REFUSED] = "refused"};
static const char *const callbacks[FIGURE_CALLBACKS] = {
    [FIGURE_ADMITTED] = "admitted",        [FIGURE_DUPLICATE] = "duplicate",
    [FIGURE_SPOOLED] = "spooled",          [FIGURE_REFUSED] = "refused",
    [FIGURE_CALLBACK_UNKNOWN] = "unknown", [FIGURE_CALLBACK_BAD] = "bad"};
static const char *const sheds[FIGURE_SHEDS] = {
    [FIGURE_SHED_ALL] = "all", [FIGURE_SHED_RECEIPTS] = "receipts"};

struct declaring {
    struct listener_figures *figures;
    struct metrics *metrics;
    const struct config_app *apps;
    unsigned first; // of the group that is being declared
};

static const char *app_name(const struct declaring *d, size_t app)
{
    return app < d->figures->app_count ? d->apps[app].name : "";
}

// A group's next member.
static void declare(struct declaring *d, const char *name, const char *help, const char *labels)
{
    unsigned series = metrics_counter(d->metrics, name, help, labels);
    if (d->first == 0)
        d->first = series;
}

static unsigned end_group(struct declaring *d)
{
    unsigned first = d->first;
    d->first = 0;
    return first;
}

// app × the values of one more label.
static unsigned declare_by_app(struct declaring *d, size_t apps, const char *name, const char *help,
                               const char *label, const char *const *values, size_t count)
{
    for (size_t app = 0; app < apps; app++) {
        for (size_t i = 0; i < count; i++) {
            char labels[160];
            int n = snprintf(labels, sizeof labels, "app=\"%s\"", app_name(d, app));
            if (label)
                snprintf(labels + n, sizeof labels - (size_t)n, ",%s=\"%s\"", label, values[i]);
            declare(d, name, help, labels);
        }
    }
    return end_group(d);
}

static unsigned declare_answers(struct declaring *d)
{
    char text[STATUSES][8];
    const char *codes[STATUSES];
    for (size_t i = 0; i < STATUSES; i++) {
        snprintf(text[i], sizeof text[i], "%d", statuses[i]);
        codes[i] = statuses[i] ? text[i] : "other";
    }
    return declare_by_app(d, d->figures->app_count + 1, "hookmill_listener_answers_total",
                          "Requests to /webhooks by app and HTTP status.", "code", codes, STATUSES);
}

static unsigned declare_events(struct declaring *d)
{
    size_t apps = d->figures->events_by_app ? d->figures->app_count : 1;
    for (size_t app = 0; app < apps; app++) {
        for (int p = 0; p < PLATFORM_COUNT; p++) {
            for (int k = 0; k < EVENT_KIND_COUNT; k++) {
                char labels[160];
                snprintf(labels, sizeof labels, "app=\"%s\",platform=\"%s\",kind=\"%s\"",
                         d->figures->events_by_app ? app_name(d, app) : "",
                         platform_name((enum platform)p), event_kind_name((enum event_kind)k));
                declare(d, "hookmill_listener_events_total", "Events read from deliveries.",
                        labels);
            }
        }
    }
    return end_group(d);
}

static unsigned declare_callbacks(struct declaring *d)
{
    for (size_t i = 0; i < FIGURE_CALLBACKS; i++) {
        char labels[32];
        snprintf(labels, sizeof labels, "result=\"%s\"", callbacks[i]);
        declare(d, "hookmill_listener_callbacks_total",
                "Callbacks by what became of them: as events, or not ours, or unreadable.", labels);
    }
    return end_group(d);
}

static void declare_stages(struct listener_figures *figures, struct metrics *metrics)
{
    static const char name[] = "hookmill_listener_stage_seconds";
    static const char help[] = "Time that a delivery spends in each stage.";
    figures->verify = metrics_histogram(metrics, name, help, "stage=\"verify\"");
    figures->parse = metrics_histogram(metrics, name, help, "stage=\"parse\"");
    figures->admit = metrics_histogram(metrics, name, help, "stage=\"admit\"");
    figures->total = metrics_histogram(metrics, "hookmill_listener_answer_seconds",
                                       "Time from a delivery's last byte to its answer.", "");
}

static void declare_gauges(struct listener_figures *figures, struct metrics *metrics)
{
    figures->in_flight = metrics_gauge(metrics, "hookmill_listener_in_flight",
                                       "Deliveries that wait for Redis.", "");
    figures->connections =
        metrics_gauge(metrics, "hookmill_listener_connections", "Open connections.", "");
    figures->expired =
        metrics_counter(metrics, "hookmill_listener_connections_expired_total",
                        "Connections cut because a request or its answer took too long.", "");
    figures->room = metrics_gauge_max(
        metrics, "hookmill_listener_room",
        "What the queue has room for: 0 everything, 1 no receipts, 2 nothing.", "");
    figures->waiting = metrics_gauge_max(metrics, "hookmill_listener_waiting_events",
                                         "Events in mailboxes, when last looked at.", "");
    figures->spool_events = metrics_gauge_max(metrics, "hookmill_listener_spool_events",
                                              "Events on this host's disk that Redis has not.", "");
    figures->spool_bytes =
        metrics_gauge_max(metrics, "hookmill_listener_spool_bytes", "Bytes of them.", "");
    figures->spool_torn =
        metrics_gauge_max(metrics, "hookmill_listener_spool_torn",
                          "Records of the spool that were broken and set aside, ever.", "");
    figures->archive_kept = metrics_gauge(metrics, "hookmill_listener_archive_kept",
                                          "Deliveries that the archive was given.", "");
    figures->archive_dropped =
        metrics_gauge(metrics, "hookmill_listener_archive_dropped",
                      "Deliveries that the archive's disk could not keep up with.", "");
}

void listener_figures_declare(struct listener_figures *figures, struct metrics *metrics,
                              const struct config_app *apps, size_t app_count)
{
    *figures = (struct listener_figures){.metrics = metrics,
                                         .app_count = app_count,
                                         .events_by_app = app_count <= FIGURE_EVENT_APPS_MAX};
    struct declaring d = {.figures = figures, .metrics = metrics, .apps = apps};
    figures->answers = declare_answers(&d);
    figures->signature_failures =
        declare_by_app(&d, app_count, "hookmill_listener_signature_failures_total",
                       "Deliveries without a signature of the app.", NULL, NULL, 1);
    figures->buried = declare_by_app(&d, app_count, "hookmill_listener_buried_total",
                                     "Signed bodies that could not be understood, kept as dead "
                                     "letters.",
                                     NULL, NULL, 1);
    figures->body_bytes = declare_by_app(&d, app_count, "hookmill_listener_body_bytes_total",
                                         "Bytes of signed bodies.", NULL, NULL, 1);
    figures->results = declare_by_app(&d, app_count, "hookmill_listener_results_total",
                                      "Events by what became of them: in Redis, seen before, on "
                                      "this host's disk, answered 503.",
                                      "result", results, FIGURE_RESULTS);
    figures->shed = declare_by_app(&d, app_count, "hookmill_listener_shed_total",
                                   "Deliveries answered 503 for want of room in the queue.", "what",
                                   sheds, FIGURE_SHEDS);
    figures->callbacks = declare_callbacks(&d);
    figures->events = declare_events(&d);
    declare_stages(figures, metrics);
    declare_gauges(figures, metrics);
}

/* --- raising -------------------------------------------------------------------------------------
 */

static void add(const struct listener_figures *figures, unsigned first, size_t offset, uint64_t n)
{
    metrics_add(figures->metrics, first + (unsigned)offset, n);
}

void figures_answer(const struct listener_figures *figures, size_t app, int status)
{
    size_t i = 0;
    while (i < STATUSES - 1 && statuses[i] != status)
        i++;
    add(figures, figures->answers, app * STATUSES + i, 1);
}

void figures_event(const struct listener_figures *figures, size_t app, const struct event *event)
{
    size_t row = (figures->events_by_app ? app * PLATFORM_COUNT : 0) + event->platform;
    add(figures, figures->events, row * EVENT_KIND_COUNT + event->kind, 1);
}

void figures_result(const struct listener_figures *figures, size_t app, enum figure_result result,
                    uint64_t events)
{
    if (events > 0)
        add(figures, figures->results, app * FIGURE_RESULTS + result, events);
}

void figures_callback(const struct listener_figures *figures, enum figure_callback result,
                      uint64_t n)
{
    if (n > 0)
        add(figures, figures->callbacks, result, n);
}

void figures_shed(const struct listener_figures *figures, size_t app, enum figure_shed what)
{
    add(figures, figures->shed, app * FIGURE_SHEDS + what, 1);
}

void figures_app(const struct listener_figures *figures, unsigned first, size_t app, uint64_t n)
{
    add(figures, first, app, n);
}
