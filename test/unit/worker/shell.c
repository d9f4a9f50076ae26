// SPDX-License-Identifier: MIT
// What is around an activation (see shell.h).
#include "shell.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "nodes/registry.h"
#include "worker/perform.h"

#define STR(text) ((char *)(text))

/* --- the outside, as the worker sees it
 * -------------------------------------------------------- */

struct seen seen;

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

void seen_clear(void)
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

int shell_open(const char *document)
{
    struct diags diags = {0};
    cJSON *json = json_read(document, strlen(document), NULL);
    flow_known = (struct known){.flow = flow_compile(json, node_types, &diags), .version = 1};
    account_known = (struct known){.account = &account};
    cJSON_Delete(json);
    diags_deinit(&diags);
    return flow_known.flow ? 0 : -1;
}

void shell_close(void)
{
    seen_clear();
    flow_unref(flow_known.flow);
}

static void claim_chat(struct chat *chat, const char *json, const char *fired)
{
    static struct config config;
    struct worker worker = {.config = &config};
    struct queue_entry entry = {.number = chat->number + 1, .json = json};
    struct queue_claim claim = {.chat = "whatsapp:1099:595981",
                                .account = "whatsapp:1099",
                                .epoch = 1,
                                .done = chat->number,
                                .state = chat->state,
                                .entries = &entry,
                                .entry_count = json ? 1 : 0,
                                .fired = fired,
                                .paused_ms = chat->paused_ms};
    unsigned released = seen.released;
    activation_start(&worker, &claim);
    loop();
    assert_int_equal(seen.released, released + 1);
    chat->number += json ? 1 : 0;
    free(chat->state);
    chat->state = x_dup(seen.state);
}

void activate_by(struct chat *chat, const char *members)
{
    char *json = x_printf("{\"platform\":\"whatsapp\",\"account\":\"1099\",%s}", members);
    for (char *c = json; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    claim_chat(chat, json, NULL);
    free(json);
}

void activate(struct chat *chat, const char *text, const char *fired)
{
    char *json = x_printf("{\"platform\":\"whatsapp\",\"kind\":\"message\",\"type\":\"text\","
                          "\"account\":\"1099\",\"contact\":\"595981\",\"aliases\":[\"595981\"],"
                          "\"id\":\"wamid.%lld\",\"timestamp\":1,\"text\":\"%s\"}",
                          (long long)chat->number + 1, text ? text : "");
    claim_chat(chat, text ? json : NULL, fired);
    free(json);
}

const char *last_status(void)
{
    return seen.projection->session_count
               ? seen.projection->sessions[seen.projection->session_count - 1].status
               : "none";
}

bool history_says(const char *text)
{
    char *history = json_print(seen.projection->history);
    bool found = strstr(history, text);
    free(history);
    return found;
}

char *token_of(const struct chat *chat)
{
    cJSON *json = json_read(chat->state, strlen(chat->state), NULL);
    const cJSON *session = json_get(json, "session");
    char *token = x_printf("%s:%lld", json_str(session, "id"),
                           (long long)json_int(session, "wait_number", 0));
    cJSON_Delete(json);
    return token;
}
