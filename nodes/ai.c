// SPDX-License-Identifier: MIT
/*
 * ai: asks a language model, with the chat's recent messages as its memory, and sends the answer;
 * or, with `output`, keeps it as JSON. With `tools` the model may have nodes and flows run first.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "engine/path.h"
#include "nodes/ai_ask.h"
#include "nodes/ai_tools.h"
#include "nodes/api_mapping.h"
#include "nodes/types.h"

enum { HISTORY_DEFAULT = 10, ROUNDS_MAX = 8 };

struct ai {
    struct ai_ask ask;
    struct ai_tools tools;
    cJSON *schema; // of `output`, or NULL
    struct mapping mapping;
    bool send;
    struct path *result;
    int next, fallback, error; // error: the answer could not be sent
};

static void ai_free(void *config)
{
    struct ai *ai = config;
    ai_ask_deinit(&ai->ask);
    ai_tools_deinit(&ai->tools);
    cJSON_Delete(ai->schema);
    mapping_deinit(&ai->mapping);
    path_free(ai->result);
    free(ai);
}

static void output_parse(struct node_parse *p, struct ai *ai)
{
    const cJSON *mapping = node_member(p->data, "mapping");
    ai->schema = ai_schema_parse(p, node_member(p->data, "output"), "output");
    mapping_parse(p, mapping, NULL, NULL, &ai->mapping);
    ai->send = json_bool(p->data, "send", !ai->schema);
    if (ai->schema && ai->send)
        node_warn(p, "ai-field-unused", "send: an answer with `output` is not sent");
    if (!ai->schema && mapping)
        node_warn(p, "ai-field-unused", "mapping: only an answer with `output` has parts");
    ai->send = ai->send && !ai->schema;
}

static void *ai_parse(struct node_parse *p)
{
    struct ai *ai = x_alloc(sizeof *ai);
    ai_ask_parse(p, &ai->ask, "prompt", HISTORY_DEFAULT);
    ai_tools_parse(p, &ai->tools);
    output_parse(p, ai);
    ai->result = node_sets(p, p->data, "resultVariable", p->id);
    ai->fallback = node_edge(p, "fallback");
    ai->error = node_edge(p, "error");
    ai->fallback = ai->fallback == NOWHERE ? ai->error : ai->fallback;
    ai->error = ai->error == NOWHERE ? ai->fallback : ai->error;
    ai->next = node_edge(p, "success");
    int other = node_default_edge(p);
    ai->next = ai->next == NOWHERE ? other : ai->next;
    return ai;
}

static enum node_verdict ai_enter(struct node_run *run)
{
    const struct ai *ai = run->config;
    switch (ai_ask_begin(run, &ai->ask, NULL)) {
    case AI_SPENT:
        return node_fail_to(run, ai->fallback, "the session has used up its %.0f tokens",
                            ai->ask.session_tokens);
    case AI_FAILED:
        return NODE_FAILED;
    default:
        run->effect->tools = ai->tools.offer ? cJSON_Duplicate(ai->tools.offer, true) : NULL;
        run->effect->schema = ai->schema ? cJSON_Duplicate(ai->schema, true) : NULL;
        return NODE_EFFECT;
    }
}

static enum node_verdict tools_go_on(struct node_run *run, const struct ai *ai)
{
    enum node_verdict verdict;
    return ai_tools_next(run, &ai->tools, &verdict) ? verdict : ai_enter(run);
}

static enum node_verdict json_take(struct node_run *run, const struct ai *ai,
                                   const struct effect_result *result)
{
    char why[AI_WHY_BYTES];
    cJSON *json = ai_ask_json(result, ai->schema, why);
    if (!json && !ai_ask_repaired(run)) {
        ai_ask_repair(run, result, why);
        node_decide(run, "asked again: %s", why);
        return ai_enter(run);
    }
    if (!json)
        return node_fail_to(run, ai->fallback, "the model's answer is not as asked: %s", why);
    bool ok = mapping_store(run, &ai->mapping, json);
    if (!ok)
        cJSON_Delete(json);
    if (!ok || !node_set(run, ai->result, json))
        return NODE_FAILED;
    return node_go(run, ai->next, json_str(result->value, "model"));
}

static enum node_verdict text_take(struct node_run *run, const struct ai *ai,
                                   const struct effect_result *result)
{
    const char *text = ai_ask_text(result);
    if (text_is_blank(text))
        return node_fail_to(run, ai->fallback, "the model's answer has no text");
    if (!node_set(run, ai->result, cJSON_CreateString(text)))
        return NODE_FAILED;
    if (!ai->send)
        return node_go(run, ai->next, json_str(result->value, "model"));
    node_state_set(run, "sending", 1);
    return node_send(run, x_dup(text));
}

static enum node_verdict answer_take(struct node_run *run, const struct ai *ai,
                                     const struct effect_result *result)
{
    if (!result->ok)
        return node_fail_to(run, ai->fallback, "the model did not answer: %s", result->error);
    ai_ask_taken(run, result);
    if (ai->tools.count && cJSON_GetArraySize(json_get(result->value, "tool_calls")) > 0) {
        if (ai_tools_begin(run, &ai->tools, result))
            return tools_go_on(run, ai);
        struct err why = run->err;
        return node_fail_to(run, ai->fallback, "%s", why.text);
    }
    return ai->schema ? json_take(run, ai, result) : text_take(run, ai, result);
}

static enum node_verdict ai_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct ai *ai = run->config;
    if (signal->kind == SIGNAL_RETURN) {
        ai_tools_returned(run, &ai->tools, signal);
        return tools_go_on(run, ai);
    }
    if (!node_state_get(run, "sending"))
        return answer_take(run, ai, signal->result);
    if (!signal->result->ok)
        return node_fail_to(run, ai->error, "the message was not sent: %s", signal->result->error);
    return node_go(run, ai->next, NULL);
}

static const char *const aliases[] = {"aiNode", "groq", "llm", NULL};
static const char *const handles[] = {"success", "fallback", "error", NULL};

static const struct node_field fields[] = {
    AI_ASK_FIELDS,
    {.name = "prompt",
     .kind = FIELD_TEMPLATE,
     .help = "a question after the chat's messages; else the last of them is"},
    {.name = "output",
     .kind = FIELD_OBJECT,
     .help = "the answer is JSON: {name: type} or a JSON Schema; it is kept and not sent"},
    {.name = "mapping", .kind = FIELD_OBJECT, .help = "variable: path in the answer's JSON"},
    {.name = "tools",
     .kind = FIELD_LIST,
     .members = ai_tool_fields,
     .help = "nodes and flows that the model may have run before it answers"},
    {.name = "maxRounds",
     .kind = FIELD_NUMBER,
     .min = 1,
     .max = ROUNDS_MAX,
     .help = "how often the model may ask for tools; 3 unless given"},
    {.name = "resultVariable",
     .kind = FIELD_VARIABLE,
     .help = "gets the answer's text or JSON; else the variable named by the node's id"},
    {.name = "send", .kind = FIELD_BOOL, .help = "false: only keep the answer"},
    {0},
};

const struct node_type node_ai = {
    .name = "ai",
    .aliases = aliases,
    .summary = "Asks a language model and sends its answer.",
    .fields = fields,
    .handles = handles,
    .parse = ai_parse,
    .enter = ai_enter,
    .resume = ai_resume,
    .free = ai_free,
};
