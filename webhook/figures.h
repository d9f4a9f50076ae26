// SPDX-License-Identifier: MIT
/*
 * The figures of a listener: which there are, and how they are raised. Declared once, before
 * forking; raised on the loop thread. Apps are told by their index; what belongs to none (unknown
 * path, refused before it was read) is app number `app_count`.
 */
#pragma once

#include <stddef.h>

#include "base/config.h"
#include "base/event.h"
#include "process/metrics.h"

enum {
    FIGURE_APPS_MAX = 512,
    FIGURE_EVENT_APPS_MAX = 100, // with more, events are counted for all apps together
};

// What became of the events of deliveries that were understood.
enum figure_result {
    FIGURE_ADMITTED,
    FIGURE_DUPLICATE,
    FIGURE_SPOOLED,
    FIGURE_REFUSED, // answered 503
    FIGURE_RESULTS,
};

// What became of callbacks: the results above, and those that were not understood.
enum figure_callback {
    FIGURE_CALLBACK_UNKNOWN = FIGURE_RESULTS, // a token that is not ours
    FIGURE_CALLBACK_BAD,                      // too large, or cannot be read
    FIGURE_CALLBACKS,
};

// Deliveries refused because the queue has no room.
enum figure_shed { FIGURE_SHED_ALL, FIGURE_SHED_RECEIPTS, FIGURE_SHEDS };

// Numbers of series; of those in groups, the first one.
struct listener_figures {
    struct metrics *metrics;
    size_t app_count;
    unsigned answers;            // app × status
    unsigned signature_failures; // app
    unsigned buried, body_bytes; // app
    unsigned results;            // app × result
    unsigned shed;               // app × what
    unsigned callbacks;          // result
    unsigned events;             // app × platform × kind
    bool events_by_app;
    unsigned verify, parse, admit, total; // histograms
    unsigned in_flight, connections, expired;
    unsigned room, waiting;
    unsigned spool_events, spool_bytes, spool_torn; // of the host
    unsigned archive_kept, archive_dropped;
};

// At most FIGURE_APPS_MAX apps.
void listener_figures_declare(struct listener_figures *figures, struct metrics *metrics,
                              const struct config_app *apps, size_t app_count);

void figures_answer(const struct listener_figures *figures, size_t app, int status);
void figures_event(const struct listener_figures *figures, size_t app, const struct event *event);
void figures_result(const struct listener_figures *figures, size_t app, enum figure_result result,
                    uint64_t events);
void figures_callback(const struct listener_figures *figures, enum figure_callback result,
                      uint64_t n);
void figures_shed(const struct listener_figures *figures, size_t app, enum figure_shed what);
// Of the series that there is one of per app.
void figures_app(const struct listener_figures *figures, unsigned first, size_t app, uint64_t n);
