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
 *   direction in | out,   sender customer | bot | agent | an app's id,   role user | assistant,
 * senderId (platform's id of who wrote) content = message     the text; "" when there is none;
 * messageType, payload, attachments platformMessageId     mid, wamid status, statusRank    accepted
 * | unknown 0, sent 1, failed 2, delivered 3, read 4, played 5; statusAt nodeId, sessionId, model,
 * error timestamp = createdAt when it was written or sent;   order: position in the chat replyTo,
 * groupId, data, metadata {delivery, kind, target …};   edited, editedAt, deleted, deletedAt;
 * reactions [{by, emoji, at}]
 */
void records_add_messages(struct batch *batch, const struct projection *p, struct err *owner);

/*
 * contacts: accountKey, contactId, aliases[], name, platform, lastSeenAt …; under the account and
 * preferred alias. What flows recorded: email, phone, language …, customFields, tags[]. Tags that
 * were taken off leave in a batch of their own that runs after it.
 */
void records_add_contact(struct batch *batch, const struct projection *p, struct err *owner);
void records_add_contact_changes(struct batch *batch, const struct projection *p,
                                 struct err *owner);

// chat_sessions, Flow Builder's fields. Its messages[] is left out: every message is in `messages`
// with its sessionId.
void records_add_sessions(struct batch *batch, const struct projection *p, struct err *owner);

// session_history: what the activation saw and did, as `entries`.
void records_add_history(struct batch *batch, const struct projection *p, int64_t history_days,
                         struct err *owner);

/*
 * chats: the thread, with its counters; sales-os's and whatsapp-clone's fields. pausedUntil: a
 * person answered, until then the flow stays silent. lastMessageId: lastMessage's platform id.
 * status "handoff": a flow gave the chat to people; handoff {team, note, since, until, nodeId,
 * sessionId}, and when it is over `over` and `endedAt`. notes[] {id, text, nodeId, sessionId, at},
 * the last CHAT_NOTES_MAX. customerProfile {email, phone}, as flows recorded them.
 */
enum { CHAT_NOTES_MAX = 100 };
void records_add_chat(struct batch *batch, const struct projection *p, struct err *owner);
// A pause or a handoff that is over, a chat that became part of this one: in a batch of their own.
void records_add_chat_changes(struct batch *batch, const struct projection *p, struct err *owner);

/*
 * calls, whatsapp-clone's fields, under the account and the platform's id of the call: roomId (both
 * of them), callId, direction in | out, status ringing | missed | rejected | answered | ended with
 * its statusRank, participants, events[] as told, answeredAt, endedAt, duration in seconds,
 * endReason. `ranks` is a batch of its own that runs after `calls`.
 */
void records_add_calls(struct batch *calls, struct batch *ranks, const struct projection *p,
                       struct err *owner);

/*
 * Stores a projection that is beside the chat's activations, at once: its message, and what the
 * chat's document tells of it. Finds the chat by any name of the person, and names it in `p`.
 * Blocking. False: as batch_run.
 */
MUST_USE bool records_store_beside(struct db *db, struct projection *p, struct err *owner,
                                   struct err *err);

// The pieces. `order` places a message in its chat.
MUST_USE bson_t *records_message(const struct projection *p, const struct message_record *m,
                                 int64_t order);
int64_t records_order(int64_t sequence, int64_t index);
int64_t records_sequence(const struct projection *p);

// "platform:account" of a projection; caller frees.
MUST_USE char *records_account_key(const struct projection *p);
