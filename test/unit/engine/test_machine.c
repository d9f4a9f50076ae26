// SPDX-License-Identifier: MIT
// The machine with node types of the test's own, and the JSON forms of session and effect.
#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"

/* Three node types: begin goes on, ask sends and waits, stop ends. */

struct next {
    int target;
};

static void *next_parse(struct node_parse *p)
{
    struct next *next = x_alloc(sizeof *next);
    next->target = node_default_edge(p);
    return next;
}

static enum node_verdict begin_enter(struct node_run *run)
{
    return node_go(run, ((const struct next *)run->config)->target, NULL);
}

static enum node_verdict ask_enter(struct node_run *run)
{
    return node_send(run, x_dup("?"));
}

static enum node_verdict ask_resume(struct node_run *run, const struct node_signal *signal)
{
    node_state_set(run, "seen", node_state_get(run, "seen") + 1);
    if (signal->kind == SIGNAL_RESULT)
        return node_wait_input(run, 1000);
    return begin_enter(run);
}

static enum node_verdict stop_enter(struct node_run *run)
{
    return NODE_COMPLETED;
}

static const struct node_type begin = {
    .name = "begin", .role = NODE_START, .parse = next_parse, .enter = begin_enter, .free = free};
static const struct node_type ask = {.name = "ask",
                                     .waits = true,
                                     .parse = next_parse,
                                     .enter = ask_enter,
                                     .resume = ask_resume,
                                     .free = free};
static const struct node_type stop = {.name = "stop", .role = NODE_END, .enter = stop_enter};
static const struct node_type *const types[] = {&begin, &ask, &stop, NULL};

static const char document[] =
    "{\"name\":\"T\",\"nodes\":[{\"id\":\"b\",\"type\":\"begin\"},{\"id\":\"q\",\"type\":\"ask\"},"
    "{\"id\":\"s\",\"type\":\"stop\"}],\"edges\":[{\"source\":\"b\",\"target\":\"q\"},"
    "{\"source\":\"q\",\"target\":\"s\"}]}";

struct fixture {
    struct flow *flow;
    struct session session;
    struct effect effect;
    struct engine_env env;
};

static int fixture_open(void **state)
{
    struct fixture *f = x_alloc(sizeof *f);
    struct diags diags = {0};
    cJSON *json = json_read(document, strlen(document), NULL);
    f->flow = flow_compile(json, types, &diags);
    assert_non_null(f->flow);
    cJSON_Delete(json);
    diags_deinit(&diags);
    f->env.now_ms = 5000;
    session_init(&f->session, "id", "flow", 1, f->env.now_ms);
    *state = f;
    return 0;
}

static int fixture_close(void **state)
{
    struct fixture *f = *state;
    effect_deinit(&f->effect);
    session_deinit(&f->session);
    flow_unref(f->flow);
    free(f);
    return 0;
}

static enum engine_outcome give(struct fixture *f, struct stimulus stimulus)
{
    return engine_run(f->flow, &f->session, &stimulus, &f->env, &f->effect);
}

static const struct effect_result good = {.ok = true};
static const struct event hello = {.kind = EVENT_MESSAGE, .text = (char *)"hello"};

static void session_runs_from_effect_to_wait_to_end(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(give(f, (struct stimulus){.kind = STIMULUS_START}), ENGINE_EFFECT);
    assert_int_equal(f->effect.kind, EFFECT_SEND);
    assert_string_equal(f->effect.node, "q");
    assert_int_equal(f->effect.seq, 1);
    assert_int_equal(f->session.wait, WAIT_RESULT);
    assert_int_equal(f->session.activated_ms, 5000);
    f->env.now_ms = 5200;
    assert_int_equal(give(f, (struct stimulus){.kind = STIMULUS_RESULT, .result = &good}),
                     ENGINE_WAITING);
    assert_int_equal(f->session.wait, WAIT_INPUT);
    assert_int_equal(f->session.until_ms, 6200);
    assert_int_equal(f->session.active_ms, 200);
    assert_int_equal(f->session.activated_ms, 0);
    f->env.now_ms = 6000;
    assert_int_equal(give(f, (struct stimulus){.kind = STIMULUS_EVENT, .event = &hello}),
                     ENGINE_ENDED);
    assert_int_equal(f->session.status, SESSION_COMPLETED);
    assert_int_equal(f->session.ended_ms, 6000);
    assert_int_equal(f->session.steps, 3);
    assert_null(f->session.node_state);
    assert_string_equal(json_str(json_get(f->session.vars, "last"), "text"), "hello");
}

