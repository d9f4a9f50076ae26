// SPDX-License-Identifier: MIT
// Every flow of examples/flows/ has no findings, has a transcript, and plays as its transcripts
// say; every node type is played by one.
#include "test/unit/cmocka_all.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "nodes/registry.h"
#include "play/play.h"

enum { TYPES_MAX = 200 };

// Node types that no example plays yet: to be kept empty.
static const char *const unplayed[] = {NULL};

static struct {
    struct play_flow *flows;
    size_t count;
    char *played[TYPES_MAX]; // names of node types
    size_t played_count;
} examples;

static char *file_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("cannot open %s", path);
    char *text = x_alloc(PLAY_TEXT_MAX + 1);
    text[fread(text, 1, PLAY_TEXT_MAX, file)] = '\0';
    fclose(file);
    return text;
}

// The file's name up to its first dot. Caller frees.
static char *stem(const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    return x_dupn(name, strcspn(name, "."));
}

static int flows_open(void **state)
{
    glob_t found;
    if (glob(EXAMPLES "/*.json", 0, NULL, &found) != 0)
        return -1;
    examples.flows = x_calloc(found.gl_pathc, sizeof *examples.flows);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct err err;
        char *text = file_read(found.gl_pathv[i]);
        cJSON *document = json_read(text, strlen(text), &err);
        if (!document)
            fail_msg("%s: %s", found.gl_pathv[i], err.text);
        examples.flows[examples.count++] = (struct play_flow){stem(found.gl_pathv[i]), document};
        free(text);
    }
    globfree(&found);
    return 0;
}

static int flows_close(void **state)
{
    for (size_t i = 0; i < examples.count; i++) {
        free((char *)examples.flows[i].id);
        cJSON_Delete((cJSON *)examples.flows[i].document);
    }
    for (size_t i = 0; i < examples.played_count; i++)
        free(examples.played[i]);
    free(examples.flows);
    return 0;
}

static void no_example_has_findings(void **state)
{
    bool good = true;
    for (size_t i = 0; i < examples.count; i++) {
        struct diags diags = {0};
        flow_lint(examples.flows[i].document, node_types, &diags);
        for (size_t d = 0; d < diags.count; d++)
            print_error("%s.json: %s %s: %s\n", examples.flows[i].id, diags.items[d].code,
                        diags.items[d].node ? diags.items[d].node : "", diags.items[d].text);
        good = good && diags.count == 0;
        diags_deinit(&diags);
    }
    assert_true(good);
}

static bool is_played(const char *type)
{
    for (size_t i = 0; i < examples.played_count; i++)
        if (strcmp(examples.played[i], type) == 0)
            return true;
    return false;
}

static void type_note(void *arg, const struct step *step)
{
    if (!is_played(step->type)) {
        assert_true(examples.played_count < TYPES_MAX);
        examples.played[examples.played_count++] = x_dup(step->type);
    }
}

static bool transcript_plays(const struct play_flow *flow, const char *path)
{
    struct err err = {0};
    struct play_report report = {0};
    char *text = file_read(path);
    struct play_options options = {.flow = flow->document,
                                   .others = examples.flows,
                                   .other_count = examples.count,
                                   .transcript = text,
                                   .on_step = type_note};
    bool ok = play_transcript(&options, &report, &err);
    if (!ok)
        print_error("%s: %s\n", path, err.text);
    else if (report.difference)
        print_error("%s: %s(hookmill flow play FLOW TRANSCRIPT --update writes it anew)\n", path,
                    report.difference);
    ok = ok && report.same;
    play_report_deinit(&report);
    free(text);
    return ok;
}

static const struct play_flow *flow_of(const char *path)
{
    char *name = stem(path);
    const struct play_flow *flow = NULL;
    for (size_t i = 0; i < examples.count; i++)
        if (strcmp(examples.flows[i].id, name) == 0)
            flow = &examples.flows[i];
    if (!flow)
        fail_msg("%s is beside no %s.json", path, name);
    free(name);
    return flow;
}

static void every_flow_plays_as_its_transcripts_say(void **state)
{
    glob_t found;
    bool good = true, *has = x_calloc(examples.count, sizeof *has);
    assert_int_equal(glob(EXAMPLES "/*.transcript", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const struct play_flow *flow = flow_of(found.gl_pathv[i]);
        has[flow - examples.flows] = true;
        good = transcript_plays(flow, found.gl_pathv[i]) && good;
    }
    for (size_t i = 0; i < examples.count; i++) {
        if (!has[i])
            print_error("%s.json has no transcript\n", examples.flows[i].id);
        good = good && has[i];
    }
    globfree(&found);
    free(has);
    assert_true(good);
}

static void every_node_type_is_played_by_an_example(void **state)
{
    for (const struct node_type *const *type = node_types; *type; type++) {
        bool listed = false;
        for (const char *const *name = unplayed; *name; name++)
            listed = listed || strcmp(*name, (*type)->name) == 0;
        if (is_played((*type)->name) == listed)
            fail_msg("the node type '%s' is %s", (*type)->name,
                     listed ? "played: take it out of the table `unplayed`"
                            : "used by no transcript of examples/flows/");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_example_has_findings),
        cmocka_unit_test(every_flow_plays_as_its_transcripts_say),
        cmocka_unit_test(every_node_type_is_played_by_an_example),
    };
    return cmocka_run_group_tests(tests, flows_open, flows_close);
}
