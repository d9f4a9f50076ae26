// SPDX-License-Identifier: MIT
// A change of what is recorded of the contact and the chat. Part of the nodes contact, handoff,
// note and tag.
#pragma once

#include <cjson/cJSON.h>

#include "engine/node.h"

// Fills the effect; resume() gets its result.
enum node_verdict update_yield(struct node_run *run, cJSON *owned_change);

// The usual end of such a node: on, or along the error edge.
enum node_verdict update_end(struct node_run *run, const struct node_signal *signal, int next,
                             int error);

// A list of templates of a node's data.
struct template_list {
    struct template **items;
    size_t count;
};
// The member `name`: a list of at most `most` texts. What is wrong is reported.
void template_list_parse(struct template_list *list, struct node_parse *p, const char *name,
                         int most);
void template_list_deinit(struct template_list *list);