static void stimuli_that_nobody_waits_for_change_nothing(void **state)
{
    struct fixture *f = *state;
    give(f, (struct stimulus){.kind = STIMULUS_START});
    char *before = session_to_json(&f->session);
    assert_int_equal(give(f, (struct stimulus){.kind = STIMULUS_START}), ENGINE_WAITING);
    assert_int_equal(
        give(f, (struct stimulus){.kind = STIMULUS_TIMER, .wait_number = f->session.wait_number}),
        ENGINE_WAITING);
    char *after = session_to_json(&f->session);
    assert_string_equal(before, after);
    free(after);
    free(before);
    give(f, (struct stimulus){.kind = STIMULUS_RESULT, .result = &good});
    before = session_to_json(&f->session);
    give(f, (struct stimulus){.kind = STIMULUS_RESULT, .result = &good});
    give(f, (struct stimulus){.kind = STIMULUS_TIMER, .wait_number = 1});
    after = session_to_json(&f->session);
    assert_string_equal(before, after);
    free(after);
    free(before);
}

static void event_during_an_effect_answers_the_question_after_it(void **state)
{
    struct fixture *f = *state;
    give(f, (struct stimulus){.kind = STIMULUS_START});
    assert_int_equal(give(f, (struct stimulus){.kind = STIMULUS_EVENT, .event = &hello}),
                     ENGINE_WAITING);
    assert_int_equal(f->session.wait, WAIT_RESULT);
    assert_int_equal(give(f, (struct stimulus){.kind = STIMULUS_RESULT, .result = &good}),
                     ENGINE_ENDED);
}

static void parked_time_is_no_activation_time(void **state)
{
    struct fixture *f = *state;
    give(f, (struct stimulus){.kind = STIMULUS_START});
    session_pause(&f->session, 5100);
    f->env.now_ms = 900000;
    give(f, (struct stimulus){.kind = STIMULUS_RESULT, .result = &good});
    assert_int_equal(f->session.active_ms, 100);
}

static void session_at_an_unknown_node_fails_with_its_name(void **state)
{
    struct fixture *f = *state;
    give(f, (struct stimulus){.kind = STIMULUS_START});
    free(f->session.node);
    f->session.node = x_dup("gone");
    assert_int_equal(give(f, (struct stimulus){.kind = STIMULUS_RESULT, .result = &good}),
                     ENGINE_FAILED);
    assert_string_equal(f->session.error, "node 'gone' is not in this version of the flow");
}

static void session_json_is_lossless(void **state)
{
    struct session s, copy;
    session_init(&s, "0a1b", "665f1c0a9d3e4b2a1c000001", 7, 1790000000123);
    s.status = SESSION_ERROR;
    s.node = x_dup("n \"1\"");
    static const char vars[] = "{\"a\":0.1,\"b\":[null,true,{}],\"c\":1e300,\"d\":\"\\u0001é\"}";
    s.vars = json_read(vars, strlen(vars), NULL);
    assert_non_null(s.vars);
    s.wait = WAIT_DELAY;
    s.wait_number = UINT32_MAX;
    s.until_ms = 1790000000999;
    s.effect_seq = 3;
    s.node_state = cJSON_CreateObject();
    s.kept = cJSON_CreateArray();
    s.steps = 4, s.activation_steps = 5, s.loop_guard = 6;
    s.ended_ms = 7, s.active_ms = 8, s.activated_ms = 9;
    s.error = x_dup("why");
    char *text = session_to_json(&s);
    struct err err = {0};
    assert_true(session_from_json(text, strlen(text), &copy, &err));
    char *again = session_to_json(&copy);
    assert_string_equal(text, again);
    assert_string_equal(copy.id, s.id);
    assert_string_equal(copy.flow_id, s.flow_id);
    assert_int_equal(copy.flow_version, 7);
    assert_int_equal(copy.status, SESSION_ERROR);
    assert_string_equal(copy.node, s.node);
    assert_true(cJSON_Compare(copy.vars, s.vars, true));
    assert_int_equal(copy.wait, WAIT_DELAY);
    assert_true(copy.wait_number == UINT32_MAX && copy.until_ms == s.until_ms);
    assert_true(copy.effect_seq == 3 && copy.steps == 4 && copy.activation_steps == 5);
    assert_true(copy.loop_guard == 6 && copy.started_ms == 1790000000123 && copy.ended_ms == 7);
    assert_true(copy.active_ms == 8 && copy.activated_ms == 9 && copy.node_state && copy.kept);
    assert_string_equal(copy.error, "why");
    free(again);
    free(text);
    session_deinit(&copy);
    session_deinit(&s);
}

