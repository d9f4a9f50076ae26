// SPDX-License-Identifier: MIT
// The other node types: message, condition, api, ai, delay, jump, end; and the engine's limits on
// them.
#include "test/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "play.h"

static void check_with(struct play play, const char *nodes, const char *edges, const char *more,
                       const char *expected)
{
    char *document = flow_text(nodes, edges, more);
    play.document = document;
    play_expect(&play, expected);
    free(document);
}

static void check(const char *nodes, const char *edges, const char *expected)
{
    check_with((struct play){0}, nodes, edges, NULL, expected);
}

static void message_knows_contact_platform_and_last(void **state)
{
    check("s start\nm message {'message':'{{ contact.name }} {{contact.id}} {{platform}} "
          "{{last.text}}'}\n"
          "e end {'message':'Bye {{ nobody | default: \\'friend\\' }}'}",
          "s>m m>e", "bot: Ana 595981 whatsapp hi\nbot: Bye friend\n(completed)\n");
}

static void empty_message_is_skipped(void **state)
{
    check_with((struct play){.steps = true},
               "s start\nm message {'content':' {{ nobody }} '}\ne end", "s>m m>e", NULL,
               "step s start\nstep m message: empty\nstep e end\n(completed)\n");
}

static void rich_content_is_sent_as_what_it_is(void **state)
{
    check("s start\nm message {'message':'Look','richContent':{'type':'card','content':"
          "{'title':'T','url':'https://x.example'}}}\ne end",
          "s>m m>e",
          "bot: Look\nbot: {\"type\":\"card\",\"title\":\"T\",\"url\":\"https://x.example\"}\n"
          "(completed)\n");
}

static void message_that_cannot_be_sent_ends_the_session_or_takes_the_error_edge(void **state)
{
    const char *nodes = "s start\nm message {'message':'x'}\ne end";
    check_with((struct play){.send_error = "window closed"}, nodes, "s>m m>e", NULL,
               "bot: x\n(error: node 'm': the message was not sent: window closed)\n");
    check_with((struct play){.send_error = "window closed"}, nodes, "s>m m:error>e", NULL,
               "bot: x\n(completed)\n");
}

static void node_without_a_way_on_completes_the_session(void **state)
{
    check("s start\nm message {'message':'x'}\ne end", "s>m", "bot: x\n(completed)\n");
}

