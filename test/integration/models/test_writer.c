// SPDX-License-Identifier: MIT
// The batching writer: repetition, order, refusals, and what an AI reads back.
#include "fixture.h"
#include "records_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/json.h"
#include "base/mem.h"
#include "models/projection.h"

static bson_t *chat_of(struct fixture *f, const char *contact)
{
    char id[25], *key = chat_key(PLATFORM_WHATSAPP, "1099", contact);
    projection_chat_id(key, id);
    free(key);
    bson_oid_t oid = document_oid_of(id);
    return fixture_one(f, "chats", BCON_NEW("_id", BCON_OID(&oid)));
}

static int64_t count_of_chat(struct fixture *f, const char *collection, const char *contact)
{
    char *key = chat_key(PLATFORM_WHATSAPP, "1099", contact);
    int64_t count = fixture_count(f, collection, BCON_NEW("chat", BCON_UTF8(key)));
    free(key);
    return count;
}

static void an_activation_is_in_every_collection(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    record_project(f, writer, record_activation("595001", 3, 1, "completed"));
    writer_free(writer);

    bson_t *chat = chat_of(f, "595001");
    assert_string_equal(document_str(chat, "key"), "whatsapp:1099:595001");
    assert_string_equal(document_str(chat, "customerName"), "Ana");
    assert_string_equal(document_str(chat, "lastMessage"), "hi there");
    assert_string_equal(document_str(chat, "status"), "active");
    assert_int_equal(document_int(chat, "messageCount", 0), 2);
    assert_int_equal(document_int(chat, "inboundCount", 0), 1);
    bson_destroy(chat);
    bson_t *session = fixture_one(f, "chat_sessions", BCON_NEW("chat", "whatsapp:1099:595001"));
    assert_string_equal(document_str(session, "status"), "completed");
    assert_string_equal(document_str(session, "variables.name"), "Ana");
    assert_int_equal(document_int(session, "variables.＄where", 0), 1);
    assert_int_equal(document_int(session, "expireAt", 0), 1790416801000 + 30 * 86400000LL);
    assert_int_equal(document_int(session, "durationMs", 0), 1000);
    bson_destroy(session);
    bson_t *contact =
        fixture_one(f, "contacts", BCON_NEW("accountKey", "whatsapp:1099", "aliases", "PY.77"));
    assert_string_equal(document_str(contact, "contactId"), "595001");
    bson_destroy(contact);
    bson_t *history = fixture_one(f, "session_history", BCON_NEW("chat", "whatsapp:1099:595001"));
    assert_string_equal(document_str(history, "entries.0.text"), "hello");
    bson_destroy(history);
    assert_int_equal(count_of_chat(f, "messages", "595001"), 2);
}

static void writing_twice_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    record_project(f, writer, record_activation("595002", 1, 1, "active"));
    record_project(f, writer, record_activation("595002", 1, 2, "completed"));
    bson_t *before = chat_of(f, "595002");
    record_project(f, writer, record_activation("595002", 1, 2, "completed"));
    record_project(f, writer,
                   record_activation("595002", 1, 1, "active")); // a late repetition of the first
    bson_t *after = chat_of(f, "595002");
    writer_free(writer);
    assert_true(bson_equal(before, after));
    assert_int_equal(document_int(after, "messageCount", 0), 4);
    assert_int_equal(count_of_chat(f, "messages", "595002"), 4);
    assert_int_equal(count_of_chat(f, "session_history", "595002"), 2);
    bson_t *session = fixture_one(f, "chat_sessions", BCON_NEW("chat", "whatsapp:1099:595002"));
    assert_string_equal(document_str(session, "status"), "completed");
    bson_destroy(session);
    bson_destroy(before);
    bson_destroy(after);
}

