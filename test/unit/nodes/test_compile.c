// SPDX-License-Identifier: MIT
// What compiling and linting find, the snapshot, and the registry itself.
#include "test/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "nodes/registry.h"
#include "play.h"

struct finding_case {
    const char *nodes, *edges, *more, *codes;
};

static void check_all(const struct finding_case *cases, size_t count, char *(*codes)(const char *))
{
    for (size_t i = 0; i < count; i++) {
        char *document = flow_text(cases[i].nodes, cases[i].edges, cases[i].more);
        char *found = codes(document);
        if (strcmp(found, cases[i].codes) != 0)
            print_error("case %zu: %s\n", i, document);
        assert_string_equal(found, cases[i].codes);
        free(found);
        free(document);
    }
}

static void compile_finds_what_is_wrong_with_the_graph(void **state)
{
    static const struct finding_case cases[] = {
        {"s start\ne end", "s>e", NULL, ""},
        {"m message {'message':'x'}\ne end", "m>e", NULL, "error:start-missing@"},
        {"s start\nt start\ne end", "s>e t>e", NULL, "error:start-duplicate@t"},
        {"s start\nm message {'message':'x'}", "s>m", NULL, "error:end-missing@"},
        {"s start\nm message {'message':'x'}", "s>m", "'settings':{}", ""},
        {"s start\ns end\ne end", "s>e", NULL, "error:node-id-duplicate@s"},
        {"s start\nm mesage {}\ne end", "s>m m>e", NULL, "error:node-type-unknown@m"},
        {"s start\ne end", "s>e s>x y>e", NULL,
         "error:edge-source-missing@e3 error:edge-target-missing@e2"},
        {"s start\nm message {'message':'x'}\ne end", "s>e", NULL, "warning:node-orphan@m"},
        {"s start\ne end", "s>e s>s", NULL, "warning:edge-unused@s"},
        {"s start\nm message {'message':'x'}\ne end", "s>m m>e m:oops>s", NULL,
         "warning:edge-unused@m"},
        {"s startNode\nm messageNode {'content':'x'}\ne endNode", "s>m m>e", NULL, ""},
        {"s start\ne end", "s>e", "'variables':[{'name':'a','type':'number','defaultValue':'x'}]",
         "error:variable-bad@"},
        {"s start\ne end", "s>e",
         "'variables':[{'name':'contact'},{'type':'string'},{'name':'a b'}]",
         "error:variable-bad@ error:variable-bad@ error:variable-bad@"},
        {"s start\ne end", "s>e", "'variables':[{'name':'a','type':'strin','defaultValue':1}]",
         "error:variable-bad@"},
        {"s start\ne end", "s>e", "'settings':{'maxExecutionTime':'long'}", "error:settings-bad@"},
    };
    check_all(cases, sizeof cases / sizeof *cases, compile_codes);
}

