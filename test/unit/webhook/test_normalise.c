// SPDX-License-Identifier: MIT
/*
 * The normalisers over examples/webhooks (argv[1]): each x.json gives exactly x.events.jsonl, and
 * goes on doing so with unknown members everywhere; and over bodies composed here: odd elements,
 * bounds, and random deliveries.
 */

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "webhook/normalise.h"
#include "webhook/parse.h"

static const char *examples;

static struct event_list read_events(const char *body)
{
    struct event_list list = {0};
    struct err err = {0};
    if (!normalise(body, strlen(body), &list, &err))
        fail_msg("%s: %s", err.text, body);
    return list;
}

static struct buf read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be opened", path);
    struct buf text = {0};
    char chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
        buf_add(&text, chunk, n);
    fclose(file);
    if (!text.data)
        buf_add(&text, "", 0);
    return text;
}

// What `hookmill parse` prints for a body.
static struct buf printed(const char *body, size_t len)
{
    FILE *in = tmpfile(), *out = tmpfile();
    assert_true(in && out && fwrite(body, 1, len, in) == len);
    rewind(in);
    struct err err = {0};
    if (!parse_print(in, out, &err))
        fail_msg("%s", err.text);
    rewind(out);
    struct buf text = {0};
    char chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, out)) > 0)
        buf_add(&text, chunk, n);
    fclose(in);
    fclose(out);
    return text;
}

static void each_example(void (*check)(const char *path, const struct buf *body,
                                       const struct buf *expected))
{
    char *pattern = x_printf("%s/*.json", examples);
    glob_t found;
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 20);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        char *expected_path = x_printf("%.*s.events.jsonl", (int)strlen(path) - 5, path);
        struct buf body = read_file(path), expected = read_file(expected_path);
        check(path, &body, &expected);
        buf_deinit(&body);
        buf_deinit(&expected);
        free(expected_path);
    }
    globfree(&found);
    free(pattern);
}

/* --- examples ------------------------------------------------------------------------------------
 */

static void check_exact(const char *path, const struct buf *body, const struct buf *expected)
{
    struct buf text = printed(body->data, body->len);
    if (strcmp(text.data ? text.data : "", expected->data) != 0)
        fail_msg("%s gives\n%s", path, text.data);
    buf_deinit(&text);
}

static void examples_give_what_stands_beside_them(void **state)
{
    each_example(check_exact);
}

static void check_round_trip(const char *path, const struct buf *body, const struct buf *expected)
{
    struct event_list list = read_events(body->data);
    for (size_t i = 0; i < list.count; i++) {
        char *json = event_to_json(&list.events[i]);
        struct event again;
        struct err err;
        if (!event_from_json(json, strlen(json), &again, &err))
            fail_msg("%s: %s", path, err.text);
        char *twice = event_to_json(&again);
        assert_string_equal(twice, json);
        event_deinit(&again);
        free(json);
        free(twice);
    }
    event_list_deinit(&list);
}

static void events_survive_their_json_form(void **state)
{
    each_example(check_round_trip);
}

// What is kept as received, beside `raw`.
static void forget_received(struct event *event)
{
    char **const strings[] = {&event->data, &event->context, &event->referral};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        free(*strings[i]);
        *strings[i] = NULL;
    }
    cJSON_Delete(event->attachments);
    cJSON_Delete(event->errors);
    event->attachments = event->errors = NULL;
}

// The events of both bodies are the same but for what is kept as received.
static void same_but_raw(const char *path, const char *a, const char *b)
{
    struct event_list left = read_events(a), right = read_events(b);
    if (left.count != right.count)
        fail_msg("%s: %zu events, then %zu", path, left.count, right.count);
    for (size_t i = 0; i < left.count; i++) {
        struct event *events[2] = {&left.events[i], &right.events[i]};
        char *json[2];
        for (int side = 0; side < 2; side++) {
            free(events[side]->raw);
            events[side]->raw = NULL;
            forget_received(events[side]);
            json[side] = event_to_json(events[side]);
        }
        if (strcmp(json[0], json[1]) != 0)
            fail_msg("%s:\n%s\n%s", path, json[0], json[1]);
        free(json[0]);
        free(json[1]);
    }
    event_list_deinit(&left);
    event_list_deinit(&right);
}

