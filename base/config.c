// SPDX-License-Identifier: MIT
// Configuration from one table: file (INI, by inih), then environment (see config.h).

#include "base/config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

extern char **environ;

enum kind { KIND_TEXT, KIND_SECRET, KIND_INT, KIND_BOOL };

struct option {
    const char *section, *key;
    enum kind kind;
    size_t offset; // in struct config
    const char *fallback;
    int64_t min, max; // of KIND_INT
    const char *help;
};

#define AT(field) offsetof(struct config, field)

static const struct option options[] = {
    {"redis", "url", KIND_SECRET, AT(redis_url), "redis://127.0.0.1:6379", 0, 0,
     "Redis: redis://[user:password@]host:port[/db] or unix:///path"},
    {"mongodb", "uri", KIND_SECRET, AT(mongodb_uri), "mongodb://127.0.0.1:27017/hookmill", 0, 0,
     "MongoDB connection string, with its database"},
    {"mongodb", "threads", KIND_INT, AT(mongodb_threads), "4", 1, 64,
     "threads per process that talk to MongoDB"},
    {"listen", "address", KIND_TEXT, AT(listen_address), "127.0.0.1", 0, 0,
     "address to listen on, behind your TLS proxy"},
    {"listen", "port", KIND_INT, AT(listen_port), "8080", 0, 65535, "port; 0 takes a free one"},
    {"listen", "max_body", KIND_INT, AT(listen_max_body), "4194304", 1024, 64 << 20,
     "largest delivery in bytes; Meta sends up to 3 MB"},
    {"listen", "max_connections", KIND_INT, AT(listen_max_connections), "10000", 1, 1000000,
     "open connections; above it accepting pauses"},
    {"listen", "deadline_ms", KIND_INT, AT(listen_deadline_ms), "15000", 100, 600000,
     "a request must be complete this long after it began"},
    {"queue", "give_up_ms", KIND_INT, AT(queue_give_up_ms), "2000", 10, 60000,
     "how long a delivery waits for Redis before it is answered 503"},
    {"queue", "lease_ms", KIND_INT, AT(queue_lease_ms), "15000", 200, 600000,
     "a worker that is silent for two of these loses its chats"},
    {"queue", "high_water", KIND_INT, AT(queue_high_water), "80", 1, 100,
     "percent of Redis' maxmemory above which deliveries are answered 503"},
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
     "tries of one effect after its first, unless the flow's settings.maxRetries says otherwise"},
    {"worker", "aggregate_ms", KIND_INT, AT(worker_aggregate_ms), "60000", 100, 86400000,
     "how often flow statistics are computed"},
    {"worker", "history_days", KIND_INT, AT(worker_history_days), "90", 1, 3650,
     "how long session_history is kept"},
    {"worker", "mark_read", KIND_BOOL, AT(worker_mark_read), "true", 0, 0,
     "WhatsApp: mark messages as read and show \"typing\" while a flow works"},
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
    {"log", "level", KIND_TEXT, AT(log_level), "info", 0, 0, "debug, info, warn or error"},
};
enum { OPTION_COUNT = sizeof options / sizeof *options };

static const char *const app_keys[] = {"secret", "previous_secret", "verify_token", NULL};

/*
 * What clients of a running system are told by these variables (`./dev up` writes them); they are
 * not ours to read, and no misspelling of ours either.
 */
static const char *const client_variables[] = {"HOOKMILL_BIN",
                                               "HOOKMILL_WEBHOOK_URL",
                                               "HOOKMILL_APP_SECRET",
                                               "HOOKMILL_SIM_URL",
                                               "HOOKMILL_VERIFY_TOKEN",
                                               "HOOKMILL_ACCOUNT_MESSENGER",
                                               "HOOKMILL_CONFIG",
                                               "HOOKMILL_ACCOUNT_INSTAGRAM",
                                               "HOOKMILL_ACCOUNT_WHATSAPP",
                                               NULL};

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
    return strcmp(key, "secret") == 0            ? &app->secret
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
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strcmp(options[i].section, section) == 0 && strcmp(options[i].key, key) == 0)
            return &options[i];
    return NULL;
}

