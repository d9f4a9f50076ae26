// SPDX-License-Identifier: MIT
// Receipts of our messages: forward only, and in either order with the message's own record.
#include "fixture.h"
#include "records_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char ACCOUNT[] = "whatsapp:1099";

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
    writer_receipts(writer, receipts, 1, outcome_done, &outcome);
    fixture_wait(f, &outcome.done);
    assert_string_equal(outcome.err.text, "");
}

static void send_message(struct fixture *f, struct writer *writer, const char *platform_id)
{
    struct projection *p = record_activation(platform_id, 1, 1, "active");
    p->messages[1].platform_id = x_dup(platform_id);
    record_project(f, writer, p);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receipts_move_forward_only),
        cmocka_unit_test(a_receipt_before_its_message_is_kept),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
