// SPDX-License-Identifier: MIT
#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/callback_token.h"

#define KEY_A "a:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "b:202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"

static struct callback_keys keys_of(const char *text)
{
    struct keyring ring;
    struct callback_keys keys;
    struct err err = {0};
    assert_true(keyring_parse(text, &ring, &err));
    callback_keys_init(&keys, &ring);
    keyring_deinit(&ring);
    return keys;
}

static const struct callback_address address = {
    .platform = PLATFORM_WHATSAPP,
    .day = 20412,
    .session = "5f0c0a52-5d2a-4ad8-9b3f-1b2f0e6c2c11",
    .account = (char *)"106540352242922",
    .contact = (char *)"595981123456",
    .name = (char *)"wait for payment é",
};

static void token_names_its_chat_session_and_node(void **state)
{
    struct callback_keys keys = keys_of(KEY_A);
    char *token = callback_token_make(&keys, &address);
    assert_int_equal(strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                   "-_"),
                     strlen(token));
    struct callback_address read;
    assert_true(callback_token_read(&keys, token, &read));
    assert_int_equal(read.platform, PLATFORM_WHATSAPP);
    assert_int_equal(read.day, 20412);
    assert_string_equal(read.session, address.session);
    assert_string_equal(read.account, address.account);
    assert_string_equal(read.contact, address.contact);
    assert_string_equal(read.name, address.name);
    char *again = callback_token_make(&keys, &address);
    assert_string_equal(again, token); // the same whenever the run is replayed
    free(again);
    free(token);
    callback_address_deinit(&read);
    callback_keys_deinit(&keys);
}

static void changed_or_cut_token_is_nobodys(void **state)
{
    struct callback_keys keys = keys_of(KEY_A);
    char *token = callback_token_make(&keys, &address);
    size_t len = strlen(token);
    struct callback_address read;
    for (size_t i = 0; i + 1 < len; i++) { // of the last one, two bits count for nothing
        char was = token[i];
        token[i] = was == 'A' ? 'B' : 'A';
        assert_false(callback_token_read(&keys, token, &read));
        token[i] = was;
    }
    for (size_t cut = 1; cut <= len; cut++) {
        token[len - cut] = '\0';
        assert_false(callback_token_read(&keys, token, &read));
    }
    free(token);
    callback_keys_deinit(&keys);
}

static void nonsense_is_nobodys(void **state)
{
    static const char *const texts[] = {
        "", "x", "=", "====", "AAAA", "../../etc/passwd", "a b", "\xc3\xa9", "+/+/", "-_-_"};
    struct callback_keys keys = keys_of(KEY_A), none = {0};
    struct callback_address read;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(callback_token_read(&keys, texts[i], &read));
    char *large = x_alloc(100001);
    memset(large, 'A', 100000);
    assert_false(callback_token_read(&keys, large, &read));
    large[CALLBACK_TOKEN_MAX] = '\0';
    assert_false(callback_token_read(&keys, large, &read));
    free(large);
    char *token = callback_token_make(&keys, &address);
    assert_false(callback_token_read(&none, token, &read));
    assert_null(callback_token_make(&none, &address));
    free(token);
    callback_keys_deinit(&keys);
}

static void key_in_front_signs_and_older_ones_are_believed(void **state)
{
    struct callback_keys before = keys_of(KEY_A), after = keys_of(KEY_B "," KEY_A),
                         later = keys_of(KEY_B);
    char *old = callback_token_make(&before, &address),
         *new = callback_token_make(&after, &address);
    struct callback_address read;
    assert_true(callback_token_read(&after, old, &read));
    callback_address_deinit(&read);
    assert_true(callback_token_read(&later, new, &read));
    callback_address_deinit(&read);
    assert_false(callback_token_read(&later, old, &read));
    assert_false(callback_token_read(&before, new, &read));
    free(old);
    free(new);
    callback_keys_deinit(&before);
    callback_keys_deinit(&after);
    callback_keys_deinit(&later);
}

static void what_does_not_fit_gets_no_token(void **state)
{
    struct callback_keys keys = keys_of(KEY_A);
    struct callback_address bad = address;
    char name[257];
    memset(name, 'n', 256);
    name[256] = '\0';
    bad.name = name;
    assert_null(callback_token_make(&keys, &bad));
    name[255] = '\0';
    char *token = callback_token_make(&keys, &bad);
    struct callback_address read;
    assert_true(callback_token_read(&keys, token, &read));
    assert_string_equal(read.name, name);
    callback_address_deinit(&read);
    free(token);
    bad.name = (char *)"";
    assert_null(callback_token_make(&keys, &bad));
    bad = address;
    bad.contact = NULL;
    assert_null(callback_token_make(&keys, &bad));
    bad = address;
    strcpy(bad.session, "no session");
    assert_null(callback_token_make(&keys, &bad));
    callback_keys_deinit(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_names_its_chat_session_and_node),
        cmocka_unit_test(changed_or_cut_token_is_nobodys),
        cmocka_unit_test(nonsense_is_nobodys),
        cmocka_unit_test(key_in_front_signs_and_older_ones_are_believed),
        cmocka_unit_test(what_does_not_fit_gets_no_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
