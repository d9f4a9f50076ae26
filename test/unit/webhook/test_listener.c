// SPDX-License-Identifier: MIT
// The listener over real sockets, in front of a queue in memory: answers, bounds, deadlines, and
// clients that leave.

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
#include "fake_queue.h"
#include "http_client.h"
#include "webhook/listener.h"
#include "webhook/signature.h"

static const struct config_app apps[] = {
    {.name = (char *)"shop",
     .secret = (char *)"shop-secret",
     .previous_secret = (char *)"shop-secret-of-last-year",
     .verify_token = (char *)"tok+1"},
    {.name = (char *)"bar", .secret = (char *)"bar-secret", .verify_token = (char *)"tok2"},
};

static const char text_body[] =
    "{\"object\":\"page\",\"entry\":[{\"id\":\"11\",\"messaging\":[{\"sender\":{\"id\":\"22\"},"
    "\"timestamp\":1795000000000,\"message\":{\"mid\":\"m_1\",\"text\":\"Hi\"}}]}]}";

struct fixture {
    struct event_base *base;
    struct queue *queue;
    struct listener *listener;
    int port;
};

static void start(struct fixture *f, const struct listener_config *wanted)
{
    struct listener_config config = wanted ? *wanted : (struct listener_config){0};
    config.address = "127.0.0.1";
    config.apps = apps;
    config.app_count = 2;
    f->base = event_base_new();
    f->queue = fake_queue_new(f->base);
    struct err err = {0};
    f->listener = listener_new(f->base, &config, f->queue, &err);
    if (!f->listener)
        fail_msg("%s", err.text);
    f->port = listener_port(f->listener);
    assert_true(f->port > 0);
}

static void stop(struct fixture *f)
{
    listener_free(f->listener);
    fake_queue_free(f->queue);
    event_base_free(f->base);
}

static struct buf signed_post(const char *path, const char *secret, const char *body, size_t len,
                              const char *more_headers)
{
    char signature[SIGNATURE_TEXT];
    signature_make(secret, body, len, signature);
    struct buf request = {0};
    buf_printf(&request,
               "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
               "X-Hub-Signature-256: %s\r\n%sContent-Length: %zu\r\n\r\n",
               path, signature, more_headers, len);
    buf_add(&request, body, len);
    return request;
}

// Delivers to the app `shop`; the response is in `response` when it is not NULL.
static int deliver(struct fixture *f, const char *body, struct buf *response)
{
    struct buf request = signed_post("/webhooks/shop", "shop-secret", body, strlen(body), "");
    int status = http_exchange(f->base, f->port, request.data, response);
    buf_deinit(&request);
    return status;
}

/* --- deliveries ----------------------------------------------------------------------------------
 */

static bool one_waits(void *arg)
{
    return fake_queue_waiting(arg) == 1;
}

static void the_answer_waits_for_the_queue(void **state)
{
    struct fixture f;
    start(&f, NULL);
    f.queue->mode = FAKE_WAITS;
    struct buf request =
        signed_post("/webhooks/shop", "shop-secret", text_body, strlen(text_body), "");
    struct client client;
    client_open(&client, f.base, f.port);
    client_send(&client, request.data, request.len);
    loop_until(f.base, one_waits, f.queue);
    for (int i = 0; i < 20; i++)
        assert_false(client_is_ended(&client));
    assert_int_equal(client.in.len, 0);
    fake_queue_release(f.queue);
    assert_int_equal(client_response(&client), 200);
    assert_string_equal(client_body(&client), "");
    assert_int_equal(f.queue->count, 1);
    assert_string_equal(f.queue->events[0].account, "messenger:11");
    assert_string_equal(f.queue->events[0].first_alias, "22");
    assert_false(f.queue->events[0].lane);
    assert_non_null(f.queue->events[0].dedup_key);
    assert_int_equal(f.queue->events[0].timestamp_ms, 1795000000000);
    assert_non_null(strstr(f.queue->events[0].json, "\"text\":\"Hi\""));
    client_close(&client);
    buf_deinit(&request);
    stop(&f);
}

