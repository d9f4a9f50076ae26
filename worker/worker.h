// SPDX-License-Identifier: MIT
/*
 * The worker: the imperative shell around the engine. One event loop per process; it claims chats,
 * runs the engine, performs its effects and projects what happened to MongoDB. Any number of
 * processes on any number of machines.
 */
#pragma once

#include "base/config.h"
#include "base/err.h"

/*
 * Serves until SIGTERM or SIGINT, then finishes or hands back what it holds. `ready_fd`: gets one
 * byte when it serves, then is closed (-1: none). False with err when it could not start.
 */
MUST_USE bool worker_run(const struct config *config, int ready_fd, struct err *err);

/*
 * Forks config->worker_processes children, starts a child that died again (with back-off), passes
 * signals on and waits. Prints "ready" on stdout when all of them serve. Returns the exit status.
 */
int worker_supervise(const struct config *config);
