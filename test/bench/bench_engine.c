// SPDX-License-Identifier: MIT
/*
 * What the engine costs: a step of logic and one of a message, whole conversations of the flows in
 * flows/, the same graph with 20 nodes and with 500, compiling, and a session's JSON form; time and
 * allocations. One thread, no I/O while it measures. Prints one JSON line per figure:
 *   bench_engine DIRECTORY [PART]
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "nodes/registry.h"
#include "test/bench/allocations.h"
#include "test/bench/bench_flows.h"

enum { RUN_US = 400000, ROUNDS = 5, BIG_NODES = 10000 };

static const char session_id[] = "5f0c0a52-5d2a-4ad8-9b3f-1b2f0e6c2c11";
static const char flow_id[] = "665f1c0a9d3e4b2a1c000001";

static void figure_print(const char *metric, double value, const char *unit, double most)
{
    printf("{\"bench\":\"engine\",\"metric\":\"%s\",\"value\":%.4f,\"unit\":\"%s\","
           "\"baseline\":null,\"ratio\":null,",
           metric, value, unit);
    if (most > 0)
        printf("\"target\":%g,\"holds\":%s}\n", most, value <= most ? "true" : "false");
    else
        printf("\"target\":null,\"holds\":null}\n");
}

// The least of the rounds: what else the machine does only ever adds.
struct cost {
    double us, allocations;
};

static void cost_begin(struct cost *round)
{
    *round = (struct cost){(double)clock_mono_us(), (double)allocations_count()};
}

static void cost_end(struct cost *round, struct cost *least, double per)
{
    round->us = ((double)clock_mono_us() - round->us) / per;
    round->allocations = ((double)allocations_count() - round->allocations) / per;
    if (least->us <= 0 || round->us < least->us)
        *least = *round;
}

static void cost_print(const char *what, const struct cost *cost, double most_us)
{
    char *metric = x_printf("%s: allocations", what);
    figure_print(what, cost->us, "us", most_us);
    if (allocations_are_counted())
        figure_print(metric, cost->allocations, "1", 0);
    free(metric);
}

/* Steps */

static const struct engine_limits endless = {
    .steps_per_activation = UINT32_MAX,
    .loop_guard = UINT32_MAX,
    .variables = 200,
    .value_bytes = 64 * 1024,
    .variables_bytes = 1024 * 1024,
    .output_bytes = 16 * 1024,
    .call_depth = 10,
    .expression_cost = 10000,
};

// A loop without a wait runs until a limit stops it: each round is one call of that many steps.
static struct cost logic_measure(const struct flow *flow)
{
    struct engine_limits limits = endless;
    struct engine_env env = {.now_ms = 1, .limits = &limits};
    struct cost least = {0};
    limits.steps_per_activation = 100000;
    for (int i = 0; i < ROUNDS; i++) {
        struct session session;
        struct stimulus stimulus = {.kind = STIMULUS_START};
        struct effect effect;
        struct cost round;
        session_init(&session, session_id, flow_id, 1, 1);
        cost_begin(&round);
        if (engine_run(flow, &session, &stimulus, &env, &effect) != ENGINE_FAILED)
            bench_fail("a loop ended");
        cost_end(&round, &least, session.steps);
        session_deinit(&session);
    }
    return least;
}

// A loop of messages, each of which is answered at once; `per` message.
static struct cost message_measure(const struct flow *flow)
{
    struct engine_env env = {.now_ms = 1, .limits = &endless};
    const struct effect_result sent = {.ok = true};
    struct session session;
    struct stimulus stimulus = {.kind = STIMULUS_START};
    struct cost least = {0};
    session_init(&session, session_id, flow_id, 1, 1);
    for (int i = 0; i < ROUNDS; i++) {
        struct cost round;
        enum { MESSAGES = 50000 };
        cost_begin(&round);
        for (int k = 0; k < MESSAGES; k++) {
            struct effect effect;
            if (engine_run(flow, &session, &stimulus, &env, &effect) != ENGINE_EFFECT)
                bench_fail("a loop of messages ended");
            effect_deinit(&effect);
            stimulus = (struct stimulus){.kind = STIMULUS_RESULT, .result = &sent};
        }
        cost_end(&round, &least, MESSAGES);
    }
    session_deinit(&session);
    return least;
}

