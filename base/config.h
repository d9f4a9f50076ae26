// SPDX-License-Identifier: MIT
/*
 * Configuration: one INI file and the environment; the environment wins. One table (config.c) names
 * every key with its section, type, default and help, and is what parses, checks, and prints them.
 * Unknown keys in the file are errors that name the nearest match. Any secret can be given as a
 * file (`key_file = path`, `HOOKMILL_…_FILE`).
 *
 *   [redis] url            HOOKMILL_REDIS_URL
 *   [app shop] secret      HOOKMILL_APP_SHOP_SECRET
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/callback_token.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/log.h"

// A Meta app whose webhooks arrive at /webhooks/{name}.
struct config_app {
    char *name;
    char *id; // Meta's app id, or NULL: tells our own echoes, lets `doctor` ask about the app
    char *secret;
    char *previous_secret; // still accepted while a secret is being rotated; or NULL
    char *verify_token;
};

struct config {
    char *redis_url;
    char *mongodb_uri;
    int64_t mongodb_threads;

    char *listen_address;
    int64_t listen_port;
    int64_t listen_max_body; // bytes
    int64_t listen_max_connections;
    int64_t
        listen_deadline_ms;   // a request must be complete this long after accept or its first byte
    int64_t listen_answer_ms; // a delivery is answered within this
    int64_t listen_processes;
    char *listen_tls_certificate, *listen_tls_key; // files; "" = no TLS
    char *listen_tls_client_ca;                    // file; "" = no client certificate is asked for
    char *listen_tls_client_name;                  // common name that it must have
    char *listen_trusted_proxies;                  // networks, comma-separated
    char *listen_public_url; // of this listener, as services reach it; "" = no callbacks
    char *spool_directory;   // "" = none: without Redis deliveries are answered 503
    int64_t spool_max_mb;
    char *archive_directory; // "" = none
    int64_t archive_max_mb;
    int64_t queue_give_up_ms;
    int64_t queue_lease_ms;
    int64_t queue_high_water;  // percent of maxmemory
    int64_t queue_low_water;   // percent of both marks
    int64_t queue_max_waiting; // events
    int64_t queue_shards;      // used by `init` only

    int64_t worker_processes;
    int64_t worker_claim_batch;
    int64_t worker_cache_ms;     // how long an account is believed
    int64_t worker_linger_ms;    // how long the writer collects
    int64_t worker_settle_ms;    // how long an ambiguous attempt waits for a status or an echo
    int64_t worker_max_retries;  // of a chat completion
    int64_t worker_send_hours;   // how long a message is tried
    int64_t worker_aggregate_ms; // how often flow statistics are computed
    int64_t worker_history_days; // retention of session_history
    bool worker_mark_read;
    int64_t worker_pause_minutes; // after a person answered; 0 = not at all
    // Of each contact in a day (UTC), and of each account in an hour; 0 = no limit
    int64_t worker_budget_contact_sends, worker_budget_contact_api_calls,
        worker_budget_contact_tokens;
    int64_t worker_budget_sends, worker_budget_api_calls, worker_budget_tokens;
    char *worker_status_listen; // address:port of /metrics and /readyz; "" = none

    char *graph_facebook_url, *graph_instagram_url, *graph_version;
    int64_t graph_timeout_ms;
    char *groq_url, *groq_key, *groq_models;
    int64_t groq_timeout_ms;

    char *encryption_key; // keyring text, see crypto.h
    struct keyring keyring;
    char *callbacks_key;                // the same; "" = encryption_key
    struct callback_keys callback_keys; // derived from it
    char *log_level;

    struct config_app *apps;
    size_t app_count;
};

/*
 * Reads `path` (NULL: HOOKMILL_CONFIG, else /etc/hookmill/hookmill.ini if it exists, else no file),
 * then the environment. Fills defaults. err names file, line, key.
 */
MUST_USE bool config_load(const char *path, struct config *ret_config, struct err *err);
void config_deinit(struct config *config); // wipes secrets

// What a command cannot do without: `need` is e.g. "redis.url". ERR_CONFIG says how to set it.
MUST_USE bool config_require_keyring(const struct config *config, struct err *err);
MUST_USE bool config_require_apps(const struct config *config, struct err *err);

const struct config_app *config_find_app(const struct config *config, const char *name);

// The table as text: for --help, the man page and the example configuration.
void config_print_help(FILE *out);

// The word of `words` (NULL-ended) nearest to `word` by edit distance ≤ max, or NULL.
const char *nearest_word(const char *word, const char *const *words, unsigned max);
