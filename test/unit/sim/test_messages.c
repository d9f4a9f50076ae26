// SPDX-License-Identifier: MIT
// What the simulator says to each kind of message: it takes what the renderers make
// (connectors/messages.json), and refuses what Meta refuses.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "sim/internal.h"
#include "test/unit/cmocka_all.h"

static cJSON *cases_read(void)
{
    FILE *file = fopen(MESSAGES, "rb");
    struct buf text = {0};
    char block[4096];
    size_t len;
    assert_non_null(file);
    while ((len = fread(block, 1, sizeof block, file)) > 0)
        buf_add(&text, block, len);
    fclose(file);
    cJSON *cases = json_read(text.data, text.len, NULL);
    buf_deinit(&text);
    return cases;
}

static const char *path_of(const char *platform)
{
    return strcmp(platform, "whatsapp") == 0    ? "/v25.0/109/messages"
           : strcmp(platform, "instagram") == 0 ? "/v25.0/17841405554443332/messages"
                                                : "/v25.0/108/messages";
}

// The refusal's code, 0 when the body is taken.
static int check(const char *platform, cJSON *body, char kind[32], char words[400])
{
    struct sim_request request = {.method = "POST", .path = path_of(platform), .json = body};
    struct sim_refusal refusal = {0};
    sim_graph.describe(&request);
    assert_string_equal(request.platform, platform);
    bool taken = strcmp(platform, "whatsapp") == 0 ? sim_whatsapp_check(&request, &refusal)
                                                   : sim_messenger_check(&request, &refusal);
    snprintf(kind, 32, "%s", request.kind);
    snprintf(words, 400, "%s %s", refusal.message, refusal.details);
    return taken ? 0 : refusal.code;
}

static void every_body_of_the_renderers_is_taken(void **state)
{
    static const char *const platforms[] = {"messenger", "instagram", "whatsapp"};
    cJSON *cases = cases_read();
    const cJSON *one;
    char kind[32], words[400];
    cJSON_ArrayForEach(one, cases) {
        for (size_t i = 0; i < 3; i++) {
            cJSON *body = cJSON_Duplicate(json_get(one, platforms[i]), true);
            if (check(platforms[i], body, kind, words) != 0)
                fail_msg("%s on %s: %s", json_str(one, "name"), platforms[i], words);
            assert_string_not_equal(kind, "unknown");
            cJSON_Delete(body);
        }
    }
    cJSON_Delete(cases);
}

// Puts the JSON value at the path ("a.0.b"), or takes away what is there.
static void put(cJSON *body, const char *path, const char *json)
{
    char *copy = x_dup(path), *last = strrchr(copy, '.'), *save;
    *last++ = '\0';
    for (char *word = strtok_r(copy, ".", &save); word; word = strtok_r(NULL, ".", &save))
        body = word[0] == '0' ? cJSON_GetArrayItem(body, 0)
                              : cJSON_GetObjectItemCaseSensitive(body, word);
    assert_non_null(body);
    cJSON_DeleteItemFromObjectCaseSensitive(body, last);
    if (json)
        cJSON_AddItemToObject(body, last, json_read(json, strlen(json), NULL));
    free(copy);
}

#define C21 "\"123456789012345678901\""
#define C61 "\"1234567890123456789012345678901234567890123456789012345678901\""
#define C81 "\"12345678901234567890123456789012345678901234567890123456789012345678901234567890+\""

