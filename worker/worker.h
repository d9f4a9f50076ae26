// SPDX-License-Identifier: MIT
/*
 * The worker: the imperative shell around the engine. One event loop per process; it claims chats,
 * runs the engine, performs its effects and projects what happened to MongoDB. Any number of
 * processes on any number of machines.
 */
#pragma once

#include "base/config.h"
#include "base/err.h"
#include "process/supervisor.h"
#include "worker/figures.h"

/*
 * One worker process: serves until SIGTERM or SIGINT, then finishes or hands back what it holds.
 * The supervised process's first socket, when it has one, gets /healthz, /readyz and /metrics.
 * False with err when it could not start.
 */
MUST_USE bool worker_run(const struct config *config, struct supervised *self,
                         const struct worker_figures *figures, struct err *err);

// Whether a worker could start: looks at Redis, MongoDB and the rest (blocking), for `--check`.
MUST_USE bool worker_check(const struct config *config, struct err *err);
