// SPDX-License-Identifier: MIT
// ai: asks a language model, with the chat's recent messages as its memory, and sends the answer.
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "engine/path.h"
#include "engine/template.h"
#include "nodes/types.h"

enum { HISTORY_DEFAULT = 10, MODELS_MAX = 10 };

struct ai {
    struct template *system, *prompt; // either may be NULL
    cJSON *models;                    // array of strings, may be empty
    double temperature;               // < 0: the provider's
    int max_tokens, history;
    bool send;
    struct path *result;
    int next, error;
};

static void ai_free(void *config)
{
    struct ai *ai = config;
    template_free(ai->system);
    template_free(ai->prompt);
    cJSON_Delete(ai->models);
    path_free(ai->result);
    free(ai);
}

static void models_add(struct node_parse *p, struct ai *ai, const char *name)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, node_member(p->data, name)) {
        if (!cJSON_IsString(item) || cJSON_GetArraySize(ai->models) == MODELS_MAX) {
            node_error(p, "field-value", "%s: must be at most %d texts", name, MODELS_MAX);
            return;
        }
        cJSON_AddItemToArray(ai->models, cJSON_Duplicate(item, false));
    }
}

static void *ai_parse(struct node_parse *p)
{
    struct ai *ai = x_alloc(sizeof *ai);
    const cJSON *data = p->data;
    ai->system =
        node_template(p, data, node_member(data, "systemPrompt") ? "systemPrompt" : "system");
    ai->prompt = node_template(p, data, "prompt");
    ai->models = cJSON_CreateArray();
    const char *model = json_str(data, "model");
    if (model && *model)
        cJSON_AddItemToArray(ai->models, cJSON_CreateString(model));
    models_add(p, ai, "models");
    models_add(p, ai, "fallbackModels");
    ai->temperature = node_number(data, "temperature", -1);
    ai->max_tokens = (int)node_number(data, "maxTokens", 0);
    ai->history = (int)node_number(data, "history", HISTORY_DEFAULT);
    ai->send = json_bool(data, "send", true);
    ai->result = node_sets(p, data, "resultVariable", p->id);
    ai->error = node_edge(p, "error");
    ai->next = node_edge(p, "success");
    int other = node_default_edge(p);
    ai->next = ai->next == NOWHERE ? other : ai->next;
    return ai;
}

static enum node_verdict ai_enter(struct node_run *run)
{
    const struct ai *ai = run->config;
    struct effect *effect = run->effect;
    if (ai->system && !node_render(run, ai->system, &effect->system))
        return NODE_FAILED;
    if (ai->prompt && !node_render(run, ai->prompt, &effect->prompt))
        return NODE_FAILED;
    if (effect->prompt && text_is_blank(effect->prompt)) {
        free(effect->prompt);
        effect->prompt = NULL;
    }
    effect->kind = EFFECT_AI;
    effect->models = cJSON_Duplicate(ai->models, true);
    effect->temperature = ai->temperature;
    effect->max_tokens = ai->max_tokens;
    effect->history = ai->history;
    return NODE_EFFECT;
}

// The model has answered: keep the text, then say it.
static enum node_verdict answer_take(struct node_run *run, const struct ai *ai,
                                     const struct effect_result *result)
{
    if (!result->ok)
        return node_fail_to(run, ai->error, "the model did not answer: %s", result->error);
    const char *text = cJSON_IsString(result->value) ? result->value->valuestring
                                                     : json_str(result->value, "text");
    if (text_is_blank(text))
        return node_fail_to(run, ai->error, "the model's answer has no text");
    if (!node_set(run, ai->result, cJSON_CreateString(text)))
        return NODE_FAILED;
    if (!ai->send)
        return node_go(run, ai->next, json_str(result->value, "model"));
    node_state_set(run, "sending", 1);
    return node_send(run, x_dup(text));
}

static enum node_verdict ai_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct ai *ai = run->config;
    if (!node_state_get(run, "sending"))
        return answer_take(run, ai, signal->result);
    if (!signal->result->ok)
        return node_fail_to(run, ai->error, "the message was not sent: %s", signal->result->error);
    return node_go(run, ai->next, NULL);
}

static const char *const aliases[] = {"aiNode", "groq", "llm", NULL};
static const char *const handles[] = {"success", "error", NULL};

static const struct node_field fields[] = {
    {.name = "systemPrompt", .kind = FIELD_TEMPLATE, .help = "who the model is to be"},
    {.name = "system", .kind = FIELD_TEMPLATE, .help = "the same, shorter"},
    {.name = "prompt",
     .kind = FIELD_TEMPLATE,
     .help = "a question after the chat's messages; else the last of them is"},
    {.name = "model", .kind = FIELD_STRING, .help = "first choice; else the configured ones"},
    {.name = "models", .kind = FIELD_LIST, .help = "models to try, in order, after `model`"},
    {.name = "fallbackModels", .kind = FIELD_LIST, .help = "models to try after those"},
    {.name = "temperature", .kind = FIELD_NUMBER, .min = 0, .max = 2, .help = "0 to 2"},
    {.name = "maxTokens", .kind = FIELD_NUMBER, .min = 1, .max = 131072, .help = "of the answer"},
    {.name = "resultVariable",
     .kind = FIELD_VARIABLE,
     .help = "gets the answer's text; else the variable named by the node's id"},
    {.name = "history",
     .kind = FIELD_NUMBER,
     .min = 0,
     .max = 100,
     .help = "how many of the chat's recent messages the model sees; 10 unless given"},
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