// Each comparison alone: the branch is taken or the default is.
static void operators_compare_by_type(void **state)
{
    static const struct {
        const char *left, *operator, * right;
        bool holds;
    } cases[] = {
        {"5", "==", "5", true},
        {"5", "==", "'5'", true},
        {"'5.0'", "==", "'5'", true},
        {"5", "!=", "6", true},
        {"'10'", ">", "'9'", true},
        {"'b'", ">", "'a'", true},
        {"'10'", ">", "'9a'", false},
        {"3", "<", "3", false},
        {"3", "<=", "3", true},
        {"3", ">=", "3.5", false},
        {"true", "==", "true", true},
        {"true", "==", "'true'", true},
        {"true", "==", "false", false},
        {"'Yes'", "==", "'yes'", false},
        {"null", "==", "null", true},
        {"null", "!=", "''", true},
        {"null", "<", "1", false},
        {"'abc'", "contains", "'b'", true},
        {"'abc'", "contains", "'B'", false},
        {"[1,'x']", "contains", "'1'", true},
        {"[1,'x']", "contains", "'y'", false},
        {"null", "contains", "'x'", false},
        {"{'a':1}", "==", "{'a':1}", true},
        {"[1]", "!=", "[2]", true},
        {"5", "==", "'{{ five }}'", true},
        {"5", "contains", "5", true},
        {"true", ">", "false", false},
        {"' 5'", "==", "5", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char nodes[400], more[200];
        snprintf(nodes, sizeof nodes,
                 "s start\nc condition "
                 "{'conditions':[{'id':'b','variable':'x','operator':'%s','value':%s}]}\n"
                 "y message {'message':'yes %zu'}\nn message {'message':'no %zu'}\ne end",
                 cases[i].operator, cases[i].right, i, i);
        snprintf(more, sizeof more,
                 "'variables':[{'name':'x','defaultValue':%s},{'name':'five','type':'number',"
                 "'defaultValue':'5'}]",
                 cases[i].left);
        char expected[60];
        snprintf(expected, sizeof expected, "bot: %s %zu\n(completed)\n",
                 cases[i].holds ? "yes" : "no", i);
        check_with((struct play){0}, nodes, "s>c c:b>y c:default>n y>e n>e", more, expected);
    }
}

static void condition_goes_to_its_target_node(void **state)
{
    check("s start\nc condition {'conditions':["
          "{'id':'a','variable':'contact.name','operator':'==','value':'Bo','targetNodeId':'e'},"
          "{'id':'b','variable':'{{ contact.name "
          "}}','operator':'==','value':'Ana','targetNodeId':'m'}]}\n"
          "m message {'message':'Ana!'}\ne end",
          "s>c m>e", "bot: Ana!\n(completed)\n");
}

static void condition_without_match_and_default_is_an_error(void **state)
{
    check("s start\nc condition {'conditions':[{'id':'a','variable':'x','operator':'==','value':1,"
          "'targetNodeId':'e'}]}\ne end",
          "s>c", "(error: node 'c': no condition holds and there is no default edge)\n");
}

static void api_sends_templated_request_and_keeps_the_answer(void **state)
{
    static const struct play_result results[] = {{true, 201, "{'items':[{'n':'x'}]}", NULL}};
    check_with(
        (struct play){.results = results},
        "s start\na api {'apiConfig':{'url':'{{ base }}/o/{{ name }}?q={{ q }}','method':'POST',"
        "'headers':{'X-Who':'{{ name }}'},'body':{'n':'{{ count }}','t':'n={{ count }}','l':['{{ q "
        "}}',true]},"
        "'responseVariable':'r','timeout':3000}}\n"
        "m message {'message':'{{ r.items[0].n }} {{ r.items }} {{ a.status }} {{ a.ok }}'}\ne end",
        "s>a a>m m>e",
        "'variables':[{'name':'base','type':'string','defaultValue':'https://x.example:8'},"
        "{'name':'name','defaultValue':'A\\r\\nB'},{'name':'q','defaultValue':'a&b/ü'},"
        "{'name':'count','type':'number','defaultValue':2}]",
        "http: POST https://x.example:8/o/A%0D%0AB?q=a%26b%2F%C3%BC "
        "{\"Content-Type\":\"application/json\",\"X-Who\":\"A  B\"} "
        "{\"n\":2,\"t\":\"n=2\",\"l\":[\"a&b/ü\",true]} 3000\n"
        "bot: x [{\"n\":\"x\"}] 201 true\n(completed)\n");
}

static void api_text_body_that_is_json_cannot_be_broken_out_of(void **state)
{
    static const struct play_result results[] = {{true, 200, NULL, NULL}};
    check_with((struct play){.results = results},
               "s start\na api {'apiConfig':{'url':'https://x.example','method':'PUT',"
               "'headers':{'content-type':'application/vnd.x+json'},"
               "'body':'{\\\"a\\\":\\\"{{ q }}\\\"}'}}\ne end",
               "s>a a>e", "'variables':[{'name':'q','defaultValue':'\\\",\\\"b\\\":\\\"'}]",
               "http: PUT https://x.example {\"content-type\":\"application/vnd.x+json\"} "
               "{\"a\":\"\\\",\\\"b\\\":\\\"\"} 10000\n(completed)\n");
}

static void api_failure_takes_the_error_edge_or_ends_the_session(void **state)
{
    static const struct play_result failed[] = {{false, 0, NULL, "timed out"}};
    static const struct play_result refused[] = {{true, 404, "'gone'", NULL}};
    const char *nodes = "s start\na api {'apiConfig':{'url':'https://x.example'}}\n"
                        "m message {'message':'{{ a.status }} {{ a.error }}{{ a.body }}'}\ne end";
    check_with((struct play){.results = failed}, nodes, "s>a a>e a:error>m m>e", NULL,
               "http: GET https://x.example {} - 10000\nbot: 0 timed out\n(completed)\n");
    check_with((struct play){.results = refused}, nodes, "s>a a>e a:error>m m>e", NULL,
               "http: GET https://x.example {} - 10000\nbot: 404 gone\n(completed)\n");
    check_with((struct play){.results = refused}, nodes, "s>a a>m m>e", NULL,
               "http: GET https://x.example {} - 10000\n"
               "(error: node 'a': the API answered HTTP 404)\n");
}

static void api_refuses_other_schemes_at_run_time(void **state)
{
    check_with((struct play){0}, "s start\na api {'apiConfig':{'url':'{{ u }}'}}\ne end", "s>a a>e",
               "'variables':[{'name':'u','defaultValue':'file:///etc/passwd'}]",
               "(error: node 'a': the URL 'file:///etc/passwd' does not begin with http:// or "
               "https://)\n");
}

static void ai_asks_the_models_and_sends_the_answer(void **state)
{
    static const struct play_result results[] = {
        {true, 0, "{'text':'42','model':'m1','tokens':9}", NULL}};
    check_with(
        (struct play){.results = results},
        "s start\na ai {'systemPrompt':'Be {{ how }}.','prompt':'{{ last.text }}?','model':'m1',"
        "'fallbackModels':['m2'],'temperature':0.5,'maxTokens':100,'history':4,'resultVariable':'r'"
        "}\n"
        "m message {'message':'again {{ r }}'}\ne end",
        "s>a a>m m>e", "'variables':[{'name':'how','defaultValue':'kind'}]",
        "ai: Be kind. / hi? [\"m1\",\"m2\"] t=0.5 max=100 history=4\nbot: 42\nbot: again "
        "42\n(completed)\n");
}

static void ai_can_keep_its_answer_to_itself(void **state)
{
    static const struct play_result results[] = {{true, 0, "{'text':'42'}", NULL}};
    check_with((struct play){.results = results},
               "s start\na ai {'send':false}\nm message {'message':'{{ a }}'}\ne end",
               "s>a a>m m>e", NULL, "ai: - / - [] t=-1 max=0 history=10\nbot: 42\n(completed)\n");
}

static void ai_failure_takes_the_error_edge_or_ends_the_session(void **state)
{
    static const struct play_result failed[] = {{false, 0, NULL, "rate limit"}};
    static const struct play_result empty[] = {{true, 0, "{'text':' '}", NULL}};
    const char *nodes = "s start\na ai {'send':true}\nm message {'message':'sorry'}\ne end";
    const char *asked = "ai: - / - [] t=-1 max=0 history=10\n";
    char expected[200];
    snprintf(expected, sizeof expected, "%sbot: sorry\n(completed)\n", asked);
    check_with((struct play){.results = failed}, nodes, "s>a a>e a:error>m m>e", NULL, expected);
    snprintf(expected, sizeof expected,
             "%s(error: node 'a': the model did not answer: rate limit)\n", asked);
    check_with((struct play){.results = failed}, nodes, "s>a a>m m>e", NULL, expected);
    snprintf(expected, sizeof expected, "%s(error: node 'a': the model's answer has no text)\n",
             asked);
    check_with((struct play){.results = empty}, nodes, "s>a a>m m>e", NULL, expected);
}

static void what_is_said_during_a_delay_answers_the_next_inputs(void **state)
{
    check_with(
        (struct play){.script = (const char *[]){"say Bo", "say 7", "timer", "say z", NULL}},
        "s start\nd delay {'delay':1500}\na input {'message':'Name?'}\nb input {'message':'Age?'}\n"
        "c input {'message':'More?'}\nm message {'message':'{{ a }} {{ b }} {{ c }} {{ last.text "
        "}}'}\n"
        "e end",
        "s>d d>a a>b b>c c>m m>e", NULL,
        "(delay 1500 ms)\n> say Bo\n(delay 1500 ms)\n> say 7\n(delay 1500 ms)\n> timer\n"
        "bot: Name?\nbot: Age?\nbot: More?\n> say z\nbot: Bo 7 z z\n(completed)\n");
}

static void endless_loop_ends_at_the_step_limit(void **state)
{
    struct engine_limits limits = engine_default_limits;
    limits.steps_per_activation = 20;
    check_with(
        (struct play){.limits = &limits},
        "s start\nj jump {'targetNodeId':'k'}\nk jump "
        "{'targetNodeId':'j'}\ne end",
        "s>j", NULL,
        "(error: node 'k': more than 20 steps without a wait (limit steps_per_activation))\n");
}

static void expressions_and_patterns_of_one_run_share_a_limit(void **state)
{
    struct engine_limits limits = engine_default_limits;
    limits.run_cost = 3000;
    check_with((struct play){.limits = &limits},
               "s start\nx set {'variable':'a','expression':'range(100) | length'}\ne end",
               "s>x x>x", NULL,
               "(error: node 'x': 'a': expressions and patterns cost too much in one run "
               "(limit run_cost))\n");
    limits.run_cost = 20;
    check_with(
        (struct play){.limits = &limits},
        "s start\nt set {'variable':'t','value':'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}\n"
        "c condition {'conditions':[{'id':'y','variable':'t','operator':'matches',"
        "'value':'a*a*[bd]'}]}\ne end",
        "s>t t>c c>e c:y>e", NULL,
        "(error: node 'c': expressions and patterns cost more than 20 in one run "
        "(limit run_cost))\n");
}

static void loop_over_delays_ends_at_the_loop_guard(void **state)
{
    struct engine_limits limits = engine_default_limits;
    limits.loop_guard = 3;
    check_with(
        (struct play){.limits = &limits, .script = (const char *[]){"timer", "timer", NULL}},
        "s start\nd delay {'delay':5}\nj jump {'targetNodeId':'d'}\ne end", "s>d d>j", NULL,
        "(delay 5 ms)\n> timer\n"
        "(error: node 'd': more than 3 steps without an input in between (limit loop_guard))\n"
        "> timer\n"
        "(error: node 'd': more than 3 steps without an input in between (limit "
        "loop_guard))\n");
}

static void template_and_variables_have_bounds(void **state)
{
    struct engine_limits limits = engine_default_limits;
    limits.output_bytes = 8;
    check_with((struct play){.limits = &limits},
               "s start\nm message {'message':'{{contact.name}} 123456'}\ne end", "s>m m>e", NULL,
               "(error: node 'm': a template's text has more than 8 bytes (limit output_bytes))\n");
    limits = engine_default_limits;
    limits.value_bytes = 16;
    check_with(
        (struct play){.limits = &limits, .script = (const char *[]){"say 0123456789abcdef", NULL}},
        "s start\ni input {'variable':'v'}\ne end", "s>i i>e", NULL,
        "> say 0123456789abcdef\n"
        "(error: node 'i': variable 'v' has more than 16 bytes (limit value_bytes))\n");
    limits = engine_default_limits;
    limits.variables = 3;
    check_with(
        (struct play){.limits = &limits, .script = (const char *[]){"say x", NULL}},
        "s start\ni input {'variable':'v'}\ne end", "s>i i>e", NULL,
        "> say x\n(error: node 'i': variable 'v': more than 3 variables (limit variables))\n");
}

static void activation_time_counts_effects_but_no_waits(void **state)
{
    const char *nodes = "s start\nm message {'message':'a'}\ni input {}\nd delay {'delay':900000}\n"
                        "n message {'message':'b'}\ne end";
    struct play play = {.effect_ms = 300, .script = (const char *[]){"say x", "timer", NULL}};
    check_with(play, nodes, "s>m m>i i>d d>n n>e", "'settings':{'maxExecutionTime':600}",
               "bot: a\n> say x\n(delay 900000 ms)\n> timer\nbot: b\n(completed)\n");
    check_with(play, nodes, "s>m m>i i>d d>n n>e", "'settings':{'maxExecutionTime':599}",
               "bot: a\n> say x\n(delay 900000 ms)\n> timer\nbot: b\n"
               "(error: node 'n': active for 600 ms, longer than settings.maxExecutionTime (599 "
               "ms))\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_knows_contact_platform_and_last),
        cmocka_unit_test(empty_message_is_skipped),
        cmocka_unit_test(rich_content_is_sent_as_what_it_is),
        cmocka_unit_test(message_that_cannot_be_sent_ends_the_session_or_takes_the_error_edge),
        cmocka_unit_test(node_without_a_way_on_completes_the_session),
        cmocka_unit_test(operators_compare_by_type),
        cmocka_unit_test(condition_goes_to_its_target_node),
        cmocka_unit_test(condition_without_match_and_default_is_an_error),
        cmocka_unit_test(api_sends_templated_request_and_keeps_the_answer),
        cmocka_unit_test(api_text_body_that_is_json_cannot_be_broken_out_of),
        cmocka_unit_test(api_failure_takes_the_error_edge_or_ends_the_session),
        cmocka_unit_test(api_refuses_other_schemes_at_run_time),
        cmocka_unit_test(ai_asks_the_models_and_sends_the_answer),
        cmocka_unit_test(ai_can_keep_its_answer_to_itself),
        cmocka_unit_test(ai_failure_takes_the_error_edge_or_ends_the_session),
        cmocka_unit_test(what_is_said_during_a_delay_answers_the_next_inputs),
        cmocka_unit_test(endless_loop_ends_at_the_step_limit),
        cmocka_unit_test(expressions_and_patterns_of_one_run_share_a_limit),
        cmocka_unit_test(loop_over_delays_ends_at_the_loop_guard),
        cmocka_unit_test(template_and_variables_have_bounds),
        cmocka_unit_test(activation_time_counts_effects_but_no_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
