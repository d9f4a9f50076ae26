// SPDX-License-Identifier: MIT
/*
 * Fuzzes the engine: random flows driven by random stimuli, with its promises checked after every
 * call. Each play has two sessions that are given the same: one stays in memory, the other one goes
 * through its JSON form each time; they must not differ in anything.
 *
 *   - a call's outcome, the session's status and its wait agree; one effect is pending, or none
 *   - no limit is passed: steps, calls, variables and their bytes
 *   - a session that is over stays as it is, and what it does not wait for changes nothing
 *   - JSON forms are read back without loss
 *
 * Without libFuzzer (-DFUZZ_SEEDS) the bytes come from seeds: fuzz_engine COUNT [FIRST].
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "engine/node.h"
#include "engine/trigger.h"
#include "engine/value.h"
#include "nodes/registry.h"
#include "test/fuzz/random_flow.h"

enum { CALLS_MAX = 80, PROVIDED_BYTES_MAX = 4096 };

static const struct engine_limits limits = {
    .steps_per_activation = 20,
    .loop_guard = 45,
    .variables = 14,
    .value_bytes = 1500,
    .variables_bytes = 4000,
    .output_bytes = 300,
    .call_depth = 3,
    .expression_cost = 400,
};

#define expect(held)                                                                               \
    do {                                                                                           \
        if (!(held)) {                                                                             \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #held);              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

// What one call did, in words that can be compared.
struct record {
    enum engine_outcome outcome;
    struct effect effect;
    char *effect_json; // or NULL
    char *session_json;
    struct buf steps;
    unsigned step_count;
};

static void record_deinit(struct record *record)
{
    effect_deinit(&record->effect);
    free(record->effect_json);
    free(record->session_json);
    buf_deinit(&record->steps);
}

struct play {
    struct flow *flows[2];
    struct bytes *bytes;
    const struct flow *present; // the last one that could be had
    cJSON *contact, *account, *value;
    int64_t now_ms;
    struct session session, twin;
    struct event event;
    char target[64];
};

/* Calls */

static void step_note(void *arg, const struct step *step)
{
    struct record *record = arg;
    record->step_count++;
    buf_printf(&record->steps, "%s %s %s\n", step->node, step->type,
               step->decision ? step->decision : "-");
}

static char *callback_url(void *arg, const struct session *session, const char *name)
{
    return x_printf("https://h.example/callbacks/%s", name);
}

// A flow that could not be had leaves the one that the session is in.
static const struct flow *flow_at(const struct play *play, const struct session *session,
                                  const struct stimulus *stimulus)
{
    if (stimulus->kind == STIMULUS_FLOW && stimulus->error)
        return play->present;
    const char *id;
    int version;
    session_flow(session, &id, &version);
    return play->flows[strcmp(id, random_flow_ids[1]) == 0];
}

static struct record call(const struct play *play, struct session *session,
                          const struct stimulus *stimulus)
{
    struct record record = {.effect.seq = UINT32_MAX}; // written only for ENGINE_EFFECT
    struct engine_env env = {
        .now_ms = play->now_ms,
        .seed = 7,
        .limits = &limits,
        .contact = play->contact,
        .account = play->account,
        .callback_url = callback_url,
        .on_step = step_note,
        .on_step_arg = &record,
    };
    record.outcome =
        engine_run(flow_at(play, session, stimulus), session, stimulus, &env, &record.effect);
    record.session_json = session_to_json(session);
    if (record.outcome == ENGINE_EFFECT)
        record.effect_json = effect_to_json(&record.effect);
    else
        expect(record.effect.seq == UINT32_MAX && !record.effect.node);
    return record;
}

/* JSON forms */

static void session_reload(struct session *session, const char *json)
{
    struct session copy;
    struct err err;
    expect(session_from_json(json, strlen(json), &copy, &err));
    char *again = session_to_json(&copy);
    expect(strcmp(json, again) == 0);
    free(again);
    session_deinit(session);
    *session = copy;
}

static void effect_check_json(const char *json)
{
    struct effect copy;
    struct err err;
    cJSON *tree = json_read(json, strlen(json), &err);
    expect(tree && effect_from_json(tree, &copy, &err));
    char *again = effect_to_json(&copy);
    expect(strcmp(json, again) == 0);
    free(again);
    effect_deinit(&copy);
    cJSON_Delete(tree);
}

