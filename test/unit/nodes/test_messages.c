// SPDX-License-Identifier: MIT
// The message nodes at their edges: ways out, findings, what is malformed. Their ordinary course is
// in examples/flows/.
#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "play.h"

static void check_with(struct play play, const char *nodes, const char *edges, const char *expected)
{
    char *document = flow_text(nodes, edges, NULL);
    play.document = document;
    play_expect(&play, expected);
    free(document);
}

static void check(const char *nodes, const char *edges, const char *expected)
{
    check_with((struct play){0}, nodes, edges, expected);
}

static void codes_are(const char *nodes, const char *edges, const char *expected)
{
    char *document = flow_text(nodes, edges, NULL), *codes = lint_codes(document);
    assert_string_equal(codes, expected);
    free(codes);
    free(document);
}

static void the_type_may_say_the_kind(void **state)
{
    static const char *const words[][2] = {{"image", "image"},       {"imageNode", "image"},
                                           {"video", "video"},       {"audioNode", "audio"},
                                           {"file", "document"},     {"fileNode", "document"},
                                           {"document", "document"}, {"stickerNode", "sticker"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct buf nodes = {0}, expected = {0};
        buf_printf(&nodes, "s start\nm %s {'url':'https://x.example/1'}\ne end", words[i][0]);
        buf_printf(&expected,
                   "bot: {\"type\":\"%s\",\"url\":\"https://x.example/1\"}\n(completed)\n",
                   words[i][1]);
        check(nodes.data, "s>m m>e", expected.data);
        buf_deinit(&nodes);
        buf_deinit(&expected);
    }
}

static void a_missing_address_takes_the_error_edge(void **state)
{
    const char *nodes =
        "s start\nm image {'url':'{{ nowhere }}'}\nx message {'message':'x'}\ne end";
    check(nodes, "s>m m>e m:error>x x>e", "bot: x\n(completed)\n");
    check("s start\nm image {'url':'{{ nowhere }}'}\ne end", "s>m m>e",
          "(error: node 'm': message: url is missing)\n");
}

static void numbers_come_where_texts_and_numbers_belong(void **state)
{
    check_with((struct play){.script = (const char *const[]){"say 25", NULL}},
               "s start\na input {'inputType':'number','variable':'n'}\n"
               "m richMessage {'kind':'location','latitude':'{{ n }}','longitude':'-57.5',"
               "'name':'{{ n }}'}\nc contactCard {'name':'Ana','phone':'{{ n }}'}\ne end",
               "s>a a>m m>c c>e",
               "> say 25\nbot: {\"type\":\"location\",\"latitude\":25,\"longitude\":-57.5,"
               "\"name\":\"25\"}\nbot: {\"type\":\"contact\",\"contacts\":[{\"name\":\"Ana\","
               "\"phones\":[\"25\"]}]}\n(completed)\n");
}

static void degrees_may_be_stored_as_texts(void **state)
{
    check("s start\nm richMessage {'kind':'location','latitude':'-25.5','longitude':'7'}\ne end",
          "s>m m>e",
          "bot: {\"type\":\"location\",\"latitude\":-25.5,\"longitude\":7}\n(completed)\n");
}

static void a_list_may_come_from_a_variable(void **state)
{
    static const struct play_result found[] = {
        {true, 200, "[{'title':'Red','image':'https://x.example/r','price':7}]", NULL}};
    check_with(
        (struct play){.results = found},
        "s start\na api {'apiConfig':{'url':'https://x.example','responseVariable':'shoes'}}\n"
        "m carousel {'cards':'{{ shoes }}'}\ne end",
        "s>a a>m m>e",
        "http: GET https://x.example {} - 10000\n"
        "bot: {\"type\":\"carousel\",\"cards\":[{\"title\":\"Red\",\"image\":"
        "\"https://x.example/r\",\"price\":\"7\"}]}\n(completed)\n");
}

static void stored_rich_content_that_lacks_something_is_sent_as_its_text(void **state)
{
    check("s start\nm message {'message':'Look','richContent':{'type':'link','content':"
          "{'url':'https://x.example'}}}\ne end",
          "s>m m>e", "bot: Look\nhttps://x.example\n(completed)\n");
    check("s start\nm message {'message':'Look','richContent':{'type':'link','content':"
          "'https://x.example'}}\ne end",
          "s>m m>e", "bot: Look\nhttps://x.example\n(completed)\n");
    check("s start\nm message {'richContent':{'type':'text','content':'Hi'}}\ne end", "s>m m>e",
          "bot: Hi\n(completed)\n");
    codes_are("s start\nm message {'message':'Look','richContent':{'type':'image','content':{}}}\n"
              "e end",
              "s>m m>e", "warning:message-incomplete@m");
}

static void a_reply_names_the_message_that_it_answers(void **state)
{
    check("s start\nm richMessage {'kind':'text','text':'Yes','replyTo':'wamid.1'}\ne end",
          "s>m m>e",
          "bot: {\"type\":\"text\",\"text\":\"Yes\",\"reply_to\":\"wamid.1\"}\n(completed)\n");
    check("s start\nm richMessage {'kind':'text','text':'Yes'}\ne end", "s>m m>e",
          "bot: Yes\n(completed)\n");
    check("s start\nm richMessage {'kind':'text','text':'{{ nothing }}'}\ne end", "s>m m>e",
          "(completed)\n");
}

static void buttons_with_links_alone_wait_for_nobody(void **state)
{
    check("s start\nm buttons {'text':'See','choices':[{'title':'Shop','url':'https://x.example/"
          "{{ contact.id }}'},{'title':'Call','phone':'+595'}]}\ne end",
          "s>m m>e",
          "bot: {\"type\":\"buttons\",\"buttons\":[{\"title\":\"Shop\",\"url\":\"https://x.example/"
          "595981\"},{\"title\":\"Call\",\"phone\":\"+595\"}],\"text\":\"See\"}\n(completed)\n");
}

static void buttons_may_be_the_labels_of_the_edges(void **state)
{
    check_with(
        (struct play){.script = (const char *const[]){"say no", NULL}},
        "s start\nm buttons {'message':'Sure?'}\ny end {'message':'Y'}\nn end {'message':'N'}",
        "s>m m:yes>y=Yes m:no>n=No",
        "bot: Sure? [yes=Yes | no=No]\n> say no\nbot: N\n(completed)\n");
}

static void an_answer_without_a_text_is_asked_for_again_even_with_other(void **state)
{
    check_with((struct play){.script = (const char *const[]){"picture", "say hm", NULL}},
               "s start\nm buttons {'message':'Sure?','choices':['Yes'],'errorMessage':'Please'}\n"
               "o end {'message':'{{ m }}?'}\ne end",
               "s>m m>e m:other>o",
               "bot: Sure? [Yes=Yes]\n> picture\nbot: Please [Yes=Yes]\n> say hm\nbot: hm?\n"
               "(completed)\n");
}

static void silence_ends_the_session_where_no_edge_waits_for_it(void **state)
{
    check_with(
        (struct play){.script = (const char *const[]){"timer", NULL}},
        "s start\nm list {'message':'?','rows':['a'],'timeout':5000}\ne end", "s>m m>e",
        "bot: {\"type\":\"list\",\"button\":\"Choose\",\"sections\":[{\"rows\":[{\"id\":\"a\","
        "\"title\":\"a\"}]}],\"text\":\"?\"}\n(input 5000 ms)\n> timer\n(abandoned)\n");
}

static void a_message_that_is_not_sent_takes_the_error_edge(void **state)
{
    static const struct {
        const char *node, *said;
    } cases[] = {
        {"m image {'url':'https://x.example/1'}",
         "bot: {\"type\":\"image\",\"url\":\"https://x.example/1\"}\n"},
        {"m buttons {'message':'?','choices':['a']}", "bot: ? [a=a]\n"},
        {"m reaction {'emoji':'!','messageId':'1'}",
         "bot: {\"type\":\"reaction\",\"message_id\":\"1\",\"emoji\":\"!\"}\n"},
        {"m template {'name':'t','language':'en'}",
         "bot: {\"type\":\"template\",\"name\":\"t\",\"language\":\"en\",\"components\":[]}\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *nodes = x_printf("s start\n%s\nf delay {'delay':1}\ne end", cases[i].node);
        char *expected = x_printf("%s(delay 1 ms)\n", cases[i].said);
        check_with((struct play){.send_error = "refused"}, nodes, "s>m m>e m:error>f f>e",
                   expected);
        free(nodes);
        free(expected);
    }
}

static void a_template_fills_its_parameters_with_texts(void **state)
{
    check("s start\nm template {'name':'t','language':'es','parameters':{'body':{'who':"
          "'{{ contact.name }}','id':'{{ contact.id }}'},'header':'H {{ nothing }}',"
          "'buttons':['88',{'payload':'P','index':3}]}}\ne end",
          "s>m m>e",
          "bot: {\"type\":\"template\",\"name\":\"t\",\"language\":\"es\",\"components\":["
          "{\"type\":\"header\",\"parameters\":[{\"type\":\"text\",\"text\":\"H \"}]},"
          "{\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"parameter_name\":\"who\","
          "\"text\":\"Ana\"},{\"type\":\"text\",\"parameter_name\":\"id\",\"text\":\"595981\"}]},"
          "{\"type\":\"button\",\"sub_type\":\"url\",\"index\":\"0\",\"parameters\":[{\"type\":"
          "\"text\",\"text\":\"88\"}]},{\"type\":\"button\",\"sub_type\":\"quick_reply\",\"index\":"
          "\"3\",\"parameters\":[{\"type\":\"payload\",\"payload\":\"P\"}]}]}\n(completed)\n");
}

static void what_a_platform_cuts_is_found(void **state)
{
    codes_are("s start\nm card {'title':'A title that is longer than the eighty characters which a "
              "card of Messenger shows','image':'https://x.example/1','buttons':[{'title':'1'},"
              "{'title':'2'},{'title':'3'},{'title':'A button of more than 20'}]}\ne end",
              "s>m m>e", "warning:buttons-many@m warning:text-cut@m warning:text-cut@m");
    codes_are("s start\nm list {'message':'?','button':'A label of more than 20','rows':['1','2',"
              "'3','4','5','6','7','8','9','10','11']}\ne end",
              "s>m m>e", "warning:choices-many@m warning:text-cut@m");
    codes_are("s start\nm buttons {'message':'?','buttons':['A title of more than 20 characters'],"
              "'footer':'f'}\ne end",
              "s>m m>e", "warning:text-cut@m");
    codes_are("s start\nm buttons {'message':'?','choices':['A title of more than 20 characters'],"
              "'footer':'f'}\ne end",
              "s>m m>e", "warning:choice-title-long@m");
    codes_are("s start\nt typing {'duration':60000}\ne end", "s>t t>e", "warning:typing-long@t");
}

static void malformed_nodes_are_refused(void **state)
{
    codes_are("s start\nm richMessage {}\ne end", "s>m m>e", "error:field-missing@m");
    codes_are("s start\nm image {}\ne end", "s>m m>e", "error:message-incomplete@m");
    codes_are("s start\nm card {'title':'x','buttons':[7]}\ne end", "s>m m>e",
              "error:message-incomplete@m");
    codes_are("s start\nm carousel {'cards':[]}\ne end", "s>m m>e", "error:message-incomplete@m");
    codes_are("s start\nm richMessage {'kind':'fax'}\ne end", "s>m m>e", "error:field-value@m");
    codes_are("s start\nm buttons {'message':'?','choices':['a','a']}\ne end", "s>m m>e",
              "error:choice-duplicate@m");
    codes_are("s start\nm list {'message':'?'}\ne end", "s>m m>e", "error:choice-missing@m");
    codes_are("s start\nm template {'name':'t'}\ne end", "s>m m>e", "error:field-missing@m");
    codes_are("s start\nm reaction {}\ne end", "s>m m>e", "error:field-missing@m");
    codes_are("s start\nm image {'url':'{{ x'}\ne end", "s>m m>e", "error:template-bad@m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_type_may_say_the_kind),
        cmocka_unit_test(a_missing_address_takes_the_error_edge),
        cmocka_unit_test(numbers_come_where_texts_and_numbers_belong),
        cmocka_unit_test(degrees_may_be_stored_as_texts),
        cmocka_unit_test(a_list_may_come_from_a_variable),
        cmocka_unit_test(stored_rich_content_that_lacks_something_is_sent_as_its_text),
        cmocka_unit_test(a_reply_names_the_message_that_it_answers),
        cmocka_unit_test(buttons_with_links_alone_wait_for_nobody),
        cmocka_unit_test(buttons_may_be_the_labels_of_the_edges),
        cmocka_unit_test(an_answer_without_a_text_is_asked_for_again_even_with_other),
        cmocka_unit_test(silence_ends_the_session_where_no_edge_waits_for_it),
        cmocka_unit_test(a_message_that_is_not_sent_takes_the_error_edge),
        cmocka_unit_test(a_template_fills_its_parameters_with_texts),
        cmocka_unit_test(what_a_platform_cuts_is_found),
        cmocka_unit_test(malformed_nodes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
