// SPDX-License-Identifier: MIT
// `hookmill account …`

#include "models/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/account.h"
#include "engine/flow.h"
#include "models/flow_model.h"
#include "models/setup.h"
#include "nodes/registry.h"
#include "queue/queue.h"

#define ACCOUNT_OPTIONS                                                                            \
    {"platform", "NAME", "messenger, instagram or whatsapp"},                                      \
        {"id", "ID", "Page id, Instagram account id or phone_number_id"},                          \
    {                                                                                              \
        "account", "KEY", "both at once: platform:id"                                              \
    }

bool account_read_key(const char *key, struct account_name *ret_name, struct err *err)
{
    char *alias = NULL;
    bool ok = chat_key_split(key, &ret_name->platform, &ret_name->id, &alias);
    if (ok && alias) {
        free(ret_name->id);
        ok = false;
    }
    free(alias);
    return ok || err_set(err, ERR_INPUT, "'%.64s' is no account: write platform:id", key);
}

// --platform and --id, or --account platform:id.
static bool read_name(struct cli *cli, struct account_name *ret_name, struct err *err)
{
    const char *key = cli_value(cli, "account");
    const char *platform = cli_value(cli, "platform"), *id = cli_value(cli, "id");
    char *alias = NULL;
    if (key) {
        if (!chat_key_split(key, &ret_name->platform, &ret_name->id, &alias))
            return err_set(err, ERR_INPUT, "--account: '%s' is not platform:id", key);
        free(alias);
        return true;
    }
    if (!platform || !platform_parse(platform, &ret_name->platform))
        return err_set(err, ERR_INPUT, "--platform is needed: messenger, instagram or whatsapp");
    if (!id || !*id || strlen(id) > 128 || strpbrk(id, ": \t\r\n"))
        return err_set(err, ERR_INPUT, "--id is needed: the account's id as Meta has it");
    ret_name->id = x_dup(id);
    return true;
}

// --token, or --token-file (- for standard input).
static bool read_token(struct cli *cli, char **ret_token, struct err *err)
{
    const char *token = cli_value(cli, "token"), *path = cli_value(cli, "token-file");
    size_t len = 0;
    if (token && *token) {
        *ret_token = x_dup(token);
        return true;
    }
    if (!path)
        return err_set(err, ERR_INPUT, "--token-file is needed (- reads standard input)");
    if (!cli_read_file(path, 65536, ret_token, &len, err))
        return false;
    (*ret_token)[strcspn(*ret_token, "\r\n")] = '\0';
    if (**ret_token)
        return true;
    free(*ret_token);
    return err_set(err, ERR_INPUT, "%s holds no token", path);
}

// Chats that were parked for the account's sake need not wait for their next try.
static void release(struct cli *cli, const struct account_name *name)
{
    struct err err = {0};
    unsigned released = 0;
    char *key = account_key(name->platform, name->id);
    if (!queue_release_account(cli->config.redis_url, key, &released, &err))
        fprintf(stderr, "%s: parked chats wait for their next try (%s)\n", cli->path, err.text);
    else if (released > 0)
        printf("%u parked chats go on\n", released);
    free(key);
}

void account_announce(const struct cli *cli, const struct account_name *name)
{
    struct err err = {0};
    char *what = x_printf("account:%s:%s", platform_name(name->platform), name->id);
    if (!queue_announce(cli->config.redis_url, what, &err))
        fprintf(stderr, "%s: workers learn of it within %lld ms (%s)\n", cli->path,
                (long long)cli->config.worker_cache_ms, err.text);
    free(what);
}

/* --- a command on one account: open, act, announce
 * ------------------------------------------------- */

typedef bool (*account_act_fn)(struct cli *cli, struct db *db, const struct account_name *name,
                               struct err *err);

static bool rotate(struct cli *cli, struct db *db, const struct account_name *name,
                   struct err *err);

static int act_on_account(struct cli *cli, account_act_fn act, bool changes)
{
    struct err err = {0};
    struct account_name name = {0};
    struct store *store = NULL;
    struct db db;
    if (!read_name(cli, &name, &err))
        return cli_fail(cli, &err);
    bool ok = cli_open(cli, &store, &db, &err);
    if (ok) {
        ok = act(cli, &db, &name, &err);
        cli_close(store, &db);
    }
    if (ok && changes)
        account_announce(cli, &name);
    if (ok && act == rotate)
        release(cli, &name);
    free(name.id);
    return ok ? 0 : cli_fail(cli, &err);
}

/* --- add
 * -----------------------------------------------------------------------------------------------
 */