static void a_batch_is_admitted_in_one_call(void **state)
{
    static const char body[] =
        "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[{"
        "\"field\":\"messages\",\"value\":{\"metadata\":{\"phone_number_id\":\"9\"},\"messages\":"
        "[{\"from\":\"5\",\"from_user_id\":\"A.5\",\"id\":\"w1\",\"type\":\"text\",\"text\":{"
        "\"body\":\"a\"}}],\"statuses\":[{\"id\":\"w2\",\"status\":\"sent\",\"recipient_id\":"
        "\"5\"}]}},{\"field\":\"account_update\",\"value\":{\"event\":\"X\"}}]},"
        "{\"id\":\"2\",\"changes\":[{\"field\":\"messages\",\"value\":{\"metadata\":{"
        "\"phone_number_id\":\"10\"},\"messages\":[{\"from\":\"5\",\"id\":\"w3\",\"type\":"
        "\"image\"}"
        "]}}]}]}";
    static const struct {
        const char *account;
        bool lane, remembered;
        size_t aliases;
    } want[] = {{"whatsapp:9", false, true, 2},
                {"whatsapp:9", true, false, 1},
                {"whatsapp:1", true, true, 0},
                {"whatsapp:10", false, true, 1}};
    struct fixture f;
    start(&f, NULL);
    assert_int_equal(deliver(&f, body, NULL), 200);
    assert_int_equal(f.queue->calls, 1);
    assert_int_equal(f.queue->count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(f.queue->events[i].account, want[i].account);
        assert_int_equal(f.queue->events[i].lane, want[i].lane);
        assert_int_equal(f.queue->events[i].dedup_key != NULL, want[i].remembered);
        assert_int_equal(f.queue->events[i].alias_count, want[i].aliases);
    }
    assert_int_equal(deliver(&f, body, NULL), 200); // again: all but the status were seen
    assert_int_equal(f.queue->count, 5);
    stop(&f);
}

static void unsigned_deliveries_are_refused_unread(void **state)
{
    struct fixture f;
    start(&f, NULL);
    struct buf good =
        signed_post("/webhooks/shop", "shop-secret", text_body, strlen(text_body), "");
    char *flipped = x_dup(good.data);
    char *digit = strstr(flipped, "sha256=") + 7 + 63;
    *digit = *digit == '0' ? '1' : '0';
    struct buf of_bar =
        signed_post("/webhooks/shop", "bar-secret", text_body, strlen(text_body), "");
    struct buf not_json = signed_post("/webhooks/shop", "wrong", "{", 1, "");
    char *missing = x_printf("POST /webhooks/shop HTTP/1.1\r\nHost: x\r\nContent-Length: %zu"
                             "\r\n\r\n%s",
                             strlen(text_body), text_body);
    const char *const requests[] = {flipped, of_bar.data, not_json.data, missing,
                                    "POST /webhooks/shop HTTP/1.1\r\nHost: x\r\n\r\n"};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        assert_int_equal(http_exchange(f.base, f.port, requests[i], NULL), 401);
    assert_int_equal(f.queue->calls, 0);
    assert_int_equal(f.queue->buried, 0);
    assert_int_equal(http_exchange(f.base, f.port, good.data, NULL), 200);
    free(flipped);
    free(missing);
    buf_deinit(&good);
    buf_deinit(&of_bar);
    buf_deinit(&not_json);
    stop(&f);
}

static void the_previous_secret_is_still_good(void **state)
{
    struct fixture f;
    start(&f, NULL);
    struct buf request =
        signed_post("/webhooks/shop", "shop-secret-of-last-year", text_body, strlen(text_body), "");
    assert_int_equal(http_exchange(f.base, f.port, request.data, NULL), 200);
    assert_int_equal(f.queue->count, 1);
    buf_deinit(&request);
    stop(&f);
}

