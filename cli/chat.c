// SPDX-License-Identifier: MIT
// `hookmill chat …`

#include "queue/queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/id.h"
#include "base/mem.h"
#include "cli/cli.h"

// ACCOUNT is an account key.
static bool check_account(const struct cli *cli, struct err *err)
{
    enum platform platform;
    char *account = NULL, *alias = NULL;
    bool ok = chat_key_split(cli->args[0], &platform, &account, &alias) && !alias;
    if (!ok)
        err_set(err, ERR_INPUT, "'%.64s' is no account: write platform:id", cli->args[0]);
    free(account);
    free(alias);
    return ok;
}

static int pause_until(struct cli *cli, int64_t until_ms)
{
    struct err err = {0};
    char *chat = NULL;
    if (!check_account(cli, &err) ||
        !queue_pause_chat(cli->config.redis_url, cli->args[0], cli->args[1], until_ms, &chat, &err))
        return cli_fail(cli, &err);
    char at[32];
    clock_iso(until_ms, at);
    printf("%s: silent until %s\n", chat, at);
    free(chat);
    return 0;
}

static int run_pause(struct cli *cli)
{
    struct err err = {0};
    long long minutes;
    long long fallback =
        cli->config.worker_pause_minutes > 0 ? cli->config.worker_pause_minutes : 60;
    if (!cli_number(cli, "minutes", 1, 525600, fallback, &minutes, &err))
        return cli_fail(cli, &err);
    return pause_until(cli, clock_wall_ms() + minutes * 60000);
}

// The event that tells the worker.
static char *resume_event(struct cli *cli)
{
    char *alias = NULL;
    char id[37];
    struct event event = {.kind = EVENT_RESUME, .timestamp_ms = clock_wall_ms()};
    if (!chat_key_split(cli->args[0], &event.platform, &event.account, &alias))
        return NULL; // never: it was checked
    id_uuid(id);
    event.id = x_dup(id);
    char *json = event_to_json(&event);
    event_deinit(&event);
    free(alias);
    return json;
}

static int run_resume(struct cli *cli)
{
    struct err err = {0};
    char *chat = NULL;
    if (!check_account(cli, &err))
        return cli_fail(cli, &err);
    char *event = resume_event(cli);
    bool ok =
        queue_resume_chat(cli->config.redis_url, cli->args[0], cli->args[1], event, &chat, &err);
    free(event);
    if (!ok)
        return cli_fail(cli, &err);
    printf("%s: may speak\n", chat);
    free(chat);
    return 0;
}

static void show_json(const struct queue_chat *chat)
{
    struct buf out = {0};
    buf_add_str(&out, "{\"chat\":");
    buf_add_json_str(&out, chat->chat);
    buf_printf(&out, ",\"status\":\"%s\",\"owner\":", chat->status);
    buf_add_json_str(&out, chat->owner);
    buf_add_str(&out, ",\"joins\":");
    buf_add_json_str(&out, chat->into);
    buf_printf(&out,
               ",\"waiting\":%" PRIu64 ",\"pausedUntil\":%" PRId64 ",\"timer\":%" PRId64
               ",\"session\":%s,\"handoff\":%s,\"attempt\":%s,\"result\":%s",
               chat->waiting, chat->paused_ms, chat->timer_ms, chat->has_state ? "true" : "false",
               chat->handed_off ? "true" : "false", chat->has_attempt ? "true" : "false",
               chat->has_result ? "true" : "false");
    buf_add_str(&out, ",\"stopped\":");
    buf_add_json_str(&out, chat->stopped[0] ? chat->stopped : NULL);
    buf_printf(&out,
               ",\"usedToday\":{\"sends\":%" PRId64 ",\"apiCalls\":%" PRId64 ",\"tokens\":%" PRId64
               "}}",
               chat->used[QUEUE_SENDS], chat->used[QUEUE_CALLS], chat->used[QUEUE_TOKENS]);
    puts(out.data);
    buf_deinit(&out);
}

