// SPDX-License-Identifier: MIT
/*
 * aiClassify: a language model says which of the named intents the person's words have; the session
 * goes along that intent's edge.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "engine/path.h"
#include "nodes/ai_ask.h"
#include "nodes/types.h"

enum { HISTORY_DEFAULT = 6, INTENTS_MAX = 50, EXAMPLES_MAX = 20, INTENT_ID_MAX = 64 };

static const char other_id[] = "other";

struct intent {
    char *id;
    int target; // NOWHERE: `other`'s
};

struct classify {
    struct ai_ask ask;
    struct intent *intents;
    size_t count;
    char *instructions;
    cJSON *schema;
    double threshold;
    struct path *result;
    int other, fallback;
};

static void classify_free(void *config)
{
    struct classify *classify = config;
    ai_ask_deinit(&classify->ask);
    for (size_t i = 0; i < classify->count; i++)
        free(classify->intents[i].id);
    free(classify->intents);
    free(classify->instructions);
    cJSON_Delete(classify->schema);
    path_free(classify->result);
    free(classify);
}

/* Compiling */

static const struct intent *intent_find(const struct classify *classify, const char *id)
{
    for (size_t i = 0; id && i < classify->count; i++)
        if (strcmp(classify->intents[i].id, id) == 0)
            return &classify->intents[i];
    return NULL;
}

// One intent's line of the instructions.
static void intent_tell(struct node_parse *p, struct buf *out, const cJSON *choice)
{
    const char *description = json_str(choice, "description");
    const cJSON *examples = node_member(choice, "examples"), *example;
    const char *before = "; for example: ";
    buf_printf(out, "- %s", json_str(choice, "id"));
    if (!text_is_blank(description))
        buf_printf(out, ": %s", description);
    if (cJSON_GetArraySize(examples) > EXAMPLES_MAX)
        node_error(p, "field-value", "choices.examples: more than %d", EXAMPLES_MAX);
    cJSON_ArrayForEach(example, examples) {
        if (!cJSON_IsString(example)) {
            node_error(p, "field-type", "choices.examples: must be texts");
            return;
        }
        buf_printf(out, "%s\"%s\"", before, example->valuestring);
        before = ", ";
    }
    buf_add_char(out, '\n');
}

static void intent_add(struct node_parse *p, struct classify *classify, const cJSON *choice)
{
    const char *id = json_str(choice, "id");
    if (text_is_blank(id) || strlen(id) > INTENT_ID_MAX || strcmp(id, other_id) == 0 ||
        intent_find(classify, id)) {
        node_error(p, "choice-bad",
                   "choices: '%.64s': an id has 1 to %d bytes, is there once, and is not \"other\"",
                   id, INTENT_ID_MAX);
        return;
    }
    struct intent *intent = &classify->intents[classify->count++];
    *intent = (struct intent){.id = x_dup(id), .target = node_edge(p, id)};
}

static void choices_parse(struct node_parse *p, struct classify *classify)
{
    const cJSON *choices = node_member(p->data, "choices"), *choice;
    int count = cJSON_GetArraySize(choices);
    struct buf told = {0};
    if (count == 0 || count > INTENTS_MAX) {
        node_error(p, "choice-bad", "choices: there must be 1 to %d", INTENTS_MAX);
        return;
    }
    classify->intents = x_calloc((size_t)count, sizeof *classify->intents);
    buf_add_str(&told, "Say what the person's last message is about. It is one of these:\n");
    cJSON_ArrayForEach(choice, choices) {
        intent_add(p, classify, choice);
        intent_tell(p, &told, choice);
    }
    buf_add_str(&told,
                "- other: none of them\nAnswer with a JSON object: {\"intent\": one of these "
                "words, \"confidence\": how sure you are, from 0 to 1}.");
    classify->instructions = buf_take(&told);
}

static cJSON *schema_make(const struct classify *classify)
{
    cJSON *schema = ai_schema_object(), *intent = cJSON_CreateObject();
    json_add_str(intent, "type", "string");
    cJSON *words = cJSON_AddArrayToObject(intent, "enum");
    for (size_t i = 0; i < classify->count; i++)
        cJSON_AddItemToArray(words, cJSON_CreateString(classify->intents[i].id));
    cJSON_AddItemToArray(words, cJSON_CreateString(other_id));
    ai_schema_add(schema, "intent", intent);
    ai_schema_add(schema, "confidence", ai_schema_word("number", false));
    return schema;
}

