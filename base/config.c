// SPDX-License-Identifier: MIT
// Configuration: the file (INI, by inih), then the environment (see config.h).

#include "base/config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config_table.h"

extern char **environ;

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

/* --- file
 * ------------------------------------------------------------------------------------------- */

struct file_state {
    struct config *config;
    struct err *err;
    bool failed;
    FILE *file;
    int line;
    bool too_long; // the last line read
};

/*
 * Lines for inih, without the blanks in front: it takes an indented line for more of the value
 * before it. Its lines are 200 bytes at most (Debian's build); a longer one is refused, not cut.
 */
static char *read_line(char *line, int size, void *arg)
{
    struct file_state *state = arg;
    if (!fgets(line, size, state->file))
        return NULL;
    state->line++;
    size_t len = strlen(line);
    if (len + 1 == (size_t)size && line[len - 1] != '\n' && !feof(state->file)) {
        state->too_long = true;
        return NULL;
    }
    size_t blanks = strspn(line, " \t");
    memmove(line, line + blanks, len - blanks + 1);
    return line;
}

static int on_ini(void *user, const char *section, const char *key, const char *value)
{
    struct file_state *state = user;
    if (!state->failed && !config_set(state->config, section, key, value ? value : "", state->err))
        state->failed = true;
    return !state->failed;
}

static bool load_file(const char *path, struct config *config, struct err *err)
{
    struct file_state state = {.config = config, .err = err, .file = fopen(path, "re")};
    if (!state.file)
        return err_set(err, ERR_CONFIG, "%s: %s", path, strerror(errno));
    int line = ini_parse_stream(read_line, &state, on_ini, &state);
    fclose(state.file);
    if (state.failed)
        return err_prefix(err, "%s:%d", path, line);
    if (state.too_long)
        return err_set(err, ERR_CONFIG,
                       "%s:%d: the line is longer than 198 bytes; give the value as a variable, or "
                       "a secret as a "
                       "file (uri_file = path)",
                       path, state.line);
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
    static const char *const suffixes[] = {"_PREVIOUS_SECRET", "_SECRET", "_VERIFY_TOKEN", "_ID"};
    static const char *const keys[] = {"previous_secret", "secret", "verify_token", "id"};
    size_t len = strlen(rest);
    bool file = len > 5 && strcmp(rest + len - 5, "_FILE") == 0;
    len -= file ? 5 : 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        size_t suffix = strlen(suffixes[i]);
        if (len <= suffix || strncmp(rest + len - suffix, suffixes[i], suffix) != 0)
            continue;
        char *section = x_printf("app %.*s", (int)(len - suffix), rest);
        char *key = x_printf("%s%s", keys[i], file ? "_file" : "");
        for (char *p = section; *p; p++)
            *p = (char)tolower((unsigned char)*p);
        *ret_known = true;
        bool ok = config_set(config, section, key, value, err);
        free(section);
        free(key);
        return ok;
    }
    return true;
}

static bool env_option(struct config *config, const char *name, const char *value, bool *ret_known,
                       struct err *err)
{
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        char *plain = x_printf("HOOKMILL_%s_%s", config_options[i].section, config_options[i].key);
        upper(plain);
        size_t len = strlen(plain);
        bool exact = strcmp(name, plain) == 0;
        bool file = config_options[i].kind == KIND_SECRET && strncmp(name, plain, len) == 0 &&
                    strcmp(name + len, "_FILE") == 0;
        free(plain);
        if (!exact && !file)
            continue;
        *ret_known = true;
        char *key = x_printf("%s%s", config_options[i].key, file ? "_file" : "");
        bool ok = config_set(config, config_options[i].section, key, value, err);
        free(key);
        return ok;
    }
    return true;
}

// A variable that is nearly one of ours is a misspelling; any other is somebody else's.
static bool check_unknown_env(const char *name, struct err *err)
{
    char *names[CONFIG_OPTION_COUNT + 1] = {NULL};
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        names[i] = x_printf("HOOKMILL_%s_%s", config_options[i].section, config_options[i].key);
        upper(names[i]);
    }
    const char *nearest = nearest_word(name, (const char *const *)names, 2);
    bool ok = !nearest;
    if (nearest)
        err_set(err, ERR_CONFIG, "unknown variable '%s'; did you mean '%s'?", name, nearest);
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++)
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
    if (!known && strncmp(name, "HOOKMILL_APP_", 13) == 0)
        return err_set(
            err, ERR_CONFIG,
            "unknown variable '%s'; an app has HOOKMILL_APP_<NAME>_SECRET, _PREVIOUS_SECRET and "
            "_VERIFY_TOKEN",
            name);
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

static bool check_callbacks(struct config *config, struct err *err)
{
    char *url = config->listen_public_url;
    if (*url && strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
        return err_set(err, ERR_CONFIG, "listen.public_url must begin with https:// (or http://)");
    for (size_t len = strlen(url); len > 0 && url[len - 1] == '/'; len--)
        url[len - 1] = '\0';
    struct keyring ring = {0};
    if (*config->callbacks_key && !keyring_parse(config->callbacks_key, &ring, err))
        return err_prefix(err, "callbacks.key");
    callback_keys_init(&config->callback_keys, ring.count ? &ring : &config->keyring);
    keyring_deinit(&ring);
    return true;
}

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
    return (!*config->encryption_key ||
            keyring_parse(config->encryption_key, &config->keyring, err)) &&
           check_callbacks(config, err);
}

bool config_load(const char *path, struct config *ret_config, struct err *err)
{
    static const char system_path[] = "/etc/hookmill/hookmill.ini";
    struct config config = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < CONFIG_OPTION_COUNT; i++)
        ok = config_set(&config, config_options[i].section, config_options[i].key,
                        config_options[i].fallback, err);
    if (!path)
        path = getenv("HOOKMILL_CONFIG");
    if (!path && access(system_path, F_OK) == 0) // unreadable is an error, not absent
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
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++)
        if (config_options[i].kind == KIND_TEXT || config_options[i].kind == KIND_SECRET)
            secret_free(*(char **)(void *)((char *)config + config_options[i].offset));
    for (size_t i = 0; i < config->app_count; i++) {
        free(config->apps[i].name);
        free(config->apps[i].id);
        secret_free(config->apps[i].secret);
        secret_free(config->apps[i].previous_secret);
        secret_free(config->apps[i].verify_token);
    }
    free(config->apps);
    keyring_deinit(&config->keyring);
    callback_keys_deinit(&config->callback_keys);
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
