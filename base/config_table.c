// SPDX-License-Identifier: MIT
// The table of all settings, and how one is set and explained (see config_table.h).

#include "base/config_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct config, field)

const struct option config_options[] = {
    {"redis", "url", KIND_SECRET, AT(redis_url), "redis://127.0.0.1:6379", 0, 0,
     "Redis: redis://[user:password@]host:port[/db] or unix:///path"},
    {"mongodb", "uri", KIND_SECRET, AT(mongodb_uri), "mongodb://127.0.0.1:27017/hookmill", 0, 0,
     "MongoDB connection string, with its database"},
    {"mongodb", "threads", KIND_INT, AT(mongodb_threads), "4", 1, 64,
     "threads per process that talk to MongoDB"},
    {"listen", "address", KIND_TEXT, AT(listen_address), "127.0.0.1", 0, 0,
     "address to listen on; loopback when a proxy on this machine serves TLS"},
    {"listen", "port", KIND_INT, AT(listen_port), "8080", 0, 65535, "port; 0 takes a free one"},
    {"listen", "max_body", KIND_INT, AT(listen_max_body), "4194304", 1024, 64 << 20,
     "largest delivery in bytes; Meta sends up to 3 MB"},
    {"listen", "max_connections", KIND_INT, AT(listen_max_connections), "10000", 1, 1000000,
     "open connections; above it accepting pauses"},
    {"listen", "deadline_ms", KIND_INT, AT(listen_deadline_ms), "15000", 100, 600000,
     "a request must be complete this long after it began"},
    {"listen", "answer_ms", KIND_INT, AT(listen_answer_ms), "4000", 100, 60000,
     "a delivery is answered within this time: 503 if it is not kept by then"},
    {"listen", "processes", KIND_INT, AT(listen_processes), "1", 1, 64, "listener processes"},
    {"listen", "tls_certificate", KIND_TEXT, AT(listen_tls_certificate), "", 0, 0,
     "PEM file with the certificate chain, to serve HTTPS without a proxy; read again on SIGHUP"},
    {"listen", "tls_key", KIND_TEXT, AT(listen_tls_key), "", 0, 0, "PEM file with its private key"},
    {"listen", "tls_client_ca", KIND_TEXT, AT(listen_tls_client_ca), "", 0, 0,
     "PEM file of Meta's CA: clients must show a certificate of it (mutual TLS)"},
    {"listen", "tls_client_name", KIND_TEXT, AT(listen_tls_client_name),
     "client.webhooks.fbclientcerts.com", 0, 0,
     "common name that a client's certificate must have"},
    {"listen", "trusted_proxies", KIND_TEXT, AT(listen_trusted_proxies), "", 0, 0,
     "networks (10.0.0.0/8, ::1, …) whose X-Forwarded-For is believed, for logs"},
    {"listen", "public_url", KIND_TEXT, AT(listen_public_url), "", 0, 0,
     "this listener's address for external services (https://bot.example.com): flows that wait for "
     "callbacks give it out"},
    {"spool", "directory", KIND_TEXT, AT(spool_directory), "", 0, 0,
     "where deliveries wait on disk while Redis is away; without it they are answered 503"},
    {"spool", "max_mb", KIND_INT, AT(spool_max_mb), "256", 1, 1 << 20,
     "most that the spool may hold; above it deliveries are answered 503"},
    {"archive", "directory", KIND_TEXT, AT(archive_directory), "", 0, 0,
     "where every delivery is kept, compressed, for `hookmill replay-deliveries`; empty: nowhere"},
    {"archive", "max_mb", KIND_INT, AT(archive_max_mb), "1024", 1, 1 << 20,
     "most that the archive may hold; the oldest deliveries go first"},
    {"queue", "give_up_ms", KIND_INT, AT(queue_give_up_ms), "2000", 10, 60000,
     "how long a delivery waits for Redis before it goes to the spool, or without one is answered "
     "503"},
    {"queue", "lease_ms", KIND_INT, AT(queue_lease_ms), "15000", 200, 600000,
     "a worker that is silent for two of these loses its chats"},
    {"queue", "high_water", KIND_INT, AT(queue_high_water), "80", 1, 100,
     "percent of Redis' maxmemory above which deliveries are answered 503"},
    {"queue", "low_water", KIND_INT, AT(queue_low_water), "90", 1, 100,
     "percent of queue.high_water and queue.max_waiting below which they are taken again"},
    {"queue", "max_waiting", KIND_INT, AT(queue_max_waiting), "1000000", 1, 1000000000,
     "events that may wait in mailboxes; above it deliveries are answered 503"},
    {"queue", "shards", KIND_INT, AT(queue_shards), "4", 1, 64,
     "key shards; used by `hookmill init` alone, fixed from then on"},
    {"worker", "processes", KIND_INT, AT(worker_processes), "1", 1, 256, "worker processes"},
    {"worker", "claim_batch", KIND_INT, AT(worker_claim_batch), "32", 1, 256,
     "chats that one call to Redis may claim"},
    {"worker", "cache_ms", KIND_INT, AT(worker_cache_ms), "3000", 0, 3600000,
     "how long accounts and flows are believed before MongoDB is asked again"},
    {"worker", "linger_ms", KIND_INT, AT(worker_linger_ms), "3", 0, 1000,
     "how long the writer collects records for one bulk operation"},
    {"worker", "settle_ms", KIND_INT, AT(worker_settle_ms), "15000", 0, 3600000,
     "how long an ambiguous send waits for a status or an echo before the account's policy "
     "decides"},
    {"worker", "max_retries", KIND_INT, AT(worker_max_retries), "8", 0, 100,
     "tries of a chat completion after its first"},
    {"worker", "send_hours", KIND_INT, AT(worker_send_hours), "24", 1, 168,
     "how long a message is tried again while Meta cannot take it"},
    {"worker", "aggregate_ms", KIND_INT, AT(worker_aggregate_ms), "60000", 100, 86400000,
     "how often flow statistics are computed"},
    {"worker", "history_days", KIND_INT, AT(worker_history_days), "90", 1, 3650,
     "how long session_history is kept"},
    {"worker", "mark_read", KIND_BOOL, AT(worker_mark_read), "true", 0, 0,
     "WhatsApp: mark messages as read and show \"typing\" while a flow works"},
    {"worker", "pause_minutes", KIND_INT, AT(worker_pause_minutes), "60", 0, 525600,
     "how long a chat's flow is silent after a person answered from the inbox or the phone; 0: "
     "not"},
    {"worker", "budget_contact_sends", KIND_INT, AT(worker_budget_contact_sends), "200", 0,
     1000000000,
     "messages that flows may send to one contact in a day (UTC), then its chat waits; 0: any "
     "number"},
    {"worker", "budget_contact_api_calls", KIND_INT, AT(worker_budget_contact_api_calls), "500", 0,
     1000000000, "likewise: calls of HTTP APIs for one contact in a day"},
    {"worker", "budget_contact_tokens", KIND_INT, AT(worker_budget_contact_tokens), "500000", 0,
     1000000000000, "likewise: tokens of chat completions for one contact in a day"},
    {"worker", "budget_sends", KIND_INT, AT(worker_budget_sends), "100000", 0, 1000000000,
     "messages that flows may send on one account in an hour; 0: any number"},
    {"worker", "budget_api_calls", KIND_INT, AT(worker_budget_api_calls), "100000", 0, 1000000000,
     "likewise: calls of HTTP APIs on one account in an hour"},
    {"worker", "budget_tokens", KIND_INT, AT(worker_budget_tokens), "20000000", 0, 1000000000000,
     "likewise: tokens of chat completions on one account in an hour"},
    {"worker", "status_listen", KIND_TEXT, AT(worker_status_listen), "", 0, 0,
     "address:port of the workers' /metrics and /readyz; empty: none"},
    {"graph", "facebook_url", KIND_TEXT, AT(graph_facebook_url), "https://graph.facebook.com", 0, 0,
     "Messenger, Instagram by Facebook Login, WhatsApp"},
    {"graph", "instagram_url", KIND_TEXT, AT(graph_instagram_url), "https://graph.instagram.com", 0,
     0, "Instagram by Instagram Login"},
    {"graph", "version", KIND_TEXT, AT(graph_version), "v25.0", 0, 0, "Graph API version"},
    {"graph", "timeout_ms", KIND_INT, AT(graph_timeout_ms), "20000", 100, 300000,
     "one Graph API call"},
    {"groq", "url", KIND_TEXT, AT(groq_url), "https://api.groq.com/openai/v1", 0, 0,
     "chat completions API"},
    {"groq", "key", KIND_SECRET, AT(groq_key), "", 0, 0, "API key"},
    {"groq", "models", KIND_TEXT, AT(groq_models), "openai/gpt-oss-120b,openai/gpt-oss-20b", 0, 0,
     "models in order of preference, for nodes that name none, and as fallback"},
    {"groq", "timeout_ms", KIND_INT, AT(groq_timeout_ms), "30000", 100, 600000,
     "one chat completion"},
    {"encryption", "key", KIND_SECRET, AT(encryption_key), "", 0, 0,
     "keys for tokens at rest: id:64 hex digits[,older id:key …]; the first one seals"},
    {"callbacks", "key", KIND_SECRET, AT(callbacks_key), "", 0, 0,
     "keys that sign callbacks' addresses, as encryption.key has them; empty: those of "
     "encryption.key"},
    {"log", "level", KIND_TEXT, AT(log_level), "info", 0, 0, "debug, info, warn or error"},
};

