// SPDX-License-Identifier: MIT
// `hookmill flow …`

#include "engine/flow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli.h"
#include "models/flow_model.h"
#include "models/setup.h"
#include "nodes/registry.h"
#include "queue/queue.h"

bool cli_read_flow(const char *path, cJSON **ret_document, struct err *err)
{
    char *text = NULL;
    size_t len = 0;
    if (!cli_read_file(path, FLOW_BYTES_MAX, &text, &len, err))
        return false;
    struct diags diags = {0};
    cJSON *document = flow_read(text, len, &diags);
    free(text);
    if (document)
        *ret_document = document;
    else
        err_set(err, ERR_INPUT, "%s: %s", path, diags.items[0].text);
    diags_deinit(&diags);
    return document;
}

static void print_diags(FILE *out, const struct diags *diags)
{
    for (size_t i = 0; i < diags->count; i++) {
        const struct diag *d = &diags->items[i];
        fprintf(out, "%s %s", d->severity == SEVERITY_ERROR ? "error  " : "warning", d->code);
        if (d->node)
            fprintf(out, " node '%s'", d->node);
        if (d->edge)
            fprintf(out, " edge '%s'", d->edge);
        fprintf(out, ": %s\n", d->text);
    }
}

/* --- lint
 * ------------------------------------------------------------------------------------------ */

// A file's flow, or a stored one by id or name.
static bool find_document(struct cli *cli, const char *what, cJSON **ret_document, struct err *err)
{
    struct err file_err = {0};
    if (cli_read_flow(what, ret_document, &file_err))
        return true;
    if (file_err.code != ERR_NOT_FOUND) {
        *err = file_err;
        return false;
    }
    struct store *store = NULL;
    struct db db;
    char id[25];
    if (!cli_open(cli, &store, &db, err))
        return err_prefix(err, "%s is no file, and it cannot be looked up", what);
    bool ok = flow_model_find(&db, what, id, err) && flow_model_load(&db, id, ret_document, err);
    cli_close(store, &db);
    return ok;
}

static int run_lint(struct cli *cli)
{
    struct err err = {0};
    cJSON *document = NULL;
    if (!find_document(cli, cli->args[0], &document, &err))
        return cli_fail(cli, &err);
    struct diags diags = {0};
    flow_lint(document, node_types, &diags);
    cJSON_Delete(document);
    print_diags(stdout, &diags);
    printf("%zu errors, %zu warnings\n", diags.errors, diags.warnings);
    int status = diags.errors > 0 ? 1 : 0;
    diags_deinit(&diags);
    return status;
}

static const struct command lint_command = {
    .name = "lint",
    .args = "FILE",
    .args_min = 1,
    .args_max = 1,
    .summary =
        "Explain everything that is wrong with a flow: a file, or a stored flow by id or name.",
    .text = "Exit status 1 when there are errors; warnings do not count.",
    .run = run_lint,
};

/* --- import
 * ------------------------------------------------------------------------------------------- */

static bool check_compiles(const cJSON *document, struct err *err)
{
    struct diags diags = {0};
    struct flow *flow = flow_compile(document, node_types, &diags);
    bool ok = flow != NULL;
    if (!ok) {
        print_diags(stderr, &diags);
        err_set(err, ERR_INPUT, "not imported: %zu errors", diags.errors);
    }
    flow_unref(flow);
    diags_deinit(&diags);
    return ok;
}

static bool import(struct cli *cli, struct db *db, const cJSON *document, char id[25],
                   struct err *err)
{
    char owner[25];
    int version = 0;
    if (!user_find(db, cli_value(cli, "user"), owner, err) ||
        !flow_model_import(db, document, owner, id, &version, err))
        return false;
    const char *name = json_str(document, "name");
    printf("%s version %d %s\n", id, version, name ? name : "");
    return true;
}

static int run_import(struct cli *cli)
{
    struct err err = {0};
    cJSON *document = NULL;
    struct store *store = NULL;
    struct db db;
    char id[25] = "";
    if (!cli_read_flow(cli->args[0], &document, &err))
        return cli_fail(cli, &err);
    bool ok = check_compiles(document, &err) && cli_open(cli, &store, &db, &err);
    if (ok) {
        ok = import(cli, &db, document, id, &err);
        cli_close(store, &db);
    }
    cJSON_Delete(document);
    if (!ok)
        return cli_fail(cli, &err);
    char *what = x_printf("flow:%s", id);
    if (!queue_announce(cli->config.redis_url, what, &err))
        fprintf(stderr, "%s: workers learn of it within %" PRId64 " ms (%s)\n", cli->path,
                cli->config.worker_cache_ms, err.text);
    free(what);
    return 0;
}

