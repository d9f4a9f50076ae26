// SPDX-License-Identifier: MIT
// What the worker's files share. Loop thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "connectors/graph.h"
#include "connectors/groq.h"
#include "connectors/http.h"
#include "models/projection.h"
#include "models/store.h"
#include "queue/queue.h"
#include "worker/catalog.h"
#include "worker/figures.h"

struct event_base;
struct blocked_account;

struct worker {
    const struct config *config;
    struct event_base *base;
    struct queue *queue;
    struct store *store;
    struct http *http;
    struct graph *graph;
    struct groq *groq;
    struct writer *writer;
    struct catalog *catalog;
    struct blocked_account *blocked;      // accounts that Meta refuses just now
    struct blocked_account *told;         // whose budget is used up: the log says so once
    const struct worker_figures *figures; // or NULL
    uint64_t counted_flushes;             // of the writer's
    unsigned active;                      // activations under way
    bool stopping;                        // no new claims; what is under way comes to its next rest
    bool *claiming;                       // by shard: a claim is under way
    bool *claim_again;                    // by shard: a wake came meanwhile
};

// An activation or a lane came to its end: `shard` may have more.
void worker_released(struct worker *worker, unsigned shard);