static const char *const app_keys[] = {"id", "secret", "previous_secret", "verify_token", NULL};

/* --- values --------------------------------------------------------------------------------------
 */

static bool set_int(const struct option *option, const char *value, int64_t *out, struct err *err)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (!*value || *end || errno || number < option->min || number > option->max)
        return err_set(err, ERR_CONFIG, "%s.%s: '%s' is not a number from %lld to %lld",
                       option->section, option->key, value, (long long)option->min,
                       (long long)option->max);
    *out = number;
    return true;
}

static bool set_bool(const struct option *option, const char *value, bool *out, struct err *err)
{
    if (strcmp(value, "true") == 0 || strcmp(value, "yes") == 0 || strcmp(value, "1") == 0)
        *out = true;
    else if (strcmp(value, "false") == 0 || strcmp(value, "no") == 0 || strcmp(value, "0") == 0)
        *out = false;
    else
        return err_set(err, ERR_CONFIG, "%s.%s: '%s' is neither true nor false", option->section,
                       option->key, value);
    return true;
}

static void set_text(char **text, const char *value)
{
    secret_free(*text);
    *text = x_dup(value);
}

static bool set_option(struct config *config, const struct option *option, const char *value,
                       struct err *err)
{
    char *field = (char *)config + option->offset;
    switch (option->kind) {
    case KIND_INT:
        return set_int(option, value, (int64_t *)(void *)field, err);
    case KIND_BOOL:
        return set_bool(option, value, (bool *)(void *)field, err);
    default:
        set_text((char **)(void *)field, value);
        return true;
    }
}

