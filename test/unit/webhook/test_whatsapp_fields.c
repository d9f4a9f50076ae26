// SPDX-License-Identifier: MIT
// WhatsApp beyond messages, rule by rule: statuses, calls, the account, the phone app, odd things.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "whatsapp_fixture.h"

/* --- statuses and calls --------------------------------------------------------------------------
 */

static struct event read_status(const char *field, const char *status)
{
    char *value = x_printf("'statuses':[{%s}]", status);
    struct event event = only(read_value(field, value));
    free(value);
    return event;
}

static void a_status_brings_callback_data_price_conversation_and_errors(void **state)
{
    struct event event = read_status(
        "messages", "'id':'w','status':'failed','timestamp':'1795000001','recipient_id':'5551',"
                    "'recipient_user_id':'PY.1','recipient_parent_user_id':'PY.ENT.1',"
                    "'biz_opaque_callback_data':'s:1','pricing':{'billable':false},"
                    "'conversation':{'id':'c'},'errors':[{'code':131026}]");
    expect(&event, "'kind':'status','type':'failed'", "'aliases':['5551','PY.1','PY.ENT.1']",
           "'id':'w'", "'status':'failed','callback_data':'s:1'", "'errors':[{'code':131026}]",
           "'data':{'billable':false}", "'context':{'id':'c'}");
    event_deinit(&event);
}

static void a_status_of_a_group_message_is_of_the_participant(void **state)
{
    struct event event = read_status(
        "messages", "'id':'w','status':'read','recipient_type':'group','recipient_id':'G==',"
                    "'recipient_participant_id':'5551','recipient_participant_user_id':'PY.1'");
    expect(&event, "'kind':'status'", "'aliases':['5551','PY.1']", "'group':'G=='");
    event_deinit(&event);
    event = read_status("messages", "'id':'w','status':'sent','recipient_type':'group',"
                                    "'recipient_id':'G=='");
    expect(&event, "'kind':'status'", "'aliases':[]", "'group':'G=='");
    event_deinit(&event);
}

static void a_status_without_id_or_word_is_kept_as_received(void **state)
{
    static const char *const statuses[] = {"'status':'read'", "'id':'w'", "'id':'w','status':{}",
                                           "'id':{},'status':'read'",
                                           "'id':'w','status':'read','recipient_id':{}"};
    for (size_t i = 0; i < COUNT(statuses); i++) {
        struct event event = read_status("messages", statuses[i]);
        expect(&event, "'kind':'other'", "'raw':{");
        event_deinit(&event);
    }
}

static void the_status_of_a_call_is_about_the_call(void **state)
{
    static const char *const fields[] = {"calls", "messages"};
    for (size_t i = 0; i < COUNT(fields); i++) {
        struct event event = read_status(fields[i], "'type':'call','id':'wacid.1','status':"
                                                    "'RINGING','recipient_id':'5551'");
        expect(&event, "'kind':'call','type':'call'", "'contact':'5551'", "'id':'wacid.1'",
               "'status':'RINGING'", "'data':{'type':'call'");
        assert_false(event_is_receipt(&event));
        event_deinit(&event);
    }
}