static void compile_finds_what_is_wrong_with_the_data(void **state)
{
    static const struct finding_case cases[] = {
        {"s start\nd delay {'delay':'soon'}\ne end", "s>d d>e", NULL, "error:field-type@d"},
        {"s start\nd delay {'delay':-1}\ne end", "s>d d>e", NULL, "error:field-value@d"},
        {"s start\nd delay {}\ne end", "s>d d>e", NULL, "error:field-missing@d"},
        {"s start\nd delay {'delay':null}\ne end", "s>d d>e", NULL, "error:field-missing@d"},
        {"s start\nm message {'mesage':'x','label':'ok'}\ne end", "s>m m>e", NULL,
         "warning:field-unknown@m"},
        {"s start\nm message {'message':'{{ x'}\ne end", "s>m m>e", NULL, "error:template-bad@m"},
        {"s start\nm message {'message':'{{ x | uppper }}'}\ne end", "s>m m>e", NULL,
         "error:template-bad@m"},
        {"s start\ni input {'validation':{'required':true,'pattern':'('}}\ne end", "s>i i>e", NULL,
         "error:pattern-bad@i"},
        {"s start\ni input {'inputType':'txt'}\ne end", "s>i i>e", NULL, "error:field-value@i"},
        {"s start\ni input {'variable':'last'}\ne end", "s>i i>e", NULL,
         "error:variable-reserved@i"},
        {"s start\ni input {'variable':'a b'}\ne end", "s>i i>e", NULL, "error:variable-bad@i"},
        {"s start\ni input {'inputType':'choice'}\ne end", "s>i i>e", NULL,
         "error:choice-missing@i"},
        {"s start\ni input {'inputType':'choice','choices':['a','a']}\ne end", "s>i i>e", NULL,
         "error:choice-duplicate@i"},
        {"s start\ni input {'inputType':'choice','choices':[true]}\ne end", "s>i i>e", NULL,
         "error:choice-bad@i error:choice-missing@i"},
        {"s start\nj jump {'targetNodeId':'x'}\ne end", "s>j", NULL,
         "error:target-missing@j warning:node-orphan@e"},
        {"s start\nj jump {}\ne end", "s>j", NULL, "error:field-missing@j warning:node-orphan@e"},
        {"s start\nj jump {}\ne end", "s>j j>e", NULL, ""},
        {"s start\nc condition "
         "{'conditions':[{'id':'a','variable':'x','operator':'=','value':1}]}\ne end",
         "s>c c:a>e", NULL, "error:field-value@c"},
        {"s start\nc condition "
         "{'conditions':[{'id':'a','variable':'x','operator':'==','value':1}]}\ne end",
         "s>c c>e", NULL, "error:condition-no-target@c"},
        {"s start\nc condition "
         "{'conditions':[{'id':'a','variable':'x','operator':'==','targetNodeId':'s'}]}\n"
         "e end",
         "s>c c:a>e", NULL, "error:condition-two-targets@c"},
        {"s start\nc condition "
         "{'conditions':[{'id':'a','variable':'x','operator':'==','targetNodeId':'e'}]}\n"
         "e end",
         "s>c c:a>e", NULL, ""},
        {"s start\nc condition {'conditions':[{'operator':'=='},7]}\ne end", "s>c c>e", NULL,
         "error:field-type@c"},
        {"s start\na api {'apiConfig':{'url':'ftp://x','method':'GET'}}\ne end", "s>a a>e", NULL,
         "error:field-value@a"},
        {"s start\na api {'apiConfig':{'url':'https://x','headers':{'a b':'c'}}}\ne end", "s>a a>e",
         NULL, "error:field-value@a"},
        {"s start\na api {'apiConfig':{'url':'https://x','headers':{'A':1}}}\ne end", "s>a a>e",
         NULL, "error:field-type@a"},
        {"s start {'triggers':[{'type':'postback','words':'x'}]}\ne end", "s>e", NULL,
         "warning:field-unused@s"},
        {"s start {'triggers':[{'type':'comment','words':'x','privateReply':true}]}\ne end", "s>e",
         NULL, ""},
        {"s start\na api {'apiConfig':{'url':'https://x','responseVariable':'a'}}\ne end",
         "s>a a>e", NULL, "error:variable-bad@a"},
        {"s start\na ai {'temperature':3,'models':[1]}\ne end", "s>a a>e", NULL,
         "error:field-value@a"},
    };
    check_all(cases, sizeof cases / sizeof *cases, compile_codes);
}

static void everything_wrong_is_found_at_once(void **state)
{
    char *document =
        flow_text("m mesage\nd delay {'delay':'x'}\nd delay {'delay':1}", "m>d d>q", NULL);
    char *found = compile_codes(document);
    assert_string_equal(found, "error:edge-target-missing@e2 error:end-missing@ error:field-type@d "
                               "error:node-id-duplicate@d error:node-type-unknown@m "
                               "error:start-missing@");
    free(found);
    free(document);
}

