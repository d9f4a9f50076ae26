// SPDX-License-Identifier: MIT
/*
 * WhatsApp's messages, rule by rule, and who sends them. Whole deliveries with all they give are in
 * examples/webhooks.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "whatsapp_fixture.h"

/* --- messages ------------------------------------------------------------------------------------
 */

static void a_text_is_a_message_and_brings_nothing_that_is_not_there(void **state)
{
    struct event event = read_message("'timestamp':'1795000001','type':'text','text':{'body':'a'}");
    char *json = event_to_json(&event);
    char *wanted = quoted("{'platform':'whatsapp','kind':'message','type':'text','account':'9',"
                          "'contact':'5551','aliases':['5551'],'id':'wamid.1',"
                          "'timestamp':1795000001000,'text':'a','payload':null}");
    assert_string_equal(json, wanted);
    free(json);
    free(wanted);
    event_deinit(&event);
}

static void media_is_an_attachment_and_its_caption_the_text(void **state)
{
    static const char *const types[] = {"image", "video", "audio", "voice", "document", "sticker"};
    for (size_t i = 0; i < COUNT(types); i++) {
        char *rest = x_printf("'type':'%s','%s':{'caption':'look','id':'7','type':'x','url':'u',"
                              "'voice':true}",
                              types[i], types[i]);
        struct event event = read_message(rest);
        char *attachment =
            x_printf("'attachments':[{'type':'%s','id':'7','url':'u','voice':true}]", types[i]);
        expect(&event, "'kind':'message'", "'text':'look'", attachment);
        free(attachment);
        free(rest);
        event_deinit(&event);
    }
}

static void media_that_cannot_be_fetched_is_kept_as_received(void **state)
{
    message_gives("'type':'image','image':{'mime_type':'image/png'}", "'kind':'other'");
    message_gives("'type':'image','image':'7'", "'kind':'other'");
    message_gives("'type':'image','image':{'id':'7','caption':{}}", "'kind':'other'");
    message_gives("'type':'image','image':{'id':7,'caption':''}", "'text':null");
}

static void a_place_says_its_name_and_address_and_a_position_nothing(void **state)
{
    message_gives("'type':'location','location':{'latitude':1,'longitude':2,'name':'A',"
                  "'address':'B'}",
                  "'text':'A, B'");
    message_gives("'type':'location','location':{'latitude':1,'longitude':2,'address':'B'}",
                  "'text':'B'");
    message_gives("'type':'location','location':{'latitude':1,'longitude':2,'name':'A'}",
                  "'text':'A','payload':null,'data':{'latitude':1,'longitude':2,'name':'A'}");
    message_gives("'type':'location','location':{'latitude':1,'longitude':2}", "'text':null");
    message_gives("'type':'location','location':{'latitude':1,'longitude':2,'name':7}",
                  "'kind':'other'");
    message_gives("'type':'location','location':{'latitude':1}", "'kind':'other'");
}

static void contact_cards_are_data(void **state)
{
    message_gives("'type':'contacts','contacts':[{'name':{'formatted_name':'Luis'}}]",
                  "'data':[{'name':{'formatted_name':'Luis'}}]");
    message_gives("'type':'contacts','contacts':{}", "'kind':'other'");
}

static void an_order_is_data_and_its_note_the_text(void **state)
{
    message_gives("'type':'order','order':{'text':'soon','product_items':[]}",
                  "'text':'soon','payload':null,'data':{'text':'soon','product_items':[]}");
    message_gives("'type':'order','order':{'text':''}", "'text':null");
}

