// SPDX-License-Identifier: MIT
/*
 * The tables of checks, and their round: first the machine and its servers, then each app, then the
 * accounts in batches. See internal.h.
 */
#include "doctor/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "doctor/internal.h"

static const struct doctor_check system_checks[] = {
    {"configuration file", "who may read it", 0, check_config_file},
    {"apps", "each app has id, secret and verify token", 0, check_apps},
    {"encryption key", "tokens can be stored", 0, check_encryption},
    {"file descriptors", "enough for listen.max_connections", 0, check_descriptors},
    {"spool", "its directory: there, on a disk, with room", 0, check_spool},
    {"archive", "likewise", 0, check_archive},
    {"tls files", "the listener's certificate, key and chain", 0, check_tls},
    {"redis", "answers, takes writes, is new enough", 0, check_redis},
    {"redis shards", "`hookmill init` was done", NEED(FACT_REDIS), check_redis_shards},
    {"redis durability", "appendonly and appendfsync", NEED(FACT_REDIS), check_redis_durability},
    {"redis eviction", "maxmemory-policy", NEED(FACT_REDIS), check_redis_eviction},
    {"redis memory", "against queue.high_water", NEED(FACT_REDIS), check_redis_memory},
    {"redis replicas", "what a fail-over means", NEED(FACT_REDIS), check_redis_replicas},
    {"redis clock", "against this machine's", NEED(FACT_REDIS), check_redis_clock},
    {"mongodb", "answers, is new enough", 0, check_mongodb},
    {"mongodb writes", "one is taken and acknowledged", NEED(FACT_MONGODB), check_mongodb_writes},
    {"mongodb durability", "the write concern", NEED(FACT_MONGODB), check_mongodb_durability},
    {"mongodb indexes", "all are there", NEED(FACT_MONGODB), check_mongodb_indexes},
    {"accounts", "which are connected", NEED(FACT_MONGODB), check_accounts},
    {"graph api", "answers", NEED(FACT_ONLINE), check_graph},
    {"graph api clock", "against this machine's", NEED(FACT_ONLINE) | NEED(FACT_GRAPH),
     check_graph_clock},
    {0},
};

#define AT_URL  (NEED(FACT_ONLINE) | NEED(FACT_URL))
#define AT_META (NEED(FACT_ONLINE) | NEED(FACT_GRAPH))

static const struct doctor_check app_checks[] = {
    {"public url", "HTTPS, reachable, trusted", AT_URL, check_url},
    {"verification", "the challenge comes back",
     AT_URL | NEED(FACT_URL_UP) | NEED(FACT_VERIFY_TOKEN), check_verification},
    {"wrong verify token", "is refused", AT_URL | NEED(FACT_URL_UP), check_wrong_token},
    {"signature", "an unsigned POST is refused", AT_URL | NEED(FACT_URL_UP), check_signature},
    {"subscriptions", "Meta knows the app", AT_META | NEED(FACT_APP_ID), check_subscriptions},
    {"callback url", "what Meta has is ours",
     AT_META | NEED(FACT_APP_ID) | NEED(FACT_SUBSCRIPTIONS), check_callback},
    {"fields", "of each object", AT_META | NEED(FACT_APP_ID) | NEED(FACT_SUBSCRIPTIONS),
     check_fields},
    {0},
};

static const struct doctor_check account_checks[] = {
    {"status", "connected, and a flow answers", 0, check_status},
    {"token", "valid, and of which app", AT_META, check_token},
    {"scopes", "of the token", AT_META | NEED(FACT_TOKEN) | NEED(FACT_TOKEN_INFO), check_scopes},
    {"expiry", "of the token", AT_META | NEED(FACT_TOKEN) | NEED(FACT_TOKEN_INFO), check_expiry},
    {"account", "the token opens it; a number's state", AT_META | NEED(FACT_TOKEN), check_node},
    {"subscription", "of the account to an app", AT_META | NEED(FACT_TOKEN), check_subscriber},
    {0},
};

static const struct doctor_check *const tables[] = {system_checks, app_checks, account_checks};

void doctor_print_checks(FILE *out)
{
    static const char *const titles[] = {"of the system", "of each app", "of each account"};

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        fprintf(out, "Checks %s:\n", titles[i]);
        for (const struct doctor_check *check = tables[i]; check->name; check++)
            fprintf(out, "  %-20s %s\n", check->name, check->what);
    }
}

// Runs the rows, each if what it needs is known; `facts` may grow on the way.
static void run_checks(struct doctor *d, const struct doctor_check *checks, const unsigned *facts)
{
    for (const struct doctor_check *check = checks; check->name; check++) {
        unsigned missing = check->needs & ~(d->facts | *facts);
        d->check = check;
        if (missing)
            report_skipped(d, (enum fact)__builtin_ctz(missing));
        else
            check->run(d);
    }
}

/* --- apps
 * --------------------------------------------------------------------------------------------- */

// "https://host/base" + "/webhooks/name", whether or not the address already names an app.
static char *callback_of(const char *url, const char *name)
{
    const char *tail = strstr(url, "/webhooks/");
    size_t len = tail ? (size_t)(tail - url) : strlen(url);

    while (len > 0 && url[len - 1] == '/')
        len--;
    return x_printf("%.*s/webhooks/%s", (int)len, url, name);
}