static void a_bad_field_hides_no_finding_of_its_neighbours(void **state)
{
    char *document =
        flow_text("s start\ni input {'timeout':'5m','message':'{{ x','validation':{'pattern':'('},"
                  "'variable':'y'}\nc condition {'conditions':[{'expression':'1 +','label':7}]}\n"
                  "m message {'message':'{{ y }}{{ i }}'}\ne end",
                  "s>i i>c c>m m>e", NULL);
    char *found = lint_codes(document);
    assert_string_equal(found, "error:expression-bad@c error:field-type@c error:field-type@i "
                               "error:pattern-bad@i error:template-bad@i");
    free(found);
    free(document);
}

static void unknown_words_name_the_nearest_known(void **state)
{
    struct err err;
    char *document = flow_text("s start\nm mesage {}\ni input {'inputType':'emial'}\ne end",
                               "s>m m>i i>e", NULL);
    cJSON *json = json_read(document, strlen(document), &err);
    struct diags diags = {0};
    assert_null(flow_compile(json, node_types, &diags));
    assert_int_equal(diags.count, 2);
    assert_string_equal(diags.items[0].text, "unknown node type 'mesage'; did you mean 'message'?");
    assert_string_equal(diags.items[1].text,
                        "inputType: 'emial' is not a known word: did you mean 'email'?");
    diags_deinit(&diags);
    cJSON_Delete(json);
    free(document);
}

static void documents_of_another_form_are_refused(void **state)
{
    static const char *const documents[] = {
        "[]",
        "7",
        "{}",
        "{\"nodes\":[]}",
        "{\"nodes\":{}}",
        "{\"flowJson\":[]}",
        "{\"nodes\":[7]}",
        "{\"nodes\":[{\"id\":\"a\",\"type\":7,\"data\":[]}],\"edges\":7}"};
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        char *found = compile_codes(documents[i]);
        assert_non_null(strstr(found, "error:"));
        free(found);
    }
}

static void lint_sees_the_whole_graph(void **state)
{
    static const struct finding_case cases[] = {
        {"s start\nm message {'message':'x'}\nn message {'message':'y'}\ne end", "s>m m>e n>e",
         NULL, "warning:node-unreachable@n"},
        {"s start\nm message {'message':'x'}\ne end", "s>m", NULL,
         "warning:dead-end@m warning:end-unreachable@s warning:node-orphan@e"},
        {"s start\nj jump {'targetNodeId':'m'}\nm message {'message':'x'}\ne end", "s>j m>j", NULL,
         "warning:end-unreachable@j warning:end-unreachable@m warning:end-unreachable@s "
         "warning:loop-without-wait@j warning:node-orphan@e"},
        {"s start\nj jump {'targetNodeId':'i'}\ni input {}\ne end", "s>j i>j", NULL,
         "warning:node-orphan@e"},
        {"s start\nc condition "
         "{'conditions':[{'id':'a','variable':'x','operator':'==','targetNodeId':'e'}]}\n"
         "e end",
         "s>c", NULL, "warning:condition-no-default@c warning:variable-never-set@c"},
        {"s start\nm message {'message':'{{ a.b }} {{ v }} {{ contact.id }} {{ i }}'}\ni input "
         "{}\ne end",
         "s>m m>i i>e", "'variables':[{'name':'v','type':'string'}]",
         "warning:variable-never-set@m"},
        {"s start\ni input {'inputType':'choice','choices':['a','b']}\ne end", "s>i i:a>e", NULL,
         "warning:choice-no-edge@i"},
        {"s start\nm message {}\ne end", "s>m m>e", NULL, "warning:message-empty@m"},
        {"s start\nm message {'message':'{{ secrets.key }}'}\ne end", "s>m m>e", NULL,
         "error:secret-misplaced@m"},
        {"s start\nd delay {'delay':'x'}\ne end", "s>d d>e", NULL, "error:field-type@d"},
    };
    check_all(cases, sizeof cases / sizeof *cases, lint_codes);
}

