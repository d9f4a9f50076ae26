// SPDX-License-Identifier: MIT
// The player itself: what it compares, what it fills in, and what it refuses.
#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "play/play.h"

#define NODE(id, type, data) "{\"id\":\"" id "\",\"type\":\"" type "\",\"data\":" data "}"
#define EDGE(from, handle, to)                                                                     \
    "{\"id\":\"" from handle "\",\"source\":\"" from "\",\"sourceHandle\":\"" handle               \
    "\",\"target\":\"" to "\"}"

// Asks for a number or a choice, calls an API, asks the model, waits.
static const char
    flow_json
        [] =
            "{\"_id\":\"665f1c0a9d3e4b2a1c0000aa\",\"nodes\":[" NODE("s",
                                                                     "start", "{}") "," NODE("hi", "message", "{\"message\":\"Hi {{ contact.name }}\\nHow are you?\"}") "," NODE("pick",
                                                                                                                                                                                 "input",
                                                                                                                                                                                 "{\"inputType\":\"choice\",\"message\":\"Which?\",\"variable\":\"what\",\"timeout\":60000,"
                                                                                                                                                                                 "\"choices\":[{\"id\":\"call\",\"label\":\"Call\"},{\"id\":\"ask\",\"label\":\"Ask\"}]}") "," NODE("call",
                                                                                                                                                                                                                                                                                    "api",
                                                                                                                                                                                                                                                                                    "{\"apiConfig\":{\"method\":\"POST\",\"url\":\"https://x.example/o\","
                                                                                                                                                                                                                                                                                    "\"body\":{\"n\":2,\"who\":\"{{ contact.name }}\"},\"responseVariable\":\"order\"}}") "," NODE("got", "message", "{\"message\":\"Got {{ order.id }}\"}") "," NODE("ask", "ai", "{\"prompt\":\"Say something kind to {{ contact.name }}\"}") "," NODE("slow",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                         "delay", "{\"delay\":3600000}") "," NODE("late", "message", "{\"message\":\"Are you still there?\"}") "," NODE("e", "end", "{}") "],\"edges\":[" EDGE("s",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               "",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               "hi") "," EDGE("hi", "", "pick") "," EDGE("pick", "call", "call") "," EDGE("pick", "ask", "ask") "," EDGE("pick", "timeout", "late") "," EDGE("call",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                             "", "got") "," EDGE("call", "error", "slow") "," EDGE("got", "",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   "e") "," EDGE("ask",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 "",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 "e") "," EDGE("slow",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               "", "e") "," EDGE("late",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 "",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 "e") "]}";

#define GREETING "bot: Hi Ana\n    | How are you?\nbot: Which? [call=Call | ask=Ask]\n"
#define CALL     "api: POST https://x.example/o {\"n\":2,\"who\":\"Ana\"}\n"

static bool play(const char *transcript, bool update, struct play_report *report, struct err *err)
{
    cJSON *flow = json_read(flow_json, strlen(flow_json), err);
    assert_non_null(flow);
    *err = (struct err){0};
    bool ok = play_transcript(
        &(struct play_options){.flow = flow, .transcript = transcript, .update = update}, report,
        err);
    cJSON_Delete(flow);
    return ok;
}

static void plays(const char *transcript)
{
    struct err err;
    struct play_report report;
    if (!play(transcript, false, &report, &err))
        fail_msg("%s", err.text);
    if (!report.same)
        fail_msg("%s", report.difference);
    assert_null(report.difference);
    assert_string_equal(report.text, transcript);
    play_report_deinit(&report);
}

// It differs first at the line, and the report holds the words.
static void differs(const char *transcript, size_t line, const char *words)
{
    struct err err;
    struct play_report report;
    if (!play(transcript, false, &report, &err))
        fail_msg("%s", err.text);
    assert_false(report.same);
    assert_int_equal(report.line, line);
    if (!strstr(report.difference, words))
        fail_msg("'%s' is not in: %s", words, report.difference);
    play_report_deinit(&report);
}

static void refused(const char *transcript, const char *words)
{
    struct err err;
    struct play_report report;
    assert_false(play(transcript, false, &report, &err));
    if (!strstr(err.text, words))
        fail_msg("'%s' is not in: %s", words, err.text);
}

