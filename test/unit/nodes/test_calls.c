// SPDX-License-Identifier: MIT
// Calls of flows and of parts, and waits for callbacks and people, with several flows at hand.
#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "nodes/registry.h"
#include "play.h"

/* Two node types of the test's own */

struct pair {
    int target, next;
};

static void *tool_parse(struct node_parse *p)
{
    struct pair *pair = x_alloc(sizeof *pair);
    pair->target = node_target(p, json_str(p->data, "node"), "node");
    pair->next = node_default_edge(p);
    return pair;
}

static enum node_verdict tool_enter(struct node_run *run)
{
    const struct pair *pair = run->config;
    return node_call(run,
                     (struct node_call){.target = pair->target, .single = true, .shares = true});
}

static enum node_verdict tool_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct pair *pair = run->config;
    if (signal->error)
        return node_go(run, pair->next, signal->error);
    return node_go(run, pair->next, signal->outcome);
}

static const struct node_field tool_fields[] = {{.name = "node", .kind = FIELD_NODE}, {0}};

// tool: runs one node.
static const struct node_type tool = {.name = "tool",
                                      .fields = tool_fields,
                                      .parse = tool_parse,
                                      .enter = tool_enter,
                                      .resume = tool_resume,
                                      .free = free};

static void *person_parse(struct node_parse *p)
{
    struct pair *pair = x_alloc(sizeof *pair);
    pair->next = node_default_edge(p);
    return pair;
}

static enum node_verdict person_enter(struct node_run *run)
{
    run->wait_ms = 60000;
    return NODE_WAIT_HANDOFF;
}

static enum node_verdict person_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct pair *pair = run->config;
    if (signal->kind == SIGNAL_RESUMED)
        return node_go(run, pair->next, "resumed");
    if (signal->kind == SIGNAL_TIMER)
        return node_go(run, pair->next, "timeout");
    const char *said = json_str(signal->event, "text");
    if (strcmp(said, "bot") == 0)
        return node_go(run, pair->next, "keyword");
    run->wait_goes_on = true;
    return NODE_WAIT_HANDOFF;
}

// person: a person has the chat for a minute, or until somebody says "bot".
static const struct node_type person = {.name = "person",
                                        .waits = true,
                                        .parse = person_parse,
                                        .enter = person_enter,
                                        .resume = person_resume,
                                        .free = free};

/* A shell with several flows */

enum { FLOWS_MAX = 4 };

struct shell {
    const char *ids[FLOWS_MAX];
    struct flow *flows[FLOWS_MAX];
    const char *gone; // the id of a flow that cannot be had any more
    struct session session;
    struct engine_limits limits;
    int64_t now_ms;
    struct buf out;
};

static struct flow *compile(const char *text)
{
    const struct node_type *types[64] = {&person, &tool};
    for (size_t i = 0; node_types[i]; i++)
        types[i + 2] = node_types[i];
    struct diags diags = {0};
    cJSON *document = json_read(text, strlen(text), NULL);
    assert_non_null(document);
    struct flow *flow = flow_compile(document, types, &diags);
    for (size_t i = 0; !flow && i < diags.count; i++)
        print_error("%s: %s\n", diags.items[i].node, diags.items[i].text);
    assert_non_null(flow);
    cJSON_Delete(document);
    diags_deinit(&diags);
    return flow;
}

static void flow_add(struct shell *s, size_t at, const char *id, const char *nodes,
                     const char *edges, const char *more)
{
    char *text = flow_text(nodes, edges, more);
    s->ids[at] = id;
    s->flows[at] = compile(text);
    free(text);
}

static int shell_open(void **state)
{
    struct shell *s = x_alloc(sizeof *s);
    *s = (struct shell){.limits = engine_default_limits, .now_ms = 1000000};
    session_init(&s->session, "5f0c0a52-5d2a-4ad8-9b3f-1b2f0e6c2c11", "main", 1, s->now_ms);
    *state = s;
    return 0;
}

static int shell_close(void **state)
{
    struct shell *s = *state;
    session_deinit(&s->session);
    for (size_t i = 0; i < FLOWS_MAX; i++)
        flow_unref(s->flows[i]);
    buf_deinit(&s->out);
    free(s);
    return 0;
}

