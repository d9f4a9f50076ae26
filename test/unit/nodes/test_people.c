// SPDX-License-Identifier: MIT
// The nodes that record something of the person or for the operators: contact, tag, note, handoff.
// What they do at length is in examples/flows; here are their edges.
#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/contact.h"
#include "play.h"

#define SCRIPT(...) ((const char *const[]){__VA_ARGS__, NULL})
#define DONE        ((const struct play_result[]){{true, 0, NULL, NULL}, {true, 0, NULL, NULL}})
#define REFUSED     ((const struct play_result[]){{false, 0, NULL, "too much"}})

static void expect(const char *nodes, const char *edges, const struct play_result *results,
                   const char *const *script, const char *expected)
{
    char *document = flow_text(nodes, edges, NULL);
    struct play play = {.document = document, .results = results, .script = script};
    play_expect(&play, expected);
    free(document);
}

/* --- contact
 * --------------------------------------------------------------------------------- */

static void a_value_that_inserts_nothing_leaves_the_field(void **state)
{
    expect("s start\nc contact {'fields':{'email':'{{ nobody }}','phone':' ','city':'{{ last.text "
           "}}'}}\ne end",
           "s>c c>e", DONE, NULL, "update: {\"contact\":{\"city\":\"hi\"}}\n(completed)\n");
    expect("s start\nc contact {'fields':{'email':'{{ nobody }}'}}\ne end", "s>c c>e", NULL, NULL,
           "(completed)\n");
}

static void null_removes_and_other_names_are_the_flows_own(void **state)
{
    expect("s start\nc contact {'fields':{'email':null,'Score':7,'customFields':{'name':'x'}}}\n"
           "e end",
           "s>c c>e", DONE, NULL,
           "update: {\"contact\":{\"email\":null,\"customFields\":{\"Score\":7,\"name\":\"x\"}}}\n"
           "(completed)\n");
}

static void a_value_that_a_field_does_not_take_goes_the_error_edge(void **state)
{
    static const char *const bad[] = {"'email':'a@b@c'",
                                      "'email':'ana'",
                                      "'email':'a b@c.example'",
                                      "'phone':'call me'",
                                      "'phone':'1'",
                                      "'language':'d'",
                                      "'language':'de DE'",
                                      "'timezone':'Europe Berlin'",
                                      "'birthday':'31.12.1990'",
                                      "'email':{'a':1}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *nodes = x_printf("s start\nc contact {'fields':{'city':'x',%s}}\n"
                               "m message {'message':'no'}\ne end",
                               bad[i]);
        expect(nodes, "s>c c>e c:error>m m>e", DONE, NULL, "bot: no\n(completed)\n");
        free(nodes);
    }
    static const char *const good[] = {
        "'email':'ana@x.example'", "'phone':'+595 (981) 123-456'", "'language':'pt-BR'",
        "'timezone':'America/Argentina/Buenos_Aires'", "'birthday':'1990-12-31'"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char *nodes = x_printf("s start\nc contact {'fields':{%s}}\ne end", good[i]);
        char *expected = x_printf("update: {'contact':{%s}}\n(completed)\n", good[i]);
        for (char *c = expected; *c; c++)
            *c = *c == '\'' ? '"' : *c;
        expect(nodes, "s>c c>e", DONE, NULL, expected);
        free(expected);
        free(nodes);
    }
}

static void a_refused_change_ends_the_session_unless_an_edge_takes_it(void **state)
{
    const char *contact = "s start\nc contact {'fields':{'city':'x'}}\nm message {'message':'no'}\n"
                          "e end";
    expect(contact, "s>c c>e m>e", REFUSED, NULL,
           "update: {\"contact\":{\"city\":\"x\"}}\n"
           "(error: node 'c': nothing was changed: too much)\n");
    expect(contact, "s>c c>e c:error>m m>e", REFUSED, NULL,
           "update: {\"contact\":{\"city\":\"x\"}}\nbot: no\n(completed)\n");
}

