// SPDX-License-Identifier: MIT
// The event's JSON form loses nothing; its identity is the same in every redelivery; keys split as
// they were made.

#include "base/event.h"

#include <stdlib.h>
#include <string.h>

#include "test/unit/cmocka_all.h"

static void round_trip(const char *json)
{
    struct event event;
    struct err err = {0};
    if (!event_from_json(json, strlen(json), &event, &err))
        fail_msg("%s: %s", json, err.text);
    char *again = event_to_json(&event);
    assert_string_equal(again, json);
    free(again);
    event_deinit(&event);
}

static void the_json_form_loses_nothing(void **state)
{
    round_trip(
        "{\"platform\":\"whatsapp\",\"kind\":\"message\",\"type\":\"text\",\"account\":\"1\","
        "\"contact\":"
        "\"595\",\"aliases\":[\"595\",\"PY.1\"],\"name\":\"Ana\",\"id\":\"wamid.1\",\"timestamp\":"
        "1790416800000,\"text\":\"a "
        "\\\"b\\\"\\n\\u0001c\",\"payload\":null,\"reply_to\":\"wamid.0\"}");
    round_trip("{\"platform\":\"messenger\",\"kind\":\"echo\",\"account\":\"1\",\"contact\":\"7\","
               "\"aliases\":[\"7\"],"
               "\"id\":\"m_1\",\"timestamp\":1,\"text\":\"x\",\"callback_data\":\"s:1\",\"app_id\":"
               "\"15\"}");
    round_trip(
        "{\"platform\":\"instagram\",\"kind\":\"comment\",\"type\":\"comments\",\"account\":"
        "\"1\",\"contact\":\"6\",\"aliases\":[\"6\",\"@ana.r\"],\"id\":\"9\",\"timestamp\":1,"
        "\"text\":\"x\",\"target\":\"7\",\"parent\":\"8\",\"status\":\"edited\",\"data\":{\"a\": "
        "[1.50]}}");
    round_trip(
        "{\"platform\":\"messenger\",\"kind\":\"reaction\",\"type\":\"react\",\"account\":\"1\","
        "\"aliases\":[],\"timestamp\":1,\"target\":\"m\",\"emoji\":\"\xe2\x9d\xa4\",\"watermark\":"
        "5,"
        "\"standby\":true,\"context\":{},\"referral\":{\"ref\":\"\"}}");
    round_trip("{\"platform\":\"instagram\",\"kind\":\"other\",\"type\":\"reaction\",\"account\":"
               "\"1\",\"aliases\":[],"
               "\"timestamp\":0,\"raw\":{\"n\": 12345678901234567890, \"e\":\"\\u00e9\"}}");
}

static void raw_json_stays_on_one_line(void **state)
{
    struct event event = {
        .kind = EVENT_OTHER, .account = x_dup("1"), .raw = x_dup("{\n \"a\":\r\n1}")};
    char *json = event_to_json(&event);
    assert_null(strchr(json, '\n'));
    assert_non_null(strstr(json, "\"raw\":{  \"a\":  1}"));
    free(json);
    event_deinit(&event);
}

static void an_event_without_its_names_is_refused(void **state)
{
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"platform\":\"x\",\"kind\":\"message\",\"account\":\"1\"}",
        "{\"platform\":\"whatsapp\",\"kind\":\"y\",\"account\":\"1\"}",
        "{\"platform\":\"whatsapp\",\"kind\":\"message\"}",
        "{\"platform\":"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct event event;
        struct err err = {0};
        assert_false(event_from_json(bad[i], strlen(bad[i]), &event, &err));
        assert_int_equal(err.code, ERR_INPUT);
    }
}

static void a_redelivery_has_the_same_identity_and_another_message_has_not(void **state)
{
    struct event a = {
        .kind = EVENT_MESSAGE, .account = x_dup("1"), .id = x_dup("m_1"), .timestamp_ms = 5};
    struct event b = {
        .kind = EVENT_MESSAGE, .account = x_dup("1"), .id = x_dup("m_1"), .timestamp_ms = 6};
    struct event c = {
        .kind = EVENT_MESSAGE, .account = x_dup("2"), .id = x_dup("m_1"), .timestamp_ms = 5};
    char ka[64], kb[64], kc[64];
    event_dedup_key(&a, ka);
    event_dedup_key(&b, kb);
    event_dedup_key(&c, kc);
    assert_string_equal(ka, kb);
    assert_string_not_equal(ka, kc);
    event_deinit(&a);
    event_deinit(&b);
    event_deinit(&c);
}

static void event_read(const char *json, struct event *ret_event)
{
    struct err err = {0};
    if (!event_from_json(json, strlen(json), ret_event, &err))
        fail_msg("%s: %s", json, err.text);
}

// The keys of two events that differ in nothing but `a` and `b`, members of the JSON form.
static bool keys_are_equal(const char *kind, const char *common, const char *a, const char *b)
{
    char keys[2][64];
    for (int i = 0; i < 2; i++) {
        char *json = x_printf("{\"platform\":\"messenger\",\"kind\":\"%s\",\"account\":\"1\"%s%s}",
                              kind, common, i == 0 ? a : b);
        struct event event;
        event_read(json, &event);
        event_dedup_key(&event, keys[i]);
        event_deinit(&event);
        free(json);
    }
    return strcmp(keys[0], keys[1]) == 0;
}

