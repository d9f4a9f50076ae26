// SPDX-License-Identifier: MIT
// input: bursts of messages, files and places, skipping, the reason of a refusal, bounds that move.
#include "test/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "play.h"
#include "play/play.h"

// A flow of one input `ask` and what follows; the transcript has the account's zone and locale.
static void check(const char *nodes, const char *edges, const char *transcript)
{
    char *document = flow_text(nodes, edges, NULL);
    cJSON *flow = json_read(document, strlen(document), NULL);
    char *text = x_printf("platform whatsapp\nclock 2026-11-21T14:00:00Z\n%s", transcript);
    struct play_report report;
    struct err err = {0};
    assert_non_null(flow);
    if (!play_transcript(&(struct play_options){.flow = flow, .transcript = text}, &report, &err))
        fail_msg("%s", err.text);
    if (!report.same)
        fail_msg("%s", report.difference);
    play_report_deinit(&report);
    cJSON_Delete(flow);
    free(document);
    free(text);
}

#define BURST "'collect':{'quiet':2000,'longest':5000,'most':3}"

static void a_burst_ends_after_a_quiet_time(void **state)
{
    check("s start\nask input {'message':'Tell me'," BURST
          "}\nm message {'message':'Thanks'}\ne end",
          "s>ask ask>m m>e",
          "user: hi\nbot: Tell me\n"
          "user: one\nwait 1500ms\nuser: two\nwait 1900ms\n"
          "wait 100ms\nbot: Thanks\nend: completed\nvars: ask = \"one\\ntwo\"\n");
}

static void a_burst_lasts_no_longer_than_longest(void **state)
{
    check("s start\nask input {'message':'Tell me','collect':{'quiet':2000,'longest':5000}}\n"
          "m message {'message':'Thanks'}\ne end",
          "s>ask ask>m m>e",
          "user: hi\nbot: Tell me\n"
          "user: 1\nwait 1500ms\nuser: 2\nwait 1500ms\nuser: 3\nwait 1500ms\nuser: 4\nwait 499ms\n"
          "wait 1ms\nbot: Thanks\nend: completed\nvars: ask = \"1\\n2\\n3\\n4\"\n");
}

static void a_burst_has_at_most_so_many_messages(void **state)
{
    check("s start\nask input {'message':'Tell me'," BURST
          "}\nm message {'message':'Thanks'}\ne end",
          "s>ask ask>m m>e",
          "user: hi\nbot: Tell me\nuser: 1\nuser: 2\nuser: 3\nbot: Thanks\nend: completed\n"
          "vars: ask = \"1\\n2\\n3\"\n");
}

static void a_burst_is_validated_as_one_and_asked_for_again(void **state)
{
    check("s start\nask input {'message':'Tell me','validation':{'min':5}," BURST "}\ne end",
          "s>ask ask>e",
          "user: hi\nbot: Tell me\nuser: a\nuser: b\nwait 2s\n"
          "bot: Please enter a text of at least 5 characters.\n"
          "user: ab\nuser: cd\nwait 2s\nend: completed\nvars: ask = \"ab\\ncd\"\n");
}

static void the_time_out_applies_before_the_first_message_alone(void **state)
{
    const char *nodes = "s start\nask input {'message':'Tell me','timeout':1000," BURST "}\n"
                        "late message {'message':'Too late'}\ne end";
    check(nodes, "s>ask ask:timeout>late ask>e late>e",
          "user: hi\nbot: Tell me\nwait 1s\nbot: Too late\nend: completed\n");
    check(nodes, "s>ask ask:timeout>late ask>e late>e",
          "user: hi\nbot: Tell me\nwait 900ms\nuser: here\nwait 1900ms\nwait 100ms\n"
          "end: completed\nvars: ask = \"here\"\n");
}

static void messages_of_a_delay_count_at_once(void **state)
{
    check("s start\nd delay {'delay':60000}\nask input {" BURST "}\n"
          "m message {'message':'Thanks'}\ne end",
          "s>d d>ask ask>m m>e",
          "user: hi\nuser: one\nwait 1s\nuser: two\nwait 1m\nuser: three\nbot: Thanks\n"
          "end: completed\nvars: ask = \"one\\ntwo\\nthree\"\n");
}

