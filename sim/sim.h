// SPDX-License-Identifier: MIT
/*
 * The simulator: an HTTP server that stands in for the Graph API's messages endpoints (Messenger,
 * Instagram, WhatsApp) and Groq's chat completions, and a maker of signed webhooks in Meta's
 * shapes. See `hookmill sim --help`.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct event_base;
struct sim;

struct sim_config {
    const char *address; // default 127.0.0.1
    int port;            // 0 = a free one
};
MUST_USE struct sim *sim_new(struct event_base *base, const struct sim_config *config,
                             struct err *err);
int sim_port(const struct sim *sim);
void sim_free(struct sim *sim);
