// SPDX-License-Identifier: MIT
// Budgets: what an attempt may spend is asked and taken in the call that records it.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/integration/queue/proxy.h"
#include "test/integration/queue/world.h"

#define ACCOUNT "messenger:a"
#define CHAT    "hm:{00}:chat:messenger:a:1"

static struct world world;
static struct proxy *proxy;
static struct queue *queue;

static int setup(void **state)
{
    world_init(&world, 1, NULL);
    proxy = proxy_new(redis_server_port(world.server));
    queue = world_worker(&world, proxy_url(proxy), 0);
    return 0;
}

static int teardown(void **state)
{
    queue_free(queue);
    proxy_free(proxy);
    world_deinit(&world);
    return 0;
}

static const char *url(void)
{
    return redis_server_url(world.server);
}

static void admit(const char *alias)
{
    assert_int_equal(world_admit(&world, queue, ACCOUNT, alias, NULL, "x").result.admitted, 1);
}

static struct held hold(const char *alias)
{
    admit(alias);
    struct held held = world_claim(&world, queue, 1);
    assert_int_equal(held.count, 1);
    return held;
}

static struct queue_refusal refusal;

// An effect of the held chat is about to leave.
static enum err_code leave(const struct held *held, const struct queue_spend *spend)
{
    struct queue_journal journal = {.chat = held->chat,
                                    .epoch = held->epoch,
                                    .state = "s",
                                    .attempt = "{\"key\":\"k\"}",
                                    .spend = spend,
                                    .ret_refusal = &refusal};
    return world_journal(&world, queue, &journal);
}

static enum err_code leave_send(const struct held *held, int64_t per_day, int64_t per_hour)
{
    struct queue_spend spend = {
        .leaves = true, .kind = QUEUE_SENDS, .per_day = per_day, .per_hour = per_hour};
    return leave(held, &spend);
}

// As the worker does after a refusal: the attempt stays in hand, the timer is what was named.
static void park_for(const struct held *held, int64_t wait_ms)
{
    struct queue_journal journal = {
        .chat = held->chat, .epoch = held->epoch, .state = "s", .attempt = "{\"key\":\"k\"}"};
    assert_int_equal(world_journal(&world, queue, &journal), ERR_NONE);
    struct queue_timer timer = {.delay_ms = wait_ms, .token = "retry:k"};
    struct queue_finish finish = {.chat = held->chat,
                                  .epoch = held->epoch,
                                  .done = held->done + (int64_t)held->entry_count,
                                  .state = "s",
                                  .keep_attempt = true,
                                  .next = QUEUE_PARKED,
                                  .timer = &timer};
    assert_int_equal(world_finish(&world, queue, &finish), ERR_NONE);
}

static struct queue_account account_now(void)
{
    const char *name = ACCOUNT;
    struct queue_account account;
    struct err err = {0};
    if (!queue_account_read(url(), &name, 1, &account, &err))
        fail_msg("%s", err.text);
    return account;
}

static struct queue_chat chat_now(const char *alias)
{
    struct queue_chat chat;
    struct err err = {0};
    if (!queue_chat_read(url(), ACCOUNT, alias, &chat, &err))
        fail_msg("%s", err.text);
    return chat;
}

static int64_t spent_by(const char *alias, enum queue_counted kind)
{
    struct queue_chat chat = chat_now(alias);
    int64_t used = chat.used[kind];
    queue_chat_deinit(&chat);
    return used;
}

static void nothing_is_ready(void)
{
    struct held held = world_claim(&world, queue, 1);
    assert_int_equal(held.count, 0);
}

static void a_contact_s_day_is_taken_from_and_then_refused(void **state)
{
    struct held held = hold("1");
    for (int i = 0; i < 3; i++)
        assert_int_equal(leave_send(&held, 3, 0), ERR_NONE);
    char *before = world_redis(&world, "HGET " CHAT " jn");
    assert_int_equal(leave_send(&held, 3, 0), ERR_LIMIT);
    assert_int_equal(refusal.why, QUEUE_STOP_CONTACT);
    assert_int_equal(refusal.used, 3);
    assert_int_equal(refusal.limit, 3);
    assert_in_range(refusal.wait_ms, 1, 86400000);
    assert_true(world_redis_is(&world, before, "HGET " CHAT " jn")); // nothing was stored
    free(before);
    assert_int_equal(spent_by("1", QUEUE_SENDS), 3);
    assert_int_equal(account_now().used[QUEUE_SENDS], 3);

    // Other kinds are counted apart.
    struct queue_spend call = {.leaves = true, .kind = QUEUE_CALLS, .per_day = 1};
    assert_int_equal(leave(&held, &call), ERR_NONE);
    assert_int_equal(leave(&held, &call), ERR_LIMIT);
    assert_int_equal(spent_by("1", QUEUE_CALLS), 1);
    held_deinit(&held);
}

