// SPDX-License-Identifier: MIT
// An activation whose chat is paused.
#include "shell.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"

enum { PAUSE_MS = 600000 };

static int setup(void **state)
{
    return shell_open(
        "{\"name\":\"T\",\"nodes\":[{\"id\":\"s\",\"type\":\"start\"},{\"id\":\"i\",\"type\":"
        "\"input\",\"data\":{\"message\":\"Name?\",\"timeout\":1000}},{\"id\":\"e\",\"type\":"
        "\"end\"}"
        "],\"edges\":[{\"source\":\"s\",\"target\":\"i\"},{\"source\":\"i\",\"target\":\"e\"}]}");
}

static int teardown(void **state)
{
    shell_close();
    return 0;
}

static void an_event_of_a_paused_chat_starts_nothing_and_is_recorded(void **state)
{
    seen_clear();
    struct chat chat = {.paused_ms = clock_wall_ms() + PAUSE_MS};
    activate(&chat, "hi", NULL);
    assert_string_equal(last_status(), "none");
    assert_int_equal(seen.projection->message_count, 1);
    assert_int_equal(seen.projection->paused_ms, chat.paused_ms);
    assert_true(history_says("because a person answered"));
    assert_null(chat.state);
    chat.paused_ms = 0;
    activate(&chat, "hi again", NULL);
    assert_string_equal(last_status(), "active");
    assert_string_equal(seen.sent_id, "wamid.OUT1"); // so that its echo is known
    free(chat.state);
}

static void a_wait_is_neither_answered_nor_timed_out_before_the_pause_is_over(void **state)
{
    seen_clear();
    struct chat chat = {0};
    activate(&chat, "hi", NULL);
    assert_in_range(seen.timer_ms, 1, 1000);
    char *token = token_of(&chat);
    chat.paused_ms = clock_wall_ms() + PAUSE_MS;
    activate(&chat, "Ana", NULL);
    assert_string_equal(last_status(), "active");
    assert_int_equal(seen.projection->message_count, 1); // nothing was said to it
    activate(&chat, NULL, token);                        // its time is up
    assert_in_range(seen.timer_ms, PAUSE_MS - 60000, PAUSE_MS);
    chat.paused_ms = 0;
    activate(&chat, NULL, token);
    assert_string_equal(last_status(), "abandoned");
    assert_true(seen.projection->resumed_ms > 0);
    assert_true(history_says("the pause is over"));
    free(token);
    free(chat.state);
}

static void after_the_pause_the_next_message_answers_the_wait(void **state)
{
    seen_clear();
    struct chat chat = {0};
    activate(&chat, "hi", NULL);
    chat.paused_ms = clock_wall_ms() + PAUSE_MS;
    activate(&chat, "to the person", NULL);
    chat.paused_ms = 0;
    activate(&chat, "Ana", NULL);
    assert_string_equal(last_status(), "completed");
    const cJSON *last = json_get(seen.projection->sessions[0].vars, "last");
    assert_string_equal(json_str(last, "text"), "Ana");
    assert_null(chat.state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_of_a_paused_chat_starts_nothing_and_is_recorded),
        cmocka_unit_test(a_wait_is_neither_answered_nor_timed_out_before_the_pause_is_over),
        cmocka_unit_test(after_the_pause_the_next_message_answers_the_wait),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
