// SPDX-License-Identifier: MIT
// Which flow an event starts: each kind of trigger, the stored shapes, and the order of precedence.
#include "test/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/flow.h"
#include "engine/trigger.h"
#include "nodes/registry.h"

#define STR(text) ((char *)(text))

/* Flows and events, written short: single quotes stand for double ones. */

static cJSON *quoted(const char *text)
{
    char *copy = x_dup(text);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    cJSON *json = json_read(copy, strlen(copy), NULL);
    if (!json)
        fail_msg("no JSON: %s", copy);
    free(copy);
    return json;
}

static cJSON *document(const char *start, const char *more)
{
    char *text = x_printf("{'name':'T','nodes':[{'id':'s','type':'start','data':{%s}},{'id':'e',"
                          "'type':'end'}],'edges':[{'source':'s','target':'e'}]%s%s}",
                          start, more ? "," : "", more ? more : "");
    cJSON *json = quoted(text);
    free(text);
    return json;
}

static struct flow *compile(const char *start, const char *more)
{
    struct diags diags = {0};
    cJSON *json = document(start, more);
    struct flow *flow = flow_compile(json, node_types, &diags);
    if (!flow)
        fail_msg("%s: %s", start, diags.items[0].text);
    diags_deinit(&diags);
    cJSON_Delete(json);
    return flow;
}

static struct event event_of(const char *members)
{
    char *text = x_printf("{'platform':'messenger','account':'1','contact':'7',%s}", members);
    cJSON *json = quoted(text);
    char *form = json_print(json);
    struct event event;
    struct err err;
    if (!event_from_json(form, strlen(form), &event, &err))
        fail_msg("%s: %s", form, err.text);
    free(form);
    cJSON_Delete(json);
    free(text);
    return event;
}

// The name of the trigger that starts the flow, or "-".
static char *started(const char *start, const char *more, const char *members,
                     const struct trigger_context *context)
{
    struct flow *flow = compile(start, more);
    struct event event = event_of(members);
    struct trigger_match match = {.name = "unset"};
    char *name = x_dup(trigger_match(flow, &event, context, &match) ? match.name : "-");
    event_deinit(&event);
    flow_unref(flow);
    return name;
}

static void assert_starts(const char *start, const char *members, const char *expected)
{
    struct trigger_context context = {0};
    char *name = started(start, NULL, members, &context);
    if (strcmp(name, expected) != 0)
        fail_msg("{%s} by {%s}: '%s', not '%s'", start, members, name, expected);
    free(name);
}

static void assert_says(const char *trigger, const char *said, bool expected)
{
    char *start = x_printf("'triggers':[%s]", trigger);
    char *members = x_printf("'kind':'message','text':'%s'", said);
    struct trigger_context context = {0};
    char *name = started(start, NULL, members, &context);
    if ((strcmp(name, "-") != 0) != expected)
        fail_msg("%s with \"%s\": %s", trigger, said, name);
    free(name);
    free(members);
    free(start);
}

/* --- keywords
 * ---------------------------------------------------------------------------------- */

