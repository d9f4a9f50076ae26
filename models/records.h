// SPDX-License-Identifier: MIT
/*
 * A projection as documents: what goes into messages, contacts, chat_sessions, session_history and
 * chats. Each function adds one projection's documents to the batch of that collection. Inside
 * models/ only; pure.
 */
#pragma once

#include "models/batch.h"
#include "models/projection.h"

/*
 * messages, one document per message, both directions. The names that the applications use for the
 * same thing stand side by side: chatId, chat, accountId, accountKey, userId   where it belongs
 *   source                facebook | instagram | whatsapp
 *   direction in | out,   sender customer | bot,   role user | assistant,   senderId (platform's id
 * of who wrote) content = message     the text; "" when there is none;   messageType, payload,
 * attachments platformMessageId     mid, wamid status, statusRank    accepted | unknown 0, sent 1,
 * failed 2, delivered 3, read 4, played 5; statusAt nodeId, sessionId, model, error timestamp =
 * createdAt when it was written or sent;   order: position in the chat
 */
void records_add_messages(struct batch *batch, const struct projection *p, struct err *owner);

// contacts: accountKey, contactId, aliases[], name, platform, lastSeenAt …; under the account and
// preferred alias.
void records_add_contact(struct batch *batch, const struct projection *p, struct err *owner);

// chat_sessions, Flow Builder's fields. Its messages[] is left out: every message is in `messages`
// with its sessionId.
void records_add_sessions(struct batch *batch, const struct projection *p, struct err *owner);

// session_history: what the activation saw and did, as `entries`.
void records_add_history(struct batch *batch, const struct projection *p, int64_t history_days,
                         struct err *owner);

// chats: the thread, with its counters; sales-os's and whatsapp-clone's fields.
void records_add_chat(struct batch *batch, const struct projection *p, struct err *owner);

// "platform:account" of a projection; caller frees.
MUST_USE char *records_account_key(const struct projection *p);
