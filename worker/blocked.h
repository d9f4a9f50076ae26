// SPDX-License-Identifier: MIT
/*
 * Accounts whose token or permission Meta refused lately: their messages wait without asking Meta
 * again for each chat; one of them asks when the time is over. Known per process, forgotten when
 * somebody says that the account changed. Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct blocked_account;

// Blocks the account for `ms`; true when it was not blocked (the caller tells the operator, once).
bool blocked_add(struct blocked_account **list, const char *account_key, int64_t ms);
// Milliseconds until somebody may ask again; 0 = not blocked.
int64_t blocked_left_ms(struct blocked_account *list, const char *account_key);
void blocked_forget(struct blocked_account **list, const char *account_key);
void blocked_free(struct blocked_account **list);
