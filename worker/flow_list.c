// SPDX-License-Identifier: MIT
// Lists of flows (see flow_list.h).

#include "worker/flow_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

struct flow_list *flow_list_ref(struct flow_list *list)
{
    list->refs++;
    return list;
}

void flow_list_unref(struct flow_list *list)
{
    if (!list || --list->refs > 0)
        return;
    for (size_t i = 0; i < list->count; i++)
        known_unref(list->items[i].known);
    free(list);
}

static struct flow_list *list_new(const char (*ids)[25], size_t count)
{
    struct flow_list *list = x_alloc(sizeof *list + count * sizeof list->items[0]);
    list->refs = 1;
    list->count = count;
    for (size_t i = 0; i < count; i++)
        memcpy(list->items[i].id, ids[i], sizeof list->items[i].id);
    return list;
}

static struct known *peek(struct catalog *catalog, const char *id)
{
    char *key = x_printf("flow:%s", id);
    struct known *known = catalog_peek(catalog, key);
    free(key);
    return known;
}

struct flow_list *flow_list_peek(struct catalog *catalog, const char (*ids)[25], size_t count)
{
    struct flow_list *list = list_new(ids, count);
    for (size_t i = 0; i < count; i++) {
        list->items[i].known = peek(catalog, list->items[i].id);
        if (list->items[i].known)
            continue;
        flow_list_unref(list);
        return NULL;
    }
    return list;
}

static bool is_fresh(const struct flow_list *list)
{
    int64_t now = clock_mono_ms();
    for (size_t i = 0; i < list->count; i++)
        if (now >= list->items[i].known->fresh_until)
            return false;
    return true;
}

size_t flow_list_size(const struct account *account)
{
    return account->flow_count < FLOW_LIST_MAX ? account->flow_count : FLOW_LIST_MAX;
}

struct flow_list *flow_list_of(struct catalog *catalog, struct known *account)
{
    if (account->flows && is_fresh(account->flows))
        return flow_list_ref(account->flows);
    const struct account *a = account->account;
    flow_list_unref(account->flows);
    account->flows = flow_list_peek(catalog, (const char(*)[25])a->flows, flow_list_size(a));
    return account->flows ? flow_list_ref(account->flows) : NULL;
}

/* --- loading: what is not known, all at once
 * ------------------------------------------------------------------- */

struct gather {
    struct flow_list *list;
    size_t open; // answers that are still to come
    bool canceled;
    flow_list_fn fn;
    void *arg;
};

struct asked {
    struct gather *gather;
    size_t i;
};

static void on_known(void *arg, struct known *known)
{
    struct asked *asked = arg;
    struct gather *gather = asked->gather;
    if (known)
        gather->list->items[asked->i].known = known_ref(known);
    else
        gather->canceled = true;
    free(asked);
    if (--gather->open > 0)
        return;
    gather->fn(gather->arg, gather->canceled ? NULL : gather->list);
    flow_list_unref(gather->list);
    free(gather);
}

void flow_list_load(struct catalog *catalog, const char (*ids)[25], size_t count, flow_list_fn fn,
                    void *arg)
{
    struct gather *gather = x_alloc(sizeof *gather);
    *gather = (struct gather){.list = list_new(ids, count), .fn = fn, .arg = arg};
    for (size_t i = 0; i < count; i++) // first those that are there: no answer comes in between
        gather->list->items[i].known = peek(catalog, gather->list->items[i].id);
    for (size_t i = 0; i < count; i++)
        gather->open += !gather->list->items[i].known;
    for (size_t i = 0; i < count; i++) {
        if (gather->list->items[i].known)
            continue;
        struct asked *asked = x_alloc(sizeof *asked);
        *asked = (struct asked){gather, i};
        char *key = x_printf("flow:%s", gather->list->items[i].id);
        catalog_load(catalog, key, on_known, asked);
        free(key);
    }
}
