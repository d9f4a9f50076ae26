// SPDX-License-Identifier: MIT
// The listener against clients that send too much, too slowly, too many at once, or leave.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "fixture.h"
#include "webhook/signature.h"

/* --- bounds --------------------------------------------------------------------------------------
 */

enum { FOUR_MIB = 4 << 20 };

// A known object of exactly `len` bytes, with one message in it.
static char *body_of(size_t len)
{
    char *body = x_alloc(len + 1);
    size_t head = strlen(text_body) - 1;
    memcpy(body, text_body, head);
    int n = sprintf(body + head, ",\"pad\":\"");
    memset(body + head + n, 'p', len - head - (size_t)n - 2);
    memcpy(body + len - 2, "\"}", 3);
    return body;
}

// Sends the whole request before it looks at the answer, as simple clients do.
static int send_then_read(struct fixture *f, const struct buf *request)
{
    struct client client;
    client_open(&client, f->base, f->port);
    assert_true(client_send(&client, request->data, request->len));
    int status = client_response(&client);
    client_close(&client);
    return status;
}

static void four_mebibytes_are_accepted_and_no_more(void **state)
{
    static const size_t lens[] = {FOUR_MIB, FOUR_MIB + 1, 4 * FOUR_MIB};
    struct fixture f;
    fixture_start(&f, NULL);
    for (size_t i = 0; i < 3; i++) {
        char *body = body_of(lens[i]);
        struct buf request = signed_post("/webhooks/shop", "shop-secret", body, lens[i], "");
        assert_int_equal(send_then_read(&f, &request), lens[i] > FOUR_MIB ? 413 : 200);
        buf_deinit(&request);
        free(body);
    }
    assert_int_equal(f.queue->count, 1);
    assert_int_equal(f.queue->buried, 0);
    fixture_stop(&f);
}

static int deliver_chunked(struct fixture *f, const char *body, size_t chunk)
{
    char signature[SIGNATURE_TEXT];
    size_t len = strlen(body);
    signature_make("shop-secret", body, len, signature);
    struct buf request = {0};
    buf_printf(&request,
               "POST /webhooks/shop HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
               "X-Hub-Signature-256: %s\r\n\r\n",
               signature);
    for (size_t at = 0; at < len; at += chunk) {
        size_t n = len - at < chunk ? len - at : chunk;
        buf_printf(&request, "%zx\r\n", n);
        buf_add(&request, body + at, n);
        buf_add_str(&request, "\r\n");
    }
    buf_add_str(&request, "0\r\n\r\n");
    int status = send_then_read(f, &request);
    buf_deinit(&request);
    return status;
}

static void chunked_bodies_have_the_same_bound(void **state)
{
    struct fixture f;
    fixture_start(&f, NULL);
    assert_int_equal(deliver_chunked(&f, text_body, 7), 200);
    assert_int_equal(f.queue->count, 1);
    for (size_t over = 0; over <= 1; over++) {
        char *body = body_of(FOUR_MIB + over);
        assert_int_equal(deliver_chunked(&f, body, 100000), over ? 413 : 200);
        free(body);
    }
    fixture_stop(&f);
}

static void clients_that_expect_100_continue_are_told(void **state)
{
    struct fixture f;
    fixture_start(&f, NULL);
    struct buf request = signed_post("/webhooks/shop", "shop-secret", text_body, strlen(text_body),
                                     "Expect: 100-continue\r\n");
    struct client client;
    client_open(&client, f.base, f.port);
    client_send(&client, request.data, request.len - strlen(text_body));
    assert_int_equal(client_response(&client), 100);
    client_send_str(&client, text_body);
    assert_int_equal(client_response(&client), 200);
    assert_int_equal(f.queue->count, 1);
    client_close(&client);
    buf_deinit(&request);
    // Too large: said before the body is sent.
    assert_int_equal(http_exchange(f.base, f.port,
                                   "POST /webhooks/shop HTTP/1.1\r\nHost: x\r\nExpect: "
                                   "100-continue\r\nContent-Length: 4194305\r\n\r\n",
                                   NULL),
                     413);
    fixture_stop(&f);
}

static void endless_headers_are_refused(void **state)
{
    struct fixture f;
    fixture_start(&f, NULL);
    struct client client;
    client_open(&client, f.base, f.port);
    client_send_str(&client, "GET /healthz HTTP/1.1\r\n");
    for (int i = 0; i < 3000 && !client.ended; i++)
        client_send_str(&client, "X-Filler: 0123456789\r\n");
    assert_int_equal(client_response(&client), 400);
    client_close(&client);
    fixture_stop(&f);
}

