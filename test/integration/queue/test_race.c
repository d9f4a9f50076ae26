// SPDX-License-Identifier: MIT
/*
 * Many threads, each with a connection of its own, admit events of the same people under one name,
 * another, or several, while workers claim, hold, park, hand back, finish and die. In the end each
 * person has one chat, every event was processed once, each source's events in order, and no
 * session was lost: either it went on, or it was handed in as an event.
 *
 * The same with an operator who pauses and resumes the account all the time.
 *
 * A session is the list of the events that it processed; a session that was handed in is a list
 * within the list.
 */

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/event.h"
#include "test/integration/queue/world.h"

enum { PEOPLE = 8, ROUNDS = 24, SOURCES = 6, WORKERS = 3 };

// What each source calls a person: phone, two ids, user name.
static const char *const names_of[SOURCES] = {"p", "b", "q", "pb", "bq", "q@p"};

static struct world world;
static atomic_bool stopping, settled, failed;
static pthread_barrier_t next_round; // sources go in step, so that all of them race

static int setup(void **state)
{
    world_init(&world, 1, NULL);
    atomic_store(&stopping, false);
    atomic_store(&settled, false);
    return 0;
}

static int teardown(void **state)
{
    world_deinit(&world);
    return 0;
}

// In a thread nothing may fail_msg(): the main thread does it.
#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition) && !atomic_exchange(&failed, true))                                       \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
    } while (0)

static struct queue *open_queue(struct event_base *base)
{
    struct queue_config config = {
        .url = redis_server_url(world.server), .give_up_ms = WORLD_PATIENCE_MS, .name = "race"};
    struct err err = {0};
    struct queue *queue = queue_new(base, &config, &err);
    check(queue != NULL);
    return queue;
}

static void run_until(struct event_base *base, const bool *flag)
{
    int64_t deadline_ms = clock_mono_ms() + WORLD_PATIENCE_MS;
    while (!*flag && !atomic_load(&failed)) {
        event_base_loop(base, EVLOOP_ONCE);
        check(clock_mono_ms() < deadline_ms);
    }
}

/* --- sources -----------------------------------------------------------------------------------
 */

struct told {
    bool called, again;
};

static void on_admitted(void *arg, const struct queue_admitted *result, const struct err *err)
{
    struct told *told = arg;
    check(!err && result->admitted + result->duplicates == 1 && result->admitted == !told->again);
    told->called = true;
}

static void admit(struct queue *queue, int source, int person, int n, struct told *told)
{
    char names[3][16], key[32], json[32];
    const char *aliases[3];
    size_t count = 0;
    for (; names_of[source][count]; count++) {
        snprintf(names[count], sizeof names[count], "%c%d", names_of[source][count], person);
        aliases[count] = names[count];
    }
    snprintf(key, sizeof key, "%d.%d.%d", source, person, n);
    snprintf(json, sizeof json, "\"%d.%d\"", source, n);
    struct queue_event event = {.account = "whatsapp:1",
                                .aliases = aliases,
                                .alias_count = count,
                                .dedup_key = key,
                                .timestamp_ms = clock_wall_ms(),
                                .json = json};
    queue_admit(queue, &event, 1, on_admitted, told);
}

// People are known by single names first; one after the other gets sources that know more of them.
static int first_round(int source, int person)
{
    return source > 2 ? ROUNDS / 4 + 2 * person : 0;
}

static void *source_main(void *arg)
{
    int source = (int)(intptr_t)arg;
    struct event_base *base = event_base_new();
    struct queue *queue = open_queue(base);
    for (int n = 0; n < ROUNDS; n++) {
        pthread_barrier_wait(&next_round);
        struct told told[PEOPLE] = {0}, repeated = {.again = true};
        for (int person = 0; person < PEOPLE && !atomic_load(&failed); person++)
            if (n >= first_round(source, person))
                admit(queue, source, person, n, &told[person]);
        for (int person = 0; person < PEOPLE; person++)
            if (n >= first_round(source, person))
                run_until(base, &told[person].called);
        if (n < first_round(source, n % PEOPLE) || atomic_load(&failed))
            continue;
        admit(queue, source, n % PEOPLE, n, &repeated); // delivered twice
        run_until(base, &repeated.called);
    }
    queue_free(queue);
    event_base_free(base);
    return NULL;
}