static void what_cannot_be_understood_is_buried_and_answered_200(void **state)
{
    static const char *const bodies[] = {"not json", "{\"object\":\"page\",\"entry\":[\"\xff\"]}",
                                         "{\"object\":\"user\",\"entry\":[]}", "[]"};
    struct fixture f;
    start(&f, NULL);
    for (unsigned i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_int_equal(deliver(&f, bodies[i], NULL), 200);
        assert_int_equal(f.queue->buried, i + 1);
        assert_string_equal(f.queue->buried_app, "shop");
        assert_int_equal(f.queue->buried_len, strlen(bodies[i]));
        assert_string_equal(f.queue->buried_body, bodies[i]);
        assert_non_null(strstr(f.queue->buried_reason, "body"));
    }
    assert_int_equal(f.queue->calls, 0);
    f.queue->mode = FAKE_FAILS;
    assert_int_equal(deliver(&f, "not json", NULL), 503);
    stop(&f);
}

static void what_cannot_be_kept_is_answered_503(void **state)
{
    struct fixture f;
    start(&f, NULL);
    f.queue->mode = FAKE_FAILS;
    struct buf response = {0};
    assert_int_equal(deliver(&f, text_body, &response), 503);
    assert_non_null(strstr(response.data, "Retry-After: "));
    f.queue->mode = FAKE_KEEPS;
    assert_int_equal(deliver(&f, text_body, NULL), 200);
    buf_deinit(&response);
    stop(&f);
}

static void a_delivery_of_nothing_needs_no_queue(void **state)
{
    struct fixture f;
    start(&f, NULL);
    f.queue->mode = FAKE_FAILS;
    assert_int_equal(deliver(&f, "{\"object\":\"page\",\"entry\":[]}", NULL), 200);
    assert_int_equal(f.queue->calls, 0);
    stop(&f);
}

/* --- addresses -----------------------------------------------------------------------------------
 */

