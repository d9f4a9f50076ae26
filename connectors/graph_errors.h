// SPDX-License-Identifier: MIT
// What each of Meta's error codes means for the sender: a table. Pure.
#pragma once

#include "connectors/graph.h"

struct graph_meaning {
    enum graph_outcome outcome;
    int64_t retry_after_ms; // where waiting less makes it worse; 0 = no hint
};

// NULL when neither the code nor its subcode is in the table. Also fits the `errors` of a failed
// WhatsApp status.
const struct graph_meaning *graph_errors_find(enum platform platform, int code, int subcode);

/*
 * Classifies one finished call into `ret_result`, whose strings are borrowed from `answer`
 * (response, or NULL with err) and from `store`.
 */
struct graph_answer {
    enum platform platform;
    bool expects_id;    // a message was sent: an answer without its id is ambiguous
    const char *secret; // never in result texts
};
struct graph_store {
    char message_id[EVENT_ID_MAX + 1];
    char text[400];
};
void graph_classify(const struct graph_answer *answer, const struct http_response *response,
                    const struct err *err, struct graph_store *store,
                    struct graph_result *ret_result);
