// SPDX-License-Identifier: MIT
// The node types' descriptors, one per file of this folder.
#pragma once

struct node_type;

extern const struct node_type node_ai, node_ai_classify, node_ai_extract, node_api, node_buttons,
    node_condition, node_contact, node_counter, node_delay, node_end, node_handoff, node_input,
    node_jump, node_list, node_message, node_note, node_random, node_reaction, node_restart,
    node_rich_message, node_schedule, node_set_type, node_start, node_subflow, node_switch,
    node_tag, node_template_type, node_typing, node_webhook_wait, node_window;
