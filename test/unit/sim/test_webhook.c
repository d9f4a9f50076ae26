// SPDX-License-Identifier: MIT
// Deliveries that the simulator makes: shape, escaped form, signature, and sending one.
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "sim/send.h"
#include "test/unit/cmocka_all.h"

// Vectors of the platform reference, 1.2, computed with another implementation.
static void signatures_match_the_vectors(void **state)
{
    static const struct {
        const char *secret, *body, *want;
    } cases[] = {
        {"vector-app-secret-01", "",
         "sha256=79f7e4f516215489ed75804b9df7097f30895fff47b70d801ac82fa217039c68"},
        {"vector-app-secret-01", "{\"object\":\"page\",\"entry\":[]}",
         "sha256=c3df17fb8c5eee581e6dc9c1307c3259e1b14b17054771a88c496c9e7aca73c7"},
        {"vector-app-secret-01", "{\"object\": \"page\", \"entry\": []}",
         "sha256=c50e11fa56be74b25feb5308f8b364c581ef3bfd8c705514711040d3b726ac8a"},
        {"vector-app-secret-01", "{\"object\":\"page\",\"entry\":[]}\n",
         "sha256=b05d2fce985bde8ad1d61bb59358a9acaa97153b5764362fe1ad2c9528f28019"},
        {"c0ffee00c0ffee00c0ffee00c0ffee00",
         "{\"object\":\"page\",\"entry\":[{\"id\":\"108277665544332\",\"time\":1790416801234,"
         "\"messaging\":[{\"sender\":{\"id\":\"7012345678901234\"},\"recipient\":{\"id\":"
         "\"108277665544332\"},\"timestamp\":1790416800987,\"message\":{\"mid\":\"m_A1b2C3d4E5\","
         "\"text\":\"caf\\u00e9 \\ud83d\\ude00 a\\/b\"}}]}]}",
         "sha256=f2d9c3a47a6f8a49e0de12564b63e33b20f895b78cb57d11e19e213917e2332d"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char have[SIM_SIGNATURE_SIZE];
        sim_webhook_signature(cases[i].secret, cases[i].body, strlen(cases[i].body), have);
        assert_string_equal(have, cases[i].want);
    }
}

static const struct sim_message messenger = {.platform = PLATFORM_MESSENGER,
                                             .account = "108",
                                             .from = "701",
                                             .text = "Red",
                                             .payload = "COLOR:red",
                                             .id = "m_1",
                                             .attempt = "s:7",
                                             .timestamp_ms = 1790416800987};
static const struct sim_message whatsapp = {.platform = PLATFORM_WHATSAPP,
                                            .account = "109",
                                            .from = "5959",
                                            .name = "Ana",
                                            .text = "Yes",
                                            .payload = "yes",
                                            .id = "wamid.1",
                                            .attempt = "s:7",
                                            .timestamp_ms = 1790416800987};

// The bytes of the one element at entry[0].messaging[0] or …changes[0].value.{array}[0].
static char *element_of(const struct sim_message *message, const char *array)
{
    char *body = sim_webhook_body(message);
    struct json_doc *doc = json_parse(body, strlen(body), NULL, NULL);
    assert_non_null(doc);
    const cJSON *entry = json_get(json_root(doc), "entry")->child;
    const cJSON *holder = message->platform == PLATFORM_WHATSAPP
                              ? json_get(json_get(entry, "changes")->child, "value")
                              : entry;
    size_t len;
    assert_int_equal(cJSON_GetArraySize(json_get(holder, array)), 1);
    const char *raw = json_raw(doc, json_get(holder, array)->child, &len);
    char *text = x_dupn(raw, len);
    json_doc_free(doc);
    free(body);
    return text;
}

static void elements_have_metas_shape(void **state)
{
#define PEOPLE                                                                                     \
    "{\"sender\":{\"id\":\"701\"},\"recipient\":{\"id\":\"108\"},\"timestamp\":1790416800987,"
#define FROM "{\"from\":\"5959\",\"id\":\"wamid.1\",\"timestamp\":\"1790416800\","
    static const struct {
        const struct sim_message *base;
        enum sim_message_kind kind;
        const char *array, *want;
    } cases[] = {
        {&messenger, SIM_TEXT, "messaging",
         PEOPLE "\"message\":{\"mid\":\"m_1\",\"text\":\"Red\"}}"},
        {&messenger, SIM_QUICK_REPLY, "messaging",
         PEOPLE "\"message\":{\"mid\":\"m_1\",\"text\":\"Red\",\"quick_reply\":{\"payload\":"
                "\"COLOR:red\"}}}"},
        {&messenger, SIM_POSTBACK, "messaging",
         PEOPLE "\"postback\":{\"mid\":\"m_1\",\"title\":\"Red\",\"payload\":\"COLOR:red\"}}"},
        {&messenger, SIM_ECHO, "messaging",
         "{\"sender\":{\"id\":\"108\"},\"recipient\":{\"id\":\"701\"},\"timestamp\":1790416800987,"
         "\"message\":{\"mid\":\"m_1\",\"is_echo\":true,\"app_id\":1517776481860111,\"metadata\":"
         "\"s:7\",\"text\":\"Red\"}}"},
        {&whatsapp, SIM_TEXT, "messages", FROM "\"type\":\"text\",\"text\":{\"body\":\"Yes\"}}"},
        {&whatsapp, SIM_BUTTON_REPLY, "messages",
         FROM
         "\"type\":\"interactive\",\"interactive\":{\"type\":\"button_reply\",\"button_reply\":"
         "{\"id\":\"yes\",\"title\":\"Yes\"}}}"},
        {&whatsapp, SIM_LIST_REPLY, "messages",
         FROM "\"type\":\"interactive\",\"interactive\":{\"type\":\"list_reply\",\"list_reply\":{"
              "\"id\":\"yes\",\"title\":\"Yes\"}}}"},
        {&whatsapp, SIM_BUTTON, "messages",
         FROM "\"type\":\"button\",\"button\":{\"payload\":\"yes\",\"text\":\"Yes\"}}"},
        {&whatsapp, SIM_TEXT, "contacts", "{\"profile\":{\"name\":\"Ana\"},\"wa_id\":\"5959\"}"},
        {&whatsapp, SIM_STATUS, "statuses",
         "{\"id\":\"wamid.1\",\"status\":\"delivered\",\"timestamp\":\"1790416800\","
         "\"recipient_id\":\"5959\",\"biz_opaque_callback_data\":\"s:7\"}"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sim_message message = *cases[i].base;
        message.kind = cases[i].kind;
        char *have = element_of(&message, cases[i].array);
        assert_string_equal(have, cases[i].want);
        free(have);
    }
}

static void envelope_names_the_platform_and_the_account(void **state)
{
    struct sim_message message = messenger;

    char *page = sim_webhook_body(&message);
    message.platform = PLATFORM_INSTAGRAM;
    char *instagram = sim_webhook_body(&message);
    char *business = sim_webhook_body(&whatsapp);
    assert_memory_equal(page, "{\"object\":\"page\",\"entry\":[{\"id\":\"108\",\"time\":", 44);
    assert_memory_equal(instagram, "{\"object\":\"instagram\",\"entry\":[{\"id\":\"108\"", 42);
    assert_memory_equal(business, "{\"object\":\"whatsapp_business_account\"", 37);
    assert_non_null(strstr(business, "\"phone_number_id\":\"109\""));
    free(page);
    free(instagram);
    free(business);
}

static void person_without_a_phone_is_named_by_the_business_scoped_id(void **state)
{
    struct sim_message message = whatsapp;

    message.from = "PY.1349";
    char *element = element_of(&message, "messages");
    char *contact = element_of(&message, "contacts");
    assert_non_null(strstr(element, "\"from_user_id\":\"PY.1349\""));
    assert_null(strstr(element, "\"from\":"));
    assert_string_equal(contact, "{\"profile\":{\"name\":\"Ana\"},\"user_id\":\"PY.1349\"}");
    free(element);
    free(contact);
}

static void body_is_written_in_metas_escaped_form(void **state)
{
    struct sim_message message = messenger;

    message.text = "caf\u00e9 \u20ac \U0001f600 a/b \"q\" \\";
    char *body = sim_webhook_body(&message);
    assert_non_null(strstr(body, "\"caf\\u00e9 \\u20ac \\ud83d\\ude00 a\\/b \\\"q\\\" \\\\\""));
    for (const char *c = body; *c; c++)
        assert_true((unsigned char)*c < 0x80);
    cJSON *root = json_read(body, strlen(body), NULL);
    const cJSON *element = json_get(json_get(root, "entry")->child, "messaging")->child;
    assert_string_equal(json_str(json_get(element, "message"), "text"), message.text);
    cJSON_Delete(root);
    free(body);
}

static void made_ids_and_times_differ_and_are_now(void **state)
{
    struct sim_message message = messenger;

    message.id = NULL;
    message.timestamp_ms = 0;
    char *one = element_of(&message, "messaging");
    char *two = element_of(&message, "messaging");
    const char *mid = strstr(one, "\"mid\":\"m_");
    assert_non_null(mid);
    assert_memory_not_equal(mid, strstr(two, "\"mid\":\"m_"), 45);
    assert_null(strstr(one, "\"timestamp\":0"));
    free(one);
    free(two);
}

// ---- Sending: one blocking server in a thread

struct peer {
    int fd, port;
    const char *answer;
    char got[4096];
    pthread_t thread;
};

static void *serve_once(void *arg)
{
    struct peer *peer = arg;
    int fd = accept(peer->fd, NULL, NULL);
    size_t len = 0;

    // The test's bodies end the JSON with "]}".
    while (len < sizeof peer->got - 1 && (len < 2 || strcmp(peer->got + len - 2, "]}") != 0)) {
        ssize_t n = read(fd, peer->got + len, sizeof peer->got - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    if (write(fd, peer->answer, strlen(peer->answer)) < 0)
        peer->got[0] = '\0';
    close(fd);
    return NULL;
}

static void peer_start(struct peer *peer, const char *answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    *peer = (struct peer){.answer = answer, .fd = socket(AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(bind(peer->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(peer->fd, 4), 0);
    assert_int_equal(getsockname(peer->fd, (struct sockaddr *)&address, &len), 0);
    peer->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&peer->thread, NULL, serve_once, peer), 0);
}

static void sending_posts_a_signed_body_and_returns_the_status(void **state)
{
    struct peer peer;
    struct sim_message message = messenger;
    struct err err;
    char url[64], signature[SIM_SIGNATURE_SIZE];
    int status = 0;

    peer_start(&peer, "HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n");
    snprintf(url, sizeof url, "http://127.0.0.1:%d/webhooks/demo", peer.port);
    message.url = url;
    message.secret = "s3cret";
    assert_true(sim_send(&message, &status, &err));
    pthread_join(peer.thread, NULL);
    close(peer.fd);
    assert_int_equal(status, 401);
    assert_memory_equal(peer.got, "POST /webhooks/demo HTTP/1.1\r\n", 30);
    const char *body = strstr(peer.got, "\r\n\r\n") + 4;
    sim_webhook_signature("s3cret", body, strlen(body), signature);
    assert_non_null(strstr(peer.got, signature));
}

static void sending_to_nobody_says_where(void **state)
{
    struct peer peer;
    struct err err;
    char url[64];
    int status = 7;

    peer_start(&peer, "");
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", peer.port);
    assert_false(sim_deliver(url, "s", "{\"x\":[]}", 8, &status, &err)); // closed without a word
    assert_int_equal(err.code, ERR_AMBIGUOUS);
    pthread_join(peer.thread, NULL);
    close(peer.fd);
    assert_false(sim_deliver(url, "s", "{}", 2, &status, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, url));
    assert_int_equal(status, 7);
    assert_false(sim_send(&messenger, &status, &err)); // no url
    assert_int_equal(err.code, ERR_INPUT);
}

static void kinds_are_known_by_name(void **state)
{
    enum sim_message_kind kind = SIM_TEXT;

    assert_true(sim_message_kind_parse("list_reply", &kind));
    assert_int_equal(kind, SIM_LIST_REPLY);
    assert_false(sim_message_kind_parse("carrier-pigeon", &kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_match_the_vectors),
        cmocka_unit_test(elements_have_metas_shape),
        cmocka_unit_test(envelope_names_the_platform_and_the_account),
        cmocka_unit_test(person_without_a_phone_is_named_by_the_business_scoped_id),
        cmocka_unit_test(body_is_written_in_metas_escaped_form),
        cmocka_unit_test(made_ids_and_times_differ_and_are_now),
        cmocka_unit_test(sending_posts_a_signed_body_and_returns_the_status),
        cmocka_unit_test(sending_to_nobody_says_where),
        cmocka_unit_test(kinds_are_known_by_name),
    };
    return cmocka_run_group_tests_name("webhook", tests, NULL, NULL);
}
