// SPDX-License-Identifier: MIT
// The simulator as its clients see it: what it takes, refuses, remembers, and how it misbehaves
// when asked.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "connectors/graph.h"
#include "connectors/groq.h"
#include "sim/internal.h"
#include "sim/sim_webhook.h"
#include "test/unit/cmocka_all.h"
#include "test/unit/connectors/server.h"

struct fixture {
    struct event_base *base;
    struct sim *sim;
    struct http *http;
    char url[64];
};

struct told {
    int times, status;
    char retry_after[16];
    cJSON *json;
    struct err err;
    int64_t elapsed_ms;
};

static int setup(void **state)
{
    struct fixture *f = x_alloc(sizeof *f);
    struct err err;

    f->base = event_base_new();
    f->sim = sim_new(f->base, NULL, &err);
    assert_non_null(f->sim);
    f->http = http_new(f->base, NULL, &err);
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d", sim_port(f->sim));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    http_free(f->http);
    sim_free(f->sim);
    event_base_free(f->base);
    free(f);
    return 0;
}

static void on_done(void *arg, const struct http_response *response, const struct err *err)
{
    struct told *told = arg;

    told->times++;
    told->err = *err;
    if (!response)
        return;
    const char *retry_after = http_header_get(response, "Retry-After");
    snprintf(told->retry_after, sizeof told->retry_after, "%s", retry_after ? retry_after : "");
    told->status = response->status;
    told->elapsed_ms = response->elapsed_ms;
    told->json = json_read(response->body, response->body_len, NULL);
}

// The caller deletes told.json.
static struct told call(struct fixture *f, const char *method, const char *path, const char *token,
                        const char *body)
{
    struct told told = {0};
    char *url = x_printf("%s%s", f->url, path);
    char *authorization = x_printf("Authorization: Bearer %s", token ? token : "");
    const char *const headers[] = {"Content-Type: application/json", token ? authorization : NULL,
                                   NULL};
    const struct http_request request = {.method = method,
                                         .url = url,
                                         .headers = headers,
                                         .body = body,
                                         .body_len = body ? strlen(body) : 0,
                                         .max_response = 8 << 20};
    http_start(f->http, &request, on_done, &told);
    loop_until(f->base, &told.times, 1);
    free(url);
    free(authorization);
    return told;
}

static const cJSON *at(const cJSON *array, int index)
{
    return cJSON_GetArrayItem(array, index);
}

// The control API's list of what was received; caller deletes.
static cJSON *received(struct fixture *f, const char *query)
{
    char path[128];

    snprintf(path, sizeof path, "/_sim/requests%s", query);
    struct told told = call(f, "GET", path, NULL, NULL);
    assert_int_equal(told.status, 200);
    assert_true(cJSON_IsArray(told.json));
    return told.json;
}

static void control(struct fixture *f, const char *method, const char *path, const char *body)
{
    struct told told = call(f, method, path, NULL, body);

    if (told.status != 200)
        print_error("%s %s: %d\n", method, path, told.status);
    assert_int_equal(told.status, 200);
    cJSON_Delete(told.json);
}

#define WA      "/v25.0/109/messages"
#define PAGE    "/v25.0/108/messages"
#define IG      "/v25.0/17841405554443332/messages"
#define WA_HEAD "{\"messaging_product\":\"whatsapp\",\"to\":\"+595981234567\","
#define HI      "\"type\":\"text\",\"text\":{\"body\":\"Hi\"}"
#define BUTTONS(buttons)                                                                           \
    WA_HEAD "\"type\":\"interactive\",\"interactive\":{\"type\":\"button\",\"body\":{\"text\":"    \
            "\"?\"},\"action\":{\"buttons\":[" buttons "]}}}"
#define BUTTON(id, title)                                                                          \
    "{\"type\":\"reply\",\"reply\":{\"id\":\"" id "\",\"title\":\"" title "\"}}"
#define LIST(rows)                                                                                 \
    WA_HEAD "\"type\":\"interactive\",\"interactive\":{\"type\":\"list\",\"body\":{\"text\":"      \
            "\"?\"},\"action\":{\"button\":\"Choose\",\"sections\":[{\"rows\":[" rows "]}]}}}"
#define ROW(id, title) "{\"id\":\"" id "\",\"title\":\"" title "\"}"
#define TO_PERSON      "{\"recipient\":{\"id\":\"701\"},\"messaging_type\":\"RESPONSE\","
#define REPLY(title)   "{\"content_type\":\"text\",\"title\":\"" title "\",\"payload\":\"p\"}"
#define REPLY4         REPLY("a") "," REPLY("b") "," REPLY("c") "," REPLY("d")
#define TITLE20        "12345678901234567890"
#define TITLE24        TITLE20 "1234"
#define ROW3           ROW("a", "a") "," ROW("b", "b") "," ROW("c", "c")
#define ROW9                                                                                       \
    ROW3 "," ROW("d", "d") "," ROW("e", "e") "," ROW("f", "f") "," ROW("g", "g") "," ROW(          \
        "h", "h") "," ROW("i", "i")

