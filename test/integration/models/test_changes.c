// SPDX-License-Identifier: MIT
// What people do to messages: reads, reactions, edits, taking back; what others write in a chat;
// chats that become one.
#include "fixture.h"
#include "records_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/json.h"
#include "base/mem.h"

static const int64_t AT = 1790416900000;

// Gives the writer one receipt and waits; texts are copied.
static void tell(struct fixture *f, struct writer *writer, struct receipt told)
{
    struct receipt *receipts = x_calloc(1, sizeof(receipts[0]));
    struct outcome outcome = {0};
    receipts[0] = (struct receipt){
        .kind = told.kind,
        .account = x_dup(told.account != NULL ? told.account : "whatsapp:1099"),
        .platform_id = x_dup(told.platform_id),
        .chat = x_dup(told.chat),
        .contact = x_dup(told.contact),
        .status = x_dup(told.status),
        .emoji = x_dup(told.emoji),
        .text = x_dup(told.text),
        .at_ms = told.at_ms != 0 ? told.at_ms : AT,
    };
    writer_receipts(writer, receipts, 1, outcome_done, &outcome);
    fixture_wait(f, &outcome.done);
    assert_string_equal(outcome.err.text, "");
}

#define STR(text) ((char *)(text))

// One activation of a chat whose two messages are "<contact>-in" and "<contact>-out".
static struct projection *activation(const char *contact, int64_t done)
{
    struct projection *p = record_activation(contact, 1, done, "active");
    free(p->messages[0].platform_id);
    p->messages[0].platform_id = x_printf("%s-in", contact);
    p->messages[1].platform_id = x_printf("%s-out", contact);
    return p;
}

static bson_t *message(struct fixture *f, const char *platform_id)
{
    return fixture_one(f, "messages", BCON_NEW("platformMessageId", BCON_UTF8(platform_id)));
}

static void assert_member(struct fixture *f, const char *platform_id, const char *member,
                          const char *expected)
{
    bson_t *doc = message(f, platform_id);
    const char *found = document_str(doc, member);
    if (expected == NULL)
        assert_null(found);
    else
        assert_string_equal(found != NULL ? found : "(missing)", expected);
    bson_destroy(doc);
}

static bson_t *chat_of(struct fixture *f, const char *contact)
{
    char id[25], *key = chat_key(PLATFORM_WHATSAPP, "1099", contact);
    projection_chat_id(key, id);
    free(key);
    bson_oid_t oid = document_oid_of(id);
    return fixture_one(f, "chats", BCON_NEW("_id", BCON_OID(&oid)));
}

static void a_reaction_is_set_replaced_and_taken_back(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    struct receipt love = {.kind = RECEIPT_REACTION,
                           .platform_id = STR("r1-out"),
                           .contact = STR("r1"),
                           .emoji = STR("love")};
    record_project(f, writer, activation("r1", 1));
    tell(f, writer, love);
    tell(f, writer, love); // twice is once
    assert_member(f, "r1-out", "reactions.0.emoji", "love");
    assert_member(f, "r1-out", "reactions.0.by", "r1");
    assert_member(f, "r1-out", "reactions.1.emoji", NULL);
    love.emoji = STR("wow");
    love.at_ms = AT + 5;
    tell(f, writer, love);
    assert_member(f, "r1-out", "reactions.0.emoji", "wow");
    assert_member(f, "r1-out", "reactions.1.emoji", NULL);
    love.emoji = STR("sad");
    love.at_ms = AT + 1; // came late
    tell(f, writer, love);
    assert_member(f, "r1-out", "reactions.0.emoji", "wow");
    love.contact = STR("r2");
    tell(f, writer, love);
    assert_member(f, "r1-out", "reactions.1.by", "r2");
    love.emoji = NULL;
    tell(f, writer, love);
    assert_member(f, "r1-out", "reactions.0.by", "r1");
    assert_member(f, "r1-out", "reactions.1.by", NULL);
    writer_free(writer);
}

