// SPDX-License-Identifier: MIT
// Writing JSON straight into a buffer: what cJSON would print, but for numbers that it would round.

#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

// What stands behind the backslash: a letter, or u00xx.
static void escape_write(struct buf *out, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *found = memchr(from, c, sizeof from - 1);
    if (found) {
        char pair[] = {'\\', to[found - from]};
        buf_add(out, pair, sizeof pair);
    } else {
        buf_printf(out, "\\u%04x", c);
    }
}

static void string_write(struct buf *out, const char *s)
{
    size_t left = s ? strlen(s) : 0;
    buf_add_char(out, '"');
    while (left > 0) {
        size_t run = utf8_plain_run(s, left);
        buf_add(out, s, run);
        s += run;
        left -= run;
        if (left == 0)
            break;
        escape_write(out, (unsigned char)*s++);
        left--;
    }
    buf_add_char(out, '"');
}

// In as few digits as give the same number again.
static void number_write(struct buf *out, double value)
{
    if (isnan(value) || isinf(value)) {
        buf_add_str(out, "null");
        return;
    }
    if (fabs(value) < 1e15 && value == floor(value) && !(value == 0 && signbit(value))) {
        buf_add_int(out, (int64_t)value);
        return;
    }
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) // NOLINT: exactly the same is meant
            break;
    }
    buf_add_str(out, text);
}

static void item_write(struct buf *out, const cJSON *item);

static void children_write(struct buf *out, const cJSON *item, bool object)
{
    buf_add_char(out, object ? '{' : '[');
    for (const cJSON *child = item->child; child; child = child->next) {
        if (object) {
            string_write(out, child->string);
            buf_add_char(out, ':');
        }
        item_write(out, child);
        if (child->next)
            buf_add_char(out, ',');
    }
    buf_add_char(out, object ? '}' : ']');
}

static void item_write(struct buf *out, const cJSON *item)
{
    switch (item->type & 0xff) {
    case cJSON_False:
        buf_add_str(out, "false");
        break;
    case cJSON_True:
        buf_add_str(out, "true");
        break;
    case cJSON_Number:
        number_write(out, item->valuedouble);
        break;
    case cJSON_String:
        string_write(out, item->valuestring);
        break;
    case cJSON_Raw:
        buf_add_str(out, item->valuestring);
        break;
    case cJSON_Array:
    case cJSON_Object:
        children_write(out, item, cJSON_IsObject(item));
        break;
    default:
        buf_add_str(out, "null");
    }
}

char *json_print(const cJSON *item)
{
    struct buf out = {0};
    if (!item)
        return NULL;
    item_write(&out, item);
    return buf_take(&out);
}

// The comma of all members but the first.
static void name_write(struct buf *out, const char *name)
{
    if (out->data[out->len - 1] != '{')
        buf_add_char(out, ',');
    buf_add_char(out, '"');
    buf_add_str(out, name);
    buf_add(out, "\":", 2);
}

void json_write_str(struct buf *out, const char *name, const char *value)
{
    if (!value)
        return;
    name_write(out, name);
    string_write(out, value);
}

void json_write_int(struct buf *out, const char *name, int64_t value)
{
    name_write(out, name);
    buf_add_int(out, value);
}

void json_write_tree(struct buf *out, const char *name, const cJSON *value)
{
    if (!value)
        return;
    name_write(out, name);
    item_write(out, value);
}
