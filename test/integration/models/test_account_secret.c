// SPDX-License-Identifier: MIT
// An account's named secrets: unreadable at rest, bound to their name, bounded.
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "models/account_secret.h"

static void add(struct fixture *f, const char *id)
{
    struct account account = {
        .platform = PLATFORM_WHATSAPP, .account_id = (char *)id, .token = (char *)"t"};
    struct err err = {0};
    char oid[25];
    assert_ok(account_add(&f->db, &account, oid, &err), err);
}

static bool set(struct fixture *f, const char *id, const char *name, const char *value,
                struct err *err)
{
    return account_set_secret(&f->db, PLATFORM_WHATSAPP, id, name, value, err);
}

static struct account *load(struct fixture *f, const char *id)
{
    struct account *account = NULL;
    struct err err = {0};
    assert_ok(account_load(&f->db, PLATFORM_WHATSAPP, id, &account, &err), err);
    return account;
}

static void a_secret_is_unreadable_at_rest_and_comes_back(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    add(f, "sealed");
    assert_ok(set(f, "sealed", "CRM_key", "sk-first", &err), err);
    assert_ok(set(f, "sealed", "CRM_key", "sk-second", &err), err);
    assert_ok(set(f, "sealed", "A1", "zwei Zeilen\nmit \xc3\xa4", &err), err);

    bson_t *doc = fixture_one(f, "integrations", BCON_NEW("accountId", "sealed"));
    char *text = bson_as_relaxed_extended_json(doc, NULL);
    assert_null(strstr(text, "sk-"));
    assert_int_equal(strncmp(document_str(doc, "secrets.CRM_key"), "v1:k1:", 6), 0);
    bson_free(text);
    bson_destroy(doc);

    struct account *account = load(f, "sealed");
    assert_string_equal(account_find_secret(account, "CRM_key"), "sk-second");
    assert_string_equal(account_find_secret(account, "A1"), "zwei Zeilen\nmit \xc3\xa4");
    assert_null(account_find_secret(account, "crm_key"));
    account_free(account);
}

static void copy_seal(struct fixture *f, const char *id, const char *from, const char *to)
{
    bson_t *doc = fixture_one(f, "integrations", BCON_NEW("accountId", BCON_UTF8(id)));
    char *path = x_printf("secrets.%s", from), *target = x_printf("secrets.%s", to);
    struct err err = {0};
    assert_ok(
        document_update(&f->db, "integrations", BCON_NEW("accountId", BCON_UTF8(id)),
                        BCON_NEW("$set", "{", target, BCON_UTF8(document_str(doc, path)), "}"),
                        false, NULL, &err),
        err);
    free(path);
    free(target);
    bson_destroy(doc);
}

static void a_seal_opens_under_its_own_name_alone(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    add(f, "bound");
    assert_ok(set(f, "bound", "strong", "sk-strong", &err), err);
    copy_seal(f, "bound", "strong", "weak");
    struct account *account = load(f, "bound");
    assert_int_equal(account->secret_count, 2);
    assert_string_equal(account_find_secret(account, "strong"), "sk-strong");
    assert_null(account_find_secret(account, "weak"));
    account_free(account);
}

static void what_breaks_a_rule_is_refused_without_its_value(void **state)
{
    struct fixture *f = *state;
    add(f, "rules");
    char *long_name = x_calloc(SECRET_NAME_MAX + 2, 1), *large = x_calloc(SECRET_BYTES_MAX + 2, 1);
    memset(long_name, 'n', SECRET_NAME_MAX + 1);
    memset(large, 'v', SECRET_BYTES_MAX + 1);
    const struct {
        const char *name, *value;
    } cases[] = {{"", "sk-value"},        {"1a", "sk-value"}, {"a.b", "sk-value"},
                 {"$set", "sk-value"},    {"_a", "sk-value"}, {"a b", "sk-value"},
                 {long_name, "sk-value"}, {"good", ""},       {"good", large},
                 {"good", "sk-value\xff"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = {0};
        assert_false(set(f, "rules", cases[i].name, cases[i].value, &err));
        assert_int_equal(err.code, ERR_INPUT);
        assert_null(strstr(err.text, "sk-value"));
        assert_null(strstr(err.text, "vvv"));
    }
    struct err err = {0};
    long_name[SECRET_NAME_MAX] = large[SECRET_BYTES_MAX] = '\0';
    assert_ok(set(f, "rules", long_name, large, &err), err);
    struct account *account = load(f, "rules");
    assert_int_equal(account->secret_count, 1);
    assert_string_equal(account_find_secret(account, long_name), large);
    account_free(account);
    free(long_name);
    free(large);
}

static void an_account_has_fifty_secrets_at_most(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    add(f, "many");
    for (int i = 0; i < SECRETS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "S%d", i);
        assert_ok(set(f, "many", name, "v", &err), err);
    }
    assert_false(set(f, "many", "one_more", "v", &err));
    assert_int_equal(err.code, ERR_LIMIT);
    assert_ok(set(f, "many", "S7", "replaced", &err), err);
    assert_ok(account_remove_secret(&f->db, PLATFORM_WHATSAPP, "many", "S8", &err), err);
    assert_ok(set(f, "many", "one_more", "v", &err), err);
    assert_false(account_remove_secret(&f->db, PLATFORM_WHATSAPP, "many", "S8", &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void collect(void *arg, const char *name, bool readable)
{
    char *text = arg;
    snprintf(text + strlen(text), 64 - strlen(text), "%s%s ", name, readable ? "" : "?");
}

static void names_are_listed_also_when_the_key_is_gone(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    char names[64] = "";
    add(f, "listed");
    assert_ok(set(f, "listed", "b", "v", &err), err);
    assert_ok(set(f, "listed", "a", "v", &err), err);
    assert_ok(account_each_secret(&f->db, PLATFORM_WHATSAPP, "listed", collect, names, &err), err);
    assert_string_equal(names, "a b ");

    struct keyring other;
    assert_ok(keyring_parse("k9:ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff",
                            &other, &err),
              err);
    f->db.keyring = &other;
    names[0] = '\0';
    assert_ok(account_each_secret(&f->db, PLATFORM_WHATSAPP, "listed", collect, names, &err), err);
    assert_string_equal(names, "a? b? ");
    f->db.keyring = &f->ring;
    keyring_deinit(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_unreadable_at_rest_and_comes_back),
        cmocka_unit_test(a_seal_opens_under_its_own_name_alone),
        cmocka_unit_test(what_breaks_a_rule_is_refused_without_its_value),
        cmocka_unit_test(an_account_has_fifty_secrets_at_most),
        cmocka_unit_test(names_are_listed_also_when_the_key_is_gone),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
