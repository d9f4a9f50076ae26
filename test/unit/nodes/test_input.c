// SPDX-License-Identifier: MIT
// input: what is asked, what is accepted, where it goes.
#include "test/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "play.h"

static const char *const nothing[] = {NULL};

static void check(const char *nodes, const char *edges, const char *const *script,
                  const char *expected)
{
    char *document = flow_text(nodes, edges, NULL);
    play_expect(&(struct play){.document = document, .script = script ? script : nothing},
                expected);
    free(document);
}

static void text_answer_is_kept_in_the_variable_and_under_the_node_id(void **state)
{
    check("s start\nask input {'message':'Name?','variable':'user.name'}\n"
          "age input {'message':'Age?','inputType':'number'}\n"
          "m message {'message':'{{ user.name }}, {{ age }}'}\ne end",
          "s>ask ask>age age>m m>e", (const char *[]){"say  Ana  ", "say 41.50", NULL},
          "bot: Name?\n> say  Ana  \nbot: Age?\n> say 41.50\nbot: Ana, 41.5\n(completed)\n");
}

static void input_without_a_message_asks_nothing(void **state)
{
    check(
        "s start\nask input {'placeholder':'Your name'}\nm message {'message':'{{ ask }}'}\ne end",
        "s>ask ask>m m>e", (const char *[]){"say Bo", NULL}, "> say Bo\nbot: Bo\n(completed)\n");
}

static void number_is_a_number_within_its_bounds(void **state)
{
    check("s start\nask input {'message':'How many?','inputType':'number',"
          "'validation':{'required':true,'min':1,'max':5}}\n"
          "c condition {'conditions':[{'id':'big','variable':'ask','operator':'>','value':3}]}\n"
          "m message {'message':'many'}\ne end",
          "s>ask ask>c c:big>m c>e m>e",
          (const char *[]){"say three", "say 0x3", "say 6", "say nan", "picture", "say 4", NULL},
          "bot: How many?\n> say three\nbot: Please enter a number.\n"
          "> say 0x3\nbot: Please enter a number.\n"
          "> say 6\nbot: Please enter a number between 1 and 5.\n"
          "> say nan\nbot: Please enter a number.\n"
          "> picture\nbot: Please write an answer.\n"
          "> say 4\nbot: many\n(completed)\n");
}

static void long_whole_numbers_keep_every_digit(void **state)
{
    check("s start\nask input {'inputType':'number'}\nm message {'message':'{{ ask }}'}\ne end",
          "s>ask ask>m m>e", (const char *[]){"say 12345678901234567", NULL},
          "> say 12345678901234567\nbot: 12345678901234567\n(completed)\n");
}

static void email_pattern_and_length_are_checked(void **state)
{
    check(
        "s start\nmail input {'inputType':'email'}\n"
        "code input {'validation':{'required':true,'pattern':'^[A-Z]{2}[0-9]+$','message':'Like "
        "AB12, {{ mail }}'}}\n"
        "word input {'validation':{'required':true,'min':3,'max':3}}\ne end",
        "s>mail mail>code code>word word>e",
        (const char *[]){"say a@b", "say a b@c.de", "say @c.de", "say a@c.de", "say xAB12",
                         "say AB12", "say äö", "say äöü", NULL},
        "> say a@b\nbot: Please enter a valid e-mail address.\n"
        "> say a b@c.de\nbot: Please enter a valid e-mail address.\n"
        "> say @c.de\nbot: Please enter a valid e-mail address.\n> say a@c.de\n"
        "> say xAB12\nbot: Like AB12, a@c.de\n> say AB12\n"
        "> say äö\nbot: Please enter a text between 3 and 3 characters.\n> say äöü\n(completed)\n");
}

static void optional_input_takes_an_empty_answer(void **state)
{
    check("s start\nask input {'inputType':'number','validation':{'required':false}}\n"
          "m message {'message':'[{{ ask | default: \\'none\\' }}]'}\ne end",
          "s>ask ask>m m>e", (const char *[]){"picture", NULL},
          "> picture\nbot: [none]\n(completed)\n");
}

static const char choice_nodes[] =
    "s start\nask input {'inputType':'choice','message':'Which?','variable':'it',"
    "'choices':['Sí',{'id':'n','label':'No','value':'no'},{'id':'m','title':'Maybe'}]}\n"
    "yes message {'message':'yes {{ it }}'}\nother message {'message':'other {{ it }}'}\ne end";
static const char choice_edges[] = "s>ask ask:Sí>yes ask>other yes>e other>e";