static void wrong_requests_are_refused_as_meta_does(void **state)
{
    static const struct {
        const char *path, *token, *body;
        int status, code;
    } cases[] = {
        {WA, NULL, WA_HEAD HI "}", 401, 190},
        {WA, "", WA_HEAD HI "}", 401, 190},
        {WA, "wrong-one", WA_HEAD HI "}", 401, 190},
        {PAGE, "expired-one", TO_PERSON "\"message\":{\"text\":\"Hi\"}}", 401, 190},
        {"/v25.0/109/letters", "t", WA_HEAD HI "}", 404, 100},
        {"/109/messages", "t", WA_HEAD HI "}", 404, 100},
        {"/", "t", "{}", 404, 100},
        {WA, "t", "not json", 400, 100},
        {WA, "t", "[]", 400, 100},
        {WA, "t", "", 400, 100},
        {WA, "t", "{\"to\":\"+5959812\"," HI "}", 400, 100},
        {WA, "t", "{\"messaging_product\":\"sms\",\"to\":\"+5959812\"," HI "}", 400, 100},
        {WA, "t", "{\"messaging_product\":\"whatsapp\"," HI "}", 400, 100},
        {WA, "t", "{\"messaging_product\":\"whatsapp\",\"to\":\"PY.1349\"," HI "}", 400, 100},
        {WA, "t", "{\"messaging_product\":\"whatsapp\",\"recipient\":\"5959\"," HI "}", 400, 100},
        {WA, "t", WA_HEAD "\"text\":{\"body\":\"Hi\"}}", 400, 100},
        {WA, "t", WA_HEAD "\"type\":\"pigeon\"}", 400, 100},
        {WA, "t", WA_HEAD "\"type\":\"image\"}", 400, 131008},
        {WA, "t", WA_HEAD "\"type\":\"text\"}", 400, 100},
        {WA, "t", WA_HEAD "\"type\":\"text\",\"text\":{\"body\":\"\"}}", 400, 100},
        {WA, "t", BUTTONS(""), 400, 131008},
        {WA, "t",
         BUTTONS(BUTTON("a", "a") "," BUTTON("b", "b") "," BUTTON("c", "c") "," BUTTON("d", "d")),
         400, 131009},
        {WA, "t", BUTTONS(BUTTON("a", "x") "," BUTTON("b", "x")), 400, 131009},
        {WA, "t", BUTTONS(BUTTON("a", "x") "," BUTTON("a", "y")), 400, 131009},
        {WA, "t", BUTTONS(BUTTON("a", TITLE20 "1")), 400, 131009},
        {WA, "t", BUTTONS(BUTTON("", "x")), 400, 131008},
        {WA, "t", BUTTONS("7"), 400, 131009},
        {WA, "t", LIST(""), 400, 131008},
        {WA, "t", LIST(ROW9 "," ROW("j", "j") "," ROW("k", "k")), 400, 131009},
        {WA, "t", LIST(ROW("a", TITLE24 "5")), 400, 131009},
        {WA, "t", LIST(ROW("a", "x") "," ROW("a", "y")), 400, 131009},
        {WA, "t", WA_HEAD "\"type\":\"interactive\"}", 400, 131008},
        {WA, "t",
         WA_HEAD "\"type\":\"interactive\",\"interactive\":{\"type\":\"button\",\"action\":{}}}",
         400, 131008},
        {WA, "t", "{\"messaging_product\":\"whatsapp\",\"status\":\"read\"}", 400, 100},
        {WA, "t",
         "{\"messaging_product\":\"whatsapp\",\"status\":\"seen\",\"message_id\":\"wamid.1\"}", 400,
         100},
        {PAGE, "t", "{\"message\":{\"text\":\"Hi\"}}", 400, 100},
        {PAGE, "t", "{\"recipient\":{},\"message\":{\"text\":\"Hi\"}}", 400, 100},
        {PAGE, "t", TO_PERSON "\"x\":1}", 400, 100},
        {PAGE, "t", TO_PERSON "\"message\":{\"text\":\"\"}}", 400, 100},
        {PAGE, "t",
         "{\"recipient\":{\"id\":\"7\"},\"messaging_type\":\"SPAM\",\"message\":{\"text\":\"Hi\"}}",
         400, 100},
        {PAGE, "t",
         "{\"recipient\":{\"id\":\"7\"},\"messaging_type\":\"MESSAGE_TAG\",\"tag\":\"ACCOUNT_"
         "UPDATE\",\"message\":{\"text\":\"Hi\"}}",
         400, 100},
        {PAGE, "t", TO_PERSON "\"message\":{\"text\":\"Hi\",\"quick_replies\":[]}}", 400, 100},
        {PAGE, "t",
         TO_PERSON "\"message\":{\"text\":\"Hi\",\"quick_replies\":[" REPLY4 "," REPLY4 "," REPLY4
                   "," REPLY("m") "," REPLY("n") "]}}",
         400, 100},
        {PAGE, "t",
         TO_PERSON "\"message\":{\"text\":\"Hi\",\"quick_replies\":[" REPLY(TITLE20 "1") "]}}", 400,
         100},
        {IG, "t",
         TO_PERSON "\"message\":{\"text\":\"Hi\",\"quick_replies\":[{\"content_type\":\"text\","
                   "\"title\":\"x\"}]}}",
         400, 100},
        {PAGE, "t", TO_PERSON "\"sender_action\":\"dance\"}", 400, 100},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct told told = call(f, "POST", cases[i].path, cases[i].token, cases[i].body);
        const cJSON *error = json_get(told.json, "error");
        if (told.status != cases[i].status || json_int(error, "code", -1) != cases[i].code)
            print_error("%s %s: HTTP %d code %d\n", cases[i].path, cases[i].body, told.status,
                        (int)json_int(error, "code", -1));
        assert_int_equal(told.status, cases[i].status);
        assert_int_equal(json_int(error, "code", -1), cases[i].code);
        assert_string_equal(json_str(error, "type"), "OAuthException");
        assert_non_null(json_str(error, "message"));
        assert_non_null(json_str(error, "fbtrace_id"));
        cJSON_Delete(told.json);
    }
    cJSON *list = received(f, "");
    assert_int_equal(cJSON_GetArraySize(list), sizeof cases / sizeof *cases);
    const cJSON *record;
    cJSON_ArrayForEach(record, list) {
        assert_true(json_int(record, "status", 0) >= 400);
        assert_true(cJSON_IsNull(json_get(record, "message_id")));
    }
    cJSON_Delete(list);
}

