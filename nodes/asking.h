// SPDX-License-Identifier: MIT
/*
 * A message with choices, and the answer to it: what `buttons` and `list` are. An answer that is
 * none of the choices goes to the edge `other`; where there is none it is asked again, without
 * end, or, where an edge leaves by "invalid", maxAttempts times. Part of these nodes.
 */
#pragma once

#include "nodes/choices.h"
#include "nodes/say.h"

struct asking {
    struct template *text;       // the question
    struct value_template *tree; // the canonical message but its text; NULL: text and choices
    struct template *refusal;    // what to say to an answer that fits nothing, or NULL
    struct options options;      // none: nothing is waited for
    struct path *variable;
    int64_t timeout_ms; // 0: waits for ever
    int max_attempts;   // matters only with an `invalid` edge
    struct say_ways ways;
    int other, invalid, timeout;
};
#define ASKING_HANDLES "other", "invalid", "timeout", SAY_HANDLES

/*
 * Everything but the tree. `list`: the choices that are answers (NULL: the labels of the edges);
 * when there are links alone, `has_answers` is false.
 */
void asking_parse(struct node_parse *p, struct asking *asking, const cJSON *list, bool has_answers);
void asking_deinit(struct asking *asking);
enum node_verdict asking_enter(struct node_run *run, const struct asking *asking);
enum node_verdict asking_resume(struct node_run *run, const struct asking *asking,
                                const struct node_signal *signal);

// The rows of a field table that both nodes have.
#define ASKING_FIELDS                                                                              \
    {.name = "message", .kind = FIELD_TEMPLATE, .help = "the question"},                           \
        {.name = "text", .kind = FIELD_TEMPLATE, .help = "the same"},                              \
        {.name = "content", .kind = FIELD_TEMPLATE, .help = "the same, in InstantChat's word"},    \
        {.name = "header", .kind = FIELD_TEMPLATE, .help = "a line above; 60 characters"},         \
        {.name = "footer", .kind = FIELD_TEMPLATE, .help = "a line below; 60 characters"},         \
        {.name = "errorMessage",                                                                   \
         .kind = FIELD_TEMPLATE,                                                                   \
         .help = "what to say to an answer that is no choice"},                                    \
        {.name = "variable",                                                                       \
         .kind = FIELD_VARIABLE,                                                                   \
         .help = "gets the answer; else the variable named by the node's id"},                     \
        {.name = "timeout",                                                                        \
         .kind = FIELD_NUMBER,                                                                     \
         .min = 0,                                                                                 \
         .max = 2592000000.0,                                                                      \
         .help = "milliseconds to wait for an answer; at most 30 days"},                           \
    {                                                                                              \
        .name = "maxAttempts", .kind = FIELD_NUMBER, .min = 1, .max = 100,                         \
        .help = "answers that fit nothing before the way out \"invalid\"; 3 unless given"          \
    }