static void updates(const char *transcript, const char *expected)
{
    struct err err;
    struct play_report report;
    if (!play(transcript, true, &report, &err))
        fail_msg("%s", err.text);
    assert_string_equal(report.text, expected);
    play_report_deinit(&report);
    plays(expected);
}

/* Comparing */

static void what_comes_as_written_is_the_same(void **state)
{
    plays("# all of it\n\nuser: hi\n" GREETING "\nuser: [call]\n" CALL
          "  -> 200 {\"id\":7}\nbot: Got 7\nend: completed\nvars: order.id = 7\n");
}

static void a_line_may_say_less_than_came(void **state)
{
    plays("user: hi\n" GREETING "user: [call]\napi: POST https://x.example/o\n  -> 200\n"
          "bot: Got\nend: completed\n");
    plays("user: hi\n" GREETING "user: [ask]\nai: Say something\n  -> Well done.\n"
          "bot: Well done.\nend: completed\n");
    plays("user: hi\n" GREETING "user: [call]\n"
          "api: POST https://x.example/o  { \"who\": \"Ana\", \"n\": 2 }\n  -> 200 {\"id\":7}\n"
          "bot: Got 7\nend: completed\n");
}

static void the_first_difference_is_told_with_its_line_and_those_before(void **state)
{
    const char *text = "user: hi\n" GREETING "user: [call]\n" CALL
                       "  -> 200 {\"id\":7}\nbot: Got 8\nend: completed\n";
    differs(text, 8, "line 8 came otherwise");
    differs(text, 8, "7    -> 200 {\"id\":7}\n");
    differs(text, 8, "expected  bot: Got 8\n        came  bot: Got 7\n");
}

static void each_way_to_differ_is_found(void **state)
{
    differs("user: hi\n", 2, "expected  nothing more here");
    differs("user: hi\n" GREETING "bot: And?\n", 5, "came  nothing: the flow waits for the person");
    differs("user: hi\n" GREETING "wait 30s\nend: abandoned\n", 6, "until 2026-01-05T09:01:00");
    differs("user: hi\nbot: Hi Ana\n", 2, "How are you?");
    differs("user: hi\n" GREETING "user: [call]\napi: GET https://x.example/o\n  -> 200\n", 6,
            "POST");
    differs("user: hi\n" GREETING "user: [call]\napi: POST https://x.example/o {\"n\":3}\n", 6,
            "{\"n\":2,");
    differs("user: hi\n" GREETING "user: [ask]\nai: Be rude\n  -> no\n", 6, "Say something kind");
    differs("user: hi\n" GREETING "user: [call]\n" CALL "  -> 200 {}\nbot: Got\nend: abandoned\n",
            9, "came  end: completed");
    differs("user: hi\n" GREETING "vars: contact.name = \"Bob\"\n", 5, "contact.name = \"Ana\"");
    differs("user: hi\n" GREETING "vars: nothing = 1\n", 5, "nothing = missing");
    differs("event: {\"kind\":\"reaction\",\"emoji\":\"x\"}\n", 2, "ignored: nothing starts by");
}

/* What happens, and what is answered */

static void the_head_sets_platform_clock_and_names(void **state)
{
    plays("platform whatsapp\nclock 2026-07-01T12:30:00Z\nseed 42\ncontact Bo\n"
          "account {\"name\":\"Shop\"}\ntimezone Europe/Berlin\n"
          "event: {\"text\":\"hi\",\"id\":\"wamid.1\"}\n"
          "bot: Hi Bo\n    | How are you?\nbot: Which? [call=Call | ask=Ask]\n"
          "vars: platform = \"whatsapp\"\nvars: event.id = \"wamid.1\"\n");
}