static void lint_tells_what_a_platform_would_cut(void **state)
{
    char *text = x_alloc(1003);
    memset(text, 'x', 1002);
    char *graph =
        x_printf("s start\nm message {'message':'%s'}\n"
                 "i input {'inputType':'choice','message':'?','choices':['a title of 22 letters!',"
                 "'1','2','3','4','5','6','7','8','9','10']}\ne end",
                 text);
    const struct finding_case cases[] = {
        {graph, "s>m m>i i>e", NULL,
         "warning:choice-title-long@i warning:choices-many@i warning:text-long@m"},
    };
    check_all(cases, sizeof cases / sizeof *cases, lint_codes);
    free(graph);
    free(text);
}

static char *snapshot_of(const char *text)
{
    struct err err;
    cJSON *json = json_read(text, strlen(text), &err);
    assert_non_null(json);
    char *snapshot = flow_snapshot(json);
    cJSON_Delete(json);
    return snapshot;
}

static void snapshot_is_the_same_for_the_same_graph_and_compiles(void **state)
{
    char *a = snapshot_of(
        "{\"name\":\"A\",\"nodes\":[{\"id\":\"s\",\"type\":\"start\",\"data\":{\"b\":1,\"a\":2}},"
        "{\"id\":\"e\",\"type\":\"end\"}],\"edges\":[{\"source\":\"s\",\"target\":\"e\"}]}");
    char *b = snapshot_of("{\"edges\":[{\"target\":\"e\",\"source\":\"s\"}],\"stats\":{},\"nodes\":"
                          "[{\"data\":{\"a\":2.0,\"b\":1},"
                          "\"id\":\"s\",\"type\":\"start\"},{\"type\":\"end\",\"id\":\"e\"}]}");
    assert_string_equal(a, b);
    assert_string_equal(
        a,
        "{\"edges\":[{\"source\":\"s\",\"target\":\"e\"}],\"nodes\":[{\"data\":{\"a\":2,\"b\":1},"
        "\"id\":\"s\",\"type\":\"start\"},{\"id\":\"e\",\"type\":\"end\"}],\"variables\":[]}");
    char *again = snapshot_of(a);
    assert_string_equal(a, again);
    char *codes = compile_codes(a);
    assert_string_equal(codes, "warning:field-unknown@s warning:field-unknown@s");
    free(codes);
    free(again);
    free(a);
    free(b);
}

static void snapshot_of_an_instantchat_flow_needs_no_end_either(void **state)
{
    char *a = snapshot_of(
        "{\"flowJson\":{\"nodes\":[{\"id\":\"s\",\"type\":\"startNode\"}],\"edges\":[]}}");
    assert_string_equal(a, "{\"edges\":[],\"nodes\":[{\"id\":\"s\",\"type\":\"startNode\"}],"
                           "\"settings\":{},\"variables\":[]}");
    char *codes = compile_codes(a);
    assert_string_equal(codes, "");
    free(codes);
    free(a);
}

static void registry_is_sorted_and_described(void **state)
{
    for (const struct node_type *const *type = node_types; *type; type++) {
        assert_true(!type[1] || strcmp(type[0]->name, type[1]->name) < 0);
        assert_non_null((*type)->summary);
        for (const struct node_field *f = (*type)->fields; f && f->name; f++)
            assert_true(f->help && *f->help);
    }
}

// A chain of messages from the start to the end.
static cJSON *chain_new(int count)
{
    cJSON *document = cJSON_CreateObject();
    cJSON *nodes = cJSON_AddArrayToObject(document, "nodes");
    cJSON *edges = cJSON_AddArrayToObject(document, "edges");
    for (int i = 0; i < count; i++) {
        char id[16], next[16];
        snprintf(id, sizeof id, "n%d", i);
        snprintf(next, sizeof next, "n%d", i + 1);
        cJSON *node = cJSON_CreateObject(), *edge = cJSON_CreateObject();
        json_add_str(node, "id", id);
        json_add_str(node, "type", i == 0 ? "start" : i + 1 == count ? "end" : "message");
        if (i > 0 && i + 1 < count)
            json_add_str(cJSON_AddObjectToObject(node, "data"), "message", "{{ contact.name }}");
        json_add_str(edge, "source", id);
        json_add_str(edge, "target", next);
        cJSON_AddItemToArray(nodes, node);
        if (i + 1 < count)
            cJSON_AddItemToArray(edges, edge);
        else
            cJSON_Delete(edge);
    }
    return document;
}

