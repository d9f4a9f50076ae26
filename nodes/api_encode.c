// SPDX-License-Identifier: MIT
// Percent-encoding.
#include "nodes/api_encode.h"

#include <ctype.h>
#include <string.h>

#include "engine/value.h"

void url_escape(const char *value, struct buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        if (isalnum(c) || strchr("-._~", c)) {
            buf_add_char(out, (char)c);
            continue;
        }
        char hex[3] = {'%', digits[c >> 4], digits[c & 15]};
        buf_add(out, hex, sizeof hex);
    }
}

static void pair_add(const char *name, const cJSON *value, size_t start, struct buf *out)
{
    if (!value || cJSON_IsNull(value))
        return;
    struct buf text = {.max = out->max};
    value_text(value, &text);
    out->overflow |= text.overflow;
    if (out->len > start)
        buf_add_char(out, '&');
    url_escape(name, out);
    buf_add_char(out, '=');
    url_escape(text.data ? text.data : "", out);
    buf_deinit(&text);
}

void pairs_add(const cJSON *object, struct buf *out)
{
    size_t start = out->len;
    const cJSON *value, *element;
    cJSON_ArrayForEach(value, object) {
        if (!cJSON_IsArray(value)) {
            pair_add(value->string, value, start, out);
            continue;
        }
        cJSON_ArrayForEach(element, value) {
            pair_add(value->string, element, start, out);
        }
    }
}
