// SPDX-License-Identifier: MIT
/*
 * The command line: a tree of const descriptors. A command names its options and arguments in a
 * table, from which they are parsed, checked and explained (`--help`); its `run` gets what was
 * given and the configuration.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/config.h"
#include "base/err.h"

struct store;
struct db;

struct cli_option {
    const char *name; // without the dashes; NULL ends the table
    const char *arg;  // name of its value; NULL for a switch
    const char *help;
};

enum { CLI_OPTIONS_MAX = 16, CLI_ARGS_MAX = 8 };

struct cli {
    const struct command *command;
    char path[64];                       // "hookmill account add"
    const char *values[CLI_OPTIONS_MAX]; // by the option's place in its table; "" for a switch
    const char *args[CLI_ARGS_MAX];      // positional
    size_t arg_count;
    char **argv;             // of the whole program
    struct config config;    // loaded before run, unless the command says no_config
    const char *config_path; // what --config gave, or NULL
};

struct command {
    const char *name;
    const char *args; // positional arguments as shown in the usage: "FLOW", "[FILE]"; NULL = none
    size_t args_min, args_max;
    const char *summary; // one line
    const char *text;    // further words for --help, or NULL
    const struct cli_option *options;
    const struct command *const
        *children; // NULL-ended, or NULL; with `run`, it also works without one
    bool no_config;
    int (*run)(struct cli *cli); // the exit status
};

extern const struct command command_listen, command_worker, command_sim, command_init, command_flow,
    command_account, command_chat, command_queue, command_spool, command_replay, command_doctor,
    command_parse, command_version, command_flow_nodes, command_flow_play, command_flow_start;

// The value of an option of this command, or NULL.
const char *cli_value(const struct cli *cli, const char *name);
bool cli_flag(const struct cli *cli, const char *name);
// A number option: `fallback` when it was not given; ERR_INPUT names the option.
MUST_USE bool cli_number(const struct cli *cli, const char *name, long long min, long long max,
                         long long fallback, long long *ret_value, struct err *err);

// "hookmill flow import: reason" on stderr; returns 1, so that a command writes `return
// cli_fail(…)`.
int cli_fail(const struct cli *cli, const struct err *err);

// Reads a file (- for standard input) of at most `max` bytes.
MUST_USE bool cli_read_file(const char *path, size_t max, char **ret_text, size_t *ret_len,
                            struct err *err);

// A flow's document from a file, of FLOW_BYTES_MAX bytes at most; caller deletes.
MUST_USE bool cli_read_flow(const char *path, cJSON **ret_document, struct err *err);

// MongoDB for a command: opened, with a handle. cli_close takes both back.
MUST_USE bool cli_open(struct cli *cli, struct store **ret_store, struct db *ret_db,
                       struct err *err);
void cli_close(struct store *store, struct db *db);
// Opens, acts, closes, and turns the outcome into the exit status.
int cli_run_with_db(struct cli *cli, bool (*act)(struct cli *cli, struct db *db, struct err *err));

// Runs the command line; the exit status: 0 done, 1 failed, 2 wrong usage.
int cli_main(int argc, char **argv);
