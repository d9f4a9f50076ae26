// SPDX-License-Identifier: MIT
// Accounts: tokens at rest, key rotation, flows, and documents of other applications.
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "models/account.h"

static const char FLOW_A[] = "aaaaaaaaaaaaaaaaaaaaaaaa", FLOW_B[] = "bbbbbbbbbbbbbbbbbbbbbbbb";

static void add(struct fixture *f, enum platform platform, const char *id, const char *token)
{
    struct account account = {
        .platform = platform, .account_id = (char *)id, .token = (char *)token};
    struct err err = {0};
    char oid[25];
    assert_ok(account_add(&f->db, &account, oid, &err), err);
}

static struct account *load(struct fixture *f, enum platform platform, const char *id)
{
    struct account *account = NULL;
    struct err err = {0};
    assert_ok(account_load(&f->db, platform, id, &account, &err), err);
    return account;
}

static void a_token_is_unreadable_at_rest_and_comes_back(void **state)
{
    struct fixture *f = *state;
    add(f, PLATFORM_WHATSAPP, "109900", "EAAG-secret");
    bson_t *doc = fixture_one(f, "integrations", BCON_NEW("accountId", "109900"));
    char *text = bson_as_relaxed_extended_json(doc, NULL);
    assert_null(strstr(text, "EAAG-secret"));
    assert_int_equal(strncmp(document_str(doc, "credentials.accessToken"), "v1:k1:", 6), 0);
    assert_string_equal(document_str(doc, "credentials.phoneNumberId"), "109900");
    assert_string_equal(document_str(doc, "platform"), "whatsapp");
    assert_true(document_has(doc, "userId"));
    bson_free(text);
    bson_destroy(doc);

    struct account *account = load(f, PLATFORM_WHATSAPP, "109900");
    assert_string_equal(account->token, "EAAG-secret");
    assert_string_equal(account->status, "connected");
    assert_string_equal(account->ambiguous, "resend");
    assert_int_equal(strlen(account->user_id), 24);
    account_free(account);
}

