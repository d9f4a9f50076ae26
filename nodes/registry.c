// SPDX-License-Identifier: MIT
// The table of node types, sorted by name (a unit test checks the order).
#include "nodes/registry.h"

#include <stddef.h>

#include "engine/node.h"
#include "nodes/types.h"

const struct node_type *const node_types[] = {
    &node_ai,       &node_ai_classify,  &node_ai_extract,
    &node_api,      &node_buttons,      &node_condition,
    &node_contact,  &node_counter,      &node_delay,
    &node_end,      &node_handoff,      &node_input,
    &node_jump,     &node_list,         &node_message,
    &node_note,     &node_random,       &node_reaction,
    &node_restart,  &node_rich_message, &node_schedule,
    &node_set_type, &node_start,        &node_subflow,
    &node_switch,   &node_tag,          &node_template_type,
    &node_typing,   &node_webhook_wait, &node_window,
    NULL,
};
