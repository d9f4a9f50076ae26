// SPDX-License-Identifier: MIT
/*
 * `hookmill account pause|resume|throttle|release`, and what `list` and `show` say of an account's
 * budgets. Redis alone is asked, so that an account can be stopped while MongoDB is away.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/event.h"
#include "cli/account.h"

/* --- what there is
 * ------------------------------------------------------------------------------- */

static int64_t either(int64_t own, int64_t configured)
{
    return own >= 0 ? own : configured;
}

// The account's limits of an hour.
static void limits_of(const struct cli *cli, const struct account_budgets *own,
                      int64_t ret_limits[QUEUE_COUNTED])
{
    ret_limits[QUEUE_SENDS] = either(own->sends_per_hour, cli->config.worker_budget_sends);
    ret_limits[QUEUE_CALLS] = either(own->calls_per_hour, cli->config.worker_budget_api_calls);
    ret_limits[QUEUE_TOKENS] = either(own->tokens_per_hour, cli->config.worker_budget_tokens);
}

static const char *const counted_words[QUEUE_COUNTED] = {
    [QUEUE_SENDS] = "sends", [QUEUE_CALLS] = "API calls", [QUEUE_TOKENS] = "tokens"};

static void print_state(const struct queue_account *state)
{
    char at[32];
    if (state->paused_ms == 0) {
        fputs("running", stdout);
    } else if (state->paused_ms == INT64_MAX) {
        fputs("paused", stdout);
    } else {
        clock_iso(state->paused_ms, at);
        printf("paused until %s", at);
    }
}

static void print_used(int64_t used, int64_t limit)
{
    printf("%" PRId64, used);
    if (limit > 0)
        printf(" of %" PRId64, limit);
}

static void print_parked(const struct queue_account *state)
{
    uint64_t sum = 0;
    for (int why = 0; why < QUEUE_STOPS; why++)
        sum += state->parked[why];
    printf("%" PRIu64, sum);
    for (int why = 0; sum > 0 && why < QUEUE_STOPS; why++)
        printf("%s%s %" PRIu64, why == 0 ? " (" : ", ", queue_stop_name((enum queue_stop)why),
               state->parked[why]);
    if (sum > 0)
        putchar(')');
}

void account_state_print_line(const struct cli *cli, const struct queue_account *state,
                              const struct account_budgets *budgets)
{
    int64_t limits[QUEUE_COUNTED];
    limits_of(cli, budgets, limits);
    fputs("           ", stdout);
    print_state(state);
    if (state->per_second > 0)
        printf(", %u sends per second", state->per_second);
    fputs("; this hour ", stdout);
    for (int kind = 0; kind < QUEUE_COUNTED; kind++) {
        print_used(state->used[kind], limits[kind]);
        printf(" %s%s", counted_words[kind], kind + 1 < QUEUE_COUNTED ? ", " : "; parked chats ");
    }
    print_parked(state);
    putchar('\n');
}

void account_state_print(struct cli *cli, const struct account *account)
{
    struct err err = {0};
    struct queue_account state;
    int64_t limits[QUEUE_COUNTED];
    char *key = account_key(account->platform, account->account_id);
    const char *keys[] = {key};
    if (!queue_account_read(cli->config.redis_url, keys, 1, &state, &err)) {
        fprintf(stderr, "%s: budgets and pauses are not shown (%s)\n", cli->path, err.text);
        free(key);
        return;
    }
    limits_of(cli, &account->budgets, limits);
    fputs("state      ", stdout);
    print_state(&state);
    if (state.per_second > 0)
        printf("\nthrottle   %u sends per second", state.per_second);
    for (int kind = 0; kind < QUEUE_COUNTED; kind++) {
        printf("\n%-10s ", counted_words[kind]);
        print_used(state.used[kind], limits[kind]);
        fputs(" this hour", stdout);
    }
    fputs("\nparked     ", stdout);
    print_parked(&state);
    putchar('\n');
    free(key);
}

/* --- what is said
 * -------------------------------------------------------------------------------- */

// ACCOUNT is an account key; one of which nothing is known is told, in case it is misspelt.
static bool read_account(const struct cli *cli, struct account_name *ret_name, struct err *err)
{
    struct queue_account state;
    if (!account_read_key(cli->args[0], ret_name, err))
        return false;
    if (!queue_account_read(cli->config.redis_url, cli->args, 1, &state, err)) {
        free(ret_name->id);
        return false;
    }
    if (!state.known)
        fprintf(stderr, "%s: note: no event of %s has come here yet\n", cli->path, cli->args[0]);
    return true;
}

static bool check_account(const struct cli *cli, struct err *err)
{
    struct account_name name;
    bool ok = read_account(cli, &name, err);
    if (ok)
        free(name.id);
    return ok;
}

// "90s", "45m", "2h", "7d".
static bool read_duration(const char *text, int64_t *ret_ms, struct err *err)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    const int64_t most = 366 * INT64_C(86400000);
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (end != text && errno == 0 && number > 0 && end[0] == units[i].unit && !end[1] &&
            number <= most / units[i].ms) {
            *ret_ms = number * units[i].ms;
            return true;
        }
    return err_set(err, ERR_INPUT,
                   "--for: '%.32s' is no time: write a number and s, m, h or d, up to 366d", text);
}

