// SPDX-License-Identifier: MIT
// Finds the command, reads its options, explains it, runs it (see cli.h).

#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "models/store.h"

enum { EXIT_USAGE = 2 };

static const struct command *const commands[] = {&command_listen,  &command_worker,
                                                 &command_init,    &command_account,
                                                 &command_flow,    &command_chat,
                                                 &command_queue,   &command_spool,
                                                 &command_replay,  &command_doctor,
                                                 &command_parse,   &command_sim,
                                                 &command_version, NULL};

static const struct command root = {
    .name = "hookmill",
    .summary = "Chat automation on Messenger, Instagram and WhatsApp: webhooks in, flows run, "
               "answers out.",
    .children = commands,
};

/* --- help
 * ------------------------------------------------------------------------------------------- */

static void print_options(const struct cli_option *options)
{
    for (; options && options->name; options++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", options->name, options->arg ? " " : "",
                 options->arg ? options->arg : "");
        printf("  %-24s %s\n", left, options->help);
    }
}

static void print_help(const char *path, const struct command *command)
{
    printf("%s\n\nUsage: %s", command->summary, path);
    if (command->children)
        printf(command->run ? " [COMMAND]" : " COMMAND");
    if (command->args)
        printf(" %s", command->args);
    printf(" [OPTION]...\n");
    if (command->children) {
        printf("\nCommands:\n");
        for (const struct command *const *child = command->children; *child; child++)
            printf("  %-14s %s\n", (*child)->name, (*child)->summary);
    }
    printf("\nOptions:\n");
    print_options(command->options);
    printf("  %-24s %s\n", "--help", "this text");
    if (command->text)
        printf("\n%s\n", command->text);
    if (command != &root)
        return;
    printf("  %-24s %s\n", "--config FILE", "before COMMAND: configuration file (HOOKMILL_CONFIG)");
    printf("  %-24s %s\n", "--version", "the version");
    printf("\nConfiguration: a file and the environment; the environment wins. Each key of the "
           "file below is the\n"
           "variable HOOKMILL_<SECTION>_<KEY>; a secret can be given as a file: <key>_file, "
           "HOOKMILL_..._FILE.\n\n");
    config_print_help(stdout);
}

/* --- options
 * ---------------------------------------------------------------------------------------- */

// "path: what 'word'; did you mean 'nearest'?" with what there is of the last two.
static int usage_error(const char *path, const char *what, const char *word, const char *nearest)
{
    fprintf(stderr, "%s: %s", path, what);
    if (word)
        fprintf(stderr, " '%s'", word);
    if (nearest)
        fprintf(stderr, "; did you mean '%s'?", nearest);
    fprintf(stderr, "\nTry '%s --help'.\n", path);
    return EXIT_USAGE;
}

static int unknown_option(const struct cli *cli, const char *name)
{
    const char *names[CLI_OPTIONS_MAX + 1] = {NULL};
    for (size_t i = 0; cli->command->options && cli->command->options[i].name; i++)
        names[i] = cli->command->options[i].name;
    return usage_error(cli->path, "unknown option", name, nearest_word(name, names, 3));
}

// Reads "--name value", "--name=value" or "--switch" at argv[*i].
static int read_option(struct cli *cli, int argc, char **argv, int *i)
{
    char name[64];
    snprintf(name, sizeof name, "%s", argv[*i] + 2);
    char *equals = strchr(name, '=');
    if (equals)
        *equals = '\0';
    const struct cli_option *options = cli->command->options;
    size_t k = 0;
    while (options && options[k].name && strcmp(options[k].name, name) != 0)
        k++;
    if (!options || !options[k].name)
        return unknown_option(cli, name);
    const char *value = strchr(argv[*i], '=');
    if (!options[k].arg) {
        cli->values[k] = "";
        return value ? usage_error(cli->path, "a switch takes no value:", name, NULL) : 0;
    }
    if (!value && *i + 1 >= argc)
        return usage_error(cli->path, "an option lacks its value:", options[k].name, NULL);
    cli->values[k] = value ? value + 1 : argv[++*i];
    return 0;
}

static int read_arguments(struct cli *cli, int argc, char **argv, bool *ret_help)
{
    bool only_args = false;
    for (int i = 0; i < argc; i++) {
        if (!only_args && strcmp(argv[i], "--") == 0) {
            only_args = true;
        } else if (!only_args && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            *ret_help = true;
            return 0;
        } else if (!only_args && strncmp(argv[i], "--", 2) == 0) {
            int status = read_option(cli, argc, argv, &i);
            if (status)
                return status;
        } else if (cli->arg_count < cli->command->args_max) {
            cli->args[cli->arg_count++] = argv[i];
        } else {
            return usage_error(cli->path, "unexpected argument", argv[i], NULL);
        }
    }
    if (cli->arg_count < cli->command->args_min)
        return usage_error(cli->path, "an argument is missing:", cli->command->args, NULL);
    return 0;
}

