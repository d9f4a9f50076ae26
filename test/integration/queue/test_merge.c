// SPDX-License-Identifier: MIT
// Names of one person: chains of them, weak ones, and two chats that become one without losing
// order, session, timer or the effect in hand.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/event.h"
#include "test/integration/queue/world.h"

static struct world world;
static struct queue *queue;

static int setup(void **state)
{
    world_init(&world, 1, NULL);
    queue = world_worker(&world, redis_server_url(world.server), 0);
    return 0;
}

static int teardown(void **state)
{
    queue_free(queue);
    world_deinit(&world);
    return 0;
}

// One event of whatsapp:1 under names that are separated by blanks; returns 'a' or 'd'.
static char admit_known(const char *names, const char *dedup, const char *json)
{
    char buffer[128];
    const char *aliases[6];
    size_t count = 0;
    snprintf(buffer, sizeof(buffer), "%s", names);
    char *save = NULL;
    for (char *name = strtok_r(buffer, " ", &save); name; name = strtok_r(NULL, " ", &save))
        aliases[count++] = name;
    struct queue_event event = {.account = "whatsapp:1",
                                .aliases = aliases,
                                .alias_count = count,
                                .dedup_key = dedup,
                                .timestamp_ms = clock_wall_ms(),
                                .json = json};
    struct admitted admitted = {0};
    queue_admit(queue, &event, 1, on_world_admitted, &admitted);
    world_wait(&world, admitted.called);
    assert_int_equal(admitted.code, ERR_NONE);
    return admitted.result.admitted == 1 ? 'a' : 'd';
}

static void admit(const char *names, const char *json)
{
    assert_int_equal(admit_known(names, NULL, json), 'a');
}

static struct held claim(const char *chat)
{
    struct held held = world_claim(&world, queue, 1);
    assert_int_equal(held.count, 1);
    assert_string_equal(held.chat, chat);
    return held;
}

static void nothing_is_ready(void)
{
    struct held held = world_claim(&world, queue, 1);
    assert_int_equal(held.count, 0);
}

// The entries, joined by blanks.
static void entries_are(const struct held *held, const char *want)
{
    char got[256] = "";
    for (size_t i = 0; i < held->entry_count; i++) {
        strcat(got, i > 0 ? " " : "");
        strcat(got, held->entries[i]);
    }
    assert_string_equal(got, want);
}

static bool status_is(const char *chat, const char *want)
{
    return world_redis_is(&world, want, "HGET hm:{00}:chat:%s st", chat);
}

static bool is_gone(const char *chat)
{
    return world_redis_is(&world, "0", "EXISTS hm:{00}:chat:%s hm:{00}:mb:%s hm:{00}:late:%s", chat,
                          chat, chat);
}

// Finishes the first `entries` of what was given; frees the copy.
static void finish(struct held *held, int64_t entries, const char *session,
                   const struct queue_timer *timer)
{
    struct queue_finish call = {.chat = held->chat,
                                .epoch = held->epoch,
                                .done = held->done + entries,
                                .state = session,
                                .timer = timer};
    assert_int_equal(world_finish(&world, queue, &call), ERR_NONE);
    held_deinit(held);
}

// A chat that is idle, with a session.
static void begin_session(const char *name, const char *chat, const char *session,
                          const struct queue_timer *timer)
{
    admit(name, "first");
    struct held held = claim(chat);
    finish(&held, (int64_t)held.entry_count, session, timer);
}

// Journals an effect and parks the chat with it.
static void park(struct held *held)
{
    struct queue_journal journal = {
        .chat = held->chat, .epoch = held->epoch, .state = "\"s\"", .attempt = "{\"key\":\"k\"}"};
    assert_int_equal(world_journal(&world, queue, &journal), ERR_NONE);
    struct queue_finish call = {.chat = held->chat,
                                .epoch = held->epoch,
                                .done = held->done,
                                .state = "\"s\"",
                                .keep_attempt = true,
                                .next = QUEUE_PARKED};
    assert_int_equal(world_finish(&world, queue, &call), ERR_NONE);
    held_deinit(held);
}

