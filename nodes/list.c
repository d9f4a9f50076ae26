// SPDX-License-Identifier: MIT
// list: a text with a list to open, in sections, each row with its own way on; waits for the
// answer.
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "nodes/asking.h"
#include "nodes/types.h"

enum { LABEL_CHARS = 20, TITLE_CHARS = 24, DESCRIPTION_CHARS = 72, ROWS_MAX = 10 };

static void list_free(void *config)
{
    struct asking *asking = config;
    asking_deinit(asking);
    free(asking);
}

// The rows that are there without sections, or NULL.
static const cJSON *rows_of(const cJSON *data)
{
    static const char *const names[] = {"rows", "choices", "options", "items", NULL};
    for (const char *const *name = names; *name; name++)
        if (cJSON_GetArraySize(node_member(data, *name)) > 0)
            return node_member(data, *name);
    return NULL;
}

static void rows_collect(cJSON *all, const cJSON *rows)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, rows)
        cJSON_AddItemToArray(all, cJSON_Duplicate(row, true));
}

// All rows, in order; NULL when there are none.
static cJSON *all_rows(const cJSON *data)
{
    cJSON *all = cJSON_CreateArray();
    const cJSON *section;
    cJSON_ArrayForEach(section, node_member(data, "sections"))
        rows_collect(all, node_member(section, "rows"));
    if (cJSON_GetArraySize(all) == 0)
        rows_collect(all, rows_of(data));
    if (cJSON_GetArraySize(all) > 0)
        return all;
    cJSON_Delete(all);
    return NULL;
}

static void row_add(struct node_parse *p, cJSON *rows, const cJSON *source,
                    const struct option *option)
{
    cJSON *row = cJSON_CreateObject();
    json_add_str(row, "id", option->id);
    json_add_str(row, "title", option->title);
    json_add_str(row, "description", json_str(source, "description"));
    cJSON_AddItemToArray(rows, row);
    say_lint_chars(p, "title", option->title, TITLE_CHARS);
    say_lint_chars(p, "description", json_str(source, "description"), DESCRIPTION_CHARS);
}

/*
 * The sections with the rows that `options` became: the n-th row is the n-th option. Without
 * sections one holds them all; without rows the options are the edges' labels.
 */
static void sections_add(struct node_parse *p, cJSON *tree, const cJSON *sources, const cJSON *rows,
                         const struct options *options)
{
    cJSON *sections = cJSON_AddArrayToObject(tree, "sections"), *section = NULL, *list = NULL;
    const cJSON *source = cJSON_IsArray(sources) ? sources->child : NULL;
    const cJSON *row = rows ? rows->child : NULL;
    int room = 0; // rows that the present section still takes
    for (size_t i = 0; i < options->count; i++, row = row ? row->next : NULL) {
        while (room == 0 && source) {
            room = cJSON_GetArraySize(json_get(source, "rows"));
            section = room ? cJSON_CreateObject() : NULL;
            if (section) {
                json_add_str(section, "title", json_str(source, "title"));
                say_lint_chars(p, "sections", json_str(source, "title"), TITLE_CHARS);
                cJSON_AddItemToArray(sections, section);
                list = cJSON_AddArrayToObject(section, "rows");
            }
            source = source->next;
        }
        if (!list) {
            section = cJSON_CreateObject();
            cJSON_AddItemToArray(sections, section);
            list = cJSON_AddArrayToObject(section, "rows");
        }
        row_add(p, list, row, &options->items[i]);
        room -= room > 0;
    }
}

static struct value_template *tree_parse(struct node_parse *p, const cJSON *rows,
                                         const struct options *options)
{
    static const char *const labels[] = {"button", "buttonText", NULL};
    cJSON *tree = cJSON_CreateObject();
    json_add_str(tree, "type", "list");
    say_take(tree, "header", p->data, (const char *const[]){"header", NULL});
    say_take(tree, "footer", p->data, (const char *const[]){"footer", NULL});
    say_take(tree, "button", p->data, labels);
    if (!json_get(tree, "button"))
        json_add_str(tree, "button", "Choose");
    say_lint_chars(p, "button", json_str(tree, "button"), LABEL_CHARS);
    sections_add(p, tree, node_member(p->data, "sections"), rows, options);
    struct value_template *template = node_value(p, tree, "sections");
    cJSON_Delete(tree);
    return template;
}

static void *list_parse(struct node_parse *p)
{
    struct asking *asking = x_alloc(sizeof *asking);
    cJSON *rows = all_rows(p->data);
    asking_parse(p, asking, rows, true);
    if (asking->options.count > ROWS_MAX)
        node_lint(p, "choices-many", "%zu rows: WhatsApp shows 10, Messenger and Instagram 13",
                  asking->options.count);
    asking->tree = tree_parse(p, rows, &asking->options);
    cJSON_Delete(rows);
    return asking;
}

static enum node_verdict list_enter(struct node_run *run)
{
    return asking_enter(run, run->config);
}

static enum node_verdict list_resume(struct node_run *run, const struct node_signal *signal)
{
    return asking_resume(run, run->config, signal);
}

static const char *const aliases[] = {"listNode", "menu", "menuNode", "listMessage", NULL};
static const char *const handles[] = {ASKING_HANDLES, NULL};

static const struct node_field section_fields[] = {
    {.name = "title", .kind = FIELD_STRING, .help = "what stands above its rows"},
    {.name = "rows", .kind = FIELD_LIST, .help = "texts, or {id, title, description, value}"},
    {0},
};

static const struct node_field fields[] = {
    ASKING_FIELDS,
    {.name = "button",
     .kind = FIELD_TEMPLATE,
     .help = "what opens the list; \"Choose\" unless given"},
    {.name = "buttonText", .kind = FIELD_TEMPLATE, .help = "the same"},
    {.name = "sections",
     .kind = FIELD_LIST,
     .members = section_fields,
     .help = "the rows under headings"},
    {.name = "rows", .kind = FIELD_LIST, .help = "the rows without headings"},
    {.name = "choices", .kind = FIELD_LIST, .help = "the same"},
    {.name = "options", .kind = FIELD_LIST, .help = "the same"},
    {.name = "items", .kind = FIELD_LIST, .help = "the same"},
    {0},
};

const struct node_type node_list = {
    .name = "list",
    .aliases = aliases,
    .summary = "Sends a text with a list, and goes the way of the row that is tapped.",
    .waits = true,
    .fields = fields,
    .handles = handles,
    .parse = list_parse,
    .enter = list_enter,
    .resume = list_resume,
    .free = list_free,
};
