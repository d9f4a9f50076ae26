// SPDX-License-Identifier: MIT
// Activations to project, for the tests of the writer and of receipts.
#pragma once

#include "fixture.h"
#include "models/projection.h"

// What a writer_done_fn was told; `arg` is a struct outcome.
struct outcome {
    bool done;
    struct err err;
};
void outcome_done(void *arg, const struct err *err);

// A message whose id is derived from the chat and `name`; platform_id may be NULL.
struct message_record *record_message(struct projection *p, const char *name, bool inbound,
                                      const char *text, const char *platform_id);

// One activation in the chat of whatsapp:1099 with `contact`: a question, an answer, a session.
struct projection *record_activation(const char *contact, int64_t epoch, int64_t done,
                                     const char *status);

// Projects and waits; fails the test on any error.
void record_project(struct fixture *f, struct writer *writer, struct projection *p);