static void a_reaction_before_its_message_is_kept(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    struct receipt love = {.kind = RECEIPT_REACTION,
                           .platform_id = STR("e1-out"),
                           .contact = STR("e1"),
                           .emoji = STR("love")};
    tell(f, writer, love);
    love.emoji = STR("wow");
    love.at_ms = AT + 1;
    tell(f, writer, love);
    love.platform_id = STR("e1-in"); // people react to their own words, too
    tell(f, writer, love);
    record_project(f, writer, activation("e1", 1));
    assert_member(f, "e1-out", "reactions.0.emoji", "wow");
    assert_member(f, "e1-out", "reactions.1.emoji", NULL);
    assert_member(f, "e1-in", "reactions.0.emoji", "wow");
    writer_free(writer);
}

// The last of several in one call counts, whatever the order of a bulk is.
static void reactions_of_one_call_keep_their_order(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    record_project(f, writer, activation("o1", 1));
    struct receipt *receipts = x_calloc(3, sizeof(receipts[0]));
    static const char *const emojis[] = {"love", NULL, "angry"};
    for (size_t i = 0; i < 3; i++)
        receipts[i] = (struct receipt){.kind = RECEIPT_REACTION,
                                       .account = x_dup("whatsapp:1099"),
                                       .platform_id = x_dup("o1-out"),
                                       .contact = x_dup("o1"),
                                       .emoji = x_dup(emojis[i]),
                                       .at_ms = AT};
    struct outcome outcome = {0};
    writer_receipts(writer, receipts, 3, outcome_done, &outcome);
    fixture_wait(f, &outcome.done);
    assert_member(f, "o1-out", "reactions.0.emoji", "angry");
    assert_member(f, "o1-out", "reactions.1.emoji", NULL);
    writer_free(writer);
}

static struct projection *messenger_activation(const char *contact, int64_t done, const char *id)
{
    struct projection *p = activation(contact, done);
    p->platform = PLATFORM_MESSENGER;
    free(p->chat);
    p->chat = chat_key(p->platform, p->account, contact);
    free(p->messages[1].platform_id);
    p->messages[1].platform_id = x_dup(id);
    id_oid(p->messages[1].id, p->chat, id, NULL);
    return p;
}

static void read_up_to_moves_what_was_sent_by_then(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    record_project(f, writer, messenger_activation("w1", 1, "w1-a"));
    struct projection *refused = messenger_activation("w1", 2, "w1-b");
    free(refused->messages[1].status);
    refused->messages[1].status = x_dup("failed");
    record_project(f, writer, refused);
    record_project(f, writer, messenger_activation("w1", 5, "w1-c"));
    record_project(f, writer, messenger_activation("w2", 1, "w2-a"));
    struct receipt seen = {.kind = RECEIPT_UP_TO,
                           .account = STR("messenger:1099"),
                           .chat = STR("messenger:1099:w1"),
                           .contact = STR("w1"),
                           .status = STR("read"),
                           .at_ms = 1790416800000 + 3000};
    tell(f, writer, seen);
    assert_member(f, "w1-a", "status", "read");
    assert_member(f, "w1-b", "status", "failed");
    assert_member(f, "w1-c", "status", "accepted");
    assert_member(f, "w2-a", "status", "accepted");
    seen.status = STR("delivered"); // late: nothing goes back
    tell(f, writer, seen);
    assert_member(f, "w1-a", "status", "read");
    // A message that was sent by then and is stored only now.
    record_project(f, writer, messenger_activation("w1", 3, "w1-d"));
    assert_member(f, "w1-d", "status", "read");
    writer_free(writer);
}

