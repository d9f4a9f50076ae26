// SPDX-License-Identifier: MIT
// `hookmill init`: indexes and the first admin, twice.
#include "fixture.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "models/setup.h"

struct lines {
    unsigned created, exists, skipped;
    char *first_created;
};

static void count_line(void *arg, const char *line)
{
    struct lines *lines = arg;
    if (strncmp(line, "created index ", 14) == 0) {
        lines->created++;
        if (lines->first_created == NULL)
            lines->first_created = x_dup(line);
    } else if (strncmp(line, "exists index ", 13) == 0) {
        lines->exists++;
    } else if (strncmp(line, "skipped index ", 14) == 0 && strstr(line, ": ") != NULL) {
        lines->skipped++;
    } else {
        fail_msg("unexpected line: %s", line);
    }
}

static void drop_everything(struct fixture *f)
{
    bson_error_t error;
    assert_true(mongoc_database_drop(f->db.database, &error));
}

static void a_second_init_creates_nothing(void **state)
{
    struct fixture *f = *state;
    struct lines first = {0}, second = {0};
    struct err err = {0};
    drop_everything(f);
    assert_ok(setup_indexes(&f->db, count_line, &first, &err), err);
    assert_ok(setup_indexes(&f->db, count_line, &second, &err), err);
    assert_true(first.created > 60);
    assert_int_equal(first.exists, 0);
    assert_string_equal(first.first_created, "created index users.email_1");
    assert_int_equal(second.created, 0);
    assert_int_equal(second.exists, first.created);
    assert_int_equal(second.skipped, first.skipped);
    free(first.first_created);
}

static bool insert(struct fixture *f, const char *collection, bson_t *owned_doc)
{
    mongoc_collection_t *c = mongoc_database_get_collection(f->db.database, collection);
    bool ok = mongoc_collection_insert_one(c, owned_doc, NULL, NULL, NULL);
    mongoc_collection_destroy(c);
    bson_destroy(owned_doc);
    return ok;
}

static void indexes_forbid_only_what_they_should(void **state)
{
    struct fixture *f = *state;
    bson_oid_t user;
    bson_oid_init(&user, NULL);
    // Two active flows of one user, two users without a user name, two integrations of one user.
    assert_true(insert(f, "flows", BCON_NEW("userId", BCON_OID(&user), "status", "active")));
    assert_true(insert(f, "flows", BCON_NEW("userId", BCON_OID(&user), "status", "active")));
    assert_true(insert(f, "users", BCON_NEW("email", "one@example.com")));
    assert_true(insert(f, "users", BCON_NEW("email", "two@example.com")));
    assert_true(insert(f, "users", BCON_NEW("username", "three")));
    assert_true(insert(f, "integrations", BCON_NEW("platform", "facebook", "accountId", "1")));
    assert_true(insert(f, "integrations", BCON_NEW("platform", "instagram", "accountId", "1")));
    assert_true(
        insert(f, "integrations", BCON_NEW("platform", "facebook", "userId", BCON_OID(&user))));
    assert_true(
        insert(f, "integrations", BCON_NEW("platform", "facebook", "userId", BCON_OID(&user))));
    // The same again of what is unique.
    assert_false(insert(f, "users", BCON_NEW("email", "one@example.com")));
    assert_false(insert(f, "users", BCON_NEW("username", "three")));
    assert_false(insert(f, "integrations", BCON_NEW("platform", "facebook", "accountId", "1")));
}

static void the_admin_is_created_once_with_a_bcrypt_password(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    bool created = false;
    char id[25], first[25];
    assert_ok(setup_admin(&f->db, " Boss@Example.com ", "correct horse", &created, &err), err);
    assert_true(created);
    assert_ok(setup_admin(&f->db, "boss@example.com", "another one", &created, &err), err);
    assert_false(created);
    assert_ok(user_find(&f->db, "BOSS@example.com", id, &err), err);
    assert_ok(user_find(&f->db, NULL, first, &err), err);
    assert_string_equal(id, first);

    bson_t *user = fixture_one(f, "users", BCON_NEW("email", "boss@example.com"));
    const char *hash = document_str(user, "password");
    assert_int_equal(strncmp(hash, "$2b$10$", 7), 0);
    struct crypt_data *data = calloc(1, sizeof(*data));
    assert_string_equal(crypt_rn("correct horse", hash, data, sizeof(*data)), hash);
    free(data);
    bson_destroy(user);
}

static void a_wrong_admin_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *email, *password;
    } cases[] = {
        {"nobody", "long enough"}, {"@x", "long enough"}, {"short@example.com", "seven77"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = {0};
        assert_false(setup_admin(&f->db, cases[i].email, cases[i].password, NULL, &err));
        assert_int_equal(err.code, ERR_INPUT);
        assert_null(strstr(err.text, cases[i].password));
    }
    struct err err = {0};
    char id[25];
    assert_false(user_find(&f->db, "stranger@example.com", id, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_init_creates_nothing),
        cmocka_unit_test(indexes_forbid_only_what_they_should),
        cmocka_unit_test(the_admin_is_created_once_with_a_bcrypt_password),
        cmocka_unit_test(a_wrong_admin_is_refused),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
