// SPDX-License-Identifier: MIT
// `hookmill parse`

#include <stdio.h>

#include "cli/cli.h"
#include "webhook/parse.h"

static int run(struct cli *cli)
{
    struct err err = {0};
    if (!parse_print(stdin, stdout, &err))
        return cli_fail(cli, &err);
    return 0;
}

const struct command command_parse = {
    .name = "parse",
    .summary =
        "Read a webhook's body from standard input and print its events, one JSON line each.",
    .text = "Members: platform (messenger, instagram, whatsapp), kind (message, postback, comment, "
            "echo, status …),\n"
            "type, account, contact, aliases, name, id, timestamp (ms), text, payload, reply_to, "
            "attachments, target,\n"
            "parent, emoji, group, watermark (ms), standby, status, callback_data, app_id, errors; "
            "as received: data,\n"
            "context, referral, raw (of kind other: the whole element). Exit status 1 when it is "
            "no webhook.",
    .no_config = true,
    .run = run,
};