static void show_time(const char *name, int64_t ms)
{
    char at[32] = "-";
    if (ms > 0)
        clock_iso(ms, at);
    printf("%-13s %s\n", name, at);
}

static void show(const struct queue_chat *chat)
{
    printf("%-13s %s\n", "chat", chat->chat);
    printf("%-13s %s%s%s\n", "status", chat->status, chat->stopped[0] ? ": " : "",
           !chat->stopped[0]                       ? ""
           : strcmp(chat->stopped, "paused") == 0  ? "its account is paused"
           : strcmp(chat->stopped, "contact") == 0 ? "the contact's budget is used up"
           : strcmp(chat->stopped, "account") == 0 ? "the account's budget is used up"
                                                   : "its account is throttled");
    printf("%-13s %s\n", "owner", chat->owner ? chat->owner : "-");
    if (chat->into)
        printf("%-13s %s\n", "joins", chat->into);
    printf("%-13s %" PRIu64 "\n", "waiting", chat->waiting);
    show_time("paused until", chat->paused_ms > clock_wall_ms() ? chat->paused_ms : 0);
    show_time("timer", chat->timer_ms);
    printf("%-13s %" PRId64 " sends, %" PRId64 " API calls, %" PRId64 " tokens\n", "used today",
           chat->used[QUEUE_SENDS], chat->used[QUEUE_CALLS], chat->used[QUEUE_TOKENS]);
    printf("%-13s %s\n", "session",
           !chat->has_state   ? "no"
           : chat->handed_off ? "yes, given to people: `hookmill chat resume` takes it back"
                              : "yes");
    printf("%-13s %s\n", "attempt",
           !chat->has_attempt ? "no"
           : chat->has_result ? "yes, with its result"
                              : "yes, its result is not known");
}

static int run_show(struct cli *cli)
{
    struct err err = {0};
    struct queue_chat chat;
    if (!check_account(cli, &err) ||
        !queue_chat_read(cli->config.redis_url, cli->args[0], cli->args[1], &chat, &err))
        return cli_fail(cli, &err);
    if (cli_flag(cli, "json"))
        show_json(&chat);
    else
        show(&chat);
    queue_chat_deinit(&chat);
    return 0;
}

static const char about_names[] =
    "ACCOUNT is platform:id. CONTACT is any name that the person is known by: phone number, "
    "user id, \"@username\".";

static const struct cli_option pause_options[] = {
    {"minutes", "N", "for so long from now (worker.pause_minutes; 60 when that is 0)"},
    {0},
};
static const struct command pause_command = {
    .name = "pause",
    .args = "ACCOUNT CONTACT",
    .args_min = 2,
    .args_max = 2,
    .summary = "Silence the flow of a chat, for a person to answer.",
    .text = about_names,
    .options = pause_options,
    .run = run_pause,
};
static const char about_resume[] =
    "What came meanwhile is not answered. A flow that has given the chat to people (a handoff "
    "node) goes on at once,\nalong its edge `resumed`; a deadline that the pause kept is acted "
    "on.\n\nACCOUNT is platform:id. CONTACT is any name that the person is known by.";
static const struct command resume = {
    .name = "resume",
    .args = "ACCOUNT CONTACT",
    .args_min = 2,
    .args_max = 2,
    .summary = "Let the flow of a chat speak again, or take the chat back from a handoff.",
    .text = about_resume,
    .run = run_resume,
};
static const struct cli_option show_options[] = {
    {"json", NULL, "one JSON object; times in milliseconds, 0 for none"},
    {0},
};
static const struct command show_command = {
    .name = "show",
    .args = "ACCOUNT CONTACT",
    .args_min = 2,
    .args_max = 2,
    .summary = "What the queue knows of a chat: who has it, what waits, until when it is silent.",
    .text = about_names,
    .options = show_options,
    .run = run_show,
};

static const struct command *const children[] = {&pause_command, &resume, &show_command, NULL};
const struct command command_chat = {
    .name = "chat",
    .summary = "Look at a chat; silence its flow and let it speak again.",
    .children = children,
};
