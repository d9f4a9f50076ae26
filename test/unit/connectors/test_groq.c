// SPDX-License-Identifier: MIT
// Groq's answers, good and bad, and the walk through the list of models.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "connectors/groq.h"
#include "server.h"
#include "test/unit/cmocka_all.h"

struct fixture {
    struct event_base *base;
    struct http *http;
    struct groq *groq;
    struct server server;
    cJSON *messages;
};

struct told {
    int times;
    bool ok, retry;
    int64_t retry_after_ms;
    char text[64], model[64], finish_reason[16], error[512], calls[400];
    bool timed_out;
    int prompt_tokens, completion_tokens;
};

// What the next answers are, in order; the last one is kept.
static struct {
    int status;
    const char *headers, *body;
} script[4];

static bool answer_script(struct server *server, struct bufferevent *connection,
                          const char *request)
{
    int i = server->step;

    if (i < 3 && script[i + 1].status)
        server->step++;
    server_reply(connection, script[i].status, script[i].headers ? script[i].headers : "",
                 script[i].body);
    return true;
}

static int setup(void **state)
{
    static const char messages[] = "[{\"role\":\"user\",\"content\":\"Hi\"}]";
    struct fixture *f = x_alloc(sizeof *f);
    struct err err;

    memset(script, 0, sizeof script);
    f->base = event_base_new();
    f->http = http_new(f->base, NULL, &err);
    server_start(&f->server, f->base, answer_script);
    f->groq = groq_new(f->http, &(struct groq_config){.url = server_url(&f->server, "/openai/v1/"),
                                                      .key = "gsk_secret",
                                                      .models = "big, small"});
    f->messages = json_read(messages, strlen(messages), &err);
    assert_non_null(f->messages);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    http_free(f->http);
    groq_free(f->groq);
    server_stop(&f->server);
    event_base_free(f->base);
    cJSON_Delete(f->messages);
    free(f);
    return 0;
}

static void on_done(void *arg, const struct groq_result *result)
{
    struct told *told = arg;

    *told = (struct told){.times = told->times + 1,
                          .ok = result->ok,
                          .retry = result->retry,
                          .retry_after_ms = result->retry_after_ms,
                          .prompt_tokens = result->prompt_tokens,
                          .completion_tokens = result->completion_tokens};
    snprintf(told->text, sizeof told->text, "%s", result->text);
    snprintf(told->model, sizeof told->model, "%s", result->model);
    snprintf(told->finish_reason, sizeof told->finish_reason, "%s",
             result->finish_reason ? result->finish_reason : "");
    snprintf(told->error, sizeof told->error, "%s", result->error);
    told->timed_out = result->timed_out;
    char *calls = result->tool_calls ? json_print(result->tool_calls) : x_dup("");
    snprintf(told->calls, sizeof told->calls, "%s", calls);
    free(calls);
}

static struct told ask(struct fixture *f, const struct groq_request *request)
{
    struct told told = {0};

    f->server.step = 0;
    groq_chat(f->groq, request, on_done, &told);
    assert_int_equal(told.times, 0);
    loop_until(f->base, &told.times, 1);
    return told;
}

static struct told ask_plainly(struct fixture *f)
{
    const struct groq_request request = {.messages = f->messages, .temperature = -1};
    return ask(f, &request);
}

static const char good[] =
    "{\"model\":\"big-1\",\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"Yes\"},"
    "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":38,\"completion_tokens\":27}}";

static void answer_is_read(void **state)
{
    struct fixture *f = *state;

    script[0].status = 200;
    script[0].body = good;
    struct told told = ask_plainly(f);
    assert_true(told.ok);
    assert_string_equal(told.text, "Yes");
    assert_string_equal(told.model, "big-1");
    assert_string_equal(told.finish_reason, "stop");
    assert_int_equal(told.prompt_tokens, 38);
    assert_int_equal(told.completion_tokens, 27);
    assert_non_null(strstr(f->server.last, "POST /openai/v1/chat/completions HTTP/1.1\r\n"));
    assert_non_null(strstr(f->server.last, "Authorization: Bearer gsk_secret\r\n"));
    assert_non_null(strstr(f->server.last, "User-Agent: hookmill/"));
    assert_null(strstr(f->server.last, "Idempotency-Key"));
    assert_string_equal(strstr(f->server.last, "\r\n\r\n") + 4,
                        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"stream\":false,"
                        "\"model\":\"big\"}");
}

