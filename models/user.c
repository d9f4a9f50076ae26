// SPDX-License-Identifier: MIT
// The collection `users`: the first admin, and who owns what is added without an owner. Passwords
// are bcrypt, cost 10.
#include <crypt.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "models/document.h"
#include "models/setup.h"

enum {
    EMAIL_MAX = 254,   // RFC 5321, 4.5.3.1.3
    PASSWORD_MIN = 8,  // Flow Builder's rule
    PASSWORD_MAX = 72, // bcrypt ignores the rest
    BCRYPT_COST = 10,
};

// Trimmed, lower case, as the applications store it; NULL with err when it is no e-mail address.
static char *normal_email(const char *email, struct err *err)
{
    while (isspace((unsigned char)*email))
        email++;
    size_t len = strlen(email);
    while (len > 0 && isspace((unsigned char)email[len - 1]))
        len--;
    const char *at = memchr(email, '@', len);
    if (len > EMAIL_MAX || at == NULL || at == email || at + 1 == email + len) {
        err_set(err, ERR_INPUT, "'%.60s' is no e-mail address", email);
        return NULL;
    }
    char *normal = x_dupn(email, len);
    for (char *p = normal; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return normal;
}

static bool hash_password(const char *password, char out[CRYPT_OUTPUT_SIZE], struct err *err)
{
    size_t len = strlen(password);
    if (len < PASSWORD_MIN || len > PASSWORD_MAX)
        return err_set(err, ERR_INPUT, "a password has %d to %d bytes", PASSWORD_MIN, PASSWORD_MAX);
    char random[16], salt[CRYPT_GENSALT_OUTPUT_SIZE];
    crypto_random(random, sizeof(random));
    struct crypt_data *data = x_alloc(sizeof(*data));
    bool ok =
        crypt_gensalt_rn("$2b$", BCRYPT_COST, random, sizeof(random), salt, sizeof(salt)) != NULL &&
        crypt_rn(password, salt, data, sizeof(*data)) != NULL;
    if (ok)
        memcpy(out, data->output, CRYPT_OUTPUT_SIZE);
    explicit_bzero(data, sizeof(*data));
    free(data);
    return ok || err_set(err, ERR_INTERNAL, "libcrypt does not know bcrypt ($2b$)");
}

static bool insert_admin(struct db *db, const char *email, const char *hash, struct err *err)
{
    int64_t now = clock_wall_ms();
    bson_t *doc =
        BCON_NEW("email", BCON_UTF8(email), "password", BCON_UTF8(hash), "name", BCON_UTF8("Admin"),
                 "role", BCON_UTF8("admin"), "settings", "{", "theme", BCON_UTF8("light"),
                 "autoSave", BCON_BOOL(true), "autoSaveInterval", BCON_INT32(30), "}",
                 "emailVerified", BCON_BOOL(true), "isActive", BCON_BOOL(true), "createdAt",
                 BCON_DATE_TIME(now), "updatedAt", BCON_DATE_TIME(now));
    mongoc_collection_t *c = mongoc_database_get_collection(db->database, "users");
    bson_error_t error;
    bool ok = mongoc_collection_insert_one(c, doc, NULL, NULL, &error) ||
              store_error(err, &error, "users");
    mongoc_collection_destroy(c);
    bson_destroy(doc);
    return ok;
}

static bool find_by_email(struct db *db, const char *email, char ret_id[25], struct err *err)
{
    bson_t *doc;
    if (!document_find(db, "users", BCON_NEW("email", BCON_UTF8(email)), NULL, "users", &doc,
                       err)) {
        if (err != NULL && err->code == ERR_NOT_FOUND)
            err_set(err, ERR_NOT_FOUND, "no user has the e-mail address %.120s", email);
        return false;
    }
    bool ok = document_oid(doc, "_id", ret_id) ||
              err_set(err, ERR_INPUT, "the user %.120s has no ObjectId as _id", email);
    bson_destroy(doc);
    return ok;
}

bool setup_admin(struct db *db, const char *email, const char *password, bool *ret_created,
                 struct err *err)
{
    char *normal = normal_email(email, err);
    if (normal == NULL)
        return false;
    char id[25], hash[CRYPT_OUTPUT_SIZE];
    struct err why = {0};
    bool created = false, ok = find_by_email(db, normal, id, &why);
    if (!ok && why.code != ERR_NOT_FOUND) {
        err_set(err, why.code, "%s", why.text);
    } else if (!ok && hash_password(password, hash, err)) {
        ok = created = insert_admin(db, normal, hash, &why);
        if (!created && why.code == ERR_CONFLICT)
            ok = true; // another init was faster
        else if (!created)
            err_set(err, why.code, "%s", why.text);
    }
    free(normal);
    if (ok && ret_created != NULL)
        *ret_created = created;
    return ok;
}

static bool find_oldest_admin(struct db *db, char ret_id[25], struct err *err)
{
    bson_t *doc;
    bson_t *oldest = BCON_NEW("sort", "{", "createdAt", BCON_INT32(1), "_id", BCON_INT32(1), "}",
                              "limit", BCON_INT64(1));
    struct err why = {0};
    if (!document_find(db, "users", BCON_NEW("role", BCON_UTF8("admin")), oldest, "users", &doc,
                       &why)) {
        if (why.code == ERR_NOT_FOUND)
            return err_set(err, ERR_NOT_FOUND, "there is no admin user: run `hookmill init`");
        return err_set(err, why.code, "%s", why.text);
    }
    bool ok = document_oid(doc, "_id", ret_id) ||
              err_set(err, ERR_INPUT, "the oldest admin has no ObjectId as _id");
    bson_destroy(doc);
    return ok;
}

bool user_find(struct db *db, const char *email, char ret_id[25], struct err *err)
{
    if (email == NULL)
        return find_oldest_admin(db, ret_id, err);
    char *normal = normal_email(email, err);
    bool ok = normal != NULL && find_by_email(db, normal, ret_id, err);
    free(normal);
    return ok;
}

bool user_knowledge(struct db *db, const char *id, size_t max_bytes, char **ret_text,
                    struct err *err)
{
    *ret_text = NULL;
    if (id[0] == '\0')
        return true;
    bson_oid_t oid = document_oid_of(id);
    bson_t *doc, *opts = BCON_NEW("projection", "{", "globalAI.knowledgeBase", BCON_INT32(1), "}",
                                  "limit", BCON_INT64(1));
    struct err why = {0};
    if (!document_find(db, "users", BCON_NEW("_id", BCON_OID(&oid)), opts, "users", &doc, &why))
        return why.code == ERR_NOT_FOUND || err_set(err, why.code, "%s", why.text);
    const char *text = document_str(doc, "globalAI.knowledgeBase");
    if (text != NULL && *text != '\0')
        *ret_text = x_dupn(text, utf8_cut_bytes(text, strlen(text), max_bytes));
    bson_destroy(doc);
    return true;
}