/* --- time and room -------------------------------------------------------------------------------
 */

// A byte every now and then, in the header or in the body, buys no time.
static void trickling_clients_are_cut_at_the_deadline(void **state)
{
    static const char *const starts[] = {
        "GET /healthz HTTP/1.1\r\nX: ",
        "POST /webhooks/shop HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"};
    struct fixture f;
    fixture_start(&f, &(struct listener_config){.deadline_ms = 300});
    for (size_t i = 0; i < 2; i++) {
        struct client client;
        int64_t began = clock_mono_ms();
        client_open(&client, f.base, f.port);
        client_send_str(&client, starts[i]);
        while (!client_is_ended(&client)) {
            client_send_str(&client, "a");
            assert_true(clock_mono_ms() - began < 3000);
        }
        assert_true(clock_mono_ms() - began >= 300);
        assert_int_equal(client.in.len, 0);
        client_close(&client);
    }
    fixture_stop(&f);
}

static void silent_connections_are_cut_at_the_deadline(void **state)
{
    struct fixture f;
    fixture_start(&f, &(struct listener_config){.deadline_ms = 100});
    struct client client;
    client_open(&client, f.base, f.port);
    client_wait_end(&client);
    client_close(&client);
    fixture_stop(&f);
}

// The deadline is of a request: Redis may take longer, and so may the pause between two requests.
static void deadlines_spare_waiting_answers_and_idle_connections(void **state)
{
    struct fixture f;
    fixture_start(&f, &(struct listener_config){.deadline_ms = 100});
    f.queue->mode = FAKE_WAITS;
    struct buf request =
        signed_post("/webhooks/shop", "shop-secret", text_body, strlen(text_body), "");
    struct client client;
    client_open(&client, f.base, f.port);
    client_send(&client, request.data, request.len);
    for (int64_t end = clock_mono_ms() + 300; clock_mono_ms() < end;)
        assert_false(client_is_ended(&client));
    fake_queue_release(f.queue);
    assert_int_equal(client_response(&client), 200);
    for (int64_t end = clock_mono_ms() + 300; clock_mono_ms() < end;)
        assert_false(client_is_ended(&client));
    f.queue->mode = FAKE_KEEPS;
    client_send(&client, request.data, request.len); // same connection
    assert_int_equal(client_response(&client), 200);
    client_send_str(&client, "GET /heal"); // and from its first byte on the next one has a deadline
    client_wait_end(&client);
    client_close(&client);
    buf_deinit(&request);
    fixture_stop(&f);
}

static void idle_connections_are_closed_in_the_end(void **state)
{
    struct fixture f;
    fixture_start(&f, &(struct listener_config){.idle_ms = 50});
    struct client client;
    client_open(&client, f.base, f.port);
    client_send_str(&client, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(client_response(&client), 200);
    client_wait_end(&client);
    client_close(&client);
    fixture_stop(&f);
}

static void requests_may_be_pipelined(void **state)
{
    struct fixture f;
    fixture_start(&f, NULL);
    struct buf request =
        signed_post("/webhooks/shop", "shop-secret", text_body, strlen(text_body), "");
    struct client client;
    client_open(&client, f.base, f.port);
    for (int i = 0; i < 3; i++)
        client_send(&client, request.data, request.len);
    for (int i = 0; i < 3; i++)
        assert_int_equal(client_response(&client), 200);
    assert_int_equal(f.queue->calls, 3);
    client_close(&client);
    buf_deinit(&request);
    fixture_stop(&f);
}

static void connections_above_the_cap_wait_their_turn(void **state)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    struct fixture f;
    fixture_start(&f, &(struct listener_config){.max_connections = 3, .deadline_ms = 60000});
    struct client busy[3], fourth;
    for (int i = 0; i < 3; i++) {
        client_open(&busy[i], f.base, f.port);
        client_send_str(&busy[i], "GET /healthz HTTP/1.1\r\n");
    }
    client_open(&fourth, f.base, f.port);
    client_send_str(&fourth, request);
    for (int i = 0; i < 100; i++)
        assert_false(client_is_ended(&fourth));
    assert_int_equal(fourth.in.len, 0);
    client_close(&busy[0]); // makes room
    assert_int_equal(client_response(&fourth), 200);
    client_send_str(&busy[1], "\r\n");
    assert_int_equal(client_response(&busy[1]), 200);
    client_close(&busy[1]);
    client_close(&busy[2]);
    client_close(&fourth);
    fixture_stop(&f);
}

