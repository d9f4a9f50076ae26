// SPDX-License-Identifier: MIT
// What flows record of people: fields and tags of the contact, notes and handoffs of the chat.
#include "fixture.h"
#include "records_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/json.h"
#include "base/mem.h"

// The activation `done` of the person's chat, with updates in this order (single quotes for double
// ones), each at its own second.
static struct projection *activation(const char *contact, int64_t done, const char *const *changes)
{
    struct projection *p = record_activation(contact, 1, done, "active");
    for (size_t i = 0; changes[i] != NULL; i++) {
        char *text = x_dup(changes[i]), id[25], name[32];
        for (char *c = text; *c != '\0'; c++)
            *c = *c == '\'' ? '"' : *c;
        cJSON *change = json_read(text, strlen(text), NULL);
        assert_non_null(change);
        snprintf(name, sizeof(name), "%d:%zu", (int)done, i);
        id_oid(id, contact, name, NULL);
        struct people_update update = {
            .id = id, .node = "n", .session = "s-1", .at_ms = (int64_t)(i + 1) * 1000};
        projection_add_update(p, change, &update);
        cJSON_Delete(change);
        free(text);
    }
    return p;
}

#define CHANGES(...) ((const char *const[]){__VA_ARGS__, NULL})

static bson_t *contact_of(struct fixture *f, const char *contact)
{
    return fixture_one(f, "contacts", BCON_NEW("contactId", BCON_UTF8(contact)));
}

static bson_t *chat_of(struct fixture *f, const char *contact)
{
    return fixture_one(f, "chats", BCON_NEW("customerId", BCON_UTF8(contact)));
}

// The strings of an array, joined by commas; caller frees.
static char *joined(const bson_t *doc, const char *name)
{
    char *text = x_dup("");
    bson_iter_t it, item;
    if (!bson_iter_init_find(&it, doc, name) || !bson_iter_recurse(&it, &item))
        return text;
    while (bson_iter_next(&item)) {
        char *longer =
            x_printf("%s%s%s", text, *text != '\0' ? "," : "", bson_iter_utf8(&item, NULL));
        free(text);
        text = longer;
    }
    return text;
}

static void assert_tags(struct fixture *f, const char *contact, const char *expected)
{
    bson_t *doc = contact_of(f, contact);
    char *tags = joined(doc, "tags");
    assert_string_equal(tags, expected);
    free(tags);
    bson_destroy(doc);
}

static void fields_are_set_replaced_and_removed(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    record_project(f, writer,
                   activation("p1", 1,
                              CHANGES("{'contact':{'email':'a@x.example','customFields':"
                                      "{'Score':7,'Plan':{'name':'gold'}}}}",
                                      "{'contact':{'email':'b@x.example','phone':'+595 981'}}")));
    bson_t *doc = contact_of(f, "p1");
    assert_string_equal(document_str(doc, "email"), "b@x.example");
    assert_string_equal(document_str(doc, "phone"), "+595 981");
    assert_int_equal(document_int(doc, "customFields.Score", 0), 7);
    assert_string_equal(document_str(doc, "customFields.Plan.name"), "gold");
    bson_destroy(doc);
    doc = chat_of(f, "p1");
    assert_string_equal(document_str(doc, "customerProfile.email"), "b@x.example");
    bson_destroy(doc);

    record_project(f, writer,
                   activation("p1", 2,
                              CHANGES("{'contact':{'email':null,'name':'Ana Maria',"
                                      "'customFields':{'Score':null}}}")));
    doc = contact_of(f, "p1");
    assert_false(document_has(doc, "email"));
    assert_false(document_has(doc, "customFields.Score"));
    assert_string_equal(document_str(doc, "customFields.Plan.name"), "gold");
    bson_destroy(doc);
    doc = chat_of(f, "p1");
    assert_false(document_has(doc, "customerProfile.email"));
    assert_string_equal(document_str(doc, "customerProfile.phone"), "+595 981");
    bson_destroy(doc);
    writer_free(writer);
}

static void what_cannot_be_a_field_is_passed_over(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    record_project(f, writer,
                   activation("p2", 1,
                              CHANGES("{'contact':{'aliases':'x','lastSeenAt':'y','$where':'z',"
                                      "'customFields':{'a.b':1,'$set':2,'':3,'ok':4}}}")));
    bson_t *doc = contact_of(f, "p2");
    char *aliases = joined(doc, "aliases");
    assert_string_equal(aliases, "p2,PY.77");
    assert_false(document_has(doc, "$where"));
    assert_true(document_int(doc, "lastSeenAt", 0) > 1000);
    assert_int_equal(document_int(doc, "customFields.ok", 0), 4);
    assert_false(document_has(doc, "customFields.a"));
    free(aliases);
    bson_destroy(doc);
    writer_free(writer);
}

