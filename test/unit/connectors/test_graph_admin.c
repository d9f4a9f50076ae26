// SPDX-License-Identifier: MIT
// The administrative reads: what goes over the wire, what comes back, and what the readers make of
// answers that say less than they should.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "connectors/graph_admin.h"
#include "server.h"
#include "test/unit/cmocka_all.h"

struct fixture {
    struct event_base *base;
    struct server server;
    struct http *http;
    struct graph_admin *admin;
};

static struct {
    int status;
    const char *headers, *body;
} reply;

static bool answer(struct server *server, struct bufferevent *connection, const char *request)
{
    server_reply(connection, reply.status, reply.headers, reply.body);
    return true;
}

static int setup(void **state)
{
    struct fixture *f = x_alloc(sizeof *f);
    struct err err;

    f->base = event_base_new();
    server_start(&f->server, f->base, answer);
    f->http = http_new(f->base, NULL, &err);
    assert_non_null(f->http);
    char *url = x_dup(server_url(&f->server, "/"));
    f->admin = graph_admin_new(
        f->http,
        &(struct graph_config){.facebook_url = url, .instagram_url = url, .version = "v25.0"});
    free(url);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    graph_admin_free(f->admin);
    http_free(f->http);
    server_stop(&f->server);
    event_base_free(f->base);
    free(f);
    return 0;
}

struct told {
    int times, http_status, code, subcode;
    bool ok, has_json;
    char text[400];
    int64_t date_ms;
};

static void on_answer(void *arg, const struct graph_admin_answer *said)
{
    struct told *told = arg;

    told->times++;
    told->ok = said->ok;
    told->has_json = said->json != NULL;
    told->http_status = said->http_status;
    told->code = said->code;
    told->subcode = said->subcode;
    told->date_ms = said->date_ms;
    snprintf(told->text, sizeof told->text, "%s", said->text);
}

static struct told ask(struct fixture *f, int status, const char *headers, const char *body)
{
    struct told told = {0};

    reply.status = status;
    reply.headers = headers;
    reply.body = body;
    graph_admin_get(f->admin, GRAPH_FACEBOOK, "108", "subscribed_apps", NULL, "tok-12345",
                    on_answer, &told);
    loop_until(f->base, &told.times, 1);
    return told;
}

static void requests_carry_the_token_in_a_header_alone(void **state)
{
    struct fixture *f = *state;

    ask(f, 200, "", "{\"data\":[]}");
    assert_non_null(strstr(f->server.last, "GET /v25.0/108/subscribed_apps HTTP/1.1\r\n"));
    assert_non_null(strstr(f->server.last, "\r\nAuthorization: Bearer tok-12345\r\n"));
}

static void debug_token_names_both_tokens_and_escapes_what_it_asks_about(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    char *app_token = graph_app_token("77", "hush-hush");

    reply.status = 200;
    reply.headers = "";
    reply.body = "{\"data\":{}}";
    graph_debug_token(f->admin, "a&b=c/#", app_token, on_answer, &told);
    loop_until(f->base, &told.times, 1);
    free(app_token);
    assert_true(told.ok);
    assert_non_null(
        strstr(f->server.last, "GET /v25.0/debug_token?input_token=a%26b%3Dc%2F%23 HTTP/1.1\r\n"));
    assert_non_null(strstr(f->server.last, "\r\nAuthorization: Bearer 77|hush-hush\r\n"));
}

static void hostile_ids_stay_one_part_of_the_path(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};

    reply.status = 200;
    reply.headers = "";
    reply.body = "{}";
    graph_admin_get(f->admin, GRAPH_INSTAGRAM, "../me?x=1", NULL, "id,name", NULL, on_answer,
                    &told);
    loop_until(f->base, &told.times, 1);
    assert_non_null(
        strstr(f->server.last, "GET /v25.0/..%2Fme%3Fx%3D1?fields=id,name HTTP/1.1\r\n"));
    assert_null(strstr(f->server.last, "Authorization"));
}

static void refusals_tell_metas_words_without_the_token(void **state)
{
    struct told told =
        ask(*state, 400, "",
            "{\"error\":{\"message\":\"Bad tok-12345!\",\"code\":190,\"error_subcode\":463}}");

    assert_false(told.ok);
    assert_true(told.has_json);
    assert_int_equal(told.code, 190);
    assert_int_equal(told.subcode, 463);
    assert_string_equal(told.text, "Bad ***! (code 190/463)");
}

static void answers_that_are_no_json_object_are_no_answers(void **state)
{
    static const char *const bodies[] = {"", "<html>", "[]", "{\"a\":", "\"x\""};

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct told told = ask(*state, 200, "", bodies[i]);
        assert_false(told.ok);
        assert_false(told.has_json);
        assert_string_equal(told.text, "HTTP status 200 without an answer in JSON");
    }
    struct told error_at_200 = ask(*state, 200, "", "{\"error\":{\"code\":1}}");
    assert_false(error_at_200.ok);
    assert_string_equal(error_at_200.text, "an error without words (code 1)");
}

static void date_is_read_where_it_is_one(void **state)
{
    struct told told = ask(*state, 200, "Date: Sat, 21 Nov 2026 12:00:00 GMT\r\n", "{}");
    assert_int_equal(told.date_ms, 1795262400000);
    told = ask(*state, 200, "Date: yesterday\r\n", "{}");
    assert_int_equal(told.date_ms, 0);
    told = ask(*state, 200, "", "{}");
    assert_int_equal(told.date_ms, 0);
}

