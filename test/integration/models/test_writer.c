// SPDX-License-Identifier: MIT
// The batching writer: repetition, order, refusals, receipts, and what an AI reads back.
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/json.h"
#include "base/mem.h"
#include "models/projection.h"

static const char ACCOUNT[] = "whatsapp:1099";

struct outcome {
    bool done;
    struct err err;
};

static void on_done(void *arg, const struct err *err)
{
    struct outcome *outcome = arg;
    outcome->done = true;
    outcome->err = err != NULL ? *err : (struct err){0};
}

static struct message_record *add_message(struct projection *p, const char *name, bool inbound,
                                          const char *text, const char *platform_id)
{
    struct message_record *m = projection_add_message(p);
    id_oid(m->id, p->chat, name, NULL);
    m->inbound = inbound;
    m->text = x_dup(text);
    m->platform_id = x_dup(platform_id);
    m->status = x_dup(inbound ? "received" : "accepted");
    m->at_ms = p->at_ms;
    return m;
}

// A chat's activation: one question, one answer, a session in status `status`.
static struct projection *activation(const char *contact, int64_t epoch, int64_t done,
                                     const char *status)
{
    struct projection *p = projection_new();
    char name[32];
    strcpy(p->account_id, "507f1f77bcf86cd799439000");
    strcpy(p->user_id, "507f1f77bcf86cd799439001");
    p->platform = PLATFORM_WHATSAPP;
    p->account = x_dup("1099");
    p->contact = x_dup(contact);
    p->aliases[0] = x_dup(contact);
    p->aliases[1] = x_dup("PY.77");
    p->contact_name = x_dup("Ana");
    p->chat = chat_key(p->platform, p->account, contact);
    p->epoch = epoch;
    p->done = done;
    p->at_ms = 1790416800000 + done * 1000;
    snprintf(name, sizeof(name), "in:%d", (int)done);
    add_message(p, name, true, "hello", name);
    snprintf(name, sizeof(name), "out:%d", (int)done);
    add_message(p, name, false, "hi there", NULL);
    struct session_record *s = projection_add_session(p);
    id_oid(s->id, "session", contact, NULL); // any text will do
    strcpy(s->flow_id, "507f1f77bcf86cd799439014");
    s->flow_version = 1;
    s->status = x_dup(status);
    s->node = x_dup("node-1");
    s->vars = cJSON_Parse("{\"name\":\"Ana\",\"$where\":1,\"a.b\":2,\"\":3}");
    s->started_ms = 1790416800000;
    s->ended_ms = strcmp(status, "active") != 0 ? p->at_ms : 0;
    s->active_ms = 5;
    s->steps = (uint32_t)done;
    p->history = x_dup("[{\"kind\":\"input\",\"text\":\"hello\"}]");
    return p;
}

static void project(struct fixture *f, struct writer *writer, struct projection *p)
{
    struct outcome outcome = {0};
    writer_project(writer, p, on_done, &outcome);
    assert_false(outcome.done); // never inside the call
    fixture_wait(f, &outcome.done);
    assert_string_equal(outcome.err.text, "");
}

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
    project(f, writer, activation("595001", 3, 1, "completed"));
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
    project(f, writer, activation("595002", 1, 1, "active"));
    project(f, writer, activation("595002", 1, 2, "completed"));
    bson_t *before = chat_of(f, "595002");
    project(f, writer, activation("595002", 1, 2, "completed"));
    project(f, writer, activation("595002", 1, 1, "active")); // a late repetition of the first
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
    project(f, writer, activation("595003", 7, 1, "active"));
    project(f, writer, activation("595003", 6, 2, "error"));
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
    struct projection *first = activation("595004", 1, 1, "active");
    first->sequence = 1;
    project(f, writer, first);
    for (int i = 0; i < 2; i++) { // no new event; written twice
        struct projection *timer = activation("595004", 2, 1, "completed");
        timer->sequence = 2;
        id_oid(timer->messages[0].id, "timer", "595004", NULL);
        timer->message_count = 2;
        project(f, writer, timer);
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
            writer_project(writer, activation(contact, 1, n, n == EACH ? "completed" : "active"),
                           on_done, &outcomes[(n - 1) * CHATS + i]);
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
    struct projection *large = activation("large", 1, 1, "completed"),
                      *broken = activation("broken", 1, 1, "active");
    size_t bytes = 17 * 1024 * 1024;
    free(large->messages[0].text);
    large->messages[0].text = x_alloc(bytes + 1);
    memset(large->messages[0].text, 'x', bytes);
    free(broken->history);
    broken->history = x_dup("[oops");
    struct outcome outcomes[3] = {0};
    writer_project(writer, large, on_done, &outcomes[0]);
    writer_project(writer, broken, on_done, &outcomes[1]);
    writer_project(writer, activation("neighbour", 1, 1, "completed"), on_done, &outcomes[2]);
    for (int i = 0; i < 3; i++)
        fixture_wait(f, &outcomes[i].done);
    writer_free(writer);
    assert_int_equal(outcomes[0].err.code, ERR_INPUT);
    assert_non_null(strstr(outcomes[0].err.text, "messages"));
    assert_int_equal(outcomes[1].err.code, ERR_INPUT);
    assert_int_equal(outcomes[2].err.code, ERR_NONE);
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
    struct projection *forbidden = activation("forbidden", 1, 1, "active");
    free(forbidden->contact_name);
    forbidden->contact_name = x_dup("Forbidden");
    struct outcome outcomes[2] = {0};
    writer_project(writer, forbidden, on_done, &outcomes[0]);
    writer_project(writer, activation("allowed", 1, 1, "active"), on_done, &outcomes[1]);
    for (int i = 0; i < 2; i++)
        fixture_wait(f, &outcomes[i].done);
    writer_free(writer);
    assert_int_equal(outcomes[0].err.code, ERR_INPUT);
    assert_non_null(strstr(outcomes[0].err.text, "chats"));
    assert_int_equal(outcomes[1].err.code, ERR_NONE);
    bson_destroy(chat_of(f, "allowed"));
}

