// SPDX-License-Identifier: MIT
// Typed values as models write them.
#include "nodes/ai_value.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "engine/node.h"
#include "engine/value.h"
#include "engine/zone.h"

enum { PHONE_DIGITS_MIN = 5, PHONE_DIGITS_MAX = 15 }; // E.164

const char *const ai_value_types[] = {"text",  "number", "integer", "boolean", "date",
                                      "email", "phone",  "enum",    NULL};

// Something@host.tld without blanks.
static bool is_email(const char *text)
{
    const char *at = strchr(text, '@');
    if (!at || at == text || strchr(at + 1, '@') || strpbrk(text, " \t\r\n<>,;"))
        return false;
    const char *dot = strrchr(at, '.');
    return dot && dot > at + 1 && dot[1];
}

static cJSON *number_read(const cJSON *value, bool whole)
{
    double number;
    if (!value_is_number(value, &number) || (whole && floor(number) != number))
        return NULL;
    return cJSON_CreateNumber(number);
}

static cJSON *boolean_read(const cJSON *value)
{
    if (cJSON_IsBool(value))
        return cJSON_CreateBool(cJSON_IsTrue(value));
    const char *text = cJSON_GetStringValue(value);
    if (text && (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0))
        return cJSON_CreateBool(tolower((unsigned char)*text) == 't');
    return NULL;
}

static cJSON *date_read(const char *text)
{
    int64_t ms;
    if (strlen(text) < 10 || !zone_parse_iso(text, NULL, &ms))
        return NULL;
    char day[11];
    memcpy(day, text, 10);
    day[10] = '\0';
    return cJSON_CreateString(day);
}

static cJSON *phone_read(const char *text)
{
    char digits[PHONE_DIGITS_MAX + 2];
    size_t len = 0;
    text += strspn(text, " (");
    if (*text == '+')
        digits[len++] = *text++;
    for (; *text; text++) {
        if (strchr(" ()-./", *text))
            continue;
        if (!isdigit((unsigned char)*text) || len == sizeof digits - 1)
            return NULL;
        digits[len++] = *text;
    }
    digits[len] = '\0';
    size_t count = len - (digits[0] == '+');
    return len && count >= PHONE_DIGITS_MIN && count <= PHONE_DIGITS_MAX
               ? cJSON_CreateString(digits)
               : NULL;
}

static cJSON *word_read(const cJSON *words, const char *text)
{
    const cJSON *word;
    cJSON_ArrayForEach(word, words) {
        if (cJSON_IsString(word) && strcasecmp(word->valuestring, text) == 0)
            return cJSON_Duplicate(word, false);
    }
    return NULL;
}

static cJSON *text_read(enum ai_value_type type, const cJSON *words, const char *text)
{
    if (text_is_blank(text) || !utf8_valid(text, strlen(text)))
        return NULL;
    switch (type) {
    case AI_DATE:
        return date_read(text);
    case AI_EMAIL:
        return is_email(text) ? cJSON_CreateString(text) : NULL;
    case AI_PHONE:
        return phone_read(text);
    case AI_ENUM:
        return word_read(words, text);
    default:
        return cJSON_CreateString(text);
    }
}

cJSON *ai_value_read(enum ai_value_type type, const cJSON *words, const cJSON *value)
{
    if (type == AI_BOOLEAN)
        return boolean_read(value);
    if (type == AI_NUMBER || type == AI_INTEGER)
        return number_read(value, type == AI_INTEGER);
    if (type == AI_TEXT || type == AI_PHONE || cJSON_IsString(value)) {
        struct buf text = {0};
        if (!cJSON_IsString(value) && !cJSON_IsNumber(value))
            return NULL;
        value_text(value, &text);
        cJSON *read = text_read(type, words, text.data ? text.data : "");
        buf_deinit(&text);
        return read;
    }
    return NULL;
}