static void an_exact_keyword_is_the_whole_text_but_for_case_accents_width_and_signs(void **state)
{
    static const char menu[] = "{'type':'keyword','words':['menú'],'match':'exact'}";
    static const char *const yes[] = {"menu",   "MENU",     "Menú!", "  menú ",
                                      "¿MENÚ?", "ｍｅｎｕ", "menu."};
    static const char *const no[] = {"menus", "the menu", "men", "", "!"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_says(menu, yes[i], true);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_says(menu, no[i], false);
    assert_says("{'type':'keyword','words':'c++','match':'exact'}", "C++", true);
    assert_says("{'type':'keyword','words':'c++','match':'exact'}", "c", false);
    assert_says("{'type':'keyword','words':'👍','match':'exact'}", "👍", true);
    assert_says("{'type':'keyword','words':'good  day','match':'exact'}", "Good\\n day", true);
}

static void a_word_stands_by_itself_somewhere(void **state)
{
    static const char price[] = "{'type':'keyword','words':['price','how much']}";
    assert_says(price, "What is the PRICE, please?", true);
    assert_says(price, "priceless", false);
    assert_says(price, "pricey, the price", true);
    assert_says(price, "how   much is it", true);
    assert_says(price, "show much", false);
    assert_says("{'type':'keyword','words':'año'}", "un AÑO más", true);
    assert_says("{'type':'keyword','words':'no'}", "niño", false);
    assert_says("{'type':'keyword','words':'straße'}", "in der STRASSE", true);
}

static void marks_that_make_another_word_make_another_keyword(void **state)
{
    static const char tomorrow[] = "{'type':'keyword','words':'कल','match':'exact'}";
    static const char word[] = "{'type':'keyword','words':'कल'}";
    static const char no[] = "{'type':'keyword','words':'ไม่','match':'contains'}";
    assert_says(tomorrow, "कल।", true);
    assert_says(tomorrow, "कुल", false);
    assert_says(word, "मैं कल आऊँगा", true);
    assert_says(word, "यह कला है", false); // art: its vowel sign goes on
    assert_says(word, "यह कल् है", false);  // and so does a virama
    assert_says(no, "ผมไม่เอา", true);
    assert_says(no, "โต๊ะไม้", false);
    assert_says("{'type':'keyword','words':'か','match':'contains'}", "がいど", false);
    assert_says("{'type':'keyword','words':'ガイド','match':'exact'}", "ｶﾞｲﾄﾞ", true);
    assert_says("{'type':'keyword','words':'إلغاء','match':'exact'}", "الغاء", true);
    assert_says("{'type':'keyword','words':'1','match':'exact'}", "1️⃣", true);
}

static void contains_is_a_part_of_the_text_and_a_pattern_matches_it(void **state)
{
    assert_says("{'type':'keyword','words':'价格','match':'contains'}", "请问价格是多少", true);
    assert_says("{'type':'keyword','words':'rice','match':'contains'}", "the price", true);
    assert_says("{'type':'keyword','words':'^order \\\\d+$','match':'pattern'}", "Order 42", true);
    assert_says("{'type':'keyword','words':'^order \\\\d+$','match':'pattern'}", "order x", false);
    assert_says("{'type':'keyword','words':'^menu$','match':'pattern'}", "Menú", true);
    assert_says("{'type':'keyword','words':'(a+)+$','match':'pattern'}",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false);
}

static void a_keyword_is_looked_for_in_the_first_two_kibibytes(void **state)
{
    char *text = x_calloc(4000, 1);
    memset(text, ' ', 2030);
    memset(text, 'x', 2028);
    strcpy(text + 2029, "menu end");
    assert_says("{'type':'keyword','words':'menu'}", text, true);
    memset(text, 'x', 3000);
    strcpy(text + 3000, " menu");
    assert_says("{'type':'keyword','words':'menu'}", text, false);
    free(text);
}

static void a_keyword_is_no_answer_to_other_kinds_of_events(void **state)
{
    static const char menu[] = "'triggers':[{'type':'keyword','words':'menu'}]";
    assert_starts(menu, "'kind':'message','text':'menu'", "keyword 'menu'");
    assert_starts(menu, "'kind':'message','text':'Menu','payload':'P'", "keyword 'menu'");
    assert_starts(menu, "'kind':'postback','text':'menu','payload':'P'", "-");
    assert_starts(menu, "'kind':'comment','text':'menu'", "-");
    assert_starts(menu, "'kind':'message'", "-");
    assert_starts(menu, "'kind':'message','text':'menu','standby':true", "-");
    assert_starts(menu, "'kind':'message','text':'menu','group':'g'", "-");
}

/* --- the other types
 * ---------------------------------------------------------------------------- */

static void payloads_are_exact_or_begin_so(void **state)
{
    static const char tap[] = "'triggers':[{'type':'postback','payloads':['MENU','BUY:*']}]";
    assert_starts(tap, "'kind':'postback','payload':'MENU'", "payload 'MENU'");
    assert_starts(tap, "'kind':'postback','payload':'MENU2'", "-");
    assert_starts(tap, "'kind':'postback','payload':'BUY:7'", "payload 'BUY:*'");
    assert_starts(tap, "'kind':'postback'", "-");
    assert_starts(tap, "'kind':'message','payload':'MENU'", "-");
    assert_starts("'triggers':[{'type':'postback'}]", "'kind':'postback','payload':'X'",
                  "postback");
    assert_starts("'triggers':[{'type':'quickReply','payloads':'SIZE*'}]",
                  "'kind':'message','text':'L','payload':'SIZE:L'", "payload 'SIZE*'");
    assert_starts("'triggers':[{'type':'quickReply'}]", "'kind':'message','text':'L'", "-");
}

static void a_button_of_whatsapp_counts_as_a_postback(void **state)
{
    struct event event = event_of("'kind':'message','text':'Confirm','payload':'CONFIRM:12'");
    event.platform = PLATFORM_WHATSAPP;
    struct flow *flow = compile("'triggers':[{'type':'postback','payloads':'CONFIRM:*'}]", NULL);
    struct trigger_context context = {0};
    struct trigger_match match;
    assert_true(trigger_match(flow, &event, &context, &match));
    assert_string_equal(match.name, "payload 'CONFIRM:*'");
    flow_unref(flow);
    event_deinit(&event);
}

static void a_referral_is_known_by_ref_source_and_ad(void **state)
{
    static const char spring[] = "'triggers':[{'type':'referral','refs':'spring*'}]";
    static const char ads[] =
        "'triggers':[{'type':'referral','sources':['ADS','ad'],'adIds':['6014','9']}]";
    assert_starts(spring, "'kind':'referral','payload':'spring-3','referral':{'source':'ADS'}",
                  "referral 'spring*'");
    assert_starts(spring, "'kind':'referral','referral':{'ref':'autumn'}", "-");
    assert_starts(spring, "'kind':'postback','payload':'GET_STARTED','referral':{'ref':'spring'}",
                  "referral 'spring*'");
    assert_starts(ads, "'kind':'message','text':'hi','referral':{'source':'ADS','ad_id':6014}",
                  "referral");
    assert_starts(ads, "'kind':'message','referral':{'source_type':'ad','source_id':'9'}",
                  "referral");
    assert_starts(ads, "'kind':'message','referral':{'source_type':'post','source_id':'9'}", "-");
    assert_starts(ads, "'kind':'message','text':'hi'", "-");
}

static void stories_comments_and_reactions_start_what_asks_for_them(void **state)
{
    static const char reply[] = "'kind':'message','text':'!','context':{'story':{'id':'1'}}";
    static const char mention[] = "'kind':'message','attachments':[{'type':'story_mention'}]";
    assert_starts("'triggers':[{'type':'story'}]", reply, "story reply");
    assert_starts("'triggers':[{'type':'story'}]", mention, "story mention");
    assert_starts("'triggers':[{'type':'story','story':'mention'}]", reply, "-");
    assert_starts("'triggers':[{'type':'story','story':'reply'}]", mention, "-");
    assert_starts("'triggers':[{'type':'story'}]", "'kind':'message','context':{'mid':'1'}", "-");

    static const char price[] =
        "'triggers':[{'type':'comment','words':'price','posts':['p1'],'privateReply':true}]";
    assert_starts(price, "'kind':'comment','text':'The price?','target':'p1'", "comment 'price'");
    assert_starts(price, "'kind':'comment','text':'The price?','target':'p2'", "-");
    assert_starts(price, "'kind':'comment','text':'Nice!','target':'p1'", "-");
    assert_starts("'triggers':['comment']", "'kind':'comment','text':'Nice!'", "comment");
    assert_starts("'triggers':['comment']", "'kind':'comment','text':'x','status':'edited'", "-");

    static const char love[] = "'triggers':[{'type':'reaction','emoji':['❤','wow']}]";
    assert_starts(love, "'kind':'reaction','target':'m','emoji':'❤️'", "reaction '❤'");
    assert_starts(love, "'kind':'reaction','target':'m','emoji':'😮','data':{'reaction':'wow'}",
                  "reaction 'wow'");
    assert_starts(love, "'kind':'reaction','target':'m','emoji':'👍'", "-");
    assert_starts("'triggers':['reaction']", "'kind':'reaction','target':'m'", "-");
}

static void calls_opt_ins_and_starts_by_hand(void **state)
{
    static const char missed[] = "'triggers':[{'type':'call','missed':true}]";
    static const char end[] = "'kind':'call','type':'terminate','status':'COMPLETED',"
                              "'data':{'direction':'USER_INITIATED'%s}";
    char *taken = x_printf(end, ",'duration':54"), *unanswered = x_printf(end, "");
    assert_starts(missed, unanswered, "missed call");
    assert_starts(missed, taken, "-");
    assert_starts("'triggers':['call']", unanswered, "-");
    assert_starts("'triggers':['call']",
                  "'kind':'call','type':'connect','data':{'direction':'USER_INITIATED'}", "call");
    assert_starts("'triggers':['call']",
                  "'kind':'call','type':'connect','data':{'direction':'BUSINESS_INITIATED'}", "-");
    free(taken);
    free(unanswered);
    assert_starts("'triggers':[{'type':'optin','payloads':'NEWS'}]",
                  "'kind':'optin','payload':'NEWS'", "optin 'NEWS'");
    assert_starts("'triggers':['manual','time']", "'kind':'message','text':'hi'", "-");
}

static void a_start_by_hand_starts_its_target_and_interrupts_when_it_says_so(void **state)
{
    struct trigger_context context = {.flow_id = "f1"};
    char *name = started("'triggers':['comment']", NULL, "'kind':'start','target':'f1'", &context);
    assert_string_equal(name, "manual");
    free(name);
    name = started("", NULL, "'kind':'start','target':'f2'", &context);
    assert_string_equal(name, "-");
    free(name);
    context.is_waiting = true;
    name = started("", NULL, "'kind':'start','target':'f1','data':{'vars':{}}", &context);
    assert_string_equal(name, "-");
    free(name);
    name = started("", NULL, "'kind':'start','target':'f1','data':{'interrupt':true}", &context);
    assert_string_equal(name, "manual");
    free(name);
}

static void first_contact_is_the_chats_first_event(void **state)
{
    struct trigger_context context = {.first_contact = true};
    static const char *const kinds[] = {"message", "postback", "referral", "optin"};
    for (size_t i = 0; i < 4; i++) {
        char *members = x_printf("'kind':'%s'", kinds[i]);
        char *name = started("'triggers':['first_message']", NULL, members, &context);
        assert_string_equal(name, "first contact");
        free(name);
        free(members);
    }
    assert_starts("'triggers':['first_message']", "'kind':'message','text':'hi'", "-");
}

static void only_triggers_that_say_so_beat_a_session_that_waits(void **state)
{
    struct trigger_context context = {.is_waiting = true};
    static const char stop[] = "'triggers':[{'type':'message'},{'type':'keyword','words':'stop',"
                               "'match':'exact','interrupts':true}]";
    char *name = started(stop, NULL, "'kind':'message','text':'Stop!'", &context);
    assert_string_equal(name, "keyword 'stop'");
    free(name);
    name = started(stop, NULL, "'kind':'message','text':'go'", &context);
    assert_string_equal(name, "-");
    free(name);
}

/* --- the stored shapes
 * -------------------------------------------------------------------------- */

static void a_flow_that_says_nothing_starts_as_it_always_did(void **state)
{
    static const char *const silent[] = {"", "'triggers':[]", "'keywords':[]", "'triggers':null"};
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
        assert_starts(silent[i], "'kind':'message','text':'hi'", "message");
        assert_starts(silent[i], "'kind':'optin'", "optin");
        assert_starts(silent[i], "'kind':'comment','text':'hi'", "-");
        assert_starts(silent[i], "'kind':'reaction','emoji':'x'", "-");
    }
    assert_starts("'on':['comment','message']", "'kind':'comment','text':'hi'", "comment");
    assert_starts("'on':['comment']", "'kind':'comment','text':'hi','status':'edited'", "-");
    assert_starts("'on':['comment']", "'kind':'message','text':'hi'", "-");
    assert_starts("'on':[]", "'kind':'message','text':'hi'", "-");
}