static void choice_is_taken_by_payload_title_value_and_position(void **state)
{
    static const struct {
        const char *answer, *said;
    } cases[] = {
        {"tap Sí", "yes Sí"},     {"say sÍ", "yes Sí"},           {"tap n", "other no"},
        {"say NO", "other no"},   {"say 2", "other no"},          {"say maybe", "other Maybe"},
        {"say M", "other Maybe"}, {"say  maybe ", "other Maybe"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[200];
        snprintf(expected, sizeof expected,
                 "bot: Which? [Sí=Sí | n=No | m=Maybe]\n> %s\nbot: %s\n(completed)\n",
                 cases[i].answer, cases[i].said);
        check(choice_nodes, choice_edges, (const char *[]){cases[i].answer, NULL}, expected);
    }
}

static void unknown_choice_is_asked_for_again_with_the_choices(void **state)
{
    check(choice_nodes, choice_edges, (const char *[]){"say 4", "tap x", "say 1", NULL},
          "bot: Which? [Sí=Sí | n=No | m=Maybe]\n"
          "> say 4\nbot: Please choose one of the options. [Sí=Sí | n=No | m=Maybe]\n"
          "> tap x\nbot: Please choose one of the options. [Sí=Sí | n=No | m=Maybe]\n"
          "> say 1\nbot: yes Sí\n(completed)\n");
}

static void edge_labels_are_the_choices_when_there_is_no_list(void **state)
{
    check("s start\nask input {'inputType':'choice','choices':[],'placeholder':'Pick one'}\n"
          "a message {'message':'A'}\nb message {'message':'B'}\ne end",
          "s>ask ask:x>a=Option_A ask>b=Option_B a>e b>e", (const char *[]){"tap Option B", NULL},
          "bot: Pick one [x=Option A | Option B=Option B]\n> tap Option B\nbot: B\n(completed)\n");
}

static void choice_without_any_text_says_please_choose(void **state)
{
    check(
        "s start\nask input {'inputType':'choice','choices':['A'],'message':'{{ nobody }}'}\ne end",
        "s>ask ask>e", NULL, "bot: Please choose: [A=A]\n");
}

static void invalid_edge_is_taken_after_max_attempts(void **state)
{
    check("s start\nask input {'inputType':'number','maxAttempts':2,'errorMessage':'Digits!'}\n"
          "m message {'message':'never mind'}\ne end",
          "s>ask ask:invalid>m ask>e m>e", (const char *[]){"say a", "say b", NULL},
          "> say a\nbot: Digits!\n> say b\nbot: never mind\n(completed)\n");
}

static void timeout_takes_its_edge_or_abandons_the_session(void **state)
{
    const char *nodes =
        "s start\nask input {'timeout':5000}\nm message {'message':'too late'}\ne end";
    check(nodes, "s>ask ask:timeout>m ask>e m>e", (const char *[]){"old timer", "timer", NULL},
          "(input 5000 ms)\n> old timer\n(input 0 ms)\n> timer\nbot: too late\n(completed)\n");
    check("s start\nask input {'timeout':5000}\ne end", "s>ask ask>e",
          (const char *[]){"timer", NULL}, "(input 5000 ms)\n> timer\n(abandoned)\n");
}

static void a_question_that_cannot_be_sent_takes_the_edge_for_it(void **state)
{
    static const char both[] = "s>ask ask>e ask:windowClosed>late ask:error>no";
    static const struct {
        const char *error, *edges, *expected;
    } cases[] = {
        {"closed", both, "step ask input: windowClosed\nstep late end\n(completed)\n"},
        {"blocked", both,
         "step ask input: error: the message was not sent: blocked\nstep no end\n(completed)\n"},
        {"blocked", "s>ask ask>e ask:windowClosed>late",
         "step ask input: failed: the message was not sent: blocked\n"
         "(error: node 'ask': the message was not sent: blocked)\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *document = flow_text("s start\nask input {'message':'?'}\nlate end\nno end\ne end",
                                   cases[i].edges, NULL);
        char *expected = x_printf("step s start\nbot: ?\n%s", cases[i].expected);
        play_expect(&(struct play){.document = document,
                                   .script = nothing,
                                   .send_error = cases[i].error,
                                   .steps = true},
                    expected);
        free(expected);
        free(document);
    }
}

static void pattern_that_costs_too_much_ends_the_session(void **state)
{
    check("s start\nask input {'validation':{'required':true,'pattern':'^(a+)+$'}}\ne end",
          "s>ask ask>e", (const char *[]){"say aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", NULL},
          "> say aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\n"
          "(error: node 'ask': validation.pattern costs too much on this answer (limit of "
          "matching))\n");
}

static void steps_tell_what_was_decided(void **state)
{
    char *document =
        flow_text("s start\nask input {'inputType':'number'}\ne end", "s>ask ask>e", NULL);
    play_expect(
        &(struct play){.document = document,
                       .steps = true,
                       .script = (const char *[]){"say x", "say 1", NULL}},
        "step s start\nstep ask input: wait\n> say x\n"
        "step ask input: invalid: Please enter a number.\nbot: Please enter a number.\n"
        "step ask input: wait\n> say 1\nstep ask input: answered\nstep e end\n(completed)\n");
    free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_answer_is_kept_in_the_variable_and_under_the_node_id),
        cmocka_unit_test(input_without_a_message_asks_nothing),
        cmocka_unit_test(number_is_a_number_within_its_bounds),
        cmocka_unit_test(long_whole_numbers_keep_every_digit),
        cmocka_unit_test(email_pattern_and_length_are_checked),
        cmocka_unit_test(optional_input_takes_an_empty_answer),
        cmocka_unit_test(choice_is_taken_by_payload_title_value_and_position),
        cmocka_unit_test(unknown_choice_is_asked_for_again_with_the_choices),
        cmocka_unit_test(edge_labels_are_the_choices_when_there_is_no_list),
        cmocka_unit_test(choice_without_any_text_says_please_choose),
        cmocka_unit_test(invalid_edge_is_taken_after_max_attempts),
        cmocka_unit_test(timeout_takes_its_edge_or_abandons_the_session),
        cmocka_unit_test(a_question_that_cannot_be_sent_takes_the_edge_for_it),
        cmocka_unit_test(pattern_that_costs_too_much_ends_the_session),
        cmocka_unit_test(steps_tell_what_was_decided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
