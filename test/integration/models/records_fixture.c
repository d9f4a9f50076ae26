// SPDX-License-Identifier: MIT
// Activations to project; see records_fixture.h.
#include "records_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"

void outcome_done(void *arg, const struct err *err)
{
    struct outcome *outcome = arg;
    outcome->done = true;
    outcome->err = err != NULL ? *err : (struct err){0};
}

struct message_record *record_message(struct projection *p, const char *name, bool inbound,
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
struct projection *record_activation(const char *contact, int64_t epoch, int64_t done,
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
    record_message(p, name, true, "hello", name);
    snprintf(name, sizeof(name), "out:%d", (int)done);
    record_message(p, name, false, "hi there", NULL);
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
    p->history = cJSON_Parse("[{\"kind\":\"input\",\"text\":\"hello\"}]");
    return p;
}

void record_project(struct fixture *f, struct writer *writer, struct projection *p)
{
    struct outcome outcome = {0};
    writer_project(writer, p, outcome_done, &outcome);
    assert_false(outcome.done); // never inside the call
    fixture_wait(f, &outcome.done);
    assert_string_equal(outcome.err.text, "");
}