static void an_older_epoch_is_refused(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    record_project(f, writer, record_activation("595003", 7, 1, "active"));
    record_project(f, writer, record_activation("595003", 6, 2, "error"));
    writer_free(writer);
    bson_t *chat = chat_of(f, "595003");
    assert_int_equal(document_int(chat, "epoch", 0), 7);
    assert_int_equal(document_int(chat, "messageCount", 0), 2);
    bson_destroy(chat);
    bson_t *session = fixture_one(f, "chat_sessions", BCON_NEW("chat", "whatsapp:1099:595003"));
    assert_string_equal(document_str(session, "status"), "active");
    bson_destroy(session);
}

static void a_timers_activation_is_told_by_its_sequence(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    struct projection *first = record_activation("595004", 1, 1, "active");
    first->sequence = 1;
    record_project(f, writer, first);
    for (int i = 0; i < 2; i++) { // no new event; written twice
        struct projection *timer = record_activation("595004", 2, 1, "completed");
        timer->sequence = 2;
        id_oid(timer->messages[0].id, "timer", "595004", NULL);
        timer->message_count = 2;
        record_project(f, writer, timer);
    }
    writer_free(writer);
    bson_t *chat = chat_of(f, "595004");
    assert_int_equal(document_int(chat, "messageCount", 0), 4);
    bson_destroy(chat);
    assert_int_equal(count_of_chat(f, "session_history", "595004"), 2);
}

static void many_chats_share_a_flush_and_one_chat_keeps_its_order(void **state)
{
    struct fixture *f = *state;
    enum { CHATS = 300, EACH = 3 };
    struct writer *writer = writer_new(f->base, f->store, 2);
    struct outcome *outcomes = x_calloc(CHATS * EACH, sizeof(outcomes[0]));
    for (int n = 1; n <= EACH; n++) {
        for (int i = 0; i < CHATS; i++) {
            char contact[16];
            snprintf(contact, sizeof(contact), "many%d", i);
            writer_project(writer,
                           record_activation(contact, 1, n, n == EACH ? "completed" : "active"),
                           outcome_done, &outcomes[(n - 1) * CHATS + i]);
        }
    }
    for (int i = 0; i < CHATS * EACH; i++) {
        fixture_wait(f, &outcomes[i].done);
        assert_string_equal(outcomes[i].err.text, "");
    }
    writer_free(writer);
    free(outcomes);
    bson_t *filter = BCON_NEW("messageCount", BCON_INT32(2 * EACH), "projected", BCON_INT32(EACH),
                              "customerId", "{", "$regex", "^many", "}");
    assert_int_equal(fixture_count(f, "chats", filter), CHATS);
    filter = BCON_NEW("status", "completed", "chat", "{", "$regex", "^whatsapp:1099:many", "}");
    assert_int_equal(fixture_count(f, "chat_sessions", filter), CHATS);
}

static void a_refused_document_leaves_its_neighbours_stored(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 5);
    struct projection *large = record_activation("large", 1, 1, "completed");
    size_t bytes = 17 * 1024 * 1024;
    free(large->messages[0].text);
    large->messages[0].text = x_alloc(bytes + 1);
    memset(large->messages[0].text, 'x', bytes);
    struct outcome outcomes[2] = {0};
    writer_project(writer, large, outcome_done, &outcomes[0]);
    writer_project(writer, record_activation("neighbour", 1, 1, "completed"), outcome_done,
                   &outcomes[1]);
    for (int i = 0; i < 2; i++)
        fixture_wait(f, &outcomes[i].done);
    writer_free(writer);
    assert_int_equal(outcomes[0].err.code, ERR_INPUT);
    assert_non_null(strstr(outcomes[0].err.text, "messages"));
    assert_int_equal(outcomes[1].err.code, ERR_NONE);
    assert_int_equal(count_of_chat(f, "messages", "neighbour"), 2);
    assert_int_equal(count_of_chat(f, "messages", "large"), 1); // its other one
    assert_int_equal(count_of_chat(f, "session_history", "large"), 1);
}

