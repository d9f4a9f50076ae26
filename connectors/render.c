// SPDX-License-Identifier: MIT
// What the renderers share: cuts between characters, and words.
#include "connectors/render.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/utf8.h"
#include "engine/message.h"

static void add_cut(cJSON *object, const char *name, const char *text, size_t len)
{
    char *cut = x_dupn(text, len);
    json_add_str(object, name, cut);
    free(cut);
}

void render_add_chars(cJSON *object, const char *name, const char *text, size_t max_chars)
{
    if (text)
        add_cut(object, name, text, utf8_cut_chars(text, strlen(text), max_chars));
}

void render_add_bytes(cJSON *object, const char *name, const char *text, size_t max_bytes)
{
    if (text)
        add_cut(object, name, text, utf8_cut_bytes(text, strlen(text), max_bytes));
}

cJSON *render_add_object(cJSON *array)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToArray(array, object);
    return object;
}

const char *render_text(const cJSON *object, const char *name)
{
    const char *text = json_str(object, name);
    return text && *text ? text : NULL;
}

const char *render_type(const struct graph_message *message)
{
    return json_str(message->tree, "type");
}

char *render_words(const struct graph_message *message)
{
    if (message->text && *message->text)
        return x_dup(message->text);
    struct buf words = {0};
    if (message->tree)
        message_words(message->tree, &words);
    return buf_take(&words);
}

void render_add_line(struct buf *out, const char *line)
{
    if (!line || !*line)
        return;
    if (out->len)
        buf_add_char(out, '\n');
    buf_add_str(out, line);
}

void render_add_pair(struct buf *out, const char *title, const char *rest)
{
    if (!title || !*title || !rest || !*rest) {
        render_add_line(out, title && *title ? title : rest);
        return;
    }
    render_add_line(out, title);
    buf_printf(out, ": %s", rest);
}