static const struct flow *flow_at_hand(const struct shell *s, const char *id)
{
    if (s->gone && strcmp(s->gone, id) == 0)
        return NULL;
    for (size_t i = 0; i < FLOWS_MAX; i++)
        if (s->ids[i] && strcmp(s->ids[i], id) == 0)
            return s->flows[i];
    return NULL;
}

static void session_round_trip(struct session *session)
{
    struct err err = {0};
    char *text = session_to_json(session);
    struct session copy;
    if (!session_from_json(text, strlen(text), &copy, &err))
        fail_msg("%s: %s", err.text, text);
    char *again = session_to_json(&copy);
    assert_string_equal(text, again);
    session_deinit(session);
    *session = copy;
    free(text);
    free(again);
}

static void step_show(void *arg, const struct step *step)
{
    struct shell *s = arg;
    if (step->decision)
        buf_printf(&s->out, "%s: %s\n", step->node, step->decision);
}

static char *callback_url(void *arg, const struct session *session, const char *name)
{
    return x_printf("https://bot.example/callbacks/%s", name);
}

static enum engine_outcome run(struct shell *s, const struct flow *flow,
                               const struct stimulus *stimulus, struct effect *ret_effect)
{
    struct engine_env env = {.now_ms = s->now_ms,
                             .limits = &s->limits,
                             .on_step = step_show,
                             .on_step_arg = s,
                             .callback_url = callback_url};
    session_round_trip(&s->session);
    return engine_run(flow, &s->session, stimulus, &env, ret_effect);
}

static const struct flow *present_flow(const struct shell *s)
{
    const char *id;
    int version;
    session_flow(&s->session, &id, &version);
    return flow_at_hand(s, id);
}

// Calls the engine, answers its effects and fetches its flows, until it waits or ends.
static void stimulate(struct shell *s, struct stimulus stimulus)
{
    struct effect effect = {0};
    const struct flow *flow = present_flow(s);
    enum engine_outcome outcome = run(s, flow, &stimulus, &effect);
    while (outcome == ENGINE_EFFECT || outcome == ENGINE_FLOW) {
        struct effect_result result = {.ok = true};
        struct stimulus next = {.kind = STIMULUS_RESULT, .result = &result};
        if (outcome == ENGINE_FLOW) {
            assert_int_equal(s->session.wait, WAIT_FLOW);
            const struct flow *found = present_flow(s);
            next = (struct stimulus){.kind = STIMULUS_FLOW,
                                     .flow_version = 7,
                                     .error = found ? NULL : "there is no such flow"};
            flow = found ? found : flow;
        } else {
            buf_printf(&s->out, "bot: %s\n", effect.text);
            effect_deinit(&effect);
        }
        outcome = run(s, flow, &next, &effect);
    }
    if (outcome != ENGINE_WAITING)
        buf_printf(&s->out, "(%s%s%s)\n", session_status_name(s->session.status),
                   s->session.error ? ": " : "", s->session.error ? s->session.error : "");
}

static void start(struct shell *s)
{
    struct event hello = {.kind = EVENT_MESSAGE,
                          .platform = PLATFORM_WHATSAPP,
                          .contact = (char *)"595981",
                          .contact_name = (char *)"Ana",
                          .timestamp_ms = 900000,
                          .text = (char *)"hi"};
    stimulate(s, (struct stimulus){.kind = STIMULUS_START, .event = &hello});
}

static void say(struct shell *s, const char *text)
{
    struct event event = {.kind = EVENT_MESSAGE, .text = (char *)text};
    buf_printf(&s->out, "> %s\n", text);
    stimulate(s, (struct stimulus){.kind = STIMULUS_EVENT, .event = &event});
}

static void call_back(struct shell *s, const char *name, const char *data)
{
    struct event event = {.kind = EVENT_CALLBACK, .target = (char *)name, .data = (char *)data};
    buf_printf(&s->out, "> callback %s\n", name);
    stimulate(s, (struct stimulus){.kind = STIMULUS_EVENT, .event = &event});
}

static void pass_time(struct shell *s)
{
    buf_add_str(&s->out, "> time\n");
    s->now_ms = s->session.until_ms;
    stimulate(s, (struct stimulus){.kind = STIMULUS_TIMER, .wait_number = s->session.wait_number});
}