static void an_account_has_the_time_zone_of_its_hours_unless_it_is_told(void **state)
{
    static const char document[] =
        "{\"nodes\":[{\"id\":\"s\",\"type\":\"start\",\"data\":{}},"
        "{\"id\":\"e\",\"type\":\"end\",\"data\":{\"message\":\"{{ now | hour }}\"}}],"
        "\"edges\":[{\"id\":\"1\",\"source\":\"s\",\"target\":\"e\"}]}";
    static const char *const transcripts[] = {
        "account {\"businessHours\":{\"timezone\":\"Asia/Tokyo\"}}\n"
        "user: hi\nbot: 18\nend: completed\n",
        "account {\"businessHours\":{\"timezone\":\"Asia/Tokyo\"}}\ntimezone Europe/Berlin\n"
        "user: hi\nbot: 10\nend: completed\n",
    };
    struct err err;
    cJSON *flow = json_read(document, strlen(document), &err);
    for (size_t i = 0; i < sizeof transcripts / sizeof *transcripts; i++) {
        struct play_report report;
        struct play_options options = {.flow = flow, .transcript = transcripts[i]};
        assert_true(play_transcript(&options, &report, &err));
        if (!report.same)
            fail_msg("%s", report.difference);
        play_report_deinit(&report);
    }
    cJSON_Delete(flow);
}

static void deadlines_fire_on_the_way(void **state)
{
    plays("user: hi\n" GREETING "wait 59s\nwait 1s\nbot: Are you still there?\nend: completed\n");
    plays("user: hi\n" GREETING "user: [call]\n" CALL
          "  -> timeout\nwait 59m 59s\nwait 1s\nend: completed\n");
    plays("user: hi\n" GREETING "user: [call]\n" CALL "  -> 503 {\"why\":\"busy\"}\n"
          "vars: call.status = 503\nvars: order.why = \"busy\"\nwait 1d\nend: completed\n");
}

static void a_message_that_fails_can_be_told(void **state)
{
    plays("user: hi\nbot: Hi Ana\n    | How are you?\n  -> error the person has blocked us\n"
          "end: error: node 'hi':\n");
}

static void the_person_taps_sends_and_writes_anything(void **state)
{
    plays("user: {\"type\":\"image\",\"url\":\"https://cdn.example/1.jpg\"} look\n" GREETING
          "vars: event.type = \"image\"\nvars: event.text = \"look\"\n"
          "vars: event.attachments[0].url = \"https://cdn.example/1.jpg\"\n");
    plays("platform whatsapp\nuser: "
          "{\"type\":\"location\",\"latitude\":1.5,\"longitude\":2}\n" GREETING
          "vars: event.data.latitude = 1.5\n");
    plays("user: \"[call]\"\n" GREETING "vars: last.text = \"[call]\"\n");
    plays("user: [MENU=Main menu]\n" GREETING
          "vars: last = {\"text\":\"Main menu\",\"payload\":\"MENU\"}\n");
    plays("user:\n" GREETING "vars: last.text = missing\n");
    plays("user: two\n    | lines\n" GREETING "vars: last.text = \"two\\nlines\"\n");
}

static void after_the_end_a_message_begins_another_session(void **state)
{
    plays("user: hi\n" GREETING "wait 1m\nbot: Are you still there?\nend: completed\n"
          "user: yes\n" GREETING);
}

/* Effects, as lines */

static void line_is(const char *effect_json, const char *expected)
{
    struct err err = {0};
    struct effect effect;
    cJSON *json = json_read(effect_json, strlen(effect_json), &err);
    if (!json || !effect_from_json(json, &effect, &err) || !play_effect_round_trip(&effect, &err))
        fail_msg("%s: %s", err.text, effect_json);
    char *line = play_effect_line(&effect);
    assert_string_equal(line, expected);
    free(line);
    effect_deinit(&effect);
    cJSON_Delete(json);
}