static void send_receipt(struct fixture *f, struct writer *writer, const char *platform_id,
                         const char *status)
{
    struct receipt *receipts = x_calloc(1, sizeof(receipts[0]));
    struct outcome outcome = {0};
    receipts[0] = (struct receipt){.account = x_dup(ACCOUNT),
                                   .platform_id = x_dup(platform_id),
                                   .status = x_dup(status),
                                   .error = strcmp(status, "failed") == 0 ? x_dup("131026") : NULL,
                                   .at_ms = 1790416900000};
    writer_receipts(writer, receipts, 1, on_done, &outcome);
    fixture_wait(f, &outcome.done);
    assert_string_equal(outcome.err.text, "");
}

static void send_message(struct fixture *f, struct writer *writer, const char *platform_id)
{
    struct projection *p = activation(platform_id, 1, 1, "active");
    p->messages[1].platform_id = x_dup(platform_id);
    project(f, writer, p);
}

static void assert_status(struct fixture *f, const char *platform_id, const char *status,
                          bool with_error)
{
    bson_t *doc = fixture_one(f, "messages",
                              BCON_NEW("accountKey", "whatsapp:1099", "platformMessageId",
                                       BCON_UTF8(platform_id), "direction", "out"));
    assert_string_equal(document_str(doc, "status"), status);
    assert_int_equal(document_has(doc, "error"), with_error);
    bson_destroy(doc);
}

static void receipts_move_forward_only(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *id, *sent[4], *want;
        bool error;
    } cases[] = {
        {"wamid.1", {"sent", "delivered", "read", NULL}, "read", false},
        {"wamid.2", {"read", "delivered", "sent", NULL}, "read", false},
        {"wamid.3", {"sent", "failed", NULL}, "failed", true},
        {"wamid.4", {"failed", "sent", NULL}, "failed", true},
        {"wamid.5", {"failed", "delivered", NULL}, "delivered", false},
        {"wamid.6", {"delivered", "failed", NULL}, "delivered", false},
        {"wamid.7", {"sent", "nonsense", NULL}, "sent", false},
        {"wamid.8", {"read", "played", NULL}, "played", false},
    };
    struct writer *writer = writer_new(f->base, f->store, 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        send_message(f, writer, cases[i].id);
        for (size_t j = 0; cases[i].sent[j] != NULL; j++)
            send_receipt(f, writer, cases[i].id, cases[i].sent[j]);
        assert_status(f, cases[i].id, cases[i].want, cases[i].error);
    }
    writer_free(writer);
    assert_int_equal(fixture_count(f, "receipts", bson_new()), 0);
}

static void a_receipt_before_its_message_is_kept(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    send_receipt(f, writer, "wamid.early", "delivered");
    send_receipt(f, writer, "wamid.early", "sent");
    bson_t *waiting = fixture_one(f, "receipts", BCON_NEW("platformMessageId", "wamid.early"));
    assert_string_equal(document_str(waiting, "status"), "delivered");
    bson_destroy(waiting);
    send_message(f, writer, "wamid.early");
    assert_status(f, "wamid.early", "delivered", false);
    send_receipt(f, writer, "wamid.early", "read");
    assert_status(f, "wamid.early", "read", false);
    writer_free(writer);
}

static void recent_messages_are_the_last_ones_oldest_first(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    for (int n = 1; n <= 3; n++) {
        struct projection *p = activation("recent", 1, n, "active");
        char text[16];
        for (int i = 0; i < 2; i++) {
            snprintf(text, sizeof(text), "%s %d", i == 0 ? "q" : "a", n);
            free(p->messages[i].text);
            p->messages[i].text = x_dup(text);
        }
        if (n == 3) { // never seen by the person, and one without a text
            free(p->messages[1].status);
            p->messages[1].status = x_dup("failed");
            add_message(p, "picture", true, NULL, "wamid.picture");
        }
        project(f, writer, p);
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
    writer_project(writer, activation("canceled", 1, 1, "active"), on_done, &outcome);
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
        cmocka_unit_test(receipts_move_forward_only),
        cmocka_unit_test(a_receipt_before_its_message_is_kept),
        cmocka_unit_test(recent_messages_are_the_last_ones_oldest_first),
        cmocka_unit_test(freeing_cancels_what_waits),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
