// SPDX-License-Identifier: MIT
// What a flow sees of an event, and which kinds of events start it.
#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "engine/message.h"
#include "nodes/registry.h"
#include "play.h"

static struct flow *compile(const char *nodes, const char *edges, const char *more)
{
    char *text = flow_text(nodes, edges, more);
    cJSON *document = json_read(text, strlen(text), NULL);
    struct diags diags = {0};
    struct flow *flow = flow_compile(document, node_types, &diags);
    assert_int_equal(diags.errors, 0);
    assert_non_null(flow);
    diags_deinit(&diags);
    cJSON_Delete(document);
    free(text);
    return flow;
}

struct run {
    struct flow *flow;
    struct session session;
    struct effect effect;
    struct engine_env env;
};

static enum engine_outcome give(struct run *run, enum stimulus_kind kind, const struct event *event)
{
    static const struct effect_result good = {.ok = true};
    struct stimulus stimulus = {.kind = kind, .event = event, .result = &good};
    stimulus.wait_number = run->session.wait_number;
    effect_deinit(&run->effect);
    return engine_run(run->flow, &run->session, &stimulus, &run->env, &run->effect);
}

static void run_begin(struct run *run, const char *nodes, const char *edges, const char *more)
{
    *run = (struct run){.env = {.now_ms = 5000}, .flow = compile(nodes, edges, more)};
    session_init(&run->session, "id", "flow", 1, 5000);
}

static void run_end(struct run *run)
{
    effect_deinit(&run->effect);
    session_deinit(&run->session);
    flow_unref(run->flow);
}

// What the message node `m` with this template says to the event that starts the session.
static void assert_says(const char *template, const struct event *event, const char *expected)
{
    struct run run;
    char *nodes = x_printf("s start\nm message {'message':'%s'}\ne end", template);
    run_begin(&run, nodes, "s>m m>e", NULL);
    assert_int_equal(give(&run, STIMULUS_START, event), ENGINE_EFFECT);
    assert_string_equal(run.effect.text, expected);
    run_end(&run);
    free(nodes);
}

#define STR(text) ((char *)(text))

static void a_template_reads_every_part_of_an_event(void **state)
{
    static const char pictures[] = "[{\"type\":\"image\",\"url\":\"https://x.example/1.jpg\"}]";
    struct event event = {.kind = EVENT_MESSAGE,
                          .type = STR("image"),
                          .id = STR("m_1"),
                          .contact = STR("77"),
                          .text = STR("look"),
                          .payload = STR("P"),
                          .reply_to = STR("m_0"),
                          .target = STR("post"),
                          .emoji = STR("+"),
                          .attachments = json_read(pictures, strlen(pictures), NULL),
                          .data = STR("{\"latitude\":-25.5}"),
                          .context = STR("{\"forwarded\":true}"),
                          .referral = STR("{\"ref\":\"spring\",\"ad_id\":6045246247433123456}")};
    assert_says("{{event.kind}} {{event.type}} {{event.id}} {{event.text}} {{event.payload}} "
                "{{event.reply_to}} {{event.target}} {{event.emoji}}",
                &event, "message image m_1 look P m_0 post +");
    assert_says("{{event.attachments[0].url}} {{event.data.latitude}} {{event.context.forwarded}}",
                &event, "https://x.example/1.jpg -25.5 true");
    assert_says("{{event.referral.ref}} {{event.referral.ad_id}}", &event,
                "spring 6045246247433123456");
    cJSON_Delete(event.attachments);
}

static void what_is_too_large_is_left_out_and_named(void **state)
{
    char *data = x_calloc(40000, 1), *text = x_calloc(20000, 1);
    memset(text, 'x', 19999);
    memset(data, ' ', 39999);
    memcpy(data, "{\"a\":1", 6);
    data[39998] = '}';
    struct event event = {.kind = EVENT_MESSAGE,
                          .contact = STR("77"),
                          .text = text,
                          .data = data,
                          .referral = STR("{\"ref\":\"r\"}")};
    struct run run;
    run_begin(&run, "s start\ni input {'message':'?'}\ne end", "s>i i>e", NULL);
    give(&run, STIMULUS_START, &event);
    const cJSON *value = json_get(run.session.vars, "event");
    assert_int_equal(strlen(json_str(value, "text")), 8192);
    assert_string_equal(json_str(json_get(value, "referral"), "ref"), "r");
    assert_null(json_get(value, "data"));
    assert_string_equal(cJSON_GetArrayItem(json_get(value, "left_out"), 0)->valuestring, "data");
    char *session = session_to_json(&run.session);
    assert_true(strlen(session) < 20000);
    free(session);
    run_end(&run);
    free(data);
    free(text);
}

