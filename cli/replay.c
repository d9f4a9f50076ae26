// SPDX-License-Identifier: MIT
// `hookmill replay-deliveries`: what the archive holds, to a listener once more.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "sim/send.h"
#include "spool/archive.h"

struct replay {
    const struct config *config;
    const char *app; // or NULL
    char *to;        // without a slash at its end
    bool list;
    uint64_t seen, taken, refused, unknown;
    int last_status;
    int64_t at_ms; // of the delivery in hand
    struct err err;
};

// "2026-11-21T08:49:54Z", milliseconds since 1970, or "90m", "2h", "3d": so long ago.
static bool parse_time(const char *name, const char *text, int64_t fallback, int64_t *ret_ms,
                       struct err *err)
{
    if (!text) {
        *ret_ms = fallback;
        return true;
    }
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (rest) {
        long ms = 0;
        int len = 0;
        if (*rest == '.' && sscanf(rest, ".%3ld%n", &ms, &len) == 1 && len == 4)
            rest += len;
        if (strcmp(rest, "Z") == 0) {
            *ret_ms = (int64_t)timegm(&tm) * 1000 + ms;
            return true;
        }
    }
    char *end;
    long long number = strtoll(text, &end, 10);
    int64_t unit = *end == 's'   ? 1000
                   : *end == 'm' ? 60000
                   : *end == 'h' ? 3600000
                   : *end == 'd' ? 86400000
                                 : 0;
    if (end != text && *end == '\0' && number >= 0)
        *ret_ms = number;
    else if (end != text && unit > 0 && end[1] == '\0' && number >= 0 &&
             number < INT64_MAX / 2 / unit)
        *ret_ms = clock_wall_ms() - number * unit;
    else
        return err_set(err, ERR_INPUT,
                       "--%s: '%.64s' is no time: 2026-11-21T08:49:54Z, milliseconds since 1970, "
                       "or 30m, 2h, 3d ago",
                       name, text);
    return true;
}

static void print_delivery(const struct archive_delivery *delivery)
{
    char at[32];
    clock_iso(delivery->at_ms, at);
    printf("%s  %-16s  %s  %zu bytes\n", at, delivery->app, delivery->id, delivery->len);
}

static bool on_delivery(void *arg, const struct archive_delivery *delivery)
{
    struct replay *replay = arg;
    if (replay->app && strcmp(replay->app, delivery->app) != 0)
        return true;
    replay->seen++;
    replay->at_ms = delivery->at_ms;
    if (replay->list) {
        print_delivery(delivery);
        return true;
    }
    const struct config_app *app = config_find_app(replay->config, delivery->app);
    if (!app || !app->secret) {
        replay->unknown++;
        return true;
    }
    char *url = x_printf("%s/webhooks/%s", replay->to, delivery->app);
    int status = 0;
    bool sent = sim_deliver(url, app->secret, delivery->body, delivery->len, &status, &replay->err);
    free(url);
    if (sent && status == 200) {
        replay->taken++;
    } else if (sent) {
        replay->refused++;
        replay->last_status = status;
    }
    return sent; // nobody there: the rest would not arrive, either
}

static void print_summary(const struct replay *replay, unsigned broken)
{
    if (replay->list)
        printf("%" PRIu64 " deliveries\n", replay->seen);
    else
        printf("%" PRIu64 " sent and taken, %" PRIu64 " refused\n", replay->taken, replay->refused);
    if (replay->refused > 0)
        printf("the last refusal was HTTP %d\n", replay->last_status);
    if (replay->unknown > 0)
        printf("%" PRIu64 " of apps that are not configured any more were left out\n",
               replay->unknown);
    if (broken > 0)
        printf("%u files of the archive were read up to where they are broken\n", broken);
}

static bool begin(struct cli *cli, struct replay *replay, int64_t *ret_since, int64_t *ret_until,
                  struct err *err)
{
    const struct config *c = &cli->config;
    if (!*c->archive_directory)
        return err_set(err, ERR_CONFIG, "no archive is configured: archive.directory is empty");
    if (!parse_time("since", cli_value(cli, "since"), 0, ret_since, err) ||
        !parse_time("until", cli_value(cli, "until"), INT64_MAX, ret_until, err))
        return false;
    if (replay->app && !replay->list && !config_find_app(c, replay->app))
        return err_set(err, ERR_NOT_FOUND, "--app: no app '%.64s' is configured", replay->app);
    const char *to = cli_value(cli, "to");
    replay->to = to ? x_dup(to) : x_printf("http://%s:%" PRId64, c->listen_address, c->listen_port);
    size_t len = strlen(replay->to);
    while (len > 0 && replay->to[len - 1] == '/')
        replay->to[--len] = '\0';
    return true;
}

static int run(struct cli *cli)
{
    struct err err = {0};
    struct replay replay = {
        .config = &cli->config, .app = cli_value(cli, "app"), .list = cli_flag(cli, "list")};
    int64_t since_ms, until_ms;
    unsigned broken = 0;
    bool ok = begin(cli, &replay, &since_ms, &until_ms, &err) &&
              archive_read(cli->config.archive_directory, since_ms, until_ms, on_delivery, &replay,
                           &broken, &err);
    if (ok)
        print_summary(&replay, broken);
    if (ok && replay.err.code != ERR_NONE) {
        err = replay.err;
        ok = err_prefix(&err, "stopped before --since %" PRId64, replay.at_ms);
    }
    free(replay.to);
    if (!ok)
        return cli_fail(cli, &err);
    return replay.refused == 0 ? 0 : 1;
}

static const struct cli_option options[] = {
    {"since", "TIME", "from then on: 2026-11-21T08:49:54Z, milliseconds, or 30m, 2h, 3d ago"},
    {"until", "TIME", "up to then, likewise"},
    {"app", "NAME", "those of one app alone"},
    {"to", "URL", "the listener (http://listen.address:listen.port)"},
    {"list", NULL, "name them, send nothing"},
    {0},
};

const struct command command_replay = {
    .name = "replay-deliveries",
    .summary = "Send archived deliveries to the listener again, oldest first.",
    .text = "Each is signed with its app's secret, as Meta would. What was admitted before is "
            "recognised and\nnot done again for eight days; what is older is done anew.",
    .options = options,
    .run = run,
};
