// SPDX-License-Identifier: MIT
// Options of choice inputs.
#include "nodes/choices.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/fold.h"
#include "engine/node.h"
#include "engine/value.h"

enum { OPTIONS_MAX = 100, OPTION_BYTES_MAX = 256 };

void options_deinit(struct options *options)
{
    for (size_t i = 0; i < options->count; i++) {
        struct option *option = &options->items[i];
        free(option->id);
        free(option->title);
        cJSON_Delete(option->value);
        for (size_t w = 0; w < 3; w++)
            free(option->words[w]);
    }
    free(options->items);
}

// Takes owned_value; id and title are copied.
static void option_add(struct options *options, struct node_parse *p, const char *id,
                       const char *title, cJSON *owned_value)
{
    if (text_is_blank(id) || text_is_blank(title) || strlen(id) > OPTION_BYTES_MAX ||
        strlen(title) > OPTION_BYTES_MAX || options->count == OPTIONS_MAX) {
        node_error(
            p, "choice-bad",
            "choices: each of at most %d must be a text, or an object with id, label or title, "
            "value, of 1 to %d bytes",
            OPTIONS_MAX, OPTION_BYTES_MAX);
        cJSON_Delete(owned_value);
        return;
    }
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(options->items[i].id, id) == 0)
            node_error(p, "choice-duplicate", "two choices have the id '%.60s'", id);
    options->items = x_realloc(options->items, options->count + 1, sizeof *options->items);
    struct option *option = &options->items[options->count++];
    *option = (struct option){.id = x_dup(id), .title = x_dup(title), .target = NOWHERE};
    option->value = owned_value ? owned_value : cJSON_CreateString(title);
    struct buf text = {0};
    value_text(option->value, &text);
    option->words[0] = text_fold(title);
    option->words[1] = text_fold(id);
    option->words[2] = text.len ? text_fold(text.data) : NULL;
    buf_deinit(&text);
}

static const char *first_text(const cJSON *item, const char *const *names)
{
    for (; *names; names++)
        if (json_str(item, *names))
            return json_str(item, *names);
    return NULL;
}

static void item_parse(struct options *options, struct node_parse *p, const cJSON *item)
{
    static const char *const titles[] = {"label", "title", "text", "name", NULL};
    struct buf text = {0};
    if (cJSON_IsObject(item)) {
        const cJSON *value = node_member(item, "value");
        char scratch[32];
        value_text(value, &text);
        const char *id = json_id(item, "id", scratch);
        const char *title = first_text(item, titles);
        title = title ? title : text.data ? text.data : id;
        id = id ? id : text.data ? text.data : title;
        option_add(options, p, id, title, value ? cJSON_Duplicate(value, true) : NULL);
    } else {
        if (cJSON_IsString(item) || cJSON_IsNumber(item))
            value_text(item, &text);
        option_add(options, p, text.data, text.data, NULL);
    }
    buf_deinit(&text);
}

static void edges_parse(struct options *options, struct node_parse *p)
{
    for (size_t i = 0; i < node_edge_count(p); i++) {
        struct node_edge_view edge = node_edge_at(p, i);
        if (edge.claimed || !edge.label)
            continue;
        size_t count = options->count;
        option_add(options, p, edge.handle ? edge.handle : edge.label, edge.label, NULL);
        if (options->count > count)
            options->items[count].target = node_edge_claim(p, i);
    }
}

void options_parse(struct options *options, struct node_parse *p, const cJSON *list)
{
    const cJSON *item;
    if (!list)
        edges_parse(options, p);
    cJSON_ArrayForEach(item, list) {
        if (options->count == OPTIONS_MAX) {
            option_add(options, p, "more", "more", NULL); // reports
            break;
        }
        item_parse(options, p, item);
    }
    for (size_t i = 0; i < options->count && list; i++)
        options->items[i].target = node_edge(p, options->items[i].id);
    if (options->count == 0)
        node_error(p, "choice-missing",
                   "a choice needs `choices` or `options`, or outgoing edges with labels");
}

// The first whose title is the text, else whose id is, else whose value is.
static const struct option *option_named(const struct options *options, const char *text)
{
    const struct option *found = NULL;
    char *folded = text_fold(text);
    for (size_t word = 0; word < 3; word++)
        for (size_t i = 0; i < options->count && !found; i++) {
            const struct option *option = &options->items[i];
            if (option->words[word] && strcmp(option->words[word], folded) == 0)
                found = option;
        }
    free(folded);
    return found;
}

const struct option *options_find(const struct options *options, const char *text,
                                  const char *payload)
{
    for (size_t i = 0; i < options->count && payload; i++)
        if (strcmp(options->items[i].id, payload) == 0)
            return &options->items[i];
    if (text_is_blank(text))
        return NULL;
    const struct option *meant = option_named(options, text);
    if (meant)
        return meant;
    size_t digits = strspn(text, "0123456789");
    unsigned long position = digits <= 3 && !text[digits] ? strtoul(text, NULL, 10) : 0;
    return position >= 1 && position <= options->count ? &options->items[position - 1] : NULL;
}

struct choice *options_choices(const struct options *options, size_t *ret_count)
{
    struct choice *choices = x_calloc(options->count, sizeof *choices);
    for (size_t i = 0; i < options->count; i++) {
        choices[i].id = x_dup(options->items[i].id);
        choices[i].title = x_dup(options->items[i].title);
    }
    *ret_count = options->count;
    return choices;
}