static void the_words_of_builders_are_understood(void **state)
{
    assert_starts("'triggers':'keyword:menu'", "'kind':'message','text':'the menu'",
                  "keyword 'menu'");
    assert_starts("'triggers':['message_received']", "'kind':'message','text':'x'", "message");
    assert_starts("'triggers':['Postback: MENU*']", "'kind':'postback','payload':'MENU1'",
                  "payload 'MENU*'");
    assert_starts("'triggers':['get_started']", "'kind':'postback','payload':'GET_STARTED'",
                  "payload 'GET_STARTED'");
    assert_starts("'triggers':['missed_call']",
                  "'kind':'call','type':'terminate','data':{'direction':'USER_INITIATED'}",
                  "missed call");
    assert_starts("'keywords':['hours','opening times']",
                  "'kind':'message','text':'your opening times?'", "keyword 'opening times'");
    assert_starts("'keywords':'hours'", "'kind':'message','text':'x'", "-");
}

static void a_document_says_it_in_its_metadata(void **state)
{
    struct trigger_context context = {0};
    static const char more[] = "'metadata':{'triggers':['comment:price','story_mention']}";
    char *name = started("", more, "'kind':'comment','text':'price?'", &context);
    assert_string_equal(name, "comment 'price'");
    free(name);
    name = started("", more, "'kind':'message','text':'hi'", &context);
    assert_string_equal(name, "-");
    free(name);
    name = started("", "'metadata':{'triggers':[]}", "'kind':'message','text':'hi'", &context);
    assert_string_equal(name, "message");
    free(name);
}

