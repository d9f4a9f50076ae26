// SPDX-License-Identifier: MIT
// What the files of `hookmill account …` share.
#pragma once

#include "base/event.h"
#include "cli/cli.h"
#include "models/account.h"
#include "queue/queue.h"

struct account_name {
    enum platform platform;
    char *id;
};

// "platform:id". The caller frees ret_name->id.
MUST_USE bool account_read_key(const char *key, struct account_name *ret_name, struct err *err);

// Workers learn of a change at once; without Redis they do within worker.cache_ms.
void account_announce(const struct cli *cli, const struct account_name *name);

extern const struct command command_account_secret;

// account_state.c
extern const struct command command_account_pause, command_account_resume, command_account_throttle,
    command_account_release;
// State, budgets and parked chats of one account, one a line; without Redis a word on stderr.
void account_state_print(struct cli *cli, const struct account *account);
// The same in one line, for a list.
void account_state_print_line(const struct cli *cli, const struct queue_account *state,
                              const struct account_budgets *budgets);