static int run_pause(struct cli *cli)
{
    struct err err = {0};
    int64_t ms = 0;
    const char *how_long = cli_value(cli, "for");
    if ((how_long && !read_duration(how_long, &ms, &err)) || !check_account(cli, &err) ||
        !queue_account_pause(cli->config.redis_url, cli->args[0], ms, &err))
        return cli_fail(cli, &err);
    char at[32];
    clock_iso(clock_wall_ms() + ms, at);
    if (ms > 0)
        printf("%s: paused until %s\n", cli->args[0], at);
    else
        printf("%s: paused until `hookmill account resume %s`\n", cli->args[0], cli->args[0]);
    return 0;
}

static void print_woken(const struct cli *cli, const char *what, unsigned woken)
{
    printf("%s: %s, %u parked chat%s on\n", cli->args[0], what, woken,
           woken == 1 ? " goes" : "s go");
}

static int run_resume(struct cli *cli)
{
    struct err err = {0};
    unsigned woken = 0;
    if (!check_account(cli, &err) ||
        !queue_account_resume(cli->config.redis_url, cli->args[0], &woken, &err))
        return cli_fail(cli, &err);
    print_woken(cli, "resumed", woken);
    return 0;
}

static int run_throttle(struct cli *cli)
{
    struct err err = {0};
    long long per_second = 0;
    unsigned woken = 0;
    bool off = cli_flag(cli, "off"), given = cli_value(cli, "per-second") != NULL;
    if (off == given)
        err_set(&err, ERR_INPUT, "either --per-second N or --off is needed");
    else if (cli_number(cli, "per-second", 1, 100000, 0, &per_second, &err) &&
             check_account(cli, &err) &&
             queue_account_throttle(cli->config.redis_url, cli->args[0], (unsigned)per_second,
                                    &woken, &err)) {
        print_woken(cli, off ? "not throttled" : "throttled", woken);
        return 0;
    }
    return cli_fail(cli, &err);
}

static bool release(const struct cli *cli, unsigned *ret_woken, struct err *err)
{
    const char *url = cli->config.redis_url, *account = cli->args[0];
    const char *chat = cli_value(cli, "chat");
    bool all = cli_flag(cli, "all");
    struct account_name name;
    if (chat && all)
        return err_set(err, ERR_INPUT, "--chat and --all exclude each other");
    if (!read_account(cli, &name, err))
        return false;
    bool ok = chat ? queue_account_release_chat(url, account, chat, err)
                   : queue_account_release(url, account, all, ret_woken, err);
    if (ok) // workers log it when the budget is used up again
        account_announce(cli, &name);
    free(name.id);
    return ok;
}

static int run_release(struct cli *cli)
{
    struct err err = {0};
    unsigned woken = 0;
    const char *chat = cli_value(cli, "chat");
    if (!release(cli, &woken, &err))
        return cli_fail(cli, &err);
    if (chat)
        printf("%s: the budget of %s begins anew\n", cli->args[0], chat);
    else
        print_woken(cli, "released", woken);
    return 0;
}

static const struct cli_option pause_options[] = {
    {"for", "TIME", "for so long: 90s, 45m, 2h, 7d; default: until it is resumed"},
    {0},
};
const struct command command_account_pause = {
    .name = "pause",
    .args = "ACCOUNT",
    .args_min = 1,
    .args_max = 1,
    .summary =
        "Stop an account: no message, API call or chat completion leaves, no session starts.",
    .text = "ACCOUNT is platform:id. Events go on being taken and wait, in order, in their chats; "
            "receipts are\nworked through. It holds for every worker at once.",
    .options = pause_options,
    .run = run_pause,
};
const struct command command_account_resume = {
    .name = "resume",
    .args = "ACCOUNT",
    .args_min = 1,
    .args_max = 1,
    .summary = "Let a paused account go on, with everything that came meanwhile.",
    .text = "ACCOUNT is platform:id.",
    .run = run_resume,
};

static const struct cli_option throttle_options[] = {
    {"per-second", "N", "at most so many messages per second, of all workers together"},
    {"off", NULL, "as many as Meta takes"},
    {0},
};
const struct command command_account_throttle = {
    .name = "throttle",
    .args = "ACCOUNT",
    .args_min = 1,
    .args_max = 1,
    .summary = "Bound how many messages per second leave on an account.",
    .text = "ACCOUNT is platform:id. A chat that has to wait is parked until its turn.",
    .options = throttle_options,
    .run = run_throttle,
};

static const struct cli_option release_options[] = {
    {"chat", "CONTACT", "the daily budget of one contact, by any of its names"},
    {"all", NULL, "beside the account's own, that of every chat that waits for its contact's"},
    {0},
};
const struct command command_account_release = {
    .name = "release",
    .args = "ACCOUNT",
    .args_min = 1,
    .args_max = 1,
    .summary = "Give an account's chats their budgets anew; those that are parked for them go on.",
    .text = "ACCOUNT is platform:id. Without an option the account's budget of this hour begins "
            "anew. With --chat\nthat contact's budget of today does, and for the rest of this hour "
            "the account's does not stop it.",
    .options = release_options,
    .run = run_release,
};
