// SPDX-License-Identifier: MIT
// `hookmill worker`

#include "worker/worker.h"

#include "cli/cli.h"

static int run(struct cli *cli)
{
    struct err err = {0};
    long long processes;
    if (!cli_number(cli, "processes", 1, 256, cli->config.worker_processes, &processes, &err) ||
        !config_require_keyring(&cli->config, &err))
        return cli_fail(cli, &err);
    cli->config.worker_processes = processes;
    return worker_supervise(&cli->config);
}

static const struct cli_option options[] = {
    {"processes", "N", "worker processes to run and to watch over (worker.processes)"},
    {0},
};

const struct command command_worker = {
    .name = "worker",
    .summary = "Run flows: claim chats, perform what their flows want, record it.",
    .text = "Prints \"ready\" when all processes serve. SIGTERM finishes or hands back what is "
            "held. A process that\n"
            "dies is started again; what it held is taken over when its lease has run out.",
    .options = options,
    .run = run,
};