/* --- workers -----------------------------------------------------------------------------------
 */

struct worker {
    struct event_base *base;
    struct queue *queue;
    unsigned random;
    bool answered, waking;
    int open; // calls
    struct queue_refusal refusal;
};

static void on_wake(void *arg, unsigned shard)
{
    struct worker *worker = arg;
    worker->waking = true;
}

static void on_done(void *arg, const struct err *err)
{
    struct worker *worker = arg;
    check(!err);
    worker->open--;
}

static void on_journaled(void *arg, const struct err *err)
{
    struct worker *worker = arg;
    check(!err || (err->code == ERR_LIMIT && worker->refusal.why == QUEUE_STOP_PAUSED));
    worker->open--;
}

// What a session is after it has processed an entry.
static void process(cJSON *session, const char *entry)
{
    if (entry[0] == '"') {
        cJSON_AddItemToArray(session, cJSON_Parse(entry));
        return;
    }
    struct event event = {0};
    struct err err = {0};
    bool ok = event_from_json(entry, strlen(entry), &event, &err);
    check(ok && event.kind == EVENT_CONTACT && strcmp(event.type, "merged") == 0);
    cJSON *data = ok ? cJSON_Parse(event.data) : NULL;
    cJSON *state = cJSON_DetachItemFromObject(data, "state");
    check(cJSON_IsArray(state));
    cJSON_AddItemToArray(session, state);
    cJSON_Delete(data);
    event_deinit(&event);
}

static void finish(struct worker *worker, const struct queue_claim *claim, size_t entries)
{
    cJSON *session = claim->state ? cJSON_Parse(claim->state) : cJSON_CreateArray();
    for (size_t i = 0; i < entries; i++)
        process(session, claim->entries[i].json);
    char *state = cJSON_PrintUnformatted(session);
    struct queue_timer cancel = {.delay_ms = -1};
    struct queue_finish call = {.chat = claim->chat,
                                .epoch = claim->epoch,
                                .done = claim->done + (int64_t)entries,
                                .state = cJSON_GetArraySize(session) > 0 ? state : NULL,
                                .timer = &cancel};
    worker->open++;
    queue_finish(worker->queue, &call, on_done, worker);
    free(state);
    cJSON_Delete(session);
}

static void park(struct worker *worker, const struct queue_claim *claim)
{
    struct queue_spend spend = {.leaves = true, .kind = QUEUE_SENDS};
    struct queue_journal journal = {.chat = claim->chat,
                                    .epoch = claim->epoch,
                                    .state = claim->state,
                                    .attempt = "{\"key\":\"k\"}",
                                    .spend = &spend,
                                    .ret_refusal = &worker->refusal};
    struct queue_timer timer = {.delay_ms = rand_r(&worker->random) % 20, .token = "retry"};
    struct queue_finish call = {.chat = claim->chat,
                                .epoch = claim->epoch,
                                .done = claim->done,
                                .state = claim->state,
                                .keep_attempt = true,
                                .next = QUEUE_PARKED,
                                .timer = &timer};
    worker->open += 2;
    queue_journal(worker->queue, &journal, on_journaled, worker);
    queue_finish(worker->queue, &call, on_done, worker);
}

static void hand_back(struct worker *worker, const struct queue_claim *claim)
{
    struct queue_finish call = {.chat = claim->chat,
                                .epoch = claim->epoch,
                                .done = claim->done,
                                .state = claim->state,
                                .keep_attempt = true,
                                .next = QUEUE_READY};
    worker->open++;
    queue_finish(worker->queue, &call, on_done, worker);
}

