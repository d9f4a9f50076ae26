// SPDX-License-Identifier: MIT
// What the events of an activation leave: the person's address, messages and changes, merged chats.
#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "worker/activation.h"

#define STR(text) ((char *)(text))

enum { ENTRIES_MAX = 4 };

// An activation of the chat with `contact` that has taken in the events given to it.
struct world {
    struct activation a;
    struct activation_entry entries[ENTRIES_MAX];
    struct account account;
    struct known known;
};

static void world_open(struct world *w, const char *contact)
{
    *w = (struct world){.known.account = &w->account};
    w->a = (struct activation){.platform = PLATFORM_WHATSAPP,
                               .chat = chat_key(PLATFORM_WHATSAPP, "1099", contact),
                               .account_id = STR("1099"),
                               .account_key = STR("whatsapp:1099"),
                               .contact = STR(contact),
                               .account = &w->known,
                               .entries = w->entries};
    history_init(&w->a.history);
}

static void world_close(struct world *w)
{
    for (size_t i = 0; i < w->a.entry_count; i++) {
        event_deinit(&w->entries[i].event);
        free(w->entries[i].json);
    }
    if (w->a.has_session)
        session_deinit(&w->a.session);
    history_deinit(&w->a.history);
    free(w->a.address);
    free(w->a.chat);
}

// Members of an event of "whatsapp:1099", with single quotes for double ones.
static void take(struct world *w, const char *members)
{
    size_t i = w->a.entry_count++;
    struct activation_entry *entry = &w->entries[i];
    char *json = x_printf("{\"platform\":\"whatsapp\",\"account\":\"1099\",%s}", members);
    for (char *c = json; *c; c++)
        if (*c == '\'')
            *c = '"';
    struct err err = {0};
    if (!event_from_json(json, strlen(json), &entry->event, &err))
        fail_msg("%s: %s", err.text, json);
    entry->number = (int64_t)i + 1;
    entry->readable = true;
    entry->json = json;
    w->a.consumed = entry->number;
    bool adopted = activation_adopt(&w->a, &entry->event);
    history_input(&w->a.history, entry->number, entry->event.delivery, adopted);
    activation_take_address(&w->a, &entry->event);
}

/* --- the address
 * ------------------------------------------------------------------------------ */

static void messages_go_to_the_name_that_the_person_gave_last(void **state)
{
    struct world w;
    world_open(&w, "PY.77");
    assert_string_equal(activation_address(&w.a), "PY.77");
    take(&w, "'kind':'message','contact':'595981','aliases':['595981','PY.77']");
    assert_string_equal(activation_address(&w.a), "595981");
    take(&w, "'kind':'comment','contact':'4711','aliases':['4711']");
    take(&w, "'kind':'message','contact':'@ana.r','aliases':['@ana.r']");
    assert_string_equal(activation_address(&w.a), "595981");
    take(&w, "'kind':'message','contact':'PY.77','aliases':['PY.77']");
    assert_string_equal(activation_address(&w.a), "PY.77");
    assert_null(w.a.address); // the chat's own name is not kept twice
    world_close(&w);
}

static void a_changed_number_is_the_address_and_a_changed_id_only_where_it_was(void **state)
{
    struct world w;
    world_open(&w, "595981");
    take(&w, "'kind':'contact','type':'user_changed_user_id','contact':'PY.2',"
             "'aliases':['PY.1','PY.2']");
    assert_string_equal(activation_address(&w.a), "595981");
    take(&w, "'kind':'contact','type':'user_changed_number','contact':'595999',"
             "'aliases':['595981','595999']");
    assert_string_equal(activation_address(&w.a), "595999");
    world_close(&w);
    world_open(&w, "PY.1");
    take(&w, "'kind':'contact','type':'user_changed_user_id','contact':'PY.2',"
             "'aliases':['PY.1','PY.2']");
    assert_string_equal(activation_address(&w.a), "PY.2");
    world_close(&w);
}

/* --- messages and changes
 * --------------------------------------------------------------------- */

static void what_is_said_becomes_a_message_with_its_delivery(void **state)
{
    struct world w;
    world_open(&w, "595981");
    take(&w, "'kind':'message','type':'location','contact':'595981','aliases':['595981'],"
             "'id':'wamid.1','timestamp':5,'reply_to':'wamid.0','data':{'latitude':1},"
             "'delivery':'d-1'");
    take(&w, "'kind':'call','type':'connect','contact':'595981','aliases':['595981'],"
             "'id':'wacid.1','data':{'direction':'BUSINESS_INITIATED'}");
    take(&w, "'kind':'referral','contact':'595981','aliases':['595981','PY.1'],'payload':'x'");
    take(&w, "'kind':'preference','type':'marketing_messages','status':'stop',"
             "'contact':'595981','aliases':['595981']");
    struct projection *p = activation_projection(&w.a);
    assert_int_equal(p->message_count, 2);
    assert_string_equal(p->messages[0].type, "location");
    assert_string_equal(p->messages[0].reply_to, "wamid.0");
    assert_int_equal(json_int(p->messages[0].data, "latitude", 0), 1);
    assert_string_equal(json_str(p->messages[0].metadata, "delivery"), "d-1");
    assert_string_equal(p->messages[1].type, "call");
    assert_false(p->messages[1].inbound);
    assert_string_equal(p->aliases[1], "PY.1");
    const cJSON *preference = json_get(p->contact_facts, "preference");
    assert_string_equal(json_str(preference, "value"), "stop");
    assert_string_equal(json_str(preference, "category"), "marketing_messages");
    assert_string_equal(json_str(cJSON_GetArrayItem(p->history, 0), "delivery"), "d-1");
    projection_free(p);
    world_close(&w);
}