static void right_requests_are_taken_and_remembered(void **state)
{
    static const struct {
        const char *path, *body, *platform, *kind, *to, *text;
    } cases[] = {
        {WA, WA_HEAD HI ",\"biz_opaque_callback_data\":\"k\"}", "whatsapp", "text", "+595981234567",
         "Hi"},
        {WA,
         "{\"messaging_product\":\"whatsapp\",\"recipient\":\"PY.1349\",\"biz_opaque_callback_"
         "data\":\"k\"," HI "}",
         "whatsapp", "text", "PY.1349", "Hi"},
        {WA, BUTTONS(BUTTON("a", TITLE20) "," BUTTON("b", "b") "," BUTTON("c", "c")), "whatsapp",
         "interactive", "+595981234567", "?"},
        {WA, LIST(ROW9 "," ROW("j", TITLE24)), "whatsapp", "interactive", "+595981234567", "?"},
        {PAGE, TO_PERSON "\"message\":{\"text\":\"Hi\",\"metadata\":\"k\"}}", "messenger", "text",
         "701", "Hi"},
        {PAGE,
         TO_PERSON "\"message\":{\"text\":\"Hi\",\"quick_replies\":[" REPLY4 "," REPLY4 "," REPLY4
                   "," REPLY(TITLE20) "]}}",
         "messenger", "quick_replies", "701", "Hi"},
        {IG, "{\"recipient\":{\"id\":\"612\"},\"message\":{\"text\":\"Hi\"}}", "instagram", "text",
         "612", "Hi"},
        {"/instagram" PAGE, "{\"recipient\":{\"id\":\"612\"},\"message\":{\"text\":\"Hi\"}}",
         "instagram", "text", "612", "Hi"},
    };
    struct fixture *f = *state;
    size_t count = sizeof cases / sizeof *cases;

    for (size_t i = 0; i < count; i++) {
        struct told told = call(f, "POST", cases[i].path, "t", cases[i].body);
        bool is_whatsapp = strcmp(cases[i].platform, "whatsapp") == 0;
        assert_int_equal(told.status, 200);
        const char *id = is_whatsapp ? json_str(at(json_get(told.json, "messages"), 0), "id")
                                     : json_str(told.json, "message_id");
        assert_non_null(id);
        if (!is_whatsapp)
            assert_string_equal(json_str(told.json, "recipient_id"), cases[i].to);

        cJSON *list = received(f, "");
        const cJSON *record = at(list, (int)i);
        assert_int_equal(cJSON_GetArraySize(list), i + 1);
        assert_int_equal(json_int(record, "n", 0), i + 1);
        assert_int_equal(json_int(record, "status", 0), 200);
        assert_string_equal(json_str(record, "platform"), cases[i].platform);
        assert_string_equal(json_str(record, "kind"), cases[i].kind);
        assert_string_equal(json_str(record, "to"), cases[i].to);
        assert_string_equal(json_str(record, "text"), cases[i].text);
        assert_string_equal(json_str(record, "path"), cases[i].path);
        assert_string_equal(json_str(record, "message_id"), id);
        assert_true(cJSON_IsObject(json_get(record, "body")));
        if (strstr(cases[i].body, "\"k\""))
            assert_string_equal(json_str(record, "attempt"), "k");
        cJSON_Delete(list);
        cJSON_Delete(told.json);
    }
    cJSON *some = received(f, "?platform=instagram");
    assert_int_equal(cJSON_GetArraySize(some), 2);
    cJSON_Delete(some);
    some = received(f, "?since=6");
    assert_int_equal(cJSON_GetArraySize(some), 2);
    cJSON_Delete(some);
    control(f, "DELETE", "/_sim/requests", NULL);
    some = received(f, "");
    assert_int_equal(cJSON_GetArraySize(some), 0);
    cJSON_Delete(some);
}

