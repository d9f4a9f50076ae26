// SPDX-License-Identifier: MIT
// A chat that a flow has given to people: its three ways back, pauses, restarts; and what the chat
// keeps of the person.
#include "shell.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"

enum { PAUSE_MS = 600000, HANDOFF_MS = 60000 };

// start → tag, contact → handoff → input → end
static int setup(void **state)
{
    return shell_open(
        "{\"name\":\"T\",\"nodes\":[{\"id\":\"s\",\"type\":\"start\"},"
        "{\"id\":\"t\",\"type\":\"tag\",\"data\":{\"add\":[\"asked\"]}},"
        "{\"id\":\"c\",\"type\":\"contact\",\"data\":{\"fields\":{\"name\":\"Ana "
        "Maria\",\"Score\":7}}},"
        "{\"id\":\"h\",\"type\":\"handoff\",\"data\":{\"team\":\"support\",\"for\":60000,"
        "\"resumeKeywords\":[\"menu\"]}},"
        "{\"id\":\"i\",\"type\":\"input\",\"data\":{\"message\":\"Yes, {{ contact.name }}?\"}},"
        "{\"id\":\"e\",\"type\":\"end\"}],\"edges\":[{\"source\":\"s\",\"target\":\"t\"},"
        "{\"source\":\"t\",\"target\":\"c\"},{\"source\":\"c\",\"target\":\"h\"},"
        "{\"source\":\"h\",\"target\":\"i\"},{\"source\":\"i\",\"target\":\"e\"}]}");
}

static int teardown(void **state)
{
    shell_close();
    return 0;
}

static const char *handoff_word(const char *name)
{
    return json_str(seen.projection->people.handoff, name);
}

static const char *last_said(void)
{
    const struct projection *p = seen.projection;
    const struct message_record *m = p->message_count ? &p->messages[p->message_count - 1] : NULL;
    return m && !m->inbound ? m->text : "nothing";
}

static struct chat handed_off(void)
{
    seen_clear();
    struct chat chat = {0};
    activate(&chat, "hi", NULL);
    assert_string_equal(handoff_word("team"), "support");
    assert_string_equal(last_status(), "active");
    assert_in_range(seen.timer_ms, HANDOFF_MS - 30000, HANDOFF_MS);
    return chat;
}

static void an_update_is_recorded_and_nothing_leaves(void **state)
{
    struct chat chat = handed_off();
    const struct people_record *people = &seen.projection->people;
    assert_true(cJSON_IsTrue(json_get(people->tags, "asked")));
    assert_int_equal(json_int(json_path(people->fields, "customFields"), "Score", 0), 7);
    assert_string_equal(seen.projection->contact_name, "Ana Maria");
    assert_null(seen.sent_id);
    assert_true(history_says("\"k\":\"update\""));
    free(chat.state);
}

static void what_is_written_is_recorded_and_the_deadline_stays(void **state)
{
    struct chat chat = handed_off();
    char *token = token_of(&chat);
    activate(&chat, "are you there?", NULL);
    assert_string_equal(last_said(), "nothing");
    assert_int_equal(seen.projection->message_count, 1);
    assert_null(seen.projection->people.handoff);
    char *same = token_of(&chat);
    assert_string_equal(token, same);
    activate(&chat, NULL, token); // its time is up
    assert_string_equal(handoff_word("over"), "time");
    assert_string_equal(last_said(), "Yes, Ana Maria?");
    free(token);
    free(same);
    free(chat.state);
}

static void an_operators_word_gives_it_back_at_once(void **state)
{
    struct chat chat = handed_off();
    activate_by(&chat, "'kind':'resume','id':'r-1'");
    assert_string_equal(handoff_word("over"), "operator");
    assert_string_equal(last_said(), "Yes, Ana Maria?");
    activate_by(&chat, "'kind':'resume','id':'r-2'"); // nobody has it
    assert_null(seen.projection->people.handoff);
    assert_string_equal(last_said(), "nothing");
    free(chat.state);
}

static void a_keyword_gives_it_back_though_an_operator_answered(void **state)
{
    struct chat chat = handed_off();
    chat.paused_ms = clock_wall_ms() + PAUSE_MS; // by the echo of an operator's answer
    activate(&chat, "no", NULL);
    assert_in_range(seen.timer_ms, 1, HANDOFF_MS); // the pause does not prolong it
    activate(&chat, "Menu", NULL);
    assert_string_equal(handoff_word("over"), "keyword");
    assert_string_equal(last_said(), "Yes, Ana Maria?");
    assert_int_equal(seen.projection->paused_ms, 0);
    assert_true(seen.projection->resumed_ms >= chat.paused_ms);
    // The pause that was is void; Redis still tells of it.
    activate(&chat, "my answer", NULL);
    assert_string_equal(last_status(), "completed");
    // A new one is not.
    chat.paused_ms += 1000;
    activate(&chat, "hello", NULL);
    assert_string_equal(last_status(), "none");
    free(chat.state);
}

static void what_was_recorded_is_there_in_the_next_session(void **state)
{
    struct chat chat = handed_off();
    activate(&chat, "menu", NULL);
    activate(&chat, "bye", NULL);
    assert_string_equal(last_status(), "completed");
    assert_non_null(chat.state); // the session is over, the person is known
    activate(&chat, "hi again", NULL);
    const cJSON *contact = json_get(seen.projection->sessions[0].vars, "contact");
    assert_string_equal(json_str(contact, "name"), "Ana Maria");
    assert_string_equal(cJSON_GetArrayItem(json_get(contact, "tags"), 0)->valuestring, "asked");
    assert_int_equal(json_int(json_get(contact, "customFields"), "Score", 0), 7);
    free(chat.state);
}

static void a_session_that_ends_otherwise_gives_the_chat_back(void **state)
{
    struct chat chat = handed_off();
    char *node = strstr(chat.state, "\"node\":\"h\"");
    assert_non_null(node);
    node[8] = 'x'; // its node is gone from the flow
    activate(&chat, "menu", NULL);
    assert_string_equal(last_status(), "error");
    assert_string_equal(handoff_word("over"), "ended");
    free(chat.state);
}

static void a_chat_that_joins_brings_what_it_knew(void **state)
{
    seen_clear();
    struct chat chat = {0};
    activate_by(&chat, "'kind':'contact','type':'merged','contact':'595981','aliases':['595981'],"
                       "'id':'m-1','data':{'chat':'whatsapp:1099:PY.1','state':{'contact':"
                       "{'email':'a@x.example','tags':['vip'],'customFields':{'Size':'M'}}}}");
    assert_string_equal(json_str(seen.projection->people.fields, "email"), "a@x.example");
    assert_true(cJSON_IsTrue(json_get(seen.projection->people.tags, "vip")));
    assert_non_null(strstr(chat.state, "\"Size\":\"M\""));
    free(chat.state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_update_is_recorded_and_nothing_leaves),
        cmocka_unit_test(what_is_written_is_recorded_and_the_deadline_stays),
        cmocka_unit_test(an_operators_word_gives_it_back_at_once),
        cmocka_unit_test(a_keyword_gives_it_back_though_an_operator_answered),
        cmocka_unit_test(what_was_recorded_is_there_in_the_next_session),
        cmocka_unit_test(a_session_that_ends_otherwise_gives_the_chat_back),
        cmocka_unit_test(a_chat_that_joins_brings_what_it_knew),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