static void *classify_parse(struct node_parse *p)
{
    struct classify *classify = x_alloc(sizeof *classify);
    bool has_text = !text_is_blank(json_str(p->data, "text"));
    ai_ask_parse(p, &classify->ask, "text", has_text ? 0 : HISTORY_DEFAULT);
    choices_parse(p, classify);
    classify->schema = schema_make(classify);
    classify->threshold = node_number(p->data, "confidence", 0);
    classify->result = node_sets(p, p->data, "resultVariable", p->id);
    classify->fallback = node_edge(p, "fallback");
    int error = node_edge(p, "error");
    classify->fallback = classify->fallback == NOWHERE ? error : classify->fallback;
    classify->other = node_edge(p, other_id);
    int rest = node_default_edge(p);
    classify->other = classify->other == NOWHERE ? rest : classify->other;
    for (size_t i = 0; i < classify->count; i++)
        if (classify->intents[i].target == NOWHERE && classify->other == NOWHERE)
            node_lint(p, "choice-no-edge", "no edge for the intent '%.60s', and none for \"other\"",
                      classify->intents[i].id);
    return classify;
}

/* Running */

static enum node_verdict classify_enter(struct node_run *run)
{
    const struct classify *classify = run->config;
    switch (ai_ask_begin(run, &classify->ask, classify->instructions)) {
    case AI_SPENT:
        return node_fail_to(run, classify->fallback, "the session has used up its %.0f tokens",
                            classify->ask.session_tokens);
    case AI_FAILED:
        return NODE_FAILED;
    default:
        run->effect->schema = cJSON_Duplicate(classify->schema, true);
        return NODE_EFFECT;
    }
}

static double confidence_of(const cJSON *answer)
{
    const cJSON *confidence = json_get(answer, "confidence");
    double number = cJSON_IsNumber(confidence) ? confidence->valuedouble : 0;
    return number < 0 ? 0 : number > 1 ? 1 : number;
}

// Which way, and what the variable says of it.
static enum node_verdict route(struct node_run *run, const struct classify *classify,
                               const cJSON *answer)
{
    const char *said = json_str(answer, "intent");
    double confidence = confidence_of(answer);
    const struct intent *intent = intent_find(classify, said);
    bool doubtful = intent && confidence < classify->threshold;
    cJSON *value = cJSON_CreateObject();
    json_add_str(value, "intent", intent && !doubtful ? intent->id : other_id);
    cJSON_AddNumberToObject(value, "confidence", confidence);
    json_add_str(value, "guess", doubtful ? intent->id : NULL);
    if (!node_set(run, classify->result, value))
        return NODE_FAILED;
    if (doubtful)
        return node_go(run, classify->other,
                       node_decide(run, "other: %.60s with %.2f", intent->id, confidence));
    bool has_edge = intent && intent->target != NOWHERE;
    return node_go(run, has_edge ? intent->target : classify->other,
                   intent ? intent->id : other_id);
}

static enum node_verdict classify_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct classify *classify = run->config;
    const struct effect_result *result = signal->result;
    char why[AI_WHY_BYTES];
    if (!result->ok)
        return node_fail_to(run, classify->fallback, "the model did not answer: %s", result->error);
    ai_ask_taken(run, result);
    cJSON *answer = ai_ask_json(result, classify->schema, why);
    if (answer) {
        enum node_verdict verdict = route(run, classify, answer);
        cJSON_Delete(answer);
        return verdict;
    }
    if (ai_ask_repaired(run))
        return node_fail_to(run, classify->fallback, "the model's answer is not as asked: %s", why);
    ai_ask_repair(run, result, why);
    node_decide(run, "asked again: %s", why);
    return classify_enter(run);
}

static const char *const aliases[] = {"aiClassifyNode", "classify",   "classifyNode",
                                      "intent",         "intentNode", NULL};
static const char *const handles[] = {"other", "fallback", "error", NULL};

static const struct node_field choice_fields[] = {
    {.name = "id",
     .kind = FIELD_STRING,
     .required = true,
     .help = "names the intent: the sourceHandle of its edge"},
    {.name = "description", .kind = FIELD_STRING, .help = "what it is, told to the model"},
    {.name = "examples", .kind = FIELD_LIST, .help = "texts that have it"},
    {0},
};

static const struct node_field fields[] = {
    {.name = "choices",
     .kind = FIELD_LIST,
     .required = true,
     .members = choice_fields,
     .help = "the intents, 1 to 50"},
    {.name = "text",
     .kind = FIELD_TEMPLATE,
     .help = "what to look at; else the person's last message, with some before it"},
    {.name = "confidence",
     .kind = FIELD_NUMBER,
     .min = 0,
     .max = 1,
     .help = "below it the way is \"other\"; 0 unless given"},
    {.name = "resultVariable",
     .kind = FIELD_VARIABLE,
     .help = "gets {intent, confidence}; else the variable named by the node's id"},
    AI_ASK_FIELDS,
    {0},
};

const struct node_type node_ai_classify = {
    .name = "aiClassify",
    .aliases = aliases,
    .summary = "Lets a language model tell the person's intent, and goes along its edge.",
    .fields = fields,
    .handles = handles,
    .parse = classify_parse,
    .enter = classify_enter,
    .resume = classify_resume,
    .free = classify_free,
};
