// SPDX-License-Identifier: MIT
// The HTTP client against a server that answers, lingers, lies and dies.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/http.h"
#include "server.h"
#include "test/unit/cmocka_all.h"

struct fixture {
    struct event_base *base;
    struct http *http;
    struct server server;
};

// What a callback was told.
struct told {
    int times;
    int status; // 0 = no response
    char body[64];
    char header[64]; // X-Test
    struct err err;
    struct http *chain; // starts another request from within the callback
    const char *chain_url;
    struct told *chain_told;
};

static void on_done(void *arg, const struct http_response *response, const struct err *err)
{
    struct told *told = arg;

    told->times++;
    told->err = *err;
    if (response) {
        const char *header = http_header_get(response, "x-test");
        told->status = response->status;
        snprintf(told->body, sizeof told->body, "%s", response->body);
        snprintf(told->header, sizeof told->header, "%s", header ? header : "");
    }
    if (told->chain) {
        const struct http_request next = {.method = "GET", .url = told->chain_url};
        http_start(told->chain, &next, on_done, told->chain_told);
    }
}

static bool answer_hello(struct server *server, struct bufferevent *connection, const char *request)
{
    server_reply(connection, 200, "X-Test: yes\r\n", "hello");
    return true;
}

static bool answer_never(struct server *server, struct bufferevent *connection, const char *request)
{
    return true;
}

static bool answer_by_closing(struct server *server, struct bufferevent *connection,
                              const char *request)
{
    return false;
}

static int setup(void **state)
{
    struct fixture *f = x_alloc(sizeof *f);
    struct err err;

    f->base = event_base_new();
    f->http = http_new(f->base, NULL, &err);
    assert_non_null(f->http);
    server_start(&f->server, f->base, answer_hello);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    http_free(f->http);
    server_stop(&f->server);
    event_base_free(f->base);
    free(f);
    return 0;
}

static void get(struct fixture *f, const char *url, struct told *told)
{
    const struct http_request request = {.method = "GET", .url = url};
    http_start(f->http, &request, on_done, told);
}

static void post_once(struct fixture *f, const char *body, bool once, struct told *told)
{
    const struct http_request request = {.method = "POST",
                                         .url = server_url(&f->server, "/send"),
                                         .body = body,
                                         .body_len = strlen(body),
                                         .once = once};
    http_start(f->http, &request, on_done, told);
    loop_until(f->base, &told->times, 1);
}

static void answer_comes_with_status_headers_and_body(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};

    get(f, server_url(&f->server, "/a?b=c"), &told);
    assert_int_equal(told.times, 0);
    loop_until(f->base, &told.times, 1);
    assert_int_equal(told.status, 200);
    assert_string_equal(told.body, "hello");
    assert_string_equal(told.header, "yes");
    assert_int_equal(told.err.code, ERR_NONE);
    assert_memory_equal(f->server.last, "GET /a?b=c HTTP/1.1\r\n", 21);
    assert_non_null(strstr(f->server.last, "User-Agent: hookmill/"));
}

static void connections_are_reused(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 5; i++) {
        struct told told = {0};
        post_once(f, "{}", i % 2 == 0, &told);
        assert_int_equal(told.status, 200);
    }
    assert_int_equal(f->server.requests, 5);
    assert_int_equal(f->server.connections, 1);
}

