// SPDX-License-Identifier: MIT
// What each answer of the Graph API means, row by row, and what a send puts on the wire.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "connectors/graph.h"
#include "connectors/graph_errors.h"
#include "server.h"
#include "test/unit/cmocka_all.h"

#define M  PLATFORM_MESSENGER
#define I  PLATFORM_INSTAGRAM
#define WA PLATFORM_WHATSAPP

// The rows of the platform reference, sections 5.2 and 5.3, ranges by their ends.
static const struct {
    enum platform platform;
    int code, subcode;
    enum graph_outcome want;
} rows[] = {
    {M, 1, 0, GRAPH_AMBIGUOUS},
    {M, 1, 99, GRAPH_AMBIGUOUS},
    {M, 1, 1357046, GRAPH_AMBIGUOUS},
    {M, 2, 0, GRAPH_RETRY_LATER},
    {M, 2, 2018344, GRAPH_RETRY_LATER},
    {I, 2, 1545133, GRAPH_RETRY_LATER},
    {M, 3, 0, GRAPH_TOKEN_BAD},
    {M, 4, 0, GRAPH_SLOW_DOWN},
    {M, 4, 2018022, GRAPH_SLOW_DOWN},
    {M, 4, 2018354, GRAPH_SLOW_DOWN},
    {M, 9, 2018352, GRAPH_SLOW_DOWN},
    {M, 10, 0, GRAPH_TOKEN_BAD},
    {M, 10, 2018278, GRAPH_WINDOW_CLOSED},
    {M, 10, 2018065, GRAPH_WINDOW_CLOSED},
    {I, 10, 2534022, GRAPH_WINDOW_CLOSED},
    {M, 10, 2018108, GRAPH_UNREACHABLE},
    {M, 10, 2018300, GRAPH_REQUEST_WRONG},
    {M, 17, 0, GRAPH_SLOW_DOWN},
    {M, 32, 0, GRAPH_SLOW_DOWN},
    {M, 613, 0, GRAPH_SLOW_DOWN},
    {M, 80001, 0, GRAPH_SLOW_DOWN},
    {I, 80002, 0, GRAPH_SLOW_DOWN},
    {M, 80006, 0, GRAPH_SLOW_DOWN},
    {M, 100, 0, GRAPH_REQUEST_WRONG},
    {M, 100, 424242, GRAPH_REQUEST_WRONG},
    {M, 100, 2018001, GRAPH_UNREACHABLE},
    {M, 100, 2018008, GRAPH_RETRY_LATER},
    {M, 100, 2018047, GRAPH_RETRY_LATER},
    {M, 100, 2018074, GRAPH_RETRY_LATER},
    {M, 100, 2018294, GRAPH_RETRY_LATER},
    {M, 100, 2018034, GRAPH_REQUEST_WRONG},
    {M, 100, 2018109, GRAPH_REQUEST_WRONG},
    {M, 100, 33, GRAPH_TOKEN_BAD},
    {I, 100, 2534014, GRAPH_UNREACHABLE},
    {I, 100, 2534001, GRAPH_REQUEST_WRONG},
    {I, 100, 2534013, GRAPH_SLOW_DOWN},
    {I, 100, 2534025, GRAPH_REQUEST_WRONG},
    {I, 100, 2534029, GRAPH_UNREACHABLE},
    {M, 190, 0, GRAPH_TOKEN_BAD},
    {M, 190, 458, GRAPH_TOKEN_BAD},
    {M, 190, 459, GRAPH_TOKEN_BAD},
    {M, 190, 460, GRAPH_TOKEN_BAD},
    {M, 190, 463, GRAPH_TOKEN_BAD},
    {M, 190, 464, GRAPH_TOKEN_BAD},
    {M, 190, 467, GRAPH_TOKEN_BAD},
    {M, 190, 490, GRAPH_TOKEN_BAD},
    {M, 190, 492, GRAPH_TOKEN_BAD},
    {M, 190, 2069032, GRAPH_TOKEN_BAD},
    {M, 102, 0, GRAPH_TOKEN_BAD},
    {M, 200, 0, GRAPH_TOKEN_BAD},
    {M, 299, 0, GRAPH_TOKEN_BAD},
    {I, 200, 2534041, GRAPH_TOKEN_BAD},
    {M, 230, 0, GRAPH_REQUEST_WRONG},
    {M, 341, 0, GRAPH_SLOW_DOWN},
    {M, 368, 0, GRAPH_BLOCKED},
    {M, 506, 0, GRAPH_REQUEST_WRONG},
    {M, 551, 0, GRAPH_UNREACHABLE},
    {M, 551, 1545041, GRAPH_WINDOW_CLOSED},
    {M, 1200, 0, GRAPH_RETRY_LATER},
    {M, 1545133, 0, GRAPH_RETRY_LATER},
    {M, 10303, 0, GRAPH_UNREACHABLE},
    {I, 9010, 0, GRAPH_UNREACHABLE},
    {WA, 0, 0, GRAPH_TOKEN_BAD},
    {WA, 3, 0, GRAPH_TOKEN_BAD},
    {WA, 10, 0, GRAPH_TOKEN_BAD},
    {WA, 200, 0, GRAPH_TOKEN_BAD},
    {WA, 299, 0, GRAPH_TOKEN_BAD},
    {WA, 190, 463, GRAPH_TOKEN_BAD},
    {WA, 368, 0, GRAPH_BLOCKED},
    {WA, 4, 0, GRAPH_SLOW_DOWN},
    {WA, 80007, 0, GRAPH_SLOW_DOWN},
    {WA, 130429, 0, GRAPH_SLOW_DOWN},
    {WA, 131056, 0, GRAPH_SLOW_DOWN},
    {WA, 131048, 0, GRAPH_SLOW_DOWN},
    {WA, 131064, 0, GRAPH_SLOW_DOWN},
    {WA, 133016, 0, GRAPH_SLOW_DOWN},
    {WA, 1, 0, GRAPH_RETRY_LATER},
    {WA, 2, 0, GRAPH_RETRY_LATER},
    {WA, 131000, 0, GRAPH_RETRY_LATER},
    {WA, 131016, 0, GRAPH_RETRY_LATER},
    {WA, 131057, 0, GRAPH_RETRY_LATER},
    {WA, 135000, 0, GRAPH_RETRY_LATER},
    {WA, 131005, 0, GRAPH_TOKEN_BAD},
    {WA, 131008, 0, GRAPH_REQUEST_WRONG},
    {WA, 131009, 0, GRAPH_REQUEST_WRONG},
    {WA, 100, 0, GRAPH_REQUEST_WRONG},
    {WA, 100, 33, GRAPH_REQUEST_WRONG},
    {WA, 33, 0, GRAPH_REQUEST_WRONG},
    {WA, 131021, 0, GRAPH_REQUEST_WRONG},
    {WA, 131026, 0, GRAPH_UNREACHABLE},
    {WA, 131030, 0, GRAPH_REQUEST_WRONG},
    {WA, 131031, 0, GRAPH_BLOCKED},
    {WA, 131037, 0, GRAPH_BLOCKED},
    {WA, 131042, 0, GRAPH_BLOCKED},
    {WA, 131044, 0, GRAPH_BLOCKED},
    {WA, 131045, 0, GRAPH_BLOCKED},
    {WA, 131047, 0, GRAPH_WINDOW_CLOSED},
    {WA, 131049, 0, GRAPH_REQUEST_WRONG},
    {WA, 131050, 0, GRAPH_REQUEST_WRONG},
    {WA, 131051, 0, GRAPH_REQUEST_WRONG},
    {WA, 131060, 0, GRAPH_REQUEST_WRONG},
    {WA, 131052, 0, GRAPH_REQUEST_WRONG},
    {WA, 131053, 0, GRAPH_RETRY_LATER},
    {WA, 131062, 0, GRAPH_REQUEST_WRONG},
    {WA, 131063, 0, GRAPH_REQUEST_WRONG},
    {WA, 130472, 0, GRAPH_REQUEST_WRONG},
    {WA, 130497, 0, GRAPH_REQUEST_WRONG},
    {WA, 132000, 0, GRAPH_REQUEST_WRONG},
    {WA, 132001, 0, GRAPH_REQUEST_WRONG},
    {WA, 132005, 0, GRAPH_REQUEST_WRONG},
    {WA, 132007, 0, GRAPH_REQUEST_WRONG},
    {WA, 132008, 0, GRAPH_REQUEST_WRONG},
    {WA, 132012, 0, GRAPH_REQUEST_WRONG},
    {WA, 132015, 0, GRAPH_REQUEST_WRONG},
    {WA, 132016, 0, GRAPH_REQUEST_WRONG},
    {WA, 132068, 0, GRAPH_REQUEST_WRONG},
    {WA, 132069, 0, GRAPH_SLOW_DOWN},
    {WA, 133004, 0, GRAPH_RETRY_LATER},
    {WA, 133005, 0, GRAPH_TOKEN_BAD},
    {WA, 133006, 0, GRAPH_TOKEN_BAD},
    {WA, 133008, 0, GRAPH_SLOW_DOWN},
    {WA, 133009, 0, GRAPH_SLOW_DOWN},
    {WA, 133010, 0, GRAPH_TOKEN_BAD},
    {WA, 133015, 0, GRAPH_SLOW_DOWN},
    {WA, 137000, 0, GRAPH_REQUEST_WRONG},
    {WA, 138000, 0, GRAPH_REQUEST_WRONG},
    {WA, 138001, 0, GRAPH_UNREACHABLE},
    {WA, 138002, 0, GRAPH_SLOW_DOWN},
    {WA, 138003, 0, GRAPH_REQUEST_WRONG},
    {WA, 138004, 0, GRAPH_RETRY_LATER},
    {WA, 138005, 0, GRAPH_SLOW_DOWN},
    {WA, 138006, 0, GRAPH_REQUEST_WRONG},
    {WA, 138007, 0, GRAPH_RETRY_LATER},
    {WA, 138009, 0, GRAPH_SLOW_DOWN},
    {WA, 138012, 0, GRAPH_SLOW_DOWN},
    {WA, 138013, 0, GRAPH_SLOW_DOWN},
    {WA, 138018, 0, GRAPH_REQUEST_WRONG},
    {WA, 131020, 0, GRAPH_REQUEST_WRONG},
    {WA, 131041, 0, GRAPH_REQUEST_WRONG},
    {WA, 131059, 0, GRAPH_REQUEST_WRONG},
    {WA, 131201, 0, GRAPH_REQUEST_WRONG},
    {WA, 131215, 0, GRAPH_REQUEST_WRONG},
    {WA, 139000, 0, GRAPH_REQUEST_WRONG},
    {WA, 139004, 0, GRAPH_REQUEST_WRONG},
    {WA, 139100, 0, GRAPH_REQUEST_WRONG},
    {WA, 139101, 0, GRAPH_REQUEST_WRONG},
    {WA, 139102, 0, GRAPH_RETRY_LATER},
    {WA, 139103, 0, GRAPH_RETRY_LATER},
    {WA, 147001, 0, GRAPH_REQUEST_WRONG},
    {WA, 147005, 0, GRAPH_REQUEST_WRONG},
    {WA, 2388001, 0, GRAPH_REQUEST_WRONG},
    {WA, 131055, 0, GRAPH_REQUEST_WRONG},
    {WA, 2593109, 0, GRAPH_REQUEST_WRONG},
};