static void files_of_a_burst_are_together(void **state)
{
    check("s start\nask input {'inputType':'image','maxFiles':3,'message':'Pictures?'," BURST "}\n"
          "e end",
          "s>ask ask>e",
          "user: hi\nbot: Pictures?\n"
          "user: {\"type\":\"image\",\"id\":\"1\",\"mime_type\":\"image/jpeg\"} look\n"
          "user: {\"type\":\"image\",\"id\":\"2\"}\nwait 2s\nend: completed\n"
          "vars: ask = [{\"type\":\"image\",\"id\":\"1\",\"mime\":\"image/jpeg\"},"
          "{\"type\":\"image\",\"id\":\"2\"}]\n");
}

static void a_burst_that_has_no_room_ends_and_the_rest_is_left_out(void **state)
{
    struct engine_limits limits = engine_default_limits;
    limits.value_bytes = 200;
    char *document = flow_text("s start\nask input {'collect':{'quiet':1000,'most':50}}\n"
                               "m message {'message':'{{ ask }}'}\ne end",
                               "s>ask ask>m m>e", NULL);
    char many[101] = "";
    memset(many, 'x', 100);
    char *first = x_printf("say %s", many), *second = x_printf("say y%s", many);
    char *expected =
        x_printf("> %s\n(input 1000 ms)\n> %s\nbot: %s\n(completed)\n", first, second, many);
    play_expect(&(struct play){.document = document,
                               .limits = &limits,
                               .script = (const char *[]){first, second, NULL}},
                expected);
    free(first);
    free(second);
    free(expected);
    free(document);
}

static void a_place_is_asked_for_and_kept(void **state)
{
    check("s start\nask input {'inputType':'location','message':'Where are you?'}\ne end",
          "s>ask ask>e",
          "user: hi\nbot: {\"type\":\"location_request\",\"text\":\"Where are you?\"}\n"
          "user: at home\n"
          "bot: {\"type\":\"location_request\",\"text\":\"Please send your location.\"}\n"
          "user: {\"type\":\"location\",\"latitude\":-25.5,\"longitude\":-57.5,\"name\":\"Home\"}\n"
          "end: completed\n"
          "vars: ask = {\"latitude\":-25.5,\"longitude\":-57.5,\"name\":\"Home\"}\n");
}

#define MAIL(more)                                                                                 \
    "s start\nask input {'inputType':'email','message':'Mail?'" more "}\n"                         \
    "m message {'message':'As you like'}\ne end"

static void a_question_is_skipped_by_its_words(void **state)
{
    check(
        MAIL(""), "s>ask ask:skip>m ask>e m>e",
        "user: hi\nbot: Mail?\nuser: Skip!\nbot: As you like\nend: completed\nvars: ask = null\n");
    check(MAIL(",'skip':['no mail','Später']"), "s>ask ask:skip>m ask>e m>e",
          "user: hi\nbot: Mail?\nuser: skip\nbot: Please enter a valid e-mail address.\n"
          "user: SPATER\nbot: As you like\nend: completed\n");
    check(MAIL(",'skip':true"), "s>ask ask>e",
          "user: hi\nbot: Mail?\nuser: omitir\nend: completed\n");
    check(MAIL(",'skip':false"), "s>ask ask>e",
          "user: hi\nbot: Mail?\nuser: skip\nbot: Please enter a valid e-mail address.\n");
}

static void the_reason_of_a_refusal_is_a_variable(void **state)
{
    check("s start\nask input {'inputType':'integer','validation':{'max':9},"
          "'errorMessage':'Sorry: {{ inputError }}'}\ne end",
          "s>ask ask>e",
          "user: hi\nuser: x\nbot: Sorry: Please enter a whole number.\n"
          "user: 10\nbot: Sorry: Please enter a number of at most 9.\nuser: 9\nend: completed\n"
          "vars: ask = 9\n");
}

static void bounds_may_be_templates(void **state)
{
    check(
        "s start\nfrom input {'inputType':'date','message':'From?','validation':{'min':'today'}}\n"
        "to input {'inputType':'date','message':'To?','validation':{'min':'{{ from }}',"
        "'max':'+1y'}}\ne end",
        "s>from from>to to>e",
        "timezone Europe/Berlin\nuser: hi\nbot: From?\nuser: yesterday\n"
        "bot: Please enter a date not before 2026-11-21.\n"
        "user: 24 Dec\nbot: To?\nuser: 23 Dec\n"
        "bot: Please enter a date between 2026-12-24 and 2027-11-21.\n"
        "user: 2027-01-02\nend: completed\nvars: to = \"2027-01-02\"\n");
    check("s start\nask input {'inputType':'number','validation':{'max':'{{ contact.name }}'}}\n"
          "e end",
          "s>ask ask>e",
          "contact Ana\nuser: hi\nuser: 5\n"
          "end: error: node 'ask': validation.max: 'Ana' is no bound of this input\n");
}

