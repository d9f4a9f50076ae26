// SPDX-License-Identifier: MIT
/*
 * input: asks, waits for the person's next message, checks it, keeps it in a variable. An invalid
 * answer is asked for again: without end, or, where an edge leaves by "invalid", maxAttempts times.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "engine/path.h"
#include "engine/pattern.h"
#include "engine/template.h"
#include "nodes/answer.h"
#include "nodes/choices.h"
#include "nodes/types.h"

enum { ATTEMPTS_DEFAULT = 3 };

struct input {
    struct rule rule;
    struct template *prompt;  // NULL: nothing is asked (never of a choice)
    struct template *refusal; // the flow's own words for an invalid answer, or NULL
    struct options options;   // of ANSWER_CHOICE
    struct path *variable;
    int64_t timeout_ms; // 0: waits for ever
    int max_attempts;   // matters only with an `invalid` edge
    int next, invalid, timeout;
};

static const char *const types[] = {"text", "number", "email", "choice", NULL};

static void input_free(void *config)
{
    struct input *input = config;
    pattern_free(input->rule.pattern);
    template_free(input->prompt);
    template_free(input->refusal);
    options_deinit(&input->options);
    path_free(input->variable);
    free(input);
}

/* Compiling */

static void rule_parse(struct node_parse *p, struct rule *rule)
{
    const cJSON *validation = node_member(p->data, "validation");
    const char *type = json_str(p->data, "inputType");
    for (size_t i = 0; type && types[i]; i++)
        if (strcmp(types[i], type) == 0)
            rule->type = (enum answer_type)i;
    rule->required = json_bool(validation, "required", true);
    rule->pattern = node_pattern(p, validation, "pattern");
    rule->has_min = node_member(validation, "min") != NULL;
    rule->has_max = node_member(validation, "max") != NULL;
    rule->min = node_number(validation, "min", 0);
    rule->max = node_number(validation, "max", 0);
    if (rule->has_min && rule->has_max && rule->min > rule->max)
        node_error(p, "field-value", "validation.min: is greater than validation.max");
}

static struct template *prompt_parse(struct node_parse *p, bool must_ask)
{
    static const char *const names[] = {"message", "content", "placeholder", "label", NULL};
    for (size_t i = 0; names[i] && (must_ask || i < 2); i++)
        if (!text_is_blank(json_str(p->data, names[i])))
            return node_template(p, p->data, names[i]);
    return must_ask ? node_template_text(p, "Please choose:", "message") : NULL;
}

static struct template *refusal_parse(struct node_parse *p)
{
    const cJSON *validation = node_member(p->data, "validation");
    if (node_member(p->data, "errorMessage"))
        return node_template(p, p->data, "errorMessage");
    const char *name = node_member(validation, "message") ? "message" : "errorMessage";
    return node_template(p, validation, name);
}

static void ways_parse(struct node_parse *p, struct input *input)
{
    bool is_choice = input->rule.type == ANSWER_CHOICE;
    const cJSON *list = node_member(p->data, "choices");
    if (cJSON_GetArraySize(list) == 0)
        list = node_member(p->data, "options");
    if (cJSON_GetArraySize(list) == 0)
        list = NULL; // builders store empty lists, too
    input->invalid = node_edge(p, "invalid");
    input->timeout = node_edge(p, "timeout");
    if (is_choice)
        options_parse(&input->options, p, list);
    input->next = node_default_edge(p);
    for (size_t i = 0; i < input->options.count; i++)
        if (input->options.items[i].target == NOWHERE && input->next == NOWHERE)
            node_lint(p, "choice-no-edge", "no edge for the choice '%.60s', and no default edge",
                      input->options.items[i].id);
    if (node_member(p->data, "maxAttempts") && input->invalid == NOWHERE)
        node_warn(
            p, "attempts-no-edge",
            "maxAttempts needs an edge with the handle \"invalid\": without one it asks again "
            "without end");
}

static void *input_parse(struct node_parse *p)
{
    struct input *input = x_alloc(sizeof *input);
    rule_parse(p, &input->rule);
    input->prompt = prompt_parse(p, input->rule.type == ANSWER_CHOICE);
    input->refusal = refusal_parse(p);
    input->variable = node_sets(p, p->data, "variable", p->id);
    input->timeout_ms = (int64_t)node_number(p->data, "timeout", 0);
    input->max_attempts = (int)node_number(p->data, "maxAttempts", ATTEMPTS_DEFAULT);
    ways_parse(p, input);
    return input;
}

/* Running */

static enum node_verdict ask(struct node_run *run, const struct input *input, char *owned_text)
{
    if (input->options.count)
        run->effect->choices = options_choices(&input->options, &run->effect->choice_count);
    return node_send(run, owned_text);
}

static enum node_verdict input_enter(struct node_run *run)
{
    const struct input *input = run->config;
    char *text = NULL;
    if (input->prompt && !node_render(run, input->prompt, &text))
        return NODE_FAILED;
    if (text_is_blank(text) && input->options.count) {
        free(text);
        text = x_dup("Please choose:"); // no platform sends choices without a text
    }
    if (!text_is_blank(text))
        return ask(run, input, text);
    free(text);
    return node_wait_input(run, input->timeout_ms);
}