static void every_method_and_body_arrives_as_given(void **state)
{
    static const struct {
        const char *method, *body, *head;
    } cases[] = {
        {"POST", "x=1", "POST /send HTTP/1.1\r\n"},  {"POST", "", "POST /send HTTP/1.1\r\n"},
        {"PUT", "abc", "PUT /send HTTP/1.1\r\n"},    {"PATCH", "abc", "PATCH /send HTTP/1.1\r\n"},
        {"DELETE", "", "DELETE /send HTTP/1.1\r\n"}, {"GET", "abc", "GET /send HTTP/1.1\r\n"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases * 2; i++) {
        struct told told = {0};
        const char *body = cases[i / 2].body;
        const struct http_request request = {.method = cases[i / 2].method,
                                             .url = server_url(&f->server, "/send"),
                                             .body = body,
                                             .body_len = strlen(body),
                                             .once = i % 2};
        http_start(f->http, &request, on_done, &told);
        loop_until(f->base, &told.times, 1);
        assert_int_equal(told.status, 200);
        assert_memory_equal(f->server.last, cases[i / 2].head, strlen(cases[i / 2].head));
        assert_string_equal(strstr(f->server.last, "\r\n\r\n") + 4, body);
        assert_null(strstr(f->server.last, "form-urlencoded"));
    }
}

static void large_body_is_sent_without_waiting_for_100(void **state)
{
    struct fixture *f = *state;
    size_t len = 2 << 20;
    char *body = x_alloc(len + 1);
    struct told told = {0};

    memset(body, 'a', len);
    post_once(f, body, true, &told);
    free(body);
    assert_int_equal(told.status, 200);
    assert_null(strstr(f->server.last, "Expect"));
}

static void bad_request_fails_later_and_sends_nothing(void **state)
{
    static const char *const broken[] = {"X: a\r\nY: b", NULL};
    static const char *const nameless[] = {"nonsense", NULL};
    static const struct http_request cases[] = {
        {.method = "GET", .url = "ftp://127.0.0.1/"},
        {.method = "GET", .url = "file:///etc/hostname"},
        {.method = "GET", .url = "http://127.0.0.1/a b"},
        {.method = "GET", .url = "http://127.0.0.1:99999/"},
        {.method = "GET", .url = NULL},
        {.method = "GE T", .url = "http://127.0.0.1/"},
        {.method = NULL, .url = "http://127.0.0.1/"},
        {.method = "GET", .url = "http://127.0.0.1/", .headers = broken},
        {.method = "GET", .url = "http://127.0.0.1/", .headers = nameless},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct told told = {0};
        assert_non_null(http_start(f->http, &cases[i], on_done, &told));
        assert_int_equal(told.times, 0);
        loop_until(f->base, &told.times, 1);
        assert_int_equal(told.err.code, ERR_INPUT);
        assert_int_equal(told.status, 0);
    }
    assert_int_equal(f->server.connections, 0);
}

static void refused_connection_is_unavailable(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    struct server gone;

    server_start(&gone, f->base, answer_hello);
    const char *url = server_url(&gone, "/");
    server_stop(&gone);
    get(f, url, &told);
    loop_until(f->base, &told.times, 1);
    assert_int_equal(told.err.code, ERR_UNAVAILABLE);
}

static void tls_to_a_server_without_it_is_unavailable(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    char url[64];

    f->server.answer = answer_by_closing;
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", f->server.port);
    const struct http_request request = {.method = "GET", .url = url, .timeout_ms = 300};
    http_start(f->http, &request, on_done, &told);
    loop_until(f->base, &told.times, 1);
    assert_int_equal(told.err.code, ERR_UNAVAILABLE);
}

static void silence_after_the_request_is_ambiguous(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    const struct http_request request = {
        .method = "GET", .url = server_url(&f->server, "/"), .timeout_ms = 100};

    f->server.answer = answer_never;
    http_start(f->http, &request, on_done, &told);
    loop_until(f->base, &told.times, 1);
    assert_int_equal(f->server.requests, 1);
    assert_int_equal(told.err.code, ERR_AMBIGUOUS);
}

static void close_without_an_answer_is_ambiguous(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};

    f->server.answer = answer_by_closing;
    post_once(f, "{}", true, &told);
    assert_int_equal(told.err.code, ERR_AMBIGUOUS);
    assert_int_equal(f->server.requests, 1);
}