static void a_call_is_told_by_its_words(void **state)
{
    static const struct {
        const char *members;
        enum call_status status;
        bool inbound;
        const char *word;
    } cases[] = {
        {"'type':'connect','data':{'direction':'USER_INITIATED','session':{'sdp':'v=0'}}",
         CALL_RINGING, true, "connect"},
        {"'type':'terminate','status':'COMPLETED','data':{'direction':'USER_INITIATED',"
         "'start_time':'1795000045','end_time':'1795000099','duration':54}",
         CALL_ENDED, true, "terminate"},
        {"'type':'terminate','status':'COMPLETED','data':{'direction':'USER_INITIATED'}",
         CALL_MISSED, true, "terminate"},
        {"'type':'terminate','status':'FAILED','data':{'from':'595981'}", CALL_MISSED, true,
         "terminate"},
        {"'type':'terminate','status':'FAILED','data':{'from':'1099'}", CALL_ENDED, false,
         "terminate"},
        {"'type':'terminate','status':'COMPLETED','data':{'direction':'BUSINESS_INITIATED'}",
         CALL_MISSED, false, "terminate"},
        {"'type':'call','status':'RINGING','data':{'recipient_id':'595981'}", CALL_RINGING, false,
         "ringing"},
        {"'type':'call','status':'ACCEPTED','data':{}", CALL_ANSWERED, false, "accepted"},
        {"'type':'call','status':'REJECTED','data':{}", CALL_REJECTED, false, "rejected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        char *members = x_printf("'kind':'call','id':'wacid.1','contact':'595981','aliases':"
                                 "['595981'],'timestamp':1795000100000,%s",
                                 cases[i].members);
        world_open(&w, "595981");
        take(&w, members);
        struct projection *p = activation_projection(&w.a);
        assert_int_equal(p->call_count, 1);
        assert_int_equal(p->calls[0].status, cases[i].status);
        assert_int_equal(p->calls[0].inbound, cases[i].inbound);
        assert_string_equal(p->calls[0].word, cases[i].word);
        assert_null(json_get(p->calls[0].payload, "session"));
        if (cases[i].status == CALL_ENDED && cases[i].inbound) {
            assert_int_equal(p->calls[0].answered_ms, 1795000045000);
            assert_int_equal(p->calls[0].ended_ms, 1795000099000);
            assert_int_equal(p->calls[0].duration_s, 54);
        }
        projection_free(p);
        world_close(&w);
        free(members);
    }
}

static void an_edit_in_the_same_activation_is_in_the_record(void **state)
{
    struct world w;
    world_open(&w, "595981");
    take(&w, "'kind':'message','type':'text','contact':'595981','aliases':['595981'],"
             "'id':'wamid.1','text':'one pizza'");
    take(&w, "'kind':'edit','contact':'595981','aliases':['595981'],'target':'wamid.1',"
             "'text':'two pizzas','timestamp':9");
    struct projection *p = activation_projection(&w.a);
    assert_string_equal(p->messages[0].text, "two pizzas");
    assert_int_equal(p->messages[0].edited_ms, 9);
    assert_int_equal(p->receipt_count, 1); // for a record that is there already
    assert_int_equal(p->receipts[0].kind, RECEIPT_EDIT);
    projection_free(p);
    world_close(&w);
}

static void what_was_taken_back_in_the_same_activation_leaves_no_words(void **state)
{
    struct world w;
    world_open(&w, "595981");
    take(&w, "'kind':'message','type':'text','contact':'595981','aliases':['595981'],"
             "'id':'wamid.1','text':'a secret','payload':'a secret','data':{'x':'a secret'},"
             "'attachments':[{'url':'a secret'}]");
    take(&w, "'kind':'edit','contact':'595981','aliases':['595981'],'target':'wamid.1',"
             "'text':'a secret!'");
    take(&w, "'kind':'unsend','contact':'595981','aliases':['595981'],'target':'wamid.1',"
             "'timestamp':9");
    struct projection *p = activation_projection(&w.a);
    assert_string_equal(p->messages[0].text, "");
    assert_null(p->messages[0].payload);
    assert_null(p->messages[0].attachments);
    assert_null(p->messages[0].data);
    assert_int_equal(p->messages[0].deleted_ms, 9);
    char *history = json_print(p->history);
    assert_null(strstr(history, "secret"));
    free(history);
    projection_free(p);
    world_close(&w);
}