static void tags_are_a_set_and_the_last_word_counts(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    record_project(f, writer,
                   activation("p3", 1,
                              CHANGES("{'tags':{'add':['vip','new','vip']}}",
                                      "{'tags':{'remove':['new'],'add':['lead']}}")));
    assert_tags(f, "p3", "vip,lead");
    for (int again = 0; again < 2; again++) // written twice, it is the same
        record_project(f, writer,
                       activation("p3", 2, CHANGES("{'tags':{'remove':['vip'],'add':['lead']}}")));
    assert_tags(f, "p3", "lead");
    record_project(f, writer, activation("p3", 1, CHANGES("{'tags':{'add':['late']}}")));
    assert_tags(f, "p3", "lead"); // older than what is there
    writer_free(writer);
}

static void notes_are_kept_once_and_in_order(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    for (int again = 0; again < 2; again++)
        record_project(f, writer,
                       activation("p4", 1,
                                  CHANGES("{'note':{'text':'wants a refund'}}",
                                          "{'note':{'text':'is angry'}}")));
    record_project(f, writer, activation("p4", 2, CHANGES("{'note':{'text':'third'}}")));
    bson_t *doc = chat_of(f, "p4");
    assert_string_equal(document_str(doc, "notes.0.text"), "wants a refund");
    assert_string_equal(document_str(doc, "notes.1.text"), "is angry");
    assert_string_equal(document_str(doc, "notes.2.text"), "third");
    assert_string_equal(document_str(doc, "notes.2.sessionId"), "s-1");
    assert_false(document_has(doc, "notes.3"));
    bson_destroy(doc);
    writer_free(writer);
}

static void a_handoff_is_seen_from_its_beginning_to_its_end(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    // In a chat whose document is made by this very write.
    record_project(
        f, writer,
        activation("p5", 1,
                   CHANGES("{'handoff':{'team':'billing','note':'refund','until_ms':9000}}")));
    bson_t *doc = chat_of(f, "p5");
    assert_string_equal(document_str(doc, "status"), "handoff");
    assert_string_equal(document_str(doc, "handoff.team"), "billing");
    assert_string_equal(document_str(doc, "handoff.note"), "refund");
    assert_int_equal(document_int(doc, "handoff.until", 0), 9000);
    assert_int_equal(document_int(doc, "handoff.since", 0), 1000);
    bson_destroy(doc);

    record_project(f, writer, activation("p5", 2, CHANGES("{'handoff':{'over':'keyword'}}")));
    doc = chat_of(f, "p5");
    assert_string_equal(document_str(doc, "status"), "active");
    assert_string_equal(document_str(doc, "handoff.over"), "keyword");
    assert_string_equal(document_str(doc, "handoff.team"), "billing");
    bson_destroy(doc);

    // Over and begun again in one activation.
    record_project(f, writer,
                   activation("p5", 3, CHANGES("{'handoff':{'over':'time'}}", "{'handoff':{}}")));
    doc = chat_of(f, "p5");
    assert_string_equal(document_str(doc, "status"), "handoff");
    assert_false(document_has(doc, "handoff.team"));
    bson_destroy(doc);
    writer_free(writer);
}

static void a_word_that_somebody_else_gave_the_chat_outlives_the_handoff(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    struct err err = {0};
    record_project(f, writer, activation("p6", 1, CHANGES("{'handoff':{}}")));
    assert_ok(document_update(&f->db, "chats", BCON_NEW("customerId", "p6"),
                              BCON_NEW("$set", "{", "status", "closed", "}"), false, NULL, &err),
              err);
    record_project(f, writer, activation("p6", 2, CHANGES("{'handoff':{'over':'time'}}")));
    bson_t *doc = chat_of(f, "p6");
    assert_string_equal(document_str(doc, "status"), "closed");
    bson_destroy(doc);
    writer_free(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_set_replaced_and_removed),
        cmocka_unit_test(what_cannot_be_a_field_is_passed_over),
        cmocka_unit_test(tags_are_a_set_and_the_last_word_counts),
        cmocka_unit_test(notes_are_kept_once_and_in_order),
        cmocka_unit_test(a_handoff_is_seen_from_its_beginning_to_its_end),
        cmocka_unit_test(a_word_that_somebody_else_gave_the_chat_outlives_the_handoff),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