static void classify(enum platform platform, int status, const char *body,
                     const struct http_header *headers, size_t header_count,
                     struct graph_store *store, struct graph_result *ret_result)
{
    const struct graph_answer answer = {
        .platform = platform, .expects_id = true, .secret = "EAAG-secret"};
    const struct http_response response = {.status = status,
                                           .body = body,
                                           .body_len = strlen(body),
                                           .headers = headers,
                                           .header_count = header_count};
    graph_classify(&answer, &response, NULL, store, ret_result);
}

static void every_known_error_has_its_outcome(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct graph_store store;
        struct graph_result result;
        char body[256];

        snprintf(body, sizeof body,
                 "{\"error\":{\"message\":\"m\",\"code\":%d,\"error_subcode\":%d}}", rows[i].code,
                 rows[i].subcode);
        // The status is a poor guide and must not matter.
        classify(rows[i].platform, i % 2 ? 400 : 500, body, NULL, 0, &store, &result);
        if (result.outcome != rows[i].want)
            print_error("code %d subcode %d: %s\n", rows[i].code, rows[i].subcode,
                        graph_outcome_name(result.outcome));
        assert_int_equal(result.outcome, rows[i].want);
        assert_int_equal(result.code, rows[i].code);
        assert_int_equal(result.subcode, rows[i].subcode);
        assert_string_equal(result.text, "m");
        assert_null(result.message_id);
    }
}