static void on_ledger(void *arg, const struct queue_ledger *ledger)
{
    if (!ledger->balanced)
        print_message("%s: %s\n", ledger->account, ledger->problem);
}

static void everything_balances(void)
{
    struct err err = {0};
    bool balanced = false;
    assert_true(queue_audit(redis_server_url(world.server), on_ledger, NULL, &balanced, &err));
    assert_true(balanced);
}

static void a_phone_an_id_and_a_redelivery_with_both_reach_one_chat_once(void **state)
{
    assert_int_equal(admit_known("5959", "m1", "m1"), 'a');
    assert_int_equal(admit_known("PY.13", "m2", "m2"), 'a');
    assert_int_equal(admit_known("5959 PY.13", "m1", "m1"), 'd'); // but it tells who is who
    assert_int_equal(admit_known("PY.13", "m3", "m3"), 'a');
    struct held held = claim("whatsapp:1:5959");
    entries_are(&held, "m1 m2 m3");
    nothing_is_ready();
    assert_true(is_gone("whatsapp:1:PY.13"));
    finish(&held, 3, NULL, NULL);
    everything_balances();
}

static void what_waits_in_the_other_chat_comes_before_what_comes_later(void **state)
{
    admit("5959", "w1");
    admit("PY.13", "l1");
    admit("5959", "w2");
    admit("PY.13", "l2");
    admit("5959 PY.13", "e1");
    admit("PY.13", "e2");
    assert_true(world_redis_is(&world, "1", "LLEN hm:{00}:ready:whatsapp:1"));
    struct held held = claim("whatsapp:1:5959");
    entries_are(&held, "w1 w2 l1 l2 e1 e2");
    finish(&held, 6, NULL, NULL);
    assert_true(world_redis_is(&world, "0", "EXISTS hm:{00}:ring hm:{00}:ready:whatsapp:1"));
    assert_true(world_redis_is(&world, "0", "GET hm:{00}:waiting"));
    everything_balances();
}

static void the_chat_that_has_a_session_is_kept(void **state)
{
    struct queue_timer timer = {.delay_ms = 3600000, .token = "t1"};
    begin_session("PY.13", "whatsapp:1:PY.13", "\"asked\"", &timer);
    admit("5959", "w1");
    admit("5959 PY.13", "e1");
    struct held held = claim("whatsapp:1:PY.13");
    entries_are(&held, "w1 e1");
    assert_string_equal(held.state, "\"asked\"");
    assert_true(world_redis_is(&world, "t1", "HGET hm:{00}:chat:whatsapp:1:PY.13 timer"));
    finish(&held, 2, NULL, NULL);
    assert_true(is_gone("whatsapp:1:5959"));
}

static void of_two_sessions_one_goes_on_and_one_is_handed_in_as_an_event(void **state)
{
    struct queue_timer timer = {.delay_ms = 3600000, .token = "t"};
    begin_session("5959", "whatsapp:1:5959", "{\"session\":{\"id\":12345678901234567890}}", NULL);
    begin_session("PY.13", "whatsapp:1:PY.13", "{\"session\":{\"id\":98765432109876543210}}",
                  &timer);
    char *number = world_redis(&world, "HGET hm:{00}:chat:whatsapp:1:PY.13 done");
    char *epoch = world_redis(&world, "HGET hm:{00}:chat:whatsapp:1:PY.13 epoch");
    admit("PY.13", "l1");
    admit("5959 PY.13", "e1");
    struct held held = claim("whatsapp:1:5959");
    assert_int_equal(held.entry_count, 3);
    assert_string_equal(held.entries[0], "l1");
    assert_string_equal(held.entries[2], "e1");
    assert_string_equal(held.state, "{\"session\":{\"id\":12345678901234567890}}");

    // What the loser's session left in MongoDB carries its numbers: ours are above.
    assert_true(held.done >= strtoll(number, NULL, 10));
    assert_true(held.epoch > strtoll(epoch, NULL, 10));
    struct event event;
    struct err err = {0};
    assert_true(event_from_json(held.entries[1], strlen(held.entries[1]), &event, &err));
    assert_int_equal(event.kind, EVENT_CONTACT);
    assert_string_equal(event.type, "merged");
    assert_string_equal(event.account, "1");
    assert_string_equal(event.contact, "5959");
    assert_string_equal(event.aliases[1], "PY.13");
    assert_non_null(strstr(event.data, "98765432109876543210")); // as it was: no double
    assert_non_null(strstr(event.data, "\"chat\":\"whatsapp:1:PY.13\""));
    assert_true(llabs(event.timestamp_ms - clock_wall_ms()) < 60000);
    event_deinit(&event);
    finish(&held, 3, "\"s\"", NULL);
    assert_true(world_redis_is(&world, "0", "ZCARD hm:{00}:timers")); // the loser's
    everything_balances();
    free(number);
    free(epoch);
}

