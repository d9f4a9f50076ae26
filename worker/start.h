// SPDX-License-Identifier: MIT
/*
 * How an event starts a session: all enabled flows of the account are asked, and the best trigger
 * wins (engine/trigger.h). While a session waits, a trigger that says so ends it and starts its
 * own flow. An operator's start (EVENT_START) asks its target alone. Loop thread.
 */
#pragma once

#include "worker/activation.h"

// Whether the event may start a session here, as far as can be said before the flows are loaded.
bool start_is_possible(const struct activation *a, const struct event *event);

// False: the flows are being loaded, and the activation comes back to this event.
MUST_USE bool start_flows_ready(struct activation *a, const struct event *event);

enum start_outcome {
    START_NOTHING, // no flow wants it, or it was refused (the history says why)
    START_RESTS,   // a session was started, and waits or has ended
    START_WENT,    // … and an effect of it is on its way
};
enum start_outcome start_try(struct activation *a, const struct event *event);