static void yesterday_s_counts_are_void(void **state)
{
    struct held held = hold("1");
    int64_t day = clock_wall_ms() / 86400000, hour = clock_wall_ms() / 3600000;
    char *old = x_printf("%lld 9 9 9", (long long)day - 1);
    free(world_redis(&world, "HSET " CHAT " spent %s", old));
    free(old);
    old = x_printf("%lld 9 9 9 9", (long long)hour - 1);
    free(world_redis(&world, "HSET hm:{00}:account:" ACCOUNT " spent %s", old));
    free(old);
    assert_int_equal(leave_send(&held, 1, 1), ERR_NONE);
    assert_int_equal(leave_send(&held, 1, 1), ERR_LIMIT);
    char *want = x_printf("%lld 1 0 0", (long long)day);
    assert_true(world_redis_is(&world, want, "HGET " CHAT " spent"));
    free(want);
    held_deinit(&held);
}

static void the_account_s_hour_is_shared_by_its_chats(void **state)
{
    struct held one = hold("1"), two = hold("2");
    assert_int_equal(leave_send(&one, 0, 2), ERR_NONE);
    assert_int_equal(leave_send(&two, 0, 2), ERR_NONE);
    assert_int_equal(leave_send(&one, 0, 2), ERR_LIMIT);
    assert_int_equal(refusal.why, QUEUE_STOP_ACCOUNT);
    assert_in_range(refusal.wait_ms, 1, 3600000);
    assert_int_equal(spent_by("1", QUEUE_SENDS), 1); // a refusal takes from neither
    held_deinit(&one);
    held_deinit(&two);
}

static void a_further_try_takes_nothing(void **state)
{
    struct held held = hold("1");
    assert_int_equal(leave_send(&held, 1, 1), ERR_NONE);
    struct queue_spend again = {.leaves = true, .kind = QUEUE_SENDS, .counted = true, .per_day = 1};
    assert_int_equal(leave(&held, &again), ERR_NONE);
    assert_int_equal(leave_send(&held, 1, 1), ERR_LIMIT);
    assert_int_equal(spent_by("1", QUEUE_SENDS), 1);
    held_deinit(&held);
}

static void a_call_that_arrives_twice_takes_once(void **state)
{
    struct held held = hold("1");
    struct queue_spend spend = {.leaves = true,
                                .kind = QUEUE_TOKENS,
                                .reserve = 100,
                                .per_day = 1000,
                                .per_hour = 1000,
                                .tokens = 7};
    struct queue_journal journal = {.chat = held.chat,
                                    .epoch = held.epoch,
                                    .state = "s",
                                    .attempt = "{\"key\":\"k\"}",
                                    .spend = &spend,
                                    .ret_refusal = &refusal};
    struct done done = {0};
    proxy_swallow(proxy);
    queue_journal(queue, &journal, on_world_done, &done);
    world_wait(&world, world_redis_is(&world, "1", "HEXISTS " CHAT " spent"));
    assert_false(done.called);
    proxy_cut(proxy);
    world_wait(&world, done.called);
    assert_int_equal(done.code, ERR_NONE);
    assert_int_equal(account_now().reserved, 100);
    assert_int_equal(account_now().used[QUEUE_TOKENS], 7);
    held_deinit(&held);
}

static void tokens_are_reserved_and_then_charged_as_they_were_used(void **state)
{
    struct held one = hold("1"), two = hold("2");
    struct queue_spend ask = {
        .leaves = true, .kind = QUEUE_TOKENS, .reserve = 600, .per_day = 5000, .per_hour = 1000};
    assert_int_equal(leave(&one, &ask), ERR_NONE);
    assert_int_equal(leave(&two, &ask), ERR_NONE); // 400 are left: it may begin
    ask.counted = false;
    struct held three = hold("3");
    assert_int_equal(leave(&three, &ask), ERR_LIMIT);
    assert_int_equal(refusal.why, QUEUE_STOP_ACCOUNT);
    assert_in_range(refusal.wait_ms, 1, 5000); // nothing is used yet, only reserved
    assert_int_equal(account_now().used[QUEUE_TOKENS], 0);
    assert_int_equal(account_now().reserved, 1200);

    // The results: one took little, the other more than the budget had.
    struct queue_spend charge = {.tokens = 50, .unreserve = 600};
    assert_int_equal(leave(&one, &charge), ERR_NONE);
    assert_int_equal(leave(&three, &ask), ERR_NONE);
    charge.tokens = 1400;
    assert_int_equal(leave(&two, &charge), ERR_NONE);
    assert_int_equal(account_now().used[QUEUE_TOKENS], 1450);
    assert_int_equal(account_now().reserved, 600);
    assert_int_equal(spent_by("2", QUEUE_TOKENS), 1400);
    assert_int_equal(leave(&one, &ask), ERR_LIMIT);
    assert_int_equal(refusal.used, 1450);
    held_deinit(&one);
    held_deinit(&two);
    held_deinit(&three);
}

