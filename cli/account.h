// SPDX-License-Identifier: MIT
// What the files of `hookmill account …` share.
#pragma once

#include "base/event.h"
#include "cli/cli.h"

struct account_name {
    enum platform platform;
    char *id;
};

// "platform:id". The caller frees ret_name->id.
MUST_USE bool account_read_key(const char *key, struct account_name *ret_name, struct err *err);

// Workers learn of a change at once; without Redis they do within worker.cache_ms.
void account_announce(const struct cli *cli, const struct account_name *name);

extern const struct command command_account_secret;