static void a_validators_refusal_is_that_documents_alone(void **state)
{
    struct fixture *f = *state;
    bson_t *validate = BCON_NEW("collMod", "chats", "validator", "{", "customerName", "{", "$ne",
                                "Forbidden", "}", "}");
    bson_error_t error;
    assert_true(
        mongoc_database_write_command_with_opts(f->db.database, validate, NULL, NULL, &error));
    bson_destroy(validate);
    struct writer *writer = writer_new(f->base, f->store, 5);
    struct projection *forbidden = record_activation("forbidden", 1, 1, "active");
    free(forbidden->contact_name);
    forbidden->contact_name = x_dup("Forbidden");
    struct outcome outcomes[2] = {0};
    writer_project(writer, forbidden, outcome_done, &outcomes[0]);
    writer_project(writer, record_activation("allowed", 1, 1, "active"), outcome_done,
                   &outcomes[1]);
    for (int i = 0; i < 2; i++)
        fixture_wait(f, &outcomes[i].done);
    writer_free(writer);
    assert_int_equal(outcomes[0].err.code, ERR_INPUT);
    assert_non_null(strstr(outcomes[0].err.text, "chats"));
    assert_int_equal(outcomes[1].err.code, ERR_NONE);
    bson_destroy(chat_of(f, "allowed"));
}

static void recent_messages_are_the_last_ones_oldest_first(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    for (int n = 1; n <= 3; n++) {
        struct projection *p = record_activation("recent", 1, n, "active");
        char text[16];
        for (int i = 0; i < 2; i++) {
            snprintf(text, sizeof(text), "%s %d", i == 0 ? "q" : "a", n);
            free(p->messages[i].text);
            p->messages[i].text = x_dup(text);
        }
        p->messages[0].at_ms -= 1500; // the platform's clock: before the last answer
        if (n == 3) {                 // never seen by the person, and one without a text
            free(p->messages[1].status);
            p->messages[1].status = x_dup("failed");
            record_message(p, "picture", true, NULL, "wamid.picture");
        }
        record_project(f, writer, p);
    }
    writer_free(writer);
    static const char *const want[] = {"user:q 2", "assistant:a 2", "user:q 3"};
    struct err err = {0};
    cJSON *messages = NULL;
    assert_ok(messages_recent(&f->db, "whatsapp:1099:recent", 3, &messages, &err), err);
    assert_int_equal(cJSON_GetArraySize(messages), 3);
    for (int i = 0; i < 3; i++) {
        const cJSON *m = cJSON_GetArrayItem(messages, i);
        char *line = x_printf("%s:%s", json_str(m, "role"), json_str(m, "content"));
        assert_string_equal(line, want[i]);
        free(line);
    }
    cJSON_Delete(messages);
    assert_ok(messages_recent(&f->db, "whatsapp:1099:recent", 0, &messages, &err), err);
    assert_int_equal(cJSON_GetArraySize(messages), 0);
    cJSON_Delete(messages);
    assert_ok(messages_recent(&f->db, "whatsapp:1099:nobody", 5, &messages, &err), err);
    assert_int_equal(cJSON_GetArraySize(messages), 0);
    cJSON_Delete(messages);
}

static void freeing_cancels_what_waits(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};
    struct writer *writer = writer_new(f->base, f->store, 60000);
    writer_project(writer, record_activation("canceled", 1, 1, "active"), outcome_done, &outcome);
    writer_free(writer);
    assert_true(outcome.done);
    assert_int_equal(outcome.err.code, ERR_CANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_activation_is_in_every_collection),
        cmocka_unit_test(writing_twice_changes_nothing),
        cmocka_unit_test(an_older_epoch_is_refused),
        cmocka_unit_test(a_timers_activation_is_told_by_its_sequence),
        cmocka_unit_test(many_chats_share_a_flush_and_one_chat_keeps_its_order),
        cmocka_unit_test(a_refused_document_leaves_its_neighbours_stored),
        cmocka_unit_test(a_validators_refusal_is_that_documents_alone),
        cmocka_unit_test(recent_messages_are_the_last_ones_oldest_first),
        cmocka_unit_test(freeing_cancels_what_waits),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
