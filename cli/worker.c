// SPDX-License-Identifier: MIT
// `hookmill worker`

#include "worker/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "process/supervisor.h"

enum { STOP_MS = 70000 }; // a stop, and one call of MongoDB's that times out

struct shared {
    const struct config *config;
    struct worker_figures figures;
};

static bool run_process(void *arg, struct supervised *self, struct err *err)
{
    const struct shared *shared = arg;
    return worker_run(shared->config, self, &shared->figures, err);
}

static void on_ready(void *arg, const int *ports)
{
    puts("ready");
    fflush(stdout);
}

// "address:port", "[address]:port"; ret_address is the caller's to free.
static bool split_address(const char *text, char **ret_address, int *ret_port, struct err *err)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    long port = colon ? strtol(colon + 1, &end, 10) : -1;
    if (!colon || colon == text || end == colon + 1 || *end || port < 0 || port > 65535)
        return err_set(err, ERR_CONFIG,
                       "worker.status_listen: '%s' is not address:port, e.g. 127.0.0.1:9100", text);
    bool brackets = *text == '[' && colon[-1] == ']';
    *ret_address = x_dupn(text + brackets, (size_t)(colon - text) - 2 * brackets);
    *ret_port = (int)port;
    return true;
}

static bool check(const struct supervisor_config *supervisor, const struct config *config,
                  struct err *err)
{
    if (!supervisor_check(supervisor, err) || !worker_check(config, err))
        return false;
    supervisor_checked();
    return true;
}

static int supervise_workers(struct cli *cli, unsigned processes,
                             const struct supervisor_socket *status)
{
    struct err err = {0};
    struct shared shared = {.config = &cli->config};
    struct metrics *metrics = metrics_new(processes);
    worker_figures_declare(&shared.figures, metrics);
    const struct supervisor_config supervisor = {.name = "worker",
                                                 .processes = processes,
                                                 .sockets = status,
                                                 .socket_count = status->address ? 1 : 0,
                                                 .metrics = metrics,
                                                 .run = run_process,
                                                 .arg = &shared,
                                                 .ready = on_ready,
                                                 .argv = cli->argv,
                                                 .stop_ms = STOP_MS};
    int exit_status;
    if (cli_flag(cli, "check"))
        exit_status = check(&supervisor, &cli->config, &err) ? 0 : cli_fail(cli, &err);
    else
        exit_status = supervise(&supervisor);
    metrics_free(metrics);
    return exit_status;
}

static int run(struct cli *cli)
{
    struct err err = {0};
    long long processes;
    char *address = NULL;
    struct supervisor_socket status = {0};
    const char *wanted = cli->config.worker_status_listen;
    if (!cli_number(cli, "processes", 1, 256, cli->config.worker_processes, &processes, &err) ||
        !config_require_keyring(&cli->config, &err) ||
        (*wanted && !split_address(wanted, &address, &status.port, &err)))
        return cli_fail(cli, &err);
    status.address = address;
    int exit_status = supervise_workers(cli, (unsigned)processes, &status);
    free(address);
    return exit_status;
}

static const struct cli_option options[] = {
    {"processes", "N", "worker processes to run and to watch over (worker.processes)"},
    {"check", NULL, "only see whether it could start: configuration, Redis, MongoDB"},
    {0},
};

const struct command command_worker = {
    .name = "worker",
    .summary = "Run flows: claim chats, perform what their flows want, record it.",
    .text = "Prints \"ready\" when all processes serve. SIGTERM finishes or hands back what is "
            "held. A process that\n"
            "dies is started again; what it held is taken over when its lease has run out. SIGHUP "
            "starts over in\n"
            "place, with the program and the configuration that are there then; what would not "
            "start (--check)\n"
            "changes nothing.",
    .options = options,
    .run = run,
};