static void keys_rotate(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    struct keyring both, fresh;
    assert_ok(keyring_parse("k2:ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff,"
                            "k1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                            &both, &err),
              err);
    assert_ok(keyring_parse("k2:ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff",
                            &fresh, &err),
              err);
    add(f, PLATFORM_MESSENGER, "page-rotate", "old-token");

    f->db.keyring = &both;
    struct account *account = load(f, PLATFORM_MESSENGER, "page-rotate");
    assert_string_equal(account->token, "old-token");
    account_free(account);
    assert_ok(account_set_token(&f->db, PLATFORM_MESSENGER, "page-rotate", "new-token", &err), err);

    f->db.keyring = &fresh;
    account = load(f, PLATFORM_MESSENGER, "page-rotate");
    assert_string_equal(account->token, "new-token");
    account_free(account);

    f->db.keyring = &f->ring; // k1 alone cannot open what k2 sealed
    assert_false(account_load(&f->db, PLATFORM_MESSENGER, "page-rotate", &account, &err));
    assert_null(strstr(err.text, "new-token"));
    keyring_deinit(&both);
    keyring_deinit(&fresh);
}

static void an_account_cannot_be_added_twice(void **state)
{
    struct fixture *f = *state;
    add(f, PLATFORM_INSTAGRAM, "17841400", "t");
    struct account again = {
        .platform = PLATFORM_INSTAGRAM, .account_id = (char *)"17841400", .token = (char *)"u"};
    struct err err = {0};
    char id[25];
    assert_false(account_add(&f->db, &again, id, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    again.platform = PLATFORM_MESSENGER; // the same digits on another platform are another account
    assert_ok(account_add(&f->db, &again, id, &err), err);
}

static void a_wrong_account_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct account cases[] = {
        {.account_id = (char *)"", .token = (char *)"t"},
        {.account_id = (char *)"1", .token = (char *)""},
        {.account_id = (char *)"1", .token = (char *)"two words"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = {0};
        char id[25];
        assert_false(account_add(&f->db, &cases[i], id, &err));
        assert_int_equal(err.code, ERR_INPUT);
    }
    struct err err = {0};
    struct account *account;
    assert_false(account_load(&f->db, PLATFORM_WHATSAPP, "nobody", &account, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "hookmill account add"));
}

static void enabling_puts_a_flow_first_and_disabling_takes_it_out(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    add(f, PLATFORM_MESSENGER, "page-flows", "t");
    const char *const steps[] = {FLOW_A, FLOW_B, FLOW_A, FLOW_A};
    for (size_t i = 0; i < 4; i++)
        assert_ok(account_enable_flow(&f->db, PLATFORM_MESSENGER, "page-flows", steps[i], &err),
                  err);
    struct account *account = load(f, PLATFORM_MESSENGER, "page-flows");
    assert_int_equal(account->flow_count, 2);
    assert_string_equal(account->flows[0], FLOW_A);
    assert_string_equal(account->flows[1], FLOW_B);
    account_free(account);

    for (size_t i = 0; i < 2; i++)
        assert_ok(account_disable_flow(&f->db, PLATFORM_MESSENGER, "page-flows", FLOW_A, &err),
                  err);
    account = load(f, PLATFORM_MESSENGER, "page-flows");
    assert_int_equal(account->flow_count, 1);
    assert_string_equal(account->flows[0], FLOW_B);
    account_free(account);
    assert_false(account_enable_flow(&f->db, PLATFORM_MESSENGER, "page-flows", "no-id", &err));
    assert_int_equal(err.code, ERR_INPUT);
}

static void a_status_is_kept_with_its_reason(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    add(f, PLATFORM_MESSENGER, "page-status", "t");
    assert_ok(account_set_status(&f->db, PLATFORM_MESSENGER, "page-status", "error",
                                 "token expired", &err),
              err);
    bson_t *doc = fixture_one(f, "integrations", BCON_NEW("accountId", "page-status"));
    assert_string_equal(document_str(doc, "status"), "error");
    assert_string_equal(document_str(doc, "errorLog.0.error"), "token expired");
    assert_false(document_bool(doc, "errorLog.0.resolved", true));
    bson_destroy(doc);
}

static void insert(struct fixture *f, const char *collection, bson_t *owned_doc)
{
    mongoc_collection_t *c = mongoc_database_get_collection(f->db.database, collection);
    bson_error_t error;
    if (!mongoc_collection_insert_one(c, owned_doc, NULL, NULL, &error))
        fail_msg("%s", error.message);
    mongoc_collection_destroy(c);
    bson_destroy(owned_doc);
}

static void documents_of_other_applications_are_accounts(void **state)
{
    struct fixture *f = *state;
    insert(f, "integrations",
           BCON_NEW("platform", "facebook", "status", "connected", "credentials", "{", "pageId",
                    "sales-page", "pageAccessToken", "plain-1", "}", "platformData", "{",
                    "pageName", "Sales", "}"));
    insert(f, "platformIntegrations",
           BCON_NEW("platform", "whatsapp", "isConnected", BCON_BOOL(true), "status", "active",
                    "credentials", "{", "accessToken", "plain-2", "}", "platformData", "{",
                    "phoneNumberId", "ai-phone", "}"));
    insert(f, "platformIntegrations",
           BCON_NEW("platform", "google_ads", "platformData", "{", "accountId",
                    "no-account-of-meta", "}"));
    insert(f, "instagramusers",
           BCON_NEW("instagramUserId", "ic-user", "username", "john_ig", "accessToken", "plain-3",
                    "isActive", BCON_BOOL(false)));

    struct account *account = load(f, PLATFORM_MESSENGER, "sales-page");
    assert_string_equal(account->token, "plain-1");
    assert_string_equal(account->name, "Sales");
    account_free(account);
    account = load(f, PLATFORM_WHATSAPP, "ai-phone");
    assert_string_equal(account->token, "plain-2");
    assert_string_equal(account->status, "connected");
    account_free(account);
    account = load(f, PLATFORM_INSTAGRAM, "ic-user");
    assert_string_equal(account->token, "plain-3");
    assert_string_equal(account->status, "disconnected");
    assert_string_equal(account->login, "instagram");
    account_free(account);

    struct err err = {0};
    assert_ok(account_enable_flow(&f->db, PLATFORM_INSTAGRAM, "ic-user", FLOW_A, &err), err);
    account = load(f, PLATFORM_INSTAGRAM, "ic-user");
    assert_int_equal(account->flow_count, 1);
    account_free(account);
    assert_false(account_set_token(&f->db, PLATFORM_INSTAGRAM, "ic-user", "t", &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    // Sales-os's own token may be replaced: it is then sealed.
    assert_ok(account_set_token(&f->db, PLATFORM_MESSENGER, "sales-page", "sealed-now", &err), err);
    account = load(f, PLATFORM_MESSENGER, "sales-page");
    assert_string_equal(account->token, "sealed-now");
    account_free(account);
}

struct seen {
    unsigned count;
    char last[64];
    bool sorted, with_token, foreign;
};

static void an_account_s_own_budgets_are_read(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    add(f, PLATFORM_MESSENGER, "page-budgets", "t");
    bson_t *update =
        BCON_NEW("$set", "{", "settings.budgets", "{", "contactSendsPerDay", BCON_INT32(50),
                 "contactApiCallsPerDay", BCON_DOUBLE(7.0), "contactTokensPerDay", BCON_INT64(0),
                 "sendsPerHour", BCON_INT32(-5), "tokensPerHour", BCON_UTF8("many"), "}", "}");
    assert_ok(document_update(&f->db, "integrations",
                              BCON_NEW("accountId", BCON_UTF8("page-budgets")), update, false, NULL,
                              &err),
              err);
    struct account *account = load(f, PLATFORM_MESSENGER, "page-budgets");
    const struct account_budgets *budgets = &account->budgets;
    assert_int_equal(budgets->contact_sends_per_day, 50);
    assert_int_equal(budgets->contact_calls_per_day, 7);
    assert_int_equal(budgets->contact_tokens_per_day, 0);
    assert_true(budgets->sends_per_hour == -1); // none that make sense
    assert_true(budgets->tokens_per_hour == -1);
    assert_true(budgets->calls_per_hour == -1);
    account_free(account);
}

static void see(void *arg, const struct account *account)
{
    struct seen *seen = arg;
    char key[64];
    snprintf(key, sizeof(key), "%d:%s", (int)account->platform, account->account_id);
    seen->sorted = seen->sorted && strcmp(seen->last, key) < 0;
    memcpy(seen->last, key, sizeof(key));
    seen->with_token = seen->with_token || account->token != NULL;
    seen->foreign = seen->foreign || strcmp(account->account_id, "no-account-of-meta") == 0;
    seen->count++;
}

static void listing_is_sorted_and_has_no_tokens(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {.sorted = true};
    struct err err = {0};
    assert_ok(account_each(&f->db, see, &seen, &err), err);
    assert_int_equal(seen.count, 10); // what the tests above added
    assert_true(seen.sorted);
    assert_false(seen.with_token);
    assert_false(seen.foreign);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_unreadable_at_rest_and_comes_back),
        cmocka_unit_test(keys_rotate),
        cmocka_unit_test(an_account_cannot_be_added_twice),
        cmocka_unit_test(a_wrong_account_is_refused),
        cmocka_unit_test(enabling_puts_a_flow_first_and_disabling_takes_it_out),
        cmocka_unit_test(a_status_is_kept_with_its_reason),
        cmocka_unit_test(documents_of_other_applications_are_accounts),
        cmocka_unit_test(an_account_s_own_budgets_are_read),
        cmocka_unit_test(listing_is_sorted_and_has_no_tokens),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