static void on_claimed(void *arg, const struct queue_claim *claims, size_t count,
                       const struct err *err)
{
    struct worker *worker = arg;
    check(!err);
    worker->answered = true;
    worker->waking = worker->waking || count > 0;
    for (size_t i = 0; i < count; i++) {
        unsigned dice = rand_r(&worker->random) % 16;
        if (dice == 0)
            hand_back(worker, &claims[i]);
        else if (dice < 5 && !claims[i].attempt && claims[i].entry_count > 0)
            park(worker, &claims[i]);
        else if (dice == 5)
            continue; // held until this worker ends
        else if (dice < 9 && claims[i].entry_count > 1)
            finish(worker, &claims[i], claims[i].entry_count / 2);
        else
            finish(worker, &claims[i], claims[i].entry_count);
    }
}

// One life of a worker: some claims; then it leaves, whatever it holds.
static void live(struct worker *worker, int claims)
{
    worker->queue = open_queue(worker->base);
    if (!worker->queue)
        return;
    queue_serve(worker->queue, on_wake, worker);
    worker->waking = true;
    for (int i = 0; i < claims && !atomic_load(&stopping) && !atomic_load(&failed);) {
        if (!worker->waking || worker->open > 0) {
            event_base_loop(worker->base, EVLOOP_ONCE); // the queue ticks
            continue;
        }
        worker->waking = worker->answered = false;
        queue_claim(worker->queue, 0, 1 + rand_r(&worker->random) % 4, on_claimed, worker);
        run_until(worker->base, &worker->answered);
        i++;
    }
    int64_t deadline_ms = clock_mono_ms() + WORLD_PATIENCE_MS;
    while (worker->open > 0 && !atomic_load(&failed)) {
        event_base_loop(worker->base, EVLOOP_ONCE);
        check(clock_mono_ms() < deadline_ms);
    }
    queue_free(worker->queue);
}

static void *worker_main(void *arg)
{
    struct worker worker = {.base = event_base_new(), .random = 100 + (unsigned)(intptr_t)arg};
    while (!atomic_load(&stopping) && !atomic_load(&failed))
        live(&worker, 30);
    event_base_free(worker.base);
    return NULL;
}

/* --- the operator ------------------------------------------------------------------------------
 */

static void *operator_main(void *arg)
{
    const char *url = redis_server_url(world.server);
    struct err err = {0};
    unsigned woken = 0, all = 0;
    while (!atomic_load(&settled) && !atomic_load(&failed)) {
        check(queue_account_pause(url, "whatsapp:1", 0, &err));
        check(queue_account_resume(url, "whatsapp:1", &woken, &err));
        all += woken;
    }
    print_message("the operator woke %u parked chats\n", all);
    return NULL;
}

/* --- what came of it ---------------------------------------------------------------------------
 */

struct range {
    int least, most;
};
struct sums {
    int times[SOURCES][ROUNDS];
    struct range ranges[16][SOURCES]; // of each list
    int lists;
};

// Each source's events rise within a list.
static void add_list(struct sums *sums, const cJSON *list)
{
    assert_true(sums->lists < 16);
    struct range *ranges = sums->ranges[sums->lists++];
    for (int i = 0; i < SOURCES; i++)
        ranges[i] = (struct range){ROUNDS, -1};
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        int source = -1, n = -1;
        if (cJSON_IsArray(item)) {
            add_list(sums, item);
            continue;
        }
        assert_int_equal(sscanf(item->valuestring, "%d.%d", &source, &n), 2);
        sums->times[source][n]++;
        assert_true(n > ranges[source].most);
        ranges[source].most = n;
        if (ranges[source].least == ROUNDS)
            ranges[source].least = n;
    }
}

// What a source said to one session was before or after all that it said to another.
static void lists_do_not_mix(const struct sums *sums)
{
    for (int a = 0; a < sums->lists; a++)
        for (int b = 0; b < a; b++)
            for (int i = 0; i < SOURCES; i++)
                assert_true(sums->ranges[a][i].most < sums->ranges[b][i].least ||
                            sums->ranges[b][i].most < sums->ranges[a][i].least);
}