static void bodies_that_meta_refuses_are_refused(void **state)
{
    static const struct {
        const char *name, *platform, *path, *json; // what is changed; NULL = is missing
        int code;
    } changes[] = {
        {"image", "whatsapp", "image.link", NULL, 131009},
        {"image", "whatsapp", "image.link", "\"a.jpg\"", 131009},
        {"image", "whatsapp", "image.caption", "\"\"", 131008},
        {"audio", "whatsapp", "audio.caption", "\"Listen\"", 100},
        {"sticker", "whatsapp", "sticker.caption", "\"Look\"", 100},
        {"location", "whatsapp", "location.latitude", NULL, 131009},
        {"location", "whatsapp", "location.latitude", "91", 131009},
        {"location", "whatsapp", "location.longitude", "\"east\"", 131009},
        {"contact", "whatsapp", "contacts.0.name", "{\"formatted_name\":\"Ana\"}", 131008},
        {"reaction", "whatsapp", "reaction.message_id", "\"m_1\"", 131009},
        {"reaction", "whatsapp", "reaction.emoji", NULL, 131008},
        {"template", "whatsapp", "template.name", NULL, 131008},
        {"template", "whatsapp", "template.language", "{}", 131008},
        {"template", "whatsapp", "template.components.0.type", NULL, 131008},
        {"template", "whatsapp", "template.components.0.parameters.0.text", "\"a\\nb\"", 132018},
        {"template", "whatsapp", "template.components.0.parameters.0.text", NULL, 131008},
        {"link", "whatsapp", "interactive.action.parameters.url", "\"shop\"", 131009},
        {"link", "whatsapp", "interactive.action.parameters.display_text", C21, 131009},
        {"card", "whatsapp", "interactive.header.image", "{}", 131009},
        {"list", "whatsapp", "interactive.header.text", C61, 131009},
        {"list", "whatsapp", "interactive.footer.text", C61, 131009},
        {"list", "whatsapp", "interactive.action.button", C21, 131009},
        {"list", "whatsapp", "interactive.action.sections.0.title", NULL, 131008},
        {"carousel of replies", "whatsapp", "interactive.action.cards.0.card_index", "1", 131009},
        {"carousel of replies", "whatsapp", "interactive.action.cards.0.header", NULL, 131009},
        {"carousel of replies", "whatsapp", "interactive.action.cards.0.action.buttons", "[]",
         131009},
        {"carousel of replies", "whatsapp", "interactive.action.cards", "[]", 131009},
        {"question for a place", "whatsapp", "interactive.action.name", NULL, 131009},
        {"image", "messenger", "message.attachment.type", "\"fax\"", 100},
        {"image", "messenger", "message.attachment.payload.url", NULL, 100},
        {"image", "instagram", "message.text", "\"and a text\"", 100},
        {"link", "messenger", "message.attachment.payload.buttons", "[]", 100},
        {"link", "instagram", "message.attachment.payload.buttons.0.title", C21, 100},
        {"link", "messenger", "message.attachment.payload.buttons.0.url", "\"x\"", 100},
        {"card", "messenger", "message.attachment.payload.elements.0.title", C81, 100},
        {"card", "messenger", "message.attachment.payload.elements.0.buttons.0.payload", NULL, 100},
        {"card", "instagram", "message.attachment.payload.elements", "[{\"title\":\"a\"}]", 100},
        {"card", "messenger", "message.attachment.payload.template_type", "\"list\"", 100},
        {"reaction", "messenger", "payload.message_id", NULL, 100},
        {"reaction", "instagram", "payload.reaction", NULL, 100},
    };
    cJSON *cases = cases_read();
    char kind[32], words[400];
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const cJSON *one = cases->child;
        while (strcmp(json_str(one, "name"), changes[i].name) != 0)
            one = one->next;
        cJSON *body = cJSON_Duplicate(json_get(one, changes[i].platform), true);
        put(body, changes[i].path, changes[i].json);
        int code = check(changes[i].platform, body, kind, words);
        if (code != changes[i].code)
            fail_msg("%s on %s, %s: code %d: %s", changes[i].name, changes[i].platform,
                     changes[i].path, code, words);
        cJSON_Delete(body);
    }
    cJSON_Delete(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_body_of_the_renderers_is_taken),
        cmocka_unit_test(bodies_that_meta_refuses_are_refused),
    };
    return cmocka_run_group_tests_name("sim-messages", tests, NULL, NULL);
}
