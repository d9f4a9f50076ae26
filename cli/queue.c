// SPDX-License-Identifier: MIT
// `hookmill queue …`

#include "queue/queue.h"
#include "webhook/received.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/utf8.h"
#include "cli/cli.h"

/* --- stats
 * ---------------------------------------------------------------------------------------- */

static int run_stats(struct cli *cli)
{
    struct err err = {0};
    struct queue_stats s;
    if (!queue_stats_read(cli->config.redis_url, &s, &err))
        return cli_fail(cli, &err);
    if (s.shards == 0) {
        err_set(&err, ERR_CONFIG, "this Redis holds no queue yet: run `hookmill init` first");
        return cli_fail(cli, &err);
    }
    const struct {
        const char *name, *meaning;
        uint64_t value;
    } rows[] = {
        {"shards", "key shards", s.shards},
        {"workers", "worker processes with a lease", s.workers},
        {"ready", "chats that wait for a worker", s.ready},
        {"held", "chats that workers hold", s.held},
        {"parked", "chats whose effect is unfinished", s.parked},
        {"joining", "chats that become one with another", s.joining},
        {"timers", "armed timers", s.timers},
        {"mailbox", "events that wait in mailboxes", s.mailbox},
        {"dead", "dead letters", s.dead},
        {"admitted", "events admitted so far", s.admitted},
        {"duplicates", "events refused as seen before", s.duplicates},
        {"done", "events finished with", s.done},
        {"buried", "events that went to the dead letters", s.dead_ever},
    };
    size_t count = sizeof rows / sizeof *rows;
    bool json = cli_flag(cli, "json");
    for (size_t i = 0; i < count; i++) {
        if (json)
            printf("%s\"%s\":%" PRIu64 "%s", i == 0 ? "{" : ",", rows[i].name, rows[i].value,
                   i + 1 == count ? "}\n" : "");
        else
            printf("%-11s %10" PRIu64 "  %s\n", rows[i].name, rows[i].value, rows[i].meaning);
    }
    return 0;
}

static const struct cli_option stats_options[] = {
    {"json", NULL, "one JSON object"},
    {0},
};
static const struct command stats = {
    .name = "stats",
    .summary = "What waits, what runs, what has been.",
    .options = stats_options,
    .run = run_stats,
};

/* --- dead letters
 * ----------------------------------------------------------------------------------- */

struct listing {
    bool json;
    size_t count;
};

static void add_member(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, ",\"%s\":", name);
    buf_add_json_str(out, value);
}

static void print_json(const struct queue_dead_letter *letter, const char *body)
{
    struct buf out = {0};
    buf_printf(&out, "{\"at\":%" PRId64, letter->at_ms);
    add_member(&out, "id", letter->id);
    add_member(&out, "reason", letter->reason);
    add_member(&out, "account", letter->account);
    add_member(&out, "chat", letter->chat);
    add_member(&out, "app", letter->app);
    add_member(&out, "body", body);
    if (!utf8_valid(letter->body, letter->body_len)) { // the bytes themselves
        char *encoded = base64_encode(letter->body, letter->body_len);
        add_member(&out, "body_base64", encoded);
        free(encoded);
    }
    buf_add_char(&out, '}');
    puts(out.data);
    buf_deinit(&out);
}

// Bytes for a terminal or a JSON string: what is not printable UTF-8 becomes a question mark.
static char *printable(const char *body, size_t len, size_t most)
{
    size_t shown = utf8_cut_bytes(body, len, most);
    char *text = x_dupn(body, shown);
    bool valid = utf8_valid(text, shown);
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < ' ' || c == 0x7f || (!valid && c > 0x7f))
            text[i] = c == '\n' || c == '\t' ? ' ' : '?';
    }
    return text;
}

static void print_letter(void *arg, const struct queue_dead_letter *letter)
{
    struct listing *listing = arg;
    listing->count++;
    char *body = printable(letter->body, letter->body_len, listing->json ? 1 << 20 : 200);
    if (listing->json) {
        print_json(letter, body);
    } else {
        char at[32];
        clock_iso(letter->at_ms, at);
        printf("%s  %s  %s\n  %s\n  %s%s\n", letter->id, at,
               letter->chat  ? letter->chat
               : letter->app ? letter->app
                             : "-",
               letter->reason, body, letter->body_len > 200 ? "..." : "");
    }
    free(body);
}

static int run_dead_list(struct cli *cli)
{
    struct err err = {0};
    struct listing listing = {.json = cli_flag(cli, "json")};
    long long most;
    if (!cli_number(cli, "most", 1, 100000, 100, &most, &err) ||
        !queue_dead_list(cli->config.redis_url, (unsigned)most, print_letter, &listing, &err))
        return cli_fail(cli, &err);
    if (!listing.json && listing.count == 0)
        puts("no dead letters");
    return 0;
}