static void other_answers_have_their_outcome(void **state)
{
    static const struct {
        enum platform platform;
        int status;
        const char *body;
        enum graph_outcome want;
    } cases[] = {
        {M, 200, "{\"recipient_id\":\"7\",\"message_id\":\"m_1\"}", GRAPH_SENT},
        {WA, 200, "{\"messages\":[{\"id\":\"wamid.1\"}]}", GRAPH_SENT},
        {WA, 200, "{\"messages\":[{\"id\":\"wamid.1\",\"message_status\":\"accepted\"}]}",
         GRAPH_SENT},
        {M, 200, "", GRAPH_AMBIGUOUS},
        {M, 200, "<html>", GRAPH_AMBIGUOUS},
        {M, 200, "[]", GRAPH_AMBIGUOUS},
        {M, 200, "{}", GRAPH_AMBIGUOUS},
        {M, 200, "{\"message_id\":\"\"}", GRAPH_AMBIGUOUS},
        {M, 200, "{\"message_id\":7}", GRAPH_AMBIGUOUS},
        {WA, 200, "{\"messages\":[]}", GRAPH_AMBIGUOUS},
        {WA, 200, "{\"messages\":{}}", GRAPH_AMBIGUOUS},
        {WA, 200, "{\"messages\":[{\"id\":null}]}", GRAPH_AMBIGUOUS},
        {WA, 200, "{\"error\":{\"code\":131026}}", GRAPH_UNREACHABLE},
        {M, 500, "<html>", GRAPH_RETRY_LATER},
        {M, 502, "", GRAPH_RETRY_LATER},
        {WA, 503, "try again", GRAPH_RETRY_LATER},
        {WA, 504, "<html>", GRAPH_AMBIGUOUS},
        {M, 429, "", GRAPH_SLOW_DOWN},
        {M, 401, "", GRAPH_TOKEN_BAD},
        {M, 404, "nothing here", GRAPH_REQUEST_WRONG},
        {M, 302, "", GRAPH_REQUEST_WRONG},
        {M, 400, "{}", GRAPH_REQUEST_WRONG},
        {M, 503, "{}", GRAPH_RETRY_LATER},
        {M, 400, "{\"error\":{\"code\":77777}}", GRAPH_REQUEST_WRONG},
        {M, 400, "{\"error\":{\"code\":77777,\"is_transient\":true}}", GRAPH_RETRY_LATER},
        {M, 500, "{\"error\":{\"code\":77777}}", GRAPH_RETRY_LATER},
        {M, 429, "{\"error\":{}}", GRAPH_SLOW_DOWN},
        {M, 400, "{\"error\":\"text\"}", GRAPH_REQUEST_WRONG},
        {M, 400, "{\"error\":{\"code\":\"190\"}}", GRAPH_TOKEN_BAD},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct graph_store store;
        struct graph_result result;

        classify(cases[i].platform, cases[i].status, cases[i].body, NULL, 0, &store, &result);
        if (result.outcome != cases[i].want)
            print_error("HTTP %d %s: %s\n", cases[i].status, cases[i].body,
                        graph_outcome_name(result.outcome));
        assert_int_equal(result.outcome, cases[i].want);
        assert_int_equal(!!result.message_id, cases[i].want == GRAPH_SENT);
        assert_int_equal(!*result.text, cases[i].want == GRAPH_SENT);
    }
}