static void an_edit_changes_the_text_and_the_latest_counts(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    struct projection *first = activation("d1", 1);
    free(first->messages[1].text);
    first->messages[1].text = NULL; // so that the person's is the last
    record_project(f, writer, first);
    struct receipt edit = {.kind = RECEIPT_EDIT,
                           .platform_id = STR("d1-in"),
                           .chat = STR("whatsapp:1099:d1"),
                           .text = STR("hullo"),
                           .at_ms = AT};
    tell(f, writer, edit);
    assert_member(f, "d1-in", "content", "hullo");
    assert_member(f, "d1-in", "message", "hullo");
    edit.text = STR("older");
    edit.at_ms = AT - 1;
    tell(f, writer, edit);
    bson_t *doc = message(f, "d1-in");
    assert_string_equal(document_str(doc, "content"), "hullo");
    assert_true(document_bool(doc, "edited", false));
    assert_int_equal(document_int(doc, "editedAt", 0), AT);
    bson_destroy(doc);
    bson_t *chat = chat_of(f, "d1");
    assert_string_equal(document_str(chat, "lastMessage"), "hullo");
    bson_destroy(chat);
    writer_free(writer);
}

// Every collection that may hold the words of a message.
static void assert_nowhere(struct fixture *f, const char *word)
{
    static const char *const collections[] = {"messages", "session_history", "chats",
                                              "chat_sessions", "receipts"};
    for (size_t i = 0; i < sizeof(collections) / sizeof(collections[0]); i++) {
        mongoc_collection_t *c = mongoc_database_get_collection(f->db.database, collections[i]);
        bson_t *all = bson_new();
        mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(c, all, NULL, NULL);
        const bson_t *doc;
        while (mongoc_cursor_next(cursor, &doc)) {
            char *text = bson_as_relaxed_extended_json(doc, NULL);
            if (strstr(text, word) != NULL)
                fail_msg("'%s' is in %s: %s", word, collections[i], text);
            bson_free(text);
        }
        mongoc_cursor_destroy(cursor);
        mongoc_collection_destroy(c);
        bson_destroy(all);
    }
}

static void what_was_taken_back_is_purged_everywhere(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    struct projection *p = activation("u1", 1);
    free(p->messages[0].text);
    p->messages[0].text = x_dup("zweihundert");
    p->messages[0].payload = x_dup("zweihundert");
    p->messages[0].attachments = cJSON_Parse("[{\"url\":\"https://x.example/zweihundert\"}]");
    free(p->messages[1].text);
    p->messages[1].text = NULL;
    cJSON_Delete(p->sessions[0].vars);
    p->sessions[0].vars = cJSON_Parse("{\"last\":{\"text\":\"zweihundert\"},\"event\":{\"id\":"
                                      "\"u1-in\",\"text\":\"zweihundert\"},\"kept\":1}");
    cJSON_Delete(p->history);
    p->history = cJSON_Parse(
        "[{\"k\":\"in\",\"event\":{\"id\":\"u1-in\",\"text\":\"zweihundert\",\"kind\":\"message\"}}"
        ","
        "{\"k\":\"in\",\"event\":{\"id\":\"x\",\"target\":\"u1-in\",\"text\":\"zweihundert!\"}},"
        "{\"k\":\"in\",\"event\":{\"id\":\"y\",\"text\":\"another\"}}]");
    record_project(f, writer, p);
    struct receipt unsend = {
        .kind = RECEIPT_UNSEND, .platform_id = STR("u1-in"), .chat = STR("whatsapp:1099:u1")};
    tell(f, writer, unsend);
    assert_nowhere(f, "zweihundert");
    bson_t *doc = message(f, "u1-in");
    assert_true(document_bool(doc, "deleted", false));
    assert_int_equal(document_int(doc, "deletedAt", 0), AT);
    assert_string_equal(document_str(doc, "content"), "");
    assert_false(document_has(doc, "attachments"));
    bson_destroy(doc);
    bson_t *history = fixture_one(f, "session_history", BCON_NEW("chat", "whatsapp:1099:u1"));
    assert_string_equal(document_str(history, "entries.2.event.text"), "another");
    bson_destroy(history);
    // An edit that comes late brings nothing back.
    struct receipt edit = {.kind = RECEIPT_EDIT,
                           .platform_id = STR("u1-in"),
                           .chat = STR("whatsapp:1099:u1"),
                           .text = STR("zweihundert"),
                           .at_ms = AT + 9};
    tell(f, writer, edit);
    assert_nowhere(f, "zweihundert");
    writer_free(writer);
}