static void a_version_holds_the_metadatas_triggers_and_is_else_as_before(void **state)
{
    cJSON *with = document("", "'metadata':{'version':2,'triggers':['comment']}");
    cJSON *without = document("", "'metadata':{'version':2,'triggers':[]}");
    char *text = flow_snapshot(with), *plain = flow_snapshot(without);
    assert_non_null(strstr(text, "\"metadata\":{\"triggers\":[\"comment\"]},\"nodes\""));
    assert_null(strstr(plain, "metadata"));
    cJSON *snapshot = json_read(text, strlen(text), NULL);
    char *again = flow_snapshot(snapshot);
    assert_string_equal(again, text);
    free(again);
    cJSON_Delete(snapshot);
    cJSON_Delete(with);
    cJSON_Delete(without);
    free(text);
    free(plain);
}

// The findings of one start node, as "code" each.
static char *found(const char *start, const char *more, char **ret_text)
{
    struct diags diags = {0};
    cJSON *json = document(start, more);
    flow_lint(json, node_types, &diags);
    char *codes = x_dup("");
    *ret_text = x_dup(diags.count ? diags.items[0].text : "");
    for (size_t i = 0; i < diags.count; i++) {
        char *longer = x_printf("%s%s ", codes, diags.items[i].code);
        free(codes);
        codes = longer;
    }
    diags_deinit(&diags);
    cJSON_Delete(json);
    return codes;
}