static void all_that_is_asked_is_sent(void **state)
{
    struct fixture *f = *state;
    cJSON *models = json_read("[\"mine\"]", 8, NULL);
    const struct groq_request request = {.models = models,
                                         .messages = f->messages,
                                         .temperature = 0.5,
                                         .max_tokens = 400,
                                         .user = "u1",
                                         .idempotency_key = "s:7"};

    script[0].status = 200;
    script[0].body = good;
    assert_true(ask(f, &request).ok);
    cJSON_Delete(models);
    assert_non_null(strstr(f->server.last, "Idempotency-Key: s:7\r\n"));
    assert_string_equal(strstr(f->server.last, "\r\n\r\n") + 4,
                        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],"
                        "\"temperature\":0.5,\"max_completion_tokens\":400,\"user\":\"u1\","
                        "\"stream\":false,\"model\":\"mine\"}");
}

static void null_content_is_an_empty_text(void **state)
{
    struct fixture *f = *state;

    script[0].status = 200;
    script[0].body =
        "{\"choices\":[{\"message\":{\"content\":null},\"finish_reason\":\"tool_calls\"}]}";
    struct told told = ask_plainly(f);
    assert_true(told.ok);
    assert_string_equal(told.text, "");
    assert_string_equal(told.model, "big");
}

