// SPDX-License-Identifier: MIT
/*
 * What the nodes that send a canonical message (engine/message.h) have in common: its template,
 * and the ways out. Part of the message nodes.
 */
#pragma once

#include <cjson/cJSON.h>

#include "engine/node.h"

struct say_ways {
    int next, error, closed; // the ordinary way, failed, refused because the window is closed
};
#define SAY_HANDLES "error", "windowClosed"

// Claims `error` and `windowClosed`; the default edge, which is asked for last, only with
// say_next().
void say_ways_parse(struct node_parse *p, struct say_ways *ways);
void say_next(struct node_parse *p, struct say_ways *ways);

/*
 * Renders the template of a canonical message: numbers in the place of texts become texts, texts in
 * the place of numbers numbers, and members without content go. False: return NODE_FAILED.
 */
MUST_USE bool say_render(struct node_run *run, const struct value_template *template,
                         cJSON **ret_message);
// The effect of a message, which is taken; the error way when it does not have the form.
enum node_verdict say_send(struct node_run *run, const struct say_ways *ways, cJSON *owned_message);
// After a message that was not sent.
enum node_verdict say_failed(struct node_run *run, const struct say_ways *ways,
                             const struct effect_result *result);

// Whether the session is on that platform, by its name.
bool say_is_on(const struct node_run *run, const char *platform);
// The id of the person's last message, or NULL.
const char *say_last_id(const struct node_run *run);

// Adds to a tree the first of the members that the object has, under `member`. `names` is
// NULL-ended.
void say_take(cJSON *tree, const char *member, const cJSON *object, const char *const *names);
// Lint: a constant text with more characters than people will see.
void say_lint_chars(const struct node_parse *p, const char *field, const char *text, size_t max);
