// SPDX-License-Identifier: MIT
// The platforms' message bodies (platform reference, section 4). graph_render() chooses among them.
// Pure.
#pragma once

#include "connectors/graph.h"

cJSON *render_messenger(const struct graph_target *target, const char *text,
                        const struct choice *choices, size_t choice_count, const char *attempt_key);
cJSON *render_instagram(const struct graph_target *target, const char *text,
                        const struct choice *choices, size_t choice_count, const char *attempt_key);
cJSON *render_whatsapp(const struct graph_target *target, const char *text,
                       const struct choice *choices, size_t choice_count, const char *attempt_key);

// What graph_mark_read() posts.
cJSON *render_typing(const struct graph_target *target); // Messenger, Instagram
cJSON *render_whatsapp_read(const char *message_id);

// Members cut to a limit, always between two characters.
void render_add_chars(cJSON *object, const char *name, const char *text, size_t max_chars);
void render_add_bytes(cJSON *object, const char *name, const char *text, size_t max_bytes);

// Adds `quick_replies` as Messenger and Instagram have them, when there are choices.
void render_add_quick_replies(cJSON *message, const struct choice *choices, size_t choice_count);