static const struct cli_option import_options[] = {
    {"user", "EMAIL", "its owner; default: the first admin"},
    {0},
};
static const struct command import_command = {
    .name = "import",
    .args = "FILE",
    .args_min = 1,
    .args_max = 1,
    .summary = "Store a flow from a file (either shape), and print its id and version.",
    .text = "A flow with an _id that exists is replaced; its statistics stay. A graph that changed "
            "is a new version:\n"
            "sessions that run stay with theirs. What does not compile is not stored.",
    .options = import_options,
    .run = run_import,
};

/* --- list, show, export
 * --------------------------------------------------------------------------------- */

static void print_row(void *arg, const struct flow_summary *s)
{
    size_t *count = arg;
    ++*count;
    printf("%s  %-12s  v%-4d  %8" PRId64 " runs  %8" PRId64 " done  %8" PRId64 " ms  %s\n", s->id,
           s->shape, s->version, s->runs, s->successes, s->average_ms, s->name ? s->name : "");
}

static bool list(struct cli *cli, struct db *db, struct err *err)
{
    size_t count = 0;
    bool ok = flow_model_each(db, print_row, &count, err);
    if (ok && count == 0)
        puts("no flows; store one with `hookmill flow import`");
    return ok;
}

static int run_list(struct cli *cli)
{
    return cli_run_with_db(cli, list);
}

static bool load(struct cli *cli, struct db *db, cJSON **ret_document, struct err *err)
{
    char id[25];
    return flow_model_find(db, cli->args[0], id, err) && flow_model_load(db, id, ret_document, err);
}

static bool export(struct cli *cli, struct db *db, struct err *err)
{
    cJSON *document = NULL;
    if (!load(cli, db, &document, err))
        return false;
    char *text = cJSON_Print(document);
    puts(text);
    free(text);
    cJSON_Delete(document);
    return true;
}

static int run_export(struct cli *cli)
{
    return cli_run_with_db(cli, export);
}

static void print_graph(const cJSON *document)
{
    const cJSON *graph = json_get(document, "flowJson");
    const cJSON *item;
    graph = graph ? graph : document;
    cJSON_ArrayForEach(item, json_get(graph, "nodes")) {
        const char *label = json_str(json_get(item, "data"), "label");
        printf("node  %-20s %-14s %s\n", json_str(item, "id"), json_str(item, "type"),
               label ? label : "");
    }
    cJSON_ArrayForEach(item, json_get(graph, "edges")) {
        const char *handle = json_str(item, "sourceHandle");
        printf("edge  %s %s%s%s-> %s\n", json_str(item, "source"), handle ? "[" : "",
               handle ? handle : "", handle ? "] " : "", json_str(item, "target"));
    }
}

static bool show(struct cli *cli, struct db *db, struct err *err)
{
    cJSON *document = NULL;
    if (!load(cli, db, &document, err))
        return false;
    const char *name = json_str(document, "name"), *words = json_str(document, "description");
    printf("name  %s\n", name ? name : "-");
    if (words)
        printf("      %s\n", words);
    print_graph(document);
    cJSON_Delete(document);
    return true;
}

static int run_show(struct cli *cli)
{
    return cli_run_with_db(cli, show);
}

static const struct command list_command = {
    .name = "list",
    .summary = "List the flows with their statistics.",
    .run = run_list,
};
static const struct command show_command = {
    .name = "show",
    .args = "FLOW",
    .args_min = 1,
    .args_max = 1,
    .summary = "Show a flow's nodes and edges (by id or name).",
    .run = run_show,
};
static const struct command export_command = {
    .name = "export",
    .args = "FLOW",
    .args_min = 1,
    .args_max = 1,
    .summary = "Print a flow's document as JSON, fit for `hookmill flow import`.",
    .run = run_export,
};

static const struct command *const children[] = {
    &import_command,    &list_command,       &show_command,
    &export_command,    &lint_command,       &command_flow_nodes,
    &command_flow_play, &command_flow_start, NULL};
const struct command command_flow = {
    .name = "flow",
    .summary = "Store, check and look at flows.",
    .children = children,
};