static void expect(struct shell *s, const char *expected)
{
    assert_string_equal(s->out.data ? s->out.data : "", expected);
    buf_deinit(&s->out);
}

/* Other flows */

static void another_flow_gets_inputs_and_gives_outputs_back(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main",
             "s start\nsf subflow {'flowId':'ask','inputs':{'item':'{{ order.item }} for {{ "
             "contact.name }}'},'outputs':{'address.city':'answer.city'}}\n"
             "ok message {'content':'To {{ address.city }}; {{ answer.city }}; {{ last.text }}'}\n"
             "no message {'content':'Not to {{ address.city }}'}\ne end",
             "s>sf sf:confirmed>ok sf:refused>no ok>e no>e",
             "'variables':[{'name':'order','defaultValue':{'item':'lamp'}}]");
    flow_add(
        s, 1, "ask",
        "s start\nq input {'inputType':'choice','message':'{{ item }} {{ kind }}: which city?',"
        "'variable':'answer.city','choices':['Lima','none']}\nyes end {'outcome':'confirmed'}\n"
        "no end {'outcome':'refused','message':'What a pity.'}",
        "s>q q:Lima>yes q:none>no",
        "'variables':[{'name':'kind','defaultValue':'fragile'},{'name':'item'}]");
    start(s);
    expect(s, "sf: call ask\nbot: lamp for Ana fragile: which city?\nq: wait\n");
    const char *id;
    int version;
    session_flow(&s->session, &id, &version);
    assert_string_equal(id, "ask");
    assert_int_equal(version, 7);
    assert_null(json_get(s->session.vars, "order"));
    say(s, "Lima");
    expect(s, "> Lima\nq: Lima\nsf: confirmed\nbot: To Lima; ; Lima\n"
              "(completed)\n");
    assert_null(s->session.frames);
    assert_null(s->session.outcome);
    assert_int_equal(s->session.flow_version, 1);
}

static void part_of_the_flow_works_on_the_same_variables(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main",
             "s start\none subflow {'targetNodeId':'q'}\ntwo subflow {'targetNodeId':'q'}\n"
             "m message {'content':'{{ name }}'}\ne end {'outcome':'sold'}\n"
             "q input {'message':'Name?','variable':'name'}",
             "s>one one>two two>m m>e", NULL);
    start(s);
    say(s, "A");
    say(s, "B");
    expect(s, "one: call a part\nbot: Name?\nq: wait\n> A\nq: answered\none: completed\n"
              "two: call a part\nbot: Name?\nq: wait\n> B\nq: answered\ntwo: completed\n"
              "bot: B\n(completed)\n");
    assert_string_equal(s->session.outcome, "sold");
}

static void part_with_inputs_has_variables_of_its_own(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main",
             "s start\none subflow {'targetNodeId':'m','inputs':{'n':2}}\n"
             "last message {'content':'{{ n }}'}\ne end\nm message {'content':'{{ n }}'}\nback end",
             "s>one one>last last>e m>back", "'variables':[{'name':'n','defaultValue':1}]");
    start(s);
    expect(s, "one: call a part\nbot: 2\none: completed\nbot: 1\n(completed)\n");
}

static void failure_in_a_called_flow_is_the_callers_to_catch(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main",
             "s start\nsf subflow {'flowId':'bad'}\nm message {'content':'Sorry'}\ne end",
             "s>sf sf:error>m m>e", NULL);
    flow_add(s, 1, "bad", "s start\nsf subflow {'flowId':'worse'}\ne end", "s>sf sf>e", NULL);
    flow_add(s, 2, "worse", "s start\nw webhookWait\nm message {'content':'{{ big }}'}\ne end",
             "s>w w>m m>e", "'variables':[{'name':'big','defaultValue':'0123456789'}]");
    s->limits.output_bytes = 8;
    start(s);
    call_back(s, "worse:w", "{}");
    expect(s,
           "sf: call bad\nsf: call worse\nw: wait for a callback\n> callback worse:w\n"
           "w: received\n"
           "m: failed: a template's text has more than 8 bytes (limit output_bytes)\n"
           "sf: failed: the called flow failed: node 'm': a template's text has more than 8 "
           "bytes (limit output_bytes)\n"
           "sf: error: the called flow failed: node 'sf': the called flow failed: node 'm': a "
           "template's text has more than 8 bytes (limit output_bytes)\nbot: Sorry\n(completed)\n");
}

