// SPDX-License-Identifier: MIT
// Messages with choices and their answers (see asking.h).
#include "nodes/asking.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/message.h"
#include "engine/path.h"
#include "engine/template.h"

enum { ATTEMPTS_DEFAULT = 3, EDGE_CHARS = 60 };

/* Compiling */

static struct template *question_parse(struct node_parse *p)
{
    static const char *const names[] = {"message", "text", "content", NULL};
    for (const char *const *name = names; *name; name++)
        if (!text_is_blank(json_str(p->data, *name)))
            return node_template(p, p->data, *name);
    return node_template_text(p, "Please choose:", "message");
}

static void ways_parse(struct node_parse *p, struct asking *asking, const cJSON *list,
                       bool has_answers)
{
    say_ways_parse(p, &asking->ways);
    asking->other = node_edge(p, "other");
    asking->invalid = node_edge(p, "invalid");
    asking->timeout = node_edge(p, "timeout");
    if (has_answers)
        options_parse(&asking->options, p, list);
    say_next(p, &asking->ways);
    for (size_t i = 0; i < asking->options.count; i++)
        if (asking->options.items[i].target == NOWHERE && asking->ways.next == NOWHERE)
            node_lint(p, "choice-no-edge", "no edge for the choice '%.60s', and no default edge",
                      asking->options.items[i].id);
}

void asking_parse(struct node_parse *p, struct asking *asking, const cJSON *list, bool has_answers)
{
    asking->text = question_parse(p);
    asking->refusal = node_template(p, p->data, "errorMessage");
    asking->variable = node_sets(p, p->data, "variable", p->id);
    asking->timeout_ms = (int64_t)node_number(p->data, "timeout", 0);
    asking->max_attempts = (int)node_number(p->data, "maxAttempts", ATTEMPTS_DEFAULT);
    ways_parse(p, asking, list, has_answers);
    say_lint_chars(p, "header", json_str(p->data, "header"), EDGE_CHARS);
    say_lint_chars(p, "footer", json_str(p->data, "footer"), EDGE_CHARS);
    if (node_member(p->data, "maxAttempts") && asking->invalid == NOWHERE)
        node_warn(
            p, "attempts-no-edge",
            "maxAttempts needs an edge with the handle \"invalid\": without one it asks again "
            "without end");
}

void asking_deinit(struct asking *asking)
{
    template_free(asking->text);
    value_template_free(asking->tree);
    template_free(asking->refusal);
    options_deinit(&asking->options);
    path_free(asking->variable);
}

/* Running */

// Sends the choices under the text, which is taken.
static enum node_verdict ask(struct node_run *run, const struct asking *asking, char *owned_text)
{
    cJSON *tree;
    if (text_is_blank(owned_text)) {
        free(owned_text);
        owned_text = x_dup("Please choose:"); // no platform sends choices without a text
    }
    if (!asking->tree) {
        run->effect->choices = options_choices(&asking->options, &run->effect->choice_count);
        return node_send(run, owned_text);
    }
    if (!say_render(run, asking->tree, &tree)) {
        free(owned_text);
        return NODE_FAILED;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "text");
    json_add_str(tree, "text", owned_text);
    free(owned_text);
    return say_send(run, &asking->ways, tree);
}

enum node_verdict asking_enter(struct node_run *run, const struct asking *asking)
{
    char *text;
    if (!node_render(run, asking->text, &text))
        return NODE_FAILED;
    return ask(run, asking, text);
}

static enum node_verdict refuse(struct node_run *run, const struct asking *asking)
{
    static const char why[] = "Please choose one of the options.";
    int attempts = node_state_get(run, "attempts") + 1;
    node_state_set(run, "attempts", attempts);
    node_decide(run, "invalid: %s", why);
    if (asking->invalid != NOWHERE && attempts >= asking->max_attempts)
        return node_go(run, asking->invalid, NULL);
    char *text = NULL;
    if (asking->refusal && !node_render(run, asking->refusal, &text))
        return NODE_FAILED;
    if (text_is_blank(text)) {
        free(text);
        text = x_dup(why);
    }
    return ask(run, asking, text);
}

static char *text_trimmed(const char *text)
{
    text = text ? text : "";
    text += strspn(text, " \t\r\n");
    size_t len = strlen(text);
    while (len && strchr(" \t\r\n", text[len - 1]))
        len--;
    return x_dupn(text, len);
}

static enum node_verdict answer_take(struct node_run *run, const struct asking *asking,
                                     const struct node_signal *signal)
{
    char *text = text_trimmed(signal->text);
    const struct option *option = options_find(&asking->options, text, signal->payload);
    bool is_other = !option && asking->other != NOWHERE && *text;
    cJSON *value = option     ? cJSON_Duplicate(option->value, true)
                   : is_other ? cJSON_CreateString(text)
                              : NULL;
    free(text);
    if (!value)
        return refuse(run, asking);
    if (!node_set(run, asking->variable, value))
        return NODE_FAILED;
    if (is_other)
        return node_go(run, asking->other, "other");
    return node_go(run, option->target != NOWHERE ? option->target : asking->ways.next, option->id);
}

enum node_verdict asking_resume(struct node_run *run, const struct asking *asking,
                                const struct node_signal *signal)
{
    switch (signal->kind) {
    case SIGNAL_ANSWER:
        return answer_take(run, asking, signal);
    case SIGNAL_TIMER:
        if (asking->timeout != NOWHERE)
            return node_go(run, asking->timeout, "timeout");
        run->decision = "timeout";
        return NODE_ABANDONED;
    default:
        if (!signal->result->ok)
            return say_failed(run, &asking->ways, signal->result);
        if (asking->options.count == 0) // links alone: there is nothing to wait for
            return node_go(run, asking->ways.next, NULL);
        return node_wait_input(run, asking->timeout_ms);
    }
}