static bool unknown_key(const char *section, const char *key, struct err *err)
{
    char *names[OPTION_COUNT + 1] = {NULL};
    for (size_t i = 0; i < OPTION_COUNT; i++)
        names[i] = x_printf("%s.%s", options[i].section, options[i].key);
    char *wanted = x_printf("%s.%s", section, key);
    err_set(err, ERR_CONFIG, "unknown key '%s'; did you mean '%s'?", wanted,
            nearest_word(wanted, (const char *const *)names, 999));
    free(wanted);
    for (size_t i = 0; i < OPTION_COUNT; i++)
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
static bool set_any(struct config *config, const char *section, const char *key, const char *value,
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

/* --- file
 * ------------------------------------------------------------------------------------------- */

struct file_state {
    struct config *config;
    struct err *err;
    bool failed;
};

static int on_ini(void *user, const char *section, const char *key, const char *value)
{
    struct file_state *state = user;
    if (!state->failed && !set_any(state->config, section, key, value ? value : "", state->err))
        state->failed = true;
    return !state->failed;
}

static bool load_file(const char *path, struct config *config, struct err *err)
{
    struct file_state state = {config, err, false};
    int line = ini_parse(path, on_ini, &state);
    if (state.failed)
        return err_prefix(err, "%s:%d", path, line);
    if (line == -1)
        return err_set(err, ERR_CONFIG, "%s: %s", path, strerror(errno));
    if (line != 0)
        return err_set(err, ERR_CONFIG, "%s:%d: not a section, a key = value or a comment", path,
                       line);
    return true;
}

/* --- environment
 * ------------------------------------------------------------------------------------ */

static void upper(char *text)
{
    for (; *text; text++)
        *text = *text == '.' || *text == '-' ? '_' : (char)toupper((unsigned char)*text);
}

// HOOKMILL_APP_<NAME>_<KEY>: the keys are known, so the name is what is left.
static bool env_app(struct config *config, const char *rest, const char *value, bool *ret_known,
                    struct err *err)
{
    static const char *const suffixes[] = {"_PREVIOUS_SECRET", "_SECRET", "_VERIFY_TOKEN"};
    static const char *const keys[] = {"previous_secret", "secret", "verify_token"};
    size_t len = strlen(rest);
    bool file = len > 5 && strcmp(rest + len - 5, "_FILE") == 0;
    len -= file ? 5 : 0;
    for (size_t i = 0; i < 3; i++) {
        size_t suffix = strlen(suffixes[i]);
        if (len <= suffix || strncmp(rest + len - suffix, suffixes[i], suffix) != 0)
            continue;
        char *section = x_printf("app %.*s", (int)(len - suffix), rest);
        char *key = x_printf("%s%s", keys[i], file ? "_file" : "");
        for (char *p = section; *p; p++)
            *p = (char)tolower((unsigned char)*p);
        *ret_known = true;
        bool ok = set_any(config, section, key, value, err);
        free(section);
        free(key);
        return ok;
    }
    return true;
}

static bool env_option(struct config *config, const char *name, const char *value, bool *ret_known,
                       struct err *err)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char *plain = x_printf("HOOKMILL_%s_%s", options[i].section, options[i].key);
        upper(plain);
        size_t len = strlen(plain);
        bool exact = strcmp(name, plain) == 0;
        bool file = options[i].kind == KIND_SECRET && strncmp(name, plain, len) == 0 &&
                    strcmp(name + len, "_FILE") == 0;
        free(plain);
        if (!exact && !file)
            continue;
        *ret_known = true;
        char *key = x_printf("%s%s", options[i].key, file ? "_file" : "");
        bool ok = set_any(config, options[i].section, key, value, err);
        free(key);
        return ok;
    }
    return true;
}

// A variable that is nearly one of ours is a misspelling; any other is somebody else's.
static bool check_unknown_env(const char *name, struct err *err)
{
    char *names[OPTION_COUNT + 1] = {NULL};
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        names[i] = x_printf("HOOKMILL_%s_%s", options[i].section, options[i].key);
        upper(names[i]);
    }
    const char *nearest = nearest_word(name, (const char *const *)names, 2);
    bool ok = !nearest;
    if (nearest)
        err_set(err, ERR_CONFIG, "unknown variable '%s'; did you mean '%s'?", name, nearest);
    for (size_t i = 0; i < OPTION_COUNT; i++)
        free(names[i]);
    return ok;
}

static bool is_client_variable(const char *name)
{
    for (size_t i = 0; client_variables[i]; i++)
        if (strcmp(name, client_variables[i]) == 0)
            return true;
    return false;
}

static bool load_variable(struct config *config, const char *name, const char *value,
                          struct err *err)
{
    bool known = is_client_variable(name);
    if (known)
        return true;
    if (!env_option(config, name, value, &known, err))
        return err_prefix(err, "%s", name);
    if (!known && strncmp(name, "HOOKMILL_APP_", 13) == 0 &&
        !env_app(config, name + 13, value, &known, err))
        return err_prefix(err, "%s", name);
    return known || check_unknown_env(name, err);
}

