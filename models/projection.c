// SPDX-License-Identifier: MIT
// Projections and receipts as data: making, growing, freeing. How they are stored: records.c and
// writer.c.
#include "models/projection.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"

struct projection *projection_new(void)
{
    return x_alloc(sizeof(struct projection));
}

struct message_record *projection_add_message(struct projection *p)
{
    p->messages = x_realloc(p->messages, p->message_count + 1, sizeof(p->messages[0]));
    struct message_record *message = &p->messages[p->message_count++];
    memset(message, 0, sizeof(*message));
    return message;
}

struct session_record *projection_add_session(struct projection *p)
{
    p->sessions = x_realloc(p->sessions, p->session_count + 1, sizeof(p->sessions[0]));
    struct session_record *session = &p->sessions[p->session_count++];
    memset(session, 0, sizeof(*session));
    return session;
}

struct call_record *projection_add_call(struct projection *p)
{
    p->calls = x_realloc(p->calls, p->call_count + 1, sizeof(p->calls[0]));
    struct call_record *call = &p->calls[p->call_count++];
    memset(call, 0, sizeof(*call));
    return call;
}

struct receipt *projection_add_receipt(struct projection *p)
{
    p->receipts = x_realloc(p->receipts, p->receipt_count + 1, sizeof(p->receipts[0]));
    struct receipt *receipt = &p->receipts[p->receipt_count++];
    *receipt =
        (struct receipt){.account = account_key(p->platform, p->account), .chat = x_dup(p->chat)};
    return receipt;
}

static void message_deinit(struct message_record *message)
{
    free(message->text);
    free(message->type);
    free(message->platform_id);
    free(message->payload);
    free(message->node);
    free(message->session);
    free(message->status);
    free(message->error);
    cJSON_Delete(message->attachments);
    free(message->model);
    free(message->sender);
    free(message->reply_to);
    free(message->group);
    cJSON_Delete(message->data);
    cJSON_Delete(message->metadata);
}

static void session_record_deinit(struct session_record *session)
{
    free(session->status);
    free(session->node);
    cJSON_Delete(session->vars);
    free(session->outcome);
    free(session->error);
}

static void call_record_deinit(struct call_record *call)
{
    free(call->id);
    free(call->word);
    free(call->reason);
    cJSON_Delete(call->payload);
}

void projection_free(struct projection *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->message_count; i++)
        message_deinit(&p->messages[i]);
    for (size_t i = 0; i < p->session_count; i++)
        session_record_deinit(&p->sessions[i]);
    for (size_t i = 0; i < p->call_count; i++)
        call_record_deinit(&p->calls[i]);
    for (size_t i = 0; i < p->receipt_count; i++)
        receipt_deinit(&p->receipts[i]);
    for (size_t i = 0; i < PROJECTION_ALIASES_MAX; i++)
        free(p->aliases[i]);
    free(p->receipts);
    free(p->calls);
    free(p->messages);
    free(p->sessions);
    free(p->account);
    free(p->chat);
    free(p->contact);
    free(p->contact_name);
    free(p->address);
    cJSON_Delete(p->contact_facts);
    cJSON_Delete(p->people.fields);
    cJSON_Delete(p->people.tags);
    cJSON_Delete(p->people.notes);
    cJSON_Delete(p->people.handoff);
    free(p->merged_chat);
    cJSON_Delete(p->history);
    free(p);
}

void projection_chat_id(const char *chat, char out[25])
{
    id_oid(out, "chat", chat, NULL);
}

void receipt_deinit(struct receipt *receipt)
{
    free(receipt->account);
    free(receipt->platform_id);
    free(receipt->chat);
    free(receipt->contact);
    free(receipt->status);
    free(receipt->error);
    free(receipt->emoji);
    free(receipt->text);
    cJSON_Delete(receipt->attachments);
    *receipt = (struct receipt){0};
}