static void a_session_and_its_timer_move_to_a_chat_without_one(void **state)
{
    // The one chat is under way and has no session; the other has one. The second is to be the
    // person's chat, and waits; then it turns out that it lost its session meanwhile.
    admit("5959", "w1");
    struct held winner = claim("whatsapp:1:5959");
    admit("PY.13", "l1");
    struct held loser = claim("whatsapp:1:PY.13");
    admit("5959 PY.13", "e1"); // both under way, no session: the first is kept
    struct queue_timer timer = {.delay_ms = 300, .token = "wait 1"};
    finish(&loser, 1, "\"asked\"", &timer); // has one now
    assert_true(status_is("whatsapp:1:PY.13", "joining"));
    assert_true(status_is("whatsapp:1:5959", "held"));
    finish(&winner, 1, NULL, NULL);
    assert_true(is_gone("whatsapp:1:PY.13"));
    struct held held = claim("whatsapp:1:5959");
    entries_are(&held, "e1");
    assert_string_equal(held.state, "\"asked\"");
    finish(&held, 1, "\"asked\"", NULL);
    struct held fired = world_claim_wait(&world, queue);
    assert_string_equal(fired.chat, "whatsapp:1:5959");
    assert_string_equal(fired.fired, "wait 1");
    finish(&fired, 0, NULL, NULL);
    everything_balances();
}

static void a_held_chat_ends_its_activation_before_it_joins(void **state)
{
    begin_session("5959", "whatsapp:1:5959", "\"asked\"", NULL);
    admit("PY.13", "l1");
    struct held loser = claim("whatsapp:1:PY.13");
    admit("PY.13", "l2");
    admit("5959", "w1"); // ready: nobody knows yet that they are one
    admit("5959 PY.13", "e1");
    admit("PY.13", "e2");
    assert_true(status_is("whatsapp:1:5959", "joining"));
    nothing_is_ready();
    assert_true(world_redis_is(&world, "0", "EXISTS hm:{00}:ring hm:{00}:ready:whatsapp:1"));
    assert_true(world_redis_is(&world, "5", "GET hm:{00}:waiting"));
    everything_balances();
    struct held copy = loser;
    struct queue_finish again = {.chat = copy.chat, .epoch = copy.epoch, .done = copy.done + 1};
    finish(&loser, 1, NULL, NULL);
    assert_int_equal(world_finish(&world, queue, &again), ERR_NONE); // it arrives twice
    again.epoch--;
    assert_int_equal(world_finish(&world, queue, &again), ERR_CONFLICT);
    assert_true(is_gone("whatsapp:1:PY.13"));
    struct held held = claim("whatsapp:1:5959");
    entries_are(&held, "w1 l2 e1 e2");
    assert_string_equal(held.state, "\"asked\"");
    finish(&held, 4, NULL, NULL);
    nothing_is_ready();
    everything_balances();
}

static void both_held_end_what_they_do_and_the_numbers_hold(void **state)
{
    admit("5959", "w1");
    struct held winner = claim("whatsapp:1:5959");
    admit("PY.13", "l1");
    struct held loser = claim("whatsapp:1:PY.13");
    admit("PY.13", "l2");
    admit("5959", "w2");
    admit("5959 PY.13", "e1");
    finish(&winner, 1, "\"w\"", NULL);
    assert_true(status_is("whatsapp:1:5959", "joining"));
    nothing_is_ready();
    finish(&loser, 1, "\"l\"", NULL);
    struct held held = claim("whatsapp:1:5959");
    assert_int_equal(held.entry_count, 4);
    assert_string_equal(held.entries[0], "w2");
    assert_string_equal(held.entries[1], "l2");
    assert_non_null(strstr(held.entries[2], "\"state\":\"l\""));
    assert_string_equal(held.entries[3], "e1");
    assert_string_equal(held.state, "\"w\"");
    finish(&held, 4, NULL, NULL);
    everything_balances();
}