static void each_kind_of_effect_has_its_line(void **state)
{
    line_is("{\"kind\":\"send\",\"seq\":1,\"node\":\"n\",\"text\":\" One \\n\\ntwo \\n\"}",
            "bot: One\n    |\n    | two\n    |");
    line_is("{\"kind\":\"send\",\"seq\":1,\"node\":\"n\",\"text\":\"A lamp\","
            "\"message\":{\"type\":\"image\",\"url\":\"https://x.example/1.jpg\"}}",
            "bot: {\"type\":\"image\",\"url\":\"https://x.example/1.jpg\"}");
    line_is("{\"kind\":\"http\",\"seq\":1,\"node\":\"n\",\"method\":\"GET\","
            "\"url\":\"https://x.example/?k=%%shop%%&l=%%\",\"body\":\"[1, "
            "2]\",\"secret_mark\":\"%%\"}",
            "api: GET https://x.example/?k={{secrets.shop}}&l=%% [1,2]");
    line_is("{\"kind\":\"ai\",\"seq\":1,\"node\":\"n\",\"models\":[],\"prompt\":\"Why?\"}",
            "ai: Why?");
    line_is(
        "{\"kind\":\"update\",\"seq\":1,\"node\":\"n\",\"change\":{\"tags\":{\"add\":[\"vip\"]}}}",
        "update: {\"tags\":{\"add\":[\"vip\"]}}");
}

/* Updating */

static void an_update_fills_in_what_the_flow_does(void **state)
{
    updates("# greets\nuser: hi\n\n# and calls\nuser: [call]\n  -> 200 {\"id\":7}\nvars: order\n",
            "# greets\nuser: hi\n" GREETING "\n# and calls\nuser: [call]\n" CALL
            "  -> 200 {\"id\":7}\nbot: Got 7\nend: completed\nvars: order = {\"id\":7}\n");
}

static void an_update_keeps_what_fits_and_mends_the_rest(void **state)
{
    updates("user: hi\nbot: Hello\n# asks\nbot: Which? [call=Call | ask=Ask]\nbot: Really?\n"
            "user: [ask]\nai: Say\n  -> Well done.\nend: completed\n",
            "user: hi\nbot: Hi Ana\n    | How are you?\n# asks\nbot: Which? [call=Call | ask=Ask]\n"
            "user: [ask]\nai: Say\n  -> Well done.\nbot: Well done.\nend: completed\n");
}

static void an_update_makes_answers_up_and_keeps_stale_ones_as_comments(void **state)
{
    updates("user: hi\nuser: [call]\n",
            "user: hi\n" GREETING "user: [call]\n" CALL "  -> 200 {}\nbot: Got\nend: completed\n");
    updates("user: hi\n" GREETING "user: [ask]\n" CALL "  -> 200 {}\n",
            "user: hi\n" GREETING "user: [ask]\nai: Say something kind to Ana\n"
            "  -> The model's answer.\nbot: The model's answer.\nend: completed\n"
            "# not asked for: -> 200 {}\n");
}

/* Refusing */

static void a_wrong_transcript_is_refused_with_the_line(void **state)
{
    refused("user: hi\n\nbott: Hi\n",
            "line 3: 'bott:' begins no line of a transcript; is it 'bot:'");
    refused("platform telegram\n", "line 1: 'telegram' is no platform");
    refused("clock yesterday\n", "line 1: 'yesterday' is no time");
    refused("seed x\n", "line 1: a seed");
    refused("account Shop\n", "line 1: `account {…}`");
    refused("bot: Hi\n", "line 1: before the flow does anything");
    refused("    | more\n", "line 1: a line with '|'");
    refused("user: hi\n" GREETING "platform whatsapp\n", "line 5: 'platform' stands before all");
    refused("user: hi\n" GREETING "user: [no]\n",
            "line 5: no choice [no] was offered, but [call] [ask]");
    refused("user: {\"type\":\n", "line 1: the JSON of the attachment does not end");
    refused("user: {\"url\":\"x\"}\n", "line 1: an attachment is");
    refused("event: {\n", "line 1: ");
    refused("event: 7\n", "line 1: an event is a JSON object");
    refused("event: {\"kind\":\"massage\"}\n", "line 1: event: platform, kind or account");
    refused("callback: {\"paid\":true}\n", "line 1: `callback: NAME");
    refused("wait soon\n", "line 1: 'soon' is no time");
    refused("wait 9999d\n", "line 1: ");
    refused("user: hi\n" GREETING "vars: = 1\n", "line 5: ");
    refused("user: hi\n" GREETING "user: [call]\n" CALL "bot: Got\n",
            "line 6: below `api:` stands its answer");
    refused("user: hi\n" GREETING "user: [call]\n" CALL "  -> fine\n",
            "line 7: a call is answered");
    refused("user: hi\nbot: Hi Ana\n    | How are you?\n  -> perhaps\n",
            "line 4: a message is answered");
    refused("user: \xff\n", "UTF-8");
}