static int run_dead_retry(struct cli *cli)
{
    struct err err = {0};
    unsigned retried = 0;
    if (cli->arg_count == 0 && !cli_flag(cli, "all")) {
        err_set(&err, ERR_INPUT, "name a letter (see `hookmill queue dead list`), or say --all");
        return cli_fail(cli, &err);
    }
    if (!queue_dead_retry(cli->config.redis_url, cli->arg_count ? cli->args[0] : NULL, &retried,
                          &err))
        return cli_fail(cli, &err);
    printf("%u put back\n", retried);
    return 0;
}

static const struct cli_option dead_list_options[] = {
    {"json", NULL, "one JSON object per line, with the whole body"},
    {"most", "N", "at most so many (default 100)"},
    {0},
};
static const struct command dead_list = {
    .name = "list",
    .summary = "Show what could not be processed, and why.",
    .options = dead_list_options,
    .run = run_dead_list,
};
static const struct cli_option dead_retry_options[] = {
    {"all", NULL, "all of them"},
    {0},
};
static const struct command dead_retry = {
    .name = "retry",
    .args = "[ID]",
    .args_max = 1,
    .summary = "Put an event back into its chat's mailbox, past the memory of what was seen.",
    .options = dead_retry_options,
    .run = run_dead_retry,
};
static const struct command *const dead_children[] = {&dead_list, &dead_retry, NULL};
static const struct command dead = {
    .name = "dead",
    .summary = "The dead letters.",
    .children = dead_children,
};

/* --- audit
 * ---------------------------------------------------------------------------------------- */

struct auditing {
    bool json, any;
};

static void print_ledger_json(const struct queue_ledger *l)
{
    struct buf out = {0};
    buf_add_str(&out, "{\"account\":");
    buf_add_json_str(&out, l->account);
    buf_printf(&out,
               ",\"received\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"unanswered\":%" PRIu64
               ",\"inFlight\":%" PRIu64 ",\"spooled\":%" PRIu64,
               l->received, l->refused, l->unanswered, l->in_flight, l->spooled);
    buf_printf(&out,
               ",\"admitted\":%" PRIu64 ",\"duplicate\":%" PRIu64 ",\"retried\":%" PRIu64
               ",\"merged\":%" PRIu64 ",\"done\":%" PRIu64 ",\"dead\":%" PRIu64
               ",\"waiting\":%" PRIu64 ",\"balanced\":%s",
               l->admitted, l->duplicate, l->retried, l->merged, l->done, l->dead, l->waiting,
               l->balanced ? "true" : "false");
    add_member(&out, "problem", l->problem);
    buf_add_char(&out, '}');
    puts(out.data);
    buf_deinit(&out);
}

static void print_ledger(void *arg, const struct queue_ledger *l)
{
    struct auditing *auditing = arg;
    if (auditing->json) {
        print_ledger_json(l);
        return;
    }
    if (!auditing->any)
        printf("%-32s %10s %8s %8s %10s %10s %8s %8s %10s %8s %8s\n", "account", "received",
               "refused", "spooled", "admitted", "duplicate", "retried", "merged", "done", "dead",
               "waiting");
    auditing->any = true;
    printf("%-32s %10" PRIu64 " %8" PRIu64 " %8" PRIu64 " %10" PRIu64 " %10" PRIu64 " %8" PRIu64
           " %8" PRIu64 " %10" PRIu64 " %8" PRIu64 " %8" PRIu64 "\n",
           l->account, l->received, l->refused, l->spooled, l->admitted, l->duplicate, l->retried,
           l->merged, l->done, l->dead, l->waiting);
    if (l->unanswered + l->in_flight > 0)
        printf("  %" PRIu64 " in hand, %" PRIu64 " never answered: their listener died\n",
               l->in_flight, l->unanswered);
    if (l->problem)
        printf("  WRONG: %s\n", l->problem);
}

static int run_audit(struct cli *cli)
{
    struct err err = {0};
    struct auditing auditing = {.json = cli_flag(cli, "json")};
    bool balanced = false;
    received_collect(cli->config.spool_directory, cli->config.redis_url);
    if (!queue_audit(cli->config.redis_url, print_ledger, &auditing, &balanced, &err))
        return cli_fail(cli, &err);
    if (!auditing.json)
        puts(balanced ? "balanced" : "NOT balanced");
    return balanced ? 0 : 1;
}

static const struct cli_option audit_options[] = {
    {"json", NULL, "one JSON object per account and line"},
    {0},
};
static const struct command audit = {
    .name = "audit",
    .summary = "Check that no event is missing: what was received against what became of it.",
    .text = "Per account, two counts that are made apart must agree: what the listeners received "
            "(admitted, duplicate,\n"
            "refused or spooled), and what was admitted (done, dead, or waiting in a mailbox, "
            "which is looked at).\n"
            "Exit status 0: they do; 1: they do not, and the table says where and by how much. A "
            "running system\n"
            "can be audited; it takes some seconds when something is wrong.",
    .options = audit_options,
    .run = run_audit,
};

static const struct command *const children[] = {&stats, &audit, &dead, NULL};
const struct command command_queue = {
    .name = "queue",
    .summary = "Look into the queue.",
    .children = children,
};