static bool add(struct cli *cli, struct db *db, const struct account_name *name, struct err *err)
{
    struct account account = {.platform = name->platform,
                              .account_id = name->id,
                              .name = (char *)cli_value(cli, "name"),
                              .status = (char *)"connected",
                              .login = (char *)cli_value(cli, "login"),
                              .page_id = (char *)cli_value(cli, "page"),
                              .waba_id = (char *)cli_value(cli, "waba"),
                              .ambiguous = (char *)cli_value(cli, "ambiguous")};
    if (account.ambiguous && strcmp(account.ambiguous, "resend") != 0 &&
        strcmp(account.ambiguous, "skip") != 0)
        return err_set(err, ERR_INPUT, "--ambiguous: '%s' is neither resend nor skip",
                       account.ambiguous);
    if (account.login && strcmp(account.login, "facebook") != 0 &&
        strcmp(account.login, "instagram") != 0)
        return err_set(err, ERR_INPUT, "--login: '%s' is neither facebook nor instagram",
                       account.login);
    char id[25];
    if (!user_find(db, cli_value(cli, "user"), account.user_id, err) ||
        !read_token(cli, &account.token, err))
        return false;
    bool ok = account_add(db, &account, id, err);
    secret_free(account.token);
    if (ok)
        printf("%s %s:%s connected\n", id, platform_name(name->platform), name->id);
    return ok;
}

static int run_add(struct cli *cli)
{
    return act_on_account(cli, add, true);
}

static const struct cli_option add_options[] = {
    ACCOUNT_OPTIONS,
    {"token-file", "FILE", "access token, from a file; - reads standard input"},
    {"token", "TOKEN", "access token (visible to other users of this machine)"},
    {"name", "NAME", "a name for people"},
    {"user", "EMAIL", "its owner; default: the first admin"},
    {"login", "NAME", "Instagram: facebook or instagram (default), which login issued the token"},
    {"page", "ID", "Instagram by Facebook Login: the linked Page"},
    {"waba", "ID", "WhatsApp: the WhatsApp Business Account, for `hookmill doctor`"},
    {"ambiguous", "POLICY", "a send whose answer was lost: resend (default) or skip"},
    {0},
};
static const struct command add_command = {
    .name = "add",
    .summary = "Connect an account.",
    .options = add_options,
    .run = run_add,
};

/* --- list, show
 * ------------------------------------------------------------------------------------------ */

struct listing {
    struct cli *cli;
    char **keys; // in the order of the rows
    char **rows;
    struct account_budgets *budgets;
    size_t count;
};

static void add_row(void *arg, const struct account *account)
{
    struct listing *listing = arg;
    size_t n = listing->count++;
    listing->keys = x_realloc(listing->keys, n + 1, sizeof *listing->keys);
    listing->rows = x_realloc(listing->rows, n + 1, sizeof *listing->rows);
    listing->budgets = x_realloc(listing->budgets, n + 1, sizeof *listing->budgets);
    listing->keys[n] = account_key(account->platform, account->account_id);
    listing->budgets[n] = account->budgets;
    listing->rows[n] =
        x_printf("%-9s  %-20s  %-12s  %zu flow%s  %s\n", platform_name(account->platform),
                 account->account_id, account->status, account->flow_count,
                 account->flow_count == 1 ? " " : "s", account->name ? account->name : "");
}

// The rows, each with what Redis knows of it; without Redis, the rows.
static void print_listing(struct listing *listing)
{
    struct err err = {0};
    struct queue_account *states = x_calloc(listing->count + 1, sizeof *states);
    bool known =
        queue_account_read(listing->cli->config.redis_url, (const char *const *)listing->keys,
                           listing->count, states, &err);
    for (size_t i = 0; i < listing->count; i++) {
        fputs(listing->rows[i], stdout);
        if (known)
            account_state_print_line(listing->cli, &states[i], &listing->budgets[i]);
        free(listing->keys[i]);
        free(listing->rows[i]);
    }
    if (!known)
        fprintf(stderr, "%s: budgets and pauses are not shown (%s)\n", listing->cli->path,
                err.text);
    free(states);
    free(listing->keys);
    free(listing->rows);
    free(listing->budgets);
}

static bool list(struct cli *cli, struct db *db, struct err *err)
{
    struct listing listing = {.cli = cli};
    bool ok = account_each(db, add_row, &listing, err);
    print_listing(&listing);
    if (ok && listing.count == 0)
        puts("no accounts; connect one with `hookmill account add`");
    return ok;
}

static int run_list(struct cli *cli)
{
    return cli_run_with_db(cli, list);
}

static const struct command list_command = {
    .name = "list",
    .summary = "List the accounts, with what they spent of their budgets in this hour.",
    .run = run_list,
};