static void a_flow_has_10000_nodes_at_most(void **state)
{
    struct diags diags = {0};
    cJSON *document = chain_new(10000);
    struct flow *flow = flow_compile(document, node_types, &diags);
    assert_non_null(flow);
    flow_unref(flow);
    flow_lint(document, node_types, &diags);
    assert_int_equal(diags.count, 0);
    cJSON_Delete(document);
    document = chain_new(10001);
    assert_null(flow_compile(document, node_types, &diags));
    assert_string_equal(diags.items[0].code, "nodes-bad");
    diags_deinit(&diags);
    cJSON_Delete(document);
}

static void a_document_is_refused_by_its_size_before_it_is_read(void **state)
{
    struct diags diags = {0};
    char *text = x_alloc(FLOW_BYTES_MAX + 1); // no JSON: reading it would find that
    assert_null(flow_read(text, FLOW_BYTES_MAX + 1, &diags));
    assert_null(flow_read(text, FLOW_BYTES_MAX, &diags));
    assert_int_equal(diags.count, 2);
    assert_string_equal(diags.items[0].code, "document-large");
    assert_string_equal(diags.items[1].code, "document-bad");
    diags_deinit(&diags);
    free(text);
    cJSON *document = flow_read("{}", 2, &diags);
    assert_non_null(document);
    cJSON_Delete(document);
    diags_deinit(&diags);
}

static void errors_take_the_places_of_warnings_and_all_are_counted(void **state)
{
    struct diags diags = {0};
    for (int i = 0; i < 300; i++)
        diags_add(&diags, SEVERITY_WARNING, "w", NULL, NULL, "%d", i);
    assert_int_equal(diags.count, 200);
    assert_false(diags_keeps(&diags, SEVERITY_WARNING));
    for (int i = 0; i < 150; i++)
        diags_add(&diags, SEVERITY_ERROR, "e", NULL, NULL, "%d", i);
    assert_int_equal(diags.count, 200);
    assert_string_equal(diags.items[49].text, "49");
    assert_string_equal(diags.items[50].code, "e");
    for (int i = 0; i < 150; i++)
        diags_add(&diags, SEVERITY_ERROR, "e", NULL, NULL, "%d", i);
    assert_false(diags_keeps(&diags, SEVERITY_ERROR));
    assert_int_equal(diags.count, 200);
    assert_int_equal(diags.errors, 300);
    assert_int_equal(diags.warnings, 300);
    assert_string_equal(diags.items[0].code, "e");
    diags_deinit(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compile_finds_what_is_wrong_with_the_graph),
        cmocka_unit_test(compile_finds_what_is_wrong_with_the_data),
        cmocka_unit_test(everything_wrong_is_found_at_once),
        cmocka_unit_test(a_bad_field_hides_no_finding_of_its_neighbours),
        cmocka_unit_test(unknown_words_name_the_nearest_known),
        cmocka_unit_test(documents_of_another_form_are_refused),
        cmocka_unit_test(lint_sees_the_whole_graph),
        cmocka_unit_test(lint_tells_what_a_platform_would_cut),
        cmocka_unit_test(snapshot_is_the_same_for_the_same_graph_and_compiles),
        cmocka_unit_test(snapshot_of_an_instantchat_flow_needs_no_end_either),
        cmocka_unit_test(registry_is_sorted_and_described),
        cmocka_unit_test(a_flow_has_10000_nodes_at_most),
        cmocka_unit_test(a_document_is_refused_by_its_size_before_it_is_read),
        cmocka_unit_test(errors_take_the_places_of_warnings_and_all_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
