// SPDX-License-Identifier: MIT
/*
 * input: asks, waits for the person's next message (or a burst of them: collect.h), checks it,
 * keeps it in a variable. An invalid answer is asked for again: without end, or, where an edge
 * leaves by "invalid", maxAttempts times. What an answer has to be is in input_rule.h and answer.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "engine/path.h"
#include "engine/scope.h"
#include "engine/template.h"
#include "nodes/choices.h"
#include "nodes/collect.h"
#include "nodes/input_rule.h"
#include "nodes/say.h"
#include "nodes/types.h"

enum { ATTEMPTS_DEFAULT = 3 };

struct input {
    struct input_rule answers;
    struct collect collect;
    struct template *prompt;  // NULL: nothing is asked (never of a choice)
    struct template *refusal; // the flow's own words for an invalid answer, or NULL
    struct options options;   // of ANSWER_CHOICE
    struct path *variable;
    struct path *reason;  // of `inputError`
    int64_t timeout_ms;   // 0: waits for ever
    int max_attempts;     // matters only with an `invalid` edge
    struct say_ways ways; // of a question that cannot be sent
    int next, invalid, timeout, skip;
};

static void input_free(void *config)
{
    struct input *input = config;
    input_rule_deinit(&input->answers);
    template_free(input->prompt);
    template_free(input->refusal);
    options_deinit(&input->options);
    path_free(input->variable);
    path_free(input->reason);
    free(input);
}

static bool is_choice(const struct input *input)
{
    return input->answers.rule.type == ANSWER_CHOICE;
}

/* Compiling */

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

// An edge "skip" is enough, unless it may be a choice's.
static void skip_parse(struct node_parse *p, struct input *input)
{
    bool is_given = node_member(p->data, "skip") != NULL;
    input->skip = NOWHERE;
    if (!is_given && is_choice(input))
        return;
    if (!is_given || input->answers.may_skip)
        input->skip = node_edge(p, "skip");
    if (!is_given)
        input->answers.may_skip = input->skip != NOWHERE;
}

static void options_read(struct node_parse *p, struct input *input)
{
    const cJSON *list = node_member(p->data, "choices");
    if (cJSON_GetArraySize(list) == 0)
        list = node_member(p->data, "options");
    if (cJSON_GetArraySize(list) == 0)
        list = NULL; // builders store empty lists, too
    if (is_choice(input))
        options_parse(&input->options, p, list);
}

static void ways_parse(struct node_parse *p, struct input *input)
{
    say_ways_parse(p, &input->ways);
    input->invalid = node_edge(p, "invalid");
    input->timeout = node_edge(p, "timeout");
    skip_parse(p, input);
    options_read(p, input);
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
    if (input->collect.is_on && is_choice(input))
        node_warn(p, "field-unused", "collect: a choice is one message");
}

static void *input_parse(struct node_parse *p)
{
    struct input *input = x_alloc(sizeof *input);
    input_rule_parse(p, &input->answers);
    collect_parse(p, &input->collect);
    input->prompt = prompt_parse(p, is_choice(input));
    input->refusal = refusal_parse(p);
    input->variable = node_sets(p, p->data, "variable", p->id);
    input->reason = node_sets(p, NULL, "inputError", "inputError");
    input->timeout_ms = (int64_t)node_number(p->data, "timeout", 0);
    input->max_attempts = (int)node_number(p->data, "maxAttempts", ATTEMPTS_DEFAULT);
    ways_parse(p, input);
    return input;
}

/* Asking */

