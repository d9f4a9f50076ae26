// SPDX-License-Identifier: MIT
// `hookmill doctor`

#include "doctor/doctor.h"

#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"

// As config_load() finds it.
static const char *config_path(const struct cli *cli)
{
    static const char system_path[] = "/etc/hookmill/hookmill.ini";
    const char *path = cli->config_path ? cli->config_path : getenv("HOOKMILL_CONFIG");

    if (!path && access(system_path, F_OK) == 0)
        path = system_path;
    return path;
}

static int run(struct cli *cli)
{
    const struct doctor_options options = {
        .config = &cli->config,
        .config_path = config_path(cli),
        .url = cli_value(cli, "url"),
        .account = cli_value(cli, "account"),
        .app = cli_value(cli, "app"),
        .ca_file = cli_value(cli, "ca"),
        .offline = cli_flag(cli, "offline"),
        .json = cli_flag(cli, "json"),
        .out = stdout,
    };
    struct err err = {0};
    unsigned failed = 0;

    if (cli_flag(cli, "list")) {
        doctor_print_checks(stdout);
        return 0;
    }
    if (!doctor_run(&options, &failed, &err))
        return cli_fail(cli, &err);
    return failed ? 1 : 0;
}

static const struct cli_option options[] = {
    {"url", "URL", "the public address that Meta calls, e.g. https://bot.example.org"},
    {"app", "NAME", "only this app"},
    {"account", "KEY", "only this account: platform:id"},
    {"ca", "FILE", "PEM file of CAs to trust for --url and the listener's TLS files, for trials"},
    {"offline", NULL, "ask nobody outside: neither the public address nor Meta"},
    {"json", NULL, "one JSON object"},
    {"list", NULL, "only name the checks"},
    {0},
};

const struct command command_doctor = {
    .name = "doctor",
    .summary = "Check the whole set-up, and say how to mend what is ill.",
    .text = "One line per check: ok, warning, failed or skipped, and what was found; below it how "
            "to mend it.\nExits with 1 when a check failed. Run it as the listener's user: what "
            "that user may read and write counts.",
    .options = options,
    .run = run,
};
