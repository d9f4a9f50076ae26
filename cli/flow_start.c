// SPDX-License-Identifier: MIT
// `hookmill flow start`: an event that a worker starts the flow by.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/id.h"
#include "base/json.h"
#include "cli/cli.h"
#include "engine/flow.h"
#include "engine/given.h"
#include "models/account.h"
#include "models/flow_model.h"
#include "nodes/registry.h"
#include "queue/queue.h"

enum { CONTACT_BYTES_MAX = 256, ID_MAX = 200 };

struct start {
    enum platform platform;
    char *account; // platform's id
    const char *contact;
    cJSON *vars; // or NULL
    char id[ID_MAX + 1];
    char flow[25];
    bool interrupt, force;
};

static void start_deinit(struct start *start)
{
    free(start->account);
    cJSON_Delete(start->vars);
}

/* --- what is asked for
 * ------------------------------------------------------------------------- */

static bool read_account(const char *key, struct start *start, struct err *err)
{
    char *alias = NULL;
    bool ok = key && chat_key_split(key, &start->platform, &start->account, &alias) && !alias;
    free(alias);
    return ok || err_set(err, ERR_INPUT, "--account: '%.64s' is no account: write platform:id",
                         key ? key : "");
}

// Names the chat in Redis, where "~" is the account's lane.
static bool read_contact(const char *contact, struct start *start, struct err *err)
{
    size_t len = contact ? strlen(contact) : 0;
    bool plain = len > 0 && len <= CONTACT_BYTES_MAX && strcmp(contact, "~") != 0;
    for (size_t i = 0; plain && i < len; i++)
        plain = (unsigned char)contact[i] > ' ' && contact[i] != ':' && contact[i] != 0x7f;
    start->contact = contact;
    return plain || err_set(err, ERR_INPUT,
                            "--contact: a name of the person, without blanks and colons: "
                            "phone number, user id");
}

static bool read_vars(const char *text, struct start *start, struct err *err)
{
    if (!text)
        return true;
    start->vars = json_read(text, strlen(text), err);
    return (start->vars && given_check(start->vars, err)) || err_prefix(err, "--vars");
}

static bool read_id(const char *id, struct start *start, struct err *err)
{
    if (!id) {
        id_uuid(start->id);
        return true;
    }
    if (!*id || strlen(id) > ID_MAX)
        return err_set(err, ERR_INPUT, "--id: a text of 1 to %d bytes", ID_MAX);
    strcpy(start->id, id);
    return true;
}

/* --- whether it can be
 * ------------------------------------------------------------------------- */

static bool check_compiles(const cJSON *document, struct err *err)
{
    struct diags diags = {0};
    struct flow *flow = flow_compile(document, node_types, &diags);
    bool ok = flow != NULL;
    if (!ok)
        err_set(err, ERR_INPUT, "the flow does not compile (%zu errors): see `hookmill flow lint`",
                diags.errors);
    flow_unref(flow);
    diags_deinit(&diags);
    return ok;
}

// The worker asks the same again, when it is its turn.
static bool check_flow(const struct start *start, const struct account *account,
                       const cJSON *document, struct err *err)
{
    bool enabled = false;
    for (size_t i = 0; i < account->flow_count; i++)
        enabled = enabled || strcmp(account->flows[i], start->flow) == 0;
    const char *owner = json_str(json_get(document, "userId"), "$oid");
    if (!flow_model_is_on(document))
        return err_set(err, ERR_CONFLICT, "the flow is switched off in its builder");
    if (!enabled && !start->force)
        return err_set(err, ERR_CONFLICT,
                       "the flow is not enabled on the account: `hookmill account enable`, or "
                       "--force");
    if (!enabled && (!owner || strcmp(owner, account->user_id) != 0))
        return err_set(err, ERR_DENIED, "the flow belongs to another user than the account");
    return check_compiles(document, err);
}

static bool check(struct cli *cli, struct db *db, struct start *start, struct err *err)
{
    cJSON *document = NULL;
    struct account *account = NULL;
    bool ok = account_load(db, start->platform, start->account, &account, err) &&
              flow_model_find(db, cli->args[0], start->flow, err) &&
              flow_model_load(db, start->flow, &document, err) &&
              check_flow(start, account, document, err);
    account_free(account);
    cJSON_Delete(document);
    return ok;
}

/* --- the event
 * --------------------------------------------------------------------------------- */

static char *data_of(const struct start *start)
{
    cJSON *data = cJSON_CreateObject();
    if (start->vars)
        cJSON_AddItemToObject(data, "vars", cJSON_Duplicate(start->vars, true));
    if (start->interrupt)
        cJSON_AddTrueToObject(data, "interrupt");
    if (start->force)
        cJSON_AddTrueToObject(data, "force");
    char *text = json_print(data);
    cJSON_Delete(data);
    return text;
}

static bool admit(struct cli *cli, const struct start *start, struct err *err)
{
    struct event event = {.platform = start->platform,
                          .kind = EVENT_START,
                          .account = x_dup(start->account),
                          .contact = x_dup(start->contact),
                          .aliases = {x_dup(start->contact)},
                          .id = x_dup(start->id),
                          .timestamp_ms = clock_wall_ms(),
                          .target = x_dup(start->flow),
                          .data = data_of(start)};
    char key[64], *json = event_to_json(&event);
    event_dedup_key(&event, key);
    const char *const aliases[] = {start->contact};
    struct queue_event own = {.account = cli_value(cli, "account"),
                              .aliases = aliases,
                              .alias_count = 1,
                              .dedup_key = key,
                              .timestamp_ms = event.timestamp_ms,
                              .json = json};
    bool is_new = false;
    bool ok = queue_admit_own(cli->config.redis_url, &own, &is_new, err);
    if (ok)
        printf("%s %s\n", start->id, is_new ? "queued" : "was queued before");
    free(json);
    event_deinit(&event);
    return ok;
}

static int run_start(struct cli *cli)
{
    struct err err = {0};
    struct start start = {.interrupt = cli_flag(cli, "interrupt"), .force = cli_flag(cli, "force")};
    struct store *store = NULL;
    struct db db;
    bool ok = read_account(cli_value(cli, "account"), &start, &err) &&
              read_contact(cli_value(cli, "contact"), &start, &err) &&
              read_vars(cli_value(cli, "vars"), &start, &err) &&
              read_id(cli_value(cli, "id"), &start, &err) && cli_open(cli, &store, &db, &err);
    if (ok) {
        ok = check(cli, &db, &start, &err);
        cli_close(store, &db);
    }
    ok = ok && admit(cli, &start, &err);
    start_deinit(&start);
    return ok ? 0 : cli_fail(cli, &err);
}

static const struct cli_option options[] = {
    {"account", "ACCOUNT", "platform:id, whose chat it is"},
    {"contact", "CONTACT",
     "any name that the person is known by; a new chat is made for a new one"},
    {"vars", "JSON", "an object: variables of the session, set before its first node"},
    {"interrupt", NULL, "end a session that waits; without it the start is refused then"},
    {"force", NULL, "a flow of the account's owner that is not enabled on the account, too"},
    {"id", "ID", "of this start: the same one again on the same day (UTC) does nothing"},
    {0},
};
const struct command command_flow_start = {
    .name = "start",
    .args = "FLOW",
    .args_min = 1,
    .args_max = 1,
    .summary = "Start a flow (by id or name) in a chat.",
    .text =
        "It waits its turn among the chat's events; what then stands against it (a session that "
        "waits, a person\nwho has the chat, a pause) is in the chat's history. Prints the id "
        "of the start.",
    .options = options,
    .run = run_start,
};