static void read_marks_and_typing_have_their_own_answers(void **state)
{
    struct fixture *f = *state;

    struct told read =
        call(f, "POST", WA, "t",
             "{\"messaging_product\":\"whatsapp\",\"status\":\"read\",\"message_id\":"
             "\"wamid.1\",\"typing_indicator\":{\"type\":\"text\"}}");
    assert_int_equal(read.status, 200);
    assert_true(json_bool(read.json, "success", false));
    struct told typing = call(f, "POST", PAGE, "t",
                              "{\"recipient\":{\"id\":\"7\"},\"sender_action\":\"typing_on\"}");
    assert_int_equal(typing.status, 200);
    assert_string_equal(json_str(typing.json, "recipient_id"), "7");
    assert_null(json_get(typing.json, "message_id"));
    cJSON *list = received(f, "");
    assert_string_equal(json_str(at(list, 0), "kind"), "mark_read");
    assert_true(cJSON_IsNull(json_get(at(list, 0), "message_id"))); // nothing was sent
    assert_string_equal(json_str(at(list, 1), "kind"), "typing");
    cJSON_Delete(list);
    cJSON_Delete(read.json);
    cJSON_Delete(typing.json);
}

static char *text_body(const char *head, const char *unit, size_t count, const char *tail)
{
    struct buf b = {0};

    buf_add_str(&b, head);
    for (size_t i = 0; i < count; i++)
        buf_add_str(&b, unit);
    buf_add_str(&b, tail);
    return buf_take(&b);
}

static void texts_are_refused_beyond_the_limit(void **state)
{
    static const struct {
        const char *path, *head, *unit, *tail;
        size_t most;
    } cases[] = {
        {WA, WA_HEAD "\"type\":\"text\",\"text\":{\"body\":\"", "\u00e9", "\"}}", 4096},
        {PAGE, TO_PERSON "\"message\":{\"text\":\"", "\u20ac", "\"}}", 2000},
        {IG, TO_PERSON "\"message\":{\"text\":\"", "\u20ac", "\"}}", 333},
        {WA,
         WA_HEAD
         "\"type\":\"interactive\",\"interactive\":{\"type\":\"button\",\"body\":{\"text\":\"",
         "\u20ac", "\"},\"action\":{\"buttons\":[" BUTTON("a", "a") "]}}}", 1024},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t more = 0; more <= 1; more++) {
            char *body =
                text_body(cases[i].head, cases[i].unit, cases[i].most + more, cases[i].tail);
            struct told told = call(f, "POST", cases[i].path, "t", body);
            assert_int_equal(told.status, more ? 400 : 200);
            cJSON_Delete(told.json);
            free(body);
        }
    }
}

#define CHAT "/openai/v1/chat/completions"
#define ASK                                                                                        \
    "\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"Hi\"}" \
    "]"
#define MODEL "{\"model\":\"openai/gpt-oss-120b\","

static void groq_refuses_what_groq_refuses(void **state)
{
    static const struct {
        const char *token, *body;
        int status;
        const char *code;
    } cases[] = {
        {NULL, MODEL ASK "}", 401, "invalid_api_key"},
        {"k", "nonsense", 400, NULL},
        {"k", "{" ASK "}", 400, NULL},
        {"k", "{\"model\":\"nobody/none\"," ASK "}", 404, "model_not_found"},
        {"k", "{\"model\":\"llama-3.3-70b-versatile\"," ASK "}", 400, "model_decommissioned"},
        {"k", MODEL "\"messages\":[]}", 400, NULL},
        {"k", MODEL "\"x\":1}", 400, NULL},
        {"k", MODEL ASK ",\"n\":2}", 400, NULL},
        {"k", MODEL ASK ",\"logprobs\":true}", 400, NULL},
        {"k", MODEL ASK ",\"temperature\":2.5}", 400, NULL},
        {"k", MODEL ASK ",\"stream\":true}", 400, NULL},
        {"k", MODEL "\"messages\":[{\"role\":\"king\",\"content\":\"x\"}]}", 400, NULL},
        {"k", MODEL "\"messages\":[{\"role\":\"user\",\"content\":\"x\",\"name\":\"y\"}]}", 400,
         NULL},
        {"k", MODEL "\"messages\":[{\"role\":\"user\"}]}", 400, NULL},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct told told = call(f, "POST", CHAT, cases[i].token, cases[i].body);
        const cJSON *error = json_get(told.json, "error");
        if (told.status != cases[i].status)
            print_error("%s: HTTP %d\n", cases[i].body, told.status);
        assert_int_equal(told.status, cases[i].status);
        assert_non_null(json_str(error, "message"));
        if (cases[i].code)
            assert_string_equal(json_str(error, "code"), cases[i].code);
        cJSON_Delete(told.json);
    }
}

