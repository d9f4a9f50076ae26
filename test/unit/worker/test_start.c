// SPDX-License-Identifier: MIT
// What an activation starts, of several enabled flows, between a queue and a MongoDB of the test's
// own.
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

/* --- the outside, as the worker sees it
 * -------------------------------------------------------- */

static struct {
    struct projection *projection; // what was written last
    char *state;                   // what finish stored
    char *said;                    // all messages, a line each
    unsigned loads;                // of flows and accounts
} seen;

// Callbacks come on a later turn of the loop, as those of the real ones do.
static struct {
    queue_done_fn done; // writer_done_fn is of the same type
    perform_fn performed;
    void *arg;
} later;

static struct {
    catalog_fn fn;
    void *arg;
    char key[64];
} loads[8];
static size_t load_count;

static struct known *known_of(const char *key);

static void loop(void)
{
    while (later.done || later.performed || load_count) {
        if (load_count) {
            load_count--;
            loads[load_count].fn(loads[load_count].arg, known_of(loads[load_count].key));
            continue;
        }
        queue_done_fn done = later.done;
        perform_fn performed = later.performed;
        later.done = NULL;
        later.performed = NULL;
        if (done)
            done(later.arg, NULL);
        if (!performed)
            continue;
        cJSON *result = cJSON_CreateObject();
        cJSON_AddTrueToObject(result, "ok");
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
    free(seen.said);
    memset(&seen, 0, sizeof seen);
    seen.said = x_dup("");
}

void queue_journal(struct queue *queue, const struct queue_journal *journal, queue_done_fn done,
                   void *arg)
{
    call_later(done, arg);
}

void queue_finish(struct queue *queue, const struct queue_finish *finish, queue_done_fn done,
                  void *arg)
{
    free(seen.state);
    seen.state = x_dup(finish->state);
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
}

void perform(struct worker *worker, const struct perform_request *request, perform_fn fn, void *arg)
{
    char *longer = x_printf("%s%s\n", seen.said, request->effect->text);
    free(seen.said);
    seen.said = longer;
    later.performed = fn;
    later.arg = arg;
}

struct effect_result perform_result(const cJSON *result)
{
    return (struct effect_result){.ok = true};
}

/* --- accounts and flows
 * ------------------------------------------------------------------------ */

enum { FLOWS = 7, OF_ANOTHER = 6, LOOSE = 5 }; // the last two are not enabled

static char flow_ids[FLOWS][25];
static struct known flows[FLOWS], account_known, nothing = {.err = {.code = ERR_NOT_FOUND}};
static struct account account = {.platform = PLATFORM_WHATSAPP,
                                 .status = STR("connected"),
                                 .flows = flow_ids,
                                 .user_id = "665f1c0a9d3e4b2a1c0000aa"};
static bool is_cold; // nothing is in the cache

struct known *known_ref(struct known *known)
{
    known->refs++;
    return known;
}

void known_unref(struct known *known)
{
    if (known)
        known->refs--;
}

static struct known *known_of(const char *key)
{
    if (strncmp(key, "account:", 8) == 0)
        return &account_known;
    for (size_t i = 0; i < FLOWS; i++)
        if (strncmp(key + 5, flow_ids[i], 24) == 0)
            return &flows[i];
    return &nothing;
}

struct known *catalog_peek(struct catalog *catalog, const char *key)
{
    bool of_session = strchr(key, '@');
    if (is_cold && strncmp(key, "flow:", 5) == 0 && !of_session)
        return NULL;
    return known_ref(known_of(key));
}

void catalog_load(struct catalog *catalog, const char *key, catalog_fn fn, void *arg)
{
    assert_true(load_count < 8);
    seen.loads++;
    loads[load_count].fn = fn;
    loads[load_count].arg = arg;
    snprintf(loads[load_count++].key, sizeof loads[0].key, "%s", key);
}

// Says its name, and waits for an answer.
static struct flow *compile(const char *name, const char *triggers)
{
    char *text = x_printf(
        "{\"name\":\"T\",\"nodes\":[{\"id\":\"s\",\"type\":\"start\",\"data\":{\"triggers\":[%s]}},"
        "{\"id\":\"m\",\"type\":\"input\",\"data\":{\"message\":\"%s {{ n }}\"}},"
        "{\"id\":\"e\",\"type\":\"end\"}],\"edges\":[{\"source\":\"s\",\"target\":\"m\"},"
        "{\"source\":\"m\",\"target\":\"e\"}]}",
        triggers, name);
    struct diags diags = {0};
    cJSON *json = json_read(text, strlen(text), NULL);
    struct flow *flow = flow_compile(json, node_types, &diags);
    if (!flow)
        fail_msg("%s", diags.items[0].text);
    cJSON_Delete(json);
    diags_deinit(&diags);
    free(text);
    return flow;
}

static int setup(void **state)
{
    static const char *const triggers[FLOWS] = {
        "{\"type\":\"keyword\",\"words\":\"stop\",\"match\":\"exact\",\"interrupts\":true}",
        "{\"type\":\"firstContact\"}",
        "{\"type\":\"message\"}",
        "{\"type\":\"message\"}",
        "{\"type\":\"reaction\"}",
        "\"manual\"",
        "\"manual\"",
    };
    static const char *const names[FLOWS] = {"stop",     "first", "message", "second",
                                             "reaction", "loose", "other"};
    for (size_t i = 0; i < FLOWS; i++) {
        snprintf(flow_ids[i], sizeof flow_ids[i], "665f1c0a9d3e4b2a1c00000%zu", i);
        flows[i] = (struct known){.flow = compile(names[i], triggers[i]), .version = 1, .refs = 1};
        strcpy(flows[i].owner, account.user_id);
    }
    flows[OF_ANOTHER].owner[0] = '0';
    account.flow_count = LOOSE;
    account_known = (struct known){.account = &account, .refs = 1};
    is_cold = false;
    seen_clear();
    return 0;
}

static int teardown(void **state)
{
    flow_list_unref(account_known.flows);
    for (size_t i = 0; i < FLOWS; i++) {
        assert_int_equal(flows[i].refs, 1); // whoever took one gave it back
        flow_unref(flows[i].flow);
    }
    seen_clear();
    free(seen.said);
    seen.said = NULL;
    return 0;
}

/* --- a chat
 * ------------------------------------------------------------------------------------ */

struct chat {
    char *state; // as the queue keeps it
    int64_t number;
    int64_t paused_ms;
};

// One claim of the chat with one event, its members in single quotes.
static void happens(struct chat *chat, const char *members)
{
    static struct config config;
    struct worker worker = {.config = &config};
    char *json = x_printf("{'platform':'whatsapp','account':'1099','contact':'595981','aliases':"
                          "['595981'],'id':'wamid.%lld','timestamp':1,%s}",
                          (long long)chat->number + 1, members);
    for (char *c = json; *c; c++)
        if (*c == '\'')
            *c = '"';
    struct queue_entry entry = {.number = chat->number + 1, .json = json};
    struct queue_claim claim = {.chat = "whatsapp:1099:595981",
                                .account = "whatsapp:1099",
                                .epoch = 1,
                                .done = chat->number,
                                .state = chat->state,
                                .entries = &entry,
                                .entry_count = 1,
                                .is_new = chat->number == 0,
                                .paused_ms = chat->paused_ms};
    free(seen.said);
    seen.said = x_dup("");
    activation_start(&worker, &claim);
    loop();
    assert_int_equal(worker.active, 0);
    chat->number++;
    free(chat->state);
    chat->state = x_dup(seen.state);
    free(json);
}

static void says(struct chat *chat, const char *text)
{
    char *members = x_printf("'kind':'message','type':'text','text':'%s'", text);
    happens(chat, members);
    free(members);
}

static bool history_has(const char *text)
{
    char *history = json_print(seen.projection->history);
    bool found = strstr(history, text);
    free(history);
    return found;
}

static void end(struct chat *chat)
{
    free(chat->state);
}

static void the_best_trigger_starts_and_the_order_of_the_list_breaks_ties(void **state)
{
    struct chat chat = {0};
    says(&chat, "hello");
    assert_string_equal(seen.said, "first \n");
    assert_true(history_has("\"trigger\":\"first contact\""));
    says(&chat, "an answer");
    assert_string_equal(seen.said, "");
    says(&chat, "hello");
    assert_string_equal(seen.said, "message \n");
    end(&chat);
}

static void flows_that_are_not_known_yet_are_loaded_all_at_once(void **state)
{
    struct chat chat = {.number = 7};
    is_cold = true;
    says(&chat, "hello");
    assert_int_equal(seen.loads, LOOSE);
    assert_string_equal(seen.said, "message \n");
    end(&chat);
}

static void a_known_list_is_not_looked_up_again(void **state)
{
    struct chat chat = {.number = 7};
    for (size_t i = 0; i < FLOWS; i++)
        flows[i].fresh_until = clock_mono_ms() + 60000;
    says(&chat, "hello");
    is_cold = true; // a look-up would fail now
    says(&chat, "an answer");
    says(&chat, "hello");
    assert_string_equal(seen.said, "message \n");
    assert_int_equal(seen.loads, 0);
    flows[2].fresh_until = 0; // somebody said that it changed
    says(&chat, "an answer");
    assert_int_equal(seen.loads, LOOSE);
    end(&chat);
}

static void a_trigger_that_interrupts_ends_the_session_that_waits(void **state)
{
    struct chat chat = {.number = 7};
    says(&chat, "hello");
    says(&chat, "Stop!");
    assert_string_equal(seen.said, "stop \n");
    assert_int_equal(seen.projection->session_count, 2);
    assert_string_equal(seen.projection->sessions[0].status, "abandoned");
    assert_string_equal(seen.projection->sessions[1].status, "active");
    assert_true(history_has("\"outcome\":\"interrupted\""));
    assert_true(history_has("was interrupted: keyword 'stop' starts flow 665f1c"));
    says(&chat, "stop"); // the flow that waits is its own
    assert_string_equal(seen.said, "stop \n");
    end(&chat);
}

static void a_person_who_has_the_chat_is_not_interrupted(void **state)
{
    struct chat chat = {.number = 7};
    says(&chat, "hello");
    char *waits = strstr(chat.state, "\"wait\":\"input\"");
    assert_non_null(waits);
    char *handed = x_printf("%.*s\"wait\":\"handoff\"%s", (int)(waits - chat.state), chat.state,
                            waits + strlen("\"wait\":\"input\""));
    free(chat.state);
    chat.state = handed;
    happens(&chat, "'kind':'start','target':'665f1c0a9d3e4b2a1c000002','data':{'interrupt':true}");
    assert_true(history_has("a person has the chat"));
    assert_string_equal(seen.said, "");
    says(&chat, "stop");
    assert_string_equal(seen.said, "");
    assert_false(history_has("interrupted"));
    end(&chat);
}

static void a_paused_chat_starts_nothing_and_interrupts_nothing(void **state)
{
    struct chat chat = {.number = 7};
    says(&chat, "hello");
    chat.paused_ms = clock_wall_ms() + 60000;
    says(&chat, "stop");
    assert_string_equal(seen.said, "");
    assert_string_equal(seen.projection->sessions[0].status, "active");
    end(&chat);
}

static void a_reaction_is_recorded_and_starts_what_asks_for_it(void **state)
{
    struct chat chat = {.number = 7};
    happens(&chat, "'kind':'reaction','target':'wamid.OUT','emoji':'+'");
    assert_string_equal(seen.said, "reaction \n");
    assert_int_equal(seen.projection->receipt_count, 1);
    const struct receipt *receipt = &seen.projection->receipts[0];
    assert_int_equal(receipt->kind, RECEIPT_REACTION);
    assert_string_equal(receipt->platform_id, "wamid.OUT");
    assert_string_equal(receipt->contact, "595981");
    assert_string_equal(receipt->account, "whatsapp:1099");
    assert_string_equal(receipt->emoji, "+");
    happens(&chat, "'kind':'reaction','target':'wamid.OUT'"); // taken back
    assert_string_equal(seen.said, "");
    assert_null(seen.projection->receipts[0].emoji);
    assert_string_equal(seen.projection->sessions[0].status, "active");
    end(&chat);
}

static void a_start_by_hand_brings_its_variables(void **state)
{
    struct chat chat = {0};
    happens(&chat, "'kind':'start','target':'665f1c0a9d3e4b2a1c000002','data':{'vars':{'n':7}}");
    assert_string_equal(seen.said, "message 7\n");
    assert_true(history_has("\"trigger\":\"manual\""));
    happens(&chat, "'kind':'start','target':'665f1c0a9d3e4b2a1c000003'");
    assert_string_equal(seen.said, "");
    assert_true(history_has("not started by hand: a session waits"));
    happens(&chat, "'kind':'start','target':'665f1c0a9d3e4b2a1c000003','data':{'interrupt':true}");
    assert_string_equal(seen.said, "second \n");
    end(&chat);
}

static void a_start_by_hand_is_refused_with_its_reason(void **state)
{
    static const struct {
        const char *target, *data, *why;
    } cases[] = {
        {"665f1c0a9d3e4b2a1c000005", "{}", "it is not enabled on the account"},
        {"665f1c0a9d3e4b2a1c000006", "{'force':true}", "it belongs to another user"},
        {"665f1c0a9d3e4b2a1c0000ff", "{}", "there is no such flow"},
        {"../x@1", "{'force':true}", "there is no such flow"},
        {"665f1c0a9d3e4b2a1c000002", "{'vars':{'contact':1}}", "filled by Hookmill"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct chat chat = {0};
        char *members =
            x_printf("'kind':'start','target':'%s','data':%s", cases[i].target, cases[i].data);
        happens(&chat, members);
        if (!history_has(cases[i].why))
            fail_msg("%s %s: not '%s'", cases[i].target, cases[i].data, cases[i].why);
        assert_string_equal(seen.said, "");
        free(members);
        end(&chat);
    }
    struct chat chat = {0};
    happens(&chat, "'kind':'start','target':'665f1c0a9d3e4b2a1c000005','data':{'force':true}");
    assert_string_equal(seen.said, "loose \n");
    end(&chat);
}

static void a_flow_that_cannot_be_used_leaves_the_others_to_serve(void **state)
{
    struct chat chat = {.number = 7};
    struct flow *kept[] = {flows[2].flow, flows[3].flow};
    flows[2].flow = NULL;
    says(&chat, "hello");
    assert_string_equal(seen.said, "second \n");
    assert_true(flows[2].told);
    says(&chat, "an answer");
    flows[3].off = true;
    says(&chat, "hello"); // nothing serves: the broken one fails as a session
    assert_string_equal(seen.said, "");
    assert_string_equal(seen.projection->sessions[0].status, "error");
    assert_string_equal(seen.projection->sessions[0].flow_id, flow_ids[2]);
    flows[2].flow = kept[0];
    flows[3].flow = kept[1];
    end(&chat);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_best_trigger_starts_and_the_order_of_the_list_breaks_ties),
        TEST(flows_that_are_not_known_yet_are_loaded_all_at_once),
        TEST(a_known_list_is_not_looked_up_again),
        TEST(a_trigger_that_interrupts_ends_the_session_that_waits),
        TEST(a_person_who_has_the_chat_is_not_interrupted),
        TEST(a_paused_chat_starts_nothing_and_interrupts_nothing),
        TEST(a_reaction_is_recorded_and_starts_what_asks_for_it),
        TEST(a_start_by_hand_brings_its_variables),
        TEST(a_start_by_hand_is_refused_with_its_reason),
        TEST(a_flow_that_cannot_be_used_leaves_the_others_to_serve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