static void the_last_answer_is_the_event_also_when_it_came_during_a_delay(void **state)
{
    static const struct event hi = {
        .kind = EVENT_MESSAGE, .id = STR("m_1"), .contact = STR("77"), .text = STR("hi")};
    static const struct event tap = {.kind = EVENT_POSTBACK,
                                     .id = STR("m_2"),
                                     .contact = STR("77"),
                                     .text = STR("Yes"),
                                     .payload = STR("YES"),
                                     .referral = STR("{\"ref\":\"x\"}")};
    struct run run;
    run_begin(
        &run,
        "s start\nd delay {'delay':1000}\ni input {'message':'?'}\n"
        "m message {'message':'{{event.kind}} {{event.referral.ref}} {{last.payload}}'}\ne end",
        "s>d d>i i>m m>e", NULL);
    assert_int_equal(give(&run, STIMULUS_START, &hi), ENGINE_WAITING);
    assert_string_equal(json_str(json_get(run.session.vars, "event"), "id"), "m_1");
    assert_int_equal(give(&run, STIMULUS_EVENT, &tap), ENGINE_WAITING);
    char *text = session_to_json(&run.session); // as it would be stored
    session_deinit(&run.session);
    assert_true(session_from_json(text, strlen(text), &run.session, NULL));
    free(text);
    run.env.now_ms = 6000;
    assert_int_equal(give(&run, STIMULUS_TIMER, NULL), ENGINE_EFFECT); // the question
    assert_int_equal(give(&run, STIMULUS_RESULT, NULL), ENGINE_EFFECT);
    assert_string_equal(run.effect.text, "postback x YES");
    run_end(&run);
}

static void an_answer_kept_by_an_older_version_still_counts(void **state)
{
    static const struct event hi = {.kind = EVENT_MESSAGE, .contact = STR("77")};
    static const char kept[] = "[{\"text\":\"old\",\"payload\":\"P\"}]";
    struct run run;
    run_begin(&run,
              "s start\nd delay {'delay':1000}\ni input {'message':'?'}\n"
              "m message {'message':'{{last.text}} {{last.payload}}'}\ne end",
              "s>d d>i i>m m>e", NULL);
    give(&run, STIMULUS_START, &hi);
    run.session.kept = json_read(kept, strlen(kept), NULL);
    give(&run, STIMULUS_TIMER, NULL);
    assert_int_equal(give(&run, STIMULUS_RESULT, NULL), ENGINE_EFFECT);
    assert_string_equal(run.effect.text, "old P");
    run_end(&run);
}

static void a_flow_with_a_variable_event_keeps_its_own(void **state)
{
    static const struct event hi = {.kind = EVENT_MESSAGE, .contact = STR("77"), .text = STR("hi")};
    struct run run;
    run_begin(&run, "s start\nm message {'message':'{{event}}'}\ne end", "s>m m>e",
              "'variables':[{'name':'event','type':'string','defaultValue':'the fair'}]");
    assert_int_equal(give(&run, STIMULUS_START, &hi), ENGINE_EFFECT);
    assert_string_equal(run.effect.text, "the fair");
    run_end(&run);
}

static void a_message_taken_back_leaves_the_session(void **state)
{
    static const struct event hi = {
        .kind = EVENT_MESSAGE, .id = STR("m_1"), .contact = STR("77"), .text = STR("secret")};
    static const struct event more = {
        .kind = EVENT_MESSAGE, .id = STR("m_2"), .contact = STR("77"), .text = STR("secret, too")};
    struct run run;
    run_begin(&run, "s start\nd delay {'delay':1000}\ne end", "s>d d>e", NULL);
    give(&run, STIMULUS_START, &hi);
    give(&run, STIMULUS_EVENT, &more);
    session_forget(&run.session, "m_9");
    assert_string_equal(json_str(json_get(run.session.vars, "last"), "text"), "secret");
    session_forget(&run.session, "m_1");
    session_forget(&run.session, "m_2");
    char *text = session_to_json(&run.session);
    assert_null(strstr(text, "secret"));
    free(text);
    run_end(&run);
}

static void a_message_taken_back_leaves_a_burst_that_is_gathered(void **state)
{
    static const struct event hi = {.kind = EVENT_MESSAGE, .contact = STR("77"), .text = STR("hi")};
    static const struct event one = {
        .kind = EVENT_MESSAGE, .id = STR("m_1"), .contact = STR("77"), .text = STR("secret")};
    static const struct event two = {
        .kind = EVENT_MESSAGE, .id = STR("m_2"), .contact = STR("77"), .text = STR("other")};
    struct run run;
    run_begin(&run, "s start\ni input {'collect':{'most':3}}\ne end", "s>i i>e", NULL);
    give(&run, STIMULUS_START, &hi);
    give(&run, STIMULUS_EVENT, &one);
    give(&run, STIMULUS_EVENT, &two);
    session_forget(&run.session, "m_1");
    char *text = session_to_json(&run.session);
    assert_null(strstr(text, "secret"));
    free(text);
    run.env.now_ms += 3000;
    assert_int_equal(give(&run, STIMULUS_TIMER, NULL), ENGINE_ENDED);
    assert_string_equal(json_str(run.session.vars, "i"), "other");
    run_end(&run);
}