static void groq_answers_with_what_was_said(void **state)
{
    struct fixture *f = *state;
    struct told told = call(f, "POST", CHAT, "k", MODEL ASK ",\"user\":\"u1\"}");
    const cJSON *choice = at(json_get(told.json, "choices"), 0);

    assert_int_equal(told.status, 200);
    assert_string_equal(json_str(json_get(choice, "message"), "content"), "You said: Hi");
    assert_string_equal(json_str(choice, "finish_reason"), "stop");
    assert_true(json_int(json_get(told.json, "usage"), "prompt_tokens", 0) > 0);
    cJSON *list = received(f, "?platform=groq");
    assert_string_equal(json_str(at(list, 0), "kind"), "chat.completion");
    assert_string_equal(json_str(at(list, 0), "text"), "Hi");
    cJSON_Delete(list);
    cJSON_Delete(told.json);
}

static void echo_says_back_what_it_was_asked(void **state)
{
    struct fixture *f = *state;
    struct told get = call(f, "GET", "/echo/orders/7?full=1", NULL, NULL);
    struct told post = call(f, "POST", "/echo/orders", NULL, "{\"a\":[1]}");

    assert_string_equal(json_str(get.json, "method"), "GET");
    assert_string_equal(json_str(get.json, "path"), "/echo/orders/7");
    assert_string_equal(json_str(get.json, "query"), "full=1");
    assert_string_equal(json_str(get.json, "status"), "shipped");
    assert_int_equal(cJSON_GetArraySize(json_path(post.json, "body.a")), 1);
    cJSON_Delete(get.json);
    cJSON_Delete(post.json);
}

static void behaviours_spoil_what_they_match_as_often_as_asked(void **state)
{
    struct fixture *f = *state;
    const char *send = WA_HEAD HI "}";

    control(f, "POST", "/_sim/behaviour",
            "{\"match\":{\"platform\":\"whatsapp\",\"to\":\"595981234567\"},\"times\":2,"
            "\"status\":429,\"retry_after\":7,\"body\":{\"error\":{\"code\":130429}}}");
    struct told other = call(f, "POST", PAGE, "t", TO_PERSON "\"message\":{\"text\":\"Hi\"}}");
    assert_int_equal(other.status, 200);
    cJSON_Delete(other.json);
    for (int i = 0; i < 3; i++) {
        struct told told = call(f, "POST", WA, "t", send);
        assert_int_equal(told.status, i < 2 ? 429 : 200);
        assert_string_equal(told.retry_after, i < 2 ? "7" : "");
        if (i < 2)
            assert_int_equal(json_int(json_get(told.json, "error"), "code", 0), 130429);
        cJSON_Delete(told.json);
    }

    control(f, "POST", "/_sim/behaviour",
            "{\"match\":{\"path\":\"/108/\"},\"times\":-1,\"status\":503}");
    for (int i = 0; i < 3; i++) {
        struct told told = call(f, "POST", PAGE, "t", "{}");
        assert_int_equal(told.status, 503);
        assert_int_equal(json_int(json_get(told.json, "error"), "code", 0), 2);
        cJSON_Delete(told.json);
    }
    control(f, "DELETE", "/_sim/behaviour", NULL);
    struct told told = call(f, "POST", PAGE, "t", TO_PERSON "\"message\":{\"text\":\"Hi\"}}");
    assert_int_equal(told.status, 200);
    cJSON_Delete(told.json);
}

static void behaviours_touch_read_marks_and_typing_only_by_kind(void **state)
{
    struct fixture *f = *state;
    const char *typing = "{\"recipient\":{\"id\":\"7\"},\"sender_action\":\"typing_on\"}";

    control(f, "POST", "/_sim/behaviour", "{\"match\":{\"to\":\"7\"},\"status\":503}");
    struct told untouched = call(f, "POST", PAGE, "t", typing);
    assert_int_equal(untouched.status, 200);
    control(f, "POST", "/_sim/behaviour", "{\"match\":{\"kind\":\"typing\"},\"status\":500}");
    struct told touched = call(f, "POST", PAGE, "t", typing);
    assert_int_equal(touched.status, 500);
    cJSON_Delete(untouched.json);
    cJSON_Delete(touched.json);
}

static void answers_can_be_delayed_and_given_headers(void **state)
{
    struct fixture *f = *state;

    control(
        f, "POST", "/_sim/behaviour",
        "{\"delay_ms\":150,\"headers\":{\"Retry-After\":\"11\",\"Content-Type\":\"text/plain\"}}");
    struct told told = call(f, "POST", WA, "t", WA_HEAD HI "}");
    assert_int_equal(told.status, 200);
    assert_true(told.elapsed_ms >= 140);
    assert_string_equal(told.retry_after, "11");
    cJSON_Delete(told.json);
}

