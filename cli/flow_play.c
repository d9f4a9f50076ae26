// SPDX-License-Identifier: MIT
// `hookmill flow play`: a transcript against a flow, without servers.

#include "play/play.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

struct folder {
    struct play_flow *flows;
    size_t count;
};

static void folder_close(struct folder *folder)
{
    for (size_t i = 0; i < folder->count; i++) {
        free((char *)folder->flows[i].id);
        cJSON_Delete((cJSON *)folder->flows[i].document);
    }
    free(folder->flows);
}

// The flows beside the one that is played, for it to call: what cannot be read is none of them.
static void folder_open(const char *path, struct folder *folder)
{
    const char *slash = strrchr(path, '/');
    char *pattern = x_printf("%.*s*.json", slash ? (int)(slash + 1 - path) : 0, path);
    glob_t found;
    bool any = glob(pattern, 0, NULL, &found) == 0;
    free(pattern);
    if (!any)
        return;
    folder->flows = x_calloc(found.gl_pathc, sizeof *folder->flows);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *file = found.gl_pathv[i], *name = strrchr(file, '/');
        cJSON *document = NULL;
        struct err err;
        name = name ? name + 1 : file;
        if (cli_read_flow(file, &document, &err))
            folder->flows[folder->count++] =
                (struct play_flow){x_dupn(name, strlen(name) - strlen(".json")), document};
    }
    globfree(&found);
}

static bool write_text(const char *path, const char *text, struct err *err)
{
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    bool ok = file && fputs(text, file) >= 0;
    if (file && file != stdout)
        ok = fclose(file) == 0 && ok;
    return ok || err_set(err, ERR_INPUT, "%s cannot be written: %s", path, strerror(errno));
}

static bool play(struct cli *cli, const cJSON *flow, const char *transcript, bool *ret_same,
                 struct err *err)
{
    const char *path = cli->args[1];
    struct folder folder = {0};
    struct play_report report;
    folder_open(cli->args[0], &folder);
    struct play_options options = {.flow = flow,
                                   .others = folder.flows,
                                   .other_count = folder.count,
                                   .transcript = transcript,
                                   .update = cli_flag(cli, "update")};
    bool played = play_transcript(&options, &report, err);
    folder_close(&folder);
    if (!played)
        return err_prefix(err, "%s", path);
    if (report.difference)
        printf("%s: %s", path, report.difference);
    bool changed =
        options.update && (strcmp(path, "-") == 0 || strcmp(report.text, transcript) != 0);
    bool ok = !changed || write_text(path, report.text, err);
    *ret_same = report.same;
    play_report_deinit(&report);
    return ok;
}

static int run_play(struct cli *cli)
{
    struct err err = {0};
    cJSON *flow = NULL;
    char *transcript = NULL;
    size_t len = 0;
    bool same = false;
    bool ok = cli_read_flow(cli->args[0], &flow, &err) &&
              cli_read_file(cli->args[1], PLAY_TEXT_MAX, &transcript, &len, &err) &&
              play(cli, flow, transcript, &same, &err);
    free(transcript);
    cJSON_Delete(flow);
    if (!ok)
        return cli_fail(cli, &err);
    return same ? 0 : 1;
}

static const struct cli_option options[] = {
    {"update", NULL, "write the transcript anew, as it came (to standard output when it is -)"},
    {0},
};
const struct command command_flow_play = {
    .name = "play",
    .args = "FLOW.json TRANSCRIPT",
    .args_min = 2,
    .args_max = 2,
    .summary = "Play a transcript against a flow, without servers, and show where it differs.",
    .text = "Exit status 1 when something comes otherwise than it is written. With --update, only "
            "the lines of the\n"
            "person (user:) need be written; the flow's are filled in. Flows that it calls are "
            "looked for beside it.",
    .options = options,
    .no_config = true,
    .run = run_play,
};
