// SPDX-License-Identifier: MIT
// The collection `calls`: one document per call, whatever is told of it how often and in which
// order.
#include "fixture.h"
#include "records_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

// What is told of a call at one moment, as a row: word, status, seconds; `talk`: how long it was.
struct told {
    const char *word;
    enum call_status status;
    int64_t at, talk;
};

static void tell(struct projection *p, const char *id, const struct told *told)
{
    struct call_record *call = projection_add_call(p);
    bool ends = strcmp(told->word, "terminate") == 0;
    call->id = x_dup(id);
    call->status = told->status;
    call->inbound = true;
    call->word = x_dup(told->word);
    call->reason = ends ? x_dup("completed") : NULL;
    call->payload = cJSON_Parse("{\"from\":\"595981\"}");
    call->at_ms = told->at * 1000;
    call->answered_ms = told->talk > 0 ? (told->at - told->talk) * 1000 : 0;
    call->ended_ms = ends ? call->at_ms : 0;
    call->duration_s = told->talk;
}

static struct projection *activation(int64_t done)
{
    return record_activation("595981", 1, done, "active");
}

static bson_t *call_of(struct fixture *f, const char *id)
{
    return fixture_one(f, "calls", BCON_NEW("callId", BCON_UTF8(id)));
}

static void assert_array_length(const bson_t *doc, const char *name, int expected)
{
    bson_iter_t it, item;
    int count = 0;
    assert_true(bson_iter_init_find(&it, doc, name) && bson_iter_recurse(&it, &item));
    while (bson_iter_next(&item))
        count++;
    assert_int_equal(count, expected);
}

static const struct told rings = {"connect", CALL_RINGING, 100, 0};
static const struct told ends = {"terminate", CALL_ENDED, 160, 50};
static const struct told gives_up = {"terminate", CALL_MISSED, 130, 0};

static void a_call_is_one_document_from_its_ring_to_its_end(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    struct projection *p = activation(1);
    tell(p, "wacid.1", &rings);
    record_project(f, writer, p);
    bson_t *doc = call_of(f, "wacid.1");
    assert_string_equal(document_str(doc, "status"), "ringing");
    assert_string_equal(document_str(doc, "roomId"), "whatsapp:1099:wacid.1");
    assert_string_equal(document_str(doc, "initiatorId"), "595981");
    assert_string_equal(document_str(doc, "participants.0.state"), "initiator");
    assert_string_equal(document_str(doc, "participants.1.userId"), "1099");
    assert_string_equal(document_str(doc, "chat"), "whatsapp:1099:595981");
    assert_false(document_has(doc, "endedAt"));
    bson_destroy(doc);

    p = activation(2);
    tell(p, "wacid.1", &ends);
    record_project(f, writer, p);
    doc = call_of(f, "wacid.1");
    assert_string_equal(document_str(doc, "status"), "ended");
    assert_string_equal(document_str(doc, "endReason"), "completed");
    assert_int_equal(document_int(doc, "createdAt", 0), 100000);
    assert_int_equal(document_int(doc, "answeredAt", 0), 110000);
    assert_int_equal(document_int(doc, "endedAt", 0), 160000);
    assert_int_equal(document_int(doc, "duration", 0), 50);
    assert_array_length(doc, "events", 2);
    bson_destroy(doc);
    writer_free(writer);
}

static void told_twice_and_in_another_order_it_is_the_same(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    const struct told *const order[] = {&ends, &rings, &ends, &rings};
    for (int i = 0; i < 4; i++) {
        struct projection *p = activation(10 + i);
        tell(p, "wacid.2", order[i]);
        record_project(f, writer, p);
    }
    bson_t *doc = call_of(f, "wacid.2");
    assert_string_equal(document_str(doc, "status"), "ended");
    assert_string_equal(document_str(doc, "participants.1.state"), "ended");
    assert_int_equal(document_int(doc, "createdAt", 0), 100000);
    assert_array_length(doc, "events", 2);
    bson_destroy(doc);
    writer_free(writer);
}

static void a_call_that_nobody_took_is_missed(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    struct projection *p = activation(20);
    tell(p, "wacid.3", &rings);
    tell(p, "wacid.3", &gives_up); // both in one flush
    record_project(f, writer, p);
    assert_int_equal(fixture_count(f, "calls", BCON_NEW("status", "missed")), 1);
    bson_t *doc = call_of(f, "wacid.3");
    assert_string_equal(document_str(doc, "participants.1.state"), "missed");
    assert_int_equal(document_int(doc, "endedAt", 0), 130000);
    bson_destroy(doc);

    // What was answered does not become missed.
    const struct told answered = {"accepted", CALL_ANSWERED, 105, 0};
    p = activation(21);
    tell(p, "wacid.4", &answered);
    tell(p, "wacid.4", &gives_up);
    record_project(f, writer, p);
    doc = call_of(f, "wacid.4");
    assert_string_equal(document_str(doc, "status"), "answered");
    assert_int_equal(document_int(doc, "endedAt", 0), 130000);
    bson_destroy(doc);
    writer_free(writer);
}

static void accounts_that_share_a_calls_id_have_a_document_each(void **state)
{
    struct fixture *f = *state;
    struct writer *writer = writer_new(f->base, f->store, 1);
    struct projection *p = activation(30);
    tell(p, "wacid.5", &rings);
    record_project(f, writer, p);
    p = activation(31);
    free(p->account);
    p->account = x_dup("2099");
    tell(p, "wacid.5", &rings);
    record_project(f, writer, p);
    assert_int_equal(fixture_count(f, "calls", BCON_NEW("callId", "wacid.5")), 2);
    writer_free(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_one_document_from_its_ring_to_its_end),
        cmocka_unit_test(told_twice_and_in_another_order_it_is_the_same),
        cmocka_unit_test(a_call_that_nobody_took_is_missed),
        cmocka_unit_test(accounts_that_share_a_calls_id_have_a_document_each),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