static void flow_that_cannot_be_had_is_an_error_of_the_call(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main",
             "s start\nsf subflow {'flowId':'none'}\nm message {'content':'So'}\ne end",
             "s>sf sf:error>m m>e", NULL);
    start(s);
    expect(s, "sf: call none\nsf: error: the called flow failed: there is no such flow\nbot: So\n"
              "(completed)\n");
}

static void callers_flow_that_is_gone_is_an_error_of_its_own_caller(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main", "s start\nsf subflow {'flowId':'b'}\nm message {'content':'So'}\ne end",
             "s>sf sf:error>m m>e", NULL);
    flow_add(s, 1, "b", "s start\nsf subflow {'flowId':'c'}\ne end", "s>sf sf>e", NULL);
    flow_add(s, 2, "c", "s start\nq input {'message':'?'}\ne end", "s>q q>e", NULL);
    start(s);
    s->gone = "b";
    say(s, "x");
    expect(s, "sf: call b\nsf: call c\nbot: ?\nq: wait\n> x\nq: answered\n"
              "sf: error: the called flow failed: there is no such flow\nbot: So\n(completed)\n");
}

static void root_flow_that_is_gone_ends_the_session(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main", "s start\nsf subflow {'flowId':'c'}\ne end", "s>sf sf>e", NULL);
    flow_add(s, 2, "c", "s start\nq input {'message':'?'}\ne end", "s>q q>e", NULL);
    start(s);
    s->gone = "main";
    say(s, "x");
    expect(s, "sf: call c\nbot: ?\nq: wait\n> x\nq: answered\n"
              "s: failed: the flow that called cannot be had: there is no such flow\n"
              "(error: node 's': the flow that called cannot be had: there is no such flow)\n");
}

/* Limits */

static void calls_in_one_another_are_limited_by_depth(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main", "s start\nsf subflow {'flowId':'main'}\ne end", "s>sf sf>e", NULL);
    start(s);
    assert_non_null(
        strstr(s->session.error, "more than 10 calls in one another (limit call_depth)"));
    assert_int_equal(s->session.status, SESSION_ERROR);
    assert_null(s->session.frames);
}

static void step_limits_are_the_whole_sessions(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main",
             "s start\nsf subflow {'flowId':'loop'}\nm message {'content':'caught'}\ne end",
             "s>sf sf>e sf:error>m m>e", NULL);
    flow_add(s, 1, "loop", "s start\na subflow {'targetNodeId':'b'}\nb end", "s>a a>a", NULL);
    start(s);
    assert_null(strstr(s->out.data, "caught"));
    assert_non_null(strstr(s->session.error, "more than 250 steps without a wait"));
}

static void variables_of_all_calls_have_one_bound(void **state)
{
    struct shell *s = *state;
    flow_add(
        s, 0, "main",
        "s start\nsf subflow {'flowId':'main'}\nm message {'content':'caught'}\n"
        "e end",
        "s>sf sf>e sf:error>m m>e",
        "'variables':[{'name':'x','defaultValue':'0123456789012345678901234567890123456789'}]");
    s->limits.variables_bytes = 600;
    start(s);
    assert_non_null(strstr(s->out.data, "variables of all calls have more than 600 bytes"));
    assert_non_null(strstr(s->out.data, "bot: caught\n"));
    assert_int_equal(s->session.status, SESSION_COMPLETED);
}

static void time_limit_is_that_of_the_first_flow(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main",
             "s start\nsf subflow {'flowId':'ask'}\nm message {'content':'no'}\ne end",
             "s>sf sf>e sf:error>m m>e", "'settings':{'maxExecutionTime':1000}");
    flow_add(s, 1, "ask", "s start\nq input {'message':'?'}\ne end", "s>q q>e", NULL);
    start(s);
    s->session.active_ms = 1001;
    say(s, "x");
    assert_non_null(strstr(s->session.error, "longer than settings.maxExecutionTime (1000 ms)"));
}

/* How a call ends */