static void calls_without_an_answer_have_their_outcome(void **state)
{
    static const struct {
        enum err_code code;
        enum graph_outcome want;
    } cases[] = {
        {ERR_UNAVAILABLE, GRAPH_RETRY_LATER}, {ERR_AMBIGUOUS, GRAPH_AMBIGUOUS},
        {ERR_LIMIT, GRAPH_AMBIGUOUS},         {ERR_INPUT, GRAPH_REQUEST_WRONG},
        {ERR_CANCELED, GRAPH_CANCELED},       {ERR_INTERNAL, GRAPH_RETRY_LATER},
    };
    const struct graph_answer answer = {.platform = M, .expects_id = true};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct err err = {.code = cases[i].code, .text = "why"};
        struct graph_store store;
        struct graph_result result;

        graph_classify(&answer, NULL, &err, &store, &result);
        assert_int_equal(result.outcome, cases[i].want);
        assert_string_equal(result.text, "why");
    }
}

static void waiting_hints_are_read_from_headers(void **state)
{
    static const struct {
        const char *name, *value;
        int64_t want_ms;
    } cases[] = {
        {"Retry-After", "7", 7000},
        {"retry-after", "0.5", 500},
        {"Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT", 0},
        {"Retry-After", "-3", 0},
        {"Retry-After", "nan", 0},
        {"Retry-After", "1e300", 24LL * 3600 * 1000},
        {"X-Business-Use-Case-Usage",
         "{\"2155\":[{\"type\":\"whatsapp\",\"call_count\":100,"
         "\"estimated_time_to_regain_access\":7},{\"estimated_time_to_regain_access\":2}]}",
         7 * 60000},
        {"x-app-usage", "{\"call_count\":28,\"total_time\":25}", 0},
        {"X-App-Usage", "not json", 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct http_header header = {cases[i].name, cases[i].value};
        struct graph_store store;
        struct graph_result result;

        classify(M, 400, "{\"error\":{\"code\":4}}", &header, 1, &store, &result);
        assert_int_equal(result.outcome, GRAPH_SLOW_DOWN);
        assert_int_equal(result.retry_after_ms, cases[i].want_ms);
    }
}

static void texts_never_hold_the_token(void **state)
{
    struct graph_store store;
    struct graph_result result;

    classify(WA, 401,
             "{\"error\":{\"message\":\"bad EAAG-secret\\n\",\"code\":190,\"fbtrace_id\":\"Ab\","
             "\"error_data\":{\"details\":\"EAAG-secretEAAG-secret\"}}}",
             NULL, 0, &store, &result);
    assert_string_equal(result.text, "bad *** : ****** fbtrace_id=Ab");
}

// ---- On the wire

struct sent {
    int times;
    enum graph_outcome outcome;
    char id[64], text[256];
};

static void on_sent(void *arg, const struct graph_result *result)
{
    struct sent *sent = arg;

    sent->times++;
    sent->outcome = result->outcome;
    snprintf(sent->id, sizeof sent->id, "%s", result->message_id ? result->message_id : "");
    snprintf(sent->text, sizeof sent->text, "%s", result->text);
}

static bool answer_accepted(struct server *server, struct bufferevent *connection,
                            const char *request)
{
    server_reply(connection, 200, "",
                 strstr(request, "messaging_product") ? "{\"messages\":[{\"id\":\"wamid.9\"}]}"
                                                      : "{\"message_id\":\"m_9\"}");
    return true;
}

static const struct graph_message hi = {.text = "Hi"};

struct wire {
    struct event_base *base;
    struct http *http;
    struct graph *graph;
    struct server server;
};

static int wire_setup(void **state)
{
    struct wire *wire = x_alloc(sizeof *wire);
    struct err err;

    wire->base = event_base_new();
    wire->http = http_new(wire->base, NULL, &err);
    server_start(&wire->server, wire->base, answer_accepted);
    char *facebook = x_dup(server_url(&wire->server, "/fb"));
    char *instagram = x_dup(server_url(&wire->server, "/ig/"));
    wire->graph = graph_new(wire->http, &(struct graph_config){.facebook_url = facebook,
                                                               .instagram_url = instagram,
                                                               .version = "v25.0"});
    free(facebook);
    free(instagram);
    *state = wire;
    return 0;
}

static int wire_teardown(void **state)
{
    struct wire *wire = *state;

    graph_free(wire->graph);
    http_free(wire->http);
    server_stop(&wire->server);
    event_base_free(wire->base);
    free(wire);
    return 0;
}

static void sends_go_to_the_platforms_address_with_the_token_in_a_header(void **state)
{
    static const struct {
        struct graph_target target;
        const char *line, *id;
    } cases[] = {
        {{.platform = M, .account = "108"}, "POST /fb/v25.0/108/messages HTTP/1.1\r\n", "m_9"},
        {{.platform = I, .account = "178", .login = "instagram", .page_id = "108"},
         "POST /ig/v25.0/178/messages HTTP/1.1\r\n",
         "m_9"},
        {{.platform = I, .account = "178"}, "POST /ig/v25.0/178/messages HTTP/1.1\r\n", "m_9"},
        {{.platform = I, .account = "178", .login = "facebook", .page_id = "108"},
         "POST /fb/v25.0/108/messages HTTP/1.1\r\n",
         "m_9"},
        {{.platform = WA, .account = "109"}, "POST /fb/v25.0/109/messages HTTP/1.1\r\n", "wamid.9"},
        {{.platform = WA, .account = "1/../2?x"},
         "POST /fb/v25.0/1%2F..%2F2%3Fx/messages HTTP/1.1\r\n",
         "wamid.9"},
    };
    struct wire *wire = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct graph_target target = cases[i].target;
        struct sent sent = {0};

        target.token = "EAAG-secret";
        target.contact = "5959";
        graph_send(wire->graph, &target, &hi, "s:1", on_sent, &sent);
        assert_int_equal(sent.times, 0);
        loop_until(wire->base, &sent.times, 1);
        assert_int_equal(sent.outcome, GRAPH_SENT);
        assert_string_equal(sent.id, cases[i].id);
        assert_memory_equal(wire->server.last, cases[i].line, strlen(cases[i].line));
        assert_non_null(strstr(wire->server.last, "Authorization: Bearer EAAG-secret\r\n"));
        assert_non_null(strstr(wire->server.last, "Content-Type: application/json\r\n"));
    }
}

