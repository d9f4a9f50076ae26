// SPDX-License-Identifier: MIT
// Message bodies per platform against the JSON that Meta documents, and every limit at its edge.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "connectors/graph.h"
#include "test/unit/cmocka_all.h"

static const struct choice three[] = {
    {(char *)"r", (char *)"Red"}, {(char *)"g", (char *)"Green"}, {(char *)"b", (char *)"Blue"}};

static cJSON *render(enum platform platform, const char *contact, const char *text,
                     const struct choice *choices, size_t count)
{
    const struct graph_target target = {
        .platform = platform, .account = "1", .contact = contact, .token = "t"};
    const struct graph_message message = {.text = text, .choices = choices, .choice_count = count};
    return graph_render(&target, &message, "s:7");
}

static void bodies_are_as_meta_documents_them(void **state)
{
    static const struct {
        enum platform platform;
        const char *contact;
        size_t choices;
        const char *want;
    } cases[] = {
        {PLATFORM_MESSENGER, "701", 0,
         "{\"recipient\":{\"id\":\"701\"},\"messaging_type\":\"RESPONSE\",\"message\":"
         "{\"text\":\"Hi\",\"metadata\":\"s:7\"}}"},
        {PLATFORM_MESSENGER, "701", 1,
         "{\"recipient\":{\"id\":\"701\"},\"messaging_type\":\"RESPONSE\",\"message\":{\"text\":"
         "\"Hi\",\"quick_replies\":[{\"content_type\":\"text\",\"title\":\"Red\",\"payload\":\"r\"}"
         "],"
         "\"metadata\":\"s:7\"}}"},
        {PLATFORM_INSTAGRAM, "612", 0,
         "{\"recipient\":{\"id\":\"612\"},\"message\":{\"text\":\"Hi\",\"metadata\":\"s:7\"}}"},
        {PLATFORM_INSTAGRAM, "612", 1,
         "{\"recipient\":{\"id\":\"612\"},\"message\":{\"text\":\"Hi\",\"quick_replies\":[{"
         "\"content_type\":\"text\",\"title\":\"Red\",\"payload\":\"r\"}],\"metadata\":\"s:7\"}}"},
        {PLATFORM_WHATSAPP, "595981234567", 0,
         "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\",\"to\":"
         "\"+595981234567\",\"type\":\"text\",\"text\":{\"preview_url\":false,\"body\":\"Hi\"},"
         "\"biz_opaque_callback_data\":\"s:7\"}"},
        {PLATFORM_WHATSAPP, "PY.13491208655302741918", 0,
         "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\",\"recipient\":"
         "\"PY.13491208655302741918\",\"type\":\"text\",\"text\":{\"preview_url\":false,\"body\":"
         "\"Hi\"},\"biz_opaque_callback_data\":\"s:7\"}"},
        {PLATFORM_WHATSAPP, "+5959", 2,
         "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\",\"to\":\"+5959\","
         "\"type\":\"interactive\",\"interactive\":{\"type\":\"button\",\"body\":{\"text\":\"Hi\"},"
         "\"action\":{\"buttons\":[{\"type\":\"reply\",\"reply\":{\"id\":\"r\",\"title\":\"Red\"}},"
         "{\"type\":\"reply\",\"reply\":{\"id\":\"g\",\"title\":\"Green\"}}]}},"
         "\"biz_opaque_callback_data\":\"s:7\"}"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *body = render(cases[i].platform, cases[i].contact, "Hi", three, cases[i].choices);
        char *have = json_print(body);
        assert_string_equal(have, cases[i].want);
        free(have);
        cJSON_Delete(body);
    }
}

// `count` copies of `unit`; in slots that the test process keeps.
static char *many(const char *unit, size_t count)
{
    size_t len = strlen(unit);
    char *text = x_alloc(len * count + 1);

    for (size_t i = 0; i < count; i++)
        memcpy(text + i * len, unit, len);
    return text;
}

static void texts_are_cut_at_the_limit_between_characters(void **state)
{
    static const struct {
        enum platform platform;
        size_t choices;
        const char *unit, *path, *member;
        size_t kept; // units
    } cases[] = {
        {PLATFORM_MESSENGER, 0, "a", "message", "text", 2000},
        {PLATFORM_MESSENGER, 0, "\u20ac", "message", "text", 2000},
        {PLATFORM_MESSENGER, 0, "\U0001f600", "message", "text", 2000},
        {PLATFORM_INSTAGRAM, 0, "a", "message", "text", 1000},
        {PLATFORM_INSTAGRAM, 0, "\u20ac", "message", "text", 333},
        {PLATFORM_INSTAGRAM, 3, "\U0001f600", "message", "text", 250},
        {PLATFORM_WHATSAPP, 0, "\u00e9", "text", "body", 4096},
        {PLATFORM_WHATSAPP, 1, "\u00e9", "interactive.body", "text", 1024},
        {PLATFORM_WHATSAPP, 3, "\U0001f600", "interactive.body", "text", 1024},
        {PLATFORM_WHATSAPP, 4, "\u00e9", "interactive.body", "text", 4096},
    };
    static const struct choice four[] = {{(char *)"1", (char *)"1"},
                                         {(char *)"2", (char *)"2"},
                                         {(char *)"3", (char *)"3"},
                                         {(char *)"4", (char *)"4"}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t more = 0; more <= 1; more++) { // at the limit, one over it
            char *text = many(cases[i].unit, cases[i].kept + more);
            char *want = many(cases[i].unit, cases[i].kept);
            cJSON *body = render(cases[i].platform, "701", text, four, cases[i].choices);
            assert_string_equal(json_str(json_path(body, cases[i].path), cases[i].member), want);
            cJSON_Delete(body);
            free(text);
            free(want);
        }
    }
}

