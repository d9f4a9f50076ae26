// SPDX-License-Identifier: MIT
// What an input node's data say about its answers, and the rule (answer.h) that it is at the moment
// of an answer: bounds may be templates and relative dates. Part of the input node.
#pragma once

#include "base/mem.h"
#include "nodes/answer.h"

struct node_parse;
struct node_run;
struct scope;
struct template;

struct input_bound {
    const char *name; // "min", "max"
    bool is_given;
    double number;         // unless there is a text
    struct template *text; // or NULL
};

struct input_rule {
    struct rule rule; // but for the bounds, and for where and when the person is
    struct input_bound min, max;
    bool may_skip;
    char **skip_words; // of the flow; NULL: the built-in ones
    size_t skip_count;
};

// The words of `inputType`, NULL-ended.
extern const char *const input_type_words[];
// The words of `accept`, NULL-ended.
extern const char *const input_accept_words[];

// Problems are reported.
void input_rule_parse(struct node_parse *p, struct input_rule *input);
void input_rule_deinit(struct input_rule *input);

/*
 * The rule of now. Its locale and zone are the scope's, borrowed. False: run->err says which bound
 * is none (a template gave something else).
 */
MUST_USE bool input_rule_now(struct node_run *run, const struct input_rule *input,
                             const struct scope *scope, struct rule *ret_rule);

// Whether the answer is a word that skips the question. Each may be NULL.
bool input_rule_skips(const struct input_rule *input, const char *text, const char *payload);
