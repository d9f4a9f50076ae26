// SPDX-License-Identifier: MIT
/*
 * What a step costs: message → condition → jump, in a loop, each message's effect answered at once;
 * and the price of keeping a session: its JSON form there and back. One thread, no I/O. Prints one
 * JSON line per figure.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "nodes/registry.h"

enum { RUN_US = 1000000 };

static const char document[] =
    "{\"name\":\"bench\",\"variables\":[{\"name\":\"n\",\"type\":\"number\",\"defaultValue\":3},"
    "{\"name\":\"name\",\"type\":\"string\",\"defaultValue\":\"Ana\"}],\"nodes\":["
    "{\"id\":\"s\",\"type\":\"start\"},{\"id\":\"e\",\"type\":\"end\"},"
    "{\"id\":\"m\",\"type\":\"message\",\"data\":{\"message\":\"Hello {{ name | default: "
    "\\\"friend\\\" }}, {{ n }}!\"}},"
    "{\"id\":\"c\",\"type\":\"condition\",\"data\":{\"conditions\":["
    "{\"id\":\"a\",\"variable\":\"n\",\"operator\":\">\",\"value\":5,\"targetNodeId\":\"e\"},"
    "{\"id\":\"b\",\"variable\":\"name\",\"operator\":\"==\",\"value\":\"Ana\",\"targetNodeId\":"
    "\"j\"}]}},"
    "{\"id\":\"j\",\"type\":\"jump\",\"data\":{\"targetNodeId\":\"m\"}}],"
    "\"edges\":[{\"source\":\"s\",\"target\":\"m\"},{\"source\":\"m\",\"target\":\"c\"},"
    "{\"source\":\"c\",\"target\":\"e\",\"sourceHandle\":\"default\"}]}";

static struct flow *flow_open(void)
{
    struct err err;
    struct diags diags = {0};
    cJSON *json = json_read(document, strlen(document), &err);
    struct flow *flow = json ? flow_compile(json, node_types, &diags) : NULL;
    cJSON_Delete(json);
    diags_deinit(&diags);
    if (!flow)
        abort(); // the document is a constant
    return flow;
}

static void figure_print(const char *metric, double value_us, double target_us)
{
    printf(
        "{\"bench\":\"engine\",\"metric\":\"%s\",\"value\":%.4f,\"unit\":\"us\",\"baseline\":null,"
        "\"ratio\":null,\"target\":\"< %g\",\"holds\":%s}\n",
        metric, value_us, target_us, value_us < target_us ? "true" : "false");
}

static void steps_measure(const struct flow *flow, struct session *session)
{
    struct engine_limits limits = engine_default_limits;
    limits.steps_per_activation = limits.loop_guard = UINT32_MAX;
    struct engine_env env = {.now_ms = 1, .limits = &limits};
    struct effect_result sent = {.ok = true};
    struct stimulus stimulus = {.kind = STIMULUS_START};
    struct effect effect;
    int64_t begin_us = clock_mono_us(), now_us = begin_us;
    for (unsigned round = 0; now_us - begin_us < RUN_US; round++) {
        if (engine_run(flow, session, &stimulus, &env, &effect) != ENGINE_EFFECT)
            abort(); // the loop has no other way
        effect_deinit(&effect);
        stimulus = (struct stimulus){.kind = STIMULUS_RESULT, .result = &sent};
        if (round % 256 == 0)
            now_us = clock_mono_us();
    }
    figure_print("step", (double)(now_us - begin_us) / session->steps, 5);
}

static void round_trip_measure(struct session *session)
{
    unsigned count = 0;
    int64_t begin_us = clock_mono_us(), now_us = begin_us;
    for (; now_us - begin_us < RUN_US / 2; now_us = clock_mono_us(), count++) {
        struct session copy;
        char *text = session_to_json(session);
        if (!session_from_json(text, strlen(text), &copy, NULL))
            abort(); // our own form
        free(text);
        session_deinit(session);
        *session = copy;
    }
    figure_print("session_json_round_trip", (double)(now_us - begin_us) / count, 100);
}

int main(void)
{
    mem_init();
    struct flow *flow = flow_open();
    struct session session;
    session_init(&session, "5f0c0a52-5d2a-4ad8-9b3f-1b2f0e6c2c11", "665f1c0a9d3e4b2a1c000001", 1,
                 1);
    steps_measure(flow, &session);
    round_trip_measure(&session);
    session_deinit(&session);
    flow_unref(flow);
    return 0;
}
