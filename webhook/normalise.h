// SPDX-License-Identifier: MIT
/*
 * A delivery's body → its events, one per item. Nothing of a known `object` is dropped: an element
 * that is not understood (a kind that has no reader yet, a number where an object belongs, an id
 * that is too long) becomes an EVENT_OTHER with the bytes it came in, and costs its neighbours
 * nothing. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/event.h"

// Meta bundles at most 1000 updates; a body with more items than this is not from there.
enum { EVENT_LIST_MAX = 20000 };

struct event_list {
    struct event *events; // owned, with all they hold
    size_t count, cap;
};
void event_list_deinit(struct event_list *list);

/*
 * Reads a whole body (the caller bounds `len`). False with ERR_INPUT or ERR_LIMIT: not JSON, too
 * deep, an `object` that is not Meta's; such a body is for the dead letters. A known object may
 * well hold no events.
 */
MUST_USE bool normalise(const void *body, size_t len, struct event_list *ret_list, struct err *err);
