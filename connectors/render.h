// SPDX-License-Identifier: MIT
// The platforms' message bodies (platform reference, section 4). graph_render() chooses among them;
// what each kind of message becomes is a table of docs/messages.md. Pure.
#pragma once

#include "base/buf.h"
#include "connectors/graph.h"

cJSON *render_messenger(const struct graph_target *target, const struct graph_message *message,
                        const char *attempt_key);
cJSON *render_instagram(const struct graph_target *target, const struct graph_message *message,
                        const char *attempt_key);
cJSON *render_whatsapp(const struct graph_target *target, const struct graph_message *message,
                       const char *attempt_key);

// What graph_mark_read() posts.
cJSON *render_typing(const struct graph_target *target, bool on); // Messenger, Instagram
cJSON *render_whatsapp_read(const char *message_id);

/* What the renderers share */

// Members cut to a limit, always between two characters. None when the text is NULL.
void render_add_chars(cJSON *object, const char *name, const char *text, size_t max_chars);
void render_add_bytes(cJSON *object, const char *name, const char *text, size_t max_bytes);
// A new object in the array.
cJSON *render_add_object(cJSON *array);

// What the message says in words. Caller frees.
char *render_words(const struct graph_message *message);
// The tree's type; NULL for a text with choices.
const char *render_type(const struct graph_message *message);
// The member's text, or NULL when it is missing or empty.
const char *render_text(const cJSON *object, const char *name);
// Appends a line, or "title: rest"; NULL and "" add nothing.
void render_add_line(struct buf *out, const char *line);
void render_add_pair(struct buf *out, const char *title, const char *rest);

/* Messenger and Instagram: render_page.c */

// Where the two differ.
struct render_page {
    void (*add_text)(cJSON *message, const char *text); // adds `text`, cut to the platform's limit
};
// Fills `message`, a body's member, with a text and choices, or with what the tree is.
void render_page_message(const struct render_page *page, cJSON *message,
                         const struct graph_message *source);
// The whole body of a reaction or of typing.
cJSON *render_page_action(const struct graph_target *target, const cJSON *tree);
// Adds {id}, or {comment_id} of a private reply.
void render_page_recipient(cJSON *root, const struct graph_target *target, const cJSON *tree);
