// SPDX-License-Identifier: MIT
// The signature of deliveries and the verification challenge: vectors and refusals.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "webhook/challenge.h"
#include "webhook/signature.h"

#define SECRET    "vector-app-secret-01"
#define EMPTY_MAC "79f7e4f516215489ed75804b9df7097f30895fff47b70d801ac82fa217039c68"

static const struct config_app app = {
    .name = (char *)"shop", .secret = (char *)SECRET, .verify_token = (char *)"s3cret+token"};

static enum signature check(const char *header, const char *body)
{
    return signature_check(&app, header, body, strlen(body));
}

static void known_vectors_are_good(void **state)
{
    static const char escaped[] =
        "{\"object\":\"page\",\"entry\":[{\"id\":\"108277665544332\",\"time\":1790416801234,"
        "\"messaging\":[{\"sender\":{\"id\":\"7012345678901234\"},\"recipient\":{\"id\":"
        "\"108277665544332\"},\"timestamp\":1790416800987,\"message\":{\"mid\":\"m_A1b2C3d4E5\","
        "\"text\":\"caf\\u00e9 \\ud83d\\ude00 a\\/b\"}}]}]}";
    static const struct {
        const char *secret, *body, *mac;
    } vectors[] = {
        {SECRET, "", EMPTY_MAC},
        {SECRET, "{\"object\":\"page\",\"entry\":[]}",
         "c3df17fb8c5eee581e6dc9c1307c3259e1b14b17054771a88c496c9e7aca73c7"},
        {SECRET, "{\"object\": \"page\", \"entry\": []}",
         "c50e11fa56be74b25feb5308f8b364c581ef3bfd8c705514711040d3b726ac8a"},
        {SECRET, "{\"object\":\"page\",\"entry\":[]}\n",
         "b05d2fce985bde8ad1d61bb59358a9acaa97153b5764362fe1ad2c9528f28019"},
        {"c0ffee00c0ffee00c0ffee00c0ffee00", escaped,
         "f2d9c3a47a6f8a49e0de12564b63e33b20f895b78cb57d11e19e213917e2332d"},
    };
    assert_int_equal(strlen(escaped), 257);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct config_app owner = {.secret = (char *)vectors[i].secret};
        char made[SIGNATURE_TEXT];
        signature_make(vectors[i].secret, vectors[i].body, strlen(vectors[i].body), made);
        assert_string_equal(made + 7, vectors[i].mac);
        assert_int_equal(signature_check(&owner, made, vectors[i].body, strlen(vectors[i].body)),
                         SIGNATURE_GOOD);
    }
}

static void every_flipped_digit_is_wrong(void **state)
{
    for (size_t i = 0; i < 64; i++) {
        char header[SIGNATURE_TEXT] = "sha256=" EMPTY_MAC;
        header[7 + i] = header[7 + i] == '0' ? '1' : '0';
        assert_int_equal(check(header, ""), SIGNATURE_WRONG);
    }
    assert_int_equal(check("sha256=" EMPTY_MAC, " "), SIGNATURE_WRONG);
}

