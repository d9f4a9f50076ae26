// SPDX-License-Identifier: MIT
/*
 * What the files of doctor/ share. A check is a row of a const table: its name, what it looks at,
 * the facts without which it makes no sense, and a function that reports one line (or one per
 * part). Facts are established by earlier checks; where one is missing, doctor.c reports the check
 * as skipped, and why.
 */
#pragma once

#include <event2/event.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/event.h"
#include "connectors/graph_admin.h"
#include "doctor/doctor.h"
#include "models/account.h"
#include "queue/health.h"

enum fact {
    FACT_ONLINE,  // not --offline
    FACT_REDIS,   // answers
    FACT_MONGODB, // answers
    FACT_GRAPH,   // the Graph API answers
    // Of an app
    FACT_URL,           // --url was given
    FACT_URL_UP,        // it answers
    FACT_VERIFY_TOKEN,  // is configured
    FACT_APP_ID,        // is configured
    FACT_SUBSCRIPTIONS, // Meta told them
    // Of an account
    FACT_TOKEN,      // may be used
    FACT_TOKEN_INFO, // Meta told what it knows of it
    FACT_COUNT,
};
#define NEED(fact) (1u << (fact))

struct doctor;
struct doctor_check {
    const char *name;
    const char *what; // for --help
    unsigned needs;   // NEED(…) | …
    void (*run)(struct doctor *d);
};

/* --- ask.c: questions to Meta and to the public URL --------------------------------------------
 */

// A question and what came back. Zeroed = not asked.
struct question {
    struct doctor *doctor;
    bool asked, ok; // as graph_admin_answer; ok only after ask_wait()
    cJSON *json;    // owned, or NULL
    int http_status, code, subcode;
    int64_t date_ms, arrived_ms;
    char text[320];
};
void question_deinit(struct question *q);
// Each starts a question; all that were started have their answers after ask_wait().
void ask_node(struct doctor *d, struct question *q, enum graph_host host, const char *node,
              const char *edge, const char *fields, const char *token);
void ask_token(struct doctor *d, struct question *q, const char *token,
               const struct config_app *app);
void ask_wait(struct doctor *d);
// Meta was away or in trouble: that says nothing of what was asked about. Reports so, and is true.
bool report_unanswered(struct doctor *d, const struct question *q);

struct visit {
    struct doctor *doctor;
    int status; // 0 = no answer, and text says why
    char body[320], text[320];
};
// Blocking: one request to the public URL.
void visit(struct doctor *d, struct visit *v, const char *method, const char *url,
           const char *body);

/* --- the patient -------------------------------------------------------------------------------
 */

struct app {
    const struct config_app *config;
    char *callback; // the address that Meta should have; NULL = --url was not given
    unsigned facts;
    struct visit verified; // the verification as it should be
    struct question subscriptions;
};

enum { WABAS_MAX = 8, ACCOUNTS_AT_ONCE = 32, CALLS_AT_ONCE = 8 };
struct patient {
    char *key; // "messenger:108…"
    enum platform platform;
    char *id;
    struct account *account; // NULL: could not be loaded, why is in `err`
    struct err err;
    unsigned facts;
    const struct config_app *app; // whose token it is; NULL = not known
    struct question token, node;
    struct graph_token info; // of FACT_TOKEN_INFO
    struct question subscribed[WABAS_MAX];
    const char *subscribed_id[WABAS_MAX]; // borrowed from account and token
    size_t subscribed_count;
};

struct doctor {
    const struct doctor_options *options;
    const struct config *config;
    unsigned facts;
    const struct doctor_check *check; // running
    const char *subject;              // of the line: "app shop", "messenger:108…", or NULL
    const char *part;                 // of the check, or NULL
    struct app *app;                  // current
    struct patient *patient;          // current
    unsigned counts[4];
    struct buf json;
    char **secrets; // never to be printed
    size_t secret_count;

    struct event_base *base;
    struct http *http, *public_http;
    struct graph_admin *graph;
    unsigned open; // questions without an answer

    struct queue_health redis; // FACT_REDIS
    struct question greeting;  // FACT_GRAPH
    struct store *store;
    struct db db; // FACT_MONGODB
    struct app *apps;
    size_t app_count;
    struct patient *patients; // those to look at, without their accounts
    size_t patient_count;
    unsigned platforms; // bits: which of them have connected accounts
};

/* --- report.c ----------------------------------------------------------------------------------
 */

enum doctor_status { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_FAILED, DOCTOR_SKIPPED };

// Separates, in report()'s format, what was found from how to mend it.
#define MEND "\x1e"

// One line of the current check. Text from outside may stand in it as it is.
void report(struct doctor *d, enum doctor_status status, const char *fmt, ...) PRINTF_LIKE(3, 4);
void report_skipped(struct doctor *d, enum fact missing);
void report_end(struct doctor *d);
// From now on the text never appears in a line.
void report_hide(struct doctor *d, const char *secret);

/* --- the checks, by file -----------------------------------------------------------------------
 */

// local.c
void check_config_file(struct doctor *d);
void check_apps(struct doctor *d);
void check_encryption(struct doctor *d);
void check_descriptors(struct doctor *d);
// disk.c
void check_spool(struct doctor *d);
void check_archive(struct doctor *d);
// tls.c
void check_tls(struct doctor *d);
// redis.c
void check_redis(struct doctor *d);
void check_redis_shards(struct doctor *d);
void check_redis_durability(struct doctor *d);
void check_redis_eviction(struct doctor *d);
void check_redis_memory(struct doctor *d);
void check_redis_replicas(struct doctor *d);
void check_redis_clock(struct doctor *d);
// mongodb.c
void check_mongodb(struct doctor *d);
void check_mongodb_writes(struct doctor *d);
void check_mongodb_durability(struct doctor *d);
void check_mongodb_indexes(struct doctor *d);
void check_accounts(struct doctor *d);
// app.c
void check_graph(struct doctor *d);
void check_graph_clock(struct doctor *d);
void check_url(struct doctor *d);
void check_verification(struct doctor *d);
void check_wrong_token(struct doctor *d);
void check_signature(struct doctor *d);
// subscription.c
void check_subscriptions(struct doctor *d);
void check_callback(struct doctor *d);
void check_fields(struct doctor *d);
// account.c: a batch of patients, asked at once, then judged one after the other
void accounts_examine(struct doctor *d, struct patient *patients, size_t count);
void check_status(struct doctor *d);
void check_token(struct doctor *d);
void check_scopes(struct doctor *d);
void check_expiry(struct doctor *d);
void check_node(struct doctor *d);
// subscriber.c
void subscribers_ask(struct doctor *d, struct patient *p);
void check_subscriber(struct doctor *d);

// A clock's difference, judged alike wherever it comes from.
void report_skew(struct doctor *d, int64_t skew_ms, const char *whose);
