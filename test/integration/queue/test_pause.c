// SPDX-License-Identifier: MIT
// A chat's pause: by hand, and by a foreign echo, which is told from those of our own messages.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/integration/queue/world.h"

static struct world world;
static struct queue *queue;
static int64_t soon_ms;

static int setup(void **state)
{
    world_init(&world, 1, NULL);
    queue = world_worker(&world, redis_server_url(world.server), 0);
    soon_ms = clock_wall_ms() + 3600000;
    return 0;
}

static int teardown(void **state)
{
    queue_free(queue);
    world_deinit(&world);
    return 0;
}

static bool pause_chat(const char *alias, int64_t until_ms, const char *echo_id)
{
    struct done done = {0};
    queue_pause(queue, "messenger:a", alias, until_ms, echo_id, on_world_settled, &done);
    assert_false(done.called);
    world_wait(&world, done.called);
    assert_int_equal(done.code, ERR_NONE);
    return done.settled;
}

struct paused {
    struct held held;
    int64_t paused_ms;
};

static void on_claimed(void *arg, const struct queue_claim *claims, size_t count,
                       const struct err *err)
{
    struct paused *paused = arg;
    assert_int_equal(count, 1);
    paused->paused_ms = claims[0].paused_ms;
    on_world_claimed(&paused->held, claims, count, err);
}

static struct paused claim(void)
{
    struct paused paused = {0};
    queue_claim(queue, 0, 1, on_claimed, &paused);
    world_wait(&world, paused.held.called);
    return paused;
}

static void admit(const char *alias)
{
    assert_int_equal(world_admit(&world, queue, "messenger:a", alias, NULL, "x").code, ERR_NONE);
}

static int64_t paused_when_claimed(void)
{
    admit("1");
    struct paused paused = claim();
    assert_int_equal(world_finish_all(&world, queue, &paused.held), ERR_NONE);
    held_deinit(&paused.held);
    return paused.paused_ms;
}

static void a_paused_chat_is_given_with_the_time_until_it_may_speak(void **state)
{
    assert_int_equal(paused_when_claimed(), 0);
    assert_true(pause_chat("1", soon_ms, NULL));
    assert_int_equal(paused_when_claimed(), soon_ms);
    assert_true(pause_chat("1", soon_ms + 5, NULL)); // the latest word
    assert_int_equal(paused_when_claimed(), soon_ms + 5);
    assert_true(pause_chat("1", clock_wall_ms() - 1000, NULL)); // is over
    assert_int_equal(paused_when_claimed(), 0);
    assert_true(pause_chat("1", soon_ms, NULL));
    assert_true(pause_chat("1", 0, NULL));
    assert_int_equal(paused_when_claimed(), 0);
}

static void a_pause_is_there_before_the_chat(void **state)
{
    assert_false(pause_chat("1", 0, NULL)); // nothing to end
    assert_true(world_redis_is(&world, "0", "EXISTS hm:{00}:chat:messenger:a:1"));
    assert_true(pause_chat("1", soon_ms, "foreign"));
    assert_true(world_redis_is(&world, "idle", "HGET hm:{00}:chat:messenger:a:1 st"));
    char *ttl = world_redis(&world, "TTL hm:{00}:chat:messenger:a:1");
    assert_in_range(strtol(ttl, NULL, 10), 40 * 86400 - 30, 40 * 86400);
    free(ttl);
    assert_int_equal(paused_when_claimed(), soon_ms);
    // Longer than an idle chat lives.
    assert_true(pause_chat("2", clock_wall_ms() + 100 * 86400000LL, NULL));
    ttl = world_redis(&world, "TTL hm:{00}:chat:messenger:a:2");
    assert_true(strtol(ttl, NULL, 10) > 100 * 86400);
    free(ttl);
}

static void our_own_echoes_do_not_pause(void **state)
{
    admit("1");
    struct paused paused = claim();
    struct queue_journal journal = {.chat = paused.held.chat,
                                    .epoch = paused.held.epoch,
                                    .state = "\"s\"",
                                    .attempt = "{\"key\":\"k\"}"};
    assert_int_equal(world_journal(&world, queue, &journal), ERR_NONE);
    // The answer is still to come: this may be its message.
    assert_false(pause_chat("1", soon_ms, "m_1"));
    assert_true(pause_chat("2", soon_ms, "m_1"));
    journal.result = "{\"id\":\"m_1\"}";
    journal.sent_id = "m_1";
    assert_int_equal(world_journal(&world, queue, &journal), ERR_NONE);
    assert_false(pause_chat("1", soon_ms, "m_1"));
    assert_int_equal(world_finish_all(&world, queue, &paused.held), ERR_NONE);
    held_deinit(&paused.held);
    assert_false(pause_chat("1", soon_ms, "m_1"));
    assert_int_equal(paused_when_claimed(), 0);
    assert_true(pause_chat("1", soon_ms, "m_2")); // a person's
    assert_int_equal(paused_when_claimed(), soon_ms);
}

