// SPDX-License-Identifier: MIT
/*
 * aiExtract: a language model finds named fields in the person's words. What is found is checked by
 * its type; what does not fit counts as not found.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "engine/path.h"
#include "nodes/ai_ask.h"
#include "nodes/ai_value.h"
#include "nodes/types.h"

enum { HISTORY_DEFAULT = 4, WANTED_MAX = 50 };

struct wanted {
    char *name;
    enum ai_value_type type;
    cJSON *words; // of AI_ENUM
    bool required;
};

struct extract {
    struct ai_ask ask;
    struct wanted *wanted;
    size_t count;
    char *instructions;
    cJSON *schema;
    bool merge;
    struct path *result, *missing;
    int next, lacking, fallback;
};

static void extract_free(void *config)
{
    struct extract *extract = config;
    ai_ask_deinit(&extract->ask);
    for (size_t i = 0; i < extract->count; i++) {
        free(extract->wanted[i].name);
        cJSON_Delete(extract->wanted[i].words);
    }
    free(extract->wanted);
    free(extract->instructions);
    cJSON_Delete(extract->schema);
    path_free(extract->result);
    path_free(extract->missing);
    free(extract);
}

/* Compiling */

static bool type_parse(const char *word, enum ai_value_type *ret_type)
{
    for (size_t i = 0; word && ai_value_types[i]; i++) {
        if (strcmp(ai_value_types[i], word) == 0 || (i == 0 && strcmp(word, "string") == 0)) {
            *ret_type = (enum ai_value_type)i;
            return true;
        }
    }
    return false;
}

static bool words_fit(const cJSON *words)
{
    const cJSON *word;
    bool fit = cJSON_IsArray(words) && words->child;
    cJSON_ArrayForEach(word, words) {
        fit = fit && cJSON_IsString(word) && !text_is_blank(word->valuestring);
    }
    return fit;
}

// What the model is told of one field: any of them may be null.
static cJSON *wanted_schema(const struct wanted *wanted, const char *description)
{
    const char *word = wanted->type == AI_ENUM ? "text" : ai_value_types[wanted->type];
    cJSON *schema = ai_schema_word(word, true);
    if (wanted->type == AI_ENUM) {
        cJSON *words = cJSON_Duplicate(wanted->words, true);
        cJSON_AddItemToArray(words, cJSON_CreateNull());
        cJSON_AddItemToObject(schema, "enum", words);
    }
    if (text_is_blank(description))
        return schema;
    const char *form = json_str(schema, "description");
    char *text = x_printf("%s%s%s", description, form ? "; " : "", form ? form : "");
    cJSON_DeleteItemFromObject(schema, "description");
    json_add_str(schema, "description", text);
    free(text);
    return schema;
}

static void wanted_add(struct node_parse *p, struct extract *extract, const cJSON *item)
{
    struct wanted wanted = {.required = json_bool(item, "required", false)};
    const char *type = cJSON_IsString(item) ? item->valuestring : json_str(item, "type");
    const cJSON *words = node_member(item, "values");
    if (!type_parse(type, &wanted.type)) {
        node_error(p, "field-value",
                   "fields: '%.60s': its type is text, number, integer, boolean, date, email, "
                   "phone or enum",
                   item->string);
        return;
    }
    if (wanted.type == AI_ENUM && !words_fit(words)) {
        node_error(p, "field-value", "fields: '%.60s': an enum needs `values`, a list of texts",
                   item->string);
        return;
    }
    wanted.name = x_dup(item->string);
    wanted.words = wanted.type == AI_ENUM ? cJSON_Duplicate(words, true) : NULL;
    extract->wanted[extract->count++] = wanted;
    ai_schema_add(extract->schema, item->string,
                  wanted_schema(&wanted, json_str(item, "description")));
}

static void wanted_parse(struct node_parse *p, struct extract *extract)
{
    const cJSON *fields = node_member(p->data, "fields"), *item;
    int count = cJSON_GetArraySize(fields);
    extract->schema = ai_schema_object();
    if (count == 0 || count > WANTED_MAX) {
        node_error(p, "field-value", "fields: there must be 1 to %d", WANTED_MAX);
        return;
    }
    extract->wanted = x_calloc((size_t)count, sizeof *extract->wanted);
    cJSON_ArrayForEach(item, fields) {
        wanted_add(p, extract, item);
    }
}

static char *instructions_make(const struct extract *extract)
{
    struct buf out = {0};
    buf_add_str(&out, "Find these in what the person says, and answer with a JSON object that has "
                      "them all: ");
    for (size_t i = 0; i < extract->count; i++)
        buf_printf(&out, "%s%s (%s)", i ? ", " : "", extract->wanted[i].name,
                   ai_value_types[extract->wanted[i].type]);
    buf_add_str(&out, ". What the person does not say is null: guess nothing.");
    return buf_take(&out);
}

