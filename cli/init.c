// SPDX-License-Identifier: MIT
// `hookmill init`

#include "cli/cli.h"
#include "models/setup.h"
#include "queue/queue.h"

#include <stdio.h>
#include <string.h>

static void say(void *arg, const char *line)
{
    printf("mongodb: %s\n", line);
}

static bool init_redis(struct cli *cli, struct err *err)
{
    unsigned shards;
    unsigned wanted = (unsigned)cli->config.queue_shards;
    if (!queue_init_shards(cli->config.redis_url, wanted, &shards, err))
        return false;
    printf("redis: %u shards%s\n", shards,
           shards == wanted ? "" : " (queue.shards asks for another number; it cannot be changed)");
    return true;
}

static bool init_admin(struct cli *cli, struct db *db, struct err *err)
{
    const char *email = cli_value(cli, "admin-email");
    const char *password = cli_value(cli, "admin-password");
    char *from_file = NULL;
    size_t len = 0;
    if (!password && cli_value(cli, "admin-password-file")) {
        if (!cli_read_file(cli_value(cli, "admin-password-file"), 4096, &from_file, &len, err))
            return false;
        from_file[strcspn(from_file, "\r\n")] = '\0';
        password = from_file;
    }
    bool ok = true;
    if (email && password) {
        bool created = false;
        ok = setup_admin(db, email, password, &created, err);
        if (ok)
            printf("mongodb: admin %s %s\n", email, created ? "created" : "exists");
    } else if (email || password) {
        ok = err_set(err, ERR_INPUT, "an admin needs both --admin-email and a password");
    } else {
        char id[25];
        struct err none = {0};
        if (!user_find(db, NULL, id, &none))
            printf(
                "mongodb: there is no admin user; accounts and flows need an owner: run again with "
                "--admin-email and --admin-password-file\n");
    }
    secret_free(from_file);
    return ok;
}

static int run(struct cli *cli)
{
    struct err err = {0};
    struct store *store = NULL;
    struct db db;
    if (!cli_open(cli, &store, &db, &err))
        return cli_fail(cli, &err);
    bool ok =
        init_redis(cli, &err) && setup_indexes(&db, say, NULL, &err) && init_admin(cli, &db, &err);
    cli_close(store, &db);
    return ok ? 0 : cli_fail(cli, &err);
}

static const struct cli_option options[] = {
    {"admin-email", "EMAIL", "create this admin user, unless it exists"},
    {"admin-password", "PASSWORD", "its password (visible to other users of this machine)"},
    {"admin-password-file", "FILE", "its password, from a file; - reads standard input"},
    {0},
};

const struct command command_init = {
    .name = "init",
    .summary = "Prepare Redis and MongoDB: shards, indexes, the first admin. Can be repeated.",
    .options = options,
    .run = run,
};