static bool load_environment(struct config *config, struct err *err)
{
    for (char **entry = environ; entry && *entry; entry++) {
        const char *equals = strchr(*entry, '=');
        if (strncmp(*entry, "HOOKMILL_", 9) != 0 || !equals)
            continue;
        char *name = x_dupn(*entry, (size_t)(equals - *entry));
        bool ok = load_variable(config, name, equals + 1, err);
        free(name);
        if (!ok)
            return false;
    }
    return true;
}

/* --- whole
 * -------------------------------------------------------------------------------------------- */

static bool check(struct config *config, struct err *err)
{
    enum log_level level;
    if (!log_level_parse(config->log_level, &level))
        return err_set(err, ERR_CONFIG, "log.level: '%s' is none of debug, info, warn, error",
                       config->log_level);
    for (size_t i = 0; i < config->app_count; i++)
        if (!config->apps[i].secret || !*config->apps[i].secret)
            return err_set(err, ERR_CONFIG, "app %s: secret is missing (the Meta app's secret)",
                           config->apps[i].name);
    return !*config->encryption_key || keyring_parse(config->encryption_key, &config->keyring, err);
}

bool config_load(const char *path, struct config *ret_config, struct err *err)
{
    static const char system_path[] = "/etc/hookmill/hookmill.ini";
    struct config config = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < OPTION_COUNT; i++)
        ok = set_option(&config, &options[i], options[i].fallback, err);
    if (!path)
        path = getenv("HOOKMILL_CONFIG");
    if (!path && access(system_path, R_OK) == 0)
        path = system_path;
    ok = ok && (!path || load_file(path, &config, err)) && load_environment(&config, err) &&
         check(&config, err);
    if (!ok) {
        config_deinit(&config);
        return false;
    }
    *ret_config = config;
    return true;
}

void config_deinit(struct config *config)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (options[i].kind == KIND_TEXT || options[i].kind == KIND_SECRET)
            secret_free(*(char **)(void *)((char *)config + options[i].offset));
    for (size_t i = 0; i < config->app_count; i++) {
        free(config->apps[i].name);
        secret_free(config->apps[i].secret);
        secret_free(config->apps[i].previous_secret);
        secret_free(config->apps[i].verify_token);
    }
    free(config->apps);
    keyring_deinit(&config->keyring);
    *config = (struct config){0};
}

bool config_require_keyring(const struct config *config, struct err *err)
{
    if (config->keyring.count > 0)
        return true;
    return err_set(err, ERR_CONFIG,
                   "encryption.key is not set: tokens are encrypted at rest. Make one with "
                   "`echo k1:$(openssl rand -hex 32)` and give it as HOOKMILL_ENCRYPTION_KEY");
}

bool config_require_apps(const struct config *config, struct err *err)
{
    if (config->app_count > 0)
        return true;
    return err_set(err, ERR_CONFIG,
                   "no app is configured: add a section [app NAME] with secret and verify_token, "
                   "or set HOOKMILL_APP_<NAME>_SECRET and HOOKMILL_APP_<NAME>_VERIFY_TOKEN");
}

void config_print_help(FILE *out)
{
    const char *section = "";
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &options[i];
        if (strcmp(section, o->section) != 0)
            fprintf(out, "%s[%s]\n", i > 0 ? "\n" : "", o->section);
        section = o->section;
        fprintf(out, "; %s%s%s%s\n;%s = %s\n", o->help, *o->fallback ? " (default: " : "",
                o->fallback, *o->fallback ? ")" : "", o->key, o->fallback);
    }
    fputs("\n; one section per Meta app; its webhooks arrive at /webhooks/NAME\n"
          ";[app NAME]\n"
          "; the app's secret signs each delivery; two are accepted while it is being rotated\n"
          ";secret = \n;previous_secret = \n"
          "; what you enter as \"verify token\" in the app's dashboard\n;verify_token = \n",
          out);
}

/* --- nearest word
 * --------------------------------------------------------------------------------- */

// Edit distance of two short words (both cut at 63 bytes).
static unsigned distance(const char *a, const char *b)
{
    size_t a_len = strnlen(a, 63), b_len = strnlen(b, 63);
    unsigned row[64];
    for (size_t j = 0; j <= b_len; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned replace = diagonal + (a[i - 1] != b[j - 1]);
            unsigned other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replace < other ? replace : other;
        }
    }
    return row[b_len];
}

const char *nearest_word(const char *word, const char *const *words, unsigned max)
{
    const char *best = NULL;
    for (; *words; words++) {
        unsigned d = distance(word, *words);
        if (d <= max) {
            best = *words;
            max = d > 0 ? d - 1 : 0;
            if (d == 0)
                break;
        }
    }
    return best;
}
