// SPDX-License-Identifier: MIT
/*
 * The figures of a worker: which there are, and how they are raised. Declared once, before forking;
 * raised on the loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/session.h"
#include "process/metrics.h"
#include "queue/queue.h"
#include "worker/perform.h"

struct worker;

enum { FIGURE_EFFECT_KINDS = EFFECT_AI + 1, FIGURE_STATUSES = SESSION_ERROR + 1 };

// What became of one try of an effect: the verdicts, with DONE split in two.
enum figure_effect {
    FIGURE_EFFECT_DONE,
    FIGURE_EFFECT_FAILED,
    FIGURE_EFFECT_LATER,
    FIGURE_EFFECT_ACCOUNT,
    FIGURE_EFFECT_AMBIGUOUS,
    FIGURE_EFFECT_CANCELED,
    FIGURE_EFFECT_RESULTS,
};

// Numbers of series.
struct worker_figures {
    struct metrics *metrics;
    unsigned chat_claims, lane_claims;
    unsigned chat_events, lane_events; // consumed
    unsigned effects;                  // the first of kind × result
    unsigned parked;                   // the first of one per reason
    unsigned sessions_started;
    unsigned sessions_ended; // the first of one per status
    unsigned active, flushes;
};

void worker_figures_declare(struct worker_figures *figures, struct metrics *metrics);

// All of them do nothing in a worker without figures.
void worker_count_claims(const struct worker *worker, bool lane, uint64_t events);
void worker_count_event(const struct worker *worker);
void worker_count_effect(const struct worker *worker, enum effect_kind kind,
                         const struct performed *performed);
// An effect may not leave, and its chat is parked.
void worker_count_parked(const struct worker *worker, enum queue_stop why);
void worker_count_session_started(const struct worker *worker);
void worker_count_session_ended(const struct worker *worker, enum session_status status);
// From time to time: the gauges, what others count, and whether the process is ready, which is
// returned.
bool worker_refresh_figures(struct worker *worker);
