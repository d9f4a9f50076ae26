// SPDX-License-Identifier: MIT
// The listener over real sockets: what is admitted, what is refused, what the other addresses say.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "fixture.h"

/* --- deliveries ----------------------------------------------------------------------------------
 */

static void the_answer_waits_for_the_queue(void **state)
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
    fixture_stop(&f);
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
    fixture_start(&f, NULL);
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
    fixture_stop(&f);
}

static void unsigned_deliveries_are_refused_unread(void **state)
{
    struct fixture f;
    fixture_start(&f, NULL);
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
    fixture_stop(&f);
}

static void the_previous_secret_is_still_good(void **state)
{
    struct fixture f;
    fixture_start(&f, NULL);
    struct buf request =
        signed_post("/webhooks/shop", "shop-secret-of-last-year", text_body, strlen(text_body), "");
    assert_int_equal(http_exchange(f.base, f.port, request.data, NULL), 200);
    assert_int_equal(f.queue->count, 1);
    buf_deinit(&request);
    fixture_stop(&f);
}

static void what_cannot_be_understood_is_buried_and_answered_200(void **state)
{
    static const char *const bodies[] = {"not json", "{\"object\":\"page\",\"entry\":[\"\xff\"]}",
                                         "{\"object\":\"user\",\"entry\":[]}", "[]"};
    struct fixture f;
    fixture_start(&f, NULL);
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
    fixture_stop(&f);
}

static void what_cannot_be_kept_is_answered_503(void **state)
{
    struct fixture f;
    fixture_start(&f, NULL);
    f.queue->mode = FAKE_FAILS;
    struct buf response = {0};
    assert_int_equal(deliver(&f, text_body, &response), 503);
    assert_non_null(strstr(response.data, "Retry-After: "));
    f.queue->mode = FAKE_KEEPS;
    assert_int_equal(deliver(&f, text_body, NULL), 200);
    buf_deinit(&response);
    fixture_stop(&f);
}

static void a_delivery_of_nothing_needs_no_queue(void **state)
{
    struct fixture f;
    fixture_start(&f, NULL);
    f.queue->mode = FAKE_FAILS;
    assert_int_equal(deliver(&f, "{\"object\":\"page\",\"entry\":[]}", NULL), 200);
    assert_int_equal(f.queue->calls, 0);
    fixture_stop(&f);
}

static const char statuses_body[] =
    "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[{\"field\":"
    "\"messages\",\"value\":{\"metadata\":{\"phone_number_id\":\"9\"},\"statuses\":[{\"id\":\"w2\","
    "\"status\":\"sent\",\"recipient_id\":\"5\"}]}}]}]}";

static void receipts_are_shed_before_messages_and_all_when_nothing_has_room(void **state)
{
    struct fixture f;
    fixture_start(&f, NULL);
    f.queue->room = QUEUE_ROOM_NO_RECEIPTS;
    assert_int_equal(deliver(&f, statuses_body, NULL), 503);
    assert_int_equal(deliver(&f, text_body, NULL), 200);
    f.queue->room = QUEUE_ROOM_NONE;
    assert_int_equal(deliver(&f, text_body, NULL), 503);
    assert_int_equal(deliver(&f, "not json", NULL), 503); // not even parsed
    struct buf wrong = signed_post("/webhooks/shop", "wrong", text_body, strlen(text_body), "");
    assert_int_equal(http_exchange(f.base, f.port, wrong.data, NULL), 401); // and yet verified
    f.queue->room = QUEUE_ROOM;
    assert_int_equal(deliver(&f, statuses_body, NULL), 200);
    assert_int_equal(f.queue->count, 2);
    assert_int_equal(f.queue->buried, 0);
    assert_int_equal(metrics_value(f.metrics, f.figures.shed + FIGURE_SHED_RECEIPTS), 1);
    assert_int_equal(metrics_value(f.metrics, f.figures.shed + FIGURE_SHED_ALL), 2);
    assert_int_equal(metrics_value(f.metrics, f.figures.results + FIGURE_REFUSED), 1);
    buf_deinit(&wrong);
    fixture_stop(&f);
}

static void a_delivery_is_answered_503_when_the_queue_is_silent(void **state)
{
    struct fixture f;
    fixture_start(&f, &(struct listener_config){.answer_ms = 200});
    f.queue->mode = FAKE_WAITS;
    int64_t began = clock_mono_ms();
    assert_int_equal(deliver(&f, text_body, NULL), 503);
    assert_in_range(clock_mono_ms() - began, 150, 2000);
    assert_int_equal(fake_queue_waiting(f.queue), 1);
    fake_queue_release(f.queue); // it was kept after all, and that is counted
    assert_int_equal(metrics_value(f.metrics, f.figures.results + FIGURE_ADMITTED), 1);
    assert_int_equal(deliver(&f, "not json", NULL), 503);
    fixture_stop(&f);
}

