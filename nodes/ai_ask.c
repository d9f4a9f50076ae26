// SPDX-License-Identifier: MIT
// What the nodes that ask a language model share.
#include "nodes/ai_ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "engine/template.h"

enum { MODELS_MAX = 10, MEMORY_MAX = 100, REPAIR_BYTES_MAX = 8 * 1024 };

void ai_ask_deinit(struct ai_ask *ask)
{
    template_free(ask->system);
    template_free(ask->prompt);
    template_free(ask->knowledge);
    cJSON_Delete(ask->models);
}

/* Compiling */

static void models_add(struct node_parse *p, struct ai_ask *ask, const char *name)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, node_member(p->data, name)) {
        if (!cJSON_IsString(item) || cJSON_GetArraySize(ask->models) == MODELS_MAX) {
            node_error(p, "field-value", "%s: must be at most %d texts", name, MODELS_MAX);
            return;
        }
        cJSON_AddItemToArray(ask->models, cJSON_Duplicate(item, false));
    }
}

static void memory_parse(struct node_parse *p, struct ai_ask *ask, int history)
{
    const cJSON *memory = node_member(p->data, "memory");
    ask->history = (int)node_number(p->data, "history", history);
    if (!memory || cJSON_IsTrue(memory))
        return;
    bool is_number =
        cJSON_IsNumber(memory) && memory->valuedouble >= 0 && memory->valuedouble <= MEMORY_MAX;
    if (!cJSON_IsFalse(memory) && !is_number)
        node_error(p, "field-value", "memory: must be true, false or a number up to %d",
                   MEMORY_MAX);
    ask->history = is_number ? (int)memory->valuedouble : 0;
}

static void knowledge_parse(struct node_parse *p, struct ai_ask *ask)
{
    const cJSON *knowledge = node_member(p->data, "knowledge");
    if (cJSON_IsString(knowledge))
        ask->knowledge = node_template(p, p->data, "knowledge");
    else if (knowledge && !cJSON_IsBool(knowledge))
        node_error(p, "field-type", "knowledge: must be true, false or a text");
    ask->owners_knowledge = cJSON_IsTrue(knowledge);
}

void ai_ask_parse(struct node_parse *p, struct ai_ask *ask, const char *prompt, int history)
{
    const cJSON *data = p->data;
    ask->system =
        node_template(p, data, node_member(data, "systemPrompt") ? "systemPrompt" : "system");
    ask->prompt = node_template(p, data, prompt);
    ask->models = cJSON_CreateArray();
    const char *model = json_str(data, "model");
    if (model && *model)
        cJSON_AddItemToArray(ask->models, cJSON_CreateString(model));
    models_add(p, ask, "models");
    models_add(p, ask, "fallbackModels");
    ask->temperature = node_number(data, "temperature", -1);
    ask->max_tokens = (int)node_number(data, "maxTokens", 0);
    ask->session_tokens = node_number(data, "maxTokensPerSession", 0);
    memory_parse(p, ask, history);
    knowledge_parse(p, ask);
}

/* Asking */

static void part_add(struct buf *out, const char *title, const char *text)
{
    if (text_is_blank(text))
        return;
    if (out->len)
        buf_add_str(out, "\n\n");
    buf_add_str(out, title);
    buf_add_str(out, text);
}

static bool system_render(struct node_run *run, const struct ai_ask *ask, const char *instructions)
{
    char *system = NULL, *knowledge = NULL;
    struct buf out = {0};
    bool ok = (!ask->system || node_render(run, ask->system, &system)) &&
              (!ask->knowledge || node_render(run, ask->knowledge, &knowledge));
    part_add(&out, "", system);
    part_add(&out, "", instructions);
    part_add(&out, "What you know:\n", knowledge);
    if (ok && (ask->system || out.len))
        run->effect->system = buf_take(&out);
    buf_deinit(&out);
    free(system);
    free(knowledge);
    return ok;
}

