// SPDX-License-Identifier: MIT
/*
 * buttons: a text with buttons under it, each with its own way on, and the wait for the answer.
 * Buttons that open an address or call somebody are no answers.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "nodes/asking.h"
#include "nodes/types.h"

enum { TITLE_CHARS = 20, BODY_CHARS = 1024 };

static void buttons_free(void *config)
{
    struct asking *asking = config;
    asking_deinit(asking);
    free(asking);
}

static const cJSON *choices_of(const cJSON *data)
{
    static const char *const names[] = {"choices", "buttons", "options", "quickReplies", NULL};
    for (const char *const *name = names; *name; name++)
        if (cJSON_GetArraySize(node_member(data, *name)) > 0)
            return node_member(data, *name);
    return NULL; // builders store empty lists, too
}

static bool is_link(const cJSON *item)
{
    return json_get(item, "url") || json_get(item, "phone");
}

// {url | phone, title} of a link.
static cJSON *link_tree(const cJSON *item)
{
    static const char *const titles[] = {"title", "label", "text", "name", "url", "phone", NULL};
    const char *name = node_member(item, "url") ? "url" : "phone";
    cJSON *button = cJSON_CreateObject();
    say_take(button, "title", item, titles);
    say_take(button, name, item, (const char *const[]){name, NULL});
    return button;
}

static cJSON *reply_tree(const struct option *option)
{
    cJSON *button = cJSON_CreateObject();
    json_add_str(button, "title", option->title);
    json_add_str(button, "id", option->id);
    return button;
}

// In the order of the list; without one, of the options.
static void buttons_add(cJSON *tree, const cJSON *list, const struct options *options)
{
    cJSON *buttons = cJSON_AddArrayToObject(tree, "buttons");
    const cJSON *item;
    size_t next = 0;
    cJSON_ArrayForEach(item, list) {
        if (is_link(item))
            cJSON_AddItemToArray(buttons, link_tree(item));
        else if (next < options->count)
            cJSON_AddItemToArray(buttons, reply_tree(&options->items[next++]));
    }
    for (; !list && next < options->count; next++)
        cJSON_AddItemToArray(buttons, reply_tree(&options->items[next]));
}

// `choices` and `options` are looked at by engine/lint_limits.c.
static void titles_lint(struct node_parse *p, const cJSON *list, const struct options *options)
{
    const cJSON *item;
    if (!list || list == node_member(p->data, "choices") || list == node_member(p->data, "options"))
        return;
    for (size_t i = 0; i < options->count; i++)
        say_lint_chars(p, list->string, options->items[i].title, TITLE_CHARS);
    cJSON_ArrayForEach(item, list) {
        if (is_link(item))
            say_lint_chars(p, list->string, json_str(item, "title"), TITLE_CHARS);
    }
}

static struct value_template *tree_parse(struct node_parse *p, const cJSON *list,
                                         const struct options *options)
{
    static const char *const members[] = {"header", "footer", "image", NULL};
    cJSON *tree = cJSON_CreateObject();
    json_add_str(tree, "type", "buttons");
    for (const char *const *member = members; *member; member++)
        say_take(tree, *member, p->data, (const char *const[]){*member, NULL});
    buttons_add(tree, list, options);
    struct value_template *template = node_value(p, tree, "choices");
    cJSON_Delete(tree);
    return template;
}

static void *buttons_parse(struct node_parse *p)
{
    struct asking *asking = x_alloc(sizeof *asking);
    const cJSON *list = choices_of(p->data), *item;
    cJSON *replies = cJSON_CreateArray();
    int links = 0;
    cJSON_ArrayForEach(item, list) {
        if (is_link(item))
            links++;
        else
            cJSON_AddItemToArray(replies, cJSON_Duplicate(item, true));
    }
    bool has_answers = !list || cJSON_GetArraySize(replies) > 0;
    asking_parse(p, asking, list ? replies : NULL, has_answers);
    bool is_plain = !links && !node_member(p->data, "header") && !node_member(p->data, "footer") &&
                    !node_member(p->data, "image");
    if (!is_plain)
        asking->tree = tree_parse(p, list, &asking->options);
    titles_lint(p, list, &asking->options);
    say_lint_chars(p, "text", json_str(p->data, "text"), BODY_CHARS);
    cJSON_Delete(replies);
    return asking;
}

static enum node_verdict buttons_enter(struct node_run *run)
{
    return asking_enter(run, run->config);
}

static enum node_verdict buttons_resume(struct node_run *run, const struct node_signal *signal)
{
    return asking_resume(run, run->config, signal);
}

static const char *const aliases[] = {"buttonsNode", "button",         "quickReplies",
                                      "quickReply",  "quickReplyNode", "quickRepliesNode",
                                      NULL};
static const char *const handles[] = {ASKING_HANDLES, NULL};

static const struct node_field fields[] = {
    ASKING_FIELDS,
    {.name = "image", .kind = FIELD_TEMPLATE, .help = "a picture above: its address"},
    {.name = "choices",
     .kind = FIELD_LIST,
     .help = "texts, or objects with id, title, value; with url or phone: a link, no answer"},
    {.name = "buttons", .kind = FIELD_LIST, .help = "the same"},
    {.name = "options", .kind = FIELD_LIST, .help = "the same"},
    {.name = "quickReplies", .kind = FIELD_LIST, .help = "the same"},
    {0},
};

const struct node_type node_buttons = {
    .name = "buttons",
    .aliases = aliases,
    .summary = "Sends a text with buttons, and goes the way of the one that is tapped.",
    .waits = true,
    .fields = fields,
    .handles = handles,
    .parse = buttons_parse,
    .enter = buttons_enter,
    .resume = buttons_resume,
    .free = buttons_free,
};