static void abandoned_part_abandons_its_caller_unless_an_edge_says_otherwise(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct shell *s;
        shell_open((void **)&s);
        flow_add(s, 0, "main",
                 "s start\nsf subflow {'targetNodeId':'q'}\nm message {'content':'Bye'}\ne end\n"
                 "q input {'message':'?','timeout':1000}",
                 i ? "s>sf sf>e sf:abandoned>m m>e" : "s>sf sf>e m>e", NULL);
        start(s);
        pass_time(s);
        expect(s, i ? "sf: call a part\nbot: ?\nq: wait\n> time\nq: timeout\nsf: abandoned\n"
                      "bot: Bye\n(completed)\n"
                    : "sf: call a part\nbot: ?\nq: wait\n> time\nq: timeout\nsf: abandoned\n"
                      "(abandoned)\n");
        shell_close((void **)&s);
    }
}

static void single_node_comes_back_with_the_way_it_took(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main",
             "s start\nt tool {'node':'q'}\nu tool {'node':'m'}\ne end\n"
             "q input {'inputType':'choice','message':'?','choices':['yes','no']}\n"
             "m message {'content':'M'}\nx message {'content':'never'}",
             "s>t t>u u>e q:yes>x q:no>x m>x x>e", NULL);
    start(s);
    say(s, "no");
    expect(s, "t: call\nbot: ?\nq: wait\n> no\nq: no\nt: no\nu: call\nbot: M\nu: completed\n"
              "(completed)\n");
}

/* Waits of other kinds */

#define PAY                                                                                        \
    "s start\nm message {'content':'Pay: {{ callbacks.w.url }}'}\n"                                \
    "w webhookWait {'timeout':5000,'variable':'paid','mapping':{'sum':'amount.value'}}\n"          \
    "q input {'message':'{{ sum }}. Name?','variable':'name'}\n"                                   \
    "d message {'content':'{{ name }}'}\nt message {'content':'Too late'}\ne end"
#define PAY_EDGES "s>m m>w w:received>q w:timeout>t q>d d>e t>e"

static void callback_resumes_its_node_and_messages_wait_for_the_next_input(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main", PAY, PAY_EDGES, NULL);
    start(s);
    assert_int_equal(s->session.wait, WAIT_CALLBACK);
    assert_int_equal(s->session.until_ms, s->now_ms + 5000);
    say(s, "Ana");
    call_back(s, "other", "{}");
    call_back(s, "w", "{\"amount\":{\"value\":5}}");
    expect(s, "bot: Pay: https://bot.example/callbacks/w\nw: wait for a callback\n> Ana\n"
              "> callback other\n> callback w\nw: received\nbot: 5. Name?\nq: answered\n"
              "bot: Ana\n(completed)\n");
    assert_string_equal(json_str(json_get(s->session.vars, "last"), "text"), "Ana");
}

static void callback_that_is_early_counts_when_the_node_is_reached(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main",
             "s start\nq input {'message':'?'}\nw webhookWait {'mapping':{'n':'n'}}\n"
             "m message {'content':'{{ n }}'}\nv webhookWait\ne end",
             "s>q q>w w>m m>v v>e", NULL);
    start(s);
    call_back(s, "w", "{\"n\":1}");
    assert_int_equal(s->session.wait, WAIT_INPUT);
    call_back(s, "w", "{\"n\":2}");
    say(s, "go");
    expect(s, "bot: ?\nq: wait\n> callback w\n> callback w\n> go\nq: answered\nw: received\n"
              "bot: 1\nv: wait for a callback\n");
    call_back(s, "v", "{}");
    expect(s, "> callback v\nv: received\n(completed)\n");
}

static void kept_callbacks_are_bounded_and_take_no_message_its_place(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main", "s start\nd delay {'delay':1000}\nq input {'message':'?'}\ne end",
             "s>d d>q q>e", NULL);
    start(s);
    for (int i = 0; i < 100; i++)
        call_back(s, "x", "{}");
    for (int i = 0; i < 100; i++)
        say(s, "hello");
    assert_int_equal(cJSON_GetArraySize(s->session.kept), 8 + 32);
    buf_deinit(&s->out);
    pass_time(s);
    expect(s, "> time\nbot: ?\nq: answered\n(completed)\n");
}

static void callback_that_never_comes_is_a_timeout(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main", PAY, PAY_EDGES, NULL);
    start(s);
    pass_time(s);
    expect(s, "bot: Pay: https://bot.example/callbacks/w\nw: wait for a callback\n> time\n"
              "w: timeout\nbot: Too late\n(completed)\n");
}

