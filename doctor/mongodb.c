// SPDX-License-Identifier: MIT
// MongoDB: there, writable, durable, indexed; and the accounts that it holds.

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "doctor/internal.h"
#include "models/setup.h"
#include "models/store.h"

enum { MONGODB_MAJOR_MIN = 6 };

// A command's answer; the caller destroys it whether or not it worked.
static bool command(struct doctor *d, const char *database, const char *name, bson_t *reply,
                    struct err *err)
{
    bson_t *words = BCON_NEW(name, BCON_INT32(1));
    bson_error_t error;
    bool ok = mongoc_client_command_simple(d->db.client, database, words, NULL, reply, &error);

    bson_destroy(words);
    return ok || store_error(err, &error, name);
}

static void read_str(const bson_t *doc, const char *name, char *out, size_t size)
{
    bson_iter_t it;
    bool there = bson_iter_init_find(&it, doc, name) && BSON_ITER_HOLDS_UTF8(&it);
    snprintf(out, size, "%s", there ? bson_iter_utf8(&it, NULL) : "");
}

static bool open_store(struct doctor *d, struct err *err)
{
    const struct store_config config = {
        .uri = d->config->mongodb_uri, .threads = 1, .keyring = &d->config->keyring};

    d->store = store_new(NULL, &config, err);
    if (!d->store)
        return false;
    store_borrow(d->store, &d->db);
    return store_ping(&d->db, err);
}

void check_mongodb(struct doctor *d)
{
    struct err err = {0};
    bson_t build, hello;
    char version[32], set[64];

    if (!open_store(d, &err)) {
        report(d, DOCTOR_FAILED,
               "%s" MEND
               "Start MongoDB, or set mongodb.uri to where it is; user and password stand in it.",
               err.text);
        return;
    }
    d->facts |= NEED(FACT_MONGODB);
    (void)!command(d, "admin", "buildInfo", &build, &err);
    (void)!command(d, "admin", "hello", &hello, &err);
    read_str(&build, "version", version, sizeof version);
    read_str(&hello, "setName", set, sizeof set);
    bson_destroy(&build);
    bson_destroy(&hello);
    if (*version && atoi(version) < MONGODB_MAJOR_MIN)
        report(d, DOCTOR_WARNING,
               "version %s is older than what Hookmill is tried with" MEND
               "Install MongoDB %d or later.",
               version, MONGODB_MAJOR_MIN);
    else
        report(d, DOCTOR_OK, "version %s%s%s", *version ? version : "not told",
               *set ? ", replica set " : "", set);
}

void check_mongodb_writes(struct doctor *d)
{
    mongoc_collection_t *c = mongoc_database_get_collection(d->db.database, "hookmill_doctor");
    bson_t *filter = BCON_NEW("_id", BCON_UTF8("probe"));
    bson_t *update = BCON_NEW("$set", "{", "at", BCON_DATE_TIME(clock_wall_ms()), "}");
    bson_t *options = BCON_NEW("upsert", BCON_BOOL(true));
    bson_error_t error;
    struct err err = {0};

    if (mongoc_collection_update_one(c, filter, update, options, NULL, &error)) {
        report(d, DOCTOR_OK, "taken and acknowledged");
    } else {
        store_error(&err, &error, "a write");
        report(
            d, DOCTOR_FAILED,
            "%s" MEND
            "Give the user of mongodb.uri the role readWrite on its database; where it says \"not "
            "primary\" or \"write concern\", look at the replica set with `rs.status()`.",
            err.text);
    }
    mongoc_collection_destroy(c);
    bson_destroy(filter);
    bson_destroy(update);
    bson_destroy(options);
}

void check_mongodb_durability(struct doctor *d)
{
    const mongoc_write_concern_t *w = mongoc_client_get_write_concern(d->db.client);
    bool majority = mongoc_write_concern_get_wmajority(w);
    bool journal = mongoc_write_concern_get_journal(w);

    if (!mongoc_write_concern_is_acknowledged(w))
        report(d, DOCTOR_FAILED,
               "mongodb.uri says w=0: writes are not acknowledged, and records get lost unseen" MEND
               "Take w=0 out of mongodb.uri; Hookmill then asks for w=majority and the journal.");
    else if (!majority && !journal)
        report(
            d, DOCTOR_WARNING,
            "mongodb.uri asks for less than w=majority or the journal: a record may be lost when "
            "a server dies (P5)" MEND
            "Take w and journal out of mongodb.uri; Hookmill then asks for both.");
    else
        report(d, DOCTOR_OK, "write concern%s%s", majority ? " majority" : "",
               journal ? " journal" : "");
}

struct missing {
    struct buf names;
    size_t count;
};

static void add_missing(void *arg, const char *name)
{
    struct missing *missing = arg;
    if (missing->count++ < 5)
        buf_printf(&missing->names, " %s", name);
}

void check_mongodb_indexes(struct doctor *d)
{
    struct missing missing = {0};
    struct err err = {0};

    if (!setup_missing_indexes(&d->db, add_missing, &missing, &err))
        report(d, DOCTOR_FAILED,
               "%s" MEND "Give the user of mongodb.uri the role readWrite on its database.",
               err.text);
    else if (missing.count)
        report(d, DOCTOR_FAILED,
               "%zu are missing:%s%s" MEND "Run `hookmill init`; it makes what is missing.",
               missing.count, missing.names.data, missing.count > 5 ? " …" : "");
    else
        report(d, DOCTOR_OK, "all there");
    buf_deinit(&missing.names);
}

/* --- accounts
 * ----------------------------------------------------------------------------------------- */

struct listing {
    struct doctor *doctor;
    unsigned connected[PLATFORM_COUNT];
    unsigned off; // disconnected or pending: not looked at
};

static void add_account(void *arg, const struct account *account)
{
    struct listing *listing = arg;
    struct doctor *d = listing->doctor;
    bool is_off =
        strcmp(account->status, "disconnected") == 0 || strcmp(account->status, "pending") == 0;

    listing->off += is_off;
    if (!is_off) {
        listing->connected[account->platform]++;
        d->platforms |= 1u << account->platform;
    }
    char *key = account_key(account->platform, account->account_id);
    bool is_wanted = d->options->account ? strcmp(key, d->options->account) == 0 : !is_off;
    if (!is_wanted) {
        free(key);
        return;
    }
    d->patients = x_realloc(d->patients, d->patient_count + 1, sizeof *d->patients);
    d->patients[d->patient_count++] = (struct patient){
        .key = key, .platform = account->platform, .id = x_dup(account->account_id)};
}

void check_accounts(struct doctor *d)
{
    struct listing listing = {.doctor = d};
    struct err err = {0};

    if (!account_each(&d->db, add_account, &listing, &err))
        report(d, DOCTOR_FAILED,
               "%s" MEND "Give the user of mongodb.uri the role readWrite on its database.",
               err.text);
    else if (d->options->account && d->patient_count == 0)
        report(
            d, DOCTOR_FAILED,
            "%s is not known" MEND
            "`hookmill account list` shows which there are; `hookmill account add` connects one.",
            d->options->account);
    else if (d->platforms == 0)
        report(d, DOCTOR_WARNING,
               "none is connected" MEND
               "Connect one: `hookmill account add --account PLATFORM:ID --token-file -`");
    else
        report(d, DOCTOR_OK, "%u messenger, %u instagram, %u whatsapp; %u disconnected or pending",
               listing.connected[PLATFORM_MESSENGER], listing.connected[PLATFORM_INSTAGRAM],
               listing.connected[PLATFORM_WHATSAPP], listing.off);
}