static void the_wait_for_ones_turn_is_not_the_requests_time(void **state)
{
    struct fixture *f = *state;
    const struct http_config config = {.max_connections = 1, .max_per_host = 1};
    struct err err;
    struct http *narrow = http_new(f->base, &config, &err);
    struct told first = {0}, second = {0}, third = {0};
    const struct http_request holds = {
        .method = "GET", .url = server_url(&f->server, "/"), .timeout_ms = 400};
    const struct http_request waits = {
        .method = "GET", .url = server_url(&f->server, "/"), .timeout_ms = 200};

    f->server.answer = answer_never;
    http_start(narrow, &holds, on_done, &first);
    http_start(narrow, &waits, on_done, &second);
    struct http_call *canceled = http_start(narrow, &waits, on_done, &third);
    http_cancel(canceled);
    loop_until(f->base, &first.times, 1);
    assert_int_equal(first.err.code, ERR_AMBIGUOUS);
    assert_int_equal(third.err.code, ERR_CANCELED);
    assert_int_equal(second.times, 0); // its 200 ms begin now
    f->server.answer = answer_by_closing;
    loop_until(f->base, &second.times, 1);
    assert_int_equal(second.err.code, ERR_AMBIGUOUS);
    assert_int_equal(f->server.requests, 2);
    http_free(narrow);
}

static void answer_over_the_bound_is_refused(void **state)
{
    struct fixture *f = *state;

    for (size_t max = 4; max <= 5; max++) { // "hello" has 5 bytes
        struct told told = {0};
        const struct http_request request = {
            .method = "GET", .url = server_url(&f->server, "/"), .max_response = max};
        http_start(f->http, &request, on_done, &told);
        loop_until(f->base, &told.times, 1);
        assert_int_equal(told.err.code, max == 4 ? ERR_LIMIT : ERR_NONE);
        assert_int_equal(told.status, max == 4 ? 0 : 200);
    }
}

static void cancel_ends_the_call_once_on_a_later_turn(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    const struct http_request request = {.method = "GET", .url = server_url(&f->server, "/")};

    f->server.answer = answer_never;
    struct http_call *call = http_start(f->http, &request, on_done, &told);
    loop_until(f->base, &f->server.requests, 1);
    http_cancel(call);
    http_cancel(call);
    assert_int_equal(told.times, 0);
    loop_until(f->base, &told.times, 1);
    assert_int_equal(told.err.code, ERR_CANCELED);
    event_base_loop(f->base, EVLOOP_NONBLOCK);
    assert_int_equal(told.times, 1);
}

static void free_cancels_everything_under_way(void **state)
{
    struct fixture *f = *state;
    struct told told[4] = {{0}};
    const struct http_request bad = {.method = "GET", .url = "nonsense"};

    f->server.answer = answer_never;
    for (int i = 0; i < 3; i++)
        get(f, server_url(&f->server, "/"), &told[i]);
    http_start(f->http, &bad, on_done, &told[3]);
    http_free(f->http);
    f->http = NULL;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(told[i].times, 1);
        assert_int_equal(told[i].err.code, i < 3 ? ERR_CANCELED : ERR_INPUT);
    }
}

static void callback_may_start_the_next_request(void **state)
{
    struct fixture *f = *state;
    struct told last = {0};
    struct told good = {.chain = f->http, .chain_told = &last};
    struct told bad = {.chain = f->http, .chain_told = &good};

    good.chain_url = bad.chain_url = server_url(&f->server, "/");
    get(f, "nonsense", &bad);
    loop_until(f->base, &last.times, 1);
    assert_int_equal(bad.err.code, ERR_INPUT);
    assert_int_equal(good.status, 200);
    assert_int_equal(last.status, 200);
}

// /0 redirects to /1 redirects to /2 …; /file to a file.
static bool answer_redirect(struct server *server, struct bufferevent *connection,
                            const char *request)
{
    char header[64];

    if (strncmp(request, "GET /file", 9) == 0)
        snprintf(header, sizeof header, "Location: file:///etc/hostname\r\n");
    else
        snprintf(header, sizeof header, "Location: /%d\r\n", atoi(request + 5) + 1);
    server_reply(connection, 302, header, "elsewhere");
    return true;
}