static void what_is_wrong_with_a_trigger_is_found(void **state)
{
    static const char *const cases[][3] = {
        {"'triggers':['mesage']", "trigger-unknown ", "triggers[0]: the trigger 'mesage'"},
        {"'triggers':['keyword']", "trigger-unknown ", "known: keyword:WORD"},
        {"'triggers':[{'type':'keywrd'}]", "field-value ", "did you mean 'keyword'?"},
        {"'triggers':[{'type':'keyword'}]", "trigger-bad ", "needs `words`"},
        {"'triggers':[{'words':'x'}]", "field-missing ", "triggers[0].type"},
        {"'triggers':[{'type':'keyword','words':[1]}]", "trigger-bad trigger-bad ",
         "triggers[0].words"},
        {"'triggers':[{'type':'keyword','words':'(','match':'pattern'}]", "trigger-bad ",
         "pattern '('"},
        {"'triggers':[{'type':'message','priority':99999}]", "field-value ", "priority"},
        {"'triggers':[7]", "trigger-bad ", "triggers[0]"},
        {"'triggers':[{'type':'keyword','words':['x'],'word':'y'}]", "field-unknown ",
         "triggers[0].word"},
        {"'triggers':[{'type':'message','posts':'1'}]", "field-unused ", "triggers[0].posts"},
        {"'keywords':{}", "trigger-bad ", "keywords"},
        {"'keywords':'menu, start'", "keyword-comma ", "is one keyword"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text;
        char *codes = found(cases[i][0], NULL, &text);
        if (strcmp(codes, cases[i][1]) != 0 || !strstr(text, cases[i][2]))
            fail_msg("%s: %s: %s", cases[i][0], codes, text);
        free(codes);
        free(text);
    }
    char *text;
    char *codes = found("", "'metadata':{'triggers':['moon_phase',7]}", &text);
    assert_string_equal(codes, "trigger-unknown trigger-unknown ");
    free(codes);
    free(text);
}

static void the_lists_of_a_flow_are_bounded(void **state)
{
    char *many = x_dup("'triggers':['message'");
    for (int i = 0; i < 101; i++) {
        char *longer = x_printf("%s,'keyword:w%d'", many, i);
        free(many);
        many = longer;
    }
    char *start = x_printf("%s]", many), *text;
    char *codes = found(start, NULL, &text);
    assert_non_null(strstr(codes, "trigger-bad"));
    assert_non_null(strstr(text, "at most 100 triggers"));
    free(many);
    free(start);
    free(codes);
    free(text);
}

/* --- precedence
 * --------------------------------------------------------------------------------- */

// The first of the list beats all that stand behind it, by a message or a tap with everything.
static void the_order_of_precedence_is_the_documented_one(void **state)
{
    static const char *const ranks[] = {
        "{'type':'message','priority':1}",
        "{'type':'quickReply','payloads':'MENU'}",
        "{'type':'quickReply','payloads':'ME*'}",
        "{'type':'keyword','words':'menu','match':'exact'}",
        "{'type':'keyword','words':'menu','match':'word'}",
        "{'type':'keyword','words':'menu','match':'contains'}",
        "{'type':'keyword','words':'men','match':'contains'}",
        "{'type':'keyword','words':'m.*','match':'pattern'}",
        "{'type':'story'}",
        "{'type':'firstContact'}",
        "{'type':'message'}",
        "{'type':'default'}",
        "{'type':'default','priority':-1}",
    };
    enum { COUNT = sizeof ranks / sizeof *ranks };
    struct event event = event_of("'kind':'message','text':'Menu','payload':'MENU',"
                                  "'context':{'story':{'id':'1'}}");
    struct trigger_context context = {.first_contact = true};
    struct trigger_match matches[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        char *start = x_printf("'triggers':[%s]", ranks[i]);
        struct flow *flow = compile(start, NULL);
        assert_true(trigger_match(flow, &event, &context, &matches[i]));
        flow_unref(flow);
        free(start);
    }
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = 0; k < COUNT; k++)
            if ((trigger_compare(&matches[i], &matches[k]) > 0) != (i < k))
                fail_msg("%s against %s", ranks[i], ranks[k]);
    event_deinit(&event);
}