static enum node_verdict ask(struct node_run *run, const struct input *input, char *owned_text)
{
    if (input->options.count)
        run->effect->choices = options_choices(&input->options, &run->effect->choice_count);
    if (input->answers.rule.type == ANSWER_LOCATION) {
        cJSON *message = cJSON_CreateObject();
        json_add_str(message, "type", "location_request");
        json_add_str(message, "text", owned_text);
        run->effect->message = message;
    }
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
    if (!node_set(run, input->reason, cJSON_CreateString(why)))
        return NODE_FAILED;
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

/* Answers */

static enum node_verdict choice_answer(struct node_run *run, const struct input *input,
                                       const struct answer *answer)
{
    const struct option *option = options_find(&input->options, answer->text, answer->payload);
    bool is_empty = !*answer->text && !answer->payload;
    if (!option && !(is_empty && !input->answers.rule.required))
        return refuse(run, input, "Please choose one of the options.");
    cJSON *value = option ? cJSON_Duplicate(option->value, true) : cJSON_CreateNull();
    if (!node_set(run, input->variable, value))
        return NODE_FAILED;
    bool has_edge = option && option->target != NOWHERE;
    return node_go(run, has_edge ? option->target : input->next, option ? option->id : "empty");
}

static enum node_verdict plain_answer(struct node_run *run, const struct input *input,
                                      const struct answer *answer)
{
    struct rule rule;
    struct scope scope;
    char why[WHY_BYTES];
    cJSON *value;
    scope_init(&scope, run->session, run->flow, run->env, run->limits);
    enum answer_outcome outcome = ANSWER_LIMIT;
    bool has_rule = input_rule_now(run, &input->answers, &scope, &rule);
    if (has_rule)
        outcome = answer_read(&rule, answer, &value, why);
    scope_deinit(&scope);
    if (!has_rule)
        return NODE_FAILED;
    if (outcome == ANSWER_LIMIT)
        return node_fail(run,
                         "validation.pattern costs too much on this answer (limit of matching)");
    if (outcome == ANSWER_INVALID)
        return refuse(run, input, why);
    bool is_empty = cJSON_IsNull(value) || (cJSON_IsString(value) && !*value->valuestring);
    if (!node_set(run, input->variable, value))
        return NODE_FAILED;
    return node_go(run, input->next, is_empty ? "empty" : "answered");
}

static enum node_verdict answer_take(struct node_run *run, const struct input *input,
                                     struct answer answer)
{
    const char *said = answer.text ? answer.text : "";
    if (!answer.text && !is_choice(input) && answer.payload)
        said = answer.payload;
    said += strspn(said, " \t\r\n");
    size_t len = strlen(said);
    while (len && strchr(" \t\r\n", said[len - 1]))
        len--;
    char *text = x_dupn(said, len);
    answer.text = text;
    enum node_verdict verdict;
    if (input_rule_skips(&input->answers, text, answer.payload))
        verdict = node_set(run, input->variable, cJSON_CreateNull())
                      ? node_go(run, input->skip != NOWHERE ? input->skip : input->next, "skip")
                      : NODE_FAILED;
    else
        verdict = is_choice(input) ? choice_answer(run, input, &answer)
                                   : plain_answer(run, input, &answer);
    free(text);
    return verdict;
}

// Ends the burst and takes it as one answer.
static enum node_verdict burst_take(struct node_run *run, const struct input *input)
{
    struct collected collected;
    collect_end(run, &collected);
    struct answer answer = {collected.text, collected.payload, collected.attachments,
                            collected.data};
    if (!*collected.text)
        answer.text = NULL; // then what was tapped counts
    enum node_verdict verdict = answer_take(run, input, answer);
    collected_deinit(&collected);
    return verdict;
}

static enum node_verdict message_take(struct node_run *run, const struct input *input,
                                      const struct node_signal *signal)
{
    const cJSON *event = signal->event;
    if (!input->collect.is_on || is_choice(input))
        return answer_take(run, input,
                           (struct answer){signal->text, signal->payload,
                                           json_get(event, "attachments"),
                                           json_get(event, "data")});
    if (collect_take(run, &input->collect, signal, event))
        return burst_take(run, input);
    return node_wait_input(run, collect_wait_ms(run, &input->collect));
}

static enum node_verdict time_is_up(struct node_run *run, const struct input *input)
{
    if (collect_has_begun(run))
        return burst_take(run, input);
    if (input->timeout != NOWHERE)
        return node_go(run, input->timeout, "timeout");
    run->decision = "timeout";
    return NODE_ABANDONED;
}

static enum node_verdict input_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct input *input = run->config;
    switch (signal->kind) {
    case SIGNAL_ANSWER:
        return message_take(run, input, signal);
    case SIGNAL_TIMER:
        return time_is_up(run, input);
    default:
        if (!signal->result->ok)
            return say_failed(run, &input->ways, signal->result);
        return node_wait_input(run, input->timeout_ms);
    }
}

static const char *const aliases[] = {"inputNode", "question", "questionNode", NULL};
static const char *const handles[] = {"invalid", "timeout", "skip", SAY_HANDLES, NULL};

static const struct node_field validation_fields[] = {
    {.name = "required", .kind = FIELD_BOOL, .help = "false: an answer without text is taken"},
    {.name = "pattern", .kind = FIELD_PATTERN, .help = "a regular expression that must match"},
    {.name = "min",
     .kind = FIELD_ANY,
     .help = "least value of a number; first date or time, as a text (\"+30d\", \"17:30\"); fewest "
             "files; else least length. May be a template"},
    {.name = "max",
     .kind = FIELD_ANY,
     .help = "greatest value, last date or time, most files, length"},
    {.name = "message", .kind = FIELD_TEMPLATE, .help = "what to say to an invalid answer"},
    {.name = "errorMessage", .kind = FIELD_TEMPLATE, .help = "the same"},
    {0},
};

static const struct node_field fields[] = {
    {.name = "inputType",
     .kind = FIELD_WORD,
     .words = input_type_words,
     .help = "text unless given"},
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
    {.name = "country",
     .kind = FIELD_STRING,
     .help = "of phone numbers without a country code: two capital letters; else the contact's or "
             "the account's"},
    {.name = "accept",
     .kind = FIELD_WORDS,
     .words = input_accept_words,
     .help = "kinds of files; all but stickers unless given"},
    {.name = "maxFiles",
     .kind = FIELD_NUMBER,
     .min = 1,
     .max = 30,
     .help = "1 unless given: the variable gets the file; else a list"},
    {.name = "skip",
     .kind = FIELD_ANY,
     .help = "words that leave the variable null: a text, a list, or true for those built in"},
    {.name = "collect",
     .kind = FIELD_OBJECT,
     .members = collect_fields,
     .help = "gathers a burst of messages into one answer"},
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