static void redirects_are_followed_only_as_far_as_asked(void **state)
{
    static const struct {
        const char *path;
        unsigned max;
        int status, requests;
        enum err_code code;
    } cases[] = {
        {"/0", 0, 302, 1, ERR_NONE},
        {"/0", 2, 0, 3, ERR_LIMIT},
        {"/file", 1, 0, 1, ERR_INPUT},
    };
    struct fixture *f = *state;

    f->server.answer = answer_redirect;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct told told = {0};
        const struct http_request request = {.method = "GET",
                                             .url = server_url(&f->server, cases[i].path),
                                             .max_redirects = cases[i].max};
        f->server.requests = 0;
        http_start(f->http, &request, on_done, &told);
        loop_until(f->base, &told.times, 1);
        assert_int_equal(told.status, cases[i].status);
        assert_int_equal(told.err.code, cases[i].code);
        assert_int_equal(f->server.requests, cases[i].requests);
    }
}

// Answers the first request, reads the second on the same connection and closes in silence.
static bool answer_first_then_die(struct server *server, struct bufferevent *connection,
                                  const char *request)
{
    if (server->step++ != 1) {
        server_reply(connection, 200, "", "ok");
        return true;
    }
    server->seen = server->connections;
    return false;
}

static void request_that_must_not_repeat_is_sent_once_when_its_reused_connection_dies(void **state)
{
    struct fixture *f = *state;
    struct told first = {0}, second = {0};

    f->server.answer = answer_first_then_die;
    post_once(f, "{\"n\":1}", true, &first);
    assert_int_equal(first.status, 200);
    post_once(f, "{\"n\":2}", true, &second);
    assert_int_equal(f->server.seen, 1);     // the second came on the reused connection
    assert_int_equal(f->server.requests, 2); // and nobody sent it again
    assert_int_equal(second.status, 0);
    assert_int_equal(second.err.code, ERR_AMBIGUOUS);
}

static void bodyless_request_that_must_not_repeat_is_sent_once(void **state)
{
    struct fixture *f = *state;
    struct told first = {0}, second = {0};

    f->server.answer = answer_first_then_die;
    post_once(f, "", true, &first);
    post_once(f, "", true, &second);
    assert_int_equal(f->server.requests, 2);
    assert_int_equal(second.err.code, ERR_AMBIGUOUS);
}

// The control of the two above: libcurl does repeat what it may.
static void request_that_may_repeat_is_sent_again_when_its_reused_connection_dies(void **state)
{
    struct fixture *f = *state;
    struct told first = {0}, second = {0};

    f->server.answer = answer_first_then_die;
    post_once(f, "{\"n\":1}", false, &first);
    post_once(f, "{\"n\":2}", false, &second);
    assert_int_equal(second.status, 200);
    assert_int_equal(f->server.requests, 3);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(answer_comes_with_status_headers_and_body),
        CASE(connections_are_reused),
        CASE(every_method_and_body_arrives_as_given),
        CASE(large_body_is_sent_without_waiting_for_100),
        CASE(bad_request_fails_later_and_sends_nothing),
        CASE(refused_connection_is_unavailable),
        CASE(tls_to_a_server_without_it_is_unavailable),
        CASE(silence_after_the_request_is_ambiguous),
        CASE(close_without_an_answer_is_ambiguous),
        CASE(the_wait_for_ones_turn_is_not_the_requests_time),
        CASE(answer_over_the_bound_is_refused),
        CASE(cancel_ends_the_call_once_on_a_later_turn),
        CASE(free_cancels_everything_under_way),
        CASE(callback_may_start_the_next_request),
        CASE(redirects_are_followed_only_as_far_as_asked),
        CASE(request_that_must_not_repeat_is_sent_once_when_its_reused_connection_dies),
        CASE(bodyless_request_that_must_not_repeat_is_sent_once),
        CASE(request_that_may_repeat_is_sent_again_when_its_reused_connection_dies),
    };
    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