static void an_id_is_ours_though_the_chat_was_lost_and_for_eight_days(void **state)
{
    admit("1");
    struct paused paused = claim();
    struct queue_journal journal = {
        .chat = paused.held.chat, .epoch = paused.held.epoch - 1, .sent_id = "m_1"};
    assert_int_equal(world_journal(&world, queue, &journal), ERR_CONFLICT);
    assert_int_equal(world_finish_all(&world, queue, &paused.held), ERR_NONE);
    held_deinit(&paused.held);
    assert_false(pause_chat("1", soon_ms, "m_1"));
    // Buckets are named by spans of four days: two spans ago it is found, three ago it is not.
    static const char age[] =
        "local k = redis.call('KEYS', 'hm:{00}:sent:*')[1] "
        "local span, bucket = string.match(k, 'sent:(%%d+):(.*)') "
        "redis.call('RENAME', k, 'hm:{00}:sent:' .. (span - %d) .. ':' .. bucket) "
        "return redis.call('TTL', 'hm:{00}:sent:' .. (span - %d) .. ':' .. bucket)";
    char script[512];
    snprintf(script, sizeof script, age, 2, 2);
    char *ttl = world_redis(&world, "EVAL %s 0", script);
    assert_in_range(strtol(ttl, NULL, 10), 12 * 86400 - 30, 12 * 86400);
    free(ttl);
    assert_false(pause_chat("1", soon_ms, "m_1"));
    snprintf(script, sizeof script, age, 1, 1);
    free(world_redis(&world, "EVAL %s 0", script));
    assert_true(pause_chat("1", soon_ms, "m_1"));
}

static void chats_that_become_one_are_paused_for_the_longer(void **state)
{
    assert_true(pause_chat("b", soon_ms, NULL));
    admit("b");
    admit("a");
    const char *both[] = {"a", "b"};
    struct queue_event event = {
        .account = "messenger:a", .aliases = both, .alias_count = 2, .json = "x"};
    struct admitted admitted = {0};
    queue_admit(queue, &event, 1, on_world_admitted, &admitted);
    world_wait(&world, admitted.called);
    struct paused paused = claim();
    assert_int_equal(paused.held.entry_count, 3);
    assert_int_equal(paused.paused_ms, soon_ms);
    assert_true(pause_chat("b", 0, NULL)); // under either name
    assert_int_equal(world_finish_all(&world, queue, &paused.held), ERR_NONE);
    held_deinit(&paused.held);
    admit("a");
    paused = claim();
    assert_int_equal(paused.paused_ms, 0);
    held_deinit(&paused.held);
}