static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void compare_is_a_strict_weak_order(void **state)
{
    uint64_t seed = 88172645463325252u;
    struct trigger_match m[24];
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < 24; i++)
            m[i] = (struct trigger_match){.priority = (int)(random_next(&seed) % 3) - 1,
                                          .specificity = (int)(random_next(&seed) % 3),
                                          .length = random_next(&seed) % 3};
        for (size_t a = 0; a < 24; a++) {
            assert_int_equal(trigger_compare(&m[a], &m[a]), 0);
            for (size_t b = 0; b < 24; b++) {
                int ab = sign(trigger_compare(&m[a], &m[b]));
                assert_int_equal(ab, -sign(trigger_compare(&m[b], &m[a])));
                for (size_t c = 0; c < 24; c++)
                    if (ab >= 0 && trigger_compare(&m[b], &m[c]) >= 0)
                        assert_int_equal(sign(trigger_compare(&m[a], &m[c])),
                                         ab > 0 || trigger_compare(&m[b], &m[c]) > 0);
            }
        }
    }
}

static const char *const some_triggers[] = {
    "{'type':'keyword','words':['menu','the menu'],'match':'exact'}",
    "{'type':'keyword','words':['menu','stop'],'interrupts':true}",
    "{'type':'keyword','words':'en','match':'contains','priority':2}",
    "{'type':'keyword','words':'^s','match':'pattern'}",
    "{'type':'postback','payloads':['GO','G*'],'interrupts':true}",
    "{'type':'quickReply','payloads':'S*','priority':-1}",
    "{'type':'comment'}",
    "{'type':'reaction','interrupts':true}",
    "{'type':'referral'}",
    "{'type':'firstContact'}",
    "{'type':'message'}",
    "{'type':'default','interrupts':true,'priority':-5}",
};
static const char *const some_events[] = {
    "'kind':'message','text':'menu'",           "'kind':'message','text':'show the menu'",
    "'kind':'message','text':'Stop'",           "'kind':'message','text':'S','payload':'SIZE'",
    "'kind':'postback','payload':'GO'",         "'kind':'postback','payload':'GREEN'",
    "'kind':'comment','text':'the menu'",       "'kind':'reaction','emoji':'x','target':'m'",
    "'kind':'referral','referral':{'ref':'r'}", "'kind':'edit','text':'menu'",
};
enum {
    SOME_TRIGGERS = sizeof some_triggers / sizeof *some_triggers,
    SOME_EVENTS = sizeof some_events / sizeof *some_events,
    FLOWS = 6,
};

