// SPDX-License-Identifier: MIT
// Structured log lines (see log.h).

#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { LINE_MAX_BYTES = 4096, VALUE_MAX_BYTES = 1024 };

static atomic_int threshold = LOG_INFO;
static const char *const level_names[] = {"debug", "info", "warn", "error"};

bool log_level_parse(const char *name, enum log_level *ret_level)
{
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, (int)level);
}

bool log_wants(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&threshold, memory_order_relaxed);
}

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

static void put(struct line *line, const char *s, size_t len)
{
    size_t room = sizeof line->text - 1 - line->len; // one byte is kept for the newline
    if (len > room)
        len = room;
    memcpy(line->text + line->len, s, len);
    line->len += len;
}

// A value that holds blanks, quotes or control characters is quoted and escaped.
static void put_value(struct line *line, const char *value)
{
    size_t len = strnlen(value, VALUE_MAX_BYTES);
    bool plain = len > 0;
    for (size_t i = 0; i < len && plain; i++)
        plain = (unsigned char)value[i] > ' ' && value[i] != '"' && value[i] != '\\' &&
                value[i] != 0x7f;
    if (plain) {
        put(line, value, len);
        return;
    }
    put(line, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        char escaped[8];
        if (c == '"' || c == '\\')
            snprintf(escaped, sizeof escaped, "\\%c", c);
        else if (c < ' ' || c == 0x7f)
            snprintf(escaped, sizeof escaped, "\\x%02x", c);
        else
            snprintf(escaped, sizeof escaped, "%c", c);
        put(line, escaped, strlen(escaped));
    }
    put(line, "\"", 1);
}

void log_write(enum log_level level, const char *event, ...)
{
    if ((int)level < atomic_load(&threshold))
        return;
    struct line line = {.len = 0};
    char now[32];
    clock_iso(clock_wall_ms(), now);
    put(&line, now, strlen(now));
    put(&line, " ", 1);
    put(&line, level_names[level], strlen(level_names[level]));
    put(&line, " ", 1);
    put(&line, event, strlen(event));
    va_list ap;
    va_start(ap, event);
    for (const char *key = va_arg(ap, const char *); key; key = va_arg(ap, const char *)) {
        const char *value = va_arg(ap, const char *);
        if (!value)
            continue;
        put(&line, " ", 1);
        put(&line, key, strlen(key));
        put(&line, "=", 1);
        put_value(&line, value);
    }
    va_end(ap);
    line.text[line.len++] = '\n';
    if (write(STDERR_FILENO, line.text, line.len) < 0)
        return; // nowhere to say it
}

const char *log_int(long long value)
{
    static _Thread_local char slots[8][24];
    static _Thread_local unsigned next;
    char *slot = slots[next++ % 8];
    snprintf(slot, sizeof slots[0], "%lld", value);
    return slot;
}
