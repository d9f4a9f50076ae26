// SPDX-License-Identifier: MIT
/*
 * Rich messages as builders store them, and their sending: what richMessage is, and message with
 * `richContent`. What one platform cannot say in one message (a caption of a voice message, a text
 * above cards) is sent as a text before or after it. Part of the message nodes.
 */
#pragma once

#include "nodes/say.h"

struct rich {
    struct value_template *tree;
    struct say_ways ways;
};

// NULL-ended: text, image, video … carousel.
extern const char *const rich_kinds[];

/*
 * The unrendered canonical message from an object (a node's data, or richContent.content), or from
 * a text; `text`: what is to be said with it, or NULL. Caller deletes.
 */
cJSON *rich_tree(const char *kind, const cJSON *content, const char *text);
// False, with the place, when something that the kind needs is not there and no template brings it.
MUST_USE bool rich_is_whole(const cJSON *tree, struct err *err);
void rich_lint(const struct node_parse *p, const cJSON *tree);

enum node_verdict rich_enter(struct node_run *run, const struct rich *rich);
enum node_verdict rich_resume(struct node_run *run, const struct rich *rich,
                              const struct node_signal *signal);