static void dropped_connections_leave_the_right_memory(void **state)
{
    static const struct {
        const char *behaviour;
        int status;
    } cases[] = {{"{\"drop\":\"before\"}", 0},
                 {"{\"drop\":\"after\"}", 200},
                 {"{\"drop\":\"after\",\"delay_ms\":20}", 200}};
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++) {
        control(f, "POST", "/_sim/behaviour", cases[i].behaviour);
        struct told told = {0};
        char *url = x_printf("%s" WA, f->url);
        const char *const headers[] = {"Authorization: Bearer t", NULL};
        const struct http_request request = {.method = "POST",
                                             .url = url,
                                             .headers = headers,
                                             .body = WA_HEAD HI "}",
                                             .body_len = strlen(WA_HEAD HI "}"),
                                             .once = true};
        http_start(f->http, &request, on_done, &told);
        loop_until(f->base, &told.times, 1);
        assert_int_equal(told.err.code, ERR_AMBIGUOUS);
        cJSON *list = received(f, "");
        assert_int_equal(cJSON_GetArraySize(list), i + 1);
        assert_int_equal(json_int(at(list, i), "status", -1), cases[i].status);
        assert_int_equal(cJSON_IsString(json_get(at(list, i), "message_id")),
                         cases[i].status == 200);
        cJSON_Delete(list);
        free(url);
    }
}

static void client_that_leaves_a_delayed_answer_does_no_harm(void **state)
{
    struct fixture *f = *state;
    struct told told = {0};
    char *url = x_printf("%s" WA, f->url);
    const struct http_request request = {.method = "GET", .url = url};

    control(f, "POST", "/_sim/behaviour", "{\"times\":3,\"delay_ms\":50}");
    control(f, "POST", "/_sim/behaviour", "{\"times\":1,\"delay_ms\":60000,\"drop\":\"after\"}");
    for (int i = 1; i <= 4; i++) {
        struct http_call *left = http_start(f->http, &request, on_done, &told);
        cJSON *list;
        do { // until it is there
            list = received(f, "");
            int count = cJSON_GetArraySize(list);
            cJSON_Delete(list);
            if (count == i)
                break;
        } while (true);
        http_cancel(left);
        loop_until(f->base, &told.times, i);
    }
    struct told after = call(f, "POST", WA, "t", WA_HEAD HI "}");
    assert_int_equal(after.status, 200);
    cJSON_Delete(after.json);
    free(url);
}

static void control_requests_are_checked(void **state)
{
    static const struct {
        const char *method, *path, *body;
        int status;
    } cases[] = {
        {"POST", "/_sim/behaviour", "nonsense", 400},
        {"POST", "/_sim/behaviour", "{\"status\":99}", 400},
        {"POST", "/_sim/behaviour", "{\"status\":100}", 400},
        {"POST", "/_sim/behaviour", "{\"drop\":\"never\"}", 400},
        {"POST", "/_sim/behaviour", "{\"delay_ms\":-1}", 400},
        {"POST", "/_sim/webhooks", "{\"url\":\"http://x/\"}", 400},
        {"PUT", "/_sim/requests", NULL, 405},
        {"GET", "/_sim/nothing", NULL, 404},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct told told = call(f, cases[i].method, cases[i].path, NULL, cases[i].body);
        assert_int_equal(told.status, cases[i].status);
        assert_non_null(json_str(told.json, "error"));
        cJSON_Delete(told.json);
    }
}

// ---- Webhooks of what was sent

static char deliveries[8][2048];

static bool take_delivery(struct server *server, struct bufferevent *connection,
                          const char *request)
{
    char signature[SIM_SIGNATURE_SIZE];
    const char *body = strstr(request, "\r\n\r\n") + 4;

    sim_webhook_signature("s3cret", body, strlen(body), signature);
    assert_non_null(strstr(request, signature));
    snprintf(deliveries[server->step % 8], sizeof deliveries[0], "%s", body);
    server->step++;
    server_reply(connection, 200, "", "");
    return true;
}

static void accepted_messages_are_reported_by_webhook(void **state)
{
    struct fixture *f = *state;
    struct server listener;
    char body[200];

    server_start(&listener, f->base, take_delivery);
    snprintf(body, sizeof body, "{\"url\":\"%s\",\"secret\":\"s3cret\"}",
             server_url(&listener, "/webhooks/demo"));
    control(f, "POST", "/_sim/webhooks", body);
    struct told sent =
        call(f, "POST", WA, "t", WA_HEAD HI ",\"biz_opaque_callback_data\":\"s:7\"}");
    loop_until(f->base, &listener.step, 2);
    char all[4096];
    snprintf(all, sizeof all, "%s%s", deliveries[0], deliveries[1]);
    assert_non_null(strstr(all, "\"status\":\"sent\""));
    assert_non_null(strstr(all, "\"status\":\"delivered\""));
    assert_non_null(strstr(deliveries[0], "\"biz_opaque_callback_data\":\"s:7\""));
    assert_non_null(strstr(deliveries[0], "\"recipient_id\":\"595981234567\""));
    assert_non_null(strstr(deliveries[0], json_str(at(json_get(sent.json, "messages"), 0), "id")));
    cJSON_Delete(sent.json);

    struct told echo =
        call(f, "POST", IG, "t", TO_PERSON "\"message\":{\"text\":\"Hi\",\"metadata\":\"s:8\"}}");
    loop_until(f->base, &listener.step, 3);
    assert_non_null(strstr(deliveries[2], "\"is_echo\":true"));
    assert_non_null(strstr(deliveries[2], "\"metadata\":\"s:8\""));
    assert_non_null(strstr(deliveries[2], json_str(echo.json, "message_id")));
    cJSON_Delete(echo.json);
    control(f, "DELETE", "/_sim/webhooks", NULL);
    struct told quiet = call(f, "POST", IG, "t", TO_PERSON "\"message\":{\"text\":\"Hi\"}}");
    assert_int_equal(quiet.status, 200);
    cJSON_Delete(quiet.json);
    struct told stats = call(f, "GET", "/_sim/stats", NULL, NULL);
    assert_int_equal(json_int(stats.json, "webhooks_sent", 0), 3);
    assert_int_equal(json_int(stats.json, "requests", 0), 3);
    cJSON_Delete(stats.json);
    server_stop(&listener);
}

