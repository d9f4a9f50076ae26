// SPDX-License-Identifier: MIT
// `hookmill sim`: the simulator's server, and `hookmill sim send`: a sender of signed webhooks.

#include "sim/sim.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/event.h"
#include "cli/cli.h"
#include "sim/send.h"

/* --- server
 * ------------------------------------------------------------------------------------------ */

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
    event_base_loopbreak(arg);
}

static int run_serve(struct cli *cli)
{
    struct err err = {0};
    long long port;
    if (!cli_number(cli, "port", 0, 65535, 0, &port, &err))
        return cli_fail(cli, &err);
    struct sim_config config = {.address = "127.0.0.1", .port = (int)port};
    struct event_base *base = event_base_new();
    struct sim *sim = sim_new(base, &config, &err);
    if (!sim) {
        event_base_free(base);
        return cli_fail(cli, &err);
    }
    struct event *term = evsignal_new(base, SIGTERM, on_signal, base);
    struct event *interrupt = evsignal_new(base, SIGINT, on_signal, base);
    event_add(term, NULL);
    event_add(interrupt, NULL);
    printf("ready: http://127.0.0.1:%d\n", sim_port(sim));
    fflush(stdout);
    event_base_dispatch(base);
    event_free(term);
    event_free(interrupt);
    sim_free(sim);
    event_base_free(base);
    return 0;
}

static const struct cli_option serve_options[] = {
    {"port", "PORT", "port on 127.0.0.1; 0 (default) takes a free one"},
    {0},
};

/* --- sender
 * ------------------------------------------------------------------------------------------- */

static bool fill_message(struct cli *cli, struct sim_message *m, struct err *err)
{
    const char *platform = cli_value(cli, "platform");
    const char *kind = cli_value(cli, "kind");
    long long timestamp;
    if (!platform || !platform_parse(platform, &m->platform))
        return err_set(err, ERR_INPUT, "--platform is needed: messenger, instagram or whatsapp");
    if (kind && !sim_message_kind_parse(kind, &m->kind))
        return err_set(err, ERR_INPUT,
                       "--kind: '%s' is none of text, postback, quick_reply, button_reply, "
                       "list_reply, button, status, echo",
                       kind);
    if (!cli_number(cli, "timestamp", 0, INT64_MAX, 0, &timestamp, err))
        return false;
    static const char *const account_variables[] = {
        "HOOKMILL_ACCOUNT_MESSENGER", "HOOKMILL_ACCOUNT_INSTAGRAM", "HOOKMILL_ACCOUNT_WHATSAPP"};
    if (m->kind == SIM_STATUS && m->platform != PLATFORM_WHATSAPP)
        return err_set(err, ERR_INPUT, "--kind status: only WhatsApp sends statuses");
    if (m->kind == SIM_ECHO && m->platform == PLATFORM_WHATSAPP)
        return err_set(err, ERR_INPUT, "--kind echo: WhatsApp sends statuses instead");
    if (m->kind == SIM_TEXT && !cli_value(cli, "text"))
        return err_set(err, ERR_INPUT, "--text is needed");
    m->url = cli_value(cli, "url") ? cli_value(cli, "url") : getenv("HOOKMILL_WEBHOOK_URL");
    m->secret = cli_value(cli, "secret") ? cli_value(cli, "secret") : getenv("HOOKMILL_APP_SECRET");
    m->account = cli_value(cli, "account") ? cli_value(cli, "account")
                                           : getenv(account_variables[m->platform]);
    m->from = cli_value(cli, "from");
    m->name = cli_value(cli, "name");
    m->text = cli_value(cli, "text");
    m->payload = cli_value(cli, "payload");
    m->id = cli_value(cli, "id");
    m->status = cli_value(cli, "status");
    m->attempt = cli_value(cli, "attempt");
    m->timestamp_ms = timestamp;
    if (!m->url || !m->secret || !m->account || !m->from)
        return err_set(err, ERR_INPUT,
                       "--url, --secret, --account and --from are needed (the first three may come "
                       "from the file .dev/env)");
    return true;
}

static int run_send(struct cli *cli)
{
    struct err err = {0};
    struct sim_message message = {.kind = SIM_TEXT};
    int status = 0;
    if (!fill_message(cli, &message, &err))
        return cli_fail(cli, &err);
    if (cli_flag(cli, "print")) {
        char *body = sim_webhook_body(&message);
        puts(body);
        free(body);
        return 0;
    }
    if (!sim_send(&message, &status, &err))
        return cli_fail(cli, &err);
    printf("%d\n", status);
    return status == 200 ? 0 : 1;
}

static const struct cli_option send_options[] = {
    {"platform", "NAME", "messenger, instagram or whatsapp"},
    {"from", "ID", "the person: PSID, IGSID, phone number or business-scoped id"},
    {"text", "TEXT", "what is written, or the title of what is tapped"},
    {"kind", "KIND",
     "text (default), postback, quick_reply, button_reply, list_reply, button, status, echo"},
    {"payload", "TEXT", "payload or id of what is tapped"},
    {"name", "NAME", "the person's profile name (WhatsApp)"},
    {"account", "ID", "Page id, Instagram id or phone_number_id (HOOKMILL_ACCOUNT_...)"},
    {"url", "URL", "the webhook's address (HOOKMILL_WEBHOOK_URL)"},
    {"secret", "TEXT", "the app's secret (HOOKMILL_APP_SECRET)"},
    {"id", "ID", "mid or wamid; a new one by default"},
    {"timestamp", "MS", "Meta's time of the message; now by default"},
    {"status", "WORD", "of a status: sent, delivered, read, failed"},
    {"attempt", "TEXT", "of a status or an echo: the callback data that the message had"},
    {"print", NULL, "print the body instead of sending it"},
    {0},
};
static const struct command send_command = {
    .name = "send",
    .summary =
        "Send a signed webhook in Meta's shape to a listener, and print the status of its answer.",
    .options = send_options,
    .no_config = true,
    .run = run_send,
};

static const struct command *const children[] = {&send_command, NULL};
const struct command command_sim = {
    .name = "sim",
    .summary = "Stand in for Meta and Groq on this machine, or send webhooks as Meta does.",
    .text = "Without a command: serves the Graph API's messages endpoints and Groq's chat "
            "completions, in their own\n"
            "shapes, refusing what they would refuse. Prints \"ready: URL\".\n"
            "  GET /_sim/requests      what was received; ?platform= filters\n"
            "  DELETE /_sim/requests   forgets it\n"
            "  POST /_sim/behaviour    makes following requests fail, slow or vanish\n"
            "  POST /_sim/webhooks     sends statuses and echoes of what it accepts to a listener",
    .options = serve_options,
    .children = children,
    .no_config = true,
    .run = run_serve,
};