static void add_unknown(cJSON *item)
{
    cJSON *child;
    cJSON_ArrayForEach(child, item)
        add_unknown(child);
    if (cJSON_IsObject(item))
        cJSON_AddItemToObject(item, "x_unknown", cJSON_CreateString("news from Meta"));
}

static void check_unknown_members(const char *path, const struct buf *body,
                                  const struct buf *expected)
{
    struct err err;
    cJSON *tree = json_read(body->data, body->len, &err);
    assert_non_null(tree);
    // An entry that says nothing is not an item; with an unknown member it is one.
    if (!strstr(path, "messenger-batch"))
        add_unknown(tree);
    char *text = json_print(tree);
    same_but_raw(path, body->data, text);
    free(text);
    cJSON_Delete(tree);
}

static void unknown_members_change_nothing(void **state)
{
    each_example(check_unknown_members);
}

// Ids of digits as bare numbers, as Meta sends them in places.
static void check_numeric_ids(const char *path, const struct buf *body, const struct buf *expected)
{
    static const char *const names[] = {"\"id\":\"",
                                        "\"from\":\"",
                                        "\"wa_id\":\"",
                                        "\"app_id\":\"",
                                        "\"phone_number_id\":\"",
                                        "\"recipient_id\":\"",
                                        "\"timestamp\":\""};
    struct buf text = {0};
    for (const char *s = body->data; *s;) {
        size_t name = 0, digits = 0;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            if (strncmp(s, names[i], strlen(names[i])) == 0)
                name = strlen(names[i]);
        }
        if (name > 0)
            digits = strspn(s + name, "0123456789");
        if (digits > 0 && s[name + digits] == '"') {
            buf_add(&text, s, name - 1);
            buf_add(&text, s + name, digits);
            s += name + digits + 1;
        } else {
            buf_add_char(&text, *s++);
        }
    }
    same_but_raw(path, body->data, text.data);
    buf_deinit(&text);
}

static void ids_may_be_numbers(void **state)
{
    each_example(check_numeric_ids);
}

/* --- bodies --------------------------------------------------------------------------------------
 */