// 16 hexadecimal digits after "delivery":" in an event, or "" when there are none.
static void delivery_of(const struct fake_event *event, char out[17])
{
    const char *at = strstr(event->json, "\"delivery\":\"");
    snprintf(out, 17, "%s", at ? at + 12 : "");
    out[16] = '\0';
    assert_int_equal(strspn(out, "0123456789abcdef"), 16);
}

static void each_event_names_the_delivery_that_brought_it(void **state)
{
    static const char two[] =
        "{\"object\":\"page\",\"entry\":[{\"id\":\"11\",\"messaging\":[{\"sender\":{\"id\":\"22\"},"
        "\"message\":{\"mid\":\"m_8\",\"text\":\"a\"}},{\"sender\":{\"id\":\"23\"},"
        "\"message\":{\"mid\":\"m_9\",\"text\":\"b\"}}]}]}";
    struct fixture f;
    fixture_start(&f, NULL);
    assert_int_equal(deliver(&f, text_body, NULL), 200);
    assert_int_equal(deliver(&f, two, NULL), 200);
    assert_int_equal(f.queue->count, 3);
    char ids[3][17];
    for (size_t i = 0; i < 3; i++)
        delivery_of(&f.queue->events[i], ids[i]);
    assert_string_not_equal(ids[0], ids[1]);
    assert_string_equal(ids[1], ids[2]);
    fixture_stop(&f);
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
        {"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL},
        {"HEAD /readyz HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL},
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
    fixture_start(&f, NULL);
    struct buf response = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status = http_exchange(f.base, f.port, cases[i].request, &response);
        if (status != cases[i].status || (cases[i].has && !strstr(response.data, cases[i].has)))
            fail_msg("%s gives %s", cases[i].request, response.data);
    }
    assert_int_equal(f.queue->calls, 0);
    buf_deinit(&response);
    fixture_stop(&f);
}

static void readiness_says_why_not(void **state)
{
    static const char request[] = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
    struct fixture f;
    fixture_start(&f, NULL);
    struct buf response = {0};
    f.queue->down = true;
    assert_int_equal(http_exchange(f.base, f.port, request, &response), 503);
    assert_non_null(strstr(response.data, "Redis is away"));
    f.queue->foreign = true;
    assert_int_equal(http_exchange(f.base, f.port, request, &response), 503);
    assert_non_null(strstr(response.data, "another shard count"));
    f.queue->down = f.queue->foreign = false;
    f.queue->room = QUEUE_ROOM_NONE;
    assert_int_equal(http_exchange(f.base, f.port, request, &response), 503);
    assert_non_null(strstr(response.data, "high-water"));
    assert_int_equal(
        http_exchange(f.base, f.port, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 200);
    buf_deinit(&response);
    fixture_stop(&f);
}

static void figures_count_what_happened(void **state)
{
    struct fixture f;
    fixture_start(&f, &(struct listener_config){.max_body = 1000});
    f.queue->waiting_events = 77;
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
        "\nhookmill_listener_events_total{app=\"shop\",platform=\"messenger\",kind=\"message\"} "
        "2\n",
        "\nhookmill_listener_results_total{app=\"shop\",result=\"admitted\"} 1\n",
        "\nhookmill_listener_results_total{app=\"shop\",result=\"duplicate\"} 1\n",
        "\nhookmill_listener_stage_seconds_count{stage=\"verify\"} 4\n",
        "\nhookmill_listener_stage_seconds_count{stage=\"parse\"} 3\n",
        "\nhookmill_listener_stage_seconds_count{stage=\"admit\"} 3\n",
        "\nhookmill_listener_waiting_events 77\n",
        "\nhookmill_listener_in_flight 0\n",
        "\nhookmill_listener_answer_seconds_count 4\n",
        "\nhookmill_listener_answer_seconds_bucket{le=\"+Inf\"} 4\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (!strstr(response.data, lines[i]))
            fail_msg("missing %s in %s", lines[i], response.data);
    }
    buf_deinit(&response);
    fixture_stop(&f);
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
        cmocka_unit_test(receipts_are_shed_before_messages_and_all_when_nothing_has_room),
        cmocka_unit_test(a_delivery_is_answered_503_when_the_queue_is_silent),
        cmocka_unit_test(each_event_names_the_delivery_that_brought_it),
        cmocka_unit_test(addresses_and_methods_are_checked),
        cmocka_unit_test(readiness_says_why_not),
        cmocka_unit_test(figures_count_what_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