static bool prompt_render(struct node_run *run, const struct ai_ask *ask)
{
    char **prompt = &run->effect->prompt;
    if (ask->prompt && !node_render(run, ask->prompt, prompt))
        return false;
    if (*prompt && text_is_blank(*prompt)) {
        free(*prompt);
        *prompt = NULL;
    }
    // Without memory the person's last words would not be there.
    if (!*prompt && !ask->history)
        *prompt = x_dup(json_str(json_get(run->session->vars, "last"), "text"));
    return true;
}

enum ai_ready ai_ask_begin(struct node_run *run, const struct ai_ask *ask, const char *instructions)
{
    struct effect *effect = run->effect;
    if (ask->session_tokens && (double)run->session->tokens >= ask->session_tokens)
        return AI_SPENT;
    if (!system_render(run, ask, instructions) || !prompt_render(run, ask))
        return AI_FAILED;
    effect->kind = EFFECT_AI;
    effect->models = cJSON_Duplicate(ask->models, true);
    effect->temperature = ask->temperature;
    effect->max_tokens = ask->max_tokens;
    effect->history = ask->history;
    effect->knowledge = ask->owners_knowledge;
    const cJSON *rounds = ai_rounds(run);
    effect->rounds = rounds ? cJSON_Duplicate(rounds, true) : NULL;
    return AI_READY;
}

/* Answers */

void ai_ask_taken(struct node_run *run, const struct effect_result *result)
{
    int64_t tokens = json_int(result->value, "tokens", 0);
    if (tokens > 0 && tokens < INT32_MAX)
        run->session->tokens += tokens;
}

const char *ai_ask_text(const struct effect_result *result)
{
    return cJSON_IsString(result->value) ? result->value->valuestring
                                         : json_str(result->value, "text");
}

// The object in a text that has it alone, or in a fence (```json … ```), as some models write.
static cJSON *text_json(const char *text)
{
    if (!text)
        return NULL;
    const char *open = strchr(text, '{'), *close = strrchr(text, '}');
    if (!open || !close || close < open)
        return NULL;
    for (const char *c = text; c < open; c++)
        if (!strchr(" \t\r\n`json", *c))
            return NULL;
    for (const char *c = close + 1; *c; c++)
        if (!strchr(" \t\r\n`", *c))
            return NULL;
    return json_read(open, (size_t)(close - open) + 1, NULL);
}

cJSON *ai_ask_json(const struct effect_result *result, const cJSON *schema, char why[AI_WHY_BYTES])
{
    const cJSON *given = json_get(result->value, "json");
    cJSON *json =
        cJSON_IsObject(given) ? cJSON_Duplicate(given, true) : text_json(ai_ask_text(result));
    if (!json)
        strcpy(why, "it is not a JSON object");
    else if (ai_schema_check(schema, json, why))
        return json;
    cJSON_Delete(json);
    return NULL;
}

/* Rounds */

const cJSON *ai_rounds(const struct node_run *run)
{
    return node_state_value(run, "rounds");
}

void ai_rounds_add(struct node_run *run, cJSON *owned_message)
{
    if (!ai_rounds(run))
        node_state_put(run, "rounds", cJSON_CreateArray());
    cJSON_AddItemToArray((cJSON *)ai_rounds(run), owned_message);
}

bool ai_ask_repaired(const struct node_run *run)
{
    return node_state_get(run, "repaired") > 0;
}

static cJSON *message_new(const char *role, const char *content)
{
    cJSON *message = cJSON_CreateObject();
    json_add_str(message, "role", role);
    json_add_str(message, "content", content);
    return message;
}

void ai_ask_repair(struct node_run *run, const struct effect_result *result, const char *why)
{
    const char *said = ai_ask_text(result);
    said = said ? said : "";
    char *cut = x_dupn(said, utf8_cut_bytes(said, strlen(said), REPAIR_BYTES_MAX));
    char *words =
        x_printf("That answer cannot be used: %s. Answer again, with nothing but the JSON "
                 "object that was asked for.",
                 why);
    node_state_set(run, "repaired", 1);
    ai_rounds_add(run, message_new("assistant", cut));
    ai_rounds_add(run, message_new("user", words));
    free(cut);
    free(words);
}
