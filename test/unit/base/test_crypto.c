// SPDX-License-Identifier: MIT
// Hashes against known vectors; secrets at rest: sealed, opened, tampered with, rotated.

#include "base/crypto.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "test/unit/cmocka_all.h"

#define KEY_A "a:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "b:ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct keyring ring(const char *text)
{
    struct keyring ring;
    struct err err;
    assert_true(keyring_parse(text, &ring, &err));
    return ring;
}

static void hmac_matches_a_known_vector(void **state)
{
    uint8_t mac[SHA256_LEN];
    char hex[2 * SHA256_LEN + 1];
    static const char body[] = "{\"object\":\"page\",\"entry\":[]}";
    crypto_hmac_sha256("vector-app-secret-01", 20, body, strlen(body), mac);
    hex_encode(mac, sizeof mac, hex);
    assert_string_equal(hex, "c3df17fb8c5eee581e6dc9c1307c3259e1b14b17054771a88c496c9e7aca73c7");
}

static void sha1_is_what_redis_names_scripts_by(void **state)
{
    uint8_t hash[SHA1_LEN];
    char hex[2 * SHA1_LEN + 1];
    crypto_sha1("return 1", 8, hash);
    hex_encode(hash, sizeof hash, hex);
    assert_string_equal(hex, "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
}

// The block of SHA-256 has 64 bytes; a longer key is hashed first.
static void hmac_takes_keys_of_every_length(void **state)
{
    static const struct {
        size_t key_len;
        const char *want;
    } cases[] = {
        {0, "76d9e7194e7dbc3aa00bbe8ffb9f6fcb5a932170f971f948bb2ab61607d2b9d6"},
        {1, "96be90616604b74898cd456b0f019825be346f395d7275881b51a82399cda671"},
        {4, "ebba0c3f005f735419cfdb28872bd82245e14cadb430535f8298fa5a717bc120"},
        {63, "4388e827e2d5c7cad74a7c39002f8b1ac20eeca969307dbed5d6c64560a02c3b"},
        {64, "63f12563e45dcef7c354a6ba71d0c713aa28eea869b5a199da814b225867f54c"},
        {65, "58b6aa8aff9a0a75db8f453becc657e29cdde625b22acf3febfb296484223f22"},
        {131, "ac392e02db84d07ccef2ec61fe41ed21f8176cf691c2cf82b98cf53270ce263e"},
    };
    static const char text[] = "what do ya want for nothing?";
    char key[131];
    memset(key, 'k', sizeof key);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t mac[SHA256_LEN];
        char hex[2 * SHA256_LEN + 1];
        crypto_hmac_sha256(key, cases[i].key_len, text, strlen(text), mac);
        hex_encode(mac, sizeof mac, hex);
        assert_string_equal(hex, cases[i].want);
    }
}

static void a_sealed_token_opens_only_for_its_own_document(void **state)
{
    struct keyring keys = ring(KEY_A);
    char *sealed = keyring_seal(&keys, "EAAG-token", "doc-1");
    assert_null(strstr(sealed, "EAAG"));
    struct err err = {0};
    char *plain = keyring_open(&keys, sealed, "doc-1", &err);
    assert_string_equal(plain, "EAAG-token");
    secret_free(plain);
    assert_null(keyring_open(&keys, sealed, "doc-2", &err));
    sealed[strlen(sealed) - 6] ^= 1;
    assert_null(keyring_open(&keys, sealed, "doc-1", &err));
    free(sealed);
    keyring_deinit(&keys);
}

static void an_old_key_still_opens_after_rotation(void **state)
{
    struct keyring before = ring(KEY_A), after = ring(KEY_B "," KEY_A);
    struct err err = {0};
    char *old = keyring_seal(&before, "secret", "x");
    char *fresh = keyring_seal(&after, "secret", "x");
    assert_memory_equal(fresh, "v1:b:", 5);
    char *plain = keyring_open(&after, old, "x", &err);
    assert_string_equal(plain, "secret");
    assert_null(keyring_open(&before, fresh, "x", &err));
    assert_non_null(strstr(err.text, "key 'b'"));
    secret_free(plain);
    free(old);
    free(fresh);
    keyring_deinit(&before);
    keyring_deinit(&after);
}

static void a_bad_keyring_says_what_is_wrong(void **state)
{
    static const char *const bad[] = {"", "nocolon", "id:tooshort", ":00", "sp ace:00"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct keyring keys;
        struct err err = {0};
        assert_false(keyring_parse(bad[i], &keys, &err));
        assert_int_equal(err.code, ERR_CONFIG);
    }
}

static void base64_and_hex_round_trip(void **state)
{
    uint8_t bytes[33];
    for (size_t len = 1; len < sizeof bytes; len++) {
        crypto_random(bytes, len);
        char *text = base64_encode(bytes, len);
        size_t back_len = 0;
        uint8_t *back = base64_decode(text, &back_len);
        assert_int_equal(back_len, len);
        assert_memory_equal(back, bytes, len);
        free(text);
        free(back);
        char hex[67];
        uint8_t out[33];
        hex_encode(bytes, len, hex);
        assert_true(hex_decode(hex, 2 * len, out, len));
        assert_memory_equal(out, bytes, len);
    }
    size_t len;
    assert_null(base64_decode("a", &len));
    assert_null(base64_decode("!!!!", &len));
    uint8_t out[2];
    assert_false(hex_decode("zz00", 4, out, 2));
}

static void derived_ids_depend_on_where_the_parts_end(void **state)
{
    char a[ID_OID_HEX], b[ID_OID_HEX], c[ID_OID_HEX];
    id_oid(a, "ab", "c", NULL);
    id_oid(b, "a", "bc", NULL);
    id_oid(c, "ab", "c", NULL);
    assert_string_not_equal(a, b);
    assert_string_equal(a, c);
    assert_int_equal(strlen(a), 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hmac_matches_a_known_vector),
        cmocka_unit_test(hmac_takes_keys_of_every_length),
        cmocka_unit_test(sha1_is_what_redis_names_scripts_by),
        cmocka_unit_test(a_sealed_token_opens_only_for_its_own_document),
        cmocka_unit_test(an_old_key_still_opens_after_rotation),
        cmocka_unit_test(a_bad_keyring_says_what_is_wrong),
        cmocka_unit_test(base64_and_hex_round_trip),
        cmocka_unit_test(derived_ids_depend_on_where_the_parts_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
