// SPDX-License-Identifier: MIT
// The figures of a worker (see figures.h).

#include "worker/figures.h"

#include <stdio.h>

#include "base/json.h"
#include "worker/internal.h"

static const char *const effect_results[FIGURE_EFFECT_RESULTS] = {
    [FIGURE_EFFECT_DONE] = "done",           [FIGURE_EFFECT_FAILED] = "failed",
    [FIGURE_EFFECT_LATER] = "later",         [FIGURE_EFFECT_ACCOUNT] = "account",
    [FIGURE_EFFECT_AMBIGUOUS] = "ambiguous", [FIGURE_EFFECT_CANCELED] = "canceled"};

static void declare_effects(struct worker_figures *figures, struct metrics *metrics)
{
    for (int kind = EFFECT_SEND; kind < FIGURE_EFFECT_KINDS; kind++) {
        for (int result = 0; result < FIGURE_EFFECT_RESULTS; result++) {
            char labels[64];
            snprintf(labels, sizeof labels, "kind=\"%s\",result=\"%s\"",
                     effect_kind_name((enum effect_kind)kind), effect_results[result]);
            unsigned series =
                metrics_counter(metrics, "hookmill_worker_effects_total",
                                "Tries of effects (send, http, ai) by what came of them.", labels);
            if (kind == EFFECT_SEND && result == 0)
                figures->effects = series;
        }
    }
}

static void declare_parked(struct worker_figures *figures, struct metrics *metrics)
{
    for (int why = 0; why < QUEUE_STOPS; why++) {
        char labels[64];
        snprintf(labels, sizeof labels, "why=\"%s\"", queue_stop_name((enum queue_stop)why));
        unsigned series = metrics_counter(
            metrics, "hookmill_worker_parked_total",
            "Chats parked because the budget of their contact or account is used up, or their "
            "account is paused, or sends too fast (rate).",
            labels);
        if (why == 0)
            figures->parked = series;
    }
}

static void declare_sessions(struct worker_figures *figures, struct metrics *metrics)
{
    figures->sessions_started = metrics_counter(metrics, "hookmill_worker_sessions_started_total",
                                                "Sessions that began.", "");
    for (int status = SESSION_COMPLETED; status < FIGURE_STATUSES; status++) {
        char labels[64];
        snprintf(labels, sizeof labels, "status=\"%s\"",
                 session_status_name((enum session_status)status));
        unsigned series = metrics_counter(metrics, "hookmill_worker_sessions_ended_total",
                                          "Sessions that ended, by how.", labels);
        if (status == SESSION_COMPLETED)
            figures->sessions_ended = series;
    }
}

void worker_figures_declare(struct worker_figures *figures, struct metrics *metrics)
{
    *figures = (struct worker_figures){.metrics = metrics};
    const char *name = "hookmill_worker_claims_total", *help = "Chats and lanes claimed.";
    figures->chat_claims = metrics_counter(metrics, name, help, "of=\"chat\"");
    figures->lane_claims = metrics_counter(metrics, name, help, "of=\"lane\"");
    name = "hookmill_worker_events_total", help = "Events consumed.";
    figures->chat_events = metrics_counter(metrics, name, help, "of=\"chat\"");
    figures->lane_events = metrics_counter(metrics, name, help, "of=\"lane\"");
    declare_effects(figures, metrics);
    declare_parked(figures, metrics);
    declare_sessions(figures, metrics);
    figures->active =
        metrics_gauge(metrics, "hookmill_worker_active", "Activations and lanes under way.", "");
    figures->flushes = metrics_counter(metrics, "hookmill_worker_mongodb_batches_total",
                                       "Batches that the writer stored in MongoDB.", "");
}

/* --- raising -------------------------------------------------------------------------------------
 */

static void add(const struct worker *worker, unsigned series, uint64_t n)
{
    metrics_add(worker->figures->metrics, series, n);
}

void worker_count_claims(const struct worker *worker, bool lane, uint64_t events)
{
    if (!worker->figures)
        return;
    add(worker, lane ? worker->figures->lane_claims : worker->figures->chat_claims, 1);
    if (lane)
        add(worker, worker->figures->lane_events, events);
}

void worker_count_event(const struct worker *worker)
{
    if (worker->figures)
        add(worker, worker->figures->chat_events, 1);
}

static enum figure_effect result_of(const struct performed *performed)
{
    switch (performed->verdict) {
    case VERDICT_DONE:
        return json_bool(performed->result, "ok", false) ? FIGURE_EFFECT_DONE
                                                         : FIGURE_EFFECT_FAILED;
    case VERDICT_LATER:
        return FIGURE_EFFECT_LATER;
    case VERDICT_ACCOUNT:
        return FIGURE_EFFECT_ACCOUNT;
    case VERDICT_AMBIGUOUS:
        return FIGURE_EFFECT_AMBIGUOUS;
    default:
        return FIGURE_EFFECT_CANCELED;
    }
}

void worker_count_effect(const struct worker *worker, enum effect_kind kind,
                         const struct performed *performed)
{
    if (worker->figures && kind >= EFFECT_SEND)
        add(worker,
            worker->figures->effects + (unsigned)(kind - EFFECT_SEND) * FIGURE_EFFECT_RESULTS +
                (unsigned)result_of(performed),
            1);
}

void worker_count_parked(const struct worker *worker, enum queue_stop why)
{
    if (worker->figures)
        add(worker, worker->figures->parked + (unsigned)why, 1);
}

void worker_count_session_started(const struct worker *worker)
{
    if (worker->figures)
        add(worker, worker->figures->sessions_started, 1);
}

void worker_count_session_ended(const struct worker *worker, enum session_status status)
{
    if (worker->figures && status >= SESSION_COMPLETED)
        add(worker, worker->figures->sessions_ended + (unsigned)(status - SESSION_COMPLETED), 1);
}

static const char *why_unready(const struct worker *worker)
{
    if (worker->stopping)
        return "it is stopping";
    return queue_is_up(worker->queue) ? NULL : "Redis is away";
}

bool worker_refresh_figures(struct worker *worker)
{
    const struct worker_figures *figures = worker->figures;
    const char *unready = why_unready(worker);
    if (!figures)
        return !unready;
    uint64_t flushes = writer_flushes(worker->writer);
    add(worker, figures->flushes, flushes - worker->counted_flushes);
    worker->counted_flushes = flushes;
    metrics_set(figures->metrics, figures->active, worker->active);
    metrics_set_unready(figures->metrics, unready);
    return !unready;
}
