// SPDX-License-Identifier: MIT
/*
 * An account's lane: statuses, reads, reactions, echoes and account-level events, in order, beside
 * the chats. Receipts settle ambiguous attempts and move the status of our messages forward;
 * reactions are put on the messages; an echo of what somebody else wrote in a chat pauses its flow
 * and becomes part of its thread; the rest is kept in session_history. Loop thread.
 */
#pragma once

struct queue_claim;
struct worker;

// Takes over one claimed lane. The claim is borrowed.
void lane_start(struct worker *worker, const struct queue_claim *claim);