/* Conversations */

struct talk {
    const char *name, *file;
    const char *answers[8]; // said in this order, whatever is asked; NULL-ended
};

static const struct talk talks[] = {
    {"menu bot", "menu-bot.json", {"hours", "Prices", "1", "leave"}},
    {"lead form",
     "lead-form.json",
     {"Ana Duarte", "not an address", "ana@example.com", "75", "large", "next month"}},
    {"AI support",
     "ai-support.json",
     {"How hot does it get?", "And how long does that take?", "Is it loud?", "Thank you, bye"}},
};

struct talker {
    const struct talk *talk;
    cJSON *value; // of every result
    struct event event;
    struct effect_result result;
    char *waiting; // the session's JSON form where it waited last, if asked for
    bool keeps_waiting;
};

static void stimulus_next(struct talker *talker, const struct session *session, int *said,
                          struct stimulus *stimulus)
{
    *stimulus = (struct stimulus){.kind = STIMULUS_RESULT, .result = &talker->result};
    if (session->wait == WAIT_RESULT)
        return;
    const char *answer = talker->talk->answers[(*said)++];
    if (!answer)
        bench_fail(talker->talk->name);
    talker->event.text = (char *)answer;
    *stimulus = (struct stimulus){.kind = STIMULUS_EVENT, .event = &talker->event};
}

// One conversation, to its end; returns its steps.
static unsigned talk_play(const struct flow *flow, struct talker *talker)
{
    struct engine_env env = {.now_ms = INT64_C(1790416800000)};
    struct session session;
    struct stimulus stimulus = {.kind = STIMULUS_START, .event = &talker->event};
    int said = 0;
    talker->event.text = (char *)"hello";
    session_init(&session, session_id, flow_id, 1, env.now_ms);
    while (session.status == SESSION_ACTIVE) {
        struct effect effect;
        if (engine_run(flow, &session, &stimulus, &env, &effect) == ENGINE_EFFECT)
            effect_deinit(&effect);
        env.now_ms += 1000;
        if (talker->keeps_waiting && session.wait == WAIT_INPUT) {
            free(talker->waiting);
            talker->waiting = session_to_json(&session);
        }
        if (session.status == SESSION_ACTIVE)
            stimulus_next(talker, &session, &said, &stimulus);
    }
    if (session.status != SESSION_COMPLETED)
        bench_fail(session.error ? session.error : talker->talk->name);
    unsigned steps = session.steps;
    session_deinit(&session);
    return steps;
}

static struct cost talk_measure(const struct flow *flow, struct talker *talker)
{
    struct cost least = {0};
    for (int i = 0; i < ROUNDS; i++) {
        struct cost round;
        unsigned steps = 0;
        int64_t until_us = clock_mono_us() + RUN_US / ROUNDS;
        cost_begin(&round);
        while (clock_mono_us() < until_us)
            steps += talk_play(flow, talker);
        cost_end(&round, &least, steps);
    }
    return least;
}

/* A session's JSON form */

static void json_measure(const char *name, const char *waiting)
{
    struct session session;
    struct err err;
    struct cost least_write = {0}, least_read = {0};
    if (!session_from_json(waiting, strlen(waiting), &session, &err))
        bench_fail(err.text);
    for (int i = 0; i < ROUNDS; i++) {
        enum { TIMES = 5000 };
        struct cost round;
        cost_begin(&round);
        for (int k = 0; k < TIMES; k++)
            free(session_to_json(&session));
        cost_end(&round, &least_write, TIMES);
        cost_begin(&round);
        for (int k = 0; k < TIMES; k++) {
            struct session copy;
            if (!session_from_json(waiting, strlen(waiting), &copy, &err))
                bench_fail(err.text);
            session_deinit(&copy);
        }
        cost_end(&round, &least_read, TIMES);
    }
    session_deinit(&session);
    char *write = x_printf("session of %s, %zu bytes: to JSON", name, strlen(waiting));
    char *read = x_printf("session of %s, %zu bytes: from JSON", name, strlen(waiting));
    cost_print(write, &least_write, 10);
    cost_print(read, &least_read, 0);
    free(write);
    free(read);
}

