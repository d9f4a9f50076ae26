// SPDX-License-Identifier: MIT
/*
 * The flows that an event may start, loaded through the catalog: an account's enabled ones, in its
 * order, or the one that somebody starts by hand. An account's list is kept with what is known of
 * the account, so that an event costs a comparison per flow and no look-up. Loop thread.
 */
#pragma once

#include "worker/catalog.h"

enum { FLOW_LIST_MAX = 100 }; // of an account; those behind start nothing

struct listed_flow {
    char id[25];
    struct known *known;
};

// Reference-counted and immutable.
struct flow_list {
    unsigned refs;
    size_t count;
    struct listed_flow items[];
};
struct flow_list *flow_list_ref(struct flow_list *list);
void flow_list_unref(struct flow_list *list);

// A new reference, or NULL when not all of them are known: ask flow_list_load.
struct flow_list *flow_list_peek(struct catalog *catalog, const char (*ids)[25], size_t count);
// The same of an account's enabled flows, kept with `account`.
struct flow_list *flow_list_of(struct catalog *catalog, struct known *account);

// `fn` fires once, on a later loop turn; `list` is borrowed, NULL only when the process stops.
typedef void (*flow_list_fn)(void *arg, struct flow_list *list);
void flow_list_load(struct catalog *catalog, const char (*ids)[25], size_t count, flow_list_fn fn,
                    void *arg);
size_t flow_list_size(const struct account *account); // of its list