static void callback_that_came_during_silence_counts_at_the_deadline(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main", PAY, PAY_EDGES, NULL);
    start(s);
    struct event other = {.kind = EVENT_CALLBACK, .target = (char *)"other"};
    struct event early = {.kind = EVENT_CALLBACK,
                          .target = (char *)"w",
                          .data = (char *)"{\"amount\":{\"value\":5}}"};
    engine_keep(&s->session, &other);
    assert_false(engine_has_kept(&s->session));
    engine_keep(&s->session, &early);
    assert_true(engine_has_kept(&s->session));
    pass_time(s);
    expect(s, "bot: Pay: https://bot.example/callbacks/w\nw: wait for a callback\n> time\n"
              "w: received\nbot: 5. Name?\nq: wait\n");
}

static void nodes_of_two_flows_with_one_id_have_two_addresses(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main",
             "s start\nsf subflow {'flowId':'sub'}\nm message {'content':'{{ callbacks.w.url }}'}\n"
             "w webhookWait\ne end",
             "s>sf sf>m m>w w>e", NULL);
    flow_add(s, 1, "sub",
             "s start\nm message {'content':'{{ callbacks.w.url }}'}\nw webhookWait\ne end",
             "s>m m>w w>e", NULL);
    start(s);
    call_back(s, "w", "{}"); // the outer one's: kept
    call_back(s, "sub:w", "{}");
    expect(s, "sf: call sub\nbot: https://bot.example/callbacks/sub:w\nw: wait for a callback\n"
              "> callback w\n> callback sub:w\nw: received\nsf: completed\n"
              "bot: https://bot.example/callbacks/w\nw: received\n(completed)\n");
}

static void person_keeps_the_chat_and_its_deadline(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main", "s start\np person\nm message {'content':'Back'}\ne end", "s>p p>m m>e",
             NULL);
    start(s);
    uint32_t number = s->session.wait_number;
    int64_t until = s->session.until_ms;
    s->now_ms += 1000;
    say(s, "where is it?");
    assert_int_equal(s->session.wait, WAIT_HANDOFF);
    assert_int_equal(s->session.wait_number, number);
    assert_int_equal(s->session.until_ms, until);
    stimulate(s, (struct stimulus){.kind = STIMULUS_RESUMED});
    expect(s, "p: wait for a person\n> where is it?\np: wait for a person\np: resumed\nbot: Back\n"
              "(completed)\n");
}

static void resumption_is_for_nobody_else(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main", "s start\nq input {'message':'?'}\ne end", "s>q q>e", NULL);
    start(s);
    stimulate(s, (struct stimulus){.kind = STIMULUS_RESUMED});
    expect(s, "bot: ?\nq: wait\n");
    assert_int_equal(s->session.wait, WAIT_INPUT);
}

/* The rest */

static void restart_goes_to_the_start_with_the_variables_or_without(void **state)
{
    for (int keep = 0; keep < 2; keep++) {
        struct shell *s;
        shell_open((void **)&s);
        flow_add(s, 0, "main",
                 keep
                     ? "s start\nq input {'message':'{{ n }} {{ contact.name }}?','variable':'n'}\n"
                       "r restart\ne end"
                     : "s start\nq input {'message':'{{ n }} {{ contact.name }}?','variable':'n'}\n"
                       "r restart {'keepVariables':false}\ne end",
                 "s>q q>r", "'variables':[{'name':'n','defaultValue':0}]");
        start(s);
        say(s, "7");
        expect(s, keep ? "bot: 0 Ana?\nq: wait\n> 7\nq: answered\nbot: 7 Ana?\nq: wait\n"
                       : "bot: 0 Ana?\nq: wait\n> 7\nq: answered\nbot: 0 Ana?\nq: wait\n");
        shell_close((void **)&s);
    }
}