static void a_flow_starts_on_the_kinds_that_its_start_node_lists(void **state)
{
    static const struct {
        const char *nodes;
        const char *kinds; // that start it
    } cases[] = {
        {"s start\ne end", "message postback referral optin "},
        {"s startNode {'on':['comment','call']}\ne end", "comment call "},
        {"s start {'on':['message']}\ne end", "message "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct flow *flow = compile(cases[i].nodes, "s>e", NULL);
        char kinds[400] = "";
        for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) {
            if (!flow_starts_on(flow, (enum event_kind)kind))
                continue;
            strcat(kinds, event_kind_name((enum event_kind)kind));
            strcat(kinds, " ");
        }
        assert_string_equal(kinds, cases[i].kinds);
        flow_unref(flow);
    }
}

// The comment that the effect answers in private; "-" when it is an ordinary message.
static const char *answered_comment(const struct run *run)
{
    const char *comment = json_str(run->effect.message, "comment_id");
    return comment ? comment : "-";
}

#define ON_COMMENT(more) "s start {'triggers':[{'type':'comment'" more "},'message']}\n"

static void the_first_message_to_somebody_who_commented_is_a_private_reply(void **state)
{
    static const struct event comment = {
        .kind = EVENT_COMMENT, .id = STR("c_1"), .contact = STR("77"), .text = STR("price?")};
    struct run run;
    run_begin(&run,
              ON_COMMENT(",'privateReply':true") "t typing {}\nb input "
                                                 "{'inputType':'choice','message':'?','choices':"
                                                 "['A','B']}\nm message {'message':'!'}\ne end",
              "s>t t>b b>m m>e", NULL);
    assert_int_equal(give(&run, STIMULUS_START, &comment), ENGINE_EFFECT);
    assert_string_equal(answered_comment(&run), "-"); // typing is no message
    give(&run, STIMULUS_RESULT, NULL);
    run.env.now_ms += 2000;
    char *text = session_to_json(&run.session);
    session_deinit(&run.session);
    assert_true(session_from_json(text, strlen(text), &run.session, NULL));
    free(text);
    assert_int_equal(give(&run, STIMULUS_TIMER, NULL), ENGINE_EFFECT);
    assert_string_equal(answered_comment(&run), "c_1");
    assert_string_equal(json_str(run.effect.message, "text"), "?");
    assert_int_equal(run.effect.choice_count, 2);
    assert_true(message_check(run.effect.message, NULL));
    give(&run, STIMULUS_RESULT, NULL);
    static const struct event answer = {
        .kind = EVENT_MESSAGE, .id = STR("m_1"), .contact = STR("77"), .text = STR("A")};
    assert_int_equal(give(&run, STIMULUS_EVENT, &answer), ENGINE_EFFECT);
    assert_string_equal(answered_comment(&run), "-"); // one reply to a comment
    run_end(&run);
}

static void without_private_reply_and_for_messages_it_is_an_ordinary_one(void **state)
{
    static const struct event comment = {
        .kind = EVENT_COMMENT, .id = STR("c_1"), .contact = STR("77"), .text = STR("price?")};
    static const struct event hello = {
        .kind = EVENT_MESSAGE, .id = STR("m_1"), .contact = STR("77"), .text = STR("hi")};
    struct run run;
    run_begin(&run, ON_COMMENT("") "m message {'message':'!'}\ne end", "s>m m>e", NULL);
    assert_int_equal(give(&run, STIMULUS_START, &comment), ENGINE_EFFECT);
    assert_null(run.effect.message);
    run_end(&run);
    run_begin(&run, ON_COMMENT(",'privateReply':true") "m message {'message':'!'}\ne end",
              "s>m m>e", NULL);
    assert_int_equal(give(&run, STIMULUS_START, &hello), ENGINE_EFFECT);
    assert_null(run.effect.message);
    run_end(&run);
}

static void unknown_kinds_are_found_by_the_compiler(void **state)
{
    static const char *const cases[][2] = {
        {"s start {'on':['coment']}\ne end", "error:field-value@s"},
        {"s start {'on':['message','echo']}\ne end", "error:field-value@s"},
        {"s start {'on':[1]}\ne end", "error:field-type@s"},
        {"s start {'on':'message'}\ne end", "error:field-type@s"},
        {"s start {'on':[]}\ne end", "warning:start-never@s"},
        {"s start {'on':null}\ne end", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *document = flow_text(cases[i][0], "s>e", NULL);
        char *codes = compile_codes(document);
        assert_string_equal(codes, cases[i][1]);
        free(codes);
        free(document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_reads_every_part_of_an_event),
        cmocka_unit_test(what_is_too_large_is_left_out_and_named),
        cmocka_unit_test(the_last_answer_is_the_event_also_when_it_came_during_a_delay),
        cmocka_unit_test(an_answer_kept_by_an_older_version_still_counts),
        cmocka_unit_test(a_flow_with_a_variable_event_keeps_its_own),
        cmocka_unit_test(a_message_taken_back_leaves_the_session),
        cmocka_unit_test(a_message_taken_back_leaves_a_burst_that_is_gathered),
        cmocka_unit_test(a_flow_starts_on_the_kinds_that_its_start_node_lists),
        cmocka_unit_test(the_first_message_to_somebody_who_commented_is_a_private_reply),
        cmocka_unit_test(without_private_reply_and_for_messages_it_is_an_ordinary_one),
        cmocka_unit_test(unknown_kinds_are_found_by_the_compiler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