static void answers_carry_their_payload_title_and_the_reply(void **state)
{
    static const struct {
        const char *interactive, *gives;
    } cases[] = {
        {"'type':'button_reply','button_reply':{'id':'yes','title':'Yes'}",
         "'text':'Yes','payload':'yes','data':{'id':'yes','title':'Yes'}"},
        {"'type':'list_reply','list_reply':{'id':'r','title':'T','description':'D'}",
         "'text':'T','payload':'r','data':{'id':'r','title':'T','description':'D'}"},
        {"'type':'nfm_reply','nfm_reply':{'name':'flow','body':'Sent','response_json':'[1]'}",
         "'text':'Sent','payload':'[1]','data':{'name':'flow'"},
        {"'type':'call_permission_reply','call_permission_reply':{'response':'reject'}",
         "'text':null,'payload':'reject','data':{'response':'reject'}"},
        {"'type':'button_reply','button_reply':{'id':12,'title':'Yes'}", "'payload':'12'"},
        {"'type':'slider_reply','slider_reply':{'id':'1'}", "'kind':'other'"},
        {"'type':'list_reply','button_reply':{'id':'1','title':'a'}", "'kind':'other'"},
        {"'type':'button_reply','button_reply':{'title':'no id'}", "'kind':'other'"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *rest = x_printf("'type':'interactive','interactive':{%s}", cases[i].interactive);
        message_gives(rest, cases[i].gives);
        free(rest);
    }
}

static void a_template_button_may_lack_payload_and_context(void **state)
{
    message_gives("'type':'button','button':{'payload':'P','text':'T'}",
                  "'type':'button','account':'9'");
    message_gives("'type':'button','button':{'payload':'P','text':'T'}",
                  "'text':'T','payload':'P'");
    message_gives("'type':'button','button':{'text':'T'}", "'text':'T','payload':null");
    message_gives("'type':'button','button':{}", "'kind':'other'");
}

static void what_whatsapp_does_not_hand_on_is_a_message_that_says_why(void **state)
{
    struct event event = read_message("'type':'unknown','errors':[{'code':131051}],"
                                      "'unknown':{'type':'poll_creation'}");
    expect(&event, "'kind':'message','type':'unsupported'", "'text':null", "'data':{'type':'poll",
           "'errors':[{'code':131051}]");
    event_deinit(&event);
    message_gives("'type':'unsupported'", "'kind':'message','type':'unsupported'");
    // The content of a known type may be what is missing.
    message_gives("'type':'interactive','errors':[{'code':131000}]",
                  "'kind':'message','type':'interactive'");
    message_gives("'type':'interactive','errors':[]", "'kind':'other'");
    message_gives("'type':'reaction','errors':[{'code':1}]", "'kind':'other'");
    message_gives("'type':'text','text':{'body':'a'},'errors':7", "'kind':'other'");
}

static void the_context_says_what_is_answered_or_forwarded(void **state)
{
    message_gives("'type':'text','text':{'body':'a'},'context':{'from':'100','id':'wamid.0',"
                  "'referred_product':{'catalog_id':'8'}}",
                  "'reply_to':'wamid.0','context':{'from':'100','id':'wamid.0',"
                  "'referred_product':{'catalog_id':'8'}}");
    struct event event =
        read_message("'type':'text','text':{'body':'a'},'context':{'forwarded':true}");
    expect(&event, "'context':{'forwarded':true}");
    without(&event, "reply_to");
    event_deinit(&event);
}

static void the_ad_that_a_person_came_from_is_kept(void **state)
{
    message_gives("'type':'text','text':{'body':'a'},'referral':{'source_type':'ad','ctwa_clid':"
                  "'A'}",
                  "'referral':{'source_type':'ad','ctwa_clid':'A'}");
}

static void a_message_to_a_group_names_it_and_wakes_no_flow(void **state)
{
    struct event event = read_message("'type':'text','text':{'body':'a'},'group_id':'G=='");
    expect(&event, "'contact':'5551'", "'group':'G=='");
    assert_false(event_starts_flow(&event) || event_resumes_flow(&event));
    event_deinit(&event);
    // Not the name of the account's lane.
    message_gives("'type':'text','text':{'body':'a'},'group_id':'~'", "'kind':'other'");
}

/* --- what is done to messages --------------------------------------------------------------------
 */

static void a_reaction_without_an_emoji_was_taken_back(void **state)
{
    struct event event =
        read_message("'type':'reaction','reaction':{'message_id':'wamid.0','emoji':'+'}");
    expect(&event, "'kind':'reaction','type':'react'", "'target':'wamid.0','emoji':'+'");
    event_deinit(&event);
    static const char *const none[] = {"", ",'emoji':''", ",'emoji':null"};
    for (size_t i = 0; i < COUNT(none); i++) {
        char *rest = x_printf("'type':'reaction','reaction':{'message_id':'wamid.0'%s}", none[i]);
        event = read_message(rest);
        expect(&event, "'kind':'reaction','type':'unreact'", "'target':'wamid.0'");
        without(&event, "emoji");
        event_deinit(&event);
        free(rest);
    }
    message_gives("'type':'reaction','reaction':{'emoji':'+'}", "'kind':'other'");
}

static void an_edit_brings_what_the_message_says_now(void **state)
{
    message_gives("'type':'edit','edit':{'original_message_id':'wamid.0','message':{'type':'text',"
                  "'text':{'body':'now'},'context':{'id':'wamid.a'}}}",
                  "'text':'now','reply_to':'wamid.a','target':'wamid.0'");
    message_gives("'type':'edit','edit':{'original_message_id':'wamid.0','message':{'type':'image',"
                  "'image':{'id':'7','caption':'now'}}}",
                  "'text':'now','attachments':[{'type':'image','id':'7'}],'target':'wamid.0'");
}

static void an_edit_of_what_is_not_said_is_kept_as_received(void **state)
{
    static const char *const edits[] = {
        "'message':{'type':'text','text':{'body':'a'}}",
        "'original_message_id':'wamid.0'",
        "'original_message_id':'wamid.0','message':{'type':'hologram'}",
        "'original_message_id':'wamid.0','message':{'type':'edit','edit':{}}",
        "'original_message_id':'wamid.0','message':{'type':'system','system':{}}",
        "'original_message_id':'wamid.0','message':{'type':'unsupported'}",
    };
    for (size_t i = 0; i < COUNT(edits); i++) {
        char *rest = x_printf("'type':'edit','edit':{%s}", edits[i]);
        struct event event = read_message(rest);
        expect(&event, "'kind':'other','type':'edit'", "'raw':{'from':'5551'");
        assert_true(!event.target && !event.text && !event.context);
        event_deinit(&event);
        free(rest);
    }
}

static void a_revoked_message_is_named(void **state)
{
    message_gives("'type':'revoke','revoke':{'original_message_id':'wamid.0'}",
                  "'kind':'unsend','type':'revoke'");
    message_gives("'type':'revoke','revoke':{'original_message_id':'wamid.0'}",
                  "'target':'wamid.0'");
    message_gives("'type':'revoke','revoke':{}", "'kind':'other'");
}

/* --- changed names -------------------------------------------------------------------------------
 */

static void a_changed_name_lists_the_old_names_then_the_new_and_is_answered_there(void **state)
{
    static const struct {
        const char *message, *gives;
    } cases[] = {
        {"'from':'5551','system':{'type':'user_changed_number','wa_id':'5552'}",
         "'contact':'5552','aliases':['5551','5552']"},
        {"'from':'5551','system':{'type':'customer_changed_number','new_wa_id':'5552',"
         "'customer':'5551'}",
         "'contact':'5552','aliases':['5551','5552']"},
        {"'from':'5551','from_user_id':'PY.1','system':{'type':'user_changed_number','wa_id':5552,"
         "'user_id':'PY.2','previous_user_id':'PY.1'}",
         "'contact':'5552','aliases':['5551','PY.1','5552','PY.2']"},
        {"'from_user_id':'PY.1','system':{'type':'user_changed_user_id','previous_user_id':'PY.1',"
         "'user_id':'PY.2'}",
         "'contact':'PY.2','aliases':['PY.1','PY.2']"},
        {"'system':{'type':'user_changed_user_id','previous_user_id':'PY.1','user_id':'PY.2'}",
         "'contact':'PY.2','aliases':['PY.1','PY.2']"},
        {"'from':'5551','system':{'type':'customer_identity_changed','identity':'x'}",
         "'contact':'5551','aliases':['5551']"},
        {"'from':'5551','system':{'type':'user_changed_number','wa_id':'~'}",
         "'contact':'5551','aliases':['5551']"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *value =
            x_printf("'messages':[{'id':'wamid.1','type':'system',%s}]", cases[i].message);
        struct event event = only(read_value("messages", value));
        expect(&event, "'kind':'contact'", cases[i].gives, "'data':{'type':'");
        event_deinit(&event);
        free(value);
    }
}

static void the_user_name_stays_last_among_changed_names(void **state)
{
    struct event event = only(read_value(
        "messages", "'contacts':[{'wa_id':'5551','profile':{'username':'a'}}],'messages':[{'from':"
                    "'5551','id':'w','type':'system','system':{'type':'user_changed_number',"
                    "'wa_id':'5552'}}]"));
    expect(&event, "'contact':'5552','aliases':['5551','5552','@a']");
    event_deinit(&event);
}

static void a_changed_name_is_the_person_s_and_not_the_group_s(void **state)
{
    struct event event = read_message(
        "'group_id':'G==','type':'system','system':{'type':'user_changed_number','wa_id':'5552'}");
    expect(&event, "'kind':'contact'", "'contact':'5552'");
    assert_null(event.group);
    event_deinit(&event);
}

static void system_messages_of_other_types_are_kept_as_received(void **state)
{
    message_gives("'type':'system','system':{'type':'user_left','body':'x'}", "'kind':'other'");
    message_gives("'type':'system','system':{'wa_id':'5552'}", "'kind':'other'");
    message_gives("'type':'system','system':{'type':'user_changed_number','wa_id':[]}",
                  "'kind':'other'");
}

/* --- who -----------------------------------------------------------------------------------------
 */

static void person_is(const char *contacts, const char *names, const char *gives)
{
    char *value = x_printf("'contacts':%s,'messages':[{%s'id':'w','type':'text','text':{'body':"
                           "'a'}}]",
                           contacts, names);
    struct event event = only(read_value("messages", value));
    expect(&event, gives);
    event_deinit(&event);
    free(value);
}

static void contacts_are_found_by_name_and_not_by_place(void **state)
{
    struct event_list list = read_value(
        "messages", "'contacts':[{'wa_id':'1','profile':{'name':'One'}},{'user_id':'A.2','profile':"
                    "{'name':'Two'}},7,{'wa_id':'3','profile':{'name':'Three'}}],'messages':["
                    "{'from':'3','id':'a','type':'text','text':{'body':'a'}},"
                    "{'from_user_id':'A.2','id':'b','type':'text','text':{'body':'a'}},"
                    "{'from':'4','id':'c','type':'text','text':{'body':'a'}},"
                    "{'from':'1','id':'d','type':'text','text':{'body':'a'}},"
                    "{'from':'1','id':'e','type':'text','text':{'body':'a'}}]");
    assert_int_equal(list.count, 5);
    expect(&list.events[0], "'contact':'3'", "'name':'Three'");
    expect(&list.events[1], "'contact':'A.2'", "'name':'Two'");
    expect(&list.events[2], "'contact':'4'");
    without(&list.events[2], "'name'");
    expect(&list.events[3], "'name':'One'");
    expect(&list.events[4], "'name':'One'");
    event_list_deinit(&list);
}

static void a_number_comes_first_then_the_ids_then_the_user_name(void **state)
{
    person_is("[{'wa_id':'5551','user_id':'PY.1','parent_user_id':'PY.ENT.1','profile':{'username':"
              "'Ana.R'}}]",
              "'from':'5551','from_user_id':'PY.1',",
              "'contact':'5551','aliases':['5551','PY.1','PY.ENT.1','@Ana.R']");
    person_is("[{'wa_id':'5551','user_id':'PY.1'}]", "'from_user_id':'PY.1',",
              "'contact':'5551','aliases':['5551','PY.1']");
    person_is("[{'wa_id':'5551','user_id':'PY.1'}]", "'from':'PY.1',",
              "'contact':'5551','aliases':['5551','PY.1']");
    person_is("[]", "'from_user_id':'pY.1x','from_parent_user_id':'PY.ENT.1',",
              "'contact':'pY.1x','aliases':['pY.1x','PY.ENT.1']");
    person_is("null", "'from':'PY.1',", "'contact':'PY.1','aliases':['PY.1']");
    person_is("null", "'from':17841405554443332,", "'contact':'17841405554443332'");
    person_is("[{'wa_id':5551,'profile':{'username':'@b'}}]", "'from':5551,",
              "'aliases':['5551','@b']");
}

static void a_user_name_is_a_weak_alias_and_never_the_contact(void **state)
{
    struct event event = only(read_value(
        "messages", "'contacts':[{'user_id':'PY.1','profile':{'username':'a'}}],'messages':[{'id':"
                    "'w','type':'text','text':{'body':'a'}}]"));
    expect(&event, "'kind':'other'", "'aliases':[]");
    event_deinit(&event);
    assert_true(alias_is_weak("@a"));
}

static void odd_contacts_cost_the_message_nothing(void **state)
{
    static const char *const contacts[] = {
        "7",
        "{}",
        "[null]",
        "[[]]",
        "[{'wa_id':'5551','user_id':{}}]",
        "[{'wa_id':'5551','user_id':''}]",
        "[{'wa_id':'5551','profile':'x'}]",
        "[{'wa_id':'5551','profile':{'name':'','username':'@'}}]",
        "[{'wa_id':'5551','profile':{'name':7,'username':[]}}]",
    };
    for (size_t i = 0; i < COUNT(contacts); i++)
        person_is(contacts[i], "'from':'5551',", "'contact':'5551','aliases':['5551'],'id'");
}

static void a_person_whose_id_cannot_be_carried_makes_other(void **state)
{
    static const char *const names[] = {"'from':{},",
                                        "'from':'',",
                                        "'from':1.5,",
                                        "'from':'~',",
                                        "'from':'5551','from_user_id':[],",
                                        ""};
    for (size_t i = 0; i < COUNT(names); i++)
        person_is("[]", names[i], "'kind':'other','type':'text'");
    struct buf id = {0};
    for (int i = 0; i <= EVENT_ID_MAX; i++)
        buf_add_char(&id, '5');
    char *name = x_printf("'from':'%s',", id.data), *contact = x_printf("[{'wa_id':'5551','user_id'"
                                                                        ":'%s'}]",
                                                                        id.data);
    person_is("[]", name, "'kind':'other'");
    person_is(contact, "'from':'5551',", "'kind':'message'");
    free(name);
    free(contact);
    buf_deinit(&id);
}

static void times_are_milliseconds_whatever_they_were(void **state)
{
    static const char *const times[] = {"'1795000001'", "1795000001", "'1795000001000'",
                                        "1795000001000"};
    for (size_t i = 0; i < COUNT(times); i++) {
        char *rest = x_printf("'timestamp':%s,'type':'text','text':{'body':'a'}", times[i]);
        message_gives(rest, "'timestamp':1795000001000,");
        free(rest);
    }
    message_gives("'timestamp':{},'type':'text','text':{'body':'a'}", "'timestamp':0,");
}

int main(void)
{
    mem_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_a_message_and_brings_nothing_that_is_not_there),
        cmocka_unit_test(media_is_an_attachment_and_its_caption_the_text),
        cmocka_unit_test(media_that_cannot_be_fetched_is_kept_as_received),
        cmocka_unit_test(a_place_says_its_name_and_address_and_a_position_nothing),
        cmocka_unit_test(contact_cards_are_data),
        cmocka_unit_test(an_order_is_data_and_its_note_the_text),
        cmocka_unit_test(answers_carry_their_payload_title_and_the_reply),
        cmocka_unit_test(a_template_button_may_lack_payload_and_context),
        cmocka_unit_test(what_whatsapp_does_not_hand_on_is_a_message_that_says_why),
        cmocka_unit_test(the_context_says_what_is_answered_or_forwarded),
        cmocka_unit_test(the_ad_that_a_person_came_from_is_kept),
        cmocka_unit_test(a_message_to_a_group_names_it_and_wakes_no_flow),
        cmocka_unit_test(a_reaction_without_an_emoji_was_taken_back),
        cmocka_unit_test(an_edit_brings_what_the_message_says_now),
        cmocka_unit_test(an_edit_of_what_is_not_said_is_kept_as_received),
        cmocka_unit_test(a_revoked_message_is_named),
        cmocka_unit_test(a_changed_name_lists_the_old_names_then_the_new_and_is_answered_there),
        cmocka_unit_test(the_user_name_stays_last_among_changed_names),
        cmocka_unit_test(a_changed_name_is_the_person_s_and_not_the_group_s),
        cmocka_unit_test(system_messages_of_other_types_are_kept_as_received),
        cmocka_unit_test(contacts_are_found_by_name_and_not_by_place),
        cmocka_unit_test(a_number_comes_first_then_the_ids_then_the_user_name),
        cmocka_unit_test(a_user_name_is_a_weak_alias_and_never_the_contact),
        cmocka_unit_test(odd_contacts_cost_the_message_nothing),
        cmocka_unit_test(a_person_whose_id_cannot_be_carried_makes_other),
        cmocka_unit_test(times_are_milliseconds_whatever_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
