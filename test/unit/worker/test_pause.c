// SPDX-License-Identifier: MIT
// An activation whose chat is paused, between a queue and a MongoDB that are the test's own.
#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "nodes/registry.h"
#include "worker/activation.h"
#include "worker/perform.h"

#define STR(text) ((char *)(text))

enum { PAUSE_MS = 600000 };

/* --- the outside, as the worker sees it
 * -------------------------------------------------------- */

static struct {
    struct projection *projection; // what was written last
    char *state;                   // what finish stored
    char *sent_id;                 // what a journal told
    int64_t timer_ms;              // < 0: cancelled
    unsigned finished, released;
} seen;

// Callbacks come on a later turn of the loop, as those of the real ones do.
static struct {
    queue_done_fn done; // writer_done_fn is of the same type
    perform_fn performed;
    void *arg;
} later;

static void loop(void)
{
    while (later.done || later.performed) {
        queue_done_fn done = later.done;
        perform_fn performed = later.performed;
        later.done = NULL;
        later.performed = NULL;
        if (done)
            done(later.arg, NULL);
        if (!performed)
            continue;
        cJSON *result = cJSON_CreateObject(); // the message was accepted
        cJSON_AddTrueToObject(result, "ok");
        json_add_str(result, "id", "wamid.OUT1");
        struct performed answer = {.verdict = VERDICT_DONE, .result = result, .text = ""};
        performed(later.arg, &answer);
        cJSON_Delete(result);
    }
}

static void call_later(queue_done_fn done, void *arg)
{
    assert_true(!later.done && !later.performed);
    later.done = done;
    later.arg = arg;
}

static void seen_clear(void)
{
    projection_free(seen.projection);
    free(seen.state);
    free(seen.sent_id);
    memset(&seen, 0, sizeof seen);
}

void queue_journal(struct queue *queue, const struct queue_journal *journal, queue_done_fn done,
                   void *arg)
{
    if (journal->sent_id) {
        free(seen.sent_id);
        seen.sent_id = x_dup(journal->sent_id);
    }
    call_later(done, arg);
}

void queue_finish(struct queue *queue, const struct queue_finish *finish, queue_done_fn done,
                  void *arg)
{
    seen.finished++;
    free(seen.state);
    seen.state = x_dup(finish->state);
    seen.timer_ms = finish->timer ? finish->timer->delay_ms : 0;
    call_later(done, arg);
}

int64_t queue_lease_left_ms(const struct queue *queue)
{
    return 10000;
}

void writer_project(struct writer *writer, struct projection *owned_projection, writer_done_fn done,
                    void *arg)
{
    projection_free(seen.projection);
    seen.projection = owned_projection;
    call_later(done, arg);
}

void worker_released(struct worker *worker, unsigned shard)
{
    worker->active--;
    seen.released++;
}

static struct known account_known, flow_known;

struct known *known_ref(struct known *known)
{
    return known;
}

void known_unref(struct known *known)
{
}

struct known *catalog_peek(struct catalog *catalog, const char *key)
{
    return strncmp(key, "account:", 8) == 0 ? &account_known : &flow_known;
}

void catalog_load(struct catalog *catalog, const char *key, catalog_fn fn, void *arg)
{
    fail_msg("%s is loaded", key);
}

void perform(struct worker *worker, const struct perform_request *request, perform_fn fn, void *arg)
{
    later.performed = fn;
    later.arg = arg;
}

struct effect_result perform_result(const cJSON *result)
{
    return (struct effect_result){.ok = true};
}

/* --- a chat
 * ------------------------------------------------------------------------------------ */

static char flow_ids[1][25] = {"665f1c0a9d3e4b2a1c000001"};
static struct account account = {
    .platform = PLATFORM_WHATSAPP, .status = STR("connected"), .flows = flow_ids, .flow_count = 1};

static int setup(void **state)
{
    static const char document[] =
        "{\"name\":\"T\",\"nodes\":[{\"id\":\"s\",\"type\":\"start\"},{\"id\":\"i\",\"type\":"
        "\"input\",\"data\":{\"message\":\"Name?\",\"timeout\":1000}},{\"id\":\"e\",\"type\":"
        "\"end\"}"
        "],\"edges\":[{\"source\":\"s\",\"target\":\"i\"},{\"source\":\"i\",\"target\":\"e\"}]}";
    struct diags diags = {0};
    cJSON *json = json_read(document, strlen(document), NULL);
    flow_known = (struct known){.flow = flow_compile(json, node_types, &diags), .version = 1};
    account_known = (struct known){.account = &account};
    cJSON_Delete(json);
    diags_deinit(&diags);
    return flow_known.flow ? 0 : -1;
}

static int teardown(void **state)
{
    seen_clear();
    flow_unref(flow_known.flow);
    return 0;
}

struct chat {
    char *state; // as the queue keeps it
    int64_t number;
    int64_t paused_ms;
};

// One claim of the chat: with a message, or without.
static void activate(struct chat *chat, const char *text, const char *fired)
{
    static struct config config;
    struct worker worker = {.config = &config};
    char *json = x_printf("{\"platform\":\"whatsapp\",\"kind\":\"message\",\"type\":\"text\","
                          "\"account\":\"1099\",\"contact\":\"595981\",\"aliases\":[\"595981\"],"
                          "\"id\":\"wamid.%lld\",\"timestamp\":1,\"text\":\"%s\"}",
                          (long long)chat->number + 1, text ? text : "");
    struct queue_entry entry = {.number = chat->number + 1, .json = json};
    struct queue_claim claim = {.chat = "whatsapp:1099:595981",
                                .account = "whatsapp:1099",
                                .epoch = 1,
                                .done = chat->number,
                                .state = chat->state,
                                .entries = &entry,
                                .entry_count = text ? 1 : 0,
                                .fired = fired,
                                .paused_ms = chat->paused_ms};
    unsigned released = seen.released;
    activation_start(&worker, &claim);
    loop();
    assert_int_equal(seen.released, released + 1);
    chat->number += text ? 1 : 0;
    free(chat->state);
    chat->state = x_dup(seen.state);
    free(json);
}

static const char *last_status(void)
{
    return seen.projection->session_count
               ? seen.projection->sessions[seen.projection->session_count - 1].status
               : "none";
}

static bool history_says(const char *text)
{
    char *history = json_print(seen.projection->history);
    bool found = strstr(history, text);
    free(history);
    return found;
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

static char *token_of(const struct chat *chat)
{
    cJSON *json = json_read(chat->state, strlen(chat->state), NULL);
    const cJSON *session = json_get(json, "session");
    char *token = x_printf("%s:%lld", json_str(session, "id"),
                           (long long)json_int(session, "wait_number", 0));
    cJSON_Delete(json);
    return token;
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