static void an_operator_pauses_looks_and_resumes(void **state)
{
    const char *url = redis_server_url(world.server);
    struct err err = {0};
    char *chat = NULL;
    struct queue_chat seen;
    assert_false(queue_pause_chat(url, "messenger:a", "1", 0, &chat, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(queue_chat_read(url, "messenger:a", "1", &seen, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_true(queue_pause_chat(url, "messenger:a", "1", soon_ms, &chat, &err));
    assert_string_equal(chat, "messenger:a:1");
    free(chat);
    admit("1");
    struct paused paused = claim();
    assert_int_equal(paused.paused_ms, soon_ms);
    struct queue_journal journal = {.chat = paused.held.chat,
                                    .epoch = paused.held.epoch,
                                    .state = "\"s\"",
                                    .attempt = "{\"key\":\"k\"}"};
    assert_int_equal(world_journal(&world, queue, &journal), ERR_NONE);
    assert_true(queue_chat_read(url, "messenger:a", "1", &seen, &err));
    assert_string_equal(seen.chat, "messenger:a:1");
    assert_string_equal(seen.status, "held");
    assert_string_equal(seen.owner, queue_incarnation(queue));
    assert_int_equal(seen.waiting, 1);
    assert_int_equal(seen.paused_ms, soon_ms);
    assert_true(seen.has_state && seen.has_attempt && !seen.has_result);
    assert_null(seen.into);
    queue_chat_deinit(&seen);
    struct queue_timer timer = {.delay_ms = 3600000, .token = "t"};
    struct queue_finish finish = {.chat = paused.held.chat,
                                  .epoch = paused.held.epoch,
                                  .done = paused.held.done + 1,
                                  .state = "\"s\"",
                                  .timer = &timer};
    assert_int_equal(world_finish(&world, queue, &finish), ERR_NONE);
    held_deinit(&paused.held);
    assert_true(queue_pause_chat(url, "messenger:a", "1", 0, NULL, &err));
    assert_true(queue_chat_read(url, "messenger:a", "1", &seen, &err));
    assert_string_equal(seen.status, "idle");
    assert_null(seen.owner);
    assert_int_equal(seen.paused_ms, 0);
    assert_true(llabs(seen.timer_ms - clock_wall_ms() - 3600000) < 60000);
    queue_chat_deinit(&seen);
}

static const char WORD[] = "{\"platform\":\"messenger\",\"kind\":\"resume\",\"account\":\"a\"}";

static void resume_chat(const char *alias)
{
    const char *url = redis_server_url(world.server);
    struct err err = {0};
    char *chat = NULL;
    if (!queue_resume_chat(url, "messenger:a", alias, WORD, &chat, &err))
        fail_msg("%s", err.text);
    free(chat);
}

// An event is done, and the chat keeps this state.
static void rest_with(const char *state)
{
    admit("1");
    struct paused paused = claim();
    struct queue_timer timer = {.delay_ms = 3600000, .token = "t"};
    struct queue_finish finish = {.chat = paused.held.chat,
                                  .epoch = paused.held.epoch,
                                  .done = paused.held.done + 1,
                                  .state = state,
                                  .timer = &timer};
    assert_int_equal(world_finish(&world, queue, &finish), ERR_NONE);
    held_deinit(&paused.held);
}

static void an_operators_word_wakes_a_chat_that_waits(void **state)
{
    rest_with("{\"session\":{},\"handoff\":true}");
    struct err err = {0};
    struct queue_chat seen;
    assert_true(queue_chat_read(redis_server_url(world.server), "messenger:a", "1", &seen, &err));
    assert_true(seen.has_state && seen.handed_off);
    queue_chat_deinit(&seen);
    assert_true(pause_chat("1", soon_ms, NULL));
    resume_chat("1");
    struct paused paused = claim(); // at once
    assert_int_equal(paused.paused_ms, 0);
    assert_int_equal(paused.held.entry_count, 1);
    assert_string_equal(paused.held.entries[0], WORD);
    assert_int_equal(world_finish_all(&world, queue, &paused.held), ERR_NONE);
    held_deinit(&paused.held);
}

static void an_operators_word_waits_for_what_is_under_way(void **state)
{
    rest_with("{\"session\":{}}");
    admit("1");
    struct paused paused = claim();
    resume_chat("1");
    assert_int_equal(world_finish_all(&world, queue, &paused.held), ERR_NONE);
    held_deinit(&paused.held);
    paused = claim();
    assert_string_equal(paused.held.entries[0], WORD);
    assert_int_equal(world_finish_all(&world, queue, &paused.held), ERR_NONE);
    held_deinit(&paused.held);
}

static void an_operators_word_to_a_chat_without_a_state_wakes_nobody(void **state)
{
    assert_true(pause_chat("1", soon_ms, NULL));
    resume_chat("1");
    struct err err = {0};
    struct queue_chat seen;
    assert_true(queue_chat_read(redis_server_url(world.server), "messenger:a", "1", &seen, &err));
    assert_string_equal(seen.status, "idle");
    assert_int_equal(seen.waiting, 0);
    assert_int_equal(seen.paused_ms, 0);
    assert_false(seen.has_state);
    queue_chat_deinit(&seen);
}

static void see_ledger(void *arg, const struct queue_ledger *ledger)
{
    *(uint64_t *)arg = ledger->merged;
    assert_true(ledger->balanced);
}

static void the_ledger_balances_with_an_operators_word(void **state)
{
    rest_with("{\"session\":{}}");
    resume_chat("1");
    struct err err = {0};
    bool balanced = false;
    uint64_t made = 0;
    assert_true(queue_audit(redis_server_url(world.server), see_ledger, &made, &balanced, &err));
    assert_true(balanced);
    assert_int_equal(made, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_paused_chat_is_given_with_the_time_until_it_may_speak),
        TEST(a_pause_is_there_before_the_chat),
        TEST(our_own_echoes_do_not_pause),
        TEST(an_id_is_ours_though_the_chat_was_lost_and_for_eight_days),
        TEST(chats_that_become_one_are_paused_for_the_longer),
        TEST(an_operator_pauses_looks_and_resumes),
        TEST(an_operators_word_wakes_a_chat_that_waits),
        TEST(an_operators_word_waits_for_what_is_under_way),
        TEST(an_operators_word_to_a_chat_without_a_state_wakes_nobody),
        TEST(the_ledger_balances_with_an_operators_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