static void what_was_used_counts_for_what_comes_next_and_waits_with_it(void **state)
{
    struct held held = hold("1");
    // The effect before took all: its tokens come with the call that asks for the next.
    struct queue_spend ask = {
        .leaves = true, .kind = QUEUE_TOKENS, .per_day = 1000, .tokens = 1000};
    assert_int_equal(leave(&held, &ask), ERR_LIMIT);
    assert_int_equal(spent_by("1", QUEUE_TOKENS), 0); // refused: they are told again
    struct queue_spend charge = {.tokens = 1000};
    assert_int_equal(leave(&held, &charge), ERR_NONE);
    assert_int_equal(spent_by("1", QUEUE_TOKENS), 1000);
    held_deinit(&held);
}

static void a_parked_chat_collects_and_comes_back_by_itself(void **state)
{
    struct held held = hold("1");
    assert_int_equal(leave_send(&held, 1, 0), ERR_NONE);
    assert_int_equal(leave_send(&held, 1, 0), ERR_LIMIT);
    park_for(&held, 300);
    struct queue_chat chat = chat_now("1");
    assert_string_equal(chat.status, "parked");
    assert_string_equal(chat.stopped, "contact");
    queue_chat_deinit(&chat);
    assert_int_equal(account_now().parked[QUEUE_STOP_CONTACT], 1);
    admit("1");
    nothing_is_ready();
    struct held again = world_claim_wait(&world, queue);
    assert_string_equal(again.attempt, "{\"key\":\"k\"}");
    assert_string_equal(again.fired, "retry:k");
    assert_int_equal(again.entry_count, 1);
    assert_int_equal(account_now().parked[QUEUE_STOP_CONTACT], 0);
    assert_true(world_redis_is(&world, "0", "EXISTS hm:{00}:stopped:contact:" ACCOUNT));
    held_deinit(&held);
    held_deinit(&again);
}

