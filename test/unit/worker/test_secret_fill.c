// SPDX-License-Identifier: MIT
// Secrets: put into requests in the form of their place, and taken out of answers.
#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"
#include "worker/secret_fill.h"

static struct account_secret secrets[] = {
    {"closed", NULL},
    {"key", (char *)"s3/cr\"t&+ü"},
    {"short", (char *)"abc"},
    {"url", (char *)"https://x.example/a?b=1"},
};
static const struct account account = {.secrets = secrets, .secret_count = 4};

static void each_place_has_its_form(void **state)
{
    static const struct {
        const char *text;
        enum secret_form form;
        const char *filled;
    } cases[] = {
        {"a", SECRET_PLAIN, "a"},
        {"", SECRET_PLAIN, ""},
        {"Bearer ~key~", SECRET_PLAIN, "Bearer s3/cr\"t&+ü"},
        {"~key~~key~ ~short~", SECRET_PLAIN, "s3/cr\"t&+üs3/cr\"t&+ü abc"},
        {"{\"k\":\"~key~\"}", SECRET_JSON, "{\"k\":\"s3/cr\\\"t&+ü\"}"},
        {"k=~key~&x=1", SECRET_FORM, "k=s3%2Fcr%22t%26%2B%C3%BC&x=1"},
        {"https://x/~key~?k=~key~", SECRET_URL,
         "https://x/s3/cr%22t%26%2B%C3%BC?k=s3%2Fcr%22t%26%2B%C3%BC"},
        {"~url~&c=~short~", SECRET_URL, "https://x.example/a?b=1&c=abc"},
        {"an open ~mark", SECRET_PLAIN, "an open ~mark"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct secrets_sent sent = {0};
        char *filled = secret_fill(&account, cases[i].text, "~", cases[i].form, &sent, NULL);
        assert_string_equal(filled, cases[i].filled);
        secret_free(filled);
        secrets_sent_deinit(&sent);
    }
}

static void without_a_mark_the_text_stays(void **state)
{
    struct secrets_sent sent = {0};
    char *filled = secret_fill(&account, "~key~", NULL, SECRET_PLAIN, &sent, NULL);
    assert_string_equal(filled, "~key~");
    assert_int_equal(sent.count, 0);
    secret_free(filled);
}

static void unknown_and_closed_secrets_are_named(void **state)
{
    static const char *const names[] = {"nobody", "closed", ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct secrets_sent sent = {0};
        struct err err = {0};
        char *text = x_printf("x ~key~ ~%s~", names[i]), *quoted = x_printf("'%s'", names[i]);
        assert_null(secret_fill(&account, text, "~", SECRET_PLAIN, &sent, &err));
        assert_int_equal(err.code, ERR_NOT_FOUND);
        assert_non_null(strstr(err.text, quoted));
        assert_null(strstr(err.text, "s3/cr"));
        free(text);
        free(quoted);
        secrets_sent_deinit(&sent);
    }
}

static void what_was_sent_is_hidden_in_every_form(void **state)
{
    struct secrets_sent sent = {0};
    static const enum secret_form forms[] = {SECRET_PLAIN, SECRET_FORM, SECRET_JSON};
    for (size_t i = 0; i < 3; i++)
        secret_free(secret_fill(&account, "~key~ ~short~", "~", forms[i], &sent, NULL));
    cJSON *tree = json_read(
        "{\"s3/cr\\\"t&+ü\":1,\"a\":[\"x s3/cr\\\"t&+ü s3/cr\\\"t&+ü\",\"s3%2Fcr%22t%26%2B%C3%BC\","
        "\"{\\\"k\\\":\\\"s3/cr\\\\\\\"t&+ü\\\"}\"],\"b\":\"abc\",\"c\":null}",
        sizeof "{\"s3/cr\\\"t&+ü\":1,\"a\":[\"x s3/cr\\\"t&+ü "
               "s3/cr\\\"t&+ü\",\"s3%2Fcr%22t%26%2B%C3%BC\","
               "\"{\\\"k\\\":\\\"s3/cr\\\\\\\"t&+ü\\\"}\"],\"b\":\"abc\",\"c\":null}" -
            1,
        NULL);
    assert_non_null(tree);
    secrets_hide(&sent, tree);
    char *text = json_print(tree);
    assert_string_equal(text,
                        "{\"***\":1,\"a\":[\"x *** ***\",\"***\",\"{\\\"k\\\":\\\"***\\\"}\"],"
                        "\"b\":\"abc\",\"c\":null}");
    free(text);
    cJSON_Delete(tree);
    text = secrets_hide_text(&sent, "cannot resolve s3/cr\"t&+ü");
    assert_string_equal(text, "cannot resolve ***");
    free(text);
    secrets_sent_deinit(&sent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_place_has_its_form),
        cmocka_unit_test(without_a_mark_the_text_stays),
        cmocka_unit_test(unknown_and_closed_secrets_are_named),
        cmocka_unit_test(what_was_sent_is_hidden_in_every_form),
    };
    return cmocka_run_group_tests_name("secret_fill", tests, NULL, NULL);
}
