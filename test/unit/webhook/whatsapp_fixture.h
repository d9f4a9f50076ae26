// SPDX-License-Identifier: MIT
/*
 * For the tests of WhatsApp's normaliser. JSON is written with ' for " here; expectations are parts
 * of an event's JSON form. What is returned is the caller's.
 */
#pragma once

#include "base/mem.h"
#include "webhook/normalise.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

MUST_USE char *quoted(const char *text);

// The events of the changes of one WABA, 77.
struct event_list read_changes(const char *changes);
// The events of one change of phone number 9; value is what stands beside the metadata.
struct event_list read_value(const char *field, const char *value);
// The only event, moved out of the list.
struct event only(struct event_list list);
// One element of messages[] of the person 5551: what follows `from` and `id`.
struct event read_message(const char *rest);

void check_parts(struct event *event, const char *const *parts, bool wanted);
#define expect(event, ...)  check_parts(event, (const char *const[]){__VA_ARGS__, NULL}, true)
#define without(event, ...) check_parts(event, (const char *const[]){__VA_ARGS__, NULL}, false)

// A message and what it must give.
void message_gives(const char *rest, const char *part);
