// SPDX-License-Identifier: MIT
/*
 * Structured log lines on stderr, one write() each:
 *   2026-11-21T08:49:54.123Z warn listener.signature app=demo reason="header missing"
 * An event name (module.what) and key=value pairs; values with blanks are quoted, control
 * characters escaped, so a line stays a line whatever came from outside. Secrets are never passed.
 * The layer that handles an error logs it, once. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/mem.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

// "debug", "info", "warn", "error" → level; false when it is none of them.
bool log_level_parse(const char *name, enum log_level *ret_level);

void log_set_level(enum log_level level);
bool log_wants(enum log_level level); // whether lines of it are written: spares making their values

/*
 * Writes one line. Pairs are (const char *key, const char *value), ended by NULL; a pair whose
 * value is NULL is left out. Use the macros.
 */
void log_write(enum log_level level, const char *event, ...) __attribute__((sentinel));

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__, (char *)NULL)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__, (char *)NULL)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__, (char *)NULL)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__, (char *)NULL)

// A number as a short-lived string for a log pair: one of 8 per-thread slots, used in turn.
const char *log_int(long long value);
