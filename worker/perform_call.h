// SPDX-License-Identifier: MIT
// One effect on its way: what perform.c shares with perform_http.c and perform_ai.c. Loop thread.
#pragma once

#include "worker/internal.h"
#include "worker/perform.h"
#include "worker/secret_fill.h"

struct call {
    struct worker *worker;
    struct perform_request request;
    perform_fn fn;
    void *arg;
    struct secrets_sent sent; // EFFECT_HTTP
    struct err unfit;         // EFFECT_HTTP: why nothing was sent
    cJSON *memory;            // EFFECT_AI: what MongoDB had
    struct err memory_err;
};

// Tells what came of it, and frees the call. Takes the result (or NULL).
void call_answer(struct call *call, struct performed performed, cJSON *owned_result);
MUST_USE cJSON *call_result(bool ok, const char *error);
// What a call ends with that failed for good.
void call_failed(struct call *call, const char *error, bool timed_out);

void call_start_http(struct call *call);
void call_start_ai(struct call *call);