static void a_parked_effect_is_settled_under_any_name_before_its_chat_joins(void **state)
{
    begin_session("5959", "whatsapp:1:5959", "\"asked\"", NULL);
    admit("PY.13", "l1");
    struct held loser = claim("whatsapp:1:PY.13");
    park(&loser); // has a session now, and an effect in hand
    begin_session("6060", "whatsapp:1:6060", "\"x\"", NULL);
    admit("6060 5959", "e1"); // two at rest: at once
    admit("5959 PY.13", "e2");
    assert_true(status_is("whatsapp:1:PY.13", "parked")); // the one with the effect is kept
    assert_true(world_settle(&world, queue, "whatsapp:1", "6060", "k", "\"sent\""));
    struct held held = claim("whatsapp:1:PY.13");
    assert_string_equal(held.result, "\"sent\"");
    held_deinit(&held);
}

static void a_losers_effect_is_settled_and_its_worker_may_die(void **state)
{
    admit("5959", "w1");
    struct held winner = claim("whatsapp:1:5959");
    park(&winner);
    struct queue *other = world_worker(&world, redis_server_url(world.server), 0);
    admit("PY.13", "l1");
    struct held loser = world_claim(&world, other, 1);
    assert_string_equal(loser.chat, "whatsapp:1:PY.13");
    struct queue_journal journal = {
        .chat = loser.chat, .epoch = loser.epoch, .state = "\"l\"", .attempt = "{\"key\":\"k2\"}"};
    assert_int_equal(world_journal(&world, other, &journal), ERR_NONE);
    held_deinit(&loser);
    admit("5959 PY.13", "e1");
    queue_free(other); // leaves in the middle: what it held is ready again
    loser = claim("whatsapp:1:PY.13");
    assert_string_equal(loser.attempt, "{\"key\":\"k2\"}");
    struct queue_finish call = {.chat = loser.chat,
                                .epoch = loser.epoch,
                                .done = loser.done,
                                .state = "\"l\"",
                                .keep_attempt = true,
                                .next = QUEUE_PARKED};
    assert_int_equal(world_finish(&world, queue, &call), ERR_NONE);
    held_deinit(&loser);

    // Both are parked, both effects are settled under the one name.
    assert_true(world_settle(&world, queue, "whatsapp:1", "PY.13", "k", "\"w sent\""));
    assert_true(status_is("whatsapp:1:5959", "joining"));
    assert_true(world_settle(&world, queue, "whatsapp:1", "5959", "k2", "\"l sent\""));
    loser = claim("whatsapp:1:PY.13");
    assert_string_equal(loser.result, "\"l sent\"");
    nothing_is_ready();
    finish(&loser, 1, "\"l\"", NULL);
    // A session is taken in by a chat at rest: first the winner's own effect ends.
    assert_true(status_is("whatsapp:1:PY.13", "joining"));
    winner = claim("whatsapp:1:5959");
    assert_string_equal(winner.result, "\"w sent\"");
    entries_are(&winner, "w1");
    finish(&winner, 1, NULL, NULL);
    winner = claim("whatsapp:1:5959");
    entries_are(&winner, "e1");
    assert_string_equal(winner.state, "\"l\"");
    finish(&winner, 1, NULL, NULL);
    everything_balances();
}

