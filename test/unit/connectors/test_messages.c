// SPDX-License-Identifier: MIT
/*
 * Each kind of canonical message on each platform, against messages.json: {name, message,
 * messenger, instagram, whatsapp}. `--update` writes the bodies anew, to be read in the diff;
 * test_messages_openapi.py holds WhatsApp's against Meta's own description.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "connectors/graph.h"
#include "engine/message.h"
#include "test/unit/cmocka_all.h"

static cJSON *file_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct buf text = {0};
    char block[4096];
    size_t len;
    struct err err;
    if (!file)
        fail_msg("cannot open %s", path);
    while ((len = fread(block, 1, sizeof block, file)) > 0)
        buf_add(&text, block, len);
    fclose(file);
    cJSON *json = json_read(text.data, text.len, &err);
    if (!json)
        fail_msg("%s: %s", path, err.text);
    buf_deinit(&text);
    return json;
}

static cJSON *render(const cJSON *message, enum platform platform)
{
    const struct graph_target target = {
        .platform = platform, .account = "1", .contact = "595981234567", .token = "t"};
    return graph_render(&target, &(struct graph_message){.tree = message}, "s:7");
}

static void each_kind_is_rendered_as_the_table_says(void **state)
{
    cJSON *cases = file_read(MESSAGES);
    const cJSON *one;
    cJSON_ArrayForEach(one, cases) {
        for (enum platform p = 0; p < PLATFORM_COUNT; p++) {
            cJSON *body = render(json_get(one, "message"), p);
            char *have = json_print(body), *want = json_print(json_get(one, platform_name(p)));
            if (strcmp(have, want) != 0)
                fail_msg("%s on %s:\n%s\nwanted:\n%s", json_str(one, "name"), platform_name(p),
                         have, want);
            free(have);
            free(want);
            cJSON_Delete(body);
        }
    }
    assert_true(cJSON_GetArraySize(cases) > 30);
    cJSON_Delete(cases);
}

static void each_message_has_the_canonical_form(void **state)
{
    cJSON *cases = file_read(MESSAGES);
    const cJSON *one;
    struct err err;
    cJSON_ArrayForEach(one, cases)
        if (!message_check(json_get(one, "message"), &err))
            fail_msg("%s: %s", json_str(one, "name"), err.text);
    cJSON_Delete(cases);
}

// A message with its longest texts: `unit` many times in every text but ids and addresses.
static void texts_lengthen(cJSON *item, const char *unit)
{
    static const char *const kept[] = {"type", "id",         "url",      "image",
                                       "name", "message_id", "language", "emoji"};
    for (item = item->child; item; item = item->next) {
        bool keep = !cJSON_IsString(item) || !item->string;
        for (size_t i = 0; !keep && i < sizeof kept / sizeof *kept; i++)
            keep = strcmp(kept[i], item->string) == 0;
        if (!keep) {
            struct buf text = {0};
            for (int i = 0; i < 5000; i++)
                buf_add_str(&text, unit);
            cJSON_SetValuestring(item, text.data);
            buf_deinit(&text);
        }
        texts_lengthen(item, unit);
    }
}

// path: of the rendered body; "0" is the first element of an array.
static const char *text_at(const cJSON *body, const char *path)
{
    char *copy = x_dup(path), *save;
    for (char *word = strtok_r(copy, ".", &save); word; word = strtok_r(NULL, ".", &save))
        body = word[0] == '0' ? cJSON_GetArrayItem(body, 0) : json_get(body, word);
    free(copy);
    return cJSON_GetStringValue(body);
}

static void texts_are_cut_where_each_platform_cuts_them(void **state)
{
    static const struct {
        const char *name;
        enum platform platform;
        const char *path;
        size_t kept; // units of 3 bytes
    } cuts[] = {
        {"image with a caption", PLATFORM_WHATSAPP, "image.caption", 1024},
        {"link", PLATFORM_WHATSAPP, "interactive.body.text", 1024},
        {"link", PLATFORM_WHATSAPP, "interactive.action.parameters.display_text", 20},
        {"list", PLATFORM_WHATSAPP, "interactive.body.text", 4096},
        {"list", PLATFORM_WHATSAPP, "interactive.header.text", 60},
        {"list", PLATFORM_WHATSAPP, "interactive.footer.text", 60},
        {"list", PLATFORM_WHATSAPP, "interactive.action.button", 20},
        {"list", PLATFORM_WHATSAPP, "interactive.action.sections.0.title", 24},
        {"list", PLATFORM_WHATSAPP, "interactive.action.sections.0.rows.0.title", 24},
        {"list", PLATFORM_WHATSAPP, "interactive.action.sections.0.rows.0.description", 72},
        {"buttons with header and footer", PLATFORM_WHATSAPP, "interactive.body.text", 1024},
        {"carousel of replies", PLATFORM_WHATSAPP, "interactive.action.cards.0.body.text", 160},
        {"link", PLATFORM_MESSENGER, "message.attachment.payload.text", 640},
        {"link", PLATFORM_INSTAGRAM, "message.attachment.payload.buttons.0.title", 20},
        {"card", PLATFORM_MESSENGER, "message.attachment.payload.elements.0.title", 80},
        {"card", PLATFORM_INSTAGRAM, "message.attachment.payload.elements.0.subtitle", 80},
        {"buttons with header and footer", PLATFORM_MESSENGER, "message.text", 2000},
        {"buttons with header and footer", PLATFORM_INSTAGRAM, "message.text", 333},
        {"list", PLATFORM_MESSENGER, "message.text", 2000},
        {"list", PLATFORM_INSTAGRAM, "message.quick_replies.0.title", 20},
    };
    cJSON *cases = file_read(MESSAGES);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        const cJSON *one = cases->child;
        while (strcmp(json_str(one, "name"), cuts[i].name) != 0)
            one = one->next;
        cJSON *message = cJSON_Duplicate(json_get(one, "message"), true);
        texts_lengthen(message, "\u20ac");
        cJSON *body = render(message, cuts[i].platform);
        const char *text = text_at(body, cuts[i].path);
        assert_non_null(text);
        if (strlen(text) != cuts[i].kept * 3)
            fail_msg("%s on %s: %s has %zu bytes", cuts[i].name, platform_name(cuts[i].platform),
                     cuts[i].path, strlen(text));
        cJSON_Delete(body);
        cJSON_Delete(message);
    }
    cJSON_Delete(cases);
}

static void malformed_messages_are_refused_with_the_place(void **state)
{
    static const char *const cases[][2] = {
        {"{}", "message: type is missing"},
        {"{\"type\":\"fax\"}", "message: unknown type 'fax'"},
        {"{\"type\":\"image\"}", "message: url is missing"},
        {"{\"type\":\"image\",\"url\":\"\"}", "message: url is empty"},
        {"{\"type\":\"image\",\"url\":7}", "message: url must be a text"},
        {"{\"type\":\"location\",\"latitude\":\"1\",\"longitude\":2}",
         "message: latitude must be a number"},
        {"{\"type\":\"carousel\",\"cards\":[]}", "message: cards is empty"},
        {"{\"type\":\"carousel\",\"cards\":[{\"title\":\"a\"},{}]}",
         "message: cards[1].title is missing"},
        {"{\"type\":\"card\",\"title\":\"a\",\"buttons\":[{\"title\":\"b\"}]}",
         "message: buttons[0] needs one of id, url and phone"},
        {"{\"type\":\"card\",\"title\":\"a\",\"buttons\":[{\"title\":\"b\",\"id\":\"c\",\"url\":"
         "\"d\"}]}",
         "message: buttons[0] needs one of id, url and phone"},
        {"{\"type\":\"contact\",\"contacts\":[{\"name\":\"a\",\"phones\":[1]}]}",
         "message: contacts[0].phones[0] must be a text"},
        {"{\"type\":\"typing\",\"on\":1}", "message: on must be a true/false"},
        {"{\"type\":\"text\",\"text\":\"a\",\"reply_to\":\"\"}", "message: reply_to is empty"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        cJSON *message = json_read(cases[i][0], strlen(cases[i][0]), NULL);
        assert_false(message_check(message, &err));
        assert_string_equal(err.text, cases[i][1]);
        cJSON_Delete(message);
    }
}

static void many_choices_and_cards_are_cut_to_what_is_shown(void **state)
{
    struct buf text = {0};
    buf_add_str(&text, "{\"type\":\"buttons\",\"text\":\"?\",\"footer\":\"f\",\"buttons\":[");
    for (int i = 0; i < 20; i++)
        buf_printf(&text, "%s{\"id\":\"%d\",\"title\":\"same\"}", i ? "," : "", i);
    buf_add_str(&text, "]}");
    cJSON *message = json_read(text.data, text.len, NULL);
    cJSON *whatsapp = render(message, PLATFORM_WHATSAPP);
    const cJSON *section = json_path(whatsapp, "interactive.action.sections")->child;
    assert_int_equal(cJSON_GetArraySize(json_get(section, "rows")), 10);
    assert_string_equal(json_str(json_get(section, "rows")->child->next, "title"), "same (2)");
    cJSON *instagram = render(message, PLATFORM_INSTAGRAM);
    assert_int_equal(cJSON_GetArraySize(json_path(instagram, "message.quick_replies")), 13);
    cJSON_Delete(whatsapp);
    cJSON_Delete(instagram);
    cJSON_Delete(message);
    buf_deinit(&text);
}

/* Writing the table anew */