static void talks_measure(const char *directory)
{
    for (size_t i = 0; i < sizeof talks / sizeof *talks; i++) {
        static const char value[] = "{\"id\":4711,\"text\":\"About a hundred degrees.\",\"model\":"
                                    "\"llama-3.3-70b-versatile\",\"tokens\":180}";
        struct talker talker = {
            .talk = &talks[i],
            .value = json_read(value, strlen(value), NULL),
            .event = {.kind = EVENT_MESSAGE,
                      .type = (char *)"text",
                      .contact = (char *)"24012345678901234",
                      .contact_name = (char *)"Ana",
                      .id = (char *)"m_Zk1TXkGqWQw2Q0b6fQb",
                      .timestamp_ms = INT64_C(1790416800000)},
            .keeps_waiting = true,
        };
        talker.result = (struct effect_result){.ok = true, .value = talker.value, .status = 200};
        struct flow *flow = bench_flow_open(directory, talks[i].file);
        talk_play(flow, &talker);
        talker.keeps_waiting = false;
        char *what = x_printf("%s: a step", talks[i].name);
        struct cost cost = talk_measure(flow, &talker);
        cost_print(what, &cost, 3);
        json_measure(talks[i].name, talker.waiting);
        free(what);
        free(talker.waiting);
        cJSON_Delete(talker.value);
        flow_unref(flow);
    }
}

/* Graphs */

static void graphs_measure(const char *directory)
{
    static const int sizes[] = {20, 500};
    struct cost costs[2];
    for (int i = 0; i < 2; i++) {
        struct flow *flow = bench_flow_compile(bench_ring(sizes[i]));
        costs[i] = logic_measure(flow);
        flow_unref(flow);
        char *what = x_printf("ring of %d nodes: a step of logic", sizes[i]);
        cost_print(what, &costs[i], 1);
        free(what);
    }
    figure_print("ring of 500 nodes beside one of 20: a step", costs[1].us / costs[0].us, "times",
                 1.5);
}

static void compile_measure(const char *directory)
{
    cJSON *document = bench_mixture(BIG_NODES);
    double least_compile = 0, least_lint = 0;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t begin_us = clock_mono_us();
        struct diags diags = {0};
        struct flow *flow = flow_compile(document, node_types, &diags);
        double compile_us = (double)(clock_mono_us() - begin_us);
        if (!flow)
            bench_fail(diags.items[0].text);
        flow_unref(flow);
        begin_us = clock_mono_us();
        flow_lint(document, node_types, &diags);
        double lint_us = (double)(clock_mono_us() - begin_us);
        diags_deinit(&diags);
        if (i == 0 || compile_us < least_compile)
            least_compile = compile_us;
        if (i == 0 || lint_us < least_lint)
            least_lint = lint_us;
    }
    cJSON_Delete(document);
    figure_print("compile, 10,000 nodes: a node", least_compile / BIG_NODES, "us", 10);
    figure_print("lint, 10,000 nodes", least_lint / 1000, "ms", 1000);
}

static void steps_measure(const char *directory)
{
    struct flow *flow = bench_flow_open(directory, "logic.json");
    struct cost cost = logic_measure(flow);
    cost_print("a step of logic", &cost, 1);
    flow_unref(flow);
    flow = bench_flow_open(directory, "message.json");
    cost = message_measure(flow);
    cost_print("a message of three variables", &cost, 3);
    flow_unref(flow);
}

static const struct part {
    const char *name;
    void (*measure)(const char *directory);
} parts[] = {
    {"steps", steps_measure},
    {"graphs", graphs_measure},
    {"talks", talks_measure},
    {"compile", compile_measure},
};

int main(int argc, char **argv)
{
    mem_init();
    if (argc < 2) {
        fprintf(stderr, "usage: bench_engine DIRECTORY [steps|graphs|talks|compile]\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (argc == 2 || strcmp(argv[2], parts[i].name) == 0)
            parts[i].measure(argv[1]);
    return 0;
}