static void three_chats_become_one_name_by_name(void **state)
{
    begin_session("a", "whatsapp:1:a", "\"a\"", NULL);
    admit("b", "b1");
    struct held b = claim("whatsapp:1:b");
    admit("b", "b2");
    admit("a b", "e1"); // a waits for b
    begin_session("c", "whatsapp:1:c", "\"c\"", NULL);
    admit("c", "c1");
    struct held c = claim("whatsapp:1:c");
    admit("c b", "e2"); // c, under way and with a session, is kept; a and b join it
    nothing_is_ready();
    finish(&c, 1, "\"c\"", NULL);
    nothing_is_ready();
    finish(&b, 1, NULL, NULL);
    c = claim("whatsapp:1:c");
    assert_int_equal(c.entry_count, 4);
    assert_string_equal(c.entries[0], "b2");
    assert_string_equal(c.entries[1], "e1");
    assert_non_null(strstr(c.entries[2], "\"state\":\"a\""));
    assert_string_equal(c.entries[3], "e2");
    finish(&c, 4, NULL, NULL);
    assert_true(is_gone("whatsapp:1:a"));
    assert_true(is_gone("whatsapp:1:b"));
    assert_true(world_redis_is(&world, "c", "HGET hm:{00}:alias:whatsapp:1 a"));
    admit("b", "later");
    c = claim("whatsapp:1:c");
    entries_are(&c, "later");
    finish(&c, 1, NULL, NULL);
    assert_true(world_redis_is(&world, "c", "HGET hm:{00}:alias:whatsapp:1 b")); // one hop now
    everything_balances();
}

static void a_user_name_finds_its_latest_holder_and_joins_nobody(void **state)
{
    admit("5959 @ana", "1");
    admit("@ana", "2");
    admit("6060 @ana", "3"); // another person has taken the name
    admit("@ana", "4");
    admit("@new", "5"); // nobody knows who that is
    admit("@new @ana", "6");
    admit("7070 @new", "7");
    admit("@new", "8");
    static const char *const want[][2] = {{"whatsapp:1:5959", "1 2"},
                                          {"whatsapp:1:6060", "3 4 6"},
                                          {"whatsapp:1:@new", "5"},
                                          {"whatsapp:1:7070", "7 8"}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct held held = claim(want[i][0]);
        entries_are(&held, want[i][1]);
        finish(&held, (int64_t)held.entry_count, NULL, NULL);
    }
    nothing_is_ready();
}

static void on_letter(void *arg, const struct queue_dead_letter *letter)
{
    snprintf(arg, 64, "%s", letter->id);
}

static void a_dead_letter_of_a_chat_that_joined_another_goes_to_that_one(void **state)
{
    admit("PY.13", "poison");
    struct held held = claim("whatsapp:1:PY.13");
    struct queue_dead dead = {.number = held.done + 1, .reason = "r"};
    struct queue_finish call = {.chat = held.chat,
                                .epoch = held.epoch,
                                .done = held.done + 1,
                                .dead = &dead,
                                .dead_count = 1};
    assert_int_equal(world_finish(&world, queue, &call), ERR_NONE);
    held_deinit(&held);
    admit("5959", "w1");
    begin_session("5959", "whatsapp:1:5959", "\"s\"", NULL);
    admit("5959 PY.13", "e1");
    char id[64] = "";
    unsigned retried = 0;
    struct err err = {0};
    assert_true(queue_dead_list(redis_server_url(world.server), 1, on_letter, id, &err));
    assert_true(queue_dead_retry(redis_server_url(world.server), id, &retried, &err));
    held = claim("whatsapp:1:5959");
    entries_are(&held, "e1 poison");
    everything_balances();
    finish(&held, 2, NULL, NULL);
    everything_balances();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_phone_an_id_and_a_redelivery_with_both_reach_one_chat_once),
        TEST(what_waits_in_the_other_chat_comes_before_what_comes_later),
        TEST(the_chat_that_has_a_session_is_kept),
        TEST(of_two_sessions_one_goes_on_and_one_is_handed_in_as_an_event),
        TEST(a_session_and_its_timer_move_to_a_chat_without_one),
        TEST(a_held_chat_ends_its_activation_before_it_joins),
        TEST(both_held_end_what_they_do_and_the_numbers_hold),
        TEST(a_parked_effect_is_settled_under_any_name_before_its_chat_joins),
        TEST(a_losers_effect_is_settled_and_its_worker_may_die),
        TEST(three_chats_become_one_name_by_name),
        TEST(a_user_name_finds_its_latest_holder_and_joins_nobody),
        TEST(a_dead_letter_of_a_chat_that_joined_another_goes_to_that_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