static void next_model_is_asked_when_one_is_gone(void **state)
{
    static const struct {
        int status;
        const char *body;
    } gone[] = {
        {404, "{\"error\":{\"message\":\"no\",\"code\":\"model_not_found\"}}"},
        {404, "<html>"},
        {400, "{\"error\":{\"message\":\"no\",\"code\":\"model_decommissioned\"}}"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
        f->server.requests = 0;
        script[0].status = gone[i].status;
        script[0].body = gone[i].body;
        script[1].status = 200;
        script[1].body = "{\"choices\":[{\"message\":{\"content\":\"Hello\"}}]}";
        struct told told = ask_plainly(f);
        assert_true(told.ok);
        assert_string_equal(told.model, "small");
        assert_int_equal(f->server.requests, 2);
    }
}

static void no_model_at_all_is_final(void **state)
{
    struct fixture *f = *state;

    script[0].status = 404;
    script[0].body = "{\"error\":{\"message\":\"does not exist\",\"code\":\"model_not_found\"}}";
    struct told told = ask_plainly(f);
    assert_false(told.ok);
    assert_false(told.retry);
    assert_int_equal(f->server.requests, 2);
    assert_non_null(strstr(told.error, "none of 2 models"));
    assert_non_null(strstr(told.error, "does not exist"));
}

static void errors_say_what_and_whether_to_try_again(void **state)
{
    static const struct {
        int status;
        const char *headers, *body;
        bool retry;
        int64_t retry_after_ms;
        const char *words;
    } cases[] = {
        {429, "Retry-After: 3\r\n", "{\"error\":{\"message\":\"slow\"}}", true, 3000, "429"},
        {429, NULL, "<html>", true, 0, "not JSON"},
        {500, NULL, "{\"error\":{\"message\":\"oops\"}}", true, 0, "oops"},
        {503, NULL, "", true, 0, "503"},
        {498, NULL, "{}", true, 0, "498"},
        {503, "x-should-retry: false\r\n", "{}", false, 0, "503"},
        {400, NULL, "{\"error\":{\"message\":\"bad\"}}", false, 0, "bad"},
        {400, NULL, "{\"error\":{\"message\":\"j\",\"failed_generation\":\"{\"}}", true, 0, "j"},
        {401, NULL, "{\"error\":{\"message\":\"gsk_secret is no key\"}}", false, 0, "*** is no"},
        {403, NULL, "<html>error code: 1010</html>", false, 0, "403"},
        {413, NULL, "{\"error\":{\"message\":\"too large\"}}", false, 0, "too large"},
        {200, NULL, "<html>", true, 0, "not JSON"},
        {200, NULL, "{\"choices\":[]}", true, 0, "choices[0]"},
        {200, NULL, "{\"choices\":[{\"message\":\"x\"}]}", true, 0, "choices[0]"},
        {200, NULL, "[1]", true, 0, "choices[0]"},
        {200, NULL, "{\"choices\":{\"message\":{}}}", true, 0, "choices[0]"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        script[0].status = cases[i].status;
        script[0].headers = cases[i].headers;
        script[0].body = cases[i].body;
        struct told told = ask_plainly(f);
        if (told.retry != cases[i].retry || !strstr(told.error, cases[i].words))
            print_error("HTTP %d %s: retry %d, %s\n", cases[i].status, cases[i].body, told.retry,
                        told.error);
        assert_false(told.ok);
        assert_int_equal(told.retry, cases[i].retry);
        assert_int_equal(told.retry_after_ms, cases[i].retry_after_ms);
        assert_non_null(strstr(told.error, cases[i].words));
        assert_null(strstr(told.error, "gsk_secret"));
    }
}

/* Tools and JSON */

static cJSON *json_of(const char *text)
{
    cJSON *json = json_read(text, strlen(text), NULL);
    assert_non_null(json);
    return json;
}

// The body of the request that came last.
static cJSON *body_sent(struct fixture *f)
{
    return json_of(strstr(f->server.last, "\r\n\r\n") + 4);
}

static void member_is(const cJSON *object, const char *path, const char *expected)
{
    const cJSON *member = json_path(object, path);
    char *text = member ? json_print(member) : x_dup("missing");
    assert_string_equal(text, expected);
    free(text);
}

static const char tools_json[] =
    "[{\"name\":\"look\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}]";

static struct told ask_with_tools(struct fixture *f, const char *message)
{
    cJSON *tools = json_of(tools_json);
    char *body =
        x_printf("{\"choices\":[{\"message\":%s,\"finish_reason\":\"tool_calls\"}]}", message);
    const struct groq_request request = {
        .messages = f->messages, .temperature = -1, .tools = tools};
    script[0].status = 200;
    script[0].body = body;
    struct told told = ask(f, &request);
    free(body);
    cJSON_Delete(tools);
    return told;
}

static void tools_are_offered_and_their_calls_read(void **state)
{
    struct fixture *f = *state;
    struct told told = ask_with_tools(
        f, "{\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"index\":0,"
           "\"function\":{\"name\":\"look\",\"arguments\":\"{\\\"n\\\":1}\"}},"
           "{\"id\":\"c2\",\"function\":{\"name\":\"look\",\"arguments\":{\"n\":2}}},"
           "{\"id\":\"c3\",\"function\":{\"name\":\"look\"}}]}");
    assert_true(told.ok);
    assert_string_equal(
        told.calls,
        "[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"look\",\"arguments\":\"{"
        "\\\"n\\\":1}\"}},"
        "{\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":\"look\",\"arguments\":\"{"
        "\\\"n\\\":2}\"}},"
        "{\"id\":\"c3\",\"type\":\"function\",\"function\":{\"name\":\"look\",\"arguments\":\"{}\"}"
        "}]");
    cJSON *body = body_sent(f);
    member_is(body, "tools",
              "[{\"type\":\"function\",\"function\":{\"name\":\"look\",\"description\":\"d\","
              "\"parameters\":{\"type\":\"object\"}}}]");
    cJSON_Delete(body);
    told = ask_with_tools(f, "{\"content\":\"no need\",\"tool_calls\":[]}");
    assert_string_equal(told.text, "no need");
    assert_string_equal(told.calls, "");
}

static void calls_that_cannot_be_used_are_worth_another_try(void **state)
{
    static const struct {
        const char *calls, *words;
    } cases[] = {
        {"{}", "no list"},
        {"[1]", "no id"},
        {"[{\"id\":\"\"}]", "no id"},
        {"[{\"id\":\"c\"}]", "no name"},
        {"[{\"id\":\"c\",\"function\":{\"name\":\"a b\"}}]", "no name"},
        {"[{\"id\":\"c\",\"function\":{\"name\":\"a\",\"arguments\":[1]}}]", "no text"},
        {"[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "more than 16"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *message = x_printf("{\"content\":\"\",\"tool_calls\":%s}", cases[i].calls);
        struct told told = ask_with_tools(f, message);
        assert_false(told.ok);
        assert_true(told.retry);
        if (!strstr(told.error, cases[i].words))
            fail_msg("%s: %s", cases[i].calls, told.error);
        free(message);
    }
}

static void arguments_are_bounded(void **state)
{
    struct fixture *f = *state;
    enum { LEN = 64 * 1024 + 1 };
    char *text = x_alloc(LEN + 1);
    memset(text, 'x', LEN);
    char *message = x_printf("{\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"look\","
                             "\"arguments\":\"%s\"}}]}",
                             text);
    struct told told = ask_with_tools(f, message);
    assert_false(told.ok);
    assert_non_null(strstr(told.error, "too long"));
    free(message);
    free(text);
}

static void calls_that_nobody_offered_are_passed_over(void **state)
{
    struct fixture *f = *state;
    script[0].status = 200;
    script[0].body = "{\"choices\":[{\"message\":{\"content\":\"x\",\"tool_calls\":[{\"id\":\"c\","
                     "\"function\":{\"name\":\"look\",\"arguments\":\"{}\"}}]}}]}";
    struct told told = ask_plainly(f);
    assert_true(told.ok);
    assert_string_equal(told.calls, "");
}

static struct told ask_for_json(struct fixture *f, const char *schema, const char *tools)
{
    cJSON *form = json_of(schema), *offered = tools ? json_of(tools) : NULL;
    const struct groq_request request = {
        .messages = f->messages, .temperature = -1, .schema = form, .tools = offered};
    struct told told = ask(f, &request);
    cJSON_Delete(form);
    cJSON_Delete(offered);
    return told;
}

static void json_is_asked_for_by_its_schema(void **state)
{
    static const struct {
        const char *schema, *strict;
    } cases[] = {
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"],"
         "\"additionalProperties\":false}",
         "true"},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[],"
         "\"additionalProperties\":false}",
         "false"},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\"}},\"required\":[\"a\"],"
         "\"additionalProperties\":false}",
         "false"},
        {"{\"type\":\"object\"}", "false"},
    };
    struct fixture *f = *state;
    script[0].status = 200;
    script[0].body = good;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(ask_for_json(f, cases[i].schema, NULL).ok);
        cJSON *body = body_sent(f);
        member_is(body, "response_format.type", "\"json_schema\"");
        member_is(body, "response_format.json_schema.schema", cases[i].schema);
        member_is(body, "response_format.json_schema.strict", cases[i].strict);
        member_is(body, "messages", "[{\"role\":\"user\",\"content\":\"Hi\"}]");
        cJSON_Delete(body);
    }
}