static void server_that_is_away_is_told_of(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    struct graph_admin *away =
        graph_admin_new(f->http, &(struct graph_config){.facebook_url = "http://127.0.0.1:1"});

    graph_admin_get(away, GRAPH_FACEBOOK, "me", NULL, NULL, "t", on_answer, &told);
    assert_int_equal(told.times, 0);
    loop_until(f->base, &told.times, 1);
    graph_admin_free(away);
    assert_false(told.ok);
    assert_int_equal(told.http_status, 0);
    assert_int_equal(strncmp(told.text, "no answer: ", 11), 0);
}

/* --- readers
 * ------------------------------------------------------------------------------------------ */

static cJSON *read_json(const char *text)
{
    cJSON *json = json_read(text, strlen(text), NULL);
    assert_non_null(json);
    return json;
}

static void token_is_read_whatever_is_missing(void **state)
{
    cJSON *json = read_json(
        "{\"data\":{\"app_id\":1029384756,\"is_valid\":true,\"type\":\"PAGE\",\"expires_at\":0,"
        "\"scopes\":[\"pages_messaging\"],\"granular_scopes\":[{\"scope\":\"x\"},"
        "{\"scope\":\"w\",\"target_ids\":[\"1\",\"2\"]}]}}");
    struct graph_token token;

    assert_true(graph_token_read(json, &token));
    assert_true(token.is_valid);
    assert_string_equal(token.app_id, "1029384756");
    assert_int_equal(token.expires_s, 0);
    assert_int_equal(token.data_access_s, -1);
    assert_true(graph_token_has_scope(&token, "pages_messaging"));
    assert_false(graph_token_has_scope(&token, "pages_manage_metadata"));
    assert_string_equal(graph_token_target(&token, "w", 1), "2");
    assert_null(graph_token_target(&token, "w", 2));
    assert_null(graph_token_target(&token, "x", 0));
    assert_null(graph_token_target(&token, "y", 0));
    cJSON_Delete(json);

    json = read_json("{\"data\":{\"scopes\":\"all\"}}");
    assert_true(graph_token_read(json, &token));
    assert_false(token.is_valid);
    assert_string_equal(token.app_id, "");
    assert_int_equal(token.expires_s, -1);
    assert_false(graph_token_has_scope(&token, "all"));
    cJSON_Delete(json);

    json = read_json("{\"data\":[]}");
    assert_false(graph_token_read(json, &token));
    cJSON_Delete(json);
}

static void subscriptions_are_found_by_object_and_field(void **state)
{
    cJSON *json = read_json(
        "{\"data\":[7,{\"object\":\"page\",\"fields\":[{\"name\":\"messages\",\"version\":\"v1\"},"
        "\"feed\",null]},{\"object\":\"user\"}]}");
    const cJSON *page = graph_subscription(json, "page");

    assert_non_null(page);
    assert_true(graph_has_field(json_get(page, "fields"), "messages"));
    assert_true(graph_has_field(json_get(page, "fields"), "feed"));
    assert_false(graph_has_field(json_get(page, "fields"), "standby"));
    assert_false(graph_has_field(NULL, "messages"));
    assert_null(graph_subscription(json, "instagram"));
    cJSON_Delete(json);
}

static void subscriber_is_found_in_every_shape(void **state)
{
    static const struct {
        const char *json, *app_id;
        bool want;
    } rows[] = {
        {"{\"data\":[{\"id\":\"77\"}]}", "77", true},
        {"{\"data\":[{\"id\":77}]}", "77", true},
        {"{\"data\":[{\"id\":\"78\"}]}", "77", false},
        {"{\"data\":[{\"id\":\"78\"}]}", NULL, true},
        {"{\"data\":[{\"whatsapp_business_api_data\":{\"id\":\"77\"}}]}", "77", true},
        {"{\"data\":[{\"whatsapp_business_api_data\":{\"id\":\"78\"}}]}", "77", false},
        {"{\"data\":[{\"subscribed_fields\":[\"messages\"]}]}", "77", true},
        {"{\"data\":[]}", NULL, false},
        {"{\"data\":{}}", "77", false},
        {"{}", "77", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cJSON *json = read_json(rows[i].json);
        if ((graph_subscriber(json, rows[i].app_id) != NULL) != rows[i].want)
            fail_msg("%s for %s", rows[i].json, rows[i].app_id ? rows[i].app_id : "any");
        cJSON_Delete(json);
    }
    assert_null(graph_subscriber(NULL, "77"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(requests_carry_the_token_in_a_header_alone),
        CASE(debug_token_names_both_tokens_and_escapes_what_it_asks_about),
        CASE(hostile_ids_stay_one_part_of_the_path),
        CASE(refusals_tell_metas_words_without_the_token),
        CASE(answers_that_are_no_json_object_are_no_answers),
        CASE(date_is_read_where_it_is_one),
        CASE(server_that_is_away_is_told_of),
        cmocka_unit_test(token_is_read_whatever_is_missing),
        cmocka_unit_test(subscriptions_are_found_by_object_and_field),
        cmocka_unit_test(subscriber_is_found_in_every_shape),
    };
    return cmocka_run_group_tests_name("graph-admin", tests, NULL, NULL);
}