static void look_at_person(int person)
{
    char *name = world_redis(&world, "HGET hm:{00}:alias:whatsapp:1 @%d", person);
    for (const char *kind = "pbq"; *kind; kind++) { // all names lead to this chat
        char *alias = x_printf("%c%d", *kind, person);
        if (strcmp(alias, name) != 0) {
            char *root = world_redis(&world, "HGET hm:{00}:alias:whatsapp:1 %s", alias);
            char *next = world_redis(&world, "HGET hm:{00}:alias:whatsapp:1 %s", root);
            assert_string_equal(*next ? next : root, name);
            assert_true(world_redis_is(&world, "0", "EXISTS hm:{00}:chat:whatsapp:1:%s", alias));
            free(root);
            free(next);
        }
        free(alias);
    }
    char *state = world_redis(&world, "HGET hm:{00}:chat:whatsapp:1:%s state", name);
    cJSON *session = cJSON_Parse(state);
    assert_true(cJSON_IsArray(session));
    struct sums sums = {0};
    add_list(&sums, session);
    lists_do_not_mix(&sums);
    for (int source = 0; source < SOURCES; source++)
        for (int n = first_round(source, person); n < ROUNDS; n++)
            assert_int_equal(sums.times[source][n], 1);
    cJSON_Delete(session);
    free(state);
    free(name);
}

static bool is_quiet(void)
{
    return atomic_load(&failed) ||
           (world_redis_is(&world, "0", "GET hm:{00}:waiting") &&
            world_redis_is(&world, "0",
                           "EXISTS hm:{00}:ring hm:{00}:parked hm:{00}:joining hm:{00}:timers"));
}

static void on_ledger(void *arg, const struct queue_ledger *ledger)
{
    *(uint64_t *)arg += ledger->merged;
    print_message("%s: %llu admitted, %llu duplicates, %llu sessions ended by merges%s%s\n",
                  ledger->account, (unsigned long long)ledger->admitted,
                  (unsigned long long)ledger->duplicate, (unsigned long long)ledger->merged,
                  ledger->problem ? ": " : "", ledger->problem ? ledger->problem : "");
}

static void run_all(bool operated)
{
    pthread_t sources[SOURCES], workers[WORKERS], operator;
    if (operated)
        pthread_create(&operator, NULL, operator_main, NULL);
    pthread_barrier_init(&next_round, NULL, SOURCES);
    for (intptr_t i = 0; i < WORKERS; i++)
        pthread_create(&workers[i], NULL, worker_main, (void *)i);
    for (intptr_t i = 0; i < SOURCES; i++)
        pthread_create(&sources[i], NULL, source_main, (void *)i);
    for (int i = 0; i < SOURCES; i++)
        pthread_join(sources[i], NULL);
    atomic_store(&settled, true);
    if (operated)
        pthread_join(operator, NULL);
    int64_t deadline_ms = clock_mono_ms() + 3 * WORLD_PATIENCE_MS;
    while (!is_quiet() && clock_mono_ms() < deadline_ms)
        event_base_loop(world.base, EVLOOP_ONCE);
    pthread_barrier_destroy(&next_round);
    bool quiet = is_quiet();
    atomic_store(&stopping, true);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
    assert_false(atomic_load(&failed));
    assert_true(quiet);
    assert_true(world_redis_is(&world, "0", "EXISTS hm:{00}:stopped:paused:whatsapp:1"));
    for (int person = 0; person < PEOPLE; person++)
        look_at_person(person);
    struct err err = {0};
    bool balanced = false;
    uint64_t ended = 0;
    assert_true(queue_audit(redis_server_url(world.server), on_ledger, &ended, &balanced, &err));
    assert_true(balanced);
    assert_true(
        world_redis_is(&world, "8", "EVAL %s 0", "return #redis.call('KEYS', 'hm:{00}:chat:*')"));
}

static void names_that_are_learned_while_all_runs_lose_nothing(void **state)
{
    run_all(false);
}

static void pauses_while_all_runs_lose_nothing(void **state)
{
    run_all(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_that_are_learned_while_all_runs_lose_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(pauses_while_all_runs_lose_nothing, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
