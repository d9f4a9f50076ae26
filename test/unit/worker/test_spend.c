// SPDX-License-Identifier: MIT
// What an activation's effects cost its budgets: once each, tokens by what was used.
#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "worker/activation.h"

#define STR(text) ((char *)(text))

static struct account account;
static struct config config;
static struct worker worker;
static struct known known;
static struct activation a;

static int setup(void **state)
{
    config = (struct config){.worker_budget_contact_sends = 200,
                             .worker_budget_contact_tokens = 9000,
                             .worker_budget_sends = 1000,
                             .worker_budget_tokens = 90000};
    account = (struct account){.budgets = {-1, -1, -1, -1, -1, -1}};
    known = (struct known){.account = &account};
    worker = (struct worker){.config = &config};
    a = (struct activation){.worker = &worker, .account = &known, .chat = STR("whatsapp:1:2")};
    return 0;
}

static void begin(enum effect_kind kind, int max_tokens)
{
    a.attempt = (struct attempt){
        .key = STR("hm:s:1"), .effect = {.kind = kind, .node = STR("n"), .max_tokens = max_tokens}};
    spend_attempt(&a);
}

static void result(const char *json)
{
    cJSON *tree = json_read(json, strlen(json), NULL);
    spend_result(&a, tree);
    cJSON_Delete(tree);
}

static void limits_are_the_account_s_own_else_those_that_are_configured(void **state)
{
    account.budgets.contact_sends_per_day = 0; // any number
    begin(EFFECT_SEND, 0);
    assert_true(a.spend.leaves && !a.spend.counted);
    assert_int_equal(a.spend.kind, QUEUE_SENDS);
    assert_int_equal(a.spend.per_day, 0);
    assert_int_equal(a.spend.per_hour, 1000);
    account.budgets.tokens_per_hour = 7;
    begin(EFFECT_AI, 300);
    assert_int_equal(a.spend.per_day, 9000);
    assert_int_equal(a.spend.per_hour, 7);
    assert_int_equal(a.spend.reserve, 300);
}

static void what_changes_records_alone_is_free(void **state)
{
    begin(EFFECT_UPDATE, 0);
    assert_false(a.spend.leaves);
    assert_false(a.attempt.counted);
}

static void a_message_that_is_tried_again_is_counted_once(void **state)
{
    begin(EFFECT_SEND, 0);
    spend_stored(&a);
    spend_result(&a, NULL); // it has to be tried again …
    char *text = attempt_to_json(&a.attempt);
    struct attempt copy; // … by whoever holds the chat then
    assert_true(attempt_from_json(text, &copy));
    a.attempt = copy;
    spend_attempt(&a);
    assert_true(a.spend.leaves && a.spend.counted);
    attempt_deinit(&copy);
    free(text);
}

static void a_refused_attempt_is_not_counted_and_its_records_are_told_again(void **state)
{
    a.journaled_before = 3;
    a.history.journaled = 5;
    begin(EFFECT_AI, 300);
    assert_true(a.attempt.counted); // as it would be recorded
    assert_int_equal(a.attempt.reserved, 300);
    spend_refused(&a);
    assert_false(a.attempt.counted);
    assert_int_equal(a.attempt.reserved, 0);
    assert_int_equal(a.history.journaled, 3);

    // A further try of what was counted, refused by a pause, stays counted.
    a.attempt.counted = true;
    spend_attempt(&a);
    spend_refused(&a);
    assert_true(a.attempt.counted);
}

static void tokens_are_told_with_the_next_call_until_it_is_stored(void **state)
{
    begin(EFFECT_AI, 300);
    spend_stored(&a);
    result("{\"ok\":true,\"value\":{\"text\":\"x\",\"tokens\":450}}");
    begin(EFFECT_AI, 200);
    assert_int_equal(a.spend.tokens, 450);
    assert_int_equal(a.spend.unreserve, 300);
    spend_refused(&a);
    spend_none(&a);
    assert_false(a.spend.leaves);
    assert_int_equal(a.spend.tokens, 450); // the refused call did not tell them
    spend_stored(&a);
    assert_int_equal(a.spend.tokens, 0);
    assert_int_equal(a.spend.unreserve, 0);
}

static void a_completion_that_failed_gives_back_what_was_reserved_and_asks_anew(void **state)
{
    begin(EFFECT_AI, 300);
    spend_stored(&a);
    spend_result(&a, NULL);
    assert_int_equal(a.spend.unreserve, 300);
    assert_int_equal(a.spend.tokens, 0);
    assert_false(a.attempt.counted);
    spend_none(&a);
    spend_stored(&a);
    spend_attempt(&a);
    assert_false(a.spend.counted);
    assert_int_equal(a.spend.reserve, 300);
}

static void a_refusal_says_which_budget_it_was(void **state)
{
    static const struct {
        struct queue_refusal refusal;
        enum effect_kind kind;
        const char *want;
    } cases[] = {
        {{.why = QUEUE_STOP_PAUSED}, EFFECT_HTTP, "the account is paused"},
        {{.why = QUEUE_STOP_CONTACT, .limit = 200},
         EFFECT_SEND,
         "the contact's budget of 200 sends per day is used up"},
        {{.why = QUEUE_STOP_ACCOUNT, .limit = 9},
         EFFECT_HTTP,
         "the account's budget of 9 API calls per hour is used up"},
        {{.why = QUEUE_STOP_RATE, .limit = 5},
         EFFECT_SEND,
         "the account is throttled to 5 sends per second"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin(cases[i].kind, 0);
        a.refusal = cases[i].refusal;
        char *text = spend_refusal_text(&a);
        assert_string_equal(text, cases[i].want);
        free(text);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(limits_are_the_account_s_own_else_those_that_are_configured),
        TEST(what_changes_records_alone_is_free),
        TEST(a_message_that_is_tried_again_is_counted_once),
        TEST(a_refused_attempt_is_not_counted_and_its_records_are_told_again),
        TEST(tokens_are_told_with_the_next_call_until_it_is_stored),
        TEST(a_completion_that_failed_gives_back_what_was_reserved_and_asks_anew),
        TEST(a_refusal_says_which_budget_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