static void init_apps(struct doctor *d)
{
    const struct doctor_options *options = d->options;

    d->app_count = d->config->app_count;
    d->apps = x_calloc(d->app_count + 1, sizeof *d->apps);
    for (size_t i = 0; i < d->app_count; i++) {
        const struct config_app *config = &d->config->apps[i];
        struct app *app = &d->apps[i];
        app->config = config;
        app->callback = options->url ? callback_of(options->url, config->name) : NULL;
        app->facts = (app->callback ? NEED(FACT_URL) : 0) |
                     (config->id && *config->id ? NEED(FACT_APP_ID) : 0) |
                     (config->verify_token && *config->verify_token ? NEED(FACT_VERIFY_TOKEN) : 0);
        report_hide(d, config->secret);
        report_hide(d, config->previous_secret);
        report_hide(d, config->verify_token);
    }
}

static void run_apps(struct doctor *d)
{
    for (size_t i = 0; i < d->app_count; i++) {
        struct app *app = &d->apps[i];
        if (d->options->app && strcmp(d->options->app, app->config->name) != 0)
            continue;
        char *subject = x_printf("app %s", app->config->name);
        d->subject = subject;
        d->app = app;
        run_checks(d, app_checks, &app->facts);
        d->app = NULL;
        d->subject = NULL;
        free(subject);
    }
}

/* --- accounts
 * ----------------------------------------------------------------------------------------- */

static void patient_deinit(struct patient *p)
{
    account_free(p->account);
    question_deinit(&p->token);
    question_deinit(&p->node);
    for (size_t i = 0; i < p->subscribed_count; i++)
        question_deinit(&p->subscribed[i]);
    free(p->key);
    free(p->id);
}

static void run_accounts(struct doctor *d)
{
    for (size_t at = 0; at < d->patient_count; at += ACCOUNTS_AT_ONCE) {
        size_t left = d->patient_count - at;
        size_t count = left < ACCOUNTS_AT_ONCE ? left : ACCOUNTS_AT_ONCE;
        accounts_examine(d, d->patients + at, count);
        for (size_t i = at; i < at + count; i++) {
            d->patient = &d->patients[i];
            d->subject = d->patient->key;
            run_checks(d, account_checks, &d->patient->facts);
            d->subject = NULL;
            patient_deinit(d->patient);
            d->patients[i] = (struct patient){0};
        }
    }
    d->patient = NULL;
}

/* --- the whole
 * ----------------------------------------------------------------------------------------- */

static bool open_network(struct doctor *d, struct err *err)
{
    enum { TIMEOUT_MS = 10000 };
    const struct config *c = d->config;
    const struct http_config meta = {.max_per_host = CALLS_AT_ONCE};
    const struct http_config own = {.ca_file = d->options->ca_file};
    const struct graph_config graph = {
        .facebook_url = c->graph_facebook_url,
        .instagram_url = c->graph_instagram_url,
        .version = c->graph_version,
        .timeout_ms = c->graph_timeout_ms < TIMEOUT_MS ? c->graph_timeout_ms : TIMEOUT_MS,
    };

    d->base = event_base_new();
    if (!d->base)
        return err_set(err, ERR_INTERNAL, "libevent cannot be initialised");
    d->http = http_new(d->base, &meta, err);
    d->public_http = d->http ? http_new(d->base, &own, err) : NULL;
    if (!d->public_http)
        return false;
    d->graph = graph_admin_new(d->http, &graph);
    return true;
}

static void deinit(struct doctor *d)
{
    for (size_t i = 0; i < d->app_count; i++) {
        question_deinit(&d->apps[i].subscriptions);
        free(d->apps[i].callback);
    }
    free(d->apps);
    for (size_t i = 0; i < d->patient_count; i++)
        patient_deinit(&d->patients[i]);
    free(d->patients);
    question_deinit(&d->greeting);
    graph_admin_free(d->graph);
    http_free(d->http);
    http_free(d->public_http);
    if (d->base)
        event_base_free(d->base);
    if (d->store)
        store_return(d->store, &d->db);
    store_free(d->store);
    for (size_t i = 0; i < d->secret_count; i++)
        secret_free(d->secrets[i]);
    free(d->secrets);
    buf_deinit(&d->json);
}

static bool check_options(const struct doctor_options *options, struct err *err)
{
    if (options->app && !config_find_app(options->config, options->app))
        return err_set(err, ERR_INPUT, "--app: no section [app %.64s] is configured", options->app);
    if (options->url && strncmp(options->url, "https://", 8) != 0 &&
        strncmp(options->url, "http://", 7) != 0)
        return err_set(err, ERR_INPUT, "--url: '%.128s' does not begin with https://",
                       options->url);
    return true;
}

bool doctor_run(const struct doctor_options *options, unsigned *ret_failed, struct err *err)
{
    static const unsigned none;
    struct doctor d = {.options = options, .config = options->config};

    if (!check_options(options, err))
        return false;
    bool ok = open_network(&d, err);
    if (ok) {
        d.facts = options->offline ? 0 : NEED(FACT_ONLINE);
        init_apps(&d);
        report_hide(&d, options->config->encryption_key);
        report_hide(&d, options->config->groq_key);
        run_checks(&d, system_checks, &none);
        run_apps(&d);
        run_accounts(&d);
        report_end(&d);
        *ret_failed = d.counts[DOCTOR_FAILED];
    }
    deinit(&d);
    return ok;
}