static enum node_verdict refuse(struct node_run *run, const struct input *input, const char *why)
{
    int attempts = node_state_get(run, "attempts") + 1;
    node_state_set(run, "attempts", attempts);
    node_decide(run, "invalid: %s", why);
    if (input->invalid != NOWHERE && attempts >= input->max_attempts)
        return node_go(run, input->invalid, NULL);
    char *text = NULL;
    if (input->refusal && !node_render(run, input->refusal, &text))
        return NODE_FAILED;
    if (text_is_blank(text)) {
        free(text);
        text = x_dup(why);
    }
    return ask(run, input, text);
}

static enum node_verdict choice_answer(struct node_run *run, const struct input *input,
                                       const char *text, const char *payload)
{
    const struct option *option = options_find(&input->options, text, payload);
    bool is_empty = !*text && !payload;
    if (!option && !(is_empty && !input->rule.required))
        return refuse(run, input, "Please choose one of the options.");
    cJSON *value = option ? cJSON_Duplicate(option->value, true) : cJSON_CreateNull();
    if (!node_set(run, input->variable, value))
        return NODE_FAILED;
    bool has_edge = option && option->target != NOWHERE;
    return node_go(run, has_edge ? option->target : input->next, option ? option->id : "empty");
}

static enum node_verdict plain_answer(struct node_run *run, const struct input *input,
                                      const char *text)
{
    char why[WHY_BYTES];
    cJSON *value;
    switch (answer_read(&input->rule, text, &value, why)) {
    case ANSWER_VALID:
        if (!node_set(run, input->variable, value))
            return NODE_FAILED;
        return node_go(run, input->next, *text ? "answered" : "empty");
    case ANSWER_INVALID:
        return refuse(run, input, why);
    default:
        return node_fail(run,
                         "validation.pattern costs too much on this answer (limit of matching)");
    }
}

static enum node_verdict answer_take(struct node_run *run, const struct input *input,
                                     const struct node_signal *signal)
{
    const char *said = signal->text ? signal->text : "";
    if (!signal->text && input->rule.type != ANSWER_CHOICE && signal->payload)
        said = signal->payload;
    said += strspn(said, " \t\r\n");
    size_t len = strlen(said);
    while (len && strchr(" \t\r\n", said[len - 1]))
        len--;
    char *text = x_dupn(said, len);
    enum node_verdict verdict = input->rule.type == ANSWER_CHOICE
                                    ? choice_answer(run, input, text, signal->payload)
                                    : plain_answer(run, input, text);
    free(text);
    return verdict;
}

static enum node_verdict input_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct input *input = run->config;
    switch (signal->kind) {
    case SIGNAL_ANSWER:
        return answer_take(run, input, signal);
    case SIGNAL_TIMER:
        if (input->timeout != NOWHERE)
            return node_go(run, input->timeout, "timeout");
        run->decision = "timeout";
        return NODE_ABANDONED;
    default:
        if (!signal->result->ok)
            return node_fail(run, "the question was not sent: %s", signal->result->error);
        return node_wait_input(run, input->timeout_ms);
    }
}

static const char *const aliases[] = {"inputNode", "question", "questionNode", NULL};
static const char *const handles[] = {"invalid", "timeout", NULL};

static const struct node_field validation_fields[] = {
    {.name = "required", .kind = FIELD_BOOL, .help = "false: an answer without text is taken"},
    {.name = "pattern", .kind = FIELD_PATTERN, .help = "a regular expression that must match"},
    {.name = "min", .kind = FIELD_NUMBER, .help = "least value of a number, else least length"},
    {.name = "max", .kind = FIELD_NUMBER, .help = "greatest value of a number, else length"},
    {.name = "message", .kind = FIELD_TEMPLATE, .help = "what to say to an invalid answer"},
    {.name = "errorMessage", .kind = FIELD_TEMPLATE, .help = "the same"},
    {0},
};

static const struct node_field fields[] = {
    {.name = "inputType", .kind = FIELD_WORD, .words = types, .help = "text unless given"},
    {.name = "message", .kind = FIELD_TEMPLATE, .help = "the question"},
    {.name = "content", .kind = FIELD_TEMPLATE, .help = "the same, in InstantChat's word"},
    {.name = "placeholder",
     .kind = FIELD_TEMPLATE,
     .help = "the question of a choice that has no message"},
    {.name = "validation", .kind = FIELD_OBJECT, .members = validation_fields, .help = "the rule"},
    {.name = "errorMessage", .kind = FIELD_TEMPLATE, .help = "what to say to an invalid answer"},
    {.name = "choices", .kind = FIELD_LIST, .help = "texts, or objects with id, label, value"},
    {.name = "options", .kind = FIELD_LIST, .help = "the same"},
    {.name = "variable",
     .kind = FIELD_VARIABLE,
     .help = "gets the answer; else the variable named by the node's id"},
    {.name = "timeout",
     .kind = FIELD_NUMBER,
     .min = 0,
     .max = 2592000000.0,
     .help = "milliseconds to wait for an answer; at most 30 days"},
    {.name = "maxAttempts",
     .kind = FIELD_NUMBER,
     .min = 1,
     .max = 100,
     .help = "invalid answers before the way out \"invalid\"; 3 unless given"},
    {0},
};

const struct node_type node_input = {
    .name = "input",
    .aliases = aliases,
    .summary = "Asks, waits for an answer, checks it and keeps it in a variable.",
    .waits = true,
    .fields = fields,
    .handles = handles,
    .parse = input_parse,
    .enter = input_enter,
    .resume = input_resume,
    .free = input_free,
};