struct numbered {
    struct choice choices[16];
    char titles[16][64], ids[16][16];
};

static void number(struct numbered *n, const char *title)
{
    for (int i = 0; i < 16; i++) {
        snprintf(n->titles[i], sizeof n->titles[i], "%s", title);
        snprintf(n->ids[i], sizeof n->ids[i], "id-%d", i);
        n->choices[i] = (struct choice){.id = n->ids[i], .title = n->titles[i]};
    }
}

static void choices_beyond_the_limit_are_left_out(void **state)
{
    static const struct {
        enum platform platform;
        size_t given, kept;
        const char *path; // of the array
    } cases[] = {
        {PLATFORM_MESSENGER, 13, 13, "message.quick_replies"},
        {PLATFORM_MESSENGER, 14, 13, "message.quick_replies"},
        {PLATFORM_INSTAGRAM, 14, 13, "message.quick_replies"},
        {PLATFORM_WHATSAPP, 1, 1, "interactive.action.buttons"},
        {PLATFORM_WHATSAPP, 3, 3, "interactive.action.buttons"},
    };
    static const struct {
        size_t given, kept;
    } lists[] = {{4, 4}, {10, 10}, {11, 10}};
    struct numbered n;

    number(&n, "x");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *body = render(cases[i].platform, "701", "?", n.choices, cases[i].given);
        assert_int_equal(cJSON_GetArraySize(json_path(body, cases[i].path)), cases[i].kept);
        cJSON_Delete(body);
    }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        cJSON *body = render(PLATFORM_WHATSAPP, "701", "?", n.choices, lists[i].given);
        const cJSON *action = json_path(body, "interactive.action");
        assert_string_equal(json_str(json_path(body, "interactive"), "type"), "list");
        assert_string_equal(json_str(action, "button"), "Choose");
        assert_int_equal(cJSON_GetArraySize(json_get(json_get(action, "sections")->child, "rows")),
                         lists[i].kept);
        cJSON_Delete(body);
    }
}

static void titles_are_cut_and_stay_different_on_whatsapp(void **state)
{
    struct numbered n;

    number(&n, "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
               "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
               "\u00e9\u00e9");
    cJSON *buttons = render(PLATFORM_WHATSAPP, "701", "?", n.choices, 3);
    const cJSON *first = json_path(buttons, "interactive.action.buttons")->child;
    assert_int_equal(utf8_length(json_str(json_get(first, "reply"), "title")), 20);
    assert_int_equal(utf8_length(json_str(json_get(first->next, "reply"), "title")), 20);
    assert_non_null(strstr(json_str(json_get(first->next, "reply"), "title"), " (2)"));
    assert_non_null(strstr(json_str(json_get(first->next->next, "reply"), "title"), " (3)"));
    cJSON_Delete(buttons);

    cJSON *list = render(PLATFORM_WHATSAPP, "701", "?", n.choices, 10);
    const cJSON *section = json_path(list, "interactive.action.sections")->child;
    const cJSON *row = json_get(section, "rows")->child;
    assert_int_equal(utf8_length(json_str(row, "title")), 24);
    for (int i = 1; i < 10; i++)
        row = row->next;
    assert_int_equal(utf8_length(json_str(row, "title")), 24);
    assert_non_null(strstr(json_str(row, "title"), " (10)"));
    cJSON_Delete(list);

    cJSON *replies = render(PLATFORM_MESSENGER, "701", "?", n.choices, 1);
    assert_int_equal(
        utf8_length(json_str(json_path(replies, "message.quick_replies")->child, "title")), 20);
    cJSON_Delete(replies);
}

static void ids_are_cut_to_bytes_on_whatsapp(void **state)
{
    char *id = many("\u20ac", 100); // 300 bytes
    const struct choice choices[4] = {{id, (char *)"1"},
                                      {(char *)"b", (char *)"2"},
                                      {(char *)"c", (char *)"3"},
                                      {(char *)"d", (char *)"4"}};

    cJSON *buttons = render(PLATFORM_WHATSAPP, "701", "?", choices, 3);
    const cJSON *button = json_path(buttons, "interactive.action.buttons")->child;
    assert_int_equal(strlen(json_str(json_get(button, "reply"), "id")), 255);
    cJSON_Delete(buttons);
    cJSON *list = render(PLATFORM_WHATSAPP, "701", "?", choices, 4);
    const cJSON *section = json_path(list, "interactive.action.sections")->child;
    assert_int_equal(strlen(json_str(json_get(section, "rows")->child, "id")), 198);
    cJSON_Delete(list);
    free(id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_as_meta_documents_them),
        cmocka_unit_test(texts_are_cut_at_the_limit_between_characters),
        cmocka_unit_test(choices_beyond_the_limit_are_left_out),
        cmocka_unit_test(titles_are_cut_and_stay_different_on_whatsapp),
        cmocka_unit_test(ids_are_cut_to_bytes_on_whatsapp),
    };
    return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