static void mark_read_posts_what_the_platform_has(void **state)
{
    struct wire *wire = *state;
    struct sent sent = {0};
    const struct graph_target whatsapp = {
        .platform = WA, .account = "109", .contact = "5959", .token = "t"};
    const struct graph_target messenger = {
        .platform = M, .account = "108", .contact = "701", .token = "t"};

    graph_mark_read(wire->graph, &whatsapp, "wamid.IN", on_sent, &sent);
    loop_until(wire->base, &sent.times, 1);
    assert_int_equal(sent.outcome, GRAPH_SENT);
    assert_string_equal(strstr(wire->server.last, "\r\n\r\n") + 4,
                        "{\"messaging_product\":\"whatsapp\",\"status\":\"read\",\"message_id\":"
                        "\"wamid.IN\",\"typing_indicator\":{\"type\":\"text\"}}");
    graph_mark_read(wire->graph, &messenger, "m_IN", on_sent, &sent);
    loop_until(wire->base, &sent.times, 2);
    assert_string_equal(strstr(wire->server.last, "\r\n\r\n") + 4,
                        "{\"recipient\":{\"id\":\"701\"},\"sender_action\":\"typing_on\"}");
}

static bool answer_then_die(struct server *server, struct bufferevent *connection,
                            const char *request)
{
    return server->step++ == 0 ? answer_accepted(server, connection, request) : false;
}