static bool show(struct cli *cli, struct db *db, const struct account_name *name, struct err *err)
{
    struct account *account = NULL;
    if (!account_load(db, name->platform, name->id, &account, err))
        return false;
    printf("account    %s:%s\nid         %s\nname       %s\nowner      %s\nstatus     %s\n"
           "token      %s\nambiguous  %s\n",
           platform_name(account->platform), account->account_id, account->id,
           account->name ? account->name : "-", account->user_id, account->status,
           account->token && *account->token ? "set, can be opened" : "missing",
           account->ambiguous ? account->ambiguous : "resend");
    for (size_t i = 0; i < account->flow_count; i++)
        printf("flow       %s%s\n", account->flows[i], i == 0 ? "  (started by messages)" : "");
    account_state_print(cli, account);
    account_free(account);
    return true;
}

static int run_show(struct cli *cli)
{
    return act_on_account(cli, show, false);
}

static const struct cli_option name_options[] = {ACCOUNT_OPTIONS, {0}};
static const struct command show_command = {
    .name = "show",
    .summary = "Show one account: its flows, its budgets, whether it is paused, what is parked.",
    .options = name_options,
    .run = run_show,
};

/* --- enable, disable, rotate-token
 * ------------------------------------------------------------------------ */

// What does not compile cannot be enabled.
static bool check_flow(struct db *db, const char *flow_id, struct err *err)
{
    cJSON *document = NULL;
    if (!flow_model_load(db, flow_id, &document, err))
        return false;
    struct diags diags = {0};
    if (!flow_model_is_on(document))
        printf("note: the flow is switched off in its builder (status or isActive): it does not "
               "answer\n");
    struct flow *flow = flow_compile(document, node_types, &diags);
    bool ok = flow != NULL;
    if (!ok)
        err_set(err, ERR_INPUT, "the flow has %zu errors; see `hookmill flow lint %s`: %s",
                diags.errors, flow_id, diags.count ? diags.items[0].text : "");
    flow_unref(flow);
    diags_deinit(&diags);
    cJSON_Delete(document);
    return ok;
}

static bool enable(struct cli *cli, struct db *db, const struct account_name *name, struct err *err)
{
    char id[25];
    if (!flow_model_find(db, cli->args[0], id, err) || !check_flow(db, id, err) ||
        !account_enable_flow(db, name->platform, name->id, id, err))
        return false;
    printf("%s enabled on %s:%s\n", id, platform_name(name->platform), name->id);
    return true;
}

static int run_enable(struct cli *cli)
{
    return act_on_account(cli, enable, true);
}

static bool disable(struct cli *cli, struct db *db, const struct account_name *name,
                    struct err *err)
{
    char id[25];
    if (!flow_model_find(db, cli->args[0], id, err) ||
        !account_disable_flow(db, name->platform, name->id, id, err))
        return false;
    printf("%s disabled on %s:%s\n", id, platform_name(name->platform), name->id);
    return true;
}

static int run_disable(struct cli *cli)
{
    return act_on_account(cli, disable, true);
}

static bool rotate(struct cli *cli, struct db *db, const struct account_name *name, struct err *err)
{
    char *token = NULL;
    if (!read_token(cli, &token, err))
        return false;
    bool ok = account_set_token(db, name->platform, name->id, token, err) &&
              account_set_status(db, name->platform, name->id, "connected", NULL, err);
    secret_free(token);
    if (ok)
        printf("token of %s:%s replaced\n", platform_name(name->platform), name->id);
    return ok;
}

static int run_rotate(struct cli *cli)
{
    return act_on_account(cli, rotate, true);
}

static const struct command enable_command = {
    .name = "enable",
    .args = "FLOW",
    .args_min = 1,
    .args_max = 1,
    .summary = "Let a flow (id or name) answer on an account.",
    .text = "The flow that was enabled last is the one that messages start. Sessions that run go "
            "on as they began.",
    .options = name_options,
    .run = run_enable,
};
static const struct command disable_command = {
    .name = "disable",
    .args = "FLOW",
    .args_min = 1,
    .args_max = 1,
    .summary = "Take a flow (id or name) off an account.",
    .options = name_options,
    .run = run_disable,
};
static const struct cli_option rotate_options[] = {
    ACCOUNT_OPTIONS,
    {"token-file", "FILE", "new access token, from a file; - reads standard input"},
    {"token", "TOKEN", "new access token (visible to other users of this machine)"},
    {0},
};
static const struct command rotate_command = {
    .name = "rotate-token",
    .summary = "Replace an account's access token, and take it out of status error.",
    .options = rotate_options,
    .run = run_rotate,
};

static const struct command *const children[] = {&add_command,
                                                 &list_command,
                                                 &show_command,
                                                 &enable_command,
                                                 &disable_command,
                                                 &rotate_command,
                                                 &command_account_secret,
                                                 &command_account_pause,
                                                 &command_account_resume,
                                                 &command_account_throttle,
                                                 &command_account_release,
                                                 NULL};
const struct command command_account = {
    .name = "account",
    .summary = "Connect accounts; switch their flows on and off; pause, throttle and release them.",
    .children = children,
};
