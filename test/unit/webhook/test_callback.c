// SPDX-License-Identifier: MIT
// Callbacks over real sockets, and the bodies that they bring.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/callback_token.h"
#include "base/event.h"
#include "base/json.h"
#include "fixture.h"
#include "webhook/callback.h"

#define SESSION "5f0c0a52-5d2a-4ad8-9b3f-1b2f0e6c2c11"

struct callbacks {
    struct fixture f;
    struct callback_keys keys;
    char *token;
};

static int callbacks_open(void **state)
{
    struct callbacks *c = x_alloc(sizeof *c);
    struct keyring ring;
    struct err err = {0};
    assert_true(keyring_parse("k1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                              &ring, &err));
    callback_keys_init(&c->keys, &ring);
    keyring_deinit(&ring);
    c->token =
        callback_token_make(&c->keys, &(struct callback_address){.platform = PLATFORM_WHATSAPP,
                                                                 .day = 20000,
                                                                 .session = SESSION,
                                                                 .account = (char *)"9",
                                                                 .contact = (char *)"595",
                                                                 .name = (char *)"pay"});
    fixture_start(&c->f, &(struct listener_config){.callback_keys = &c->keys});
    *state = c;
    return 0;
}

static int callbacks_close(void **state)
{
    struct callbacks *c = *state;
    fixture_stop(&c->f);
    callback_keys_deinit(&c->keys);
    free(c->token);
    free(c);
    return 0;
}

static int post(struct callbacks *c, const char *token, const char *headers, const char *body,
                size_t len, struct buf *response)
{
    struct buf request = {0};
    buf_printf(&request, "POST /callbacks/%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n",
               token, headers, len);
    buf_add(&request, body, len);
    struct client client;
    client_open(&client, c->f.base, c->f.port);
    client_send(&client, request.data, request.len);
    int status = client_response(&client);
    if (response)
        buf_add_str(response, client_body(&client));
    client_close(&client);
    buf_deinit(&request);
    return status;
}

#define JSON "Content-Type: application/json\r\n"

static int post_json(struct callbacks *c, const char *body)
{
    return post(c, c->token, JSON, body, strlen(body), NULL);
}

static void callback_is_an_event_of_its_chat(void **state)
{
    struct callbacks *c = *state;
    struct buf answer = {0};
    static const char body[] = "{ \"paid\": true, \"order\": 12345678901234567890 }";
    assert_int_equal(post(c, c->token, JSON, body, strlen(body), &answer), 202);
    assert_string_equal(answer.data, "{\"accepted\":true}\n");
    assert_int_equal(c->f.queue->count, 1);
    const struct fake_event *row = &c->f.queue->events[0];
    assert_string_equal(row->account, "whatsapp:9");
    assert_string_equal(row->first_alias, "595");
    assert_false(row->lane);
    assert_int_equal(row->timestamp_ms, 20000LL * 86400000);
    struct event event;
    struct err err = {0};
    assert_true(event_from_json(row->json, strlen(row->json), &event, &err));
    assert_int_equal(event.kind, EVENT_CALLBACK);
    assert_string_equal(event.contact, "595");
    assert_string_equal(event.target, "pay");
    assert_string_equal(event.data, "{\"paid\":true,\"order\":\"12345678901234567890\"}");
    assert_string_equal(event.context, "{\"session\":\"" SESSION "\"}");
    assert_non_null(event.delivery);
    assert_true(event.timestamp_ms > 1700000000000);
    assert_int_equal(c->f.queue->published.received, 0); // counted, and published later
    event_deinit(&event);
    buf_deinit(&answer);
}

static void answer_waits_for_the_queue_and_says_when_it_is_away(void **state)
{
    struct callbacks *c = *state;
    c->f.queue->mode = FAKE_FAILS;
    assert_int_equal(post_json(c, "{}"), 503);
    c->f.queue->mode = FAKE_KEEPS;
    c->f.queue->room = QUEUE_ROOM_NONE;
    assert_int_equal(post_json(c, "{\"n\":1}"), 503);
    c->f.queue->room = QUEUE_ROOM_NO_RECEIPTS;
    assert_int_equal(post_json(c, "{\"n\":2}"), 202);
}

static void same_callback_again_is_accepted_and_no_second_event(void **state)
{
    struct callbacks *c = *state;
    assert_int_equal(post_json(c, "{\"n\":1}"), 202);
    assert_int_equal(post_json(c, "{\"n\":1}"), 202);
    assert_int_equal(c->f.queue->count, 1);
    assert_int_equal(post_json(c, "{\"n\":2}"), 202);
    assert_int_equal(c->f.queue->count, 2);
    for (int i = 0; i < 2; i++) // the sender's own key is what counts
        assert_int_equal(
            post(c, c->token, JSON "Idempotency-Key: a\r\n", i ? "{}" : "[1]", i ? 2 : 3, NULL),
            202);
    assert_int_equal(c->f.queue->count, 3);
}

static void forged_address_is_none(void **state)
{
    struct callbacks *c = *state;
    char *forged = x_dup(c->token);
    forged[20] = forged[20] == 'A' ? 'B' : 'A';
    struct buf answer = {0};
    assert_int_equal(post(c, forged, JSON, "not json", 8, &answer), 404);
    assert_string_equal(answer.data, "{\"error\":\"no such address\"}\n");
    assert_int_equal(post(c, "", JSON, "{}", 2, NULL), 404);
    assert_int_equal(post(c, "x/../webhooks/shop", JSON, "{}", 2, NULL), 404);
    char *get = x_printf("GET /callbacks/%s HTTP/1.1\r\nHost: x\r\n\r\n", c->token);
    assert_int_equal(http_exchange(c->f.base, c->f.port, get, NULL), 405);
    assert_int_equal(c->f.queue->calls, 0);
    struct buf out = {0};
    metrics_print(c->f.metrics, &out);
    assert_non_null(strstr(out.data, "hookmill_listener_callbacks_total{result=\"unknown\"} 3\n"));
    buf_deinit(&out);
    buf_deinit(&answer);
    free(get);
    free(forged);
}

static void body_is_bounded(void **state)
{
    struct callbacks *c = *state;
    char *body = x_alloc(CALLBACK_BODY_MAX + 2);
    memset(body, 'x', CALLBACK_BODY_MAX + 1);
    assert_int_equal(post(c, c->token, "", body, CALLBACK_BODY_MAX + 1, NULL), 413);
    assert_int_equal(c->f.queue->calls, 0);
    assert_int_equal(post(c, c->token, "", body, CALLBACK_BODY_MAX, NULL), 202);
    assert_int_equal(post_json(c, "{\"a\":"), 400);
    assert_int_equal(c->f.queue->count, 1);
    free(body);
}

static void listener_without_keys_has_no_such_address(void **state)
{
    struct callbacks *c = *state;
    struct fixture f;
    fixture_start(&f, NULL);
    char *request =
        x_printf("POST /callbacks/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", c->token);
    assert_int_equal(http_exchange(f.base, f.port, request, NULL), 404);
    free(request);
    fixture_stop(&f);
}

/* Bodies */

static void bodies_of_all_types_become_objects_or_lists(void **state)
{
    static const struct {
        const char *type, *body, *json; // NULL: refused
    } cases[] = {
        {"application/json", "{\"a\":[1,null]}", "{\"a\":[1,null]}"},
        {"application/json; charset=utf-8", " [1] ", "[1]"},
        {"application/cloudevents+json", "{}", "{}"},
        {"application/json", "", "{}"},
        {NULL, " \n", "{}"},
        {"application/json", "7", NULL},
        {"application/json", "\"x\"", NULL},
        {"application/json", "{\"a\":1", NULL},
        {"application/json", "{\"a\":\"\xff\"}", NULL},
        {NULL, "{\"a\":1}", "{\"a\":1}"},
        {"text/plain", "{ no JSON", "{\"text\":\"{ no JSON\"}"},
        {"text/plain; charset=utf-8", "caf\xc3\xa9", "{\"text\":\"caf\xc3\xa9\"}"},
        {"text/plain", "\xff\xfe", NULL},
        {"application/x-www-form-urlencoded", "a=1&b=x+y%21&c&=z&&d=%zz%4",
         "{\"a\":\"1\",\"b\":\"x y!\",\"c\":\"\",\"d\":\"%zz%4\"}"},
        {"application/x-www-form-urlencoded", "a=1&a=2&a=3", "{\"a\":[\"1\",\"2\",\"3\"]}"},
        {"APPLICATION/X-WWW-FORM-URLENCODED", "%C3%A9=1", "{\"\xc3\xa9\":\"1\"}"},
        {"application/x-www-form-urlencoded", "a=%00", NULL},
        {"application/x-www-form-urlencoded", "a=%ff", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        char *json = NULL;
        bool ok =
            callback_body_read(cases[i].type, cases[i].body, strlen(cases[i].body), &json, &err);
        if (ok != (cases[i].json != NULL) || (ok && strcmp(json, cases[i].json) != 0))
            fail_msg("%s: %s", cases[i].body, ok ? json : err.text);
        assert_true(ok || err.text[0]);
        free(json);
    }
}

static void bodies_are_bounded_in_depth_and_fields(void **state)
{
    char deep[2 * (CALLBACK_DEPTH_MAX + 1) + 1], *json = NULL;
    size_t half = CALLBACK_DEPTH_MAX + 1;
    memset(deep, '[', half);
    memset(deep + half, ']', half);
    struct err err = {0};
    assert_false(callback_body_read("application/json", deep, 2 * half, &json, &err));
    assert_true(callback_body_read("application/json", deep + 1, 2 * (half - 1), &json, &err));
    free(json);
    struct buf form = {0};
    for (int i = 0; i <= CALLBACK_FIELDS_MAX; i++)
        buf_printf(&form, "f%d=%d&", i, i);
    assert_false(
        callback_body_read("application/x-www-form-urlencoded", form.data, form.len, &json, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    buf_deinit(&form);
    static const char zero[] = "a\0b";
    assert_false(callback_body_read(NULL, zero, 3, &json, &err));
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, callbacks_open, callbacks_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(callback_is_an_event_of_its_chat),
        OPEN(answer_waits_for_the_queue_and_says_when_it_is_away),
        OPEN(same_callback_again_is_accepted_and_no_second_event),
        OPEN(forged_address_is_none),
        OPEN(body_is_bounded),
        OPEN(listener_without_keys_has_no_such_address),
        cmocka_unit_test(bodies_of_all_types_become_objects_or_lists),
        cmocka_unit_test(bodies_are_bounded_in_depth_and_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
