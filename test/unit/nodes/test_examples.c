// SPDX-License-Identifier: MIT
// Every flow of examples/flows/ compiles, has no findings, and plays as its description says.
#include "test/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/node.h"
#include "nodes/registry.h"
#include "play.h"

static char *file_read(const char *folder, const char *name)
{
    char *path = x_printf("%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("cannot open %s", path);
    char *text = x_alloc(256 * 1024);
    size_t len = fread(text, 1, 256 * 1024 - 1, file);
    text[len] = '\0';
    fclose(file);
    free(path);
    return text;
}

static void check(const char *name, const struct play_result *results, const char *const *script,
                  const char *expected)
{
    char *document = file_read(EXAMPLES, name);
    char *codes = lint_codes(document);
    assert_string_equal(codes, "");
    play_expect(&(struct play){.document = document, .results = results, .script = script},
                expected);
    free(codes);
    free(document);
}

#define TOPICS " [sales=Sales | support=Support | other=Something else]\n"

static void welcome_asks_name_and_topic(void **state)
{
    check("welcome.json", NULL, (const char *[]){"say A", "say Ana", "say hm", "tap support", NULL},
          "bot: Hello! Welcome to Hookmill.\nbot: What is your name?\n"
          "> say A\nbot: Please enter a text between 2 and 60 characters.\n"
          "> say Ana\nbot: Nice to meet you, Ana. What can we do for you?" TOPICS
          "> say hm\nbot: Please choose one of the options." TOPICS
          "> tap support\nbot: A colleague will look into it within the hour.\n"
          "bot: Thank you, Ana! You chose: Support.\n(completed)\n");
}

static void shop_looks_up_the_order(void **state)
{
    static const struct play_result found[] = {{true, 200, "{'status':'packed'}", NULL}};
    static const struct play_result away[] = {{false, 0, NULL, "connection refused"}};
    const char *const script[] = {"tap order", "timer", NULL};
    const char *until_call = "bot: What would you like to do? [order=My order | browse=Browse]\n"
                             "> tap order\nbot: One moment, I am looking up your order …\n"
                             "(delay 1500 ms)\n> timer\n"
                             "http: GET https://api.example.com/orders/42 "
                             "{\"Accept\":\"application/json\"} - 5000\n";
    char *good = x_printf("%sbot: Your order is packed.\n(completed)\n", until_call);
    char *bad =
        x_printf("%sbot: Our order system is not reachable right now. We will write to you as "
                 "soon as it is.\n(completed)\n",
                 until_call);
    check("shop.json", found, script, good);
    check("shop.json", away, script, bad);
    free(good);
    free(bad);
}

static void support_ai_answers_until_bye(void **state)
{
    static const struct play_result results[] = {
        {true, 0, "{'text':'From 9 to 5.','model':'m','tokens':7}", NULL},
        {false, 0, NULL, "no model is there"},
    };
    const char *asked = "ai: You are the friendly support of a small shop. Answer in at most three "
                        "sentences. If you do not know, say so. /";
    char *expected = x_printf(
        "bot: Hi Ana! Ask me anything about our products. Write \"bye\" when you are done.\n"
        "> say When are you open?\n%s - [] t=0.3 max=300 history=10\n"
        "bot: From 9 to 5.\n"
        "> say Where?\n%s - [] t=0.3 max=300 history=10\n"
        "bot: I cannot answer just now. A colleague will get back to you.\n"
        "> say bye\nbot: Goodbye!\n(completed)\n",
        asked, asked);
    check("support-ai.json", results,
          (const char *[]){"say When are you open?", "say Where?", "say bye", NULL}, expected);
    free(expected);
}

static void instantchat_support_takes_an_order_number(void **state)
{
    check("instantchat-support.json", NULL, (const char *[]){"say none", "say 4711", NULL},
          "bot: Hello! How can I help you today?\nbot: Please tell me your order number.\n"
          "> say none\nbot: An order number is a number, such as 4711.\n"
          "> say 4711\nbot: Order 4711 is being packed.\n(completed)\n");
}

static void fields_are_documented(const char *docs, const struct node_field *fields)
{
    for (; fields && fields->name; fields++) {
        char *word = x_printf("`%s`", fields->name);
        if (!strstr(docs, word))
            fail_msg("docs/flows.md does not mention %s", word);
        free(word);
        fields_are_documented(docs, fields->members);
    }
}

static void every_type_and_field_is_documented(void **state)
{
    char *docs = file_read(DOCS, "flows.md");
    for (const struct node_type *const *type = node_types; *type; type++) {
        char *title = x_printf("\n### %s\n", (*type)->name);
        if (!strstr(docs, title))
            fail_msg("docs/flows.md has no section on %s", (*type)->name);
        fields_are_documented(docs, (*type)->fields);
        free(title);
    }
    free(docs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(welcome_asks_name_and_topic),
        cmocka_unit_test(shop_looks_up_the_order),
        cmocka_unit_test(support_ai_answers_until_bye),
        cmocka_unit_test(instantchat_support_takes_an_order_number),
        cmocka_unit_test(every_type_and_field_is_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