static void a_projections_own_receipts_follow_its_messages(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    struct projection *p = activation("p1", 1);
    struct receipt *edit = projection_add_receipt(p);
    edit->kind = RECEIPT_EDIT;
    edit->platform_id = x_dup("p1-in");
    edit->text = x_dup("changed at once");
    edit->at_ms = AT;
    record_project(f, writer, p);
    assert_member(f, "p1-in", "content", "changed at once");
    assert_int_equal(fixture_count(f, "receipts", BCON_NEW("platformMessageId", "p1-in")), 0);
    writer_free(writer);
}

// What somebody else sent to `contact`, seen from the lane as its event `number`.
static struct projection *beside(const char *contact, int64_t number, const char *platform_id,
                                 int64_t paused_ms)
{
    struct projection *p = projection_new();
    strcpy(p->account_id, "507f1f77bcf86cd799439000");
    strcpy(p->user_id, "507f1f77bcf86cd799439001");
    p->platform = PLATFORM_WHATSAPP;
    p->account = x_dup("1099");
    p->contact = x_dup(contact);
    p->chat = chat_key(p->platform, p->account, contact);
    p->sequence = number;
    p->at_ms = AT;
    p->paused_ms = paused_ms;
    p->beside = true;
    struct message_record *m = record_message(p, platform_id, false, "I am Eva", platform_id);
    m->sender = x_dup("agent");
    return p;
}

static void what_a_person_answers_becomes_part_of_the_thread(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    record_project(f, writer, activation("b1", 1)); // PY.77 is its other name
    struct projection *p = activation("b1", 2);
    free(p->aliases[1]);
    p->aliases[1] = x_dup("PY.b1");
    free(p->messages[0].platform_id);
    p->messages[0].platform_id = NULL;
    free(p->messages[1].platform_id);
    p->messages[1].platform_id = NULL;
    record_project(f, writer, p);
    record_project(f, writer, beside("PY.b1", 7, "b1-echo", AT + 60000));
    record_project(f, writer, beside("PY.b1", 7, "b1-echo", AT + 60000)); // twice is once
    bson_t *doc = message(f, "b1-echo");
    assert_string_equal(document_str(doc, "chat"), "whatsapp:1099:b1");
    assert_string_equal(document_str(doc, "sender"), "agent");
    assert_string_equal(document_str(doc, "role"), "assistant");
    assert_string_equal(document_str(doc, "direction"), "out");
    bson_destroy(doc);
    bson_t *chat = chat_of(f, "b1");
    assert_int_equal(document_int(chat, "pausedUntil", 0), AT + 60000);
    assert_string_equal(document_str(chat, "lastMessage"), "I am Eva");
    assert_int_equal(document_int(chat, "outboundCount", 0), 3);
    bson_destroy(chat);
    cJSON *recent;
    struct err err = {0};
    assert_ok(messages_recent(&f->db, "whatsapp:1099:b1", 1, &recent, &err), err);
    assert_string_equal(json_str(cJSON_GetArrayItem(recent, 0), "content"), "I am Eva");
    assert_string_equal(json_str(cJSON_GetArrayItem(recent, 0), "role"), "assistant");
    cJSON_Delete(recent);
    writer_free(writer);
}

static void our_own_message_is_not_stored_again_by_its_echo(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    record_project(f, writer, activation("b2", 1));
    record_project(f, writer, beside("b2", 8, "b2-out", 0));
    assert_int_equal(fixture_count(f, "messages", BCON_NEW("platformMessageId", "b2-out")), 1);
    assert_member(f, "b2-out", "sender", "bot");
    bson_t *chat = chat_of(f, "b2");
    assert_int_equal(document_int(chat, "outboundCount", 0), 1);
    bson_destroy(chat);
    writer_free(writer);
}

static void a_chat_that_a_person_of_the_accounts_began_goes_on_as_usual(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    record_project(f, writer, beside("b3", 9, "b3-echo", AT + 60000));
    record_project(f, writer, activation("b3", 1));
    bson_t *chat = chat_of(f, "b3");
    assert_int_equal(document_int(chat, "messageCount", 0), 3);
    assert_int_equal(document_int(chat, "projected", 0), 1);
    assert_string_equal(document_str(chat, "customerName"), "Ana");
    bson_destroy(chat);
    writer_free(writer);
}

