// SPDX-License-Identifier: MIT
// The node types' descriptors, one per file of this folder.
#pragma once

struct node_type;

extern const struct node_type node_ai, node_api, node_condition, node_delay, node_end, node_input,
    node_jump, node_message, node_start;
