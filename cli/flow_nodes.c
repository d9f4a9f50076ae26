// SPDX-License-Identifier: MIT
// `hookmill flow nodes`: the reference of node types, made of their descriptors.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "cli/cli.h"
#include "engine/node.h"
#include "nodes/registry.h"

// Examples are examples/flows/TYPE.json, but for these.
static const struct {
    const char *type, *flow;
} examples[] = {
    {"ai", "support-ai"}, {"condition", "shop"},  {"end", "welcome"},
    {"start", "welcome"}, {"message", "welcome"},
};

// Caller frees.
static char *example_path(const struct node_type *type)
{
    const char *flow = type->name;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        if (strcmp(examples[i].type, type->name) == 0)
            flow = examples[i].flow;
    return x_printf("examples/flows/%s.json", flow);
}

static const struct node_type *type_find(const char *name)
{
    for (const struct node_type *const *type = node_types; *type; type++) {
        if (strcmp((*type)->name, name) == 0)
            return *type;
        for (const char *const *alias = (*type)->aliases; alias && *alias; alias++)
            if (strcmp(*alias, name) == 0)
                return *type;
    }
    return NULL;
}

/* What a field takes, in words */

static void words_add(struct buf *out, const char *const *words, const char *quote)
{
    for (const char *const *word = words; word && *word; word++)
        buf_printf(out, "%s%s%s%s", word == words ? "" : ", ", quote, *word, quote);
}

// "number from 1 to 100", "one of GET, POST", "list of objects"
static void kind_add(struct buf *out, const struct node_field *field, const char *quote)
{
    if (field->kind == FIELD_WORD || field->kind == FIELD_WORDS) {
        buf_add_str(out, field->kind == FIELD_WORD ? "one of " : "list of ");
        words_add(out, field->words, quote);
        return;
    }
    buf_add_str(out, field_kind_name(field->kind));
    if (field->kind == FIELD_LIST && field->members)
        buf_add_str(out, " of objects");
    if (field->min != 0 || field->max != 0)
        buf_printf(out, " from %.15g to %.15g", field->min, field->max);
}

// The name of a member, under its parent's: "apiConfig.url", "conditions[].id". Caller frees.
static char *place_of(const char *parent, const struct node_field *in, const char *name)
{
    if (!in)
        return x_dup(name);
    return x_printf("%s%s.%s", parent, in->kind == FIELD_LIST ? "[]" : "", name);
}

typedef void (*field_fn)(struct buf *out, const char *place, const struct node_field *field);

// The members that are told of a field: not those of a table that holds itself (a condition's
// groups are conditions).
static const struct node_field *members_of(const struct node_field *field,
                                           const struct node_field *fields)
{
    return field->members == fields ? NULL : field->members;
}

// Every field, and its members after it. Tables are const data: their depth is small.
static void fields_each(struct buf *out, const struct node_field *fields, const char *parent,
                        const struct node_field *in, field_fn fn)
{
    for (const struct node_field *field = fields; field && field->name; field++) {
        char *place = place_of(parent, in, field->name);
        fn(out, place, field);
        fields_each(out, members_of(field, fields), place, field, fn);
        free(place);
    }
}

/* As text */

static void text_field(struct buf *out, const char *place, const struct node_field *field)
{
    buf_printf(out, "  %-28s ", place);
    kind_add(out, field, "");
    buf_printf(out, "%s\n", field->required ? ", required" : "");
    if (field->help)
        buf_printf(out, "  %-28s   %s\n", "", field->help);
}

static void text_type(struct buf *out, const struct node_type *type)
{
    char *example = example_path(type);
    buf_printf(out, "%s: %s\n", type->name, type->summary);
    if (type->aliases && *type->aliases) {
        buf_add_str(out, "  also written  ");
        words_add(out, type->aliases, "");
        buf_add_char(out, '\n');
    }
    if (type->handles && *type->handles) {
        buf_add_str(out, "  handles       ");
        words_add(out, type->handles, "");
        buf_add_char(out, '\n');
    }
    buf_printf(out, "  example       %s\n", example);
    fields_each(out, type->fields, "", NULL, text_field);
    free(example);
}

static void text_list(struct buf *out)
{
    for (const struct node_type *const *type = node_types; *type; type++)
        buf_printf(out, "%-14s %s\n", (*type)->name, (*type)->summary);
    buf_add_str(out, "\n`hookmill flow nodes NAME` tells one's fields.\n");
}

/* As Markdown */

// A bar would end the table's cell.
static void cell_add(struct buf *out, const char *text)
{
    for (; text && *text; text++) {
        if (*text == '|')
            buf_add_char(out, '\\');
        buf_add_char(out, *text);
    }
}

static void markdown_field(struct buf *out, const char *place, const struct node_field *field)
{
    struct buf kind = {0};
    kind_add(&kind, field, "`");
    buf_printf(out, "| `%s` | ", place);
    cell_add(out, kind.data);
    buf_add_str(out, field->required ? ", required | " : " | ");
    cell_add(out, field->help);
    buf_add_str(out, " |\n");
    buf_deinit(&kind);
}