static void an_operator_releases_a_chat_whose_day_is_used_up(void **state)
{
    struct held held = hold("1");
    assert_int_equal(leave_send(&held, 1, 0), ERR_NONE);
    assert_int_equal(leave_send(&held, 1, 0), ERR_LIMIT);
    park_for(&held, 3600000);
    struct err err = {0};
    assert_false(queue_account_release_chat(url(), ACCOUNT, "nobody", &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_true(queue_account_release_chat(url(), ACCOUNT, "1", &err));
    struct held again = world_claim_wait(&world, queue);
    assert_string_equal(again.chat, held.chat);
    assert_int_equal(leave_send(&again, 1, 0), ERR_NONE);
    assert_int_equal(leave_send(&again, 1, 0), ERR_LIMIT);
    held_deinit(&held);
    held_deinit(&again);
}

static void a_released_chat_passes_its_account_s_budget_for_the_hour(void **state)
{
    struct held held = hold("1");
    assert_int_equal(leave_send(&held, 0, 1), ERR_NONE);
    assert_int_equal(leave_send(&held, 0, 1), ERR_LIMIT);
    struct err err = {0};
    // Released before it is parked: it need not be.
    assert_true(queue_account_release_chat(url(), ACCOUNT, "1", &err));
    park_for(&held, 3600000);
    struct held again = world_claim_wait(&world, queue), other;
    assert_int_equal(leave_send(&again, 0, 1), ERR_NONE);
    assert_int_equal(leave_send(&again, 0, 1), ERR_NONE);
    other = hold("2");
    assert_int_equal(leave_send(&other, 0, 1), ERR_LIMIT);
    held_deinit(&held);
    held_deinit(&again);
    held_deinit(&other);
}

// Parks `count` chats that were refused, from `first` on.
static void park_many(int first, int count, int64_t per_day, int64_t per_hour)
{
    for (int i = first; i < first + count; i++) {
        char alias[16];
        snprintf(alias, sizeof(alias), "%d", i);
        struct held held = hold(alias);
        while (leave_send(&held, per_day, per_hour) == ERR_NONE)
            continue;
        park_for(&held, 3600000);
        held_deinit(&held);
    }
}

static void an_operator_releases_an_account(void **state)
{
    park_many(1, 3, 0, 2);  // the account's
    park_many(11, 2, 1, 0); // their own
    struct queue_account account = account_now();
    assert_int_equal(account.parked[QUEUE_STOP_ACCOUNT], 3);
    assert_int_equal(account.parked[QUEUE_STOP_CONTACT], 2);
    assert_int_equal(account.used[QUEUE_SENDS], 4);

    struct err err = {0};
    unsigned woken = 0;
    assert_true(queue_account_release(url(), ACCOUNT, false, &woken, &err));
    assert_int_equal(woken, 3);
    account = account_now();
    assert_int_equal(account.parked[QUEUE_STOP_ACCOUNT], 0);
    assert_int_equal(account.parked[QUEUE_STOP_CONTACT], 2);
    assert_int_equal(account.used[QUEUE_SENDS], 0);
    struct held some = world_claim(&world, queue, 8);
    assert_int_equal(some.count, 3);
    assert_int_equal(leave_send(&some, 0, 2), ERR_NONE);
    held_deinit(&some);

    assert_true(queue_account_release(url(), ACCOUNT, true, &woken, &err));
    assert_int_equal(woken, 2);
    some = world_claim(&world, queue, 8);
    assert_int_equal(some.count, 2);
    assert_int_equal(leave_send(&some, 1, 0), ERR_NONE);
    held_deinit(&some);
}

static void an_account_that_is_released_while_a_chat_is_being_parked_takes_it_along(void **state)
{
    struct held held = hold("1");
    assert_int_equal(leave_send(&held, 0, 1), ERR_NONE);
    assert_int_equal(leave_send(&held, 0, 1), ERR_LIMIT);
    struct err err = {0};
    unsigned woken = 0;
    assert_true(queue_account_release(url(), ACCOUNT, false, &woken, &err));
    assert_int_equal(woken, 0);
    park_for(&held, 3600000);
    struct held again = world_claim_wait(&world, queue);
    assert_int_equal(leave_send(&again, 0, 1), ERR_NONE);
    held_deinit(&held);
    held_deinit(&again);
}

static void counts_go_with_the_chat_and_after_the_account_s_window(void **state)
{
    struct held held = hold("1");
    assert_int_equal(leave_send(&held, 9, 9), ERR_NONE);
    assert_int_equal(world_finish_all(&world, queue, &held), ERR_NONE);
    char *chat = world_redis(&world, "TTL " CHAT);
    assert_in_range(strtol(chat, NULL, 10), 40 * 86400 - 30, 40 * 86400);
    char *account = world_redis(&world, "TTL hm:{00}:account:" ACCOUNT);
    assert_in_range(strtol(account, NULL, 10), 3600, 2 * 86400);
    free(chat);
    free(account);
    held_deinit(&held);
}

static void two_names_of_one_person_have_one_budget(void **state)
{
    for (int i = 1; i <= 2; i++) {
        char alias[4];
        snprintf(alias, sizeof(alias), "%d", i);
        struct held held = hold(alias);
        assert_int_equal(leave_send(&held, 4, 0), ERR_NONE);
        assert_int_equal(leave_send(&held, 4, 0), ERR_NONE);
        assert_int_equal(world_finish_all(&world, queue, &held), ERR_NONE);
        held_deinit(&held);
    }
    const char *both[] = {"1", "2"};
    struct queue_event event = {.account = ACCOUNT, .aliases = both, .alias_count = 2, .json = "x"};
    struct admitted admitted = {0};
    queue_admit(queue, &event, 1, on_world_admitted, &admitted);
    world_wait(&world, admitted.called);
    struct held held = world_claim_wait(&world, queue);
    assert_int_equal(spent_by("2", QUEUE_SENDS), 4);
    assert_int_equal(leave_send(&held, 4, 0), ERR_LIMIT);
    held_deinit(&held);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_contact_s_day_is_taken_from_and_then_refused),
        TEST(yesterday_s_counts_are_void),
        TEST(the_account_s_hour_is_shared_by_its_chats),
        TEST(a_further_try_takes_nothing),
        TEST(a_call_that_arrives_twice_takes_once),
        TEST(tokens_are_reserved_and_then_charged_as_they_were_used),
        TEST(what_was_used_counts_for_what_comes_next_and_waits_with_it),
        TEST(a_parked_chat_collects_and_comes_back_by_itself),
        TEST(an_operator_releases_a_chat_whose_day_is_used_up),
        TEST(a_released_chat_passes_its_account_s_budget_for_the_hour),
        TEST(an_operator_releases_an_account),
        TEST(an_account_that_is_released_while_a_chat_is_being_parked_takes_it_along),
        TEST(counts_go_with_the_chat_and_after_the_account_s_window),
        TEST(two_names_of_one_person_have_one_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