static void when_the_person_last_wrote_is_known_by_metas_time(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main", "s start\nd delay {'delay':1000}\ne end", "s>d d>e", NULL);
    start(s);
    assert_int_equal(s->session.inbound_ms, 900000);
    struct event late = {
        .kind = EVENT_POSTBACK, .contact = (char *)"595981", .timestamp_ms = 950000};
    stimulate(s, (struct stimulus){.kind = STIMULUS_EVENT, .event = &late});
    assert_int_equal(s->session.inbound_ms, 950000);
    late.timestamp_ms = 940000;
    stimulate(s, (struct stimulus){.kind = STIMULUS_EVENT, .event = &late});
    assert_int_equal(s->session.inbound_ms, 950000);
    call_back(s, "x", "{}");
    assert_int_equal(s->session.inbound_ms, 950000);
}

static void unsent_words_leave_the_callers_variables_too(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main", "s start\nsf subflow {'flowId':'ask'}\ne end", "s>sf sf>e", NULL);
    flow_add(s, 1, "ask", "s start\nq input {'message':'?'}\ne end", "s>q q>e", NULL);
    struct event hello = {.kind = EVENT_MESSAGE, .id = (char *)"m1", .text = (char *)"secret"};
    stimulate(s, (struct stimulus){.kind = STIMULUS_START, .event = &hello});
    session_forget(&s->session, "m1");
    char *text = session_to_json(&s->session);
    assert_null(strstr(text, "secret"));
    free(text);
}

static void session_of_an_older_version_goes_on(void **state)
{
    struct shell *s = *state;
    flow_add(s, 0, "main", "s start\nq input {'message':'?','variable':'a'}\ne end", "s>q q>e",
             NULL);
    static const char old[] =
        "{\"id\":\"5f0c0a52-5d2a-4ad8-9b3f-1b2f0e6c2c11\",\"flow\":\"main\",\"version\":1,"
        "\"status\":\"active\",\"node\":\"q\",\"vars\":{},\"wait\":\"input\",\"wait_number\":2,"
        "\"until\":0,\"effect_seq\":1,\"kept\":[{\"text\":\"early\"}],\"steps\":2,"
        "\"activation_steps\":2,\"loop_guard\":2,\"started\":1,\"ended\":0,\"active\":5,"
        "\"activated\":0}";
    struct err err = {0};
    session_deinit(&s->session);
    assert_true(session_from_json(old, strlen(old), &s->session, &err));
    say(s, "x");
    expect(s, "> x\nq: answered\n(completed)\n");
}

#define WITH_SHELL(test) cmocka_unit_test_setup_teardown(test, shell_open, shell_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SHELL(another_flow_gets_inputs_and_gives_outputs_back),
        WITH_SHELL(part_of_the_flow_works_on_the_same_variables),
        WITH_SHELL(part_with_inputs_has_variables_of_its_own),
        WITH_SHELL(failure_in_a_called_flow_is_the_callers_to_catch),
        WITH_SHELL(flow_that_cannot_be_had_is_an_error_of_the_call),
        WITH_SHELL(callers_flow_that_is_gone_is_an_error_of_its_own_caller),
        WITH_SHELL(root_flow_that_is_gone_ends_the_session),
        WITH_SHELL(calls_in_one_another_are_limited_by_depth),
        WITH_SHELL(step_limits_are_the_whole_sessions),
        WITH_SHELL(variables_of_all_calls_have_one_bound),
        WITH_SHELL(time_limit_is_that_of_the_first_flow),
        cmocka_unit_test(abandoned_part_abandons_its_caller_unless_an_edge_says_otherwise),
        WITH_SHELL(single_node_comes_back_with_the_way_it_took),
        WITH_SHELL(callback_resumes_its_node_and_messages_wait_for_the_next_input),
        WITH_SHELL(callback_that_is_early_counts_when_the_node_is_reached),
        WITH_SHELL(kept_callbacks_are_bounded_and_take_no_message_its_place),
        WITH_SHELL(callback_that_never_comes_is_a_timeout),
        WITH_SHELL(callback_that_came_during_silence_counts_at_the_deadline),
        WITH_SHELL(nodes_of_two_flows_with_one_id_have_two_addresses),
        WITH_SHELL(person_keeps_the_chat_and_its_deadline),
        WITH_SHELL(resumption_is_for_nobody_else),
        cmocka_unit_test(restart_goes_to_the_start_with_the_variables_or_without),
        WITH_SHELL(when_the_person_last_wrote_is_known_by_metas_time),
        WITH_SHELL(unsent_words_leave_the_callers_variables_too),
        WITH_SHELL(session_of_an_older_version_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
