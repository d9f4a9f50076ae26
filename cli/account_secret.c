// SPDX-License-Identifier: MIT
// `hookmill account secret …`: a value comes from a file or standard input, never as an argument
// that other users of the machine can see, and is shown nowhere.

#include "models/account_secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/account.h"

// A file's last line end is no part of the value.
static bool read_value(struct cli *cli, char **ret_value, struct err *err)
{
    const char *path = cli_value(cli, "value-file");
    size_t len;
    if (!cli_read_file(path ? path : "-", SECRET_BYTES_MAX + 2, ret_value, &len, err))
        return false;
    if (len > 0 && (*ret_value)[len - 1] == '\n')
        (*ret_value)[--len] = '\0';
    if (len > 0 && (*ret_value)[len - 1] == '\r')
        (*ret_value)[--len] = '\0';
    if (strlen(*ret_value) == len)
        return true;
    secret_free(*ret_value);
    return err_set(err, ERR_INPUT, "a secret is text, without NUL");
}

typedef bool (*secret_act_fn)(struct cli *cli, struct db *db, const struct account_name *name,
                              struct err *err);

static int act_on_secrets(struct cli *cli, secret_act_fn act, bool changes)
{
    struct err err = {0};
    struct account_name name = {0};
    struct store *store = NULL;
    struct db db;
    if (!account_read_key(cli->args[0], &name, &err))
        return cli_fail(cli, &err);
    bool ok = cli_open(cli, &store, &db, &err);
    if (ok) {
        ok = act(cli, &db, &name, &err);
        cli_close(store, &db);
    }
    if (ok && changes)
        account_announce(cli, &name);
    free(name.id);
    return ok ? 0 : cli_fail(cli, &err);
}

static bool set(struct cli *cli, struct db *db, const struct account_name *name, struct err *err)
{
    char *value;
    if (!read_value(cli, &value, err))
        return false;
    bool ok = account_set_secret(db, name->platform, name->id, cli->args[1], value, err);
    secret_free(value);
    if (ok)
        printf("secret %s of %s set\n", cli->args[1], cli->args[0]);
    return ok;
}

static bool remove_one(struct cli *cli, struct db *db, const struct account_name *name,
                       struct err *err)
{
    bool ok = account_remove_secret(db, name->platform, name->id, cli->args[1], err);
    if (ok)
        printf("secret %s of %s removed\n", cli->args[1], cli->args[0]);
    return ok;
}

static void print_name(void *arg, const char *name, bool readable)
{
    printf("%s%s\n", name, readable ? "" : "  (its key is not configured: set it again)");
}

static bool list(struct cli *cli, struct db *db, const struct account_name *name, struct err *err)
{
    return account_each_secret(db, name->platform, name->id, print_name, NULL, err);
}

static int run_set(struct cli *cli)
{
    return act_on_secrets(cli, set, true);
}

static int run_remove(struct cli *cli)
{
    return act_on_secrets(cli, remove_one, true);
}

static int run_list(struct cli *cli)
{
    return act_on_secrets(cli, list, false);
}

static const struct cli_option set_options[] = {
    {"value-file", "FILE", "the value, from a file; default: standard input"},
    {0},
};
static const struct command set_command = {
    .name = "set",
    .args = "ACCOUNT NAME",
    .args_min = 2,
    .args_max = 2,
    .summary = "Store a secret, or replace its value.",
    .text = "ACCOUNT is platform:id. NAME is a letter, then letters, digits or _. The value has at "
            "most 8 KiB; one\nline end behind it is dropped.",
    .options = set_options,
    .run = run_set,
};
static const struct command remove_command = {
    .name = "remove",
    .args = "ACCOUNT NAME",
    .args_min = 2,
    .args_max = 2,
    .summary = "Remove a secret.",
    .run = run_remove,
};
static const struct command list_command = {
    .name = "list",
    .args = "ACCOUNT",
    .args_min = 1,
    .args_max = 1,
    .summary = "List the names of an account's secrets.",
    .run = run_list,
};
static const struct command *const children[] = {&set_command, &remove_command, &list_command,
                                                 NULL};
const struct command command_account_secret = {
    .name = "secret",
    .summary = "Keep API keys that the flows of an account use, encrypted.",
    .children = children,
};