static void idle_connections_make_room_at_the_cap(void **state)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    struct fixture f;
    fixture_start(&f, &(struct listener_config){.max_connections = 2, .deadline_ms = 60000});
    struct client clients[6];
    for (int i = 0; i < 6; i++) {
        client_open(&clients[i], f.base, f.port);
        client_send_str(&clients[i], request);
        assert_int_equal(client_response(&clients[i]), 200);
    }
    client_wait_end(&clients[0]);
    for (int i = 0; i < 6; i++)
        client_close(&clients[i]);
    fixture_stop(&f);
}

// Silence and slow requests cost nobody else an answer, however many there are.
static void unfinished_requests_make_room_at_the_cap_after_a_second(void **state)
{
    enum { MOST = 4 };
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    struct fixture f;
    fixture_start(&f, &(struct listener_config){.max_connections = MOST, .deadline_ms = 60000});
    struct client holding[MOST], good;
    int64_t began = clock_mono_ms();
    for (int i = 0; i < MOST; i++) {
        client_open(&holding[i], f.base, f.port);
        if (i % 2)
            client_send_str(&holding[i], "POST /webhooks/shop HTTP/1.1\r\n");
    }
    client_open(&good, f.base, f.port);
    client_send_str(&good, request);
    assert_int_equal(client_response(&good), 200);
    int64_t took_ms = clock_mono_ms() - began;
    assert_true(took_ms >= 1000 && took_ms < 10000);
    client_wait_end(&holding[0]); // the oldest
    assert_false(client_is_ended(&holding[MOST - 1]));
    for (int i = 0; i < MOST; i++)
        client_close(&holding[i]);
    client_close(&good);
    fixture_stop(&f);
}

/* --- leaving -------------------------------------------------------------------------------------
 */

static void on_stopped(void *arg)
{
    ++*(int *)arg;
}

static bool is_one(void *arg)
{
    return *(int *)arg == 1;
}

static bool nothing_waits(void *arg)
{
    return fake_queue_waiting(arg) == 0;
}

static void a_client_that_hangs_up_costs_nothing(void **state)
{
    struct fixture f;
    fixture_start(&f, NULL);
    f.queue->mode = FAKE_WAITS;
    struct buf request =
        signed_post("/webhooks/shop", "shop-secret", text_body, strlen(text_body), "");
    struct client client;
    client_open(&client, f.base, f.port);
    client_send(&client, request.data, request.len);
    loop_until(f.base, one_waits, f.queue);
    client_close(&client);
    event_base_loop(f.base, EVLOOP_NONBLOCK);
    fake_queue_release(f.queue);
    loop_until(f.base, nothing_waits, f.queue);
    assert_int_equal(f.queue->count, 1);
    f.queue->mode = FAKE_KEEPS;
    assert_int_equal(http_exchange(f.base, f.port, request.data, NULL), 200);
    buf_deinit(&request);
    fixture_stop(&f);
}

// With a reset and with a close, after each length of a request, under each behaviour of the queue.
static void clients_may_leave_at_any_byte(void **state)
{
    struct fixture f;
    fixture_start(&f, &(struct listener_config){.max_connections = 4, .deadline_ms = 60000});
    struct buf request = signed_post("/webhooks/shop", "shop-secret", text_body, strlen(text_body),
                                     "Expect: 100-continue\r\n");
    const struct linger reset = {.l_onoff = 1};
    for (size_t len = 0; len <= request.len; len++) {
        f.queue->mode = len % 2 ? FAKE_WAITS : FAKE_KEEPS;
        struct client client;
        client_open(&client, f.base, f.port);
        client_send(&client, request.data, len);
        if (len % 3 > 0)
            setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        client_close(&client);
        event_base_loop(f.base, EVLOOP_NONBLOCK);
        fake_queue_release(f.queue);
    }
    int stopped = 0;
    listener_stop(f.listener, on_stopped, &stopped);
    loop_until(f.base, is_one, &stopped); // no connection is left
    buf_deinit(&request);
    fixture_stop(&f);
}

static void the_listener_may_go_before_the_queue_answers(void **state)
{
    struct fixture f;
    fixture_start(&f, NULL);
    f.queue->mode = FAKE_WAITS;
    struct buf request =
        signed_post("/webhooks/shop", "shop-secret", text_body, strlen(text_body), "");
    struct client client;
    client_open(&client, f.base, f.port);
    client_send(&client, request.data, request.len);
    loop_until(f.base, one_waits, f.queue);
    listener_free(f.listener);
    f.listener = NULL;
    fake_queue_release(f.queue);
    client_wait_end(&client);
    client_close(&client);
    buf_deinit(&request);
    fixture_stop(&f);
}

