// SPDX-License-Identifier: MIT
/*
 * Fuzzes what is made of a flow document: compile, lint, snapshot, and a short play of whatever
 * compiled, with the session taken through its JSON form at each step. Without libFuzzer
 * (-DFUZZ_FILES) it runs over the files that it is given.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "nodes/registry.h"

enum { CALLS_MAX = 60, FILE_BYTES_MAX = 1 << 20 };

static const char *const said[] = {"hello", "1", "", "a@b.cd", "yes", "bye"};

static void session_reload(struct session *session)
{
    struct session copy;
    struct err err;
    char *text = session_to_json(session);
    if (!session_from_json(text, strlen(text), &copy, &err))
        abort(); // what the engine leaves must always be readable
    free(text);
    session_deinit(session);
    *session = copy;
}

static char *callback_url(void *arg, const struct session *session, const char *name)
{
    return x_printf("https://x/%s", name);
}

// What the session waits for, and now and then something else. Every flow that is called is this
// one, if it can be had.
static enum stimulus_kind stimulus_kind(const struct session *session, unsigned call)
{
    switch (session->wait) {
    case WAIT_RESULT:
        return STIMULUS_RESULT;
    case WAIT_DELAY:
        return STIMULUS_TIMER;
    case WAIT_FLOW:
        return STIMULUS_FLOW;
    case WAIT_HANDOFF:
        return call % 3 ? STIMULUS_EVENT : STIMULUS_RESUMED;
    case WAIT_CALLBACK:
        return call % 4 ? STIMULUS_EVENT : STIMULUS_TIMER;
    default:
        return STIMULUS_EVENT;
    }
}

static void flow_play(const struct flow *flow, cJSON *value)
{
    struct session session;
    char *name = NULL;
    session_init(&session, "id", "flow", 1, 1);
    struct engine_env env = {.now_ms = 1, .callback_url = callback_url};
    struct event event = {.kind = EVENT_MESSAGE, .text = (char *)"hello"};
    struct effect_result result = {.ok = true, .value = value, .error = "no", .status = 200};
    struct stimulus stimulus = {.kind = STIMULUS_START, .event = &event, .result = &result};
    for (unsigned call = 0; call < CALLS_MAX && session.status == SESSION_ACTIVE; call++) {
        struct effect effect;
        if (engine_run(flow, &session, &stimulus, &env, &effect) == ENGINE_EFFECT)
            effect_deinit(&effect);
        session_reload(&session);
        event.text = (char *)said[call % 6];
        event.payload = call % 2 ? event.text : NULL;
        result.ok = call % 5 != 4;
        stimulus.wait_number = session.wait_number;
        stimulus.kind = stimulus_kind(&session, call);
        stimulus.flow_version = 2;
        stimulus.error = call % 7 == 6 ? "there is none" : NULL;
        event.kind = call % 3 == 1 ? EVENT_CALLBACK : EVENT_MESSAGE;
        free(name);
        event.target = name = session.node ? session_callback_name(&session, session.node) : NULL;
        event.data = (char *)"{\"amount\":{\"value\":1}}";
        env.now_ms += 10;
    }
    free(name);
    session_deinit(&session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct err err;
    struct json_doc *document = json_parse(data, len, NULL, &err);
    if (!document)
        return 0;
    const cJSON *root = json_root(document);
    struct diags diags = {0};
    struct flow *flow = flow_compile(root, node_types, &diags);
    flow_lint(root, node_types, &diags);
    free(flow_snapshot(root));
    cJSON *value = cJSON_CreateObject();
    json_add_str(value, "text", "an answer");
    if (flow)
        flow_play(flow, value);
    cJSON_Delete(value);
    flow_unref(flow);
    diags_deinit(&diags);
    json_doc_free(document);
    return 0;
}

#ifdef FUZZ_FILES
int main(int argc, char **argv)
{
    char *data = x_alloc(FILE_BYTES_MAX);
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            perror(argv[i]);
            return 1;
        }
        size_t len = fread(data, 1, FILE_BYTES_MAX, file);
        fclose(file);
        // Every truncation of the file, too: each byte may be the last that arrived.
        for (size_t cut = len; cut > 0; cut -= cut > 97 ? 97 : cut)
            LLVMFuzzerTestOneInput((const uint8_t *)data, cut);
    }
    free(data);
    return 0;
}
#endif