// A secret's file: its content without the line end. At most 64 KiB.
static bool read_secret_file(const char *path, char **ret_text, struct err *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return err_set(err, ERR_CONFIG, "secret file %s: %s", path, strerror(errno));
    char *text = x_alloc(65537);
    size_t len = fread(text, 1, 65536, file);
    bool whole = feof(file) && !ferror(file);
    fclose(file);
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        text[--len] = '\0';
    if (!whole || len == 0) {
        secret_free(text);
        return err_set(err, ERR_CONFIG, "secret file %s: %s", path,
                       whole ? "empty" : "larger than 64 KiB, or unreadable");
    }
    *ret_text = text;
    return true;
}

/* --- apps
 * ------------------------------------------------------------------------------------------ */

const struct config_app *config_find_app(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->app_count; i++)
        if (strcmp(config->apps[i].name, name) == 0)
            return &config->apps[i];
    return NULL;
}

static struct config_app *app_for(struct config *config, const char *name)
{
    struct config_app *app = (struct config_app *)config_find_app(config, name);
    if (app)
        return app;
    config->apps = x_realloc(config->apps, config->app_count + 1, sizeof *config->apps);
    app = &config->apps[config->app_count++];
    *app = (struct config_app){.name = x_dup(name)};
    return app;
}

static char **app_field(struct config_app *app, const char *key)
{
    return strcmp(key, "id") == 0                ? &app->id
           : strcmp(key, "secret") == 0          ? &app->secret
           : strcmp(key, "previous_secret") == 0 ? &app->previous_secret
           : strcmp(key, "verify_token") == 0    ? &app->verify_token
                                                 : NULL;
}

