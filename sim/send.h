// SPDX-License-Identifier: MIT
// Sends signed deliveries to a listener, for the command line and tests. Blocks; has a loop of its
// own.
#pragma once

#include "base/err.h"
#include "sim/sim_webhook.h"

// Makes, signs and posts one message. *ret_status is the listener's HTTP status, whatever it is.
MUST_USE bool sim_send(const struct sim_message *message, int *ret_status, struct err *err);

// Signs and posts a body as it is, e.g. one from a file.
MUST_USE bool sim_deliver(const char *url, const char *secret, const void *body, size_t len,
                          int *ret_status, struct err *err);