// ---- The administrative reads

static cJSON *get(struct fixture *f, const char *path, const char *token, int want_status)
{
    struct told told = call(f, "GET", path, token, NULL);

    if (told.status != want_status)
        print_error("%s: %d\n", path, told.status);
    assert_int_equal(told.status, want_status);
    return told.json;
}

static void administrative_reads_show_all_being_well(void **state)
{
    struct fixture *f = *state;
    cJSON *json = get(f, "/v25.0/debug_token?input_token=tok-page", "77|secret", 200);
    const cJSON *data = json_get(json, "data");

    assert_true(json_bool(data, "is_valid", false));
    assert_string_equal(json_str(data, "app_id"), "77");
    assert_string_equal(json_str(data, "type"), "PAGE");
    assert_true(cJSON_GetArraySize(json_get(data, "scopes")) > 2);
    cJSON_Delete(json);

    json = get(f, "/v25.0/77/subscriptions", "77|secret", 200);
    assert_int_equal(cJSON_GetArraySize(json_get(json, "data")), 3);
    assert_string_equal(json_str(at(json_get(json, "data"), 0), "object"), "page");
    cJSON_Delete(json);

    json = get(f, "/v25.0/108/subscribed_apps", "tok", 200);
    assert_non_null(json_get(at(json_get(json, "data"), 0), "subscribed_fields"));
    cJSON_Delete(json);

    json = get(f, "/v25.0/109?fields=id,quality_rating", "tok", 200);
    assert_string_equal(json_str(json, "id"), "109");
    assert_string_equal(json_str(json, "quality_rating"), "GREEN");
    assert_null(json_get(json, "status"));
    cJSON_Delete(json);
}

static void administrative_reads_are_refused_as_meta_does(void **state)
{
    static const struct {
        const char *method, *path, *token;
        int status, code;
    } rows[] = {
        {"GET", "/v25.0/me", NULL, 401, 190},
        {"GET", "/v25.0/108", "expired-1", 401, 190},
        {"GET", "/v25.0/108/subscribed_apps", "wrong", 401, 190},
        {"GET", "/v25.0/debug_token?input_token=x", "no-app-token", 400, 100},
        {"GET", "/v25.0/debug_token", "77|s", 400, 100},
        {"GET", "/v25.0/77/subscriptions", "78|s", 400, 15},
        {"GET", "/v25.0/77/subscriptions", "tok", 400, 15},
        {"POST", "/v25.0/108/subscribed_apps", "tok", 400, 100},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct told told = call(*state, rows[i].method, rows[i].path, rows[i].token, NULL);
        if (told.status != rows[i].status)
            print_error("%s %s: %d\n", rows[i].method, rows[i].path, told.status);
        assert_int_equal(told.status, rows[i].status);
        assert_int_equal(json_int(json_get(told.json, "error"), "code", 0), rows[i].code);
        assert_non_null(json_str(json_get(told.json, "error"), "fbtrace_id"));
        cJSON_Delete(told.json);
    }
}

static void meta_can_be_told_to_say_otherwise(void **state)
{
    struct fixture *f = *state;

    control(f, "POST", "/_sim/meta",
            "{\"app_id\":\"5\",\"callback_url\":\"https://x/\",\"fields\":{\"page\":[\"feed\"],"
            "\"instagram\":null},\"tokens\":{\"t\":{\"is_valid\":false}},\"subscribed\":"
            "{\"108\":null},\"nodes\":{\"109\":{\"status\":\"BANNED\"}}}");
    cJSON *json = get(f, "/v25.0/debug_token?input_token=t", "77|s", 200);
    assert_false(json_bool(json_get(json, "data"), "is_valid", true));
    assert_string_equal(json_str(json_get(json, "data"), "app_id"), "5");
    cJSON_Delete(json);
    json = get(f, "/v25.0/77/subscriptions", "77|s", 200);
    const cJSON *page = at(json_get(json, "data"), 0);
    assert_int_equal(cJSON_GetArraySize(json_get(json, "data")), 2);
    assert_string_equal(json_str(page, "callback_url"), "https://x/");
    assert_int_equal(cJSON_GetArraySize(json_get(page, "fields")), 1);
    cJSON_Delete(json);
    json = get(f, "/v25.0/108/subscribed_apps", "t", 200);
    assert_int_equal(cJSON_GetArraySize(json_get(json, "data")), 0);
    cJSON_Delete(json);
    json = get(f, "/v25.0/109?fields=status", "t", 200);
    assert_string_equal(json_str(json, "status"), "BANNED");
    cJSON_Delete(json);

    control(f, "DELETE", "/_sim/meta", NULL);
    json = get(f, "/v25.0/108/subscribed_apps", "t", 200);
    assert_int_equal(cJSON_GetArraySize(json_get(json, "data")), 1);
    cJSON_Delete(json);
    struct told told = call(f, "POST", "/_sim/meta", NULL, "[]");
    assert_int_equal(told.status, 400);
    cJSON_Delete(told.json);
}

