// SPDX-License-Identifier: MIT
// The cache of accounts and compiled flows (see catalog.h).

#include "worker/catalog.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "models/flow_model.h"
#include "nodes/registry.h"
#include "worker/flow_list.h"

enum { ENTRIES_MAX = 4096, RETRY_FIRST_MS = 100, RETRY_MOST_MS = 2000 };

struct waiter {
    catalog_fn fn;
    void *arg;
    struct waiter *next;
};

struct entry {
    struct catalog *catalog;
    char *key;
    UT_hash_handle hh;
    struct known *known; // NULL until the first load is done
    bool loading;
    bool changed; // somebody said so while it was being loaded: load again
    struct waiter *waiters;
    struct event *retry;
    int64_t retry_ms;
    // A load's result, written by the pool thread, read after it
    struct account *account;
    cJSON *snapshot;
    int version;
    bool off;
    char owner[25];
    struct err err;
};

struct catalog {
    struct event_base *base;
    struct store *store;
    int64_t ttl_ms;
    struct entry *entries;
};

struct known *known_ref(struct known *known)
{
    known->refs++;
    return known;
}

void known_unref(struct known *known)
{
    if (!known || --known->refs > 0)
        return;
    account_free(known->account);
    flow_unref(known->flow);
    flow_list_unref(known->flows);
    free(known);
}

struct catalog *catalog_new(struct event_base *base, struct store *store, int64_t ttl_ms)
{
    struct catalog *catalog = x_alloc(sizeof *catalog);
    *catalog = (struct catalog){.base = base, .store = store, .ttl_ms = ttl_ms};
    return catalog;
}

static void entry_free(struct entry *entry)
{
    HASH_DEL(entry->catalog->entries, entry);
    known_unref(entry->known);
    if (entry->retry)
        event_free(entry->retry);
    free(entry->key);
    free(entry);
}

static void tell_waiters(struct entry *entry, struct known *known)
{
    struct waiter *waiter = entry->waiters;
    entry->waiters = NULL;
    while (waiter) {
        struct waiter *next = waiter->next;
        waiter->fn(waiter->arg, known);
        free(waiter);
        waiter = next;
    }
}

void catalog_free(struct catalog *catalog)
{
    if (!catalog)
        return;
    struct entry *entry, *next;
    HASH_ITER(hh, catalog->entries, entry, next) {
        tell_waiters(entry, NULL);
        entry_free(entry);
    }
    free(catalog);
}

static struct entry *find(struct catalog *catalog, const char *key)
{
    struct entry *entry;
    HASH_FIND_STR(catalog->entries, key, entry);
    return entry;
}

struct known *catalog_peek(struct catalog *catalog, const char *key)
{
    struct entry *entry = find(catalog, key);
    if (!entry || !entry->known || entry->loading || clock_mono_ms() >= entry->known->fresh_until)
        return NULL;
    return known_ref(entry->known);
}

void catalog_forget(struct catalog *catalog, const char *key)
{
    struct entry *entry = find(catalog, key);
    if (!entry)
        return;
    if (entry->known)
        entry->known->fresh_until = 0;
    entry->changed = entry->loading;
}

/* --- loading: on a pool thread, then back on the loop ------------------------------------------
 */

static void load_account(struct db *db, struct entry *entry)
{
    enum platform platform;
    char *account = NULL, *alias = NULL;
    if (!chat_key_split(entry->key + strlen("account:"), &platform, &account, &alias)) {
        err_set(&entry->err, ERR_NOT_FOUND, "'%s' is not an account", entry->key);
        return;
    }
    if (!account_load(db, platform, account, &entry->account, &entry->err))
        entry->account = NULL;
    free(account);
    free(alias);
}

static void load_newest(struct db *db, const char *id, struct entry *entry)
{
    cJSON *document = NULL;
    if (!flow_model_load(db, id, &document, &entry->err))
        return;
    entry->off = !flow_model_is_on(document);
    const char *owner = json_str(json_get(document, "userId"), "$oid");
    snprintf(entry->owner, sizeof entry->owner, "%s", owner ? owner : "");
    cJSON_Delete(document);
    if (!flow_model_pin(db, id, &entry->version, &entry->snapshot, &entry->err))
        entry->snapshot = NULL;
}

static void load_flow(struct db *db, struct entry *entry)
{
    const char *id = entry->key + strlen("flow:");
    const char *at = strchr(id, '@');
    if (!at) {
        load_newest(db, id, entry);
        return;
    }
    char *bare = x_dupn(id, (size_t)(at - id));
    entry->version = atoi(at + 1); // our own number, written by the worker
    if (!flow_model_version(db, bare, entry->version, &entry->snapshot, &entry->err))
        entry->snapshot = NULL;
    free(bare);
}

