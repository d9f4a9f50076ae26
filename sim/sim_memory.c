// SPDX-License-Identifier: MIT
// What the simulator remembers: each API request in one allocation, in order, up to a bound.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "sim/internal.h"

struct record {
    uint64_t n;
    int64_t at_ms;
    const char *platform, *method, *kind; // constants of the program
    const char *path, *account, *to, *text, *message_id, *attempt;
    const char *body;
    bool body_is_json;
    int status;
    char strings[];
};

struct sim_memory {
    struct record **records;
    size_t count, cap, max_requests;
    size_t bytes, max_bytes;
    uint64_t next_n, dropped;
};

struct sim_memory *sim_memory_new(size_t max_requests, size_t max_bytes)
{
    struct sim_memory *memory = x_alloc(sizeof *memory);

    memory->max_requests = max_requests;
    memory->max_bytes = max_bytes;
    return memory;
}

void sim_memory_free(struct sim_memory *memory)
{
    if (!memory)
        return;
    sim_memory_clear(memory);
    free(memory->records);
    free(memory);
}

void sim_memory_clear(struct sim_memory *memory)
{
    for (size_t i = 0; i < memory->count; i++)
        free(memory->records[i]);
    memory->count = memory->bytes = memory->dropped = 0;
}

size_t sim_memory_count(const struct sim_memory *memory)
{
    return memory->count;
}

uint64_t sim_memory_dropped(const struct sim_memory *memory)
{
    return memory->dropped;
}

static size_t size_of(const char *s)
{
    return s ? strlen(s) + 1 : 0;
}

// Copies the string to *at and moves it on.
static const char *keep(char **at, const char *s)
{
    if (!s)
        return NULL;
    char *copy = *at;
    size_t size = strlen(s) + 1;
    memcpy(copy, s, size);
    *at += size;
    return copy;
}

void sim_memory_add(struct sim_memory *memory, const struct sim_request *request)
{
    const char *id = request->message_id[0] ? request->message_id : NULL;
    const char *account = request->account[0] ? request->account : NULL;
    size_t size = sizeof(struct record) + size_of(request->path) + size_of(account) +
                  size_of(request->to) + size_of(request->text) + size_of(id) +
                  size_of(request->attempt) + request->body_len + 1;

    memory->next_n++;
    if (memory->count == memory->max_requests || memory->bytes + size > memory->max_bytes) {
        memory->dropped++;
        return;
    }
    if (memory->count == memory->cap) {
        memory->cap = memory->cap ? memory->cap * 2 : 1024;
        memory->records = x_realloc(memory->records, memory->cap, sizeof *memory->records);
    }
    struct record *record = x_alloc(size);
    char *at = record->strings;
    record->n = memory->next_n;
    record->at_ms = clock_wall_ms();
    record->platform = request->platform;
    record->method = request->method;
    record->kind = request->kind;
    record->path = keep(&at, request->path);
    record->account = keep(&at, account);
    record->to = keep(&at, request->to);
    record->text = keep(&at, request->text);
    record->message_id = keep(&at, id);
    record->attempt = keep(&at, request->attempt);
    record->body = at;
    memcpy(at, request->body, request->body_len); // x_alloc zeroed the byte behind it
    record->body_is_json = request->json != NULL;
    record->status = request->status;
    memory->records[memory->count++] = record;
    memory->bytes += size;
}

static void print_member(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, ",\"%s\":", name);
    buf_add_json_str(out, value && !utf8_valid(value, strlen(value)) ? "(not UTF-8)" : value);
}

static void print_record(const struct record *record, struct buf *out)
{
    buf_printf(out, "{\"n\":%llu,\"at\":%lld,\"status\":%d", (unsigned long long)record->n,
               (long long)record->at_ms, record->status);
    print_member(out, "platform", record->platform);
    print_member(out, "method", record->method);
    print_member(out, "path", record->path);
    print_member(out, "account", record->account);
    print_member(out, "to", record->to);
    print_member(out, "kind", record->kind);
    print_member(out, "text", record->text);
    print_member(out, "message_id", record->message_id);
    print_member(out, "attempt", record->attempt);
    if (record->body_is_json) {
        buf_add_str(out, ",\"body\":");
        buf_add_str(out, record->body);
    } else {
        print_member(out, "body", record->body);
    }
    buf_add_char(out, '}');
}

bool sim_is_same_person(const char *want, const char *to)
{
    return to && strcmp(want + (*want == '+'), to + (*to == '+')) == 0;
}

static bool is_wanted(const char *want, const char *have)
{
    return !want || (have && strcmp(want, have) == 0);
}

void sim_memory_print(const struct sim_memory *memory, const struct sim_filter *filter,
                      struct buf *out)
{
    const char *comma = "";

    buf_add_char(out, '[');
    for (size_t i = 0; i < memory->count; i++) {
        const struct record *record = memory->records[i];
        if (record->n <= filter->since || !is_wanted(filter->platform, record->platform) ||
            (filter->to && !sim_is_same_person(filter->to, record->to)) ||
            !is_wanted(filter->account, record->account))
            continue;
        buf_add_str(out, comma);
        print_record(record, out);
        comma = ",\n";
    }
    buf_add_char(out, ']');
}