// Some flows, each of some of the triggers; `masks` says of which.
struct world {
    struct flow *singles[SOME_TRIGGERS]; // each trigger by itself
    struct event events[SOME_EVENTS];
    struct flow *flows[FLOWS];
    unsigned masks[FLOWS];
};

static struct flow *flow_of(unsigned mask)
{
    char *list = x_dup("'triggers':['manual'");
    for (size_t t = 0; t < SOME_TRIGGERS; t++) {
        if (!(mask >> t & 1))
            continue;
        char *longer = x_printf("%s,%s", list, some_triggers[t]);
        free(list);
        list = longer;
    }
    char *start = x_printf("%s]", list);
    struct flow *flow = compile(start, NULL);
    free(start);
    free(list);
    return flow;
}

static void world_open(struct world *w)
{
    for (size_t i = 0; i < SOME_TRIGGERS; i++)
        w->singles[i] = flow_of(1u << i);
    for (size_t i = 0; i < SOME_EVENTS; i++)
        w->events[i] = event_of(some_events[i]);
}

static void world_close(struct world *w)
{
    for (size_t i = 0; i < SOME_TRIGGERS; i++)
        flow_unref(w->singles[i]);
    for (size_t i = 0; i < SOME_EVENTS; i++)
        event_deinit(&w->events[i]);
}

// As the worker does it: the index of the flow, or -1.
static int chosen(const struct world *w, const struct event *event,
                  const struct trigger_context *context)
{
    int best = -1;
    struct trigger_match best_match = {0}, match;
    for (int f = 0; f < FLOWS; f++) {
        if (trigger_match(w->flows[f], event, context, &match) &&
            (best < 0 || trigger_compare(&match, &best_match) > 0)) {
            best = f;
            best_match = match;
        }
    }
    return best;
}