static void *extract_parse(struct node_parse *p)
{
    struct extract *extract = x_alloc(sizeof *extract);
    bool has_text = !text_is_blank(json_str(p->data, "text"));
    ai_ask_parse(p, &extract->ask, "text", has_text ? 0 : HISTORY_DEFAULT);
    wanted_parse(p, extract);
    extract->instructions = instructions_make(extract);
    extract->merge = json_bool(p->data, "merge", false);
    extract->result = node_sets(p, p->data, "resultVariable", p->id);
    extract->missing = node_sets(p, p->data, "missingVariable", "missing");
    extract->fallback = node_edge(p, "fallback");
    int error = node_edge(p, "error");
    extract->fallback = extract->fallback == NOWHERE ? error : extract->fallback;
    extract->lacking = node_edge(p, "missing");
    extract->next = node_edge(p, "success");
    int rest = node_default_edge(p);
    extract->next = extract->next == NOWHERE ? rest : extract->next;
    extract->lacking = extract->lacking == NOWHERE ? extract->next : extract->lacking;
    return extract;
}

/* Running */

static enum node_verdict extract_enter(struct node_run *run)
{
    const struct extract *extract = run->config;
    switch (ai_ask_begin(run, &extract->ask, extract->instructions)) {
    case AI_SPENT:
        return node_fail_to(run, extract->fallback, "the session has used up its %.0f tokens",
                            extract->ask.session_tokens);
    case AI_FAILED:
        return NODE_FAILED;
    default:
        run->effect->schema = cJSON_Duplicate(extract->schema, true);
        return NODE_EFFECT;
    }
}

// The field's value now: found anew, or, when they are merged, found before; null otherwise.
static cJSON *wanted_value(const struct extract *extract, const struct wanted *wanted,
                           const cJSON *answer, const cJSON *before)
{
    cJSON *value = ai_value_read(wanted->type, wanted->words, json_get(answer, wanted->name));
    const cJSON *old = extract->merge ? json_get(before, wanted->name) : NULL;
    if (value)
        return value;
    return old ? cJSON_Duplicate(old, true) : cJSON_CreateNull();
}

static enum node_verdict found(struct node_run *run, const struct extract *extract,
                               const cJSON *answer)
{
    const cJSON *before = path_find(extract->result, run->session->vars);
    cJSON *values = cJSON_CreateObject(), *missing = cJSON_CreateArray();
    for (size_t i = 0; i < extract->count; i++) {
        const struct wanted *wanted = &extract->wanted[i];
        cJSON *value = wanted_value(extract, wanted, answer, before);
        if (wanted->required && cJSON_IsNull(value))
            cJSON_AddItemToArray(missing, cJSON_CreateString(wanted->name));
        cJSON_AddItemToObject(values, wanted->name, value);
    }
    int lacking = cJSON_GetArraySize(missing);
    bool ok = node_set(run, extract->result, values);
    if (!ok)
        cJSON_Delete(missing);
    if (!ok || !node_set(run, extract->missing, missing))
        return NODE_FAILED;
    return lacking ? node_go(run, extract->lacking, node_decide(run, "missing: %d", lacking))
                   : node_go(run, extract->next, "found");
}

// Anything that is an object will do: the fields are checked one by one.
static cJSON *answer_object(const struct effect_result *result, char why[AI_WHY_BYTES])
{
    cJSON *any = cJSON_CreateObject();
    cJSON *answer = ai_ask_json(result, any, why);
    cJSON_Delete(any);
    return answer;
}

static enum node_verdict extract_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct extract *extract = run->config;
    const struct effect_result *result = signal->result;
    char why[AI_WHY_BYTES];
    if (!result->ok)
        return node_fail_to(run, extract->fallback, "the model did not answer: %s", result->error);
    ai_ask_taken(run, result);
    cJSON *answer = answer_object(result, why);
    if (answer) {
        enum node_verdict verdict = found(run, extract, answer);
        cJSON_Delete(answer);
        return verdict;
    }
    if (ai_ask_repaired(run))
        return node_fail_to(run, extract->fallback, "the model's answer is not as asked: %s", why);
    ai_ask_repair(run, result, why);
    node_decide(run, "asked again: %s", why);
    return extract_enter(run);
}

static const char *const aliases[] = {"aiExtractNode", "extract", "extractNode", NULL};
static const char *const handles[] = {"success", "missing", "fallback", "error", NULL};

static const struct node_field fields[] = {
    {.name = "fields",
     .kind = FIELD_OBJECT,
     .required = true,
     .help = "name: {type, description, required, values}, or name: type; 1 to 50"},
    {.name = "text",
     .kind = FIELD_TEMPLATE,
     .help = "where to look; else the person's last message, with some before it"},
    {.name = "merge",
     .kind = FIELD_BOOL,
     .help = "true: what an earlier run found stays, unless it is found anew"},
    {.name = "resultVariable",
     .kind = FIELD_VARIABLE,
     .help = "gets {name: value or null}; else the variable named by the node's id"},
    {.name = "missingVariable",
     .kind = FIELD_VARIABLE,
     .help = "gets the names of the required fields that were not found; else `missing`"},
    AI_ASK_FIELDS,
    {0},
};

const struct node_type node_ai_extract = {
    .name = "aiExtract",
    .aliases = aliases,
    .summary = "Lets a language model find named fields in the person's words.",
    .fields = fields,
    .handles = handles,
    .parse = extract_parse,
    .enter = extract_enter,
    .resume = extract_resume,
    .free = extract_free,
};
