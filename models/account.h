// SPDX-License-Identifier: MIT
/*
 * Accounts: the collection `integrations` (sales-os), unique by (platform, platform account id),
 * with the enabled flows in flows[] and the token encrypted at rest. Blocking: pool threads or the
 * command line.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event.h"
#include "models/store.h"

enum { SECRET_NAME_MAX = 64, KNOWLEDGE_BYTES_MAX = 32 * 1024 };

// A secret that flows use (account_secret.h).
struct account_secret {
    char name[SECRET_NAME_MAX + 1];
    char *value; // opened; NULL: its key is not (any more) at hand
};

// settings.budgets: what flows may spend; < 0 = as configured, 0 = no limit.
struct account_budgets {
    int64_t contact_sends_per_day, contact_calls_per_day, contact_tokens_per_day;
    int64_t sends_per_hour, calls_per_hour, tokens_per_hour;
};

struct account {
    char id[25];      // ObjectId of the integration
    char user_id[25]; // owner
    enum platform platform;
    char *account_id; // Page id, Instagram account id, phone_number_id
    char *name;
    char *status;          // connected, disconnected, error, pending
    char *token;           // opened; secret
    char *login;           // instagram only: "facebook" or "instagram" (which host serves it)
    char *page_id;         // instagram by Facebook Login: the linked page, or NULL
    char *waba_id;         // whatsapp: its WhatsApp Business Account, or NULL
    int64_t pause_minutes; // how long a person's answer keeps the flow silent; < 0 = as configured
    char *ambiguous;       // policy "resend" or "skip"
    char (*flows)[25];     // enabled flows, in order
    size_t flow_count;
    struct account_secret *secrets; // sorted by name; of account_load alone
    size_t secret_count;
    char *knowledge; // the owner's knowledge base, its first KNOWLEDGE_BYTES_MAX; NULL = none; of
                     // account_load alone
    int64_t updated_ms;
    struct account_budgets budgets;
    cJSON *facts; // what flows see of it: {id, name, platform, timezone?, locale?, businessHours?}
};
void account_free(struct account *account); // wipes token and secrets

// The opened value, borrowed: it must not reach a log, a message or an answer. NULL: there is none,
// or it cannot be opened.
const char *account_find_secret(const struct account *account, const char *name);

// Loads by platform and platform account id; ERR_NOT_FOUND names what to do.
MUST_USE bool account_load(struct db *db, enum platform platform, const char *account_id,
                           struct account **ret_account, struct err *err);

// Adds, or fails with ERR_CONFLICT. user_id NULL = the first admin.
MUST_USE bool account_add(struct db *db, const struct account *account, char ret_id[25],
                          struct err *err);
MUST_USE bool account_set_token(struct db *db, enum platform platform, const char *account_id,
                                const char *token, struct err *err);
MUST_USE bool account_set_status(struct db *db, enum platform platform, const char *account_id,
                                 const char *status, const char *error, struct err *err);
// Puts the flow first in flows[] (enable) or takes it out (disable); idempotent.
MUST_USE bool account_enable_flow(struct db *db, enum platform platform, const char *account_id,
                                  const char *flow_id, struct err *err);
MUST_USE bool account_disable_flow(struct db *db, enum platform platform, const char *account_id,
                                   const char *flow_id, struct err *err);

// Every account, without tokens (token is NULL) and secrets, sorted by platform and id.
typedef void (*account_fn)(void *arg, const struct account *account);
MUST_USE bool account_each(struct db *db, account_fn fn, void *arg, struct err *err);