static void load_job(struct db *db, void *arg)
{
    struct entry *entry = arg;
    entry->err = (struct err){0};
    if (strncmp(entry->key, "account:", 8) == 0)
        load_account(db, entry);
    else
        load_flow(db, entry);
}

static struct known *compile(cJSON *snapshot, int version, const struct known *before)
{
    struct known *known = x_alloc(sizeof *known);
    struct diags diags = {0};
    known->refs = 1;
    known->version = version;
    if (before && before->flow && before->version == version) { // a version never changes
        known->flow = flow_ref(before->flow);
        return known;
    }
    known->flow = flow_compile(snapshot, node_types, &diags);
    if (!known->flow) {
        size_t i = 0;
        while (i < diags.count && diags.items[i].severity != SEVERITY_ERROR)
            i++;
        err_set(&known->err, ERR_INPUT, "the flow does not compile (%zu errors): %s", diags.errors,
                i < diags.count ? diags.items[i].text : "see `hookmill flow lint`");
    }
    diags_deinit(&diags);
    return known;
}

// What the job brought, as a new reference.
static struct known *take_result(struct entry *entry)
{
    struct known *known;
    if (entry->snapshot) {
        known = compile(entry->snapshot, entry->version, entry->known);
        known->off = entry->off;
        memcpy(known->owner, entry->owner, sizeof known->owner);
        cJSON_Delete(entry->snapshot);
        entry->snapshot = NULL;
        return known;
    }
    known = x_alloc(sizeof *known);
    *known = (struct known){.refs = 1, .account = entry->account, .err = entry->err};
    entry->account = NULL;
    return known;
}

static void start_load(struct entry *entry);

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
    start_load(arg);
}

static void retry_later(struct entry *entry)
{
    if (entry->retry_ms == 0)
        log_warn("catalog.wait", "key", entry->key, "reason", entry->err.text);
    entry->retry_ms = entry->retry_ms ? entry->retry_ms * 2 : RETRY_FIRST_MS;
    if (entry->retry_ms > RETRY_MOST_MS)
        entry->retry_ms = RETRY_MOST_MS;
    struct timeval delay = {entry->retry_ms / 1000, entry->retry_ms % 1000 * 1000};
    if (!entry->retry)
        entry->retry = evtimer_new(entry->catalog->base, on_retry, entry);
    evtimer_add(entry->retry, &delay);
}

static void on_loaded(void *arg, const struct err *err)
{
    struct entry *entry = arg;
    if (err && err->code == ERR_CANCELED) {
        tell_waiters(entry, NULL);
        return;
    }
    if (entry->err.code == ERR_UNAVAILABLE || entry->err.code == ERR_DENIED ||
        entry->err.code == ERR_INTERNAL) { // it may pass; anything else is how the document is
        retry_later(entry);
        return;
    }
    if (entry->changed) {
        account_free(entry->account);
        cJSON_Delete(entry->snapshot);
        entry->account = NULL;
        entry->snapshot = NULL;
        entry->changed = false;
        start_load(entry);
        return;
    }
    struct known *before = entry->known;
    entry->known = take_result(entry);
    known_unref(before);
    entry->loading = false;
    entry->retry_ms = 0;
    bool pinned = strchr(entry->key, '@') && entry->known->flow;
    entry->known->fresh_until = pinned ? INT64_MAX : clock_mono_ms() + entry->catalog->ttl_ms;
    struct known *known = known_ref(entry->known); // a waiter may make us forget the entry
    tell_waiters(entry, known);
    known_unref(known);
}

static void start_load(struct entry *entry)
{
    store_run(entry->catalog->store, load_job, on_loaded, entry);
}

// Drops what nobody uses when the cache has grown to its bound.
static void make_room(struct catalog *catalog)
{
    if (HASH_COUNT(catalog->entries) < ENTRIES_MAX)
        return;
    struct entry *entry, *next;
    HASH_ITER(hh, catalog->entries, entry, next) {
        if (!entry->loading && (!entry->known || entry->known->refs == 1))
            entry_free(entry);
    }
}

void catalog_load(struct catalog *catalog, const char *key, catalog_fn fn, void *arg)
{
    struct entry *entry = find(catalog, key);
    if (!entry) {
        make_room(catalog);
        entry = x_alloc(sizeof *entry);
        entry->catalog = catalog;
        entry->key = x_dup(key);
        HASH_ADD_KEYPTR(hh, catalog->entries, entry->key, strlen(entry->key), entry);
    }
    struct waiter *waiter = x_alloc(sizeof *waiter);
    *waiter = (struct waiter){fn, arg, entry->waiters};
    entry->waiters = waiter;
    if (entry->loading)
        return;
    entry->loading = true;
    start_load(entry);
}