static void one_that_is_too_long_is_refused(void **state)
{
    struct buf text = {0};
    while (text.len <= PLAY_TEXT_MAX)
        buf_add_str(&text, "# a comment that goes on and on, and on and on, and on and on\n");
    refused(text.data, "at most");
    buf_deinit(&text);
}

// A reproducible sequence.
static uint32_t next_number(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

// Words and punctuation of transcripts, where something else was.
static void text_spoil(char *text, size_t len, uint32_t *seed)
{
    static const char *const bits[] = {
        "user: [", "->", "event: {", "\n    | ", "\n",   "{",      "]",      "=",          "wait 9",
        "vars: ",  "\"", "\xc3",     "bot: ",    "api:", "resume", "start:", "callback: a"};
    for (uint32_t i = next_number(seed) % 4 + 1; i > 0; i--) {
        const char *bit = bits[next_number(seed) % (sizeof bits / sizeof *bits)];
        size_t at = next_number(seed) % len;
        memcpy(text + at, bit, strlen(bit) < len - at ? strlen(bit) : len - at);
    }
}

static void whatever_a_transcript_holds_it_is_played_or_refused(void **state)
{
    const char *whole =
        "contact Ana\nuser: hi\n" GREETING "user: [call]\n" CALL
        "  -> 500 {\"id\":7}\nwait 2h\nend: completed\nvars: order.id = 7\n"
        "event: {\"kind\":\"message\",\"text\":\"hi\"}\nuser: {\"type\":\"image\"} x\n";
    uint32_t seed = 1;
    size_t done = 0;
    for (int i = 0; i < 3000; i++) {
        struct err err;
        struct play_report report;
        char *text = x_dup(whole);
        text_spoil(text, strlen(text), &seed);
        if (play(text, true, &report, &err)) { // what an update writes must play
            plays(report.text);
            play_report_deinit(&report);
            done++;
        } else {
            assert_true(err.code != ERR_NONE && *err.text);
        }
        free(text);
    }
    assert_in_range(done, 300, 2700); // both happen
}

static void a_flow_that_does_not_compile_is_refused(void **state)
{
    struct err err = {0};
    struct play_report report;
    const char text[] = "{\"nodes\":[],\"edges\":[]}";
    cJSON *flow = json_read(text, strlen(text), &err);
    assert_false(play_transcript(&(struct play_options){.flow = flow, .transcript = "user: hi\n"},
                                 &report, &err));
    assert_non_null(strstr(err.text, "does not compile"));
    cJSON_Delete(flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_as_written_is_the_same),
        cmocka_unit_test(a_line_may_say_less_than_came),
        cmocka_unit_test(the_first_difference_is_told_with_its_line_and_those_before),
        cmocka_unit_test(each_way_to_differ_is_found),
        cmocka_unit_test(the_head_sets_platform_clock_and_names),
        cmocka_unit_test(an_account_has_the_time_zone_of_its_hours_unless_it_is_told),
        cmocka_unit_test(deadlines_fire_on_the_way),
        cmocka_unit_test(a_message_that_fails_can_be_told),
        cmocka_unit_test(the_person_taps_sends_and_writes_anything),
        cmocka_unit_test(after_the_end_a_message_begins_another_session),
        cmocka_unit_test(each_kind_of_effect_has_its_line),
        cmocka_unit_test(an_update_fills_in_what_the_flow_does),
        cmocka_unit_test(an_update_keeps_what_fits_and_mends_the_rest),
        cmocka_unit_test(an_update_makes_answers_up_and_keeps_stale_ones_as_comments),
        cmocka_unit_test(a_wrong_transcript_is_refused_with_the_line),
        cmocka_unit_test(one_that_is_too_long_is_refused),
        cmocka_unit_test(whatever_a_transcript_holds_it_is_played_or_refused),
        cmocka_unit_test(a_flow_that_does_not_compile_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