static void send_on_a_dying_connection_is_ambiguous_and_not_repeated(void **state)
{
    struct wire *wire = *state;
    const struct graph_target target = {
        .platform = WA, .account = "109", .contact = "5959", .token = "t"};
    struct sent sent = {0};

    wire->server.answer = answer_then_die;
    for (int i = 1; i <= 2; i++) {
        graph_send(wire->graph, &target, &hi, "s:1", on_sent, &sent);
        loop_until(wire->base, &sent.times, i);
    }
    assert_int_equal(sent.outcome, GRAPH_AMBIGUOUS);
    assert_int_equal(wire->server.requests, 2);
}

static void token_with_a_line_break_is_refused_without_being_shown(void **state)
{
    struct wire *wire = *state;
    const struct graph_target target = {
        .platform = M, .account = "108", .contact = "7", .token = "sec\r\nret"};
    struct sent sent = {0};

    graph_send(wire->graph, &target, &hi, "s:1", on_sent, &sent);
    loop_until(wire->base, &sent.times, 1);
    assert_int_equal(sent.outcome, GRAPH_REQUEST_WRONG);
    assert_null(strstr(sent.text, "sec"));
    assert_int_equal(wire->server.connections, 0);
}

#define ON_WIRE(f) cmocka_unit_test_setup_teardown(f, wire_setup, wire_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_error_has_its_outcome),
        cmocka_unit_test(other_answers_have_their_outcome),
        cmocka_unit_test(calls_without_an_answer_have_their_outcome),
        cmocka_unit_test(waiting_hints_are_read_from_headers),
        cmocka_unit_test(texts_never_hold_the_token),
        ON_WIRE(sends_go_to_the_platforms_address_with_the_token_in_a_header),
        ON_WIRE(mark_read_posts_what_the_platform_has),
        ON_WIRE(send_on_a_dying_connection_is_ambiguous_and_not_repeated),
        ON_WIRE(token_with_a_line_break_is_refused_without_being_shown),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
