// SPDX-License-Identifier: MIT
// What the events of a lane say of messages, and whose an echo is.
#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "worker/lane_receipts.h"

#define STR(text) ((char *)(text))

static void list_deinit(struct receipt_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        receipt_deinit(&list->items[i]);
    free(list->items);
    *list = (struct receipt_list){0};
}

static struct event event_of(enum event_kind kind)
{
    return (struct event){.platform = PLATFORM_MESSENGER,
                          .kind = kind,
                          .account = STR("1082"),
                          .contact = STR("7012"),
                          .timestamp_ms = 5000};
}

// The receipts as one text: kind, message or chat, status or emoji, time.
static char *told(const struct event *event)
{
    static const char *const kinds[] = {"status", "upto", "reaction", "edit", "unsend"};
    struct receipt_list list = {0};
    char *text = x_dup(lane_receipts(&list, "messenger:1082", event) ? "" : "keep");
    for (size_t i = 0; i < list.count; i++) {
        const struct receipt *r = &list.items[i];
        char *longer = x_printf("%s%s %s %s %lld;", text, kinds[r->kind],
                                r->platform_id ? r->platform_id : r->chat,
                                r->status  ? r->status
                                : r->emoji ? r->emoji
                                           : "-",
                                (long long)r->at_ms);
        free(text);
        text = longer;
        assert_string_equal(r->account, "messenger:1082");
    }
    list_deinit(&list);
    return text;
}

static void assert_told(const struct event *event, const char *expected)
{
    char *text = told(event);
    assert_string_equal(text, expected);
    free(text);
}

static void a_read_tells_of_its_target_or_of_all_up_to_a_time(void **state)
{
    struct event event = event_of(EVENT_READ);
    event.target = STR("m_1");
    assert_told(&event, "status m_1 read 5000;");
    event.target = NULL;
    event.watermark_ms = 4000;
    assert_told(&event, "upto messenger:1082:7012 read 4000;");
}

static void a_delivery_tells_of_its_mids_and_of_all_up_to_a_time(void **state)
{
    struct event event = event_of(EVENT_DELIVERY);
    event.data = STR("{\"mids\":[\"m_1\",7,\"m_2\"],\"watermark\":4000}");
    event.watermark_ms = 4000;
    assert_told(&event, "status m_1 delivered 5000;status m_2 delivered 5000;"
                        "upto messenger:1082:7012 delivered 4000;");
    event.data = STR("[]");
    event.watermark_ms = 0;
    assert_told(&event, "keep");
}

static void a_reaction_without_an_emoji_takes_it_back(void **state)
{
    struct event event = event_of(EVENT_REACTION);
    event.target = STR("m_1");
    event.emoji = STR("love");
    assert_told(&event, "reaction m_1 love 5000;");
    event.emoji = STR("");
    assert_told(&event, "reaction m_1 - 5000;");
    event.target = NULL;
    assert_told(&event, "keep");
}

static void a_status_with_an_unknown_word_is_kept(void **state)
{
    struct event event = event_of(EVENT_STATUS);
    event.id = STR("wamid.1");
    event.status = STR("played");
    assert_told(&event, "status wamid.1 played 5000;");
    event.status = STR("warning");
    assert_told(&event, "keep");
    event.status = STR("read");
    event.id = NULL;
    assert_told(&event, "keep");
}

static void what_is_about_the_account_is_kept(void **state)
{
    static const enum event_kind kinds[] = {EVENT_ROUTING, EVENT_FEED, EVENT_GROUP, EVENT_ACCOUNT,
                                            EVENT_HISTORY, EVENT_SYNC, EVENT_ERROR, EVENT_OTHER};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct event event = event_of(kinds[i]);
        event.id = STR("x");
        event.target = STR("y");
        assert_told(&event, "keep");
    }
}

static void an_echo_is_ours_by_its_metadata_or_its_app(void **state)
{
    struct config_app apps[] = {{.id = NULL}, {.id = STR("1517776481860111")}};
    struct config config = {.apps = apps, .app_count = 2};
    struct event event = event_of(EVENT_ECHO);
    assert_false(echo_is_ours(&config, &event));
    event.callback_data = STR("hm:0a1b:3");
    assert_true(echo_is_ours(&config, &event));
    event.callback_data = STR("theirs");
    assert_false(echo_is_ours(&config, &event));
    event.app_id = STR("1517776481860111");
    assert_true(echo_is_ours(&config, &event));
    event.app_id = STR("42");
    assert_false(echo_is_ours(&config, &event));
}

static void people_write_from_the_inboxes_and_the_phone(void **state)
{
    struct event event = event_of(EVENT_ECHO);
    assert_true(echo_may_be_ours(&event)); // Instagram may leave the app out
    assert_string_equal(echo_sender(&event), "agent");
    event.app_id = STR("263902037430900");
    assert_false(echo_may_be_ours(&event));
    assert_string_equal(echo_sender(&event), "agent");
    event.app_id = STR("42");
    assert_string_equal(echo_sender(&event), "42");
    event.app_id = NULL;
    event.platform = PLATFORM_WHATSAPP;
    assert_false(echo_may_be_ours(&event));
}

static void an_echo_may_change_an_earlier_one(void **state)
{
    struct receipt_list list = {0};
    struct event event = event_of(EVENT_ECHO);
    event.type = STR("text");
    event.target = STR("wamid.1");
    assert_false(lane_echo_change(&list, "whatsapp:1", &event));
    event.type = STR("edit");
    event.text = STR("better");
    assert_true(lane_echo_change(&list, "whatsapp:1", &event));
    event.type = STR("revoke");
    assert_true(lane_echo_change(&list, "whatsapp:1", &event));
    assert_int_equal(list.items[0].kind, RECEIPT_EDIT);
    assert_string_equal(list.items[0].text, "better");
    assert_int_equal(list.items[1].kind, RECEIPT_UNSEND);
    assert_string_equal(list.items[1].platform_id, "wamid.1");
    list_deinit(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_tells_of_its_target_or_of_all_up_to_a_time),
        cmocka_unit_test(a_delivery_tells_of_its_mids_and_of_all_up_to_a_time),
        cmocka_unit_test(a_reaction_without_an_emoji_takes_it_back),
        cmocka_unit_test(a_status_with_an_unknown_word_is_kept),
        cmocka_unit_test(what_is_about_the_account_is_kept),
        cmocka_unit_test(an_echo_is_ours_by_its_metadata_or_its_app),
        cmocka_unit_test(people_write_from_the_inboxes_and_the_phone),
        cmocka_unit_test(an_echo_may_change_an_earlier_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
