// SPDX-License-Identifier: MIT
// Named secrets of an account: sealed like its token, each under its own name (see
// account_secret.h).
#include "models/account_secret.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "models/account_shape.h"
#include "models/document.h"

static bool is_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t len = strlen(name);
    return len > 0 && len <= SECRET_NAME_MAX && strchr(letters, name[0]) != NULL &&
           strspn(name, all) == len;
}

static bool check_name(const char *name, struct err *err)
{
    return is_name(name) ||
           err_set(err, ERR_INPUT,
                   "a secret's name is a letter and up to %d letters, digits or _ behind it",
                   SECRET_NAME_MAX - 1);
}

static bool check_value(struct db *db, const char *value, struct err *err)
{
    size_t len = strlen(value);
    if (len == 0 || len > SECRET_BYTES_MAX)
        return err_set(err, ERR_INPUT, "a secret has 1 to %d bytes", SECRET_BYTES_MAX);
    if (!utf8_valid(value, len))
        return err_set(err, ERR_INPUT, "a secret is UTF-8 text");
    if (db->keyring == NULL || db->keyring->count == 0)
        return err_set(err, ERR_CONFIG, "secrets are stored encrypted: set encryption.key");
    return true;
}

// What a seal is bound to.
static char *bond(const char *account_oid, const char *name)
{
    return x_printf("%s:secret:%s", account_oid, name);
}

/* --- reading
 * -------------------------------------------------------------------------------- */

static char *open_secret(struct db *db, const char *account_oid, const char *name,
                         const char *sealed)
{
    if (sealed == NULL || db->keyring == NULL || db->keyring->count == 0)
        return NULL;
    struct err ignored = {0};
    char *aad = bond(account_oid, name);
    char *value = keyring_open(db->keyring, sealed, aad, &ignored);
    free(aad);
    return value;
}

static int by_name(const void *a, const void *b)
{
    const struct account_secret *left = a, *right = b;
    return strcmp(left->name, right->name);
}

void account_read_secrets(struct db *db, const bson_t *doc, struct account *account)
{
    bson_iter_t it, item;
    if (!bson_iter_init_find(&it, doc, "secrets") || !BSON_ITER_HOLDS_DOCUMENT(&it) ||
        !bson_iter_recurse(&it, &item))
        return;
    account->secrets = x_calloc(SECRETS_MAX, sizeof(account->secrets[0]));
    while (account->secret_count < SECRETS_MAX && bson_iter_next(&item)) {
        const char *name = bson_iter_key(&item);
        if (!is_name(name))
            continue;
        const char *sealed = BSON_ITER_HOLDS_UTF8(&item) ? bson_iter_utf8(&item, NULL) : NULL;
        struct account_secret *secret = &account->secrets[account->secret_count++];
        strcpy(secret->name, name);
        secret->value = open_secret(db, account->id, name, sealed);
    }
    qsort(account->secrets, account->secret_count, sizeof(account->secrets[0]), by_name);
}

const char *account_find_secret(const struct account *account, const char *name)
{
    for (size_t i = 0; i < account->secret_count; i++) {
        if (strcmp(account->secrets[i].name, name) == 0)
            return account->secrets[i].value;
    }
    return NULL;
}

// The account with its secrets and without its token.
static bool load(struct db *db, enum platform platform, const char *account_id,
                 const struct account_shape **ret_shape, struct account **ret_account,
                 struct err *err)
{
    bson_t *doc;
    if (!account_locate(db, platform, account_id, ret_shape, &doc, err))
        return false;
    *ret_account = account_from_document(*ret_shape, platform, doc);
    account_read_secrets(db, doc, *ret_account);
    bson_destroy(doc);
    return true;
}

bool account_each_secret(struct db *db, enum platform platform, const char *account_id,
                         account_secret_fn fn, void *arg, struct err *err)
{
    const struct account_shape *shape;
    struct account *account;
    if (!load(db, platform, account_id, &shape, &account, err))
        return false;
    for (size_t i = 0; i < account->secret_count; i++)
        fn(arg, account->secrets[i].name, account->secrets[i].value != NULL);
    account_free(account);
    return true;
}

/* --- changing
 * ------------------------------------------------------------------------------- */

static bool has(const struct account *account, const char *name)
{
    bool found = false;
    for (size_t i = 0; i < account->secret_count; i++)
        found = found || strcmp(account->secrets[i].name, name) == 0;
    return found;
}

// One field by its own name: two changes that come together do not undo each other.
static bool store(struct db *db, const struct account_shape *shape, const struct account *account,
                  const char *name, const char *sealed, struct err *err)
{
    bson_oid_t oid = document_oid_of(account->id);
    char *path = x_printf("secrets.%s", name);
    int64_t now = clock_wall_ms();
    bson_t *update = sealed != NULL ? BCON_NEW("$set", "{", path, BCON_UTF8(sealed), "updatedAt",
                                               BCON_DATE_TIME(now), "}")
                                    : BCON_NEW("$unset", "{", path, BCON_UTF8(""), "}", "$set", "{",
                                               "updatedAt", BCON_DATE_TIME(now), "}");
    free(path);
    return document_update(db, shape->collection, BCON_NEW("_id", BCON_OID(&oid)), update, false,
                           NULL, err);
}

// Loads the account whose secret changes; `must_have`: it has the secret, else it has room for one.
static bool open_for_change(struct db *db, enum platform platform, const char *account_id,
                            const char *name, bool must_have,
                            const struct account_shape **ret_shape, struct account **ret_account,
                            struct err *err)
{
    if (!load(db, platform, account_id, ret_shape, ret_account, err))
        return false;
    struct account *account = *ret_account;
    bool ok = true;
    if (account->id[0] == '\0')
        ok = err_set(err, ERR_INPUT, "account %s:%.128s: its _id is no ObjectId",
                     platform_name(platform), account_id);
    else if (must_have && !has(account, name))
        ok = err_set(err, ERR_NOT_FOUND, "account %s:%.128s has no secret %s",
                     platform_name(platform), account_id, name);
    else if (!must_have && account->secret_count >= SECRETS_MAX && !has(account, name))
        ok = err_set(err, ERR_LIMIT, "account %s:%.128s has %d secrets already",
                     platform_name(platform), account_id, SECRETS_MAX);
    if (!ok)
        account_free(account);
    return ok;
}

bool account_set_secret(struct db *db, enum platform platform, const char *account_id,
                        const char *name, const char *value, struct err *err)
{
    const struct account_shape *shape;
    struct account *account;
    if (!check_name(name, err) || !check_value(db, value, err) ||
        !open_for_change(db, platform, account_id, name, false, &shape, &account, err))
        return false;
    char *aad = bond(account->id, name);
    char *sealed = keyring_seal(db->keyring, value, aad);
    bool ok = store(db, shape, account, name, sealed, err);
    free(sealed);
    free(aad);
    account_free(account);
    return ok;
}

bool account_remove_secret(struct db *db, enum platform platform, const char *account_id,
                           const char *name, struct err *err)
{
    const struct account_shape *shape;
    struct account *account;
    if (!check_name(name, err) ||
        !open_for_change(db, platform, account_id, name, true, &shape, &account, err))
        return false;
    bool ok = store(db, shape, account, name, NULL, err);
    account_free(account);
    return ok;
}
