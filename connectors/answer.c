// SPDX-License-Identifier: MIT
// Reads hints and words from providers' answers; nothing in them is trusted.
#include "connectors/answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/utf8.h"

static const int64_t WAIT_MAX_MS = 24 * 3600 * 1000;

static int64_t wait_ms(double amount, double unit_ms)
{
    double ms = amount * unit_ms;

    if (!(ms > 0)) // also NaN
        return 0;
    return ms > (double)WAIT_MAX_MS ? WAIT_MAX_MS : (int64_t)ms;
}

// The largest estimated_time_to_regain_access (minutes) anywhere in a usage header's JSON.
static double usage_minutes(const cJSON *item)
{
    double most = 0;

    for (const cJSON *child = item ? item->child : NULL; child; child = child->next) {
        double minutes = usage_minutes(child);
        if (child->string && strcmp(child->string, "estimated_time_to_regain_access") == 0)
            minutes = (double)json_int(item, child->string, 0);
        if (minutes > most)
            most = minutes;
    }
    return most;
}

static bool is_usage_header(const char *name)
{
    size_t len = strlen(name);
    return len > 8 && strncasecmp(name, "x-", 2) == 0 && strcasecmp(name + len - 6, "-usage") == 0;
}

int64_t answer_retry_after_ms(const struct http_response *response)
{
    int64_t longest = 0;

    for (size_t i = 0; i < response->header_count; i++) {
        const struct http_header *header = &response->headers[i];
        int64_t ms = 0;
        if (strcasecmp(header->name, "retry-after") == 0) {
            char *end;
            double seconds = strtod(header->value, &end); // the other form, a date, is not used
            ms = end != header->value && *end == '\0' ? wait_ms(seconds, 1000) : 0;
        } else if (is_usage_header(header->name)) {
            cJSON *usage = json_read(header->value, strlen(header->value), NULL);
            ms = wait_ms(usage_minutes(usage), 60000);
            cJSON_Delete(usage);
        }
        if (ms > longest)
            longest = ms;
    }
    return longest;
}

void answer_text(char out[ANSWER_TEXT_MAX], const char *text, const char *secret)
{
    size_t secret_len = secret ? strlen(secret) : 0;
    size_t len = 0;

    while (text && *text && len + 4 < ANSWER_TEXT_MAX) {
        if (secret_len && strncmp(text, secret, secret_len) == 0) {
            memcpy(out + len, "***", 3);
            len += 3;
            text += secret_len;
            continue;
        }
        unsigned char c = (unsigned char)*text++;
        out[len++] = c < ' ' || c == 0x7f ? ' ' : (char)c;
    }
    out[text && *text ? utf8_cut_bytes(out, len, len - 1) : len] = '\0';
}