static void a_call_is_of_the_person_who_called_or_was_called(void **state)
{
    static const struct {
        const char *call, *contact;
    } cases[] = {
        {"'from':'5551','to':'100','direction':'USER_INITIATED'", "'contact':'5551'"},
        {"'from':'100','to':'5551','direction':'BUSINESS_INITIATED'", "'contact':'5551'"},
        {"'from':'5551','to':'100'", "'contact':'5551'"},
        {"'from':100,'to':'5551'", "'contact':'5551'"},
        {"'from_user_id':'PY.1','to':'100','direction':'USER_INITIATED'", "'contact':'PY.1'"},
        {"'from':'100','to_user_id':'PY.1','direction':'BUSINESS_INITIATED'", "'contact':'PY.1'"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *value = x_printf("'calls':[{'id':'wacid.1','event':'terminate','status':'FAILED',"
                               "'biz_opaque_callback_data':'s:1','errors':[{'code':1}],%s}]",
                               cases[i].call);
        struct event event = only(read_value("calls", value));
        expect(&event, "'kind':'call','type':'terminate'", cases[i].contact, "'id':'wacid.1'",
               "'status':'FAILED','callback_data':'s:1'", "'errors':[{'code':1}]",
               "'data':{'id':'wacid.1'");
        event_deinit(&event);
        free(value);
    }
    struct event event = only(read_value("calls", "'calls':[{'id':'wacid.1','from':'5551'}]"));
    expect(&event, "'kind':'other','type':'calls'");
    event_deinit(&event);
}

/* --- the account ---------------------------------------------------------------------------------
 */

static const char *const account_fields[] = {
    "account_alerts",
    "account_review_update",
    "account_settings_update",
    "account_update",
    "automatic_events",
    "business_capability_update",
    "business_status_update",
    "flows",
    "message_template_components_update",
    "message_template_quality_update",
    "message_template_status_update",
    "partner_solutions",
    "payment_configuration_update",
    "phone_number_name_update",
    "phone_number_quality_update",
    "security",
    "template_category_update",
};

static void what_is_about_the_account_is_of_the_waba_and_keeps_its_value(void **state)
{
    for (size_t i = 0; i < COUNT(account_fields); i++) {
        struct event event = only(read_value(account_fields[i], "'event':'X'"));
        assert_int_equal(event.kind, EVENT_ACCOUNT);
        assert_string_equal(event.type, account_fields[i]);
        expect(&event, "'account':'77'", "'timestamp':1795000000000", "'event':'X'}");
        assert_null(event.contact);
        event_deinit(&event);
    }
}

static void a_partner_hears_of_the_waba_that_the_value_names(void **state)
{
    struct event event = only(read_changes("{'field':'account_update','value':{'event':"
                                           "'PARTNER_ADDED','waba_info':{'waba_id':78}}}"));
    expect(&event, "'kind':'account'", "'account':'78'");
    event_deinit(&event);
}

static void a_field_without_what_it_is_about_is_kept_as_received(void **state)
{
    static const char *const changes[] = {
        "{'field':'account_update'}",
        "{'field':'account_update','value':7}",
        "{'field':'account_update','value':[1]}",
        "{'field':'history','value':{}}",
        "{'field':'history','value':{'history':'x'}}",
        "{'field':'group_lifecycle_update','value':{'groups':{}}}",
        "{'field':'smb_app_state_sync','value':{}}",
        "{'field':'brand_new','value':{'a':1}}",
        "{'field':'messages','value':{}}",
        "{'value':{}}",
        "7",
    };
    for (size_t i = 0; i < COUNT(changes); i++) {
        struct event event = only(read_changes(changes[i]));
        char *raw = quoted(changes[i]);
        assert_int_equal(event.kind, EVENT_OTHER);
        assert_string_equal(event.raw, raw);
        free(raw);
        event_deinit(&event);
    }
}

static void errors_that_belong_to_no_message_are_an_event(void **state)
{
    static const char *const fields[] = {"messages", "calls"};
    for (size_t i = 0; i < COUNT(fields); i++) {
        struct event event = only(read_value(fields[i], "'errors':[{'code':130429}]"));
        expect(&event, "'kind':'error'", "'account':'9'", "'errors':[{'code':130429}]");
        assert_string_equal(event.type, fields[i]);
        event_deinit(&event);
    }
    struct event event = only(read_value("messages", "'errors':{}"));
    expect(&event, "'kind':'other'");
    event_deinit(&event);
}

static void changes_of_groups_name_the_group_when_it_is_one(void **state)
{
    static const char *const fields[] = {"group_lifecycle_update", "group_participants_update",
                                         "group_participant_update", "group_settings_update",
                                         "group_status_update"};
    for (size_t i = 0; i < COUNT(fields); i++) {
        struct event event = only(read_value(
            fields[i], "'groups':[{'timestamp':'1795000001','group_id':'G==','type':'group_create',"
                       "'errors':[{'code':1}]}]"));
        expect(&event, "'kind':'group'", "'account':'9'", "'group':'G=='",
               "'timestamp':1795000001000", "'errors':[{'code':1}]", "'groups':[{'timestamp'");
        assert_string_equal(event.type, fields[i]);
        event_deinit(&event);
    }
    struct event event = only(
        read_value(fields[0], "'groups':[{'group_id':'G==','timestamp':1},{'group_id':'H=='}]"));
    expect(&event, "'kind':'group'", "'timestamp':1000,");
    assert_null(event.group);
    event_deinit(&event);
}

static void a_preference_says_what_and_how(void **state)
{
    struct event event = only(read_value(
        "user_preferences", "'user_preferences':[{'wa_id':'5551','user_id':'PY.1','detail':'d',"
                            "'category':'marketing_messages','value':'stop','timestamp':1795000001"
                            "}]"));
    expect(&event, "'kind':'preference','type':'marketing_messages'", "'aliases':['5551','PY.1']",
           "'timestamp':1795000001000", "'text':'d'", "'status':'stop'", "'data':{'wa_id'");
    event_deinit(&event);
}

/* --- the phone app, and others on the number -----------------------------------------------------
 */

static struct event read_echo(const char *rest)
{
    char *value = x_printf("'message_echoes':[{'from':'100','id':'w',%s}]", rest);
    struct event event = only(read_value("smb_message_echoes", value));
    free(value);
    return event;
}

static void an_echo_from_the_phone_is_of_the_person_written_to_and_of_no_app(void **state)
{
    static const struct {
        const char *rest, *gives;
    } cases[] = {
        {"'to':'5551','type':'text','text':{'body':'a'}", "'text':'a'"},
        {"'to':'5551','type':'image','image':{'id':'7','caption':'a'}", "'text':'a','attachments'"},
        {"'to':'5551','type':'edit','edit':{'original_message_id':'o','message':{'type':'text',"
         "'text':{'body':'b'}}}",
         "'text':'b','target':'o'"},
        {"'to':'5551','type':'revoke','revoke':{'original_message_id':'o'}", "'target':'o'"},
        {"'to':'5551','type':'hologram','hologram':{}", "'data':{'from':'100','id':'w'"},
        {"'to':'5551','type':'text','text':7", "'data':{'from':'100','id':'w'"},
        {"'to':'5551'", "'data':{'from':'100','id':'w'"},
        {"'to':'5551','to_user_id':'PY.1','type':'text','text':{'body':'a'}", "['5551','PY.1']"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct event event = read_echo(cases[i].rest);
        expect(&event, "'kind':'echo'", "'contact':'5551'", cases[i].gives);
        assert_null(event.app_id);
        assert_false(event_starts_flow(&event) || event_resumes_flow(&event));
        event_deinit(&event);
    }
    struct event event = read_echo("'to':'5551','type':'revoke','revoke':{'original_message_id':"
                                   "'o'}");
    expect(&event, "'type':'revoke'");
    event_deinit(&event);
    event = read_echo("'type':'text','text':{'body':'to nobody'}");
    expect(&event, "'kind':'other'");
    event_deinit(&event);
}

static void the_history_is_never_read_as_said_now(void **state)
{
    struct event_list list = read_value(
        "history", "'history':[{'threads':[]}],'messages':[{'from':'5551','id':'w','type':'text',"
                   "'text':{'body':'old'}},{'from':'100','to':'5551','id':'x','type':'image',"
                   "'image':{'id':'7'}},7]");
    assert_int_equal(list.count, 4);
    for (size_t i = 0; i < 2; i++) {
        expect(&list.events[i], "'kind':'history'", "'contact':'5551'", "'data':{'from':");
        assert_false(event_starts_flow(&list.events[i]) || event_resumes_flow(&list.events[i]));
    }
    expect(&list.events[2], "'kind':'other'", "'raw':7");
    expect(&list.events[3], "'kind':'history','type':'history'", "'history':[{'threads':[]}]");
    event_list_deinit(&list);
    struct event event = only(read_value("history", "'history':[{'errors':[{'code':2593109}]}]"));
    expect(&event, "'kind':'history'", "'errors':[{'code':2593109}]");
    event_deinit(&event);
}

static void the_contact_book_is_one_event(void **state)
{
    struct event event = only(read_value("smb_app_state_sync",
                                         "'state_sync':[{'type':'contact','metadata':{'timestamp':"
                                         "'1795000001'}},{'type':'contact'}]"));
    expect(&event, "'kind':'sync','type':'smb_app_state_sync'", "'timestamp':1795000001000",
           "'state_sync':[{");
    event_deinit(&event);
}

static void what_another_sender_handles_is_on_standby(void **state)
{
    struct event_list list = read_value(
        "standby", "'standby':{'contacts':[{'wa_id':'5551','profile':{'name':'A'}}],'messages':[{"
                   "'from':'5551','id':'w','type':'text','text':{'body':'a'}}],'message_echoes':[{"
                   "'to':'5551','id':'x','type':'text','text':{'body':'b'}}],'statuses':[{'id':'x',"
                   "'status':'read','recipient_id':'5551'}]}");
    assert_int_equal(list.count, 3);
    static const enum event_kind kinds[] = {EVENT_MESSAGE, EVENT_STATUS, EVENT_ECHO};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(list.events[i].kind, kinds[i]);
        assert_true(list.events[i].standby);
        assert_false(event_starts_flow(&list.events[i]) || event_resumes_flow(&list.events[i]));
        expect(&list.events[i], "'contact':'5551'", "'name':'A'");
    }
    event_list_deinit(&list);
}

static void a_handover_says_who_has_the_conversation(void **state)
{
    struct event event = only(read_changes(
        "{'field':'messaging_handovers','value':{'recipient':{'phone_number_id':'9'},'sender':{"
        "'phone_number':'5551'},'type':'control_taken','timestamp':'1795000001','control_taken':{"
        "'new_owner_role':'ai_agent'}}}"));
    expect(&event, "'kind':'routing','type':'control_taken'", "'account':'9'", "'contact':'5551'",
           "'timestamp':1795000001000", "'control_taken':{");
    event_deinit(&event);
}

/* --- neighbours ----------------------------------------------------------------------------------
 */

static void one_odd_element_costs_its_neighbours_nothing(void **state)
{
    static const char *const lists[][3] = {
        {"messages", "messages", "{'from':'5551','id':'w','type':'text','text':{'body':'a'}}"},
        {"messages", "statuses", "{'id':'w','status':'read','recipient_id':'5551'}"},
        {"calls", "calls", "{'id':'w','event':'connect','from':'5551'}"},
        {"smb_message_echoes", "message_echoes", "{'to':'5551','id':'w'}"},
        {"user_preferences", "user_preferences", "{'wa_id':'5551','value':'stop'}"},
        {"history", "messages", "{'from':'5551','id':'w'}"},
    };
    static const char *const odd[] = {"7", "null", "{}", "[[]]", "'x'", "{'id':[],'from':{}}"};
    for (size_t i = 0; i < COUNT(lists); i++) {
        for (size_t k = 0; k < COUNT(odd); k++) {
            char *value =
                x_printf("'%s':[%s,%s,%s]", lists[i][1], lists[i][2], odd[k], lists[i][2]);
            struct event_list list = read_value(lists[i][0], value);
            char *raw = quoted(odd[k]);
            assert_int_equal(list.count, 3);
            assert_int_not_equal(list.events[0].kind, EVENT_OTHER);
            assert_int_equal(list.events[2].kind, list.events[0].kind);
            assert_int_equal(list.events[1].kind, EVENT_OTHER);
            assert_string_equal(list.events[1].raw, raw);
            event_list_deinit(&list);
            free(raw);
            free(value);
        }
    }
}

static void lists_in_strange_places_are_kept_and_not_read(void **state)
{
    static const char *const lists[] = {"messages", "statuses", "calls", "message_echoes",
                                        "user_preferences"};
    for (size_t i = 0; i < COUNT(lists); i++) {
        char *value = x_printf("'%s':[{'from':'5551','to':'5551','wa_id':'5551','recipient_id':"
                               "'5551','id':'w','type':'text','text':{'body':'a'}}]",
                               lists[i]);
        struct event event = only(read_value("brand_new", value));
        expect(&event, "'kind':'other','type':'brand_new'", "'contact':'5551'", "'raw':{'from'");
        event_deinit(&event);
        free(value);
    }
}

static void messages_of_no_number_are_kept_and_not_read(void **state)
{
    struct event event = only(read_changes(
        "{'field':'messages','value':{'messages':[{'from':'5551','id':'w','type':'text','text':{"
        "'body':'a'}}]}}"));
    expect(&event, "'kind':'other','type':'messages'", "'account':'77'");
    event_deinit(&event);
}

static void new_message_types_are_kept_as_received(void **state)
{
    struct event event = read_message("'timestamp':'1795000001','type':'hologram','hologram':{}");
    expect(&event, "'kind':'other','type':'hologram'", "'contact':'5551'", "'id':'wamid.1'",
           "'timestamp':1795000001000", "'raw':{'from':'5551','id':'wamid.1',");
    event_deinit(&event);
}

int main(void)
{
    mem_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_brings_callback_data_price_conversation_and_errors),
        cmocka_unit_test(a_status_of_a_group_message_is_of_the_participant),
        cmocka_unit_test(a_status_without_id_or_word_is_kept_as_received),
        cmocka_unit_test(the_status_of_a_call_is_about_the_call),
        cmocka_unit_test(a_call_is_of_the_person_who_called_or_was_called),
        cmocka_unit_test(what_is_about_the_account_is_of_the_waba_and_keeps_its_value),
        cmocka_unit_test(a_partner_hears_of_the_waba_that_the_value_names),
        cmocka_unit_test(a_field_without_what_it_is_about_is_kept_as_received),
        cmocka_unit_test(errors_that_belong_to_no_message_are_an_event),
        cmocka_unit_test(changes_of_groups_name_the_group_when_it_is_one),
        cmocka_unit_test(a_preference_says_what_and_how),
        cmocka_unit_test(an_echo_from_the_phone_is_of_the_person_written_to_and_of_no_app),
        cmocka_unit_test(the_history_is_never_read_as_said_now),
        cmocka_unit_test(the_contact_book_is_one_event),
        cmocka_unit_test(what_another_sender_handles_is_on_standby),
        cmocka_unit_test(a_handover_says_who_has_the_conversation),
        cmocka_unit_test(one_odd_element_costs_its_neighbours_nothing),
        cmocka_unit_test(lists_in_strange_places_are_kept_and_not_read),
        cmocka_unit_test(messages_of_no_number_are_kept_and_not_read),
        cmocka_unit_test(new_message_types_are_kept_as_received),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