static void stopping_answers_what_is_under_way(void **state)
{
    struct fixture f;
    fixture_start(&f, NULL);
    f.queue->mode = FAKE_WAITS;
    struct buf request =
        signed_post("/webhooks/shop", "shop-secret", text_body, strlen(text_body), "");
    struct client client, idle, silent;
    client_open(&silent, f.base, f.port);
    client_open(&idle, f.base, f.port);
    client_send_str(&idle, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(client_response(&idle), 200);
    client_open(&client, f.base, f.port);
    client_send(&client, request.data, request.len);
    loop_until(f.base, one_waits, f.queue);
    int stopped = 0;
    listener_stop(f.listener, on_stopped, &stopped);
    client_wait_end(&idle);
    client_wait_end(&silent);
    assert_int_equal(stopped, 0);
    fake_queue_release(f.queue);
    assert_int_equal(client_response(&client), 200);
    assert_non_null(strstr(client.in.data, "Connection: close"));
    loop_until(f.base, is_one, &stopped);
    client_wait_end(&client);
    client_close(&client);
    client_close(&idle);
    client_close(&silent);
    buf_deinit(&request);
    fixture_stop(&f);
}

static void a_stopping_listener_answers_whoever_still_asks(void **state)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    struct fixture f;
    fixture_start(&f, NULL);
    struct client idle, silent, queued;
    client_open(&idle, f.base, f.port);
    client_send_str(&idle, request);
    assert_int_equal(client_response(&idle), 200);
    client_open(&silent, f.base, f.port);
    event_base_loop(f.base, EVLOOP_NONBLOCK); // accepts it
    client_open(&queued, f.base, f.port);     // waits in the socket's queue
    int stopped = 0;
    listener_stop(f.listener, on_stopped, &stopped);
    struct client *clients[] = {&idle, &silent, &queued};
    for (int i = 0; i < 3; i++) {
        client_send_str(clients[i], request);
        assert_int_equal(client_response(clients[i]), 200);
        assert_non_null(strstr(clients[i]->in.data, "Connection: close"));
        client_wait_end(clients[i]);
        client_close(clients[i]);
    }
    loop_until(f.base, is_one, &stopped);
    fixture_stop(&f);
}

static void connections_that_stay_silent_after_a_stop_get_a_second(void **state)
{
    struct fixture f;
    fixture_start(&f, NULL);
    struct client client;
    int64_t began = clock_mono_ms();
    client_open(&client, f.base, f.port);
    int stopped = 0;
    listener_stop(f.listener, on_stopped, &stopped);
    client_wait_end(&client);
    assert_in_range(clock_mono_ms() - began, 1000, 5000);
    loop_until(f.base, is_one, &stopped);
    client_close(&client);
    fixture_stop(&f);
}

static void a_stopped_listener_without_connections_says_so(void **state)
{
    struct fixture f;
    fixture_start(&f, NULL);
    int stopped = 0;
    listener_stop(f.listener, on_stopped, &stopped);
    assert_int_equal(stopped, 0); // not inside the call
    loop_until(f.base, is_one, &stopped);
    fixture_stop(&f);
}

int main(void)
{
    mem_init();
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_mebibytes_are_accepted_and_no_more),
        cmocka_unit_test(chunked_bodies_have_the_same_bound),
        cmocka_unit_test(clients_that_expect_100_continue_are_told),
        cmocka_unit_test(endless_headers_are_refused),
        cmocka_unit_test(trickling_clients_are_cut_at_the_deadline),
        cmocka_unit_test(silent_connections_are_cut_at_the_deadline),
        cmocka_unit_test(deadlines_spare_waiting_answers_and_idle_connections),
        cmocka_unit_test(idle_connections_are_closed_in_the_end),
        cmocka_unit_test(requests_may_be_pipelined),
        cmocka_unit_test(connections_above_the_cap_wait_their_turn),
        cmocka_unit_test(idle_connections_make_room_at_the_cap),
        cmocka_unit_test(unfinished_requests_make_room_at_the_cap_after_a_second),
        cmocka_unit_test(a_client_that_hangs_up_costs_nothing),
        cmocka_unit_test(clients_may_leave_at_any_byte),
        cmocka_unit_test(the_listener_may_go_before_the_queue_answers),
        cmocka_unit_test(stopping_answers_what_is_under_way),
        cmocka_unit_test(a_stopping_listener_answers_whoever_still_asks),
        cmocka_unit_test(connections_that_stay_silent_after_a_stop_get_a_second),
        cmocka_unit_test(a_stopped_listener_without_connections_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
