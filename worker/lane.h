// SPDX-License-Identifier: MIT
/*
 * An account's lane: statuses, echoes and account-level events, in order, beside the chats.
 * Receipts settle ambiguous attempts and move the status of our messages forward; the rest is kept
 * in session_history. Loop thread.
 */
#pragma once

struct queue_claim;
struct worker;

// Takes over one claimed lane. The claim is borrowed.
void lane_start(struct worker *worker, const struct queue_claim *claim);