#define SCHEMA_WORDS                                                                               \
    "[{\"role\":\"system\",\"content\":\"Answer with nothing but a JSON object that fits this "    \
    "JSON "                                                                                        \
    "Schema: {\\\"type\\\":\\\"object\\\"}\"},{\"role\":\"user\",\"content\":\"Hi\"}]"

static void model_without_schemas_is_asked_in_words(void **state)
{
    struct fixture *f = *state;
    script[0].status = 400;
    script[0].body = "{\"error\":{\"message\":\"This model does not support response format "
                     "`json_schema`.\",\"type\":\"invalid_request_error\"}}";
    script[1].status = 200;
    script[1].body = good;
    f->server.requests = 0;
    struct told told = ask_for_json(f, "{\"type\":\"object\"}", NULL);
    assert_true(told.ok);
    assert_int_equal(f->server.requests, 2);
    cJSON *body = body_sent(f);
    member_is(body, "response_format", "{\"type\":\"json_object\"}");
    member_is(body, "messages", SCHEMA_WORDS);
    member_is(body, "model", "\"big\"");
    cJSON_Delete(body);
}

static void beside_tools_json_is_asked_for_in_words_alone(void **state)
{
    struct fixture *f = *state;
    script[0].status = 200;
    script[0].body = good;
    assert_true(ask_for_json(f, "{\"type\":\"object\"}", tools_json).ok);
    cJSON *body = body_sent(f);
    member_is(body, "response_format", "missing");
    member_is(body, "messages", SCHEMA_WORDS);
    cJSON_Delete(body);
}

static bool answer_never(struct server *server, struct bufferevent *connection, const char *request)
{
    return true;
}

static void answer_that_does_not_come_in_time_is_told_as_such(void **state)
{
    struct fixture *f = *state;
    struct groq *hurried = groq_new(
        f->http, &(struct groq_config){
                     .url = server_url(&f->server, "/openai/v1"), .key = "k", .timeout_ms = 50});
    const struct groq_request request = {.messages = f->messages, .temperature = -1};
    struct told told = {0};
    f->server.answer = answer_never;
    groq_chat(hurried, &request, on_done, &told);
    loop_until(f->base, &told.times, 1);
    assert_false(told.ok);
    assert_true(told.timed_out);
    assert_true(told.retry);
    groq_free(hurried);
}

static bool answer_by_closing(struct server *server, struct bufferevent *connection,
                              const char *request)
{
    return false;
}

static void lost_connection_is_worth_another_try(void **state)
{
    struct fixture *f = *state;

    f->server.answer = answer_by_closing;
    struct told told = ask_plainly(f);
    assert_false(told.ok);
    assert_true(told.retry);
}

static void shutdown_ends_a_call_under_way(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    const struct groq_request request = {.messages = f->messages, .temperature = -1};

    groq_chat(f->groq, &request, on_done, &told);
    http_free(f->http);
    f->http = NULL;
    assert_int_equal(told.times, 1);
    assert_false(told.ok);
    assert_false(told.retry);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(answer_is_read),
        CASE(all_that_is_asked_is_sent),
        CASE(null_content_is_an_empty_text),
        CASE(next_model_is_asked_when_one_is_gone),
        CASE(no_model_at_all_is_final),
        CASE(errors_say_what_and_whether_to_try_again),
        CASE(tools_are_offered_and_their_calls_read),
        CASE(calls_that_cannot_be_used_are_worth_another_try),
        CASE(arguments_are_bounded),
        CASE(calls_that_nobody_offered_are_passed_over),
        CASE(json_is_asked_for_by_its_schema),
        CASE(model_without_schemas_is_asked_in_words),
        CASE(beside_tools_json_is_asked_for_in_words_alone),
        CASE(answer_that_does_not_come_in_time_is_told_as_such),
        CASE(lost_connection_is_worth_another_try),
        CASE(shutdown_ends_a_call_under_way),
    };
    return cmocka_run_group_tests_name("groq", tests, NULL, NULL);
}