static void refusals_say_what_is_wrong(void **state)
{
    struct buf deep = {0};
    buf_add_str(&deep, "{\"object\":\"page\",\"entry\":");
    for (int i = 0; i < 200; i++)
        buf_add_char(&deep, '[');
    for (int i = 0; i < 200; i++)
        buf_add_char(&deep, ']');
    buf_add_char(&deep, '}');
    const struct {
        const char *body, *says;
    } cases[] = {
        {"", "body"},
        {"not json", "body"},
        {"{\"object\":\"page\",\"entry\":[", "body"},
        {"{\"object\":\"page\",\"entry\":[\"\xff\"]}", "body"},
        {"{\"object\":\"page\",\"entry\":[\"a\\u0000b\"]}", "body"},
        {deep.data, "body"},
        {"[]", "object"},
        {"{}", "object"},
        {"{\"object\":7,\"entry\":[]}", "object"},
        {"{\"object\":\"user\",\"entry\":[]}", "unknown object 'user'"},
        {"{\"Object\":\"page\",\"entry\":[]}", "object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct event_list list = {.count = 77};
        struct err err = {0};
        assert_false(normalise(cases[i].body, strlen(cases[i].body), &list, &err));
        assert_int_equal(list.count, 77);
        enum err_code want = cases[i].body == deep.data ? ERR_LIMIT : ERR_INPUT;
        if (err.code != want || !strstr(err.text, cases[i].says))
            fail_msg("%s: %s", cases[i].body, err.text);
    }
    buf_deinit(&deep);
}

static void a_body_of_countless_items_is_refused(void **state)
{
    struct buf body = {0};
    buf_add_str(&body, "{\"object\":\"page\",\"entry\":[0");
    for (int i = 1; i < EVENT_LIST_MAX; i++)
        buf_add_str(&body, ",0");
    struct buf over = {0};
    buf_add_str(&over, body.data);
    buf_add_str(&over, ",0]}");
    buf_add_str(&body, "]}");
    struct event_list list = read_events(body.data);
    assert_int_equal(list.count, EVENT_LIST_MAX);
    event_list_deinit(&list);
    struct err err = {0};
    assert_false(normalise(over.data, over.len, &list, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    buf_deinit(&body);
    buf_deinit(&over);
}

static void known_objects_may_be_empty(void **state)
{
    static const char *const bodies[] = {
        "{\"object\":\"page\",\"entry\":[]}",
        "{\"object\":\"instagram\",\"entry\":[{\"id\":\"1\",\"time\":2}]}",
        "{\"object\":\"page\",\"entry\":[{\"id\":\"1\",\"messaging\":[]}]}",
        "{\"object\":\"page\",\"entry\":[{\"id\":\"1\",\"messaging\":null,\"changes\":null}]}",
        "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[]}]}",
        ("{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[{"
         "\"field\":\"messages\",\"value\":{\"messages\":[]}}]}]}"),
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct event_list list = read_events(bodies[i]);
        if (list.count != 0)
            fail_msg("%zu events: %s", list.count, bodies[i]);
        event_list_deinit(&list);
    }
}

static void what_gives_no_item_but_is_not_empty_is_kept_or_refused(void **state)
{
    static const char *const kept[] = {
        "{\"object\":\"page\",\"entry\":[{\"id\":\"1\",\"messaging\":[],\"brand_new\":[1]}]}",
        ("{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[{"
         "\"field\":\"messages\",\"value\":{\"messages\":[],\"errors\":[{\"code\":131000}]}}]}]}"),
    };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        struct event_list list = read_events(kept[i]);
        if (list.count != 1 ||
            (list.events[0].kind != EVENT_OTHER && list.events[0].kind != EVENT_ERROR))
            fail_msg("%zu events: %s", list.count, kept[i]);
        event_list_deinit(&list);
    }
    static const char *const refused[] = {"{\"object\":\"page\"}",
                                          "{\"object\":\"page\",\"entry\":null}"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct event_list list;
        struct err err = {0};
        assert_false(normalise(refused[i], strlen(refused[i]), &list, &err));
        assert_int_equal(err.code, ERR_INPUT);
    }
}

// One element of messaging[] whose page is 1.
static struct event_list read_element(const char *element)
{
    char *body =
        x_printf("{\"object\":\"page\",\"entry\":[{\"id\":\"1\",\"messaging\":[%s]}]}", element);
    struct event_list list = read_events(body);
    free(body);
    return list;
}

static void odd_elements_become_other_and_keep_their_bytes(void **state)
{
    static const char *const elements[] = {
        "7",
        "null",
        "\"text\"",
        "[]",
        "[[]]",
        "{}",
        "true",
        "{\"sender\":5,\"message\":{\"mid\":\"m\",\"text\":\"a\"}}",
        "{\"sender\":{\"id\":[]},\"message\":{\"mid\":\"m\",\"text\":\"a\"}}",
        "{\"sender\":{\"id\":\"\"},\"message\":{\"mid\":\"m\",\"text\":\"a\"}}",
        "{\"sender\":{\"id\":\"~\"},\"message\":{\"mid\":\"m\",\"text\":\"a\"}}",
        "{\"sender\":{\"id\":1.5},\"message\":{\"mid\":\"m\",\"text\":\"a\"}}",
        "{\"sender\":{\"id\":\"2\"},\"message\":{\"text\":\"no mid\"}}",
        "{\"sender\":{\"id\":\"2\"},\"message\":{\"mid\":{},\"text\":\"a\"}}",
        "{\"sender\":{\"id\":\"2\"},\"message\":{\"mid\":\"m\"}}",
        "{\"sender\":{\"id\":\"2\"},\"message\":{\"mid\":\"m\",\"text\":9}}",
        "{\"sender\":{\"id\":\"2\"},\"message\":{\"mid\":\"m\",\"text\":\"a\",\"attachments\":3}}",
        "{\"sender\":{\"id\":\"2\"},\"message\":\"m\"}",
        "{\"sender\":{\"id\":\"2\"},\"postback\":{\"mid\":\"m\"}}",
        "{\"sender\":{\"id\":\"2\"},\"postback\":{\"mid\":\"m\",\"payload\":{}}}",
        "{\"sender\":{\"id\":\"1\"},\"message\":{\"mid\":\"m\",\"is_echo\":true,\"text\":\"a\"}}",
        "{\"sender\":{\"id\":\"2\"},\"message\" : {\"mid\":null,  \"is_deleted\":true}}",
        "{\"sender\":{\"id\":\"2\"},\"message\":{\"mid\":\"m\",\"text\":\"a\",\"reply_to\":\"x\"}}",
        "{\"sender\":{\"id\":\"2\"},\"message\":{\"mid\":\"m\",\"text\":\"a\",\"attachments\":[7]}"
        "}",
        "{\"sender\":{\"id\":\"2\"},\"message\":{\"mid\":\"m\",\"text\":\"a\",\"referral\":1}}",
        "{\"sender\":{\"id\":\"2\"},\"reaction\":{\"action\":\"react\",\"emoji\":\"e\"}}",
        "{\"sender\":{\"id\":\"2\"},\"reaction\":{\"mid\":\"m\",\"emoji\":\"e\"}}",
        "{\"sender\":{\"id\":\"2\"},\"read\":{\"watermark\":\"soon\"}}",
        "{\"sender\":{\"id\":\"2\"},\"delivery\":[]}",
        "{\"sender\":{\"id\":\"2\"},\"message_edit\":{\"mid\":\"m\"}}",
        "{\"sender\":{\"id\":\"2\"},\"referral\":\"winter\"}",
        "{\"sender\":{\"user_ref\":\"r\"},\"referral\":{\"ref\":\"winter\"}}",
        "{\"sender\":{\"id\":\"1\"},\"recipient\":{\"id\":\"2\"},\"read\":{\"watermark\":5}}",
        "{\"sender\":{\"id\":\"1\"},\"recipient\":{\"id\":\"2\"},\"optin\":{\"ref\":\"r\"}}",
        "{\"sender\":{\"id\":\"2\",\"username\":[]},\"message\":{\"mid\":\"m\",\"text\":\"a\"}}",
    };
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
        struct event_list list = read_element(elements[i]);
        assert_int_equal(list.count, 1);
        if (list.events[0].kind != EVENT_OTHER)
            fail_msg("%s", elements[i]);
        assert_string_equal(list.events[0].raw, elements[i]);
        assert_string_equal(list.events[0].account, "1");
        assert_non_null(list.events[0].type);
        event_list_deinit(&list);
    }
}

static void ids_and_texts_have_bounds(void **state)
{
    for (int over = 0; over <= 1; over++) {
        struct buf id = {0}, text = {0};
        for (int i = 0; i < EVENT_ID_MAX + over; i++)
            buf_add_char(&id, 'i');
        for (int i = 0; i < EVENT_TEXT_MAX + over; i++)
            buf_add_char(&text, 't');
        const struct {
            const char *sender, *mid, *text;
        } cases[] = {{id.data, "m", "a"}, {"2", id.data, "a"}, {"2", "m", text.data}};
        for (size_t i = 0; i < 3; i++) {
            char *element = x_printf(
                "{\"sender\":{\"id\":\"%s\"},\"message\":{\"mid\":\"%s\",\"text\":\"%s\"}}",
                cases[i].sender, cases[i].mid, cases[i].text);
            struct event_list list = read_element(element);
            assert_int_equal(list.count, 1);
            assert_int_equal(list.events[0].kind, over ? EVENT_OTHER : EVENT_MESSAGE);
            if (over)
                assert_string_equal(list.events[0].raw, element);
            event_list_deinit(&list);
            free(element);
        }
        buf_deinit(&id);
        buf_deinit(&text);
    }
}

static void what_the_account_sent_never_wakes_a_flow(void **state)
{
    struct event_list list = read_element("{\"sender\":{\"id\":\"1\"},\"recipient\":{\"id\":\"2\"},"
                                          "\"message\":{\"mid\":\"m\",\"text\":\"unmarked\"}}");
    assert_int_equal(list.events[0].kind, EVENT_ECHO);
    assert_string_equal(list.events[0].contact, "2");
    event_list_deinit(&list);
}

static void accounts_that_keys_cannot_carry_are_unknown(void **state)
{
    static const char *const ids[] = {"\"a:b\"", "\"{07}\"", "\"a b\"", "\"\"", "null", "[]"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char *body = x_printf(
            "{\"object\":\"page\",\"entry\":[{\"id\":%s,\"messaging\":[{\"sender\":{\"id\":\"2\"},"
            "\"message\":{\"mid\":\"m\",\"text\":\"a\"}}]}]}",
            ids[i]);
        struct event_list list = read_events(body);
        assert_int_equal(list.count, 1);
        assert_int_equal(list.events[0].kind, EVENT_OTHER);
        assert_string_equal(list.events[0].account, "unknown");
        event_list_deinit(&list);
        free(body);
    }
}

static void large_ids_are_not_rounded(void **state)
{
    struct event_list list = read_element("{\"sender\":{\"id\":17841405554443332},\"message\":{"
                                          "\"mid\":9007199254740993,\"text\":\"a\"}}");
    assert_string_equal(list.events[0].contact, "17841405554443332");
    assert_string_equal(list.events[0].id, "9007199254740993");
    event_list_deinit(&list);
}

/* --- random deliveries ---------------------------------------------------------------------------
 */

static uint32_t seed;

static uint32_t pick(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

// `count` random elements: good ones, ones of kinds without a reader, and odd ones.
static void add_elements(struct buf *body, const char *const *kinds, uint32_t kind_count,
                         uint32_t count)
{
    buf_add_char(body, '[');
    for (uint32_t i = 0; i < count; i++)
        buf_printf(body, "%s%s", i > 0 ? "," : "", kinds[pick(kind_count)]);
    buf_add_char(body, ']');
}

static void events_out_are_items_in(void **state)
{
    static const char *const messaging[] = {
        "{\"sender\":{\"id\":\"5\"},\"timestamp\":1,\"message\":{\"mid\":\"m\",\"text\":\"a\"}}",
        "{\"sender\":{\"id\":\"5\"},\"postback\":{\"title\":\"t\",\"payload\":\"p\"}}",
        "{\"sender\":{\"id\":\"5\"},\"reaction\":{\"mid\":\"m\"}}",
        "{}",
        "null",
        "[{}]",
        "-1e3",
        "{\"message\":null}"};
    static const char *const items[] = {
        "{\"from\":\"5\",\"id\":\"w\",\"type\":\"text\",\"text\":{\"body\":\"a\"}}",
        "{\"from_user_id\":\"A.1\",\"id\":\"w\",\"type\":\"image\"}",
        "{\"id\":\"w\",\"status\":\"sent\",\"recipient_id\":\"5\"}",
        "3",
        "{}",
        "\"x\""};
    static const char *const lists[] = {"messages", "statuses", "calls", "message_echoes",
                                        "user_preferences"};
    for (seed = 1; seed < 2000000; seed += 7919) {
        uint32_t start = seed, want = 0;
        bool whatsapp = pick(2);
        struct buf body = {0};
        buf_printf(&body, "{\"object\":\"%s\",\"entry\":[",
                   whatsapp  ? "whatsapp_business_account"
                   : pick(2) ? "page"
                             : "instagram");
        uint32_t entries = pick(5);
        for (uint32_t e = 0; e < entries; e++) {
            uint32_t count = pick(6);
            want += count;
            buf_printf(&body, "%s{\"id\":\"%u\",\"%s\":", e > 0 ? "," : "", pick(3),
                       whatsapp  ? "changes"
                       : pick(2) ? "messaging"
                                 : "standby");
            if (whatsapp) {
                buf_printf(&body,
                           "[{\"field\":\"messages\",\"value\":{\"metadata\":{"
                           "\"phone_number_id\":\"%u\"},\"%s\":",
                           pick(3), lists[pick(5)]);
                add_elements(&body, items, 6, count);
                buf_add_str(&body, "}}]}");
            } else {
                add_elements(&body, messaging, 8, count);
                buf_add_char(&body, '}');
            }
        }
        buf_add_str(&body, "]}");
        struct event_list list = read_events(body.data);
        if (list.count != want)
            fail_msg("seed %u: %u items, %zu events: %s", start, want, list.count, body.data);
        event_list_deinit(&list);
        buf_deinit(&body);
        seed = start;
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s EXAMPLES\n", argv[0]);
        return 2;
    }
    examples = argv[1];
    mem_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_give_what_stands_beside_them),
        cmocka_unit_test(events_survive_their_json_form),
        cmocka_unit_test(unknown_members_change_nothing),
        cmocka_unit_test(ids_may_be_numbers),
        cmocka_unit_test(refusals_say_what_is_wrong),
        cmocka_unit_test(a_body_of_countless_items_is_refused),
        cmocka_unit_test(what_gives_no_item_but_is_not_empty_is_kept_or_refused),
        cmocka_unit_test(known_objects_may_be_empty),
        cmocka_unit_test(odd_elements_become_other_and_keep_their_bytes),
        cmocka_unit_test(ids_and_texts_have_bounds),
        cmocka_unit_test(what_the_account_sent_never_wakes_a_flow),
        cmocka_unit_test(accounts_that_keys_cannot_carry_are_unknown),
        cmocka_unit_test(large_ids_are_not_rounded),
        cmocka_unit_test(events_out_are_items_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