static void other_forms_are_malformed(void **state)
{
    static const char *const headers[] = {
        "",
        "sha256=",
        EMPTY_MAC,
        "sha1=3cc23574a84f0e64a6d70fe7faec28eb9bef0756",
        "SHA256=" EMPTY_MAC,
        "sha256=" EMPTY_MAC "0",
        "sha256= 9f7e4f516215489ed75804b9df7097f30895fff47b70d801ac82fa217039c68",
        "sha256=9f7e4f516215489ed75804b9df7097f30895fff47b70d801ac82fa217039c68",
        "sha256=79F7E4F516215489ED75804B9DF7097F30895FFF47B70D801AC82FA217039C68",
        "sha256=g9f7e4f516215489ed75804b9df7097f30895fff47b70d801ac82fa217039c68",
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        assert_int_equal(check(headers[i], ""), SIGNATURE_MALFORMED);
    assert_int_equal(check(NULL, ""), SIGNATURE_MISSING);
}

static void both_secrets_are_accepted_while_one_is_rotated(void **state)
{
    struct config_app rotated = {.secret = (char *)"new", .previous_secret = (char *)SECRET};
    char with_new[SIGNATURE_TEXT];
    signature_make("new", "x", 1, with_new);
    char with_old[SIGNATURE_TEXT];
    signature_make(SECRET, "x", 1, with_old);
    assert_int_equal(signature_check(&rotated, with_new, "x", 1), SIGNATURE_GOOD);
    assert_int_equal(signature_check(&rotated, with_old, "x", 1), SIGNATURE_GOOD);
    rotated.previous_secret = NULL;
    assert_int_equal(signature_check(&rotated, with_old, "x", 1), SIGNATURE_WRONG);
}

static void an_empty_secret_signs_nothing(void **state)
{
    const struct config_app open = {.secret = (char *)"", .previous_secret = (char *)""};
    char header[SIGNATURE_TEXT];
    signature_make("", "x", 1, header);
    assert_int_equal(signature_check(&open, header, "x", 1), SIGNATURE_WRONG);
}

static void challenges_are_judged(void **state)
{
#define GOOD_TOKEN "hub.verify_token=s3cret%2Btoken"
#define MODE       "hub.mode=subscribe"
    static const struct {
        const char *query;
        int status;
        const char *challenge;
    } cases[] = {
        {MODE "&hub.challenge=1158201444&" GOOD_TOKEN, 200, "1158201444"},
        {GOOD_TOKEN "&other=1&" MODE "&hub.challenge=a%20b+c", 200, "a b c"},
        {MODE "&hub.challenge=%3Cb%3E%22%C3%A9&" GOOD_TOKEN, 200, "<b>\"\xc3\xa9"},
        {MODE "&hub.challenge=1&hub.verify_token=s3cret+token", 403, NULL}, // a blank, not a plus
        {MODE "&hub.challenge=1&hub.verify_token=", 403, NULL},
        {MODE "&hub.challenge=1&hub.verify_token=s3cret%2Btoken1", 403, NULL},
        {"hub.challenge=1&" GOOD_TOKEN, 400, NULL},
        {"hub.mode=unsubscribe&hub.challenge=1&" GOOD_TOKEN, 400, NULL},
        {"hub_mode=subscribe&hub.challenge=1&" GOOD_TOKEN, 400, NULL},
        {MODE "&" GOOD_TOKEN, 400, NULL},
        {MODE "&hub.challenge=&" GOOD_TOKEN, 400, NULL},
        {MODE "&hub.challenge=1", 400, NULL},
        {MODE "&hub.challenge=1&hub.challenge=2&" GOOD_TOKEN, 400, NULL},
        {MODE "&hub.challenge=a%00b&" GOOD_TOKEN, 400, NULL},
        {MODE "&hub.challenge=a%0d%0aSet-Cookie:x&" GOOD_TOKEN, 400, NULL},
        {MODE "&hub.challenge=a%7f&" GOOD_TOKEN, 400, NULL},
        {MODE "&hub.challenge=%ff&" GOOD_TOKEN, 400, NULL},
        {MODE "&hub.challenge=%2&" GOOD_TOKEN, 400, NULL},
        {MODE "&hub.challenge=1%&" GOOD_TOKEN, 400, NULL},
        {MODE "&hub.challenge=%zz&" GOOD_TOKEN, 400, NULL},
        {"", 400, NULL},
        {NULL, 400, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char challenge[CHALLENGE_MAX + 1] = "untouched";
        int status = challenge_check(cases[i].query, app.verify_token, challenge);
        if (status != cases[i].status)
            fail_msg("%s: %d", cases[i].query ? cases[i].query : "(none)", status);
        assert_string_equal(challenge, cases[i].challenge ? cases[i].challenge : "untouched");
    }
}

static void challenges_have_a_bound(void **state)
{
    char query[1024], challenge[CHALLENGE_MAX + 1];
    for (int len = CHALLENGE_MAX; len <= CHALLENGE_MAX + 1; len++) {
        int n = snprintf(query, sizeof query, "%s", MODE "&" GOOD_TOKEN "&hub.challenge=");
        memset(query + n, '7', (size_t)len);
        query[n + len] = '\0';
        assert_int_equal(challenge_check(query, app.verify_token, challenge),
                         len <= CHALLENGE_MAX ? 200 : 400);
    }
    assert_int_equal(strlen(challenge), CHALLENGE_MAX);
}

static void an_app_without_a_token_verifies_nothing(void **state)
{
    char challenge[CHALLENGE_MAX + 1];
    assert_int_equal(challenge_check(MODE "&hub.challenge=1&hub.verify_token=", "", challenge),
                     403);
    assert_int_equal(challenge_check(MODE "&hub.challenge=1&hub.verify_token=", NULL, challenge),
                     403);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_vectors_are_good),
        cmocka_unit_test(every_flipped_digit_is_wrong),
        cmocka_unit_test(other_forms_are_malformed),
        cmocka_unit_test(both_secrets_are_accepted_while_one_is_rotated),
        cmocka_unit_test(an_empty_secret_signs_nothing),
        cmocka_unit_test(challenges_are_judged),
        cmocka_unit_test(challenges_have_a_bound),
        cmocka_unit_test(an_app_without_a_token_verifies_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