/* What holds after every call */

static void check_outcome(const struct record *record, const struct session *before,
                          const struct session *after)
{
    bool over = after->status != SESSION_ACTIVE;
    expect((record->outcome == ENGINE_EFFECT) <= (after->wait == WAIT_RESULT));
    expect((record->outcome == ENGINE_FLOW) == (!over && after->wait == WAIT_FLOW));
    expect((record->outcome == ENGINE_FAILED) == (after->status == SESSION_ERROR));
    expect((record->outcome == ENGINE_ENDED) ==
           (after->status == SESSION_COMPLETED || after->status == SESSION_ABANDONED));
    expect((after->status == SESSION_ERROR) == (after->error != NULL));
    expect(over == (after->wait == WAIT_NONE) && over == (after->ended_ms != 0));
    expect(!over || (!after->frames && !after->kept && !after->node_state && !after->until_ms));
    bool effect = record->outcome == ENGINE_EFFECT;
    expect(after->effect_seq == before->effect_seq + effect);
    expect(!effect || (record->effect.kind != EFFECT_NONE && record->effect.node &&
                       record->effect.seq == after->effect_seq &&
                       strcmp(record->effect.node, after->node) == 0));
    // An effect's result is awaited only by a call that yielded it, or that did nothing.
    expect(effect || after->wait != WAIT_RESULT ||
           (before->wait == WAIT_RESULT && after->wait_number == before->wait_number));
}