static void a_phone_number_takes_the_country_of_the_chat(void **state)
{
    check("s start\nask input {'inputType':'phone','message':'Phone?','country':'DE'}\ne end",
          "s>ask ask>e",
          "user: hi\nbot: Phone?\nuser: 0170 1234567\nend: completed\n"
          "vars: ask = \"+491701234567\"\n");
    check("s start\nask input {'inputType':'phoneNumber','message':'Phone?'}\ne end", "s>ask ask>e",
          "account {\"locale\":\"es-PY\"}\ncontact {\"name\":\"Ana\",\"country\":\"PY\"}\n"
          "user: hi\nbot: Phone?\nuser: 0981 123456\nend: completed\n"
          "vars: ask = \"+595981123456\"\n");
}

static void locale_and_zone_are_the_persons(void **state)
{
    check("s start\nask input {'inputType':'number','message':'?'}\n"
          "day input {'inputType':'date','message':'?'}\ne end",
          "s>ask ask>day day>e",
          "account {\"locale\":\"en-US\",\"timezone\":\"UTC\"}\n"
          "contact {\"name\":\"Ana\",\"language\":\"de\",\"timezone\":\"Pacific/Auckland\"}\n"
          "user: hi\nbot: ?\nuser: 1.234\nbot: ?\nuser: heute\nend: completed\n"
          "vars: ask = 1234\nvars: day = \"2026-11-22\"\n");
}

static void mistakes_in_the_data_are_found(void **state)
{
    static const struct {
        const char *data, *codes;
    } cases[] = {
        {"{'inputType':'date','validation':{'min':5}}", "error:field-type@i"},
        {"{'inputType':'date','validation':{'min':'soon'}}", "error:field-value@i"},
        {"{'inputType':'number','validation':{'min':'x'}}", "error:field-value@i"},
        {"{'inputType':'number','validation':{'min':true}}", "error:field-type@i"},
        {"{'inputType':'phone','country':'Germany'}", "error:field-value@i"},
        {"{'inputType':'file','accept':['pictures']}", "error:field-value@i"},
        {"{'accept':['image']}", "warning:field-unused@i"},
        {"{'collect':{'quiet':5000,'longest':1000}}", "error:field-value@i"},
        {"{'collect':{'silence':5}}", "warning:field-unknown@i"},
        {"{'skip':5}", "error:field-type@i"},
        {"{'skip':['']}", "error:field-type@i"},
        {"{'inputType':'photo','maxFiles':2,'skip':true,'collect':{}}", ""},
        {"{'inputType':'boolean'}", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *nodes = x_printf("s start\ni input %s\ne end", cases[i].data);
        char *document = flow_text(nodes, "s>i i>e", NULL);
        char *codes = compile_codes(document);
        if (strcmp(codes, cases[i].codes) != 0)
            fail_msg("%s: %s", cases[i].data, codes);
        free(codes);
        free(document);
        free(nodes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_ends_after_a_quiet_time),
        cmocka_unit_test(a_burst_lasts_no_longer_than_longest),
        cmocka_unit_test(a_burst_has_at_most_so_many_messages),
        cmocka_unit_test(a_burst_is_validated_as_one_and_asked_for_again),
        cmocka_unit_test(the_time_out_applies_before_the_first_message_alone),
        cmocka_unit_test(messages_of_a_delay_count_at_once),
        cmocka_unit_test(files_of_a_burst_are_together),
        cmocka_unit_test(a_burst_that_has_no_room_ends_and_the_rest_is_left_out),
        cmocka_unit_test(a_place_is_asked_for_and_kept),
        cmocka_unit_test(a_question_is_skipped_by_its_words),
        cmocka_unit_test(the_reason_of_a_refusal_is_a_variable),
        cmocka_unit_test(bounds_may_be_templates),
        cmocka_unit_test(a_phone_number_takes_the_country_of_the_chat),
        cmocka_unit_test(locale_and_zone_are_the_persons),
        cmocka_unit_test(mistakes_in_the_data_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