static void each_kind_has_an_identity_of_its_own(void **state)
{
    static const struct {
        const char *kind, *common, *a, *b;
        bool same;
    } cases[] = {
        {"message", ",\"id\":\"m\"", ",\"standby\":true", "", true},
        {"message", ",\"id\":\"m\"", ",\"contact\":\"5\"", ",\"contact\":\"PY.5\"", true},
        {"message", ",\"type\":\"order\"", ",\"data\":{\"a\":1}", ",\"data\":{\"a\":2}", false},
        {"postback", ",\"id\":\"m\"", ",\"timestamp\":1", ",\"timestamp\":2", false},
        {"postback", ",\"id\":\"m\",\"timestamp\":1", ",\"payload\":\"A\"", ",\"standby\":true",
         false},
        {"edit", ",\"target\":\"m\"", ",\"data\":{\"num_edit\":1}",
         ",\"timestamp\":9,\"data\":{\"num_edit\":\"1\"}", true},
        {"edit", ",\"target\":\"m\"", ",\"data\":{\"num_edit\":1}", ",\"data\":{\"num_edit\":2}",
         false},
        {"edit", ",\"target\":\"m\"", ",\"text\":\"a\"", ",\"text\":\"b\"", false},
        {"unsend", ",\"target\":\"m\"", ",\"timestamp\":1", ",\"timestamp\":2", true},
        {"reaction", ",\"target\":\"m\",\"contact\":\"5\",\"timestamp\":1", ",\"type\":\"react\"",
         ",\"type\":\"unreact\"", false},
        {"reaction", ",\"target\":\"m\",\"type\":\"react\",\"contact\":\"5\"", ",\"timestamp\":1",
         ",\"timestamp\":2", false},
        {"reaction", ",\"target\":\"m\",\"type\":\"react\"", ",\"emoji\":\"a\"", ",\"emoji\":\"b\"",
         false},
        {"comment", ",\"id\":\"c\",\"type\":\"feed\"", "", ",\"status\":\"remove\"", false},
        {"comment", ",\"id\":\"c\",\"type\":\"feed\"", ",\"timestamp\":1",
         ",\"timestamp\":2,\"target\":\"of another ad\"", true},
        {"status", ",\"id\":\"m\"", ",\"status\":\"sent\"", ",\"status\":\"read\"", false},
        {"read", ",\"contact\":\"5\"", ",\"watermark\":1", ",\"watermark\":2", false},
        {"account", ",\"type\":\"quality\"", ",\"data\":{\"n\":1}", ",\"data\":{\"n\":2}", false},
        {"other", ",\"type\":\"x\"", ",\"raw\":[1]", ",\"raw\":[2]", false},
        {"other", ",\"type\":\"x\",\"raw\":[1]", ",\"timestamp\":1", ",\"timestamp\":2", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (keys_are_equal(cases[i].kind, cases[i].common, cases[i].a, cases[i].b) != cases[i].same)
            fail_msg("%s: '%s' and '%s'", cases[i].kind, cases[i].a, cases[i].b);
    }
    // Nor do two kinds of one message share a key: it, its echo, its being taken back.
    struct event event = {.kind = EVENT_MESSAGE, .account = x_dup("1"), .id = x_dup("m")};
    char message[64], echo[64];
    event_dedup_key(&event, message);
    event.kind = EVENT_ECHO;
    event_dedup_key(&event, echo);
    assert_string_not_equal(message, echo);
    event_deinit(&event);
}

static void keys_split_as_they_were_made(void **state)
{
    char *key = chat_key(PLATFORM_WHATSAPP, "109", "PY.13");
    assert_string_equal(key, "whatsapp:109:PY.13");
    enum platform platform;
    char *account, *alias;
    assert_true(chat_key_split(key, &platform, &account, &alias));
    assert_int_equal(platform, PLATFORM_WHATSAPP);
    assert_string_equal(account, "109");
    assert_string_equal(alias, "PY.13");
    free(account);
    free(alias);
    free(key);
    assert_true(chat_key_is_lane("messenger:1:~"));
    assert_false(chat_key_is_lane("messenger:1:7"));
    assert_false(chat_key_is_lane("messenger:1:x:~")); // a person's name may have anything in it
    assert_false(chat_key_is_lane("messenger:~"));
    assert_false(chat_key_split("nonsense", &platform, &account, &alias));
    assert_false(chat_key_split("telegram:1:2", &platform, &account, &alias));
}

int main(void)
{
    mem_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_json_form_loses_nothing),
        cmocka_unit_test(raw_json_stays_on_one_line),
        cmocka_unit_test(an_event_without_its_names_is_refused),
        cmocka_unit_test(a_redelivery_has_the_same_identity_and_another_message_has_not),
        cmocka_unit_test(each_kind_has_an_identity_of_its_own),
        cmocka_unit_test(keys_split_as_they_were_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
