// SPDX-License-Identifier: MIT
// The nodes that decide: condition and its comparisons, switch, random, schedule, window, counter,
// set; and opening hours.
#include "test/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/zone.h"
#include "nodes/registry.h"
#include "nodes/week.h"
#include "play.h"

static void check(const char *nodes, const char *edges, const char *more, const char *expected)
{
    char *document = flow_text(nodes, edges, more);
    play_expect(&(struct play){.document = document, .steps = true}, expected);
    free(document);
}

// The codes of what the compiler finds, "severity:code@node" and a blank each.
static char *findings(const char *nodes, const char *edges)
{
    static char codes[2000];
    char *text = flow_text(nodes, edges, NULL);
    struct err err;
    cJSON *document = json_read(text, strlen(text), &err);
    struct diags diags = {0};
    flow_unref(flow_compile(document, node_types, &diags));
    *codes = '\0';
    for (size_t i = 0; i < diags.count; i++)
        snprintf(codes + strlen(codes), sizeof codes - strlen(codes), "%s%s@%s", i ? " " : "",
                 diags.items[i].code, diags.items[i].node ? diags.items[i].node : "-");
    diags_deinit(&diags);
    cJSON_Delete(document);
    free(text);
    return codes;
}

/* Comparisons */

static void operators_say_what_they_mean(void **state)
{
    static const struct {
        const char *left, *test; // the variable's default; the condition beside `variable`
        bool holds;
    } cases[] = {
        {"'Berlin'", "'operator':'starts_with','value':'Ber'", true},
        {"'Berlin'", "'operator':'startsWith','value':'ber'", false},
        {"'Berlin'", "'operator':'starts_with','value':'BER','ignoreCase':true", true},
        {"'Berlin'", "'operator':'starts_with','value':''", false},
        {"'Berlin'", "'operator':'ends_with','value':'lin'", true},
        {"'lin'", "'operator':'ends_with','value':'Berlin'", false},
        {"'Crème'", "'operator':'equals','value':'CREME','ignoreCase':true", true},
        {"'Crème'", "'operator':'contains','value':'REM','ignoreCase':true", true},
        {"'कुल'", "'operator':'equals','value':'कल','ignoreCase':true", false},
        {"'ガイド'", "'operator':'equals','value':'ｶﾞｲﾄﾞ','ignoreCase':true", true},
        {"'がいど'", "'operator':'contains','value':'か','ignoreCase':true", false},
        {"'b'", "'operator':'in','value':['a','b']", true},
        {"'É'", "'operator':'in','value':['a','e'],'ignoreCase':true", true},
        {"'É'", "'operator':'in','value':'a, e','ignoreCase':true", true},
        {"'b'", "'operator':'in','value':'a, b ,c'", true},
        {"'b'", "'operator':'in','value':'abc'", false},
        {"2", "'operator':'in','value':[1,2]", true},
        {"'d'", "'operator':'not_in','value':['a','b']", true},
        {"'a1'", "'operator':'matches','value':'^[a-z][0-9]$'", true},
        {"'a1'", "'operator':'not_matches','value':'^[0-9]'", true},
        {"42", "'operator':'matches','value':'^4'", true},
        {"0", "'operator':'exists'", true},
        {"null", "'operator':'exists'", false},
        {"null", "'operator':'not_exists'", true},
        {"''", "'operator':'is_empty'", true},
        {"' '", "'operator':'isEmpty'", true},
        {"[]", "'operator':'is_empty'", true},
        {"{}", "'operator':'is_empty'", true},
        {"0", "'operator':'is_empty'", false},
        {"[1]", "'operator':'isNotEmpty'", true},
        {"'2026-01-01T10:00:00+01:00'", "'operator':'before','value':'2026-01-01T09:30:00Z'", true},
        {"'2026-01-01T10:00:00+01:00'", "'operator':'after','value':'2026-01-01T09:30:00Z'", false},
        {"'2026-01-01'", "'operator':'same_day','value':'2026-01-01T23:00:00Z'", true},
        {"'2026-01-01'", "'operator':'same_day','value':'2026-01-02'", false},
        {"'soon'", "'operator':'before','value':'2026-01-02'", false},
        {"5", "'operator':'is','value':5", true},
        {"5", "'operator':'is_not','value':5", false},
        {"5", "'operator':'==','value':5,'not':true", false},
        {"5", "'operator':'==','value':'{{o.v}}'", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char nodes[600], more[200], expected[300];
        snprintf(nodes, sizeof nodes,
                 "s start\nc condition {'conditions':[{'id':'yes','variable':'v',%s}]}\n"
                 "y end\nn end",
                 cases[i].test);
        snprintf(more, sizeof more,
                 "'variables':[{'name':'o','type':'object','defaultValue':{'v':%s}}]",
                 cases[i].left);
        char *path = strstr(nodes, "'v'");
        assert_non_null(path);
        // The variable is o.v, so that it may be null.
        char with_path[700];
        snprintf(with_path, sizeof with_path, "%.*s'o.v'%s", (int)(path - nodes), nodes, path + 3);
        snprintf(expected, sizeof expected,
                 "step s start\nstep c condition: %s\nstep %s end\n(completed)\n",
                 cases[i].holds ? "yes" : "default", cases[i].holds ? "y" : "n");
        print_message("%s %s\n", cases[i].left, cases[i].test);
        check(with_path, "s>c c:yes>y c:default>n", more, expected);
    }
}

static void groups_combine_comparisons(void **state)
{
    static const struct {
        const char *test;
        bool holds;
    } cases[] = {
        {"'all':[{'variable':'a','operator':'==','value':1},{'variable':'b','operator':'==','value'"
         ":2}]",
         true},
        {"'all':[{'variable':'a','operator':'==','value':1},{'variable':'b','operator':'==','value'"
         ":3}]",
         false},
        {"'any':[{'variable':'a','operator':'==','value':9},{'variable':'b','operator':'==','value'"
         ":2}]",
         true},
        {"'any':[{'variable':'a','operator':'==','value':9}],'not':true", true},
        {"'all':[{'any':[{'variable':'a','operator':'>','value':5},{'expression':'a + b == 3'}]},"
         "{'variable':'b','operator':'<','value':5}]",
         true},
        {"'expression':'a > b'", false},
        {"'expression':'not (a > b)'", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char nodes[700], expected[300];
        snprintf(nodes, sizeof nodes,
                 "s start\nc condition {'conditions':[{'id':'yes',%s}]}\ny end\nn end",
                 cases[i].test);
        snprintf(expected, sizeof expected,
                 "step s start\nstep c condition: %s\nstep %s end\n(completed)\n",
                 cases[i].holds ? "yes" : "default", cases[i].holds ? "y" : "n");
        print_message("%s\n", cases[i].test);
        check(nodes, "s>c c:yes>y c:default>n",
              "'variables':[{'name':'a','type':'number','defaultValue':1},"
              "{'name':'b','type':'number','defaultValue':2}]",
              expected);
    }
}

static void a_condition_that_cannot_be_read_is_refused(void **state)
{
    static const char *const cases[][2] = {
        {"{'id':'y'}", "field-missing@c"},
        {"{'id':'y','variable':'a'}", "field-missing@c"},
        {"{'id':'y','operator':'=='}", "field-missing@c"},
        {"{'id':'y','variable':'a','operator':'like','value':1}", "field-value@c"},
        {"{'id':'y','variable':'a','operator':'==','value':1,'expression':'a'}",
         "condition-two-tests@c"},
        {"{'id':'y','all':[]}", "field-value@c"},
        {"{'id':'y','any':[{'all':[{'any':[{'all':[{'expression':'a'}]}]}]}]}", "field-value@c"},
        {"{'id':'y','expression':'a +'}", "expression-bad@c"},
        {"{'id':'y','variable':'a','operator':'matches','value':'('}", "pattern-bad@c"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char nodes[400];
        snprintf(nodes, sizeof nodes, "s start\nc condition {'conditions':[%s]}\ny end\nn end",
                 cases[i][0]);
        print_message("%s\n", cases[i][0]);
        assert_string_equal(findings(nodes, "s>c c:y>y c:default>n"), cases[i][1]);
    }
}

/* The other nodes */

static void switch_takes_the_case_that_has_the_value(void **state)
{
    const char *nodes = "s start\nw switch {'variable':'v','cases':[{'id':'a'},{'id':'b','values':"
                        "[1,'two']}]}\nA end\nB end\nD end";
    const char *edges = "s>w w:a>A w:b>B w>D";
    static const char *const cases[][2] = {
        {"'string','defaultValue':'a'", "step w switch: a\nstep A end\n"},
        {"'string','defaultValue':'A'", "step w switch: default\nstep D end\n"},
        {"'string','defaultValue':'two'", "step w switch: b\nstep B end\n"},
        {"'number','defaultValue':1", "step w switch: b\nstep B end\n"},
        {"'number','defaultValue':2", "step w switch: default\nstep D end\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char more[200], expected[300];
        snprintf(more, sizeof more, "'variables':[{'name':'v','type':%s}]", cases[i][0]);
        snprintf(expected, sizeof expected, "step s start\n%s(completed)\n", cases[i][1]);
        check(nodes, edges, more, expected);
    }
    assert_string_equal(findings("s start\nw switch {'cases':[{}]}\ne end", "s>w w>e"),
                        "field-missing@w condition-no-target@w field-missing@w");
}

static void set_takes_the_error_edge_when_an_expression_fails(void **state)
{
    const char *nodes = "s start\nx set {'assignments':[{'variable':'a','expression':'1 + 1'},"
                        "{'variable':'b','expression':'a / 0'}]}\nm message {'message':'{{a}}'}\n"
                        "e end\nf end";
    char *document = flow_text(nodes, "s>x x>e x:error>m m>f", NULL);
    play_expect(&(struct play){.document = document}, "bot: 2\n(completed)\n");
    free(document);
    assert_string_equal(findings("s start\nx set\ne end", "s>x x>e"), "field-missing@x");
    assert_string_equal(
        findings("s start\nx set {'variable':'contact','value':1}\ne end", "s>x x>e"),
        "variable-reserved@x");
}

static void a_text_that_cannot_be_made_takes_the_error_edge(void **state)
{
    const char *nodes = "s start\nm message {'message':'{{ 1 / 0 }}'}\ne end\nf end";
    char *document = flow_text(nodes, "s>m m>e m:error>f", NULL);
    play_expect(&(struct play){.document = document, .steps = true},
                "step s start\nstep m message: error: {{ 1 / 0 }}: at '1 / 0': division by zero\n"
                "step f end\n(completed)\n");
    free(document);
}

static void a_decision_that_cannot_be_made_takes_the_error_edge(void **state)
{
    static const char *const deciders[] = {
        "x condition {'conditions':[{'id':'a','expression':'1 / 0 > 2'}]}",
        "x switch {'expression':'1 / 0','cases':[{'id':'a'}]}",
    };
    for (size_t i = 0; i < sizeof deciders / sizeof *deciders; i++) {
        char *nodes = x_printf("s start\n%s\nm message {'message':'!'}\ne end", deciders[i]);
        char *document = flow_text(nodes, "s>x x:a>e x:default>e x:error>m m>e", NULL);
        play_expect(&(struct play){.document = document}, "bot: !\n(completed)\n");
        assert_string_equal(findings(nodes, "s>x x:a>e x:default>e x:error>m m>e"), "");
        free(document);
        free(nodes);
    }
}

static void schedule_and_webhook_wait_have_a_way_out_for_errors(void **state)
{
    assert_string_equal(
        findings("s start\nh schedule\no end\nc end\nx end", "s>h h:open>o h:closed>c h:error>x"),
        "");
    assert_string_equal(
        findings("s start\nw webhookWait\nr end\nx end", "s>w w:received>r w:error>x"), "");
}

static void counter_counts_and_takes_its_limit(void **state)
{
    check("s start\nc counter {'limit':3,'variable':'n'}\nm counter {'reset':true,'variable':'n'}\n"
          "e end",
          "s>c c>c c:limit>m m>e", NULL,
          "step s start\nstep c counter: 1\nstep c counter: 2\nstep c counter: limit: 3\n"
          "step m counter: 0\nstep e end\n(completed)\n");
}

static void random_follows_its_weights(void **state)
{
    check("s start\nr random {'branches':[{'id':'a','weight':0},{'id':'b','weight':5}]}\nA end\n"
          "B end",
          "s>r r:a>A r:b>B", NULL, "step s start\nstep r random: b\nstep B end\n(completed)\n");
    assert_string_equal(
        findings("s start\nr random {'branches':[{'id':'a','weight':0}]}\ne end", "s>r r:a>e"),
        "field-value@r");
}

/* Opening hours */

static struct week week_of(const char *hours)
{
    struct err err = {0};
    char text[600];
    snprintf(text, sizeof text, "%s", hours);
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    cJSON *json = json_read(text, strlen(text), &err);
    struct week week;
    assert_non_null(json);
    if (!week_parse(json, &week, &err))
        fail_msg("%s: %s", hours, err.text);
    cJSON_Delete(json);
    return week;
}

static int64_t moment(const char *text)
{
    int64_t ms;
    assert_true(zone_parse_iso(text, "Europe/Berlin", &ms));
    return ms;
}

static void opening_hours_are_read_in_many_forms(void **state)
{
    static const char *const forms[] = {
        "{'monday':['09:00-17:00']}",
        "{'Mon':'9:00-17:00'}",
        "{'mo':['09:00','17:00']}",
        "{'monday':[['09:00','17:00']]}",
        "{'monday':{'open':'09:00','close':'17:00'}}",
        "{'monday':{'enabled':true,'from':'09:00','to':'17:00'},'tuesday':{'enabled':false}}",
        "{'monday':{'isOpen':true,'hours':[{'open':'09:00','close':'17:00'}]},'sunday':null}",
        "{'1':'09:00-17:00'}",
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct week week = week_of(forms[i]);
        print_message("%s\n", forms[i]);
        assert_true(week_is_open(&week, moment("2026-01-05T09:00"), "Europe/Berlin"));
        assert_true(week_is_open(&week, moment("2026-01-05T16:59"), "Europe/Berlin"));
        assert_false(week_is_open(&week, moment("2026-01-05T17:00"), "Europe/Berlin"));
        assert_false(week_is_open(&week, moment("2026-01-05T08:59"), "Europe/Berlin"));
        assert_false(week_is_open(&week, moment("2026-01-06T12:00"), "Europe/Berlin"));
    }
}

static void wrong_opening_hours_are_named(void **state)
{
    static const char *const forms[][2] = {
        {"[]", "hours must be an object of weekdays"},
        {"{'someday':'09:00-17:00'}", "'someday' is no weekday"},
        {"{'monday':'09:00'}", "monday: '09:00': hours are texts such as \"09:00-17:00\""},
        {"{'monday':'25:00-26:00'}", "monday: '25:00-26:00': hours are texts such as"},
        {"{'monday':'09:00-09:00'}", "monday: '09:00-09:00': opens and closes at the same time"},
        {"{'monday':[1]}", "monday: '': hours are texts such as"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char text[200];
        struct err err = {0};
        struct week week;
        snprintf(text, sizeof text, "%s", forms[i][0]);
        for (char *c = text; *c; c++)
            *c = *c == '\'' ? '"' : *c;
        cJSON *json = json_read(text, strlen(text), &err);
        assert_false(week_parse(json, &week, &err));
        if (strncmp(err.text, forms[i][1], strlen(forms[i][1])) != 0)
            assert_string_equal(err.text, forms[i][1]);
        cJSON_Delete(json);
    }
}

static void a_night_reaches_into_the_next_day(void **state)
{
    struct week week = week_of("{'friday':'22:00-02:00'}");
    assert_true(week_is_open(&week, moment("2026-01-09T23:00"), "Europe/Berlin"));
    assert_true(week_is_open(&week, moment("2026-01-10T01:59"), "Europe/Berlin"));
    assert_false(week_is_open(&week, moment("2026-01-10T02:00"), "Europe/Berlin"));
    assert_false(week_is_open(&week, moment("2026-01-09T01:00"), "Europe/Berlin"));
}

static void the_next_opening_is_found_across_clock_changes_and_closed_days(void **state)
{
    struct week week = week_of("{'sunday':'10:00-12:00','monday':'09:00-17:00'}");
    // Saturday evening; the clocks go forward in the night.
    assert_int_equal(week_opens_at(&week, moment("2026-03-28T20:00"), "Europe/Berlin"),
                     moment("2026-03-29T10:00"));
    struct err err = {0};
    cJSON *closed = json_read("[\"2026-03-29\",\"2026-03-30\"]", 27, &err);
    assert_true(week_parse_exceptions(closed, &week, &err));
    cJSON_Delete(closed);
    assert_int_equal(week_opens_at(&week, moment("2026-03-28T20:00"), "Europe/Berlin"),
                     moment("2026-04-05T10:00"));
    struct week never = week_of("{}");
    assert_int_equal(week_opens_at(&never, moment("2026-03-28T20:00"), NULL), 0);
}

int main(void)
{
    mem_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_say_what_they_mean),
        cmocka_unit_test(groups_combine_comparisons),
        cmocka_unit_test(a_condition_that_cannot_be_read_is_refused),
        cmocka_unit_test(switch_takes_the_case_that_has_the_value),
        cmocka_unit_test(set_takes_the_error_edge_when_an_expression_fails),
        cmocka_unit_test(a_text_that_cannot_be_made_takes_the_error_edge),
        cmocka_unit_test(a_decision_that_cannot_be_made_takes_the_error_edge),
        cmocka_unit_test(schedule_and_webhook_wait_have_a_way_out_for_errors),
        cmocka_unit_test(counter_counts_and_takes_its_limit),
        cmocka_unit_test(random_follows_its_weights),
        cmocka_unit_test(opening_hours_are_read_in_many_forms),
        cmocka_unit_test(wrong_opening_hours_are_named),
        cmocka_unit_test(a_night_reaches_into_the_next_day),
        cmocka_unit_test(the_next_opening_is_found_across_clock_changes_and_closed_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
