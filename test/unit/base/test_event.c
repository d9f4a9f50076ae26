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
        cmocka_unit_test(keys_split_as_they_were_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