static void broken_session_json_is_refused(void **state)
{
    struct session s;
    session_init(&s, "id", "flow", 1, 1);
    s.vars = cJSON_CreateObject();
    char *text = session_to_json(&s);
    struct session copy;
    for (size_t len = 0; len < strlen(text); len++) {
        struct err err = {0};
        assert_false(session_from_json(text, len, &copy, &err));
        assert_true(err.text[0] != '\0');
    }
    static const char *const names[] = {"id", "flow", "status", "wait", "wait_number", "vars"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cJSON *json = json_read(text, strlen(text), NULL);
        cJSON_ReplaceItemInObjectCaseSensitive(json, names[i], cJSON_CreateTrue());
        char *broken = json_print(json);
        struct err err = {0};
        assert_false(session_from_json(broken, strlen(broken), &copy, &err));
        assert_non_null(strstr(err.text, names[i]));
        free(broken);
        cJSON_Delete(json);
    }
    free(text);
    session_deinit(&s);
}

static void effect_json_is_lossless(void **state)
{
    static const char *const texts[] = {
        "{\"kind\":\"send\",\"seq\":4294967295,\"node\":\"n\",\"text\":\"é\\n\",\"choices\":[{"
        "\"id\":\"a\","
        "\"title\":\"A\"}],\"timeout\":0,\"temperature\":0,\"max_tokens\":0,\"history\":0}",
        "{\"kind\":\"http\",\"seq\":1,\"node\":\"n\",\"method\":\"GET\",\"url\":\"https://"
        "x\",\"body\":\"\",\"timeout\":120000,\"headers\":{\"a\":\"b\"},\"temperature\":0,\"max_"
        "tokens\":0,\"history\":0}",
        "{\"kind\":\"ai\",\"seq\":1,\"node\":\"n\",\"timeout\":0,\"models\":[\"m\"],\"system\":"
        "\"s\",\"prompt\":"
        "\"p\",\"temperature\":0.7,\"max_tokens\":5,\"history\":9}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err = {0};
        cJSON *json = json_read(texts[i], strlen(texts[i]), &err);
        struct effect effect;
        assert_true(effect_from_json(json, &effect, &err));
        char *again = effect_to_json(&effect);
        assert_string_equal(again, texts[i]);
        free(again);
        effect_deinit(&effect);
        cJSON_Delete(json);
    }
}

static void broken_effect_json_is_refused(void **state)
{
    static const char *const texts[] = {
        "{}",
        "{\"kind\":\"mail\",\"seq\":1}",
        "{\"kind\":\"send\"}",
        "{\"kind\":\"send\",\"seq\":-1}",
        "{\"kind\":\"send\",\"seq\":1,\"choices\":{}}",
        "{\"kind\":\"send\",\"seq\":1,\"choices\":[{\"id\":\"a\"}]}",
        "{\"kind\":\"http\",\"seq\":1,\"headers\":[]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err = {0};
        cJSON *json = json_read(texts[i], strlen(texts[i]), &err);
        struct effect effect;
        assert_false(effect_from_json(json, &effect, &err));
        assert_true(err.text[0] != '\0');
        cJSON_Delete(json);
    }
}

#define WITH_FLOW(test) cmocka_unit_test_setup_teardown(test, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FLOW(session_runs_from_effect_to_wait_to_end),
        WITH_FLOW(stimuli_that_nobody_waits_for_change_nothing),
        WITH_FLOW(event_during_an_effect_answers_the_question_after_it),
        WITH_FLOW(parked_time_is_no_activation_time),
        WITH_FLOW(session_at_an_unknown_node_fails_with_its_name),
        cmocka_unit_test(session_json_is_lossless),
        cmocka_unit_test(broken_session_json_is_refused),
        cmocka_unit_test(effect_json_is_lossless),
        cmocka_unit_test(broken_effect_json_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