// By one number for each trigger of each flow, which orders as docs/triggers.md says.
static int chosen_by_force(const struct world *w, const struct event *event,
                           const struct trigger_context *context)
{
    int best = -1;
    int64_t best_rank = INT64_MIN;
    for (int f = 0; f < FLOWS; f++) {
        for (size_t t = 0; t < SOME_TRIGGERS; t++) {
            struct trigger_match m;
            if (!(w->masks[f] >> t & 1) || !trigger_match(w->singles[t], event, context, &m))
                continue;
            int64_t rank =
                (int64_t)m.priority * 1000000 + m.specificity * 10000 + (int64_t)m.length;
            if (rank > best_rank) {
                best_rank = rank;
                best = f;
            }
        }
    }
    return best;
}

static void the_flow_that_starts_is_the_best_of_all(void **state)
{
    enum { ROUNDS = 150 };
    uint64_t seed = 4242;
    unsigned started_some = 0;
    struct world w;
    world_open(&w);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t f = 0; f < FLOWS; f++) {
            w.masks[f] =
                1u << random_next(&seed) % SOME_TRIGGERS | 1u << random_next(&seed) % SOME_TRIGGERS;
            w.flows[f] = flow_of(w.masks[f]);
        }
        for (size_t e = 0; e < SOME_EVENTS; e++) {
            struct trigger_context context = {.first_contact = random_next(&seed) & 1,
                                              .is_waiting = random_next(&seed) & 1};
            int flow = chosen(&w, &w.events[e], &context);
            assert_int_equal(flow, chosen_by_force(&w, &w.events[e], &context));
            started_some += flow >= 0;
        }
        for (size_t f = 0; f < FLOWS; f++)
            flow_unref(w.flows[f]);
    }
    assert_in_range(started_some, 300, ROUNDS * SOME_EVENTS - 100); // both happened, often
    world_close(&w);
}

static void a_text_folded_once_gives_the_same_answer(void **state)
{
    struct flow *flow = compile("'keywords':'menú'", NULL);
    struct event event = event_of("'kind':'message','text':'  MENU  please'");
    char *text = trigger_text(&event);
    assert_string_equal(text, "menu please");
    struct trigger_context context = {.text = text};
    struct trigger_match match;
    assert_true(trigger_match(flow, &event, &context, &match));
    free(text);
    event_deinit(&event);
    flow_unref(flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exact_keyword_is_the_whole_text_but_for_case_accents_width_and_signs),
        cmocka_unit_test(a_word_stands_by_itself_somewhere),
        cmocka_unit_test(marks_that_make_another_word_make_another_keyword),
        cmocka_unit_test(contains_is_a_part_of_the_text_and_a_pattern_matches_it),
        cmocka_unit_test(a_keyword_is_looked_for_in_the_first_two_kibibytes),
        cmocka_unit_test(a_keyword_is_no_answer_to_other_kinds_of_events),
        cmocka_unit_test(payloads_are_exact_or_begin_so),
        cmocka_unit_test(a_button_of_whatsapp_counts_as_a_postback),
        cmocka_unit_test(a_referral_is_known_by_ref_source_and_ad),
        cmocka_unit_test(stories_comments_and_reactions_start_what_asks_for_them),
        cmocka_unit_test(calls_opt_ins_and_starts_by_hand),
        cmocka_unit_test(a_start_by_hand_starts_its_target_and_interrupts_when_it_says_so),
        cmocka_unit_test(first_contact_is_the_chats_first_event),
        cmocka_unit_test(only_triggers_that_say_so_beat_a_session_that_waits),
        cmocka_unit_test(a_flow_that_says_nothing_starts_as_it_always_did),
        cmocka_unit_test(the_words_of_builders_are_understood),
        cmocka_unit_test(a_document_says_it_in_its_metadata),
        cmocka_unit_test(a_version_holds_the_metadatas_triggers_and_is_else_as_before),
        cmocka_unit_test(what_is_wrong_with_a_trigger_is_found),
        cmocka_unit_test(the_lists_of_a_flow_are_bounded),
        cmocka_unit_test(the_order_of_precedence_is_the_documented_one),
        cmocka_unit_test(compare_is_a_strict_weak_order),
        cmocka_unit_test(the_flow_that_starts_is_the_best_of_all),
        cmocka_unit_test(a_text_folded_once_gives_the_same_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