static void addresses_and_methods_are_checked(void **state)
{
    static const struct {
        const char *request;
        int status;
        const char *has;
    } cases[] = {
        {"POST /webhooks/nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 404, NULL},
        {"GET /webhooks/ HTTP/1.1\r\nHost: x\r\n\r\n", 404, NULL},
        {"GET /webhooks/shop/ HTTP/1.1\r\nHost: x\r\n\r\n", 404, NULL},
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404, NULL},
        {"PUT /webhooks/shop HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 405,
         "Allow: GET, POST"},
        {"DELETE /webhooks/shop HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Allow: GET, POST"},
        {"HEAD /webhooks/shop HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Allow: GET, POST"},
        {"BREW /webhooks/shop HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Allow: GET, POST"},
        {"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405, "Allow: GET"},
        {"nonsense\r\n\r\n", 400, NULL},
        {"POST /webhooks/shop HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, NULL},
        {"POST /webhooks/shop HTTP/1.1\r\nno colon\r\n\r\n", 400, NULL},
        {"GET /webhooks/shop?hub.mode=subscribe&hub.challenge=77&hub.verify_token=tok%2B1 "
         "HTTP/1.1\r\nHost: x\r\n\r\n",
         200, "\r\n\r\n77"},
        {"GET /webhooks/bar?hub.mode=subscribe&hub.challenge=77&hub.verify_token=tok%2B1 "
         "HTTP/1.1\r\nHost: x\r\n\r\n",
         403, "Content-Length: 0"},
        {"GET /webhooks/shop HTTP/1.1\r\nHost: x\r\n\r\n", 400, NULL},
        {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200, "ok\n"},
        {"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", 200, "ready\n"},
    };
    struct fixture f;
    start(&f, NULL);
    struct buf response = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status = http_exchange(f.base, f.port, cases[i].request, &response);
        if (status != cases[i].status || (cases[i].has && !strstr(response.data, cases[i].has)))
            fail_msg("%s gives %s", cases[i].request, response.data);
    }
    assert_int_equal(f.queue->calls, 0);
    buf_deinit(&response);
    stop(&f);
}

static void readiness_says_why_not(void **state)
{
    static const char request[] = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
    struct fixture f;
    start(&f, NULL);
    struct buf response = {0};
    f.queue->down = true;
    assert_int_equal(http_exchange(f.base, f.port, request, &response), 503);
    assert_non_null(strstr(response.data, "Redis is away"));
    f.queue->down = false;
    f.queue->full = true;
    assert_int_equal(http_exchange(f.base, f.port, request, &response), 503);
    assert_non_null(strstr(response.data, "high-water"));
    assert_int_equal(
        http_exchange(f.base, f.port, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 200);
    buf_deinit(&response);
    stop(&f);
}

static void figures_count_what_happened(void **state)
{
    struct fixture f;
    start(&f, &(struct listener_config){.max_body = 1000});
    deliver(&f, text_body, NULL);
    deliver(&f, text_body, NULL);
    deliver(&f, "not json", NULL);
    http_exchange(f.base, f.port,
                  "POST /webhooks/bar HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", NULL);
    http_exchange(f.base, f.port,
                  "POST /webhooks/bar HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", NULL);
    struct buf response = {0};
    assert_int_equal(
        http_exchange(f.base, f.port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", &response), 200);
    static const char *const lines[] = {
        "\nhookmill_listener_answers_total{app=\"shop\",code=\"200\"} 3\n",
        "\nhookmill_listener_answers_total{app=\"bar\",code=\"401\"} 1\n",
        "\nhookmill_listener_answers_total{app=\"\",code=\"413\"} 1\n",
        "\nhookmill_listener_signature_failures_total{app=\"bar\"} 1\n",
        "\nhookmill_listener_buried_total{app=\"shop\"} 1\n",
        "\nhookmill_listener_events_total{platform=\"messenger\",kind=\"message\"} 2\n",
        "\nhookmill_listener_admitted_total 1\n",
        "\nhookmill_listener_duplicates_total 1\n",
        "\nhookmill_listener_in_flight 0\n",
        "\nhookmill_listener_answer_seconds_count 4\n",
        "\nhookmill_listener_answer_seconds_bucket{le=\"+Inf\"} 4\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (!strstr(response.data, lines[i]))
            fail_msg("missing %s in %s", lines[i], response.data);
    }
    buf_deinit(&response);
    stop(&f);
}

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
    start(&f, NULL);
    for (size_t i = 0; i < 3; i++) {
        char *body = body_of(lens[i]);
        struct buf request = signed_post("/webhooks/shop", "shop-secret", body, lens[i], "");
        assert_int_equal(send_then_read(&f, &request), lens[i] > FOUR_MIB ? 413 : 200);
        buf_deinit(&request);
        free(body);
    }
    assert_int_equal(f.queue->count, 1);
    assert_int_equal(f.queue->buried, 0);
    stop(&f);
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
    start(&f, NULL);
    assert_int_equal(deliver_chunked(&f, text_body, 7), 200);
    assert_int_equal(f.queue->count, 1);
    for (size_t over = 0; over <= 1; over++) {
        char *body = body_of(FOUR_MIB + over);
        assert_int_equal(deliver_chunked(&f, body, 100000), over ? 413 : 200);
        free(body);
    }
    stop(&f);
}

static void clients_that_expect_100_continue_are_told(void **state)
{
    struct fixture f;
    start(&f, NULL);
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
    stop(&f);
}

static void endless_headers_are_refused(void **state)
{
    struct fixture f;
    start(&f, NULL);
    struct client client;
    client_open(&client, f.base, f.port);
    client_send_str(&client, "GET /healthz HTTP/1.1\r\n");
    for (int i = 0; i < 3000 && !client.ended; i++)
        client_send_str(&client, "X-Filler: 0123456789\r\n");
    assert_int_equal(client_response(&client), 400);
    client_close(&client);
    stop(&f);
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
    start(&f, &(struct listener_config){.deadline_ms = 300});
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
    stop(&f);
}

static void silent_connections_are_cut_at_the_deadline(void **state)
{
    struct fixture f;
    start(&f, &(struct listener_config){.deadline_ms = 100});
    struct client client;
    client_open(&client, f.base, f.port);
    client_wait_end(&client);
    client_close(&client);
    stop(&f);
}

// The deadline is of a request: Redis may take longer, and so may the pause between two requests.
static void deadlines_spare_waiting_answers_and_idle_connections(void **state)
{
    struct fixture f;
    start(&f, &(struct listener_config){.deadline_ms = 100});
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
    stop(&f);
}

static void idle_connections_are_closed_in_the_end(void **state)
{
    struct fixture f;
    start(&f, &(struct listener_config){.idle_ms = 50});
    struct client client;
    client_open(&client, f.base, f.port);
    client_send_str(&client, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(client_response(&client), 200);
    client_wait_end(&client);
    client_close(&client);
    stop(&f);
}

static void requests_may_be_pipelined(void **state)
{
    struct fixture f;
    start(&f, NULL);
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
    stop(&f);
}

static void connections_above_the_cap_wait_their_turn(void **state)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    struct fixture f;
    start(&f, &(struct listener_config){.max_connections = 3, .deadline_ms = 60000});
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
    stop(&f);
}

static void idle_connections_make_room_at_the_cap(void **state)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    struct fixture f;
    start(&f, &(struct listener_config){.max_connections = 2, .deadline_ms = 60000});
    struct client clients[6];
    for (int i = 0; i < 6; i++) {
        client_open(&clients[i], f.base, f.port);
        client_send_str(&clients[i], request);
        assert_int_equal(client_response(&clients[i]), 200);
    }
    client_wait_end(&clients[0]);
    for (int i = 0; i < 6; i++)
        client_close(&clients[i]);
    stop(&f);
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
    start(&f, NULL);
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
    stop(&f);
}

// With a reset and with a close, after each length of a request, under each behaviour of the queue.
static void clients_may_leave_at_any_byte(void **state)
{
    struct fixture f;
    start(&f, &(struct listener_config){.max_connections = 4, .deadline_ms = 60000});
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
    stop(&f);
}

static void the_listener_may_go_before_the_queue_answers(void **state)
{
    struct fixture f;
    start(&f, NULL);
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
    stop(&f);
}

static void stopping_answers_what_is_under_way(void **state)
{
    struct fixture f;
    start(&f, NULL);
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
    stop(&f);
}

static void a_stopped_listener_without_connections_says_so(void **state)
{
    struct fixture f;
    start(&f, NULL);
    int stopped = 0;
    listener_stop(f.listener, on_stopped, &stopped);
    assert_int_equal(stopped, 0); // not inside the call
    loop_until(f.base, is_one, &stopped);
    stop(&f);
}

static void a_taken_port_is_an_error_that_names_it(void **state)
{
    struct fixture f;
    start(&f, NULL);
    struct err err = {0};
    struct listener_config config = {
        .address = "127.0.0.1", .port = f.port, .apps = apps, .app_count = 2};
    assert_null(listener_new(f.base, &config, f.queue, &err));
    char port[16];
    snprintf(port, sizeof port, "%d", f.port);
    assert_non_null(strstr(err.text, port));
    config.address = "no.such.host.invalid";
    assert_null(listener_new(f.base, &config, f.queue, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    stop(&f);
}

int main(void)
{
    mem_init();
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_waits_for_the_queue),
        cmocka_unit_test(a_batch_is_admitted_in_one_call),
        cmocka_unit_test(unsigned_deliveries_are_refused_unread),
        cmocka_unit_test(the_previous_secret_is_still_good),
        cmocka_unit_test(what_cannot_be_understood_is_buried_and_answered_200),
        cmocka_unit_test(what_cannot_be_kept_is_answered_503),
        cmocka_unit_test(a_delivery_of_nothing_needs_no_queue),
        cmocka_unit_test(addresses_and_methods_are_checked),
        cmocka_unit_test(readiness_says_why_not),
        cmocka_unit_test(figures_count_what_happened),
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
        cmocka_unit_test(a_client_that_hangs_up_costs_nothing),
        cmocka_unit_test(clients_may_leave_at_any_byte),
        cmocka_unit_test(the_listener_may_go_before_the_queue_answers),
        cmocka_unit_test(stopping_answers_what_is_under_way),
        cmocka_unit_test(a_stopped_listener_without_connections_says_so),
        cmocka_unit_test(a_taken_port_is_an_error_that_names_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