static void names_that_cannot_be_fields_are_found_when_compiled(void **state)
{
    static const char *const bad[] = {"a.b",
                                      "$set",
                                      "",
                                      "tags",
                                      "id",
                                      "aliases",
                                      "12345678901234567890123456789012345678901234567890123456789"
                                      "012345"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *nodes = x_printf("s start\nc contact {'fields':{'%s':1}}\ne end", bad[i]);
        char *document = flow_text(nodes, "s>c c>e", NULL);
        char *codes = compile_codes(document);
        assert_string_equal(codes, "error:field-value@c");
        free(codes);
        free(document);
        free(nodes);
    }
}

/* --- tag, note
 * ------------------------------------------------------------------------------- */

static void blank_tags_are_left_out(void **state)
{
    expect("s start\nt tag {'add':[' a ','{{ nobody }}','']}\ne end", "s>t t>e", DONE, NULL,
           "update: {\"tags\":{\"add\":[\"a\"]}}\n(completed)\n");
    expect("s start\nt tag {'remove':['{{ nobody }}']}\ne end", "s>t t>e", NULL, NULL,
           "(completed)\n");
}

static void what_is_wrong_with_a_tag_is_found(void **state)
{
    static const struct {
        const char *data, *codes;
    } cases[] = {
        {"{'add':'vip'}", "error:field-type@t"},
        {"{'add':[7]}", "error:field-type@t"},
        {"{'add':['{{ x']}", "error:template-bad@t"},
        {"{'add':[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21]}", "error:field-value@t"},
        {"{}", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *nodes = x_printf("s start\nt tag %s\ne end", cases[i].data);
        char *document = flow_text(nodes, "s>t t>e", NULL), *codes = compile_codes(document);
        assert_string_equal(codes, cases[i].codes);
        free(codes);
        free(document);
        free(nodes);
    }
    expect(
        "s start\nt tag {'add':['1234567890123456789012345678901234567890123456789012345678901234"
        "5']}\ne end",
        "s>t t>e", NULL, NULL, "(error: node 't': a tag has more than 64 bytes)\n");
}

static void a_blank_note_is_skipped(void **state)
{
    expect("s start\nn note {'text':' {{ nobody }}'}\ne end", "s>n n>e", NULL, NULL,
           "(completed)\n");
}

/* --- handoff
 * --------------------------------------------------------------------------------- */

static const char HANDOFF[] = "s start\nh handoff {'for':5000,'resumeKeywords':['menu']}\n"
                              "m message {'message':'back'}\ne end";

static void without_an_edge_of_its_own_each_way_back_is_the_default(void **state)
{
    expect(HANDOFF, "s>h h>m m>e", DONE, SCRIPT("say x", "timer"),
           "update: {\"handoff\":{\"until_ms\":1005000}}\n(input 5000 ms)\n"
           "> say x\n(input 5000 ms)\n> timer\nupdate: {\"handoff\":{\"over\":\"time\"}}\n"
           "bot: back\n(completed)\n");
    expect(HANDOFF, "s>h h>m m>e", DONE, SCRIPT("say  MENÚ "),
           "update: {\"handoff\":{\"until_ms\":1005000}}\n(input 5000 ms)\n"
           "> say  MENÚ \nupdate: {\"handoff\":{\"over\":\"keyword\"}}\nbot: back\n(completed)\n");
}

static void a_word_that_differs_by_more_than_accents_does_not_end_it(void **state)
{
    expect("s start\nh handoff {'for':5000,'resumeKeywords':['कल']}\nm message "
           "{'message':'back'}\ne end",
           "s>h h>m m>e", DONE, SCRIPT("say कुल", "say कल"),
           "update: {\"handoff\":{\"until_ms\":1005000}}\n(input 5000 ms)\n"
           "> say कुल\n(input 5000 ms)\n"
           "> say कल\nupdate: {\"handoff\":{\"over\":\"keyword\"}}\nbot: back\n(completed)\n");
}

static void what_is_written_meanwhile_does_not_prolong_it(void **state)
{
    // The deadline's own timer is still the present one.
    expect(HANDOFF, "s>h h>m m>e", DONE, SCRIPT("say x", "a picture", "old timer", "timer"),
           "update: {\"handoff\":{\"until_ms\":1005000}}\n(input 5000 ms)\n"
           "> say x\n(input 5000 ms)\n> a picture\n(input 5000 ms)\n> old timer\n(input 0 ms)\n"
           "> timer\nupdate: {\"handoff\":{\"over\":\"time\"}}\nbot: back\n(completed)\n");
}

static void a_handoff_that_cannot_be_recorded_is_none(void **state)
{
    expect(HANDOFF, "s>h h>e h:error>m m>e", REFUSED, NULL,
           "update: {\"handoff\":{\"until_ms\":1005000}}\nbot: back\n(completed)\n");
}

static void keywords_that_are_none_are_found(void **state)
{
    static const char *const bad[] = {"7", "''", "' '", "{}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *nodes = x_printf("s start\nh handoff {'resumeKeywords':[%s]}\ne end", bad[i]);
        char *document = flow_text(nodes, "s>h h>e", NULL), *codes = compile_codes(document);
        assert_string_equal(codes, "error:field-value@h");
        free(codes);
        free(document);
        free(nodes);
    }
}

/* --- what is recorded
 * ------------------------------------------------------------------------ */

static cJSON *changed(const cJSON *contact, const char *change, struct err *err)
{
    char *text = x_dup(change);
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    cJSON *json = json_read(text, strlen(text), NULL);
    assert_non_null(json);
    cJSON *result = contact_changed(contact, json, err);
    cJSON_Delete(json);
    free(text);
    return result;
}

static void a_contact_has_eight_kilobytes_and_a_change_beyond_changes_nothing(void **state)
{
    struct err err = {0};
    char *large = x_calloc(8100, 1);
    memset(large, 'x', 8099);
    char *change = x_printf("{'contact':{'city':'A','customFields':{'Story':'%s'}}}", large);
    cJSON *contact = changed(NULL, change, &err);
    assert_non_null(contact);
    assert_null(changed(contact,
                        "{'contact':{'city':'B'},'tags':{'add':['one tag that is a bit "
                        "longer than the rest']}}",
                        &err));
    assert_int_equal(err.code, ERR_LIMIT);
    assert_string_equal(json_str(contact, "city"), "A");
    cJSON *smaller = changed(contact, "{'contact':{'customFields':{'Story':null}}}", &err);
    assert_null(json_get(smaller, "customFields"));
    cJSON_Delete(smaller);
    cJSON_Delete(contact);
    free(change);
    free(large);
}

static void the_variable_keeps_its_id_and_takes_what_is_recorded(void **state)
{
    static const char before[] = "{\"contact\":{\"id\":\"77\",\"name\":\"Ana\",\"city\":\"old\"}}";
    static const char recorded[] = "{\"id\":\"78\",\"email\":\"a@x\"}";
    cJSON *vars = json_read(before, strlen(before), NULL);
    cJSON *contact = json_read(recorded, strlen(recorded), NULL);
    contact_refresh(vars, contact);
    char *text = json_print(vars);
    assert_string_equal(text, "{\"contact\":{\"id\":\"77\",\"name\":\"Ana\",\"email\":\"a@x\"}}");
    free(text);
    cJSON_Delete(contact);
    cJSON_Delete(vars);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_that_inserts_nothing_leaves_the_field),
        cmocka_unit_test(null_removes_and_other_names_are_the_flows_own),
        cmocka_unit_test(a_value_that_a_field_does_not_take_goes_the_error_edge),
        cmocka_unit_test(a_refused_change_ends_the_session_unless_an_edge_takes_it),
        cmocka_unit_test(names_that_cannot_be_fields_are_found_when_compiled),
        cmocka_unit_test(blank_tags_are_left_out),
        cmocka_unit_test(what_is_wrong_with_a_tag_is_found),
        cmocka_unit_test(a_blank_note_is_skipped),
        cmocka_unit_test(without_an_edge_of_its_own_each_way_back_is_the_default),
        cmocka_unit_test(a_word_that_differs_by_more_than_accents_does_not_end_it),
        cmocka_unit_test(what_is_written_meanwhile_does_not_prolong_it),
        cmocka_unit_test(a_handoff_that_cannot_be_recorded_is_none),
        cmocka_unit_test(keywords_that_are_none_are_found),
        cmocka_unit_test(a_contact_has_eight_kilobytes_and_a_change_beyond_changes_nothing),
        cmocka_unit_test(the_variable_keeps_its_id_and_takes_what_is_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