static void the_end_of_a_pause_is_written_unless_a_newer_one_began(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    struct projection *p = activation("s1", 1);
    p->paused_ms = AT;
    record_project(f, writer, p);
    p = record_activation("s1", 2, 2, "active");
    p->resumed_ms = AT - 1; // another, earlier pause
    record_project(f, writer, p);
    bson_t *chat = chat_of(f, "s1");
    assert_int_equal(document_int(chat, "pausedUntil", 0), AT);
    bson_destroy(chat);
    p = record_activation("s1", 3, 3, "active");
    p->resumed_ms = AT;
    record_project(f, writer, p);
    chat = chat_of(f, "s1");
    assert_false(document_has(chat, "pausedUntil"));
    bson_destroy(chat);
    writer_free(writer);
}

static void the_session_of_a_merged_chat_is_ended_whatever_its_epoch(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    record_project(f, writer, record_activation("m1", 900, 50, "active"));
    struct projection *p = activation("m2", 1);
    struct session_record *s = projection_add_session(p);
    id_oid(s->id, "session", "m1", NULL);
    strcpy(s->flow_id, "507f1f77bcf86cd799439014");
    s->status = x_dup("ended");
    s->error = x_dup("merged into whatsapp:1099:m2");
    s->merged = true;
    s->started_ms = 1790416800000;
    s->ended_ms = AT;
    p->merged_chat = x_dup("whatsapp:1099:m1");
    record_project(f, writer, p);
    char id[25];
    id_oid(id, "session", "m1", NULL);
    bson_t *session = fixture_one(f, "chat_sessions", BCON_NEW("sessionId", BCON_UTF8(id)));
    assert_string_equal(document_str(session, "status"), "ended");
    assert_string_equal(document_str(session, "error"), "merged into whatsapp:1099:m2");
    assert_string_equal(document_str(session, "chat"), "whatsapp:1099:m1");
    assert_true(document_has(session, "expireAt"));
    bson_destroy(session);
    bson_t *chat = chat_of(f, "m1");
    assert_string_equal(document_str(chat, "status"), "merged");
    assert_string_equal(document_str(chat, "mergedInto"), "whatsapp:1099:m2");
    bson_destroy(chat);
    writer_free(writer);
}

static void a_contact_knows_its_address_and_what_the_person_prefers(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    struct projection *p = activation("c1", 1);
    p->address = x_dup("595999");
    p->contact_facts = cJSON_Parse("{\"preference\":{\"value\":\"stop\"}}");
    record_project(f, writer, p);
    bson_t *contact = fixture_one(f, "contacts", BCON_NEW("contactId", "c1"));
    assert_string_equal(document_str(contact, "address"), "595999");
    assert_string_equal(document_str(contact, "preference.value"), "stop");
    bson_destroy(contact);
    writer_free(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reaction_is_set_replaced_and_taken_back),
        cmocka_unit_test(a_reaction_before_its_message_is_kept),
        cmocka_unit_test(reactions_of_one_call_keep_their_order),
        cmocka_unit_test(read_up_to_moves_what_was_sent_by_then),
        cmocka_unit_test(an_edit_changes_the_text_and_the_latest_counts),
        cmocka_unit_test(what_was_taken_back_is_purged_everywhere),
        cmocka_unit_test(a_projections_own_receipts_follow_its_messages),
        cmocka_unit_test(what_a_person_answers_becomes_part_of_the_thread),
        cmocka_unit_test(our_own_message_is_not_stored_again_by_its_echo),
        cmocka_unit_test(a_chat_that_a_person_of_the_accounts_began_goes_on_as_usual),
        cmocka_unit_test(the_end_of_a_pause_is_written_unless_a_newer_one_began),
        cmocka_unit_test(the_session_of_a_merged_chat_is_ended_whatever_its_epoch),
        cmocka_unit_test(a_contact_knows_its_address_and_what_the_person_prefers),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