static void markdown_type(struct buf *out, const struct node_type *type)
{
    char *example = example_path(type);
    buf_printf(out, "\n## %s\n\n%s\n\n", type->name, type->summary);
    if (type->aliases && *type->aliases) {
        buf_add_str(out, "- also written ");
        words_add(out, type->aliases, "`");
        buf_add_char(out, '\n');
    }
    if (type->handles && *type->handles) {
        buf_add_str(out, "- handles ");
        words_add(out, type->handles, "`");
        buf_add_char(out, '\n');
    }
    buf_printf(out, "- example [%s](../%s)\n", example, example);
    if (type->fields && type->fields->name) {
        buf_add_str(out, "\n| field | takes | meaning |\n|---|---|---|\n");
        fields_each(out, type->fields, "", NULL, markdown_field);
    }
    free(example);
}

static const char markdown_head[] =
    "# Node types\n\n"
    "Written by `hookmill flow nodes --markdown`, from the tables that flows are checked against. "
    "What the types do, and how\n"
    "templates, variables and limits work, is told in [flows.md](flows.md).\n\n"
    "A *handle* is a `sourceHandle` with a meaning of its own. Any node's `data` may have `label`, "
    "`description`, `color`, `icon`\n"
    "and `notes` beside these fields.\n";

/* As JSON */

static cJSON *words_json(const char *const *words)
{
    cJSON *list = cJSON_CreateArray();
    for (; words && *words; words++)
        cJSON_AddItemToArray(list, cJSON_CreateString(*words));
    return list;
}

static cJSON *fields_json(const struct node_field *fields)
{
    cJSON *list = cJSON_CreateArray();
    for (const struct node_field *field = fields; field && field->name; field++) {
        cJSON *json = cJSON_CreateObject();
        json_add_str(json, "name", field->name);
        json_add_str(json, "type", field_kind_name(field->kind));
        cJSON_AddBoolToObject(json, "required", field->required);
        json_add_str(json, "help", field->help);
        if (field->min != 0 || field->max != 0) {
            cJSON_AddNumberToObject(json, "min", field->min);
            cJSON_AddNumberToObject(json, "max", field->max);
        }
        if (field->words)
            cJSON_AddItemToObject(json, "words", words_json(field->words));
        if (members_of(field, fields))
            cJSON_AddItemToObject(json, "fields", fields_json(field->members));
        cJSON_AddItemToArray(list, json);
    }
    return list;
}

static void json_type(struct buf *out, const struct node_type *type)
{
    cJSON *json = cJSON_CreateObject();
    char *example = example_path(type);
    json_add_str(json, "name", type->name);
    json_add_str(json, "summary", type->summary);
    cJSON_AddItemToObject(json, "aliases", words_json(type->aliases));
    cJSON_AddItemToObject(json, "handles", words_json(type->handles));
    cJSON_AddBoolToObject(json, "waits", type->waits);
    json_add_str(json, "example", example);
    cJSON_AddItemToObject(json, "fields", fields_json(type->fields));
    char *text = json_print(json);
    buf_printf(out, "%s\n", text);
    free(text);
    free(example);
    cJSON_Delete(json);
}

/* The command */

typedef void (*type_fn)(struct buf *out, const struct node_type *type);

static void types_print(const struct node_type *only, const char *head, type_fn fn)
{
    struct buf out = {0};
    buf_add_str(&out, head);
    for (const struct node_type *const *type = node_types; *type; type++)
        if (!only || *type == only)
            fn(&out, *type);
    fputs(out.data, stdout);
    buf_deinit(&out);
}

static int run_nodes(struct cli *cli)
{
    struct err err = {0};
    const char *name = cli->arg_count > 0 ? cli->args[0] : NULL;
    const struct node_type *type = name ? type_find(name) : NULL;
    if (name && !type) {
        err_set(&err, ERR_NOT_FOUND,
                "there is no node type '%.80s'; `hookmill flow nodes` lists all", name);
        return cli_fail(cli, &err);
    }
    if (cli_flag(cli, "json")) {
        types_print(type, "", json_type);
    } else if (cli_flag(cli, "markdown")) {
        types_print(type, type ? "" : markdown_head, markdown_type);
    } else if (type) {
        types_print(type, "", text_type);
    } else {
        struct buf out = {0};
        text_list(&out);
        fputs(out.data, stdout);
        buf_deinit(&out);
    }
    return 0;
}

static const struct cli_option options[] = {
    {"json", NULL, "one JSON object for each type, a line each"},
    {"markdown", NULL, "as docs/nodes.md has it"},
    {0},
};
const struct command command_flow_nodes = {
    .name = "nodes",
    .args = "[NAME]",
    .args_max = 1,
    .summary = "Tell the node types of flows, and what their data may hold.",
    .options = options,
    .no_config = true,
    .run = run_nodes,
};
