// SPDX-License-Identifier: MIT
// Accounts that Meta refuses just now (see blocked.h).

#include "worker/blocked.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/mem.h"

struct blocked_account {
    char *key;
    int64_t until_ms; // clock_mono_ms()
    UT_hash_handle hh;
};

static struct blocked_account *find(struct blocked_account *list, const char *key)
{
    struct blocked_account *account;
    HASH_FIND_STR(list, key, account);
    return account;
}

bool blocked_add(struct blocked_account **list, const char *account_key, int64_t ms)
{
    struct blocked_account *account = find(*list, account_key);
    int64_t now = clock_mono_ms();
    bool news = !account || account->until_ms <= now;
    if (!account) {
        account = x_alloc(sizeof *account);
        account->key = x_dup(account_key);
        HASH_ADD_KEYPTR(hh, *list, account->key, strlen(account->key), account);
    }
    account->until_ms = now + ms;
    return news;
}

int64_t blocked_left_ms(struct blocked_account *list, const char *account_key)
{
    const struct blocked_account *account = find(list, account_key);
    int64_t left = account ? account->until_ms - clock_mono_ms() : 0;
    return left > 0 ? left : 0;
}

static void drop(struct blocked_account **list, struct blocked_account *account)
{
    HASH_DEL(*list, account);
    free(account->key);
    free(account);
}

void blocked_forget(struct blocked_account **list, const char *account_key)
{
    struct blocked_account *account = find(*list, account_key);
    if (account)
        drop(list, account);
}

void blocked_free(struct blocked_account **list)
{
    struct blocked_account *account, *next;
    HASH_ITER(hh, *list, account, next) {
        drop(list, account);
    }
}
