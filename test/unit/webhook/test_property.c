// SPDX-License-Identifier: MIT
/*
 * What holds for every delivery, tried on random ones (generate.h): as many events as items, each
 * of the right account and kind; each survives its JSON form; what differs has different
 * identities, and a redelivery in another order has the same.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "test/unit/cmocka_all.h"
#include "test/unit/webhook/generate.h"
#include "webhook/normalise.h"

enum { DELIVERIES = 3000 };

static struct event_list read_events(const struct buf *body)
{
    struct event_list list = {0};
    struct err err = {0};
    if (!normalise(body->data, body->len, &list, &err))
        fail_msg("%s: %s", err.text, body->data);
    return list;
}

static void each_delivery(void (*check)(struct delivery_made *made, const struct buf *body,
                                        const struct event_list *list))
{
    size_t items = 0;
    for (uint64_t seed = 1; seed <= DELIVERIES; seed++) {
        struct delivery_made made;
        generate(seed, &made);
        struct buf body = delivery_made_body(&made);
        struct event_list list = read_events(&body);
        check(&made, &body, &list);
        items += made.label_count;
        event_list_deinit(&list);
        buf_deinit(&body);
        delivery_made_deinit(&made);
    }
    assert_true(items > 3 * (size_t)DELIVERIES);
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(char **strings, size_t count)
{
    qsort(strings, count, sizeof *strings, compare_strings);
}

static void free_strings(char **strings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(strings[i]);
    free(strings);
}

/* --- events are items ----------------------------------------------------------------------------
 */

static void check_labels(struct delivery_made *made, const struct buf *body,
                         const struct event_list *list)
{
    if (list->count != made->label_count)
        fail_msg("%zu items, %zu events: %s", made->label_count, list->count, body->data);
    char **labels = x_calloc(list->count + 1, sizeof *labels);
    for (size_t i = 0; i < list->count; i++) {
        const struct event *event = &list->events[i];
        assert_int_equal(event->platform, made->platform);
        assert_true((event->kind == EVENT_OTHER) == (event->raw != NULL));
        labels[i] = generate_label(event->platform, event->account, event->kind, event->standby);
    }
    sort(labels, list->count);
    sort(made->labels, made->label_count);
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(labels[i], made->labels[i]) != 0)
            fail_msg("'%s' is '%s': %s", made->labels[i], labels[i], body->data);
    }
    free_strings(labels, list->count);
}

static void events_out_are_items_in_of_the_right_account_and_kind(void **state)
{
    each_delivery(check_labels);
}

/* --- the JSON form -------------------------------------------------------------------------------
 */

static void same_text(const char *member, const char *a, const char *b)
{
    if ((a == NULL) != (b == NULL) || (a && strcmp(a, b) != 0))
        fail_msg("%s: '%s' became '%s'", member, a ? a : "(none)", b ? b : "(none)");
}

static void same_tree(const char *member, const cJSON *a, const cJSON *b)
{
    char *texts[2] = {a ? json_print(a) : NULL, b ? json_print(b) : NULL};
    same_text(member, texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
}

static void same_event(const struct event *a, const struct event *b)
{
    const struct {
        const char *member, *a, *b;
    } texts[] = {
        {"type", a->type, b->type},
        {"account", a->account, b->account},
        {"contact", a->contact, b->contact},
        {"name", a->contact_name, b->contact_name},
        {"id", a->id, b->id},
        {"text", a->text, b->text},
        {"payload", a->payload, b->payload},
        {"reply_to", a->reply_to, b->reply_to},
        {"target", a->target, b->target},
        {"parent", a->parent, b->parent},
        {"emoji", a->emoji, b->emoji},
        {"group", a->group, b->group},
        {"status", a->status, b->status},
        {"callback_data", a->callback_data, b->callback_data},
        {"app_id", a->app_id, b->app_id},
        {"data", a->data, b->data},
        {"context", a->context, b->context},
        {"referral", a->referral, b->referral},
        {"raw", a->raw, b->raw},
        {"delivery", a->delivery, b->delivery},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        same_text(texts[i].member, texts[i].a, texts[i].b);
    for (size_t i = 0; i < EVENT_ALIASES_MAX; i++)
        same_text("aliases", a->aliases[i], b->aliases[i]);
    same_tree("attachments", a->attachments, b->attachments);
    same_tree("errors", a->errors, b->errors);
    assert_int_equal(a->platform, b->platform);
    assert_int_equal(a->kind, b->kind);
    assert_true(a->timestamp_ms == b->timestamp_ms && a->watermark_ms == b->watermark_ms);
    assert_true(a->standby == b->standby);
}

static void check_json_form(struct delivery_made *made, const struct buf *body,
                            const struct event_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct event *event = &list->events[i];
        char *json = event_to_json(event);
        assert_null(strchr(json, '\n'));
        struct event again;
        struct err err = {0};
        if (!event_from_json(json, strlen(json), &again, &err))
            fail_msg("%s: %s", err.text, json);
        same_event(event, &again);
        char keys[2][64];
        event_dedup_key(event, keys[0]);
        event_dedup_key(&again, keys[1]);
        assert_string_equal(keys[0], keys[1]);
        event_deinit(&again);
        free(json);
    }
}

static void each_event_survives_its_json_form(void **state)
{
    each_delivery(check_json_form);
}

/* --- identity ------------------------------------------------------------------------------------
 */

// Sorted. All elements that are `null` are the same, and left out.
static char **read_keys(const struct event_list *list, size_t *ret_count)
{
    char **keys = x_calloc(list->count + 1, sizeof *keys);
    *ret_count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct event *event = &list->events[i];
        if (event->raw && strcmp(event->raw, "null") == 0)
            continue;
        char key[64];
        event_dedup_key(event, key);
        keys[(*ret_count)++] = x_dup(key);
    }
    sort(keys, *ret_count);
    return keys;
}

static void check_identity(struct delivery_made *made, const struct buf *body,
                           const struct event_list *list)
{
    size_t count, again_count;
    char **keys = read_keys(list, &count);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(keys[i - 1], keys[i]) == 0)
            fail_msg("two items are one: %s", body->data);
    }
    for (size_t i = 0; i < made->entry_count / 2; i++) {
        char *entry = made->entries[i];
        made->entries[i] = made->entries[made->entry_count - 1 - i];
        made->entries[made->entry_count - 1 - i] = entry;
    }
    struct buf reordered = delivery_made_body(made);
    struct event_list again = read_events(&reordered);
    char **again_keys = read_keys(&again, &again_count);
    assert_int_equal(count, again_count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i], again_keys[i]) != 0)
            fail_msg("the order counts: %s", body->data);
    }
    free_strings(keys, count);
    free_strings(again_keys, again_count);
    event_list_deinit(&again);
    buf_deinit(&reordered);
}

static void distinct_items_differ_and_a_redelivery_in_another_order_is_the_same(void **state)
{
    each_delivery(check_identity);
}

int main(void)
{
    mem_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_out_are_items_in_of_the_right_account_and_kind),
        cmocka_unit_test(each_event_survives_its_json_form),
        cmocka_unit_test(distinct_items_differ_and_a_redelivery_in_another_order_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