// ---- The connectors against it

struct sent {
    int times;
    enum graph_outcome outcome;
};

static void on_sent(void *arg, const struct graph_result *result)
{
    struct sent *sent = arg;

    sent->times++;
    sent->outcome = result->outcome;
    if (result->outcome != GRAPH_SENT)
        print_error("%s\n", result->text);
}

static void everything_that_the_renderers_make_is_taken(void **state)
{
    static const char *const contacts[] = {"701", "612", "595981234567"};
    static const char *const accounts[] = {"108", "17841405554443332", "109"};
    struct fixture *f = *state;
    struct graph *graph =
        graph_new(f->http, &(struct graph_config){.facebook_url = f->url, .instagram_url = f->url});
    char *text = text_body("", "\U0001f600", 5000, "");
    char *title = text_body("", "\u20ac", 30, "");
    struct choice choices[14];
    char ids[14][8];

    for (int i = 0; i < 14; i++) {
        snprintf(ids[i], sizeof ids[i], "id%d", i);
        choices[i] = (struct choice){.id = ids[i], .title = title};
    }
    for (enum platform p = 0; p < PLATFORM_COUNT; p++) {
        for (size_t count = 0; count <= 14; count++) {
            const struct graph_target target = {
                .platform = p, .account = accounts[p], .contact = contacts[p], .token = "t"};
            struct sent sent = {0};
            const struct graph_message message = {
                .text = text, .choices = choices, .choice_count = count};
            graph_send(graph, &target, &message, "s:1", on_sent, &sent);
            graph_mark_read(graph, &target, "wamid.1", on_sent, &sent);
            loop_until(f->base, &sent.times, 2);
            assert_int_equal(sent.outcome, GRAPH_SENT);
        }
    }
    struct told stats = call(f, "GET", "/_sim/requests", NULL, NULL);
    const cJSON *record;
    cJSON_ArrayForEach(record, stats.json)
        assert_int_equal(json_int(record, "status", 0), 200);
    assert_int_equal(cJSON_GetArraySize(stats.json), PLATFORM_COUNT * 15 * 2);
    cJSON_Delete(stats.json);
    graph_free(graph);
    free(text);
    free(title);
}

static void memory_is_bounded_and_counts_what_it_drops(void **state)
{
    struct sim_memory *memory = sim_memory_new(2, 1 << 20);
    const struct sim_request request = {
        .platform = "http", .method = "GET", .kind = "http", .path = "/x", .body = ""};
    struct buf out = {0};

    for (int i = 0; i < 5; i++)
        sim_memory_add(memory, &request);
    assert_int_equal(sim_memory_count(memory), 2);
    assert_int_equal(sim_memory_dropped(memory), 3);
    sim_memory_print(memory, &(struct sim_filter){.since = 1}, &out);
    assert_non_null(strstr(out.data, "[{\"n\":2,"));
    buf_deinit(&out);
    sim_memory_clear(memory);
    assert_int_equal(sim_memory_dropped(memory), 0);
    sim_memory_free(memory);
}

static void port_in_use_is_an_error_that_names_it(void **state)
{
    struct fixture *f = *state;
    const struct sim_config config = {.port = sim_port(f->sim)};
    struct err err;

    assert_null(sim_new(f->base, &config, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, strrchr(f->url, ':') + 1));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(wrong_requests_are_refused_as_meta_does),
        CASE(right_requests_are_taken_and_remembered),
        CASE(read_marks_and_typing_have_their_own_answers),
        CASE(texts_are_refused_beyond_the_limit),
        CASE(groq_refuses_what_groq_refuses),
        CASE(groq_answers_with_what_was_said),
        CASE(echo_says_back_what_it_was_asked),
        CASE(behaviours_spoil_what_they_match_as_often_as_asked),
        CASE(behaviours_touch_read_marks_and_typing_only_by_kind),
        CASE(answers_can_be_delayed_and_given_headers),
        CASE(dropped_connections_leave_the_right_memory),
        CASE(client_that_leaves_a_delayed_answer_does_no_harm),
        CASE(control_requests_are_checked),
        CASE(accepted_messages_are_reported_by_webhook),
        CASE(administrative_reads_show_all_being_well),
        CASE(administrative_reads_are_refused_as_meta_does),
        CASE(meta_can_be_told_to_say_otherwise),
        CASE(everything_that_the_renderers_make_is_taken),
        CASE(memory_is_bounded_and_counts_what_it_drops),
        CASE(port_in_use_is_an_error_that_names_it),
    };
    return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