static bool app_name_is_valid(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == len;
}

static bool set_app(struct config *config, const char *name, const char *key, const char *value,
                    struct err *err)
{
    if (!app_name_is_valid(name))
        return err_set(err, ERR_CONFIG,
                       "app '%s': a name is made of lower-case letters, digits, - and _", name);
    char **field = app_field(app_for(config, name), key);
    if (!field)
        return err_set(err, ERR_CONFIG, "app %s: unknown key '%s'; did you mean '%s'?", name, key,
                       nearest_word(key, app_keys, 99));
    set_text(field, value);
    return true;
}

/* --- one setting, from either source -------------------------------------------------------------
 */

static const struct option *find_option(const char *section, const char *key)
{
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++)
        if (strcmp(config_options[i].section, section) == 0 &&
            strcmp(config_options[i].key, key) == 0)
            return &config_options[i];
    return NULL;
}

static bool unknown_key(const char *section, const char *key, struct err *err)
{
    char *names[CONFIG_OPTION_COUNT + 1] = {NULL};
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++)
        names[i] = x_printf("%s.%s", config_options[i].section, config_options[i].key);
    char *wanted = x_printf("%s.%s", section, key);
    err_set(err, ERR_CONFIG, "unknown key '%s'; did you mean '%s'?", wanted,
            nearest_word(wanted, (const char *const *)names, 999));
    free(wanted);
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++)
        free(names[i]);
    return false;
}

static bool set_plain(struct config *config, const char *section, const char *key,
                      const char *value, struct err *err)
{
    if (strncmp(section, "app ", 4) == 0)
        return set_app(config, section + 4, key, value, err);
    const struct option *option = find_option(section, key);
    return option ? set_option(config, option, value, err) : unknown_key(section, key, err);
}

static bool is_secret(const char *section, const char *key)
{
    if (strncmp(section, "app ", 4) == 0)
        return true;
    const struct option *option = find_option(section, key);
    return option && option->kind == KIND_SECRET;
}

// `key_file` of a secret names a file that holds it.
bool config_set(struct config *config, const char *section, const char *key, const char *value,
                struct err *err)
{
    size_t len = strlen(key);
    char *bare = len > 5 && strcmp(key + len - 5, "_file") == 0 ? x_dupn(key, len - 5) : NULL;
    bool ok;
    if (bare && is_secret(section, bare)) {
        char *text = NULL;
        ok = read_secret_file(value, &text, err) && set_plain(config, section, bare, text, err);
        secret_free(text);
    } else {
        ok = set_plain(config, section, key, value, err);
    }
    free(bare);
    return ok;
}

void config_print_help(FILE *out)
{
    const char *section = "";
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        const struct option *o = &config_options[i];
        if (strcmp(section, o->section) != 0)
            fprintf(out, "%s[%s]\n", i > 0 ? "\n" : "", o->section);
        section = o->section;
        fprintf(out, "; %s%s%s%s\n;%s = %s\n", o->help, *o->fallback ? " (default: " : "",
                o->fallback, *o->fallback ? ")" : "", o->key, o->fallback);
    }
    fputs("\n; one section per Meta app; its webhooks arrive at /webhooks/NAME\n"
          ";[app NAME]\n"
          "; the app's id, by which `doctor` asks about it and our own echoes are told\n;id = \n"
          "; the app's secret signs each delivery; two are accepted while it is being rotated\n"
          ";secret = \n;previous_secret = \n"
          "; what you enter as \"verify token\" in the app's dashboard\n;verify_token = \n",
          out);
}