static void member_print(FILE *file, const char *before, const char *name, const cJSON *value)
{
    char *text = json_print(value);
    fprintf(file, "%s\"%s\":%s", before, name, text);
    free(text);
}

static int update(void)
{
    cJSON *cases = file_read(MESSAGES);
    const cJSON *one;
    FILE *file = fopen(MESSAGES, "wb");
    if (!file)
        return 1;
    cJSON_ArrayForEach(one, cases) {
        fprintf(file, one == cases->child ? "[\n{" : ",\n{");
        member_print(file, "", "name", json_get(one, "name"));
        member_print(file, ",\n ", "message", json_get(one, "message"));
        for (enum platform p = 0; p < PLATFORM_COUNT; p++) {
            cJSON *body = render(json_get(one, "message"), p);
            member_print(file, ",\n ", platform_name(p), body);
            cJSON_Delete(body);
        }
        fprintf(file, "}");
    }
    fprintf(file, "\n]\n");
    cJSON_Delete(cases);
    return fclose(file) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_rendered_as_the_table_says),
        cmocka_unit_test(each_message_has_the_canonical_form),
        cmocka_unit_test(texts_are_cut_where_each_platform_cuts_them),
        cmocka_unit_test(malformed_messages_are_refused_with_the_place),
        cmocka_unit_test(many_choices_and_cards_are_cut_to_what_is_shown),
    };
    if (argc > 1 && strcmp(argv[1], "--update") == 0)
        return update();
    return cmocka_run_group_tests_name("messages", tests, NULL, NULL);
}