const char *cli_value(const struct cli *cli, const char *name)
{
    for (size_t i = 0; cli->command->options && cli->command->options[i].name; i++)
        if (strcmp(cli->command->options[i].name, name) == 0)
            return cli->values[i];
    return NULL;
}

bool cli_flag(const struct cli *cli, const char *name)
{
    return cli_value(cli, name) != NULL;
}

bool cli_number(const struct cli *cli, const char *name, long long min, long long max,
                long long fallback, long long *ret_value, struct err *err)
{
    const char *text = cli_value(cli, name);
    if (!text) {
        *ret_value = fallback;
        return true;
    }
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (!*text || *end || errno || value < min || value > max)
        return err_set(err, ERR_INPUT, "--%s: '%s' is not a number from %lld to %lld", name, text,
                       min, max);
    *ret_value = value;
    return true;
}

/* --- what commands share
 * ---------------------------------------------------------------------------- */

int cli_fail(const struct cli *cli, const struct err *err)
{
    fprintf(stderr, "%s: %s\n", cli->path, err->text);
    return 1;
}

bool cli_read_file(const char *path, size_t max, char **ret_text, size_t *ret_len, struct err *err)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (!file)
        return err_set(err, ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
    char *text = x_alloc(max + 2);
    size_t len = fread(text, 1, max + 1, file);
    bool failed = ferror(file);
    if (file != stdin)
        fclose(file);
    if (failed || len > max) {
        free(text);
        return err_set(err, ERR_LIMIT, failed ? "%s: cannot be read" : "%s: larger than %zu bytes",
                       path, max);
    }
    text[len] = '\0';
    *ret_text = text;
    *ret_len = len;
    return true;
}

bool cli_open(struct cli *cli, struct store **ret_store, struct db *ret_db, struct err *err)
{
    if (!config_require_keyring(&cli->config, err))
        return false;
    struct store_config config = {
        .uri = cli->config.mongodb_uri, .threads = 1, .keyring = &cli->config.keyring};
    struct store *store = store_new(NULL, &config, err);
    if (!store)
        return false;
    *ret_store = store;
    store_borrow(store, ret_db);
    return true;
}

void cli_close(struct store *store, struct db *db)
{
    store_return(store, db);
    store_free(store);
}

int cli_run_with_db(struct cli *cli, bool (*act)(struct cli *cli, struct db *db, struct err *err))
{
    struct err err = {0};
    struct store *store = NULL;
    struct db db;
    if (!cli_open(cli, &store, &db, &err))
        return cli_fail(cli, &err);
    bool ok = act(cli, &db, &err);
    cli_close(store, &db);
    return ok ? 0 : cli_fail(cli, &err);
}

/* --- dispatch
 * ----------------------------------------------------------------------------------------- */

static const struct command *find_child(const struct command *parent, const char *name)
{
    for (const struct command *const *child = parent->children; *child; child++)
        if (strcmp((*child)->name, name) == 0)
            return *child;
    return NULL;
}

static int unknown_command(const char *path, const struct command *parent, const char *name)
{
    const char *names[16] = {NULL};
    for (size_t i = 0; i < 15 && parent->children[i]; i++)
        names[i] = parent->children[i]->name;
    return usage_error(path, "unknown command", name, nearest_word(name, names, 3));
}

static int run_command(struct cli *cli, const char *config_path, int argc, char **argv)
{
    bool help = false;
    int status = read_arguments(cli, argc, argv, &help);
    if (status)
        return status;
    if (help) {
        print_help(cli->path, cli->command);
        return 0;
    }
    if (cli->command->no_config)
        return cli->command->run(cli);
    struct err err = {0};
    if (!config_load(config_path, &cli->config, &err))
        return cli_fail(cli, &err);
    enum log_level level;
    if (log_level_parse(cli->config.log_level, &level))
        log_set_level(level);
    cli->config_path = config_path;
    status = cli->command->run(cli);
    config_deinit(&cli->config);
    return status;
}

int cli_main(int argc, char **argv)
{
    struct cli cli = {.command = &root, .path = "hookmill", .argv = argv};
    const char *config_path = NULL;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
            config_path = argv[++i];
        else if (strcmp(argv[i], "--version") == 0)
            return command_version.run(&cli);
        else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return print_help("hookmill", &root), 0;
        else
            return unknown_option(&cli, argv[i]);
    }
    while (cli.command->children) {
        if (i < argc && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0))
            return print_help(cli.path, cli.command), 0;
        const struct command *child = i < argc ? find_child(cli.command, argv[i]) : NULL;
        if (!child && cli.command->run)
            break; // it does something by itself, too
        if (i >= argc)
            return usage_error(cli.path, "a command is missing", NULL, NULL);
        if (!child)
            return unknown_command(cli.path, cli.command, argv[i]);
        size_t len = strlen(cli.path);
        snprintf(cli.path + len, sizeof cli.path - len, " %s", child->name);
        cli.command = child;
        i++;
    }
    return run_command(&cli, config_path, argc - i, argv + i);
}