static void a_changed_comment_changes_its_record(void **state)
{
    struct world w;
    world_open(&w, "595981");
    take(&w, "'kind':'comment','contact':'7','aliases':['7'],'id':'c1','text':'price?',"
             "'target':'post'");
    take(&w, "'kind':'comment','contact':'7','aliases':['7'],'id':'c1','text':'price, please?',"
             "'status':'edited'");
    take(&w, "'kind':'comment','contact':'7','aliases':['7'],'id':'c1','status':'remove'");
    struct projection *p = activation_projection(&w.a);
    assert_int_equal(p->message_count, 1);
    assert_string_equal(p->messages[0].type, "comment");
    assert_string_equal(json_str(p->messages[0].metadata, "target"), "post");
    assert_int_equal(p->receipt_count, 2);
    assert_int_equal(p->receipts[1].kind, RECEIPT_UNSEND);
    projection_free(p);
    world_close(&w);
}

/* --- chats that became one
 * -------------------------------------------------------------------- */

// The event that the queue makes; the loser's session waits for an input.
static char *merged_members(void)
{
    struct session session;
    session_init(&session, "11111111-1111-1111-1111-111111111111", "665f1c0a9d3e4b2a1c000001", 3,
                 1000);
    session.node = x_dup("ask");
    session.vars = cJSON_CreateObject();
    session.wait = WAIT_INPUT;
    char *text = session_to_json(&session);
    char *members = x_printf("'kind':'contact','type':'merged','contact':'595981','aliases':"
                             "['595981','PY.1'],'timestamp':9,'data':{'chat':'whatsapp:1099:PY.1',"
                             "'state':{'address':'595999','session':%s}}",
                             text);
    free(text);
    session_deinit(&session);
    return members;
}

static void the_session_of_a_merged_chat_goes_on_where_none_runs(void **state)
{
    struct world w;
    char *members = merged_members();
    world_open(&w, "595981");
    take(&w, members);
    assert_true(w.a.has_session);
    assert_string_equal(w.a.session.node, "ask");
    assert_string_equal(activation_address(&w.a), "595999");
    struct projection *p = activation_projection(&w.a);
    assert_int_equal(p->session_count, 1);
    assert_string_equal(p->sessions[0].status, "active");
    assert_string_equal(p->merged_chat, "whatsapp:1099:PY.1");
    projection_free(p);
    world_close(&w);
    free(members);
}

static void the_session_of_a_merged_chat_ends_where_one_runs(void **state)
{
    struct world w;
    char *members = merged_members();
    world_open(&w, "595981");
    session_init(&w.a.session, "22222222-2222-2222-2222-222222222222", "665f1c0a9d3e4b2a1c000001",
                 3, 1000);
    w.a.has_session = true;
    take(&w, members);
    struct projection *p = activation_projection(&w.a);
    assert_int_equal(p->session_count, 2);
    const struct session_record *lost = &p->sessions[0];
    assert_string_equal(lost->id, "11111111-1111-1111-1111-111111111111");
    assert_string_equal(lost->status, "ended");
    assert_string_equal(lost->error, "merged into whatsapp:1099:595981");
    assert_int_equal(lost->ended_ms, 9);
    assert_true(lost->merged);
    assert_string_equal(p->sessions[1].status, "active");
    assert_int_equal(p->message_count, 0);
    char *history = json_print(p->history);
    assert_null(strstr(history, "wait_number")); // the session has a document of its own
    free(history);
    projection_free(p);
    world_close(&w);
    free(members);
}

static void an_attempt_keeps_its_delivery_through_the_journal(void **state)
{
    struct attempt attempt = {.key = STR("hm:s:1"),
                              .delivery = STR("d-1"),
                              .effect = {.kind = EFFECT_SEND, .seq = 1, .node = STR("n")}};
    struct attempt copy;
    char *text = attempt_to_json(&attempt);
    assert_true(attempt_from_json(text, &copy));
    assert_string_equal(copy.delivery, "d-1");
    attempt_deinit(&copy);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_go_to_the_name_that_the_person_gave_last),
        cmocka_unit_test(a_changed_number_is_the_address_and_a_changed_id_only_where_it_was),
        cmocka_unit_test(what_is_said_becomes_a_message_with_its_delivery),
        cmocka_unit_test(a_call_is_told_by_its_words),
        cmocka_unit_test(an_edit_in_the_same_activation_is_in_the_record),
        cmocka_unit_test(what_was_taken_back_in_the_same_activation_leaves_no_words),
        cmocka_unit_test(a_changed_comment_changes_its_record),
        cmocka_unit_test(the_session_of_a_merged_chat_goes_on_where_none_runs),
        cmocka_unit_test(the_session_of_a_merged_chat_ends_where_one_runs),
        cmocka_unit_test(an_attempt_keeps_its_delivery_through_the_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