static bool is_provided(const char *name)
{
    static const char *const names[] = {"contact", "platform", "last", "event", "callbacks"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

// Bytes of what the flow has set.
static size_t vars_check(const cJSON *vars)
{
    size_t total = 0, count = 0;
    const cJSON *value;
    cJSON_ArrayForEach(value, vars) {
        size_t bytes;
        expect(value_measure(value, &bytes, NULL));
        if (is_provided(value->string))
            continue;
        total += bytes;
        count++;
    }
    expect(count <= limits.variables);
    expect(total <= limits.variables_bytes + PROVIDED_BYTES_MAX);
    return total;
}

static void check_limits(const struct record *record, const struct session *before,
                         const struct session *after)
{
    expect(after->steps - before->steps <= limits.steps_per_activation);
    expect(after->activation_steps <= limits.steps_per_activation);
    expect(after->loop_guard <= limits.loop_guard);
    // Each step is told once, and what resumes is told again when it goes on; so are returns.
    expect(record->step_count <= 2 * limits.steps_per_activation + limits.call_depth + 2);
    expect((unsigned)cJSON_GetArraySize(after->frames) <= limits.call_depth);
    size_t total = vars_check(after->vars);
    const cJSON *frame;
    cJSON_ArrayForEach(frame, after->frames)
        total += vars_check(json_get(frame, "vars"));
    expect(total <= 2 * (limits.variables_bytes + PROVIDED_BYTES_MAX));
    expect(after->active_ms >= before->active_ms && after->wait_number >= before->wait_number);
    if (record->outcome == ENGINE_EFFECT && record->effect.text)
        expect(strlen(record->effect.text) <= limits.output_bytes);
}

static bool fits(const struct session *session, const struct stimulus *stimulus)
{
    switch (stimulus->kind) {
    case STIMULUS_START:
        return !session->node || stimulus->event; // when the person wrote is noted
    case STIMULUS_RESULT:
        return session->wait == WAIT_RESULT;
    case STIMULUS_FLOW:
        return session->wait == WAIT_FLOW;
    case STIMULUS_RESUMED:
        return session->wait == WAIT_HANDOFF;
    case STIMULUS_TIMER:
        return stimulus->wait_number == session->wait_number;
    default:
        return true; // an event is at least kept
    }
}

static void same(const char *a, const char *b)
{
    if (a && b && strcmp(a, b) != 0)
        fprintf(stderr, "%s\n%s\n", a, b);
    expect((!a && !b) || (a && b && strcmp(a, b) == 0));
}

// One stimulus, for both sessions.
static void give(struct play *play, const struct stimulus *stimulus)
{
    struct session before = play->session; // its counters; what it points to is not looked at
    char *json = session_to_json(&play->session);
    bool fitted = play->session.status == SESSION_ACTIVE && fits(&play->session, stimulus);
    if (fitted && stimulus->kind == STIMULUS_FLOW)
        play->present = flow_at(play, &play->session, stimulus);
    struct record one = call(play, &play->session, stimulus);
    struct record two = call(play, &play->twin, stimulus);
    expect(one.outcome == two.outcome && one.step_count == two.step_count);
    same(one.session_json, two.session_json);
    same(one.effect_json, two.effect_json);
    same(one.steps.data, two.steps.data);
    check_outcome(&one, &before, &play->session);
    check_limits(&one, &before, &play->session);
    if (!fitted)
        same(json, one.session_json);
    if (one.effect_json)
        effect_check_json(one.effect_json);
    session_reload(&play->twin, one.session_json);
    free(json);
    record_deinit(&one);
    record_deinit(&two);
}

/* Random stimuli */

static const char *const said[] = {"hello", "a",          "b",       "",
                                   "17",    "a@b.cd",     "yes",     "stop",
                                   "no",    "2026-02-30", "7.5",     "+49 30 901820",
                                   "13:45", "resume",     "{{ a }}", "\xf0\x9f\x98\x80 \"\\\n"};

static void event_draw(struct play *play)
{
    static const enum event_kind kinds[] = {EVENT_MESSAGE,  EVENT_MESSAGE,  EVENT_MESSAGE,
                                            EVENT_POSTBACK, EVENT_CALLBACK, EVENT_REFERRAL,
                                            EVENT_REACTION, EVENT_EDIT,     EVENT_START};
    struct bytes *bytes = play->bytes;
    enum event_kind kind = BYTES_PICK(bytes, kinds);
    play->event = (struct event){
        .platform = (enum platform)bytes_below(bytes, PLATFORM_COUNT),
        .kind = kind,
        .contact = (char *)"c1",
        .contact_name = (char *)"Ana",
        .id = (char *)(bytes_one_in(bytes, 2) ? "m1" : "m2"),
        .timestamp_ms = play->now_ms - 1000,
        .text = (char *)BYTES_PICK(bytes, said),
        .payload = bytes_one_in(bytes, 3) ? (char *)BYTES_PICK(bytes, said) : NULL,
        .data = bytes_one_in(bytes, 3) ? (char *)"{\"x\":[1,{\"y\":\"z\"}]}" : NULL,
    };
    if (kind == EVENT_CALLBACK && play->session.node) {
        char *name = session_callback_name(&play->session, play->session.node);
        snprintf(play->target, sizeof play->target, "%s", bytes_one_in(bytes, 4) ? "n1" : name);
        free(name);
        play->event.target = play->target;
    }
}

static void result_draw(struct play *play, struct effect_result *result)
{
    struct bytes *bytes = play->bytes;
    static const char *const values[] = {
        "{\"text\":\"an answer\",\"model\":\"m\",\"tokens\":7}",
        "{\"a\":{\"b\":[1,2,{\"c\":\"d\"}]},\"text\":\"x\",\"json\":{\"a\":\"b\"}}",
        "{\"tool_calls\":[{\"id\":\"1\",\"name\":\"a\",\"arguments\":\"{\\\"a\\\":1}\"}]}",
        "{\"text\":\"\",\"json\":{\"intent\":\"a\"}}",
        "\"a text\"",
        "[]",
        "null",
    };
    const char *text = BYTES_PICK(bytes, values);
    cJSON_Delete(play->value);
    play->value = json_read(text, strlen(text), NULL);
    bool ok = !bytes_one_in(bytes, 4);
    *result = (struct effect_result){
        .ok = ok,
        .error = ok ? NULL : "it failed",
        .value = play->value,
        .status = ok ? 200 : 500,
        .timed_out = !ok && bytes_one_in(bytes, 2),
        .window_closed = !ok && bytes_one_in(bytes, 2),
    };
}

// Mostly what the session waits for.
static enum stimulus_kind kind_draw(const struct play *play)
{
    if (bytes_one_in(play->bytes, 12))
        return (enum stimulus_kind)bytes_below(play->bytes, STIMULUS_RESUMED + 1);
    switch (play->session.wait) {
    case WAIT_RESULT:
        return STIMULUS_RESULT;
    case WAIT_FLOW:
        return STIMULUS_FLOW;
    case WAIT_DELAY:
        return STIMULUS_TIMER;
    case WAIT_HANDOFF:
        if (bytes_one_in(play->bytes, 4))
            return STIMULUS_RESUMED;
        break;
    default:
        break;
    }
    return bytes_one_in(play->bytes, 5) ? STIMULUS_TIMER : STIMULUS_EVENT;
}

static void stimulus_give(struct play *play, enum stimulus_kind kind)
{
    struct effect_result result = {.ok = true};
    struct stimulus stimulus = {.kind = kind};
    play->now_ms += (int64_t)bytes_next(play->bytes) * bytes_next(play->bytes) - 500;
    event_draw(play);
    if (kind == STIMULUS_EVENT || (kind == STIMULUS_START && !bytes_one_in(play->bytes, 4)))
        stimulus.event = &play->event;
    if (kind == STIMULUS_RESULT) {
        result_draw(play, &result);
        stimulus.result = &result;
    }
    stimulus.wait_number = play->session.wait_number - bytes_one_in(play->bytes, 8);
    if (kind == STIMULUS_FLOW) {
        stimulus.flow_version = 1;
        stimulus.error = bytes_one_in(play->bytes, 6) ? "there is no such flow" : NULL;
    }
    give(play, &stimulus);
}

// Which flow an event starts is asked of any event, and answered alike each time.
static void trigger_check(const struct play *play)
{
    struct trigger_context context = {.flow_id = random_flow_ids[0],
                                      .first_contact = bytes_one_in(play->bytes, 2),
                                      .is_waiting = bytes_one_in(play->bytes, 2)};
    struct trigger_match one, two;
    bool starts = trigger_match(play->flows[0], &play->event, &context, &one);
    expect(starts == trigger_match(play->flows[0], &play->event, &context, &two));
    expect(!starts || trigger_compare(&one, &two) == 0);
}

static void play_all(struct play *play)
{
    static const enum stimulus_kind after_all[] = {STIMULUS_START,  STIMULUS_EVENT,
                                                   STIMULUS_RESULT, STIMULUS_TIMER,
                                                   STIMULUS_FLOW,   STIMULUS_RESUMED};
    session_init(&play->session, "5f0c0a52-5d2a-4ad8-9b3f-1b2f0e6c2c11", random_flow_ids[0], 1, 1);
    play->present = play->flows[0];
    session_init(&play->twin, play->session.id, random_flow_ids[0], 1, 1);
    stimulus_give(play, STIMULUS_START);
    for (int i = 0; i < CALLS_MAX && play->session.status == SESSION_ACTIVE; i++) {
        stimulus_give(play, kind_draw(play));
        trigger_check(play);
    }
    for (size_t i = 0; play->session.status != SESSION_ACTIVE && i < 6; i++)
        stimulus_give(play, after_all[i]);
    session_deinit(&play->session);
    session_deinit(&play->twin);
}

static cJSON *constant(const char *json)
{
    cJSON *tree = json_read(json, strlen(json), NULL);
    expect(tree);
    return tree;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes bytes = {data, data + len};
    struct play play = {.bytes = &bytes, .now_ms = INT64_C(1795269600000)};
    play.flows[0] = flow_of_bytes(&bytes, node_types);
    play.flows[1] = flow_of_bytes(&bytes, node_types);
    play.contact = constant("{\"tags\":[\"a\"],\"email\":\"a@b.cd\",\"language\":\"de\"}");
    play.account = constant("{\"id\":\"1\",\"timezone\":\"Europe/Berlin\",\"locale\":\"en\"}");
    if (play.flows[0] && play.flows[1])
        play_all(&play);
    flow_unref(play.flows[0]);
    flow_unref(play.flows[1]);
    cJSON_Delete(play.contact);
    cJSON_Delete(play.account);
    cJSON_Delete(play.value);
    return 0;
}

#ifdef FUZZ_SEEDS
#include "test/fuzz/seeds.h"
#endif
